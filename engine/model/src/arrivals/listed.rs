//! Arrivals that were recorded: entry k of a list has the planned time that it has in the list.
//!
//! ```text
//! entry          0      1  2         3         (end)      times since the first one
//!                |      |  |         |           |        length = last time + mean gap between entries
//! scale 2        |  |   || | |       |     |     |        copies share the gap to the next entry evenly
//! scale 1/2      |         |                     |        or 1 and 3: the seed decides
//! ```
//!
//! With scale F, the entries 0..k have `floor(k F + φ)` arrivals together, where φ in [0, 1) comes from the seed: an even
//! thinning below 1, each entry F times for whole F, and in between as even as whole arrivals can be. Arrival number n is
//! therefore a closed form, and belongs to the same entry on whatever core or segment it is played.
//!
//! Deliberately absent: what the entries are about, and the file they came from.

use std::sync::Arc;

use super::Arrival;
use crate::{seed::mix, segment::Stride, shape::Sampled};

/// The length of a list whose entries are all at one time.
const NO_LENGTH_NS: u64 = 1_000_000_000;

/// Steps of φ: few enough for `k F + φ` to be exact where F is whole.
const PHASES: u64 = 1 << 16;

/// Recorded arrivals, how fast and how often they are played.
#[derive(Debug, Clone, PartialEq)]
pub struct Listed {
    times_ns: Arc<[u64]>,
    length_ns: u64,
    /// Planned nanoseconds for each recorded one: 0.5 is twice as fast.
    pace: f64,
    scale: f64,
    phase: f64,
    is_endless: bool,
}

/// A list that cannot be played.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ListedError {
    /// No entries.
    #[error("the list has no entries")]
    Empty,
    /// Not in the order of time.
    #[error("entry {entry} is earlier than the one before it")]
    Backwards {
        /// Which, counted from 0.
        entry: usize,
    },
}

impl Listed {
    /// Entries at these times. They count from the first one, which is at 0 from here on.
    ///
    /// # Errors
    /// When there are none, or they are not in the order of time.
    pub fn new(mut times_ns: Vec<u64>) -> Result<Self, ListedError> {
        let (first_ns, last_ns) = match (times_ns.first(), times_ns.last()) {
            (Some(&first_ns), Some(&last_ns)) => (first_ns, last_ns),
            _ => return Err(ListedError::Empty),
        };
        if let Some(entry) = times_ns.windows(2).position(|pair| pair[1] < pair[0]) {
            return Err(ListedError::Backwards { entry: entry + 1 });
        }
        times_ns.iter_mut().for_each(|at_ns| *at_ns -= first_ns);
        let span_ns = last_ns - first_ns;
        let gaps = times_ns.len() as u64 - 1;
        let length_ns = if span_ns == 0 { NO_LENGTH_NS } else { span_ns + (span_ns / gaps).max(1) };
        let times_ns = times_ns.into();
        Ok(Listed { times_ns, length_ns, pace: 1.0, scale: 1.0, phase: 0.0, is_endless: false })
    }

    /// Played this many times as fast (above 0), on top of what was said before.
    #[must_use]
    pub fn faster(self, speed: f64) -> Self {
        Listed { pace: self.pace / speed, ..self }
    }

    /// With this many arrivals for each entry (0 or more). See the module for how.
    #[must_use]
    pub fn scaled(self, scale: f64) -> Self {
        Listed { scale, ..self }
    }

    /// With what is left out, or comes once more, chosen by this seed.
    #[must_use]
    pub fn seeded(self, seed: u64) -> Self {
        Listed { phase: (mix(seed, 0, 0) % PHASES) as f64 / PHASES as f64, ..self }
    }

    /// Beginning anew at its end, for ever.
    #[must_use]
    pub fn endless(self) -> Self {
        Listed { is_endless: true, ..self }
    }

    /// How many entries it has.
    pub fn entries(&self) -> usize {
        self.times_ns.len()
    }

    /// When an entry was recorded, since the first one.
    pub fn recorded_ns(&self, entry: usize) -> u64 {
        self.times_ns[entry]
    }

    /// How long one pass through the list takes as it is played.
    pub fn pass_ns(&self) -> u64 {
        self.warped(u128::from(self.length_ns)).max(1)
    }

    /// The entry of arrival `number`, counted from 0; nothing beyond the last arrival.
    pub fn entry_of(&self, number: u64) -> Option<usize> {
        self.find(number).map(|found| found.entry)
    }

