//! Has it settled? The level a series has come to rest at, if it has.
//!
//! A series has settled when some tail of at least a quarter of its time drifts by no more than 5 % over
//! that tail: the Theil-Sen slope times the tail's length against the larger of the tail's median and the
//! range of the whole series. The longest such tail counts, and its median is the level.

use super::slope::{Slope, slope};
use super::{Point, median};

/// Tails tried, from the whole series down to its last quarter.
const TAILS: u64 = 13;
/// Drift over the tail that still counts as rest.
const TOLERANCE: f64 = 0.05;

/// The answer to "has it settled".
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Plateau {
    /// It rests.
    Settled {
        /// At this value (the median of the tail).
        level: f64,
        /// Since when, since the run's epoch.
        since_ns: u64,
    },
    /// It still moves: by this much a minute over its last quarter.
    Moving {
        /// Growth a minute.
        per_minute: f64,
    },
    /// The last quarter has too few points.
    TooShort {
        /// How many it has.
        points: usize,
        /// How many it takes.
        needed: usize,
    },
}

/// Where points in order of time have come to rest.
pub fn plateau(points: &[Point]) -> Plateau {
    let (Some(first), Some(last)) = (points.first(), points.last()) else {
        return plateau_too_short(points);
    };
    let (low, high) = points.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), point| {
        (low.min(point.value), high.max(point.value))
    });
    let span_ns = last.t_ns - first.t_ns;
    let mut answer = plateau_too_short(points);
    for step in 0..TAILS {
        // 0, 1/16, … 12/16 of the time is left out.
        let from_ns = first.t_ns + (u128::from(span_ns) * u128::from(step) / 16) as u64;
        let tail = &points[points.partition_point(|point| point.t_ns < from_ns)..];
        let Some(level) = median(tail.iter().map(|point| point.value)) else { break };
        match slope(tail) {
            Slope::TooShort { points, needed } => return Plateau::TooShort { points, needed },
            Slope::Known(estimate) => {
                let minutes = (last.t_ns - tail[0].t_ns) as f64 / 60e9;
                let drift = (estimate.per_minute * minutes).abs();
                if drift <= TOLERANCE * level.abs().max(high - low) {
                    return Plateau::Settled { level, since_ns: tail[0].t_ns };
                }
                answer = Plateau::Moving { per_minute: estimate.per_minute };
            }
        }
    }
    answer
}

fn plateau_too_short(points: &[Point]) -> Plateau {
    match slope(points) {
        Slope::TooShort { points, needed } => Plateau::TooShort { points, needed },
        Slope::Known(estimate) => Plateau::Moving { per_minute: estimate.per_minute },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(value: impl Fn(f64) -> f64) -> Vec<Point> {
        (0..200).map(|k| Point { t_ns: k * 1_000_000_000, value: value(k as f64) }).collect()
    }

    #[test]
    fn growth_that_levels_off_has_settled() {
        let saturating = points(|t_s| 100.0 * (1.0 - (-t_s / 15.0).exp()));
        let Plateau::Settled { level, since_ns } = plateau(&saturating) else { panic!("not settled") };
        assert!((level - 100.0).abs() < 3.0, "level {level}");
        assert!(since_ns > 10_000_000_000);
    }

    #[test]
    fn a_flat_series_has_settled_from_the_start() {
        let wobble = points(|t_s| 50.0 + (t_s * 1.7).sin());
        assert!(
            matches!(plateau(&wobble), Plateau::Settled { since_ns: 0, level } if (level - 50.0).abs() < 0.5)
        );
        assert_eq!(plateau(&points(|_| 0.0)), Plateau::Settled { level: 0.0, since_ns: 0 });
    }

    #[test]
    fn steady_growth_has_not() {
        let Plateau::Moving { per_minute } = plateau(&points(|t_s| t_s)) else { panic!("settled") };
        assert!((per_minute - 60.0).abs() < 1e-6);
    }

    #[test]
    fn a_short_series_cannot_tell() {
        assert_eq!(plateau(&[]), Plateau::TooShort { points: 0, needed: 8 });
        assert!(matches!(plateau(&points(|t_s| t_s)[..20]), Plateau::TooShort { .. }));
    }
}
