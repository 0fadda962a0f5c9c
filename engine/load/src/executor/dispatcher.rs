//! Gives the arrivals of one core to VUs, at their planned times.
//!
//! When the alarm rings, everything that has fallen due is released at once. Each arrival goes to the VU that became
//! idle last (so that few connections stay warm), else to a new one while the core may have more, else to another
//! core with a VU to spare. If there is none, it stands in line for a moment, and only then is counted as dropped:
//! for as long as this dispatcher was late with it, plus [`ALARM_FLOOR_NS`], because arrivals that are released
//! together would else be lost to each other; and while any VU has been given a turn that it has not begun, because
//! then a core is held up, not the VU (for [`HELD_UP_NS`] more at most). Nothing is skipped.
//!
//! A schedule that is faster than its core never catches up with the clock. So no more than [`AT_ONCE`] arrivals are
//! released in one go, and then whoever else wants the core has it: orders are obeyed, seconds are told, VUs go on. Nor
//! does the line grow without end: who finds it full is counted as dropped at once.
//!
//! A desk stays open until every core has released its last arrival and nobody is in line, or the run is stopped.

use super::{schedule::Schedule, timeline::Timeline, waiter::Waiter};
use crate::{
    desk::{Desks, Due, Waiting},
    place::State,
    roster::Roster,
    scene::Source,
    time::Time,
    vu::Crew,
};

/// The least time between two alarms. It bounds what alarms cost (about 2 µs each) at 2 % of a core.
pub(crate) const ALARM_FLOOR_NS: u64 = 100_000;

/// How much longer an arrival waits for cores that are held up. A scheduler's time slice on a busy machine is half of it.
const HELD_UP_NS: u64 = 10_000_000;

/// How many arrivals are released, or settled, before the others on the core have their turn: half a millisecond of
/// work. Between two alarms fall so many at ten million arrivals a second.
const AT_ONCE: usize = 1_000;

pub(super) struct Dispatcher<C: Crew, T: Time> {
    roster: Roster<C, T>,
    timeline: Timeline<T>,
    schedule: Box<dyn Schedule>,
    /// Places whose VU has gone.
    vacant: Vec<usize>,
    has_released_all: bool,
    /// Empty between uses; kept for its memory.
    inbox: Vec<Due>,
}

impl<C: Crew, T: Time> Dispatcher<C, T> {
    /// Hires this core's share of `pre_allocated_vus`.
    pub(super) fn new(
        mut roster: Roster<C, T>,
        schedule: Box<dyn Schedule>,
        pre_allocated_vus: u32,
        grace_ns: u64,
    ) -> Self {
        let share = roster.lane().count_below(u64::from(pre_allocated_vus));
        let share = usize::try_from(share).expect("VUs of a core are countable");
        (0..share).for_each(|place| roster.hire(place));
        let dispatcher = Self {
            timeline: Timeline::new(&roster.scene, grace_ns),
            roster,
            schedule,
            vacant: Vec::new(),
            has_released_all: false,
            inbox: Vec::new(),
        };
        // The first one is on top.
        dispatcher.with_idle(|idle| idle.extend((0..share).rev()));
        dispatcher
    }

    pub(super) async fn play(mut self) {
        let time = self.roster.scene.core.context.time.clone();
        let mut waiter = Waiter::new(&self.roster.scene.bell, &time);
        loop {
            let now_ns = time.now_ns();
            let Some(next_ns) = self.act(now_ns) else { break };
            if next_ns > now_ns {
                waiter.until(next_ns).await;
            } else {
                // What is due already would not wait at all, and the others would wait for ever.
                tokio::task::yield_now().await;
            }
        }
        self.timeline.over(time.now_ns());
    }

    /// Does what is due. Returns when something is due next; nothing when all is over.
    fn act(&mut self, now_ns: u64) -> Option<u64> {
        self.see_off();
        self.timeline.opens(now_ns);
        if !self.timeline.is_closing() {
            self.serve_other_cores();
            self.settle_line(now_ns);
            if !self.timeline.is_stopped() {
                self.release(now_ns);
            }
            if self.timeline.is_stopped() || self.is_finished(now_ns) {
                self.close(now_ns);
            }
        }
        if self.timeline.cuts(now_ns) {
            self.roster.cut_all();
        }
        if self.timeline.is_closing() && self.roster.live() == 0 {
            return None;
        }
        Some(self.next_ns(now_ns))
    }

    fn next_ns(&mut self, now_ns: u64) -> u64 {
        let timeline_ns = self.timeline.next_ns(now_ns);
        if self.timeline.is_closing() {
            return timeline_ns;
        }
        let ahead_ns = self.schedule.ahead(now_ns).at_ns();
        // Due and not released: there were too many for one go.
        let is_behind = ahead_ns <= now_ns;
        let release_ns = if is_behind { now_ns } else { ahead_ns.max(now_ns + ALARM_FLOOR_NS) };
        timeline_ns.min(release_ns).min(self.desks().first_deadline_ns(self.core()))
    }

    /// Arrivals that other cores had nobody for. A VU was claimed for each.
    fn serve_other_cores(&mut self) {
        let mut inbox = std::mem::take(&mut self.inbox);
        self.desks().collect(self.core(), &mut inbox);
        inbox.drain(..).for_each(|due| self.hand(due));
        self.inbox = inbox;
    }

