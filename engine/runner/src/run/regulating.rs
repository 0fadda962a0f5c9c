//! Between probes and the scenarios that hold what these measure: samples on their way there, rates on their way back.
//!
//! Deliberately absent: how a rate is decided (`load::regulator`).

use std::sync::Arc;

use load::{executor::Executor, regulator::Regulator, run::Run};
use model::runfile::SeriesSummary;
use script::{HeldValue, ScenarioOptions};

use crate::probing::Look;

/// Who waits for samples.
#[derive(Debug, Default)]
pub(super) struct Regulated(Vec<Held>);

#[derive(Debug)]
struct Held {
    scenario: String,
    value: HeldValue,
    regulator: Arc<Regulator>,
    is_missing: bool,
}

impl Regulated {
    /// Those of the plan's scenarios, which stand in the plan's order.
    pub(super) fn new(scenarios: &[ScenarioOptions], run: &Run) -> Self {
        let held = |(n, scenario): (usize, &ScenarioOptions)| {
            Some(Held {
                scenario: scenario.name.clone(),
                value: scenario.held.clone()?,
                regulator: run.regulator(n)?.clone(),
                is_missing: false,
            })
        };
        Self(scenarios.iter().enumerate().filter_map(held).collect())
    }

    /// Passes on what a look has seen. What to warn of: a probe that lacks the value, once.
    pub(super) fn feel(&mut self, look: &Look) -> Vec<String> {
        let mut warnings = Vec::new();
        for held in self.0.iter_mut().filter(|held| held.value.probe == look.probe) {
            let HeldValue { probe, series } = &held.value;
            if let Some((_, value)) = look.values.iter().find(|(name, _)| name == series) {
                held.regulator.feel(*value);
            } else if look.failure.is_none() && !std::mem::replace(&mut held.is_missing, true) {
                let seen: Vec<&str> = look.values.iter().map(|(name, _)| name.as_str()).collect();
                warnings.push(format!(
                    "scenario {} holds `{series}`, which probe {probe} does not return (it has {}): its rate stays",
                    held.scenario,
                    seen.join(", ")
                ));
            }
        }
        warnings
    }
}

/// The series of the rates that a scenario has decided.
pub(super) fn series_of(scenario: &str) -> String {
    format!("{scenario}.rate")
}

/// Limits with the highest rate that was decided, where no highest rate was planned.
pub(super) fn with_decided<'s>(
    mut limits: Vec<(&'s str, Option<f64>, u64)>,
    scenarios: &[ScenarioOptions],
    series: &[SeriesSummary],
) -> Vec<(&'s str, Option<f64>, u64)> {
    for (name, peak_per_s, _) in &mut limits {
        let decides = |s: &ScenarioOptions| s.name == *name && matches!(s.executor, Executor::Feedback(_));
        if scenarios.iter().any(decides) {
            let rates = series_of(name);
            *peak_per_s = series.iter().find(|series| series.name == rates).map(|series| series.max);
        }
    }
    limits
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use load::{
        control::Control,
        executor::{ConstantVus, Feedback},
        plan::{Plan, ScenarioPlan},
    };
    use model::{control::Direction, segment::Segment, series::Series};
    use script::Exec;

    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn scenario(name: &str, executor: Executor, series: Option<&str>) -> ScenarioOptions {
        ScenarioOptions {
            name: name.to_owned(),
            exec: Exec { function: "work".to_owned(), takes_vu: true },
            executor,
            start: Default::default(),
            graceful_stop: Default::default(),
            tags: Default::default(),
            trace: None,
            held: series.map(|series| HeldValue { probe: "queue".to_owned(), series: series.to_owned() }),
            turn: None,
            is_swept: true,
            step: None,
        }
    }

    fn scenarios() -> [ScenarioOptions; 2] {
        let closed = Executor::ConstantVus(ConstantVus { vus: 1, duration_ns: SECOND });
        let feedback = Feedback {
            target: 10.0,
            direction: Direction::Up,
            gain: 1.0,
            start_rate: 5.0,
            min_rate: 0.0,
            max_rate: 50.0,
            every_ns: SECOND,
            sampled_every_ns: SECOND,
            duration_ns: SECOND,
            pre_allocated_vus: 0,
            max_vus: 7,
        };
        [scenario("pop", closed, None), scenario("push", Executor::Feedback(feedback), Some("queue.depth"))]
    }

    fn look(probe: &str, values: &[(&str, f64)], failure: Option<&str>) -> Look {
        let values = values.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect();
        Look { probe: probe.to_owned(), values, failure: failure.map(str::to_owned), ..Look::default() }
    }

    #[test]
    fn a_probe_that_lacks_the_value_is_told_once_and_one_that_fails_is_not() {
        let plan = scenarios().map(|scenario| ScenarioPlan {
            name: scenario.name,
            executor: scenario.executor,
            start_ns: 0,
            graceful_stop_ns: 0,
            warm_up: false,
        });
        let plan = Plan { scenarios: plan.into(), seed: 1, segment: Segment::WHOLE, warm_up_ns: 0 };
        let run = Run::new(plan, 1, Control::new(), mpsc::channel().0).unwrap();
        let mut regulated = Regulated::new(&scenarios(), &run);
        let nothing: [&str; 0] = [];
        assert_eq!(regulated.feel(&look("queue", &[], Some("no server"))), nothing);
        assert_eq!(regulated.feel(&look("other", &[("other", 1.0)], None)), nothing);
        assert_eq!(regulated.feel(&look("queue", &[("queue.depth", 1.0)], None)), nothing);
        let lacking = look("queue", &[("queue.length", 1.0), ("queue.age", 2.0)], None);
        let told = "scenario push holds `queue.depth`, which probe queue does not return (it has queue.length, queue.age): \
                    its rate stays";
        assert_eq!(regulated.feel(&lacking), [told]);
        assert_eq!(regulated.feel(&lacking), nothing);
    }

    #[test]
    fn the_peak_is_the_highest_rate_that_was_decided() {
        let mut rates = Series::new();
        [5.0, 20.0, 8.0].into_iter().enumerate().for_each(|(n, rate)| rates.push(n as u64 * SECOND, rate));
        let summary = SeriesSummary::of("push.rate", &rates, (0, 3 * SECOND)).unwrap();
        let limits = crate::tally::limits(&scenarios())
            .into_iter()
            .map(|(_, peak, vus)| (peak, vus))
            .collect::<Vec<_>>();
        assert_eq!(limits, [(None, 1), (None, 7)]);
        let scenarios = scenarios();
        let found = with_decided(crate::tally::limits(&scenarios), &scenarios, &[summary]);
        assert_eq!(found, [("pop", None, 1), ("push", Some(20.0), 7)]);
    }
}
