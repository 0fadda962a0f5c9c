//! The clock and the alarm through which time enters this crate.
//!
//! Everything above sees [`Time`] alone, so that a run can be played in real time ([`RealTime`]) or in time that
//! is held still and moved by hand ([`HeldTime`]). Times are nanoseconds since the run's epoch.
//! Deliberately absent: what the times are for.

mod held;
mod real;
#[cfg(target_os = "linux")]
mod timerfd;
mod wheel;

use std::{
    future::Future,
    task::{Context, Poll},
};

pub(crate) use self::real::thread_cpu_ns;
pub use self::{
    held::{HeldAlarm, HeldSleep, HeldTime},
    real::{Epoch, RealAlarm, RealTime},
};

/// A clock, and the two ways of waiting on it.
pub trait Time: Clone + 'static {
    /// The precise way of waiting.
    type Alarm: Alarm;

    /// Nanoseconds since the run's epoch; 0 before it.
    fn now_ns(&self) -> u64;

    /// Waits cheaply: for pauses inside an iteration, of which there may be tens of thousands at once. May be a
    /// millisecond or two late, never early.
    fn sleep_until(&self, at_ns: u64) -> impl Future<Output = ()> + 'static;

    /// A precise alarm, for the few waits on which a schedule hangs. Costs a descriptor where there is `timerfd`.
    fn alarm(&self) -> Self::Alarm;
}

/// An alarm that can be set again and again. It rings once for each time it is set.
pub trait Alarm: 'static {
    /// Rings at `at_ns`, and no longer at what was set before. A time that is past rings at once; `u64::MAX` never.
    fn set(&mut self, at_ns: u64);

    /// Ready when the time that was set has come; never early.
    fn poll_ring(&mut self, cx: &mut Context<'_>) -> Poll<()>;

    /// How late this alarm may be by its construction (0: as precise as the kernel's timers).
    fn coarseness_ns(&self) -> u64;
}
