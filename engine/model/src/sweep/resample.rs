//! The moving-block bootstrap: how far a step's mean could as well have been elsewhere.
//!
//! Neighbouring seconds resemble each other (a vacuum, a full buffer, a neighbour), so seconds are not drawn one by one
//! but in blocks that keep their order (H. R. Künsch, "The jackknife and the bootstrap for general stationary
//! observations", Annals of Statistics 17, 1989). Blocks may run over the end and go on at the beginning, so that every
//! second has the same weight (D. N. Politis and J. P. Romano, "A circular block-resampling procedure for stationary
//! data", 1992). A block has the cube root of the seconds, rounded up.
//!
//! Of few seconds resampling sees too little spread. What it misses is put back: the blocks' own mean is taken out of
//! their variance (n / (n - block)), and its estimate has so few degrees of freedom that Student's t is wider than the
//! normal distribution (1.5 for each block that follows another: M. S. Meketon and B. Schmeiser, "Overlapping batch
//! means", 1984).

use statrs::distribution::{ContinuousCDF, StudentsT};

use super::curve::normal_quantile;
use crate::compare::Interval;
use crate::seed::{IterationRng, scenario_hash};

/// A step's mean and its resampled ones.
pub(super) struct Resampled {
    pub(super) mean: f64,
    /// In the order in which they were drawn: readings are made across steps.
    pub(super) means: Vec<f64>,
}

impl Resampled {
    /// Of the seconds of one step; nothing for less than two.
    pub(super) fn of(per_s: &[f64], confidence: f64, seed: u64, replicates: usize) -> Option<Self> {
        let seconds = per_s.len();
        if seconds < 2 {
            return None;
        }
        let mean = per_s.iter().sum::<f64>() / seconds as f64;
        // At least two blocks, or nothing would ever differ.
        let block = ((seconds as f64).cbrt().ceil() as usize).min(seconds / 2);
        let widened = widened(seconds, block, confidence);
        let sums = running_sums(per_s, block);
        let mut rng = IterationRng::new(seed, scenario_hash("sweep"), seconds as u64);
        let mut drawn = |length: usize| {
            let from = rng.next_below(seconds as u64) as usize;
            sums[from + length] - sums[from]
        };
        let means = (0..replicates)
            .map(|_| {
                let whole: f64 = (0..seconds / block).map(|_| drawn(block)).sum();
                let rest = drawn(seconds % block);
                (mean + widened * ((whole + rest) / seconds as f64 - mean)).max(0.0)
            })
            .collect();
        Some(Self { mean, means })
    }

    /// The standard error of the mean.
    pub(super) fn error(&self) -> f64 {
        let count = self.means.len() as f64;
        let middle = self.means.iter().sum::<f64>() / count;
        (self.means.iter().map(|mean| (mean - middle).powi(2)).sum::<f64>() / count).sqrt()
    }

    /// The mean, with where resampled ones lie.
    pub(super) fn interval(mut self, confidence: f64) -> Interval {
        self.means.sort_by(f64::total_cmp);
        let end = |is_high| self.means[percentile_index(self.means.len(), confidence, is_high)];
        Interval { value: self.mean, low: end(false).min(self.mean), high: end(true).max(self.mean) }
    }
}

/// Where an end of the interval stands among so many sorted figures.
pub(super) fn percentile_index(count: usize, confidence: f64, is_high: bool) -> usize {
    let beyond = (count as f64 * (1.0 - confidence) / 2.0).floor() as usize;
    let index = if is_high { count.saturating_sub(beyond + 1) } else { beyond };
    index.min(count.saturating_sub(1))
}

/// By how much a resampled deviation has to be larger than it is.
fn widened(seconds: usize, block: usize, confidence: f64) -> f64 {
    let (seconds, block) = (seconds as f64, block as f64);
    let freedom = (1.5 * (seconds / block - 1.0)).max(1.0);
    let two_sided = (1.0 + confidence) / 2.0;
    let t = StudentsT::new(0.0, 1.0, freedom).expect("there is at least one degree of freedom");
    (seconds / (seconds - block)).sqrt() * t.inverse_cdf(two_sided) / normal_quantile(two_sided)
}

/// Sums of the first so many seconds, going on at the beginning for one block.
fn running_sums(per_s: &[f64], block: usize) -> Vec<f64> {
    let around = per_s.iter().chain(&per_s[..block]);
    let sums = around.scan(0.0, |sum, rate| {
        *sum += rate;
        Some(*sum)
    });
    std::iter::once(0.0).chain(sums).collect()
}
