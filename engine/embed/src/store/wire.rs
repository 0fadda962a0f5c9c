//! What the store process is ordered to do.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::Backend;
use crate::Durability;

/// Everything it needs to know.
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
