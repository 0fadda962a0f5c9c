//! What was found: thresholds, ledgers, failures, events.

use std::collections::BTreeMap;

use model::runfile::{RunFile, Summary, ThresholdRecord};
use model::units::format_count;

use super::doc::{Doc, Table, code, plain};
use super::head::time;
use super::queues::queues;
use crate::events::{Event, What};
use crate::evidence::kind_of;
use crate::words::{finding, is_queue, ledger_figures, seconds};

/// Events shown; all are in `events.ndjson`.
const EVENTS_AT_MOST: usize = 40;
/// Marks of one kind among them.
const MARKS_EACH: usize = 3;

pub(super) fn thresholds(run: &RunFile, doc: &mut Doc) {
    // Those of a gate stand under it.
    let own: Vec<&ThresholdRecord> =
        run.thresholds.iter().filter(|threshold| threshold.gate.is_none()).collect();
    if !own.is_empty() {
        doc.heading(2, "Thresholds");
        conditions(&own, doc);
    }
}

/// Thresholds and what became of each.
pub(super) fn conditions(thresholds: &[&ThresholdRecord], doc: &mut Doc) {
    let mut table = Table::new(&["", "metric", "threshold", ">value", "finding"]);
    for threshold in thresholds {
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
    for ledger in run.ledgers.iter().filter(|ledger| !is_queue(ledger)) {
        let verdict = if ledger.passed { "✓ PASS" } else { "✗ FAIL" };
        table.row([verdict.to_owned(), code(&ledger.name), plain(&ledger.kind), ledger_figures(ledger)]);
    }
    if !table.is_empty() {
        doc.table(&table);
    }
    queues(run, doc);
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
    // What happens again and again (vacuums, checkpoints) would hide what happens once.
    let mut marks: BTreeMap<String, usize> = BTreeMap::new();
    let mut is_shown = |event: &&Event| match &event.what {
        What::Unknown => false,
        What::Mark { text } => {
            let times = marks.entry(kind_of(text)).or_default();
            *times += 1;
            *times <= MARKS_EACH
        }
        _ => true,
    };
    let shown: Vec<&Event> = events.iter().filter(|event| is_shown(event)).collect();
    for event in shown.iter().take(EVENTS_AT_MOST) {
        // Before the load began there is only the wall clock.
        let when = event.at_ns.map(|at_ns| seconds((at_ns as f64 / 1e9 * 10.0).round() / 10.0));
        let when = when.or_else(|| time(event.unix_us)).unwrap_or_default();
        table.row([when, plain(&event.what.in_words())]);
    }
    doc.table(&table);
    let hidden = events.len() - shown.len().min(EVENTS_AT_MOST);
    if hidden > 0 {
        doc.paragraph(&format!("{} more events are in `events.ndjson`.", format_count(hidden as u64)));
    }
}
