//! Has it settled? The level a series has come to rest at, if it has.
//!
//! Tails of the series are looked at, from all of it down to its last quarter of time. What the Theil-Sen
//! slope of a tail amounts to over the tail's length is its drift, with its 95 % interval. A tail rests when
//! - all of that interval lies within 5 % of its level (its median) or of the range of the whole series, whichever
//!   is more; or all of what it would be at this pace over the whole series lies within half of what the tail swings
//!   about its own trend (the range of the middle nine tenths). So a series that saws between vacuums has settled in
//!   its band, and a band can be told from growth only by enough cycles of it;
//! - its last quarter lies around the same level, so that a late step is not taken for an outlier.
//!
//! The longest tail that rests counts. It still moves when, for the last half and for the last quarter, the
//! interval lies on the same side outside 5 %. Else nobody can tell yet. That both are tests with a margin, and
//! that failing to see growth is not seeing rest, is the idea of equivalence testing (D. J. Schuirmann, Journal
//! of Pharmacokinetics and Biopharmaceutics 15, 1987).

use super::slope::{Slope, SlopeEstimate, slope};
use super::{Point, median};

/// Tails tried, from the whole series down to its last quarter, each a 16th of the time shorter.
const TAILS: u64 = 13;
const LAST_HALF: u64 = 8;
const LAST_QUARTER: u64 = 12;
/// Drift that still counts as rest, as a share of the level or of the whole range.
const TOLERANCE: f64 = 0.05;
/// The same as a share of what the tail swings anyway.
const SWING_SHARE: f64 = 0.5;

/// The answer to "has it settled".
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Plateau {
    /// It rests.
    Settled {
        /// At this value (the median of the tail).
        level: f64,
        /// Since when, since the run's epoch.
        since_ns: u64,
        /// How far it has moved over the whole series all the same.
        drift: Drift,
    },
    /// It still moves: by this much a minute over its last quarter.
    Moving {
        /// Growth a minute.
        per_minute: f64,
    },
    /// Neither rest nor movement can be told from chance: over its last quarter it moves by so much a minute.
    Unclear {
        /// Lower end of the 95 % interval.
        low: f64,
        /// Upper end of the interval.
        high: f64,
    },
    /// The last quarter has too few points.
    TooShort {
        /// How many it has.
        points: usize,
        /// How many it takes.
        needed: usize,
    },
}

/// What the slope of a series amounts to over its length, with its 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Drift {
    /// The estimate.
    pub by: f64,
    /// Lower end of the interval.
    pub low: f64,
    /// Upper end of the interval.
    pub high: f64,
}

/// The end of a series, and how it moves.
struct Tail<'a> {
    points: &'a [Point],
    estimate: SlopeEstimate,
    minutes: f64,
    level: f64,
}

/// Where points in order of time have come to rest.
pub fn plateau(points: &[Point]) -> Plateau {
    let quarter = match Tail::of(points, LAST_QUARTER) {
        Ok(tail) => tail,
        Err(too_short) => return too_short,
    };
    let range = range(points.iter().map(|point| point.value).collect(), 0.0);
    for step in 0..TAILS {
        let Ok(tail) = Tail::of(points, step) else { continue };
        if tail.rests(range, points) {
            let drift = Tail::of(points, 0).map_or_else(|_| tail.drift(), |whole| whole.drift());
            return Plateau::Settled { level: tail.level, since_ns: tail.points[0].t_ns, drift };
        }
    }
    let half_moves = Tail::of(points, LAST_HALF).map_or(0, |half| half.moves(range));
    if half_moves != 0 && half_moves == quarter.moves(range) {
        return Plateau::Moving { per_minute: quarter.estimate.per_minute };
    }
    Plateau::Unclear { low: quarter.estimate.low, high: quarter.estimate.high }
}

