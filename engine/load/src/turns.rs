//! What a VU sees of its run: turns to take, one after the other.
//!
//! The loop of a VU is
//!
//! ```text
//! loop {
//!     let turn = match turns.try_next() {
//!         Next::Turn(turn) => turn,
//!         Next::Wait => match turns.next().await { Some(turn) => turn, None => break },
//!         Next::Stop => break,
//!     };
//!     …
//!     turns.finish(turn, Ending::Done);
//! }
//! ```
//!
//! `try_next` and `finish` are the hot path of closed loops: one clock read an iteration (the end of a turn is the
//! start of the next, unless the VU was suspended in between), no allocation, nothing that other cores touch.

use std::{
    cell::RefCell,
    future::{Future, poll_fn},
    pin::pin,
    rc::Rc,
    task::{Context, Poll},
};

use model::recorder::{Ending, Recorder, WindowKind};

use crate::{
    place::{OpenTurn, Place},
    scene::{Admission, Scene, Source},
    time::Time,
};

/// Leave to run one iteration.
#[derive(Debug)]
#[must_use = "a turn that was begun is to be finished"]
#[non_exhaustive]
pub struct Turn {
    /// The iteration's global number: what it does and draws is a function of it. See [`crate::number`].
    pub number: u64,
    /// When it was planned to start. Closed loops plan nothing: the same as `started_ns`.
    pub planned_ns: u64,
    /// When it started.
    pub started_ns: u64,
    /// The window in which it was planned; everything it records belongs there.
    pub window: WindowKind,
    /// The scenario's place in the plan.
    pub scenario: usize,
}

/// The answer of [`Turns::try_next`].
#[derive(Debug)]
#[must_use]
pub enum Next {
    /// Go on with this.
    Turn(Turn),
    /// Await [`Turns::next`]: there is no turn yet, or the VU has held its core for long enough.
    Wait,
    /// There are no more.
    Stop,
}

/// A VU's source of turns. It belongs to one VU on one core.
#[derive(Debug)]
pub struct Turns<T: Time> {
    scene: Rc<Scene<T>>,
    place: Rc<Place>,
    /// The last read of the clock.
    now_ns: u64,
    /// The poll in which that was.
    poll: u32,
    /// Since when the VU has held its core.
    slice_from_ns: u64,
}

impl<T: Time> Turns<T> {
    pub(crate) fn new(scene: Rc<Scene<T>>, place: Rc<Place>) -> Self {
        // A poll that never was: the first look reads the clock.
        let poll = place.polls.get().wrapping_sub(1);
        Self { scene, place, now_ns: 0, poll, slice_from_ns: 0 }
    }

    /// The next turn, if there is one right now.
    #[inline]
    pub fn try_next(&mut self) -> Next {
        self.look();
        if self.is_slice_over() {
            return Next::Wait;
        }
        match &self.scene.source {
            Source::Arrivals(_) => self.take_arrival(),
            _ => self.take_own(),
        }
    }

