//! What a reply means: outcome, class and a sentence for a person, the same for both clients.
//!
//! Rules (DESIGN: conflict and empty are findings, throttling is seen and never retried away):
//! a missing object is `empty`; a lost condition is `conflict`; 503, 429 and their codes are `throttled`; a
//! request that S3 calls invalid is `rejected`; wrong keys, regions and buckets are `error`; when a change was
//! sent and no answer came, it is `ambiguous`, because nobody knows whether it was applied.
//!
//! Deliberately does no I/O and does not know which client asked.

use std::borrow::Cow;
use std::io;
use std::time::Duration;

use model::outcome::Outcome;

use super::reply::{Class, S3Reply};
use super::xml::{self, XmlProblem};
use crate::io_class::{connect_remedy, io_class};

/// Most of an unexpected reply that a message quotes.
const QUOTED_CHARS: usize = 80;

/// What was asked of the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ask {
    Put,
    Get,
    Head,
    List,
    Delete,
    CreateBucket,
}

impl Ask {
    /// Whether the store differs afterwards, so that a lost answer leaves a question open.
    fn changes_data(self) -> bool {
        matches!(self, Ask::Put | Ask::Delete | Ask::CreateBucket)
    }
}

/// A reply with a status that is no success.
pub(crate) struct Refusal<'a> {
    pub(crate) status: u16,
    /// The header `x-amz-bucket-region`, which comes with redirects.
    pub(crate) region: Option<&'a str>,
    pub(crate) body: &'a [u8],
}

/// Whom messages talk about.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) endpoint: String,
    pub(crate) bucket: String,
    pub(crate) region: String,
}

impl Place {
    /// The server said no.
    pub(crate) fn refused(&self, ask: Ask, refusal: &Refusal<'_>) -> S3Reply {
        let document = xml::error_document(refusal.body);
        // A reply to HEAD has no body: the status is all there is.
        let is_bare = refusal.body.iter().all(u8::is_ascii_whitespace);
        let status = refusal.status;
        let throttled = matches!(status, 429 | 503);
        if document.is_none() && !is_bare && !throttled && !matches!(status, 500 | 502 | 504) {
            return self.not_s3(status, refusal.body);
        }
        let (code, said, region) = match document {
            Some(error) => (Cow::Owned(error.code), error.message, error.region),
            None => (Cow::Owned(status.to_string()), String::new(), None),
        };
        let outcome = outcome_of(ask, &code, status);
        let region = region.as_deref().or(refusal.region);
        let mut message = format!("{}: {code}", self.endpoint);
        if !said.is_empty() {
            message.push_str(&format!(" ({})", said.trim_end_matches('.')));
        }
        if let Some(remedy) = self.remedy(&code, &said, region) {
            message.push_str(&format!("; {remedy}"));
        }
        S3Reply { status: Some(status), ..ended(outcome, code, message) }
    }

    fn remedy(&self, code: &str, said: &str, region: Option<&str>) -> Option<String> {
        let Place { endpoint, bucket, region: ours } = self;
        Some(match code {
            "NoSuchBucket" => format!(
                "there is no bucket `{bucket}`: create it with `aws --endpoint-url {endpoint} s3 mb s3://{bucket}`, \
                 or set `bucket:` to one that exists"
            ),
            "PermanentRedirect"
            | "TemporaryRedirect"
            | "AuthorizationHeaderMalformed"
            | "IllegalLocationConstraintException"
            | "301"
            | "307" => match region {
                Some(theirs) if theirs != ours => {
                    format!("the bucket is in region {theirs}: set `region: {theirs}`")
                }
                _ => format!("check `region:` (it is {ours}) and `endpoint:`"),
            },
            "SignatureDoesNotMatch" => "check `secret_key`".to_owned(),
            "InvalidAccessKeyId" => "check `access_key`".to_owned(),
            "ExpiredToken" | "InvalidToken" => "obtain new credentials and a new `session_token`".to_owned(),
            "RequestTimeTooSkewed" => {
                "this machine's clock and the server's differ: set them right".to_owned()
            }
            "AccessDenied" | "403" => {
                format!(
                    "the keys lack the permission on bucket `{bucket}`, or its policy wants `sign_payload: true`"
                )
            }
            _ if said.to_ascii_lowercase().contains("payload") => {
                "if the store insists on a hash of the payload, set `sign_payload: true`".to_owned()
            }
            _ => return None,
        })
    }

