//! One run: scenario, target, load and probes in; run directory, verdict and exit code out.
//!
//! - `request`, `targets`, `origin`: what the user asks for, and where each value came from;
//! - `prepare`, `plan`: everything that can be known and complained about before anything connects;
//! - `servers`, `preflight`, `environment`: what the run stands on;
//! - `stage`, `run`, `tally`: the phases of a run and what it records;
//! - `directory`, `read`: what it leaves behind, written as it goes and read again;
//! - `catalogue`: the scenarios at hand.
//!
//! Deliberately absent: printing, flags and signals (the door's), what a figure means (`model`), how it is laid out
//! (`report`), when an iteration starts (`load`).

mod catalogue;
mod directory;
mod environment;
mod error;
mod exit;
mod faulting;
mod inspect;
mod interrupts;
mod origin;
mod plan;
mod preflight;
mod prepare;
mod probing;
mod read;
mod request;
mod run;
mod runtime;
mod servers;
mod stage;
mod tally;
mod targets;

pub use catalogue::{Listed, scenarios};
pub use error::RunError;
pub use exit::ExitCode;
pub use inspect::{
    InspectedParameter, InspectedProbe, InspectedScenario, InspectedSetting, InspectedThreshold, Inspection,
    inspect,
};
pub use interrupts::{Interrupts, Urgency};
pub use origin::{Origin, Sourced};
pub use plan::Planned;
pub use prepare::{Prepared, WantedPostgres, WantedStore, prepare};
pub use read::{ReadError, StoredRun, read_run};
pub use request::{LoadRequest, RunRequest, ScriptRequest, TargetRequest};
pub use run::{Progress, RunOutcome, run};
pub use targets::{EMBEDDED, PostgresAt, StoreAt, StoreSettings, Target};
