//! Which parameter table `param` and `env` use: the running virtual user's core, or, while `options()` is evaluated
//! on nobody's behalf, the one made for that evaluation.

use std::{cell::RefCell, rc::Rc};

use rhai::{Dynamic, Map};

use crate::{
    context::{self, failure},
    engine::EvalError,
    options::dynamic_of,
    params::{Inputs, ParamTable},
};

thread_local! {
    static DECLARING: RefCell<Option<Rc<RefCell<ParamTable>>>> = const { RefCell::new(None) };
}

/// Evaluates `body` with `table` as the one that `param` uses on this thread.
pub(crate) fn with_table<R>(table: &Rc<RefCell<ParamTable>>, body: impl FnOnce() -> R) -> R {
    struct Restore(Option<Rc<RefCell<ParamTable>>>);
    impl Drop for Restore {
        fn drop(&mut self) {
            DECLARING.replace(self.0.take());
        }
    }
    let _restore = Restore(DECLARING.replace(Some(table.clone())));
    body()
}

fn on_table<R>(look: impl FnOnce(&mut ParamTable) -> R) -> Option<R> {
    // Two chances for one closure: the context's table first, else the declaring one.
    let mut look = Some(look);
    let of_core = context::with(|c| look.take().map(|look| look(&mut c.core.params.borrow_mut())));
    of_core.flatten().or_else(|| {
        DECLARING.with_borrow(|table| {
            table.as_ref().and_then(|t| look.take().map(|look| look(&mut t.borrow_mut())))
        })
    })
}

/// The value of a parameter, declared on the way.
pub(crate) fn param(name: &str, default: &Dynamic, attributes: &Map) -> Result<Dynamic, EvalError> {
    // In a step of a sweep it is what the step makes it; everywhere else what it is from the start.
    let of_step = context::with(|c| {
        let (_, value) = c.step().filter(|(param, _)| *param == name)?;
        Some(dynamic_of(value))
    });
    if let Some(value) = of_step.flatten() {
        return Ok(value);
    }
    on_table(|table| match table.known(name) {
        Some(value) => value,
        None => table.declare(name, default, attributes),
    })
    .ok_or_else(|| failure("param works inside functions, not at the top level of a script"))
}

/// A variable of the script's environment, or `()`.
pub(crate) fn env(name: &str) -> Result<Dynamic, EvalError> {
    let look = |inputs: &Inputs| {
        inputs
            .env
            .get(name)
            .cloned()
            .or_else(|| std::env::var(name).ok())
            .map_or(Dynamic::UNIT, Dynamic::from)
    };
    on_table(|table| look(table.inputs()))
        .ok_or_else(|| failure("env works inside functions, not at the top level of a script"))
}

/// Whether a scenario is played: all are, unless `--only` names others.
pub(crate) fn plays(scenario: &str) -> Result<bool, EvalError> {
    let look = |inputs: &Inputs| inputs.only.is_empty() || inputs.only.iter().any(|name| name == scenario);
    on_table(|table| look(table.inputs()))
        .ok_or_else(|| failure("plays works inside functions, not at the top level of a script"))
}

/// What `--duration` says, or the default, in seconds.
pub(crate) fn duration_s(default_s: f64) -> Result<f64, EvalError> {
    on_table(|table| table.inputs().duration_s.unwrap_or(default_s))
        .ok_or_else(|| failure("planned_s works inside functions, not at the top level of a script"))
}
