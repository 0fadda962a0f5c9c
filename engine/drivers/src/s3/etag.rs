//! A store's name for the content of an object.
//!
//! Every put and get has one, so it is kept where it costs nothing: within the reply itself, without memory of
//! its own. Deliberately does not know what it means: S3 makes it of an MD5, others of anything.

use std::fmt;
use std::ops::Deref;

/// What is kept in place. S3's own have 34 bytes, those of objects put in parts up to 40.
const IN_PLACE_BYTES: usize = 46;

/// An object's ETag as the store wrote it, quotes included. Reads as a `str`.
#[derive(Clone)]
pub struct ETag(Kept);

#[derive(Clone)]
enum Kept {
    /// The first `length` bytes are UTF-8.
    InPlace {
        length: u8,
        bytes: [u8; IN_PLACE_BYTES],
    },
    Apart(Box<str>),
}

impl ETag {
    /// The text of one.
    pub fn as_str(&self) -> &str {
        match &self.0 {
            Kept::InPlace { length, bytes } => {
                str::from_utf8(&bytes[..usize::from(*length)]).expect("it was made of a str")
            }
            Kept::Apart(text) => text,
        }
    }
}

impl From<&str> for ETag {
    fn from(text: &str) -> Self {
        if text.len() > IN_PLACE_BYTES {
            return ETag(Kept::Apart(text.into()));
        }
        let mut bytes = [0; IN_PLACE_BYTES];
        bytes[..text.len()].copy_from_slice(text.as_bytes());
        ETag(Kept::InPlace { length: text.len() as u8, bytes })
    }
}

impl Deref for ETag {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl PartialEq for ETag {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for ETag {}

impl fmt::Display for ETag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for ETag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_etag_of_any_length_reads_as_it_was_written() {
        for length in [0, 1, 34, 46, 47, 300] {
            let text = "é\"".repeat(150)[..length / 3 * 3].to_owned() + &"x".repeat(length % 3);
            let etag = ETag::from(text.as_str());
            assert_eq!(
                (etag.as_str(), &*etag, etag.to_string()),
                (text.as_str(), text.as_str(), text.clone())
            );
            assert_eq!(etag, etag.clone());
        }
        assert_ne!(ETag::from("\"a\""), ETag::from("\"b\""));
        assert_eq!(size_of::<Option<ETag>>(), 48);
    }
}
