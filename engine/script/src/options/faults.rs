//! `faults: [ … ]` in `options()`: what is broken on purpose, and when.
//!
//! Deliberately absent: how it is done (`drivers::fault`, `embed`), and on which clock (`runner`).

mod read;

use std::{fmt, time::Duration};

use drivers::wire::WireFault;

/// One entry of the timeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FaultOptions {
    /// How long after the start of the measured window.
    pub at: Duration,
    /// What happens.
    pub fault: Fault,
}

/// A server that something can be done to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FaultServer {
    /// Postgres.
    Postgres,
    /// The only object store.
    Store,
    /// The HTTP service.
    Service,
}

impl FaultServer {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Postgres, Self::Store, Self::Service];

    /// Its name, as scripts and target files write it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Postgres => "postgres",
            Self::Store => "store",
            Self::Service => "service",
        }
    }
}

/// As a sentence calls it.
impl fmt::Display for FaultServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Postgres => "postgres",
            Self::Store => "the store",
            Self::Service => "the service",
        })
    }
}

/// What can be broken on purpose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A transaction keeps its snapshot open for so long, and with it everything that died since.
    HoldXmin {
        /// For how long.
        lasts: Duration,
    },
    /// A transaction keeps a lock on a table for so long.
    Lock {
        /// The table.
        table: String,
        /// `ACCESS EXCLUSIVE` and so on.
        mode: String,
        /// For how long.
        lasts: Duration,
    },
    /// The server ends the connections of the load, or a share of them.
    KillBackends {
        /// How many at most; nothing means all.
        at_most: Option<u64>,
    },
    /// A server is restarted in good order.
    Restart {
        /// Which one.
        server: FaultServer,
    },
    /// A server is killed with SIGKILL, and started again after so long.
    Kill {
        /// Which one.
        server: FaultServer,
        /// How long it stays down.
        lasts: Duration,
    },
    /// A server stands still for so long.
    Pause {
        /// Which one.
        server: FaultServer,
        /// For how long.
        lasts: Duration,
    },
    /// Something happens between the load and a server.
    Wire {
        /// Which one.
        server: FaultServer,
        /// What.
        fault: WireFault,
        /// For how long; nothing for a reset that is a moment.
        lasts: Duration,
    },
}

impl Fault {
    /// Its kind, as scripts write it.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::HoldXmin { .. } => "hold_xmin",
            Self::Lock { .. } => "lock",
            Self::KillBackends { .. } => "kill_backends",
            Self::Restart { .. } => "restart",
            Self::Kill { .. } => "kill",
            Self::Pause { .. } => "pause",
            Self::Wire { fault, .. } => match fault {
                WireFault::Latency { .. } => "latency",
                WireFault::Bandwidth { .. } => "bandwidth",
                WireFault::Cut => "cut",
                WireFault::Reset => "reset",
            },
        }
    }

    /// The server whose processes it is done to.
    #[must_use]
    pub fn server(&self) -> Option<FaultServer> {
        match self {
            Self::Restart { server } | Self::Kill { server, .. } | Self::Pause { server, .. } => {
                Some(*server)
            }
            _ => None,
        }
    }

    /// The server that it comes between, and how.
    #[must_use]
    pub fn wire(&self) -> Option<(FaultServer, WireFault)> {
        match self {
            Self::Wire { server, fault, .. } => Some((*server, *fault)),
            _ => None,
        }
    }

    /// Whether it is done to Postgres by way of SQL.
    #[must_use]
    pub fn is_sql(&self) -> bool {
        matches!(self, Self::HoldXmin { .. } | Self::Lock { .. } | Self::KillBackends { .. })
    }

    /// How long it lasts, when it is not a moment.
    pub fn lasts_mut(&mut self) -> Option<&mut Duration> {
        match self {
            Self::HoldXmin { lasts }
            | Self::Lock { lasts, .. }
            | Self::Kill { lasts, .. }
            | Self::Pause { lasts, .. }
            | Self::Wire { lasts, .. } => Some(lasts),
            Self::KillBackends { .. } | Self::Restart { .. } => None,
        }
    }

    /// How long it lasts; nothing for a moment.
    #[must_use]
    pub fn lasts(&self) -> Duration {
        self.clone().lasts_mut().map(|lasts| *lasts).unwrap_or_default()
    }
}
