//! What a sweep finds: how the rate follows a parameter that was raised step by step, where it stops to grow, and how
//! sure that is.
//!
//! The **plateau** is the level of the highest group: the best step with those beside it that cannot be told from it
//! (two-sided, Bonferroni over the other steps). The **knee** is the smallest value whose rate is within the margin of
//! the plateau. How sure both are is told by a bootstrap over the seconds of each step (its file `resample`): the whole reading
//! is repeated on resampled means, and what 95 % of the readings agree on is the interval.
//!
//! Deliberately absent: when steps are played, what was counted in them, and any model of the curve: neither Amdahl's
//! law nor the universal scalability law is fitted, the knee is one of the values that were tried.

mod curve;
mod resample;
#[cfg(test)]
mod tests;
mod value;
mod values;

pub use value::Value;
pub use values::{MOST_VALUES, ValuesError, values};

use crate::compare::{Interval, confidence_of_each};
use curve::{Curve, Reading, normal_quantile};
use resample::{Resampled, percentile_index};

/// The confidence of each interval.
pub const CONFIDENCE: f64 = 0.95;
/// Fewer whole seconds of a step decide nothing: their spread is not known.
pub const FEWEST_SECONDS: usize = 5;
/// Resampled readings: the ends of a 95 % interval then stand on 25 of them each.
const REPLICATES: usize = 1_000;

/// One step of a number: its value and what it did in each of its seconds.
#[derive(Debug, Clone, PartialEq)]
pub struct Rated {
    /// The parameter's value.
    pub at: f64,
    /// Things done in each whole second, in order of time.
    pub per_s: Vec<f64>,
}

/// What the steps come to.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// The rate of the plateau; nothing when there is none, or nothing is decided.
    pub plateau: Option<Interval>,
    /// Where it stops to grow.
    pub knee: Knee,
    /// The last value that holds the plateau, when the rate drops behind it: surely, and by more than the margin.
    pub falls_behind: Option<f64>,
}

/// Where the rate stops to grow.
#[derive(Debug, Clone, PartialEq)]
pub enum Knee {
    /// At this value.
    At {
        /// The smallest value whose rate is within the margin of the plateau.
        at: f64,
        /// The smallest value that it may be.
        low: f64,
        /// The largest value that it may be; nothing when it may lie beyond the last step.
        high: Option<f64>,
    },
    /// Nowhere: the last step is still more than the margin above the one before, and surely above it.
    StillRising {
        /// The last value.
        last: f64,
        /// A value at which a knee is not ruled out.
        unless: Option<f64>,
    },
    /// It cannot be told, for this reason.
    NotDecided(String),
}

/// The rate of a step with its interval; nothing with fewer than two seconds. The same `seed` gives the same interval.
pub fn rate(per_s: &[f64], seed: u64) -> Option<Interval> {
    Some(Resampled::of(per_s, CONFIDENCE, seed, REPLICATES)?.interval(CONFIDENCE))
}

/// Reads the curve of `steps`, in any order of their values, which must differ. A difference within `margin` (0.05: five
/// percent) is none. The same `seed` gives the same intervals.
pub fn find(steps: &[Rated], margin: f64, seed: u64) -> Found {
    let mut steps: Vec<&Rated> = steps.iter().collect();
    steps.sort_by(|a, b| a.at.total_cmp(&b.at));
    if let Some(reason) = undecidable(&steps) {
        return Found::undecided(reason);
    }
    // Each step by its place, so that its interval does not depend on what else was measured.
    let resampled: Option<Vec<Resampled>> = steps
        .iter()
        .enumerate()
        .map(|(n, step)| Resampled::of(&step.per_s, CONFIDENCE, seed.wrapping_add(n as u64), REPLICATES))
        .collect();
    let Some(resampled) = resampled else { return Found::undecided("a step has no seconds".to_owned()) };
    let at: Vec<f64> = steps.iter().map(|step| step.at).collect();
    let errors: Vec<f64> = resampled.iter().map(Resampled::error).collect();
    let each = confidence_of_each(steps.len() - 1);
    let apart = normal_quantile((1.0 + each) / 2.0);
    let reading = |means: &[f64], errors: &[f64]| Curve { at: &at, means, errors, apart, margin }.read();
    let means: Vec<f64> = resampled.iter().map(|step| step.mean).collect();
    let found = reading(&means, &errors);
    // A resampled mean strays twice from the truth: with the seconds, and with the draw.
    let twice: Vec<f64> = errors.iter().map(|error| error * std::f64::consts::SQRT_2).collect();
    let readings: Vec<Reading> = (0..REPLICATES)
        .map(|n| reading(&resampled.iter().map(|step| step.means[n]).collect::<Vec<_>>(), &twice))
        .collect();
    let levels = readings.iter().map(|one| one.level).collect();
    let knees = readings.iter().map(|one| one.knee.unwrap_or(at.len())).collect();
    summed_up(&at, &found, levels, knees)
}

fn undecidable(steps: &[&Rated]) -> Option<String> {
    if steps.len() < 2 {
        return Some(format!("{} of the steps gave a rate, and it takes two", steps.len()));
    }
    if let Some(short) = steps.iter().find(|step| step.per_s.len() < FEWEST_SECONDS) {
        return Some(format!(
            "the step of {} has {} whole seconds where it takes {FEWEST_SECONDS}; let steps last longer",
            short.at,
            short.per_s.len()
        ));
    }
    let is_nothing = steps.iter().all(|step| step.per_s.iter().all(|rate| *rate <= 0.0));
    is_nothing.then(|| "nothing was done in any step".to_owned())
}

/// From the reading of the means, and those of all replicates, to what is said.
fn summed_up(at: &[f64], found: &Reading, mut levels: Vec<f64>, mut knees: Vec<usize>) -> Found {
    levels.sort_by(f64::total_cmp);
    knees.sort_unstable();
    let (low, high) =
        (percentile_index(levels.len(), CONFIDENCE, false), percentile_index(levels.len(), CONFIDENCE, true));
    let value = |step: usize| at.get(step).copied();
    let last = at[at.len() - 1];
    let Some(knee) = found.knee else {
        let unless = value(knees[low]);
        return Found { plateau: None, knee: Knee::StillRising { last, unless }, falls_behind: None };
    };
    let (first, beyond) = (knees[low].min(knee), knees[high].max(knee));
    if first == 0 && beyond >= at.len() - 1 {
        return Found::undecided(format!(
            "the knee may be anywhere from {} to {last}; let steps last longer",
            at[0]
        ));
    }
    let plateau = Interval {
        value: found.level,
        low: levels[low].min(found.level),
        high: levels[high].max(found.level),
    };
    Found {
        plateau: Some(plateau),
        knee: Knee::At { at: at[knee], low: at[first], high: value(beyond) },
        falls_behind: found.falls_behind.and_then(value),
    }
}

impl Found {
    /// Nothing is decided, for this reason.
    pub fn undecided(reason: String) -> Self {
        Found { plateau: None, knee: Knee::NotDecided(reason), falls_behind: None }
    }
}
