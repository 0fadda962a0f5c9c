//! From what the script wants and the flags change to a plan that `load` plays.
//!
//! Order of the changes: steps of a sweep are laid out, `--only` picks scenarios, `--vus` and `--stage` reshape the one that is left, `--duration`
//! squeezes everything, and the warm-up follows from the length that results. (`--scale` multiplied the rates when the
//! script's options were read.) Pure: nothing here looks at a clock or a file.

mod in_steps;
mod in_turn;
mod reshape;
mod squeeze;
#[cfg(test)]
mod tests;

use std::time::Duration;

use load::{
    executor::Executor,
    plan::{Plan, PlanProblem, ScenarioPlan},
};
use model::suggest::did_you_mean;
use script::{Diagnostic, FaultOptions, Options, ScenarioOptions};

use crate::{origin::Sourced, request::LoadRequest};

/// Longest warm-up that nobody asked for.
const WARM_UP_AT_MOST: Duration = Duration::from_secs(30);
/// Its share of the duration.
const WARM_UP_SHARE: u32 = 10;
/// The seed of a run that names none. Fixed, so that two runs of a script are the same run.
const SEED: u64 = 1;

/// A plan, and where its parts came from.
#[derive(Clone, Debug)]
pub struct Planned {
    /// What `load` plays.
    pub plan: Plan,
    /// The scenarios that are played, as reshaped, in the plan's order.
    pub scenarios: Vec<ScenarioOptions>,
    /// The seed.
    pub seed: Sourced<u64>,
    /// The warm-up; nothing when every scenario counts iterations.
    pub warm_up: Sourced<Duration>,
    /// The measured time, when it is known before.
    pub duration: Sourced<Option<Duration>>,
    /// What is broken on purpose, squeezed with the rest.
    pub faults: Vec<FaultOptions>,
}

/// Makes the plan.
///
/// # Errors
/// Everything that is wrong with it.
pub(crate) fn plan(options: &Options, request: &LoadRequest) -> Result<Planned, Vec<Diagnostic>> {
    let scenarios = in_steps::laid_out(&options.scenarios, options.sweep.as_ref());
    let planned = made(&scenarios, &options.faults, options.seed, options.warm_up, request)?;
    let late = |fault: &&FaultOptions| planned.duration.value.is_some_and(|length| fault.at >= length);
    let problems = planned.faults.iter().filter(late).map(|fault| {
        let length = planned.duration.value.map(model::units::format_duration).unwrap_or_default();
        let at = model::units::format_duration(fault.at);
        Diagnostic::usage(format!(
            "fault `{}` begins at {at}, and the run lasts {length}",
            fault.fault.kind()
        ))
        .help("let it begin earlier, or the run last longer")
    });
    let problems: Vec<_> = problems.collect();
    if problems.is_empty() { Ok(planned) } else { Err(problems) }
}

