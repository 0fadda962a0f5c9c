//! A scenario as one core plays it: what its executor and its VUs share.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    sync::{Arc, atomic::Ordering},
};

use model::recorder::{Ending, IterationSample, ScenarioId, WindowKind};

use crate::{
    bell::Bell,
    core::Core,
    desk::Due,
    number::WARM_UP_BIT,
    place::{OpenTurn, Place, State},
    run::Run,
    time::Time,
};

/// When a scenario's turns may begin.
#[derive(Debug)]
pub(crate) struct Gate {
    /// Whether it has opened at all. Before the start of a run its clock stands at 0, which would pass for open.
    pub(crate) has_opened: Cell<bool>,
    /// Whether somebody outside holds it.
    pub(crate) is_paused: Cell<bool>,
    /// End of its part in the warm-up, which begins at 0; 0 when it takes no part.
    pub(crate) warm_until_ns: u64,
    /// Where its measured part begins.
    pub(crate) from_ns: u64,
    /// Where it ends; moved to the present by a stop.
    pub(crate) until_ns: Cell<u64>,
}

/// What a gate says to a VU that wants to begin a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Admission {
    Open(WindowKind),
    NotYet,
    Over,
}

impl Gate {
    #[inline]
    pub(crate) fn at(&self, now_ns: u64) -> Admission {
        if now_ns >= self.until_ns.get() {
            Admission::Over
        } else if !self.has_opened.get() || self.is_paused.get() {
            Admission::NotYet
        } else if now_ns >= self.from_ns {
            Admission::Open(WindowKind::Measure)
        } else if now_ns < self.warm_until_ns {
            Admission::Open(WindowKind::WarmUp)
        } else {
            Admission::NotYet
        }
    }

    /// Begins nothing from now on.
    pub(crate) fn shut(&self, now_ns: u64) {
        self.until_ns.set(self.until_ns.get().min(now_ns));
    }
}

/// Where a VU's turns come from.
#[derive(Debug)]
pub(crate) enum Source {
    /// One after the other until the gate shuts.
    Endless,
    /// This many of each VU.
    PerVu(u64),
    /// The scenario's common counter, for the numbers below this.
    Shared(u64),
    /// Arrivals, handed over one by one. Holds the idle places, the last to become so on top.
    Arrivals(RefCell<Vec<usize>>),
}

/// How a VU went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Departure {
    /// It was told that there are no more turns, or was cut off.
    Dismissed,
    /// It returned unasked.
    Resigned,
    Panicked,
}

/// A VU that has gone.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Departed {
    pub(crate) place: usize,
    pub(crate) how: Departure,
    /// What its place was when it went.
    pub(crate) state: State,
    /// An arrival that it was given with its last turn, and left to others.
    pub(crate) left: Option<Due>,
}

#[derive(Debug)]
pub(crate) struct Scene<T> {
    pub(crate) core: Rc<Core<T>>,
    pub(crate) run: Arc<Run>,
    /// The scenario's place in the plan.
    pub(crate) scenario: usize,
    pub(crate) id: ScenarioId,
    pub(crate) gate: Gate,
    pub(crate) source: Source,
    /// Rings for the executor.
    pub(crate) bell: Arc<Bell>,
    pub(crate) departed: RefCell<Vec<Departed>>,
    /// Turns that were cut off so far.
    pub(crate) cut_off: Cell<u64>,
}

impl<T: Time> Scene<T> {
    /// The number of the next iteration of a closed loop; nothing when there is none left.
    #[inline]
    pub(crate) fn draw(&self, place: &Place, window: WindowKind) -> Option<u64> {
        let begun = &place.begun[window as usize];
        let k = begun.get();
        let number = match self.source {
            Source::PerVu(iterations) if k >= iterations => return None,
            Source::Shared(total) => {
                let k = self.run.drawn(self.scenario).fetch_add(1, Ordering::Relaxed);
                let number = self.run.plan().segment.stride().nth(k);
                if number >= total {
                    return None;
                }
                number
            }
            _ => crate::number::of_vu(place.vu, k),
        };
        begun.set(k + 1);
        Some(if window == WindowKind::WarmUp { number | WARM_UP_BIT } else { number })
    }

