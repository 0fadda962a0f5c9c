//! What a queue's ledger found, as numbers by name.

use std::collections::BTreeMap;

use super::log::QueueLedger;
use super::waits::Waits;
use crate::ledger::verdict::Finding;
use crate::runfile::LedgerRecord;

/// The verdict of a queue's ledger.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct QueueVerdict {
    /// Pushes that were acknowledged.
    pub pushed: u64,
    /// Items that came with takes, each as often as it came.
    pub taken: u64,
    /// Items whose completion was acknowledged.
    pub completed: u64,
    /// Items that are there at the end; nothing when that was not told.
    pub remaining: Option<u64>,
    /// Where it was not told: items that nobody took.
    pub untaken: u64,
    /// Items that may be lost, or taken by somebody who never had the answer.
    pub in_doubt: u64,
    /// Claims after a lease that may have run out.
    pub redelivered: u64,
    /// Completions that began after their lease had run out.
    pub late: u64,
    /// Deeds of unknown fate.
    pub ambiguous: u64,
    /// Deeds that failed.
    pub failed: u64,
    pub(super) lost: Finding,
    pub(super) twice: Finding,
    pub(super) early: Finding,
    pub(super) invented: Finding,
    /// Nothing where no order is promised.
    pub(super) order: Option<Finding>,
    pub(super) waits: Waits,
}

impl QueueVerdict {
    /// What can be counted before anything is judged.
    pub(super) fn of(ledger: &QueueLedger) -> Self {
        let left = ledger.remaining.len() as u64 + ledger.nameless_remaining;
        QueueVerdict {
            pushed: ledger.pushes.iter().filter(|push| push.is_known()).count() as u64,
            taken: (ledger.takes.len() + ledger.nameless_taken.len()) as u64,
            completed: ledger.completions.iter().filter(|completion| completion.is_known).count() as u64,
            remaining: ledger.is_all_told.then_some(left),
            ambiguous: ledger.ambiguous,
            failed: ledger.failed,
            ..QueueVerdict::default()
        }
    }

    /// Of what is missing, so much may have been taken by pops that nobody had the answer of.
    pub(super) fn settle_missing(&mut self, missing: u64, popped_at_most: u64) {
        let in_doubt = missing.min(popped_at_most);
        self.in_doubt += in_doubt;
        self.lost.count = missing - in_doubt;
        if self.lost.count == 0 {
            self.lost.examples.clear();
        } else if in_doubt > 0 {
            let doubt = format!(" (or taken by one of the pops without an answer, which explain {in_doubt})");
            self.lost.examples.iter_mut().for_each(|example| example.push_str(&doubt));
        }
    }

    /// Acknowledged pushes that are nowhere.
    pub fn lost(&self) -> u64 {
        self.lost.count
    }

    /// Items that were taken, or are there, more than once.
    pub fn twice(&self) -> u64 {
        self.twice.count
    }

    /// Items that were taken before their delay was over.
    pub fn early(&self) -> u64 {
        self.early.count
    }

    /// Items that nobody pushed.
    pub fn invented(&self) -> u64 {
        self.invented.count
    }

    /// Items that were overtaken; 0 where no order is promised.
    pub fn order(&self) -> u64 {
        self.order.as_ref().map_or(0, |order| order.count)
    }

    /// Whether nothing is wrong.
    pub fn passed(&self) -> bool {
        self.lost() + self.twice() + self.early() + self.invented() + self.order() == 0
    }

    /// Every figure by name, as thresholds (`ledger.lost`) and run files know them. What was not judged is not there.
    pub fn figures(&self) -> BTreeMap<String, u64> {
        let is_told = self.remaining.is_some();
        let always = [
            ("pushed", self.pushed),
            ("taken", self.taken),
            ("completed", self.completed),
            ("twice", self.twice()),
            ("early", self.early()),
            ("invented", self.invented()),
            ("redelivered", self.redelivered),
            ("late", self.late),
            ("in_doubt", self.in_doubt),
            ("ambiguous", self.ambiguous),
            ("failed", self.failed),
        ];
        let at_times = [
            ("remaining", self.remaining),
            ("lost", is_told.then(|| self.lost())),
            ("untaken", (!is_told).then_some(self.untaken)),
            ("order", self.order.as_ref().map(|order| order.count)),
        ];
        let judged = at_times.into_iter().filter_map(|(name, figure)| Some((name, figure?)));
        always.into_iter().chain(judged).map(|(name, figure)| (name.to_owned(), figure)).collect()
    }

    /// Some of what was found, in sentences.
    pub fn examples(&self) -> Vec<String> {
        [&self.lost, &self.twice, &self.early, &self.invented]
            .into_iter()
            .chain(&self.order)
            .flat_map(|finding| finding.examples.iter().cloned())
            .collect()
    }

    /// The verdict as a run file keeps it.
    pub fn record(&self, name: &str) -> LedgerRecord {
        LedgerRecord {
            name: name.to_owned(),
            kind: "queue".to_owned(),
            passed: self.passed(),
            figures: self.figures(),
            examples: self.examples(),
            waits: self.waits.records(),
        }
    }
}
