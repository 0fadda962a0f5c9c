//! How long until it was calm again, after a burst or a fault?
//!
//! *Calm band.* From the calm points: those before the first disturbance; when these are fewer than five,
//! those of the later half of every stretch between disturbances and after the last. The band reaches from
//! their median by three robust standard deviations (1.4826 × the median absolute deviation, Hampel 1974)
//! and at least by a tenth of the median.
//!
//! *Recovered* at the first point at or after the end of the disturbance from which on every point is in the
//! band for the hold time: five seconds or three points, whichever is longer. The recovery time is from the
//! end of the disturbance to that point. Disturbances that overlap or touch are one, from which it recovers when the
//! last of them has ended: there is no calm within. Where the next disturbance or the end of the series comes before the
//! hold is over, nobody can tell.

use super::{Point, median};

/// Calm points needed for a band.
const FEWEST_CALM: usize = 5;
/// The median absolute deviation of a normal distribution is its standard deviation over this.
const MAD_TO_SIGMA: f64 = 1.4826;
const SIGMAS: f64 = 3.0;
const LEAST_WIDTH_SHARE: f64 = 0.1;
const HOLD_NS: u64 = 5_000_000_000;
const HOLD_POINTS: usize = 3;

/// Which values count as calm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Calm {
    /// All below the band's upper end: for latencies, which may well be better than before.
    Below,
    /// All within the band: for depths, throughputs, counts.
    Around,
}

/// A series to ask for its recovery.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Watched<'a> {
    /// Points in order of time.
    pub points: &'a [Point],
    /// Which values count as calm.
    pub calm: Calm,
}

/// The answer for one disturbance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Recovery {
    /// Back after so long.
    After {
        /// From the end of the disturbance.
        ns: u64,
    },
    /// The data end, or the next disturbance begins, before it could be told.
    TooShort,
    /// Not back for as long as was watched.
    NotWithin {
        /// From the end of the disturbance to the last point looked at.
        ns: u64,
    },
    /// There was no calm to compare with.
    NoCalm,
}

/// The recovery from each disturbance, given as (start, end) in ns, ascending. Those that are one have one answer.
pub fn recovery(watched: Watched<'_>, disturbances: &[(u64, u64)]) -> Vec<Recovery> {
    let merged = merged(disturbances);
    let Some(band) = Band::of(watched, &merged) else {
        return vec![Recovery::NoCalm; disturbances.len()];
    };
    let answer = |&(start_ns, _): &(u64, u64)| {
        let next = merged.partition_point(|&(other_ns, _)| other_ns <= start_ns);
        let (_, end_ns) = merged[next - 1];
        let next_ns = merged.get(next).map_or(u64::MAX, |&(start_ns, _)| start_ns);
        one(between(watched.points, end_ns, next_ns), end_ns, &band)
    };
    disturbances.iter().map(answer).collect()
}

/// Disturbances, ascending, without those that overlap or touch.
pub(crate) fn merged(disturbances: &[(u64, u64)]) -> Vec<(u64, u64)> {
    let mut merged: Vec<(u64, u64)> = Vec::new();
    for &(start_ns, end_ns) in disturbances {
        match merged.last_mut() {
            Some((_, last_ns)) if start_ns <= *last_ns => *last_ns = end_ns.max(*last_ns),
            _ => merged.push((start_ns, end_ns)),
        }
    }
    merged
}

/// The worst of several recoveries: what a threshold on `recovery` judges. Nothing when there were no
/// disturbances.
pub fn worst(recoveries: &[Recovery]) -> Option<Recovery> {
    recoveries.iter().copied().max()
}

/// Which values are calm.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Band {
    low: f64,
    high: f64,
}

