//! The traces of a run, read again from its directory.

use std::{collections::BTreeSet, fs, io, path::Path};

use model::{
    runfile::{RunFile, RunState},
    suggest::did_you_mean,
    trace::Trace,
};
use report::{
    Salvaged,
    traces::{self, Choice},
};

use crate::read::{ReadError, read_run_file};

/// The traces of a run.
#[derive(Debug)]
pub struct StoredTraces {
    /// `run.json`.
    pub run: RunFile,
    /// `traces.ndjson`.
    pub traces: Salvaged<Trace>,
}

/// Why there is no trace to show.
#[derive(Debug, thiserror::Error)]
pub enum TraceReadError {
    /// There is no run.
    #[error(transparent)]
    Run(#[from] ReadError),
    /// A run without the file.
    #[error("{directory} has no {}: {why}", traces::FILE)]
    NoFile {
        /// The run.
        directory: String,
        /// What that means.
        why: &'static str,
    },
    /// A number beyond the last.
    #[error("there is no trace {number}: {}", numbers(*.last, directory))]
    NoSuchNumber {
        /// The run, as it was named.
        directory: String,
        /// The number.
        number: u64,
        /// The last that there is; 0 when there is none.
        last: u64,
    },
    /// A scenario that the run does not have.
    #[error("there is no scenario `{name}` in this run: {}", near.as_ref().map_or_else(|| format!("it has {}", known.join(", ")), |near| format!("did you mean `{near}`?")))]
    NoSuchScenario {
        /// Its name.
        name: String,
        /// The scenarios that there are.
        known: Vec<String>,
        /// The one that was meant, perhaps.
        near: Option<String>,
    },
}

fn numbers(last: u64, directory: &str) -> String {
    match last {
        0 => "this run left none".to_owned(),
        last => format!("this run has 1 to {last}; `snapbench trace {directory}` lists them"),
    }
}

/// Reads the traces of the run at `path`: its directory, or its `run.json`.
///
/// # Errors
/// When there is no run, or it has no traces. Damage to their file is part of what is read.
pub fn read_traces(path: &Path) -> Result<StoredTraces, TraceReadError> {
    let (run, folder) = read_run_file(path)?;
    let file = folder.join(traces::FILE);
    match fs::read(&file) {
        Ok(bytes) => Ok(StoredTraces { run, traces: traces::read(&bytes) }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let why = match (run.traces, run.state) {
                (Some(_), _) => "the file was removed; run the scenario again to have traces",
                (None, RunState::Running) => {
                    "traces are written when the load ends, and this run goes on, or was killed before"
                }
                (None, _) => {
                    "its load never began, or an older version wrote it; run the scenario again to have traces"
                }
            };
            Err(TraceReadError::NoFile { directory: path.display().to_string(), why })
        }
        Err(source) => Err(ReadError::Io { path: file, source }.into()),
    }
}

impl StoredTraces {
    /// Those that somebody wants to see.
    ///
    /// # Errors
    /// When the choice names a scenario that the run does not have.
    pub fn chosen(&self, choice: &Choice) -> Result<Vec<&Trace>, TraceReadError> {
        if let Some(name) = &choice.scenario {
            let loads = self.run.loads.iter().map(|load| load.name.clone());
            let traced = self.traces.records.iter().map(|trace| trace.scenario.clone());
            let known: BTreeSet<String> = loads.chain(traced).collect();
            if !known.contains(name) {
                let near = did_you_mean(name, known.iter().map(String::as_str)).map(str::to_owned);
                let known = known.into_iter().collect();
                return Err(TraceReadError::NoSuchScenario { name: name.clone(), known, near });
            }
        }
        Ok(self.traces.records.iter().filter(|trace| choice.admits(trace)).collect())
    }

    /// The one of that number. `directory` is how the run was named.
    ///
    /// # Errors
    /// When there is none.
    pub fn numbered(&self, number: u64, directory: &Path) -> Result<&Trace, TraceReadError> {
        self.traces.records.iter().find(|trace| trace.number == number).ok_or_else(|| {
            let last = self.traces.records.iter().map(|trace| trace.number).max().unwrap_or(0);
            TraceReadError::NoSuchNumber { directory: directory.display().to_string(), number, last }
        })
    }

    /// What of the file could not be read, in words.
    #[must_use]
    pub fn damage(&self) -> Vec<String> {
        let mut damage = Vec::new();
        if self.traces.cut_off {
            damage.push(format!("{} ends in the middle of a line, which is left out", traces::FILE));
        }
        if !self.traces.damaged_lines.is_empty() {
            let lines: Vec<String> = self.traces.damaged_lines.iter().map(ToString::to_string).collect();
            damage.push(format!(
                "{}: lines that cannot be read are left out: {}",
                traces::FILE,
                lines.join(", ")
            ));
        }
        damage
    }
}