    /// Waits for the next turn; `None` when there are no more. A VU whose time slice is over lets the others on its
    /// core, its timers and its sockets go first.
    pub async fn next(&mut self) -> Option<Turn> {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    /// Records the end of a turn. Reads the clock, once.
    #[inline]
    pub fn finish(&mut self, turn: Turn, ending: Ending) {
        let now_ns = self.scene.core.context.time.now_ns();
        self.seen_at(now_ns);
        self.place.open.set(None);
        let Turn { planned_ns, started_ns, window, .. } = turn;
        // A VU that is being cut off may still come by here, with its own idea of how it ended.
        let ending = if self.place.is_cut.get() { self.cut_off() } else { ending };
        self.scene.end(OpenTurn { planned_ns, started_ns, window }, now_ns, ending);
        self.scene.release(&self.place);
    }

    /// When the clock was last read, on the run's clock. Behind [`Turns::finish`]: when that turn ended.
    pub fn seen_ns(&self) -> u64 {
        self.now_ns
    }

    /// Whether turns have a plan that they may be late against; those of closed loops have none.
    pub fn are_planned(&self) -> bool {
        matches!(self.scene.source, Source::Arrivals(_))
    }

    /// The time on the run's clock. A fresh read.
    pub fn now_ns(&self) -> u64 {
        self.scene.core.context.time.now_ns()
    }

    /// The run's clock.
    pub fn time(&self) -> &T {
        &self.scene.core.context.time
    }

    /// The recorder of this core.
    pub fn recorder(&self) -> &Rc<RefCell<Recorder>> {
        &self.scene.core.context.recorder
    }

    /// The VU's number, counted from 0 over all segments and cores.
    pub fn vu(&self) -> u64 {
        self.place.vu
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Turn>> {
        match self.try_next() {
            Next::Turn(turn) => Poll::Ready(Some(turn)),
            Next::Stop => Poll::Ready(None),
            Next::Wait if self.is_slice_over() => {
                if !self.place.is_yielding.replace(true) {
                    self.scene.core.yields();
                }
                // Puts the waker aside until the runtime has looked at its timers and sockets. That is all a first
                // poll does, so the future need not be kept.
                let _ = pin!(tokio::task::yield_now()).poll(cx);
                Poll::Pending
            }
            Next::Wait => {
                self.place.waits(cx.waker());
                Poll::Pending
            }
        }
    }

    /// Reads the clock if the VU was suspended since the last read.
    #[inline]
    fn look(&mut self) {
        if self.place.polls.get() != self.poll {
            self.seen_at(self.scene.core.context.time.now_ns());
        }
    }

    #[inline]
    fn seen_at(&mut self, now_ns: u64) {
        self.now_ns = now_ns;
        let poll = self.place.polls.get();
        if poll != self.poll {
            self.poll = poll;
            self.slice_from_ns = now_ns;
            if self.place.is_yielding.replace(false) {
                self.scene.core.resumes();
            }
        }
    }

    #[inline]
    fn is_slice_over(&self) -> bool {
        self.now_ns - self.slice_from_ns >= self.scene.core.slice_ns()
    }

    #[inline]
    fn take_own(&mut self) -> Next {
        let window = match self.scene.gate.at(self.now_ns) {
            Admission::Open(window) if !self.place.leaves() => window,
            Admission::NotYet if !self.place.leaves() => return Next::Wait,
            _ => return self.stop(),
        };
        match self.scene.draw(&self.place, window) {
            Some(number) => self.begin(number, self.now_ns, window),
            None => self.stop(),
        }
    }

    fn take_arrival(&mut self) -> Next {
        match self.place.handed.take() {
            Some(due) => {
                // One of another core may have been read a little later on that core's clock.
                self.now_ns = self.now_ns.max(due.planned_ns);
                self.begin(due.number, due.planned_ns, self.scene.window_of(due))
            }
            None if self.place.leaves() => self.stop(),
            None => Next::Wait,
        }
    }

    #[inline]
    fn begin(&mut self, number: u64, planned_ns: u64, window: WindowKind) -> Next {
        let started_ns = self.now_ns;
        self.scene.begin(&self.place, OpenTurn { planned_ns, started_ns, window });
        Next::Turn(Turn { number, planned_ns, started_ns, window, scenario: self.scene.scenario })
    }

    fn stop(&self) -> Next {
        self.place.is_told.set(true);
        Next::Stop
    }

    #[cold]
    fn cut_off(&self) -> Ending {
        self.scene.cut_off.set(self.scene.cut_off.get() + 1);
        Ending::Interrupted
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        executor::{ConstantVus, PerVuIterations},
        testing::{Act, MS, S, plan, play},
    };

    #[test]
    fn an_iteration_of_a_closed_loop_reads_the_clock_once() {
        // The fake VU reads it once an iteration as well, for its own records.
        let reads = |iterations| {
            let options = PerVuIterations { vus: 1, iterations, max_duration_ns: S };
            play(plan(options), 1, |_, _| Act::Hold(0)).clock_reads
        };
        assert_eq!(reads(2_000) - reads(1_000), 2 * 1_000);
    }

    #[test]
    fn the_end_of_a_turn_is_the_start_of_the_next() {
        let options = PerVuIterations { vus: 1, iterations: 3, max_duration_ns: S };
        let played = play(plan(options), 1, |_, _| Act::Sleep(7 * MS));
        let starts: Vec<u64> = played.seen.iter().map(|seen| seen.started_ns / MS).collect();
        assert_eq!(starts, [0, 7, 14]);
    }

    #[test]
    fn slices_are_shared_fairly_among_many_that_never_sleep() {
        let played = play(plan(ConstantVus { vus: 40, duration_ns: 100 * MS }), 1, |_, _| Act::Hold(10_000));
        let mut counts = [0u32; 40];
        played.seen.iter().for_each(|seen| counts[seen.vu as usize] += 1);
        let (least, most) = (counts.iter().min(), counts.iter().max());
        assert!(least >= Some(&200) && most <= Some(&300), "{counts:?}");
    }

    #[test]
    fn one_that_sleeps_is_late_by_the_slices_of_the_others_at_most() {
        // VU 0 sleeps 1 ms at a time among 39 that hold the core.
        let options = ConstantVus { vus: 40, duration_ns: 100 * MS };
        let played = play(plan(options), 1, |_, vu| if vu == 0 { Act::Sleep(MS) } else { Act::Hold(10_000) });
        let late = played.seen.iter().filter(|seen| seen.vu == 0);
        let late: Vec<u64> =
            late.filter_map(|seen| seen.ended_ns.map(|ended_ns| ended_ns - seen.started_ns - MS)).collect();
        // 39 slices of a 16th of 500 µs and the turn with which each overruns it; the first round is longer, because
        // nobody has yielded yet.
        let slices_ns = 39 * (500_000 / 16 + 10_000);
        assert!(late.len() > 50, "{late:?}");
        assert!(late[0] <= 2 * MS && late[1..].iter().all(|&late_ns| late_ns <= slices_ns), "{late:?}");
    }
}
