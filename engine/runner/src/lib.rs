//! One run: scenario, target, load and probes in; run directory, verdict and exit code out.
//!
//! - `request`, `targets`, `origin`: what the user asks for, and where each value came from;
//! - `prepare`, `wanted`, `plan`: everything that can be known and complained about before anything connects;
//! - `servers`, `preflight`, `environment`: what the run stands on;
//! - `stage`, `run`, `tally`: the phases of a run and what it records;
//! - `reset`: what a script keeps on a server, removed without a load;
//! - `steering`: how a run is changed from outside while it goes;
//! - `directory`, `read`, `traces`: what it leaves behind, written as it goes and read again;
//! - `catalogue`: the scenarios at hand;
//! - `faulting`, `breakable`, `detours`: what is broken on purpose, whether it can be, and the proxies that it takes;
//! - `profiling`: where a running generator's processor time goes;
//! - `conformance`: whether an object store keeps S3's own rules.
//!
//! Deliberately absent: printing, flags and signals (the door's), what a figure means (`model`), how it is laid out
//! (`report`), when an iteration starts (`load`).

mod breakable;
mod catalogue;
mod conformance;
mod detours;
mod directory;
mod environment;
mod error;
mod exit;
mod faulting;
mod inspect;
mod inspected;
mod interrupts;
mod origin;
mod plan;
mod preflight;
mod prepare;
mod probing;
mod profiling;
mod read;
mod request;
mod reset;
mod run;
mod runtime;
mod servers;
mod stage;
mod steering;
mod steps;
mod tally;
mod targets;
mod traces;
mod wanted;

pub use catalogue::{Listed, scenarios};
pub use conformance::{Finding, Need, Rule, StoreCheck, Verdict, check_store};
pub use error::RunError;
pub use exit::ExitCode;
pub use inspect::inspect;
pub use inspected::{
    InspectedComparison, InspectedFault, InspectedGate, InspectedHold, InspectedParameter, InspectedProbe,
    InspectedScenario, InspectedSetting, InspectedSweep, InspectedThreshold, Inspection,
};
pub use interrupts::{Interrupts, Urgency};
pub use origin::{Origin, Sourced};
pub use plan::Planned;
pub use prepare::{Prepared, prepare};
pub use profiling::{Generator, Profile, Share, Stacks, profile};
pub use read::{ReadError, StoredRun, read_run};
pub use request::{LoadRequest, ResetRequest, RunRequest, ScriptRequest, TargetRequest};
pub use reset::{Reset, reset};
pub use run::{Progress, RunOutcome, run};
pub use steering::{CONTROL_ADDRESS, Status, Wish, ask};
pub use targets::{
    Action, EMBEDDED, FaultCommands, HttpAt, PostgresAt, ServerCommands, ServiceSettings, StoreAt,
    StoreSettings, Target,
};
pub use traces::{StoredTraces, TraceReadError, read_traces};
pub use wanted::{WantedHttp, WantedPostgres, WantedStore};
