//! What a script may not exceed, and the check that runs at every step of the interpreter.
//!
//! The check does three things: it stops a script whose call has used up its operations or its stack, it ends a
//! cancelled one (also where `array.sort` would swallow the error), and it lets others run when one computes for long.

use rhai::{Dynamic, Engine};

use crate::{bridge, context};

/// Steps of the interpreter that one call (an iteration, `setup`, a probe) may take.
pub const OPERATIONS_AT_MOST: u64 = 200_000_000;
/// Steps that `options()` and the top level may take: they only describe.
pub const OPERATIONS_OF_OPTIONS: u64 = 10_000_000;
/// How deep functions may call each other.
pub const CALL_LEVELS_AT_MOST: usize = 32;
/// How deep an expression may nest at the top level, and inside a function.
pub const EXPRESSION_DEPTH_AT_MOST: (usize, usize) = (64, 32);
/// Bytes of one string.
pub const STRING_BYTES_AT_MOST: usize = 16 << 20;
/// Elements of an array, nested ones counted. It also bounds how deep arrays nest: dropping one takes some 170 bytes
/// of stack a level (more in a build without optimisation), and a stack must hold the deepest.
pub const ARRAY_ELEMENTS_AT_MOST: usize = if cfg!(debug_assertions) { 4_000 } else { 20_000 };
/// Entries of a map, nested ones counted; some 500 bytes of stack a level.
pub const MAP_ENTRIES_AT_MOST: usize = if cfg!(debug_assertions) { 1_000 } else { 5_000 };

/// A computing script lets others run this often.
const SLICE_NS: u64 = 500_000;

/// Steps between two looks at the clock.
const STEPS_BETWEEN_LOOKS: u64 = 256;

/// Sets the limits and installs the check.
pub(crate) fn apply(engine: &mut Engine) {
    engine
        .set_max_call_levels(CALL_LEVELS_AT_MOST)
        .set_max_expr_depths(EXPRESSION_DEPTH_AT_MOST.0, EXPRESSION_DEPTH_AT_MOST.1)
        .set_max_string_size(STRING_BYTES_AT_MOST)
        .set_max_array_size(ARRAY_ELEMENTS_AT_MOST)
        .set_max_map_size(MAP_ENTRIES_AT_MOST)
        .set_max_modules(64);
    engine.on_progress(|steps| {
        if bridge::stack_is_exhausted() {
            return Some("functions or values nest too deeply (limit: the script's stack)".into());
        }
        if steps % STEPS_BETWEEN_LOOKS == 0 { look_around(steps) } else { None }
    });
}

/// The rarer part of the check. `Some` ends the script with that message (`()` when it is cancelled).
#[cold]
fn look_around(steps: u64) -> Option<Dynamic> {
    if !bridge::in_fiber() {
        return (steps > OPERATIONS_OF_OPTIONS).then(|| too_many_operations(OPERATIONS_OF_OPTIONS));
    }
    if bridge::is_cancelled() {
        return Some(Dynamic::UNIT);
    }
    let look = context::with(|context| {
        let over_budget = context.steps_of_call(steps) > OPERATIONS_AT_MOST;
        (over_budget.then_some(OPERATIONS_AT_MOST), context.slice_age_ns() > SLICE_NS)
    });
    // On nobody's behalf (`options()`, the top level) there is nobody to let run, but there is a budget.
    let (over_budget, slice_is_over) =
        look.unwrap_or(((steps > OPERATIONS_OF_OPTIONS).then_some(OPERATIONS_OF_OPTIONS), false));
    if let Some(limit) = over_budget {
        return Some(too_many_operations(limit));
    }
    if slice_is_over {
        if bridge::step_aside().is_err() {
            return Some(Dynamic::UNIT);
        }
        context::with(context::Context::begin_slice);
    }
    None
}

fn too_many_operations(limit: u64) -> Dynamic {
    format!("the script takes more than {limit} steps without coming to an end (limit: operations a call)")
        .into()
}
