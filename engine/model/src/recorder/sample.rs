//! What one operation and one iteration have to say, and to which window it belongs.

use serde::{Deserialize, Serialize};

use crate::outcome::{Expect, Outcome};

/// The part of the run in which a turn was planned. What was planned in the warm-up never reaches the
/// figures, however late it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum WindowKind {
    /// Before the measured window: recorded apart, shown on the time axis, in no figure.
    WarmUp,
    /// The measured window.
    Measure,
}

impl WindowKind {
    /// Both windows, in the order of time; `ALL[w as usize] == w`.
    pub const ALL: [WindowKind; 2] = [WindowKind::WarmUp, WindowKind::Measure];
}

/// An operation's number within one recorder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct OpId(pub(super) u32);

/// A scenario's number within one recorder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ScenarioId(pub(super) u32);

/// A custom metric's number within one recorder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct MetricId(pub(super) u32);

/// One operation, as its driver saw it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample<'a> {
    /// How it ended.
    pub outcome: Outcome,
    /// What kind of error (SQLSTATE, S3 code, HTTP status, I/O kind); nothing for the good outcomes.
    pub class: Option<&'a str>,
    /// What the caller had said should happen.
    pub expect: Expect,
    /// From sending the request to having read the reply; no waiting for a connection in it.
    pub service_ns: u64,
    /// How long it waited for a connection; nothing when it did not have to ask for one.
    pub pool_wait_ns: Option<u64>,
    /// Bytes that went out.
    pub bytes_sent: u64,
    /// Bytes that came back.
    pub bytes_received: u64,
    /// How many things it moved (rows, items, objects).
    pub items: u64,
}

/// How an iteration ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// It ran to its end.
    Done,
    /// It ended in an error nobody handled.
    Failed,
    /// It was cancelled when the grace after the run was over; how long it would have taken nobody knows.
    Interrupted,
}

/// One iteration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IterationSample {
    /// How late it started against its plan; nothing in a closed loop, which has no plan.
    pub lag_ns: Option<u64>,
    /// From its start to its end.
    pub service_ns: u64,
    /// From its planned start to its end. Only read when there was a plan (`lag_ns` is given).
    pub response_ns: u64,
    /// How it ended.
    pub ending: Ending,
}
