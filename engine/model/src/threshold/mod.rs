//! Thresholds: what a run must hold to pass, in k6's language.
//!
//! A threshold belongs to a metric and reads `METHOD OPERATOR VALUE`:
//!
//! ```text
//! "push":                    ["p(95) < 50ms", "p(99.9)<200"]
//! "push{outcome:conflict}":  ["rate < 5/s"]
//! "errors":                  ["rate < 1%"]
//! "queue_depth":             ["slope < 10", "recovery < 30s"]
//! "run_head.hot_ratio":      ["avg > 90%"]
//! "faults":                  ["recovery < 30s", "outage < 10s"]
//! "run_head.index_bytes":    ["slope < 1MB/min", "plateau < 50MB", "plateau"]
//! "ledger.duplicates":       ["value == 0"]
//! "sweep":                   ["plateau > 1000/s", "knee >= 8"]
//! ```
//!
//! **Metrics.** An operation by its name (all outcomes together; `push{outcome:ok}` for one of them);
//! `errors` (share of operations that are errors; `errors{op:push}` of one operation), `checks` (share that
//! held), `iterations`, `failed_iterations` (share that
//! ended in an error), `dropped_iterations`, `iteration_duration`, `iteration_response` (from planned
//! start), `schedule_lag` (each also with `{scenario:NAME}`); `faults`, the worst of all that were done; custom metrics of the script; probes;
//! `ledger.NAME`; `sweep`, which has a `plateau` (a rate) and a `knee` (a value of its parameter) and nothing else.
//!
//! **Methods.** `avg`, `min`, `max`, `med`, `p(N)` with 0 <= N <= 100 of durations, trends and probes;
//! `count`; `rate`, which is a share of a share (`errors`, `checks`, rates) and events a second of anything
//! that is counted, as in k6; `value`, the latest of a gauge or probe, also when a probe looked once more after
//! the window. All others but `recovery` see the measured window only. Over its seconds: `slope` (growth a minute, with
//! its 95 % interval), `plateau` (the level it settled at; alone, without operator and value: that it settled at
//! all), `recovery` (the longest time back to calm after a burst or fault). Of `faults`: `recovery` (of errors and response
//! times, from the fault's begin) and `outage`, both as [`healing`](crate::healing) has them.
//!
//! **Operators.** `<`, `<=`, `>`, `>=`, `==` (also `===`), `!=`.
//!
//! **Values.** Times `ns us ms s min h`; shares `%`; sizes `B KB MB GB TB` (thousands) and `KiB MiB GiB
//! TiB`. A bare number is milliseconds for durations (as in k6), a fraction for shares, the number itself
//! otherwise: whatever unit the name of a probe's series ends in ([`Measure`]), which a
//! unit that is written must fit. `20` and `20%` of `dead_percent` are the same. A rate may say `/s`, a slope
//! `/min`. `recovery` and `outage` need a unit.
//!
//! Whether a metric's latency is watched for `slope`, `plateau` and `recovery` as the 95th percentile of each
//! second is told by [`series`](crate::series). No data is not a pass: the judgement says so.

mod figures;
mod hints;
mod judge;
mod key;
mod of_faults;
mod of_sweep;
mod over_time;
mod parse;
mod rule;
mod unit;

#[cfg(test)]
mod series_tests;
#[cfg(test)]
mod tests;

use std::fmt;

pub use figures::{Figure, Figures, Measured};
pub use judge::{Judgement, judge};
pub use key::{BUILT_IN_METRICS, MetricClass, MetricKey, UnknownMetric};
pub use of_sweep::SweepFigures;
pub use rule::{RuleOption, ThresholdRule, UnknownRuleOption};
pub use unit::Unit;

use crate::series::Measure;
use unit::Dimension;

/// One condition on one metric.
#[derive(Debug, Clone, PartialEq)]
pub struct Threshold {
    /// What it is about.
    pub metric: MetricKey,
    /// Which figure of it.
    pub method: Method,
    /// What the figure must keep to; nothing of a `plateau` or `knee` that may be anywhere.
    pub bound: Option<Bound>,
    /// The condition as it was written.
    pub source_text: String,
}

