//! The active set against real servers: who has which entity in hand, and that set and table stay of one mind.

use std::{collections::BTreeMap, sync::Arc};

use drivers::pg::PoolMode;
use model::recorder::{MetricData, Totals, WindowKind};
use script::{Stage, Wiring};
use serde_json::{Value, json};

use crate::{
    servers::wired,
    tools::{call_with, on_core, play, program},
};

/// Calls `setup`, plays on `cores` cores, calls `verify` and gives what was recorded and what `verify` returned.
pub(crate) fn story(text: &str, pool: PoolMode, cores: usize) -> (Totals, Value, Wiring) {
    let program = program(text);
    let wiring = wired(&program, pool);
    let shared = on_core(async {
        let stage = Stage::new(&program, wiring.clone(), None).expect("the stage compiles the script");
        Arc::new(stage.call("setup").await.expect("setup"))
    });
    let totals = play(&program, &wiring, Some(shared.clone()), cores);
    assert_eq!(wiring.findings.complaints(), [], "no iteration failed");
    let seen = on_core(async {
        let stage =
            Stage::new(&program, wiring.clone(), Some(shared)).expect("the stage compiles the script");
        stage.call("seen").await.expect("seen").to_json()
    });
    (totals, seen, wiring)
}

fn counters(totals: &Totals) -> BTreeMap<String, f64> {
    let metrics = totals.window(WindowKind::Measure).metrics.iter();
    let counter = |(name, data): (&_, &_)| match data {
        MetricData::Counter { sum, .. } => Some((ToString::to_string(name), *sum)),
        _ => None,
    };
    metrics.filter_map(counter).collect()
}

