//! Does it grow? The slope of a series per minute, robust against outliers, with a confidence interval.
//!
//! Theil-Sen: the median of the slopes between all pairs of points, which up to 29 % of wild points cannot
//! move far. The 95 % interval comes from the sorted pairwise slopes and the variance of Kendall's S with
//! ties (P. K. Sen, "Estimates of the regression coefficient based on Kendall's tau", JASA 63, 1968; the
//! ranks as in R. O. Gilbert, "Statistical methods for environmental pollution monitoring", 1987, section
//! 16.5), widened by what neighbouring points repeat of each other ([`independence`](super::independence)):
//! without that a series that swings slowly (dead rows between vacuums) is taken as growing or falling one
//! time in two.

use super::independence::repetition;
use super::{Point, median, median_of_sorted};

/// Fewer points than this say nothing about a slope.
const FEWEST_POINTS: usize = 8;
/// Points count as at least so many independent ones. With so few the interval is as wide as the series swings;
/// beyond that it would run over every single step and hide what is in plain sight.
const FEWEST_INDEPENDENT: f64 = 4.0;
/// More points than this are first put together in groups: all pairs of 600 points are 180,000 slopes, and a run has
/// a hundred series.
const MOST_POINTS: usize = 600;
/// The 97.5 % quantile of the normal distribution: a two-sided 95 % interval.
const Z_95: f64 = 1.959_963_984_540_054;

/// The answer to "does it grow".
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Slope {
    /// An estimate with its uncertainty.
    Known(SlopeEstimate),
    /// Too few points, or all at one time.
    TooShort {
        /// How many points there are.
        points: usize,
        /// How many it takes.
        needed: usize,
    },
}

/// A slope and its 95 % confidence interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SlopeEstimate {
    /// Growth a minute.
    pub per_minute: f64,
    /// Lower end of the interval.
    pub low: f64,
    /// Upper end of the interval.
    pub high: f64,
    /// As how many independent points they count.
    pub independent: f64,
}

/// The slope of points in order of time.
pub fn slope(points: &[Point]) -> Slope {
    let too_short = Slope::TooShort { points: points.len(), needed: FEWEST_POINTS };
    if points.len() < FEWEST_POINTS {
        return too_short;
    }
    let grouped = grouped(points);
    let mut slopes = pairwise_per_minute(&grouped);
    let count = slopes.len();
    if count < FEWEST_POINTS {
        return too_short;
    }
    slopes.sort_unstable_by(f64::total_cmp);
    let Some(per_minute) = median_of_sorted(&slopes) else { return too_short };
    let repetition = repetition(&grouped, per_minute).min(grouped.len() as f64 / FEWEST_INDEPENDENT);
    let spread = Z_95 * (kendall_variance(&grouped) * repetition).sqrt();
    let (low_rank, high_rank) = ((count as f64 - spread) / 2.0, (count as f64 + spread) / 2.0);
    // Ranks count from 1: the interval runs from the M1-th to the (M2 + 1)-th slope.
    let low = slopes[(low_rank.floor() as usize).max(1) - 1];
    let high = slopes[(high_rank.ceil() as usize).min(count - 1)];
    Slope::Known(SlopeEstimate {
        per_minute,
        low: low.min(per_minute),
        high: high.max(per_minute),
        independent: grouped.len() as f64 / repetition,
    })
}

/// At most `MOST_POINTS` points: the median value and mean time of equal groups.
fn grouped(points: &[Point]) -> Vec<Point> {
    let size = points.len().div_ceil(MOST_POINTS);
    if size <= 1 {
        return points.to_vec();
    }
    points
        .chunks(size)
        .map(|chunk| {
            let total_ns: u128 = chunk.iter().map(|point| u128::from(point.t_ns)).sum();
            Point {
                t_ns: (total_ns / chunk.len() as u128) as u64,
                value: median(chunk.iter().map(|point| point.value)).unwrap_or_default(),
            }
        })
        .collect()
}

fn pairwise_per_minute(points: &[Point]) -> Vec<f64> {
    let mut slopes = Vec::with_capacity(points.len() * (points.len() - 1) / 2);
    for (index, early) in points.iter().enumerate() {
        for late in &points[index + 1..] {
            let minutes = (late.t_ns - early.t_ns) as f64 / 60e9;
            if minutes > 0.0 {
                slopes.push((late.value - early.value) / minutes);
            }
        }
    }
    slopes
}

