//! One second of the whole run out of the intervals of its cores.
//!
//! Every core sends its own intervals, not quite at the same moment. A second is complete when every core
//! has sent something of a later one; until then its parts are merged here (histograms exactly).

use std::collections::BTreeMap;

use model::recorder::{Interval, Totals};

const SECOND_NS: u64 = 1_000_000_000;

/// For how many seconds a silent core can hold back what the others sent: it would be lost if the run were
/// killed. What the silent core sends later goes into the first second that is still open, so no count is
/// lost either.
const HELD_AT_MOST: u64 = 10;

/// What all cores recorded in one second.
#[derive(Debug, Clone)]
pub struct Second {
    /// Start, since the run's epoch.
    pub start_ns: u64,
    /// End: a second later, or sooner for the last one.
    pub end_ns: u64,
    /// Everything that ended in it.
    pub totals: Totals,
}

/// Collects intervals and hands out complete seconds, in order. Seconds without any interval are left out.
#[derive(Debug)]
pub struct Seconds {
    /// The latest second each core has sent anything of; a core that is done holds nothing back.
    reached: Vec<Option<u64>>,
    open: BTreeMap<u64, Second>,
    first_open: u64,
}

impl Seconds {
    /// For a run on this many cores.
    pub fn new(cores: usize) -> Self {
        Seconds { reached: vec![None; cores], open: BTreeMap::new(), first_open: 0 }
    }

    /// Adds an interval; returns the seconds this completes.
    pub fn add(&mut self, interval: &Interval) -> Vec<Second> {
        let number = (interval.start_ns / 2 + interval.end_ns / 2) / SECOND_NS;
        let number = number.max(self.first_open);
        let second = self.open.entry(number).or_insert_with(|| Second {
            start_ns: number * SECOND_NS,
            end_ns: interval.end_ns,
            totals: Totals::new(),
        });
        second.totals.add(interval);
        second.end_ns =
            second.end_ns.max(interval.end_ns).clamp(second.start_ns + 1, second.start_ns + SECOND_NS);
        if let Some(reached) = self.reached.get_mut(interval.core as usize) {
            *reached = (*reached).max(Some(number));
        }
        self.complete()
    }

    /// A core will send no more.
    pub fn core_done(&mut self, core: u32) -> Vec<Second> {
        if let Some(reached) = self.reached.get_mut(core as usize) {
            *reached = Some(u64::MAX);
        }
        self.complete()
    }

    /// The seconds that are still open, at the end of the run.
    pub fn finish(self) -> Vec<Second> {
        self.open.into_values().collect()
    }

    fn complete(&mut self) -> Vec<Second> {
        let slowest = self.reached.iter().map(|reached| reached.unwrap_or(0)).min().unwrap_or(0);
        let latest = self.open.last_key_value().map_or(0, |(number, _)| *number);
        self.first_open =
            self.first_open.max(slowest.min(latest + 1)).max(latest.saturating_sub(HELD_AT_MOST));
        let still_open = self.open.split_off(&self.first_open);
        std::mem::replace(&mut self.open, still_open).into_values().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::timeline::sample::interval;
    use model::recorder::WindowKind;

    fn numbers(seconds: &[Second]) -> Vec<u64> {
        seconds.iter().map(|second| second.start_ns / SECOND_NS).collect()
    }

    fn ops(second: &Second) -> u64 {
        second.totals.window(WindowKind::Measure).ops.values().map(|op| op.latency.count()).sum()
    }

    #[test]
    fn a_second_is_complete_when_every_core_is_past_it() {
        let mut seconds = Seconds::new(2);
        assert!(seconds.add(&interval(0, 0, 1.0)).is_empty());
        assert!(seconds.add(&interval(0, 1, 1.0)).is_empty(), "core 1 has said nothing yet");
        assert!(seconds.add(&interval(1, 0, 1.0)).is_empty(), "core 1 may have more of second 0");
        let complete = seconds.add(&interval(1, 1, 1.0));
        assert_eq!(numbers(&complete), [0]);
        assert_eq!(ops(&complete[0]), 2 * ops_of_one());
        assert_eq!(numbers(&seconds.finish()), [1]);
    }

    #[test]
    fn a_core_that_is_done_holds_nothing_back() {
        let mut seconds = Seconds::new(2);
        seconds.add(&interval(0, 0, 1.0));
        seconds.add(&interval(0, 1, 1.0));
        assert_eq!(numbers(&seconds.core_done(1)), [0]);
        assert_eq!(numbers(&seconds.core_done(0)), [1]);
        assert!(seconds.finish().is_empty());
    }

    #[test]
    fn a_silent_core_holds_back_ten_seconds_and_loses_no_count() {
        let mut seconds = Seconds::new(2);
        let mut out = Vec::new();
        for second in 0..=11 {
            out.extend(seconds.add(&interval(0, second, 1.0)));
        }
        assert_eq!(numbers(&out), [0]);
        out.extend(seconds.add(&interval(1, 0, 1.0)));
        out.extend(seconds.finish());
        assert_eq!(numbers(&out), (0..=11).collect::<Vec<_>>());
        assert_eq!(out.iter().map(ops).sum::<u64>(), 13 * ops_of_one());
        assert_eq!(ops(&out[1]), 2 * ops_of_one(), "it went into the first second that was open");
    }

    #[test]
    fn the_last_second_may_be_short() {
        let mut seconds = Seconds::new(1);
        seconds.add(&interval(0, 0, 1.0));
        seconds.add(&interval(0, 1, 0.25));
        let rest = seconds.finish();
        assert_eq!((rest[0].start_ns, rest[0].end_ns), (SECOND_NS, SECOND_NS + SECOND_NS / 4));
    }

    fn ops_of_one() -> u64 {
        interval(0, 0, 1.0).ops.iter().map(|op| op.histogram.count()).sum()
    }
}
