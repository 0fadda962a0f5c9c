//! kill -9 at any moment: no process, no temporary file, and a directory that can be read.

use std::{
    io::{BufRead as _, BufReader},
    thread,
    time::Duration,
};

use rustix::process::Signal;

use crate::support::{HEADS, Place, has_lines, signal, wait_until};

/// Both servers, an open loop, probes: everything that could stay behind.
fn everything() -> String {
    HEADS.replace("duration: \"2s\"", "duration: \"60s\"").replace(
        "thresholds:",
        "probes: #{ tick: #{ every: \"200ms\", exec: \"tick\" } },\n        thresholds:",
    ) + "fn tick(shared) { 1 }\nfn unused() { let it = s3::get(\"k\"); }\n"
}

fn kill_after(milliseconds: u64) {
    let place = Place::new();
    place.file("s.rhai", everything());
    let mut child = place.spawn(["run", "s.rhai"]);
    thread::sleep(Duration::from_millis(milliseconds));
    signal(&child, Signal::KILL);
    child.wait().unwrap();
    place.assert_nothing_is_left();
    for dir in place.run_dirs() {
        let ended = place.run(["report", dir.to_str().unwrap()]).expect(0);
        assert!(ended.stdout.contains("UNFINISHED"), "{}", ended.stdout);
    }
}

#[test]
fn while_it_starts() {
    kill_after(30);
    kill_after(150);
}

#[test]
fn while_servers_come_up() {
    kill_after(400);
    kill_after(700);
}

#[test]
fn in_mid_run_everything_up_to_then_is_in_the_report() {
    let place = Place::new();
    place.file("s.rhai", everything());
    let mut child = place.spawn(["run", "s.rhai", "--warm-up", "0s"]);
    wait_until("some seconds are written", || {
        place.run_dirs().first().is_some_and(|dir| has_lines(&dir.join("timeline.csv"), 20))
    });
    signal(&child, Signal::KILL);
    child.wait().unwrap();
    place.assert_nothing_is_left();
    let dir = place.run_dir();
    let ended = place.run(["report", dir.to_str().unwrap()]).expect(0);
    for word in ["UNFINISHED", "head.cas", "head.get", "p99", "swap"] {
        assert!(ended.stdout.contains(word), "no {word} in {}", ended.stdout);
    }
    assert!(has_lines(&dir.join("probes.csv"), 3));
    let json = place.run(["report", "--json", dir.to_str().unwrap()]).expect(0);
    assert_eq!(model::runfile::RunFile::parse(&json.stdout).unwrap(), place.run_file());
}

#[test]
fn kept_servers_go_with_their_keeper() {
    let place = Place::new();
    let mut child = place.spawn(["up"]);
    let mut said = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(said.any(|line| line.unwrap().starts_with("Ctrl-C stops")), "both servers run");
    // The keeper, its guard, the store, Postgres and at least its checkpointer, writers and launchers.
    assert!(place.processes().len() > 6, "{:?}", place.processes());
    signal(&child, Signal::KILL);
    child.wait().unwrap();
    place.assert_nothing_is_left();
}
