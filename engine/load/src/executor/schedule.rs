//! Where the dispatcher of a core gets its arrivals from.
//!
//! Most schedules know everything from the start: iterators that can be looked into. One that is decided while it is played
//! says when it will know more.
//!
//! Deliberately absent: the times themselves (`model::arrivals`, `feedback`), and who takes an arrival (`dispatcher`).

use std::iter::Peekable;

use crate::desk::Due;

/// What comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ahead {
    /// This arrival.
    Due(Due),
    /// Nothing before this time, which lies ahead; then it will be known.
    UndecidedUntil(u64),
    /// Nothing more.
    Nothing,
}

/// The arrivals of one core, in order of time.
pub(super) trait Schedule {
    /// What comes next, as far as that is known by now. An arrival stays until it is taken.
    fn ahead(&mut self, now_ns: u64) -> Ahead;

    /// Goes on behind the arrival that is ahead.
    fn take(&mut self);

    /// Takes the arrival that is ahead, if it is due.
    fn take_due(&mut self, now_ns: u64) -> Option<Due> {
        let Ahead::Due(due) = self.ahead(now_ns) else { return None };
        (due.planned_ns <= now_ns).then(|| self.take())?;
        Some(due)
    }
}

impl Ahead {
    /// The planned time of an arrival that is due by now.
    pub(super) fn overdue_ns(self, now_ns: u64) -> Option<u64> {
        match self {
            Ahead::Due(due) => Some(due.planned_ns).filter(|&planned_ns| planned_ns <= now_ns),
            Ahead::UndecidedUntil(_) | Ahead::Nothing => None,
        }
    }

    /// When the schedule is to be looked at again.
    pub(super) fn at_ns(self) -> u64 {
        match self {
            Ahead::Due(due) => due.planned_ns,
            Ahead::UndecidedUntil(at_ns) => at_ns,
            Ahead::Nothing => u64::MAX,
        }
    }
}

impl<I: Iterator<Item = Due>> Schedule for Peekable<I> {
    fn ahead(&mut self, _: u64) -> Ahead {
        self.peek().map_or(Ahead::Nothing, |&due| Ahead::Due(due))
    }

    fn take(&mut self) {
        self.next();
    }
}
