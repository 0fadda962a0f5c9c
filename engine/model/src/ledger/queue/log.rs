//! What is noted of a queue while the run goes: one log for each core, merged at the end.

use super::deeds::{Completion, OpenTake, PRIORITY_AT_MOST, Push, Span, Take, Taking};
use crate::ledger::Fate;

/// So many items that were there before.
#[derive(Debug, Clone, Copy)]
struct Prefilled {
    count: u64,
    priorities: u32,
    at_ns: u64,
}

/// A log of deeds; the order of merging does not matter.
#[derive(Debug, Clone, Default)]
pub struct QueueLedger {
    pub(super) pushes: Vec<Push>,
    prefilled: Vec<Prefilled>,
    pub(super) takes: Vec<Take>,
    pub(super) open_takes: Vec<OpenTake>,
    pub(super) completions: Vec<Completion>,
    /// Lengths of leases; [`Take`]s know them by their place, from 1.
    leases: Vec<u64>,
    /// When items without a key were taken.
    pub(super) nameless_taken: Vec<u64>,
    /// What is still there at the end.
    pub(super) remaining: Vec<u64>,
    pub(super) nameless_remaining: u64,
    pub(super) is_all_told: bool,
    pub(super) failed: u64,
    pub(super) ambiguous: u64,
    /// When the run's own clock began.
    pub(super) run_began_ns: Option<u64>,
}

/// Leases of different lengths that are kept apart; those beyond count as 0, so nothing is certain of them.
const LEASES_AT_MOST: usize = 64;

impl QueueLedger {
    /// The last priority that is told apart; 0 is the first.
    pub const PRIORITY_AT_MOST: u32 = PRIORITY_AT_MOST;

    /// An empty ledger.
    pub fn new() -> Self {
        QueueLedger::default()
    }

    /// Logs a push; 0 is the highest priority.
    pub fn push(&mut self, key: u64, priority: u32, delay_ns: u64, span: Span, fate: Fate) {
        if let Some(is_known) = self.count(fate) {
            self.pushes.push(Push::new(key, priority, delay_ns, span, is_known));
        }
    }

    /// Logs that items 0 to `count` - 1 are there, as if they had been pushed then; their priorities go round.
    pub fn prefilled(&mut self, count: u64, priorities: u32, at_ns: u64) {
        self.prefilled.push(Prefilled { count, priorities: priorities.max(1), at_ns });
    }

    /// Logs a take of at most `asked` items: the keys that came, in the order of the reply, and how many items came that
    /// have no key.
    pub fn take(&mut self, keys: &[u64], nameless: u64, asked: u32, taking: Taking, span: Span, fate: Fate) {
        let is_pop = taking == Taking::Pop;
        match fate {
            Fate::Acknowledged => {
                let lease = self.lease(taking);
                let taken =
                    keys.iter().enumerate().map(|(place, &key)| Take::new(key, span, lease, place > 0));
                self.takes.extend(taken);
                self.nameless_taken.extend((0..nameless).map(|_| span.began_ns));
            }
            Fate::Ambiguous => {
                self.ambiguous += 1;
                self.open_takes.push(OpenTake { span, asked, is_pop, is_undone: false });
            }
            Fate::Failed => {
                self.failed += 1;
                self.open_takes.push(OpenTake { span, asked, is_pop, is_undone: true });
            }
            Fate::Conflict => {}
        }
    }

    /// Logs that claimed items were completed.
    pub fn complete(&mut self, keys: &[u64], span: Span, fate: Fate) {
        if let Some(is_known) = self.count(fate) {
            let completed = keys.iter().map(|&key| Completion { key, span: span.into(), is_known });
            self.completions.extend(completed);
        }
    }

    /// Whether a deed was done for certain; nothing when it certainly was not.
    fn count(&mut self, fate: Fate) -> Option<bool> {
        match fate {
            Fate::Acknowledged => Some(true),
            Fate::Ambiguous => {
                self.ambiguous += 1;
                Some(false)
            }
            Fate::Failed => {
                self.failed += 1;
                None
            }
            Fate::Conflict => None,
        }
    }

