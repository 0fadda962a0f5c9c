//! Which request is which operation, and how its result is said in HTTP.

use axum::extract::{DefaultBodyLimit, State};
use axum::http::{Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use axum::{Json, Router};
use serde_json::{Value, json};

use crate::body::{Asked, BODY_BYTES, Named, Paged};
use crate::error::ApiError;
use crate::pool::Connections;
use crate::queue;
use crate::requests::{Batch, Claim, Complete, Pop, Push};

type Answer = Result<Response, ApiError>;

/// All paths over one pool.
pub(crate) fn router(connections: Connections) -> Router {
    Router::new()
        .route("/health", get(health))
        .route("/v1/queues/{queue}", put(create).delete(remove).get(depth))
        .route("/v1/queues/{queue}/items", post(push).get(list))
        .route("/v1/queues/{queue}/batch", post(batch))
        .route("/v1/queues/{queue}/pop", post(pop))
        .route("/v1/queues/{queue}/claim", post(claim))
        .route("/v1/queues/{queue}/complete", post(complete))
        .fallback(unknown_path)
        .method_not_allowed_fallback(wrong_method)
        .layer(DefaultBodyLimit::max(BODY_BYTES))
        .with_state(connections)
}

async fn health(State(connections): State<Connections>) -> Answer {
    queue::answers(&connections).await?;
    Ok(Json(json!({ "status": "ok" })).into_response())
}

async fn create(State(connections): State<Connections>, Named(queue): Named) -> Answer {
    let is_new = queue::create(&connections, &queue).await?;
    let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Json(json!({ "queue": queue }))).into_response())
}

async fn remove(State(connections): State<Connections>, Named(queue): Named) -> Answer {
    let deleted = queue::remove(&connections, &queue).await?;
    Ok(Json(json!({ "deleted": deleted })).into_response())
}

async fn depth(State(connections): State<Connections>, Named(queue): Named) -> Answer {
    let (ready, waiting) = queue::depth(&connections, &queue).await?;
    Ok(Json(json!({ "ready": ready, "waiting": waiting })).into_response())
}

async fn push(State(connections): State<Connections>, Asked(queue, push): Asked<Push>) -> Answer {
    let id = queue::push(&connections, &queue, &push).await?;
    Ok((StatusCode::CREATED, Json(json!({ "id": id }))).into_response())
}

async fn batch(State(connections): State<Connections>, Asked(queue, batch): Asked<Batch>) -> Answer {
    let ids = queue::push_all(&connections, &queue, batch.items).await?;
    Ok((StatusCode::CREATED, Json(json!({ "ids": ids }))).into_response())
}

async fn pop(State(connections): State<Connections>, Asked(queue, pop): Asked<Pop>) -> Answer {
    let items = queue::pop(&connections, &queue, pop.depth).await?;
    Ok(items_or_nothing(items.into_iter().map(|taken| taken.as_json()).collect()))
}

async fn claim(State(connections): State<Connections>, Asked(queue, claim): Asked<Claim>) -> Answer {
    let items = queue::claim(&connections, &queue, &claim).await?;
    Ok(items_or_nothing(items.into_iter().map(|leased| leased.as_json()).collect()))
}

async fn complete(State(connections): State<Connections>, Asked(queue, complete): Asked<Complete>) -> Answer {
    let (completed, lost) = queue::complete(&connections, &queue, &complete.tasks).await?;
    Ok(Json(json!({ "completed": completed, "lost": lost })).into_response())
}

async fn list(State(connections): State<Connections>, Paged(queue, page): Paged) -> Answer {
    let (items, next) = queue::list(&connections, &queue, &page).await?;
    let items: Vec<Value> = items.into_iter().map(|kept| kept.as_json()).collect();
    Ok(Json(json!({ "items": items, "next": next })).into_response())
}

fn items_or_nothing(items: Vec<Value>) -> Response {
    if items.is_empty() {
        return StatusCode::NO_CONTENT.into_response();
    }
    Json(json!({ "items": items })).into_response()
}

async fn unknown_path(uri: Uri) -> ApiError {
    let message = format!(
        "there is nothing at {}; there are /health, /v1/queues/{{queue}} and below it /items, /batch, /pop, /claim \
         and /complete",
        crate::validate::shortened(uri.path())
    );
    ApiError::one(StatusCode::NOT_FOUND, "path", message)
}

/// What would be right is in the header `Allow`, which the router adds.
async fn wrong_method(method: Method) -> ApiError {
    let message = format!("{method} means nothing here; the header `Allow` says what does");
    ApiError::one(StatusCode::METHOD_NOT_ALLOWED, "method", message)
}
