//! What an object holds, as far as it can be told without keeping it.

use super::digest::digest;

/// An object's bytes: how many, and their digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Content {
    /// Size in bytes; below 2^48.
    pub size_bytes: u64,
    /// Digest of all of them.
    pub digest: u64,
}

impl Content {
    /// The content that these bytes are.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Content { size_bytes: bytes.len() as u64, digest: digest(bytes) }
    }
}

/// What an operation that looks at one object saw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// There is none.
    Absent,
    /// There is one; nothing is known of what it holds.
    Present,
    /// There is one of that size in bytes.
    Sized(u64),
    /// All of it.
    Whole(Content),
}

/// What one change made of a key, and when: for as long as a read may find it.
///
/// Times are stamps of [`super::Flights`]. The beginning is unique among all operations and names the change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Version {
    pub(super) began_ns: u64,
    /// When it was acknowledged; [`NEVER`] while it is on its way, and for ever when nobody knows what became of it.
    pub(super) ended_ns: u64,
    digest: u64,
    /// The size, and in the upper bits what kind of change it was.
    size_and_kind: u64,
}

/// Later than any stamp.
pub(super) const NEVER: u64 = u64::MAX;

const ABSENT: u64 = 1 << 63;
const IF_ABSENT: u64 = 1 << 62;
const SIZE: u64 = (1 << 48) - 1;

impl Version {
    /// A put on its way.
    pub(super) fn put(content: Content, if_absent: bool, began_ns: u64) -> Self {
        let condition = if if_absent { IF_ABSENT } else { 0 };
        let size_and_kind = content.size_bytes.min(SIZE) | condition;
        Version { began_ns, ended_ns: NEVER, digest: content.digest, size_and_kind }
    }

    /// A deletion on its way.
    pub(super) fn delete(began_ns: u64) -> Self {
        Version { began_ns, ended_ns: NEVER, digest: 0, size_and_kind: ABSENT }
    }

    /// A deletion of which only its end is remembered.
    pub(super) fn gone(ended_ns: u64) -> Self {
        Version { ended_ns, ..Version::delete(ended_ns) }
    }

    pub(super) fn is_absent(&self) -> bool {
        self.size_and_kind & ABSENT != 0
    }

    /// Whether it was put on the condition that there was nothing.
    pub(super) fn is_if_absent(&self) -> bool {
        self.size_and_kind & IF_ABSENT != 0
    }

    pub(super) fn is_acknowledged(&self) -> bool {
        self.ended_ns != NEVER
    }

    pub(super) fn size_bytes(&self) -> u64 {
        self.size_and_kind & SIZE
    }

    /// What it put; nothing for a deletion.
    pub(super) fn content(&self) -> Option<Content> {
        (!self.is_absent()).then_some(Content { size_bytes: self.size_bytes(), digest: self.digest })
    }

    /// Whether this is what was seen.
    pub(super) fn explains(&self, seen: Seen) -> bool {
        match (seen, self.content()) {
            (Seen::Absent, content) => content.is_none(),
            (_, None) => false,
            (Seen::Present, Some(_)) => true,
            (Seen::Sized(size_bytes), Some(content)) => size_bytes == content.size_bytes,
            (Seen::Whole(seen), Some(content)) => seen == content,
        }
    }
}
