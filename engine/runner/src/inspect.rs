//! What a run would be: question, parameters, scenarios with their planned curves, thresholds, and where each value
//! comes from.

use std::time::Duration;

use drivers::{pg::PoolMode, probe::PgPart};
use embed::store::Backend;
use load::executor::Executor;
use model::control::Direction;
use script::{ComparisonOptions, ParamOrigin, ScenarioOptions};

use crate::{
    error::RunError,
    inspected::{
        InspectedComparison, InspectedFault, InspectedGate, InspectedHold, InspectedParameter,
        InspectedProbe, InspectedScenario, InspectedSetting, InspectedSweep, InspectedThreshold, Inspection,
    },
    origin::Origin,
    prepare::{Prepared, prepare},
    request::{LoadRequest, ScriptRequest, TargetRequest},
    run::{executor_name, planned_sweep},
    targets::PostgresAt,
    wanted::WantedHttp,
};

/// Points of a planned curve.
const POINTS: usize = 400;

/// Looks at a run without making it. Nothing connects.
///
/// # Errors
/// As [`prepare`].
pub fn inspect(
    script: &ScriptRequest,
    load: &LoadRequest,
    target: &TargetRequest,
) -> Result<Inspection, RunError> {
    let prepared = prepare(script, load, target)?;
    let parameters: Vec<_> = prepared.params.iter().map(parameter).collect();
    let known = |name: &String| parameters.iter().any(|parameter| parameter.name == *name);
    let later = prepared.program.facts().parameters.iter().filter(|name| !known(name)).cloned().collect();
    Ok(Inspection {
        name: prepared.program.name(),
        file: prepared.program.file().to_owned(),
        description: prepared.program.header(),
        later_parameters: later,
        scenarios: prepared.planned.scenarios.iter().filter(is_told).map(scenario).collect(),
        comparisons: comparisons(&prepared),
        sweep: sweep(&prepared),
        thresholds: prepared.options.thresholds.iter().map(threshold).collect(),
        gates: prepared.options.gates.iter().map(gate).collect(),
        probes: probes(&prepared.options.probes),
        faults: faults(&prepared.planned.faults),
        settings: settings(&prepared, load),
        parameters,
    })
}

fn parameter(param: &script::Param) -> InspectedParameter {
    let from = match param.origin {
        ParamOrigin::Default => "default",
        ParamOrigin::Scaled => "default, scaled",
        ParamOrigin::Flag => "flag -p",
    };
    InspectedParameter {
        name: param.name.clone(),
        type_name: param.type_name.to_owned(),
        value: param.value.clone(),
        default: param.default.clone(),
        unit: param.unit.clone(),
        one_of: param.one_of.clone(),
        help: param.help.clone(),
        from: from.to_owned(),
    }
}

fn scenario(scenario: &ScenarioOptions) -> InspectedScenario {
    let executor = &scenario.executor;
    let duration_s = executor.longest_ns() as f64 / 1e9;
    let (iterations, curve) = match executor {
        Executor::ArrivalRate(open) => {
            let shape = open.shape.as_ref().clone().take(duration_s);
            (Some(shape.integral(duration_s)), Some(shape.sample(POINTS)))
        }
        Executor::Replay(replay) => {
            let arrivals = replay.listed.count_before(replay.duration_ns);
            (Some(arrivals as f64), Some(replay.curve().sample(POINTS)))
        }
        Executor::SharedIterations(counted) => (Some(counted.iterations as f64), None),
        Executor::PerVuIterations(counted) => {
            (Some(counted.iterations as f64 * f64::from(counted.vus)), None)
        }
        Executor::ConstantVus(_)
        | Executor::RampingVus(_)
        | Executor::ExternallyControlled(_)
        | Executor::Feedback(_) => (None, None),
    };
    InspectedScenario {
        name: scenario.name.clone(),
        executor: executor_name(executor).to_owned(),
        exec: scenario.exec.function.clone(),
        start_s: scenario.start.as_secs_f64(),
        duration_s: executor.has_end().then_some(duration_s),
        max_vus: executor.max_vus(),
        iterations,
        curve,
        holds: holds(scenario),
    }
}

