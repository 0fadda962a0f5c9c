//! Connections that wait for their next request.
//!
//! Last in, first out, so that a load which needs few connections keeps few warm; what has waited long is
//! dropped, because servers close what is idle and a race with that close loses requests. There is no upper
//! limit: an operation never waits for another one's connection.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

use super::connection::Connection;

/// Well below what stores and load balancers allow an idle connection (20 s and more).
const LONGEST_IDLE: Duration = Duration::from_secs(15);

/// One thread's idle connections to one store. Boxed: a connection is a kilobyte, and moves twice a request.
#[derive(Default)]
pub(crate) struct Pool {
    idle: RefCell<VecDeque<(Instant, Box<Connection>)>>,
    opened: Cell<u64>,
    reused: Cell<u64>,
}

/// How a client's connections were used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ConnectionUse {
    /// Requests that had to open a connection.
    pub opened: u64,
    /// Requests that found a connection open.
    pub reused: u64,
    /// Connections that wait for a request now.
    pub idle: usize,
}

impl Pool {
    /// The connection that was used last, if it is still fresh at `now`.
    pub(crate) fn take(&self, now: Instant) -> Option<Box<Connection>> {
        let (since, connection) = self.idle.borrow_mut().pop_back()?;
        if now.duration_since(since) > LONGEST_IDLE {
            // The freshest is stale: so are the others.
            self.idle.borrow_mut().clear();
            return None;
        }
        Some(connection)
    }

    /// Puts a connection back, and drops the one that has waited longest if that is too long.
    pub(crate) fn put(&self, now: Instant, connection: Box<Connection>) {
        let mut idle = self.idle.borrow_mut();
        idle.push_back((now, connection));
        if idle.front().is_some_and(|(since, _)| now.duration_since(*since) > LONGEST_IDLE) {
            idle.pop_front();
        }
    }

    /// Counts a request that went out on a new connection, or on one that was open already.
    pub(crate) fn note_use(&self, is_new: bool) {
        let counter = if is_new { &self.opened } else { &self.reused };
        counter.set(counter.get() + 1);
    }

    pub(crate) fn usage(&self) -> ConnectionUse {
        ConnectionUse { opened: self.opened.get(), reused: self.reused.get(), idle: self.idle.borrow().len() }
    }
}
