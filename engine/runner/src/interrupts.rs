//! How somebody outside asks a run to end: once to finish early, twice to leave now.
//!
//! | asked | load | set-up, verify | teardown | run directory |
//! |---|---|---|---|---|
//! | not | as planned | run | run | complete |
//! | once | starts nothing more, drains | cancelled | run | complete, state `interrupted` |
//! | twice | cut off | cancelled | cancelled | what is there, state `interrupted` |
//!
//! Deliberately absent: signals (the door turns them into [`Interrupts::raise`]).

use std::sync::Arc;

use tokio::sync::watch;

/// How urgently the run was asked to end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Urgency {
    /// Not at all.
    #[default]
    None,
    /// Start nothing more, drain, tear down, report.
    Finish,
    /// Leave now; keep what is on disk.
    Leave,
}

/// The handle by which a run is asked to end. Clones share what was asked.
#[derive(Clone, Debug)]
pub struct Interrupts(Arc<watch::Sender<Urgency>>);

impl Interrupts {
    /// Nobody has asked yet.
    #[must_use]
    pub fn new() -> Self {
        Self(Arc::new(watch::Sender::new(Urgency::None)))
    }

    /// Asks once more, and says how urgent it is now.
    pub fn raise(&self) -> Urgency {
        let mut now = Urgency::None;
        self.0.send_modify(|urgency| {
            *urgency = if *urgency == Urgency::None { Urgency::Finish } else { Urgency::Leave };
            now = *urgency;
        });
        now
    }

    /// How urgent it is.
    #[must_use]
    pub fn urgency(&self) -> Urgency {
        *self.0.borrow()
    }

    /// Returns when it is at least this urgent.
    pub async fn reached(&self, urgency: Urgency) {
        let mut watched = self.0.subscribe();
        // The sender lives as long as `self`.
        let _ = watched.wait_for(|now| *now >= urgency).await;
    }
}

impl Default for Interrupts {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_asks_to_finish_and_every_later_one_to_leave() {
        let interrupts = Interrupts::new();
        let same = interrupts.clone();
        assert_eq!(interrupts.urgency(), Urgency::None);
        assert_eq!(interrupts.raise(), Urgency::Finish);
        assert_eq!(same.urgency(), Urgency::Finish);
        assert_eq!(same.raise(), Urgency::Leave);
        assert_eq!(interrupts.raise(), Urgency::Leave);
    }

    #[test]
    fn who_waits_is_woken_by_enough_urgency_and_no_less() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let interrupts = Interrupts::new();
            let mut wait = std::pin::pin!(interrupts.reached(Urgency::Leave));
            interrupts.raise();
            let early = futures_poll(&mut wait).await;
            assert!(!early);
            interrupts.raise();
            wait.await;
        });
    }

    /// Whether the future is ready now.
    async fn futures_poll(future: &mut (impl Future<Output = ()> + Unpin)) -> bool {
        std::future::poll_fn(|cx| {
            std::task::Poll::Ready(std::pin::Pin::new(&mut *future).poll(cx).is_ready())
        })
        .await
    }
}