fn holds(scenario: &ScenarioOptions) -> Option<InspectedHold> {
    let (Executor::Feedback(feedback), Some(held)) = (&scenario.executor, &scenario.held) else {
        return None;
    };
    let gains = feedback.law().gains;
    Some(InspectedHold {
        series: held.series.clone(),
        target: feedback.target,
        direction: match feedback.direction {
            Direction::Up => "up",
            Direction::Down => "down",
        },
        start_rate: feedback.start_rate,
        min_rate: feedback.min_rate,
        max_rate: feedback.max_rate,
        every_s: feedback.every_ns as f64 / 1e9,
        kp: gains.kp,
        ki: gains.ki,
    })
}

/// Those of which `--only` has left turns.
fn comparisons(prepared: &Prepared) -> Vec<InspectedComparison> {
    let turns_of = |name: &str| {
        let is_its = |s: &&ScenarioOptions| s.comparison() == Some(name);
        prepared.planned.scenarios.iter().filter(is_its).collect::<Vec<_>>()
    };
    let inspected = |comparison: &ComparisonOptions| {
        let turns = turns_of(&comparison.name);
        let (first, last) = (turns.first()?, turns.last()?);
        let turn_s = last.executor.longest_ns() as f64 / 1e9;
        Some(InspectedComparison {
            name: comparison.name.clone(),
            exec: comparison.exec.function.clone(),
            sides: comparison.sides.clone(),
            calibrate: comparison.calibrate.clone(),
            vus: comparison.vus,
            rounds: comparison.rounds,
            turn_s,
            start_s: first.start.as_secs_f64(),
            duration_s: (last.start - first.start).as_secs_f64() + turn_s,
            decide_by: comparison.decide_by.as_str(),
        })
    };
    prepared.options.comparisons.iter().filter_map(inspected).collect()
}

/// Turns are told by their comparison, and steps by the first of them.
fn is_told(scenario: &&ScenarioOptions) -> bool {
    scenario.turn.is_none() && scenario.step.as_ref().is_none_or(|step| step.number == 0)
}

fn sweep(prepared: &Prepared) -> Option<InspectedSweep> {
    let record = planned_sweep(prepared.options.sweep.as_ref()?, &prepared.planned.scenarios)?;
    let steps = record.values.len() as f64;
    Some(InspectedSweep {
        duration_s: steps * record.step_s + (steps - 1.0) * record.rest_s,
        param: record.param,
        values: record.values,
        scenarios: record.scenarios,
        measure: record.measure,
        step_s: record.step_s,
        rest_s: record.rest_s,
    })
}

fn threshold(rule: &model::threshold::ThresholdRule) -> InspectedThreshold {
    InspectedThreshold {
        metric: rule.threshold.metric.to_string(),
        condition: rule.threshold.source_text.clone(),
        abort_on_fail: rule.abort_on_fail,
    }
}

fn gate(gate: &script::GateOptions) -> InspectedGate {
    InspectedGate {
        name: gate.name.clone(),
        thresholds: gate.thresholds.iter().map(threshold).collect(),
        go: gate.go.clone(),
        no_go: gate.no_go.clone(),
    }
}

fn probes(options: &script::ProbeOptions) -> Vec<InspectedProbe> {
    let probe =
        |name: String, every: Duration, of: String| InspectedProbe { name, every_s: every.as_secs_f64(), of };
    let of_postgres = options.postgres.iter().map(|(part, every)| {
        let of_tables = matches!(part, PgPart::Tables | PgPart::Tuples | PgPart::Indexes);
        let of = if of_tables { options.tables.join(", ") } else { "the server".to_owned() };
        probe(format!("postgres.{}", part.name()), *every, of)
    });
    let of_host = options.host.map(|every| probe("host".to_owned(), every, "this machine".to_owned()));
    let of_script = options
        .scripts
        .iter()
        .map(|script| probe(script.name.clone(), script.every, format!("{}()", script.function)));
    of_postgres.chain(of_host).chain(of_script).collect()
}

fn faults(planned: &[script::FaultOptions]) -> Vec<InspectedFault> {
    let fault = |fault: &script::FaultOptions| InspectedFault {
        fault: fault.fault.kind().to_owned(),
        at_s: fault.at.as_secs_f64(),
        lasts_s: fault.fault.lasts().as_secs_f64(),
    };
    planned.iter().map(fault).collect()
}

