//! The ledger of compare-and-swap: each step of each key is taken by exactly one writer.
//!
//! Step s of a key is the change of its sequence number from s to s + 1. A key's life begins when it is inserted at
//! some number (or before the load: such a key is *preloaded* and begins at the ledger's start) and ends when it is
//! deleted, or with the run. With every compare honoured, a life from b to e has each of the steps b … e - 1
//! acknowledged once. What can be found instead:
//!
//! | finding | what it means |
//! |---|---|
//! | duplicate | one step acknowledged twice: two writers both believe it is theirs; or a key deleted twice |
//! | gap | a step of a life that nobody was acknowledged and no ambiguous attempt explains |
//! | lost | an acknowledged step or insert the server does not hold: above the end, not in the history, or of no key |
//! | fork | two versions of one truth: a step or a head twice, a step before the beginning, a key that is there although its deletion was acknowledged |
//!
//! Ambiguous attempts (sent, fate unknown) are settled by the truth; see `reading`.
//!
//! A life whose insert (if it had one), steps and deletion at a compared number were all acknowledged on one core is
//! complete. It is folded into counts, and of the key only its number is kept, to know it again: some 17 bytes a
//! retired key, where a living one takes 30 to 60 for its steps and as much for its insert. A run that retires 400 keys
//! a second fills 24 MB an hour. Keys that were deleted without comparing, or of which anything was ambiguous, are kept
//! whole.
//!
//! A key may be used again for another life. That a key was there before although nobody inserted it is then only
//! taken for an error (a deleted row that came back) where one core saw all of its beginnings and ends: of several
//! cores' logs nobody knows which came first.

use std::collections::{BTreeMap, BTreeSet};

use super::bits::StepSet;
use super::judge::CasJudge;
use super::lives::{Event, Lives};
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

/// How often what happened, over all keys.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Counts {
    pub(super) acknowledgements: u64,
    pub(super) conflicts: u64,
    pub(super) failed: u64,
    pub(super) ambiguous: u64,
    pub(super) created: u64,
    pub(super) retired: u64,
    /// Steps of lives that were folded.
    pub(super) folded_steps: u64,
}

/// A log of attempts, one for each core while the run goes, merged at the end; the order of merging does not matter.
#[derive(Debug, Clone, Default)]
pub struct CasLedger {
    /// Where preloaded keys begin.
    pub(super) start: u64,
    pub(super) acknowledged: StepSet,
    /// Acknowledgements of a step beyond its first.
    pub(super) extra: BTreeMap<(u64, u64), u64>,
    pub(super) ambiguous: BTreeMap<(u64, u64), u64>,
    /// Inserts and deletions that are not folded.
    pub(super) lives: Lives,
    /// Keys with a folded life that was preloaded, as far as the core knew.
    pub(super) retired_preloaded: BTreeSet<u64>,
    /// Keys with a folded life that was the first, and was inserted.
    pub(super) retired_created: BTreeSet<u64>,
    pub(super) counts: Counts,
}

impl CasLedger {
    /// An empty ledger for keys that begin at 0 when nobody inserts them.
    pub fn new() -> Self {
        CasLedger::default()
    }

    /// An empty ledger for keys that begin at `start` when nobody inserts them. Only such with the same start can be
    /// merged.
    pub fn starting_at(start: u64) -> Self {
        CasLedger { start, ..CasLedger::default() }
    }

    /// Logs one attempt to take `key` from sequence number `step` to `step + 1`.
    pub fn record(&mut self, key: u64, step: u64, fate: Fate) {
        match fate {
            Fate::Acknowledged => {
                self.counts.acknowledgements += 1;
                if !self.acknowledged.insert(key, step) {
                    *self.extra.entry((key, step)).or_default() += 1;
                }
            }
            Fate::Ambiguous => {
                self.counts.ambiguous += 1;
                *self.ambiguous.entry((key, step)).or_default() += 1;
            }
            Fate::Conflict | Fate::Failed => self.count_undone(fate),
        }
    }

    /// Logs one attempt to insert `key` at sequence number `at`.
    pub fn created(&mut self, key: u64, at: u64, fate: Fate) {
        let is_known = match fate {
            Fate::Acknowledged => true,
            Fate::Ambiguous => false,
            Fate::Conflict | Fate::Failed => return self.count_undone(fate),
        };
        self.counts.created += u64::from(is_known);
        self.counts.ambiguous += u64::from(!is_known);
        let again = self.retired_preloaded.contains(&key)
            || self.retired_created.contains(&key)
            || self.lives.of(key).any(|event| matches!(event, Event::Deleted { .. }));
        self.lives.add(key, Event::Created { at, again, is_known });
    }

