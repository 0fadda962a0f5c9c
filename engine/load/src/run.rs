//! One run: the plan, and the little that its cores share.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::AtomicU64, mpsc::Sender};

use crate::{
    control::Control,
    desk::Desks,
    dial::Dial,
    event::Event,
    executor::Executor,
    phase::Phase,
    plan::{Plan, PlanProblems},
    regulator::Regulator,
};

/// A run that is being made or played. Shared by its cores.
#[derive(Debug)]
pub struct Run {
    plan: Plan,
    cores: usize,
    control: Arc<Control>,
    events: Sender<Event>,
    scenarios: Vec<Shared>,
    progress: Mutex<Progress>,
}

/// What the cores share of one scenario.
#[derive(Debug)]
struct Shared {
    name: Arc<str>,
    /// Iterations drawn from the common counter.
    drawn: OwnLine<AtomicU64>,
    desks: Desks,
    /// How many VUs it has, when somebody outside says so.
    dial: Option<Arc<Dial>>,
    /// What decides its rate, when that follows a measured value.
    regulator: Option<Arc<Regulator>>,
}

/// On cache lines of its own, so that what is written often does not slow down what is read often.
#[derive(Debug, Default)]
#[repr(align(128))]
struct OwnLine<T>(T);

#[derive(Debug)]
struct Progress {
    phase: Phase,
    /// For each scenario, the cores on which it has begun and on which it starts nothing more.
    begun: Vec<usize>,
    over: Vec<usize>,
    /// The latest end of a scenario so far.
    ended_ns: u64,
    cores_done: usize,
}

/// The part of a run that its figures come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Where the warm-up ended.
    pub start_ns: u64,
    /// Where the last scenario ended (what was begun before may end later). Never before the start.
    pub end_ns: u64,
}

impl Run {
    /// A run of `plan` on this many cores (at least one is taken).
    ///
    /// # Errors
    /// Everything that is wrong with the plan.
    pub fn new(
        plan: Plan,
        cores: usize,
        control: Arc<Control>,
        events: Sender<Event>,
    ) -> Result<Arc<Self>, PlanProblems> {
        plan.validate()?;
        let cores = cores.max(1);
        let stride = plan.segment.stride();
        let scenarios = plan.scenarios.iter().map(|scenario| {
            let is_open = scenario.executor.pre_allocated_vus().is_some();
            let max_vus = if is_open { scenario.executor.max_vus() } else { 0 };
            let on_core = |core| stride.lane(core, cores).count_below(u64::from(max_vus));
            Shared {
                name: scenario.name.as_str().into(),
                drawn: OwnLine::default(),
                dial: dial(&scenario.executor),
                regulator: regulator(&scenario.executor),
                desks: Desks::new((0..cores).map(|core| u32::try_from(on_core(core)).unwrap_or(max_vus))),
            }
        });
        let scenarios: Vec<_> = scenarios.collect();
        let progress = Progress {
            phase: Phase::Starting,
            begun: vec![0; scenarios.len()],
            over: vec![0; scenarios.len()],
            ended_ns: 0,
            cores_done: 0,
        };
        Ok(Arc::new(Self { plan, cores, control, events, scenarios, progress: Mutex::new(progress) }))
    }

    /// The plan that is played.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// How many cores play it.
    pub fn cores(&self) -> usize {
        self.cores
    }

    /// The handle that ends it early.
    pub fn control(&self) -> &Arc<Control> {
        &self.control
    }

    /// The dial of the scenario that is externally controlled, if there is one.
    pub fn dial(&self) -> Option<&Arc<Dial>> {
        self.scenarios.iter().find_map(|scenario| scenario.dial.as_ref())
    }

    /// What decides the rate of the scenario at this place of the plan, if it holds a measured value. Whoever measures gives
    /// it the samples.
    pub fn regulator(&self, scenario: usize) -> Option<&Arc<Regulator>> {
        self.scenarios.get(scenario)?.regulator.as_ref()
    }

