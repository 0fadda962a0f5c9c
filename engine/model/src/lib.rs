//! What the numbers mean: rates and shapes, arrival schedules, seeded randomness, outcomes, histograms,
//! time series, thresholds, gates, recovery from faults, comparisons, control, sweeps, ledgers, traces, active sets and the run file.
//!
//! This is the bottom floor. It deliberately knows no I/O, no async runtime and no clock: every function is
//! a computation over its arguments, so that what a run claims can be recomputed and tested without a run.
//!
//! Time is `u64` nanoseconds since the run's epoch (names end in `_ns`) wherever events are counted, and
//! `f64` seconds (names end in `_s`) wherever a curve is computed.

pub mod arrivals;
pub mod compare;
pub mod control;
pub mod dist;
pub mod entities;
pub mod gate;
pub mod healing;
pub mod histogram;
pub mod ledger;
pub mod outcome;
pub mod recorder;
pub mod runfile;
pub mod seed;
pub mod segment;
pub mod series;
pub mod shape;
pub mod suggest;
pub mod sweep;
pub mod threshold;
pub mod trace;
pub mod units;
