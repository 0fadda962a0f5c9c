//! Throw-away servers: a real Postgres, an S3-speaking object store and the reference HTTP service, each a child process
//! that one run starts, may kill, pause and restart, and leaves no trace of.
//!
//! The interface is blocking (threads, no runtime asked of the caller): a start takes a fraction of a second
//! and happens before the load clock runs.
//!
//! This crate knows nothing of load, scripts or reports. It does not decide *when* a fault happens; it only
//! knows how to do it.

pub mod child;
mod durability;
mod error;
mod faults;
mod guard;
mod helper;
mod os;
pub mod postgres;
pub mod service;
pub mod store;
mod together;

pub use durability::Durability;
pub use error::EmbedError;
pub use faults::Faults;
pub use together::{Servers, Wanted, start};
