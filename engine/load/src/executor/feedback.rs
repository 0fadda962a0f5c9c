//! `feedback`: iterations arrive at the rate that holds a measured value at a target.
//!
//! An open model as `arrival-rate` is one, whose rate is decided while it is played: once an interval for all cores
//! ([`crate::regulator`]), by a PI controller ([`model::control`]). Within an interval the rate is constant. Arrival n is
//! where the level, the integral of the rate, passes n + 1/2; the level goes on across decisions, so a change makes no burst
//! and no gap. The warm-up has the rate with which it begins; what is measured then decides nothing.
//!
//! Each core plays its own numbers, and each segment its own: every segment measures and decides for itself, and plays its
//! share of the rate it has decided. So the rate that acts is the mean of the segments' rates.
//!
//! Deliberately absent: what is measured, and by whom.

use std::{iter::Peekable, sync::Arc};

use futures_util::future::LocalBoxFuture;
use model::{
    arrivals::Pacing,
    control::{Direction, Gains, Law},
    segment::{Segment, Stride},
    shape::ShapeProblem,
};

use super::{
    arrival_rate::{MOST_PER_S, warm_up},
    dispatcher::Dispatcher,
    schedule::{Ahead, Schedule},
};
use crate::{
    desk::Due,
    event::Event,
    plan::{ScenarioProblem, check},
    regulator::{Decided, Regulator},
    roster::Roster,
    run::Run,
    time::Time,
    vu::Crew,
};

/// The shortest interval. The rates of a run are kept, 16 bytes each.
const SHORTEST_NS: u64 = 10_000_000;

/// Options of `feedback`.
#[derive(Clone, Debug, PartialEq)]
pub struct Feedback {
    /// Where the value is to be held.
    pub target: f64,
    /// What more rate does to the value.
    pub direction: Direction,
    /// How strongly an error acts, as a multiple of what is suggested ([`Gains::suggested`]).
    pub gain: f64,
    /// The rate until the first sample, per second.
    pub start_rate: f64,
    /// The lowest rate.
    pub min_rate: f64,
    /// The highest rate.
    pub max_rate: f64,
    /// The length of an interval.
    pub every_ns: u64,
    /// The time between two samples of the value.
    pub sampled_every_ns: u64,
    /// For how long.
    pub duration_ns: u64,
    /// VUs that exist from the start.
    pub pre_allocated_vus: u32,
    /// VUs that may exist.
    pub max_vus: u32,
}

impl Feedback {
    /// What its controller goes by. A decision uses one sample at most, so its period is the longer of the two.
    pub fn law(&self) -> Law {
        let &Self { target, direction, gain, min_rate, max_rate, .. } = self;
        let period_s = self.every_ns.max(self.sampled_every_ns) as f64 / 1e9;
        let gains = Gains::suggested(gain, max_rate - min_rate, target, period_s);
        Law { target, direction, gains, min_rate, max_rate, period_s }
    }

    pub(super) fn problems(&self, segment: Segment, found: &mut Vec<ScenarioProblem>) {
        found.extend(
            self.wrong_numbers()
                .into_iter()
                .map(|(at, problem)| ScenarioProblem::Rate(ShapeProblem { at: at.to_owned(), problem })),
        );
        check::time("duration", self.duration_ns, found);
        check::open_vus(segment, (self.pre_allocated_vus, self.max_vus), found);
    }

    fn wrong_numbers(&self) -> Vec<(&'static str, String)> {
        let &Self { target, gain, start_rate, min_rate, max_rate, every_ns, .. } = self;
        let mut wrong = Vec::new();
        if !target.is_finite() {
            wrong.push(("target", format!("it is {target}; give it a number")));
        }
        if !(gain > 0.0 && gain.is_finite()) {
            wrong.push(("gain", format!("it is {gain}; give it a number above 0, such as 1.0")));
        }
        if !(min_rate >= 0.0 && min_rate.is_finite()) {
            wrong.push(("min_rate", format!("it is {min_rate}; a rate is 0 or more")));
        }
        if max_rate.is_nan() || max_rate <= min_rate {
            wrong.push(("max_rate", format!("it is {max_rate}, and must be above `min_rate` ({min_rate})")));
        } else if max_rate > MOST_PER_S {
            let most = format!(
                "it is {max_rate}, more than any machine can start; at most {MOST_PER_S} are possible"
            );
            wrong.push(("max_rate", most));
        } else if !(min_rate..=max_rate).contains(&start_rate) {
            let limits = format!("`min_rate` ({min_rate}) and `max_rate` ({max_rate})");
            wrong.push(("start_rate", format!("it is {start_rate}, and must be between {limits}")));
        }
        if every_ns < SHORTEST_NS {
            wrong.push(("every", "a rate is decided no more often than every 10ms".to_owned()));
        }
        wrong
    }

