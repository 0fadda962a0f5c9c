//! Reading a curve: its highest group, the knee before it, the drop behind it. Of means; how sure they are is told by
//! whoever reads many of them.

use statrs::distribution::{ContinuousCDF, Normal};

/// How far back the curve is looked at for whether it still rises: to the nearest step at least a fifth below the last.
/// Of steps that lie closer, even a straight line gains less than the margin from one to the next.
const BACK: f64 = 0.8;

/// What a curve shows. Steps are told by their place, in ascending order of their values.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Reading {
    /// The level of the highest group.
    pub(super) level: f64,
    /// The first step within the margin of the level; nothing when the curve still rises at its end.
    pub(super) knee: Option<usize>,
    /// The last step of the highest group, when the curve drops behind it.
    pub(super) falls_behind: Option<usize>,
}

/// A curve and what is needed to read it, steps in ascending order of their values.
pub(super) struct Curve<'a> {
    pub(super) at: &'a [f64],
    pub(super) means: &'a [f64],
    /// Standard errors of the means.
    pub(super) errors: &'a [f64],
    /// Two steps can be told from each other when they are more than so many standard errors of their difference apart.
    pub(super) apart: f64,
    /// The share within which a difference is none.
    pub(super) margin: f64,
}

impl Curve<'_> {
    /// Reads it.
    pub(super) fn read(&self) -> Reading {
        let means = self.means;
        let best = (0..means.len()).max_by(|a, b| means[*a].total_cmp(&means[*b])).unwrap_or(0);
        let is_alike = |step: &usize| !self.is_above(best, *step);
        let from = (0..best).rev().take_while(is_alike).last().unwrap_or(best);
        let to = (best + 1..means.len()).take_while(is_alike).last().unwrap_or(best);
        let group = &means[from..=to];
        let level = group.iter().sum::<f64>() / group.len() as f64;
        let knee = means.iter().position(|mean| *mean >= (1.0 - self.margin) * level);
        let drops = |step: usize| means[step] < (1.0 - self.margin) * level && self.is_above(best, step);
        Reading {
            level,
            knee: knee.filter(|_| !self.still_rises()),
            falls_behind: (to + 1..means.len()).any(drops).then_some(to),
        }
    }

    /// Whether a step surely has a higher rate than another.
    fn is_above(&self, high: usize, low: usize) -> bool {
        self.means[high] - self.means[low] > self.apart * self.errors[high].hypot(self.errors[low])
    }

    /// Whether the last step is more than the margin above the one before, and can be told from it. Where steps lie
    /// closely, that is asked of the nearest one a fifth below, and the last step must have an even share of the margin
    /// in it.
    fn still_rises(&self) -> bool {
        let (Some(last), Some(before)) = (self.at.len().checked_sub(1), self.at.len().checked_sub(2)) else {
            return false;
        };
        let gains = |step: usize, margin: f64| self.means[last] > (1.0 + margin) * self.means[step];
        if gains(before, self.margin) && self.is_above(last, before) {
            return true;
        }
        let far = (0..last).rev().find(|step| self.at[*step] <= BACK * self.at[last]);
        far.is_some_and(|far| {
            let share = (1.0 + self.margin).powf(1.0 / (last - far) as f64) - 1.0;
            gains(far, self.margin) && gains(before, share) && self.is_above(last, far)
        })
    }
}

/// Of the normal distribution.
pub(super) fn normal_quantile(probability: f64) -> f64 {
    Normal::new(0.0, 1.0).expect("the deviation is 1").inverse_cdf(probability)
}
