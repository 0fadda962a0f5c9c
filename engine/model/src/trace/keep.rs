//! Which iterations leave a trace: bounded for each core, whatever goes wrong and however often.
//!
//! | ending      | kept                                                                        | the rest    |
//! |-------------|-----------------------------------------------------------------------------|-------------|
//! | failed      | the first 5 of each scenario and error class, 50 in all                     | is counted  |
//! | interrupted | the first 10 in all                                                         | is counted  |
//! | done        | the 3 of each scenario that took longest from begin to end, after the warm-up | is forgotten |
//!
//! The slowest are those of the service: what began late may have done nothing slow, and its lag is told beside it.

use serde::{Deserialize, Serialize};

use super::Trace;

/// Failed iterations kept of each scenario and class.
const FAILED_OF_A_KIND: u64 = 5;
/// Failed iterations kept in all.
const FAILED_AT_MOST: u64 = 50;
/// Iterations kept that were cut off.
const INTERRUPTED_AT_MOST: u64 = 10;
/// The slowest that are kept of each scenario.
const SLOW_OF_A_SCENARIO: usize = 3;

/// Chooses the traces of one core. Traces are made only when they are kept.
#[derive(Debug, Default)]
pub struct Keeper {
    kept: Vec<Trace>,
    counts: TraceCounts,
    /// By scenario: error classes, and how many were kept of each.
    classes: Vec<Vec<(String, u64)>>,
    /// By scenario.
    slowest: Vec<Slowest>,
}

/// The slowest iterations of one scenario.
#[derive(Debug, Default)]
struct Slowest {
    /// Nothing shorter is wanted.
    longer_than_ns: Option<u64>,
    kept: Vec<(u64, Trace)>,
}

/// How many traces there are, and how many there could have been.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct TraceCounts {
    /// Of failed iterations.
    pub failed: u64,
    /// Of iterations that were cut off.
    pub interrupted: u64,
    /// Of the slowest of each scenario.
    pub slow: u64,
    /// Failed iterations that left no trace.
    pub failed_left_out: u64,
    /// Cut-off iterations that left no trace.
    pub interrupted_left_out: u64,
}

/// The traces of one core, or merged ones of several.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Traces {
    /// What was kept.
    pub kept: Vec<Trace>,
    /// How many those are.
    pub counts: TraceCounts,
}

impl Keeper {
    /// An iteration failed with an error of this class.
    pub fn failed(&mut self, scenario: usize, class: &str, make: impl FnOnce() -> Trace) {
        if self.wants_failed(scenario, class) {
            self.counts.failed += 1;
            self.kept.push(make());
        } else {
            self.counts.failed_left_out += 1;
        }
    }

    /// An iteration was cut off.
    pub fn interrupted(&mut self, make: impl FnOnce() -> Trace) {
        if self.counts.interrupted < INTERRUPTED_AT_MOST {
            self.counts.interrupted += 1;
            self.kept.push(make());
        } else {
            self.counts.interrupted_left_out += 1;
        }
    }

    /// An iteration of the measured window ran to its end.
    #[inline]
    pub fn done(&mut self, scenario: usize, duration_ns: u64, make: impl FnOnce() -> Trace) {
        let longer_than_ns = self.slowest.get(scenario).and_then(|slowest| slowest.longer_than_ns);
        if longer_than_ns.is_none_or(|least_ns| duration_ns > least_ns) {
            self.slow(scenario, duration_ns, make());
        }
    }

    /// Everything that was kept.
    pub fn finish(self) -> Traces {
        let Keeper { mut kept, mut counts, slowest, .. } = self;
        let before = kept.len();
        kept.extend(slowest.into_iter().flat_map(|slowest| slowest.kept).map(|(_, trace)| trace));
        counts.slow = (kept.len() - before) as u64;
        Traces { kept, counts }
    }

    fn wants_failed(&mut self, scenario: usize, class: &str) -> bool {
        if self.counts.failed >= FAILED_AT_MOST {
            return false;
        }
        if scenario >= self.classes.len() {
            self.classes.resize_with(scenario + 1, Vec::new);
        }
        let classes = &mut self.classes[scenario];
        match classes.iter_mut().find(|(known, _)| known == class) {
            Some((_, kept)) if *kept >= FAILED_OF_A_KIND => false,
            Some((_, kept)) => {
                *kept += 1;
                true
            }
            None => {
                classes.push((class.to_owned(), 1));
                true
            }
        }
    }

    #[cold]
    fn slow(&mut self, scenario: usize, duration_ns: u64, trace: Trace) {
        if scenario >= self.slowest.len() {
            self.slowest.resize_with(scenario + 1, Slowest::default);
        }
        let slowest = &mut self.slowest[scenario];
        let place = slowest.kept.partition_point(|(kept_ns, _)| *kept_ns >= duration_ns);
        slowest.kept.insert(place, (duration_ns, trace));
        slowest.kept.truncate(SLOW_OF_A_SCENARIO);
        if slowest.kept.len() == SLOW_OF_A_SCENARIO {
            slowest.longer_than_ns = slowest.kept.last().map(|(kept_ns, _)| *kept_ns);
        }
    }
}

