//! Listings of keys that never were, rendered once and kept.
//!
//! Key number n below a prefix is the prefix and n in ten digits, so keys are in the order of their numbers, and any
//! page is a run of entries that stand side by side in blocks of a hundred.

use std::collections::HashMap;
use std::io::Write;

/// Entries rendered together.
const BLOCK: u64 = 100;
/// Digits of a key's number.
const DIGITS: usize = 10;
/// Rendered entries beyond this are forgotten, all of them: the next pages render theirs again.
const KEPT_BYTES: usize = 64 << 20;

/// Entries of a hundred keys, all of the same length.
#[derive(Debug)]
struct Block {
    bytes: Vec<u8>,
    entry_bytes: usize,
}

/// What has been rendered, by prefix as it stands in the document and by block.
#[derive(Debug, Default)]
pub(super) struct Pages {
    blocks: HashMap<String, HashMap<u64, Block>>,
    kept_bytes: usize,
}

/// A page that somebody wants.
#[derive(Debug)]
pub(super) struct Wanted<'a> {
    pub(super) bucket: &'a str,
    /// As it is to stand in the document: escaped.
    pub(super) prefix: &'a str,
    /// Whether escaped means `%XX`, as asked for by `encoding-type=url`.
    pub(super) is_url: bool,
    /// The number of the first key.
    pub(super) from: u64,
    /// How many at most.
    pub(super) limit: u64,
    /// How many keys there are.
    pub(super) total: u64,
    /// Of each, bytes.
    pub(super) size_bytes: u64,
}

impl Pages {
    /// The whole document.
    pub(super) fn document(&mut self, wanted: &Wanted<'_>) -> Vec<u8> {
        let from = wanted.from.min(wanted.total);
        let to = wanted.total.min(from.saturating_add(wanted.limit));
        // Asked for nothing there is nothing to go on with, as S3 says.
        let is_truncated = to < wanted.total && wanted.limit > 0;
        let mut document = Vec::with_capacity(512 + (to - from) as usize * 256);
        let head = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ListBucketResult \
             xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Name>{}</Name><Prefix>{}</Prefix>\
             <KeyCount>{}</KeyCount><MaxKeys>{}</MaxKeys><IsTruncated>{is_truncated}</IsTruncated>",
            wanted.bucket,
            wanted.prefix,
            to - from,
            wanted.limit,
        );
        document.extend_from_slice(head.as_bytes());
        if wanted.is_url {
            document.extend_from_slice(b"<EncodingType>url</EncodingType>");
        }
        if is_truncated {
            // Writing to memory does not fail.
            let _ = write!(document, "<NextContinuationToken>{to}</NextContinuationToken>");
        }
        self.entries(wanted, from, to, &mut document);
        document.extend_from_slice(b"</ListBucketResult>");
        document
    }

    fn entries(&mut self, wanted: &Wanted<'_>, from: u64, to: u64, document: &mut Vec<u8>) {
        let mut next = from;
        while next < to {
            let block = next / BLOCK;
            let until = to.min((block + 1) * BLOCK);
            let Block { bytes, entry_bytes } = self.block(wanted, block);
            let (first, last) = ((next - block * BLOCK) as usize, (until - block * BLOCK) as usize);
            document.extend_from_slice(&bytes[first * entry_bytes..last * entry_bytes]);
            next = until;
        }
    }

    fn block(&mut self, wanted: &Wanted<'_>, number: u64) -> &Block {
        if self.kept_bytes > KEPT_BYTES {
            self.blocks.clear();
            self.kept_bytes = 0;
        }
        if !self.blocks.contains_key(wanted.prefix) {
            self.blocks.insert(wanted.prefix.to_owned(), HashMap::new());
        }
        let of_prefix = self.blocks.get_mut(wanted.prefix).expect("it was there or has just been inserted");
        of_prefix.entry(number).or_insert_with(|| {
            let block = rendered(wanted, number);
            self.kept_bytes += block.bytes.len();
            block
        })
    }
}

