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
pub(crate) enum Fault {
    Lost { cause: LostCause, sent: bool },
    Garbled(String),
    TooLarge,
}

impl Fault {
    pub(crate) fn lost(error: &io::Error, sent: bool) -> Fault {
        Fault::Lost { cause: LostCause::io(error), sent }
    }

    /// The same as an error of an operation.
    pub(crate) fn into_error(self, op: Arc<str>, home: &Home) -> Box<PgError> {
        let place = Arc::clone(&home.dialer.config.place);
        Box::new(match self {
            Fault::Lost { cause, sent } => PgError::Lost { op, place, cause, sent },
            Fault::Garbled(message) => PgError::Protocol { op, place, message },
            Fault::TooLarge => {
                let reason = "the answer is larger than 1 GiB: read it in parts (LIMIT)".to_owned();
                PgError::Refused { op, reason }
            }
        })
    }
}

impl From<ScanError> for Fault {
    fn from(error: ScanError) -> Self {
        match error {
            ScanError::Garbled(message) => Fault::Garbled(message),
            ScanError::TooLarge => Fault::TooLarge,
        }
    }
}

/// The end of the stream where a reply should be.
pub(crate) fn end_of_stream() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "the server closed the connection")
}

/// An error that the server gave for a statement; one that ends the connection leaves its fate open.
pub(crate) fn server_error(statement: &Statement, error: Box<ServerError>, home: &Home) -> Box<PgError> {
    if error.ends_connection() {
        return Fault::Lost { cause: LostCause::Server(error), sent: true }
            .into_error(statement.shared_op(), home);
    }
    Box::new(PgError::Server { op: statement.shared_op(), error })
}
