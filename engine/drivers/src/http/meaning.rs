//! What became of a request, in an outcome, a class and a sentence for a person (the table is at the head of `http`).
//!
//! Sentences name the server and not the path: the same failure is told once, however many paths it was met on.
//! Deliberately does no I/O.

use std::io;
use std::time::Duration;

use http::Method;
use http::header::LOCATION;
use model::outcome::Outcome;

use super::reply::{BODY_LIMIT_BYTES, Class, HttpReply};
use super::rules::{HttpRules, changes_something};
use crate::io_class::{connect_remedy, io_class};
use crate::net::{Origin, Received, Trouble, TrustError};

/// Most of an unexpected reply that a message quotes.
const QUOTED_CHARS: usize = 80;

/// Whom messages talk about.
pub(super) struct Place {
    url: String,
    is_http2: bool,
}

/// What was asked, as far as it says what the end means.
pub(super) struct Asked<'a> {
    pub(super) method: &'a Method,
    pub(super) rules: &'a HttpRules,
    pub(super) timeout: Duration,
}

impl Asked<'_> {
    /// The outcome when no reply could be read.
    fn unread(&self, was_sent: bool, otherwise: Outcome) -> Outcome {
        if was_sent && changes_something(self.method) { Outcome::Ambiguous } else { otherwise }
    }
}

impl Place {
    pub(super) fn new(origin: &Origin, is_http2: bool) -> Self {
        Place { url: origin.to_string(), is_http2 }
    }

    /// There is a reply.
    pub(super) fn answered(&self, asked: &Asked<'_>, received: Received) -> HttpReply {
        let status = received.head.status;
        let outcome = asked.rules.outcome(asked.method, status.as_u16());
        let mut reply = HttpReply::new(outcome);
        if outcome != Outcome::Ok {
            reply.class = Some(Class::Owned(status.as_str().to_owned()));
            reply.message = Some(self.refused(&received));
        }
        reply.status = Some(status.as_u16());
        reply.bytes_received = received.body.len() as u64;
        (reply.headers, reply.body) = (received.head.headers, received.body);
        reply
    }

    fn refused(&self, received: &Received) -> String {
        let status = received.head.status;
        let mut message = format!("{} answered {status}", self.url);
        let start = quoted(&received.body);
        if !start.is_empty() {
            message.push_str(&format!(" (`{start}`)"));
        }
        match status.as_u16() {
            401 | 403 => {
                message.push_str(
                    "; give what it asks for in `headers` of the call, or `headers_env` of the target",
                );
            }
            300..=399 => {
                let elsewhere = received.head.headers.get(LOCATION).and_then(|value| value.to_str().ok());
                // What stands behind the path may be a secret.
                let elsewhere = elsewhere.and_then(|url| url.split(['?', '#']).next()).unwrap_or("elsewhere");
                message
                    .push_str(&format!(" and points to {elsewhere}; redirects are not followed: ask there"));
            }
            _ => {}
        }
        message
    }

    /// There is none.
    pub(super) fn ended(&self, asked: &Asked<'_>, trouble: Trouble) -> HttpReply {
        let (was_sent, otherwise) = match &trouble {
            Trouble::Unreachable(_) | Trouble::Untrusted(_) => (false, Outcome::Error),
            Trouble::TimedOut { was_sent } => (*was_sent, Outcome::Timeout),
            Trouble::Lost { was_sent, .. } | Trouble::NotHttp { was_sent, .. } => (*was_sent, Outcome::Error),
            Trouble::TooLarge => (true, Outcome::Error),
        };
        let (class, message) = self.told(trouble, asked.timeout);
        ended(asked.unread(was_sent, otherwise), class, message)
    }

    /// Why there is no connection, for a first look.
    pub(super) fn out_of_reach(&self, trouble: Trouble, timeout: Duration) -> String {
        self.told(trouble, timeout).1
    }

    /// Class and sentence.
    fn told(&self, trouble: Trouble, timeout: Duration) -> (&'static str, String) {
        let url = &self.url;
        match trouble {
            Trouble::Unreachable(error) => self.unreachable(&error),
            Trouble::Untrusted(detail) => (
                "tls",
                format!(
                    "TLS with {url} failed: {detail}; for a certificate of your own give its authority as `ca_file:`, \
                     and check https against http"
                ),
            ),
            Trouble::TimedOut { .. } => {
                let seconds = timeout.as_secs_f64();
                ("timeout", format!("{url} gave no answer within {seconds} s; `timeout:` allows more"))
            }
            Trouble::Lost { was_sent, class, detail } => {
                let when =
                    if was_sent { "after the request was sent" } else { "before the request was sent" };
                let remedy = if class == "http2" { self.about_version() } else { "" };
                (class, format!("the connection to {url} was lost {when} ({detail}){remedy}"))
            }
            Trouble::NotHttp { detail, .. } => (
                "not_http",
                format!(
                    "{url} does not speak HTTP as expected ({detail}); check the port, and http against https{}",
                    self.about_version().replace("; ", ", and ")
                ),
            ),
            Trouble::TooLarge => {
                let limit = format!("{} MiB", BODY_LIMIT_BYTES >> 20);
                let remedy = "ask for less at once";
                (
                    "too_large",
                    format!("{url} has more than {limit} for one reply, which is the limit; {remedy}"),
                )
            }
        }
    }

    fn about_version(&self) -> &'static str {
        if self.is_http2 { "; leave `http2` out if the service speaks HTTP/1.1 alone" } else { "" }
    }

    fn unreachable(&self, error: &io::Error) -> (&'static str, String) {
        let class = io_class(error);
        let remedy =
            connect_remedy(class).unwrap_or("check that the service is running and that its URL is right");
        (class, format!("cannot connect to {}: {error}; {remedy}", self.url))
    }

    /// What cannot even be asked.
    pub(super) fn bad_target(&self, problem: &str) -> HttpReply {
        let message = format!("{} was not asked: {problem}; shorten it", self.url);
        ended(Outcome::Rejected, "invalid_target", message)
    }

    /// A path, and no service that it could be a path of.
    pub(super) fn nowhere() -> HttpReply {
        let message =
            "a path needs a service, and this run has none; give --http-url, or write the whole URL";
        ended(Outcome::Error, "client", message.to_owned())
    }

    /// A site that nobody can be trusted about.
    pub(super) fn unusable(error: &TrustError) -> HttpReply {
        ended(Outcome::Error, "client", error.to_string())
    }
}

fn ended(outcome: Outcome, class: &'static str, message: String) -> HttpReply {
    HttpReply { class: Some(Class::Borrowed(class)), message: Some(message), ..HttpReply::new(outcome) }
}

/// The beginning of a body, on one line.
fn quoted(body: &[u8]) -> String {
    // A letter has four bytes at most, and blanks are put together.
    let text = String::from_utf8_lossy(&body[..body.len().min(QUOTED_CHARS * 16)]);
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    line.chars().filter(|letter| !letter.is_control()).take(QUOTED_CHARS).collect()
}
