//! An alarm on the runtime's timer wheel, where there is no `timerfd`. It is coarse, and says so.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::time::{Instant, Sleep};

use super::real::monotonic_ns;

#[derive(Debug, Default)]
pub(super) struct WheelAlarm {
    sleep: Option<Pin<Box<Sleep>>>,
    /// Whether it was set and has not rung yet.
    is_set: bool,
}

impl WheelAlarm {
    /// The wheel's slot: it rounds up to its next millisecond, and the kernel's wait is counted in them too.
    pub(super) const COARSENESS_NS: u64 = 2_000_000;

    pub(super) fn set(&mut self, at_monotonic_ns: u64) {
        self.is_set = at_monotonic_ns != u64::MAX;
        if !self.is_set {
            return;
        }
        let at = Instant::now() + Duration::from_nanos(at_monotonic_ns.saturating_sub(monotonic_ns()));
        match &mut self.sleep {
            Some(sleep) => sleep.as_mut().reset(at),
            None => self.sleep = Some(Box::pin(tokio::time::sleep_until(at))),
        }
    }

    pub(super) fn poll_ring(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match &mut self.sleep {
            Some(sleep) if self.is_set => {
                ready!(sleep.as_mut().poll(cx));
                self.is_set = false;
                Poll::Ready(())
            }
            // Whoever sets it polls it afterwards.
            _ => Poll::Pending,
        }
    }
}
