//! Comparisons, side by side, on the terminal and on the page.

use model::compare::{Figure, Interval};
use model::runfile::{CeilingRecord, ComparisonRecord, PairRecord, RunFile, Server, SideRecord, TurnRecord};
use report::{Page, RunParts, markdown, summary};

use crate::runs::{self, DIRECTORY};

fn interval(value: f64, share: f64) -> Option<Interval> {
    Some(Interval { value, low: value / (1.0 + share), high: value * (1.0 + share) })
}

fn side(name: &str, per_s: f64, share: f64) -> SideRecord {
    let turn = |n: u64| TurnRecord {
        round: n / 2 + 1,
        at_s: 2.2 * n as f64,
        disturbed: n == 5,
        iterations: (2.0 * per_s) as u64,
        per_s: per_s * (1.0 + 0.01 * n as f64),
        p50_ms: 32e3 / per_s,
        p99_ms: 90e3 / per_s,
    };
    SideRecord {
        name: name.to_owned(),
        iterations: (12.0 * per_s) as u64,
        failed: 0,
        per_s: interval(per_s, share),
        p50_ms: interval(32e3 / per_s, share),
        p99_ms: interval(90e3 / per_s, 3.0 * share),
        ceiling_share: Some(per_s / 21_300.0),
        turns: (0..6).map(turn).collect(),
    }
}

fn comparison(name: &str, sides: Vec<SideRecord>, pairs: Vec<PairRecord>) -> ComparisonRecord {
    ComparisonRecord {
        name: name.to_owned(),
        exec: name.to_owned(),
        vus: 32,
        rounds: 3,
        turn_s: 2.0,
        decide_by: Figure::Rate,
        margin: 0.05,
        confidence: 0.975,
        sides,
        pairs,
        ceiling: Some(CeilingRecord { side: "nothing".to_owned(), per_s: 21_300.0 }),
    }
}

fn pair(first: &str, second: &str, ratio: f64, sentence: &str) -> PairRecord {
    PairRecord {
        first: first.to_owned(),
        second: second.to_owned(),
        ratio: interval(ratio, 0.06),
        rounds: 3,
        decided: !sentence.starts_with("not decided"),
        sentence: sentence.to_owned(),
    }
}

fn run() -> RunFile {
    let mut run = runs::begun("c_backends", "C · Object stores compared");
    let server = |name: &str, client: &str| Server {
        name: name.to_owned(),
        kind: "S3-compatible object store".to_owned(),
        client: client.to_owned(),
        ..Server::default()
    };
    run.servers = vec![server("garage", "lean"), server("minio", "sdk")];
    let list = comparison(
        "list",
        vec![side("garage", 412.0, 0.03), side("minio", 4_120.0, 0.05)],
        vec![pair(
            "garage",
            "minio",
            10.0,
            "minio is better: minio has 10 times the rate of garage (9.43 to 10.6)",
        )],
    );
    let mut third = side("third", 0.0, 0.0);
    (third.per_s, third.p50_ms, third.p99_ms, third.ceiling_share) = (None, None, None, None);
    (third.iterations, third.failed, third.turns) = (9, 9, Vec::new());
    let put = comparison(
        "put",
        vec![side("garage", 3_900.0, 0.08), side("minio", 4_000.0, 0.09), third],
        vec![
            pair(
                "garage",
                "minio",
                1.03,
                "not decided: the ratio may be anything from 0.97 to 1.09, and 1 is among it",
            ),
            PairRecord {
                ratio: None,
                rounds: 0,
                ..pair("garage", "third", 0.0, "not decided: only 0 rounds gave figures of both")
            },
        ],
    );
    run.comparisons = vec![list, put];
    run
}

#[test]
fn the_sides_stand_beside_each_other() {
    let text = summary(&run(), &Page::plain(DIRECTORY));
    assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
    insta::assert_snapshot!(text);
}

#[test]
fn the_page_has_every_turn() {
    let parts = RunParts { directory: DIRECTORY.to_owned(), ..RunParts::default() };
    let text = markdown(&run(), &parts);
    let from = text.find("## Comparisons").unwrap();
    insta::assert_snapshot!(text[from..].split("\n## ").next().unwrap());
}
