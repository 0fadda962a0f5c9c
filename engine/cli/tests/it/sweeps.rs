//! Sweeps as a user makes them: a plateau that a limiter fixes, a flag on a teaching script, a sweep that is stopped.

use model::{runfile::RunState, sweep::Value};
use rustix::process::Signal;

use crate::{
    catalogue::repository,
    support::{Place, has_lines, signal, wait, wait_until},
};

/// A query takes 50 ms at least, so that one user does 20 a second at most, two 40 and four 80; the limiter lets 30 through.
const LIMITED: &str = r#"// Limited
// Question: where does it stop to grow?
fn options() {
    let users = param("users", 1, #{ min: 1 });
    #{
        scenarios: #{
            ask: #{ executor: "constant-vus", vus: users, duration: "1s", exec: "ask" },
            beside: #{ executor: "constant-vus", vus: 1, duration: "1s", exec: "idle", sweep: false },
        },
        sweep: #{ param: "users", values: "1..4*2", step: "8s", measure: "ask" },
        thresholds: #{ sweep: ["plateau < 33/s", "knee >= 2"] },
    }
}
fn setup() { #{ gate: limit::per_second(30), users: param("users", 1) } }
fn ask(vu) {
    if vu.shared.users != 1 || vu.step != param("users", 1) { fail("the base in setup, the step here"); }
    vu.shared.gate.wait();
    pg::query("SELECT pg_sleep(0.05)", []);
}
fn idle(vu) { if vu.step != () { fail("it is in no step"); } sleep("100ms"); }
fn report(r) { #{ title: "Steps", columns: ["users", "done"], rows: r.sweep.map(|step| [step.value, step.count]) } }
"#;

#[test]
fn the_plateau_is_what_the_limiter_lets_through_and_the_knee_is_behind_what_one_user_can() {
    let place = Place::new();
    place.file("s.rhai", LIMITED);
    let ended = place.run(["run", "s.rhai", "--warm-up", "1s"]).expect(0);
    let run = place.run_file();
    let sweep = &run.sweeps[0];
    assert_eq!(sweep.values, [Value::Int(1), Value::Int(2), Value::Int(4)]);
    let rate = |n: usize| sweep.steps[n].per_s.unwrap().value;
    assert!(rate(0) <= 20.0 && rate(1) <= 31.0 && rate(2) <= 31.0, "{sweep:?}");
    assert!(sweep.knee.is_some_and(|knee| knee.low >= 2.0 && knee.value >= 2.0), "{sweep:?}");
    assert!(ended.stdout.contains("█ SWEEP") && ended.stdout.contains("knee at "), "{}", ended.stdout);
    assert!(!ended.stdout.contains("iterations...."), "those beside the steps are not all: {}", ended.stdout);
    let names: Vec<&str> =
        run.summary.as_ref().unwrap().scenarios.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(names, ["beside"], "steps stand with their sweep");
    assert_eq!(run.tables[0].rows.len(), 3);
    assert_eq!(run.parameters["users"].value, 1, "the base");
    assert_eq!(run.summary.unwrap().failures.len(), 0);
    let page = std::fs::read_to_string(place.run_dir().join("report.md")).unwrap();
    assert!(page.contains("## Sweep of users") && page.contains("| users |"), "{page}");
    place.assert_nothing_is_left();
}

#[test]
fn a_teaching_script_is_swept_by_a_flag_and_the_command_makes_it_again() {
    let place = Place::new();
    let script = repository().join("examples/07_sweep.rhai");
    let flags = ["--sweep", "users=1,2", "--sweep-step", "1s", "--sweep-rest", "200ms", "--warm-up", "0s"];
    place.run(["run", script.to_str().unwrap()].iter().chain(&flags)).expect(0);
    let run = place.run_file();
    let sweep = &run.sweeps[0];
    assert_eq!((sweep.steps.len(), sweep.step_s, sweep.rest_s), (2, 1.0, 0.2));
    assert!(sweep.sentence.starts_with("not decided: "), "a second is too few: {}", sweep.sentence);
    assert_eq!(run.duration_s, Some(2.2));
    for words in [["--sweep", "users=1,2"], ["--sweep-step", "1s"], ["--sweep-rest", "200ms"]] {
        assert!(run.command.windows(2).any(|two| two == words), "{:?}", run.command);
    }
}

/// A sweep without a server.
const IDLE_STEPS: &str = r#"fn options() {
    let users = param("users", 1, #{ min: 1 });
    #{
        scenarios: #{ idle: #{ executor: "constant-vus", vus: users, duration: "1s" } },
        sweep: #{ param: "users", values: "1..64*2", step: "2s", rest: "500ms" },
        thresholds: #{ sweep: "knee >= 1" },
    }
}
fn idle() { sleep("5ms"); }
"#;

#[test]
fn a_sweep_that_is_stopped_keeps_the_steps_that_ended_and_passes_nothing() {
    let place = Place::new();
    place.file("s.rhai", IDLE_STEPS);
    let child = place.spawn(["run", "s.rhai", "--warm-up", "0s", "--sweep-step", "2s", "--sweep-rest", "0s"]);
    wait_until("the second step is on", || {
        let timeline = place.run_dirs().first().map(|dir| dir.join("timeline.csv"));
        timeline.is_some_and(|file| {
            has_lines(&file, 3)
                && std::fs::read_to_string(file).is_ok_and(|text| text.contains("idle users=2"))
        })
    });
    signal(&child, Signal::INT);
    let ended = wait(child).expect(105);
    let run = place.run_file();
    assert_eq!(run.state, RunState::Interrupted);
    let sweep = &run.sweeps[0];
    assert!((1..7).contains(&sweep.steps.len()), "{sweep:?}");
    assert!(sweep.sentence.contains("of 7 steps came to their end"), "{}", sweep.sentence);
    assert_eq!(run.thresholds[0].passed, None);
    assert!(ended.stdout.contains("not decided"), "{}", ended.stdout);
}

#[test]
fn inspect_and_check_tell_the_sweep_without_making_it() {
    let place = Place::new();
    place.file("s.rhai", IDLE_STEPS);
    let squeezed = place.run(["inspect", "s.rhai", "--duration", "34s"]).expect(0).stdout;
    // Seven steps and six rests of 17 s in all, twice as long.
    let told = "idle at 1, 2, 4, 8, 16, 32, 64, 4s each, 1s apart, for 34s; iterations a second are measured";
    assert!(squeezed.contains(told), "{squeezed}");
    let checked = place.run(["check", "s.rhai"]).expect(0).stdout;
    assert!(checked.contains("1 scenario, sweep of users in 7 steps, 1 threshold, 17s"), "{checked}");
}

#[test]
fn bad_sweeps_are_told_before_anything_starts() {
    let place = Place::new();
    place.file("s.rhai", IDLE_STEPS);
    let told = |flags: &[&str]| place.run(["check", "s.rhai"].iter().chain(flags)).expect(104).stderr;
    let shown = [
        told(&["--sweep", "users=1,2", "--sweep", "other=1,2"]),
        told(&["--sweep", "users"]),
        told(&["--sweep", "users=1,2", "--sweep-step", "0s"]),
        told(&["--sweep", "usres=1,2"]),
        told(&["--sweep", "users=0,1,x"]),
        told(&["--vus", "4"]),
        told(&["--only", "idel"]),
    ];
    insta::assert_snapshot!(place.settled(&shown.join("---\n")));
}
