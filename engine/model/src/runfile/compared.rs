//! What a run file keeps of comparisons: who was on when, what each side reached, and what that decides.

use serde::{Deserialize, Serialize};

use crate::compare::{Figure, Interval};

/// One comparison.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ComparisonRecord {
    /// Its name.
    pub name: String,
    /// The function that each iteration called.
    pub exec: String,
    /// Virtual users in closed loops, the same for every side.
    pub vus: u32,
    /// Rounds in which each side was on twice.
    pub rounds: u64,
    /// How long a turn lasted.
    pub turn_s: f64,
    /// What decides.
    pub decide_by: Figure,
    /// The share within which a difference decides nothing.
    pub margin: f64,
    /// The confidence of each interval: 0.99 when 0.95 is shared by five decisions.
    pub confidence: f64,
    /// The sides, in the script's order.
    pub sides: Vec<SideRecord>,
    /// Every two sides.
    pub pairs: Vec<PairRecord>,
    /// What the generator reached against a side that costs as little as can be.
    pub ceiling: Option<CeilingRecord>,
}

/// What a side reached.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct SideRecord {
    /// Its name.
    pub name: String,
    /// Iterations that ended.
    pub iterations: u64,
    /// Those of them that failed.
    pub failed: u64,
    /// Iterations a second; nothing with too few turns.
    pub per_s: Option<Interval>,
    /// The median time of an iteration.
    pub p50_ms: Option<Interval>,
    /// The 99th percentile of the time of an iteration.
    pub p99_ms: Option<Interval>,
    /// Its rate as a share of the generator's own ceiling, when that was measured.
    pub ceiling_share: Option<f64>,
    /// Its turns, in order of time.
    pub turns: Vec<TurnRecord>,
}

/// One turn.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct TurnRecord {
    /// The round, from 1.
    pub round: u64,
    /// When it began, on the run's clock.
    pub at_s: f64,
    /// Whether it began while iterations of a turn before were still under way: it counts for nothing.
    pub disturbed: bool,
    /// Iterations that ended.
    pub iterations: u64,
    /// Iterations a second.
    pub per_s: f64,
    /// The median time of an iteration.
    pub p50_ms: f64,
    /// The 99th percentile of the time of an iteration.
    pub p99_ms: f64,
}

/// Two sides, compared by what decides.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct PairRecord {
    /// The side that the other is compared with.
    pub first: String,
    /// The side that is compared.
    pub second: String,
    /// The second's figure over the first's; nothing with too few rounds.
    pub ratio: Option<Interval>,
    /// Rounds in which both gave a figure.
    pub rounds: u64,
    /// Whether the difference is decided.
    pub decided: bool,
    /// What was decided, or why nothing was, in one sentence.
    pub sentence: String,
}

/// The generator's own ceiling.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct CeilingRecord {
    /// The side it was measured against.
    pub side: String,
    /// Iterations a second.
    pub per_s: f64,
}

impl TurnRecord {
    /// The turn's figure.
    pub fn figure(&self, figure: Figure) -> f64 {
        match figure {
            Figure::Rate => self.per_s,
            Figure::P50 => self.p50_ms,
            Figure::P99 => self.p99_ms,
        }
    }
}
