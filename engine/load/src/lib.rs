//! When things happen: executors, virtual users and phases, one thread a core.
//!
//! A [`plan::Plan`] says which scenarios run; a [`run::Run`] is what its cores share; [`play`] plays it in real time
//! and [`play_core`] plays one core of it, in real time or in time that is held still. What a VU does is the business
//! of a [`vu::Vu`], which takes [`turns`]; what happens is told as [`event::Event`]s; [`control::Control`] ends a run
//! early, a [`dial::Dial`] changes how many VUs a scenario has, and a [`regulator::Regulator`] its rate.
//!
//! Deliberately absent: scripts, databases, and what the turns are for. Nothing here prints.

mod bell;
mod desk;
mod life;
mod place;
mod play;
mod roster;
mod scene;
#[cfg(test)]
mod testing;
mod threads;
mod ticker;

pub mod control;
pub mod core;
pub mod dial;
pub mod event;
pub mod executor;
pub mod number;
pub mod phase;
pub mod plan;
pub mod regulator;
pub mod run;
pub mod time;
pub mod turns;
pub mod vu;

pub use self::{
    play::play_core,
    threads::{RunError, Start, play},
};
