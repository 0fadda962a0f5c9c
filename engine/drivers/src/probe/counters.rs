//! Counters that only grow, read now and then: what they grew by, how fast, and how much since a moment.
//!
//! Several counters that are kept and reset together are one row. A server's row starts again from zero after a
//! reset of its statistics, a crash, or when its table was made anew; a kernel's row never does.

use std::collections::HashMap;
use std::hash::Hash;
use std::time::{Duration, Instant};

/// What it means that a counter has gone backwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Backwards {
    /// The row was set to zero since the last look: what it holds now has grown since.
    Reset,
    /// The counter is inexact (a kernel's `iowait` is): it has not grown.
    Noise,
}

/// What a look at the counters found, summed over all rows.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Step<const N: usize> {
    /// Growth since the last look.
    pub(super) grown: [i64; N],
    /// The time since the last look; `None` when nothing can be said of the pace of growth: at the first look,
    /// and at the one that ends the warm-up, as all of its growth was before the moment that it stands for.
    pub(super) seconds: Option<f64>,
    /// Growth since the first look, or since the measured window began.
    pub(super) total: [i64; N],
    /// Whether this look ends what came before the measured window.
    pub(super) ends_warm_up: bool,
    /// Whether a row has started again from zero.
    pub(super) was_reset: bool,
}

impl<const N: usize> Step<N> {
    /// Growth a second; `None` where nothing can be said of the pace.
    pub(super) fn rate(&self, counter: usize) -> Option<f64> {
        self.seconds.map(|seconds| self.grown[counter] as f64 / seconds)
    }

    /// How much of the growth of one counter was another's; `None` when there was none, and of growth before the
    /// measured window.
    pub(super) fn share(&self, part: usize, whole: usize) -> Option<f64> {
        if self.ends_warm_up { None } else { share(self.grown[part], self.grown[whole]) }
    }
}

/// `part / whole`; `None` of nothing.
pub(super) fn share(part: i64, whole: i64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

/// Rows of counters, each with a key.
#[derive(Debug)]
pub(super) struct Tally<K, const N: usize> {
    backwards: Backwards,
    last: HashMap<K, [i64; N]>,
    at: Option<Instant>,
    total: [i64; N],
    begins_anew: bool,
}

impl<K: Hash + Eq, const N: usize> Tally<K, N> {
    pub(super) fn new(backwards: Backwards) -> Self {
        Tally { backwards, last: HashMap::new(), at: None, total: [0; N], begins_anew: false }
    }

    /// The measured window begins: totals count from the next look on, rates and shares from there to the one after.
    pub(super) fn measured_from_now(&mut self) {
        self.begins_anew = true;
    }

    /// Takes what was read. A row whose key is new only says where its counters stand: it may have a history
    /// that nobody saw (a table that was attached as a partition). A row that is gone takes nothing with it.
    pub(super) fn look(&mut self, at: Instant, rows: impl IntoIterator<Item = (K, [i64; N])>) -> Step<N> {
        let mut now = HashMap::new();
        let (mut grown, mut is_known, mut was_reset) = ([0; N], false, false);
        for (key, row) in rows {
            if let Some(last) = self.last.get(&key) {
                is_known = true;
                let reset = self.backwards == Backwards::Reset && row.iter().zip(last).any(|(n, l)| n < l);
                was_reset |= reset;
                for (sum, (now, last)) in grown.iter_mut().zip(row.iter().zip(last)) {
                    *sum += if reset { *now } else { (now - last).max(0) };
                }
            }
            now.insert(key, row);
        }
        self.last = now;
        let passed = self.at.replace(at).map(|last| at.saturating_duration_since(last));
        let ends_warm_up = std::mem::take(&mut self.begins_anew);
        let seconds = passed.filter(|passed| is_known && !ends_warm_up && *passed > Duration::ZERO);
        for (total, grown) in self.total.iter_mut().zip(grown) {
            *total = if ends_warm_up { 0 } else { *total + grown };
        }
        let seconds = seconds.map(|seconds| seconds.as_secs_f64());
        Step { grown, seconds, total: self.total, ends_warm_up, was_reset }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(start: Instant, seconds: u64) -> Instant {
        start + Duration::from_secs(seconds)
    }

    #[test]
    fn growth_begins_with_the_second_look() {
        let (start, mut tally) = (Instant::now(), Tally::new(Backwards::Reset));
        let first = tally.look(start, [("t", [100, 40])]);
        assert_eq!((first.grown, first.seconds, first.rate(0)), ([0, 0], None, None));
        assert_eq!(first.share(1, 0), None);
        let second = tally.look(after(start, 4), [("t", [300, 90])]);
        assert_eq!((second.grown, second.rate(0), second.share(1, 0)), ([200, 50], Some(50.0), Some(0.25)));
        assert_eq!(second.total, [200, 50]);
    }

    #[test]
    fn a_reset_counts_what_came_after_it() {
        let (start, mut tally) = (Instant::now(), Tally::new(Backwards::Reset));
        tally.look(start, [("t", [100, 1])]);
        // One of them is past where it stood, the other tells that both were reset.
        let step = tally.look(after(start, 1), [("t", [30, 5]), ("new", [7, 7])]);
        assert_eq!((step.grown, step.was_reset), ([30, 5], true));
        let step = tally.look(after(start, 2), [("t", [31, 5]), ("new", [8, 7])]);
        assert_eq!((step.grown, step.was_reset, step.total), ([2, 0], false, [32, 5]));
    }

    #[test]
    fn a_kernels_counter_that_goes_back_has_not_grown() {
        let (start, mut tally) = (Instant::now(), Tally::new(Backwards::Noise));
        tally.look(start, [("cpu", [100, 50])]);
        let step = tally.look(after(start, 1), [("cpu", [110, 49])]);
        assert_eq!((step.grown, step.was_reset), ([10, 0], false));
    }

    #[test]
    fn rows_come_and_go_without_a_jump() {
        let (start, mut tally) = (Instant::now(), Tally::new(Backwards::Reset));
        tally.look(start, [(1, [1000]), (2, [10])]);
        // The first is gone, a third comes with a history.
        let step = tally.look(after(start, 1), [(2, [15]), (3, [5000])]);
        assert_eq!((step.grown, step.was_reset), ([5], false));
        // Nothing that is known is left: nothing can be said.
        let step = tally.look(after(start, 2), [(4, [9])]);
        assert_eq!((step.grown, step.seconds), ([0], None));
    }

    #[test]
    fn the_look_after_the_window_began_tells_nothing_of_the_warm_up() {
        let (start, mut tally) = (Instant::now(), Tally::new(Backwards::Reset));
        tally.look(start, [("t", [10, 0])]);
        let step = tally.look(after(start, 1), [("t", [14, 1])]);
        assert_eq!((step.total, step.rate(0), step.share(1, 0)), ([4, 1], Some(4.0), Some(0.25)));
        tally.measured_from_now();
        // What has happened is known, for marks; how fast it did belongs to no moment of the window.
        let step = tally.look(after(start, 2), [("t", [20, 1])]);
        assert_eq!((step.grown, step.total, step.ends_warm_up), ([6, 0], [0, 0], true));
        assert_eq!((step.rate(0), step.share(1, 0)), (None, None));
        let step = tally.look(after(start, 3), [("t", [21, 2])]);
        assert_eq!((step.grown, step.total, step.ends_warm_up), ([1, 1], [1, 1], false));
        assert_eq!((step.rate(0), step.share(1, 0)), (Some(1.0), Some(1.0)));
    }
}