impl Band {
    fn of(watched: Watched<'_>, disturbances: &[(u64, u64)]) -> Option<Band> {
        let (first_ns, _) = *disturbances.first()?;
        let mut calm: Vec<f64> =
            between(watched.points, 0, first_ns).iter().map(|point| point.value).collect();
        if calm.len() < FEWEST_CALM {
            calm = later_halves(watched.points, disturbances);
        }
        if calm.len() < FEWEST_CALM {
            return None;
        }
        match watched.calm {
            Calm::Below => Band::below(&calm),
            Calm::Around => Band::around(&calm),
        }
    }

    /// The band around calm values, however few.
    fn around(calm: &[f64]) -> Option<Band> {
        let middle = median(calm.iter().copied())?;
        let deviation = median(calm.iter().map(|value| (value - middle).abs()))?;
        let width = (SIGMAS * MAD_TO_SIGMA * deviation).max(LEAST_WIDTH_SHARE * middle.abs());
        Some(Band { low: middle - width, high: middle + width })
    }

    /// The same without a lower end: less is never worse.
    pub(crate) fn below(calm: &[f64]) -> Option<Band> {
        Some(Band { low: f64::NEG_INFINITY, ..Band::around(calm)? })
    }

    /// Makes it reach up to a value.
    pub(crate) fn reach(&mut self, value: f64) {
        self.high = self.high.max(value);
    }

    pub(crate) fn holds(&self, value: f64) -> bool {
        self.low <= value && value <= self.high
    }
}

/// The values in the later half of every stretch after a disturbance.
fn later_halves(points: &[Point], disturbances: &[(u64, u64)]) -> Vec<f64> {
    let last_ns = points.last().map_or(0, |point| point.t_ns + 1);
    let mut values = Vec::new();
    for (index, &(_, end_ns)) in disturbances.iter().enumerate() {
        let until_ns = disturbances.get(index + 1).map_or(last_ns, |&(start_ns, _)| start_ns);
        let middle_ns = end_ns + until_ns.saturating_sub(end_ns) / 2;
        values.extend(between(points, middle_ns, until_ns).iter().map(|point| point.value));
    }
    values
}

fn between(points: &[Point], from_ns: u64, to_ns: u64) -> &[Point] {
    let from = points.partition_point(|point| point.t_ns < from_ns);
    let to = points.partition_point(|point| point.t_ns < to_ns);
    &points[from..to.max(from)]
}

