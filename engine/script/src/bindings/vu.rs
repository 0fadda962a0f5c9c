//! `vu`: the virtual user on whose behalf a function runs.

use std::any::TypeId;

use load::number::WARM_UP_BIT;
use rhai::{Dynamic, Engine, EvalAltResult, Position, plugin::*};

use super::rng::Rng;
use crate::{
    context::{self, Context},
    engine::EvalError,
    options::dynamic_of,
};

/// What a warm-up's numbers begin at.
const WARM_UP_FROM: u64 = 1 << 62;

/// The word `vu`: always the current one, wherever it was kept.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Vu;

/// The virtual user that runs the iteration.
#[export_module]
pub(crate) mod vu_api {
    /// Number of this virtual user, counted from 0 through all scenarios of the run.
    ///
    /// ```rhai
    /// log::info(`VU ${vu.id} at iteration ${vu.iteration}`);
    /// ```
    #[rhai_fn(get = "id", pure, return_raw)]
    pub fn id(_vu: &mut Vu) -> Result<i64, EvalError> {
        context::required("vu", |c| Ok(i64::try_from(c.vu_number).unwrap_or(i64::MAX)))
    }

    /// Number of this iteration in its scenario: the arrival's number in an open model, a number from this VU's own
    /// block in a closed one. Those of the warm-up count from 2^62, so that no number comes twice. The randomness of
    /// an iteration is a function of seed, scenario and this number.
    #[rhai_fn(get = "iteration", pure, return_raw)]
    pub fn iteration(_vu: &mut Vu) -> Result<i64, EvalError> {
        context::required("vu", |c| Ok(shown_number(c.iteration.get())))
    }

    /// Name of the scenario this virtual user works for.
    #[rhai_fn(get = "scenario", pure, return_raw)]
    pub fn scenario(_vu: &mut Vu) -> Result<String, EvalError> {
        context::required("vu", |c| {
            Ok(c.scenario.map_or_else(|| "setup".to_owned(), |s| c.core.wiring.scenarios[s].name.clone()))
        })
    }

    /// Whose turn it is, in a function that a comparison calls: one of its `sides`. Nothing elsewhere.
    ///
    /// ```rhai
    /// s3::put(`runs/${vu.id}/${vu.iteration}`, vu.rng.payload(4096), #{ store: vu.side });
    /// ```
    #[rhai_fn(get = "side", pure, return_raw)]
    pub fn side(_vu: &mut Vu) -> Result<Dynamic, EvalError> {
        context::required("vu", |c| {
            let side = c.scenario.and_then(|s| c.core.wiring.scenarios[s].side.clone());
            Ok(side.map_or(Dynamic::UNIT, Dynamic::from))
        })
    }

    /// How many iterations a second this scenario planned when this one was to begin, for latency against rate.
    /// Nothing in closed models, which plan none, and in the warm-up.
    ///
    /// ```rhai
    /// let band = (vu.rate / 10.0).floor().to_int() * 10;
    /// metric::trend(`push from ${band}/s`, reply.latency_ms);
    /// ```
    #[rhai_fn(get = "rate", pure, return_raw)]
    pub fn rate(_vu: &mut Vu) -> Result<Dynamic, EvalError> {
        context::required("vu", |c| {
            let planned = c.scenario.and_then(|s| c.core.wiring.scenarios[s].rate.as_ref());
            let rate = planned.and_then(|(shape, begins_ns)| {
                let since_ns = c.planned_ns.get().checked_sub(*begins_ns)?;
                Some(shape.rate_at(since_ns as f64 / 1e9))
            });
            Ok(rate.map_or(Dynamic::UNIT, Dynamic::from))
        })
    }

    /// What was recorded of this iteration's arrival, in a scenario that replays a trace: a map of `time_s` (since the
    /// trace's first entry, as recorded), `key`, `operation` and every other column. Nothing elsewhere.
    ///
    /// ```rhai
    /// if vu.entry.operation == "get" { s3::get(vu.entry.key); }
    /// ```
    #[rhai_fn(get = "entry", pure, return_raw)]
    pub fn entry(_vu: &mut Vu) -> Result<Dynamic, EvalError> {
        context::required("vu", |c| Ok(c.entry()))
    }

