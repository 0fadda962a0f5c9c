//! The stage: runs `setup`, `verify`, `teardown` and script probes, on a thread of its own beside the load.
//!
//! It is a core like the others, with its own engine and its own connection, so that what it does is never queued
//! behind the load it prepares or observes.

use std::{cell::RefCell, rc::Rc, sync::Arc, time::Duration};

use load::time::{Epoch, RealTime};
use model::recorder::Recorder;
use rhai::{Dynamic, EvalContext};

use crate::{
    bindings::reply::Reply,
    bridge::{Fiber, is_cancelled},
    context::{Context, Inhabited},
    core::Core,
    diagnostic::Diagnostic,
    engine::{EvalError, Host},
    portable::Portable,
    program::Program,
    stack::StackPool,
    vu::unless_cancelled,
    wiring::{Detours, Wiring},
};

/// How long one operation of set-up or teardown may take: filling a large table is one statement.
pub(crate) const STAGE_TIMEOUT: Duration = Duration::from_secs(3_600);

/// Calls a script's functions outside of the load. Not `Send`: it stays on the thread that made it.
pub struct Stage {
    host: Rc<Host>,
    core: Rc<Core>,
    stacks: StackPool,
}

impl Stage {
    /// Compiles the script for the stage. `shared` is what `setup` returned, once it has.
    ///
    /// # Errors
    /// When the script does not compile.
    pub fn new(program: &Program, wiring: Wiring, shared: Option<Arc<Portable>>) -> Result<Self, Diagnostic> {
        let host = Rc::new(Host::new(program)?);
        let recorder = Rc::new(RefCell::new(Recorder::new()));
        // Under a name of its own, so that faults which end the load's connections leave it alone.
        let own = |config: drivers::pg::PgConfig| config.with_application_name("snapbench stage");
        let postgres = wiring.postgres.map(|(config, _)| (own(config), drivers::pg::PoolMode::Dedicated));
        let timeout = wiring.timeout.max(STAGE_TIMEOUT);
        let wiring = Wiring { postgres, timeout, detours: Detours::default(), gauge: None, ..wiring };
        let core = Core::new(wiring, recorder, RealTime::since(Epoch::now()), shared)?;
        Ok(Self { host, core: Rc::new(core), stacks: StackPool::default() })
    }

    /// The run's clock counts from `epoch`; until this is told, the stage's counts from its making.
    pub fn begin(&self, epoch: Epoch) {
        self.core.clock.replace(RealTime::since(epoch));
    }

    /// Calls `function` (with `shared`, if it takes a parameter) and copies what it returns.
    ///
    /// Dropping the future cancels the call.
    ///
    /// # Errors
    /// The script's failure with its place; a result that cannot be shared.
    pub async fn call(&self, function: &str) -> Result<Portable, Diagnostic> {
        self.call_with(function, None).await
    }

    /// The same with another argument than `shared`.
    ///
    /// # Errors
    /// As [`Stage::call`].
    pub async fn call_with(
        &self,
        function: &str,
        argument: Option<&Portable>,
    ) -> Result<Portable, Diagnostic> {
        let argument = argument.map(Portable::to_dynamic);
        let arity = self.host.program().arity(function).unwrap_or(0);
        let context = Rc::new(Context::new(self.core.clone(), None, 0));
        let output: Rc<RefCell<Option<Result<Dynamic, EvalError>>>> = Rc::default();
        let body = {
            let (host, context, output, function) =
                (self.host.clone(), context.clone(), output.clone(), function.to_owned());
            move || {
                let task = Rc::new(move |eval: &mut EvalContext<'_, '_, '_, '_, '_, '_>| {
                    let mut argument = argument.clone().unwrap_or_else(|| context.shared.clone());
                    let mut args: Vec<&mut Dynamic> =
                        if arity == 0 { Vec::new() } else { vec![&mut argument] };
                    let value = eval.call_fn_raw(&function, false, false, &mut args);
                    if value.is_err() && !is_cancelled() {
                        context.queues.forget();
                    }
                    let value = value?;
                    context.queues.end_iteration()?;
                    Ok(value)
                });
                *output.borrow_mut() = unless_cancelled(host.run(task));
            }
        };
        let fiber = Fiber::new(&self.stacks, body)
            .map_err(|e| Diagnostic::usage(format!("no memory for a script's stack: {e}")))?;
        Inhabited::new(fiber, context).await;
        let result = output.borrow_mut().take();
        match result {
            None => Err(Diagnostic::usage(format!("{function}() was interrupted"))),
            Some(Err(e)) => Err(self.host.explain(&e)),
            // A function that ends in an operation returns its reply without meaning to.
            Some(Ok(value)) if value.is::<Reply>() => Ok(Portable::Unit),
            // Nobody takes what these two return, so it may be anything.
            Some(Ok(_)) if matches!(function, "verify" | "teardown") => Ok(Portable::Unit),
            Some(Ok(value)) => Portable::from_dynamic(&format!("{function}()"), &value).map_err(|e| {
                Diagnostic::script(e.to_string())
                    .help("return maps, arrays, numbers, strings, tables and statements")
            }),
        }
    }

    /// The recorder that the stage's own operations go to; they are never part of the figures.
    #[must_use]
    pub fn recorder(&self) -> &Rc<RefCell<Recorder>> {
        &self.core.recorder
    }

    /// Parameters met so far, those outside of `options()` included.
    #[must_use]
    pub fn params(&self) -> Vec<crate::params::Param> {
        self.core.params.borrow().list()
    }

    /// Problems with parameters that were declared outside of `options()`.
    #[must_use]
    pub fn param_problems(&self) -> Vec<Diagnostic> {
        self.core.params.borrow_mut().take_problems()
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.core.hand_over();
    }
}
