//! HTTP services: what statuses mean, what is kept between requests, and servers that misbehave.

mod detours;
mod exchanges;
mod faults;
mod multiplexed;
mod server;
mod tls;

use std::time::Duration;

use bytes::Bytes;
use drivers::http::{Http, HttpReply, HttpRequest, HttpRules, HttpSettings, HttpTarget, Method};
use model::outcome::Outcome;

use crate::s3::canned::{Answer, Canned};

/// A service at that address.
fn settings(url: &str) -> HttpSettings {
    HttpSettings { url: Some(url.to_owned()), timeout: Some("5s".to_owned()), ..HttpSettings::default() }
}

fn open(settings: &HttpSettings) -> Http {
    Http::open(&settings.check().unwrap()).unwrap()
}

/// A server that answers so, and a client of it.
async fn against(answers: Vec<Answer>) -> (Canned, Http) {
    let server = Canned::start(answers).await;
    let http = open(&settings(&server.endpoint()));
    (server, http)
}

/// One request without anything beside.
async fn ask(http: &Http, method: Method, target: &str, body: &'static str) -> HttpReply {
    ask_within(http, method, target, body, None).await
}

async fn ask_within(
    http: &Http,
    method: Method,
    target: &str,
    body: &'static str,
    timeout: Option<Duration>,
) -> HttpReply {
    let request = HttpRequest {
        method: &method,
        target: HttpTarget::parse(target).unwrap(),
        headers: &[],
        content_type: None,
        body: Bytes::from_static(body.as_bytes()),
        timeout,
        rules: &HttpRules::default(),
    };
    http.send(request).await
}

async fn get(http: &Http, target: &str) -> HttpReply {
    ask(http, Method::GET, target, "").await
}

async fn post(http: &Http, target: &str) -> HttpReply {
    ask(http, Method::POST, target, "x").await
}

/// How it ended: outcome, class, status.
fn end(reply: &HttpReply) -> (Outcome, Option<&str>, Option<u16>) {
    (reply.outcome, reply.class.as_deref(), reply.status)
}
