//! For the tests beside the code: plays plans in held time, on any number of cores side by side, with a fake VU.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    future::pending,
    panic::resume_unwind,
    pin::pin,
    rc::Rc,
    sync::{Arc, mpsc},
    time::Duration,
};

use futures_util::future::{join_all, select};
use model::{
    histogram::LatencyHistogram,
    recorder::{Ending, Totals, WindowKind},
    segment::Segment,
};

use crate::{
    control::{Control, Order},
    core::CoreContext,
    event::Event,
    executor::Executor,
    phase::Phase,
    plan::{Plan, ScenarioPlan},
    play::play_core,
    run::Run,
    time::{HeldTime, Time},
    turns::{Next, Turn, Turns},
    vu::{Crew, Vu, VuId},
};

pub(crate) const MS: u64 = 1_000_000;
pub(crate) const S: u64 = 1_000 * MS;

/// What a fake VU does with a turn.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Act {
    /// Takes so long, leaving the core to others.
    Sleep(u64),
    /// Takes so long without leaving the core.
    Hold(u64),
    /// Takes so long and fails.
    Fail(u64),
    /// Never ends by itself.
    Hang,
    Panic,
    /// Takes so long and panics.
    PanicAfter(u64),
    /// Finishes and returns.
    Resign,
    /// Takes so long, finishes and returns.
    ResignAfter(u64),
    /// Orders the run to stop, and finishes.
    Stop,
}

/// One turn as the fake VU saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) core: usize,
    pub(crate) scenario: usize,
    pub(crate) vu: u64,
    pub(crate) number: u64,
    pub(crate) planned_ns: u64,
    pub(crate) started_ns: u64,
    pub(crate) ended_ns: Option<u64>,
    pub(crate) window: WindowKind,
}

thread_local! {
    /// How long a fake VU takes to go after it was told that there are no more turns.
    static LINGERS_NS: Cell<u64> = const { Cell::new(0) };
    /// How long it takes before it asks for its first turn.
    static SETTLES_NS: Cell<u64> = const { Cell::new(0) };
}

/// From now on, fake VUs of this test take so long to go.
pub(crate) fn linger_ns(ns: u64) {
    LINGERS_NS.set(ns);
}

/// From now on, fake VUs of this test take so long before they ask for their first turn.
pub(crate) fn settle_ns(ns: u64) {
    SETTLES_NS.set(ns);
}

type Behaviour = Rc<dyn Fn(&Turn, u64) -> Act>;

#[derive(Clone)]
struct FakeCrew {
    core: usize,
    seen: Rc<RefCell<Vec<Seen>>>,
    hired: Rc<RefCell<Vec<VuId>>>,
    behaviour: Behaviour,
    control: Arc<Control>,
}

struct FakeVu(FakeCrew);

impl Crew for FakeCrew {
    type Vu = FakeVu;

    fn hire(&self, who: VuId) -> FakeVu {
        self.hired.borrow_mut().push(who);
        FakeVu(self.clone())
    }
}

impl Vu for FakeVu {
    async fn live<T: Time>(self, mut turns: Turns<T>) {
        let FakeCrew { core, seen, behaviour, control, .. } = self.0;
        let ready_ns = turns.now_ns() + SETTLES_NS.get();
        turns.time().sleep_until(ready_ns).await;
        loop {
            let turn = match turns.try_next() {
                Next::Turn(turn) => turn,
                Next::Wait => match turns.next().await {
                    Some(turn) => turn,
                    None => break,
                },
                Next::Stop => break,
            };
            let &Turn { number, planned_ns, started_ns, window, scenario } = &turn;
            let vu = turns.vu();
            let entry = Seen { core, scenario, vu, number, planned_ns, started_ns, ended_ns: None, window };
            let index = seen.borrow().len();
            seen.borrow_mut().push(entry);
            let act = behaviour(&turn, vu);
            let mut ending = Ending::Done;
            match act {
                Act::Sleep(ns) | Act::ResignAfter(ns) => turns.time().sleep_until(started_ns + ns).await,
                Act::Fail(ns) => {
                    turns.time().sleep_until(started_ns + ns).await;
                    ending = Ending::Failed;
                }
                Act::Hold(ns) => hold(turns.time(), ns),
                Act::Hang => pending::<()>().await,
                Act::Panic | Act::PanicAfter(_) => {
                    if let Act::PanicAfter(ns) = act {
                        turns.time().sleep_until(started_ns + ns).await;
                    }
                    seen.borrow_mut()[index].ended_ns = Some(turns.now_ns());
                    // Not `panic!`, whose hook would fill the output of tests.
                    resume_unwind(Box::new(format!("the fake VU {vu} panics")));
                }
                Act::Resign => {}
                Act::Stop => control.stop(),
            }
            seen.borrow_mut()[index].ended_ns = Some(turns.now_ns());
            turns.finish(turn, ending);
            if matches!(act, Act::Resign | Act::ResignAfter(_)) {
                return;
            }
        }
        let until_ns = turns.now_ns() + LINGERS_NS.get();
        turns.time().sleep_until(until_ns).await;
    }
}