    /// Logs an item that is still there at the end; nothing for one without a key.
    pub fn remains(&mut self, key: Option<u64>) {
        match key {
            Some(key) => self.remaining.push(key),
            None => self.nameless_remaining += 1,
        }
    }

    /// What remains was told in full.
    pub fn all_told(&mut self) {
        self.is_all_told = true;
    }

    /// Times in sentences count from here.
    pub fn run_began(&mut self, at_ns: u64) {
        self.run_began_ns = Some(self.run_began_ns.map_or(at_ns, |known| known.min(at_ns)));
    }

    /// Whether nothing was noted.
    pub fn is_empty(&self) -> bool {
        self.pushes.is_empty()
            && self.prefilled.is_empty()
            && self.takes.is_empty()
            && self.open_takes.is_empty()
            && self.completions.is_empty()
            && self.nameless_taken.is_empty()
            && self.remaining.is_empty()
            && self.nameless_remaining == 0
            && !self.is_all_told
            && self.failed + self.ambiguous == 0
    }

    /// Adds another core's log.
    pub fn merge(&mut self, other: QueueLedger) {
        let leases: Vec<u32> =
            other.leases.iter().map(|&lease_ns| self.lease(Taking::Claim { lease_ns })).collect();
        let renamed = other.takes.into_iter().map(|take| match take.lease() {
            0 => take,
            place => take.with_lease(leases[place - 1]),
        });
        self.takes.extend(renamed);
        self.pushes.extend(other.pushes);
        self.prefilled.extend(other.prefilled);
        self.open_takes.extend(other.open_takes);
        self.completions.extend(other.completions);
        self.nameless_taken.extend(other.nameless_taken);
        self.remaining.extend(other.remaining);
        self.nameless_remaining += other.nameless_remaining;
        self.is_all_told |= other.is_all_told;
        self.failed += other.failed;
        self.ambiguous += other.ambiguous;
        if let Some(at_ns) = other.run_began_ns {
            self.run_began(at_ns);
        }
    }

    /// Bytes of memory taken.
    pub fn bytes(&self) -> usize {
        self.pushes.capacity() * size_of::<Push>()
            + self.takes.capacity() * size_of::<Take>()
            + self.completions.capacity() * size_of::<Completion>()
            + self.open_takes.capacity() * size_of::<OpenTake>()
            + self.remaining.capacity() * size_of::<u64>()
    }

    /// Makes pushes of what was there before.
    pub(super) fn unfold(&mut self) {
        for Prefilled { count, priorities, at_ns } in std::mem::take(&mut self.prefilled) {
            let span = Span { began_ns: at_ns, ended_ns: at_ns };
            let priority = |key: u64| u32::try_from(key % u64::from(priorities)).unwrap_or(0);
            self.pushes.extend((0..count).map(|key| Push::new(key, priority(key), 0, span, true)));
        }
    }

    /// How long a take keeps its item from others: for ever, when it is a pop.
    pub(super) fn lease_ns(&self, take: &Take) -> u64 {
        match take.lease() {
            0 => u64::MAX,
            place => self.leases[place - 1],
        }
    }

    /// The place of a lease's length.
    fn lease(&mut self, taking: Taking) -> u32 {
        let Taking::Claim { lease_ns } = taking else { return 0 };
        let place_of = |wanted: u64| self.leases.iter().position(|known| *known == wanted);
        let is_full = self.leases.len() >= LEASES_AT_MOST;
        let place = place_of(lease_ns).or_else(|| place_of(0).filter(|_| is_full)).unwrap_or_else(|| {
            self.leases.push(if is_full { 0 } else { lease_ns });
            self.leases.len() - 1
        });
        u32::try_from(place + 1).unwrap_or(1)
    }
}
