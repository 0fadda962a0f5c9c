//! One run: scenario, target, load and probes in; run directory and verdict out.

mod directory;
mod environment;
mod error;
mod exit;
mod interrupts;
mod origin;
mod plan;
mod prepare;
mod request;
mod stage;
mod targets;

pub use error::RunError;
pub use exit::ExitCode;
pub use interrupts::{Interrupts, Urgency};
pub use origin::{Origin, Sourced};
pub use plan::Planned;
pub use prepare::{Prepared, WantedPostgres, WantedStore, prepare};
pub use request::{LoadRequest, RunRequest, ScriptRequest, TargetRequest};
pub use targets::{EMBEDDED, PostgresAt, StoreAt, StoreSettings, Target};