/// Held time is the only one that these tests play in.
fn hold<T: Time>(time: &T, ns: u64) {
    let time: &dyn std::any::Any = time;
    time.downcast_ref::<HeldTime>().expect("tests are played in held time").advance_by(ns);
}

/// What came of a play.
#[derive(Default)]
pub(crate) struct Played {
    pub(crate) seen: Vec<Seen>,
    pub(crate) hired: Vec<VuId>,
    pub(crate) phases: Vec<(Phase, u64)>,
    pub(crate) panics: Vec<(u64, String)>,
    pub(crate) marks: Vec<(u64, String)>,
    /// Rates that were decided, and from when on.
    pub(crate) rates: Vec<(u64, f64)>,
    pub(crate) counts: BTreeMap<(String, WindowKind), Counts>,
    /// (core, start, end, window, busy, live)
    pub(crate) ticks: Vec<(u32, u64, u64, WindowKind, u64, u64)>,
    pub(crate) totals: Totals,
    pub(crate) failures: BTreeMap<String, u64>,
    pub(crate) ended_ns: u64,
    /// How often time had to be moved on: what spins shows here.
    pub(crate) moves: usize,
    pub(crate) clock_reads: u64,
}

/// Sums over all intervals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) done: u64,
    pub(crate) failed: u64,
    pub(crate) interrupted: u64,
    pub(crate) dropped: u64,
    pub(crate) planned: u64,
    /// Turns whose lag was recorded: those that were planned.
    pub(crate) lags: u64,
    /// The longest response and lag, in microseconds.
    pub(crate) response_max_us: u64,
    pub(crate) lag_max_us: u64,
}

impl Played {
    /// What was measured of scenario `a`.
    pub(crate) fn measured(&self) -> Counts {
        self.of("a", WindowKind::Measure)
    }

    pub(crate) fn warm_up(&self) -> Counts {
        self.of("a", WindowKind::WarmUp)
    }

    pub(crate) fn of(&self, name: &str, window: WindowKind) -> Counts {
        self.counts.get(&(name.to_owned(), window)).copied().unwrap_or_default()
    }

    /// (number, planned) of all turns, by number.
    pub(crate) fn schedule(&self) -> Vec<(u64, u64)> {
        let mut schedule: Vec<_> = self.seen.iter().map(|seen| (seen.number, seen.planned_ns)).collect();
        schedule.sort_unstable();
        schedule
    }

    /// The most turns that ran at one time.
    pub(crate) fn most_running(&self) -> usize {
        self.seen.iter().map(|seen| self.running_at(seen.started_ns)).max().unwrap_or(0)
    }

    /// How many turns run at a time.
    pub(crate) fn running_at(&self, at_ns: u64) -> usize {
        let runs =
            |seen: &&Seen| seen.started_ns <= at_ns && seen.ended_ns.is_none_or(|ended_ns| ended_ns > at_ns);
        self.seen.iter().filter(runs).count()
    }

    fn hear(&mut self, event: Event) {
        match event {
            Event::Phase { phase, at_ns } => self.phases.push((phase, at_ns)),
            Event::Mark { at_ns, text } => self.marks.push((at_ns, text)),
            Event::Rate { at_ns, rate, .. } => self.rates.push((at_ns, rate)),
            Event::Panic { vu, message, .. } => self.panics.push((vu, message)),
            Event::CoreDone { at_ns, .. } => self.ended_ns = self.ended_ns.max(at_ns),
            Event::Started { .. } => unreachable!("real time alone is started"),
            Event::Interval(interval) => {
                self.totals.add(&interval);
                self.ticks.push((
                    interval.core,
                    interval.start_ns,
                    interval.end_ns,
                    interval.window,
                    interval.vus_busy,
                    interval.vus_live,
                ));
                for failure in interval.failures {
                    *self.failures.entry(failure.message).or_default() += failure.count;
                }
                for scenario in interval.scenarios {
                    let sum = self.counts.entry((scenario.name.to_string(), interval.window)).or_default();
                    sum.done += scenario.done;
                    sum.failed += scenario.failed;
                    sum.interrupted += scenario.interrupted;
                    sum.dropped += scenario.dropped;
                    sum.planned += scenario.planned;
                    sum.lags += scenario.lag.as_ref().map_or(0, LatencyHistogram::count);
                    let max_us = |histogram: Option<LatencyHistogram>| {
                        histogram.map_or(0, |histogram| histogram.max_us())
                    };
                    sum.response_max_us = sum.response_max_us.max(max_us(scenario.response));
                    sum.lag_max_us = sum.lag_max_us.max(max_us(scenario.lag));
                }
            }
        }
    }
}

