//! What an iteration does: typed operations on Postgres, object stores and HTTP services.
//!
//! Every operation ends as data: a reply with an outcome, its class, its times and its bytes. Nothing here
//! panics or retries, and a failure is never an `Err` that a caller may forget.
//!
//! Deliberately absent: Rhai (scripts reach this crate through `script`), load and schedules, recording.

pub mod fault;
pub mod http;
mod io_class;
mod net;
pub mod pg;
pub mod probe;
pub mod s3;
mod settings;
mod value;
pub mod wire;

pub use net::TrustError;
pub use settings::{SettingProblem, SettingsError};
pub use value::{Str, Value};