fn one(after: &[Point], end_ns: u64, band: &Band) -> Recovery {
    let (Some(first), Some(last)) = (after.first(), after.last()) else { return Recovery::TooShort };
    // The start of the calm stretch that lasts to the end, or the first that lasts long enough.
    let mut since: Option<(u64, usize)> = None;
    let mut last_outside_ns = None;
    for point in after {
        if !band.holds(point.value) {
            (since, last_outside_ns) = (None, Some(point.t_ns));
            continue;
        }
        let (since_ns, points) = since.map_or((point.t_ns, 1), |(since_ns, points)| (since_ns, points + 1));
        if point.t_ns - since_ns >= HOLD_NS && points >= HOLD_POINTS {
            // The very first point after the end calm already: it never left, or was back at once.
            let ns = if since_ns == first.t_ns && last_outside_ns.is_none() { 0 } else { since_ns - end_ns };
            return Recovery::After { ns };
        }
        since = Some((since_ns, points));
    }
    if since.is_some() { Recovery::TooShort } else { Recovery::NotWithin { ns: last.t_ns - end_ns } }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: u64 = 1_000_000_000;

    /// 10 ms in calm; 100 from second 20 on, which falls back to calm at second `back`.
    fn latencies(back: u64, until: u64) -> Vec<Point> {
        (0..until)
            .map(|k| {
                let wobble = if k % 2 == 0 { 0.1 } else { -0.1 };
                Point { t_ns: k * S, value: if (20..back).contains(&k) { 100.0 } else { 10.0 + wobble } }
            })
            .collect()
    }

    fn below(points: &[Point]) -> Watched<'_> {
        Watched { points, calm: Calm::Below }
    }

    #[test]
    fn it_is_timed_from_the_end_of_the_burst() {
        assert_eq!(recovery(below(&latencies(37, 80)), &[(20 * S, 30 * S)]), [Recovery::After { ns: 7 * S }]);
        assert_eq!(recovery(below(&latencies(30, 80)), &[(20 * S, 30 * S)]), [Recovery::After { ns: 0 }]);
    }

    #[test]
    fn a_relapse_restarts_the_hold() {
        let mut points = latencies(33, 80);
        points[36].value = 100.0;
        assert_eq!(recovery(below(&points), &[(20 * S, 30 * S)]), [Recovery::After { ns: 7 * S }]);
        // One that comes after the hold is another story.
        points[36].value = 10.0;
        points[60].value = 100.0;
        assert_eq!(recovery(below(&points), &[(20 * S, 30 * S)]), [Recovery::After { ns: 3 * S }]);
    }

    #[test]
    fn never_back_and_too_short_are_told_apart() {
        assert_eq!(
            recovery(below(&latencies(99, 80)), &[(20 * S, 30 * S)]),
            [Recovery::NotWithin { ns: 49 * S }]
        );
        assert_eq!(recovery(below(&latencies(37, 40)), &[(20 * S, 30 * S)]), [Recovery::TooShort]);
        assert_eq!(recovery(below(&latencies(37, 30)), &[(20 * S, 30 * S)]), [Recovery::TooShort]);
    }

    #[test]
    fn each_of_several_is_judged_until_the_next() {
        let points = latencies(33, 100);
        let answers = recovery(below(&points), &[(20 * S, 30 * S), (50 * S, 52 * S), (99 * S, 99 * S)]);
        assert_eq!(answers, [Recovery::After { ns: 3 * S }, Recovery::After { ns: 0 }, Recovery::TooShort]);
        assert_eq!(worst(&answers), Some(Recovery::TooShort));
        assert_eq!(worst(&[]), None);
    }

    #[test]
    fn what_overlaps_is_one_disturbance_that_ends_with_the_last() {
        let points = latencies(43, 100);
        let all = |disturbances: &[(u64, u64)]| {
            let ns: Vec<(u64, u64)> = disturbances.iter().map(|(from, to)| (from * S, to * S)).collect();
            recovery(below(&points), &ns)
        };
        let back = Recovery::After { ns: 3 * S };
        assert_eq!(all(&[(20, 40), (22, 23)]), [back; 2], "one within another");
        assert_eq!(all(&[(20, 30), (25, 40)]), [back; 2]);
        assert_eq!(all(&[(20, 30), (30, 40)]), [back; 2], "one right after another");
        assert_eq!(all(&[(20, 40), (22, 23), (60, 61)]), [back, back, Recovery::After { ns: 0 }]);
    }

    #[test]
    fn a_burst_at_the_start_takes_its_calm_from_afterwards() {
        let points: Vec<Point> =
            (0..60).map(|k| Point { t_ns: k * S, value: if k < 14 { 100.0 } else { 10.0 } }).collect();
        assert_eq!(recovery(below(&points), &[(0, 10 * S)]), [Recovery::After { ns: 4 * S }]);
        assert_eq!(recovery(below(&points[..3]), &[(0, 2 * S)]), [Recovery::NoCalm]);
    }

    #[test]
    fn throughput_must_come_back_up() {
        let points: Vec<Point> = (0..80)
            .map(|k| Point { t_ns: k * S, value: if (20..33).contains(&k) { 0.0 } else { 500.0 } })
            .collect();
        let around = Watched { points: &points, calm: Calm::Around };
        assert_eq!(recovery(around, &[(20 * S, 25 * S)]), [Recovery::After { ns: 8 * S }]);
        assert_eq!(recovery(below(&points), &[(20 * S, 25 * S)]), [Recovery::After { ns: 0 }]);
    }
}
