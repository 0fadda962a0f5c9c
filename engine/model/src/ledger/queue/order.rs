//! Whether items were taken in their order.
//!
//! An item x was overtaken by y when the server gave y although x was there, free, and first in order:
//!
//! - of one priority, both without a delay: the push of x had ended before the push of y began;
//! - of different priorities: x has the higher (the lower number), and its push and delay were over before the take of y
//!   began;
//!
//! and in either case the first take of y ended before the first take of x began, or x is there at the end and nobody ever
//! took it. Inside one reply the place in the reply decides instead of the times.
//!
//! Who is not accused: a take on its way at the same time may have held x and given it back. Held items are free again
//! when such a take has come to nothing for certain, and a moment later; so a y whose take met one is no witness. A take
//! whose outcome nobody knows may hold what it holds for ever, but not more items than it asked for. Let n items be
//! overtaken only by witnesses that were taken after the first such take began, and let all such takes have asked for m
//! items: each of the n that is innocent was held by one of them, and they hold m at most, so n - m are guilty at least.
//! So many are counted. An acknowledged take that held x gave x: it is the first take of x or comes after it.
//!
//! Each overtaken item counts once, however many passed it. It is found by its best witness: of all y that are behind x
//! the one whose take ended first, by minima over sorted times, O(n log n).

use super::deeds::{Push, Take};
use super::excuses::Excuses;
use super::log::QueueLedger;
use super::words::Clock;
use crate::ledger::verdict::Finding;

/// An item that was pushed once, with its first take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Candidate {
    pub(super) key: u64,
    pub(super) push_began_ns: u64,
    /// When push and delay were over; never for a push of unknown fate.
    visible_ns: u64,
    /// Never, for an item that is there at the end.
    pub(super) take_began_ns: u64,
    take_ended_ns: u64,
    pub(super) priority: u32,
    is_delayed: bool,
    was_overtaken: bool,
}

impl Candidate {
    pub(super) fn new(push: &Push, take: Option<&Take>) -> Self {
        Candidate {
            key: push.key,
            push_began_ns: push.span.began_ns(),
            visible_ns: if push.is_known() { push.visible_ns() } else { u64::MAX },
            take_began_ns: take.map_or(u64::MAX, |take| take.span.began_ns()),
            take_ended_ns: take.map_or(u64::MAX, |take| take.span.ended_ns()),
            priority: push.priority(),
            is_delayed: push.delay_ns > 0,
            was_overtaken: false,
        }
    }

    /// Whether this one's take says something about others.
    fn is_witness(&self, excuses: &Excuses) -> bool {
        self.take_ended_ns < u64::MAX && !excuses.is_met(self.take_began_ns, self.take_ended_ns)
    }
}

/// Finds what was overtaken. `items` are in the order of their keys.
pub(super) fn judge(
    ledger: &QueueLedger,
    items: &mut [Candidate],
    excuses: &Excuses,
    clock: Clock,
) -> Finding {
    let mut found = Overtaken { certain: Finding::default(), doubtful: Finding::default(), clock };
    in_replies(&ledger.takes, items, &mut found);
    in_time(items, excuses, &mut found);
    let Overtaken { mut certain, doubtful, .. } = found;
    let guilty = doubtful.count.saturating_sub(excuses.held_at_most);
    if guilty > 0 {
        certain.merge(Finding { count: guilty, ..doubtful });
    }
    certain
}

struct Overtaken {
    certain: Finding,
    /// By what was taken after a take of unknown outcome had begun.
    doubtful: Finding,
    clock: Clock,
}

impl Overtaken {
    fn add(&mut self, items: &mut [Candidate], item: usize, by: usize, is_certain: bool) {
        if std::mem::replace(&mut items[item].was_overtaken, true) {
            return;
        }
        let finding = if is_certain { &mut self.certain } else { &mut self.doubtful };
        finding.add(1, || self.clock.overtaken(&items[item], &items[by]));
    }
}

/// Items of one reply, in its order.
fn in_replies(takes: &[Take], items: &mut [Candidate], found: &mut Overtaken) {
    for reply in takes.chunk_by(|_, next| next.continues()).filter(|reply| reply.len() > 1) {
        let first_taken = |take: &Take| {
            let place = items.binary_search_by_key(&take.key, |item| item.key).ok()?;
            // Both ends: another take of it may have begun at the same time.
            let first = (items[place].take_began_ns, items[place].take_ended_ns);
            (first == (take.span.began_ns(), take.span.ended_ns())).then_some(place)
        };
        let places: Vec<usize> = reply.iter().filter_map(first_taken).collect();
        let mut last_pushed = std::collections::BTreeMap::<u32, usize>::new();
        let mut lowest: Option<usize> = None;
        for place in places {
            let item = items[place];
            let by_lower = lowest
                .filter(|by| items[*by].priority > item.priority && item.visible_ns < item.take_began_ns);
            let by_later = last_pushed
                .get(&item.priority)
                .copied()
                .filter(|by| !item.is_delayed && items[*by].push_began_ns > item.visible_ns);
            if let Some(by) = by_lower.or(by_later) {
                found.add(items, place, by, true);
            }
            if lowest.is_none_or(|known| items[known].priority < item.priority) {
                lowest = Some(place);
            }
            if !item.is_delayed {
                let last = last_pushed.entry(item.priority).or_insert(place);
                if items[*last].push_began_ns < item.push_began_ns {
                    *last = place;
                }
            }
        }
    }
}

