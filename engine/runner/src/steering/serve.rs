//! Answers on the control port for as long as the load goes, on a thread of its own.

use std::{convert::Infallible, net::TcpListener, time::Duration};

use futures_util::future::{Either, select};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::{
    Method, Request, Response, StatusCode, body::Incoming, header, server::conn::http1, service::service_fn,
};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::sync::watch;

use super::{Steered, words::Wish};
use crate::runtime;

/// The only thing there is.
pub(crate) const PATH: &str = "/v1/status";

/// A wish is a line.
const BODY_BYTES_AT_MOST: usize = 64 << 10;

/// Who asks has so long to say what.
const PATIENCE: Duration = Duration::from_secs(10);

/// Serves until the load is over. Who is being answered then is answered.
pub(crate) fn serve(listener: TcpListener, steered: &Steered, mut is_over: watch::Receiver<bool>) {
    // Without a runtime nobody can be answered; the run goes on as it was planned.
    let Ok(runtime) = runtime::local() else { return };
    runtime.block_on(async {
        let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
        let mut over = std::pin::pin!(is_over.wait_for(|is_over| *is_over));
        loop {
            let stream = match select(std::pin::pin!(listener.accept()), over.as_mut()).await {
                Either::Left((Ok((stream, _)), _)) => stream,
                // Too many open files, or a connection that went away: others may come.
                Either::Left((Err(_), _)) => {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
                Either::Right(_) => break,
            };
            let steered = steered.clone();
            let service = service_fn(move |request| answer(steered.clone(), request));
            let mut connections = http1::Builder::new();
            connections.keep_alive(false);
            let connection = connections.serve_connection(TokioIo::new(stream), service);
            tokio::task::spawn_local(async move {
                // Whoever does not listen to the answer has no other one.
                let _ = tokio::time::timeout(PATIENCE, connection).await;
            });
        }
    });
}

async fn answer(
    steered: Steered,
    request: Request<Incoming>,
) -> Result<Response<Full<bytes::Bytes>>, Infallible> {
    let (status, body) = match (request.uri().path(), request.method()) {
        (PATH, &Method::GET) => (StatusCode::OK, steered.status().to_json()),
        (PATH, &Method::PATCH) => match wish_of(request).await.and_then(|wish| steered.fulfil(wish)) {
            Ok(status) => (StatusCode::OK, status.to_json()),
            Err(problem) => (StatusCode::BAD_REQUEST, error(StatusCode::BAD_REQUEST, &problem)),
        },
        (PATH, _) => {
            let status = StatusCode::METHOD_NOT_ALLOWED;
            (status, error(status, "GET says how the run stands, PATCH changes it"))
        }
        (path, _) => (
            StatusCode::NOT_FOUND,
            error(StatusCode::NOT_FOUND, &format!("there is no {path}; there is {PATH}")),
        ),
    };
    let mut response = Response::new(Full::from(format!("{body}\n")));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
    Ok(response)
}

async fn wish_of(request: Request<Incoming>) -> Result<Wish, String> {
    let body = Limited::new(request.into_body(), BODY_BYTES_AT_MOST).collect().await;
    let body = body.map_err(|e| format!("the status cannot be read: {e}"))?.to_bytes();
    let value: Value = serde_json::from_slice(&body).map_err(|e| format!("this is no JSON: {e}"))?;
    Wish::of_json(&value)
}

/// An error as k6 says it.
fn error(status: StatusCode, detail: &str) -> Value {
    let title = status.canonical_reason().unwrap_or_default();
    json!({ "errors": [{ "status": status.as_str(), "title": title, "detail": detail }] })
}
