//! What became of one operation on an object store.
//!
//! A failure is data here, as much as a success: nothing has to be caught, everything can be counted.

use std::borrow::Cow;

use bytes::Bytes;
use model::outcome::Outcome;

pub use super::xml::Listed;

/// A word that says which error it was: an S3 error code (`NoSuchBucket`), an HTTP status (`502`) or a kind
/// of I/O failure (`connection_refused`).
pub type Class = Cow<'static, str>;

/// The end of one operation, whichever client carried it out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct S3Reply {
    /// How it ended.
    pub outcome: Outcome,
    /// Which error, throttling, conflict or absence it was; nothing for `ok`.
    pub class: Option<Class>,
    /// The HTTP status of the last reply. Nothing when there was none, and nothing for a success through
    /// the SDK, which does not tell.
    pub status: Option<u16>,
    /// Bytes of object content sent. Headers are not counted, so that both clients count alike.
    pub bytes_sent: u64,
    /// Bytes of object content or of listings received (listings: `lean` only; the SDK does not tell).
    pub bytes_received: u64,
    /// From the moment there was a connection to the last byte of the reply, in nanoseconds; pages of a
    /// listing added up. Through the SDK it includes signing and connecting.
    pub service_ns: u64,
    /// Time until a connection was ready, in nanoseconds: 0 for one kept alive, and what TCP and TLS took
    /// for a new one. Nothing through the SDK, which does not tell.
    pub connect_wait_ns: Option<u64>,
    /// What to tell a person, with a remedy where one is known; nothing for `ok`.
    pub message: Option<String>,
    /// The object, for `get`.
    pub body: Bytes,
    /// The object's size in bytes, for `get` and `head`.
    pub size_bytes: Option<u64>,
    /// What was found, for `list`.
    pub listing: Listing,
    /// Objects the operation was about: 1, for a listing the keys it found, for `delete_prefix` those deleted.
    pub items: u64,
}

/// The objects that a `list` found, in the server's order (S3: by the bytes of the key).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Listing {
    /// Keys and sizes.
    pub objects: Vec<Listed>,
    /// Requests it took.
    pub pages: u32,
    /// Whether the listing was stopped by its limit while there was more.
    pub is_truncated: bool,
}

impl S3Reply {
    /// A reply with nothing in it yet but its outcome.
    pub(crate) fn new(outcome: Outcome) -> Self {
        S3Reply {
            outcome,
            class: None,
            status: None,
            bytes_sent: 0,
            bytes_received: 0,
            service_ns: 0,
            connect_wait_ns: None,
            message: None,
            body: Bytes::new(),
            size_bytes: None,
            listing: Listing::default(),
            items: u64::from(matches!(outcome, Outcome::Ok)),
        }
    }

    /// Whether it is known what became of the operation. A change that timed out without having been sent is
    /// a `timeout`; one that was sent is `ambiguous`.
    pub fn fate_is_known(&self) -> bool {
        self.outcome != Outcome::Ambiguous
    }

    /// Whether the operation did what was asked.
    pub fn is_ok(&self) -> bool {
        self.outcome == Outcome::Ok
    }
}
