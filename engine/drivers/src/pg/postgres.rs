//! One thread's access to one server: the door through which its VUs get their sessions.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use crate::pg::config::{PgConfig, Place};
use crate::pg::connect::dial::Dialer;
use crate::pg::connect::startup;
use crate::pg::error::PgError;
use crate::pg::home::Home;
use crate::pg::lean::own::Own;
use crate::pg::lean::pipelined::{Pipelines, Side};
use crate::pg::pooled::{PoolGauge, Pooled};
use crate::pg::session::{Link, Session};

/// How VUs come by a connection. The figures of the modes are not comparable: they are different loads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PoolMode {
    /// Each VU owns a connection; the lean client.
    Dedicated,
    /// The VUs of a thread share so many connections and pipeline their statements; the lean client.
    /// Transactions, batches and copies run on up to as many further connections.
    Pipelined {
        /// How many are shared.
        connections: usize,
    },
    /// Each operation checks a connection out of a pool (`deadpool-postgres` over `tokio-postgres`), as
    /// applications do.
    Pooled {
        /// How many the pool has at most.
        size: usize,
    },
}

impl PoolMode {
    /// The part of core number `core` (from 0) when `cores` threads share the figure among them; at least one
    /// connection each.
    pub fn share(self, core: usize, cores: usize) -> PoolMode {
        let part = |total: usize| (total / cores.max(1) + usize::from(core < total % cores.max(1))).max(1);
        match self {
            PoolMode::Dedicated => PoolMode::Dedicated,
            PoolMode::Pipelined { connections } => PoolMode::Pipelined { connections: part(connections) },
            PoolMode::Pooled { size } => PoolMode::Pooled { size: part(size) },
        }
    }

    /// The mode's name, as scripts and reports write it.
    pub const fn name(self) -> &'static str {
        match self {
            PoolMode::Dedicated => "dedicated",
            PoolMode::Pipelined { .. } => "pipelined",
            PoolMode::Pooled { .. } => "pooled",
        }
    }
}

/// What holds for all operations.
#[derive(Debug, Clone)]
pub struct PgOptions {
    /// The time an operation may take, waiting for a connection included. The server gets it as
    /// `statement_timeout`; the client itself gives up a little later (10 %, at most 2 s), so that a server
    /// that is alive ends the statement and the connection stays in order. For long set-up work make a second
    /// [`Postgres`] with more.
    pub timeout: Duration,
    /// Counts how the connections of [`PoolMode::Pooled`] are used; the other modes have nothing to count.
    pub gauge: Option<Arc<PoolGauge>>,
}

impl Default for PgOptions {
    fn default() -> Self {
        PgOptions { timeout: Duration::from_secs(30), gauge: None }
    }
}

/// A server as one thread sees it. Cheap to clone; its sessions stay on the thread.
///
/// Needs a current-thread tokio runtime with I/O and time; pipelined mode moreover a `LocalSet` or a
/// `LocalRuntime`, because its connections are driven by local tasks.
#[derive(Clone)]
pub struct Postgres {
    home: Rc<Home>,
    mode: PoolMode,
    source: Source,
}

#[derive(Clone)]
enum Source {
    Dedicated,
    Pipelined(Rc<Pipelines>),
    Pooled(Rc<Pooled>),
}

impl Postgres {
    /// Connects to nothing yet: connections are opened when they are needed. Fails when the certificate
    /// authorities of `sslmode=verify-full` cannot be read.
    pub fn new(config: PgConfig, mode: PoolMode, options: PgOptions) -> Result<Postgres, PgError> {
        let dialer = Arc::new(Dialer::new(config)?);
        let home = Rc::new(Home { dialer, catalog: RefCell::default(), limit: options.timeout });
        let source = match mode {
            PoolMode::Dedicated => Source::Dedicated,
            PoolMode::Pipelined { connections } => Source::Pipelined(Pipelines::new(&home, connections)),
            PoolMode::Pooled { size } => Source::Pooled(Pooled::new(&home, size, options.gauge)?),
        };
        Ok(Postgres { home, mode, source })
    }

    /// A new VU's way to the server.
    pub fn session(&self) -> Session {
        let link = match &self.source {
            Source::Dedicated => Link::Dedicated(Own::default()),
            Source::Pipelined(pipelines) => Link::Pipelined(Rc::clone(pipelines), Side::default()),
            Source::Pooled(pooled) => Link::Pooled(Rc::clone(pooled), Box::default()),
        };
        Session::new(&self.home, link)
    }

    /// How its sessions come by connections.
    pub fn mode(&self) -> PoolMode {
        self.mode
    }

    /// Where the server is, who asks and for which database.
    pub fn place(&self) -> &Place {
        &self.home.dialer.config.place
    }

    /// Connects once, as a check, and tells the server's version as it words it (`15.13 (Debian …)`).
    pub async fn server_version(&self) -> Result<String, PgError> {
        let dialer = &self.home.dialer;
        match startup::start(dialer, self.home.limit).await {
            Ok(mut started) => {
                started.socket.send_now(&crate::pg::lean::connection::FAREWELL);
                Ok(started.server_version)
            }
            Err(problem) => Err(dialer.error(problem)),
        }
    }
}

impl std::fmt::Debug for Postgres {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Postgres").field("mode", &self.mode).field("place", self.place()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cores_share_the_connections_without_loss() {
        let shares = |total, cores| -> Vec<usize> {
            (0..cores)
                .map(|core| match (PoolMode::Pipelined { connections: total }).share(core, cores) {
                    PoolMode::Pipelined { connections } => connections,
                    other => panic!("{other:?}"),
                })
                .collect()
        };
        assert_eq!(shares(8, 2), [4, 4]);
        assert_eq!(shares(8, 3), [3, 3, 2]);
        assert_eq!(shares(1, 2), [1, 1]);
    }
}