/// Var(S) = (n (n - 1) (2n + 5) - Σ g (g - 1) (2g + 5)) / 18 over groups of g equal values.
fn kendall_variance(points: &[Point]) -> f64 {
    let term = |n: usize| (n * (n - 1) * (2 * n + 5)) as f64;
    let mut values: Vec<f64> = points.iter().map(|point| point.value).collect();
    values.sort_unstable_by(f64::total_cmp);
    let ties: f64 = values.chunk_by(|a, b| a == b).map(|group| term(group.len())).sum();
    (term(values.len()) - ties) / 18.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::IterationRng;

    fn points(count: u64, value: impl FnMut(u64) -> f64) -> Vec<Point> {
        let mut value = value;
        (0..count).map(|k| Point { t_ns: k * 1_000_000_000, value: value(k) }).collect()
    }

    fn known(points: &[Point]) -> SlopeEstimate {
        match slope(points) {
            Slope::Known(estimate) => estimate,
            Slope::TooShort { .. } => panic!("too short"),
        }
    }

    #[test]
    fn a_line_has_its_slope_and_no_doubt() {
        let estimate = known(&points(60, |k| 5.0 + 0.1 * k as f64));
        assert!((estimate.per_minute - 6.0).abs() < 1e-9);
        assert!((estimate.low - 6.0).abs() < 1e-9 && (estimate.high - 6.0).abs() < 1e-9);
    }

    #[test]
    fn a_flat_series_has_no_slope() {
        let estimate = known(&points(60, |_| 7.0));
        assert_eq!((estimate.per_minute, estimate.low, estimate.high), (0.0, 0.0, 0.0));
    }

    #[test]
    fn outliers_do_not_turn_it() {
        let estimate = known(&points(100, |k| if k % 7 == 0 { 1e6 } else { 1.0 + 0.1 * k as f64 }));
        assert!((estimate.per_minute - 6.0).abs() < 1.0, "{estimate:?}");
    }

    #[test]
    fn the_interval_holds_the_truth_about_nineteen_times_in_twenty() {
        let mut held = 0;
        for trial in 0..400 {
            let mut rng = IterationRng::from_bits(trial);
            let noisy = points(40, |k| 0.05 * k as f64 + 4.0 * (rng.next_unit() - 0.5));
            let estimate = known(&noisy);
            held += u32::from(estimate.low <= 3.0 && 3.0 <= estimate.high);
        }
        // 380 expected, standard deviation 4.4.
        assert!((362..=398).contains(&held), "held {held} of 400");
    }

    /// How often of 200 the interval holds no growth, of series that swing and do not grow.
    fn holds_none(count: u64, series: impl Fn(&mut IterationRng, &mut f64, u64) -> f64) -> u32 {
        let held = |trial: &u64| {
            let mut rng = IterationRng::from_bits(*trial);
            let mut state = rng.next_unit();
            let estimate = known(&points(count, |k| series(&mut rng, &mut state, k)));
            estimate.low <= 0.0 && 0.0 <= estimate.high
        };
        (0..200).filter(held).count() as u32
    }

    #[test]
    fn what_swings_slowly_is_not_taken_for_growth() {
        // Each value keeps four fifths of the last: taken as independent, the interval held in one of two.
        let drifting = holds_none(120, |rng, state, _| {
            *state = 0.8 * *state + rng.next_unit() - 0.5;
            *state
        });
        assert!(drifting > 168, "autoregression: {drifting} of 200");
        // Dead rows rise until a vacuum takes them away, two and a half times.
        let sawing =
            holds_none(120, |rng, state, k| (*state + k as f64 / 48.0).fract() + 0.05 * rng.next_unit());
        assert!(sawing > 190, "saw: {sawing} of 200");
    }

    #[test]
    fn a_swing_does_not_hide_growth() {
        // It climbs by three times its own height.
        let estimate = known(&points(240, |k| (k as f64 / 20.0).fract() + k as f64 / 80.0));
        assert!(estimate.low > 0.0 && (estimate.per_minute - 0.75).abs() < 0.1, "{estimate:?}");
        assert!(estimate.independent < 120.0, "{estimate:?}");
        let bent = known(&points(60, |k| (k as f64).sqrt()));
        assert!(bent.low > 0.0, "whatever its shape, what only grows has grown: {bent:?}");
    }

    #[test]
    fn the_known_example_of_a_small_set() {
        // Six points would be too few for the interval, so the line is checked with eight; slopes by hand:
        // values 1 2 4 3 5 6 8 7 at seconds 0..8 have the median pairwise slope 1 a second.
        let values = [1.0, 2.0, 4.0, 3.0, 5.0, 6.0, 8.0, 7.0];
        let estimate = known(&points(8, |k| values[k as usize]));
        assert!((estimate.per_minute - 60.0).abs() < 1e-9, "{estimate:?}");
        assert!(estimate.low < 60.0 && estimate.high > 60.0);
    }

    #[test]
    fn the_variance_allows_for_ties() {
        // By hand: 4·3·13 / 18 without ties; one pair of equals takes 2·1·9 / 18 away.
        let of = |values: [f64; 4]| kendall_variance(&points(4, |k| values[k as usize]));
        assert!((of([1.0, 2.0, 3.0, 4.0]) - 156.0 / 18.0).abs() < 1e-12);
        assert!((of([1.0, 3.0, 1.0, 4.0]) - 138.0 / 18.0).abs() < 1e-12);
        assert_eq!(of([5.0; 4]), 0.0);
    }

    #[test]
    fn a_short_series_cannot_tell() {
        assert_eq!(slope(&points(7, |k| k as f64)), Slope::TooShort { points: 7, needed: 8 });
        let at_once: Vec<Point> = (0..20).map(|k| Point { t_ns: 5, value: f64::from(k) }).collect();
        assert!(matches!(slope(&at_once), Slope::TooShort { points: 20, .. }));
    }

    #[test]
    fn a_long_series_is_grouped_and_keeps_its_slope() {
        let estimate = known(&points(20_000, |k| 0.01 * k as f64 + if k % 2 == 0 { 3.0 } else { -3.0 }));
        assert!((estimate.per_minute - 0.6).abs() < 0.01, "{estimate:?}");
    }
}
