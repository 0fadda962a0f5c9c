//! The ledger of compare-and-swap: each step of each key is taken by exactly one writer.
//!
//! Step s of a key is the change of its sequence number from s to s + 1. With every compare honoured, a key
//! that began at 0 and ends at n has each of the steps 0 … n - 1 acknowledged once. What can be found
//! instead:
//!
//! | finding | what it means |
//! |---|---|
//! | duplicate | one step acknowledged twice: two writers both believe it is theirs |
//! | gap | a step below the final number that nobody was acknowledged and no ambiguous attempt explains |
//! | lost | an acknowledged step the server does not hold: above the end, not in the history, or of no key |
//! | fork | two versions of one truth: a step or a head twice, or a step acknowledged before the beginning |
//!
//! Ambiguous attempts (sent, fate unknown) are settled by the truth: one of them was applied when its step
//! lies below the final number and nobody else was acknowledged; all others were not.

use std::collections::BTreeMap;

use super::bits::{StepSet, Word};
use super::verdict::{CasVerdict, Finding};
use crate::outcome::Outcome;

/// What became of one attempt, as far as the client knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fate {
    /// The server said it is done.
    Acknowledged,
    /// The server said somebody else was first.
    Conflict,
    /// Nobody knows.
    Ambiguous,
    /// The server said no, or it was never sent.
    Failed,
}

impl From<Outcome> for Fate {
    /// A timeout is ambiguous: the server may have done it before it noticed.
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Ok => Fate::Acknowledged,
            Outcome::Conflict | Outcome::Empty => Fate::Conflict,
            Outcome::Timeout | Outcome::Ambiguous => Fate::Ambiguous,
            Outcome::Rejected | Outcome::Throttled | Outcome::Error => Fate::Failed,
        }
    }
}

/// A log of attempts, one for each core while the run goes, merged at the end. A key whose steps lie
/// together takes some 30 to 60 bytes, whatever the number of attempts.
#[derive(Debug, Clone, Default)]
pub struct CasLedger {
    acknowledged: StepSet,
    ambiguous: BTreeMap<(u64, u64), u64>,
    duplicates: Finding,
    acknowledgements: u64,
    conflicts: u64,
    failed: u64,
}

impl CasLedger {
    /// An empty ledger.
    pub fn new() -> Self {
        CasLedger::default()
    }

    /// Logs one attempt to take `key` from sequence number `step` to `step + 1`.
    pub fn record(&mut self, key: u64, step: u64, fate: Fate) {
        match fate {
            Fate::Acknowledged => {
                self.acknowledgements += 1;
                if !self.acknowledged.insert(key, step) {
                    self.duplicates.add(1, || duplicate_text(key, step));
                }
            }
            Fate::Conflict => self.conflicts += 1,
            Fate::Ambiguous => *self.ambiguous.entry((key, step)).or_default() += 1,
            Fate::Failed => self.failed += 1,
        }
    }

    /// Adds another core's log.
    pub fn merge(&mut self, other: CasLedger) {
        self.duplicates.merge(other.duplicates);
        let duplicates = &mut self.duplicates;
        self.acknowledged.merge(other.acknowledged, |both: Word| {
            duplicates.add(both.count(), || duplicate_text(both.key, both.first()));
        });
        for (attempt, count) in other.ambiguous {
            *self.ambiguous.entry(attempt).or_default() += count;
        }
        self.acknowledgements += other.acknowledgements;
        self.conflicts += other.conflicts;
        self.failed += other.failed;
    }

    /// Acknowledged attempts so far.
    pub fn acknowledgements(&self) -> u64 {
        self.acknowledgements
    }

    /// Bytes of memory taken, roughly.
    pub fn bytes(&self) -> usize {
        self.acknowledged.bytes() + self.ambiguous.len() * 48
    }

    /// Begins the judgement of keys that all began at sequence number `start`.
    pub fn judge(self, start: u64) -> CasJudge {
        CasJudge { ledger: self, start, heads: Vec::new(), history: None, forks: Finding::default() }
    }
}

/// Collects the truth, row by row, and then judges.
#[derive(Debug)]
pub struct CasJudge {
    ledger: CasLedger,
    start: u64,
    heads: Vec<(u64, u64)>,
    history: Option<StepSet>,
    forks: Finding,
}

impl CasJudge {
    /// A head row of the server: the final sequence number of a key.
    pub fn head(&mut self, key: u64, final_seq: u64) {
        self.heads.push((key, final_seq));
    }

    /// A history row of the server: it took `step` of `key` (a row that records the number *after* the step
    /// is of step number - 1). Optional; but once any row is given, all must be.
    pub fn history(&mut self, key: u64, step: u64) {
        if !self.history.get_or_insert_default().insert(key, step) {
            self.forks.add(1, || format!("key {key}: step {step} is in the history more than once"));
        }
    }

    /// Judges.
    pub fn finish(mut self) -> CasVerdict {
        self.heads.sort_unstable();
        let heads = self.unique_heads();
        let mut verdict = CasVerdict {
            keys: heads.len() as u64,
            acknowledged: self.ledger.acknowledgements,
            conflicts: self.ledger.conflicts,
            failed: self.ledger.failed,
            ambiguous: self.ledger.ambiguous.values().sum(),
            ..CasVerdict::default()
        };
        let settled = self.settle_ambiguous(&heads, &mut verdict);
        self.walk_keys(&heads, &settled, &mut verdict);
        if let Some(history) = &self.history {
            self.check_history(history, &heads, &mut verdict);
        }
        verdict.duplicates.merge(self.ledger.duplicates);
        verdict.forks.merge(self.forks);
        verdict
    }

