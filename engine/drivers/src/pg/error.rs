//! What went wrong, in sentences that say where and what to do.
//!
//! An error is data inside a reply; which outcome it means is `classify`'s decision.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use crate::io_class::io_class;
use crate::pg::config::Place;
use crate::pg::connect::problem::ConnectProblem;

/// A refusal by the server, with every field that helps to find its cause.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ServerError {
    /// `ERROR`, `FATAL` or `PANIC`, not translated.
    pub severity: String,
    /// The five characters of the SQLSTATE.
    pub code: [u8; 5],
    /// The primary message.
    pub message: String,
    /// A second message with details.
    pub detail: Option<String>,
    /// What the server suggests.
    pub hint: Option<String>,
    /// Character in the SQL text at which the error is, counted from 1.
    pub position: Option<u32>,
    /// The call stack of functions, where the error is inside one.
    pub context: Option<String>,
    /// The constraint that was violated.
    pub constraint: Option<String>,
}

impl ServerError {
    /// The SQLSTATE as text.
    pub fn sqlstate(&self) -> &str {
        std::str::from_utf8(&self.code).unwrap_or("XX000")
    }

    /// Whether the server ends the connection with this error.
    pub fn ends_connection(&self) -> bool {
        matches!(self.severity.as_str(), "FATAL" | "PANIC")
    }
}

impl fmt::Display for ServerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (SQLSTATE {})", self.message, self.sqlstate())?;
        if let Some(position) = self.position {
            write!(f, " at character {position} of the SQL")?;
        }
        if let Some(detail) = &self.detail {
            write!(f, "; detail: {detail}")?;
        }
        if let Some(hint) = &self.hint {
            write!(f, "; hint: {hint}")?;
        }
        if let Some(context) = &self.context {
            write!(f, "; in: {}", context.replace('\n', " ← "))?;
        }
        Ok(())
    }
}

/// Why an operation did not end as it was meant to.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum PgError {
    /// The server refused the statement.
    #[error("{op}: {error}")]
    Server {
        /// The operation's name.
        op: Arc<str>,
        /// What the server said.
        error: Box<ServerError>,
    },
    /// There was no connection to run it on.
    #[error("cannot connect to {place}: {problem}. {}", problem.remedy(place))]
    Connect {
        /// Where to.
        place: Arc<Place>,
        /// What failed.
        problem: ConnectProblem,
    },
    /// The connection was lost while the operation was under way.
    #[error("{op}: the connection to {place} was lost {}: {cause}", if *sent { "after the request was sent, so that its fate is unknown" } else { "before the request took effect" })]
    Lost {
        /// The operation's name.
        op: Arc<str>,
        /// Whose connection.
        place: Arc<Place>,
        /// What ended it.
        cause: LostCause,
        /// Whether the request may have taken effect.
        sent: bool,
    },
    /// No answer within the time allowed.
    #[error(
        "{op}: no answer within {limit:?} while {stage}; raise the timeout if that much is expected, \
         else look for locks, a stalled server or a pool that is too small"
    )]
    Timeout {
        /// The operation's name.
        op: Arc<str>,
        /// The time allowed.
        limit: Duration,
        /// What it was waiting for.
        stage: Stage,
    },
    /// A parameter is not what the statement needs.
    #[error("{op}: parameter ${number} must be {wanted}, but `{value}` ({kind}) {reason}")]
    BadParameter {
        /// The operation's name.
        op: Arc<str>,
        /// Its number, from 1.
        number: usize,
        /// The type that the server asks for.
        wanted: String,
        /// The value, cut when it is long.
        value: String,
        /// What kind of value it is.
        kind: &'static str,
        /// Why it does not fit.
        reason: String,
    },
    /// Too many or too few parameters.
    #[error("{op}: the SQL has {wanted} parameters, but {given} values were given")]
    ParameterCount {
        /// The operation's name.
        op: Arc<str>,
        /// How many the statement has.
        wanted: usize,
        /// How many came.
        given: usize,
    },
    /// A type that values here cannot take.
    #[error(
        "{op}: {what} has the type {type_name}, which is not supported: cast it to text in the SQL ({cast})"
    )]
    UnsupportedType {
        /// The operation's name.
        op: Arc<str>,
        /// Which parameter or column.
        what: String,
        /// The type's name.
        type_name: String,
        /// How the cast is written.
        cast: String,
    },
    /// A statement that cannot be run in this way.
    #[error("{op}: {reason}")]
    Refused {
        /// The operation's name.
        op: Arc<str>,
        /// Why, and what to do instead.
        reason: String,
    },
    /// The transaction could not be committed, because it had failed or was lost before.
    #[error("{op}: nothing was committed: {reason}")]
    RolledBack {
        /// The operation's name.
        op: Arc<str>,
        /// What had happened to it.
        reason: String,
    },
    /// The bytes that came are not Postgres's protocol, or not in its order.
    #[error(
        "{op}: {place} answered outside the protocol ({message}); is something other than Postgres, or a \
         proxy without support for prepared statements, in between?"
    )]
    Protocol {
        /// The operation's name.
        op: Arc<str>,
        /// Whose answer.
        place: Arc<Place>,
        /// What was wrong.
        message: String,
        /// Whether the request may have taken effect.
        sent: bool,
    },
    /// More came back than will be held in memory.
    #[error("{op}: the answer is larger than 1 GiB: read it in parts (LIMIT)")]
    TooLarge {
        /// The operation's name.
        op: Arc<str>,
        /// Whether the request may have taken effect.
        sent: bool,
    },
}

/// What an operation was waiting for when its time was over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// For a connection: from the pool, or to be made.
    Connection,
    /// For the server to prepare the statement, which changes nothing.
    Preparing,
    /// For the server's answer.
    Answer,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Stage::Connection => "waiting for a connection",
            Stage::Preparing => "waiting for the server to prepare it",
            Stage::Answer => "waiting for the server",
        })
    }
}

/// What ended a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LostCause {
    /// The operating system's error, or the end of the stream.
    Io {
        /// A short name for it.
        class: &'static str,
        /// Its text.
        message: String,
    },
    /// The server said why it hangs up.
    Server(Box<ServerError>),
    /// An operation before this one on the same connection was given up.
    GivenUp,
    /// It had already ended, and there is a transaction that only it could continue.
    Gone,
}

impl LostCause {
    pub(crate) fn io(error: &io::Error) -> LostCause {
        LostCause::Io { class: io_class(error), message: error.to_string() }
    }
}

impl fmt::Display for LostCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LostCause::Io { message, .. } => f.write_str(message),
            LostCause::Server(error) => write!(f, "{error}"),
            LostCause::GivenUp => f.write_str("an operation before it on the same connection was given up"),
            LostCause::Gone => f.write_str("it had already ended, and the transaction with it"),
        }
    }
}
