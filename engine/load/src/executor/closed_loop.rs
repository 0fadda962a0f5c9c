//! What the executors with closed loops have in common: VUs come, run iterations of their own, are asked to go.
//!
//! The VUs draw their turns themselves ([`crate::turns`]); here is decided who exists. A place has beside its state
//! (the table of [`crate::place`]) a wish of its executor:
//!
//! | wish \ input | come            | go                              | VU departed: dismissed        | resigned  | panicked            |
//! |--------------|-----------------|---------------------------------|-------------------------------|-----------|---------------------|
//! | none         | → wanted, hired | –                               | –                             | –         | –                   |
//! | wanted       | –               | → leaving, asked to go          | → none (it has run all)       | → none    | hired after a pause |
//! | leaving      | → wanted if the VU had not seen the request, else → returning | – | → none   | → none    | → none              |
//! | returning    | –               | → leaving                       | → wanted, hired               | → wanted, hired | hired after a pause |

use std::{collections::VecDeque, sync::Arc};

use super::{timeline::Timeline, waiter::Waiter};
use crate::{
    dial::Dial,
    roster::Roster,
    scene::{Departed, Departure},
    time::Time,
    vu::Crew,
};

/// How long a place stays empty after a panic, so that a VU that panics at once does not eat its core.
const PAUSE_AFTER_PANIC_NS: u64 = 10_000_000;

/// A change in the number of VUs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) at_ns: u64,
    /// Which of the core's places.
    pub(super) place: usize,
    pub(super) wish: Wish,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    Come,
    Go,
}

/// What the executor wishes for a place. See the module's table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Want {
    #[default]
    None,
    Wanted,
    /// Until when it may take its time.
    Leaving(u64),
    Returning(u64),
}

/// A number of VUs that somebody outside decides.
struct Dialled {
    dial: Arc<Dial>,
    /// From when on it is followed.
    begins_ns: u64,
    /// How many of the core's places are wanted as it stood when it was last looked at.
    places: usize,
}

pub(super) struct ClosedLoop<C: Crew, T: Time> {
    roster: Roster<C, T>,
    timeline: Timeline<T>,
    steps: std::iter::Peekable<Box<dyn Iterator<Item = Step>>>,
    dialled: Option<Dialled>,
    ramp_down_ns: u64,
    wants: Vec<Want>,
    /// Deadlines of those who were asked to go, with their places, in the order of time.
    leaving: VecDeque<(u64, usize)>,
    /// Places to hire into again, and when.
    refills: VecDeque<(u64, usize)>,
}

impl<C: Crew, T: Time> ClosedLoop<C, T> {
    /// Hires this core's share of `vus`.
    pub(super) fn new(mut roster: Roster<C, T>, vus: u32, grace_ns: u64) -> Self {
        let share = roster.lane().count_below(u64::from(vus));
        let share = usize::try_from(share).expect("VUs of a core are countable");
        (0..share).for_each(|place| roster.hire(place));
        let no_steps: Box<dyn Iterator<Item = Step>> = Box::new(std::iter::empty());
        Self {
            timeline: Timeline::new(&roster.scene, grace_ns),
            roster,
            steps: no_steps.peekable(),
            dialled: None,
            ramp_down_ns: 0,
            wants: vec![Want::Wanted; share],
            leaving: VecDeque::new(),
            refills: VecDeque::new(),
        }
    }

    /// With steps from there, and so much time for those who are asked to go.
    pub(super) fn following(self, steps: Box<dyn Iterator<Item = Step>>, ramp_down_ns: u64) -> Self {
        Self { steps: steps.peekable(), ramp_down_ns, ..self }
    }

    /// With as many VUs as `dial` says from `begins_ns` on, and so much time for those who are asked to go.
    pub(super) fn dialled(self, dial: Arc<Dial>, begins_ns: u64, ramp_down_ns: u64) -> Self {
        dial.wake_on_turn(Arc::clone(&self.roster.scene.bell));
        let dialled = Dialled { dial, begins_ns, places: self.wants.len() };
        Self { dialled: Some(dialled), ramp_down_ns, ..self }
    }

    pub(super) async fn play(mut self) {
        let time = self.roster.scene.core.context.time.clone();
        let mut waiter = Waiter::new(&self.roster.scene.bell, &time);
        while let Some(next_ns) = self.act(time.now_ns()) {
            waiter.until(next_ns).await;
        }
        self.timeline.over(time.now_ns());
    }

