//! A fake crew for real threads, and the events of its run.

use std::{
    sync::{
        Arc, Mutex,
        mpsc::{self, Receiver},
    },
    thread::{self, ThreadId},
};

use load::{
    RunError, Start,
    control::Control,
    core::CoreContext,
    event::Event,
    executor::Executor,
    plan::{Plan, ScenarioPlan},
    play,
    run::Run,
    time::Time,
    turns::{Next, Turn, Turns},
    vu::{Crew, Vu, VuId},
};
use model::{recorder::Ending, segment::Segment};

pub(crate) const MS: u64 = 1_000_000;
pub(crate) const S: u64 = 1_000 * MS;

/// What a VU does with a turn.
#[derive(Clone, Copy)]
pub(crate) enum Act {
    Nothing,
    Sleep(u64),
    Hang,
    Panic,
}

/// One turn as the VU saw it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen {
    pub(crate) vu: u64,
    pub(crate) number: u64,
    pub(crate) planned_ns: u64,
    pub(crate) thread: ThreadId,
}

pub(crate) type Log = Arc<Mutex<Vec<Seen>>>;

#[derive(Clone)]
pub(crate) struct Fake<F> {
    pub(crate) log: Log,
    pub(crate) act: F,
}

impl<F: Fn(&Turn, u64) -> Act + Clone + 'static> Crew for Fake<F> {
    type Vu = Self;

    fn hire(&self, _: VuId) -> Self {
        self.clone()
    }
}

impl<F: Fn(&Turn, u64) -> Act + 'static> Vu for Fake<F> {
    async fn live<T: Time>(self, mut turns: Turns<T>) {
        loop {
            let turn = match turns.try_next() {
                Next::Turn(turn) => turn,
                Next::Wait => match turns.next().await {
                    Some(turn) => turn,
                    None => return,
                },
                Next::Stop => return,
            };
            let Turn { number, planned_ns, .. } = turn;
            let seen = Seen { vu: turns.vu(), number, planned_ns, thread: thread::current().id() };
            self.log.lock().expect("nobody panics with the log").push(seen);
            match (self.act)(&turn, turns.vu()) {
                Act::Nothing => {}
                Act::Sleep(ns) => turns.time().sleep_until(turn.started_ns + ns).await,
                Act::Hang => std::future::pending::<()>().await,
                Act::Panic => std::panic::resume_unwind(Box::new("a planted panic")),
            }
            turns.finish(turn, Ending::Done);
        }
    }
}

pub(crate) fn scenario(name: &str, executor: impl Into<Executor>) -> ScenarioPlan {
    ScenarioPlan {
        name: name.to_owned(),
        executor: executor.into(),
        start_ns: 0,
        graceful_stop_ns: 30 * S,
        warm_up: true,
    }
}

pub(crate) fn plan(scenarios: Vec<ScenarioPlan>) -> Plan {
    Plan { scenarios, seed: 7, segment: Segment::WHOLE, warm_up_ns: 0 }
}

/// A run that plays on a thread of its own.
pub(crate) struct Playing {
    pub(crate) events: Receiver<Event>,
    pub(crate) control: Arc<Control>,
    pub(crate) log: Log,
    thread: thread::JoinHandle<Result<(), RunError<String>>>,
}

pub(crate) fn start(
    plan: Plan,
    cores: usize,
    act: impl Fn(&Turn, u64) -> Act + Clone + Send + Sync + 'static,
) -> Playing {
    start_at(Start::WhenReady, plan, cores, act)
}

pub(crate) fn start_at(
    start: Start,
    plan: Plan,
    cores: usize,
    act: impl Fn(&Turn, u64) -> Act + Clone + Send + Sync + 'static,
) -> Playing {
    let (log, control, (sender, events)) = (Log::default(), Control::new(), mpsc::channel());
    let run = Run::new(plan, cores, control.clone(), sender).expect("a valid plan");
    let crew_log = log.clone();
    let thread = thread::spawn(move || {
        play(&run, start, |_: &CoreContext| Ok(Fake { log: crew_log.clone(), act: act.clone() }))
    });
    Playing { events, control, log, thread }
}

impl Playing {
    /// Waits for the end. All events that were not received yet, and all turns.
    pub(crate) fn end(self) -> (Vec<Event>, Vec<Seen>) {
        let events = self.events.into_iter().collect();
        self.thread.join().expect("the run's thread").expect("the run");
        let seen = self.log.lock().expect("nobody panics with the log").clone();
        (events, seen)
    }
}

/// Sums over all intervals and windows.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) done: u64,
    pub(crate) failed: u64,
    pub(crate) interrupted: u64,
    pub(crate) dropped: u64,
    pub(crate) planned: u64,
}

pub(crate) fn counts(events: &[Event]) -> Counts {
    let mut sum = Counts::default();
    for event in events {
        let Event::Interval(interval) = event else { continue };
        for scenario in &interval.scenarios {
            sum.done += scenario.done;
            sum.failed += scenario.failed;
            sum.interrupted += scenario.interrupted;
            sum.dropped += scenario.dropped;
            sum.planned += scenario.planned;
        }
    }
    sum
}
