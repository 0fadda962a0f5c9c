//! `arrival-rate`: iterations arrive by a schedule, whatever becomes of those before (the open model).
//!
//! The schedule is the shape's: arrival n has an exact planned time ([`model::arrivals`]). Response times count from
//! it, and an arrival that finds no free VU is counted as dropped.

use std::sync::Arc;

use futures_util::future::LocalBoxFuture;
use model::{
    arrivals::{Arrivals, Pacing},
    seed::{mix, scenario_hash},
    segment::{Segment, Stride},
    shape::{Shape, ShapeProblem},
};

use super::dispatcher::Dispatcher;
use crate::{
    desk::Due,
    number::WARM_UP_BIT,
    plan::{ScenarioProblem, check},
    roster::Roster,
    scene::Scene,
    time::Time,
    vu::Crew,
};

/// The highest rate of a plan, per second. A machine of a hundred cores starts about a tenth of it.
pub(super) const MOST_PER_S: f64 = 10_000_000.0;

/// Options of `arrival-rate`.
#[derive(Clone, Debug)]
pub struct ArrivalRate {
    /// The rate over time, per second, from the start of the scenario.
    pub shape: Arc<Shape>,
    /// How arrivals keep to it.
    pub pacing: Pacing,
    /// For how long. What the shape has beyond is left out; a shape that ends before is followed by silence.
    pub duration_ns: u64,
    /// VUs that exist from the start.
    pub pre_allocated_vus: u32,
    /// VUs that may exist. More than the pre-allocated ones are hired when arrivals find nobody idle.
    pub max_vus: u32,
}

impl ArrivalRate {
    pub(super) fn problems(&self, segment: Segment, found: &mut Vec<ScenarioProblem>) {
        let Self { pre_allocated_vus, max_vus, .. } = *self;
        match self.shape.validate() {
            Ok(()) => found.extend(self.too_fast().map(ScenarioProblem::Rate)),
            Err(errors) => found.extend(errors.0.into_iter().map(ScenarioProblem::Rate)),
        }
        check::time("duration", self.duration_ns, found);
        check::open_vus(segment, (pre_allocated_vus, max_vus), found);
    }

    /// A rate with a zero too many would keep every core busy with counting what it cannot start.
    fn too_fast(&self) -> Option<ShapeProblem> {
        let peak = self.shape.at_most();
        let at = if matches!(*self.shape, Shape::Stages { .. }) { "stages" } else { "rate" };
        let problem = format!(
            "it reaches {peak} iterations a second, more than any machine can start; at most {MOST_PER_S} are possible"
        );
        (peak > MOST_PER_S).then(|| ShapeProblem { at: at.to_owned(), problem })
    }

    pub(super) fn prepare<C: Crew, T: Time>(
        &self,
        roster: Roster<C, T>,
        grace_ns: u64,
    ) -> LocalBoxFuture<'static, ()> {
        let schedule = self.schedule(&roster.scene, roster.lane());
        Box::pin(
            Dispatcher::new(roster, Box::new(schedule.peekable()), self.pre_allocated_vus, grace_ns).play(),
        )
    }

    /// This core's arrivals: those of the warm-up at the rate with which the shape begins, then the shape's own.
    fn schedule<T: Time>(&self, scene: &Scene<T>, lane: Stride) -> impl Iterator<Item = Due> + use<T> {
        let warm_up = warm_up(scene, lane, self.shape.rate_at(0.0), self.pacing);
        let measured = Arc::new(Shape::clone(&self.shape).take(in_seconds(self.duration_ns)));
        let from_ns = scene.gate.from_ns;
        let measured = Arrivals::new(measured, self.pacing, seed(scene, 0), lane).map(move |arrival| Due {
            number: arrival.number,
            planned_ns: from_ns.saturating_add(arrival.planned_ns),
        });
        warm_up.chain(measured)
    }
}

/// A core's arrivals of the warm-up, at a constant rate.
pub(super) fn warm_up<T: Time>(
    scene: &Scene<T>,
    lane: Stride,
    rate: f64,
    pacing: Pacing,
) -> impl Iterator<Item = Due> + use<T> {
    let end_ns = scene.gate.warm_until_ns;
    let shape = Shape::Constant { rate }.take(in_seconds(end_ns));
    Arrivals::new(Arc::new(shape), pacing, seed(scene, WARM_UP_BIT), lane)
        .map(|arrival| Due { number: arrival.number | WARM_UP_BIT, planned_ns: arrival.planned_ns })
        // Unlike what is measured, a time that is rounded up to the end would belong to the measured window.
        .take_while(move |due| due.planned_ns < end_ns)
}

/// The seed of a scenario's stream of arrivals.
fn seed<T: Time>(scene: &Scene<T>, stream: u64) -> u64 {
    mix(scene.run.plan().seed, scenario_hash(scene.run.name(scene.scenario)), stream)
}

fn in_seconds(ns: u64) -> f64 {
    ns as f64 / 1e9
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod trouble;
