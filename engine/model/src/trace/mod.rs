//! Traces: single iterations, each as the list of operations that it made.
//!
//! Histograms say how long operations took and how often they failed; a trace says what one iteration did, in its order.
//! It is kept of iterations that failed or were cut off, the first of each kind, and of the slowest of each scenario. A line of
//! `traces.ndjson` is one [`Trace`].
//!
//! Times are numbers with their unit last in the name. `at_s` is on the run's clock, like every time axis of a run; what
//! lies within the iteration counts from its begin. An operation is a wait (for a connection) and behind it the service
//! (from sending until the reply was read); what no span covers is time in the script, asleep, or in an operation that was cut
//! off.
//!
//! Spans are placed by the moment at which their user was woken, not by a clock of their own: begins are early by the time
//! that reading the reply took (microseconds), and operations that need no waiting begin when their user last was woken.
//!
//! Deliberately absent: clocks, files, and how a trace is drawn (`report`).

mod keep;
mod log;

use serde::{Deserialize, Serialize};

pub use keep::{Keeper, TraceCounts, Traces};
pub use log::SpanLog;

use crate::{
    outcome::Outcome,
    recorder::{Ending, WindowKind},
};

/// Bytes that are kept of a message.
pub const MESSAGE_BYTES_AT_MOST: usize = 500;

/// One iteration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Trace {
    /// Its place in the run's file, counted from 1 in the order in which iterations began; 0 before it has one.
    pub number: u64,
    /// The scenario.
    pub scenario: String,
    /// The iteration's number: of the scenario's arrivals, or in a closed loop of its virtual user's own.
    pub iteration: u64,
    /// The virtual user's number, counted through all scenarios.
    pub vu: u64,
    /// The window it was planned in.
    pub window: WindowKind,
    /// When it began, on the run's clock.
    pub at_s: f64,
    /// How late it began against its plan; nothing in a closed loop, which has no plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lag_ms: Option<f64>,
    /// From its begin to its end.
    pub duration_ms: f64,
    /// How it ended. One that was done is here because it was slow.
    pub ending: Ending,
    /// What it failed with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<TraceError>,
    /// Its operations in the order in which they began.
    pub spans: Vec<Span>,
    /// Operations between the first and the very last that were left out, because there were too many.
    #[serde(default)]
    pub spans_left_out: u64,
}

/// What an iteration failed with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TraceError {
    /// SQLSTATE, S3 code, HTTP status or I/O kind of the operation that nobody handled; its outcome where there is no such
    /// class; `fail` when the script gave up on purpose, `script` when the script is wrong.
    pub class: String,
    /// In words.
    pub message: String,
    /// Where in the script (`file:line:column`), or empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub position: String,
}

/// One operation of an iteration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Span {
    /// The name it is recorded under.
    pub op: String,
    /// When it began (with its wait, if it had one), counted from the iteration's begin.
    pub at_ms: f64,
    /// How long it waited for a connection; nothing when it did not have to ask for one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait_ms: Option<f64>,
    /// From sending the request to having read the reply; begins when the wait is over.
    pub service_ms: f64,
    /// How it ended.
    pub outcome: Outcome,
    /// SQLSTATE, S3 code, HTTP status or I/O kind, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<String>,
    /// What the server said, where it said something.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

impl Span {
    /// When it ended, counted from the iteration's begin.
    pub fn end_ms(&self) -> f64 {
        self.at_ms + self.wait_ms.unwrap_or(0.0) + self.service_ms
    }
}

/// As much of a message as a trace keeps.
pub fn cut_message(message: &str) -> &str {
    &message[..message.floor_char_boundary(MESSAGE_BYTES_AT_MOST)]
}

/// Nanoseconds as milliseconds.
fn ms(ns: u64) -> f64 {
    ns as f64 / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_reads_back_as_it_was_written_and_says_its_units() {
        let span = Span {
            op: "swap".to_owned(),
            at_ms: 0.5,
            wait_ms: Some(0.25),
            service_ms: 1.125,
            outcome: Outcome::Error,
            class: Some("23514".to_owned()),
            message: Some("too much".to_owned()),
        };
        assert_eq!(span.end_ms(), 1.875);
        let error = TraceError { class: "23514".into(), message: "too much".into(), position: String::new() };
        let trace = Trace {
            number: 1,
            scenario: "main".to_owned(),
            iteration: 7,
            vu: 3,
            window: WindowKind::Measure,
            at_s: 2.5,
            lag_ms: None,
            duration_ms: 4.0,
            ending: Ending::Failed,
            error: Some(error),
            spans: vec![span],
            spans_left_out: 0,
        };
        let line = serde_json::to_string(&trace).unwrap();
        assert_eq!(
            line,
            r#"{"number":1,"scenario":"main","iteration":7,"vu":3,"window":"measure","at_s":2.5,"duration_ms":4.0,"ending":"failed","error":{"class":"23514","message":"too much"},"spans":[{"op":"swap","at_ms":0.5,"wait_ms":0.25,"service_ms":1.125,"outcome":"error","class":"23514","message":"too much"}],"spans_left_out":0}"#
        );
        assert_eq!(serde_json::from_str::<Trace>(&line).unwrap(), trace);
    }

    #[test]
    fn a_message_is_cut_between_characters() {
        assert_eq!(cut_message("short"), "short");
        let long = format!("{}ä and more", "x".repeat(MESSAGE_BYTES_AT_MOST - 1));
        assert_eq!(cut_message(&long), "x".repeat(MESSAGE_BYTES_AT_MOST - 1));
    }
}
