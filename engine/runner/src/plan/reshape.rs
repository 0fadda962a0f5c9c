//! `--vus` and `--stage`: another size or form for a script with one scenario.

use std::{sync::Arc, time::Duration};

use load::executor::{Executor, RampingVus, Stage as VuStage};
use model::shape::{Shape, Stage as RateStage};
use script::{Diagnostic, ScenarioOptions};

use super::nanoseconds;
use crate::request::LoadRequest;

/// Applies both flags.
pub(super) fn reshape(
    scenarios: &mut [ScenarioOptions],
    request: &LoadRequest,
    problems: &mut Vec<Diagnostic>,
) {
    let flags = flags(request);
    if flags.is_empty() {
        return;
    }
    let names: Vec<String> = scenarios.iter().map(|scenario| scenario.name.clone()).collect();
    let [scenario] = scenarios else {
        let message = format!("{} is for one scenario, and there are {}", flags.join(" and "), names.len());
        problems.push(Diagnostic::usage(message).help(format!("pick one with --only: {}", names.join(", "))));
        return;
    };
    if !request.stages.is_empty() {
        match staged(&scenario.executor, &request.stages) {
            Ok(executor) => scenario.executor = executor,
            Err(complaint) => problems.push(complaint),
        }
    }
    if let Some(vus) = request.vus
        && let Err(complaint) = resized(&mut scenario.executor, vus)
    {
        problems.push(complaint);
    }
}

/// For a run whose turns or steps have the size and form that make them comparable.
pub(super) fn refuse(request: &LoadRequest, why: &str, remedy: &str, problems: &mut Vec<Diagnostic>) {
    let flags = flags(request);
    if !flags.is_empty() {
        let message = format!("{} is for a scenario, and {why}", flags.join(" and "));
        problems.push(Diagnostic::usage(message).help(remedy));
    }
}

fn flags(request: &LoadRequest) -> Vec<&'static str> {
    [("--vus", request.vus.is_some()), ("--stage", !request.stages.is_empty())]
        .into_iter()
        .filter_map(|(flag, is_given)| is_given.then_some(flag))
        .collect()
}

fn staged(executor: &Executor, stages: &[(Duration, f64)]) -> Result<Executor, Diagnostic> {
    match executor {
        Executor::ArrivalRate(open) => {
            let stages = stages
                .iter()
                .map(|(duration, target)| RateStage { target: *target, duration_s: duration.as_secs_f64() });
            let shape = Shape::Stages { start: open.shape.rate_at(0.0), stages: stages.collect() };
            let duration_ns = nanoseconds(Duration::from_secs_f64(shape.duration_s().unwrap_or(0.0)));
            Ok(Executor::ArrivalRate(load::executor::ArrivalRate {
                shape: Arc::new(shape),
                duration_ns,
                ..open.clone()
            }))
        }
        Executor::ConstantVus(closed) => ramping(closed.vus, 30_000_000_000, stages),
        Executor::RampingVus(closed) => ramping(closed.start_vus, closed.graceful_ramp_down_ns, stages),
        Executor::ExternallyControlled(_) => {
            Err(Diagnostic::usage("--stage: the scenario is controlled from outside, so it has no stages")
                .help("leave --stage out, or change its executor to ramping-vus"))
        }
        Executor::Replay(_) => {
            Err(Diagnostic::usage("--stage: the scenario replays a trace, whose times are its stages")
                .help("leave --stage out, or change its `speed`"))
        }
        Executor::Feedback(_) => Err(Diagnostic::usage(
            "--stage: the scenario decides its rate by what it holds, so it has no stages",
        )
        .help("leave --stage out, or change its executor to ramping-arrival-rate")),
        Executor::PerVuIterations(_) | Executor::SharedIterations(_) => {
            Err(Diagnostic::usage("--stage: the scenario counts iterations, so it has no stages")
                .help("leave --stage out, or change its executor to ramping-vus"))
        }
    }
}

fn ramping(
    start_vus: u32,
    graceful_ramp_down_ns: u64,
    stages: &[(Duration, f64)],
) -> Result<Executor, Diagnostic> {
    let mut vu_stages = Vec::new();
    for (duration, target) in stages {
        if target.fract() != 0.0 || *target > f64::from(u32::MAX) {
            return Err(Diagnostic::usage(format!("--stage: {target} is not a number of virtual users"))
                .help("give whole numbers, such as --stage 30s:100"));
        }
        // Whole and in range: the cast is exact.
        vu_stages.push(VuStage { duration_ns: nanoseconds(*duration), target: *target as u32 });
    }
    Ok(Executor::RampingVus(RampingVus { start_vus, stages: vu_stages, graceful_ramp_down_ns }))
}

fn resized(executor: &mut Executor, vus: u32) -> Result<(), Diagnostic> {
    match executor {
        Executor::ConstantVus(closed) => closed.vus = vus,
        Executor::ExternallyControlled(closed) => closed.vus = vus,
        Executor::PerVuIterations(closed) => closed.vus = vus,
        Executor::SharedIterations(closed) => closed.vus = vus,
        Executor::RampingVus(closed) => closed.start_vus = vus,
        Executor::ArrivalRate(open) => {
            open.max_vus = vus;
            open.pre_allocated_vus = open.pre_allocated_vus.min(vus);
        }
        Executor::Replay(open) => {
            open.max_vus = vus;
            open.pre_allocated_vus = open.pre_allocated_vus.min(vus);
        }
        Executor::Feedback(open) => {
            open.max_vus = vus;
            open.pre_allocated_vus = open.pre_allocated_vus.min(vus);
        }
    }
    Ok(())
}