    /// Something answered, and it was not an object store.
    pub(crate) fn not_s3(&self, status: u16, body: &[u8]) -> S3Reply {
        let text = String::from_utf8_lossy(body);
        let start: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let start: String = start.chars().filter(|c| !c.is_control()).take(QUOTED_CHARS).collect();
        let said = if start.is_empty() { String::new() } else { format!(" (`{start}`)") };
        let message = format!(
            "{} does not answer as S3 does: HTTP status {status}{said}; check that `endpoint:` is the S3 port, \
             and not a console or another service",
            self.endpoint
        );
        S3Reply { status: Some(status), ..ended(Outcome::Error, "not_s3", message) }
    }

    /// What came back was not even HTTP. `was_sent`: whether any of the request had left.
    pub(crate) fn not_http(&self, ask: Ask, was_sent: bool, detail: &str) -> S3Reply {
        let message = format!(
            "{} does not speak HTTP as expected ({detail}); check the port, and http against https",
            self.endpoint
        );
        ended(unread(ask, was_sent), "not_http", message)
    }

    /// No connection could be made: nothing was sent.
    pub(crate) fn unreachable(&self, error: &io::Error) -> S3Reply {
        let class = io_class(error);
        let remedy =
            connect_remedy(class).unwrap_or("check that the store is running and that `endpoint:` is right");
        ended(Outcome::Error, class, format!("cannot connect to {}: {error}; {remedy}", self.endpoint))
    }

    /// The server's certificate, or something else about TLS, was not accepted.
    pub(crate) fn untrusted(&self, detail: &str) -> S3Reply {
        let message = format!(
            "TLS with {} failed: {detail}; for a certificate of your own give its authority as `ca_file:`, \
             and check https against http",
            self.endpoint
        );
        ended(Outcome::Error, "tls", message)
    }

    /// The connection went away. `was_sent`: whether any of the request had left.
    pub(crate) fn lost(&self, ask: Ask, was_sent: bool, class: &'static str, detail: &str) -> S3Reply {
        let outcome = unread(ask, was_sent);
        let when = if was_sent { "after the request was sent" } else { "before the request was sent" };
        ended(outcome, class, format!("the connection to {} was lost {when} ({detail})", self.endpoint))
    }

    /// The time allowed was over. A change that had been sent may still be applied: S3 cannot be told to stop.
    pub(crate) fn timed_out(&self, ask: Ask, was_sent: bool, timeout: Duration) -> S3Reply {
        let outcome = if was_sent && ask.changes_data() { Outcome::Ambiguous } else { Outcome::Timeout };
        let seconds = timeout.as_secs_f64();
        let message = format!("{} gave no answer within {seconds} s; `timeout:` allows more", self.endpoint);
        ended(outcome, "timeout", message)
    }

    /// More came back than will be held in memory.
    pub(crate) fn too_large(&self, ask: Ask, limit_bytes: u64) -> S3Reply {
        let message =
            format!("{} sent more than {limit_bytes} bytes in one reply, which is the limit", self.endpoint);
        ended(unread(ask, true), "too_large", message)
    }

    /// A success that should be a listing and is none, or one that cannot be what the server holds.
    pub(crate) fn bad_listing(&self, status: u16, body: &[u8], problem: &XmlProblem) -> S3Reply {
        if matches!(problem, XmlProblem::OtherRoot(_)) || !body.trim_ascii_start().starts_with(b"<") {
            return self.not_s3(status, body);
        }
        let message = format!("{} sent a listing that cannot be read: {problem}", self.endpoint);
        S3Reply { status: Some(status), ..ended(Outcome::Error, "bad_listing", message) }
    }

    /// An object that was to be deleted with others and was not.
    pub(crate) fn undeleted(&self, key: &str, code: &str, said: &str) -> S3Reply {
        let message =
            format!("{} did not delete `{key}`: {code} ({})", self.endpoint, said.trim_end_matches('.'));
        ended(outcome_of(Ask::Delete, code, 0), code.to_owned(), message)
    }

    /// A client that cannot be set up, and so could not ask.
    pub(crate) fn unusable(&self, problem: &str) -> S3Reply {
        ended(Outcome::Error, "client", problem.to_owned())
    }

