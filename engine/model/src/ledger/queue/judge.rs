//! The judgement of a queue: key by key, what was pushed, taken, completed and is left.

use super::deeds::{Completion, Push, Take};
use super::excuses::Excuses;
use super::log::QueueLedger;
use super::order::{self, Candidate};
use super::verdict::QueueVerdict;
use super::words::Clock;

impl QueueLedger {
    /// Judges what was noted. `promises_order` says whether the queue gives the highest priority first, and inside a
    /// priority what was pushed first.
    pub fn judge(mut self, promises_order: bool) -> QueueVerdict {
        self.unfold();
        self.pushes.sort_unstable_by_key(|push| (push.key, push.span));
        self.completions.sort_unstable_by_key(|completion| (completion.key, completion.span));
        self.remaining.sort_unstable();
        let mut takes: Vec<u32> = (0..u32::try_from(self.takes.len()).unwrap_or(u32::MAX)).collect();
        takes.sort_unstable_by_key(|take| {
            let take = &self.takes[*take as usize];
            (take.key, take.span)
        });
        let clock = Clock { run_began_ns: self.run_began_ns.unwrap_or(0) };
        let excuses = Excuses::of(&self.open_takes);
        let mut judge = Judge {
            ledger: &self,
            clock,
            verdict: QueueVerdict::of(&self),
            missing: 0,
            candidates: promises_order.then(Vec::new),
        };
        judge.every_key(&takes);
        judge.nameless();
        let Judge { mut verdict, missing, candidates, .. } = judge;
        verdict.settle_missing(missing, excuses.popped_at_most);
        drop(takes);
        verdict.order = candidates.map(|mut items| order::judge(&self, &mut items, &excuses, clock));
        verdict
    }
}

/// So many deliveries of an item are held against its next, beside the one whose lease lasts longest.
const LOOK_BACK: usize = 64;

/// All that is known of one key.
struct Item<'l> {
    key: u64,
    /// By their beginnings, as the others.
    pushes: &'l [Push],
    takes: Vec<&'l Take>,
    completions: &'l [Completion],
    remaining: u64,
}

impl Item<'_> {
    fn pushed(&self) -> u64 {
        self.pushes.iter().filter(|push| push.is_known()).count() as u64
    }

    /// When it was completed for certain.
    fn completed_ns(&self) -> Option<u64> {
        let known = self.completions.iter().filter(|completion| completion.is_known);
        known.map(|completion| completion.span.ended_ns()).min()
    }
}

struct Judge<'l> {
    ledger: &'l QueueLedger,
    clock: Clock,
    verdict: QueueVerdict,
    /// Items that are neither taken nor there.
    missing: u64,
    /// For the order, where one is promised.
    candidates: Option<Vec<Candidate>>,
}

/// Takes what is at the head of a sorted list and has that key.
fn of_key<'l, T>(rest: &mut &'l [T], key: u64, key_of: impl Fn(&T) -> u64) -> &'l [T] {
    let (here, after) = rest.split_at(rest.iter().take_while(|it| key_of(it) == key).count());
    *rest = after;
    here
}

impl<'l> Judge<'l> {
    fn every_key(&mut self, takes: &[u32]) {
        let ledger = self.ledger;
        let take = |place: &u32| &ledger.takes[*place as usize];
        let (mut pushes, mut completions) = (&ledger.pushes[..], &ledger.completions[..]);
        let (mut remaining, mut takes) = (&ledger.remaining[..], takes);
        loop {
            let heads = [
                pushes.first().map(|push| push.key),
                takes.first().map(|place| take(place).key),
                completions.first().map(|completion| completion.key),
                remaining.first().copied(),
            ];
            let Some(key) = heads.into_iter().flatten().min() else { return };
            let item = Item {
                key,
                pushes: of_key(&mut pushes, key, |push| push.key),
                takes: of_key(&mut takes, key, |place| take(place).key).iter().map(take).collect(),
                completions: of_key(&mut completions, key, |completion| completion.key),
                remaining: of_key(&mut remaining, key, |it| *it).len() as u64,
            };
            self.item(&item);
        }
    }

