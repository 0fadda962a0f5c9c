//! What exists: buckets, and in each the keys in order of their UTF-8 bytes, as S3 lists them.

use std::collections::{BTreeMap, btree_map};
use std::ops::Bound;

use super::About;

/// Where a record stands in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) segment: u32,
    pub(super) length: u32,
    pub(super) offset: u64,
}

/// One object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) place: Place,
    pub(super) about: About,
    /// The number of the file that holds the value, when it is not in the log.
    pub(super) file: Option<u64>,
}

#[derive(Debug, Default)]
pub(super) struct Bucket {
    pub(super) created_ms: u64,
    /// Its own record, when that is still in the log.
    pub(super) place: Option<Place>,
    pub(super) objects: BTreeMap<Box<[u8]>, Entry>,
}

/// Which part of a bucket to list.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Page<'a> {
    pub(crate) prefix: &'a str,
    /// Keys with this text after the prefix are rolled up; empty for none.
    pub(crate) delimiter: &'a str,
    /// Only what sorts after these bytes; a [`Listing::next`] or a key.
    pub(crate) after: &'a [u8],
    /// How many items at most.
    pub(crate) limit: usize,
}

/// One thing on a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Item {
    Object {
        key: String,
        about: About,
    },
    /// All keys that begin so, up to and with the delimiter.
    CommonPrefix(String),
}

/// A page, in order.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Listing {
    pub(crate) items: Vec<Item>,
    /// Where the next page begins; `None` when this is the last.
    pub(crate) next: Option<Vec<u8>>,
}

/// Sorts after everything that begins with what it is appended to: no UTF-8 text holds this byte.
const PAST_ALL: u8 = 0xff;

#[derive(Debug, Default)]
pub(super) struct Index {
    buckets: BTreeMap<String, Bucket>,
}

impl Index {
    pub(super) fn bucket(&self, name: &str) -> Option<&Bucket> {
        self.buckets.get(name)
    }

    pub(super) fn buckets(&self) -> impl Iterator<Item = (&str, &Bucket)> {
        self.buckets.iter().map(|(name, bucket)| (name.as_str(), bucket))
    }

    /// The bucket, made when missing.
    pub(super) fn bucket_mut(&mut self, name: &str) -> &mut Bucket {
        if !self.buckets.contains_key(name) {
            self.buckets.insert(name.to_owned(), Bucket::default());
        }
        self.buckets.get_mut(name).expect("it was there or has just been inserted")
    }

    pub(super) fn existing_mut(&mut self, name: &str) -> Option<&mut Bucket> {
        self.buckets.get_mut(name)
    }

    pub(super) fn remove_bucket(&mut self, name: &str) -> Option<Bucket> {
        self.buckets.remove(name)
    }
}

impl Bucket {
    /// One page. Costs a step in the tree for each object and a search for each common prefix, however large the bucket
    /// and however many keys a common prefix stands for.
    pub(super) fn page(&self, wanted: &Page<'_>) -> Listing {
        self.page_counting(wanted, &mut 0)
    }

    /// [`Bucket::page`], counting the keys that it looks at.
    fn page_counting(&self, wanted: &Page<'_>, looks: &mut usize) -> Listing {
        let (prefix, delimiter) = (wanted.prefix.as_bytes(), wanted.delimiter.as_bytes());
        let mut position: Vec<u8> = wanted.after.to_vec();
        let mut keys = self.keys_after(&position, prefix);
        let mut items = Vec::new();
        loop {
            *looks += 1;
            let Some((key, entry)) = keys.next().filter(|(key, _)| key.starts_with(prefix)) else {
                return Listing { items, next: None };
            };
            // Only now is it known that the page before this item was not the last.
            if items.len() == wanted.limit {
                return Listing { items, next: Some(position) };
            }
            position.clear();
            match rolled_up(key, prefix.len(), delimiter) {
                Some(common) => {
                    items.push(Item::CommonPrefix(text(common)));
                    position.extend_from_slice(common);
                    position.push(PAST_ALL);
                    keys = self.keys_after(&position, prefix);
                }
                None => {
                    items.push(Item::Object { key: text(key), about: entry.about });
                    position.extend_from_slice(key);
                }
            }
        }
    }

    /// The keys that sort after `position`, from the first on that can begin with `prefix`.
    fn keys_after(&self, position: &[u8], prefix: &[u8]) -> btree_map::Range<'_, Box<[u8]>, Entry> {
        let from = if position < prefix { Bound::Included(prefix) } else { Bound::Excluded(position) };
        self.objects.range::<[u8], _>((from, Bound::Unbounded))
    }
}

/// The part of a key up to and with the first delimiter after the prefix; `None` when there is none.
fn rolled_up<'a>(key: &'a [u8], prefix_bytes: usize, delimiter: &[u8]) -> Option<&'a [u8]> {
    if delimiter.is_empty() {
        return None;
    }
    let at = key[prefix_bytes..].windows(delimiter.len()).position(|window| window == delimiter)?;
    Some(&key[..prefix_bytes + at + delimiter.len()])
}

