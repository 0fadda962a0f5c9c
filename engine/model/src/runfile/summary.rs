//! The figures of a run: from merged totals to plain numbers.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::histogram::LatencyHistogram;
use crate::outcome::Outcome;
use crate::recorder::{
    CheckTotals, CoreTotals, Failure, MetricData, OpTotals, ScenarioTotals, Totals, WindowKind,
};

/// The figures of the measured window.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Summary {
    /// Length of the measured window: what every rate is computed over.
    pub window_s: f64,
    /// Operations of any outcome.
    pub operations: u64,
    /// Operations a second.
    pub operations_per_s: f64,
    /// Operations that count as errors.
    pub errors: u64,
    /// Their share of all operations, 0 to 1.
    pub error_share: f64,
    /// Each operation and outcome that occurred, by name.
    pub ops: Vec<OpSummary>,
    /// Each scenario's iterations.
    pub scenarios: Vec<ScenarioSummary>,
    /// Each check.
    pub checks: Vec<CheckSummary>,
    /// Each custom metric.
    pub metrics: BTreeMap<String, MetricSummary>,
    /// Distinct failures of the script, most frequent first (of the whole run, warm-up included).
    pub failures: Vec<FailureSummary>,
    /// Each generator core.
    pub cores: Vec<CoreSummary>,
    /// Bytes that went out.
    pub bytes_sent: u64,
    /// Bytes that came back.
    pub bytes_received: u64,
}

/// The figures of a set of durations.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct LatencyFigures {
    /// How many.
    pub count: u64,
    /// The shortest.
    pub min_ms: f64,
    /// The mean.
    pub mean_ms: f64,
    /// The standard deviation.
    pub stdev_ms: f64,
    /// The median.
    pub p50_ms: f64,
    /// The 90th percentile.
    pub p90_ms: f64,
    /// The 95th percentile.
    pub p95_ms: f64,
    /// The 99th percentile.
    pub p99_ms: f64,
    /// The 99.9th percentile.
    pub p99_9_ms: f64,
    /// The longest.
    pub max_ms: f64,
}

/// One operation with one outcome.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OpSummary {
    /// The operation.
    pub name: String,
    /// How these ended.
    pub outcome: Outcome,
    /// How many a second.
    pub per_s: f64,
    /// How many count as errors.
    pub errors: u64,
    /// Error classes and how often each occurred.
    pub classes: BTreeMap<String, u64>,
    /// Service times (`latency.count` is how many there were).
    pub latency: LatencyFigures,
    /// Waits for a connection, where there was a pool.
    pub pool_wait: Option<LatencyFigures>,
    /// Bytes that went out.
    pub bytes_sent: u64,
    /// Bytes that came back.
    pub bytes_received: u64,
    /// Things moved.
    pub items: u64,
}

/// One scenario.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ScenarioSummary {
    /// The scenario.
    pub name: String,
    /// Arrivals that fell due; 0 in closed loops.
    pub planned: u64,
    /// Iterations that were started.
    pub started: u64,
    /// Iterations that ran to their end.
    pub done: u64,
    /// Iterations that ended in an unhandled error.
    pub failed: u64,
    /// Iterations that were cancelled at the end.
    pub interrupted: u64,
    /// Arrivals that found no free VU.
    pub dropped: u64,
    /// Finished iterations a second.
    pub per_s: f64,
    /// Start to end.
    pub duration: LatencyFigures,
    /// Planned start to end; open models only.
    pub response: Option<LatencyFigures>,
    /// Start minus planned start; open models only.
    pub lag: Option<LatencyFigures>,
}

/// One check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckSummary {
    /// The check.
    pub name: String,
    /// How often it held.
    pub passed: u64,
    /// How often it did not.
    pub failed: u64,
}

/// One custom metric.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum MetricSummary {
    /// A sum.
    Counter {
        /// The sum.
        sum: f64,
        /// The sum over the window's seconds.
        per_s: f64,
    },
    /// A latest value.
    Gauge {
        /// The latest.
        last: f64,
        /// The smallest.
        min: f64,
        /// The largest.
        max: f64,
    },
    /// A share.
    Rate {
        /// How many were yes.
        hits: u64,
        /// How many there were.
        total: u64,
        /// Their share, 0 to 1.
        share: f64,
    },
    /// A distribution.
    Trend {
        /// How many values.
        count: u64,
        /// The smallest.
        min: f64,
        /// The mean.
        mean: f64,
        /// The median.
        p50: f64,
        /// The 90th percentile.
        p90: f64,
        /// The 95th percentile.
        p95: f64,
        /// The 99th percentile.
        p99: f64,
        /// The largest.
        max: f64,
    },
}

/// One distinct failure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailureSummary {
    /// What went wrong.
    pub message: String,
    /// Where in the script.
    pub position: String,
    /// How often.
    pub count: u64,
}

/// One generator core.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CoreSummary {
    /// Which, counted from 0.
    pub core: u32,
    /// The share of the window in which it was working, 0 to 1.
    pub busy_share: f64,
    /// Most VUs inside an iteration at once.
    pub vus_busy_max: u64,
    /// Most VUs at once.
    pub vus_live_max: u64,
}

