//! How the load came through a fault: for how long nothing ended well, what went wrong meanwhile, and how long until errors
//! and response times were back in their calm.
//!
//! *Lines.* Two figures are watched second by second: the share of errors among the operations that ended in it, and the 95th
//! percentile of the iterations' response time (service time in closed loops); the 99th of a second's fifty iterations would be
//! its worst one, which no band holds. Only whole seconds of the measured window count.
//!
//! *Calm* of a fault are the seconds of the window that are over before it begins and that lie neither in a planned burst nor
//! between the begin of another fault and its recovery; five at least. With `m` the median of a line over them and
//! `d = 1.4826 × median |x − m|`, a second is in the calm band when
//!
//! ```text
//! response:  x ≤ m + max(3 d, m / 10)
//! errors:    x ≤ max(m + max(3 d, m / 10), the worst calm second)
//! ```
//!
//! A second in which nothing ended has no figure: it is out of the band, unless the calm had such seconds too.
//!
//! *Recovery* is the time from the fault's begin to the first second from which on all are in the band until the hold is over:
//! five seconds, and three figures, after that second and after the fault's end. A line that is in the band from the second
//! of the begin on never left it. Disturbances that overlap or touch end with the last of them; where the next one or the end
//! of the window comes before the hold is over, nobody can tell.
//!
//! *Outage* is the longest span without an operation that ended well (ok, conflict, empty, or as it was expected to) that
//! touches the time from the begin to the end of the hold. It is known to a millisecond.
//!
//! Deliberately absent: what a fault is, and clocks.

mod ends;
mod line;
mod watch;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use watch::{Faulted, LoadWatch};

/// Whether and when one line was back in its calm.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Default, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub enum Healing {
    /// It never left its calm.
    NeverLeft,
    /// Back after so long.
    After {
        /// From the fault's begin, in seconds.
        s: f64,
    },
    /// The load ends, or the next disturbance begins, before it could be told.
    TooShort,
    /// Not back for as long as was watched.
    NotBack {
        /// From the fault's begin to the last second looked at, in seconds.
        s: f64,
    },
    /// Too little before it to know calm.
    #[default]
    NoCalm,
}

/// How the load came through one fault.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct FaultCourse {
    /// The longest span around the fault without an operation that ended well.
    pub outage_s: f64,
    /// The longest such span of the calm before it; nothing without a calm.
    pub calm_gap_s: Option<f64>,
    /// Operations that were errors, from the fault's begin to the end of the hold.
    pub errors: u64,
    /// Their classes, where drivers told one, and how often each occurred.
    pub error_classes: BTreeMap<String, u64>,
    /// When the share of errors was back.
    pub errors_back: Healing,
    /// When the 95th percentile of response times was back.
    pub response_back: Healing,
}

/// A fault and what the load made of it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct FaultFigure {
    /// Its kind, such as `restart`.
    pub kind: String,
    /// Whether it did what it was to do; nothing when it never began.
    pub took_hold: Option<bool>,
    /// Nothing before the load is over.
    pub course: Option<FaultCourse>,
}

impl Healing {
    /// The worse of two: what takes longer, and what cannot be told above that.
    #[must_use]
    pub fn or_worse(self, other: Healing) -> Healing {
        if other > self { other } else { self }
    }
}

impl FaultCourse {
    /// The worse of both lines.
    #[must_use]
    pub fn worst(&self) -> Healing {
        self.errors_back.or_worse(self.response_back)
    }

    /// Whether the outage is none that the calm before it did not know as well.
    #[must_use]
    pub fn has_outage(&self) -> bool {
        self.calm_gap_s.is_none_or(|calm_s| self.outage_s > calm_s)
    }
}

#[cfg(test)]
mod tests;
