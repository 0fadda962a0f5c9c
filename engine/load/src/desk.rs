//! Where the cores of one open scenario lend each other VUs, so that no arrival is dropped while anybody has one free.
//!
//! Each core has a desk. `free` says how many of its VUs (idle ones and ones it may still hire) nobody has claimed;
//! whoever takes one down from there may hand an arrival to that core and will be served. An arrival that finds
//! nothing free anywhere stands in its own core's line for a moment ([`Desks::queue`]); a VU that becomes free looks
//! there first. `unbegun` counts claims whose turn has not begun: while there are any, it is the cores that are late
//! and not the VUs that are busy.
//!
//! | desk \ input | `take` (own core)    | `pass_on` (other core)             | `release` (a VU is free)              | `queue` (unless the line is full) | `begun`   | `close`              |
//! |--------------|----------------------|------------------------------------|---------------------------------------|---------|-----------|----------------------|
//! | open, free>0 | free−1, unbegun+1, yes | free−1, unbegun+1, inbox, bell, yes | somebody is in line: he is served, unbegun+1; else free+1 | in line | unbegun−1 | inbox and line are handed back |
//! | open, free=0 | no                   | no                                 | the same                              | in line | unbegun−1 | the same             |
//! | closed       | no                   | no                                 | nothing                               | (not called) | unbegun−1 | nothing         |
//!
//! A VU may become free on one core just as an arrival is put in line on another; the arrival is then offered again
//! when its time in line is up, so the race costs it that moment and never the turn.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, AtomicUsize, Ordering},
    },
};

use crate::bell::Bell;

/// How many arrivals may stand in one core's line: those of a second at a rate that no core keeps up with, in a few
/// megabytes.
const LINE_AT_MOST: usize = 100_000;

/// An arrival that has fallen due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Due {
    pub(crate) number: u64,
    pub(crate) planned_ns: u64,
}

#[derive(Debug)]
pub(crate) struct Desks {
    desks: Box<[Desk]>,
    /// Arrivals in all lines together. Written under overload only, so reading it costs nothing.
    waiting: AtomicUsize,
    /// Cores that may still have arrivals to release or to settle.
    releasing: AtomicUsize,
}

/// An arrival in line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Waiting {
    pub(crate) due: Due,
    /// When it is offered once more, and then given up if all VUs are in the middle of a turn.
    pub(crate) until_ns: u64,
    /// When it is given up in any case.
    pub(crate) at_most_ns: u64,
}

/// One core's desk, on cache lines of its own.
#[derive(Debug)]
#[repr(align(128))]
struct Desk {
    counter: Mutex<Counter>,
    /// What `counter.free` was lately, for other cores to look at in passing.
    free_hint: AtomicU32,
    unbegun: AtomicU32,
    bell: Arc<Bell>,
}

#[derive(Debug)]
struct Counter {
    free: u32,
    is_open: bool,
    inbox: Vec<Due>,
    line: VecDeque<Waiting>,
}

/// What lay on a desk when it was closed.
#[derive(Debug, Default)]
pub(crate) struct LeftOver {
    /// Handed over by other cores; a VU is reserved for each.
    pub(crate) inbox: Vec<Due>,
    /// Still in line.
    pub(crate) line: Vec<Due>,
}

impl Desks {
    /// A desk for each core, with this many VUs at most.
    pub(crate) fn new(max_vus: impl Iterator<Item = u32>) -> Self {
        let desk = |free| Desk {
            counter: Mutex::new(Counter { free, is_open: true, inbox: Vec::new(), line: VecDeque::new() }),
            free_hint: AtomicU32::new(free),
            unbegun: AtomicU32::new(0),
            bell: Arc::default(),
        };
        let desks: Box<[Desk]> = max_vus.map(desk).collect();
        Self { waiting: AtomicUsize::new(0), releasing: AtomicUsize::new(desks.len()), desks }
    }

    /// The bell that rings when an arrival is handed to this core.
    pub(crate) fn bell(&self, core: usize) -> Arc<Bell> {
        Arc::clone(&self.desks[core].bell)
    }

    /// Claims one of the core's own VUs.
    pub(crate) fn take(&self, core: usize) -> bool {
        self.desks[core].claim(&mut self.desks[core].lock())
    }

