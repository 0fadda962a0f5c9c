//! The truth, row by row, held against a ledger key by key.

use super::bits::{StepSet, Word};
use super::cas::CasLedger;
use super::lives::Event;
use super::reading::{Account, Taken};
use super::verdict::{CasVerdict, Finding};

/// Collects the truth, row by row, and then judges.
#[derive(Debug)]
pub struct CasJudge {
    ledger: CasLedger,
    heads: Vec<(u64, u64)>,
    history: Option<StepSet>,
    forks: Finding,
}

impl CasJudge {
    pub(super) fn new(ledger: CasLedger) -> Self {
        CasJudge { ledger, heads: Vec::new(), history: None, forks: Finding::default() }
    }

    /// A head row of the server: the final sequence number of a key.
    pub fn head(&mut self, key: u64, final_seq: u64) {
        self.heads.push((key, final_seq));
    }

    /// A history row of the server: it took `step` of `key` (a row that records the number *after* the step
    /// is of step number - 1). Optional; but once any row is given, all must be. Keys that were inserted or deleted
    /// through the ledger are not held against it.
    pub fn history(&mut self, key: u64, step: u64) {
        if !self.history.get_or_insert_default().insert(key, step) {
            self.forks.add(1, || format!("key {key}: step {step} is in the history more than once"));
        }
    }

    /// Judges.
    pub fn finish(mut self) -> CasVerdict {
        self.heads.sort_unstable();
        let heads = self.unique_heads();
        let counts = self.ledger.counts;
        let mut verdict = CasVerdict {
            keys: heads.len() as u64,
            steps: counts.folded_steps,
            acknowledged: counts.acknowledgements,
            conflicts: counts.conflicts,
            failed: counts.failed,
            ambiguous: counts.ambiguous,
            created: counts.created,
            retired: counts.retired,
            ..CasVerdict::default()
        };
        if let Some(history) = self.history.take() {
            self.check_history(&history, &heads, &mut verdict);
        }
        let forks = std::mem::take(&mut self.forks);
        self.walk_keys(&heads, &mut verdict);
        verdict.ambiguous_not_applied = verdict.ambiguous - verdict.ambiguous_applied;
        verdict.forks.merge(forks);
        verdict
    }

    /// One head a key; a second one is a fork, and the higher number is taken on.
    fn unique_heads(&mut self) -> Vec<(u64, u64)> {
        let mut unique: Vec<(u64, u64)> = Vec::with_capacity(self.heads.len());
        for (key, final_seq) in std::mem::take(&mut self.heads) {
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

    /// Everything that is known of each key, one after the other.
    fn walk_keys(self, heads: &[(u64, u64)], verdict: &mut CasVerdict) {
        let CasLedger { start, acknowledged, extra, ambiguous, lives, .. } = self.ledger;
        let (retired_preloaded, retired_created) =
            (self.ledger.retired_preloaded, self.ledger.retired_created);
        // A key that was retired as preloaded and as inserted cannot have been both at first.
        let twice: Vec<u64> = retired_preloaded.intersection(&retired_created).copied().collect();
        let (words, events) = (acknowledged.sorted(), lives.sorted());
        let (extra, ambiguous) = (Vec::from_iter(extra), Vec::from_iter(ambiguous));
        let mut rest = Rest {
            heads,
            words: &words,
            extra: &extra,
            ambiguous: &ambiguous,
            events: &events,
            twice: &twice,
        };
        let mut taken = Vec::new();
        while let Some(key) = rest.next_key() {
            let of_key = rest.split_off(key);
            taken.clear();
            collect_taken(&of_key, &mut taken);
            let account = Account {
                key,
                start,
                head: of_key.heads.first().map(|&(_, head)| head),
                taken: &taken,
                events: of_key.events,
                is_retired_preloaded: retired_preloaded.contains(&key),
                is_retired_created: retired_created.contains(&key),
            };
            account.judge(verdict);
        }
    }

    /// The history must hold each acknowledged step, and each step below the final number.
    fn check_history(&self, history: &StepSet, heads: &[(u64, u64)], verdict: &mut CasVerdict) {
        for word in self.ledger.acknowledged.without(history) {
            // Steps beyond the head, or of keys without one, are counted as lost already.
            let Some(final_seq) = final_of(heads, word.key) else { continue };
            let absent = word.at_or_above(self.ledger.start).below(final_seq);
            verdict.lost.add(absent.count(), || {
                format!(
                    "key {}: step {} was acknowledged, and the history does not hold it",
                    word.key,
                    absent.first()
                )
            });
        }
        for word in history.sorted().into_iter().filter(|word| !self.ledger.has_ended(word.key)) {
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

/// What has not been judged yet, or what there is of one key, each by key and step.
struct Rest<'a> {
    heads: &'a [(u64, u64)],
    words: &'a [Word],
    extra: &'a [((u64, u64), u64)],
    ambiguous: &'a [((u64, u64), u64)],
    events: &'a [(u64, Event)],
    twice: &'a [u64],
}

impl<'a> Rest<'a> {
    fn next_key(&self) -> Option<u64> {
        let firsts = [
            self.heads.first().map(|head| head.0),
            self.words.first().map(|word| word.key),
            self.extra.first().map(|extra| extra.0.0),
            self.ambiguous.first().map(|ambiguous| ambiguous.0.0),
            self.events.first().map(|event| event.0),
            self.twice.first().copied(),
        ];
        firsts.into_iter().flatten().min()
    }

    fn split_off(&mut self, key: u64) -> Rest<'a> {
        Rest {
            heads: prefix(&mut self.heads, |head| head.0 == key),
            words: prefix(&mut self.words, |word| word.key == key),
            extra: prefix(&mut self.extra, |extra| extra.0.0 == key),
            ambiguous: prefix(&mut self.ambiguous, |ambiguous| ambiguous.0.0 == key),
            events: prefix(&mut self.events, |event| event.0 == key),
            twice: prefix(&mut self.twice, |twice| *twice == key),
        }
    }
}

/// Splits off what stands in front.
fn prefix<'a, T>(rest: &mut &'a [T], is_of: impl Fn(&T) -> bool) -> &'a [T] {
    let count = rest.iter().take_while(|item| is_of(item)).count();
    let (front, after) = rest.split_at(count);
    *rest = after;
    front
}

/// What was said of each step of one key, in order.
fn collect_taken(of_key: &Rest<'_>, taken: &mut Vec<Taken>) {
    let steps = of_key.words.iter().flat_map(|word| word.steps());
    taken.extend(steps.map(|step| Taken { step, acknowledged: 1, ambiguous: 0 }));
    if of_key.extra.is_empty() && of_key.ambiguous.is_empty() {
        return;
    }
    let extra = of_key.extra.iter().map(|&((_, step), count)| (step, count, 0));
    let ambiguous = of_key.ambiguous.iter().map(|&((_, step), count)| (step, 0, count));
    let of_step = |(step, acknowledged, ambiguous)| Taken { step, acknowledged, ambiguous };
    taken.extend(extra.chain(ambiguous).map(of_step));
    taken.sort_unstable_by_key(|taken| taken.step);
    taken.dedup_by(|next, kept| {
        let is_same = next.step == kept.step;
        if is_same {
            kept.acknowledged += next.acknowledged;
            kept.ambiguous += next.ambiguous;
        }
        is_same
    });
}

/// The final number of a key among heads sorted by key.
fn final_of(heads: &[(u64, u64)], key: u64) -> Option<u64> {
    heads.binary_search_by_key(&key, |&(head, _)| head).ok().map(|index| heads[index].1)
}
