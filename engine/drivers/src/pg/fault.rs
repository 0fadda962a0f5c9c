//! Why an exchange with the server did not come to an end, before it is known what that means.
//!
//! Without the operation's name: several operations may suffer the same fault.

use std::io;
use std::sync::Arc;

use crate::pg::error::{LostCause, PgError, ServerError};
use crate::pg::home::Home;
use crate::pg::lean::wire::ScanError;
use crate::pg::statement::Statement;

/// Why an exchange did not come to an end.
#[derive(Debug, Clone)]
pub(crate) struct Fault {
    pub(crate) kind: FaultKind,
    /// Whether the request may have taken effect.
    pub(crate) sent: bool,
}

#[derive(Debug, Clone)]
pub(crate) enum FaultKind {
    Lost(LostCause),
    Garbled(String),
    TooLarge,
}

impl Fault {
    pub(crate) fn lost(cause: LostCause, sent: bool) -> Fault {
        Fault { kind: FaultKind::Lost(cause), sent }
    }

    pub(crate) fn io(error: &io::Error, sent: bool) -> Fault {
        Fault::lost(LostCause::io(error), sent)
    }

    /// Bytes of a reply, so that a request had been sent, that cannot be it.
    pub(crate) fn garbled(message: impl Into<String>) -> Fault {
        Fault { kind: FaultKind::Garbled(message.into()), sent: true }
    }

    /// The same in something that changes nothing, such as preparing: it leaves no doubt.
    pub(crate) fn unsent(self) -> Fault {
        Fault { sent: false, ..self }
    }

    /// The same as an error of an operation.
    pub(crate) fn into_error(self, op: Arc<str>, home: &Home) -> Box<PgError> {
        let place = Arc::clone(&home.dialer.config.place);
        let sent = self.sent;
        Box::new(match self.kind {
            FaultKind::Lost(cause) => PgError::Lost { op, place, cause, sent },
            FaultKind::Garbled(message) => PgError::Protocol { op, place, message, sent },
            FaultKind::TooLarge => PgError::TooLarge { op, sent },
        })
    }
}

impl From<ScanError> for Fault {
    fn from(error: ScanError) -> Self {
        let kind = match error {
            ScanError::Garbled(message) => FaultKind::Garbled(message),
            ScanError::TooLarge => FaultKind::TooLarge,
        };
        Fault { kind, sent: true }
    }
}

/// The end of the stream where a reply should be.
pub(crate) fn end_of_stream() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "the server closed the connection")
}

/// An error that the server gave while it prepared a statement, which changes nothing.
pub(crate) fn preparing_error(statement: &Statement, error: Box<ServerError>, home: &Home) -> Box<PgError> {
    if error.ends_connection() {
        return Fault::lost(LostCause::Server(error), false).into_error(statement.shared_op(), home);
    }
    Box::new(PgError::Server { op: statement.shared_op(), error })
}
