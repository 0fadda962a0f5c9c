//! A bell: wakes one future, from any thread.
//!
//! | state \ input | `ring`             | `poll_rung`              |
//! |---------------|--------------------|--------------------------|
//! | silent        | rung, listener woken | stays silent, listens  |
//! | rung          | rung (one ring is enough) | silent, ready     |

use std::{
    sync::atomic::{AtomicBool, Ordering},
    task::{Context, Poll},
};

use futures_util::task::AtomicWaker;

#[derive(Debug, Default)]
pub(crate) struct Bell {
    rung: AtomicBool,
    listener: AtomicWaker,
}

impl Bell {
    /// What was written before is seen by the listener after its `poll_rung`.
    pub(crate) fn ring(&self) {
        // A bell that is already rung has a listener that is already woken.
        if !self.rung.swap(true, Ordering::AcqRel) {
            self.listener.wake();
        }
    }

    pub(crate) fn poll_rung(&self, cx: &mut Context<'_>) -> Poll<()> {
        if self.rung.swap(false, Ordering::AcqRel) {
            return Poll::Ready(());
        }
        self.listener.register(cx.waker());
        // A ring between the look and the registration has woken nobody.
        if self.rung.swap(false, Ordering::AcqRel) { Poll::Ready(()) } else { Poll::Pending }
    }
}

#[cfg(test)]
mod tests {
    use std::{future::poll_fn, sync::Arc, task::Waker};

    use super::*;

    #[test]
    fn a_ring_before_the_listener_came_is_heard_once() {
        let bell = Bell::default();
        let mut cx = Context::from_waker(Waker::noop());
        bell.ring();
        bell.ring();
        assert!(bell.poll_rung(&mut cx).is_ready());
        assert!(bell.poll_rung(&mut cx).is_pending());
    }

    #[test]
    fn no_ring_from_another_thread_is_lost() {
        let (there, back) = (Arc::new(Bell::default()), Arc::new(Bell::default()));
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        std::thread::scope(|scope| {
            let (listen, answer) = (Arc::clone(&there), Arc::clone(&back));
            scope.spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
                for _ in 0..10_000 {
                    runtime.block_on(poll_fn(|cx| listen.poll_rung(cx)));
                    answer.ring();
                }
            });
            for _ in 0..10_000 {
                there.ring();
                runtime.block_on(poll_fn(|cx| back.poll_rung(cx)));
            }
        });
    }
}
