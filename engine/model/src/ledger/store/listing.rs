//! A listing, held against what each key may hold.

use std::collections::BTreeMap;
use std::ops::Bound;

use super::found::{Found, Wrong};
use super::history::History;
use super::keys::StoreLedger;
use super::words;
use crate::units::format_count;

/// What was asked of a listing, and how far its answer reaches.
#[derive(Debug, Clone, Copy, Default)]
pub struct ListingCall<'a> {
    /// Only keys that begin so.
    pub prefix: &'a str,
    /// Only keys behind this one.
    pub start_after: Option<&'a str>,
    /// Keys that have it behind the prefix were put together as common prefixes.
    pub delimiter: Option<&'a str>,
    /// What keys were put together as, in the order of their bytes.
    pub common_prefixes: &'a [&'a str],
    /// The last key, or the last common prefix, when there was more than was asked for: what lies behind was not
    /// listed.
    pub until: Option<&'a str>,
    /// When it began.
    pub began_ns: u64,
}

impl<'a> ListingCall<'a> {
    /// The common prefix that a key is put together under.
    fn common_prefix<'k>(&self, key: &'k str) -> Option<&'k str> {
        let delimiter = self.delimiter.filter(|delimiter| !delimiter.is_empty())?;
        let behind = key.get(self.prefix.len()..)?;
        behind.find(delimiter).map(|at| &key[..self.prefix.len() + at + delimiter.len()])
    }

    /// Whether the answer says something about a key that begins with the prefix and lies behind the start.
    fn reaches(&self, key: &str) -> bool {
        self.until
            .is_none_or(|until| key <= until || self.common_prefix(key).is_some_and(|part| part <= until))
    }

    fn from(&self) -> Bound<&'a str> {
        match self.start_after {
            Some(start) if start >= self.prefix => Bound::Excluded(start),
            _ => Bound::Included(self.prefix),
        }
    }
}

/// A key in the reach of a listing: what is known of it, and the size that it was listed with, in bytes.
pub(super) struct Met<'a> {
    pub(super) key: &'a str,
    pub(super) history: Option<&'a History>,
    pub(super) listed: Option<u64>,
}

/// Visits every key that is known and in the reach of a listing, and every other one that was listed, in order.
pub(super) fn walk(
    keys: &BTreeMap<Box<str>, History>,
    call: &ListingCall<'_>,
    listed: &[(&str, u64)],
    mut visit: impl FnMut(Met<'_>),
) {
    let mut rest = listed.iter().copied().peekable();
    let known = keys
        .range::<str, _>((call.from(), Bound::Unbounded))
        .take_while(|(key, _)| key.starts_with(call.prefix) && call.reaches(key));
    for (key, history) in known {
        let key: &str = key;
        while let Some((key, size_bytes)) = rest.next_if(|(listed, _)| *listed < key) {
            visit(Met { key, history: None, listed: Some(size_bytes) });
        }
        let listed = rest.next_if(|(listed, _)| *listed == key).map(|(_, size_bytes)| size_bytes);
        visit(Met { key, history: Some(history), listed });
    }
    rest.for_each(|(key, size_bytes)| visit(Met { key, history: None, listed: Some(size_bytes) }));
}

impl StoreLedger {
    /// Judges a listing by this ledger's keys: `listed` are those of its answer, with their sizes in bytes, in the
    /// order of their bytes.
    pub fn listed(&mut self, call: &ListingCall<'_>, listed: &[(&str, u64)]) {
        let StoreLedger { keys, gone, found, .. } = self;
        walk(keys, call, listed, |Met { key, history, listed }| match (history, call.common_prefix(key)) {
            (Some(history), Some(part)) => judge_part(key, part, history, call, found),
            (Some(history), None) => judge(key, history, listed, call.began_ns, found),
            (None, _) => {
                if let Some(ended_ns) = gone.deleted_ns(key) {
                    let sentence = || words::deleted(key, "list", ended_ns, call.began_ns);
                    found.wrong(Wrong::DeletedInList, sentence);
                }
            }
        });
    }
}

/// Judges one key by whether the part was listed that it is put together under.
fn judge_part(key: &str, part: &str, history: &History, call: &ListingCall<'_>, found: &mut Found) {
    // Whether a part is listed that the start lies in is a matter of the store.
    let is_cut = call.start_after.is_some_and(|start| start.starts_with(part));
    if is_cut || call.common_prefixes.binary_search(&part).is_ok() || !history.is_surely_there(call.began_ns)
    {
        return;
    }
    let lacks = format!("lacks its common prefix {part}");
    found.wrong(Wrong::MissingInList, || words::listed(key, history, call.began_ns, &lacks));
}

/// Judges one key by whether it was listed, and with which size.
fn judge(key: &str, history: &History, listed: Option<u64>, began_ns: u64, found: &mut Found) {
    let Some(size_bytes) = listed else {
        if history.is_surely_there(began_ns) {
            found.wrong(Wrong::MissingInList, || words::listed(key, history, began_ns, "lacks it"));
        }
        return;
    };
    if history.is_surely_gone(began_ns) {
        found.wrong(Wrong::DeletedInList, || words::listed(key, history, began_ns, "has it"));
    } else if !history.can_be_listed_as(size_bytes, began_ns) {
        let size = format!("gives it {} bytes", format_count(size_bytes));
        found.wrong(Wrong::StaleInList, || words::listed(key, history, began_ns, &size));
    }
}