    /// What the parameter of a sweep is in this step; nothing outside of a sweep. `param("…")` of that name says the same.
    ///
    /// ```rhai
    /// metric::trend(`depth at ${vu.step}`, 4.0);
    /// ```
    #[rhai_fn(get = "step", pure, return_raw)]
    pub fn step(_vu: &mut Vu) -> Result<Dynamic, EvalError> {
        context::required("vu", |c| Ok(c.step().map_or(Dynamic::UNIT, |(_, value)| dynamic_of(value))))
    }

    /// What `setup()` returned. Every virtual user has its own copy: a change is seen by this one alone.
    #[rhai_fn(get = "shared", pure, return_raw)]
    pub fn shared(_vu: &mut Vu) -> Result<Dynamic, EvalError> {
        context::required("vu", |c| Ok(c.shared.clone()))
    }

    /// A map that this virtual user keeps between its iterations.
    ///
    /// ```rhai
    /// if !("seq" in vu.state) { vu.state.seq = 0; }
    /// vu.state.seq += 1;
    /// ```
    #[rhai_fn(get = "state", pure, return_raw)]
    pub fn state(_vu: &mut Vu) -> Result<Dynamic, EvalError> {
        context::required("vu", |c| Ok(c.state.clone()))
    }

    /// Randomness of this iteration: the same for the same seed, scenario and iteration number, whatever the number
    /// of cores.
    #[rhai_fn(get = "rng", pure, return_raw)]
    pub fn rng(_vu: &mut Vu) -> Result<Rng, EvalError> {
        Ok(Rng)
    }

    /// Ends this virtual user after the current iteration.
    #[rhai_fn(pure, return_raw)]
    pub fn stop(_vu: &mut Vu) -> Result<(), EvalError> {
        context::required("vu", |c| {
            c.leaving.set(true);
            Ok(())
        })
    }
}

/// An iteration's number as scripts see it: a warm-up's has the top bit, which an `i64` has no room for.
fn shown_number(number: u64) -> i64 {
    let of_block = number & !WARM_UP_BIT;
    let shown = if number & WARM_UP_BIT == 0 { of_block } else { of_block | WARM_UP_FROM };
    i64::try_from(shown).unwrap_or(i64::MAX)
}

/// Takes back what `vu.rng`, `vu.shared` and `vu.state` gave.
///
/// After `vu.rng.below(9)` Rhai hands the property's value back, in case the method changed it, and where there is no
/// setter it makes two errors and drops them: more than the operation's own share of an iteration. These do nothing.
/// They are raw, as a typed one would move the value out of the map that all who hold it share. An assignment by the
/// script is refused as before.
pub(crate) fn register_setters(engine: &mut Engine) {
    // `set$` is how Rhai names a property's setter.
    engine.register_raw_fn("set$rng", [TypeId::of::<Vu>(), TypeId::of::<Rng>()], |_, _| Ok(()));
    let of_map = |name: &'static str, held: fn(&Context) -> &Dynamic| {
        move |_: NativeCallContext<'_>, _: &mut [&mut Dynamic]| {
            // What is handed back is locked: the caller holds it at this moment.
            context::required("vu", |c| match held(c) {
                map if map.is_shared() && !map.is_locked() => Err(EvalAltResult::ErrorDotExpr(
                    format!("`vu.{name}` stays the map it is: set its entries, as in vu.{name}.count = 1"),
                    Position::NONE,
                )
                .into()),
                _ => Ok(()),
            })
        }
    };
    let types = [TypeId::of::<Vu>(), TypeId::of::<Dynamic>()];
    engine.register_raw_fn("set$shared", types, of_map("shared", |c| &c.shared));
    engine.register_raw_fn("set$state", types, of_map("state", |c| &c.state));
}
