//! What is to be played: scenarios, when each begins, and how long the warm-up is.
//!
//! A plan is plain data; `validate` says everything that is wrong with it at once.

use std::collections::HashSet;

use model::{segment::Segment, shape::ShapeProblem};

use crate::{
    executor::Executor,
    number::{MAX_ITERATIONS_PER_VU, MAX_VUS},
};

/// A whole run, as every segment and core knows it.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What runs side by side.
    pub scenarios: Vec<ScenarioPlan>,
    /// Decides arrivals (and whatever the VUs derive from it).
    pub seed: u64,
    /// Which share of the arrivals, VUs and iterations this process plays.
    pub segment: Segment,
    /// Length of the warm-up. The measured window begins at its end.
    pub warm_up_ns: u64,
}

/// One scenario of a plan.
#[derive(Clone, Debug)]
pub struct ScenarioPlan {
    /// Its name, unique in the plan.
    pub name: String,
    /// How its iterations are started.
    pub executor: Executor,
    /// How long after the end of the warm-up it begins (k6: `startTime`).
    pub start_ns: u64,
    /// How long running iterations may go on after its end; then they are cut off.
    pub graceful_stop_ns: u64,
    /// Whether it takes part in the warm-up: open models at the rate they begin with, closed ones with the VUs they
    /// begin with. Executors that count iterations never do, nor does `replay`.
    pub warm_up: bool,
}

impl Plan {
    /// Checks everything.
    ///
    /// # Errors
    /// All problems, in the order of the scenarios.
    pub fn validate(&self) -> Result<(), PlanProblems> {
        let mut problems = Vec::new();
        if self.scenarios.is_empty() {
            problems.push(PlanProblem::NoScenarios);
        }
        let Segment { index, count } = self.segment;
        if index == 0 || index > count {
            problems.push(PlanProblem::Segment { index, count });
        }
        let mut names = HashSet::new();
        let mut has_dial = false;
        for (index, scenario) in self.scenarios.iter().enumerate() {
            let mut found = Vec::new();
            if scenario.name.is_empty() {
                found.push(ScenarioProblem::NoName);
            } else if !names.insert(scenario.name.as_str()) {
                found.push(ScenarioProblem::NameTaken);
            }
            scenario.executor.problems(self.segment, &mut found);
            if matches!(scenario.executor, Executor::ExternallyControlled(_))
                && std::mem::replace(&mut has_dial, true)
            {
                found.push(ScenarioProblem::SecondDial);
            }
            let name =
                if scenario.name.is_empty() { format!("#{}", index + 1) } else { scenario.name.clone() };
            let named = |problem| PlanProblem::Scenario { scenario: name.clone(), problem };
            problems.extend(found.into_iter().map(named));
        }
        if problems.is_empty() { Ok(()) } else { Err(PlanProblems(problems)) }
    }

    /// When the last scenario ends at the latest, grace included, since the epoch.
    pub fn longest_ns(&self) -> u64 {
        let end_ns = |scenario: &ScenarioPlan| {
            let length_ns = scenario.executor.longest_ns().saturating_add(scenario.graceful_stop_ns);
            self.warm_up_ns.saturating_add(scenario.start_ns).saturating_add(length_ns)
        };
        self.scenarios.iter().map(end_ns).max().unwrap_or(self.warm_up_ns)
    }
}

/// Everything that is wrong with a plan.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
pub struct PlanProblems(pub Vec<PlanProblem>);

/// One thing that is wrong with a plan.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanProblem {
    /// Nothing to play.
    #[error("there is no scenario; give the plan at least one")]
    NoScenarios,
    /// A segment that cannot be.
    #[error("segment {index}/{count} does not exist; segments count from 1 to their number")]
    Segment {
        /// Which.
        index: u32,
        /// Of how many.
        count: u32,
    },
    /// Something about one scenario.
    #[error("scenario {scenario}: {problem}")]
    Scenario {
        /// Its name (`#2` for the second when it has none).
        scenario: String,
        /// What.
        problem: ScenarioProblem,
    },
}

/// One thing that is wrong with a scenario. `option` is the name users know it by.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScenarioProblem {
    /// No name.
    #[error("it has no name; give it one")]
    NoName,
    /// Two scenarios of one name.
    #[error("another scenario has this name already; rename one of them")]
    NameTaken,
    /// A number that must not be 0.
    #[error("`{option}` is 0; it must be at least 1")]
    Zero {
        /// The option.
        option: &'static str,
    },
    /// A time that must not be 0.
    #[error("`{option}` is 0; give it a time such as \"30s\"")]
    NoTime {
        /// The option.
        option: &'static str,
    },
    /// A number beyond what can be numbered.
    #[error("`{option}` is {value}; at most {most} are possible")]
    TooMany {
        /// The option.
        option: &'static str,
        /// What it is.
        value: u64,
        /// What it may be.
        most: u64,
    },
    /// Stages without a stage.
    #[error("`stages` is empty; give it at least one, such as {{ duration: \"30s\", target: 10 }}")]
    NoStages,
    /// A rate that cannot be.
    #[error("rate: {0}")]
    Rate(ShapeProblem),
    /// Fewer VUs at most than at the start.
    #[error(
        "`max_vus` is {max_vus}, less than `pre_allocated_vus` ({pre_allocated_vus}); raise the first or lower the second"
    )]
    MaxBelowPreAllocated {
        /// At most.
        max_vus: u32,
        /// At the start.
        pre_allocated_vus: u32,
    },
    /// More VUs at the start than there may be.
    #[error("`vus` is {vus}, more than `max_vus` ({max_vus}); raise the second or lower the first")]
    VusAboveMax {
        /// At the start.
        vus: u32,
        /// At most.
        max_vus: u32,
    },
    /// Two scenarios that are controlled from outside.
    #[error(
        "another scenario is externally controlled already; a run has one control port, and that speaks to one"
    )]
    SecondDial,
    /// A segment would have work and nobody to do it.
    #[error(
        "`{option}` is {vus}, too few for {segments} segments: each needs at least one VU; raise it or use fewer segments"
    )]
    FewerVusThanSegments {
        /// The option.
        option: &'static str,
        /// The VUs.
        vus: u32,
        /// The segments.
        segments: u32,
    },
}

