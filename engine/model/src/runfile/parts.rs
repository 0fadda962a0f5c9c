//! The parts of a run file that describe the run rather than its figures.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::arrivals::Pacing;
use crate::shape::Shape;
use crate::threshold::{Judgement, ThresholdRule};

/// How far a run got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    /// It goes on, or was killed.
    #[default]
    Running,
    /// It came to its planned end.
    Finished,
    /// The user stopped it.
    Interrupted,
    /// A threshold or the script ended it early.
    Aborted,
    /// Something broke.
    Failed,
}

/// The script of a run.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ScenarioSource {
    /// Its name: the file's, without the ending.
    pub name: String,
    /// Where it was read from.
    pub path: String,
    /// Its text.
    pub source: String,
    /// A hash of its text, with the algorithm: `sha256:…`.
    pub hash: String,
    /// The comment at its head.
    pub description: String,
}

/// A declared parameter.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Parameter {
    /// Its value.
    pub value: serde_json::Value,
    /// Where the value came from: `flag`, `environment`, `targets`, `script` or `default`.
    pub from: String,
}

/// One phase of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PhaseTimes {
    /// `setup`, `warm_up`, `measure`, `drain`, `verify` or `teardown`.
    pub name: String,
    /// Start, since the run's epoch (setup lies before it and is negative).
    pub start_s: f64,
    /// End; nothing while it goes on.
    pub end_s: Option<f64>,
}

/// What one scenario of the script was to do.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct LoadRecord {
    /// The scenario's name.
    pub name: String,
    /// The executor's name.
    pub executor: String,
    /// The script function it runs.
    pub exec: String,
    /// Start, since the run's epoch.
    pub start_s: f64,
    /// The planned rate over time (measured window), of open models.
    pub shape: Option<Shape>,
    /// How arrivals keep to it.
    pub pacing: Pacing,
    /// VUs at most.
    pub max_vus: u64,
    /// Iterations in all, where the executor counts them or plays recorded ones.
    pub iterations: Option<u64>,
}

/// The machine of the generator.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Environment {
    /// `linux`, `macos`.
    pub os: String,
    /// The kernel's release.
    pub kernel: String,
    /// `x86_64`, `aarch64`.
    pub arch: String,
    /// The processor's name.
    pub cpu_model: String,
    /// Logical processors the program may use.
    pub cpus: u32,
    /// Memory in all.
    pub memory_bytes: u64,
    /// Whether it ran in a container, a virtual machine, or neither, as far as can be told.
    pub container: Option<String>,
}

/// A server the run talked to.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Server {
    /// What the target calls it: `postgres`, `s3`.
    pub name: String,
    /// The product: `PostgreSQL`, `snapbench store (ordered)`.
    pub kind: String,
    /// Its version.
    pub version: String,
    /// Where it was, without secrets.
    pub endpoint: String,
    /// Whether this run started it as a child process.
    pub embedded: bool,
    /// Whether what it acknowledges survives power loss: `on` or `off`; nothing when nobody knows.
    pub durability: Option<String>,
    /// Whether the target's owner says its absolute figures may be quoted.
    pub representative: bool,
    /// The client used: `lean`, `sdk`, `tokio-postgres`.
    pub client: String,
    /// `dedicated`, `pipelined` or `pooled`, and how many connections.
    pub pool_mode: Option<String>,
    /// Settings that matter to the figures.
    pub settings: BTreeMap<String, String>,
}

/// A threshold and what became of it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ThresholdRecord {
    /// The metric, as written.
    pub metric: String,
    /// The condition, as written.
    pub threshold: String,
    /// Whether it holds; nothing when that could not be told (not a pass) or not yet.
    pub passed: Option<bool>,
    /// The figure: ms for times, a fraction for shares, a number a second for rates.
    pub value: Option<f64>,
    /// The figure as reports print it.
    pub shown: String,
    /// One sentence about it.
    pub reason: String,
    /// Whether it may end the run.
    pub abort_on_fail: bool,
    /// The gate it belongs to, if any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gate: Option<String>,
}

/// A ledger and what it found.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct LedgerRecord {
    /// The ledger's name.
    pub name: String,
    /// Its kind: `cas` (a table's), `store` (an object store's), `queue`.
    pub kind: String,
    /// Whether everything it checks holds.
    pub passed: bool,
    /// Its figures by name, such as `acknowledged`, `duplicates`, `gaps`.
    pub figures: BTreeMap<String, u64>,
    /// Some of what it found, in sentences; bounded.
    pub examples: Vec<String>,
    /// A queue's: how long items waited.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub waits: Vec<WaitRecord>,
}

/// How long the items of a queue waited.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct WaitRecord {
    /// What was timed: `age` (from a push to the first take), `age_priority_0` (the same of one priority), `lateness`
    /// (from the end of a delay to the first take).
    pub name: String,
    /// How many items.
    pub count: u64,
    /// Half of them waited no longer than this, in µs.
    pub p50_us: u64,
    /// 99 of 100 waited no longer than this, in µs.
    pub p99_us: u64,
    /// The longest wait, in µs.
    pub max_us: u64,
}

impl WaitRecord {
    /// Its times in ms by name, as thresholds know them: `age_p50_ms`, `age_p99_ms`, `age_max_ms`.
    pub fn times_ms(&self) -> impl Iterator<Item = (String, f64)> + '_ {
        [("p50", self.p50_us), ("p99", self.p99_us), ("max", self.max_us)]
            .into_iter()
            .map(|(figure, us)| (format!("{}_{figure}_ms", self.name), us as f64 / 1e3))
    }
}

impl ThresholdRecord {
    /// A threshold with its judgement.
    pub fn new(rule: &ThresholdRule, judgement: &Judgement) -> Self {
        ThresholdRecord {
            metric: rule.threshold.metric.to_string(),
            threshold: rule.threshold.source_text.clone(),
            passed: judgement.passed,
            value: judgement.value,
            shown: judgement.shown.clone(),
            reason: judgement.reason.clone(),
            abort_on_fail: rule.abort_on_fail,
            gate: None,
        }
    }

    /// Whether it holds; not being able to tell is not holding.
    pub fn holds(&self) -> bool {
        self.passed == Some(true)
    }
}
