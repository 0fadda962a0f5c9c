//! What a run file says about the run before it begins: script, parameters, loads, machine.

use load::executor::Executor;
use model::runfile::{LoadRecord, Parameter, RunFile, ScenarioSource};
use script::ScenarioOptions;
use sha2::{Digest as _, Sha256};

use super::{again, sweeping};
use crate::{
    directory::unix_us,
    environment::environment,
    prepare::{Prepared, parameters},
    request::RunRequest,
};

/// The run file of a run that is about to begin.
pub(super) fn run_file(prepared: &Prepared, request: &RunRequest) -> RunFile {
    let planned = &prepared.planned;
    let mut run = RunFile::new(env!("CARGO_PKG_VERSION"), "");
    run.command = again::command(prepared, request);
    run.command_env = again::variables(request);
    run.scenario = source(prepared);
    run.parameters = parameters(&prepared.params);
    run.parameters.extend(tags(prepared, request));
    run.seed = planned.seed.value;
    run.started_unix_us = unix_us();
    run.duration_s = planned.duration.value.map(|duration| duration.as_secs_f64());
    run.cores = u32::try_from(prepared.cores.value).unwrap_or(u32::MAX);
    run.segment = planned.plan.segment;
    let warm_up_s = planned.warm_up.value.as_secs_f64();
    // The turns of a comparison are told as one.
    let are_one =
        |a: &ScenarioOptions, b: &ScenarioOptions| a.turn.is_some() && a.comparison() == b.comparison();
    let told_once = |scenario: &&ScenarioOptions| scenario.step.as_ref().is_none_or(|step| step.number == 0);
    let once: Vec<ScenarioOptions> = planned.scenarios.iter().filter(told_once).cloned().collect();
    for same in once.chunk_by(are_one) {
        let mut record = load(&same[0], warm_up_s);
        if let Some(comparison) = same[0].comparison() {
            record.name = comparison.to_owned();
            record.executor = "constant-vus in turns".to_owned();
        }
        if let Some(step) = &same[0].step {
            let steps = planned
                .scenarios
                .iter()
                .filter(|one| one.step.as_ref().is_some_and(|s| s.scenario == step.scenario));
            record.name.clone_from(&step.scenario);
            record.executor.push_str(" in steps");
            record.max_vus = steps.map(|one| u64::from(one.executor.max_vus())).max().unwrap_or_default();
        }
        run.loads.push(record);
    }
    let sweep = prepared.options.sweep.as_ref();
    run.sweeps = sweep.and_then(|sweep| sweeping::planned(sweep, &planned.scenarios)).into_iter().collect();
    run.environment = environment();
    run
}

fn source(prepared: &Prepared) -> ScenarioSource {
    let program = &prepared.program;
    let digest = Sha256::digest(program.text().as_bytes());
    let hash: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    ScenarioSource {
        name: program.name(),
        path: program.file().to_owned(),
        source: program.text().to_string(),
        hash: format!("sha256:{hash}"),
        description: program.header(),
    }
}

/// Tags stand among the parameters, as `tag.NAME`: both are words that tell runs apart.
fn tags(prepared: &Prepared, request: &RunRequest) -> Vec<(String, Parameter)> {
    let tag = |(name, value): (&String, &String), from: &str| {
        (format!("tag.{name}"), Parameter { value: value.as_str().into(), from: from.to_owned() })
    };
    let of_script = prepared.options.tags.iter().map(|entry| tag(entry, "script"));
    of_script.chain(request.tags.iter().map(|entry| tag(entry, "flag"))).collect()
}

fn load(scenario: &ScenarioOptions, warm_up_s: f64) -> LoadRecord {
    let executor = &scenario.executor;
    let mut record = LoadRecord {
        name: scenario.name.clone(),
        executor: executor_name(executor).to_owned(),
        exec: scenario.exec.function.clone(),
        start_s: warm_up_s + scenario.start.as_secs_f64(),
        max_vus: u64::from(executor.max_vus()),
        ..LoadRecord::default()
    };
    match executor {
        Executor::ArrivalRate(open) => {
            record.shape = Some(open.shape.as_ref().clone().take(open.duration_ns as f64 / 1e9));
            record.pacing = open.pacing;
        }
        Executor::Replay(replay) => {
            record.shape = Some(replay.curve());
            record.iterations = Some(replay.listed.count_before(replay.duration_ns));
        }
        Executor::SharedIterations(counted) => record.iterations = Some(counted.iterations),
        Executor::PerVuIterations(counted) => {
            record.iterations = Some(counted.iterations.saturating_mul(u64::from(counted.vus)));
        }
        Executor::ConstantVus(_)
        | Executor::RampingVus(_)
        | Executor::ExternallyControlled(_)
        | Executor::Feedback(_) => {}
    }
    record
}

/// An executor's name, as users write it. The three open ones are one.
pub(crate) fn executor_name(executor: &Executor) -> &'static str {
    match executor {
        Executor::ConstantVus(_) => "constant-vus",
        Executor::RampingVus(_) => "ramping-vus",
        Executor::ExternallyControlled(_) => "externally-controlled",
        Executor::PerVuIterations(_) => "per-vu-iterations",
        Executor::SharedIterations(_) => "shared-iterations",
        Executor::ArrivalRate(_) => "arrival-rate",
        Executor::Replay(_) => "replay",
        Executor::Feedback(_) => "feedback",
    }
}
