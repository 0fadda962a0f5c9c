//! A VU's place: what its executor and its task know of each other. Both live on one core, so cells do.
//!
//! A place outlives its VUs: when one has gone, another may be hired into it and goes on counting.
//!
//! | state \ input | hire      | hand over         | begin    | finish          | cut                 | departed            |
//! |---------------|-----------|-------------------|----------|-----------------|---------------------|---------------------|
//! | `Vacant`      | → `Free`  | –                 | –        | –               | –                   | –                   |
//! | `Free`        | –         | → `Handed`, woken | → `Busy` (closed loops) | – | VU is dropped    | → `Vacant`          |
//! | `Handed`      | –         | –                 | → `Busy` | –               | VU is dropped       | → `Vacant`, arrival left to another VU if it came from the line with the end of a turn, else counted as dropped |
//! | `Busy`        | –         | –                 | –        | → `Free`, or → `Handed` from the waiting line | VU is dropped | → `Vacant`, turn counted as failed after a panic, else as interrupted |
//!
//! Being asked to leave is a wish beside the state ([`Place::leave`]): the VU sees it when it next asks for a turn,
//! and until it has seen it the wish can be taken back ([`Place::stay`]).

use std::{
    cell::{Cell, RefCell},
    task::Waker,
};

use model::recorder::WindowKind;
use tokio::task::AbortHandle;

use crate::desk::Due;

/// Where a place stands. See the module's table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Vacant,
    Free,
    Handed,
    Busy,
}

/// A turn that has begun and not ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OpenTurn {
    pub(crate) planned_ns: u64,
    pub(crate) started_ns: u64,
    pub(crate) window: WindowKind,
}

#[derive(Debug)]
pub(crate) struct Place {
    /// Which of this core's places of its scenario.
    pub(crate) index: usize,
    /// The global number of the VUs that are hired into it.
    pub(crate) vu: u64,
    /// How often the VU has been polled: tells it whether it was suspended since it last read the clock.
    pub(crate) polls: Cell<u32>,
    /// Iterations begun so far in the warm-up and in the measured window.
    pub(crate) begun: [Cell<u64>; WindowKind::ALL.len()],
    pub(crate) state: Cell<State>,
    pub(crate) open: Cell<Option<OpenTurn>>,
    pub(crate) handed: Cell<Option<Due>>,
    /// Whether it gave its core away at the end of a time slice and has not been polled since.
    pub(crate) is_yielding: Cell<bool>,
    /// Whether its task has been spawned but has not made its VU yet.
    pub(crate) is_unmade: Cell<bool>,
    /// Whether the VU was told that there are no more turns.
    pub(crate) is_told: Cell<bool>,
    pub(crate) is_cut: Cell<bool>,
    pub(crate) has_panicked: Cell<bool>,
    /// Whether its VU has ended a turn and was given the next arrival in line right then.
    pub(crate) has_served: Cell<bool>,
    leaves: Cell<bool>,
    waiting: RefCell<Option<Waker>>,
    task: RefCell<Option<AbortHandle>>,
}

impl Place {
    pub(crate) fn new(index: usize, vu: u64) -> Self {
        Self {
            index,
            vu,
            polls: Cell::new(0),
            begun: Default::default(),
            state: Cell::new(State::Vacant),
            open: Cell::new(None),
            handed: Cell::new(None),
            is_yielding: Cell::new(false),
            is_unmade: Cell::new(false),
            is_told: Cell::new(false),
            is_cut: Cell::new(false),
            has_panicked: Cell::new(false),
            has_served: Cell::new(false),
            leaves: Cell::new(false),
            waiting: RefCell::default(),
            task: RefCell::new(None),
        }
    }

    pub(crate) fn is_vacant(&self) -> bool {
        self.state.get() == State::Vacant
    }

    /// Makes ready for a new VU, whose task follows with [`Place::occupied_by`].
    pub(crate) fn occupy(&self) {
        debug_assert!(self.is_vacant(), "one VU a place");
        self.state.set(State::Free);
        for flag in [&self.is_told, &self.is_cut, &self.has_panicked, &self.has_served, &self.leaves] {
            flag.set(false);
        }
        self.is_unmade.set(true);
    }

    pub(crate) fn occupied_by(&self, task: AbortHandle) {
        *self.task.borrow_mut() = Some(task);
    }

    /// The VU has gone.
    pub(crate) fn vacate(&self) {
        self.state.set(State::Vacant);
        self.waiting.take();
        // A handle keeps the memory of a finished task.
        *self.task.borrow_mut() = None;
    }

    /// Gives a due arrival to a free VU.
    pub(crate) fn hand_over(&self, due: Due) {
        debug_assert_eq!(self.state.get(), State::Free, "only who is free can be given something");
        self.handed.set(Some(due));
        self.state.set(State::Handed);
        self.wake();
    }

    /// Asks the VU to take no further turn.
    pub(crate) fn leave(&self) {
        self.leaves.set(true);
        self.wake();
    }

    /// Takes the wish back. True when the VU had not seen it.
    pub(crate) fn stay(&self) -> bool {
        self.leaves.set(false);
        !self.is_vacant() && !self.is_told.get() && !self.is_cut.get()
    }

    #[inline]
    pub(crate) fn leaves(&self) -> bool {
        self.leaves.get()
    }

    /// Drops the VU where it stands, at the next opportunity.
    pub(crate) fn cut(&self) {
        if let Some(task) = self.task.borrow().as_ref() {
            self.is_cut.set(true);
            task.abort();
        }
    }

    /// The VU waits for a turn.
    pub(crate) fn waits(&self, waker: &Waker) {
        self.waiting.replace(Some(waker.clone()));
    }

    /// Wakes the VU when it waits for a turn.
    pub(crate) fn wake(&self) {
        if let Some(waker) = self.waiting.take() {
            waker.wake();
        }
    }
}