/// Keys come from requests as text and are cut at text boundaries only.
fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn bucket(keys: &[&str]) -> Bucket {
        let place = Place { segment: 1, length: 0, offset: 0 };
        let entry = Entry {
            place,
            about: About { size: 0, modified_ms: 0, etag: super::super::Tag::default() },
            file: None,
        };
        let objects = keys.iter().map(|key| (key.as_bytes().into(), entry)).collect();
        Bucket { objects, ..Bucket::default() }
    }

    fn names(listing: &Listing) -> Vec<&str> {
        listing
            .items
            .iter()
            .map(|item| match item {
                Item::Object { key, .. } => key.as_str(),
                Item::CommonPrefix(prefix) => prefix.as_str(),
            })
            .collect()
    }

    fn all_pages(bucket: &Bucket, prefix: &str, delimiter: &str, limit: usize) -> Vec<String> {
        let mut after = Vec::new();
        let mut all = Vec::new();
        loop {
            let listing = bucket.page(&Page { prefix, delimiter, after: &after, limit });
            assert!(listing.items.len() <= limit);
            all.extend(names(&listing).into_iter().map(str::to_owned));
            match listing.next {
                Some(next) => after = next,
                None => return all,
            }
        }
    }

    #[test]
    fn keys_are_ordered_by_their_bytes() {
        let bucket = bucket(&["b", "a/b", "a", "a ", "ä", "z", "Z", "a\u{10ffff}", "a0", "日本"]);
        let listing = bucket.page(&Page { prefix: "", delimiter: "", after: b"", limit: 100 });
        assert_eq!(names(&listing), ["Z", "a", "a ", "a/b", "a0", "a\u{10ffff}", "b", "z", "ä", "日本"]);
        assert_eq!(listing.next, None);
    }

    #[test]
    fn a_delimiter_rolls_up_and_the_next_page_goes_on_after_it() {
        let bucket = bucket(&["a", "d/1", "d/2", "d/\u{10ffff}", "d0", "e//x", "e/y", "f"]);
        let page = |after: &[u8], limit| bucket.page(&Page { prefix: "", delimiter: "/", after, limit });
        let first = page(b"", 2);
        assert_eq!(names(&first), ["a", "d/"]);
        let second = page(&first.next.unwrap(), 2);
        assert_eq!(names(&second), ["d0", "e/"]);
        let third = page(&second.next.unwrap(), 2);
        assert_eq!(names(&third), ["f"]);
        assert_eq!(third.next, None);
        let below = bucket.page(&Page { prefix: "e/", delimiter: "/", after: b"", limit: 9 });
        assert_eq!(names(&below), ["e//", "e/y"]);
    }

    #[test]
    fn start_after_may_lie_before_inside_or_past_the_prefix() {
        let bucket = bucket(&["a1", "b1", "b2", "b3", "c1"]);
        let page = |after: &'static str| {
            let listing =
                bucket.page(&Page { prefix: "b", delimiter: "", after: after.as_bytes(), limit: 9 });
            names(&listing).join(" ")
        };
        assert_eq!(page("a"), "b1 b2 b3");
        assert_eq!(page("b"), "b1 b2 b3");
        assert_eq!(page("b1"), "b2 b3");
        assert_eq!(page("b11"), "b2 b3");
        assert_eq!(page("b3"), "");
        assert_eq!(page("c"), "");
    }

    #[test]
    fn a_page_that_is_just_full_is_the_last_one() {
        let bucket = bucket(&["a", "b"]);
        assert_eq!(bucket.page(&Page { prefix: "", delimiter: "", after: b"", limit: 2 }).next, None);
        assert!(bucket.page(&Page { prefix: "", delimiter: "", after: b"", limit: 1 }).next.is_some());
    }

    /// What a page costs is counted, not timed: the same in a large bucket as in a small one.
    #[test]
    fn a_page_costs_as_much_as_it_holds_however_much_there_is_around_it() {
        let looks = |keys: &[String], wanted: &Page<'_>| {
            let bucket = bucket(&keys.iter().map(String::as_str).collect::<Vec<_>>());
            let mut looks = 0;
            let listing = bucket.page_counting(wanted, &mut looks);
            (listing.items.len(), looks)
        };
        let keys = |count: u32| (0..count).map(|n| format!("run/{n:08}")).collect::<Vec<_>>();
        let (first, deep) = (b"".as_slice(), b"run/00000500".as_slice());
        for (after, few, many) in [(first, keys(1000), keys(50_000)), (deep, keys(1501), keys(50_000))] {
            let page = Page { prefix: "run/", delimiter: "", after, limit: 1000 };
            assert_eq!(looks(&few, &page), (1000, 1001));
            assert_eq!(looks(&many, &page), (1000, 1001));
        }
        let runs: Vec<String> =
            (0..20).flat_map(|run| (0..1000).map(move |n| format!("run-{run:02}/{n:04}"))).collect();
        let rolled = Page { prefix: "", delimiter: "/", after: b"", limit: 1000 };
        assert_eq!(looks(&runs, &rolled), (20, 21), "keys under a common prefix are skipped, not looked at");
    }

    proptest! {
        /// Whatever the page size: together the pages are what a plain scan of sorted keys gives.
        #[test]
        fn pages_together_are_the_whole(
            keys in prop::collection::btree_set("[ab/ä\u{10ffff}]{1,6}", 0..40),
            prefix in "[ab/]{0,2}", delimiter in "(|/|b|a/)", limit in 1..6_usize,
        ) {
            let names: Vec<&str> = keys.iter().map(String::as_str).collect();
            let mut expected: Vec<String> = Vec::new();
            for key in names.iter().filter(|key| key.starts_with(&prefix)) {
                let rest = &key[prefix.len()..];
                let cut = if delimiter.is_empty() { None } else { rest.find(&delimiter) };
                let name = cut.map_or(*key, |at| &key[..prefix.len() + at + delimiter.len()]).to_owned();
                if expected.last() != Some(&name) || cut.is_none() {
                    expected.push(name);
                }
            }
            prop_assert_eq!(all_pages(&bucket(&names), &prefix, &delimiter, limit), expected);
        }
    }
}
