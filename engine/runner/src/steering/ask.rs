//! Speaks to the control port of a run that goes on elsewhere.

use std::time::Duration;

use http_body_util::{BodyExt as _, Full};
use hyper::{Method, Request, StatusCode, client::conn::http1, header};
use hyper_util::rt::TokioIo;
use script::Diagnostic;
use serde_json::Value;

use super::{
    address,
    serve::PATH,
    words::{Status, Wish},
};
use crate::runtime;

/// A run answers within milliseconds, and a busy machine within seconds.
const PATIENCE: Duration = Duration::from_secs(10);

/// Asks the run at `typed` for how it stands, or tells it what is wished for; the status is that afterwards.
///
/// # Errors
/// Nobody is there, or what was wished for is refused.
pub fn ask(typed: &str, wish: Option<Wish>) -> Result<Status, Diagnostic> {
    let address = address(typed);
    let runtime = runtime::local().map_err(|e| unreachable_at(&address, &e.to_string()))?;
    let answer = runtime.block_on(async { tokio::time::timeout(PATIENCE, exchange(&address, wish)).await });
    let (status, body) = match answer {
        Ok(answer) => answer.map_err(|problem| unreachable_at(&address, &problem))?,
        Err(_) => return Err(unreachable_at(&address, "it does not answer")),
    };
    if status != StatusCode::OK {
        let detail = body["errors"][0]["detail"].as_str().unwrap_or("it does not say why");
        return Err(Diagnostic::usage(format!("the run at {address} refuses: {detail}"))
            .help("see how it stands with `snapbench scale`"));
    }
    Status::of_json(&body)
        .ok_or_else(|| unreachable_at(&address, "what answers there is no run of snapbench"))
}

async fn exchange(address: &str, wish: Option<Wish>) -> Result<(StatusCode, Value), String> {
    let stream = tokio::net::TcpStream::connect(address).await.map_err(|e| e.to_string())?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(|e| e.to_string())?;
    // It ends with the exchange, whose own error says more.
    tokio::task::spawn_local(async move { drop(connection.await) });
    let method = if wish.is_some() { Method::PATCH } else { Method::GET };
    let body = wish.map_or(String::new(), |wish| wish.to_json().to_string());
    let request = Request::builder()
        .method(method)
        .uri(PATH)
        .header(header::HOST, address)
        .header(header::CONTENT_TYPE, "application/json")
        .body(Full::<bytes::Bytes>::from(body))
        .map_err(|e| e.to_string())?;
    let response = sender.send_request(request).await.map_err(|e| e.to_string())?;
    let status = response.status();
    let body = response.into_body().collect().await.map_err(|e| e.to_string())?.to_bytes();
    let value =
        serde_json::from_slice(&body).map_err(|_| "what answers there is no run of snapbench".to_owned())?;
    Ok((status, value))
}

fn unreachable_at(address: &str, problem: &str) -> Diagnostic {
    Diagnostic::usage(format!("no run can be reached at {address}: {problem}"))
        .help("start one with --control, or name its port with --address")
}
