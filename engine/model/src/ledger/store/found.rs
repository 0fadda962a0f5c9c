//! What a store's ledger counted and found, by name.

use std::collections::BTreeMap;

use super::content::Version;
use crate::ledger::verdict::Finding;
use crate::runfile::LedgerRecord;

/// What can be found wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wrong {
    /// At the end the server does not hold what was acknowledged last.
    Lost,
    /// Something was read that nobody put.
    Corrupted,
    /// A read found an older content.
    StaleRead,
    /// A read found nothing.
    MissingRead,
    /// A read found what was deleted.
    DeletedRead,
    /// A listing lacks a key.
    MissingInList,
    /// A listing has a key that was deleted.
    DeletedInList,
    /// A listing tells a size that the key cannot have.
    StaleInList,
    /// Two puts won that each wanted to be the first.
    DuplicateWin,
}

/// How many kinds of findings there are.
const KINDS: usize = Wrong::DuplicateWin as usize + 1;

/// How often what happened.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Counts {
    pub(super) puts: u64,
    pub(super) deletes: u64,
    pub(super) objects: u64,
    pub(super) ambiguous: u64,
    pub(super) ambiguous_applied: u64,
    pub(super) reads_checked: u64,
    pub(super) lists_checked: u64,
    pub(super) keys_at_end: u64,
    pub(super) read_at_end: u64,
}

/// Counts and findings of one ledger, merged with those of others.
#[derive(Debug, Clone, Default)]
pub(super) struct Found {
    pub(super) counts: Counts,
    findings: [Finding; KINDS],
}

impl Found {
    /// Something is wrong; the sentence is only made while there is room for examples.
    pub(super) fn wrong(&mut self, what: Wrong, sentence: impl FnOnce() -> String) {
        self.findings[what as usize].add(1, sentence);
    }

    /// A change was acknowledged; `was_there` when an acknowledged put stood before it.
    pub(super) fn acknowledged(&mut self, change: &Version, was_there: bool) {
        if change.is_absent() {
            self.counts.deletes += 1;
        } else {
            self.counts.puts += 1;
            self.counts.objects += u64::from(!was_there);
        }
    }

    fn count(&self, what: Wrong) -> u64 {
        self.findings[what as usize].count
    }

    /// Every figure by name, as thresholds (`ledger.lost`) and run files know them.
    pub(super) fn figures(&self) -> BTreeMap<String, u64> {
        let Counts { puts, deletes, objects, ambiguous, ambiguous_applied, .. } = self.counts;
        let Counts { reads_checked, lists_checked, keys_at_end, read_at_end, .. } = self.counts;
        let of = |kinds: &[Wrong]| kinds.iter().map(|kind| self.count(*kind)).sum();
        [
            ("puts", puts),
            ("deletes", deletes),
            ("objects", objects),
            ("ambiguous", ambiguous),
            ("ambiguous_applied", ambiguous_applied),
            ("reads_checked", reads_checked),
            ("lists_checked", lists_checked),
            ("keys_at_end", keys_at_end),
            ("read_at_end", read_at_end),
            ("read_after_write", of(&[Wrong::StaleRead, Wrong::MissingRead, Wrong::DeletedRead])),
            ("list_after_write", of(&[Wrong::MissingInList, Wrong::DeletedInList, Wrong::StaleInList])),
            ("stale_reads", of(&[Wrong::StaleRead])),
            ("missing_reads", of(&[Wrong::MissingRead])),
            ("missing_in_list", of(&[Wrong::MissingInList])),
            ("stale_in_list", of(&[Wrong::StaleInList])),
            ("deleted_seen", of(&[Wrong::DeletedRead, Wrong::DeletedInList])),
            ("lost", of(&[Wrong::Lost])),
            ("corrupted", of(&[Wrong::Corrupted])),
            ("duplicate_wins", of(&[Wrong::DuplicateWin])),
        ]
        .into_iter()
        .map(|(name, figure)| (name.to_owned(), figure))
        .collect()
    }

    /// What was found, as a run file keeps it.
    pub(super) fn record(&self, name: &str) -> LedgerRecord {
        LedgerRecord {
            name: name.to_owned(),
            kind: "store".to_owned(),
            passed: self.findings.iter().all(|finding| finding.count == 0),
            figures: self.figures(),
            examples: self.findings.iter().flat_map(|finding| finding.examples.iter().cloned()).collect(),
            ..LedgerRecord::default()
        }
    }

    pub(super) fn merge(&mut self, other: Found) {
        self.counts.merge(other.counts);
        for (mine, theirs) in self.findings.iter_mut().zip(other.findings) {
            mine.merge(theirs);
        }
    }
}

impl Counts {
    fn merge(&mut self, other: Counts) {
        self.puts += other.puts;
        self.deletes += other.deletes;
        self.objects += other.objects;
        self.ambiguous += other.ambiguous;
        self.ambiguous_applied += other.ambiguous_applied;
        self.reads_checked += other.reads_checked;
        self.lists_checked += other.lists_checked;
        self.keys_at_end += other.keys_at_end;
        self.read_at_end += other.read_at_end;
    }
}
