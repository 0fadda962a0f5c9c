//! From steps that were recorded second by second to what they come to.

use std::{path::Path, sync::Arc, time::Duration};

use model::recorder::{Ending, Interval, IterationSample, Recorder, Totals, WindowKind};
use report::timeline::Seconds;
use script::{Inputs, Program, evaluate};

use super::*;
use crate::{plan, request::LoadRequest};

const SECOND: u64 = 1_000_000_000;

/// A sweep of 1, 2, 4, 8 in steps of 10 s, as it was planned.
fn scenarios(sweep: &str) -> (SweepOptions, Vec<ScenarioOptions>) {
    let script = format!(
        "fn options() {{ let n = param(\"n\", \"1\"); #{{ scenarios: #{{ work: #{{ executor: \"constant-vus\", vus: 1, \
         duration: \"1s\" }} }}, sweep: #{{ param: \"n\", {sweep} }} }} }} fn work() {{}}"
    );
    let script = if sweep.contains("\"a,b\"") { script } else { script.replace("\"n\", \"1\"", "\"n\", 1") };
    let program = Program::from_text(Path::new("s.rhai"), &script, None).unwrap();
    let options = evaluate(&program, &Arc::new(Inputs::default())).unwrap().options;
    let request = LoadRequest { warm_up: Some(Duration::ZERO), ..LoadRequest::default() };
    let planned = plan::plan(&options, &request).unwrap();
    (options.sweep.unwrap(), planned.scenarios)
}

/// What a core sends of a second in which so many iterations of a scenario ended.
fn interval(second: u64, scenario: &str, count: u64) -> Interval {
    let mut recorder = Recorder::new();
    let id = recorder.scenario(scenario);
    let sample =
        IterationSample { lag_ns: None, service_ns: 5_000_000, response_ns: 5_000_000, ending: Ending::Done };
    (0..count).for_each(|_| recorder.iteration(WindowKind::Measure, id, sample));
    recorder.ended_at(WindowKind::Measure, id, (second + 1) * SECOND);
    let all = recorder.take(0, second * SECOND, (second + 1) * SECOND);
    all.into_iter()
        .next()
        .unwrap_or_else(|| Interval::empty(0, second * SECOND, (second + 1) * SECOND, WindowKind::Measure))
}

/// Plays so many seconds, `count` of which are done by a step in one of its seconds.
fn record_of(sweep: &str, seconds: u64, count: impl Fn(usize, u64) -> u64) -> (SweepRecord, SweepFigures) {
    let (sweep, scenarios) = scenarios(sweep);
    let mut steps = Steps::new(Some(&sweep), &scenarios, 0);
    let (mut totals, mut together) = (Totals::new(), Seconds::new(1));
    for second in 0..seconds {
        let on = scenarios.iter().rposition(|one| one.start <= Duration::from_secs(second)).unwrap();
        let of_step = second - scenarios[on].start.as_secs();
        let interval = interval(second, &scenarios[on].name, count(on, of_step));
        totals.add(&interval);
        steps.interval(&interval);
        steps.seconds(&together.add(&interval));
    }
    steps.seconds(&together.core_done(0));
    let totals = totals.window(WindowKind::Measure);
    let end_ns = seconds * SECOND;
    Played { sweep: &sweep, scenarios: &scenarios, steps: &steps, totals, end_ns, seed: 1 }.record().unwrap()
}

const FOUR: &str = "values: [1, 2, 4, 8], step: \"10s\"";

fn flat_from_four(step: usize, second: u64) -> u64 {
    // While a step settles it does nothing: that second is in no figure.
    if second == 0 { 0 } else { [100, 200, 400, 400][step] + second % 3 }
}