fn made(
    all: &[ScenarioOptions],
    faults: &[FaultOptions],
    script_seed: Option<u64>,
    script_warm_up: Option<Duration>,
    request: &LoadRequest,
) -> Result<Planned, Vec<Diagnostic>> {
    let mut problems = Vec::new();
    let mut scenarios = picked(all, &request.only, &mut problems);
    if scenarios.is_empty() && !problems.is_empty() {
        return Err(problems);
    }
    let compared = scenarios.partition_point(|scenario| scenario.turn.is_none());
    let mut turns = scenarios.split_off(compared);
    if scenarios.iter().any(|scenario| scenario.step.is_some()) {
        let remedy = "sweep what it changes, or set a parameter of the script with -p";
        reshape::refuse(request, "this run sweeps", remedy, &mut problems);
    } else if !scenarios.is_empty() || turns.is_empty() {
        reshape::reshape(&mut scenarios, request, &mut problems);
    } else {
        reshape::refuse(
            request,
            "this script only compares",
            "change `vus` and `turn` of the comparison",
            &mut problems,
        );
    }
    in_turn::one_after_the_other(&mut turns, length(&scenarios).unwrap_or_default());
    scenarios.extend(turns);
    problems.extend(never_compared(&scenarios, request));
    // What is wrong already would be squeezed into nonsense.
    let before = plan_of(&scenarios, 0, 0, request);
    if let Err(found) = before.validate() {
        problems.extend(found.0.iter().map(told));
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let factor = request.duration.map_or(1.0, |duration| squeeze::squeeze(&mut scenarios, duration));
    let faults = squeeze::faults(faults, factor);
    let has_end = scenarios.iter().all(|scenario| scenario.executor.has_end());
    let of_script = length(&scenarios).filter(|_| has_end);
    let duration = Sourced::flag_or_script((request.duration.map(Some), "--duration"), Some(of_script), None);
    let seed = Sourced::flag_or_script((request.seed, "--seed"), script_seed, SEED);
    let warm_up = warm_up(&scenarios, script_warm_up, request);
    let plan = plan_of(&scenarios, seed.value, nanoseconds(warm_up.value), request);
    match plan.validate() {
        Ok(()) => Ok(Planned { plan, scenarios, seed, warm_up, duration, faults }),
        Err(found) => Err(found.0.iter().map(told).collect()),
    }
}

/// Comparisons begin when everything else has ended.
fn never_compared(scenarios: &[ScenarioOptions], request: &LoadRequest) -> Option<Diagnostic> {
    let endless = scenarios.iter().find(|scenario| !scenario.executor.has_end())?;
    let waits = scenarios.iter().any(|scenario| scenario.turn.is_some()) && request.duration.is_none();
    let message = format!("comparisons begin when scenario {} has ended, which has no end", endless.name);
    waits.then(|| Diagnostic::usage(message).help("give it a `duration`"))
}

fn told(problem: &PlanProblem) -> Diagnostic {
    let message = problem.to_string();
    match message.split_once("; ") {
        Some((problem, help)) => Diagnostic::usage(problem).help(help),
        None => Diagnostic::usage(message),
    }
}

fn picked(all: &[ScenarioOptions], only: &[String], problems: &mut Vec<Diagnostic>) -> Vec<ScenarioOptions> {
    let mut names: Vec<&str> = Vec::new();
    for name in all.iter().map(chosen_by) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    for name in only.iter().filter(|name| !names.contains(&name.as_str())) {
        let help = match did_you_mean(name, names.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("the script has {}", names.join(", ")),
        };
        problems.push(Diagnostic::usage(format!("--only: there is no scenario `{name}`")).help(help));
    }
    let is_picked = |scenario: &&ScenarioOptions| only.iter().any(|name| name == chosen_by(scenario));
    all.iter().filter(|scenario| only.is_empty() || is_picked(scenario)).cloned().collect()
}

/// The word of `--only` that means it: its name, whatever step it is of, or that of its comparison.
fn chosen_by(scenario: &ScenarioOptions) -> &str {
    let own = scenario.step.as_ref().map_or(&scenario.name, |step| &step.scenario);
    scenario.comparison().unwrap_or(own)
}

fn plan_of(scenarios: &[ScenarioOptions], seed: u64, warm_up_ns: u64, request: &LoadRequest) -> Plan {
    let scenarios = scenarios.iter().map(|scenario| ScenarioPlan {
        name: scenario.name.clone(),
        executor: scenario.executor.clone(),
        start_ns: nanoseconds(scenario.start),
        graceful_stop_ns: nanoseconds(scenario.graceful_stop),
        // One that begins later describes what is not there at first; warming it up would change what it meets.
        warm_up: scenario.start.is_zero() && scenario.turn.is_none(),
    });
    Plan { scenarios: scenarios.collect(), seed, segment: request.segment, warm_up_ns }
}

/// Whether the executor counts iterations instead of time.
pub(crate) fn counts_iterations(executor: &Executor) -> bool {
    matches!(executor, Executor::PerVuIterations(_) | Executor::SharedIterations(_))
}

/// When the last scenario that is bound to time ends; nothing when none is.
fn length(scenarios: &[ScenarioOptions]) -> Option<Duration> {
    let is_timed = |executor: &Executor| !counts_iterations(executor) && executor.has_end();
    let timed = scenarios.iter().filter(|scenario| is_timed(&scenario.executor));
    timed.map(|scenario| scenario.start + Duration::from_nanos(scenario.executor.longest_ns())).max()
}

fn warm_up(
    scenarios: &[ScenarioOptions],
    of_script: Option<Duration>,
    request: &LoadRequest,
) -> Sourced<Duration> {
    if scenarios.iter().all(|scenario| counts_iterations(&scenario.executor)) {
        return Sourced::default_of(Duration::ZERO);
    }
    let length = length(scenarios).unwrap_or_default();
    // Comparisons wake what they compare in turns of their own.
    let has_none = |scenario: &ScenarioOptions| scenario.turn.is_some() || !scenario.executor.has_warm_up();
    let default = if scenarios.iter().all(has_none) {
        Duration::ZERO
    } else {
        (length / WARM_UP_SHARE).min(WARM_UP_AT_MOST)
    };
    Sourced::flag_or_script((request.warm_up, "--warm-up"), of_script, default)
}

pub(crate) fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
