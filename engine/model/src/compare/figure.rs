//! What is compared: how much a side does, or how long it takes.

use serde::{Deserialize, Serialize};

/// A figure of one turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Figure {
    /// Iterations a second: the virtual users over the mean time of an iteration (Little's law), so that a turn need not
    /// end with an iteration.
    #[default]
    Rate,
    /// The median time of an iteration.
    P50,
    /// The 99th percentile of the time of an iteration.
    P99,
}

impl Figure {
    /// Every figure, in the order in which they are shown.
    pub const ALL: [Figure; 3] = [Figure::Rate, Figure::P50, Figure::P99];

    /// The word that scripts say.
    pub const fn as_str(self) -> &'static str {
        match self {
            Figure::Rate => "rate",
            Figure::P50 => "p50",
            Figure::P99 => "p99",
        }
    }

    /// Whether more of it is better.
    pub const fn is_higher_better(self) -> bool {
        matches!(self, Figure::Rate)
    }
}