    /// Hands an arrival to the next core that has a VU free. False when none has.
    pub(crate) fn pass_on(&self, core: usize, due: Due) -> bool {
        for desk in self.others(core) {
            if desk.free_hint.load(Ordering::Relaxed) == 0 {
                continue;
            }
            let mut counter = desk.lock();
            if desk.claim(&mut counter) {
                counter.inbox.push(due);
                drop(counter);
                desk.bell.ring();
                return true;
            }
        }
        false
    }

    /// A VU of this core has become free: the arrival it is to serve next, or nothing, and it may be claimed.
    pub(crate) fn release(&self, core: usize) -> Option<Due> {
        let own = &self.desks[core];
        {
            let mut counter = own.lock();
            if !counter.is_open {
                return None;
            }
            if let Some(waiting) = counter.line.pop_front() {
                return Some(self.serve(own, waiting));
            }
            if self.waiting.load(Ordering::Relaxed) == 0 {
                own.unclaim(&mut counter);
                return None;
            }
        }
        for desk in self.others(core) {
            let first = desk.lock().line.pop_front();
            if let Some(waiting) = first {
                return Some(self.serve(own, waiting));
            }
        }
        own.unclaim(&mut own.lock());
        None
    }

    fn serve(&self, desk: &Desk, waiting: Waiting) -> Due {
        self.waiting.fetch_sub(1, Ordering::Relaxed);
        desk.unbegun.fetch_add(1, Ordering::Relaxed);
        waiting.due
    }

    /// A VU of this core has begun the turn for which it was claimed, or will never.
    pub(crate) fn begun(&self, core: usize) {
        self.desks[core].unbegun.fetch_sub(1, Ordering::Relaxed);
    }

    /// Whether any VU has been claimed and has not begun.
    pub(crate) fn has_unbegun(&self) -> bool {
        self.desks.iter().any(|desk| desk.unbegun.load(Ordering::Relaxed) > 0)
    }

    /// Puts an arrival at the end of its core's line. False when that is full.
    pub(crate) fn queue(&self, core: usize, waiting: Waiting) -> bool {
        let mut counter = self.desks[core].lock();
        if counter.line.len() >= LINE_AT_MOST {
            return false;
        }
        counter.line.push_back(waiting);
        self.waiting.fetch_add(1, Ordering::Relaxed);
        true
    }

    /// Puts the one that was overdue back to the front of the line.
    pub(crate) fn queue_again(&self, core: usize, waiting: Waiting) {
        self.desks[core].lock().line.push_front(waiting);
        self.waiting.fetch_add(1, Ordering::Relaxed);
    }

    /// Takes the first out of the core's line if its time in it is up. Those behind it wait at least as long.
    pub(crate) fn overdue(&self, core: usize, now_ns: u64) -> Option<Waiting> {
        let first = self.desks[core].lock().line.pop_front_if(|waiting| waiting.until_ns <= now_ns);
        if first.is_some() {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
        }
        first
    }

    /// Until when the first in the core's line may wait; `u64::MAX` when nobody does.
    pub(crate) fn first_deadline_ns(&self, core: usize) -> u64 {
        self.desks[core].lock().line.front().map_or(u64::MAX, |waiting| waiting.until_ns)
    }

    /// Takes what other cores have handed to this one.
    pub(crate) fn collect(&self, core: usize, inbox: &mut Vec<Due>) {
        inbox.append(&mut self.desks[core].lock().inbox);
    }

    /// A core has released its last arrival and has nobody in line. Each core says so once; the last one wakes all.
    pub(crate) fn released_all(&self) {
        if self.releasing.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.desks.iter().for_each(|desk| desk.bell.ring());
        }
    }

    /// Whether every core has said so.
    pub(crate) fn have_all_released(&self) -> bool {
        self.releasing.load(Ordering::Acquire) == 0
    }

    /// Takes no more arrivals for this core, and lends no more VUs.
    pub(crate) fn close(&self, core: usize) -> LeftOver {
        let desk = &self.desks[core];
        let mut counter = desk.lock();
        counter.is_open = false;
        counter.free = 0;
        desk.free_hint.store(0, Ordering::Relaxed);
        let line: Vec<Due> = counter.line.drain(..).map(|waiting| waiting.due).collect();
        self.waiting.fetch_sub(line.len(), Ordering::Relaxed);
        LeftOver { inbox: std::mem::take(&mut counter.inbox), line }
    }

    fn others(&self, core: usize) -> impl Iterator<Item = &Desk> {
        let (before, after) = self.desks.split_at(core);
        after[1..].iter().chain(before)
    }
}

