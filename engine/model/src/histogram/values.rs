//! Numbers of any size and sign, for the trends of scripts: a histogram that knows no range in advance.
//!
//! A DDSketch (Masson, Rim, Lee: "DDSketch: a fast and fully-mergeable quantile sketch", VLDB 2019): cells
//! grow by a constant factor, so every percentile is right to one part in a thousand of its value, and two
//! histograms merge exactly.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Relative half-width of a cell.
const ACCURACY: f64 = 0.001;
/// The factor from one cell boundary to the next: (1 + a) / (1 - a).
const GROWTH: f64 = (1.0 + ACCURACY) / (1.0 - ACCURACY);

/// A histogram of finite `f64`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ValueHistogram {
    count: u64,
    sum: f64,
    sum_of_squares: f64,
    min: f64,
    max: f64,
    zeros: u64,
    /// Cell k of positive values holds `GROWTH^(k-1) < v <= GROWTH^k`.
    positive: BTreeMap<i32, u64>,
    /// The same for the magnitudes of negative values.
    negative: BTreeMap<i32, u64>,
}

impl ValueHistogram {
    /// An empty histogram; it allocates nothing yet.
    pub fn new() -> Self {
        ValueHistogram::default()
    }

    /// Counts one value. NaN and infinities are no measurements and are ignored; the answer says whether
    /// the value was counted.
    pub fn record(&mut self, value: f64) -> bool {
        if !value.is_finite() {
            return false;
        }
        (self.min, self.max) =
            if self.count == 0 { (value, value) } else { (self.min.min(value), self.max.max(value)) };
        self.count += 1;
        self.sum += value;
        self.sum_of_squares += value * value;
        if value > 0.0 {
            *self.positive.entry(cell_of(value)).or_default() += 1;
        } else if value < 0.0 {
            *self.negative.entry(cell_of(-value)).or_default() += 1;
        } else {
            self.zeros += 1;
        }
        true
    }

    /// Adds every count of another histogram.
    pub fn merge(&mut self, other: &ValueHistogram) {
        if other.count == 0 {
            return;
        }
        (self.min, self.max) = if self.count == 0 {
            (other.min, other.max)
        } else {
            (self.min.min(other.min), self.max.max(other.max))
        };
        self.count += other.count;
        self.sum += other.sum;
        self.sum_of_squares += other.sum_of_squares;
        self.zeros += other.zeros;
        for (mine, theirs) in [(&mut self.positive, &other.positive), (&mut self.negative, &other.negative)] {
            for (&cell, &count) in theirs {
                *mine.entry(cell).or_default() += count;
            }
        }
    }

    /// The value at or below which `percentile` (0 to 100) percent of the recordings lie, right to one part
    /// in a thousand; 0 when empty.
    pub fn percentile(&self, percentile: f64) -> f64 {
        if self.count == 0 {
            return 0.0;
        }
        let rank = super::rank_of(percentile, self.count);
        if rank == self.count {
            return self.max;
        }
        let negative = self.negative.iter().rev().map(|(&cell, &count)| (-middle_of(cell), count));
        let positive = self.positive.iter().map(|(&cell, &count)| (middle_of(cell), count));
        let mut below = 0;
        for (value, count) in negative.chain([(0.0, self.zeros)]).chain(positive) {
            below += count;
            if below >= rank {
                return value.clamp(self.min, self.max);
            }
        }
        self.max
    }

    /// How many values were counted.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The sum of all values.
    pub fn sum(&self) -> f64 {
        self.sum
    }

    /// The smallest value, exact; 0 when empty.
    pub fn min(&self) -> f64 {
        self.min
    }

    /// The largest value, exact; 0 when empty.
    pub fn max(&self) -> f64 {
        self.max
    }

    /// The mean, exact up to rounding; 0 when empty.
    pub fn mean(&self) -> f64 {
        if self.count == 0 { 0.0 } else { self.sum / self.count as f64 }
    }

    /// The standard deviation of the recordings; 0 when empty.
    pub fn stdev(&self) -> f64 {
        if self.count == 0 {
            return 0.0;
        }
        // Rounding can push the difference of two nearly equal numbers below zero.
        (self.sum_of_squares / self.count as f64 - self.mean().powi(2)).max(0.0).sqrt()
    }
}

fn cell_of(magnitude: f64) -> i32 {
    // Finite doubles have |ln| < 745, so the cell number stays below 400,000.
    (magnitude.ln() / GROWTH.ln()).ceil() as i32
}

/// The point of a cell that is at most `ACCURACY` away, relatively, from everything in it.
fn middle_of(cell: i32) -> f64 {
    // GROWTH^k * 2 / (1 + GROWTH), in logarithms so that extreme cells do not overflow half-way.
    (f64::from(cell) * GROWTH.ln() + (2.0 / (1.0 + GROWTH)).ln()).exp()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_right_to_one_in_a_thousand() {
        let mut histogram = ValueHistogram::new();
        (1..=10_000).for_each(|n| assert!(histogram.record(f64::from(n) * 0.37)));
        for percentile in [1.0, 50.0, 90.0, 99.0, 99.9] {
            let exact = percentile * 100.0 * 0.37;
            let read = histogram.percentile(percentile);
            assert!((read - exact).abs() <= exact * 0.001_001, "p{percentile}: {read} against {exact}");
        }
        assert_eq!(histogram.percentile(100.0), 3_700.0);
        assert_eq!((histogram.count(), histogram.min(), histogram.max()), (10_000, 0.37, 3_700.0));
        assert!((histogram.mean() - 1850.185).abs() < 1e-6);
        assert!((histogram.stdev() - 1068.1).abs() < 0.1);
    }

    #[test]
    fn signs_and_extremes_keep_their_order() {
        let mut histogram = ValueHistogram::new();
        for value in [-1e300, -2.0, 0.0, 1e-300, 5.0, 1e300] {
            histogram.record(value);
        }
        let read: Vec<f64> =
            (1..=6).map(|rank| histogram.percentile(f64::from(rank) * 100.0 / 6.0)).collect();
        for (read, exact) in read.iter().zip([-1e300, -2.0, 0.0, 1e-300, 5.0, 1e300]) {
            assert!((read - exact).abs() <= exact.abs() * 0.001_001, "{read} against {exact}");
        }
    }

    #[test]
    fn what_is_no_number_is_not_counted() {
        let mut histogram = ValueHistogram::new();
        assert!(!histogram.record(f64::NAN));
        assert!(!histogram.record(f64::INFINITY));
        assert_eq!((histogram.count(), histogram.percentile(50.0), histogram.mean()), (0, 0.0, 0.0));
    }

    #[test]
    fn merging_counts_everything_once() {
        let (mut left, mut right, mut both) =
            (ValueHistogram::new(), ValueHistogram::new(), ValueHistogram::new());
        for n in -50..50 {
            let value = f64::from(n);
            if n % 3 == 0 {
                left.record(value)
            } else {
                right.record(value)
            };
            both.record(value);
        }
        left.merge(&right);
        left.merge(&ValueHistogram::new());
        assert_eq!(left, both);
    }

    #[test]
    fn it_survives_json() {
        let mut histogram = ValueHistogram::new();
        [3.5, -1.0, 0.0].into_iter().for_each(|value| assert!(histogram.record(value)));
        let text = serde_json::to_string(&histogram).unwrap();
        assert_eq!(serde_json::from_str::<ValueHistogram>(&text).unwrap(), histogram);
    }
}
