//! Virtual users: state, randomness, endings. No server is needed for these.

use std::{collections::BTreeMap, sync::Arc};

use model::recorder::{MetricData, WindowKind};
use script::Portable;

use crate::tools::{play, program, wiring};

/// Custom counters of a run, by name.
fn counters(totals: &model::recorder::Totals) -> BTreeMap<String, f64> {
    counters_in(totals, WindowKind::Measure)
}

fn counters_in(totals: &model::recorder::Totals, window: WindowKind) -> BTreeMap<String, f64> {
    let metrics = totals.window(window).metrics.iter();
    metrics
        .filter_map(|(name, data)| match data {
            MetricData::Counter { sum, .. } => Some((name.to_string(), *sum)),
            _ => None,
        })
        .collect()
}

#[test]
fn a_user_keeps_its_state_between_iterations_and_nobody_elses() {
    let program = program(
        r#"
fn options() { #{ scenarios: #{ main: #{ executor: "per-vu-iterations", vus: 3, iterations: 4, exec: "work" } } } }
fn work(vu) {
    if !("n" in vu.state) { vu.state.n = 0; }
    vu.state.n += 1;
    metric::counter(`after ${vu.state.n}`, 1);
}
"#,
    );
    let totals = play(&program, &wiring(&program), None, 2);
    let wanted = (1..=4).map(|n| (format!("after {n}"), 3.0)).collect();
    assert_eq!(counters(&totals), wanted);
}

#[test]
fn what_setup_returned_reaches_every_user() {
    let program = program(
        r#"
fn options() { #{ scenarios: #{ main: #{ executor: "shared-iterations", vus: 4, iterations: 10, exec: "work" } } } }
fn work(vu) { metric::counter("sum", vu.shared.step); vu.shared.step = 1000; vu.stop(); }
"#,
    );
    let shared = Portable::Map(vec![("step".into(), Portable::Int(5))]);
    let totals = play(&program, &wiring(&program), Some(Arc::new(shared)), 1);
    // Each user stops after one iteration, so nobody sees its own change.
    assert_eq!(counters(&totals)["sum"], 20.0);
}

#[test]
fn what_a_user_has_is_there_after_methods_were_called_on_it_and_cannot_be_replaced() {
    let program = program(
        r#"
fn options() { #{ scenarios: #{ main: #{ executor: "per-vu-iterations", vus: 2, iterations: 3, exec: "work" } } } }
fn refused(attempt) {
    try { attempt.call(); } catch (e) { return; }
    throw "it was taken";
}
fn work(vu) {
    vu.shared.list.push(1);
    if !("seen" in vu.state) { vu.state.seen = []; }
    vu.state.seen.push(vu.rng.below(10));
    metric::counter("shared", vu.shared.list.len());
    metric::counter("state", vu.state.seen.len());
    refused(|| { vu.shared = #{}; });
    refused(|| { vu.state = #{ seen: [] }; });
    refused(|| { vu.rng = 5; });
    metric::counter("refused", 3);
}
"#,
    );
    let shared = Portable::Map(vec![("list".into(), Portable::Array(vec![]))]);
    let totals = play(&program, &wiring(&program), Some(Arc::new(shared)), 1);
    let sum = f64::from(2 * (1 + 2 + 3));
    let wanted = [("shared", sum), ("state", sum), ("refused", 18.0)];
    assert_eq!(counters(&totals), wanted.map(|(name, value)| (name.to_owned(), value)).into());
}

#[test]
fn an_iteration_knows_the_rate_at_which_it_was_planned() {
    let program = program(
        r#"
import "shape" as shape;
fn options() {
    let rate = shape::ramp(#{ from: 100, to: 300, over: "500ms" });
    #{
        warm_up: "100ms",
        scenarios: #{
            open: #{ executor: "arrival-rate", rate: rate, max_vus: 20, exec: "work" },
            closed: #{ executor: "per-vu-iterations", vus: 1, iterations: 2, exec: "work" },
        },
    }
}
fn work(vu) {
    if vu.rate == () { metric::counter(`${vu.scenario} without`, 1); return; }
    metric::counter(if vu.rate < 200.0 { "slow" } else { "fast" }, 1);
}
"#,
    );
    let mut wiring = wiring(&program);
    let shape = model::shape::Shape::Ramp { from: 100.0, to: 300.0, duration_s: 0.5 };
    wiring.scenarios[0].rate = Some((Arc::new(shape), 100_000_000));
    let counters = counters(&play(&program, &wiring, None, 2));
    // 100 arrivals, 37.5 of them in the first half of the time.
    assert_eq!(counters["slow"] + counters["fast"], 100.0);
    assert!((37.0..=38.0).contains(&counters["slow"]), "{counters:?}");
    assert_eq!(counters["closed without"], 2.0);
}

#[test]
fn no_two_users_and_no_two_iterations_have_one_number() {
    let program = program(
        r#"
fn options() {
    #{
        warm_up: "200ms",
        scenarios: #{
            one: #{ executor: "constant-arrival-rate", rate: 50, duration: "400ms", max_vus: 5, exec: "work" },
            two: #{ executor: "per-vu-iterations", vus: 3, iterations: 2, exec: "work" },
        },
    }
}
fn work(vu) { metric::counter(`${vu.scenario} ${vu.iteration}`, 1); metric::counter(`user ${vu.id} of ${vu.scenario}`, 1); }
"#,
    );
    let mut wiring = wiring(&program);
    wiring.scenarios[1].first_vu = 5;
    let totals = play(&program, &wiring, None, 2);
    let (counters, warm_up) = (counters(&totals), counters_in(&totals, WindowKind::WarmUp));
    let users: Vec<_> = counters.keys().filter_map(|name| name.strip_prefix("user ")).collect();
    let second: Vec<_> = users.iter().filter(|user| user.ends_with("two")).collect();
    assert_eq!(second, [&"5 of two", &"6 of two", &"7 of two"]);
    assert!(warm_up.contains_key(&format!("one {}", 1_u64 << 62)), "{warm_up:?}");
    let iterations = |name: &&String| !name.starts_with("user");
    let twice = counters.iter().find(|(name, count)| iterations(name) && **count > 1.0);
    assert_eq!(twice, None, "each number once");
    let again = warm_up.keys().filter(iterations).find(|name| counters.contains_key(*name));
    assert_eq!(again, None, "nor in the warm-up");
}

#[test]
fn the_same_seed_gives_the_same_draws_on_one_core_and_on_two() {
    let program = program(
        r#"
fn options() { #{ scenarios: #{ main: #{ executor: "constant-arrival-rate", rate: 200, duration: "500ms", max_vus: 50, exec: "work" } } } }
fn work(vu) { metric::counter(`${vu.iteration} drew ${vu.rng.below(1000000)}`, 1); }
"#,
    );
    let one = counters(&play(&program, &wiring(&program), None, 1));
    let two = counters(&play(&program, &wiring(&program), None, 2));
    assert_eq!(one.len(), 100);
    assert_eq!(one, two);
}

#[test]
fn a_failing_iteration_is_counted_once_a_message_and_the_others_go_on() {
    let program = program(
        r#"
fn options() { #{ scenarios: #{ main: #{ executor: "shared-iterations", vus: 2, iterations: 10, exec: "work" } } } }
fn work(vu) {
    if vu.iteration % 2 == 0 { no_such_thing(1); }
    if vu.iteration == 1 { fail("on purpose"); }
}
"#,
    );
    let wiring = wiring(&program);
    let totals = play(&program, &wiring, None, 2);
    let scenario = totals.window(WindowKind::Measure).scenarios.values().next().expect("one scenario");
    assert_eq!((scenario.done, scenario.failed), (4, 6));
    assert_eq!(wiring.findings.script_errors(), 5, "`fail` is not the script's error");
    let complaints = wiring.findings.complaints();
    assert!(complaints.iter().any(|c| c.to_string().contains("no function no_such_thing")), "{complaints:?}");
}

#[test]
fn abort_is_remembered_with_its_message() {
    let program = program(
        r#"
fn options() { #{ scenarios: #{ main: #{ executor: "shared-iterations", vus: 1, iterations: 1, exec: "work" } } } }
fn work() { abort("the table is gone") }
"#,
    );
    let wiring = wiring(&program);
    play(&program, &wiring, None, 1);
    assert_eq!(wiring.findings.aborted(), Some("the table is gone"));
}

#[test]
fn users_that_sleep_share_a_core() {
    let program = program(
        r#"
fn options() { #{ scenarios: #{ main: #{ executor: "per-vu-iterations", vus: 500, iterations: 2, exec: "work" } } } }
fn work() { sleep("20ms"); think("1ms", "2ms"); }
"#,
    );
    let totals = play(&program, &wiring(&program), None, 1);
    let scenario = totals.window(WindowKind::Measure).scenarios.values().next().expect("one scenario");
    assert_eq!(scenario.done, 1000);
}
