//! The load models, one a file, named as users name them. `closed_loop` is what five of them have in common.

mod arrival_rate;
mod closed_loop;
mod constant_arrival_rate;
mod constant_vus;
mod dispatcher;
mod externally_controlled;
mod feedback;
mod per_vu_iterations;
mod ramping_arrival_rate;
mod ramping_vus;
mod replay;
mod schedule;
mod shared_iterations;
mod timeline;
mod waiter;

use std::{cell::Cell, rc::Rc, sync::Arc};

use futures_util::future::LocalBoxFuture;
use model::segment::Segment;

use self::closed_loop::{ClosedLoop, Step, Wish};
pub use self::{
    arrival_rate::ArrivalRate,
    constant_arrival_rate::ConstantArrivalRate,
    constant_vus::ConstantVus,
    externally_controlled::{ENDLESS_NS, ExternallyControlled},
    feedback::Feedback,
    per_vu_iterations::PerVuIterations,
    ramping_arrival_rate::RampingArrivalRate,
    ramping_vus::{RampingVus, Stage},
    replay::Replay,
    shared_iterations::SharedIterations,
};
use crate::{
    core::Core,
    plan::ScenarioProblem,
    roster::Roster,
    run::Run,
    scene::{Gate, Scene, Source},
    time::Time,
    vu::Crew,
};

/// How a scenario's iterations are started.
#[derive(Clone, Debug)]
pub enum Executor {
    /// A fixed number of VUs in closed loops.
    ConstantVus(ConstantVus),
    /// A number of VUs in closed loops that follows stages.
    RampingVus(RampingVus),
    /// A number of VUs in closed loops that somebody outside changes.
    ExternallyControlled(ExternallyControlled),
    /// A fixed number of iterations for each VU.
    PerVuIterations(PerVuIterations),
    /// A fixed number of iterations for all VUs together.
    SharedIterations(SharedIterations),
    /// Iterations that arrive by a schedule, whatever becomes of those before. `constant-arrival-rate` and
    /// `ramping-arrival-rate` become this: [`ConstantArrivalRate`], [`RampingArrivalRate`].
    ArrivalRate(ArrivalRate),
    /// Iterations that arrive when recorded ones did.
    Replay(Replay),
    /// Iterations that arrive at a rate that holds a measured value at a target.
    Feedback(Feedback),
}

impl Executor {
    /// The longest time in which it starts iterations.
    pub fn longest_ns(&self) -> u64 {
        match self {
            Executor::ConstantVus(executor) => executor.duration_ns,
            Executor::RampingVus(executor) => executor.duration_ns(),
            Executor::ExternallyControlled(executor) => executor.duration_ns,
            Executor::PerVuIterations(executor) => executor.max_duration_ns,
            Executor::SharedIterations(executor) => executor.max_duration_ns,
            Executor::ArrivalRate(executor) => executor.duration_ns,
            Executor::Replay(executor) => executor.duration_ns,
            Executor::Feedback(executor) => executor.duration_ns,
        }
    }

    /// Whether it ends by itself.
    pub fn has_end(&self) -> bool {
        self.longest_ns() != ENDLESS_NS
    }

    /// The most VUs it may have at once, over all segments.
    pub fn max_vus(&self) -> u32 {
        match self {
            Executor::ConstantVus(executor) => executor.vus,
            Executor::RampingVus(executor) => {
                executor.stages.iter().map(|stage| stage.target).fold(executor.start_vus, u32::max)
            }
            Executor::ExternallyControlled(executor) => executor.max_vus,
            Executor::PerVuIterations(executor) => executor.vus,
            Executor::SharedIterations(executor) => executor.vus,
            Executor::ArrivalRate(executor) => executor.max_vus,
            Executor::Replay(executor) => executor.max_vus,
            Executor::Feedback(executor) => executor.max_vus,
        }
    }

    /// Of an open model, how many VUs there are from the start, over all segments. More come as arrivals need them.
    pub fn pre_allocated_vus(&self) -> Option<u32> {
        match self {
            Executor::ArrivalRate(executor) => Some(executor.pre_allocated_vus),
            Executor::Replay(executor) => Some(executor.pre_allocated_vus),
            Executor::Feedback(executor) => Some(executor.pre_allocated_vus),
            _ => None,
        }
    }

    /// Whether it may take part in a warm-up. What counts iterations would count them there, and what was recorded has
    /// nothing before its beginning.
    pub fn has_warm_up(&self) -> bool {
        !matches!(self, Executor::PerVuIterations(_) | Executor::SharedIterations(_) | Executor::Replay(_))
    }

    pub(crate) fn problems(&self, segment: Segment, found: &mut Vec<ScenarioProblem>) {
        match self {
            Executor::ConstantVus(executor) => executor.problems(found),
            Executor::RampingVus(executor) => executor.problems(found),
            Executor::ExternallyControlled(executor) => executor.problems(segment, found),
            Executor::PerVuIterations(executor) => executor.problems(found),
            Executor::SharedIterations(executor) => executor.problems(segment, found),
            Executor::ArrivalRate(executor) => executor.problems(segment, found),
            Executor::Replay(executor) => executor.problems(segment, found),
            Executor::Feedback(executor) => executor.problems(segment, found),
        }
    }

