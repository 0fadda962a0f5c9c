//! From HTTP to values: the queue's name out of the path, the body as JSON, all problems of both together.

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use serde_json::Value;

use crate::error::{ApiError, Problem};
use crate::requests::{FromBody, Page, queue_name};

/// Bytes that a body may have: 2 MiB.
pub(crate) const BODY_BYTES: usize = 2 << 20;

/// A queue's name.
pub(crate) struct Named(pub(crate) String);

/// A queue's name and what the body asks for.
pub(crate) struct Asked<T>(pub(crate) String, pub(crate) T);

/// A queue's name and which of its items.
pub(crate) struct Paged(pub(crate) String, pub(crate) Page);

impl<S: Send + Sync> FromRequestParts<S> for Named {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Named, ApiError> {
        let mut problems = Vec::new();
        let name = name(parts, state, &mut problems).await;
        all_right(problems, name).map(Named)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Paged {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Paged, ApiError> {
        let mut problems = Vec::new();
        let name = name(parts, state, &mut problems).await;
        // Pairs of texts can be read out of any query.
        let query = Query::<Vec<(String, String)>>::from_request_parts(parts, state).await;
        let query = query.map(|Query(query)| query).unwrap_or_default();
        let page = Page::from_query(&query, &mut problems);
        all_right(problems, name.map(|name| (name, page))).map(|(name, page)| Paged(name, page))
    }
}

impl<S: Send + Sync, T: FromBody> FromRequest<S> for Asked<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Asked<T>, ApiError> {
        let (mut parts, body) = request.into_parts();
        let mut problems = Vec::new();
        let name = name(&mut parts, state, &mut problems).await;
        let request = Request::from_parts(parts, body);
        match json(request, state).await {
            Ok(value) => {
                let asked = T::from_body(value, &mut problems);
                all_right(problems, name.zip(asked)).map(|(name, asked)| Asked(name, asked))
            }
            Err((status, problem)) => {
                problems.push(problem);
                Err(ApiError::Request { status, problems })
            }
        }
    }
}

/// What was read, when there was no problem with it.
fn all_right<T>(problems: Vec<Problem>, read: Option<T>) -> Result<T, ApiError> {
    match read {
        Some(read) if problems.is_empty() => Ok(read),
        _ => Err(ApiError::Request { status: StatusCode::BAD_REQUEST, problems }),
    }
}

async fn name<S: Send + Sync>(parts: &mut Parts, state: &S, problems: &mut Vec<Problem>) -> Option<String> {
    match Path::<String>::from_request_parts(parts, state).await {
        Ok(Path(name)) => {
            queue_name(&name, problems);
            Some(name)
        }
        // Percent signs that decode to no text.
        Err(rejection) => {
            problems.push(Problem::new("queue", format!("the queue's name is no text: {rejection}")));
            None
        }
    }
}

/// The body as JSON, or the status and what is wrong with it.
async fn json<S: Send + Sync>(request: Request, state: &S) -> Result<Value, (StatusCode, Problem)> {
    let of_body = |status, message: String| (status, Problem::new("body", message));
    if let Err(message) = is_json(request.headers()) {
        return Err((StatusCode::UNSUPPORTED_MEDIA_TYPE, Problem::new("content-type", message)));
    }
    let body = Bytes::from_request(request, state).await.map_err(|rejection: BytesRejection| {
        let message = match rejection.status() {
            StatusCode::PAYLOAD_TOO_LARGE => {
                format!("the body is longer than {BODY_BYTES} bytes; send less at once")
            }
            _ => format!("the body did not arrive: {rejection}"),
        };
        of_body(rejection.status(), message)
    })?;
    if body.trim_ascii().is_empty() {
        let message = "the body is empty; it is a JSON object, {} at least".to_owned();
        return Err(of_body(StatusCode::BAD_REQUEST, message));
    }
    // The parser says where: `expected value at line 1 column 10`.
    serde_json::from_slice(&body)
        .map_err(|error| of_body(StatusCode::BAD_REQUEST, format!("the body is no JSON: {error}")))
}

/// # Errors
/// What the header should say.
fn is_json(headers: &HeaderMap) -> Result<(), String> {
    const RIGHT: &str = "it is `application/json`";
    let Some(value) = headers.get(header::CONTENT_TYPE) else {
        return Err(format!("the content-type is missing; {RIGHT}"));
    };
    let text = String::from_utf8_lossy(value.as_bytes());
    // What follows the semicolon is the charset, and JSON has one only.
    let essence = text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json")) {
        return Ok(());
    }
    Err(format!("the content-type is `{}`; {RIGHT}", crate::validate::shortened(&text)))
}
