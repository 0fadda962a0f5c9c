//! What the ledgers of queues found: a row a queue, and how long items waited.

use model::runfile::{LedgerRecord, RunFile};
use model::units::{format_count, format_latency_us};

use super::doc::{Doc, Table, code};
use crate::words::is_queue;

/// The figures of the table, in its order.
const FIGURES: [&str; 10] = [
    "pushed",
    "taken",
    "remaining",
    "lost",
    "twice",
    "early",
    "invented",
    "order",
    "redelivered",
    "in_doubt",
];

/// A row for each queue; nothing is said where there is none.
pub(super) fn queues(run: &RunFile, doc: &mut Doc) {
    let queues: Vec<&LedgerRecord> = run.ledgers.iter().filter(|ledger| is_queue(ledger)).collect();
    if queues.is_empty() {
        return;
    }
    let headings: Vec<String> = FIGURES.iter().map(|name| format!(">{}", name.replace('_', " "))).collect();
    let headings = ["", "queue"]
        .into_iter()
        .chain(headings.iter().map(String::as_str))
        .chain([">age p50", ">age p99"])
        .collect::<Vec<_>>();
    let mut table = Table::new(&headings);
    for queue in &queues {
        let verdict = if queue.passed { "✓ PASS" } else { "✗ FAIL" };
        let figure = |name: &str| queue.figures.get(name).map_or("-".to_owned(), |it| format_count(*it));
        let age = queue.waits.iter().find(|wait| wait.name == "age");
        let time = |us: Option<u64>| us.map_or("-".to_owned(), |us| format_latency_us(us as f64));
        let cells = [verdict.to_owned(), code(&queue.name)].into_iter();
        let cells = cells.chain(FIGURES.iter().map(|name| figure(name)));
        table.row(cells.chain([time(age.map(|it| it.p50_us)), time(age.map(|it| it.p99_us))]));
    }
    doc.table(&table);
    waits(&queues, doc);
}

/// Waits by priority, and how late delayed items were taken, where there is any of it.
fn waits(queues: &[&LedgerRecord], doc: &mut Doc) {
    let mut table = Table::new(&["queue", "wait", ">items", ">p50", ">p99", ">max"]);
    let all = queues.iter().flat_map(|queue| queue.waits.iter().map(move |wait| (queue, wait)));
    for (queue, wait) in all.filter(|(_, wait)| wait.name != "age") {
        let times = [wait.p50_us, wait.p99_us, wait.max_us].map(|us| format_latency_us(us as f64));
        let cells = [code(&queue.name), wait.name.replace('_', " "), format_count(wait.count)];
        table.row(cells.into_iter().chain(times));
    }
    if !table.is_empty() {
        doc.table(&table);
    }
}
