//! The truth at the end, held against a ledger: what the server lists, and what it holds of the keys that are read.
//!
//! Everything has ended by now, so each key can only hold what was acknowledged last (one of several that went on at
//! the same time), or what an operation of unknown fate left. What the listing leaves in doubt is read.

use std::collections::{BTreeSet, BinaryHeap};

use super::content::{NEVER, Seen};
use super::digest::digest;
use super::found::Wrong;
use super::history::{History, Judgement};
use super::keys::StoreLedger;
use super::listing::{ListingCall, Met, walk};
use super::words;
use crate::runfile::LedgerRecord;
use crate::seed::mix;

/// Later than every operation.
const AT_THE_END: u64 = NEVER - 1;

/// Keys that are read because of what the listing says of them; beyond that the listing decides.
const DOUBTS_AT_MOST: usize = 10_000;

/// Takes in the truth and judges.
#[derive(Debug)]
pub struct StoreJudge {
    ledger: StoreLedger,
    /// Keys to be read.
    doubts: BTreeSet<String>,
    /// Of these, those that must be there and were not listed.
    unlisted: BTreeSet<String>,
}

/// What a listing says of a key at the end.
enum Doubt {
    /// It is not listed, and must be there.
    Unlisted,
    /// It is listed with a size that it cannot have.
    Size(u64),
    /// What became of an operation on it is not known.
    Open,
}

impl StoreLedger {
    /// Ends the log; what was on its way counts as of unknown fate.
    #[must_use]
    pub fn judge(self) -> StoreJudge {
        StoreJudge { ledger: self, doubts: BTreeSet::new(), unlisted: BTreeSet::new() }
    }
}

impl StoreJudge {
    /// Prefixes that together hold every key of the ledger.
    #[must_use]
    pub fn prefixes(&self) -> Vec<String> {
        self.ledger.roots.prefixes()
    }

    /// How many keys the ledger knows.
    #[must_use]
    pub fn keys(&self) -> u64 {
        self.ledger.keys.len() as u64
    }