    /// When arrival `number` is due; nothing beyond the last one.
    pub fn planned_ns(&self, number: u64) -> Option<u64> {
        let Found { pass, entry, copy, copies } = self.find(number)?;
        let at_ns = self.times_ns[entry];
        let next_ns = self.times_ns.get(entry + 1).copied().unwrap_or(self.length_ns);
        let into_gap_ns = u128::from(next_ns - at_ns) * u128::from(copy) / u128::from(copies);
        let before_ns = u128::from(pass) * u128::from(self.length_ns);
        Some(self.warped(before_ns + u128::from(at_ns) + into_gap_ns))
    }

    /// How many arrivals are due before this time.
    pub fn count_before(&self, at_ns: u64) -> u64 {
        let passes = if self.is_endless { at_ns / self.pass_ns() + 2 } else { 1 };
        let (mut low, mut high) = (0, passes.saturating_mul(self.in_a_pass()));
        while low < high {
            let middle = low + (high - low) / 2;
            if self.planned_ns(middle).is_some_and(|planned_ns| planned_ns < at_ns) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }

    /// The share `stride` of the arrivals that are due before `until_ns`, in the order of time.
    pub fn arrivals(self, stride: Stride, until_ns: u64) -> impl Iterator<Item = Arrival> {
        (0..)
            .map_while(move |taken| {
                let number = stride.nth(taken);
                Some(Arrival { number, planned_ns: self.planned_ns(number)? })
            })
            .take_while(move |arrival| arrival.planned_ns < until_ns)
    }

    /// The rate as a curve for eyes: a point for each of `points` equal parts of `duration_s`, the mean around it.
    pub fn rates(&self, duration_s: f64, points: usize) -> Sampled {
        let every_s = duration_s / points.saturating_sub(1).max(1) as f64;
        Sampled::of(duration_s, points, |at_s| {
            let (from_s, to_s) = ((at_s - every_s / 2.0).max(0.0), (at_s + every_s / 2.0).min(duration_s));
            let count = |s: f64| self.count_before((s * 1e9).round() as u64);
            if to_s > from_s { (count(to_s) - count(from_s)) as f64 / (to_s - from_s) } else { 0.0 }
        })
    }

    /// Arrivals of the entries 0..`entries`.
    fn up_to(&self, entries: usize) -> u64 {
        (entries as f64 * self.scale + self.phase).floor() as u64
    }

    fn in_a_pass(&self) -> u64 {
        self.up_to(self.entries())
    }

    fn find(&self, number: u64) -> Option<Found> {
        let in_a_pass = self.in_a_pass();
        if in_a_pass == 0 || (!self.is_endless && number >= in_a_pass) {
            return None;
        }
        let (pass, within) = (number / in_a_pass, number % in_a_pass);
        // The inverse of `up_to` in floating point may be off by one; `up_to` itself decides.
        let guess = ((within as f64 + 1.0 - self.phase) / self.scale).ceil() as usize;
        let mut entry = guess.saturating_sub(1).min(self.entries() - 1);
        while self.up_to(entry) > within {
            entry -= 1;
        }
        while self.up_to(entry + 1) <= within {
            entry += 1;
        }
        let first = self.up_to(entry);
        Some(Found { pass, entry, copy: within - first, copies: self.up_to(entry + 1) - first })
    }

    fn warped(&self, at_ns: u128) -> u64 {
        if self.pace == 1.0 {
            return u64::try_from(at_ns).unwrap_or(u64::MAX);
        }
        // Exact up to 104 days (2^53 ns) for paces that are powers of two, and to a nanosecond for others.
        (at_ns as f64 * self.pace).round() as u64
    }
}

/// Where an arrival stands in the list.
#[derive(Debug, Clone, Copy)]
struct Found {
    pass: u64,
    entry: usize,
    /// Which of the entry's arrivals.
    copy: u64,
    copies: u64,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn listed(times_ns: &[u64]) -> Listed {
        Listed::new(times_ns.to_vec()).expect("a list")
    }

    /// (entry, planned time) of all arrivals.
    fn played(listed: &Listed, until_ns: u64) -> Vec<(usize, u64)> {
        let arrivals = listed.clone().arrivals(Stride::ALL, until_ns);
        arrivals
            .map(|arrival| (listed.entry_of(arrival.number).expect("an entry"), arrival.planned_ns))
            .collect()
    }