    fn item(&mut self, item: &Item<'l>) {
        match item.pushes {
            [] => self.unpushed(item),
            [push] => self.pushed_once(item, push),
            _ => self.pushed_often(item),
        }
        self.count_late(item);
        self.age(item);
    }

    /// Nobody pushed it, or only who was told that it failed.
    fn unpushed(&mut self, item: &Item<'_>) {
        let popped = item.takes.iter().filter(|take| self.ledger.lease_ns(take) == u64::MAX).count() as u64;
        let is_seen = !item.takes.is_empty() || item.remaining > 0;
        let appearances = (popped + item.remaining).max(u64::from(is_seen));
        let (clock, first) = (self.clock, item.takes.first().copied());
        self.verdict.invented.add(appearances, || clock.invented(item.key, first));
    }

    fn pushed_once(&mut self, item: &Item<'l>, push: &Push) {
        let completed_ns = item.completed_ns();
        self.taken_again(item, completed_ns);
        self.still_there(item, completed_ns.is_some());
        if push.is_known() && item.remaining == 0 && completed_ns.is_none() {
            self.gone(item, push);
        }
        if let Some(first) = item.takes.first() {
            let early = u64::from(first.span.ended_ns() < push.visible_from_ns());
            let clock = self.clock;
            self.verdict.early.add(early, || clock.early(push, first));
        }
        let is_seen = !item.takes.is_empty() || item.remaining > 0;
        if let Some(candidates) = self.candidates.as_mut().filter(|_| is_seen) {
            candidates.push(Candidate::new(push, item.takes.first().copied()));
        }
    }

    /// Takes after the first: certainly too many, or deliveries of what a lease had given back.
    fn taken_again(&mut self, item: &Item<'_>, completed_ns: Option<u64>) {
        let (clock, ledger) = (self.clock, self.ledger);
        let held_until = |take: &Take| take.span.began_ns().saturating_add(ledger.lease_ns(take));
        // Spans may overlap; then it is only certain when neither can have come after the other's lease.
        let is_twice =
            |one: &Take, other: &Take| is_held(other, held_until(one)) && is_held(one, held_until(other));
        let mut holder: Option<&Take> = None;
        for (n, take) in item.takes.iter().enumerate() {
            let earlier = item.takes[..n].iter().rev().take(LOOK_BACK).copied().chain(holder);
            let earlier = earlier.into_iter().find(|earlier| is_twice(earlier, take));
            if let Some(completed_ns) = completed_ns.filter(|at_ns| *at_ns < take.span.began_ns()) {
                self.verdict.twice.add(1, || clock.taken_when_done(item.key, completed_ns, take));
            } else if let Some(earlier) = earlier {
                let lease_ns = ledger.lease_ns(earlier);
                self.verdict.twice.add(1, || clock.taken_again(item.key, earlier, lease_ns, take));
            } else {
                self.verdict.redelivered += u64::from(n > 0);
            }
            if holder.is_none_or(|known| held_until(known) < held_until(take)) {
                holder = Some(take);
            }
        }
    }

    /// What is there at the end, and should not be, or not so often.
    fn still_there(&mut self, item: &Item<'_>, is_completed: bool) {
        let is_popped = |take: &&&Take| self.ledger.lease_ns(take) == u64::MAX;
        let popped = item.takes.iter().find(is_popped).copied();
        let is_gone = popped.is_some() || is_completed;
        let too_many = if is_gone { item.remaining } else { item.remaining.saturating_sub(1) };
        let take = popped.or(item.takes.first().copied().filter(|_| is_completed));
        let clock = self.clock;
        let is_claimed = popped.is_none() && is_completed;
        self.verdict.twice.add(too_many, || clock.still_there(item.key, take, is_claimed));
    }

