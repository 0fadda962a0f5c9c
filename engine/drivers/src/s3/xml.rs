//! The two XML documents a load needs to read: an error and a page of a listing.
//!
//! Written for documents that may come from anything but S3 (a web page, a cut-off reply, garbage): nothing
//! recurses, entities other than XML's own five are refused, and callers bound the size beforehand.
//!
//! Deliberately does not know HTTP, nor what an error code means.

use quick_xml::Reader;
use quick_xml::escape::resolve_xml_entity;
use quick_xml::events::Event;

use super::escape::unescape;

/// Deepest nesting that S3 documents come near to.
const MAX_DEPTH: usize = 16;

/// Why a document was not what it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum XmlProblem {
    #[error("it is not well-formed XML ({0})")]
    Malformed(String),
    #[error("its root element is <{0}>")]
    OtherRoot(String),
    #[error("{0}")]
    Content(&'static str),
}

/// What S3 says when it refuses.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct ErrorDocument {
    pub(crate) code: String,
    pub(crate) message: String,
    /// The region a misdirected request should have gone to.
    pub(crate) region: Option<String>,
}

/// One object of a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// The key, unescaped.
    pub key: String,
    /// Size in bytes.
    pub size_bytes: u64,
}

/// One page of a listing (ListObjectsV2).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Page {
    pub(crate) keys: Vec<Listed>,
    /// Where to go on; there is more exactly when there is a token.
    pub(crate) next: Option<String>,
}

/// Reads an `<Error>` document; nothing when it is not one.
pub(crate) fn error_document(body: &[u8]) -> Option<ErrorDocument> {
    let mut error = ErrorDocument::default();
    walk(body, "Error", |step| {
        if let Step::Close { depth: 2, name, text, .. } = step {
            match name {
                b"Code" => error.code = text.trim().to_owned(),
                b"Message" => error.message = text.trim().to_owned(),
                b"Region" => error.region = Some(text.trim().to_owned()),
                _ => {}
            }
        }
        Ok(())
    })
    .ok()?;
    (!error.code.is_empty()).then_some(error)
}

/// Reads a `<ListBucketResult>` document, undoing `encoding-type=url` where the server applied it.
pub(crate) fn page(body: &[u8]) -> Result<Page, XmlProblem> {
    let mut page = Page::default();
    let mut truncated = false;
    let mut url_escaped = false;
    walk(body, "ListBucketResult", |step| {
        match step {
            Step::Open { depth: 2, name: b"Contents" } => {
                page.keys.push(Listed { key: String::new(), size_bytes: 0 });
            }
            Step::Close { depth: 3, parent: b"Contents", name, text } => {
                let object =
                    page.keys.last_mut().ok_or(XmlProblem::Content("a key stands outside <Contents>"))?;
                match name {
                    b"Key" => object.key = std::mem::take(text),
                    b"Size" => object.size_bytes = number(text)?,
                    _ => {}
                }
            }
            Step::Close { depth: 2, name, text, .. } => match name {
                b"IsTruncated" => truncated = text.trim() == "true",
                b"NextContinuationToken" => page.next = Some(std::mem::take(text)),
                b"EncodingType" => url_escaped = text.trim() == "url",
                _ => {}
            },
            _ => {}
        }
        Ok(())
    })?;
    page.finish(truncated, url_escaped)
}

impl Page {
    /// A page as it was read: undoes `encoding-type=url` where the server applied it, and holds the page to
    /// what it says about itself.
    pub(crate) fn finish(mut self, truncated: bool, url_escaped: bool) -> Result<Page, XmlProblem> {
        for object in &mut self.keys {
            if url_escaped && object.key.contains(['%', '+']) {
                object.key =
                    unescape(&object.key).ok_or(XmlProblem::Content("a key is not properly URL-escaped"))?;
            }
            if object.key.is_empty() {
                return Err(XmlProblem::Content("an object in the listing has no key"));
            }
        }
        self.next = self.next.filter(|token| truncated && !token.is_empty());
        if truncated && self.next.is_none() {
            return Err(XmlProblem::Content("the listing says it goes on, and gives no continuation token"));
        }
        Ok(self)
    }
}

