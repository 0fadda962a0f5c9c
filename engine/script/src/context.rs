//! Who is running: what a binding may see of the virtual user (or stage call) on whose behalf it was called.
//!
//! A [`Context`] is current while its fiber is polled, and only then; bindings reach it through [`with`]. A script
//! never holds one: its `vu` is an empty word that means "the current one".
//!
//! Deliberately absent: how fibers switch (see `bridge`), what the operations are (see `bindings`).

use std::{
    cell::{Cell, OnceCell, RefCell},
    future::Future,
    pin::Pin,
    rc::Rc,
    task::Poll,
};

use load::turns::Turn;
use model::{recorder::WindowKind, seed::IterationRng, trace::SpanLog};
use rhai::{Dynamic, EvalAltResult};

use crate::{
    bindings::entities::Touched,
    bridge::Fiber,
    core::Core,
    engine::EvalError,
    ledger::{Attempt, queue::QueueDesk},
};

thread_local! {
    static CURRENT: Cell<*const Context> = const { Cell::new(std::ptr::null()) };
}

/// One virtual user, or one call of `setup`, `verify`, `teardown`, a probe.
pub(crate) struct Context {
    pub(crate) core: Rc<Core>,
    /// Index of the scenario in the plan; `None` outside of scenarios.
    pub(crate) scenario: Option<usize>,
    /// Global number of the virtual user.
    pub(crate) vu_number: u64,
    /// What `setup` returned, as this one's own copy.
    pub(crate) shared: Dynamic,
    /// What this virtual user keeps between its iterations.
    pub(crate) state: Dynamic,
    pub(crate) iteration: Cell<u64>,
    pub(crate) window: Cell<WindowKind>,
    /// When the iteration was planned to begin, on the run's clock.
    pub(crate) planned_ns: Cell<u64>,
    pub(crate) rng: RefCell<IterationRng>,
    pub(crate) session: OnceCell<drivers::pg::Session>,
    /// Set by `vu.stop()`: this virtual user starts no further iteration.
    pub(crate) leaving: Cell<bool>,
    /// The entry of the trace that this iteration belongs to, once it has been asked for.
    pub(crate) entry: RefCell<Option<Dynamic>>,
    /// Group names that prefix operations, as in k6.
    pub(crate) groups: RefCell<Vec<String>>,
    /// What the ledgers will note of the transaction that is open.
    pub(crate) undecided: RefCell<Vec<Attempt>>,
    /// What was announced to the ledgers of queues.
    pub(crate) queues: QueueDesk,
    /// Entities that the open transaction changes, as they were before.
    pub(crate) touched: RefCell<Vec<Touched>>,
    /// What it did in this iteration so far.
    pub(crate) spans: RefCell<SpanLog>,
    call_began_at_step: Cell<Option<u64>>,
    pub(crate) slice_began_ns: Cell<u64>,
}

impl Context {
    pub(crate) fn new(core: Rc<Core>, scenario: Option<usize>, vu_number: u64) -> Self {
        let shared = core.shared_value();
        let rng = RefCell::new(core.rng(scenario, vu_number));
        Self {
            core,
            scenario,
            vu_number,
            shared,
            state: Dynamic::from_map(rhai::Map::new()).into_shared(),
            iteration: Cell::new(0),
            window: Cell::new(WindowKind::Measure),
            planned_ns: Cell::new(0),
            rng,
            session: OnceCell::new(),
            leaving: Cell::new(false),
            entry: RefCell::default(),
            groups: RefCell::default(),
            undecided: RefCell::default(),
            queues: QueueDesk::default(),
            touched: RefCell::default(),
            spans: RefCell::default(),
            call_began_at_step: Cell::new(None),
            slice_began_ns: Cell::new(0),
        }
    }

    /// A new iteration begins: its randomness is a function of (seed, scenario, number) alone.
    pub(crate) fn begin_iteration(&self, turn: &Turn) {
        self.iteration.set(turn.number);
        self.window.set(turn.window);
        self.planned_ns.set(turn.planned_ns);
        self.rng.replace(self.core.rng(self.scenario, turn.number));
        self.spans.borrow_mut().begin(turn.started_ns);
        self.entry.take();
        self.queues.begin_iteration();
        self.call_began_at_step.set(None);
    }

    /// The parameter of the sweep's step that this one belongs to, and its value.
    pub(crate) fn step(&self) -> Option<(&str, &model::sweep::Value)> {
        let step = self.core.wiring.scenarios.get(self.scenario?)?.step.as_ref()?;
        Some((&step.0, &step.1))
    }

    /// Interpreter steps since this call began; the first look after its beginning counts as the beginning. A module
    /// that is imported in the middle counts its own steps from 0.
    pub(crate) fn steps_of_call(&self, steps: u64) -> u64 {
        let began = self.call_began_at_step.get().unwrap_or_else(|| {
            self.call_began_at_step.set(Some(steps));
            steps
        });
        steps.saturating_sub(began)
    }

