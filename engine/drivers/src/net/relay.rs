//! Wake-ups that are worth waking somebody for.
//!
//! A connection wakes whoever polls it not only when the socket is ready, but also when its two halves hand
//! something to each other, which happens while they are being polled. Passed on, each of those would have the
//! whole task polled once more for nothing. A relay stands between: what comes while the connection is being
//! polled is noted and dealt with at once, and only what comes from outside reaches the task.
//!
//! | being polled | wake | then |
//! |---|---|---|
//! | no | from the socket or the timer | the task is woken |
//! | yes | from within (or, from another thread, at that very moment) | polled again before the task waits |
//!
//! Whoever still has something to hand over after a few rounds (a large body; a runtime that wants its turn and
//! says so by waking) has the task woken after all, so that a connection never keeps its thread to itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use futures_util::task::AtomicWaker;

/// How often a connection is polled for one poll of its task. A request and its reply take two.
const MOST_ROUNDS: u32 = 4;

/// One connection's relay. Its waker stays the same for life, so that those who keep it never copy it anew.
pub(crate) struct Relay {
    state: Arc<State>,
    waker: Waker,
}

#[derive(Default)]
struct State {
    is_polling: AtomicBool,
    was_woken: AtomicBool,
    task: AtomicWaker,
}

impl Wake for State {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.was_woken.store(true, Ordering::SeqCst);
        if !self.is_polling.load(Ordering::SeqCst) {
            self.task.wake();
        }
    }
}

impl Relay {
    pub(crate) fn new() -> Self {
        let state = Arc::<State>::default();
        Relay { waker: Waker::from(Arc::clone(&state)), state }
    }

    /// Polls on behalf of the task of `cx`, until there is a result or nothing moves any more.
    pub(crate) fn poll<T>(
        &self,
        cx: &mut Context<'_>,
        mut poll: impl FnMut(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        self.state.task.register(cx.waker());
        let mut inner = Context::from_waker(&self.waker);
        for _ in 0..MOST_ROUNDS {
            self.state.is_polling.store(true, Ordering::SeqCst);
            self.state.was_woken.store(false, Ordering::SeqCst);
            let result = poll(&mut inner);
            self.state.is_polling.store(false, Ordering::SeqCst);
            // After the store above every wake reaches the task; those before it are seen here.
            if result.is_ready() || !self.state.was_woken.load(Ordering::SeqCst) {
                return result;
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::sync::atomic::AtomicU32;

    use super::*;

    #[derive(Default)]
    struct Count(AtomicU32);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    fn task() -> (Arc<Count>, Waker) {
        let count = Arc::<Count>::default();
        (Arc::clone(&count), Waker::from(count))
    }

    #[test]
    fn a_wake_from_within_polls_again_and_wakes_nobody() {
        let (woken, waker) = task();
        let relay = Relay::new();
        let polls = Cell::new(0);
        let result = relay.poll(&mut Context::from_waker(&waker), |cx| {
            polls.set(polls.get() + 1);
            if polls.get() < 3 {
                cx.waker().wake_by_ref();
            }
            Poll::<()>::Pending
        });
        assert!(result.is_pending());
        assert_eq!((polls.get(), woken.0.load(Ordering::SeqCst)), (3, 0));
    }

    #[test]
    fn who_never_comes_to_rest_lets_others_have_a_turn() {
        let (woken, waker) = task();
        let polls = Cell::new(0);
        let result = Relay::new().poll(&mut Context::from_waker(&waker), |cx| {
            polls.set(polls.get() + 1);
            cx.waker().wake_by_ref();
            Poll::<()>::Pending
        });
        assert!(result.is_pending());
        assert_eq!((polls.get(), woken.0.load(Ordering::SeqCst)), (MOST_ROUNDS, 1));
    }

    #[test]
    fn a_wake_from_outside_reaches_the_task_that_polled_last() {
        let ((first, first_waker), (second, second_waker)) = (task(), task());
        let relay = Relay::new();
        let kept = Cell::new(None);
        for waker in [&first_waker, &second_waker] {
            let result = relay.poll(&mut Context::from_waker(waker), |cx| {
                kept.set(Some(cx.waker().clone()));
                Poll::<()>::Pending
            });
            assert!(result.is_pending());
        }
        kept.take().unwrap().wake();
        assert_eq!((first.0.load(Ordering::SeqCst), second.0.load(Ordering::SeqCst)), (0, 1));
    }

    #[test]
    fn what_is_ready_is_not_polled_again() {
        let (_, waker) = task();
        let result = Relay::new().poll(&mut Context::from_waker(&waker), |cx| {
            cx.waker().wake_by_ref();
            Poll::Ready(7)
        });
        assert_eq!(result, Poll::Ready(7));
    }
}
