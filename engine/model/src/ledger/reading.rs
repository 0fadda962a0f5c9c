//! One key: what was said of it, read in the way that explains most.
//!
//! A key's lives are intervals of sequence numbers. Each begins with an insert, or before the load; each ends with a
//! deletion, or as the row that is there at the end. A step is expected as often as intervals hold it. So the ledger is
//! in order when there are as many beginnings as ends, and each step was acknowledged, or ambiguous, exactly as often as
//! it is expected. No order of events is needed for that, which is why logs of several cores can be merged.
//!
//! Of the ambiguous ones any number may have been applied. A *reading* says which; of all readings in which beginnings
//! and ends match, the one with the fewest findings counts.

use super::limits::{Change, Limits, Reading, Surplus};
use super::lives::Event;
use super::verdict::CasVerdict;

/// What was said of one step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Taken {
    pub(super) step: u64,
    pub(super) acknowledged: u64,
    pub(super) ambiguous: u64,
}

/// Everything about one key.
pub(super) struct Account<'a> {
    pub(super) key: u64,
    /// Where a preloaded key begins.
    pub(super) start: u64,
    pub(super) head: Option<u64>,
    pub(super) taken: &'a [Taken],
    pub(super) events: &'a [(u64, Event)],
    pub(super) is_retired_preloaded: bool,
    pub(super) is_retired_created: bool,
}

/// A count and the first step it is about.
#[derive(Debug, Clone, Copy, Default)]
struct Tally {
    count: u64,
    first: u64,
}

impl Tally {
    fn add(&mut self, count: u64, step: u64) {
        if self.count == 0 {
            self.first = step;
        }
        self.count = self.count.saturating_add(count);
    }
}

/// What a reading leaves unexplained.
#[derive(Debug, Clone, Copy, Default)]
struct Found {
    duplicates: Tally,
    gaps: Tally,
    lost: Tally,
    forks: Tally,
    steps: u64,
    ambiguous_applied: u64,
}

impl Found {
    fn count(&self) -> u64 {
        [self.duplicates, self.gaps, self.lost, self.forks]
            .iter()
            .fold(0, |sum, tally| sum.saturating_add(tally.count))
    }
}