    fn source(&self) -> Source {
        match self {
            Executor::ConstantVus(_) | Executor::RampingVus(_) | Executor::ExternallyControlled(_) => {
                Source::Endless
            }
            Executor::PerVuIterations(executor) => Source::PerVu(executor.iterations),
            Executor::SharedIterations(executor) => Source::Shared(executor.iterations),
            Executor::ArrivalRate(_) | Executor::Replay(_) | Executor::Feedback(_) => {
                Source::Arrivals(Default::default())
            }
        }
    }
}

/// Hires the VUs with which a scenario begins on one core; the future then plays it to its end.
pub(crate) fn prepare<C: Crew, T: Time>(
    run: &Arc<Run>,
    core: &Rc<Core<T>>,
    crew: &Rc<C>,
    scenario: usize,
) -> LocalBoxFuture<'static, ()> {
    let plan = &run.plan().scenarios[scenario];
    let scene = scene(run, core, scenario);
    run.control().wake_on_order(Arc::clone(&scene.bell));
    let from_ns = scene.gate.from_ns;
    let roster = Roster::new(scene, Rc::clone(crew));
    let lane = roster.lane();
    let grace_ns = plan.graceful_stop_ns;
    match &plan.executor {
        Executor::ArrivalRate(executor) => executor.prepare(roster, grace_ns),
        Executor::Replay(executor) => executor.prepare(roster, grace_ns),
        Executor::Feedback(executor) => executor.prepare(roster, grace_ns),
        Executor::RampingVus(executor) => {
            let steps = Box::new(executor.steps(lane, from_ns));
            let closed_loop = ClosedLoop::new(roster, executor.start_vus, grace_ns);
            Box::pin(closed_loop.following(steps, executor.graceful_ramp_down_ns).play())
        }
        Executor::ExternallyControlled(_) => {
            let dial = Arc::clone(run.dial().expect("a run has a dial for a scenario that needs one"));
            let is_late = plan.start_ns > 0 && !plan.warm_up;
            let (vus, begins_ns) = if is_late { (0, from_ns) } else { (dial.setting().vus, 0) };
            Box::pin(ClosedLoop::new(roster, vus, grace_ns).dialled(dial, begins_ns, grace_ns).play())
        }
        closed if plan.start_ns > 0 && !plan.warm_up => {
            // Its VUs come when it begins: a run may be made of hundreds of scenarios that follow each other.
            let share = lane.count_below(u64::from(closed.max_vus()));
            let share = usize::try_from(share).expect("VUs of a core are countable");
            let come = move |place| Step { at_ns: from_ns, place, wish: Wish::Come };
            let steps = Box::new((0..share).map(come));
            Box::pin(ClosedLoop::new(roster, 0, grace_ns).following(steps, 0).play())
        }
        closed => Box::pin(ClosedLoop::new(roster, closed.max_vus(), grace_ns).play()),
    }
}

fn scene<T: Time>(run: &Arc<Run>, core: &Rc<Core<T>>, scenario: usize) -> Rc<Scene<T>> {
    let plan = &run.plan().scenarios[scenario];
    let warm_up_ns = run.plan().warm_up_ns;
    let from_ns = warm_up_ns.saturating_add(plan.start_ns);
    let warms_up = plan.warm_up && plan.executor.has_warm_up();
    let id = core.context.recorder.borrow_mut().scenario(&plan.name);
    Rc::new(Scene {
        core: Rc::clone(core),
        run: Arc::clone(run),
        scenario,
        id,
        gate: Gate {
            has_opened: Cell::new(false),
            is_paused: Cell::new(false),
            warm_until_ns: if warms_up { warm_up_ns } else { 0 },
            from_ns,
            until_ns: Cell::new(from_ns.saturating_add(plan.executor.longest_ns())),
        },
        source: plan.executor.source(),
        bell: run.desks(scenario).bell(core.context.core),
        departed: Default::default(),
        cut_off: Cell::new(0),
    })
}

impl From<ConstantVus> for Executor {
    fn from(options: ConstantVus) -> Self {
        Executor::ConstantVus(options)
    }
}

impl From<RampingVus> for Executor {
    fn from(options: RampingVus) -> Self {
        Executor::RampingVus(options)
    }
}

impl From<ExternallyControlled> for Executor {
    fn from(options: ExternallyControlled) -> Self {
        Executor::ExternallyControlled(options)
    }
}

impl From<PerVuIterations> for Executor {
    fn from(options: PerVuIterations) -> Self {
        Executor::PerVuIterations(options)
    }
}

impl From<SharedIterations> for Executor {
    fn from(options: SharedIterations) -> Self {
        Executor::SharedIterations(options)
    }
}

impl From<ArrivalRate> for Executor {
    fn from(options: ArrivalRate) -> Self {
        Executor::ArrivalRate(options)
    }
}

impl From<Replay> for Executor {
    fn from(options: Replay) -> Self {
        Executor::Replay(options)
    }
}

impl From<Feedback> for Executor {
    fn from(options: Feedback) -> Self {
        Executor::Feedback(options)
    }
}

impl From<ConstantArrivalRate> for Executor {
    fn from(options: ConstantArrivalRate) -> Self {
        Executor::ArrivalRate(options.into())
    }
}

impl From<RampingArrivalRate> for Executor {
    fn from(options: RampingArrivalRate) -> Self {
        Executor::ArrivalRate(options.into())
    }
}
