//! The figures of a run that did not come to write its summary, from what it wrote second by second.
//!
//! Counts come from `timeline.csv`, times from `histograms.hlog`. What neither holds (error classes,
//! failures, the script's metrics, judgements) stays empty; the report says so.

use std::collections::BTreeMap;

use model::histogram::LatencyHistogram;
use model::histogram::log::LoggedInterval;
use model::outcome::Outcome;
use model::recorder::WindowKind;
use model::runfile::{CheckSummary, CoreSummary, LatencyFigures, OpSummary, ScenarioSummary, Summary};

use crate::timeline::{Row, RowKind, histograms};

type ByTag<'a> = BTreeMap<&'a str, LatencyHistogram>;

/// The measured window as far as it was written; nothing when the run did not get that far. Times of which
/// no histogram was written are not a number.
pub fn recovered(rows: &[Row], log: &[LoggedInterval]) -> Option<Summary> {
    let rows: Vec<&Row> = rows.iter().filter(|row| row.window == WindowKind::Measure).collect();
    let of = |kind: RowKind| rows.iter().copied().filter(move |row| row.kind == kind);
    let start_s = of(RowKind::Run).map(|row| row.t_s).reduce(f64::min)?;
    let end_s = of(RowKind::Run).map(|row| row.t_s + row.length_s).fold(start_s, f64::max);
    let window_s = end_s - start_s;
    let log = &histograms::by_tag(log);
    let ops = operations(of(RowKind::Op), log, window_s);
    let operations = ops.iter().map(|op| op.latency.count).sum();
    let errors = ops.iter().map(|op| op.errors).sum();
    Some(Summary {
        window_s,
        operations,
        operations_per_s: operations as f64 / window_s,
        errors,
        error_share: if operations == 0 { 0.0 } else { errors as f64 / operations as f64 },
        bytes_sent: ops.iter().map(|op| op.bytes_sent).sum(),
        bytes_received: ops.iter().map(|op| op.bytes_received).sum(),
        ops,
        scenarios: scenarios(of(RowKind::Scenario), log, window_s),
        checks: checks(of(RowKind::Check)),
        cores: cores(of(RowKind::Core)),
        ..Summary::default()
    })
}

fn operations<'a>(rows: impl Iterator<Item = &'a Row>, log: &ByTag<'_>, window_s: f64) -> Vec<OpSummary> {
    let mut by_op: BTreeMap<(&str, Outcome), Vec<&Row>> = BTreeMap::new();
    for row in rows {
        by_op.entry((&row.name, row.outcome.unwrap_or(Outcome::Error))).or_default().push(row);
    }
    let op = |((name, outcome), rows): ((&str, Outcome), Vec<&Row>)| {
        let count = sum(&rows, |row| Some(row.count));
        let waits = log.get(histograms::pool_wait_tag(name, outcome).as_str());
        OpSummary {
            name: name.to_owned(),
            outcome,
            per_s: count as f64 / window_s,
            errors: sum(&rows, |row| row.errors),
            classes: BTreeMap::new(),
            latency: times(log, &histograms::op_tag(name, outcome), count),
            pool_wait: waits.map(LatencyFigures::from),
            bytes_sent: sum(&rows, |row| row.bytes_sent),
            bytes_received: sum(&rows, |row| row.bytes_received),
            items: sum(&rows, |row| row.items),
        }
    };
    by_op.into_iter().map(op).collect()
}

fn scenarios<'a>(
    rows: impl Iterator<Item = &'a Row>,
    log: &ByTag<'_>,
    window_s: f64,
) -> Vec<ScenarioSummary> {
    let scenario = |(name, rows): (&str, Vec<&Row>)| {
        let of = |what: &str| log.get(histograms::scenario_tag(what, name).as_str());
        let achieved = sum(&rows, |row| row.achieved);
        let failed = sum(&rows, |row| row.failed);
        let tag = histograms::scenario_tag(histograms::ITERATION_DURATION, name);
        ScenarioSummary {
            name: name.to_owned(),
            planned: sum(&rows, |row| row.planned),
            started: sum(&rows, |row| Some(row.count)),
            done: achieved.saturating_sub(failed),
            failed,
            interrupted: sum(&rows, |row| row.interrupted),
            dropped: sum(&rows, |row| row.dropped),
            per_s: achieved as f64 / window_s,
            duration: times(log, &tag, achieved),
            response: of(histograms::ITERATION_RESPONSE).map(LatencyFigures::from),
            lag: of(histograms::SCHEDULE_LAG).map(LatencyFigures::from),
        }
    };
    by_name(rows).into_iter().map(scenario).collect()
}

fn checks<'a>(rows: impl Iterator<Item = &'a Row>) -> Vec<CheckSummary> {
    let check = |(name, rows): (&str, Vec<&Row>)| {
        let failed = sum(&rows, |row| row.errors);
        let passed = sum(&rows, |row| Some(row.count)).saturating_sub(failed);
        CheckSummary { name: name.to_owned(), passed, failed }
    };
    by_name(rows).into_iter().map(check).collect()
}

fn cores<'a>(rows: impl Iterator<Item = &'a Row>) -> Vec<CoreSummary> {
    let core = |(name, rows): (&str, Vec<&Row>)| {
        let length_s: f64 = rows.iter().map(|row| row.length_s).sum();
        let busy_s: f64 = rows.iter().map(|row| row.length_s * row.cpu_percent.unwrap_or(0.0) / 100.0).sum();
        let most = |of: fn(&Row) -> Option<u64>| rows.iter().filter_map(|row| of(row)).max().unwrap_or(0);
        CoreSummary {
            core: name.parse().unwrap_or(0),
            busy_share: if length_s > 0.0 { busy_s / length_s } else { 0.0 },
            vus_busy_max: most(|row| row.vus_busy),
            vus_live_max: most(|row| row.vus_live),
        }
    };
    by_name(rows).into_iter().map(core).collect()
}

fn by_name<'a>(rows: impl Iterator<Item = &'a Row>) -> BTreeMap<&'a str, Vec<&'a Row>> {
    let mut by_name: BTreeMap<&str, Vec<&Row>> = BTreeMap::new();
    rows.for_each(|row| by_name.entry(&row.name).or_default().push(row));
    by_name
}

fn sum(rows: &[&Row], of: impl Fn(&Row) -> Option<u64>) -> u64 {
    rows.iter().filter_map(|row| of(row)).sum()
}

/// The times under a tag; the count is that of the rows, which is right even when lines of the log are
/// missing.
fn times(log: &ByTag<'_>, tag: &str, count: u64) -> LatencyFigures {
    let unknown = || LatencyFigures {
        count,
        min_ms: f64::NAN,
        mean_ms: f64::NAN,
        stdev_ms: f64::NAN,
        p50_ms: f64::NAN,
        p90_ms: f64::NAN,
        p95_ms: f64::NAN,
        p99_ms: f64::NAN,
        p99_9_ms: f64::NAN,
        max_ms: f64::NAN,
    };
    let known = |times| LatencyFigures { count, ..LatencyFigures::from(times) };
    log.get(tag).map_or_else(unknown, known)
}
