//! Virtual users that run a script: one engine a core, one fiber a user.
//!
//! A user's whole life is one evaluation. The loop over its turns runs inside of it, so imports and constants hold
//! and the interpreter's caches stay warm from one iteration to the next.
//!
//! Deliberately absent: when a turn begins (`load` decides), what an operation does (`bindings`).

use std::{
    cell::RefCell,
    collections::HashSet,
    future::Future,
    rc::Rc,
    sync::{Arc, atomic::Ordering},
};

use load::{
    time::Time,
    turns::{Next, Turns},
    vu::VuId,
};
use model::{
    recorder::Ending,
    trace::{TraceError, cut_message},
};
use rhai::{Dynamic, EvalAltResult, EvalContext};

use crate::{
    bindings::vu::Vu as VuWord,
    bridge::{Fiber, is_cancelled, wait_for},
    context::{Context, Inhabited},
    core::Core,
    diagnostic::{Diagnostic, class_of},
    engine::{EvalError, Host},
    portable::Portable,
    program::Program,
    spans::IterationEnd,
    stack::StackPool,
    wiring::Wiring,
};

/// The function a scenario calls for each iteration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exec {
    /// Name.
    pub function: String,
    /// Whether it wants `vu`.
    pub takes_vu: bool,
}

/// Kinds of failures that are told apart on a core.
const KINDS_AT_MOST: usize = 1_000;

/// One core's virtual users.
pub struct ScriptCrew {
    shop: Rc<Shop>,
}

/// What the users of a core share.
struct Shop {
    host: Host,
    core: Rc<Core>,
    stacks: StackPool,
    execs: Vec<Exec>,
    /// Failures told already, so that a flood of one costs a look-up each.
    told: RefCell<HashSet<String>>,
}

impl ScriptCrew {
    /// Compiles the script on this core. `execs` are the scenarios' functions in the plan's order.
    ///
    /// # Errors
    /// When the script does not compile (it did before, so its files must have changed).
    pub fn new(
        program: &Program,
        wiring: Wiring,
        execs: Vec<Exec>,
        shared: Option<Arc<Portable>>,
        place: &load::core::CoreContext,
    ) -> Result<Self, Diagnostic> {
        let host = Host::new(program)?;
        let detour = wiring.detours.postgres;
        let of_core = |(config, mode): (drivers::pg::PgConfig, drivers::pg::PoolMode)| {
            (config.with_detour(detour), mode.share(place.core, place.cores))
        };
        let postgres = wiring.postgres.map(of_core);
        let wiring = Wiring { postgres, ..wiring };
        let core = Rc::new(Core::new(wiring, place.recorder.clone(), place.time.clone(), shared)?);
        Ok(Self {
            shop: Rc::new(Shop { host, core, stacks: StackPool::default(), execs, told: RefCell::default() }),
        })
    }
}

impl Drop for ScriptCrew {
    fn drop(&mut self) {
        self.shop.core.hand_over();
    }
}

impl load::vu::Crew for ScriptCrew {
    type Vu = ScriptVu;

    fn hire(&self, who: VuId) -> ScriptVu {
        ScriptVu { shop: self.shop.clone(), who }
    }
}

/// A virtual user before its first turn.
pub struct ScriptVu {
    shop: Rc<Shop>,
    who: VuId,
}

impl load::vu::Vu for ScriptVu {
    fn live<T: Time>(self, turns: Turns<T>) -> impl Future<Output = ()> + 'static {
        let Self { shop, who } = self;
        let first = shop.core.wiring.scenarios.get(who.scenario).map_or(0, |scenario| scenario.first_vu);
        let context = Rc::new(Context::new(shop.core.clone(), Some(who.scenario), first + who.number));
        let life =
            Life { shop: shop.clone(), context: context.clone(), exec: shop.execs[who.scenario].clone() };
        let fiber = Fiber::new(&shop.stacks, move || life.live(turns));
        if let Err(e) = &fiber {
            shop.core.recorder.borrow_mut().failure(
                &format!("no memory for the stack of another virtual user ({e}); lower max_vus"),
                "",
            );
        }
        let inhabited = fiber.ok().map(|fiber| Inhabited::new(fiber, context));
        async move {
            if let Some(inhabited) = inhabited {
                inhabited.await;
            }
        }
    }
}

