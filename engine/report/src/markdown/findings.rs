//! What was found: thresholds, ledgers, failures, events.

use model::runfile::{RunFile, Summary};
use model::units::format_count;

use super::doc::{Doc, Table, code, plain};
use super::head::time;
use crate::events::{Event, What};
use crate::words::{finding, ledger_figures, seconds};

/// Events shown; all are in `events.ndjson`.
const EVENTS_AT_MOST: usize = 40;

pub(super) fn thresholds(run: &RunFile, doc: &mut Doc) {
    if run.thresholds.is_empty() {
        return;
    }
    doc.heading(2, "Thresholds");
    let mut table = Table::new(&["", "metric", "threshold", ">value", "finding"]);
    for threshold in &run.thresholds {
        let mark = match threshold.passed {
            Some(true) => "✓",
            Some(false) => "✗",
            None => "?",
        };
        let unjudged = if threshold.passed.is_none() { "not judged" } else { "" };
        let finding = finding(threshold).map_or_else(|| unjudged.to_owned(), plain);
        let shown = if threshold.shown.is_empty() { "-" } else { &threshold.shown };
        let (metric, condition) = (code(&threshold.metric), code(&threshold.threshold));
        table.row([mark.to_owned(), metric, condition, plain(shown), finding]);
    }
    doc.table(&table);
}

pub(super) fn ledgers(run: &RunFile, doc: &mut Doc) {
    if run.ledgers.is_empty() {
        return;
    }
    doc.heading(2, "Ledgers");
    let mut table = Table::new(&["", "ledger", "kind", "figures"]);
    for ledger in &run.ledgers {
        let verdict = if ledger.passed { "✓ PASS" } else { "✗ FAIL" };
        table.row([verdict.to_owned(), code(&ledger.name), plain(&ledger.kind), ledger_figures(ledger)]);
    }
    doc.table(&table);
    let examples = run.ledgers.iter().flat_map(|ledger| {
        ledger.examples.iter().map(|example| format!("{}: {}", code(&ledger.name), plain(example)))
    });
    doc.list(examples);
}

pub(super) fn failures(figures: &Summary, doc: &mut Doc) {
    if figures.failures.is_empty() {
        return;
    }
    doc.heading(2, "Failures");
    doc.paragraph("Failures of the script over the whole run, warm-up included, by message.");
    let mut table = Table::new(&[">count", "message", "where"]);
    for failure in &figures.failures {
        table.row([format_count(failure.count), plain(&failure.message), code(&failure.position)]);
    }
    doc.table(&table);
}

pub(super) fn events(events: &[Event], doc: &mut Doc) {
    if events.is_empty() {
        return;
    }
    doc.heading(2, "Events");
    let mut table = Table::new(&[">time", "event"]);
    for event in events.iter().filter(|event| event.what != What::Unknown).take(EVENTS_AT_MOST) {
        // Before the load began there is only the wall clock.
        let when = event.at_ns.map(|at_ns| seconds((at_ns as f64 / 1e9 * 10.0).round() / 10.0));
        let when = when.or_else(|| time(event.unix_us)).unwrap_or_default();
        table.row([when, plain(&event.what.in_words())]);
    }
    doc.table(&table);
    if events.len() > EVENTS_AT_MOST {
        let more = format_count((events.len() - EVENTS_AT_MOST) as u64);
        doc.paragraph(&format!("{more} more events are in `events.ndjson`."));
    }
}
