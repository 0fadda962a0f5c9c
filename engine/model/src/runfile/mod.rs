//! `run.json`: everything about one run that is not a time series, in a versioned format.
//!
//! It is written when the run starts (state `running`, no summary) and again when it ends, so what a killed
//! run leaves can be read. Figures are plain numbers with the unit last in their names. Fields this version
//! does not know are ignored; a newer `format_version` is refused with a sentence. Deliberately does not know
//! where the file is.

mod compared;
mod label;
mod parts;
mod summary;
mod swept;
mod truth;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use compared::{CeilingRecord, ComparisonRecord, PairRecord, SideRecord, TurnRecord};
pub use label::{Ceiling, GeneratorFigures, Label, ScenarioFigures, generator_bound, shape_only};
pub use parts::{
    Environment, LedgerRecord, LoadRecord, Parameter, PhaseTimes, RunState, ScenarioSource, Server,
    ThresholdRecord, WaitRecord,
};
pub use summary::{
    CheckSummary, CoreSummary, FailureSummary, LatencyFigures, MetricSummary, OpSummary, ScenarioSummary,
    Summary,
};
pub use swept::{KneeRecord, StepRecord, SweepRecord};
pub use truth::{FaultRecord, GateRecord, ProbeRecord, ReportTable, SeriesSummary, SlopeFigures};

use crate::{segment::Segment, trace::TraceCounts};

/// The version this program writes, and the newest it reads.
pub const FORMAT_VERSION: u32 = 1;

/// One run.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct RunFile {
    /// The version of this format.
    pub format_version: u32,
    /// The program that wrote it.
    pub snapbench_version: String,
    /// The run's own id, also the end of its directory's name.
    pub id: String,
    /// How far it got.
    pub state: RunState,
    /// The words after `snapbench` that make this run again; no secret among them.
    pub command: Vec<String>,
    /// Names of environment variables that hold what the command cannot say.
    pub command_env: Vec<String>,
    /// The script.
    pub scenario: ScenarioSource,
    /// Declared parameters by name.
    pub parameters: BTreeMap<String, Parameter>,
    /// The seed of every random choice.
    pub seed: u64,
    /// When the load clock started, in µs of Unix time: 0 on every other time axis of the run.
    pub started_unix_us: u64,
    /// When the run ended.
    pub finished_unix_us: Option<u64>,
    /// How long the measured window was planned to be, when that is known.
    pub duration_s: Option<f64>,
    /// The phases that began, in order.
    pub phases: Vec<PhaseTimes>,
    /// Generator cores used.
    pub cores: u32,
    /// Which share of a larger run this is.
    pub segment: Segment,
    /// What each scenario of the script was to do.
    pub loads: Vec<LoadRecord>,
    /// The machine the generator ran on.
    pub environment: Environment,
    /// The servers it talked to.
    pub servers: Vec<Server>,
    /// The figures; nothing while the run goes.
    pub summary: Option<Summary>,
    /// Thresholds and what became of them.
    pub thresholds: Vec<ThresholdRecord>,
    /// Ledgers and what they found.
    pub ledgers: Vec<LedgerRecord>,
    /// What the thresholds decide together.
    pub gates: Vec<GateRecord>,
    /// What looked at servers and host beside the load.
    pub probes: Vec<ProbeRecord>,
    /// What probes saw, by series.
    pub series: Vec<SeriesSummary>,
    /// What was broken on purpose.
    pub faults: Vec<FaultRecord>,
    /// What was compared.
    pub comparisons: Vec<ComparisonRecord>,
    /// What was raised step by step.
    pub sweeps: Vec<SweepRecord>,
    /// The script's own tables.
    pub tables: Vec<ReportTable>,
    /// What the figures are not valid for.
    pub label: Label,
    /// What else a reader should know: warnings, and what failed outside of iterations.
    pub warnings: Vec<String>,
    /// How many iterations left a trace; nothing before the load has ended.
    pub traces: Option<TraceCounts>,
    /// The exit code, once known.
    pub exit_code: Option<i32>,
    /// The other files of the directory: what they are, by file name.
    pub files: BTreeMap<String, String>,
}

/// A file that is no run file of ours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RunFileError {
    /// Written by a newer version of the format.
    #[error(
        "this run file has format {found}, and this program reads up to {FORMAT_VERSION}; it was written by \
         snapbench {written_by}: use that version or a newer one"
    )]
    Newer {
        /// Its version.
        found: u64,
        /// The program that wrote it, or `unknown`.
        written_by: String,
    },
    /// JSON, but not of a run.
    #[error("this is not a run file: it has no format_version; give the directory of a run or its run.json")]
    NotARun,
    /// Not JSON, or a field that is not what it should be.
    #[error("the run file cannot be read: {0}; it is damaged, or was edited by hand")]
    Damaged(String),
}

impl RunFile {
    /// A run that starts now.
    pub fn new(snapbench_version: &str, id: &str) -> Self {
        RunFile {
            format_version: FORMAT_VERSION,
            snapbench_version: snapbench_version.to_owned(),
            id: id.to_owned(),
            ..RunFile::default()
        }
    }

    /// Reads the text of a `run.json`, of this version or an older one, of a finished run or not.
    pub fn parse(text: &str) -> Result<Self, RunFileError> {
        let damaged = |error: serde_json::Error| RunFileError::Damaged(error.to_string());
        // The version first: a newer file may differ in everything else.
        let head: Head = serde_json::from_str(text).map_err(damaged)?;
        let version = head.format_version.ok_or(RunFileError::NotARun)?;
        if version > u64::from(FORMAT_VERSION) {
            let written_by = head.snapbench_version.and_then(|version| version.as_str().map(str::to_owned));
            return Err(RunFileError::Newer {
                found: version,
                written_by: written_by.unwrap_or_else(|| "unknown".to_owned()),
            });
        }
        if version == 0 {
            return Err(RunFileError::NotARun);
        }
        serde_json::from_str(text).map_err(damaged)
    }

    /// The text of a `run.json`, indented for people, with a line end.
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("every map of a run file has string keys");
        text.push('\n');
        text
    }
}

#[derive(Deserialize)]
struct Head {
    format_version: Option<u64>,
    snapbench_version: Option<serde_json::Value>,
}
