//! The client library's errors in this driver's words.

use std::error::Error as _;
use std::io;
use std::sync::Arc;

use deadpool_postgres::PoolError;
use tokio_postgres::error::{DbError, ErrorPosition};

use crate::pg::connect::problem::ConnectProblem;
use crate::pg::error::{LostCause, PgError, ServerError};
use crate::pg::fault::{Fault, end_of_stream};
use crate::pg::home::Home;
use crate::pg::pooled::wire::own_error;
use crate::pg::statement::Statement;

fn server_error(error: &DbError) -> Box<ServerError> {
    let text = |text: &str| text.to_owned();
    Box::new(ServerError {
        severity: error.parsed_severity().map_or_else(|| text(error.severity()), |known| known.to_string()),
        code: error.code().code().as_bytes().try_into().unwrap_or(*b"XX000"),
        message: text(error.message()),
        detail: error.detail().map(text),
        hint: error.hint().map(text),
        position: match error.position() {
            Some(ErrorPosition::Original(position)) => Some(*position),
            _ => None,
        },
        context: error.where_().map(text),
        constraint: error.constraint().map(text),
    })
}

/// How an exchange failed: an answer of the server, or a fault of the connection.
pub(crate) enum Failure {
    Server(Box<ServerError>),
    Fault(Fault),
}

/// Reads an error of a connection that stands. `sent` says whether anything of the request left.
pub(crate) fn failure(error: &tokio_postgres::Error, sent: bool) -> Failure {
    if let Some(answer) = error.as_db_error() {
        let answer = server_error(answer);
        return if answer.ends_connection() {
            Failure::Fault(Fault::lost(LostCause::Server(answer), sent))
        } else {
            Failure::Server(answer)
        };
    }
    let io = error.source().and_then(|source| source.downcast_ref::<io::Error>());
    Failure::Fault(match io {
        Some(io) if io.kind() != io::ErrorKind::InvalidInput => Fault::io(io, sent),
        _ if error.is_closed() => Fault::io(&end_of_stream(), sent),
        _ => Fault { sent, ..Fault::garbled(with_source(error)) },
    })
}

/// Reads an error of getting a connection.
pub(crate) fn connect_error(statement: &Statement, error: PoolError, home: &Home) -> Box<PgError> {
    let error = match error {
        PoolError::Backend(error) => error,
        other => {
            let reason = format!("the pool gave no connection: {other}");
            return Box::new(PgError::Refused { op: statement.shared_op(), reason });
        }
    };
    if let Some(own) = own_error(&error) {
        return Box::new(own.clone());
    }
    let problem = if let Some(answer) = error.as_db_error() {
        ConnectProblem::Server(server_error(answer))
    } else if let Some(io) = error.source().and_then(|source| source.downcast_ref::<io::Error>()) {
        ConnectProblem::io(io)
    } else if with_source(&error).contains("password missing") {
        ConnectProblem::NoPassword
    } else if error.is_closed() {
        ConnectProblem::io(&end_of_stream())
    } else {
        ConnectProblem::Authentication(with_source(&error))
    };
    Box::new(PgError::Connect { place: Arc::clone(&home.dialer.config.place), problem })
}

fn with_source(error: &tokio_postgres::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}
