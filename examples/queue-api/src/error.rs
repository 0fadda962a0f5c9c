//! What a request is answered when it is not done: always JSON, always with what to do about it.
//!
//! `{"error": "the request has 2 problems", "problems": [{"field": "priority", "message": "…"}, …]}` is about the request:
//! repeating it as it is does not help. `{"error": "…", "outcome": "none"}` is about Postgres, and comes with 503 and
//! `Retry-After`: nothing was changed. With 504 the outcome is `unknown`: the connection went while Postgres worked.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use deadpool_postgres::{PoolError, TimeoutType};
use serde_json::{Value, json};
use tokio_postgres::error::SqlState;

/// Problems that are listed; a thousand items may have thousands.
const LISTED: usize = 100;

/// One thing that is wrong with a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    /// Where: `priority`, `items[3].priority`, or `body`, `path`, `method`, `queue`.
    pub(crate) field: String,
    /// What is wrong and what would be right.
    pub(crate) message: String,
}

impl Problem {
    pub(crate) fn new(field: impl Into<String>, message: impl Into<String>) -> Problem {
        Problem { field: field.into(), message: message.into() }
    }
}

/// Whether a request that failed changed anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It did not.
    None,
    /// The connection went while Postgres worked on it.
    Unknown,
}

/// Why a request was not done.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ApiError {
    /// The request is wrong.
    #[error("the request is refused")]
    Request { status: StatusCode, problems: Vec<Problem> },
    /// Postgres is away, too busy or too slow: it may work later.
    #[error("{reason}")]
    Unavailable { reason: String, outcome: Outcome },
    /// Postgres refuses what no request should make it refuse.
    #[error("{reason}")]
    Refused { reason: String, code: String },
}

impl ApiError {
    /// One problem that has a status of its own.
    pub(crate) fn one(status: StatusCode, field: impl Into<String>, message: impl Into<String>) -> ApiError {
        ApiError::Request { status, problems: vec![Problem::new(field, message)] }
    }

    /// No connection to be had.
    pub(crate) fn no_connection(error: PoolError, size: usize) -> ApiError {
        let reason = match error {
            PoolError::Timeout(TimeoutType::Wait) => {
                format!("no connection to Postgres became free in time (there are {size} at most)")
            }
            PoolError::Timeout(_) => "Postgres does not accept connections in time".to_owned(),
            PoolError::Backend(error) => return ApiError::before(error),
            other => format!("there is no connection to Postgres: {other}"),
        };
        ApiError::Unavailable { reason, outcome: Outcome::None }
    }

    /// What went wrong before the statement was sent.
    pub(crate) fn before(error: tokio_postgres::Error) -> ApiError {
        ApiError::of(&error, Outcome::None)
    }

    /// What went wrong while the statement ran. What Postgres says about it has undone it, except for its own end.
    pub(crate) fn during(error: tokio_postgres::Error) -> ApiError {
        let says_its_end = |code: &SqlState| code.code().starts_with("57P");
        let is_undone = error.code().is_some_and(|code| !says_its_end(code));
        ApiError::of(&error, if is_undone { Outcome::None } else { Outcome::Unknown })
    }

    fn of(error: &tokio_postgres::Error, outcome: Outcome) -> ApiError {
        let reason = format!("Postgres: {}", in_words(error));
        match error.code() {
            Some(code) if !may_pass(code) => ApiError::Refused { reason, code: code.code().to_owned() },
            _ => ApiError::Unavailable { reason, outcome },
        }
    }
}

/// Whether the same request may succeed later. Classes of the documentation, appendix "PostgreSQL Error Codes": 08
/// connections, 40 rollback (deadlocks), 53 resources, 55 not in the state (locks), 57 an operator's or a limit's doing.
fn may_pass(code: &SqlState) -> bool {
    ["08", "40", "53", "55", "57"].iter().any(|class| code.code().starts_with(class))
}

/// An error of tokio-postgres with its causes, which its own text leaves out.
pub(crate) fn in_words(error: &tokio_postgres::Error) -> String {
    if let Some(said) = error.as_db_error() {
        return format!("{} (SQLSTATE {})", said.message(), said.code().code());
    }
    let mut words = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        words.push_str(&format!(": {error}"));
        cause = error.source();
    }
    words
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        match self {
            ApiError::Request { status, problems } => (status, Json(listed(&problems))).into_response(),
            ApiError::Unavailable { reason, outcome } => {
                // A client must be able to tell the two apart: after the one it may ask again, after the other it may not.
                let (status, outcome) = match outcome {
                    Outcome::None => (StatusCode::SERVICE_UNAVAILABLE, "none"),
                    Outcome::Unknown => (StatusCode::GATEWAY_TIMEOUT, "unknown"),
                };
                tracing::warn!(reason, outcome, "answered with {status}");
                let retry = [(header::RETRY_AFTER, HeaderValue::from_static("1"))];
                let body = json!({ "error": reason, "outcome": outcome });
                (status, retry, Json(body)).into_response()
            }
            // What exactly is for the log: a client can do nothing with it.
            ApiError::Refused { reason, code } => {
                tracing::error!(reason, "answered with 500");
                let error = format!("Postgres refused the statement (SQLSTATE {code}); the log says more");
                (StatusCode::INTERNAL_SERVER_ERROR, Json(json!({ "error": error }))).into_response()
            }
        }
    }
}

fn listed(problems: &[Problem]) -> Value {
    let mut error = match problems.len() {
        1 => "the request has 1 problem".to_owned(),
        n => format!("the request has {n} problems"),
    };
    if problems.len() > LISTED {
        error.push_str(&format!("; the first {LISTED} are listed"));
    }
    let shown = problems.iter().take(LISTED);
    let shown: Vec<Value> =
        shown.map(|problem| json!({ "field": problem.field, "message": problem.message })).collect();
    json!({ "error": error, "problems": shown })
}