/// What a figure must keep to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bound {
    /// How it is compared.
    pub op: Comparison,
    /// With what, in `unit`.
    pub value: f64,
    /// The unit as it was written.
    pub unit: Unit,
}

/// Which figure of a metric.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Method {
    /// The mean.
    Avg,
    /// The smallest.
    Min,
    /// The largest.
    Max,
    /// The median.
    Med,
    /// A percentile, 0 to 100.
    Percentile(f64),
    /// How many.
    Count,
    /// A share, or events a second.
    Rate,
    /// The latest value.
    Value,
    /// Growth a minute.
    Slope,
    /// The level it settled at, or that it settled.
    Plateau,
    /// The longest time back to calm.
    Recovery,
    /// The longest span around a fault in which nothing ended well.
    Outage,
    /// Where a sweep's rate stops to grow, or that it does.
    Knee,
}

/// How a figure is compared with the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// `<`
    Below,
    /// `<=`
    AtMost,
    /// `>`
    Above,
    /// `>=`
    AtLeast,
    /// `==`
    Equal,
    /// `!=`
    Unequal,
}

/// A threshold that cannot be understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("threshold `{text}` of `{metric}`, byte {offset}: {problem}; {remedy}")]
pub struct ThresholdError {
    /// The metric it belongs to, as written.
    pub metric: String,
    /// The text in which the error is: the condition, or the metric itself.
    pub text: String,
    /// Where in that text, in bytes.
    pub offset: usize,
    /// What is wrong.
    pub problem: String,
    /// What to write instead.
    pub remedy: String,
}

impl Bound {
    /// The value in the unit figures are computed in: ms, bytes, fraction of one, or the number itself.
    pub fn limit(&self) -> f64 {
        self.unit.scaled(self.value)
    }

    /// The same in what a series measures whose name says so.
    fn limit_in(&self, measure: Measure) -> f64 {
        let scale = match (self.unit.dimension(), measure) {
            (Dimension::Share, Measure::Percent) => 100.0,
            (Dimension::Time, Measure::Seconds) => 1e-3,
            (Dimension::Time, Measure::Micros) => 1e3,
            _ => 1.0,
        };
        self.limit() * scale
    }
}

impl Comparison {
    /// Whether `figure` stands in this relation to `limit`.
    pub fn holds(self, figure: f64, limit: f64) -> bool {
        match self {
            Comparison::Below => figure < limit,
            Comparison::AtMost => figure <= limit,
            Comparison::Above => figure > limit,
            Comparison::AtLeast => figure >= limit,
            Comparison::Equal => figure == limit,
            Comparison::Unequal => figure != limit,
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Method::Avg => f.write_str("avg"),
            Method::Min => f.write_str("min"),
            Method::Max => f.write_str("max"),
            Method::Med => f.write_str("med"),
            Method::Percentile(percentile) => write!(f, "p({percentile})"),
            Method::Count => f.write_str("count"),
            Method::Rate => f.write_str("rate"),
            Method::Value => f.write_str("value"),
            Method::Slope => f.write_str("slope"),
            Method::Plateau => f.write_str("plateau"),
            Method::Recovery => f.write_str("recovery"),
            Method::Outage => f.write_str("outage"),
            Method::Knee => f.write_str("knee"),
        }
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Comparison::Below => "<",
            Comparison::AtMost => "<=",
            Comparison::Above => ">",
            Comparison::AtLeast => ">=",
            Comparison::Equal => "==",
            Comparison::Unequal => "!=",
        })
    }
}

impl fmt::Display for Threshold {
    /// The condition in its regular spelling, without the metric: `p(95) < 50ms`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.bound {
            Some(Bound { op, value, unit }) => write!(f, "{} {op} {value}{}", self.method, unit.as_str()),
            None => write!(f, "{}", self.method),
        }
    }
}