impl Summary {
    /// The figures of the measured window, which was `window_s` long.
    pub fn from_totals(totals: &Totals, window_s: f64) -> Self {
        let window = totals.window(WindowKind::Measure);
        let operations = window.ops.values().map(|op| op.latency.count()).sum();
        let errors = window.ops.values().map(|op| op.errors).sum();
        let ops = window.ops.iter().map(|((name, outcome), op)| OpSummary::new(name, *outcome, op, window_s));
        let scenarios =
            window.scenarios.iter().map(|(name, scenario)| ScenarioSummary::new(name, scenario, window_s));
        let metrics =
            window.metrics.iter().map(|(name, data)| (name.to_string(), MetricSummary::new(data, window_s)));
        Summary {
            window_s,
            operations,
            operations_per_s: rate(operations as f64, window_s),
            errors,
            error_share: share(errors, operations),
            ops: ops.collect(),
            scenarios: scenarios.collect(),
            checks: window.checks.iter().map(|(name, check)| CheckSummary::new(name, check)).collect(),
            metrics: metrics.collect(),
            failures: totals.failures().into_iter().map(FailureSummary::from).collect(),
            cores: window.cores.iter().map(|(&core, totals)| CoreSummary::new(core, totals)).collect(),
            bytes_sent: window.ops.values().map(|op| op.bytes_sent).sum(),
            bytes_received: window.ops.values().map(|op| op.bytes_received).sum(),
        }
    }
}

impl CheckSummary {
    fn new(name: &str, check: &CheckTotals) -> Self {
        CheckSummary { name: name.to_owned(), passed: check.passed, failed: check.failed }
    }
}

impl From<Failure> for FailureSummary {
    fn from(Failure { message, position, count }: Failure) -> Self {
        FailureSummary { message, position, count }
    }
}

impl CoreSummary {
    fn new(core: u32, totals: &CoreTotals) -> Self {
        CoreSummary {
            core,
            busy_share: totals.busy_share(),
            vus_busy_max: totals.vus_busy_max,
            vus_live_max: totals.vus_live_max,
        }
    }
}

impl From<&LatencyHistogram> for LatencyFigures {
    fn from(times: &LatencyHistogram) -> Self {
        let percentile_ms = |percentile| times.percentile_us(percentile) as f64 / 1000.0;
        LatencyFigures {
            count: times.count(),
            min_ms: times.min_us() as f64 / 1000.0,
            mean_ms: times.mean_us() / 1000.0,
            stdev_ms: times.stdev_us() / 1000.0,
            p50_ms: percentile_ms(50.0),
            p90_ms: percentile_ms(90.0),
            p95_ms: percentile_ms(95.0),
            p99_ms: percentile_ms(99.0),
            p99_9_ms: percentile_ms(99.9),
            max_ms: times.max_us() as f64 / 1000.0,
        }
    }
}

impl OpSummary {
    fn new(name: &str, outcome: Outcome, op: &OpTotals, window_s: f64) -> Self {
        OpSummary {
            name: name.to_owned(),
            outcome,
            per_s: rate(op.latency.count() as f64, window_s),
            errors: op.errors,
            classes: op.classes.clone(),
            latency: LatencyFigures::from(&op.latency),
            pool_wait: op.pool_wait.as_ref().map(LatencyFigures::from),
            bytes_sent: op.bytes_sent,
            bytes_received: op.bytes_received,
            items: op.items,
        }
    }
}

impl ScenarioSummary {
    fn new(name: &str, scenario: &ScenarioTotals, window_s: f64) -> Self {
        ScenarioSummary {
            name: name.to_owned(),
            planned: scenario.planned,
            started: scenario.started(),
            done: scenario.done,
            failed: scenario.failed,
            interrupted: scenario.interrupted,
            dropped: scenario.dropped,
            per_s: rate((scenario.done + scenario.failed) as f64, window_s),
            duration: LatencyFigures::from(&scenario.service),
            response: scenario.response.as_ref().map(LatencyFigures::from),
            lag: scenario.lag.as_ref().map(LatencyFigures::from),
        }
    }
}

impl MetricSummary {
    fn new(data: &MetricData, window_s: f64) -> Self {
        match data {
            MetricData::Counter { sum, .. } => {
                MetricSummary::Counter { sum: *sum, per_s: rate(*sum, window_s) }
            }
            MetricData::Gauge { last, min, max, .. } => {
                MetricSummary::Gauge { last: *last, min: *min, max: *max }
            }
            MetricData::Rate { hits, total } => {
                MetricSummary::Rate { hits: *hits, total: *total, share: share(*hits, *total) }
            }
            MetricData::Trend(values) => MetricSummary::Trend {
                count: values.count(),
                min: values.min(),
                mean: values.mean(),
                p50: values.percentile(50.0),
                p90: values.percentile(90.0),
                p95: values.percentile(95.0),
                p99: values.percentile(99.0),
                max: values.max(),
            },
        }
    }
}

/// A number a second; 0 when no time has passed, so that no infinity reaches a file.
fn rate(count: f64, window_s: f64) -> f64 {
    if window_s > 0.0 { count / window_s } else { 0.0 }
}

fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}