    /// Logs one attempt to delete `key`: only at sequence number `at`, or whatever it was.
    pub fn deleted(&mut self, key: u64, at: Option<u64>, fate: Fate) {
        let is_known = match fate {
            Fate::Acknowledged => true,
            Fate::Ambiguous => false,
            Fate::Conflict | Fate::Failed => return self.count_undone(fate),
        };
        self.counts.retired += u64::from(is_known && at.is_some());
        self.counts.ambiguous += u64::from(!is_known);
        let is_folded = is_known && at.is_some_and(|at| self.fold(key, at));
        if !is_folded {
            self.lives.add(key, Event::Deleted { at, is_known });
        }
    }

    /// Folds the life of a key that was deleted at `end`, if nothing about it is left open.
    fn fold(&mut self, key: u64, end: u64) -> bool {
        if self.ambiguous.range((key, 0)..=(key, u64::MAX)).next().is_some() {
            return false;
        }
        let Some((begin, first)) = self.beginning(key, end) else { return false };
        if !self.acknowledged.take(key, begin, end) {
            return false;
        }
        match first {
            Beginning::Preloaded => drop(self.retired_preloaded.insert(key)),
            Beginning::Inserted { again } => {
                self.lives.remove(key);
                if !again {
                    self.retired_created.insert(key);
                }
            }
        }
        self.counts.folded_steps = self.counts.folded_steps.saturating_add(end - begin);
        true
    }

    /// Where the one life of a key began that ends at `end`; nothing when that is not plain.
    fn beginning(&self, key: u64, end: u64) -> Option<(u64, Beginning)> {
        let mut events = self.lives.of(key);
        let (begin, first) = match (events.next(), events.next()) {
            (None, _) if !self.retired_preloaded.contains(&key) => (self.start, Beginning::Preloaded),
            (Some(Event::Created { at, again, is_known: true }), None) => (at, Beginning::Inserted { again }),
            _ => return None,
        };
        (begin <= end).then_some((begin, first))
    }

    fn count_undone(&mut self, fate: Fate) {
        match fate {
            Fate::Conflict => self.counts.conflicts += 1,
            _ => self.counts.failed += 1,
        }
    }

    /// Adds another core's log.
    pub fn merge(&mut self, mut other: CasLedger) {
        self.doubt_firsts(&other);
        other.doubt_firsts(self);
        let extra = &mut self.extra;
        self.acknowledged.merge(other.acknowledged, |both| {
            both.steps().for_each(|step| *extra.entry((both.key, step)).or_default() += 1);
        });
        for (step, count) in other.extra {
            *self.extra.entry(step).or_default() += count;
        }
        for (attempt, count) in other.ambiguous {
            *self.ambiguous.entry(attempt).or_default() += count;
        }
        self.lives.merge(other.lives);
        for key in other.retired_preloaded {
            if !self.retired_preloaded.insert(key) {
                // A key is preloaded once: the second of these lives began elsewhere, or nowhere.
                self.lives.add(key, Event::Deleted { at: Some(self.start), is_known: true });
            }
        }
        self.retired_created.extend(other.retired_created);
        self.counts.merge(other.counts);
    }

    /// What was a key's first insert as far as this core knew may have come after a life that ended elsewhere, and then
    /// nothing says that the key was not preloaded.
    fn doubt_firsts(&mut self, other: &CasLedger) {
        for key in other.retired_preloaded.iter().copied().chain(other.lives.ended()) {
            self.retired_created.remove(&key);
            self.lives.doubt_first(key);
        }
    }

    /// Acknowledged attempts so far.
    pub fn acknowledgements(&self) -> u64 {
        self.counts.acknowledgements
    }

    /// Whether the key's life ended, or began, through this ledger.
    pub(super) fn has_ended(&self, key: u64) -> bool {
        self.retired_preloaded.contains(&key)
            || self.retired_created.contains(&key)
            || self.lives.of(key).next().is_some()
    }

    /// Bytes of memory taken, roughly.
    pub fn bytes(&self) -> usize {
        let retired = self.retired_preloaded.len() + self.retired_created.len();
        // Nodes of a B-tree hold up to 11 entries; measured with 1.5 million keys.
        self.acknowledged.bytes()
            + self.lives.bytes()
            + (self.ambiguous.len() + self.extra.len()) * 48
            + retired * 17
    }

    /// Begins the judgement.
    pub fn judge(self) -> CasJudge {
        CasJudge::new(self)
    }
}

/// How a life began.
enum Beginning {
    Preloaded,
    Inserted { again: bool },
}

impl Counts {
    fn merge(&mut self, other: Counts) {
        self.acknowledgements += other.acknowledgements;
        self.conflicts += other.conflicts;
        self.failed += other.failed;
        self.ambiguous += other.ambiguous;
        self.created += other.created;
        self.retired += other.retired;
        self.folded_steps = self.folded_steps.saturating_add(other.folded_steps);
    }
}