impl<'a> Tail<'a> {
    /// The points after so many 16ths of the time.
    fn of(points: &'a [Point], sixteenths: u64) -> Result<Tail<'a>, Plateau> {
        let points = last(points, sixteenths);
        let estimate = match slope(points) {
            Slope::Known(estimate) => estimate,
            Slope::TooShort { points, needed } => return Err(Plateau::TooShort { points, needed }),
        };
        let minutes = minutes(points);
        let level = median(points.iter().map(|point| point.value)).unwrap_or_default();
        Ok(Tail { points, estimate, minutes, level })
    }

    fn drift(&self) -> Drift {
        let SlopeEstimate { per_minute, low, high, .. } = self.estimate;
        Drift { by: per_minute * self.minutes, low: low * self.minutes, high: high * self.minutes }
    }

    fn rests(&self, range: f64, whole: &[Point]) -> bool {
        let (tolerance, swing) = (self.tolerance(range), SWING_SHARE * self.swing());
        // What the swing allows is for the whole window, or growth would pass in pieces.
        let share = self.minutes / minutes(whole).max(self.minutes);
        let furthest = self.estimate.low.abs().max(self.estimate.high.abs()) * self.minutes;
        let end = median(last(self.points, LAST_QUARTER).iter().map(|point| point.value));
        let ends_there = end.is_some_and(|end| (end - self.level).abs() <= tolerance.max(swing));
        furthest <= tolerance.max(swing * share) && ends_there
    }

    /// 1 when it certainly grows, -1 when it certainly falls, else 0.
    fn moves(&self, range: f64) -> i32 {
        let tolerance = self.tolerance(range);
        i32::from(self.estimate.low * self.minutes > tolerance)
            - i32::from(self.estimate.high * self.minutes < -tolerance)
    }

    fn tolerance(&self, range: f64) -> f64 {
        TOLERANCE * self.level.abs().max(range)
    }

    /// How far it swings about its own trend, the wildest tenth left out.
    fn swing(&self) -> f64 {
        let start_ns = self.points[0].t_ns;
        let trend = |t_ns: u64| self.estimate.per_minute * ((t_ns - start_ns) as f64 / 60e9);
        range(self.points.iter().map(|point| point.value - trend(point.t_ns)).collect(), 0.05)
    }
}

/// From the first to the last.
fn minutes(points: &[Point]) -> f64 {
    points.last().zip(points.first()).map_or(0.0, |(last, first)| (last.t_ns - first.t_ns) as f64 / 60e9)
}

/// The points after so many 16ths of the time from first to last.
fn last(points: &[Point], sixteenths: u64) -> &[Point] {
    let (Some(first), Some(last)) = (points.first(), points.last()) else { return points };
    let span_ns = u128::from(last.t_ns - first.t_ns);
    let from_ns = first.t_ns + (span_ns * u128::from(sixteenths) / 16) as u64;
    &points[points.partition_point(|point| point.t_ns < from_ns)..]
}

/// From the smallest to the largest, without such a share of the values at either end.
fn range(mut values: Vec<f64>, left_out: f64) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    let skipped = (values.len() as f64 * left_out) as usize;
    let kept = &values[skipped..values.len() - skipped];
    kept.last().zip(kept.first()).map_or(0.0, |(high, low)| high - low)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::IterationRng;

    fn counted(count: u64, mut value: impl FnMut(f64) -> f64) -> Vec<Point> {
        (0..count).map(|k| Point { t_ns: k * 1_000_000_000, value: value(k as f64) }).collect()
    }

    fn points(value: impl FnMut(f64) -> f64) -> Vec<Point> {
        counted(200, value)
    }

    const SEEDS: u64 = 30;

    /// The share of seeds for which the answer is as expected.
    fn share(
        expected: impl Fn(Plateau) -> bool,
        mut series: impl FnMut(&mut IterationRng) -> Vec<Point>,
    ) -> f64 {
        let held = (0..SEEDS).filter(|seed| {
            let mut rng = IterationRng::from_bits(*seed);
            expected(plateau(&series(&mut rng)))
        });
        held.count() as f64 / SEEDS as f64
    }

    fn settled(answer: Plateau) -> bool {
        matches!(answer, Plateau::Settled { .. })
    }

    fn moving(answer: Plateau) -> bool {
        matches!(answer, Plateau::Moving { .. })
    }

    #[test]
    fn growth_that_levels_off_has_settled() {
        let saturating = points(|t_s| 100.0 * (1.0 - (-t_s / 15.0).exp()));
        let Plateau::Settled { level, since_ns, .. } = plateau(&saturating) else { panic!("not settled") };
        assert!((level - 100.0).abs() < 3.0, "level {level}");
        assert!(since_ns > 10_000_000_000);
    }

