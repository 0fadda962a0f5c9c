//! Where the cores of one open scenario lend each other VUs, so that no arrival is dropped while anybody has one free.
//!
//! Each core has a desk. `free` says how many of its VUs (idle ones and ones it may still hire) nobody has claimed;
//! whoever takes one down from there may hand an arrival to that core and will be served. An arrival that finds
//! nothing free anywhere stands in its own core's line for a moment ([`Desks::queue`]); a VU that becomes free looks
//! there first.
//!
//! | desk \ input | `take` (own core)  | `pass_on` (other core)    | `release` (a VU is free)             | `queue` | `close`              |
//! |--------------|--------------------|---------------------------|--------------------------------------|---------|----------------------|
//! | open, free>0 | free−1, yes        | free−1, inbox, bell, yes  | a line has somebody: he is served, else free+1 | in line | inbox and line are handed back |
//! | open, free=0 | no                 | no                        | the same                             | in line | the same             |
//! | closed       | no                 | no                        | nothing                              | (not called) | nothing         |
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

/// One core's desk, on cache lines of its own.
#[derive(Debug)]
#[repr(align(128))]
struct Desk {
    counter: Mutex<Counter>,
    /// What `counter.free` was lately, for other cores to look at in passing.
    free_hint: AtomicU32,
    bell: Arc<Bell>,
}

#[derive(Debug)]
struct Counter {
    free: u32,
    is_open: bool,
    inbox: Vec<Due>,
    /// With the time until which each may wait, which never falls along the line.
    line: VecDeque<(Due, u64)>,
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
            if let Some((due, _)) = counter.line.pop_front() {
                self.waiting.fetch_sub(1, Ordering::Relaxed);
                return Some(due);
            }
            if self.waiting.load(Ordering::Relaxed) == 0 {
                own.unclaim(&mut counter);
                return None;
            }
        }
        for desk in self.others(core) {
            if let Some((due, _)) = desk.lock().line.pop_front() {
                self.waiting.fetch_sub(1, Ordering::Relaxed);
                return Some(due);
            }
        }
        own.unclaim(&mut own.lock());
        None
    }

    /// Puts an arrival at the end of its core's line, where it may wait until `until_ns` (or as long as the one
    /// before it, if that is longer). Returns until when.
    pub(crate) fn queue(&self, core: usize, due: Due, until_ns: u64) -> u64 {
        let mut counter = self.desks[core].lock();
        let until_ns = counter.line.back().map_or(until_ns, |&(_, before_ns)| before_ns.max(until_ns));
        counter.line.push_back((due, until_ns));
        self.waiting.fetch_add(1, Ordering::Relaxed);
        until_ns
    }

    /// Takes those out of the core's line whose time in it is up.
    pub(crate) fn overdue(&self, core: usize, now_ns: u64, overdue: &mut Vec<Due>) {
        let mut counter = self.desks[core].lock();
        while counter.line.front().is_some_and(|&(_, until_ns)| until_ns <= now_ns) {
            overdue.extend(counter.line.pop_front().map(|(due, _)| due));
            self.waiting.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// Until when the first in the core's line may wait; `u64::MAX` when nobody does.
    pub(crate) fn first_deadline_ns(&self, core: usize) -> u64 {
        self.desks[core].lock().line.front().map_or(u64::MAX, |&(_, until_ns)| until_ns)
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
        let line: Vec<Due> = counter.line.drain(..).map(|(due, _)| due).collect();
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
    fn who_becomes_free_serves_the_own_line_first_then_the_others() {
        let desks = Desks::new([0, 1, 0].into_iter());
        assert!(desks.take(1));
        for (core, number) in [(0, 1), (1, 2), (1, 3), (2, 4)] {
            desks.queue(core, due(number), 50);
        }
        let served: Vec<_> = std::iter::from_fn(|| desks.release(1)).map(|due| due.number).collect();
        assert_eq!(served, [2, 3, 4, 1]);
        assert!(desks.take(1), "with nobody in line it is free");
    }

    #[test]
    fn waiting_times_never_fall_along_a_line() {
        let desks = Desks::new([0].into_iter());
        assert_eq!(desks.queue(0, due(1), 50), 50);
        assert_eq!(desks.queue(0, due(2), 40), 50);
        assert_eq!(desks.first_deadline_ns(0), 50);
        let mut overdue = Vec::new();
        desks.overdue(0, 49, &mut overdue);
        assert!(overdue.is_empty());
        desks.overdue(0, 50, &mut overdue);
        assert_eq!(overdue, [due(1), due(2)]);
        assert_eq!(desks.first_deadline_ns(0), u64::MAX);
    }

    #[test]
    fn a_closed_desk_hands_back_what_lay_on_it_and_takes_nothing() {
        let desks = Desks::new([2, 0].into_iter());
        assert!(desks.pass_on(1, due(1)));
        desks.queue(0, due(2), 50);
        let left = desks.close(0);
        assert_eq!((left.inbox, left.line), (vec![due(1)], vec![due(2)]));
        assert!(!desks.pass_on(1, due(3)));
        assert_eq!(desks.release(0), None);
        assert!(!desks.take(0), "a VU that becomes free after the end is not lent");
    }
}
