//! Sweeps in words and figures, the same for terminal and page.

use model::compare::Interval;
use model::runfile::{StepRecord, SweepRecord};
use model::units::{format_count, format_latency_us, format_percent, format_rate};

use crate::style::Tone;

/// Columns between the parameter's and the note, all of figures.
const FIGURES: [&str; 6] = ["interval", "p50", "p99", "errors", "conflicts", "empty"];

/// How a sweep was made: "claim(), 10 values of claimers for 10 s each, one straight after the other; …".
pub(crate) fn manner(record: &SweepRecord) -> String {
    let pause = match record.rest_s > 0.0 {
        true => format!("apart, with {} s between", crate::number(record.rest_s)),
        false => "as stairs, without a pause".to_owned(),
    };
    let settled = match record.settle_s > 0.0 {
        true => format!("the first {} s of each step left out, ", crate::number(record.settle_s)),
        false => String::new(),
    };
    format!(
        "{}: {} values for {} s each, {pause}; {settled}{} confidence each, margin {}",
        record.scenarios.join(", "),
        record.values.len(),
        crate::number(record.step_s),
        format_percent(record.confidence),
        format_percent(record.margin)
    )
}

/// The titles of the table's columns: the parameter, the rate, figures, the note.
pub(crate) fn titles(record: &SweepRecord) -> Vec<String> {
    let rate = format!("{}/s", record.measure);
    let figures = FIGURES.map(str::to_owned);
    [record.param.clone(), rate].into_iter().chain(figures).chain(["note".to_owned()]).collect()
}

/// A row of the table below those titles.
pub(crate) fn row(step: &StepRecord) -> Vec<String> {
    let time = |ms: Option<f64>| ms.map_or_else(|| "-".to_owned(), |ms| format_latency_us(ms * 1000.0));
    vec![
        step.value.to_string(),
        step.per_s.map_or_else(|| "-".to_owned(), |rate| format_rate(rate.value)),
        step.per_s.map_or_else(|| "-".to_owned(), interval),
        time(step.p50_ms),
        time(step.p99_ms),
        format_count(step.errors),
        format_count(step.conflicts),
        format_count(step.empty),
        note(step),
    ]
}

/// What a reader of the row must know.
fn note(step: &StepRecord) -> String {
    let mut notes = Vec::new();
    if !step.generator_bound.is_empty() {
        notes.push("generator-bound".to_owned());
    }
    if step.disturbed {
        notes.push("disturbed".to_owned());
    }
    if (step.seconds as usize) < model::sweep::FEWEST_SECONDS {
        notes.push(format!("too few: {} s", step.seconds));
    }
    if step.failed > 0 {
        notes.push(format!("{} failed", format_count(step.failed)));
    }
    notes.join(", ")
}

fn interval(rate: Interval) -> String {
    format!("{} to {}", bare(rate.low), bare(rate.high))
}

/// A rate without its unit, which the column has.
fn bare(rate: f64) -> String {
    format_rate(rate).trim_end_matches("/s").to_owned()
}

/// The mark and tone of what was found, and its sentence without the words that the mark says.
pub(crate) fn finding(record: &SweepRecord) -> Option<(&'static str, Tone, &str)> {
    let sentence = record.sentence.as_str();
    if sentence.is_empty() {
        return None;
    }
    Some(match sentence.strip_prefix("not decided: ") {
        Some(reason) => ("? not decided", Tone::Warn, reason),
        None => ("✓ decided", Tone::Good, sentence),
    })
}
