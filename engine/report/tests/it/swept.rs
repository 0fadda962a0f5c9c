//! Sweeps, a row a step, on the terminal and on the page.

use model::compare::Interval;
use model::runfile::{KneeRecord, RunFile, StepRecord, Summary, SweepRecord};
use model::sweep::Value;
use report::{Page, RunParts, markdown, summary};

use crate::runs::{self, DIRECTORY};

fn step(value: i64, per_s: f64) -> StepRecord {
    StepRecord {
        value: Value::Int(value),
        at_s: 10.0 * value as f64,
        seconds: 9,
        count: (9.0 * per_s) as u64,
        per_s: Some(Interval { value: per_s, low: per_s * 0.97, high: per_s * 1.02 }),
        p50_ms: Some(value as f64 * 1e3 / per_s),
        p99_ms: Some(value as f64 * 4e3 / per_s),
        ..StepRecord::default()
    }
}

fn run(sentence: &str) -> RunFile {
    let mut run = runs::begun("q8_saturation", "Q8 · Saturation");
    let mut steps = vec![step(1, 1020.4), step(2, 1985.0), step(4, 2100.0), step(512, 1400.0)];
    steps[2].conflicts = 12_000;
    steps[3].generator_bound = vec!["generator core 0 was 97% busy".to_owned()];
    (steps[3].errors, steps[3].empty, steps[3].failed, steps[3].disturbed) = (3, 7, 3, true);
    run.sweeps = vec![SweepRecord {
        param: "claimers".to_owned(),
        measure: "claim".to_owned(),
        is_operation: true,
        scenarios: vec!["claim".to_owned()],
        values: steps.iter().map(|step| step.value.clone()).collect(),
        step_s: 10.0,
        rest_s: 1.0,
        settle_s: 1.0,
        margin: 0.05,
        confidence: 0.95,
        plateau: Some(Interval { value: 2042.5, low: 1990.0, high: 2080.0 }),
        knee: Some(KneeRecord { value: 2.0, low: 2.0, high: Some(4.0) }),
        falls_behind: Some(4.0),
        sentence: sentence.to_owned(),
        steps,
    }];
    run
}

#[test]
fn the_steps_stand_below_each_other_and_the_knee_below_them() {
    let found = "knee at 2 (2 to 4), plateau 2,042.5/s (1,990/s to 2,080/s); falls behind 4";
    let text = summary(&run(found), &Page::plain(DIRECTORY));
    assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
    insta::assert_snapshot!(text);
}

/// The section of the page.
fn section(run: &RunFile) -> String {
    let parts = RunParts { directory: DIRECTORY.to_owned(), ..RunParts::default() };
    let text = markdown(run, &parts);
    let from = text.find("## Sweep").unwrap();
    text[from..].split("\n## ").next().unwrap().to_owned()
}

#[test]
fn a_run_that_was_killed_says_where_its_steps_are() {
    let mut killed = run("not decided: the run did not end");
    killed.sweeps[0].steps.clear();
    let page = section(&killed);
    assert!(page.contains("Its steps were not summed up.") && !page.contains("| claimers |"), "{page}");
    let text = summary(&killed, &Page::plain(DIRECTORY));
    assert!(text.contains("? not decided  the run did not end"), "{text}");
}

#[test]
fn the_page_says_how_it_was_found_and_what_was_not() {
    let mut ended = run("not decided: 4 of 10 steps came to their end");
    ended.summary = Some(Summary::default());
    insta::assert_snapshot!(section(&ended));
}
