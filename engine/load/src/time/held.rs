//! Time that stands still until it is moved by hand: for tests, here and on the floors above.
//!
//! Exact to the nanosecond, where the runtime's paused clock moves by milliseconds. All clones are one clock; they
//! belong to one thread, on which several cores of a run may be played side by side.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    future::Future,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, Waker},
};

use super::{Alarm, Time};

/// A clock that is moved by [`HeldTime::advance_to_next`].
#[derive(Clone, Debug, Default)]
pub struct HeldTime {
    held: Rc<Held>,
}

#[derive(Debug, Default)]
struct Held {
    now_ns: Cell<u64>,
    reads: Cell<u64>,
    last_ticket: Cell<u64>,
    /// Who waits for what: by time, then in the order in which they began to wait.
    sleepers: RefCell<BTreeMap<(u64, u64), Waker>>,
}

impl HeldTime {
    /// A clock that stands at 0.
    pub fn new() -> Self {
        Self::default()
    }

    /// Moves to the earliest time that somebody waits for and wakes all who wait for it. False when nobody waits.
    pub fn advance_to_next(&self) -> bool {
        let earliest = self.held.sleepers.borrow().first_key_value().map(|(&(at_ns, _), _)| at_ns);
        let Some(at_ns) = earliest else { return false };
        self.advance_to(at_ns);
        true
    }

    /// Moves by `ns`, as a computation that holds its core would, and wakes all who waited for less.
    pub fn advance_by(&self, ns: u64) {
        self.advance_to(self.held.now_ns.get() + ns);
    }

    /// How often the clock was read so far. Reading a real one is what an empty iteration costs most.
    pub fn reads(&self) -> u64 {
        self.held.reads.get()
    }

    fn advance_to(&self, at_ns: u64) {
        let now_ns = self.held.now_ns.get().max(at_ns);
        self.held.now_ns.set(now_ns);
        let due = {
            let mut sleepers = self.held.sleepers.borrow_mut();
            let later = sleepers.split_off(&(now_ns, u64::MAX));
            std::mem::replace(&mut *sleepers, later)
        };
        for waker in due.into_values() {
            waker.wake();
        }
    }
}

impl Time for HeldTime {
    type Alarm = HeldAlarm;

    fn now_ns(&self) -> u64 {
        self.held.reads.set(self.held.reads.get() + 1);
        self.held.now_ns.get()
    }

    fn sleep_until(&self, at_ns: u64) -> impl Future<Output = ()> + 'static {
        HeldSleep { time: self.clone(), at_ns, ticket: None }
    }

    fn alarm(&self) -> HeldAlarm {
        HeldAlarm { sleep: HeldSleep { time: self.clone(), at_ns: u64::MAX, ticket: None } }
    }
}

/// A wait on a [`HeldTime`].
#[derive(Debug)]
pub struct HeldSleep {
    time: HeldTime,
    at_ns: u64,
    ticket: Option<u64>,
}

impl HeldSleep {
    fn forget(&mut self) {
        if let Some(ticket) = self.ticket.take() {
            self.time.held.sleepers.borrow_mut().remove(&(self.at_ns, ticket));
        }
    }
}

impl Future for HeldSleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let held = Rc::clone(&self.time.held);
        if held.now_ns.get() >= self.at_ns {
            self.forget();
            return Poll::Ready(());
        }
        if self.at_ns != u64::MAX {
            let ticket = *self.ticket.get_or_insert_with(|| {
                held.last_ticket.set(held.last_ticket.get() + 1);
                held.last_ticket.get()
            });
            held.sleepers.borrow_mut().insert((self.at_ns, ticket), cx.waker().clone());
        }
        Poll::Pending
    }
}

impl Drop for HeldSleep {
    fn drop(&mut self) {
        self.forget();
    }
}

/// An alarm on a [`HeldTime`]; exact.
#[derive(Debug)]
pub struct HeldAlarm {
    sleep: HeldSleep,
}

impl Alarm for HeldAlarm {
    fn set(&mut self, at_ns: u64) {
        self.sleep.forget();
        self.sleep.at_ns = at_ns;
    }

    fn poll_ring(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let rung = Pin::new(&mut self.sleep).poll(cx);
        if rung.is_ready() {
            self.sleep.at_ns = u64::MAX;
        }
        rung
    }

    fn coarseness_ns(&self) -> u64 {
        0
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    };

    use super::*;

    #[derive(Default)]
    struct Count(AtomicU32);

    impl std::task::Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn time_moves_to_the_earliest_wait_and_wakes_those_alone() {
        let (time, woken) = (HeldTime::new(), Arc::new(Count::default()));
        let waker = Waker::from(Arc::clone(&woken));
        let mut cx = Context::from_waker(&waker);
        let mut late = Box::pin(time.sleep_until(70));
        let mut early = Box::pin(time.sleep_until(30));
        let mut also = Box::pin(time.sleep_until(30));
        for sleep in [&mut late, &mut early, &mut also] {
            assert!(sleep.as_mut().poll(&mut cx).is_pending());
        }
        assert!(time.advance_to_next());
        assert_eq!((time.now_ns(), woken.0.load(Ordering::Relaxed)), (30, 2));
        assert!(early.as_mut().poll(&mut cx).is_ready());
        assert!(late.as_mut().poll(&mut cx).is_pending());
        drop(late);
        assert!(!time.advance_to_next(), "a wait that was given up holds nobody");
    }

    #[test]
    fn an_alarm_that_is_set_again_rings_at_the_new_time_only() {
        let time = HeldTime::new();
        let mut cx = Context::from_waker(Waker::noop());
        let mut alarm = time.alarm();
        alarm.set(10);
        assert!(alarm.poll_ring(&mut cx).is_pending());
        alarm.set(20);
        assert!(alarm.poll_ring(&mut cx).is_pending());
        assert!(time.advance_to_next());
        assert_eq!(time.now_ns(), 20);
        assert!(alarm.poll_ring(&mut cx).is_ready());
        assert!(alarm.poll_ring(&mut cx).is_pending(), "it rings once for each time it is set");
        assert!(!time.advance_to_next());
    }
}
