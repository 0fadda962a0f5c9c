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
    use std::{
        future::poll_fn,
        pin::pin,
        sync::atomic::AtomicU64,
        task::Waker,
        time::{Duration, Instant},
    };

    use futures_util::future::{Either, select};

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

    /// Rings at the very moment at which the listener looks, as often as fits into a third of a second.
    #[test]
    fn no_ring_from_another_thread_is_lost() {
        let (bell, round) = (Bell::default(), AtomicU64::new(0));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for rung in 1.. {
                    let mut now = round.load(Ordering::Acquire);
                    while now < rung {
                        std::hint::spin_loop();
                        now = round.load(Ordering::Acquire);
                    }
                    if now == u64::MAX {
                        return;
                    }
                    (0..rung % 50).for_each(|_| std::hint::spin_loop());
                    bell.ring();
                }
            });
            let begun = Instant::now();
            for rung in 1.. {
                round.store(rung, Ordering::Release);
                (0..rung / 50 % 50).for_each(|_| std::hint::spin_loop());
                let is_lost = runtime.block_on(async {
                    let too_long = pin!(tokio::time::sleep(Duration::from_secs(20)));
                    let heard = pin!(poll_fn(|cx| bell.poll_rung(cx)));
                    // The left one is asked first: a ring that is found only then has woken nobody.
                    matches!(select(too_long, heard).await, Either::Left(_))
                });
                if is_lost || begun.elapsed() > Duration::from_millis(300) {
                    round.store(u64::MAX, Ordering::Release);
                    assert!(!is_lost, "ring {rung} was lost");
                    return;
                }
            }
        });
    }
}