impl Desk {
    fn lock(&self) -> MutexGuard<'_, Counter> {
        // Nothing that can panic happens under the lock.
        self.counter.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn claim(&self, counter: &mut Counter) -> bool {
        if counter.free == 0 {
            return false;
        }
        counter.free -= 1;
        self.unbegun.fetch_add(1, Ordering::Relaxed);
        self.free_hint.store(counter.free, Ordering::Relaxed);
        true
    }

    fn unclaim(&self, counter: &mut Counter) {
        if counter.is_open {
            counter.free += 1;
            self.free_hint.store(counter.free, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn due(number: u64) -> Due {
        Due { number, planned_ns: number * 10 }
    }

    fn waiting(number: u64, until_ns: u64) -> Waiting {
        Waiting { due: due(number), until_ns, at_most_ns: until_ns + 100 }
    }

    #[test]
    fn what_is_claimed_is_gone_until_it_is_released() {
        let desks = Desks::new([1, 0].into_iter());
        assert!(!desks.take(1));
        assert!(desks.pass_on(1, due(7)), "core 0 has one");
        assert!(!desks.take(0), "and has it no more");
        let mut inbox = Vec::new();
        desks.collect(0, &mut inbox);
        assert_eq!(inbox, [due(7)]);
        assert_eq!(desks.release(0), None);
        assert!(desks.take(0));
    }

    #[test]
    fn a_claim_is_unbegun_until_its_turn_begins() {
        let desks = Desks::new([1, 1].into_iter());
        assert!(!desks.has_unbegun());
        assert!(desks.take(0) && desks.pass_on(0, due(1)));
        desks.begun(0);
        assert!(desks.has_unbegun(), "the other one is still to begin");
        desks.begun(1);
        assert!(!desks.has_unbegun());
        assert!(desks.queue(0, waiting(2, 50)));
        assert_eq!(desks.release(1), Some(due(2)));
        assert!(desks.has_unbegun(), "who is served from the line begins later, too");
    }

    #[test]
    fn who_becomes_free_serves_the_own_line_first_then_the_others() {
        let desks = Desks::new([0, 1, 0].into_iter());
        assert!(desks.take(1));
        for (core, number) in [(0, 1), (1, 2), (1, 3), (2, 4)] {
            assert!(desks.queue(core, waiting(number, 50)));
        }
        let served: Vec<_> = std::iter::from_fn(|| desks.release(1)).map(|due| due.number).collect();
        assert_eq!(served, [2, 3, 4, 1]);
        assert!(desks.take(1), "with nobody in line it is free");
    }

    #[test]
    fn a_line_is_settled_from_its_front() {
        let desks = Desks::new([0].into_iter());
        assert!(desks.queue(0, waiting(1, 50)) && desks.queue(0, waiting(2, 40)));
        assert_eq!(desks.first_deadline_ns(0), 50);
        assert_eq!(desks.overdue(0, 49), None, "whoever stands behind has to wait as well");
        let first = desks.overdue(0, 50).expect("its time is up");
        desks.queue_again(0, Waiting { until_ns: 60, ..first });
        assert_eq!(desks.first_deadline_ns(0), 60);
        let settled: Vec<_> =
            std::iter::from_fn(|| desks.overdue(0, 60)).map(|waiting| waiting.due.number).collect();
        assert_eq!(settled, [1, 2]);
        assert_eq!(desks.first_deadline_ns(0), u64::MAX);
    }

    #[test]
    fn a_full_line_takes_nobody() {
        let desks = Desks::new([0, 0].into_iter());
        let most = LINE_AT_MOST as u64;
        assert!((0..most).all(|number| desks.queue(0, waiting(number, 50))));
        assert!(!desks.queue(0, waiting(most, 50)));
        assert!(desks.queue(1, waiting(most, 50)), "another core has a line of its own");
        assert!(desks.overdue(0, 50).is_some());
        assert!(desks.queue(0, waiting(most, 50)), "somebody has left");
    }

    #[test]
    fn a_closed_desk_hands_back_what_lay_on_it_and_takes_nothing() {
        let desks = Desks::new([2, 0].into_iter());
        assert!(desks.pass_on(1, due(1)));
        assert!(desks.queue(0, waiting(2, 50)));
        let left = desks.close(0);
        assert_eq!((left.inbox, left.line), (vec![due(1)], vec![due(2)]));
        assert!(!desks.pass_on(1, due(3)));
        assert_eq!(desks.release(0), None);
        assert!(!desks.take(0), "a VU that becomes free after the end is not lent");
    }
}
