//! What a run file keeps of the evidence beside client figures: probes, their series, faults, gates, and the tables
//! that a script adds to its report.

use serde::{Deserialize, Serialize};

use crate::healing::FaultCourse;
use crate::series::Series;
use crate::series::{Slope, SlopeEstimate, slope};

/// A probe: how often it looked, what that cost, and where it fell short.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ProbeRecord {
    /// Its name, such as `postgres.tables`, `host`, or a script probe's own.
    pub name: String,
    /// How often it was to look.
    pub every_s: f64,
    /// How often it looked.
    pub looks: u64,
    /// How many of these looks failed, as a whole or in part.
    pub failures: u64,
    /// How long a look took, on the mean.
    pub mean_ms: f64,
    /// How long the longest look took.
    pub max_ms: f64,
    /// What it could not read, and why; each once.
    pub lacks: Vec<String>,
}

/// One series of a probe over the measured window, and its last value, which may come after it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct SeriesSummary {
    /// The series, such as `run_head.hot_ratio`.
    pub name: String,
    /// Samples in the measured window.
    pub samples: u64,
    /// The first of them.
    pub first: f64,
    /// The smallest of them.
    pub min: f64,
    /// Their mean.
    pub mean: f64,
    /// The largest of them.
    pub max: f64,
    /// The latest sample of the run.
    pub last: f64,
    /// Growth a minute over the window with its 95 % interval; nothing when the series is too short to tell.
    pub slope: Option<SlopeFigures>,
}

/// Growth a minute and its 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct SlopeFigures {
    /// The estimate.
    pub per_minute: f64,
    /// Lower end of the interval.
    pub low: f64,
    /// Upper end of the interval.
    pub high: f64,
}

/// A fault that was done on purpose.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct FaultRecord {
    /// Its kind, such as `hold_xmin`.
    pub kind: String,
    /// When it began, on the run's clock.
    pub at_s: f64,
    /// When it ended; nothing when it is a moment, or never ended.
    pub until_s: Option<f64>,
    /// Whether it did what it was to do; nothing when it never began.
    pub took_hold: Option<bool>,
    /// What was seen of it, in one sentence.
    pub finding: String,
    /// How the load came through it; nothing when it never began, or the load was not summed up.
    pub recovery: Option<FaultCourse>,
}

/// A gate: thresholds that together decide something.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct GateRecord {
    /// Its name.
    pub name: String,
    /// Go, no-go, or (nothing) not decided, which is no go.
    pub passed: Option<bool>,
    /// The script's sentence for what was decided; empty when nothing was.
    pub sentence: String,
    /// What speaks against it: conditions that do not hold or cannot be judged, in one sentence each.
    pub reasons: Vec<String>,
}

/// A table that the script added to its report.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ReportTable {
    /// What stands above it.
    pub title: String,
    /// Names of the columns.
    pub columns: Vec<String>,
    /// The rows, each as wide as there are columns. Figures are right-aligned where a whole column holds figures.
    pub rows: Vec<Vec<String>>,
    /// Sentences below it.
    pub notes: Vec<String>,
}

impl SeriesSummary {
    /// The summary of a series over the window from the first to the second time; nothing when it has no sample at all.
    pub fn of(name: &str, series: &Series, window_ns: (u64, u64)) -> Option<Self> {
        let last = series.last()?;
        let points = series.window(window_ns.0, window_ns.1.saturating_add(1));
        let mut summary = SeriesSummary { name: name.to_owned(), last, ..SeriesSummary::default() };
        let Some(first) = points.first() else { return Some(summary) };
        summary.samples = points.len() as u64;
        summary.first = first.value;
        (summary.min, summary.max) = points.iter().fold((first.value, first.value), |(min, max), point| {
            (min.min(point.value), max.max(point.value))
        });
        summary.mean = points.iter().map(|point| point.value).sum::<f64>() / points.len() as f64;
        summary.slope = match slope(points) {
            Slope::Known(SlopeEstimate { per_minute, low, high, .. }) => {
                Some(SlopeFigures { per_minute, low, high })
            }
            Slope::TooShort { .. } => None,
        };
        Some(summary)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    #[test]
    fn a_series_is_summed_up_over_the_window_and_keeps_what_came_after() {
        let series: Series = (0..20).map(|second| (second * SECOND, second as f64)).collect();
        let summary = SeriesSummary::of("depth", &series, (5 * SECOND, 14 * SECOND)).unwrap();
        assert_eq!((summary.samples, summary.first, summary.min, summary.max), (10, 5.0, 5.0, 14.0));
        assert_eq!((summary.mean, summary.last), (9.5, 19.0));
        assert!(summary.slope.is_some_and(|slope| (slope.per_minute - 60.0).abs() < 1e-9));
        let short = SeriesSummary::of("depth", &series, (5 * SECOND, 6 * SECOND)).unwrap();
        assert_eq!((short.samples, short.slope), (2, None));
        assert_eq!(SeriesSummary::of("depth", &Series::new(), (0, 1)), None);
    }
}
