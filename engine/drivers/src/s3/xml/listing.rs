//! A page of a listing (ListObjectsV2): its keys, what a delimiter put together, and where it goes on.

use super::{Step, XmlProblem, walk};
use crate::net::escape::unescape;

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
    /// What the delimiter put together, unescaped.
    pub(crate) common_prefixes: Vec<String>,
    /// Where to go on; there is more exactly when there is a token.
    pub(crate) next: Option<String>,
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
            Step::Close { depth: 3, parent: b"CommonPrefixes", name: b"Prefix", text } => {
                page.common_prefixes.push(std::mem::take(text));
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
    /// Keys and common prefixes: what a page's limit counts.
    pub(crate) fn items(&self) -> u64 {
        (self.keys.len() + self.common_prefixes.len()) as u64
    }

    /// A page as it was read: undoes `encoding-type=url` where the server applied it, and holds the page to
    /// what it says about itself.
    pub(crate) fn finish(mut self, truncated: bool, url_escaped: bool) -> Result<Page, XmlProblem> {
        let names = self.keys.iter_mut().map(|object| &mut object.key);
        for name in names.chain(&mut self.common_prefixes) {
            if url_escaped && name.contains(['%', '+']) {
                *name = unescape(name).ok_or(XmlProblem::Content("a key is not properly URL-escaped"))?;
            }
            if name.is_empty() {
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
        assert_eq!((&page.common_prefixes[..], page.items()), (&["p/".to_owned()][..], 3));
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
        let prefix = "<CommonPrefixes><Prefix>a+b%01%2B/%C3%BC</Prefix></CommonPrefixes>";
        let escaped = listing(&format!("<EncodingType>url</EncodingType>{prefix}"));
        assert_eq!(page(escaped.as_bytes()).unwrap().common_prefixes, ["a b\u{1}+/ü"]);
        assert_eq!(page(listing(prefix).as_bytes()).unwrap().common_prefixes, ["a+b%01%2B/%C3%BC"]);
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

    proptest! {
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