    /// A key that cannot be put into a request.
    pub(crate) fn bad_key(&self, problem: &str) -> S3Reply {
        ended(Outcome::Rejected, "invalid_key", format!("the object key {problem}"))
    }
}

/// The outcome when no answer could be read.
fn unread(ask: Ask, was_sent: bool) -> Outcome {
    if was_sent && ask.changes_data() { Outcome::Ambiguous } else { Outcome::Error }
}

fn ended(outcome: Outcome, class: impl Into<Class>, message: String) -> S3Reply {
    S3Reply { class: Some(class.into()), message: Some(message), ..S3Reply::new(outcome) }
}

/// Which outcome an S3 error code, or else the bare HTTP status, stands for.
fn outcome_of(ask: Ask, code: &str, status: u16) -> Outcome {
    match code {
        "SlowDown"
        | "ServiceUnavailable"
        | "Throttling"
        | "ThrottlingException"
        | "RequestLimitExceeded"
        | "TooManyRequests"
        | "SlowDownRead"
        | "SlowDownWrite" => Outcome::Throttled,
        "NoSuchKey" | "NoSuchVersion" => Outcome::Empty,
        "PreconditionFailed"
        | "ConditionalRequestConflict"
        | "OperationAborted"
        | "BucketAlreadyExists"
        | "BucketAlreadyOwnedByYou" => Outcome::Conflict,
        "RequestTimeout" => Outcome::Timeout,
        "NoSuchBucket"
        | "AuthorizationHeaderMalformed"
        | "IllegalLocationConstraintException"
        | "ExpiredToken"
        | "InvalidToken"
        | "MissingSecurityHeader"
        | "RequestExpired" => Outcome::Error,
        _ => match status {
            429 | 503 => Outcome::Throttled,
            // A HEAD has no code: a bucket that is missing looks the same as a key that is.
            404 if ask == Ask::Head => Outcome::Empty,
            412 => Outcome::Conflict,
            // A gateway that lost its server does not know what became of the request.
            502 | 504 if ask.changes_data() => Outcome::Ambiguous,
            400 | 411 | 413 | 414 | 416 | 422 => Outcome::Rejected,
            _ => Outcome::Error,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place() -> Place {
        Place { endpoint: "http://store:9000".into(), bucket: "runs".into(), region: "us-east-1".into() }
    }

    fn refused(ask: Ask, status: u16, body: &str) -> S3Reply {
        place().refused(ask, &Refusal { status, region: None, body: body.as_bytes() })
    }

    fn coded(ask: Ask, status: u16, code: &str) -> S3Reply {
        refused(ask, status, &format!("<Error><Code>{code}</Code><Message>Said so.</Message></Error>"))
    }

    #[test]
    fn codes_become_outcomes() {
        for (ask, status, code, outcome) in [
            (Ask::Put, 503, "SlowDown", Outcome::Throttled),
            (Ask::Get, 503, "ServiceUnavailable", Outcome::Throttled),
            (Ask::Get, 404, "NoSuchKey", Outcome::Empty),
            (Ask::Get, 404, "NoSuchBucket", Outcome::Error),
            (Ask::Put, 412, "PreconditionFailed", Outcome::Conflict),
            (Ask::Put, 409, "ConditionalRequestConflict", Outcome::Conflict),
            (Ask::CreateBucket, 409, "BucketAlreadyOwnedByYou", Outcome::Conflict),
            (Ask::Put, 400, "KeyTooLongError", Outcome::Rejected),
            (Ask::Put, 400, "EntityTooLarge", Outcome::Rejected),
            (Ask::Put, 400, "RequestTimeout", Outcome::Timeout),
            (Ask::Put, 403, "AccessDenied", Outcome::Error),
            (Ask::Put, 400, "ExpiredToken", Outcome::Error),
            (Ask::Put, 500, "InternalError", Outcome::Error),
        ] {
            let reply = coded(ask, status, code);
            assert_eq!((reply.outcome, reply.class.as_deref()), (outcome, Some(code)));
            assert_eq!(reply.status, Some(status));
        }
    }

    #[test]
    fn a_bare_status_is_its_own_class() {
        for (ask, status, outcome) in [
            (Ask::Head, 404, Outcome::Empty),
            (Ask::Get, 404, Outcome::Error),
            (Ask::Head, 403, Outcome::Error),
            (Ask::Put, 412, Outcome::Conflict),
            (Ask::Put, 503, Outcome::Throttled),
            (Ask::Put, 502, Outcome::Ambiguous),
            (Ask::Get, 502, Outcome::Error),
            (Ask::Get, 416, Outcome::Rejected),
        ] {
            let reply = refused(ask, status, "");
            assert_eq!((reply.outcome, reply.class.as_deref()), (outcome, Some(status.to_string().as_str())));
        }
    }

    #[test]
    fn a_load_balancer_may_throttle_in_html_but_a_web_page_is_no_store() {
        let page = "<html><head><title>503</title></head></html>";
        assert_eq!(refused(Ask::Put, 503, page).outcome, Outcome::Throttled);
        assert_eq!(refused(Ask::Put, 504, page).outcome, Outcome::Ambiguous);
        let reply = refused(Ask::Get, 404, "<html>\n  <body>\u{1b}[31mnot   found");
        assert_eq!((reply.outcome, reply.class.as_deref()), (Outcome::Error, Some("not_s3")));
        assert_eq!(
            reply.message.unwrap(),
            "http://store:9000 does not answer as S3 does: HTTP status 404 (`<html> <body>[31mnot found`); check \
             that `endpoint:` is the S3 port, and not a console or another service"
        );
    }

    #[test]
    fn messages_carry_a_remedy() {
        assert_eq!(
            coded(Ask::Put, 404, "NoSuchBucket").message.unwrap(),
            "http://store:9000: NoSuchBucket (Said so); there is no bucket `runs`: create it with \
             `aws --endpoint-url http://store:9000 s3 mb s3://runs`, or set `bucket:` to one that exists"
        );
        let redirect = "<Error><Code>PermanentRedirect</Code><Region>eu-west-1</Region></Error>";
        let message = refused(Ask::Get, 301, redirect).message.unwrap();
        assert!(message.ends_with("the bucket is in region eu-west-1: set `region: eu-west-1`"), "{message}");
        let bare = place().refused(Ask::Head, &Refusal { status: 301, region: Some("eu-west-1"), body: b"" });
        assert!(bare.message.unwrap().ends_with("set `region: eu-west-1`"));
        assert!(
            coded(Ask::Put, 403, "SignatureDoesNotMatch").message.unwrap().ends_with("check `secret_key`")
        );
        assert!(coded(Ask::Put, 403, "RequestTimeTooSkewed").message.unwrap().contains("clock"));
    }

    #[test]
    fn a_change_that_was_sent_and_not_answered_is_ambiguous() {
        let place = place();
        for ask in [Ask::Put, Ask::Delete, Ask::CreateBucket] {
            assert_eq!(place.lost(ask, true, "unexpected_eof", "").outcome, Outcome::Ambiguous);
            assert_eq!(place.lost(ask, false, "unexpected_eof", "").outcome, Outcome::Error);
            assert_eq!(place.not_http(ask, true, "").outcome, Outcome::Ambiguous);
            assert_eq!(place.not_http(ask, false, "").outcome, Outcome::Error);
            assert_eq!(place.too_large(ask, 1).outcome, Outcome::Ambiguous);
            assert_eq!(place.timed_out(ask, true, Duration::from_secs(1)).outcome, Outcome::Ambiguous);
            assert_eq!(place.timed_out(ask, false, Duration::from_secs(1)).outcome, Outcome::Timeout);
        }
        for ask in [Ask::Get, Ask::Head, Ask::List] {
            assert_eq!(place.lost(ask, true, "unexpected_eof", "").outcome, Outcome::Error);
            assert_eq!(place.not_http(ask, true, "").outcome, Outcome::Error);
            assert_eq!(place.too_large(ask, 1).outcome, Outcome::Error);
            assert_eq!(place.timed_out(ask, true, Duration::from_secs(1)).outcome, Outcome::Timeout);
        }
    }

    #[test]
    fn a_store_that_is_down_says_so() {
        let reply = place().unreachable(&io::ErrorKind::ConnectionRefused.into());
        assert_eq!((reply.outcome, reply.class.as_deref()), (Outcome::Error, Some("connection_refused")));
        assert_eq!(
            reply.message.unwrap(),
            "cannot connect to http://store:9000: connection refused; check that the store is running and that \
             `endpoint:` is right"
        );
    }
}
