//! What tells one value of a key from another: S3's ETag without its clothes.

/// Of a value put in one piece the MD5; of one put in parts the MD5 of the parts' MD5s, and how many there were.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tag {
    pub(crate) digest: [u8; 16],
    /// 0 for a value put in one piece.
    pub(crate) parts: u16,
}

impl Tag {
    /// Of a value put in one piece.
    pub(crate) fn of_value(digest: [u8; 16]) -> Tag {
        Tag { digest, parts: 0 }
    }
}
