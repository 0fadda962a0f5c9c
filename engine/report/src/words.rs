//! Phrases about a run that the terminal summary and the Markdown report share.

use std::time::Duration;

use model::runfile::{
    FailureSummary, LedgerRecord, MetricSummary, OpSummary, Parameter, RunFile, ScenarioSummary, Server,
    ThresholdRecord, WaitRecord,
};
use model::units::{format_count, format_duration, format_latency_us, format_percent};

use crate::figures::{decimal, difference, number, three_digits};
use crate::text::{one_line, plural};

/// Seconds as people say them: `5m`, `1.5s`.
pub(crate) fn seconds(s: f64) -> String {
    format_duration(Duration::from_secs_f64(if s.is_finite() { s.clamp(0.0, 1e12) } else { 0.0 }))
}

/// How long a phase took (or has taken until another began), whatever the spelling of its name.
pub(crate) fn phase_s(run: &RunFile, name: &str) -> Option<f64> {
    let phase = run.phases.iter().find(|phase| phase.name.replace('-', "_") == name)?;
    phase.end_s.map(|end_s| end_s - phase.start_s)
}

/// `measured 5m after 30s of warm-up, seed 42, 2 cores, segment 1/4`.
pub(crate) fn extent(run: &RunFile) -> String {
    let mut parts = Vec::new();
    let measured = run.summary.as_ref().map(|summary| summary.window_s).or_else(|| phase_s(run, "measure"));
    let planned = run.duration_s;
    let mut time = match (measured, planned) {
        (Some(measured), Some(planned)) if (measured - planned).abs() > 0.01 * planned => {
            format!("measured {} of {} planned", seconds(measured), seconds(planned))
        }
        (Some(measured), _) => format!("measured {}", seconds(measured)),
        (None, Some(planned)) => format!("{} planned", seconds(planned)),
        (None, None) => String::new(),
    };
    if let Some(warm_up_s) = phase_s(run, "warm_up").filter(|s| *s > 0.0) {
        time.push_str(&format!(" after {} of warm-up", seconds(warm_up_s)));
    }
    if !time.is_empty() {
        parts.push(time.trim().to_owned());
    }
    parts.push(format!("seed {}", run.seed));
    if run.cores > 0 {
        parts.push(plural(u64::from(run.cores), "core", "cores"));
    }
    if !run.segment.is_whole() {
        parts.push(format!("segment {}", run.segment));
    }
    parts.join(", ")
}

/// `5 traces of failed iterations, 3 of the slowest`; nothing when there are none.
pub(crate) fn traces(run: &RunFile) -> Option<String> {
    let counts = run.traces.filter(|counts| counts.kept() > 0)?;
    let kinds = [
        (counts.failed, "failed iterations"),
        (counts.interrupted, "iterations that were cut off"),
        (counts.slow, "the slowest"),
    ];
    let mut parts = kinds.iter().filter(|(count, _)| *count > 0);
    let first = parts.next().map(|(count, of)| format!("{} of {of}", plural(*count, "trace", "traces")));
    let others = parts.map(|(count, of)| format!("{} of {of}", format_count(*count)));
    Some(first.into_iter().chain(others).collect::<Vec<_>>().join(", "))
}

/// The parameters that somebody chose: `variant=b rate=50`.
pub(crate) fn chosen_parameters(run: &RunFile) -> Vec<String> {
    let chosen = run.parameters.iter().filter(|(_, parameter)| is_chosen(parameter));
    chosen.map(|(name, parameter)| format!("{name}={}", parameter_value(&parameter.value))).collect()
}

/// Whether the value came from outside of the script.
pub(crate) fn is_chosen(parameter: &Parameter) -> bool {
    !matches!(parameter.from.as_str(), "default" | "script")
}

