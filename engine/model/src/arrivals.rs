//! The schedule of an open model: which arrival comes when.
//!
//! Arrival n of a shape is planned where the shape's integral reaches a level that depends on n alone, so
//! shares of the schedule (segments, cores) agree on every time without talking to each other.
//!
//! * Even: the level is `n + 1/2`. The middle, because then `integral(t)` rounded is the number of arrivals
//!   by t: no bias at the start (as with n) or at the end (as with n + 1).
//! * Poisson: the level is the sum of n + 1 exponential gaps with mean 1, the i-th from a hash of (seed, i).
//!   Mapped through the inverse integral, a unit-rate Poisson process becomes one with the shape's rate
//!   (Çinlar, "Introduction to Stochastic Processes", 1975, chapter 4: inversion of the integrated rate).
//!
//! Arrivals that were recorded have no shape; they are [`listed`]. Deliberately knows no clock: times are since the
//! shape's start.

pub mod listed;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::seed::{mix, scenario_hash, unit_interval};
use crate::segment::Stride;
use crate::shape::{Cursor, Shape};

/// How arrivals keep to the rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pacing {
    /// As evenly as the shape allows.
    #[default]
    Even,
    /// Independent arrivals with the shape's rate on average, as a crowd of strangers makes them.
    Poisson,
}

/// One planned arrival.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrival {
    /// Its global number, counted from 0 over all shares.
    pub number: u64,
    /// When it is due, since the shape's start.
    pub planned_ns: u64,
}

/// The arrivals of one share of a schedule, in order. Ends with the shape; never ends when the shape does
/// not. Each costs a hash and a logarithm (Poisson, also for those of other shares) and an inversion that
/// goes on from the arrival before.
#[derive(Debug, Clone)]
pub struct Arrivals {
    shape: Arc<Shape>,
    pacing: Pacing,
    stream: u64,
    stride: Stride,
    taken: u64,
    cursor: Cursor,
    /// Poisson: the sum of the gaps drawn so far and how many they are.
    gaps: (f64, u64),
    last_ns: u64,
}

impl Arrivals {
    /// The share `stride` of the arrivals of `shape`. The seed matters to Poisson pacing only; give each
    /// scenario its own (`seed::mix`).
    pub fn new(shape: Arc<Shape>, pacing: Pacing, seed: u64, stride: Stride) -> Self {
        // A stream of its own, so that gaps and what iterations draw from the same seed are unrelated.
        let stream = mix(seed, scenario_hash("arrival gaps"), 0);
        let cursor = Cursor::new();
        Arrivals { shape, pacing, stream, stride, taken: 0, cursor, gaps: (0.0, 0), last_ns: 0 }
    }

    fn level(&mut self, number: u64) -> f64 {
        match self.pacing {
            Pacing::Even => number as f64 + 0.5,
            Pacing::Poisson => {
                let (mut sum, mut drawn) = self.gaps;
                while drawn <= number {
                    // 1 - u lies in (0, 1]: the logarithm is finite.
                    sum -= (1.0 - unit_interval(mix(self.stream, 0, drawn))).ln();
                    drawn += 1;
                }
                self.gaps = (sum, drawn);
                sum
            }
        }
    }
}

impl Iterator for Arrivals {
    type Item = Arrival;

    fn next(&mut self) -> Option<Arrival> {
        let number = self.stride.nth(self.taken);
        let level = self.level(number);
        let t_s = self.cursor.time_of(&self.shape, level)?;
        self.taken += 1;
        // Inversion is right to a nanosecond or so; arrivals closer than that must still be in order.
        self.last_ns = self.last_ns.max((t_s * 1e9).round() as u64);
        Some(Arrival { number, planned_ns: self.last_ns })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arrivals(shape: Shape, pacing: Pacing, stride: Stride) -> Vec<Arrival> {
        Arrivals::new(Arc::new(shape), pacing, 7, stride).collect()
    }

    #[test]
    fn a_constant_rate_is_a_metronome_from_half_a_beat() {
        let planned: Vec<u64> = arrivals(Shape::Constant { rate: 4.0 }.take(1.0), Pacing::Even, Stride::ALL)
            .iter()
            .map(|arrival| arrival.planned_ns)
            .collect();
        assert_eq!(planned, [125_000_000, 375_000_000, 625_000_000, 875_000_000]);
    }

    #[test]
    fn an_endless_shape_goes_on() {
        let shape = Arc::new(Shape::Constant { rate: 1.0 });
        let hundredth = Arrivals::new(shape, Pacing::Even, 0, Stride::ALL).nth(100);
        assert_eq!(hundredth, Some(Arrival { number: 100, planned_ns: 100_500_000_000 }));
    }

    #[test]
    fn no_rate_means_no_arrivals() {
        assert!(arrivals(Shape::Constant { rate: 0.0 }, Pacing::Even, Stride::ALL).is_empty());
        let silent = Shape::Square { high: 0.0, high_for_s: 1.0, low: 0.0, low_for_s: 1.0 };
        assert!(arrivals(silent, Pacing::Poisson, Stride::ALL).is_empty());
    }

    #[test]
    fn shares_agree_with_the_whole() {
        let shape = Shape::Sine { low: 10.0, high: 200.0, period_s: 30.0 }.take(30.0);
        for pacing in [Pacing::Even, Pacing::Poisson] {
            let whole = arrivals(shape.clone(), pacing, Stride::ALL);
            let mut parts: Vec<Arrival> =
                (0..3).flat_map(|core| arrivals(shape.clone(), pacing, Stride::ALL.lane(core, 3))).collect();
            parts.sort_by_key(|arrival| arrival.number);
            assert_eq!(parts, whole);
        }
    }

    #[test]
    fn poisson_gaps_are_exponential() {
        let shape = Shape::Constant { rate: 1000.0 }.take(20.0);
        let planned = arrivals(shape, Pacing::Poisson, Stride::ALL);
        // 20,000 expected, standard deviation 141.
        assert!(planned.len().abs_diff(20_000) < 600, "{}", planned.len());
        let gaps: Vec<f64> =
            planned.windows(2).map(|pair| (pair[1].planned_ns - pair[0].planned_ns) as f64 / 1e6).collect();
        let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
        let deviation = (gaps.iter().map(|gap| (gap - mean).powi(2)).sum::<f64>() / gaps.len() as f64).sqrt();
        assert!((mean - 1.0).abs() < 0.03, "mean gap {mean} ms");
        assert!((deviation - mean).abs() < 0.04, "deviation {deviation} ms");
        let longer = gaps.iter().filter(|gap| **gap > 1.0).count() as f64 / gaps.len() as f64;
        assert!((longer - (-1.0f64).exp()).abs() < 0.015, "share above the mean {longer}");
    }

    #[test]
    fn another_seed_gives_other_gaps() {
        let shape = Arc::new(Shape::Constant { rate: 10.0 });
        let first = |seed| Arrivals::new(Arc::clone(&shape), Pacing::Poisson, seed, Stride::ALL).next();
        assert_eq!(first(1), first(1));
        assert_ne!(first(1), first(2));
    }
}
