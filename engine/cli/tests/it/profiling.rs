//! `profile`: what a run's processors do, seen from outside. Where this machine has no `perf` that may look, the story is
//! that the user hears so and what to do.

use std::process::{Command, Stdio};

use rustix::process::Signal;

use crate::support::{Place, has_lines, signal, wait, wait_until};

/// A load that computes and needs no server.
const COMPUTES: &str = r#"
fn options() { #{ scenarios: #{ sums: #{ executor: "constant-vus", vus: 2, duration: "300s", exec: "sum" } } } }
fn sum() { let all = 0; for n in 0..1000 { all += n; } }
"#;

/// Whether `perf` is here and may look at processes.
fn can_look(place: &Place) -> bool {
    let mut perf = Command::new("perf");
    perf.args(["record", "--quiet", "--call-graph", "dwarf", "-o"]).arg(place.path("try.data"));
    let ended =
        perf.args(["--", "true"]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    ended.is_ok_and(|status| status.success())
}

#[test]
fn a_run_that_goes_on_is_seen_at_work() {
    let place = Place::new();
    place.file("s.rhai", COMPUTES);
    let child = place.spawn(["run", "s.rhai", "--warm-up", "0s"]);
    wait_until("the run measures", || {
        place.run_dirs().first().is_some_and(|dir| has_lines(&dir.join("timeline.csv"), 2))
    });
    let pid = child.id().to_string();
    let ended = place.run(["profile", "--pid", &pid, "--duration", "3s", "--out", "seen.folded"]);
    if can_look(&place) {
        let ended = ended.expect(0);
        assert!(
            ended.stdout.starts_with(&format!("process {pid}: snapbench run s.rhai")),
            "{}",
            ended.stdout
        );
        assert!(ended.stdout.contains("at work: core "), "{}", ended.stdout);
        let folded = std::fs::read_to_string(place.path("seen.folded")).unwrap();
        // The interpreter, called from a script's fiber.
        let is_of_a_core = |line: &&str| line.starts_with("core;") && line.contains("rhai::");
        assert!(folded.lines().any(|line| is_of_a_core(&line)), "{folded}");
        assert!(ended.stderr.contains("every stack is in seen.folded"), "{}", ended.stderr);
    } else {
        let ended = ended.expect(1);
        assert!(ended.stderr.contains("help: install it") || ended.stderr.contains("perf_event_paranoid"));
        assert!(!place.path("seen.folded").exists());
    }
    signal(&child, Signal::INT);
    wait(child).expect(105);
    place.assert_nothing_is_left();
}

#[test]
fn what_is_no_run_is_not_looked_at() {
    let place = Place::new();
    let own = std::process::id().to_string();
    let ended = place.run(["profile", "--pid", &own]).expect(1);
    assert!(ended.stderr.contains(&format!("process {own} is no run of snapbench")), "{}", ended.stderr);
    let ended = place.run(["profile", "--pid", "x", "--duration", "soon"]).expect(104);
    assert!(ended.stderr.contains("--pid") && ended.stderr.contains("--duration"), "{}", ended.stderr);
}