fn settings(prepared: &Prepared, load: &LoadRequest) -> Vec<InspectedSetting> {
    let mut settings = Vec::new();
    let mut add = |name: &str, value: String, origin: &Origin| {
        settings.push(InspectedSetting { name: name.to_owned(), value, from: origin.to_string() });
    };
    let planned = &prepared.planned;
    let time = model::units::format_duration;
    if let Some(duration) = planned.duration.value {
        // The length of stages from a flag is that flag's, whatever the script says.
        let of_stages = !load.stages.is_empty() && planned.duration.origin == Origin::Script;
        let origin = if of_stages { &Origin::Flag("--stage") } else { &planned.duration.origin };
        add("duration", time(duration), origin);
    }
    add("warm-up", time(planned.warm_up.value), &planned.warm_up.origin);
    add("seed", planned.seed.value.to_string(), &planned.seed.origin);
    add("cores", prepared.cores.value.to_string(), &prepared.cores.origin);
    if !load.segment.is_whole() {
        add("segment", load.segment.to_string(), &Origin::Flag("--segment"));
    }
    add("target", prepared.target.name.value.clone(), &prepared.target.name.origin);
    if let Some(wanted) = &prepared.postgres {
        match &wanted.at {
            PostgresAt::External { config, origin } => add("postgres", config.place().to_string(), origin),
            PostgresAt::Embedded | PostgresAt::Missing => {
                add("postgres", "embedded".to_owned(), &prepared.target.name.origin);
                add("postgres durability", on_off(wanted.durable.value), &wanted.durable.origin);
            }
        }
        let pool = prepared.options.postgres.pool;
        add("postgres pool", pool.name().to_owned(), said(pool != PoolMode::Dedicated));
    }
    for wanted in &prepared.stores {
        let origin = |setting: &str| wanted.settings.origin(setting);
        let name = wanted.name.as_ref().map_or("store".to_owned(), |name| format!("store {name}"));
        if wanted.is_embedded {
            add(&name, format!("embedded ({})", wanted.backend.as_str()), &wanted.target.origin);
            if wanted.backend == Backend::Ordered {
                add(&format!("{name} durability"), on_off(wanted.durable.value), &wanted.durable.origin);
            }
        } else {
            add(&name, wanted.config.endpoint().to_string(), &origin("endpoint"));
            add(&format!("{name} region"), wanted.config.region().to_owned(), &origin("region"));
        }
        add(&format!("{name} bucket"), wanted.config.bucket().to_owned(), &origin("bucket"));
        add(&format!("{name} client"), wanted.config.client().to_string(), &origin("client"));
    }
    if let Some(wanted) = &prepared.http {
        inspect_http(wanted, &prepared.target.name.origin, &mut add);
    }
    if !prepared.is_all_embedded() {
        let allowed = &prepared.target.allow_destructive;
        add("allow destructive", if allowed.value { "yes" } else { "no" }.to_owned(), &allowed.origin);
        let representative = &prepared.target.representative;
        add(
            "representative",
            if representative.value { "yes" } else { "no" }.to_owned(),
            &representative.origin,
        );
    }
    settings
}

/// Address, version and what is said beside; headers by name, because their values may be secrets.
fn inspect_http(wanted: &WantedHttp, target: &Origin, add: &mut impl FnMut(&str, String, &Origin)) {
    let (config, origin) = (&wanted.config, |setting: &str| wanted.settings.origin(setting));
    match (&wanted.service, config.url()) {
        (Some(service), _) => add("http", format!("embedded ({service})"), target),
        (None, Some(url)) => add("http", url, &origin("url")),
        (None, None) => add("http", "whole URLs of the script".to_owned(), &Origin::Script),
    }
    add("http version", config.version().to_owned(), &origin("http2"));
    if let Some(connections) = config.connections() {
        add("http connections of a core", connections.to_string(), &origin("connections"));
    }
    add("http client", "lean".to_owned(), &Origin::Default);
    if config.is_insecure() {
        add("http certificates", "not verified".to_owned(), &origin("insecure"));
    }
    let headers = config.header_names().join(", ");
    if !headers.is_empty() {
        add("http headers", headers, &origin("headers"));
    }
}

/// The script's options come with their defaults filled in: only what differs from them was surely said.
fn said(differs: bool) -> &'static Origin {
    if differs { &Origin::Script } else { &Origin::Default }
}

fn on_off(is_on: bool) -> String {
    if is_on { "on" } else { "off" }.to_owned()
}
