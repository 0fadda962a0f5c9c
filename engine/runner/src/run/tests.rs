//! Whole runs of scripts that need no server.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
};

use super::*;
use crate::request::{LoadRequest, ScriptRequest, TargetRequest};

/// Two users that idle for a minute.
const IDLE: &str = r#"
fn options() { #{ scenarios: #{ main: #{ executor: "constant-vus", vus: 2, duration: "60s", exec: "work" } } } }
fn work() { sleep("5ms"); }
"#;

fn request(folder: &Path, script: &str) -> RunRequest {
    let path = folder.join("s.rhai");
    std::fs::write(&path, script).unwrap();
    RunRequest {
        script: ScriptRequest { path, ..ScriptRequest::default() },
        load: LoadRequest { warm_up: Some(Duration::ZERO), cores: Some(1), ..LoadRequest::default() },
        target: TargetRequest::default(),
        out: folder.join("results"),
        tags: Default::default(),
        judge_thresholds: true,
        control: None,
        yes: false,
        reset: false,
    }
}

#[test]
fn what_others_do_when_the_script_aborts_is_done_to_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let script = r#"
        fn options() { #{ scenarios: #{
            quick: #{ executor: "per-vu-iterations", vus: 1, iterations: 1, exec: "quit" },
            slow: #{ executor: "constant-vus", vus: 1, duration: "60s", exec: "work" },
        } } }
        fn quit() { sleep("100ms"); abort("enough"); }
        fn work() { sleep("1s"); }
    "#;
    let ended = run(&request(folder.path(), script), &|_| {}, &Interrupts::new()).unwrap();
    assert_eq!((ended.exit_code, ended.run.state), (ExitCode::Aborted, RunState::Aborted));
    let summary = ended.run.summary.unwrap();
    let slow = summary.scenarios.iter().find(|scenario| scenario.name == "slow").unwrap();
    assert_eq!((slow.done, slow.interrupted), (1, 0));
}

#[test]
fn a_listener_that_panics_ends_the_load() {
    let folder = tempfile::tempdir().unwrap();
    let began = Instant::now();
    let watch = |progress| {
        if matches!(progress, Progress::Phase("measure")) {
            // Not `panic!`, whose hook would fill the output of tests.
            std::panic::resume_unwind(Box::new("the listener panics"));
        }
    };
    let request = request(folder.path(), IDLE);
    let ended = catch_unwind(AssertUnwindSafe(|| run(&request, &watch, &Interrupts::new())));
    assert_eq!(
        ended.err().and_then(|panic| panic.downcast_ref::<&str>().copied()),
        Some("the listener panics")
    );
    assert!(
        began.elapsed() < Duration::from_secs(30),
        "the plan was played to its end: {:?}",
        began.elapsed()
    );
}

#[test]
fn who_asked_to_end_while_the_script_said_its_options_is_obeyed_before_anything_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let interrupts = Interrupts::new();
    interrupts.raise();
    let ended = run(&request(folder.path(), IDLE), &|_| {}, &interrupts);
    assert!(matches!(ended, Err(RunError::Interrupted)), "{ended:?}");
    assert!(!folder.path().join("results").exists());
}

#[test]
fn turns_that_run_into_each_other_are_no_comparison() {
    let folder = tempfile::tempdir().unwrap();
    let script = r#"
        fn options() { #{ comparisons: #{
            race: #{ exec: "work", sides: ["quick", "slow"], vus: 2, rounds: 3, turn: "100ms", rest: "20ms" },
        } } }
        fn work(vu) { sleep(if vu.side == "slow" { "400ms" } else { "5ms" }); }
    "#;
    let ended = run(&request(folder.path(), script), &|_| {}, &Interrupts::new()).unwrap();
    let comparison = &ended.run.comparisons[0];
    assert!(comparison.sides.iter().any(|side| side.turns.iter().any(|turn| turn.disturbed)));
    let pair = &comparison.pairs[0];
    assert!(!pair.decided && pair.sentence.contains("give them a longer `rest`"), "{pair:?}");
}