/// Checks that several executors make.
pub(crate) mod check {
    use super::{MAX_ITERATIONS_PER_VU, MAX_VUS, ScenarioProblem, Segment};

    pub(crate) fn vus(option: &'static str, vus: u32, found: &mut Vec<ScenarioProblem>) {
        if vus == 0 {
            found.push(ScenarioProblem::Zero { option });
        }
        most_vus(option, vus, found);
    }

    pub(crate) fn most_vus(option: &'static str, vus: u32, found: &mut Vec<ScenarioProblem>) {
        let value = u64::from(vus);
        if value > MAX_VUS {
            found.push(ScenarioProblem::TooMany { option, value, most: MAX_VUS });
        }
    }

    pub(crate) fn enough_for(
        segment: Segment,
        option: &'static str,
        vus: u32,
        found: &mut Vec<ScenarioProblem>,
    ) {
        if (1..segment.count).contains(&vus) {
            found.push(ScenarioProblem::FewerVusThanSegments { option, vus, segments: segment.count });
        }
    }

    pub(crate) fn open_vus(
        segment: Segment,
        (pre_allocated_vus, max_vus): (u32, u32),
        found: &mut Vec<ScenarioProblem>,
    ) {
        vus("max_vus", max_vus, found);
        enough_for(segment, "max_vus", max_vus, found);
        if pre_allocated_vus > max_vus && max_vus > 0 {
            found.push(ScenarioProblem::MaxBelowPreAllocated { max_vus, pre_allocated_vus });
        }
    }

    pub(crate) fn iterations(value: u64, found: &mut Vec<ScenarioProblem>) {
        let option = "iterations";
        if value == 0 {
            found.push(ScenarioProblem::Zero { option });
        } else if value > MAX_ITERATIONS_PER_VU {
            found.push(ScenarioProblem::TooMany { option, value, most: MAX_ITERATIONS_PER_VU });
        }
    }

    pub(crate) fn time(option: &'static str, ns: u64, found: &mut Vec<ScenarioProblem>) {
        if ns == 0 {
            found.push(ScenarioProblem::NoTime { option });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        executor::{ConstantVus, PerVuIterations, RampingVus, SharedIterations},
        testing::{S, plan, scenario},
    };

    fn texts(plan: &Plan) -> Vec<String> {
        let problems = plan.validate().err().map_or(Vec::new(), |problems| problems.0);
        problems.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_good_plan_has_no_problem() {
        let plan = plan(ConstantVus { vus: 1, duration_ns: S });
        assert_eq!(texts(&plan), [""; 0]);
        assert_eq!(plan.longest_ns(), S + 30 * S);
    }

    #[test]
    fn every_problem_is_named_at_once_with_its_scenario() {
        let mut plan = plan(ConstantVus { vus: 0, duration_ns: 0 });
        plan.scenarios.push(scenario("", PerVuIterations { vus: 1, iterations: 0, max_duration_ns: 0 }));
        plan.scenarios
            .push(scenario("a", RampingVus { start_vus: 0, stages: vec![], graceful_ramp_down_ns: 0 }));
        let most = 1 << 40;
        plan.scenarios
            .push(scenario("b", SharedIterations { vus: 1, iterations: most + 1, max_duration_ns: S }));
        plan.segment.index = 3;
        assert_eq!(
            texts(&plan),
            [
                "segment 3/1 does not exist; segments count from 1 to their number",
                "scenario a: `vus` is 0; it must be at least 1",
                "scenario a: `duration` is 0; give it a time such as \"30s\"",
                "scenario #2: it has no name; give it one",
                "scenario #2: `iterations` is 0; it must be at least 1",
                "scenario #2: `max_duration` is 0; give it a time such as \"30s\"",
                "scenario a: another scenario has this name already; rename one of them",
                "scenario a: `stages` is empty; give it at least one, such as { duration: \"30s\", target: 10 }",
                "scenario b: `iterations` is 1099511627777; at most 1099511627776 are possible",
            ]
        );
    }

    #[test]
    fn a_plan_without_scenarios_is_refused() {
        let mut plan = plan(ConstantVus { vus: 1, duration_ns: S });
        plan.scenarios.clear();
        assert_eq!(texts(&plan), ["there is no scenario; give the plan at least one"]);
    }
}
