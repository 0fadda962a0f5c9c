//! What a queue's ledger must find, by a memory that keeps everything and compares each with each.

use std::collections::BTreeMap;

use model::ledger::{
    Fate,
    queue::{Span, Taking},
};

/// How long what a failed take held may be held behind its end.
const MOMENT_NS: u64 = 1_000_000_000;

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Deed {
    Push { key: u64, priority: u32, delay_ns: u64 },
    Take { keys: Vec<u64>, asked: u64, taking: Taking },
    Complete { keys: Vec<u64> },
}

#[derive(Debug, Clone, Copy)]
struct Push {
    key: u64,
    priority: u32,
    delay_ns: u64,
    span: Span,
    is_known: bool,
}

/// A take of one item.
#[derive(Debug, Clone, Copy)]
struct Took {
    key: u64,
    /// Which reply it came with, and where in it.
    place: (usize, usize),
    span: Span,
    lease_ns: u64,
}

/// All deeds.
#[derive(Debug, Default)]
pub(crate) struct Oracle {
    deeds: Vec<(Deed, Span, Fate)>,
    pub(crate) remaining: Vec<u64>,
}

impl Oracle {
    pub(crate) fn tell(&mut self, deed: Deed, span: Span, fate: Fate) {
        self.deeds.push((deed, span, fate));
    }

    fn pushes(&self) -> Vec<Push> {
        let of = |(deed, span, fate): &(Deed, Span, Fate)| match *deed {
            Deed::Push { key, priority, delay_ns }
                if [Fate::Acknowledged, Fate::Ambiguous].contains(fate) =>
            {
                Some(Push { key, priority, delay_ns, span: *span, is_known: *fate == Fate::Acknowledged })
            }
            _ => None,
        };
        self.deeds.iter().filter_map(of).collect()
    }

    fn takes(&self) -> Vec<Took> {
        let mut takes = Vec::new();
        for (reply, (deed, span, fate)) in self.deeds.iter().enumerate() {
            let Deed::Take { keys, taking, .. } = deed else { continue };
            let lease_ns = match taking {
                Taking::Pop => u64::MAX,
                Taking::Claim { lease_ns } => *lease_ns,
            };
            for (place, &key) in keys.iter().enumerate().filter(|_| *fate == Fate::Acknowledged) {
                takes.push(Took { key, place: (reply, place), span: *span, lease_ns });
            }
        }
        takes.sort_by_key(|took| (took.span.began_ns, took.span.ended_ns));
        takes
    }

    /// Completions of a key, each as often as it was named.
    fn completions(&self, key: u64) -> Vec<(Span, bool)> {
        let mut completions = Vec::new();
        for (deed, span, fate) in &self.deeds {
            let Deed::Complete { keys } = deed else { continue };
            let count = keys.iter().filter(|it| **it == key).count();
            if [Fate::Acknowledged, Fate::Ambiguous].contains(fate) {
                completions.extend((0..count).map(|_| (*span, *fate == Fate::Acknowledged)));
            }
        }
        completions
    }

    /// Takes that ended so: when, how many items, and whether for good.
    fn open(&self, wanted: Fate) -> Vec<(Span, u64, bool)> {
        let open = |(deed, span, fate): &(Deed, Span, Fate)| match deed {
            Deed::Take { asked, taking, .. } if *fate == wanted => {
                Some((*span, *asked, *taking == Taking::Pop))
            }
            _ => None,
        };
        self.deeds.iter().filter_map(open).collect()
    }

