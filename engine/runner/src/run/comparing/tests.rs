//! From turns that were recorded to what they decide.

use std::{path::Path, sync::Arc};

use model::recorder::{Ending, IterationSample, Recorder, Totals, WindowKind};
use script::{Inputs, Options, Program, evaluate};

use super::*;

const SCRIPT: &str = r#"
fn options() {
    #{ comparisons: #{ race: #{ exec: "work", sides: ["a", "b"], vus: 4, rounds: 4, turn: "1s", calibrate: "none" } } }
}
fn work(vu) {}
"#;

fn options() -> Options {
    let program = Program::from_text(Path::new("c.rhai"), SCRIPT, None).unwrap();
    evaluate(&program, &Arc::new(Inputs::default())).unwrap().options
}

/// The run in which an iteration of each turn took so many milliseconds, and failed or not.
fn record(took_ms: impl Fn(usize, &str) -> f64, fails: impl Fn(&str) -> bool) -> ComparisonRecord {
    let options = options();
    let mut recorder = Recorder::new();
    for (n, scenario) in options.scenarios.iter().enumerate() {
        let side = &scenario.turn.as_ref().unwrap().side;
        let id = recorder.scenario(&scenario.name);
        for _ in 0..100 {
            let ns = (took_ms(n, side) * 1e6) as u64;
            let ending = if fails(side) { Ending::Failed } else { Ending::Done };
            let sample = IterationSample { lag_ns: None, service_ns: ns, response_ns: ns, ending };
            recorder.iteration(WindowKind::Measure, id, sample);
        }
    }
    let mut totals = Totals::new();
    recorder.take(0, 0, 1).iter().for_each(|interval| totals.add(interval));
    let measured = totals.window(WindowKind::Measure);
    compared(&options.comparisons, &options.scenarios, measured, 0.0).remove(0)
}

#[test]
fn turns_that_run_into_each_other_decide_nothing() {
    let options = options();
    let mut recorder = Recorder::new();
    for (n, scenario) in options.scenarios.iter().enumerate() {
        let id = recorder.scenario(&scenario.name);
        let ns = if scenario.turn.as_ref().unwrap().side == "a" { 3_000_000_000 } else { 1_000_000 };
        let ns = ns + n as u64;
        let sample = IterationSample { lag_ns: None, service_ns: ns, response_ns: ns, ending: Ending::Done };
        recorder.iteration(WindowKind::Measure, id, sample);
        let end_ns = u64::try_from(scenario.start.as_nanos()).unwrap() + ns;
        recorder.ended_at(WindowKind::Measure, id, end_ns);
    }
    let mut totals = Totals::new();
    recorder.take(0, 0, 1).iter().for_each(|interval| totals.add(interval));
    let measured = totals.window(WindowKind::Measure);
    let found = compared(&options.comparisons, &options.scenarios, measured, 0.0).remove(0);
    assert!(found.sides.iter().any(|side| side.turns.iter().any(|turn| turn.disturbed)));
    let pair = &found.pairs[0];
    assert!(!pair.decided && pair.sentence.contains("give them a longer `rest`"), "{pair:?}");
}

#[test]
fn calibrations_that_failed_are_no_ceiling() {
    let found = record(|n, _| 10.0 * wobble(n), |side| side == "none");
    assert_eq!(found.ceiling, None);
}

/// A few percent up and down, so that intervals are not empty.
fn wobble(n: usize) -> f64 {
    1.0 + 0.02 * ((n * 7 % 5) as f64 - 2.0)
}

#[test]
fn who_is_twice_as_fast_is_better_by_two() {
    let found = record(|n, side| if side == "a" { 10.0 } else { 5.0 } * wobble(n), |_| false);
    let pair = &found.pairs[0];
    assert!(pair.decided, "{pair:?}");
    assert!(pair.sentence.starts_with("b is better: b has 2"), "{}", pair.sentence);
    let per_s = found.sides[0].per_s.unwrap();
    assert!((per_s.value - 400.0).abs() < 12.0, "4 users, 10 ms each: {per_s:?}");
    assert_eq!((found.sides[0].iterations, found.sides[0].turns.len()), (800, 8));
}

#[test]
fn who_is_as_fast_is_not_decided() {
    let found = record(|n, side| if side == "none" { 1.0 } else { 10.0 * wobble(n) }, |_| false);
    let pair = &found.pairs[0];
    assert!(!pair.decided && pair.sentence.contains("1 is among it"), "{pair:?}");
    let took = |n: usize, side: &str| match side {
        "none" => 1.0,
        "a" => 10.0 + n as f64 * 1e-3,
        _ => 9.8,
    };
    let slightly = record(took, |_| false);
    assert!(slightly.pairs[0].sentence.contains("margin of 5"), "{:?}", slightly.pairs);
}

#[test]
fn who_failed_has_not_done_the_work() {
    let found = record(|n, side| if side == "a" { 10.0 } else { 1.0 } * wobble(n), |side| side == "b");
    assert_eq!(found.pairs[0].sentence, "not decided: 100% of the iterations on b failed");
}

#[test]
fn at_the_generators_own_ceiling_nothing_is_decided_and_it_is_stamped() {
    let took = |n: usize, side: &str| match side {
        "none" => 1.0,
        "a" => 1.0 * wobble(n),
        _ => 1.08 + n as f64 * 1e-4,
    };
    let found = record(took, |_| false);
    assert_eq!(found.ceiling.as_ref().map(|c| c.per_s.round()), Some(4000.0));
    assert_eq!(found.pairs[0].sentence, "not decided: both are at the generator's own ceiling");
    let reasons = bound(&[found]);
    assert!(reasons.len() == 2 && reasons[0].contains("does next to nothing"), "{reasons:?}");
    let slow = record(|_, side| if side == "none" { 1.0 } else { 10.0 }, |_| false);
    assert!(bound(&[slow]).is_empty());
}

#[test]
fn a_run_that_played_no_turn_compares_nothing() {
    let options = options();
    assert!(compared(&options.comparisons, &[], &WindowTotals::default(), 0.0).is_empty());
    let found = compared(&options.comparisons, &options.scenarios, &WindowTotals::default(), 0.0);
    assert_eq!(found[0].pairs[0].sentence, "not decided: only 0 rounds gave figures of both");
}