    /// Nanoseconds since the runtime last gave this fiber the core.
    pub(crate) fn slice_age_ns(&self) -> u64 {
        self.core.now_ns().saturating_sub(self.slice_began_ns.get())
    }

    /// The runtime has just given this fiber the core.
    pub(crate) fn begin_slice(&self) {
        self.slice_began_ns.set(self.core.now_ns());
    }

    /// The entry of the trace that this iteration belongs to; `()` where nothing is replayed.
    pub(crate) fn entry(&self) -> Dynamic {
        let made = || {
            let scenario = &self.core.wiring.scenarios[self.scenario?];
            let replayed = scenario.replayed.as_ref()?;
            let index = replayed.listed.entry_of(self.iteration.get())?;
            Some(Dynamic::from_map(replayed.trace.entry(index)).into_shared())
        };
        self.entry.borrow_mut().get_or_insert_with(|| made().unwrap_or(Dynamic::UNIT)).clone()
    }

    /// This one's view of Postgres.
    pub(crate) fn postgres(&self) -> Result<&drivers::pg::Session, EvalError> {
        let postgres = self.core.postgres.as_ref().ok_or_else(|| failure("this run has no Postgres"))?;
        Ok(self.session.get_or_init(|| postgres.session()))
    }
}

/// Calls `look` with the current context, or says `None` when a script runs on nobody's behalf (`options`).
pub(crate) fn with<R>(look: impl FnOnce(&Context) -> R) -> Option<R> {
    let current = CURRENT.get();
    // SAFETY: CURRENT is set by `Inhabited` alone, to a context that its `Rc` keeps alive for as long as the fiber
    // runs; the borrow ends with `look`, which runs inside that fiber.
    (!current.is_null()).then(|| look(unsafe { &*current }))
}

/// As [`with`], for what cannot be done without one.
///
/// # Errors
/// A script error that says where `what` may be used.
pub(crate) fn required<R>(
    what: &str,
    look: impl FnOnce(&Context) -> Result<R, EvalError>,
) -> Result<R, EvalError> {
    with(look).unwrap_or_else(|| {
        Err(failure(&format!(
            "{what} works inside setup, iterations, probes, verify and teardown; options() and the script's top \
             level are evaluated before any server is there"
        )))
    })
}

/// A binding was used wrongly; the script is to blame. `fail(…)` and servers' errors are other things.
#[derive(Clone, Debug)]
pub(crate) struct Misuse(pub(crate) String);

/// The error for a wrongly used binding.
pub(crate) fn failure(message: &str) -> EvalError {
    EvalAltResult::ErrorRuntime(Dynamic::from(Misuse(message.to_owned())), rhai::Position::NONE).into()
}

/// Runs a namespaced binding so that its error knows its place: Rhai fills it in for plain functions only.
pub(crate) fn placed<R>(
    call: &rhai::NativeCallContext<'_>,
    body: impl FnOnce() -> Result<R, EvalError>,
) -> Result<R, EvalError> {
    body().map_err(|mut e| {
        if e.position().is_none() {
            e.set_position(call.call_position());
        }
        e
    })
}

/// Makes a caught misuse printable.
pub(crate) fn register(engine: &mut rhai::Engine) {
    engine
        .register_type_with_name::<Misuse>("misuse")
        .register_fn("to_string", |misuse: &mut Misuse| misuse.0.clone())
        .register_fn("to_debug", |misuse: &mut Misuse| misuse.0.clone());
}

/// The error that no script can catch: the fiber has been told to end.
pub(crate) fn cancelled() -> EvalError {
    EvalAltResult::ErrorTerminated(Dynamic::UNIT, rhai::Position::NONE).into()
}

/// A fiber together with the context that is current while it runs.
pub(crate) struct Inhabited {
    fiber: Option<Fiber>,
    context: Rc<Context>,
}

impl Inhabited {
    pub(crate) fn new(fiber: Fiber, context: Rc<Context>) -> Self {
        Self { fiber: Some(fiber), context }
    }

    fn enter(&self) -> Entered {
        Entered(CURRENT.replace(Rc::as_ptr(&self.context)))
    }
}

/// Puts back whose turn it was before.
struct Entered(*const Context);

impl Drop for Entered {
    fn drop(&mut self) {
        CURRENT.set(self.0);
    }
}

impl Future for Inhabited {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut std::task::Context<'_>) -> Poll<()> {
        let _entered = self.enter();
        self.context.begin_slice();
        match &mut self.fiber {
            Some(fiber) => Pin::new(fiber).poll(cx),
            None => Poll::Ready(()),
        }
    }
}

impl Drop for Inhabited {
    fn drop(&mut self) {
        let _entered = self.enter();
        // A cancelled fiber runs to its end here, and its bindings still want their context.
        self.fiber = None;
        self.context.queues.cut_off(&self.context);
    }
}