impl Account<'_> {
    /// Adds what is found to the verdict.
    pub(super) fn judge(&self, verdict: &mut CasVerdict) {
        let limits = self.limits();
        match limits.first_reading() {
            Ok(first) => {
                let best = self.best(&limits, first);
                self.tell(&limits, &best.0, &best.1, verdict);
            }
            Err(surplus) => self.tell_surplus(surplus, verdict),
        }
    }

    fn limits(&self) -> Limits {
        let mut limits = Limits { may_be_preloaded: !self.is_retired_created, ..Limits::default() };
        for &(_, event) in self.events {
            match event {
                Event::Created { at, again, is_known: true } => {
                    limits.begins.push(at);
                    // Its core had seen no earlier life, so there was none.
                    limits.may_be_preloaded &= again;
                }
                Event::Created { at, .. } => limits.add_possible(Change::Begin(at)),
                Event::Deleted { at: Some(at), is_known: true } => limits.ends.push(at),
                Event::Deleted { at: None, is_known: true } => limits.open_ends += 1,
                Event::Deleted { at, .. } => limits.add_possible(Change::End(at)),
            }
        }
        // What is left of a folded life: it began somewhere, and its steps are accounted for.
        limits.ends.extend(self.is_retired_preloaded.then_some(self.start));
        limits.ends.extend(self.head);
        limits
    }

    /// The reading with the fewest findings, and these.
    fn best(&self, limits: &Limits, first: Reading) -> (Reading, Found) {
        let found = self.evaluate(limits, &first);
        let mut best = (first, found);
        if limits.possible.is_empty() {
            return best;
        }
        for reading in limits.readings() {
            let found = self.evaluate(limits, &reading);
            // A key that could be inserted by this run is rather that than preloaded.
            if (found.count(), reading.is_preloaded) < (best.1.count(), best.0.is_preloaded) {
                best = (reading, found);
            }
        }
        best
    }

    fn evaluate(&self, limits: &Limits, reading: &Reading) -> Found {
        let mut found = Found::default();
        let (edges, open_ends) = limits.edges(reading, self.start);
        if open_ends > 0 {
            self.evaluate_open(edges.iter().filter(|edge| edge.1 > 0).count() as u64, &mut found);
            return found;
        }
        let mut rest = self.taken;
        let (mut low, mut expected) = (0, 0);
        for (position, change) in edges.iter().copied().chain([(u64::MAX, 0)]) {
            let is_last = change == 0;
            let here = rest.iter().take_while(|taken| is_last || taken.step < position).count();
            let (inside, after) = rest.split_at(here);
            rest = after;
            let has_begun = low > 0 || edges.first().is_some_and(|edge| edge.0 == 0);
            let span = if is_last { (low, low) } else { (low, position.max(low)) };
            self.evaluate_span(span, u64::try_from(expected).unwrap_or(0), has_begun, inside, &mut found);
            if expected < 0 && position > low && !is_last {
                found.lost.add(1, low);
            }
            (low, expected) = (position, expected + change);
        }
        found
    }

    /// Steps from `span.0` to before `span.1`, each of which is expected so often; nothing is expected outside of it.
    fn evaluate_span(
        &self,
        span: (u64, u64),
        expected: u64,
        has_begun: bool,
        inside: &[Taken],
        found: &mut Found,
    ) {
        let mut next = span.0;
        for taken in inside {
            found.gaps.add(expected.saturating_mul(taken.step.saturating_sub(next)), next);
            next = taken.step.saturating_add(1);
            let open = expected.saturating_sub(taken.acknowledged);
            let applied = open.min(taken.ambiguous);
            found.ambiguous_applied += applied;
            found.gaps.add(open - applied, taken.step);
            let mut excess = taken.acknowledged.saturating_sub(expected);
            if expected == 0 && excess > 0 && !self.is_retired() {
                excess -= 1;
                if has_begun { found.lost.add(1, taken.step) } else { found.forks.add(1, taken.step) }
            }
            found.duplicates.add(excess, taken.step);
        }
        found.gaps.add(expected.saturating_mul(span.1.saturating_sub(next)), next);
        // A row may hold any number; a nonsensical one must not break the sum.
        found.steps = found.steps.saturating_add(expected.saturating_mul(span.1 - span.0));
    }

    /// When an end has no number, steps can still be acknowledged too often, and nothing else is known.
    fn evaluate_open(&self, lives: u64, found: &mut Found) {
        for taken in self.taken {
            found.steps = found.steps.saturating_add(taken.acknowledged.min(lives));
            found.duplicates.add(taken.acknowledged.saturating_sub(lives), taken.step);
        }
    }

    fn is_retired(&self) -> bool {
        self.is_retired_preloaded || self.is_retired_created
    }

    fn tell(&self, limits: &Limits, reading: &Reading, found: &Found, verdict: &mut CasVerdict) {
        verdict.steps = verdict.steps.saturating_add(found.steps);
        verdict.ambiguous_applied += found.ambiguous_applied + reading.applied.iter().sum::<u64>();
        let key = self.key;
        let (edges, _) = limits.edges(reading, self.start);
        if edges.is_empty() && !self.is_retired() && found.lost.count + found.forks.count > 0 {
            // There is no life that these could be steps of.
            let steps = found.lost.count + found.forks.count;
            verdict.missing_keys += 1;
            verdict.lost.add(steps, || missing_text(key, steps));
        } else {
            let stands = match (self.head, limits.ends.iter().max()) {
                (Some(head), _) => format!("the server is at {head}"),
                (None, Some(end)) => format!("it was deleted at {end}"),
                (None, None) => "it was deleted".to_owned(),
            };
            let step = |tally: Tally| format!("key {key}: step {} was acknowledged", tally.first);
            let Found { lost, forks, gaps, .. } = *found;
            verdict.lost.add(lost.count, || format!("{}, and {stands}", step(lost)));
            let begin = edges.first().map_or(self.start, |edge| edge.0);
            verdict.forks.add(forks.count, || format!("{}, before the beginning ({begin})", step(forks)));
            verdict.gaps.add(gaps.count, || {
                format!("key {key}: {stands}, and nobody was acknowledged step {}", gaps.first)
            });
        }
        let duplicates = found.duplicates;
        verdict.duplicates.add(duplicates.count, || {
            format!("key {key}: step {} was acknowledged more than once", duplicates.first)
        });
    }

    /// Beginnings and ends cannot be matched.
    fn tell_surplus(&self, surplus: Surplus, verdict: &mut CasVerdict) {
        let key = self.key;
        match (surplus, self.head) {
            (Surplus::Begins(count), None) => {
                let steps = self.taken.iter().filter(|taken| taken.acknowledged > 0).count() as u64;
                verdict.missing_keys += 1;
                verdict.lost.add(count + steps, || match steps {
                    0 => format!("key {key}: its insert was acknowledged, and the server has no such key"),
                    _ => missing_text(key, steps),
                });
            }
            (Surplus::Begins(count), Some(head)) => verdict.lost.add(count, || {
                format!("key {key}: it was inserted once more than there are rows; the server is at {head}")
            }),
            (Surplus::Ends(count), Some(head)) => verdict.forks.add(count, || {
                format!("key {key}: its deletion was acknowledged, and the server has it at {head}")
            }),
            (Surplus::Ends(count), None) => verdict
                .duplicates
                .add(count, || format!("key {key}: it was deleted more often than it was there")),
        }
        for taken in self.taken {
            verdict.duplicates.add(taken.acknowledged.saturating_sub(1), || {
                format!("key {key}: step {} was acknowledged more than once", taken.step)
            });
        }
    }
}

fn missing_text(key: u64, steps: u64) -> String {
    format!("key {key}: {steps} steps were acknowledged, and the server has no such key")
}
