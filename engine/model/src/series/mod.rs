//! Values over time: what probes sample and what each second of a run amounts to, and the questions asked of
//! them: does it grow ([`Slope`]), has it settled ([`Plateau`]), how long until it was calm again
//! ([`Recovery`]).
//!
//! All three can answer that the series is too short to tell. Deliberately does not know what was measured,
//! beyond the unit that a name ends in ([`Measure`]).

mod independence;
mod measure;
mod plateau;
mod recovery;
mod slope;
mod watch;

pub use measure::Measure;
pub use plateau::{Drift, Plateau, plateau};
pub(crate) use recovery::{Band, merged};
pub use recovery::{Calm, Recovery, Watched, recovery, worst};
pub use slope::{Slope, SlopeEstimate, slope};
pub use watch::LatencyWatch;

use serde::{Deserialize, Serialize};

/// One value at one time.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// When, since the run's epoch.
    pub t_ns: u64,
    /// What.
    pub value: f64,
}

/// Points in the order of time.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Series {
    points: Vec<Point>,
}

impl Series {
    /// No points yet.
    pub fn new() -> Self {
        Series::default()
    }

    /// Adds a point, wherever in time it belongs. What is no number is no measurement and is left out.
    pub fn push(&mut self, t_ns: u64, value: f64) {
        if !value.is_finite() {
            return;
        }
        // Nearly always the latest: then this looks at one point.
        let place = match self.points.last() {
            Some(last) if last.t_ns > t_ns => self.points.partition_point(|point| point.t_ns <= t_ns),
            _ => self.points.len(),
        };
        self.points.insert(place, Point { t_ns, value });
    }

    /// All points.
    pub fn points(&self) -> &[Point] {
        &self.points
    }

    /// The points with `from_ns <= t < to_ns`.
    pub fn window(&self, from_ns: u64, to_ns: u64) -> &[Point] {
        let from = self.points.partition_point(|point| point.t_ns < from_ns);
        let to = self.points.partition_point(|point| point.t_ns < to_ns);
        &self.points[from..to.max(from)]
    }

    /// The latest value.
    pub fn last(&self) -> Option<f64> {
        self.points.last().map(|point| point.value)
    }
}

impl FromIterator<(u64, f64)> for Series {
    fn from_iter<I: IntoIterator<Item = (u64, f64)>>(pairs: I) -> Self {
        let mut series = Series::new();
        pairs.into_iter().for_each(|(t_ns, value)| series.push(t_ns, value));
        series
    }
}

/// The median of the values; nothing when there are none.
pub fn median(values: impl IntoIterator<Item = f64>) -> Option<f64> {
    let mut sorted: Vec<f64> = values.into_iter().collect();
    sorted.sort_by(f64::total_cmp);
    median_of_sorted(&sorted)
}

fn median_of_sorted(sorted: &[f64]) -> Option<f64> {
    if sorted.is_empty() {
        return None;
    }
    let middle = sorted.len() / 2;
    Some(if sorted.len().is_multiple_of(2) {
        f64::midpoint(sorted[middle - 1], sorted[middle])
    } else {
        sorted[middle]
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_are_kept_in_order_and_cut_by_time() {
        let series: Series = [(3, 3.0), (1, 1.0), (2, 2.0), (2, 2.5), (4, f64::NAN)].into_iter().collect();
        let values: Vec<f64> = series.points().iter().map(|point| point.value).collect();
        assert_eq!(values, [1.0, 2.0, 2.5, 3.0]);
        assert_eq!(series.window(2, 3).len(), 2);
        assert_eq!(series.window(3, 2), []);
        assert_eq!(series.last(), Some(3.0));
    }

    #[test]
    fn medians() {
        assert_eq!(median([]), None);
        assert_eq!(median([3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median([4.0, 1.0, 2.0, 3.0]), Some(2.5));
    }
}
