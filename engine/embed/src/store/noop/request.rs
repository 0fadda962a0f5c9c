//! The head of a request: the few things an answer depends on.

use std::borrow::Cow;

/// Headers a request may have; more are refused.
const MOST_HEADERS: usize = 64;

/// One that has arrived whole.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) method: Method,
    /// As it came: escaped.
    path: String,
    /// As it came: escaped.
    query: String,
    pub(super) body: Length,
    /// Bytes of content, when the body has framing of S3's own around it.
    pub(super) decoded_bytes: Option<u64>,
    pub(super) range: Option<Range>,
    /// The client waits for a word before it sends the body.
    pub(super) waits: bool,
    /// The client wants the connection to end after the answer.
    pub(super) closes: bool,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    Get,
    Head,
    Put,
    Post,
    Delete,
    Other,
}

impl Method {
    fn of(word: &str) -> Method {
        match word {
            "GET" => Method::Get,
            "HEAD" => Method::Head,
            "PUT" => Method::Put,
            "POST" => Method::Post,
            "DELETE" => Method::Delete,
            _ => Method::Other,
        }
    }
}

/// How the end of the body is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Length {
    Bytes(u64),
    Chunked,
}

/// Bytes of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Range {
    /// Both included.
    Between(u64, u64),
    From(u64),
    Last(u64),
}

/// What the bytes at hand are.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Parsed {
    /// A head, and how many bytes it takes.
    Whole(Head, usize),
    Unfinished,
    NoHttp,
}

pub(super) fn parse(bytes: &[u8]) -> Parsed {
    let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
    let mut request = httparse::Request::new(&mut headers);
    let length = match request.parse(bytes) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) => return Parsed::Unfinished,
        Err(_) => return Parsed::NoHttp,
    };
    let (Some(method), Some(target)) = (request.method, request.path) else { return Parsed::NoHttp };
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut head = Head {
        method: Method::of(method),
        path: path.to_owned(),
        query: query.to_owned(),
        body: Length::Bytes(0),
        decoded_bytes: None,
        range: None,
        waits: false,
        closes: request.version == Some(0),
    };
    for header in request.headers {
        let Ok(value) = std::str::from_utf8(header.value) else { continue };
        let is = |name: &str| header.name.eq_ignore_ascii_case(name);
        // The length of a name tells most of them apart already.
        match header.name.len() {
            14 if is("content-length") => match value.trim().parse() {
                Ok(bytes) => head.body = Length::Bytes(bytes),
                Err(_) => return Parsed::NoHttp,
            },
            17 if is("transfer-encoding") => head.body = Length::Chunked,
            28 if is("x-amz-decoded-content-length") => head.decoded_bytes = value.trim().parse().ok(),
            5 if is("range") => head.range = range(value),
            6 if is("expect") => head.waits = true,
            10 if is("connection") => head.closes |= value.eq_ignore_ascii_case("close"),
            _ => {}
        }
    }
    Parsed::Whole(head, length)
}

/// `bytes=0-99`, `bytes=100-`, `bytes=-100`; what makes no sense is not looked at, as HTTP has it.
fn range(value: &str) -> Option<Range> {
    let (first, last) = value.trim().strip_prefix("bytes=")?.split_once('-')?;
    match (first, last) {
        ("", last) => last.parse().ok().map(Range::Last),
        (first, "") => first.parse().ok().map(Range::From),
        (first, last) => {
            let (first, last) = (first.parse().ok()?, last.parse().ok()?);
            (first <= last).then_some(Range::Between(first, last))
        }
    }
}

impl Head {
    /// The value of a parameter, escaped; empty for one without a value.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        if self.query.is_empty() {
            return None;
        }
        let mut pairs = self.query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        pairs.find(|(key, _)| *key == name).map(|(_, value)| value)
    }

    /// The bucket, and the path when there is a key in it; both unescaped.
    pub(super) fn place(&self) -> (Cow<'_, str>, Option<Cow<'_, str>>) {
        let bucket_and_key = self.path.strip_prefix('/').unwrap_or(&self.path);
        match bucket_and_key.split_once('/') {
            Some((bucket, key)) if !key.is_empty() => (unescaped(bucket), Some(unescaped(&self.path))),
            Some((bucket, _)) => (unescaped(bucket), None),
            None => (unescaped(bucket_and_key), None),
        }
    }
}

/// Undoes `%XX`; nothing is copied when there is none.
pub(super) fn unescaped(text: &str) -> Cow<'_, str> {
    if !text.contains('%') {
        return Cow::Borrowed(text);
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let digit = |at: usize| tail.get(at).and_then(|byte| char::from(*byte).to_digit(16));
        match (first, digit(0), digit(1)) {
            // Two hexadecimal digits fit a byte.
            (b'%', Some(high), Some(low)) => {
                bytes.push((high * 16 + low) as u8);
                rest = &tail[2..];
            }
            _ => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    Cow::Owned(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_answer_depends_on_is_read() {
        let bytes = b"PUT /bkt/a%2Fb/k?uploadId=7&partNumber=1 HTTP/1.1\r\nContent-Length: 12\r\n\
                      x-amz-decoded-content-length: 5\r\nExpect: 100-continue\r\nRANGE: bytes=5-9\r\n\r\nrest";
        let Parsed::Whole(head, length) = parse(bytes) else { panic!("not read") };
        assert_eq!(&bytes[length..], b"rest");
        assert_eq!((head.method, head.body, head.decoded_bytes), (Method::Put, Length::Bytes(12), Some(5)));
        assert_eq!((head.waits, head.closes, head.range), (true, false, Some(Range::Between(5, 9))));
        assert_eq!((head.parameter("uploadId"), head.parameter("uploads")), (Some("7"), None));
        assert_eq!(head.place(), ("bkt".into(), Some("/bkt/a/b/k".into())));
        assert_eq!(parse(&bytes[..length - 1]), Parsed::Unfinished);
        assert_eq!(parse(b"\0\0\0\0"), Parsed::NoHttp);
        assert_eq!(parse(b"PUT / HTTP/1.1\r\nContent-Length: x\r\n\r\n"), Parsed::NoHttp);
    }

    #[test]
    fn ranges_have_three_forms_and_others_are_not_looked_at() {
        assert_eq!(range("bytes=3-"), Some(Range::From(3)));
        assert_eq!(range("bytes=-3"), Some(Range::Last(3)));
        for other in ["bytes=9-3", "bytes=a-b", "items=1-2", "bytes=-"] {
            assert_eq!(range(other), None, "{other}");
        }
    }

    #[test]
    fn escapes_are_undone_and_broken_ones_stand() {
        assert_eq!(unescaped("a%20b%C3%A4"), "a bä");
        assert_eq!(unescaped("100%"), "100%");
        assert_eq!(unescaped("%zz%4"), "%zz%4");
    }
}