    /// One head a key; a second one is a fork, and the higher number is taken on.
    fn unique_heads(&mut self) -> Vec<(u64, u64)> {
        let mut unique: Vec<(u64, u64)> = Vec::with_capacity(self.heads.len());
        for &(key, final_seq) in &self.heads {
            match unique.last_mut() {
                Some(last) if last.0 == key => {
                    let other = last.1;
                    self.forks
                        .add(1, || format!("key {key}: it has two heads, at {other} and at {final_seq}"));
                    last.1 = final_seq;
                }
                _ => unique.push((key, final_seq)),
            }
        }
        unique
    }

    /// Settles every ambiguous attempt; gives the steps that one of them explains.
    fn settle_ambiguous(&self, heads: &[(u64, u64)], verdict: &mut CasVerdict) -> Vec<(u64, u64)> {
        let mut settled = Vec::new();
        for (&(key, step), &attempts) in &self.ledger.ambiguous {
            let below = final_of(heads, key).is_some_and(|final_seq| step < final_seq) && step >= self.start;
            if below && !self.ledger.acknowledged.contains(key, step) {
                settled.push((key, step));
                verdict.ambiguous_applied += 1;
                verdict.ambiguous_not_applied += attempts - 1;
            } else {
                verdict.ambiguous_not_applied += attempts;
            }
        }
        settled
    }

    /// For each key: acknowledged steps inside, beyond and before the truth; and what is missing inside.
    fn walk_keys(&self, heads: &[(u64, u64)], settled: &[(u64, u64)], verdict: &mut CasVerdict) {
        let words = self.ledger.acknowledged.sorted();
        for of_key in words.chunk_by(|a, b| a.key == b.key) {
            let key = of_key[0].key;
            let Some(final_seq) = final_of(heads, key) else {
                let count: u64 = of_key.iter().map(|word| word.count()).sum();
                verdict.missing_keys += 1;
                verdict.lost.add(count, || {
                    format!("key {key}: {count} steps were acknowledged, and the server has no such key")
                });
                continue;
            };
            for word in of_key {
                let beyond = word.at_or_above(final_seq.max(self.start));
                verdict.lost.add(beyond.count(), || {
                    format!(
                        "key {key}: step {} was acknowledged, and the server is at {final_seq}",
                        beyond.first()
                    )
                });
                let before = word.below(self.start);
                verdict.forks.add(before.count(), || {
                    format!(
                        "key {key}: step {} was acknowledged, before the beginning ({})",
                        before.first(),
                        self.start
                    )
                });
            }
        }
        for &(key, final_seq) in heads {
            let steps = final_seq.saturating_sub(self.start);
            let from = words.partition_point(|word| word.key < key);
            let of_key = words[from..].iter().take_while(|word| word.key == key);
            let taken: u64 =
                of_key.clone().map(|word| word.at_or_above(self.start).below(final_seq).count()).sum();
            let explained = run_of(settled, key).len() as u64;
            // A row may hold any number; a nonsensical one must not break the sum.
            verdict.steps = verdict.steps.saturating_add(steps);
            verdict.gaps.add(steps - taken - explained, || {
                let missing = self.first_missing(of_key, run_of(settled, key), final_seq);
                format!("key {key}: the server is at {final_seq}, and nobody was acknowledged step {missing}")
            });
        }
    }

    /// The first step below the final number that is neither acknowledged nor settled.
    fn first_missing<'a>(
        &self,
        words: impl Iterator<Item = &'a Word>,
        settled: &[(u64, u64)],
        final_seq: u64,
    ) -> u64 {
        let mut step = self.start;
        let is_settled = |step: u64| settled.binary_search_by_key(&step, |&(_, settled)| settled).is_ok();
        for word in words {
            while step < final_seq && (step / 64 == word.index) {
                if word.bits & (1 << (step % 64)) == 0 && !is_settled(step) {
                    return step;
                }
                step += 1;
            }
            if step / 64 < word.index {
                break;
            }
        }
        while is_settled(step) {
            step += 1;
        }
        step
    }

    /// The history must hold each acknowledged step, and each step below the final number.
    fn check_history(&self, history: &StepSet, heads: &[(u64, u64)], verdict: &mut CasVerdict) {
        for word in self.ledger.acknowledged.without(history) {
            // Steps beyond the head, or of keys without one, are counted as lost already.
            let Some(final_seq) = final_of(heads, word.key) else { continue };
            let absent = word.at_or_above(self.start).below(final_seq);
            verdict.lost.add(absent.count(), || {
                format!(
                    "key {}: step {} was acknowledged, and the history does not hold it",
                    word.key,
                    absent.first()
                )
            });
        }
        for word in history.sorted() {
            let beyond = final_of(heads, word.key).map_or(word, |final_seq| word.at_or_above(final_seq));
            verdict.forks.add(beyond.count(), || {
                format!(
                    "key {}: the history holds step {}, which the head does not",
                    word.key,
                    beyond.first()
                )
            });
        }
    }
}

/// The final number of a key among heads sorted by key.
fn final_of(heads: &[(u64, u64)], key: u64) -> Option<u64> {
    heads.binary_search_by_key(&key, |&(head, _)| head).ok().map(|index| heads[index].1)
}

/// The pairs of one key among pairs sorted by key.
fn run_of(pairs: &[(u64, u64)], key: u64) -> &[(u64, u64)] {
    let from = pairs.partition_point(|&(other, _)| other < key);
    let to = pairs.partition_point(|&(other, _)| other <= key);
    &pairs[from..to]
}

fn duplicate_text(key: u64, step: u64) -> String {
    format!("key {key}: step {step} was acknowledged more than once")
}
