//! The XML documents of S3: one file for each, and here the reader they share and the document of an error.
//!
//! Written for documents that may come from anything but S3 (a web page, a cut-off reply, garbage): nothing
//! recurses, entities other than XML's own five are refused, and callers bound the size beforehand.
//!
//! Deliberately does not know HTTP, nor what an error code means.

pub(crate) mod deletion;
pub(crate) mod listing;
pub(crate) mod upload;

use quick_xml::Reader;
use quick_xml::escape::resolve_xml_entity;
use quick_xml::events::Event;

/// What the documents that clients send begin with.
const NAMESPACE: &str = "http://s3.amazonaws.com/doc/2006-03-01/";

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
            let _ = listing::page(&bytes);
            let _ = deletion::undeleted(&bytes);
            let _ = upload::begun(&bytes);
            let _ = upload::completed(&bytes);
            let _ = error_document(&bytes);
        }
    }
}