/// What a fiber does from its first turn to its last.
struct Life {
    shop: Rc<Shop>,
    context: Rc<Context>,
    exec: Exec,
}

impl Life {
    fn live<T: Time>(self, turns: Turns<T>) {
        let shop = self.shop.clone();
        let once = RefCell::new(Some((self, turns)));
        let task = move |eval: &mut EvalContext<'_, '_, '_, '_, '_, '_>| {
            if let Some((life, mut turns)) = once.borrow_mut().take() {
                life.take_turns(eval, &mut turns);
            }
            Ok(Dynamic::UNIT)
        };
        if let Err(e) = shop.host.run(Rc::new(task))
            && !is_cancelled()
        {
            shop.tell(&e);
        }
    }

    fn take_turns<T: Time>(&self, eval: &mut EvalContext<'_, '_, '_, '_, '_, '_>, turns: &mut Turns<T>) {
        loop {
            let turn = match turns.try_next() {
                Next::Turn(turn) => turn,
                Next::Stop => return,
                Next::Wait => match wait_for(turns.next()) {
                    Ok(Some(turn)) => turn,
                    Ok(None) | Err(_) => return,
                },
            };
            self.context.begin_iteration(&turn);
            let result = if self.exec.takes_vu {
                eval.call_fn_raw(&self.exec.function, false, false, &mut [&mut Dynamic::from(VuWord)])
            } else {
                eval.call_fn_raw(&self.exec.function, false, false, &mut [])
            };
            let is_planned = turns.are_planned();
            let error = match result {
                Ok(_) => self.context.queues.end_iteration().err().map(|e| self.failed(&e)),
                // The turn is left open: `load` records it as interrupted.
                Err(_) if is_cancelled() => {
                    let (ending, at_ns) = (Ending::Interrupted, turns.now_ns());
                    self.context.end_trace(IterationEnd { ending, at_ns, is_planned, error: None });
                    return;
                }
                Err(e) => Some(self.failed(&e)),
            };
            let ending = if error.is_some() { Ending::Failed } else { Ending::Done };
            turns.finish(turn, ending);
            // One that was cut off just when it came to its end is `load`'s to judge.
            let ending = if is_cancelled() { Ending::Interrupted } else { ending };
            self.context.end_trace(IterationEnd { ending, at_ns: turns.seen_ns(), is_planned, error });
            if self.context.leaving.get() {
                return;
            }
        }
    }

    fn failed(&self, error: &EvalAltResult) -> TraceError {
        self.context.groups.borrow_mut().clear();
        self.context.queues.forget();
        self.shop.tell(error)
    }
}

impl Shop {
    /// Counts a failed iteration under its message and place, and keeps the full complaint of the first of a kind. Says what
    /// a trace of it says.
    fn tell(&self, error: &EvalAltResult) -> TraceError {
        let complaint = self.host.explain(error);
        let position = complaint.position();
        self.core.recorder.borrow_mut().failure(&complaint.message, &position);
        let findings = &self.core.wiring.findings;
        if complaint.in_script && findings.aborted.get().is_none() {
            findings.script_errors.fetch_add(1, Ordering::Relaxed);
        }
        let of_trace = TraceError {
            class: class_of(error),
            message: cut_message(&complaint.message).to_owned(),
            position: position.clone(),
        };
        let mut told = self.told.borrow_mut();
        // Messages may carry values; after so many kinds nothing new is learnt from another.
        if told.len() < KINDS_AT_MOST && told.insert(format!("{position}\n{}", complaint.message)) {
            findings.keep(complaint);
        }
        of_trace
    }
}

/// The value of `result` when the script was not cancelled.
pub(crate) fn unless_cancelled(result: Result<Dynamic, EvalError>) -> Option<Result<Dynamic, EvalError>> {
    if is_cancelled() { None } else { Some(result) }
}
