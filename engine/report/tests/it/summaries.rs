//! The terminal summary of runs of every kind.

use model::runfile::RunState;
use report::{Page, Style, summary};

use crate::runs::{self, DIRECTORY};

const RULES: [(&str, &str); 7] = [
    ("push", "p(95) < 50ms"),
    ("push", "p(99) < 20ms"),
    ("pop", "p(99) < 100ms"),
    ("errors", "rate < 1%"),
    ("queue_depth", "value < 10"),
    ("schedule_lag", "p(99) < 1ms"),
    ("pop", "slope < 1ms/min"),
];

#[test]
fn a_burst_that_fails_a_threshold() {
    insta::assert_snapshot!(summary(&runs::burst(&RULES), &Page::plain(DIRECTORY)));
}

#[test]
fn a_closed_loop_whose_ledger_fails() {
    insta::assert_snapshot!(summary(&runs::broken_cas(), &Page::plain(DIRECTORY)));
}

#[test]
fn coloured() {
    let page = Page { style: Style::Colour, ..Page::plain(DIRECTORY) };
    insta::assert_snapshot!(summary(&runs::burst(&RULES[..2]), &page).replace('\x1b', "␛"));
}

#[test]
fn an_unfinished_run() {
    insta::assert_snapshot!(summary(&runs::burst_begun(), &Page::plain(DIRECTORY)));
}

#[test]
fn nothing_measured() {
    insta::assert_snapshot!(summary(&runs::nothing_measured(), &Page::plain(DIRECTORY)));
}

#[test]
fn hundreds_of_operations() {
    insta::assert_snapshot!(summary(&runs::many_operations(), &Page::plain(DIRECTORY)));
}

#[test]
fn awkward_names() {
    let text = summary(&runs::awkward_names(), &Page::plain(DIRECTORY));
    assert!(!text.contains(|c: char| c.is_control() && c != '\n'), "the cursor is moved");
    insta::assert_snapshot!(text);
}

#[test]
fn an_interrupted_run_and_one_aborted_by_a_threshold() {
    let mut run = runs::burst(&RULES[..1]);
    (run.state, run.exit_code) = (RunState::Interrupted, Some(105));
    run.duration_s = Some(3600.0);
    let interrupted = summary(&run, &Page::plain(DIRECTORY));
    assert!(interrupted.contains("measured 5m of 1h planned after 30s of warm-up"), "{interrupted}");
    assert!(interrupted.contains("! INTERRUPTED  the user stopped the run"), "{interrupted}");
    run.thresholds[0].passed = Some(false);
    (run.state, run.exit_code) = (RunState::Aborted, Some(99));
    let aborted = summary(&run, &Page::plain(DIRECTORY));
    assert!(aborted.contains("✗ FAILED  a threshold ended the run early: the threshold does not hold: push"));
}

#[test]
fn every_line_of_a_usual_run_fits_a_hundred_columns() {
    for run in [runs::burst(&RULES), runs::broken_cas(), runs::many_operations()] {
        for line in summary(&run, &Page::plain(DIRECTORY)).lines() {
            assert!(line.chars().count() <= 100, "{line}");
            assert_eq!(line.trim_end(), line);
        }
    }
}
