//! What may be typed, group by group, and what it means.
//!
//! Each group is a clap struct of words (what was typed) with a method that turns it into values (what it means) and
//! collects every problem, so that three wrong flags are three complaints at once.

mod load;
mod plan;
mod script;
mod sweep;
mod target;
mod words;

pub(crate) use load::LoadArgs;
pub(crate) use plan::PlanArgs;
pub(crate) use script::ScriptArgs;
pub(crate) use sweep::SweepArgs;
pub(crate) use target::{StoreArgs, Switch, TargetArgs};
pub(crate) use words::Words;