    /// It was pushed, and is not there.
    fn gone(&mut self, item: &Item<'_>, push: &Push) {
        if item.takes.iter().any(|take| self.ledger.lease_ns(take) == u64::MAX) {
            return;
        }
        let clock = self.clock;
        match item.takes.last() {
            None if !self.ledger.is_all_told => self.verdict.untaken += 1,
            _ if !self.ledger.is_all_told => {}
            Some(_) if !item.completions.is_empty() => self.verdict.in_doubt += 1,
            last => {
                self.missing += 1;
                self.verdict.lost.add(1, || match last {
                    Some(claim) => clock.lost_claim(item.key, claim),
                    None => clock.lost(push),
                });
            }
        }
    }

    /// A key that was pushed several times: as many of it may be popped, completed or left.
    fn pushed_often(&mut self, item: &Item<'_>) {
        let popped = item.takes.iter().filter(|take| self.ledger.lease_ns(take) == u64::MAX).count() as u64;
        let claims = item.takes.len() as u64 - popped;
        let (known, possible) = (item.pushed(), item.pushes.len() as u64);
        let certain = popped + item.remaining;
        let clock = self.clock;
        let too_many = certain.saturating_sub(possible);
        self.verdict.twice.add(too_many, || clock.miscounted(item.key, possible, certain));
        self.verdict.redelivered += claims.saturating_sub(possible);
        // Each completion may have been of another of them, and each claim without one of one that is missing.
        let completed = (item.completions.len() as u64).min(claims);
        let missing = known.saturating_sub(certain + completed);
        if self.ledger.is_all_told {
            self.missing += missing;
            self.verdict.lost.add(missing, || clock.miscounted(item.key, known, certain + completed));
        } else {
            self.verdict.untaken += known.saturating_sub(certain + claims);
        }
        let visible_from_ns = item.pushes.iter().map(|push| push.visible_from_ns()).min().unwrap_or(0);
        if let Some(first) = item.takes.first().filter(|take| take.span.ended_ns() < visible_from_ns) {
            self.verdict.early.add(1, || clock.early(&item.pushes[0], first));
        }
    }

    /// Completions that began when every lease they can have been under had run out.
    fn count_late(&mut self, item: &Item<'_>) {
        let ran_out_ns = |take: &Take| take.span.ended_ns().saturating_add(self.ledger.lease_ns(take));
        let is_late = |completion: &&Completion| {
            let before = item.takes.iter().filter(|it| it.span.began_ns() <= completion.span.ended_ns());
            let last_ns = before.map(|take| ran_out_ns(take)).max();
            last_ns.is_some_and(|last_ns| last_ns < completion.span.began_ns())
        };
        self.verdict.late += item.completions.iter().filter(is_late).count() as u64;
    }

    /// How long it waited. Of a key that was pushed again the first push goes with the first take, and so on.
    fn age(&mut self, item: &Item<'_>) {
        for (push, take) in item.pushes.iter().zip(&item.takes).filter(|(push, _)| push.is_known()) {
            let taken_ns = take.span.ended_ns();
            self.verdict.waits.aged(push.priority(), taken_ns.saturating_sub(push.span.ended_ns()));
            if push.delay_ns > 0 {
                self.verdict.waits.late(taken_ns.saturating_sub(push.visible_ns()));
            }
        }
    }

    fn nameless(&mut self) {
        let clock = self.clock;
        for taken_ns in &self.ledger.nameless_taken {
            self.verdict.invented.add(1, || clock.nameless(Some(*taken_ns)));
        }
        self.verdict.invented.add(self.ledger.nameless_remaining, || clock.nameless(None));
    }
}

/// Whether a take had ended when something was still held.
fn is_held(take: &Take, until_ns: u64) -> bool {
    until_ns == u64::MAX || take.span.ended_ns() < until_ns
}
