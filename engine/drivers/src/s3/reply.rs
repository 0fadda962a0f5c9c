//! What became of one operation on an object store.
//!
//! A failure is data here, as much as a success: nothing has to be caught, everything can be counted.

use std::borrow::Cow;

use bytes::Bytes;
use model::outcome::Outcome;

use super::etag::ETag;
pub use super::xml::listing::Listed;

/// Most of an object that is taken into memory.
pub(crate) const OBJECT_LIMIT_BYTES: u64 = 1 << 30;

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
    /// listing and requests of a deletion added up, and all of an upload in parts from its first request to the
    /// reply that decides it. Through the SDK it includes signing and connecting.
    pub service_ns: u64,
    /// Time until a connection was ready, in nanoseconds: 0 for one kept alive, and what TCP and TLS took
    /// for a new one; for an upload in parts that of its first request. Nothing through the SDK, which does not
    /// tell.
    pub connect_wait_ns: Option<u64>,
    /// What to tell a person, with a remedy where one is known; nothing for `ok`.
    pub message: Option<String>,
    /// The object, for `get`; the part of it, for `get_range`.
    pub body: Bytes,
    /// The size in bytes of the whole object, for `get`, `get_range` and `head`.
    pub size_bytes: Option<u64>,
    /// What was found, for `list`.
    pub listing: Listing,
    /// The object's ETag as the store wrote it, for `put`, `get`, `head` and what is put in parts.
    pub etag: Option<ETag>,
    /// Objects the operation was about: 1, for a listing the keys and common prefixes it found, for `delete_many`
    /// and `delete_prefix` those deleted.
    pub items: u64,
}

/// The objects that a `list` found, in the server's order (S3: by the bytes of the key).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Listing {
    /// Keys and sizes.
    pub objects: Vec<Listed>,
    /// What keys were put together as, when a delimiter was given.
    pub common_prefixes: Vec<String>,
    /// Requests it took.
    pub pages: u32,
    /// Whether the listing was stopped by its limit while there was more.
    pub is_truncated: bool,
}

/// What the requests of one operation took, added up.
#[derive(Debug, Default)]
pub(crate) struct Spent {
    service_ns: u64,
    connect_wait_ns: Option<u64>,
    bytes_received: u64,
}

impl Spent {
    pub(crate) fn add(&mut self, reply: &S3Reply) {
        self.service_ns += reply.service_ns;
        self.bytes_received += reply.bytes_received;
        if let Some(wait_ns) = reply.connect_wait_ns {
            *self.connect_wait_ns.get_or_insert(0) += wait_ns;
        }
    }

    /// The last reply, as the reply to the whole operation.
    pub(crate) fn into_reply(self, last: S3Reply) -> S3Reply {
        let Spent { service_ns, connect_wait_ns, bytes_received } = self;
        S3Reply { service_ns, connect_wait_ns, bytes_received, ..last }
    }
}

impl Listing {
    /// Keys and common prefixes: what limits count.
    pub fn items(&self) -> u64 {
        (self.objects.len() + self.common_prefixes.len()) as u64
    }
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
            etag: None,
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
