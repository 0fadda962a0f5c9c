//! How users say it: the Rhai host.
//!
//! A script is plain sequential code. Each virtual user runs it on a stack of its own, thousands of them on one
//! thread; a binding that waits suspends that stack and nothing else. The parts:
//!
//! - `program` and `library`: texts, read and checked once; `engine`: compiled once a core;
//! - `options` and `params`: what the script says about the load;
//! - `bridge` and `stack`: how a synchronous script waits; `context`: on whose behalf a binding runs;
//! - `vu` and `stage`: the load's users, and set-up, probes and teardown beside them;
//! - `spans`: what an iteration did, for those that leave a trace;
//! - `trace`: recorded arrivals and what came with them; `bindings`: what a script can do; `ledger`: what is noted to prove nothing was lost;
//! - `diagnostic`: how all of it complains.
//!
//! Deliberately absent: printing, schedules (`load`), protocols (`drivers`), where servers are (`runner`).

mod bindings;
mod bridge;
mod context;
mod core;
mod declaring;
mod diagnostic;
pub mod docs;
mod engine;
mod findings;
pub mod ledger;
mod library;
pub mod limits;
mod options;
mod params;
mod places;
mod portable;
mod program;
mod requests;
mod settings;
mod spans;
mod stack;
mod stage;
mod trace;
mod vu;
mod wiring;

pub use crate::{
    diagnostic::{Diagnostic, Place},
    findings::Findings,
    library::{BUILT_IN, ModuleText},
    options::{
        ComparisonOptions, Evaluated, Fault, FaultOptions, FaultServer, GateOptions, HeldValue, HttpOptions,
        NamedStore, Options, PostgresOptions, ProbeOptions, ScenarioOptions, ScriptProbe, ServerNeeds, Step,
        StoreOptions, SweepInputs, SweepOptions, Turn, TurnKind, evaluate,
    },
    params::{Inputs, Param, ParamOrigin},
    portable::{NotPortable, Portable},
    program::{Facts, Program},
    requests::Requests,
    stage::Stage,
    trace::{Replayed, Trace},
    vu::{Exec, ScriptCrew},
    wiring::{Detours, ScenarioWiring, StoreWiring, Wiring},
};
