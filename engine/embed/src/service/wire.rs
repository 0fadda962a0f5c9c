//! What the service process is ordered to do.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Everything it needs to know.
#[derive(Serialize, Deserialize)]
pub(super) struct Orders {
    /// May hold a password.
    pub(super) postgres_url: String,
    /// 0 takes a free one.
    pub(super) port: u16,
    pub(super) connections: usize,
    pub(super) patience: Duration,
}