/// Churn over a small active set.
const CHURN: &str = r#"
fn options() { #{ scenarios: #{ churn: #{ executor: "per-vu-iterations", vus: 4, iterations: 300, exec: "transition" } } } }
fn setup() {
    pg::batch(`DROP TABLE IF EXISTS NAME; CREATE TABLE NAME (
        run_id text PRIMARY KEY, seq bigint NOT NULL, status text NOT NULL, updated_at timestamptz DEFAULT '2020-01-01')`);
    let head = pg::table("NAME", #{ key: "run_id", op: "head", touch: "updated_at", defaults: #{ status: "running" } });
    let runs = entities::active(#{ count: 200, target: [3, 6], sleepers: 0.1, IDS });
    let loaded = runs.load(head);
    if loaded.affected != 200 { throw `${loaded.affected} rows`; }
    #{ head: head, runs: runs }
}
fn transition(vu) {
    let run = vu.shared.runs.pick(vu);
    let head = vu.shared.head;
    if run.is_unsure { head.refresh(run); metric::counter("refreshed", 1); }
    else if !run.is_complete { head.advance(run); metric::counter("advanced", 1); }
    else if head.complete(run).ok { run.replace(); head.create(run); metric::counter("completed", 1); }
}
fn seen(shared) {
    pg::query(`SELECT count(*) AS rows, count(*) FILTER (WHERE seq = 0) AS fresh, max(seq) AS longest,
        count(*) FILTER (WHERE status <> 'running') AS strange,
        count(*) FILTER (WHERE seq > 0 AND updated_at < '2021-01-01') AS untouched FROM NAME`, [])[0]
}
"#;

fn churn(table: &str, ids: &str) -> String {
    CHURN.replace("NAME", table).replace("IDS", ids)
}

#[test]
fn churn_keeps_the_size_of_the_set_and_never_conflicts() {
    let modes = [PoolMode::Dedicated, PoolMode::Pipelined { connections: 2 }, PoolMode::Pooled { size: 4 }];
    for (n, pool) in modes.into_iter().enumerate() {
        let ids = if n == 0 { "ids: \"random\"" } else { "ids: \"ordered\"" };
        let (totals, seen, _) = story(&churn(&format!("t_churn_{n}"), ids), pool, 2);
        let counted = counters(&totals);
        assert!(!counted.contains_key("refreshed"), "{pool:?}: nobody else moves a run: {counted:?}");
        assert!(counted["completed"] > 50.0 && counted["advanced"] > 600.0, "{counted:?}");
        assert_eq!(seen["rows"], 200, "{pool:?}: {seen}");
        assert_eq!((&seen["strange"], &seen["untouched"]), (&json!(0), &json!(0)), "{seen}");
        let ops = &totals.window(WindowKind::Measure).ops;
        for op in ["head.cas", "head.delete", "head.insert"] {
            assert!(ops.keys().any(|(name, _)| &**name == op), "{op} is recorded");
        }
    }
}

#[test]
fn a_virtual_user_that_is_hired_again_finds_its_share_as_it_left_it() {
    let closed = r#"executor: "per-vu-iterations", vus: 4, iterations: 300,"#;
    let open = r#"executor: "constant-arrival-rate", rate: 400, duration: "1s", max_vus: 4,"#;
    let text = churn("t_rehired", "ids: \"ordered\"").replace(closed, open);
    assert!(text.contains(open), "the scenario is an open one");
    // So few that each is picked again and again.
    let text =
        text.replace("200", "20").replace("fn transition(vu) {", "fn transition(vu) {\n    vu.stop();");
    let (totals, seen, _) = story(&text, PoolMode::Pipelined { connections: 2 }, 2);
    let counted = counters(&totals);
    assert!(!counted.contains_key("refreshed"), "what was done before is known: {counted:?}");
    assert!(counted["completed"] > 0.0, "{counted:?}");
    assert_eq!(seen["rows"], 20, "{seen}");
}

/// What each virtual user picked, in order.
fn picks(cores: usize, settings: &str) -> BTreeMap<String, f64> {
    let text = r#"
fn options() { #{ scenarios: #{ main: #{ executor: "per-vu-iterations", vus: 5, iterations: 40, exec: "work" } } } }
fn setup() { #{ runs: entities::active(#{ SETTINGS }) } }
fn work(vu) {
    let run = vu.shared.runs.pick(vu);
    if run.index % 5 != vu.id { throw `${run} is not of VU ${vu.id}`; }
    metric::counter(`${vu.iteration}: ${run.id} ${run.seq} ${run.target} ${run.is_complete} ${run.is_unsure}`, 1);
    metric::counter(`index ${run.index}`, 1);
}
fn seen() { }
"#;
    let (totals, ..) = story(&text.replace("SETTINGS", settings), PoolMode::Dedicated, cores);
    counters(&totals)
}

#[test]
fn the_same_seed_picks_the_same_entities_on_one_core_and_on_three() {
    let settings = "count: 50, target: [5, 20], sleepers: 0.2";
    let one = picks(1, settings);
    assert_eq!(one, picks(3, settings));
    assert_ne!(one, picks(1, &format!("{settings}, prefix: \"other-\"")));
    let indices = one.keys().filter(|name| name.starts_with("index")).count();
    assert!((25..50).contains(&indices), "{indices} of 50 were picked, and some sleep");
}

/// What `setup` or the first iteration complains of.
fn complaint(settings: &str, vus: u32) -> String {
    let text = format!(
        r#"
fn options() {{ #{{ scenarios: #{{ one: #{{ executor: "shared-iterations", vus: {vus}, iterations: 2000, exec: "work" }},
    two: #{{ executor: "shared-iterations", vus: 1, iterations: 1, exec: "work" }} }} }} }}
fn setup() {{ #{{ runs: entities::active(#{{ {settings} }}) }} }}
fn work(vu) {{ vu.shared.runs.pick(vu); }}
"#
    );
    let program = program(&text);
    let wiring = crate::tools::wiring(&program);
    let shared = on_core(async {
        let stage = Stage::new(&program, wiring.clone(), None).expect("the stage compiles the script");
        stage.call("setup").await
    });
    match shared {
        Err(told) => told.to_string(),
        Ok(shared) => {
            play(&program, &wiring, Some(Arc::new(shared)), 1);
            let told: Vec<_> = wiring.findings.complaints().into_iter().map(|c| c.message).collect();
            told.join("\n")
        }
    }
}

#[test]
fn a_set_that_cannot_serve_says_why() {
    for (settings, vus, wanted) in [
        ("count: 0, target: 5", 1, "needs a whole number from 1 to 1000000000 as `count`"),
        ("count: 1.5, target: 5", 1, "needs a whole number from 1"),
        ("count: 5", 1, "needs `target`"),
        ("count: 5, target: [9, 5]", 1, "takes transitions from 1 to 65535"),
        ("count: 5, target: 0", 1, "takes transitions from 1"),
        ("count: 5, target: 5, sleepers: 1.2", 1, "takes a share from 0 to 1"),
        ("count: 5, target: 5, ids: \"order\"", 1, "did you mean `ordered`?"),
        ("count: 500, target: 5, sleepers: 1", 1, "lower `sleepers` (it is 1)"),
        ("count: 3, target: 5", 40, "are fewer than the 40 virtual users that pick from them"),
        ("count: 500, target: 5", 1, "`, which picked first: make `"),
    ] {
        let told = complaint(settings, vus);
        assert!(told.contains(wanted), "{settings}: {told}");
    }
}

#[test]
fn picking_is_for_iterations_and_making_for_setup() {
    let text = "fn setup() { entities::active(#{ count: 5, target: 5 }).pick(1) }";
    let told = call_with(crate::tools::wiring(&program(text)), &program(text), "setup").unwrap_err();
    assert!(told.contains("pick"), "{told}");
    let program = program(
        r#"
fn options() { #{ scenarios: #{ one: #{ executor: "shared-iterations", vus: 1, iterations: 1, exec: "work" } } } }
fn work(vu) { entities::active(#{ count: 5, target: 5 }); }
"#,
    );
    let wiring = crate::tools::wiring(&program);
    play(&program, &wiring, None, 1);
    let told = wiring.findings.complaints();
    assert!(told[0].message.contains("entities::active is for setup()"), "{told:?}");
}
