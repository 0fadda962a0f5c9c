//! Ctrl-C once, twice, SIGTERM, in every phase.

use std::process::Child;

use model::runfile::RunState;
use rustix::process::Signal;

use crate::support::{Ended, HEADS, IDLE, Place, has_lines, signal, wait, wait_until};

fn long(script: &str) -> String {
    script.replace("duration: \"2s\"", "duration: \"120s\"").replace("duration: \"1s\"", "duration: \"120s\"")
}

fn measuring(place: &Place) -> Child {
    let child = place.spawn(["run", "s.rhai", "--warm-up", "0s"]);
    wait_until("the run measures", || {
        place.run_dirs().first().is_some_and(|dir| has_lines(&dir.join("timeline.csv"), 3))
    });
    child
}

fn phase_reached(place: &Place, phase: &str) -> bool {
    let events =
        place.run_dirs().first().and_then(|dir| std::fs::read_to_string(dir.join("events.ndjson")).ok());
    events.is_some_and(|events| events.contains(&format!("\"phase\":\"{phase}\"")))
}

fn interrupted(place: &Place, ended: Ended) -> Ended {
    let ended = ended.expect(105);
    place.assert_nothing_is_left();
    let run = place.run_file();
    assert_eq!((run.state, run.exit_code), (RunState::Interrupted, Some(105)));
    ended
}

#[test]
fn once_drains_tears_down_and_reports() {
    let place = Place::new();
    place.file("s.rhai", long(HEADS));
    let child = measuring(&place);
    signal(&child, Signal::INT);
    let ended = interrupted(&place, wait(child));
    assert!(ended.stderr.contains("torn down"), "{}", ended.stderr);
    assert!(ended.stdout.contains("INTERRUPTED"), "{}", ended.stdout);
    let summary = place.run_file().summary.unwrap();
    assert!(summary.operations > 0);
    assert_eq!(summary.scenarios[0].interrupted, 0, "what ran was allowed to end");
    assert!(place.run_dir().join("report.md").is_file());
}

#[test]
fn sigterm_is_like_ctrl_c_once() {
    let place = Place::new();
    place.file("s.rhai", long(IDLE));
    let child = measuring(&place);
    signal(&child, Signal::TERM);
    interrupted(&place, wait(child));
}

#[test]
fn twice_leaves_now_and_keeps_what_was_measured() {
    let place = Place::new();
    // An iteration that would drain for half a minute, and a teardown that would as well.
    let script = long(IDLE).replace("sleep(\"5ms\")", "sleep(\"60s\")");
    place.file("s.rhai", format!("{script}fn teardown(shared) {{ sleep(\"60s\"); }}"));
    let child = place.spawn(["run", "s.rhai", "--warm-up", "0s"]);
    wait_until("the run measures", || phase_reached(&place, "measure"));
    signal(&child, Signal::INT);
    wait_until("it drains", || phase_reached(&place, "drain"));
    signal(&child, Signal::INT);
    let ended = interrupted(&place, wait(child));
    assert!(ended.stderr.contains("leaving now"), "{}", ended.stderr);
    assert!(place.run_file().summary.is_some(), "what was measured is summed up");
    assert!(!phase_reached(&place, "teardown"));
}

#[test]
fn an_iteration_that_never_ends_does_not_outlive_the_second() {
    let place = Place::new();
    place.file("s.rhai", long(HEADS).replace("let id = vu", "loop { let n = 1; } let id = vu"));
    let child = place.spawn(["run", "s.rhai", "--warm-up", "0s"]);
    wait_until("the run measures", || phase_reached(&place, "measure"));
    signal(&child, Signal::INT);
    signal(&child, Signal::INT);
    let ended = wait(child).expect(105);
    assert!(ended.stderr.contains("leaving now") || ended.stderr.contains("interrupted"), "{}", ended.stderr);
    place.assert_nothing_is_left();
}

#[test]
fn in_set_up_nothing_is_torn_down_because_nothing_was_handed_over() {
    let place = Place::new();
    place.file(
        "s.rhai",
        format!("{IDLE}fn setup() {{ sleep(\"60s\"); }}\nfn teardown(s) {{ log::info(\"torn down\"); }}"),
    );
    let child = place.spawn(["run", "s.rhai"]);
    wait_until("it sets up", || phase_reached(&place, "setup"));
    signal(&child, Signal::INT);
    let ended = interrupted(&place, wait(child));
    assert!(!ended.stderr.contains("torn down"), "{}", ended.stderr);
}

#[test]
fn in_verify_the_rest_is_left_out_and_teardown_runs() {
    let place = Place::new();
    place.file(
        "s.rhai",
        format!("{IDLE}fn verify(s) {{ sleep(\"60s\"); }}\nfn teardown(s) {{ log::info(\"torn down\"); }}"),
    );
    let child = place.spawn(["run", "s.rhai"]);
    wait_until("it verifies", || phase_reached(&place, "verify"));
    signal(&child, Signal::INT);
    let ended = interrupted(&place, wait(child));
    assert!(ended.stderr.contains("torn down"), "{}", ended.stderr);
}

#[test]
fn before_the_servers_are_up_nothing_is_left() {
    let place = Place::new();
    place.file("s.rhai", HEADS);
    let child = place.spawn(["run", "s.rhai"]);
    wait_until("it has begun", || !place.run_dirs().is_empty());
    signal(&child, Signal::INT);
    wait(child).expect(105);
    place.assert_nothing_is_left();
}
