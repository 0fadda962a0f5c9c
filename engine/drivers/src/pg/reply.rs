//! What comes back from an operation, whatever happened to it.

use model::outcome::Outcome;

use crate::pg::classify::Class;
use crate::pg::error::PgError;
use crate::pg::rows::Rows;
use crate::pg::statement::Rule;

/// The end of one operation: outcome, rows, times and bytes. A failure is data, never an `Err`.
#[derive(Debug, Clone)]
pub struct Reply {
    /// How it ended.
    pub outcome: Outcome,
    /// SQLSTATE, kind of I/O error or a word of the driver; `None` when it ended well, and for the conflict or
    /// emptiness of a row that was not there.
    pub class: Option<Class>,
    /// The rows that it gave.
    pub rows: Rows,
    /// How many rows it read or changed, as the server counts.
    pub affected: u64,
    /// From the request being ready to the whole answer, in nanoseconds.
    pub service_ns: u64,
    /// Waiting for a connection (or making and preparing one) before that, in nanoseconds; `None` when the
    /// connection was there and nobody waited.
    pub pool_wait_ns: Option<u64>,
    /// Bytes put on the wire for it.
    pub bytes_sent: u64,
    /// Bytes that came back for it.
    pub bytes_received: u64,
    /// What went wrong.
    pub error: Option<Box<PgError>>,
}

/// What the server answered, before a rule judges it.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    pub(crate) rows: Rows,
    pub(crate) affected: u64,
}

/// Times and bytes of a request, whether it went well or not.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Cost {
    pub(crate) service_ns: u64,
    pub(crate) pool_wait_ns: Option<u64>,
    pub(crate) bytes_sent: u64,
    pub(crate) bytes_received: u64,
}

impl Reply {
    pub(crate) fn new(rule: Rule, result: Result<Answer, Box<PgError>>, cost: Cost) -> Reply {
        let (outcome, class, answer, error) = match result {
            Ok(answer) => (judged(rule, answer.affected), None, answer, None),
            Err(error) => (error.outcome(), Some(error.class()), Answer::default(), Some(error)),
        };
        Reply {
            outcome,
            class,
            rows: answer.rows,
            affected: answer.affected,
            service_ns: cost.service_ns,
            pool_wait_ns: cost.pool_wait_ns,
            bytes_sent: cost.bytes_sent,
            bytes_received: cost.bytes_received,
            error,
        }
    }

    /// An operation that failed before anything was sent.
    pub(crate) fn failed(error: PgError, cost: Cost) -> Reply {
        Reply::new(Rule::Plain, Err(Box::new(error)), cost)
    }

    /// Whether it ended as [`Outcome::Ok`].
    pub fn is_ok(&self) -> bool {
        self.outcome == Outcome::Ok
    }

    /// Whether it is known what became of the operation: it was done, or it certainly changed nothing. Finer
    /// than the outcome: a `timeout` while waiting for a connection was never sent.
    pub fn fate_is_known(&self) -> bool {
        self.error.as_ref().is_none_or(|error| error.is_without_effect())
    }

    /// The class as text.
    pub fn class_name(&self) -> Option<&str> {
        self.class.as_ref().map(Class::as_str)
    }
}

fn judged(rule: Rule, affected: u64) -> Outcome {
    match (rule, affected) {
        (Rule::NoRowIsConflict, 0) => Outcome::Conflict,
        (Rule::NoRowIsEmpty, 0) => Outcome::Empty,
        _ => Outcome::Ok,
    }
}