    /// The keys that the ledger knows below a prefix and behind a key.
    pub fn keys_behind<'a>(
        &'a self,
        prefix: &'a str,
        after: Option<&'a str>,
    ) -> impl Iterator<Item = &'a str> {
        let keys = super::keys::under(&self.ledger.keys, prefix).map(|(key, _)| &**key);
        keys.skip_while(move |key| after.is_some_and(|after| *key <= after))
    }

    /// A piece of a listing: everything that begins with `prefix` behind `start_after`, up to `until` (or the end), with
    /// sizes in bytes and in the order of the keys' bytes.
    pub fn listed(&mut self, piece: &ListingCall<'_>, listed: &[(&str, u64)]) {
        let StoreLedger { keys, gone, found, .. } = &mut self.ledger;
        let (doubts, unlisted) = (&mut self.doubts, &mut self.unlisted);
        walk(keys, piece, listed, |Met { key, history, listed }| {
            let Some(history) = history else {
                if gone.deleted_ns(key).is_some() {
                    found.wrong(Wrong::DeletedInList, || words::still_listed(key));
                }
                return;
            };
            if history.is_surely_gone(AT_THE_END) {
                if listed.is_some() {
                    found.wrong(Wrong::DeletedInList, || words::still_listed(key));
                }
                return;
            }
            found.counts.keys_at_end += u64::from(listed.is_some());
            let Some(doubt) = doubt_of(history, listed) else { return };
            let last = history.last_before(AT_THE_END);
            match doubt {
                _ if doubts.len() < DOUBTS_AT_MOST => {
                    doubts.insert(key.to_owned());
                    if matches!(doubt, Doubt::Unlisted) {
                        unlisted.insert(key.to_owned());
                    }
                }
                Doubt::Unlisted => found.wrong(Wrong::Lost, || words::lost(key, last, "it is not listed")),
                Doubt::Size(size_bytes) => {
                    found.wrong(Wrong::Corrupted, || words::corrupted(key, Seen::Sized(size_bytes)));
                }
                Doubt::Open => {}
            }
        });
    }

    /// Keys that the listing left in doubt and that were not read yet.
    #[must_use]
    pub fn take_doubts(&mut self) -> Vec<String> {
        std::mem::take(&mut self.doubts).into_iter().collect()
    }

    /// So many of the keys that are or may be there, chosen by the seed.
    #[must_use]
    pub fn sample(&self, count: usize, seed: u64) -> Vec<String> {
        let mut smallest: BinaryHeap<(u64, &str)> = BinaryHeap::with_capacity(count + 1);
        for (key, history) in &self.ledger.keys {
            if !history.is_open(AT_THE_END) && !history.is_surely_gone(AT_THE_END) {
                smallest.push((mix(seed, 0, digest(key.as_bytes())), &**key));
                if smallest.len() > count {
                    smallest.pop();
                }
            }
        }
        smallest.into_iter().map(|(_, key)| key.to_owned()).collect()
    }

    /// The largest size that a key may have, in bytes.
    #[must_use]
    pub fn largest_bytes(&self, key: &str) -> u64 {
        let history = self.ledger.keys.get(key);
        let versions = history.map(History::versions).unwrap_or_default();
        versions.iter().map(super::content::Version::size_bytes).max().unwrap_or(0)
    }

    /// A key that no listing reached was asked for.
    pub fn looked_at(&mut self, key: &str, seen: Seen) {
        self.ledger.found.counts.keys_at_end += u64::from(seen != Seen::Absent);
        self.read(key, seen);
    }

    /// What a read of a key found.
    pub fn read(&mut self, key: &str, seen: Seen) {
        let StoreLedger { keys, gone, found, .. } = &mut self.ledger;
        let Some(history) = keys.get(key) else { return };
        found.counts.read_at_end += u64::from(matches!(seen, Seen::Whole(_)));
        let last = history.last_before(AT_THE_END);
        match history.judge(seen, AT_THE_END) {
            Judgement::Open => {}
            Judgement::Sound => {
                if seen != Seen::Absent && self.unlisted.contains(key) {
                    found.wrong(Wrong::MissingInList, || words::not_listed(key));
                }
            }
            Judgement::Missing => {
                found.wrong(Wrong::Lost, || words::lost(key, last, "it is not there"));
                return;
            }
            Judgement::Deleted => {
                found.wrong(Wrong::DeletedRead, || words::still_read(key));
                return;
            }
            Judgement::Unknown if !matches!(seen, Seen::Whole(content) if gone.was_replaced(key, content)) => {
                found.wrong(Wrong::Corrupted, || words::corrupted(key, seen));
                return;
            }
            Judgement::Stale(_) | Judgement::Unknown => {
                let instead = || format!("it holds the older {}", words::shown(seen));
                found.wrong(Wrong::Lost, || words::lost(key, last, &instead()));
                return;
            }
        }
        let mut able = history.found_by(AT_THE_END).filter(|version| version.explains(seen));
        // Nothing else can have left it.
        if able.next().is_some_and(|first| !first.is_acknowledged() && able.all(|v| !v.is_acknowledged())) {
            found.counts.ambiguous_applied += 1;
        }
    }

    /// The verdict as a run file keeps it.
    #[must_use]
    pub fn record(&self, name: &str) -> LedgerRecord {
        self.ledger.found.record(name)
    }
}

/// What must be read to be known.
fn doubt_of(history: &History, listed: Option<u64>) -> Option<Doubt> {
    let is_known = |history: &History| history.found_by(AT_THE_END).all(|version| version.is_acknowledged());
    match listed {
        None if history.is_surely_there(AT_THE_END) => Some(Doubt::Unlisted),
        Some(size_bytes) if !history.can_be_listed_as(size_bytes, AT_THE_END) => {
            Some(Doubt::Size(size_bytes))
        }
        _ => (!is_known(history)).then_some(Doubt::Open),
    }
}
