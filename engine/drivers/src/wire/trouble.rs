//! What is imposed on a proxy at the moment, and what came of it.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

/// What can be done to everything that goes through a proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WireFault {
    /// Each direction is delayed by half of `delay`, give or take up to half of `jitter`. Order is kept, and so is the
    /// bandwidth.
    Latency {
        /// What a round trip takes longer.
        delay: Duration,
        /// How far that wavers, at most as far as `delay`.
        jitter: Duration,
    },
    /// All connections together get no more than this through in each direction.
    Bandwidth {
        /// Bytes a second, above 0.
        bytes_per_s: u64,
    },
    /// Nothing gets through: bytes are held back and arrive when it is over, and so are new connections.
    Cut,
    /// Every connection is reset now, and new ones for as long as it is imposed.
    Reset,
}

/// What came of a fault while it was imposed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Seen {
    /// Bytes that were delayed, slowed down or held back.
    pub bytes: u64,
    /// Connections that were made while nothing got through.
    pub held: u64,
    /// Connections that were reset.
    pub reset: u64,
    /// New ones that were reset at once.
    pub refused: u64,
}

/// What a direction has to keep to now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Trouble {
    pub(super) delay: Duration,
    pub(super) jitter: Duration,
    pub(super) bytes_per_s: Option<u64>,
    pub(super) is_cut: bool,
    pub(super) is_refusing: bool,
    /// How often all connections have been reset.
    pub(super) resets: u64,
}

impl Trouble {
    /// Whether bytes pass as they come.
    pub(super) fn is_calm(&self) -> bool {
        self.delay.is_zero() && self.jitter.is_zero() && self.bytes_per_s.is_none() && !self.is_cut
    }
}

/// Counts since the proxy's start.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) bytes: AtomicU64,
    pub(super) held: AtomicU64,
    pub(super) reset: AtomicU64,
    pub(super) refused: AtomicU64,
    pub(super) open: AtomicU64,
}

/// All that is imposed on one proxy.
#[derive(Debug, Default)]
pub(super) struct Troubles {
    imposed: Mutex<Vec<(u64, WireFault)>>,
    numbers: AtomicU64,
    pub(super) now: watch::Sender<Trouble>,
    pub(super) counts: Counts,
}

/// A fault that is imposed. Dropping it lifts it.
#[derive(Debug)]
pub struct Imposed {
    number: u64,
    troubles: Arc<Troubles>,
    before: Seen,
}

pub(super) fn impose(troubles: &Arc<Troubles>, fault: WireFault) -> Imposed {
    let number = troubles.numbers.fetch_add(1, Relaxed);
    let before = troubles.seen();
    troubles.change(|imposed| imposed.push((number, fault)), u64::from(fault == WireFault::Reset));
    Imposed { number, troubles: Arc::clone(troubles), before }
}

impl Imposed {
    /// What has come of it so far.
    #[must_use]
    pub fn seen(&self) -> Seen {
        let (now, before) = (self.troubles.seen(), self.before);
        Seen {
            bytes: now.bytes - before.bytes,
            held: now.held - before.held,
            reset: now.reset - before.reset,
            refused: now.refused - before.refused,
        }
    }
}

impl Drop for Imposed {
    fn drop(&mut self) {
        self.troubles.change(|imposed| imposed.retain(|(number, _)| *number != self.number), 0);
    }
}

impl Troubles {
    pub(super) fn open(&self) -> u64 {
        self.counts.open.load(Relaxed)
    }

    fn seen(&self) -> Seen {
        let Counts { bytes, held, reset, refused, .. } = &self.counts;
        Seen {
            bytes: bytes.load(Relaxed),
            held: held.load(Relaxed),
            reset: reset.load(Relaxed),
            refused: refused.load(Relaxed),
        }
    }

    fn change(&self, change: impl FnOnce(&mut Vec<(u64, WireFault)>), resets: u64) {
        // Nobody panics in between; and what is imposed would be whole all the same.
        let mut imposed = self.imposed.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut imposed);
        self.now.send_modify(|now| {
            *now = imposed.iter().fold(Trouble { resets: now.resets + resets, ..Trouble::default() }, with);
        });
    }
}

fn with(mut trouble: Trouble, (_, fault): &(u64, WireFault)) -> Trouble {
    match *fault {
        WireFault::Latency { delay, jitter } => {
            trouble.delay += delay;
            trouble.jitter += jitter.min(delay);
        }
        WireFault::Bandwidth { bytes_per_s } => {
            let narrowest = trouble.bytes_per_s.map_or(bytes_per_s, |other| other.min(bytes_per_s));
            trouble.bytes_per_s = Some(narrowest.max(1));
        }
        WireFault::Cut => trouble.is_cut = true,
        WireFault::Reset => trouble.is_refusing = true,
    }
    trouble
}
