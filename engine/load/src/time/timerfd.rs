//! An alarm on a Linux `timerfd`: tens of microseconds late at most on a free core, where the runtime's own timer
//! is a millisecond coarse.
//!
//! One system call an alarm: setting the timer anew also empties it, so what it counted is never read.

use std::{
    io,
    os::fd::OwnedFd,
    task::{Context, Poll, ready},
    time::Duration,
};

use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
};
use tokio::io::{Interest, unix::AsyncFd};

use super::real::monotonic_ns;

#[derive(Debug)]
pub(super) struct TimerFd {
    fd: AsyncFd<OwnedFd>,
    /// What it is set to, on the monotonic clock; `u64::MAX` when it is not.
    at_monotonic_ns: u64,
}

impl TimerFd {
    pub(super) fn new() -> io::Result<Self> {
        let fd = timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK)?;
        // SAFETY: an `OwnedFd` names the same open description until it is dropped, and `AsyncFd` owns it until then.
        let fd = unsafe { AsyncFd::register_with_interest(fd, Interest::READABLE) }?;
        Ok(Self { fd, at_monotonic_ns: u64::MAX })
    }

    pub(super) fn set(&mut self, at_monotonic_ns: u64) {
        self.at_monotonic_ns = at_monotonic_ns;
        // All zero would disarm it, which is right for "never" alone.
        let at_ns = if at_monotonic_ns == u64::MAX { 0 } else { at_monotonic_ns.max(1) };
        let at = Timespec::try_from(Duration::from_nanos(at_ns)).expect("584 years fit");
        let spec = Itimerspec { it_interval: Timespec::default(), it_value: at };
        timerfd_settime(self.fd.get_ref(), TimerfdTimerFlags::ABSTIME, &spec)
            .expect("an absolute time within the clock's range is accepted by a timer that is ours");
    }

    pub(super) fn poll_ring(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            let mut readiness =
                ready!(self.fd.poll_read_ready(cx)).expect("the runtime outlives the alarms of its core");
            // The readiness may be that of an earlier setting. Edge-triggered: the next firing raises it again.
            readiness.clear_ready();
            if monotonic_ns() >= self.at_monotonic_ns {
                self.at_monotonic_ns = u64::MAX;
                return Poll::Ready(());
            }
        }
    }
}