    #[inline]
    pub(crate) fn begin(&self, place: &Place, turn: OpenTurn) {
        if place.state.replace(State::Busy) == State::Handed {
            self.run.desks(self.scenario).begun(self.core.context.core);
        }
        place.open.set(Some(turn));
        let busy = self.core.busy.get() + 1;
        self.core.busy.set(busy);
        self.core.busy_most.set(self.core.busy_most.get().max(busy));
    }

    /// Records the end of a turn.
    #[inline]
    pub(crate) fn end(&self, turn: OpenTurn, now_ns: u64, ending: Ending) {
        self.core.busy.set(self.core.busy.get() - 1);
        let is_planned = matches!(self.source, Source::Arrivals(_));
        let sample = IterationSample {
            lag_ns: is_planned.then(|| turn.started_ns.saturating_sub(turn.planned_ns)),
            service_ns: now_ns.saturating_sub(turn.started_ns),
            response_ns: now_ns.saturating_sub(turn.planned_ns),
            ending,
        };
        let mut recorder = self.core.context.recorder.borrow_mut();
        recorder.iteration(turn.window, self.id, sample);
        recorder.ended_at(turn.window, self.id, now_ns);
    }

    /// The VU of this place has nothing to do: it serves who waits, or is free to be claimed.
    #[inline]
    pub(crate) fn release(&self, place: &Place) {
        place.state.set(State::Free);
        if let Source::Arrivals(idle) = &self.source {
            match self.run.desks(self.scenario).release(self.core.context.core) {
                Some(due) => {
                    place.has_served.set(true);
                    place.hand_over(due);
                }
                None => idle.borrow_mut().push(place.index),
            }
        }
    }

    /// The window to which an arrival belongs.
    pub(crate) fn window_of(&self, due: Due) -> WindowKind {
        if due.planned_ns < self.gate.from_ns { WindowKind::WarmUp } else { WindowKind::Measure }
    }

    pub(crate) fn count_planned(&self, due: Due) {
        self.core.context.recorder.borrow_mut().planned(self.window_of(due), self.id, 1);
    }

    pub(crate) fn count_dropped(&self, due: Due) {
        self.core.context.recorder.borrow_mut().dropped(self.window_of(due), self.id, 1);
    }

    /// The last word on a VU: whatever it was doing is recorded, and its executor hears of it.
    pub(crate) fn depart(&self, place: &Place) {
        let core = &self.core;
        core.live.set(core.live.get() - 1);
        if place.is_unmade.replace(false) {
            core.made();
        }
        if place.is_yielding.replace(false) {
            core.resumes();
        }
        if let Some(turn) = place.open.take() {
            let ending = if place.has_panicked.get() { Ending::Failed } else { Ending::Interrupted };
            self.cut_off.set(self.cut_off.get() + u64::from(ending == Ending::Interrupted));
            self.end(turn, core.context.time.now_ns(), ending);
        }
        let handed = place.handed.take();
        // Who has served may leave the next one to others. Who never has might be one of many that cannot, and others
        // would be hired for it without end.
        let left = handed.filter(|_| place.has_served.get() && !place.is_cut.get());
        if let (Some(due), None) = (handed, left) {
            self.run.desks(self.scenario).begun(core.context.core);
            self.count_dropped(due);
        }
        let how = if place.has_panicked.get() {
            Departure::Panicked
        } else if place.is_told.get() || place.is_cut.get() {
            Departure::Dismissed
        } else {
            Departure::Resigned
        };
        self.departed.borrow_mut().push(Departed { place: place.index, how, state: place.state.get(), left });
        place.vacate();
        self.bell.ring();
    }
}