#[test]
fn the_knee_is_where_it_stops_to_grow_and_what_settles_is_left_out() {
    let (record, figures) = record_of(FOUR, 40, flat_from_four);
    let per_s: Vec<f64> = record.steps.iter().map(|step| step.per_s.unwrap().value).collect();
    assert_eq!(per_s, [101.0, 201.0, 401.0, 401.0]);
    assert_eq!((record.steps[1].seconds, record.steps[1].count, record.steps[1].at_s), (9, 1809, 10.0));
    assert!(
        record
            .steps
            .iter()
            .all(|step| !step.disturbed && step.p50_ms.is_some_and(|ms| (ms - 5.0).abs() < 0.1))
    );
    assert_eq!(record.knee, Some(KneeRecord { value: 4.0, low: 4.0, high: Some(4.0) }));
    assert!(record.sentence.starts_with("knee at 4 (4 to 4), plateau 401/s ("), "{}", record.sentence);
    assert_eq!((figures.plateau, figures.knee), (Ok(401.0), Ok(4.0)));
    assert_eq!((record.settle_s, record.step_s, record.rest_s), (1.0, 10.0, 0.0));
}

#[test]
fn what_still_rises_has_neither_knee_nor_plateau() {
    let (record, figures) = record_of(FOUR, 40, |step, second| (100 << step) + second % 3);
    assert_eq!((record.knee, record.plateau), (None, None));
    assert_eq!(record.sentence, "no knee: still rising at 8");
    assert_eq!(figures.knee, Err("no knee: still rising at 8".to_owned()));
}

#[test]
fn a_sweep_that_ended_early_keeps_the_steps_that_ended_and_decides_nothing() {
    let (record, figures) = record_of(FOUR, 25, flat_from_four);
    assert_eq!(record.steps.len(), 2);
    assert_eq!(record.sentence, "not decided: 2 of 4 steps came to their end");
    assert_eq!(figures.plateau, Err(record.sentence));
}

#[test]
fn short_steps_decide_nothing() {
    let (record, _) = record_of("values: [1, 2], step: \"4s\"", 8, |_, second| 100 + second);
    assert!(
        record.sentence.starts_with("not decided: the step of 1 has 3 whole seconds"),
        "{}",
        record.sentence
    );
}

#[test]
fn words_have_a_table_and_no_knee() {
    let (record, figures) = record_of("values: \"a,b\", step: \"10s\"", 20, |_, second| 100 + second);
    assert_eq!((record.steps.len(), record.sentence.as_str(), record.knee), (2, "", None));
    assert!(figures.knee.unwrap_err().contains("values of `n` are words"));
}

#[test]
fn a_step_into_which_the_one_before_goes_on_is_disturbed() {
    let (sweep, scenarios) = scenarios("values: [1, 2], step: \"10s\", rest: \"2s\"");
    let mut steps = Steps::new(Some(&sweep), &scenarios, 0);
    let mut recorder = Recorder::new();
    let id = recorder.scenario(&scenarios[0].name);
    let sample = IterationSample { lag_ns: None, service_ns: 1, response_ns: 1, ending: Ending::Done };
    recorder.iteration(WindowKind::Measure, id, sample);
    // The second one begins at 12 s and counts from 14 s on.
    recorder.ended_at(WindowKind::Measure, id, 15 * SECOND);
    let mut totals = Totals::new();
    recorder.take(0, 0, SECOND).iter().for_each(|interval| totals.add(interval));
    let mut seconds = Seconds::new(1);
    for second in 0..22 {
        steps.seconds(&seconds.add(&interval(second, "nobody", 0)));
    }
    steps.seconds(&seconds.core_done(0));
    let totals = totals.window(WindowKind::Measure);
    let played =
        Played { sweep: &sweep, scenarios: &scenarios, steps: &steps, totals, end_ns: 22 * SECOND, seed: 1 };
    let (record, _) = played.record().unwrap();
    let disturbed: Vec<bool> = record.steps.iter().map(|step| step.disturbed).collect();
    assert_eq!(disturbed, [false, true]);
    assert!(record.sentence.contains("give them a longer `rest`"), "{}", record.sentence);
}

#[test]
fn an_operation_that_nobody_did_is_told() {
    let (record, _) = record_of("values: [1, 2], step: \"10s\", measure: \"clami\"", 20, |_, _| 100);
    assert!(record.is_operation);
    assert_eq!(record.sentence, "not decided: no operation or scenario `clami` was recorded");
}
