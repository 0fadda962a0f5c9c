//! What one core recorded in one second: a value that travels to whoever adds up, draws or writes.

use std::sync::Arc;

use crate::histogram::{LatencyHistogram, ValueHistogram};
use crate::outcome::Outcome;
use crate::recorder::WindowKind;

/// Everything one core recorded between two times for one window.
#[derive(Debug, Clone, PartialEq)]
pub struct Interval {
    /// Which core, counted from 0.
    pub core: u32,
    /// Start, since the run's epoch.
    pub start_ns: u64,
    /// End, since the run's epoch.
    pub end_ns: u64,
    /// The window in which the recorded turns were planned.
    pub window: WindowKind,
    /// Operations, one entry for each outcome that occurred.
    pub ops: Vec<OpInterval>,
    /// Scenarios in which anything happened.
    pub scenarios: Vec<ScenarioInterval>,
    /// Custom metrics that were touched.
    pub metrics: Vec<MetricInterval>,
    /// Checks that were made.
    pub checks: Vec<CheckInterval>,
    /// Distinct failures; they ride on the first interval of a [`take`](super::Recorder::take), whatever
    /// window they happened in.
    pub failures: Vec<Failure>,
    /// Milliseconds since the run's epoch in which operations ended well, ascending, each once; noted when somebody asks
    /// for it ([`ended_well`](super::Recorder::ended_well)). They ride on the first interval as well.
    pub ends_ms: Vec<u32>,
    /// The most VUs that were inside an iteration at once. The load engine fills it in.
    pub vus_busy: u64,
    /// The most VUs that existed at once. The load engine fills it in.
    pub vus_live: u64,
    /// CPU time the core's thread used during the interval. The load engine fills it in, in one interval of each
    /// span: of the one with 0 neither CPU time nor length counts to how busy the core was.
    pub cpu_ns: u64,
}

/// One operation with one outcome.
#[derive(Debug, Clone, PartialEq)]
pub struct OpInterval {
    /// The operation's name.
    pub name: Arc<str>,
    /// The outcome all of these ended with.
    pub outcome: Outcome,
    /// Service times; its count is the number of operations.
    pub histogram: LatencyHistogram,
    /// Waits for a connection, of those operations that had to ask for one.
    pub pool_wait: Option<LatencyHistogram>,
    /// How many of them count as errors (depends on what each caller expected).
    pub errors: u64,
    /// Error classes and how often each occurred, in order of first occurrence.
    pub classes: Vec<(String, u64)>,
    /// Bytes that went out.
    pub bytes_sent: u64,
    /// Bytes that came back.
    pub bytes_received: u64,
    /// Things moved.
    pub items: u64,
}

/// One scenario's iterations.
#[derive(Debug, Clone, PartialEq)]
pub struct ScenarioInterval {
    /// The scenario's name.
    pub name: Arc<str>,
    /// Start to end of finished iterations (done or failed; interrupted ones have no known length).
    pub service: Option<LatencyHistogram>,
    /// Planned start to end of finished iterations; open models only.
    pub response: Option<LatencyHistogram>,
    /// Start minus planned start of every started iteration that ended here; open models only.
    pub lag: Option<LatencyHistogram>,
    /// Iterations that ran to their end.
    pub done: u64,
    /// Iterations that ended in an unhandled error.
    pub failed: u64,
    /// Iterations that were cancelled.
    pub interrupted: u64,
    /// Arrivals that found no free VU.
    pub dropped: u64,
    /// Arrivals that fell due.
    pub planned: u64,
    /// When the last of its iterations ended, on the run's clock; 0 when nobody said.
    pub last_end_ns: u64,
}

/// What a custom metric is, which decides how it adds up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MetricKind {
    /// A sum.
    Counter,
    /// The latest value, with its extremes.
    Gauge,
    /// The share of observations that were not zero.
    Rate,
    /// A distribution.
    Trend,
}

/// One custom metric.
#[derive(Debug, Clone, PartialEq)]
pub struct MetricInterval {
    /// The metric's name.
    pub name: Arc<str>,
    /// What was observed.
    pub data: MetricData,
}

