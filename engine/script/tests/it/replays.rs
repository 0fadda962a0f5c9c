//! Replays: what was recorded reaches the iteration it belongs to, and what cannot be replayed is told before it begins.

use std::{collections::BTreeMap, fs};

use model::recorder::{MetricData, WindowKind};
use script::{Program, evaluate};
use tempfile::TempDir;

use crate::tools::{inputs, play, wiring};

/// A folder with a trace, and a script that plays it with these settings and this function.
fn replaying(trace: &str, settings: &str, work: &str) -> (TempDir, Program) {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("trace.csv"), trace).unwrap();
    let text = format!(
        "fn options() {{\n    #{{ scenarios: #{{ again: #{{ executor: \"replay\", {settings}, exec: \"work\" }} }} }}\n}}\n\
         fn work(vu) {{ {work} }}\n"
    );
    let script = folder.path().join("again.rhai");
    fs::write(&script, text).unwrap();
    let program = Program::load(&script, None).expect("the script compiles");
    (folder, program)
}

/// Custom counters of a run, by name.
fn counters(trace: &str, settings: &str, work: &str, cores: usize) -> BTreeMap<String, f64> {
    let (_folder, program) = replaying(trace, settings, work);
    let totals = play(&program, &wiring(&program), None, cores);
    let window = totals.window(WindowKind::Measure);
    assert!(totals.failures().is_empty(), "{:?}", totals.failures());
    let counter = |(name, data): (&std::sync::Arc<str>, &MetricData)| match data {
        MetricData::Counter { sum, .. } => Some((name.to_string(), *sum)),
        _ => None,
    };
    window.metrics.iter().filter_map(|(name, data)| counter((name, data))).collect()
}

fn wanted(pairs: &[(&str, f64)]) -> BTreeMap<String, f64> {
    pairs.iter().map(|(name, sum)| ((*name).to_owned(), *sum)).collect()
}

const TRACE: &str = "time_ms,key,operation,size\n100,a,put,3\n100,b,get,4\n150,a,get,5\n151,007,put,6\n";

#[test]
fn each_iteration_has_its_own_entry_on_any_number_of_cores() {
    let work = r#"
        let entry = vu.entry;
        metric::counter(`${vu.iteration} ${entry.operation} ${entry.key} at ${entry.time_s * 1000.0} of ${entry.size}`, 1);
        sleep("5ms");
        if vu.entry.key.len() != entry.key.len() { fail("another entry"); }
    "#;
    for cores in [1, 2] {
        let found = counters(TRACE, r#"file: "trace.csv""#, work, cores);
        let all =
            ["0 put a at 0.0 of 3", "1 get b at 0.0 of 4", "2 get a at 50.0 of 5", "3 put 007 at 51.0 of 6"];
        assert_eq!(found, wanted(&all.map(|name| (name, 1.0))));
    }
}

#[test]
fn a_repeat_begins_anew_with_the_first_entry() {
    // 4 entries in 51 ms and a mean gap of 17 ms: 68 ms a pass, and the first two of the third.
    let settings = r#"file: "trace.csv", repeat: true, duration: "150ms""#;
    let found = counters(TRACE, settings, "metric::counter(vu.entry.key, 1);", 2);
    assert_eq!(found, wanted(&[("007", 2.0), ("a", 5.0), ("b", 3.0)]));
}

#[test]
fn who_replays_nothing_has_no_entry() {
    let program = crate::tools::program(
        r#"
fn options() { #{ scenarios: #{ main: #{ executor: "shared-iterations", iterations: 3, exec: "work" } } } }
fn work(vu) { metric::counter(`${vu.entry == ()}`, 1); }
"#,
    );
    let totals = play(&program, &wiring(&program), None, 1);
    assert!(totals.window(WindowKind::Measure).metrics.keys().all(|name| &**name == "true"));
}

#[test]
fn scale_and_speed_change_what_is_planned() {
    let (_folder, program) = replaying(TRACE, r#"file: "trace.csv", speed: 0.5"#, "");
    let planned = |scale| {
        let inputs = script::Inputs { scale, ..script::Inputs::default() };
        let options = evaluate(&program, &inputs.into()).unwrap().options;
        let load::executor::Executor::Replay(replay) = &options.scenarios[0].executor else {
            panic!("no replay")
        };
        let arrivals = replay.of_run(1, "again").arrivals(model::segment::Stride::ALL, replay.duration_ns);
        arrivals.map(|arrival| arrival.planned_ns / 1_000_000).collect::<Vec<_>>()
    };
    assert_eq!(planned(1.0), [0, 0, 100, 102]);
    assert_eq!(planned(2.0), [0, 0, 0, 50, 100, 101, 102, 119]);
    assert_eq!(planned(0.5).len(), 2);
}

#[test]
fn what_cannot_be_replayed_is_told_at_once() {
    let told = |trace: &str, settings: &str| {
        let (folder, program) = replaying(trace, settings, "");
        let told = evaluate(&program, &inputs(&[])).expect_err("it is refused");
        let lines: Vec<String> = told.iter().map(ToString::to_string).collect();
        lines.join("\n").replace(&folder.path().display().to_string(), "FOLDER")
    };
    let settings = r#"file: "trace.csv", speed: 0, repeat: true, max_vus: 0, rate: 5"#;
    let all = [
        told("time,key\n1,a\nlater,b\n0.5,c\n", settings),
        told(TRACE, settings),
        told(TRACE, r#"file: "tracce.csv""#),
        told(TRACE, "speed: 2"),
    ];
    insta::assert_snapshot!(all.join("\n\n"));
}
