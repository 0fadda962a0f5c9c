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
use std::time::{Duration, SystemTime};

use model::outcome::Outcome;
use model::units::format_count;

use super::reply::{Class, S3Reply};
use super::xml::deletion::Undeleted;
use super::xml::{self, XmlProblem};
use crate::io_class::{connect_remedy, io_class};

mod clock;
mod outcome;
mod remedy;
#[cfg(test)]
mod tests;
mod unsent;

use outcome::outcome_of;
pub(crate) use unsent::{LARGEST_PUT_BYTES, MOST_PARTS};

/// Most of an unexpected reply that a message quotes.
const QUOTED_CHARS: usize = 80;

/// What was asked of the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ask {
    Put,
    /// On a condition.
    PutIf,
    Get,
    GetRange,
    Head,
    List,
    Delete,
    CreateBucket,
    /// The beginning of an upload in parts.
    BeginUpload,
    PutPart,
    /// The end of an upload: only now is there an object.
    CompleteUpload,
    AbortUpload,
}

impl Ask {
    /// Whether somebody may see the store differ afterwards, so that a lost answer leaves a question open. Nobody
    /// sees parts.
    fn changes_data(self) -> bool {
        match self {
            Ask::Put | Ask::PutIf | Ask::Delete | Ask::CreateBucket | Ask::CompleteUpload => true,
            Ask::Get | Ask::GetRange | Ask::Head | Ask::List => false,
            Ask::BeginUpload | Ask::PutPart | Ask::AbortUpload => false,
        }
    }
}

/// A reply with a status that is no success.
pub(crate) struct Refusal<'a> {
    pub(crate) status: u16,
    /// The header `x-amz-bucket-region`, which comes with redirects.
    pub(crate) region: Option<&'a str>,
    /// The header `date`: the server's clock.
    pub(crate) date: Option<&'a str>,
    /// This machine's clock.
    pub(crate) now: SystemTime,
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
            // A status that means one thing is told by its code, whether or not the store says it.
            None if status == 416 => (Cow::Borrowed("InvalidRange"), String::new(), None),
            None => (Cow::Owned(status.to_string()), String::new(), None),
        };
        let outcome = outcome_of(ask, &code, status);
        let region = region.as_deref().or(refusal.region);
        let mut message = format!("{}: {code}", self.endpoint);
        if !said.is_empty() {
            message.push_str(&format!(" ({})", said.trim_end_matches('.')));
        }
        if let Some(remedy) = self.remedy(ask, &code, &said, region, refusal) {
            message.push_str(&format!("; {remedy}"));
        }
        S3Reply { status: Some(status), ..ended(outcome, code, message) }
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
        let mut message = format!(
            "{} has more than {} bytes for one reply, which is the limit",
            self.endpoint,
            format_count(limit_bytes)
        );
        if matches!(ask, Ask::Get | Ask::GetRange) {
            message.push_str("; read the object in parts, with a range");
        }
        ended(unread(ask, true), "too_large", message)
    }

    /// A success whose document is not what was asked for, or cannot be what the server holds.
    pub(crate) fn unreadable(&self, ask: Ask, status: u16, body: &[u8], problem: &XmlProblem) -> S3Reply {
        if matches!(problem, XmlProblem::OtherRoot(_)) || !body.trim_ascii_start().starts_with(b"<") {
            return self.not_s3(status, body);
        }
        let (class, what) =
            if ask == Ask::List { ("bad_listing", "a listing") } else { ("bad_reply", "a reply") };
        let message = format!("{} sent {what} that cannot be read: {problem}", self.endpoint);
        S3Reply { status: Some(status), ..ended(unread(ask, true), class, message) }
    }

    /// The whole object came where a part of it was asked for.
    pub(crate) fn range_ignored(&self) -> S3Reply {
        let message = format!(
            "{} sent the whole object where a part of it was asked for: this store cannot read parts, or something \
             between here and there takes the header `Range` away",
            self.endpoint
        );
        ended(Outcome::Error, "range_ignored", message)
    }

    /// A part came that is not the one that was asked for.
    pub(crate) fn other_range(&self, said: &str) -> S3Reply {
        let message =
            format!("{} sent another part of the object than was asked for ({said})", self.endpoint);
        ended(Outcome::Error, "bad_range", message)
    }

    /// The end of a deletion of so many objects, some of which may still be there.
    pub(crate) fn deleted(&self, objects: usize, undeleted: &[Undeleted]) -> S3Reply {
        let items = objects.saturating_sub(undeleted.len()) as u64;
        let Some(Undeleted { key, code, message: said }) = undeleted.first() else {
            return S3Reply { items, ..S3Reply::new(Outcome::Ok) };
        };
        let mut message = format!("{} did not delete `{key}`: {code}", self.endpoint);
        if !said.is_empty() {
            message.push_str(&format!(" ({})", said.trim_end_matches('.')));
        }
        S3Reply { items, ..ended(outcome_of(Ask::Delete, code, 0), code.clone(), message) }
    }

    /// A client that cannot be set up, and so could not ask.
    pub(crate) fn unusable(&self, problem: &str) -> S3Reply {
        ended(Outcome::Error, "client", problem.to_owned())
    }
}

/// The outcome when no answer could be read.
fn unread(ask: Ask, was_sent: bool) -> Outcome {
    if was_sent && ask.changes_data() { Outcome::Ambiguous } else { Outcome::Error }
}

fn ended(outcome: Outcome, class: impl Into<Class>, message: String) -> S3Reply {
    S3Reply { class: Some(class.into()), message: Some(message), ..S3Reply::new(outcome) }
}
