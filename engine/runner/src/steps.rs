//! What each step of a sweep did, in its whole seconds behind the first moments in which it settles.
//!
//! Deliberately absent: what that comes to (`run/sweeping`).

use std::collections::{BTreeMap, BTreeSet};

use model::{
    outcome::Outcome,
    recorder::{Interval, Totals, WindowKind, WindowTotals},
};
use report::timeline::Second;
use script::{ScenarioOptions, SweepOptions};

const SECOND_NS: u64 = 1_000_000_000;

/// What is counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Counted {
    /// Iterations that were done: of every scenario that is stepped, or of the one with this name of its own.
    Iterations(Option<String>),
    /// Operations of this name that ended `ok`.
    Operation(String),
}

/// The steps of a sweep.
#[derive(Debug, Default)]
pub(crate) struct Steps {
    steps: Vec<StepTally>,
    /// Seconds of the run's clock that are complete.
    complete: u64,
}

/// One step.
#[derive(Debug)]
pub(crate) struct StepTally {
    /// Its number, from 0.
    pub(crate) number: usize,
    /// When it begins and ends, on the run's clock.
    pub(crate) span_ns: (u64, u64),
    /// What was recorded in the seconds that count.
    pub(crate) totals: Totals,
    /// The seconds that count, from the first to before the second.
    seconds: (u64, u64),
    /// Names of the scenarios whose iterations are counted.
    scenarios: BTreeSet<String>,
    operation: Option<String>,
    counts: BTreeMap<u64, u64>,
}

impl Counted {
    /// What the word of `measure` means among these scenarios.
    pub(crate) fn of(sweep: &SweepOptions, scenarios: &[ScenarioOptions]) -> Self {
        let is_scenario = |name: &str| {
            scenarios
                .iter()
                .any(|one| one.step.as_ref().map_or(one.name.as_str(), |step| &step.scenario) == name)
        };
        match &sweep.measure {
            None => Counted::Iterations(None),
            Some(name) if is_scenario(name) => Counted::Iterations(Some(name.clone())),
            Some(name) => Counted::Operation(name.clone()),
        }
    }

    /// Whether it counts iterations of this scenario in a step of this number.
    fn counts(&self, scenario: &ScenarioOptions, number: usize) -> bool {
        let Counted::Iterations(wanted) = self else { return false };
        match &scenario.step {
            Some(step) => step.number == number && wanted.as_ref().is_none_or(|name| *name == step.scenario),
            None => wanted.as_ref() == Some(&scenario.name),
        }
    }
}

impl Steps {
    /// Of the planned scenarios behind a warm-up of that length.
    pub(crate) fn new(sweep: Option<&SweepOptions>, scenarios: &[ScenarioOptions], warm_up_ns: u64) -> Self {
        let Some(sweep) = sweep else { return Self::default() };
        let counted = Counted::of(sweep, scenarios);
        let mut steps: Vec<StepTally> = Vec::new();
        for scenario in scenarios {
            let Some(step) = &scenario.step else { continue };
            let begin_ns = warm_up_ns + u64::try_from(scenario.start.as_nanos()).unwrap_or(u64::MAX);
            let end_ns = begin_ns + scenario.executor.longest_ns();
            match steps.last_mut() {
                Some(last) if last.number == step.number => {
                    last.span_ns = (last.span_ns.0.min(begin_ns), last.span_ns.1.max(end_ns));
                }
                _ => steps.push(StepTally {
                    number: step.number,
                    span_ns: (begin_ns, end_ns),
                    totals: Totals::new(),
                    seconds: (0, 0),
                    scenarios: BTreeSet::new(),
                    operation: None,
                    counts: BTreeMap::new(),
                }),
            }
        }
        for step in &mut steps {
            let (begin_ns, end_ns) = step.span_ns;
            let settled_ns = begin_ns + ((end_ns - begin_ns) as f64 * sweep.settle) as u64;
            step.seconds = (settled_ns.div_ceil(SECOND_NS), end_ns / SECOND_NS);
            let counted_in = scenarios.iter().filter(|scenario| counted.counts(scenario, step.number));
            step.scenarios = counted_in.map(|scenario| scenario.name.clone()).collect();
            if let Counted::Operation(name) = &counted {
                step.operation = Some(name.clone());
            }
        }
        Self { steps, complete: 0 }
    }

    /// Takes one core's interval.
    pub(crate) fn interval(&mut self, interval: &Interval) {
        // As seconds are put together: by the middle.
        let second = (interval.start_ns / 2 + interval.end_ns / 2) / SECOND_NS;
        if let Some(step) = self.steps.iter_mut().find(|step| step.has(second)) {
            step.totals.add(interval);
        }
    }

    /// Takes seconds that are complete.
    pub(crate) fn seconds(&mut self, seconds: &[Second]) {
        for second in seconds {
            let number = second.start_ns / SECOND_NS;
            self.complete = self.complete.max(number + 1);
            if let Some(step) = self.steps.iter_mut().find(|step| step.has(number)) {
                let count = step.count(second.totals.window(WindowKind::Measure));
                step.counts.insert(number, count);
            }
        }
    }

    /// The steps that came to their end before `end_ns`, when the measured window ended.
    pub(crate) fn ended(&self, end_ns: u64) -> impl Iterator<Item = &StepTally> {
        let is_over = move |step: &&StepTally| step.span_ns.1 <= end_ns && step.seconds.1 <= self.complete;
        self.steps.iter().filter(is_over)
    }
}

impl StepTally {
    fn has(&self, second: u64) -> bool {
        (self.seconds.0..self.seconds.1).contains(&second)
    }

    fn count(&self, totals: &WindowTotals) -> u64 {
        match &self.operation {
            Some(name) => {
                let ops = totals.ops.iter();
                let good = ops.filter(|((op, outcome), _)| **op == **name && *outcome == Outcome::Ok);
                good.map(|(_, op)| op.latency.count()).sum()
            }
            None => {
                let ours = totals.scenarios.iter().filter(|(name, _)| self.scenarios.contains(&***name));
                ours.map(|(_, scenario)| scenario.done).sum()
            }
        }
    }

    /// What was done in each second that counts. One of which no core sent anything passed without an end.
    pub(crate) fn per_s(&self) -> Vec<f64> {
        let count = |second| self.counts.get(&second).copied().unwrap_or_default() as f64;
        (self.seconds.0..self.seconds.1).map(count).collect()
    }

    /// How much of the step is in none of its figures at its beginning, in ns.
    pub(crate) fn settled_at_ns(&self) -> u64 {
        (self.seconds.0 * SECOND_NS).max(self.span_ns.0)
    }

    /// The figures of the seconds that count.
    pub(crate) fn measured(&self) -> &WindowTotals {
        self.totals.window(WindowKind::Measure)
    }

    /// Whether iterations of this scenario are counted.
    pub(crate) fn counts_scenario(&self, name: &str) -> bool {
        self.scenarios.contains(name)
    }
}
