//! Parts of objects: how they are asked for, and whether it was them that came.
//!
//! Source: RFC 9110, sections 14.1 to 14.4. Deliberately does not know how a request is sent.

use bytes::Bytes;
use model::outcome::Outcome;

use super::meaning::Place;
use super::reply::S3Reply;
use super::request::ByteRange;

/// What the header `Content-Range` says of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Part {
    first: u64,
    last: u64,
    /// The whole object's size in bytes, where the server tells.
    size_bytes: Option<u64>,
}

impl ByteRange {
    /// Whether there is no byte in it. As a header such a range means nothing, and the whole object would come.
    pub(crate) fn is_empty(self) -> bool {
        match self {
            ByteRange::Between(first, last) => last < first,
            ByteRange::From(_) => false,
            ByteRange::Last(count) => count == 0,
        }
    }

    /// The header `Range`.
    pub(crate) fn header(self) -> String {
        match self {
            ByteRange::Between(first, last) => format!("bytes={first}-{last}"),
            ByteRange::From(first) => format!("bytes={first}-"),
            ByteRange::Last(count) => format!("bytes=-{count}"),
        }
    }

    /// Whether this is the part that was asked for, as far as the server tells.
    fn is_met_by(self, part: &Part) -> bool {
        let end = part.size_bytes.map(|size| size.saturating_sub(1));
        let reaches_end = end.is_none_or(|end| part.last == end);
        match self {
            ByteRange::Between(first, last) => {
                part.first == first
                    && part.last == end.map_or(part.last, |end| last.min(end))
                    && part.last <= last
            }
            ByteRange::From(first) => part.first == first && reaches_end,
            ByteRange::Last(count) => {
                let first = part.size_bytes.map(|size| size.saturating_sub(count));
                reaches_end && first.is_none_or(|first| part.first == first)
            }
        }
    }
}

/// The reply to a request for a part of an object, from the header `Content-Range` and the body of a success
/// that says that it is a part.
pub(crate) fn part_reply(place: &Place, range: ByteRange, said: Option<&str>, body: Bytes) -> S3Reply {
    let Some(part) = said.and_then(Part::read) else {
        return place.other_range(said.unwrap_or("it does not say which"));
    };
    if !part.is(&body) || !range.is_met_by(&part) {
        return place.other_range(said.unwrap_or_default());
    }
    S3Reply {
        bytes_received: body.len() as u64,
        size_bytes: part.size_bytes,
        body,
        ..S3Reply::new(Outcome::Ok)
    }
}

impl Part {
    /// Whether a body can be this part of an object. In this order: a header may say anything.
    fn is(&self, body: &Bytes) -> bool {
        let is_within = self.size_bytes.is_none_or(|size| self.last < size);
        is_within
            && self.first <= self.last
            && (body.len() as u64).checked_sub(1) == Some(self.last - self.first)
    }

    /// Reads `bytes 0-9/100`; nothing when it is something else.
    fn read(text: &str) -> Option<Self> {
        let (range, size) = text.trim().strip_prefix("bytes ")?.split_once('/')?;
        let (first, last) = range.split_once('-')?;
        let size_bytes = if size == "*" { None } else { Some(size.parse().ok()?) };
        Some(Part { first: first.trim().parse().ok()?, last: last.trim().parse().ok()?, size_bytes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The class of the reply, for an answer that says `said` and brings so many bytes.
    fn class(range: ByteRange, said: Option<&str>, bytes: usize) -> Option<String> {
        let place = Place { endpoint: "http://s".into(), bucket: "b".into(), region: "r".into() };
        part_reply(&place, range, said, Bytes::from(vec![0; bytes])).class.map(String::from)
    }

    #[test]
    fn a_range_is_asked_for_as_http_has_it() {
        assert_eq!(ByteRange::Between(0, 9).header(), "bytes=0-9");
        assert_eq!(ByteRange::From(7).header(), "bytes=7-");
        assert_eq!(ByteRange::Last(3).header(), "bytes=-3");
        for (range, is_empty) in [
            (ByteRange::Between(3, 3), false),
            (ByteRange::Between(3, 2), true),
            (ByteRange::From(u64::MAX), false),
            (ByteRange::Last(0), true),
        ] {
            assert_eq!(range.is_empty(), is_empty, "{range:?}");
        }
    }

    #[test]
    fn the_part_that_was_asked_for_is_taken() {
        for (range, said, bytes) in [
            (ByteRange::Between(0, 9), "bytes 0-9/100", 10),
            (ByteRange::Between(90, 200), "bytes 90-99/100", 10),
            (ByteRange::Between(0, 9), "bytes 0-9/*", 10),
            (ByteRange::From(98), "bytes 98-99/100", 2),
            (ByteRange::Last(2), "bytes 98-99/100", 2),
            (ByteRange::Last(200), "bytes 0-99/100", 100),
        ] {
            assert_eq!(class(range, Some(said), bytes), None, "{range:?} {said}");
        }
    }

    #[test]
    fn any_other_part_is_told() {
        for (range, said, bytes) in [
            (ByteRange::Between(0, 9), "bytes 0-8/100", 9),
            (ByteRange::Between(0, 9), "bytes 0-10/100", 11),
            (ByteRange::Between(0, 9), "bytes 1-9/100", 9),
            (ByteRange::Between(0, 9), "bytes 0-9/100", 9),
            (ByteRange::Between(0, 9), "bytes 9-0/100", 0),
            (ByteRange::Between(0, 9), "bytes 0-10/*", 11),
            (ByteRange::From(98), "bytes 98-98/100", 1),
            (ByteRange::Last(2), "bytes 97-99/100", 3),
            (ByteRange::Last(2), "bytes 0-1/100", 2),
            (ByteRange::Last(1), "bytes 0-0/0", 1),
            (ByteRange::From(0), "bytes 0-18446744073709551615/18446744073709551615", 0),
            (ByteRange::From(0), "pages 0-9/10", 10),
            (ByteRange::From(0), "bytes */100", 0),
            (ByteRange::From(0), "", 0),
        ] {
            assert_eq!(class(range, Some(said), bytes).as_deref(), Some("bad_range"), "{range:?} {said}");
        }
        assert_eq!(class(ByteRange::From(0), None, 5).as_deref(), Some("bad_range"));
    }
}
