//! A run that has not been made: what it would do, and where each value came from.
//!
//! Plain words and figures, to be printed or written as JSON. Deliberately absent: how they are found (see `inspect`).

use serde::Serialize;

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
    /// What would be compared.
    pub comparisons: Vec<InspectedComparison>,
    /// What would be raised step by step.
    pub sweep: Option<InspectedSweep>,
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
    /// How long it lasts (at most, when it counts iterations); nothing when it lasts until it is stopped.
    pub duration_s: Option<f64>,
    /// Virtual users at most.
    pub max_vus: u32,
    /// Iterations in all: counted ones, or the arrivals of the plan.
    pub iterations: Option<f64>,
    /// The planned rate over time, (s, per second), of open models.
    pub curve: Option<Vec<(f64, f64)>>,
    /// What it holds by its rate, if that is decided by a probe.
    pub holds: Option<InspectedHold>,
}

/// A value that a scenario holds.
#[derive(Clone, Debug, Serialize)]
pub struct InspectedHold {
    /// The series of the probe.
    pub series: String,
    /// Where it is to be.
    pub target: f64,
    /// `up` when more rate raises it, `down` when more rate lowers it.
    pub direction: &'static str,
    /// The rate until the first sample, per second.
    pub start_rate: f64,
    /// The lowest rate.
    pub min_rate: f64,
    /// The highest rate.
    pub max_rate: f64,
    /// How often the rate is decided.
    pub every_s: f64,
    /// Rate for each unit of error.
    pub kp: f64,
    /// Rate a second for each unit of error.
    pub ki: f64,
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

/// A comparison.
#[derive(Clone, Debug, Serialize)]
pub struct InspectedComparison {
    /// Its name.
    pub name: String,
    /// The function that each iteration calls.
    pub exec: String,
    /// Who takes turns.
    pub sides: Vec<String>,
    /// What it is calibrated against, if anything.
    pub calibrate: Option<String>,
    /// Virtual users of each turn.
    pub vus: u32,
    /// Rounds in which each side is on twice.
    pub rounds: usize,
    /// How long a turn lasts.
    pub turn_s: f64,
    /// When it begins.
    pub start_s: f64,
    /// How long all of it takes.
    pub duration_s: f64,
    /// What decides.
    pub decide_by: &'static str,
}

/// A sweep.
#[derive(Clone, Debug, Serialize)]
pub struct InspectedSweep {
    /// The parameter.
    pub param: String,
    /// Its values, in the order of the steps.
    pub values: Vec<model::sweep::Value>,
    /// The scenarios that are stepped.
    pub scenarios: Vec<String>,
    /// What is counted.
    pub measure: String,
    /// How long a step lasts.
    pub step_s: f64,
    /// The pause between two steps.
    pub rest_s: f64,
    /// How long all of it takes.
    pub duration_s: f64,
}
