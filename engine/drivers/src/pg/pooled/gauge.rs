//! How the pools of a run are used, for somebody on another thread to read now and then.
//!
//! Deliberately absent: when it is read, and what becomes of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Counts what the pools do that share it, those of all cores for instance.
#[derive(Debug, Default)]
pub struct PoolGauge {
    in_use: AtomicU64,
    acquires: AtomicU64,
    empty_acquires: AtomicU64,
    cancelled_acquires: AtomicU64,
}

/// What a [`PoolGauge`] shows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PoolUse {
    /// Connections that are checked out at this moment.
    pub in_use: u64,
    /// Checkouts that got a connection, since the beginning.
    pub acquires: u64,
    /// Those among them for which there was no idle one: they waited for another's end, or for a new connection.
    pub empty_acquires: u64,
    /// Checkouts that were given up without a connection, by a time limit or because the virtual user was cut off.
    pub cancelled_acquires: u64,
}

impl PoolGauge {
    /// What it shows now. The four are read one after the other.
    pub fn read(&self) -> PoolUse {
        PoolUse {
            in_use: self.in_use.load(Relaxed),
            acquires: self.acquires.load(Relaxed),
            empty_acquires: self.empty_acquires.load(Relaxed),
            cancelled_acquires: self.cancelled_acquires.load(Relaxed),
        }
    }
}

/// A checkout under way. Dropped before it has an answer it counts as cancelled.
pub(super) struct Acquiring {
    gauge: Arc<PoolGauge>,
    is_empty: bool,
    is_answered: bool,
}

impl Acquiring {
    /// Begins; `is_empty` says that no connection is idle.
    pub(super) fn begin(gauge: &Arc<PoolGauge>, is_empty: bool) -> Acquiring {
        Acquiring { gauge: Arc::clone(gauge), is_empty, is_answered: false }
    }

    /// There is a connection; it is in use until what this gives is dropped.
    pub(super) fn got_one(mut self) -> InUse {
        self.is_answered = true;
        self.gauge.acquires.fetch_add(1, Relaxed);
        self.gauge.empty_acquires.fetch_add(u64::from(self.is_empty), Relaxed);
        self.gauge.in_use.fetch_add(1, Relaxed);
        InUse(Arc::clone(&self.gauge))
    }

    /// The server gave none: that is an error of the operation, and nobody gave up.
    pub(super) fn failed(mut self) {
        self.is_answered = true;
    }
}

impl Drop for Acquiring {
    fn drop(&mut self) {
        if !self.is_answered {
            self.gauge.cancelled_acquires.fetch_add(1, Relaxed);
        }
    }
}

/// A connection that is checked out.
pub(super) struct InUse(Arc<PoolGauge>);

impl Drop for InUse {
    fn drop(&mut self) {
        self.0.in_use.fetch_sub(1, Relaxed);
    }
}