    /// Does what is due. Returns when something is due next; nothing when all is over.
    fn act(&mut self, now_ns: u64) -> Option<u64> {
        for departed in self.roster.departed() {
            self.see_off(departed, now_ns);
        }
        if self.timeline.opens(now_ns) {
            self.roster.wake_all();
        }
        if !self.timeline.is_closing() {
            self.refill(now_ns);
            self.step(now_ns);
            self.follow_dial(now_ns);
        }
        self.cut_late(now_ns);
        let closes = self.timeline.is_stopped() || self.timeline.is_time_up(now_ns) || self.is_done(now_ns);
        if closes && !self.timeline.is_closing() {
            self.timeline.close(now_ns);
            self.refills.clear();
            self.roster.dismiss_all();
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
        let mut next_ns = self.timeline.next_ns(now_ns);
        if !self.timeline.is_closing() {
            next_ns = next_ns.min(self.steps.peek().map_or(u64::MAX, |step| step.at_ns));
            next_ns = next_ns.min(self.refills.front().map_or(u64::MAX, |&(at_ns, _)| at_ns));
        }
        next_ns.min(self.leaving.front().map_or(u64::MAX, |&(deadline_ns, _)| deadline_ns))
    }

    /// Whether nobody is there and nobody will come.
    fn is_done(&mut self, now_ns: u64) -> bool {
        let has_begun = now_ns >= self.roster.scene.gate.from_ns;
        let is_empty = self.roster.live() == 0 && self.refills.is_empty();
        has_begun && is_empty && self.dialled.is_none() && self.steps.peek().is_none()
    }

    fn step(&mut self, now_ns: u64) {
        while let Some(step) = self.steps.next_if(|step| step.at_ns <= now_ns) {
            match step.wish {
                Wish::Come => self.come(step.place),
                Wish::Go => self.go(step.place, step.at_ns),
            }
        }
    }

    /// Does what was turned since the last look.
    fn follow_dial(&mut self, now_ns: u64) {
        let Some(dialled) = self.dialled.as_mut().filter(|dialled| now_ns >= dialled.begins_ns) else {
            return;
        };
        let (setting, untold) = dialled.dial.look();
        let share = self.roster.lane().count_below(u64::from(setting.vus));
        let share = usize::try_from(share).expect("VUs of a core are countable");
        let before = std::mem::replace(&mut dialled.places, share);
        let scene = &self.roster.scene;
        for told in untold {
            scene.run.mark(now_ns, format!("scenario {}: {told}", scene.run.name(scene.scenario)));
        }
        let was_paused = scene.gate.is_paused.replace(setting.is_paused);
        if was_paused && !setting.is_paused {
            self.roster.wake_all();
        }
        (before..share).for_each(|place| self.come(place));
        (share..before).rev().for_each(|place| self.go(place, now_ns));
    }

    fn come(&mut self, index: usize) {
        if self.wants.len() <= index {
            self.wants.resize(index + 1, Want::None);
        }
        self.wants[index] = match self.wants[index] {
            Want::None => {
                self.roster.hire(index);
                Want::Wanted
            }
            Want::Leaving(deadline_ns) if !self.roster.place(index).stay() => Want::Returning(deadline_ns),
            _ => Want::Wanted,
        };
    }

    fn go(&mut self, index: usize, at_ns: u64) {
        self.wants[index] = match self.wants[index] {
            Want::Wanted => {
                // A place that is to be filled again after a panic need not be.
                self.refills.retain(|&(_, place)| place != index);
                if self.roster.place(index).is_vacant() {
                    Want::None
                } else {
                    let deadline_ns = at_ns.saturating_add(self.ramp_down_ns);
                    self.leaving.push_back((deadline_ns, index));
                    self.roster.place(index).leave();
                    Want::Leaving(deadline_ns)
                }
            }
            Want::Returning(deadline_ns) => Want::Leaving(deadline_ns),
            other => other,
        };
    }

    /// Cuts off those who were asked to go and have taken too long.
    fn cut_late(&mut self, now_ns: u64) {
        while let Some((deadline_ns, index)) = self.leaving.pop_front_if(|&mut (at_ns, _)| at_ns <= now_ns) {
            let want = self.wants[index];
            // Not the one that has gone, or was taken back, since.
            if want == Want::Leaving(deadline_ns) || want == Want::Returning(deadline_ns) {
                self.roster.place(index).cut();
            }
        }
    }

    fn see_off(&mut self, departed: Departed, now_ns: u64) {
        let want = &mut self.wants[departed.place];
        let is_wanted = matches!(want, Want::Wanted | Want::Returning(_));
        let again = match departed.how {
            Departure::Panicked if is_wanted => Some(now_ns + PAUSE_AFTER_PANIC_NS),
            _ if matches!(want, Want::Returning(_)) => Some(now_ns),
            _ => None,
        };
        *want = if again.is_some() { Want::Wanted } else { Want::None };
        if let (Some(at_ns), false) = (again, self.timeline.is_closing()) {
            // Those without a pause come first: times must not fall along the queue.
            if at_ns == now_ns {
                self.refills.push_front((at_ns, departed.place));
            } else {
                self.refills.push_back((at_ns, departed.place));
            }
        }
    }

    fn refill(&mut self, now_ns: u64) {
        while let Some((_, index)) = self.refills.pop_front_if(|&mut (at_ns, _)| at_ns <= now_ns) {
            self.roster.hire(index);
        }
    }
}
