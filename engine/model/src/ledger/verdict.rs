//! What a ledger found, as numbers and as sentences.

use std::collections::BTreeMap;

use crate::runfile::LedgerRecord;

/// Examples kept of each finding.
const EXAMPLES: usize = 5;

/// A count and some examples of what was counted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Finding {
    pub(super) count: u64,
    pub(super) examples: Vec<String>,
}

impl Finding {
    /// Counts `count` of it; the example is only made while there is room.
    pub(super) fn add(&mut self, count: u64, example: impl FnOnce() -> String) {
        if count == 0 {
            return;
        }
        self.count = self.count.saturating_add(count);
        if self.examples.len() < EXAMPLES {
            self.examples.push(example());
        }
    }

    pub(super) fn merge(&mut self, other: Finding) {
        self.count = self.count.saturating_add(other.count);
        let room = EXAMPLES.saturating_sub(self.examples.len());
        self.examples.extend(other.examples.into_iter().take(room));
    }
}

/// The verdict of a compare-and-swap ledger.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CasVerdict {
    /// Keys the server holds.
    pub keys: u64,
    /// Steps the server took in all.
    pub steps: u64,
    /// Attempts that were acknowledged.
    pub acknowledged: u64,
    /// Attempts that lost their race.
    pub conflicts: u64,
    /// Attempts the server refused, or that were never sent.
    pub failed: u64,
    /// Attempts of unknown fate.
    pub ambiguous: u64,
    /// Of these, settled as applied.
    pub ambiguous_applied: u64,
    /// Of these, settled as not applied.
    pub ambiguous_not_applied: u64,
    /// Inserts that were acknowledged.
    pub created: u64,
    /// Deletions at a compared sequence number that were acknowledged.
    pub retired: u64,
    /// Keys with acknowledged steps, or an acknowledged insert, that the server does not hold.
    pub missing_keys: u64,
    pub(super) duplicates: Finding,
    pub(super) gaps: Finding,
    pub(super) lost: Finding,
    pub(super) forks: Finding,
}

impl CasVerdict {
    /// Acknowledgements beyond the first of their step, and deletions of what was gone.
    pub fn duplicates(&self) -> u64 {
        self.duplicates.count
    }

    /// Steps the server took that nobody was acknowledged and no ambiguous attempt explains.
    pub fn gaps(&self) -> u64 {
        self.gaps.count
    }

    /// Acknowledged steps and inserts the server does not hold.
    pub fn lost(&self) -> u64 {
        self.lost.count
    }

    /// Steps or heads of which there are two versions, and keys that are there although they were deleted.
    pub fn forks(&self) -> u64 {
        self.forks.count
    }

    /// Whether every step was taken by exactly one writer.
    pub fn passed(&self) -> bool {
        self.duplicates() + self.gaps() + self.lost() + self.forks() == 0
    }

    /// Every figure by name, as thresholds (`ledger.duplicates`) and run files know them.
    pub fn figures(&self) -> BTreeMap<String, u64> {
        [
            ("keys", self.keys),
            ("steps", self.steps),
            ("acknowledged", self.acknowledged),
            ("conflicts", self.conflicts),
            ("failed", self.failed),
            ("ambiguous", self.ambiguous),
            ("ambiguous_applied", self.ambiguous_applied),
            ("ambiguous_not_applied", self.ambiguous_not_applied),
            ("created", self.created),
            ("retired", self.retired),
            ("missing_keys", self.missing_keys),
            ("duplicates", self.duplicates()),
            ("gaps", self.gaps()),
            ("lost", self.lost()),
            ("forks", self.forks()),
        ]
        .into_iter()
        .map(|(name, figure)| (name.to_owned(), figure))
        .collect()
    }

    /// Some of what was found, in sentences.
    pub fn examples(&self) -> Vec<String> {
        [&self.duplicates, &self.gaps, &self.lost, &self.forks]
            .into_iter()
            .flat_map(|finding| finding.examples.iter().cloned())
            .collect()
    }

    /// The verdict as a run file keeps it.
    pub fn record(&self, name: &str) -> LedgerRecord {
        LedgerRecord {
            name: name.to_owned(),
            kind: "cas".to_owned(),
            passed: self.passed(),
            figures: self.figures(),
            examples: self.examples(),
            ..LedgerRecord::default()
        }
    }
}
