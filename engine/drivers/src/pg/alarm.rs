//! The deadline of an operation, almost for free.
//!
//! A timer an operation would cost more than the protocol does. So each session has one timer that is set for
//! the deadline of some operation and left alone while later ones begin: theirs are later. When it rings, it
//! is set again for the operation of that moment, about once a timeout instead of once an operation, and
//! still exactly on time.

use std::cell::RefCell;
use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use tokio::time::Sleep;

/// The operation was not done at its deadline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Elapsed;

/// One session's timer.
#[derive(Debug, Default)]
pub(crate) struct Alarm(RefCell<Option<Timer>>);

#[derive(Debug)]
struct Timer {
    sleep: Pin<Box<Sleep>>,
    /// Who is woken when it rings.
    waker: Waker,
}

impl Alarm {
    /// Runs the future until it is done or its time is over. Then it is dropped unfinished.
    pub(crate) async fn guard<F: Future>(&self, deadline: Instant, future: F) -> Result<F::Output, Elapsed> {
        let mut future = pin!(future);
        std::future::poll_fn(|cx| match future.as_mut().poll(cx) {
            Poll::Ready(output) => Poll::Ready(Ok(output)),
            Poll::Pending => self.poll(cx, deadline).map(|()| Err(Elapsed)),
        })
        .await
    }

    fn poll(&self, cx: &mut Context<'_>, deadline: Instant) -> Poll<()> {
        let deadline = tokio::time::Instant::from_std(deadline);
        let mut slot = self.0.borrow_mut();
        let timer = slot.get_or_insert_with(|| Timer {
            sleep: Box::pin(tokio::time::sleep_until(deadline)),
            waker: Waker::noop().clone(),
        });
        // Set later than this operation allows (its predecessor was given more time): bring it forward.
        if timer.sleep.deadline() > deadline {
            timer.sleep.as_mut().reset(deadline);
        } else if timer.waker.will_wake(cx.waker()) && !timer.sleep.is_elapsed() {
            return Poll::Pending;
        }
        timer.waker.clone_from(cx.waker());
        while timer.sleep.as_mut().poll(cx).is_ready() {
            if timer.sleep.deadline() >= deadline {
                return Poll::Ready(());
            }
            timer.sleep.as_mut().reset(deadline);
        }
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn in_runtime<F: Future>(future: F) -> F::Output {
        tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(future)
    }

    #[test]
    fn an_operation_without_end_is_ended() {
        in_runtime(async {
            let alarm = Alarm::default();
            let deadline = Instant::now() + Duration::from_millis(5);
            assert_eq!(alarm.guard(deadline, std::future::pending::<()>()).await, Err(Elapsed));
            assert!(Instant::now() >= deadline);
        });
    }

    #[test]
    fn a_timer_left_from_before_does_not_end_a_later_operation_early() {
        in_runtime(async {
            let alarm = Alarm::default();
            let first = Instant::now() + Duration::from_millis(5);
            assert_eq!(alarm.guard(first, tokio::task::yield_now()).await, Ok(()));
            let second = Instant::now() + Duration::from_millis(50);
            assert_eq!(alarm.guard(second, std::future::pending::<()>()).await, Err(Elapsed));
            assert!(Instant::now() >= second);
        });
    }

    #[test]
    fn a_shorter_deadline_is_kept_after_a_longer_one() {
        in_runtime(async {
            let alarm = Alarm::default();
            let long = Instant::now() + Duration::from_secs(3600);
            assert_eq!(alarm.guard(long, tokio::task::yield_now()).await, Ok(()));
            let short = Instant::now() + Duration::from_millis(5);
            assert_eq!(alarm.guard(short, std::future::pending::<()>()).await, Err(Elapsed));
        });
    }

    #[test]
    fn the_timer_wakes_whoever_waits_now() {
        in_runtime(async {
            let alarm = std::rc::Rc::new(Alarm::default());
            let local = tokio::task::LocalSet::new();
            local
                .run_until(async {
                    let deadline = Instant::now() + Duration::from_millis(20);
                    // Another task has waited on the same timer before.
                    let earlier = std::rc::Rc::clone(&alarm);
                    let task = tokio::task::spawn_local(async move {
                        earlier.guard(deadline, tokio::task::yield_now()).await
                    });
                    assert_eq!(task.await.unwrap(), Ok(()));
                    assert_eq!(alarm.guard(deadline, std::future::pending::<()>()).await, Err(Elapsed));
                })
                .await;
        });
    }
}