fn rendered(wanted: &Wanted<'_>, block: u64) -> Block {
    let mut bytes = Vec::new();
    for number in block * BLOCK..(block + 1) * BLOCK {
        // Writing to memory does not fail.
        let _ = write!(
            bytes,
            "<Contents><Key>{}{number:0DIGITS$}</Key><LastModified>2000-01-01T00:00:00.000Z</LastModified>\
             <ETag>&quot;{}&quot;</ETag><Size>{}</Size><StorageClass>STANDARD</StorageClass></Contents>",
            wanted.prefix,
            super::answers::ETAG,
            wanted.size_bytes,
        );
    }
    let entry_bytes = bytes.len() / BLOCK as usize;
    Block { bytes, entry_bytes }
}

/// Where a listing of a prefix goes on after this key: behind the last number in what the key has after the prefix, or at
/// the beginning when there is none. A key that has another beginning stands before all of the prefix, or behind it.
pub(super) fn position_after(prefix: &str, key: &str) -> u64 {
    let Some(name) = key.strip_prefix(prefix) else { return if key < prefix { 0 } else { u64::MAX } };
    let is_digit = |letter: char| letter.is_ascii_digit();
    let digits = name.trim_end_matches(|letter| !is_digit(letter));
    let digits = &digits[digits.trim_end_matches(is_digit).len()..];
    match digits.parse::<u64>() {
        Ok(number) => number.saturating_add(1),
        Err(_) if digits.is_empty() => 0,
        // More digits than a number has: far behind everything.
        Err(_) => u64::MAX,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(from: u64, limit: u64, total: u64) -> Wanted<'static> {
        Wanted { bucket: "b", prefix: "p/", is_url: true, from, limit, total, size_bytes: 4096 }
    }

    fn keys(document: &[u8]) -> Vec<String> {
        let text = String::from_utf8_lossy(document).into_owned();
        text.split("<Key>")
            .skip(1)
            .filter_map(|rest| rest.split("</Key>").next())
            .map(str::to_owned)
            .collect()
    }

    #[test]
    fn pages_go_on_where_the_one_before_ended_across_blocks() {
        let mut pages = Pages::default();
        let mut all = Vec::new();
        for from in (0..250).step_by(70) {
            let document = pages.document(&wanted(from, 70, 250));
            let on_page = keys(&document);
            let text = String::from_utf8_lossy(&document).into_owned();
            assert!(text.contains(&format!("<KeyCount>{}</KeyCount>", on_page.len())), "{text}");
            let goes_on = text.contains(&format!("<NextContinuationToken>{}<", from + 70));
            assert_eq!(goes_on, from + 70 < 250);
            all.extend(on_page);
        }
        let expected: Vec<String> = (0..250).map(|number| format!("p/{number:010}")).collect();
        assert_eq!(all, expected);
    }

    #[test]
    fn beyond_the_end_and_of_nothing_a_page_is_empty_and_the_last() {
        let mut pages = Pages::default();
        for empty in [wanted(9, 10, 5), wanted(0, 10, 0), wanted(0, 0, 5)] {
            let document = pages.document(&empty);
            assert!(keys(&document).is_empty());
            assert!(String::from_utf8_lossy(&document).contains("<IsTruncated>false<"));
        }
    }

    #[test]
    fn too_much_is_forgotten_and_rendered_again() {
        let mut pages = Pages::default();
        let first = pages.document(&wanted(0, 1000, 1000));
        pages.kept_bytes = KEPT_BYTES + 1;
        assert_eq!(pages.document(&wanted(0, 1000, 1000)), first);
        assert!(pages.kept_bytes < 1 << 20);
    }

    #[test]
    fn a_listing_goes_on_after_the_last_number_of_a_key() {
        for (prefix, key, position) in [
            ("p/", "p/0000000041", 42),
            ("run-7/", "run-7/00041.json", 42),
            ("run-7/", "run-7/", 0),
            ("", "", 0),
            ("", "ä9", 10),
            ("", "9ä", 10),
            ("p/", "o/5", 0),
            ("p/", "q/5", u64::MAX),
            ("", "99999999999999999999999", u64::MAX),
        ] {
            assert_eq!(position_after(prefix, key), position, "{key} of {prefix}");
        }
    }
}
