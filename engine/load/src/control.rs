//! The handle by which anybody ends a run early, from any thread.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicU8, Ordering},
};

use crate::{bell::Bell, phase::Phase};

/// What a run was told. Only ever raised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Order {
    /// Go on to the end of the plan.
    Run,
    /// Start nothing more, drain, and come to the end.
    Stop,
    /// Leave now: every VU is cancelled.
    Abort,
}

/// Ends one run early and says where it stands. One `Control` serves one run.
#[derive(Debug)]
pub struct Control {
    order: AtomicU8,
    phase: AtomicU8,
    bells: Mutex<Vec<Arc<Bell>>>,
}

impl Control {
    /// For a run that has not begun.
    pub fn new() -> Arc<Self> {
        Arc::new(Self {
            order: AtomicU8::new(Order::Run as u8),
            phase: AtomicU8::new(Phase::Starting as u8),
            bells: Mutex::default(),
        })
    }

    /// Starts nothing more and drains. Sleeping cores wake at once.
    pub fn stop(&self) {
        self.raise(Order::Stop);
    }

    /// Leaves now: running iterations are cancelled and counted as interrupted. Sleeping cores wake at once.
    pub fn abort(&self) {
        self.raise(Order::Abort);
    }

    /// The strongest order given so far.
    pub fn order(&self) -> Order {
        match self.order.load(Ordering::Acquire) {
            0 => Order::Run,
            1 => Order::Stop,
            _ => Order::Abort,
        }
    }

    /// Where the run stands.
    pub fn phase(&self) -> Phase {
        Phase::from_u8(self.phase.load(Ordering::Acquire))
    }

    pub(crate) fn enter(&self, phase: Phase) {
        self.phase.store(phase as u8, Ordering::Release);
    }

    /// Rings `bell` at every order from now on (and at once, if one was given already).
    pub(crate) fn wake_on_order(&self, bell: Arc<Bell>) {
        let mut bells = self.bells();
        if self.order() != Order::Run {
            bell.ring();
        }
        bells.push(bell);
    }

    fn raise(&self, order: Order) {
        self.order.fetch_max(order as u8, Ordering::AcqRel);
        for bell in self.bells().iter() {
            bell.ring();
        }
    }

    fn bells(&self) -> MutexGuard<'_, Vec<Arc<Bell>>> {
        // A list of bells is whole at any moment, whoever panicked.
        self.bells.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::task::{Context, Waker};

    use super::*;

    #[test]
    fn an_order_is_raised_and_never_lowered() {
        let control = Control::new();
        assert_eq!(control.order(), Order::Run);
        control.abort();
        control.stop();
        assert_eq!(control.order(), Order::Abort);
    }

    #[test]
    fn a_bell_rings_for_orders_before_and_after_it_came() {
        let mut cx = Context::from_waker(Waker::noop());
        let (control, early, late) = (Control::new(), Arc::new(Bell::default()), Arc::new(Bell::default()));
        control.wake_on_order(Arc::clone(&early));
        assert!(early.poll_rung(&mut cx).is_pending());
        control.stop();
        control.wake_on_order(Arc::clone(&late));
        assert!(early.poll_rung(&mut cx).is_ready());
        assert!(late.poll_rung(&mut cx).is_ready());
    }

    #[test]
    fn phases_read_back_as_they_were_entered() {
        let control = Control::new();
        for phase in [Phase::Starting, Phase::WarmUp, Phase::Measure, Phase::Drain, Phase::Over] {
            control.enter(phase);
            assert_eq!(control.phase(), phase);
        }
    }
}
