//! What became of one request to an HTTP service.
//!
//! A failure is data here, as much as a success: nothing has to be caught, everything can be counted.

use std::borrow::Cow;

use bytes::Bytes;
use http::HeaderMap;
use model::outcome::Outcome;

/// Most of a reply that is taken into memory: 64 MiB.
pub const BODY_LIMIT_BYTES: u64 = 64 << 20;

/// A word that says which error it was: an HTTP status (`404`) or a kind of I/O failure (`connection_refused`).
pub type Class = Cow<'static, str>;

/// The end of one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpReply {
    /// How it ended.
    pub outcome: Outcome,
    /// Which error, conflict or absence it was; nothing for `ok`.
    pub class: Option<Class>,
    /// The status; nothing when there was no reply.
    pub status: Option<u16>,
    /// The reply's headers.
    pub headers: HeaderMap,
    /// The reply's body.
    pub body: Bytes,
    /// Bytes of the body that was sent; 0 when there was no reply. Headers are not counted.
    pub bytes_sent: u64,
    /// Bytes of the body that came.
    pub bytes_received: u64,
    /// From the moment there was a connection to the last byte of the reply, in nanoseconds. With HTTP/2 it includes
    /// what a request waits while the server permits no more at once.
    pub service_ns: u64,
    /// Time until a connection was ready, in nanoseconds: 0 for one kept alive, and what TCP and TLS took for a new one.
    pub connect_wait_ns: u64,
    /// What to tell a person, with a remedy where one is known; nothing for `ok`.
    pub message: Option<String>,
}

impl HttpReply {
    /// A reply with nothing in it yet but its outcome.
    pub(super) fn new(outcome: Outcome) -> Self {
        HttpReply {
            outcome,
            class: None,
            status: None,
            headers: HeaderMap::new(),
            body: Bytes::new(),
            bytes_sent: 0,
            bytes_received: 0,
            service_ns: 0,
            connect_wait_ns: 0,
            message: None,
        }
    }

    /// The value of a header, if the reply has it and it is text. Names are the same in any case of letters.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Whether it is known what became of the request. A change that was not sent is an `error` or a `timeout` without a
    /// status; one that was sent and has no reply is `ambiguous`. Of one that was answered by an `error`, such as 500,
    /// nobody knows how far the service had come.
    pub fn fate_is_known(&self) -> bool {
        let is_answered_by_an_error = self.outcome == Outcome::Error && self.status.is_some();
        self.outcome != Outcome::Ambiguous && !is_answered_by_an_error
    }

    /// Whether the service did what was asked.
    pub fn is_ok(&self) -> bool {
        self.outcome == Outcome::Ok
    }
}
