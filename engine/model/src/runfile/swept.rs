//! What a run file keeps of a sweep: what each step did, and where the rate stops to grow.

use serde::{Deserialize, Serialize};

use crate::compare::Interval;
use crate::sweep::Value;

/// A sweep.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct SweepRecord {
    /// The parameter.
    pub param: String,
    /// What is counted: a scenario, an operation, or `iterations` of all scenarios that were stepped.
    pub measure: String,
    /// Whether that is an operation; those that ended `ok` count then.
    pub is_operation: bool,
    /// The scenarios that were stepped.
    pub scenarios: Vec<String>,
    /// Every value that was planned, in the order of the steps.
    pub values: Vec<Value>,
    /// How long a step lasted.
    pub step_s: f64,
    /// The pause between two steps; 0 when the load rises without one.
    pub rest_s: f64,
    /// The first so many seconds of each step are in none of its figures.
    pub settle_s: f64,
    /// The share within which a difference is none.
    pub margin: f64,
    /// The confidence of each interval.
    pub confidence: f64,
    /// The steps that came to their end.
    pub steps: Vec<StepRecord>,
    /// The rate of the highest group of steps; nothing when there is none, or nothing is decided.
    pub plateau: Option<Interval>,
    /// Where the rate stops to grow.
    pub knee: Option<KneeRecord>,
    /// The last value that holds the plateau, when the rate drops behind it.
    pub falls_behind: Option<f64>,
    /// What was found, or why nothing was, in one sentence; empty when values are words and have no knee.
    pub sentence: String,
}

/// One step.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct StepRecord {
    /// The parameter's value.
    pub value: Value,
    /// When it began, on the run's clock.
    pub at_s: f64,
    /// Whole seconds that its figures are made of.
    pub seconds: u64,
    /// What was counted in them.
    pub count: u64,
    /// The same a second; nothing with fewer than two seconds.
    pub per_s: Option<Interval>,
    /// Median time of what was counted; of an open model's iterations from their planned start.
    pub p50_ms: Option<f64>,
    /// 99th percentile of the same.
    pub p99_ms: Option<f64>,
    /// Operations that count as errors.
    pub errors: u64,
    /// Operations that ended as a conflict.
    pub conflicts: u64,
    /// Operations that found nothing.
    pub empty: u64,
    /// Iterations of the step that failed.
    pub failed: u64,
    /// Whether iterations of a step before were still under way.
    pub disturbed: bool,
    /// Why the generator may be what was measured.
    pub generator_bound: Vec<String>,
}

/// The smallest value whose rate is within the margin of the plateau.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct KneeRecord {
    /// The value.
    pub value: f64,
    /// The smallest value that it may be.
    pub low: f64,
    /// The largest value that it may be; nothing when it may lie beyond the last step.
    pub high: Option<f64>,
}