    #[test]
    fn times_count_from_the_first_entry_and_are_kept_to_the_nanosecond() {
        let recorded =
            listed(&[1_700_000_000_000_000_001, 1_700_000_000_000_000_003, 1_700_000_000_000_000_011]);
        assert_eq!(played(&recorded, u64::MAX), [(0, 0), (1, 2), (2, 10)]);
        assert_eq!(recorded.pass_ns(), 15, "a mean gap behind the last one");
    }

    #[test]
    fn twice_as_fast_takes_half_the_time() {
        let fast = listed(&[0, 30, 100]).faster(2.0);
        assert_eq!(played(&fast, u64::MAX), [(0, 0), (1, 15), (2, 50)]);
        assert_eq!(fast.pass_ns(), 75);
    }

    #[test]
    fn copies_share_the_gap_to_the_next_entry() {
        let twice = listed(&[0, 10, 40]).scaled(2.0).seeded(7);
        assert_eq!(played(&twice, u64::MAX), [(0, 0), (0, 5), (1, 10), (1, 25), (2, 40), (2, 50)]);
    }

    #[test]
    fn a_half_leaves_every_other_entry_and_the_seed_decides_which() {
        let of = |seed| played(&listed(&[0, 1, 2, 3]).scaled(0.5).seeded(seed), u64::MAX);
        let found: std::collections::BTreeSet<_> = (0..20).map(of).collect();
        assert_eq!(found.into_iter().collect::<Vec<_>>(), [vec![(0, 0), (2, 2)], vec![(1, 1), (3, 3)]]);
    }

    #[test]
    fn an_endless_list_begins_anew_a_mean_gap_behind_its_end() {
        let endless = listed(&[0, 10, 20]).endless();
        assert_eq!(played(&endless, 45), [(0, 0), (1, 10), (2, 20), (0, 30), (1, 40)]);
        assert_eq!(endless.count_before(45), 5);
        assert_eq!(endless.entry_of(3_000_000_001), Some(1));
    }

    #[test]
    fn a_scale_that_leaves_nothing_is_silence() {
        let silent = listed(&[0, 1]).scaled(0.0).endless();
        assert_eq!((played(&silent, u64::MAX), silent.count_before(u64::MAX)), (vec![], 0));
    }

    #[test]
    fn what_is_no_list_is_refused() {
        assert_eq!(Listed::new(vec![]), Err(ListedError::Empty));
        assert_eq!(Listed::new(vec![1, 3, 2]), Err(ListedError::Backwards { entry: 2 }));
    }

    proptest! {
        #[test]
        fn shares_agree_with_the_whole_and_time_never_falls(
            gaps in prop::collection::vec(0u64..1_000, 1..40),
            scale in 0.0f64..4.0,
            speed in 0.1f64..10.0,
            seed: u64,
            shares in 1usize..5,
        ) {
            let times = gaps.iter().scan(0, |at_ns, gap| { *at_ns += gap; Some(*at_ns) }).collect::<Vec<_>>();
            let list = listed(&times).scaled(scale).faster(speed).seeded(seed);
            let whole: Vec<Arrival> = list.clone().arrivals(Stride::ALL, u64::MAX).collect();
            prop_assert!(whole.windows(2).all(|pair| pair[0].planned_ns <= pair[1].planned_ns));
            prop_assert!((whole.len() as f64 - times.len() as f64 * scale).abs() <= 1.0);
            let lane = |lane| list.clone().arrivals(Stride::ALL.lane(lane, shares), u64::MAX);
            let mut parts: Vec<Arrival> = (0..shares).flat_map(lane).collect();
            parts.sort_by_key(|arrival| arrival.number);
            prop_assert_eq!(&parts, &whole);
            // No entry has more than one arrival more than another.
            let mut copies = vec![0u64; times.len()];
            for arrival in &whole {
                copies[list.entry_of(arrival.number).expect("an entry")] += 1;
            }
            let (least, most) = (copies.iter().min().unwrap(), copies.iter().max().unwrap());
            prop_assert!(most - least <= 1, "{copies:?}");
            let middle_ns = list.pass_ns() / 2;
            let before = whole.iter().filter(|arrival| arrival.planned_ns < middle_ns).count() as u64;
            prop_assert_eq!(list.count_before(middle_ns), before);
        }
    }
}
