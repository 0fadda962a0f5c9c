//! Which outcome an error means, and the short word that classes it.
//!
//! SQLSTATE classes: PostgreSQL documentation, appendix A.

use std::fmt;

use model::outcome::Outcome;

use crate::pg::connect::problem::ConnectProblem;
use crate::pg::error::{LostCause, PgError, ServerError, Stage};

/// The class of an error: an SQLSTATE, the kind of an I/O error, or a word of this driver.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Class(Word);

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Word {
    SqlState([u8; 5]),
    Named(&'static str),
}

impl Class {
    /// A parameter that does not fit, or a wrong number of them.
    pub const BAD_PARAMETER: Class = Class(Word::Named("bad_parameter"));
    /// A type that values cannot take.
    pub const UNSUPPORTED_TYPE: Class = Class(Word::Named("unsupported_type"));
    /// A statement that cannot be run in this way.
    pub const REFUSED: Class = Class(Word::Named("refused"));
    /// A commit of a transaction that had failed before.
    pub const ROLLED_BACK: Class = Class(Word::Named("rolled_back"));
    /// Bytes that are not Postgres's protocol.
    pub const PROTOCOL: Class = Class(Word::Named("protocol"));
    /// The server did not answer, not even to its own statement timeout.
    pub const CLIENT_TIMEOUT: Class = Class(Word::Named("client_timeout"));
    /// An answer that will not be held in memory.
    pub const TOO_LARGE: Class = Class(Word::Named("too_large"));
    /// The time was over before there was a connection.
    pub const POOL_TIMEOUT: Class = Class(Word::Named("pool_timeout"));

    /// The word itself.
    pub fn as_str(&self) -> &str {
        match &self.0 {
            Word::SqlState(code) => std::str::from_utf8(code).unwrap_or("XX000"),
            Word::Named(name) => name,
        }
    }

    fn sqlstate(error: &ServerError) -> Class {
        Class(Word::SqlState(error.code))
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Class({})", self.as_str())
    }
}

impl PgError {
    /// The outcome that this error is.
    pub fn outcome(&self) -> Outcome {
        match self {
            PgError::Server { error, .. } => of_sqlstate(error.sqlstate()),
            PgError::Connect { problem: ConnectProblem::Server(error), .. }
                if of_sqlstate(error.sqlstate()) == Outcome::Throttled =>
            {
                Outcome::Throttled
            }
            PgError::Lost { sent: true, .. }
            | PgError::Protocol { sent: true, .. }
            | PgError::TooLarge { sent: true, .. } => Outcome::Ambiguous,
            PgError::Timeout { .. } => Outcome::Timeout,
            _ => Outcome::Error,
        }
    }

    /// Its class.
    pub fn class(&self) -> Class {
        match self {
            PgError::Server { error, .. } => Class::sqlstate(error),
            PgError::Connect { problem, .. } => of_connect_problem(problem),
            PgError::Lost { cause: LostCause::Server(error), .. } => Class::sqlstate(error),
            PgError::Lost { cause: LostCause::Io { class, .. }, .. } => Class(Word::Named(class)),
            PgError::Lost { cause: LostCause::GivenUp, .. } => Class(Word::Named("given_up")),
            PgError::Lost { cause: LostCause::Gone, .. } => Class(Word::Named("connection_gone")),
            PgError::Timeout { stage: Stage::Answer | Stage::Preparing, .. } => Class::CLIENT_TIMEOUT,
            PgError::Timeout { stage: Stage::Connection, .. } => Class::POOL_TIMEOUT,
            PgError::BadParameter { .. } | PgError::ParameterCount { .. } => Class::BAD_PARAMETER,
            PgError::UnsupportedType { .. } => Class::UNSUPPORTED_TYPE,
            PgError::Refused { .. } => Class::REFUSED,
            PgError::RolledBack { .. } => Class::ROLLED_BACK,
            PgError::Protocol { .. } => Class::PROTOCOL,
            PgError::TooLarge { .. } => Class::TOO_LARGE,
        }
    }

    /// Whether it is certain that the operation changed nothing: it was never sent, or the server refused it,
    /// or what it did is undone. Finer than the outcome, where a `timeout` may be either.
    pub fn is_without_effect(&self) -> bool {
        match self {
            PgError::Lost { sent, .. } | PgError::Protocol { sent, .. } | PgError::TooLarge { sent, .. } => {
                !sent
            }
            PgError::Timeout { stage, .. } => *stage != Stage::Answer,
            // A statement that the server ends with an error, its own time limit included, is undone whole.
            PgError::Server { .. } | PgError::Connect { .. } | PgError::RolledBack { .. } => true,
            PgError::BadParameter { .. }
            | PgError::ParameterCount { .. }
            | PgError::UnsupportedType { .. }
            | PgError::Refused { .. } => true,
        }
    }

    /// What the server said, where it said something.
    pub fn server(&self) -> Option<&ServerError> {
        match self {
            PgError::Server { error, .. }
            | PgError::Connect { problem: ConnectProblem::Server(error), .. }
            | PgError::Lost { cause: LostCause::Server(error), .. } => Some(error),
            _ => None,
        }
    }
}

fn of_sqlstate(code: &str) -> Outcome {
    match code {
        // unique_violation, serialization_failure
        "23505" | "40001" => Outcome::Conflict,
        // query_canceled: the statement timeout, or our own cancel request
        "57014" => Outcome::Timeout,
        // too_many_connections, configuration_limit_exceeded, lock_not_available
        "53300" | "53400" | "55P03" => Outcome::Throttled,
        // data exceptions, integrity constraint violations
        _ if code.starts_with("22") || code.starts_with("23") => Outcome::Rejected,
        _ => Outcome::Error,
    }
}

fn of_connect_problem(problem: &ConnectProblem) -> Class {
    match problem {
        ConnectProblem::Io { class, .. } => Class(Word::Named(class)),
        ConnectProblem::Timeout(_) => Class(Word::Named("timed_out")),
        ConnectProblem::Server(error) => Class::sqlstate(error),
        ConnectProblem::NoPassword => Class(Word::Named("no_password")),
        ConnectProblem::Authentication(_) => Class(Word::Named("authentication")),
        ConnectProblem::NoTls | ConnectProblem::Tls(_) => Class(Word::Named("tls")),
        ConnectProblem::Protocol(_) => Class::PROTOCOL,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sqlstates_become_the_outcomes_of_the_contract() {
        for (code, outcome) in [
            ("23505", Outcome::Conflict),
            ("40001", Outcome::Conflict),
            ("57014", Outcome::Timeout),
            ("53300", Outcome::Throttled),
            ("53400", Outcome::Throttled),
            ("55P03", Outcome::Throttled),
            ("23503", Outcome::Rejected),
            ("23514", Outcome::Rejected),
            ("22P02", Outcome::Rejected),
            ("42601", Outcome::Error),
            ("53100", Outcome::Error),
            ("40P01", Outcome::Error),
        ] {
            assert_eq!(of_sqlstate(code), outcome, "{code}");
        }
    }

    fn timeout(stage: Stage) -> PgError {
        PgError::Timeout { op: "op".into(), limit: std::time::Duration::from_secs(1), stage }
    }

    #[test]
    fn a_timeout_before_anything_was_sent_leaves_no_doubt() {
        for (stage, is_without_effect) in
            [(Stage::Connection, true), (Stage::Preparing, true), (Stage::Answer, false)]
        {
            let error = timeout(stage);
            assert_eq!((error.outcome(), error.is_without_effect()), (Outcome::Timeout, is_without_effect));
        }
    }

    #[test]
    fn an_answer_that_cannot_be_read_leaves_the_fate_open() {
        for (sent, outcome) in [(true, Outcome::Ambiguous), (false, Outcome::Error)] {
            let error = PgError::TooLarge { op: "op".into(), sent };
            assert_eq!((error.outcome(), error.is_without_effect()), (outcome, !sent));
            assert_eq!(error.class(), Class::TOO_LARGE);
        }
    }

    #[test]
    fn a_class_is_the_sqlstate_itself() {
        let error = ServerError { code: *b"40001", ..ServerError::default() };
        assert_eq!(Class::sqlstate(&error).as_str(), "40001");
    }
}