    /// Every finding by its name.
    pub(crate) fn findings(&self) -> BTreeMap<&'static str, u64> {
        let (pushes, takes) = (self.pushes(), self.takes());
        let mut keys: Vec<u64> = pushes.iter().map(|push| push.key).collect();
        keys.extend(takes.iter().map(|took| took.key).chain(self.remaining.iter().copied()));
        keys.sort_unstable();
        keys.dedup();
        let mut found: BTreeMap<_, _> =
            ["lost", "twice", "early", "invented", "order", "in_doubt", "redelivered"]
                .map(|it| (it, 0))
                .into();
        let mut missing = 0;
        for key in keys {
            let own: Vec<Push> = pushes.iter().filter(|push| push.key == key).copied().collect();
            let took: Vec<Took> = takes.iter().filter(|took| took.key == key).copied().collect();
            let left = self.remaining.iter().filter(|it| **it == key).count() as u64;
            missing += self.of_key(key, &own, &took, left, &mut found);
        }
        let popped: u64 =
            self.open(Fate::Ambiguous).iter().filter(|(.., is_pop)| *is_pop).map(|(_, asked, _)| asked).sum();
        *found.get_mut("in_doubt").unwrap() += missing.min(popped);
        found.insert("lost", missing.saturating_sub(popped));
        found.insert("order", self.overtaken(&pushes, &takes));
        found
    }

    /// Adds what is wrong with a key; says how many of it are missing.
    fn of_key(
        &self,
        key: u64,
        pushes: &[Push],
        took: &[Took],
        left: u64,
        found: &mut BTreeMap<&'static str, u64>,
    ) -> u64 {
        let mut add = |what: &'static str, count: u64| *found.get_mut(what).unwrap() += count;
        let popped = took.iter().filter(|took| took.lease_ns == u64::MAX).count() as u64;
        let completions = self.completions(key);
        let known = pushes.iter().filter(|push| push.is_known).count() as u64;
        if pushes.is_empty() {
            add("invented", (popped + left).max(1));
            return 0;
        }
        let is_early =
            |took: &Took| pushes.iter().all(|push| took.span.ended_ns < push.span.began_ns + push.delay_ns);
        add("early", u64::from(took.first().is_some_and(is_early)));
        if pushes.len() > 1 {
            let claims = took.len() as u64 - popped;
            add("twice", (popped + left).saturating_sub(pushes.len() as u64));
            add("redelivered", claims.saturating_sub(pushes.len() as u64));
            return known.saturating_sub(popped + left + claims.min(completions.len() as u64));
        }
        let done = completions.iter().filter(|(_, is_known)| *is_known).map(|(span, _)| span.ended_ns).min();
        for (n, again) in took.iter().enumerate() {
            let holds = |one: &Took, other: &Took| {
                one.lease_ns == u64::MAX || other.span.ended_ns < one.span.began_ns + one.lease_ns
            };
            let is_held = took[..n].iter().any(|first| holds(first, again) && holds(again, first));
            let is_done = done.is_some_and(|done_ns| done_ns < again.span.began_ns);
            add(
                if is_held || is_done { "twice" } else { "redelivered" },
                u64::from(is_held || is_done || n > 0),
            );
        }
        add("twice", if popped > 0 || done.is_some() { left } else { left.saturating_sub(1) });
        if known == 0 || left > 0 || done.is_some() || popped > 0 {
            return 0;
        }
        let is_explained = !took.is_empty() && !completions.is_empty();
        add("in_doubt", u64::from(is_explained));
        u64::from(!is_explained)
    }

    /// How many items others were taken before that should not have been.
    fn overtaken(&self, pushes: &[Push], takes: &[Took]) -> u64 {
        let undone = self.open(Fate::Failed);
        let unknown = self.open(Fate::Ambiguous);
        let once = |push: &&Push| pushes.iter().filter(|other| other.key == push.key).count() == 1;
        // Several, when they cannot be told apart by their times.
        let first = |key: u64| -> Vec<Took> {
            let of_key = || takes.iter().filter(move |took| took.key == key);
            let span = of_key().next().map(|took| took.span);
            of_key().filter(|took| Some(took.span) == span).copied().collect()
        };
        let (mut certain, mut doubtful) = (0, 0);
        for x in pushes.iter().filter(|push| push.is_known).filter(once) {
            let taken = first(x.key);
            if taken.is_empty() && !self.remaining.contains(&x.key) {
                continue;
            }
            let visible_ns = x.span.ended_ns + x.delay_ns;
            let (mut is_certain, mut is_doubtful) = (false, false);
            for y in pushes.iter().filter(once).filter(|y| y.key != x.key) {
                let others = first(y.key);
                let Some(by) = others.first().copied() else { continue };
                let is_first = x.priority < y.priority && visible_ns < by.span.began_ns
                    || x.priority == y.priority
                        && x.delay_ns + y.delay_ns == 0
                        && x.span.ended_ns < y.span.began_ns;
                let before =
                    |by: &Took| taken.iter().any(|it| it.place.0 == by.place.0 && by.place.1 < it.place.1);
                is_certain |= is_first && others.iter().any(before);
                if is_first && taken.first().is_none_or(|taken| by.span.ended_ns < taken.span.began_ns) {
                    let is_met = undone.iter().any(|(span, ..)| {
                        span.began_ns <= by.span.ended_ns && by.span.began_ns <= span.ended_ns + MOMENT_NS
                    });
                    let is_after = unknown.iter().any(|(span, ..)| span.began_ns <= by.span.ended_ns);
                    is_certain |= !is_met && !is_after;
                    is_doubtful |= !is_met;
                }
            }
            certain += u64::from(is_certain);
            doubtful += u64::from(is_doubtful && !is_certain);
        }
        let held: u64 = unknown.iter().map(|(_, asked, _)| asked).sum();
        certain + u64::saturating_sub(doubtful, held)
    }
}
