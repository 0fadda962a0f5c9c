//! How an executor waits: for its bell or for a time, whichever comes first.

use std::{future::poll_fn, sync::Arc, task::Poll};

use crate::{
    bell::Bell,
    time::{Alarm, Time},
};

pub(super) struct Waiter<T: Time> {
    bell: Arc<Bell>,
    alarm: T::Alarm,
    set_ns: u64,
}

impl<T: Time> Waiter<T> {
    pub(super) fn new(bell: &Arc<Bell>, time: &T) -> Self {
        Self { bell: Arc::clone(bell), alarm: time.alarm(), set_ns: u64::MAX }
    }

    /// Returns when the bell rings, and at `at_ns` at the latest.
    pub(super) async fn until(&mut self, at_ns: u64) {
        // Setting an alarm is a system call; most rings of the bell leave it where it was.
        if self.set_ns != at_ns {
            self.alarm.set(at_ns);
            self.set_ns = at_ns;
        }
        poll_fn(|cx| {
            let is_time = self.alarm.poll_ring(cx).is_ready();
            if is_time {
                self.set_ns = u64::MAX;
            }
            // Both are asked, so that both know whom to wake.
            if self.bell.poll_rung(cx).is_ready() || is_time { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }
}
