//! The figures of the measured window: operations, iterations, totals, checks, custom metrics.

use model::runfile::{LatencyFigures, MetricSummary, OpSummary, RunFile, ScenarioSummary, Summary};
use model::units::{format_bytes, format_count, format_percent};

use super::doc::{Doc, Table, code, plain};
use crate::figures::{NONE, Rates, decimal, difference, latency};
use crate::words::{classes, is_open, metric_value};

pub(super) fn operations(figures: &Summary, doc: &mut Doc) {
    doc.heading(2, "Operations");
    if figures.ops.is_empty() {
        doc.paragraph("No operation was recorded in the measured window.");
        return;
    }
    let has_waits = figures.ops.iter().any(|op| op.pool_wait.is_some());
    let mut titles = vec![
        "operation",
        "outcome",
        ">count",
        ">rate/s",
        ">p50",
        ">p90",
        ">p95",
        ">p99",
        ">p99.9",
        ">max",
        ">errors",
    ];
    if has_waits {
        titles.push(">pool wait p99");
    }
    let mut table = Table::new(&titles);
    let rates = Rates::of(figures.ops.iter().map(|op| op.per_s));
    for op in &figures.ops {
        let mut cells = vec![code(&op.name), op.outcome.to_string(), format_count(op.latency.count)];
        cells.push(rates.show(op.per_s));
        cells.extend(percentiles(&op.latency));
        cells.push(format_count(op.errors));
        cells.extend(op.pool_wait.as_ref().map(|wait| latency(wait.p99_ms * 1000.0)));
        table.row(cells);
    }
    doc.table(&table);
    let with_classes = |op: &OpSummary| {
        classes(op).map(|classes| format!("{} {}: {}", code(&op.name), op.outcome, plain(&classes)))
    };
    doc.list(figures.ops.iter().filter_map(with_classes));
}

fn percentiles(times: &LatencyFigures) -> Vec<String> {
    let ms = [times.p50_ms, times.p90_ms, times.p95_ms, times.p99_ms, times.p99_9_ms, times.max_ms];
    ms.map(|ms| if times.count == 0 { NONE.to_owned() } else { latency(ms * 1000.0) }).into()
}

pub(super) fn iterations(figures: &Summary, doc: &mut Doc) {
    if figures.scenarios.is_empty() {
        return;
    }
    doc.heading(2, "Iterations");
    let mut table =
        Table::new(&["scenario", "time", ">count", ">p50", ">p90", ">p95", ">p99", ">p99.9", ">max"]);
    for scenario in &figures.scenarios {
        let kinds = [
            ("iteration_duration (start to end)", Some(&scenario.duration)),
            ("iteration_response (planned start to end)", scenario.response.as_ref()),
            ("schedule_lag (planned start to start)", scenario.lag.as_ref()),
        ];
        for (kind, times) in kinds {
            let Some(times) = times else { continue };
            let mut cells = vec![code(&scenario.name), kind.to_owned(), format_count(times.count)];
            cells.extend(percentiles(times));
            table.row(cells);
        }
    }
    doc.table(&table);
    let mut table = Table::new(&[
        "scenario",
        ">planned",
        ">started",
        ">difference",
        ">dropped",
        ">ended",
        ">failed",
        ">interrupted",
        ">rate/s",
    ]);
    figures.scenarios.iter().for_each(|scenario| table.row(counts(scenario)));
    doc.table(&table);
}

fn counts(scenario: &ScenarioSummary) -> Vec<String> {
    let open = |text: String| if is_open(scenario) { text } else { NONE.to_owned() };
    let off = match scenario.planned {
        0 => NONE.to_owned(),
        planned => difference(scenario.started as f64 / planned as f64 - 1.0),
    };
    vec![
        code(&scenario.name),
        open(format_count(scenario.planned)),
        format_count(scenario.started),
        off,
        open(format_count(scenario.dropped)),
        format_count(scenario.done + scenario.failed),
        format_count(scenario.failed),
        format_count(scenario.interrupted),
        decimal(scenario.per_s, 2),
    ]
}

pub(super) fn totals(run: &RunFile, figures: &Summary, doc: &mut Doc) {
    let per_s = |count: u64| if figures.window_s > 0.0 { count as f64 / figures.window_s } else { 0.0 };
    let bytes = |bytes: u64| format!("{} ({}/s)", format_bytes(bytes as f64), format_bytes(per_s(bytes)));
    let mut points = vec![format!(
        "errors: {} ({} of {} operations)",
        format_percent(figures.error_share),
        format_count(figures.errors),
        format_count(figures.operations)
    )];
    points.push(format!(
        "data: {} sent, {} received",
        bytes(figures.bytes_sent),
        bytes(figures.bytes_received)
    ));
    if !figures.cores.is_empty() {
        let (busy, live) = figures
            .cores
            .iter()
            .fold((0, 0), |(busy, live), core| (busy + core.vus_busy_max, live + core.vus_live_max));
        let allowed: u64 = run.loads.iter().map(|load| load.max_vus).sum();
        let allowed =
            if allowed > 0 { format!(" of {} allowed", format_count(allowed)) } else { String::new() };
        points.push(format!("VUs: {busy} busy and {live} live at most{allowed}"));
        let share = |share: f64| format_percent((share * 1e3).round() / 1e3);
        let cores: Vec<String> = figures
            .cores
            .iter()
            .map(|core| format!("core {} {}", core.core, share(core.busy_share)))
            .collect();
        points.push(format!("generator CPU: {}", cores.join(", ")));
    }
    doc.list(points);
}

pub(super) fn checks_and_metrics(figures: &Summary, doc: &mut Doc) {
    if !figures.checks.is_empty() {
        doc.heading(2, "Checks");
        let mut table = Table::new(&["", "check", ">held", ">failed"]);
        for check in &figures.checks {
            let mark = if check.failed == 0 { "✓" } else { "✗" };
            let (held, failed) = (format_count(check.passed), format_count(check.failed));
            table.row([mark.to_owned(), plain(&check.name), held, failed]);
        }
        doc.table(&table);
    }
    if !figures.metrics.is_empty() {
        doc.heading(2, "Custom metrics");
        let mut table = Table::new(&["metric", "kind", "value"]);
        for (name, metric) in &figures.metrics {
            table.row([code(name), kind(metric).to_owned(), metric_value(metric)]);
        }
        doc.table(&table);
    }
}

fn kind(metric: &MetricSummary) -> &'static str {
    match metric {
        MetricSummary::Counter { .. } => "counter",
        MetricSummary::Gauge { .. } => "gauge",
        MetricSummary::Rate { .. } => "rate",
        MetricSummary::Trend { .. } => "trend",
    }
}