fn number(text: &str) -> Result<u64, XmlProblem> {
    text.trim().parse().map_err(|_| XmlProblem::Content("an object's <Size> is not a number"))
}

/// What `walk` tells about: an element that opens, and one that closes with the text it held.
enum Step<'a> {
    Open { depth: usize, name: &'a [u8] },
    Close { depth: usize, parent: &'a [u8], name: &'a [u8], text: &'a mut String },
}

/// Goes through a document whose root element must be `root`, without recursion. `depth` 1 is the root.
fn walk(
    body: &[u8],
    root: &str,
    mut tell: impl FnMut(Step<'_>) -> Result<(), XmlProblem>,
) -> Result<(), XmlProblem> {
    let mut reader = Reader::from_reader(body);
    reader.config_mut().expand_empty_elements = true;
    let mut open: Vec<Vec<u8>> = Vec::with_capacity(4);
    let mut text = String::new();
    let mut closed = false;
    loop {
        match reader.read_event().map_err(malformed)? {
            Event::Start(start) => {
                let name = start.local_name().as_ref().to_vec();
                if open.is_empty() && (closed || name != root.as_bytes()) {
                    return Err(XmlProblem::OtherRoot(printable(&name)));
                }
                if open.len() == MAX_DEPTH {
                    return Err(XmlProblem::Content("it is nested deeper than S3 documents are"));
                }
                text.clear();
                open.push(name);
                tell(Step::Open { depth: open.len(), name: &open[open.len() - 1] })?;
            }
            Event::End(_) => {
                let depth = open.len();
                // The reader checks that ends match starts, so something is open here.
                let Some(name) = open.pop() else {
                    return Err(XmlProblem::Content("an element closes twice"));
                };
                let parent = open.last().map_or(&b""[..], Vec::as_slice);
                tell(Step::Close { depth, parent, name: &name, text: &mut text })?;
                text.clear();
                closed = open.is_empty();
            }
            Event::Text(piece) => text.push_str(&piece.xml10_content().map_err(malformed)?),
            Event::CData(piece) => text.push_str(&piece.xml10_content().map_err(malformed)?),
            Event::GeneralRef(reference) => match reference.resolve_char_ref().map_err(malformed)? {
                Some(character) => text.push(character),
                None => text.push_str(
                    resolve_xml_entity(&reference.decode().map_err(malformed)?)
                        .ok_or(XmlProblem::Content("it uses an entity that XML does not define"))?,
                ),
            },
            Event::Eof if closed => return Ok(()),
            Event::Eof => return Err(XmlProblem::Content("it ends too early")),
            Event::Empty(_) | Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {}
        }
    }
}

fn malformed(error: impl std::fmt::Display) -> XmlProblem {
    XmlProblem::Malformed(error.to_string())
}

fn printable(name: &[u8]) -> String {
    String::from_utf8_lossy(name).chars().filter(|c| !c.is_control()).take(60).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn listing(inside: &str) -> String {
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ListBucketResult \
             xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Name>b</Name>{inside}</ListBucketResult>"
        )
    }

    fn keys(page: &Page) -> Vec<&str> {
        page.keys.iter().map(|object| object.key.as_str()).collect()
    }

    #[test]
    fn a_page_gives_keys_sizes_and_where_to_go_on() {
        let text = listing(
            "<IsTruncated>true</IsTruncated>
             <Contents><Key>a/1</Key><Size>4096</Size><Owner><Key>no</Key></Owner></Contents>
             <Contents><Size>0</Size><Key>a/2</Key></Contents>
             <CommonPrefixes><Prefix>p/</Prefix></CommonPrefixes>
             <NextContinuationToken>to&amp;ken==</NextContinuationToken>",
        );
        let page = page(text.as_bytes()).unwrap();
        assert_eq!(keys(&page), ["a/1", "a/2"]);
        assert_eq!(page.keys[0].size_bytes, 4096);
        assert_eq!(page.next.as_deref(), Some("to&ken=="));
    }

    #[test]
    fn odd_keys_survive_entities_cdata_and_url_escapes() {
        let raw = listing(
            "<Contents><Key> a &amp; b&lt;&#x41;&#66;+%20 </Key></Contents>
             <Contents><Key><![CDATA[<x>]]></Key></Contents>",
        );
        assert_eq!(keys(&page(raw.as_bytes()).unwrap()), [" a & b<AB+%20 ", "<x>"]);
        let escaped =
            listing("<Contents><Key>a+b%01%2B/%C3%BC</Key></Contents><EncodingType>url</EncodingType>");
        assert_eq!(keys(&page(escaped.as_bytes()).unwrap()), ["a b\u{1}+/ü"]);
    }

    #[test]
    fn an_empty_listing_is_a_page_without_keys() {
        assert_eq!(page(listing("<IsTruncated>false</IsTruncated>").as_bytes()).unwrap(), Page::default());
        assert_eq!(page(b"<ListBucketResult/>").unwrap(), Page::default());
    }

    #[test]
    fn what_is_no_listing_is_named() {
        let problem = |text: &str| page(text.as_bytes()).unwrap_err().to_string();
        assert_eq!(problem("<html><body>hi</body></html>"), "its root element is <html>");
        assert_eq!(problem("<!DOCTYPE html><html lang=en>"), "its root element is <html>");
        assert_eq!(problem(""), "it ends too early");
        assert_eq!(problem("plain words"), "it ends too early");
        assert_eq!(problem("<ListBucketResult><Contents><Key>a</Key>"), "it ends too early");
        assert!(problem("<ListBucketResult><a></b></ListBucketResult>").starts_with("it is not well-formed"));
        assert_eq!(
            problem(&listing("<Contents><Key>&lol;</Key></Contents>")),
            "it uses an entity that XML does not define"
        );
        assert_eq!(
            problem(&format!("<ListBucketResult>{}", "<a>".repeat(100_000))),
            "it is nested deeper than S3 documents are"
        );
        assert_eq!(
            problem(&listing("<Contents><Size>1</Size></Contents>")),
            "an object in the listing has no key"
        );
        assert_eq!(
            problem(&listing("<Contents><Key>a</Key><Size>-1</Size></Contents>")),
            "an object's <Size> is not a number"
        );
        assert_eq!(
            problem(&listing("<IsTruncated>true</IsTruncated>")),
            "the listing says it goes on, and gives no continuation token"
        );
    }

    #[test]
    fn an_error_gives_code_message_and_region() {
        let text = b"<?xml version=\"1.0\"?><Error><Code>PermanentRedirect</Code><Message>Go &quot;there\
                     &quot;</Message><Region>eu-west-1</Region><RequestId>1</RequestId></Error>";
        let error = error_document(text).unwrap();
        assert_eq!(error.code, "PermanentRedirect");
        assert_eq!(error.message, "Go \"there\"");
        assert_eq!(error.region.as_deref(), Some("eu-west-1"));
        assert_eq!(error_document(b"<html></html>"), None);
        assert_eq!(error_document(b"<Error><Message>no code</Message></Error>"), None);
        assert_eq!(error_document(b""), None);
    }

    proptest! {
        #[test]
        fn garbage_ends_in_an_answer(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = page(&bytes);
            let _ = error_document(&bytes);
        }

        #[test]
        fn a_listing_that_was_cut_or_damaged_never_panics(at in 0usize..400, byte in any::<u8>()) {
            let mut bytes = listing("<Contents><Key>a&amp;b</Key><Size>1</Size></Contents>").into_bytes();
            let at = at % bytes.len();
            let _ = page(&bytes[..at]);
            bytes[at] = byte;
            let _ = page(&bytes);
        }
    }
}