    /// Offers those whose time in line is up once more, and counts those that nobody can take.
    fn settle_line(&mut self, now_ns: u64) {
        for _ in 0..AT_ONCE {
            let Some(waiting) = self.desks().overdue(self.core(), now_ns) else { break };
            if self.offer(waiting.due) {
                continue;
            }
            if now_ns < waiting.at_most_ns && self.desks().has_unbegun() {
                let until_ns = patience_ends_ns(waiting.due, now_ns).min(waiting.at_most_ns);
                self.desks().queue_again(self.core(), Waiting { until_ns, ..waiting });
                break;
            }
            self.roster.scene.count_dropped(waiting.due);
        }
    }

    fn release(&mut self, now_ns: u64) {
        for _ in 0..AT_ONCE {
            let Some(due) = self.schedule.take_due(now_ns) else { break };
            self.roster.scene.count_planned(due);
            if !self.offer(due) {
                let until_ns = patience_ends_ns(due, now_ns);
                let at_most_ns = until_ns + HELD_UP_NS;
                if !self.desks().queue(self.core(), Waiting { due, until_ns, at_most_ns }) {
                    self.roster.scene.count_dropped(due);
                }
            }
        }
    }

    /// Finds a VU for an arrival, here or elsewhere.
    fn offer(&mut self, due: Due) -> bool {
        if self.desks().take(self.core()) {
            self.hand(due);
            return true;
        }
        self.desks().pass_on(self.core(), due)
    }

    /// Gives an arrival to the VU that was claimed for it: an idle one, else a new one.
    fn hand(&mut self, due: Due) {
        let index = self.with_idle(Vec::pop).unwrap_or_else(|| {
            let index = self.vacant.pop().unwrap_or(self.roster.used());
            self.roster.hire(index);
            index
        });
        self.roster.place(index).hand_over(due);
    }

    /// Makes room where VUs have gone, and finds somebody else for what they leave behind.
    fn see_off(&mut self) {
        let departed = self.roster.departed();
        // First of all: nothing must be handed to a place whose VU has gone as well.
        for gone in &departed {
            self.vacant.push(gone.place);
            if gone.state == State::Free {
                self.with_idle(|idle| idle.retain(|&place| place != gone.place));
            }
        }
        for gone in departed {
            match (gone.state, gone.left) {
                // Nobody had claimed it, and its place can be claimed as well as it could.
                (State::Free, _) => {}
                // The claim stands, and is met by another VU.
                (_, Some(due)) if !self.timeline.is_closing() => self.hand(due),
                (_, Some(due)) => {
                    self.desks().begun(self.core());
                    self.roster.scene.count_dropped(due);
                }
                (_, None) => {
                    if let Some(due) = self.desks().release(self.core()) {
                        self.hand(due);
                    }
                }
            }
        }
    }

    /// Whether no arrival of any core can need a VU any more.
    fn is_finished(&mut self, now_ns: u64) -> bool {
        let is_behind = self.schedule.ahead(now_ns).overdue_ns(now_ns).is_some();
        let is_time_up = self.timeline.is_time_up(now_ns) && !is_behind;
        if is_time_up && !self.has_released_all && self.desks().first_deadline_ns(self.core()) == u64::MAX {
            self.has_released_all = true;
            self.desks().released_all();
        }
        is_time_up && self.desks().have_all_released()
    }

    fn close(&mut self, now_ns: u64) {
        self.timeline.close(now_ns);
        self.tell_how_far_behind(now_ns);
        let left = self.desks().close(self.core());
        left.inbox.into_iter().for_each(|due| self.hand(due));
        left.line.into_iter().for_each(|due| self.roster.scene.count_dropped(due));
        self.with_idle(Vec::clear);
        self.roster.dismiss_all();
    }

    /// A stop releases nothing more. Of a core that was far behind, this leaves out arrivals that had fallen due.
    fn tell_how_far_behind(&mut self, now_ns: u64) {
        let overdue_ns = self.schedule.ahead(now_ns).overdue_ns(now_ns);
        let behind_ns = overdue_ns.map_or(0, |planned_ns| now_ns - planned_ns);
        if behind_ns > HELD_UP_NS {
            let (run, core, behind_ms) = (&self.roster.scene.run, self.core(), behind_ns / 1_000_000);
            let name = run.name(self.roster.scene.scenario);
            run.mark(
                now_ns,
                format!("scenario {name}: core {core} was {behind_ms} ms behind its schedule; what was due since is not counted"),
            );
        }
    }

    fn desks(&self) -> &Desks {
        self.roster.scene.run.desks(self.roster.scene.scenario)
    }

    fn core(&self) -> usize {
        self.roster.scene.core.context.core
    }

    /// The idle places, the one that became so last at the end.
    fn with_idle<R>(&self, act: impl FnOnce(&mut Vec<usize>) -> R) -> R {
        match &self.roster.scene.source {
            Source::Arrivals(idle) => act(&mut idle.borrow_mut()),
            _ => unreachable!("only an open scenario has a dispatcher"),
        }
    }
}

/// Until when an arrival that finds nobody now may wait: as long again as it is late.
fn patience_ends_ns(due: Due, now_ns: u64) -> u64 {
    now_ns + (now_ns - due.planned_ns) + ALARM_FLOOR_NS
}