/// A plan of one scenario `a`.
pub(crate) fn plan(executor: impl Into<Executor>) -> Plan {
    let scenario = scenario("a", executor);
    Plan { scenarios: vec![scenario], seed: 1, segment: Segment::WHOLE, warm_up_ns: 0 }
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

/// Plays to the end, every turn ending as `behaviour` says.
pub(crate) fn play(plan: Plan, cores: usize, behaviour: impl Fn(&Turn, u64) -> Act + 'static) -> Played {
    play_with_orders(plan, cores, &[], behaviour)
}

/// What somebody outside says to a run.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Told {
    Order(Order),
    /// Another number of VUs, or a pause.
    Dial(Option<u32>, Option<bool>),
    /// A sample of the value that the first scenario holds.
    Felt(f64),
}

/// The same, with orders given at their times.
pub(crate) fn play_with_orders(
    plan: Plan,
    cores: usize,
    orders: &[(u64, Order)],
    behaviour: impl Fn(&Turn, u64) -> Act + 'static,
) -> Played {
    let told: Vec<_> = orders.iter().map(|&(at_ns, order)| (at_ns, Told::Order(order))).collect();
    play_told(plan, cores, &told, behaviour)
}

/// The same, with anything said at its time.
pub(crate) fn play_told(
    plan: Plan,
    cores: usize,
    told: &[(u64, Told)],
    behaviour: impl Fn(&Turn, u64) -> Act + 'static,
) -> Played {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build_local(tokio::runtime::LocalOptions::default())
        .expect("a runtime");
    let (sender, events) = mpsc::channel();
    let control = Control::new();
    let run = Run::new(plan, cores, control.clone(), sender).expect("a valid plan");
    let (time, seen, hired) = (HeldTime::new(), Rc::default(), Rc::default());
    let behaviour: Behaviour = Rc::new(behaviour);
    let moves = Cell::new(0);
    runtime.block_on(async {
        for &(at_ns, told) in told {
            let (control, run, its_time) = (control.clone(), run.clone(), time.sleep_until(at_ns));
            tokio::task::spawn_local(async move {
                its_time.await;
                match told {
                    Told::Order(Order::Abort) => control.abort(),
                    Told::Order(_) => control.stop(),
                    Told::Dial(vus, is_paused) => {
                        let dial = run.dial().expect("a scenario with a dial");
                        dial.turn(vus, is_paused).expect("a possible number of VUs");
                    }
                    Told::Felt(value) => run.regulator(0).expect("a scenario with a regulator").feel(value),
                }
            });
        }
        let cores = (0..cores).map(|core| {
            let crew = FakeCrew {
                core,
                seen: Rc::clone(&seen),
                hired: Rc::clone(&hired),
                behaviour: Rc::clone(&behaviour),
                control: control.clone(),
            };
            let context = CoreContext::new(core, run.cores(), time.clone());
            play_core(run.clone(), context, crew, async { true })
        });
        select(pin!(join_all(cores)), pin!(drive(&time, &moves))).await;
    });
    drop(run);
    let mut played = Played {
        seen: seen.take(),
        hired: hired.take(),
        moves: moves.get(),
        clock_reads: time.reads(),
        ..Played::default()
    };
    events.try_iter().for_each(|event| played.hear(event));
    played
}

/// Moves held time on whenever nothing can happen without that: the runtime's paused clock moves only then.
async fn drive(time: &HeldTime, moves: &Cell<usize>) {
    loop {
        tokio::time::sleep(Duration::from_millis(1)).await;
        moves.set(moves.get() + 1);
        assert!(time.advance_to_next(), "at {} ns everybody waits for nothing", time.now_ns());
    }
}