impl TraceCounts {
    /// How many were kept, of whatever ending.
    pub fn kept(&self) -> u64 {
        self.failed + self.interrupted + self.slow
    }

    fn add(&mut self, other: TraceCounts) {
        self.failed += other.failed;
        self.interrupted += other.interrupted;
        self.slow += other.slow;
        self.failed_left_out += other.failed_left_out;
        self.interrupted_left_out += other.interrupted_left_out;
    }
}

impl Traces {
    /// Adds those of another core.
    pub fn merge(&mut self, other: Traces) {
        self.kept.extend(other.kept);
        self.counts.add(other.counts);
    }

    /// Puts them in the order in which their iterations began, and numbers them.
    pub fn number(&mut self) {
        self.kept.sort_by(|a, b| a.at_s.total_cmp(&b.at_s).then_with(|| a.scenario.cmp(&b.scenario)));
        for (index, trace) in self.kept.iter_mut().enumerate() {
            trace.number = index as u64 + 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recorder::{Ending, WindowKind};

    fn trace(iteration: u64) -> Trace {
        Trace {
            number: 0,
            scenario: "main".to_owned(),
            iteration,
            vu: 0,
            window: WindowKind::Measure,
            at_s: iteration as f64,
            lag_ms: None,
            duration_ms: 1.0,
            ending: Ending::Done,
            error: None,
            spans: Vec::new(),
            spans_left_out: 0,
        }
    }

    fn iterations(traces: &Traces) -> Vec<u64> {
        traces.kept.iter().map(|trace| trace.iteration).collect()
    }

    #[test]
    fn the_first_failures_of_each_scenario_and_class_are_kept_and_the_rest_is_counted() {
        let mut keeper = Keeper::default();
        for n in 0..100 {
            keeper.failed(0, "40001", || trace(n));
        }
        keeper.failed(0, "23505", || trace(200));
        keeper.failed(1, "40001", || trace(300));
        let traces = keeper.finish();
        assert_eq!(iterations(&traces), [0, 1, 2, 3, 4, 200, 300]);
        assert_eq!((traces.counts.failed, traces.counts.failed_left_out), (7, 95));
    }

    #[test]
    fn however_many_classes_there_are_memory_is_bounded() {
        let mut keeper = Keeper::default();
        for n in 0..10_000 {
            keeper.failed(0, &format!("class {n}"), || trace(n));
        }
        assert!(
            keeper.classes[0].len() <= FAILED_AT_MOST as usize,
            "nor are names kept of what is only counted"
        );
        let traces = keeper.finish();
        assert_eq!((traces.kept.len(), traces.counts.failed_left_out), (50, 9_950));
    }

    #[test]
    fn the_slowest_of_each_scenario_are_kept_whenever_they_come() {
        let mut keeper = Keeper::default();
        for duration_ns in [5, 900, 7, 30, 800, 6, 1_000, 29] {
            keeper.done(0, duration_ns, || trace(duration_ns));
        }
        keeper.done(2, 1, || trace(1));
        let traces = keeper.finish();
        assert_eq!(iterations(&traces), [1_000, 900, 800, 1]);
        assert_eq!(traces.counts.slow, 4);
    }

    #[test]
    fn what_is_not_kept_is_not_made() {
        let mut keeper = Keeper::default();
        let made = std::cell::Cell::new(0);
        let make = |n| {
            made.set(made.get() + 1);
            trace(n)
        };
        (0..1_000).for_each(|n| keeper.done(0, 1_000 - n, || make(n)));
        (0..1_000).for_each(|n| keeper.failed(0, "40001", || make(n)));
        (0..1_000).for_each(|n| keeper.interrupted(|| make(n)));
        assert_eq!(made.get(), 3 + 5 + 10);
        let counts = keeper.finish().counts;
        assert_eq!((counts.interrupted, counts.interrupted_left_out), (10, 990));
        assert_eq!(counts.kept(), 18);
    }

    #[test]
    fn those_of_all_cores_are_numbered_by_their_begin() {
        let of_core = |iterations: &[u64]| {
            let mut keeper = Keeper::default();
            iterations.iter().for_each(|n| keeper.interrupted(|| trace(*n)));
            keeper.finish()
        };
        let mut all = of_core(&[4, 9]);
        all.merge(of_core(&[2, 7]));
        all.number();
        let numbered: Vec<_> = all.kept.iter().map(|trace| (trace.number, trace.iteration)).collect();
        assert_eq!(numbered, [(1, 2), (2, 4), (3, 7), (4, 9)]);
        assert_eq!(all.counts.interrupted, 4);
    }
}
