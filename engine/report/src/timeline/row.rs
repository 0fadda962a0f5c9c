//! A row of `timeline.csv`: one second of one thing.
//!
//! Long form: the column `kind` says what the row is about, cells that do not apply to it stay empty. So
//! every column holds figures of one unit, and a new operation adds rows and not columns.

use model::histogram::LatencyHistogram;
use model::outcome::Outcome;
use model::recorder::WindowKind;
use serde::{Deserialize, Serialize};

/// What a row is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RowKind {
    /// The whole run: iterations of all scenarios, errors of all operations, VUs and CPU of all cores.
    Run,
    /// One scenario's iterations.
    Scenario,
    /// One operation with one outcome.
    Op,
    /// One custom metric.
    Metric,
    /// One check.
    Check,
    /// One core of the generator (its number is the name).
    Core,
    /// A kind that this version does not know.
    #[serde(other)]
    Unknown,
}

/// One row. The field names are the column names.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// Start of the second, since the run's epoch.
    pub t_s: f64,
    /// Length of the second: 1, less for the last one.
    pub length_s: f64,
    /// The phase at the start of the second, such as `measure`.
    pub phase: String,
    /// The window in which the turns were planned.
    pub window: WindowKind,
    /// What the row is about.
    pub kind: RowKind,
    /// Its name.
    pub name: String,
    /// The outcome, of operations.
    pub outcome: Option<Outcome>,
    /// Operations, observations or checks; iterations that ended (done, failed or interrupted).
    pub count: u64,
    /// The count a second.
    pub rate_per_s: f64,
    /// Operations that count as errors; checks that did not hold.
    pub errors: Option<u64>,
    /// Mean service time (start to end).
    pub mean_us: Option<f64>,
    /// Service time at the 50th percentile; that of iterations for kinds `run` and `scenario`.
    pub p50_us: Option<u64>,
    /// 90th percentile.
    pub p90_us: Option<u64>,
    /// 95th percentile.
    pub p95_us: Option<u64>,
    /// 99th percentile.
    pub p99_us: Option<u64>,
    /// 99.9th percentile.
    pub p999_us: Option<u64>,
    /// Longest service time.
    pub max_us: Option<u64>,
    /// Median time from planned start to end; open models only.
    pub response_p50_us: Option<u64>,
    /// 99th percentile of the same.
    pub response_p99_us: Option<u64>,
    /// Median lateness of the start against the plan; open models only.
    pub lag_p50_us: Option<u64>,
    /// 99th percentile of the same.
    pub lag_p99_us: Option<u64>,
    /// 99th percentile of the wait for a connection.
    pub pool_wait_p99_us: Option<u64>,
    /// Arrivals that fell due.
    pub planned: Option<u64>,
    /// Iterations that ended without being cut off: done or failed.
    pub achieved: Option<u64>,
    /// Arrivals that found no free VU.
    pub dropped: Option<u64>,
    /// Iterations that ended in an unhandled error.
    pub failed: Option<u64>,
    /// Iterations that were cut off.
    pub interrupted: Option<u64>,
    /// Bytes that went out.
    pub bytes_sent: Option<u64>,
    /// Bytes that came back.
    pub bytes_received: Option<u64>,
    /// Things moved (rows, items, objects).
    pub items: Option<u64>,
    /// A counter's growth, a gauge's last value, a rate's share, a trend's mean.
    pub value: Option<f64>,
    /// VUs inside an iteration at the end of the second.
    pub vus_busy: Option<u64>,
    /// VUs that exist at the end of the second.
    pub vus_live: Option<u64>,
    /// CPU time used, of the time that passed; for kind `run` that of the busiest core.
    pub cpu_percent: Option<f64>,
}

impl Row {
    /// A row in which only what every row has is filled in.
    pub(super) fn new(kind: RowKind, name: &str, span: &Span<'_>, count: u64) -> Self {
        Row {
            t_s: span.t_s,
            length_s: span.length_s,
            phase: span.phase.to_owned(),
            window: span.window,
            kind,
            name: crate::text::one_line(name).into_owned(),
            outcome: None,
            count,
            rate_per_s: rounded(count as f64 / span.length_s),
            errors: None,
            mean_us: None,
            p50_us: None,
            p90_us: None,
            p95_us: None,
            p99_us: None,
            p999_us: None,
            max_us: None,
            response_p50_us: None,
            response_p99_us: None,
            lag_p50_us: None,
            lag_p99_us: None,
            pool_wait_p99_us: None,
            planned: None,
            achieved: None,
            dropped: None,
            failed: None,
            interrupted: None,
            bytes_sent: None,
            bytes_received: None,
            items: None,
            value: None,
            vus_busy: None,
            vus_live: None,
            cpu_percent: None,
        }
    }

    /// Fills in the service times.
    pub(super) fn with_latency(mut self, times: &LatencyHistogram) -> Self {
        if times.is_empty() {
            return self;
        }
        self.mean_us = Some(rounded(times.mean_us()));
        self.p50_us = Some(times.percentile_us(50.0));
        self.p90_us = Some(times.percentile_us(90.0));
        self.p95_us = Some(times.percentile_us(95.0));
        self.p99_us = Some(times.percentile_us(99.0));
        self.p999_us = Some(times.percentile_us(99.9));
        self.max_us = Some(times.max_us());
        self
    }
}

/// What the rows of one second and window have in common.
pub(super) struct Span<'a> {
    pub(super) t_s: f64,
    pub(super) length_s: f64,
    pub(super) phase: &'a str,
    pub(super) window: WindowKind,
}

/// To a thousandth: more digits than that are noise in a file of many rows.
pub(super) fn rounded(value: f64) -> f64 {
    (value * 1e3).round() / 1e3
}