    #[test]
    fn a_flat_series_has_settled_from_the_start() {
        let wobble = points(|t_s| 50.0 + (t_s * 1.7).sin());
        assert!(
            matches!(plateau(&wobble), Plateau::Settled { since_ns: 0, level, .. } if (level - 50.0).abs() < 0.5)
        );
        let drift = Drift { by: 0.0, low: 0.0, high: 0.0 };
        assert_eq!(plateau(&points(|_| 0.0)), Plateau::Settled { level: 0.0, since_ns: 0, drift });
    }

    #[test]
    fn what_drifts_within_the_tolerance_has_settled_and_says_how_far() {
        // 100 to 103.98 in 199 seconds.
        let answer = plateau(&points(|t_s| 100.0 + 0.02 * t_s));
        let Plateau::Settled { since_ns: 0, drift, .. } = answer else { panic!("{answer:?}") };
        assert!((drift.by - 3.98).abs() < 1e-6, "{drift:?}");
        assert!(drift.low <= drift.by && drift.by <= drift.high, "{drift:?}");
    }

    #[test]
    fn steady_growth_has_not() {
        let Plateau::Moving { per_minute } = plateau(&points(|t_s| t_s)) else { panic!("settled") };
        assert!((per_minute - 60.0).abs() < 1e-6);
        let noisy = share(moving, |rng| counted(120, |t_s| t_s + 20.0 * rng.next_unit()));
        assert!(noisy > 0.9, "{noisy}");
    }

    #[test]
    fn a_saw_has_settled_in_its_band_when_there_were_enough_of_its_cycles() {
        let saw = |rng: &mut IterationRng, cycle_s: f64| {
            let from = rng.next_unit();
            points(|t_s| 2.0 + 6.0 * (t_s / cycle_s + from).fract() + 0.3 * rng.next_unit())
        };
        let many = share(settled, |rng| saw(rng, 12.0));
        assert!(many > 0.95, "16 cycles: {many}");
        let few = share(|answer| moving(answer) || settled(answer), |rng| saw(rng, 57.0));
        assert!(few < 0.1, "three and a half cycles tell nothing, but {few} told");
    }

    #[test]
    fn a_band_that_climbs_is_not_taken_for_rest() {
        // In 200 s it climbs as far as it is wide.
        let climbing = share(settled, |rng| {
            let from = rng.next_unit();
            points(|t_s| 6.0 * (t_s / 12.0 + from).fract() + 6.0 * t_s / 200.0)
        });
        assert!(climbing < 0.05, "{climbing}");
    }

    #[test]
    fn growth_of_half_the_noise_is_not_taken_for_rest_in_pieces() {
        let growing = share(settled, |rng| counted(120, |t_s| rng.next_unit() + 0.5 * t_s / 120.0));
        assert!(growing < 0.05, "{growing}");
    }

    #[test]
    fn noise_about_a_level_has_settled_and_few_points_of_it_cannot_tell() {
        let long = share(settled, |rng| counted(120, |_| rng.next_unit()));
        assert!(long > 0.9, "{long}");
        assert!(share(moving, |rng| counted(40, |_| rng.next_unit())) < 0.05);
    }

    #[test]
    fn a_late_step_is_no_outlier() {
        let step = points(|t_s| if t_s < 158.0 { 10.0 } else { 20.0 });
        assert!(
            !matches!(plateau(&step), Plateau::Settled { level, .. } if level < 19.0),
            "{:?}",
            plateau(&step)
        );
    }

    #[test]
    fn a_short_series_cannot_tell() {
        assert_eq!(plateau(&[]), Plateau::TooShort { points: 0, needed: 8 });
        assert!(matches!(plateau(&points(|t_s| t_s)[..20]), Plateau::TooShort { .. }));
        let at_once: Vec<Point> = (0..40).map(|k| Point { t_ns: 7, value: f64::from(k) }).collect();
        assert!(matches!(plateau(&at_once), Plateau::TooShort { .. }));
    }
}