    /// The measured window as far as it is known: its end moves until the last scenario has ended.
    pub fn window(&self) -> Window {
        let start_ns = self.plan.warm_up_ns;
        Window { start_ns, end_ns: self.progress().ended_ns.max(start_ns) }
    }

    pub(crate) fn name(&self, scenario: usize) -> &Arc<str> {
        &self.scenarios[scenario].name
    }

    pub(crate) fn drawn(&self, scenario: usize) -> &AtomicU64 {
        &self.scenarios[scenario].drawn.0
    }

    pub(crate) fn desks(&self, scenario: usize) -> &Desks {
        &self.scenarios[scenario].desks
    }

    /// Sends an event. A run goes on when nobody listens any more.
    pub(crate) fn tell(&self, event: Event) {
        let _ = self.events.send(event);
    }

    pub(crate) fn mark(&self, at_ns: u64, text: String) {
        self.tell(Event::Mark { at_ns, text });
    }

    /// Announces the phases that time alone has brought.
    pub(crate) fn time_passes(&self, now_ns: u64) {
        self.announce_planned(&mut self.progress(), now_ns);
    }

    /// A scenario begins on one core.
    pub(crate) fn scenario_begins(&self, scenario: usize, at_ns: u64) {
        let mut progress = self.progress();
        self.announce_planned(&mut progress, at_ns);
        progress.begun[scenario] += 1;
        if progress.begun[scenario] == 1 {
            self.mark(at_ns, format!("scenario {} begins", self.name(scenario)));
        }
    }

    /// A scenario starts nothing more on one core. The last of all scenarios and cores to say so ends the measured
    /// window.
    pub(crate) fn scenario_over(&self, scenario: usize, at_ns: u64) {
        let mut progress = self.progress();
        // Phases that fit between two looks at the clock were phases all the same.
        self.announce_planned(&mut progress, at_ns);
        progress.over[scenario] += 1;
        progress.ended_ns = progress.ended_ns.max(at_ns);
        if progress.over[scenario] == self.cores && progress.begun[scenario] > 0 {
            self.mark(at_ns, format!("scenario {} ends", self.name(scenario)));
        }
        if progress.over.iter().all(|&cores| cores == self.cores) {
            let at_ns = progress.ended_ns;
            self.announce(&mut progress, Phase::Drain, at_ns);
        }
    }

    /// A core has sent its last interval.
    pub(crate) fn core_done(&self, core: usize, at_ns: u64) {
        self.tell(Event::CoreDone { core, at_ns });
        let mut progress = self.progress();
        progress.cores_done += 1;
        if progress.cores_done == self.cores {
            self.announce(&mut progress, Phase::Over, at_ns);
        }
    }

    fn announce_planned(&self, progress: &mut Progress, now_ns: u64) {
        let warm_up_ns = self.plan.warm_up_ns;
        if warm_up_ns > 0 {
            self.announce(progress, Phase::WarmUp, 0);
        }
        if now_ns >= warm_up_ns {
            self.announce(progress, Phase::Measure, warm_up_ns);
        }
    }

    /// Under the lock, so that phases reach the listener in their order.
    fn announce(&self, progress: &mut Progress, phase: Phase, at_ns: u64) {
        if phase > progress.phase {
            progress.phase = phase;
            self.control.enter(phase);
            self.tell(Event::Phase { phase, at_ns });
        }
    }

    fn progress(&self) -> MutexGuard<'_, Progress> {
        // Nothing that can panic happens under the lock.
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn dial(executor: &Executor) -> Option<Arc<Dial>> {
    match executor {
        Executor::ExternallyControlled(options) => Some(Dial::new(options.vus, options.max_vus)),
        _ => None,
    }
}

fn regulator(executor: &Executor) -> Option<Arc<Regulator>> {
    match executor {
        Executor::Feedback(options) => {
            Some(Arc::new(Regulator::new(options.law(), options.start_rate, options.every_ns)))
        }
        _ => None,
    }
}