/// The observations of a custom metric.
#[derive(Debug, Clone, PartialEq)]
pub enum MetricData {
    /// A sum of observations.
    Counter {
        /// The sum.
        sum: f64,
        /// How many were added.
        count: u64,
    },
    /// The latest of some observations.
    Gauge {
        /// The latest value.
        last: f64,
        /// When it held at the latest: the end of the interval it was set in.
        at_ns: u64,
        /// The smallest value.
        min: f64,
        /// The largest value.
        max: f64,
        /// How often it was set.
        count: u64,
    },
    /// Yes-or-no observations.
    Rate {
        /// How many were yes.
        hits: u64,
        /// How many there were.
        total: u64,
    },
    /// A distribution of values.
    Trend(ValueHistogram),
}

/// One named check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckInterval {
    /// The check's name.
    pub name: Arc<str>,
    /// How often it held.
    pub passed: u64,
    /// How often it did not.
    pub failed: u64,
}

/// A failure of the script, once for each distinct message and place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Failure {
    /// What went wrong.
    pub message: String,
    /// Where in the script (`file:line:column`), or empty.
    pub position: String,
    /// How often, since the last interval.
    pub count: u64,
}

impl Interval {
    /// An interval in which nothing was recorded: what a core sends when its server is silent for a second.
    pub fn empty(core: u32, start_ns: u64, end_ns: u64, window: WindowKind) -> Self {
        Interval {
            core,
            start_ns,
            end_ns,
            window,
            ops: Vec::new(),
            scenarios: Vec::new(),
            metrics: Vec::new(),
            checks: Vec::new(),
            failures: Vec::new(),
            ends_ms: Vec::new(),
            vus_busy: 0,
            vus_live: 0,
            cpu_ns: 0,
        }
    }
}

impl MetricData {
    pub(super) fn new(kind: MetricKind) -> Self {
        match kind {
            MetricKind::Counter => MetricData::Counter { sum: 0.0, count: 0 },
            MetricKind::Gauge => MetricData::Gauge {
                last: 0.0,
                at_ns: 0,
                min: f64::INFINITY,
                max: f64::NEG_INFINITY,
                count: 0,
            },
            MetricKind::Rate => MetricData::Rate { hits: 0, total: 0 },
            MetricKind::Trend => MetricData::Trend(ValueHistogram::new()),
        }
    }

    /// What kind of metric this is.
    pub fn kind(&self) -> MetricKind {
        match self {
            MetricData::Counter { .. } => MetricKind::Counter,
            MetricData::Gauge { .. } => MetricKind::Gauge,
            MetricData::Rate { .. } => MetricKind::Rate,
            MetricData::Trend(_) => MetricKind::Trend,
        }
    }

    /// How many observations it holds.
    pub fn count(&self) -> u64 {
        match self {
            MetricData::Counter { count, .. } | MetricData::Gauge { count, .. } => *count,
            MetricData::Rate { total, .. } => *total,
            MetricData::Trend(values) => values.count(),
        }
    }

    /// Adds one observation. Values that are not finite are no measurements and are ignored.
    pub(super) fn observe(&mut self, value: f64) {
        if !value.is_finite() {
            return;
        }
        match self {
            MetricData::Counter { sum, count } => (*sum, *count) = (*sum + value, *count + 1),
            MetricData::Gauge { last, min, max, count, .. } => {
                (*last, *min, *max, *count) = (value, min.min(value), max.max(value), *count + 1);
            }
            MetricData::Rate { hits, total } => {
                (*hits, *total) = (*hits + u64::from(value != 0.0), *total + 1)
            }
            MetricData::Trend(values) => {
                values.record(value);
            }
        }
    }

    /// Adds the observations of another part of the run. Different kinds under one name cannot occur
    /// within one run (the recorder refuses them); should they, the other's are left out.
    pub fn merge(&mut self, other: &MetricData) {
        match (self, other) {
            (MetricData::Counter { sum, count }, MetricData::Counter { sum: s, count: c }) => {
                (*sum, *count) = (*sum + s, *count + c);
            }
            (
                MetricData::Gauge { last, at_ns, min, max, count },
                MetricData::Gauge { last: l, at_ns: a, min: lo, max: hi, count: c },
            ) => {
                if *c > 0 && (*count == 0 || a >= at_ns) {
                    (*last, *at_ns) = (*l, *a);
                }
                (*min, *max, *count) = (min.min(*lo), max.max(*hi), *count + c);
            }
            (MetricData::Rate { hits, total }, MetricData::Rate { hits: h, total: t }) => {
                (*hits, *total) = (*hits + h, *total + t);
            }
            (MetricData::Trend(mine), MetricData::Trend(theirs)) => mine.merge(theirs),
            _ => debug_assert!(false, "one name, two kinds of metric"),
        }
    }
}