/// Items of different replies, by their times.
fn in_time(items: &mut [Candidate], excuses: &Excuses, found: &mut Overtaken) {
    // Of the lowest priority first, so that the witnesses of an item are those that were before it.
    let mut order: Vec<u32> = (0..u32::try_from(items.len()).unwrap_or(u32::MAX)).collect();
    let of = |items: &[Candidate], place: u32| items[place as usize];
    order.sort_unstable_by_key(|place| std::cmp::Reverse(of(items, *place).priority));
    let mut lower = Witnesses::new(items);
    for start in group_starts(&order, items) {
        let priority = of(items, order[start]).priority;
        let length = order[start..].iter().take_while(|it| of(items, **it).priority == priority).count();
        let group = &mut order[start..start + length];
        group.sort_unstable_by_key(|place| std::cmp::Reverse(of(items, *place).push_began_ns));
        let later = earliest_taken(group, items, excuses);
        for &place in group.iter() {
            let item = of(items, place);
            let by_lower = lower.earliest_after(item.visible_ns, items);
            // Those whose push began after this one's had ended come before it in the group.
            let pushed_later = group.partition_point(|it| of(items, *it).push_began_ns > item.visible_ns);
            let by_later = pushed_later.checked_sub(1).and_then(|last| later[last]);
            let by_later = by_later.filter(|_| !item.is_delayed);
            let best = by_lower.into_iter().chain(by_later).min_by_key(|by| items[*by].take_ended_ns);
            if let Some(by) = best.filter(|by| items[*by].take_ended_ns < item.take_began_ns) {
                let is_certain = items[by].take_ended_ns < excuses.unknown_from_ns;
                found.add(items, place as usize, by, is_certain);
            }
        }
        group.iter().filter(|it| of(items, **it).is_witness(excuses)).for_each(|it| lower.add(*it, items));
    }
}

/// Where the groups of one priority begin.
fn group_starts(order: &[u32], items: &[Candidate]) -> Vec<usize> {
    let priority = |at: usize| items[order[at] as usize].priority;
    (0..order.len()).filter(|&at| at == 0 || priority(at) != priority(at - 1)).collect()
}

/// For each place of a group the witness among all up to it whose take ended first.
fn earliest_taken(group: &[u32], items: &[Candidate], excuses: &Excuses) -> Vec<Option<usize>> {
    let mut best: Option<usize> = None;
    let mut up_to = |place: &u32| {
        let (place, item) = (*place as usize, items[*place as usize]);
        let is_better = best.is_none_or(|known| item.take_ended_ns < items[known].take_ended_ns);
        if is_better && !item.is_delayed && item.is_witness(excuses) {
            best = Some(place);
        }
        best
    };
    group.iter().map(&mut up_to).collect()
}

/// Witnesses by the time at which their take began, with minima of the time at which it ended: a Fenwick tree
/// (P. M. Fenwick, "A new data structure for cumulative frequency tables", 1994) over the latest first.
struct Witnesses {
    /// Beginnings of takes, the latest first.
    began_ns: Vec<u64>,
    /// Of each node the item whose take ended first.
    tree: Vec<u32>,
}

const NOBODY: u32 = u32::MAX;

impl Witnesses {
    fn new(items: &[Candidate]) -> Self {
        let taken = items.iter().filter(|item| item.take_ended_ns < u64::MAX);
        let mut began_ns: Vec<u64> = taken.map(|item| item.take_began_ns).collect();
        began_ns.sort_unstable_by(|a, b| b.cmp(a));
        began_ns.dedup();
        Witnesses { tree: vec![NOBODY; began_ns.len() + 1], began_ns }
    }

    fn add(&mut self, place: u32, items: &[Candidate]) {
        let item = &items[place as usize];
        let mut node = self.began_ns.partition_point(|began_ns| *began_ns > item.take_began_ns) + 1;
        while node < self.tree.len() {
            let known = self.tree[node];
            if known == NOBODY || item.take_ended_ns < items[known as usize].take_ended_ns {
                self.tree[node] = place;
            }
            node += node & node.wrapping_neg();
        }
    }

    /// Of those whose take began after that time the one whose take ended first.
    fn earliest_after(&self, at_ns: u64, items: &[Candidate]) -> Option<usize> {
        let mut node = self.began_ns.partition_point(|began_ns| *began_ns > at_ns);
        let mut best: Option<usize> = None;
        while node > 0 {
            let known = self.tree[node];
            if known != NOBODY
                && best.is_none_or(|it| items[known as usize].take_ended_ns < items[it].take_ended_ns)
            {
                best = Some(known as usize);
            }
            node -= node & node.wrapping_neg();
        }
        best
    }
}
