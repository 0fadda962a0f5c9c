//! What a run would be: question, parameters, scenarios with their planned curves, thresholds, and where each value
//! comes from.

use std::time::Duration;

use drivers::{pg::PoolMode, probe::PgPart};
use load::executor::Executor;
use script::{ParamOrigin, ScenarioOptions};
use serde::Serialize;

use crate::{
    error::RunError,
    origin::Origin,
    prepare::{Prepared, prepare},
    request::{LoadRequest, ScriptRequest, TargetRequest},
    run::executor_name,
    targets::PostgresAt,
};

/// Points of a planned curve.
const POINTS: usize = 400;

/// A script and what would be done with it.
#[derive(Clone, Debug, Serialize)]
pub struct Inspection {
    /// The script's name.
    pub name: String,
    /// Its file.
    pub file: String,
    /// The comment at its head.
    pub description: String,
    /// Parameters that `options()` declares.
    pub parameters: Vec<InspectedParameter>,
    /// Names of parameters that are declared elsewhere in the script: their defaults are known once it runs.
    pub later_parameters: Vec<String>,
    /// What would run.
    pub scenarios: Vec<InspectedScenario>,
    /// What would be judged: metric and condition.
    pub thresholds: Vec<InspectedThreshold>,
    /// What would be decided.
    pub gates: Vec<InspectedGate>,
    /// What would be sampled.
    pub probes: Vec<InspectedProbe>,
    /// What would be broken on purpose.
    pub faults: Vec<InspectedFault>,
    /// Settings of the run and of its servers, each with its origin. Secrets are not among them.
    pub settings: Vec<InspectedSetting>,
}

/// A declared parameter.
#[derive(Clone, Debug, Serialize)]
pub struct InspectedParameter {
    /// Its name.
    pub name: String,
    /// `int`, `float`, `bool` or `string`.
    #[serde(rename = "type")]
    pub type_name: String,
    /// Its value.
    pub value: String,
    /// Its default.
    pub default: String,
    /// Its unit; empty when it has none.
    pub unit: String,
    /// What may be chosen; empty when anything may.
    pub one_of: Vec<String>,
    /// One line of help; empty when it has none.
    pub help: String,
    /// Where the value comes from.
    pub from: String,
}

/// A scenario.
#[derive(Clone, Debug, Serialize)]
pub struct InspectedScenario {
    /// Its name.
    pub name: String,
    /// Its executor.
    pub executor: String,
    /// The function it calls.
    pub exec: String,
    /// How long after the warm-up it begins.
    pub start_s: f64,
    /// How long it lasts (at most, when it counts iterations).
    pub duration_s: f64,
    /// Virtual users at most.
    pub max_vus: u32,
    /// Iterations in all: counted ones, or the arrivals of the plan.
    pub iterations: Option<f64>,
    /// The planned rate over time, (s, per second), of open models.
    pub curve: Option<Vec<(f64, f64)>>,
}

/// A threshold.
#[derive(Clone, Debug, Serialize)]
pub struct InspectedThreshold {
    /// The metric.
    pub metric: String,
    /// The condition.
    pub condition: String,
    /// Whether it may end the run.
    pub abort_on_fail: bool,
}

/// A probe.
#[derive(Clone, Debug, Serialize)]
pub struct InspectedProbe {
    /// Its name.
    pub name: String,
    /// How often it is asked.
    pub every_s: f64,
    /// What it looks at: tables, the server, or a function of the script.
    pub of: String,
}

/// A fault.
#[derive(Clone, Debug, Serialize)]
pub struct InspectedFault {
    /// Its kind.
    pub fault: String,
    /// When, after the start of the measured window.
    pub at_s: f64,
    /// For how long; 0 for a moment.
    pub lasts_s: f64,
}

/// A gate.
#[derive(Clone, Debug, Serialize)]
pub struct InspectedGate {
    /// Its name.
    pub name: String,
    /// What must hold.
    pub thresholds: Vec<InspectedThreshold>,
    /// What it says then.
    pub go: String,
    /// What it says otherwise.
    pub no_go: String,
}

/// A setting.
#[derive(Clone, Debug, Serialize)]
pub struct InspectedSetting {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
    /// Where the value comes from.
    pub from: String,
}

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
        scenarios: prepared.planned.scenarios.iter().map(scenario).collect(),
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
        Executor::SharedIterations(counted) => (Some(counted.iterations as f64), None),
        Executor::PerVuIterations(counted) => {
            (Some(counted.iterations as f64 * f64::from(counted.vus)), None)
        }
        Executor::ConstantVus(_) | Executor::RampingVus(_) => (None, None),
    };
    InspectedScenario {
        name: scenario.name.clone(),
        executor: executor_name(executor).to_owned(),
        exec: scenario.exec.function.clone(),
        start_s: scenario.start.as_secs_f64(),
        duration_s,
        max_vus: executor.max_vus(),
        iterations,
        curve,
    }
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
    if let Some(wanted) = &prepared.store {
        let origin = |setting: &str| wanted.settings.origin(setting);
        if wanted.is_embedded {
            add("store", "embedded".to_owned(), &prepared.target.name.origin);
            add("store durability", on_off(wanted.durable.value), &wanted.durable.origin);
        } else {
            add("store", wanted.config.endpoint().to_string(), &origin("endpoint"));
            add("store region", wanted.config.region().to_owned(), &origin("region"));
        }
        add("store bucket", wanted.config.bucket().to_owned(), &origin("bucket"));
        add("store client", wanted.config.client().to_string(), &origin("client"));
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

/// The script's options come with their defaults filled in: only what differs from them was surely said.
fn said(differs: bool) -> &'static Origin {
    if differs { &Origin::Script } else { &Origin::Default }
}

fn on_off(is_on: bool) -> String {
    if is_on { "on" } else { "off" }.to_owned()
}