/// A parameter's value as it is typed after `-p name=`.
pub(crate) fn parameter_value(value: &serde_json::Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// `PostgreSQL 16.4, embedded, lean client, dedicated (16 connections), durability on`.
pub(crate) fn server(server: &Server) -> String {
    let mut parts = vec![format!("{} {}", server.kind, server.version).trim().to_owned()];
    parts.push(if server.embedded { "embedded".to_owned() } else { server.endpoint.clone() });
    if !server.client.is_empty() {
        parts.push(format!("{} client", server.client));
    }
    parts.extend(server.pool_mode.clone());
    parts.extend(server.durability.as_ref().map(|durability| format!("durability {durability}")));
    parts.retain(|part| !part.is_empty());
    one_line(&parts.join(", ")).into_owned()
}

/// The reason of a judgement, when it is more than the figure in other words (`p(95) is 12.3ms`).
pub(crate) fn finding(threshold: &ThresholdRecord) -> Option<&str> {
    let repeats = threshold.reason.ends_with(&format!(" is {}", threshold.shown));
    (!threshold.reason.is_empty() && !repeats).then_some(threshold.reason.as_str())
}

/// Figures of a ledger that are named before the others.
const FIRST_FIGURES: [&str; 23] = [
    "pushed",
    "taken",
    "remaining",
    "acknowledged",
    "duplicates",
    "gaps",
    "objects",
    "reads_checked",
    "read_after_write",
    "lists_checked",
    "list_after_write",
    "lost",
    "untaken",
    "twice",
    "early",
    "invented",
    "order",
    "redelivered",
    "in_doubt",
    "corrupted",
    "duplicate_wins",
    "forks",
    "ambiguous",
];

/// `acknowledged 80,000, duplicates 0, gaps 0`.
pub(crate) fn ledger_figures(ledger: &LedgerRecord) -> String {
    // What the verdict rests on first; the rest as the ledger names it.
    let rank =
        |name: &str| FIRST_FIGURES.iter().position(|first| *first == name).unwrap_or(FIRST_FIGURES.len());
    let mut figures: Vec<_> = ledger.figures.iter().collect();
    figures.sort_by_key(|(name, _)| rank(name));
    let shown: Vec<String> = figures
        .into_iter()
        .map(|(name, count)| format!("{} {}", name.replace('_', " "), format_count(*count)))
        .collect();
    shown.join(", ")
}

/// Whether a ledger is that of a queue.
pub(crate) fn is_queue(ledger: &LedgerRecord) -> bool {
    ledger.kind == "queue"
}

/// `age p50 1.2ms, p99 8.31ms, max 12ms`, for each wait of a queue.
pub(crate) fn waits(ledger: &LedgerRecord) -> Vec<String> {
    let time = |us: u64| format_latency_us(us as f64);
    let told = |wait: &WaitRecord| {
        let name = wait.name.replace('_', " ");
        format!("{name} p50 {}, p99 {}, max {}", time(wait.p50_us), time(wait.p99_us), time(wait.max_us))
    };
    ledger.waits.iter().map(told).collect()
}

/// `31,482 started of 31,500 planned (-0.06%)`; nothing for closed loops, which plan nothing.
pub(crate) fn arrivals(planned: u64, started: u64) -> Option<String> {
    (planned > 0).then(|| {
        format!(
            "{} started of {} planned ({})",
            format_count(started),
            format_count(planned),
            difference(started as f64 / planned as f64 - 1.0)
        )
    })
}

/// Whether the scenario follows a schedule.
pub(crate) fn is_open(scenario: &ScenarioSummary) -> bool {
    scenario.planned > 0 || scenario.lag.is_some() || scenario.dropped > 0
}

/// `08006 ×2, 57P01 ×1`, most frequent first; nothing without classes.
pub(crate) fn classes(op: &OpSummary) -> Option<String> {
    let mut classes: Vec<_> = op.classes.iter().collect();
    classes.sort_by(|a, b| b.1.cmp(a.1).then_with(|| a.0.cmp(b.0)));
    let shown: Vec<String> = classes
        .iter()
        .map(|(class, count)| format!("{} ×{}", one_line(class), format_count(**count)))
        .collect();
    (!shown.is_empty()).then(|| shown.join(", "))
}

/// The line under a failure's message: where in the script.
pub(crate) fn position(failure: &FailureSummary) -> Option<String> {
    (!failure.position.is_empty()).then(|| format!("at {}", one_line(&failure.position)))
}

/// `avg=12 min=1 med=10 max=99 p(90)=20 p(95)=30` and its likes.
pub(crate) fn metric_value(metric: &MetricSummary) -> String {
    match metric {
        MetricSummary::Counter { sum, per_s } => format!("{}  {}/s", number(*sum), decimal(*per_s, 2)),
        MetricSummary::Gauge { last, min, max } => {
            format!("{}  min={} max={}", number(*last), number(*min), number(*max))
        }
        MetricSummary::Rate { hits, total, share } => {
            format!("{}  {} of {}", format_percent(*share), format_count(*hits), format_count(*total))
        }
        MetricSummary::Trend { min, mean, p50, p90, p95, p99, max, .. } => {
            let exact = |name: &str, value: f64| format!("{name}={}", number(value));
            // Right to one part in a thousand: the fourth digit is noise.
            let cell = |name: &str, value: f64| format!("{name}={}", three_digits(value));
            let parts = [
                exact("avg", *mean),
                exact("min", *min),
                cell("med", *p50),
                exact("max", *max),
                cell("p(90)", *p90),
                cell("p(95)", *p95),
                cell("p(99)", *p99),
            ];
            parts.join(" ")
        }
    }
}

/// What a label means.
pub(crate) const SHAPE_ONLY: &str = "shape, correctness and ratios are valid, absolute figures are not";
/// What a label means.
pub(crate) const GENERATOR_BOUND: &str = "the generator, not the server, may be what was measured";
