//! What parent and store process say to each other: one JSON line on standard input, one on standard output.
//!
//! Not by arguments, because keys are secret and arguments are not.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::Backend;
use crate::Durability;

/// Everything the process needs to know. Standard input stays open after it: its end is the parent's end.
#[derive(Serialize, Deserialize)]
pub(super) struct Orders {
    pub(super) dir: PathBuf,
    /// 0 takes a free one.
    pub(super) port: u16,
    pub(super) backend: Backend,
    pub(super) durability: Durability,
    pub(super) access_key: String,
    pub(super) secret_key: String,
    pub(super) segment_bytes: u64,
    pub(super) sync_notes: Option<PathBuf>,
}

/// Said when requests are accepted, or cannot be.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Report {
    Ready { port: u16 },
    PortInUse,
    Failed(String),
}
