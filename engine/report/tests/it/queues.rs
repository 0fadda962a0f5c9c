//! Ledgers of queues, on the terminal and in the report.

use model::runfile::{LedgerRecord, RunFile, WaitRecord};
use report::{Page, RunParts, markdown, summary};

use crate::runs::{self, DIRECTORY};

fn record(name: &str, figures: &[(&str, u64)], waits: &[(&str, u64)]) -> LedgerRecord {
    let wait = |&(name, p50_us): &(&str, u64)| WaitRecord {
        name: name.into(),
        count: 9_000,
        p50_us,
        p99_us: 7 * p50_us,
        max_us: 11 * p50_us,
    };
    LedgerRecord {
        name: name.into(),
        kind: "queue".into(),
        passed: true,
        figures: figures.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect(),
        waits: waits.iter().map(wait).collect(),
        ..LedgerRecord::default()
    }
}

/// One queue that lost an item, and one of which nobody told what remains.
fn run() -> RunFile {
    let figures = [
        ("pushed", 12_000),
        ("taken", 11_210),
        ("completed", 11_000),
        ("remaining", 792),
        ("lost", 1),
        ("twice", 0),
        ("early", 0),
        ("invented", 0),
        ("order", 0),
        ("redelivered", 4),
        ("late", 1),
        ("in_doubt", 2),
        ("ambiguous", 1),
        ("failed", 0),
    ];
    let waits = [("age", 1_204), ("age_priority_0", 1_100), ("age_priority_1", 3_204), ("lateness", 204)];
    let mut jobs = record("jobs", &figures, &waits);
    jobs.passed = false;
    jobs.examples =
        vec!["key 17 (priority 0): pushed at 1.203000s, never taken, and not there at the end".into()];
    let untold = [
        ("pushed", 7),
        ("taken", 0),
        ("twice", 0),
        ("early", 0),
        ("invented", 0),
        ("untaken", 7),
        ("in_doubt", 0),
    ];
    let mut run = runs::burst(&[]);
    run.ledgers = vec![jobs, record("mail|box", &untold, &[])];
    run
}

/// The part of a text from one mark to before another.
fn part<'t>(text: &'t str, from: &str, to: &str) -> &'t str {
    let text = &text[text.find(from).unwrap()..];
    text.split(to).next().unwrap()
}

#[test]
fn queues_on_the_terminal() {
    let text = summary(&run(), &Page::plain(DIRECTORY));
    insta::assert_snapshot!(part(&text, "  █ LEDGERS", "  █ TOTAL"));
}

#[test]
fn queues_in_the_report() {
    let text = markdown(&run(), &RunParts::default());
    insta::assert_snapshot!(part(&text, "## Ledgers", "\n## "));
}