    pub(super) fn prepare<C: Crew, T: Time>(
        &self,
        roster: Roster<C, T>,
        grace_ns: u64,
    ) -> LocalBoxFuture<'static, ()> {
        let (scene, lane) = (&roster.scene, roster.lane());
        let regulator = scene.run.regulator(scene.scenario);
        let measured = Regulated {
            run: Arc::clone(&scene.run),
            scenario: scene.scenario,
            regulator: Arc::clone(regulator.expect("a run has a regulator for a scenario that needs one")),
            numbers: lane,
            taken: 0,
            from_ns: scene.gate.from_ns,
            until_ns: scene.gate.until_ns.get(),
            every_ns: self.every_ns,
            interval: 0,
            decided: None,
        };
        let warm_up = warm_up(scene, lane, self.start_rate, Pacing::Even).peekable();
        let schedule = Box::new(WarmedUp { warm_up, measured });
        Box::pin(Dispatcher::new(roster, schedule, self.pre_allocated_vus, grace_ns).play())
    }
}

/// First what is planned, then what is decided.
struct WarmedUp<I: Iterator<Item = Due>> {
    warm_up: Peekable<I>,
    measured: Regulated,
}

impl<I: Iterator<Item = Due>> Schedule for WarmedUp<I> {
    fn ahead(&mut self, now_ns: u64) -> Ahead {
        match self.warm_up.ahead(now_ns) {
            Ahead::Nothing => self.measured.ahead(now_ns),
            ahead => ahead,
        }
    }

    fn take(&mut self) {
        if self.warm_up.next().is_none() {
            self.measured.take();
        }
    }
}

/// One core's arrivals at rates that are decided interval by interval.
struct Regulated {
    run: Arc<Run>,
    scenario: usize,
    regulator: Arc<Regulator>,
    /// The numbers of this core's arrivals, and how many of them are taken.
    numbers: Stride,
    taken: u64,
    from_ns: u64,
    until_ns: u64,
    every_ns: u64,
    /// The interval that is played, and its rate once that is known.
    interval: usize,
    decided: Option<Decided>,
}

impl Regulated {
    fn begin_ns(&self) -> u64 {
        self.from_ns.saturating_add(self.every_ns.saturating_mul(self.interval as u64))
    }

    fn decided(&mut self) -> Decided {
        let (run, regulator) = (&self.run, &self.regulator);
        let (interval, scenario, at_ns) = (self.interval, self.scenario, self.begin_ns());
        *self.decided.get_or_insert_with(|| {
            let (decided, is_new) = regulator.interval(interval);
            if is_new {
                run.tell(Event::Rate { scenario: Arc::clone(run.name(scenario)), at_ns, rate: decided.rate });
            }
            decided
        })
    }
}

impl Schedule for Regulated {
    fn ahead(&mut self, now_ns: u64) -> Ahead {
        let number = self.numbers.nth(self.taken);
        let level = number as f64 + 0.5;
        loop {
            let begin_ns = self.begin_ns();
            if begin_ns >= self.until_ns {
                return Ahead::Nothing;
            }
            if self.decided.is_none() && begin_ns > now_ns {
                return Ahead::UndecidedUntil(begin_ns);
            }
            let decided = self.decided();
            let length_ns = self.every_ns.min(self.until_ns - begin_ns);
            // Every core compares with the same level, so at a boundary an arrival belongs to one interval exactly.
            if level < decided.level_after(length_ns) {
                let after_ns = ((level - decided.level) / decided.rate * 1e9).round() as u64;
                return Ahead::Due(Due { number, planned_ns: begin_ns + after_ns.min(length_ns) });
            }
            self.interval += 1;
            self.decided = None;
        }
    }

    fn take(&mut self) {
        self.taken += 1;
    }
}

#[cfg(test)]
mod tests;
