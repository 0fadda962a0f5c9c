//! A throw-away HTTP service over Postgres: the reference queue service (`examples/queue-api`), served by this program
//! itself, started again.
//!
//! Deliberately absent: what it answers (`queue_api`), and the Postgres that it needs: its tables stay there.

mod process;
mod serve;
mod wire;

use std::time::Duration;

use crate::EmbedError;
use crate::guard::Guard;
use crate::helper::Helper;
use crate::os::run_dir::{self, RunDir};
use crate::os::server::Server;
use crate::os::storage;
use process::ServiceProcess;
pub(crate) use serve::serve;

/// For messages.
const SERVER: &str = "the queue service";

/// How to start the service.
#[derive(Clone)]
pub struct ServiceOptions {
    /// Where its Postgres is; also a socket's, as [`Postgres::url`](crate::postgres::Postgres::url) says it. Together with
    /// a wanted Postgres ([`Wanted`](crate::Wanted)) it is that one, whatever is said here.
    pub postgres_url: String,
    /// The port on 127.0.0.1; 0 takes a free one. It stays the same over restarts.
    pub port: u16,
    /// Connections to Postgres at most.
    pub connections: usize,
    /// How long a request waits for a connection and a statement may take, before the answer is 503.
    pub patience: Duration,
    /// How long the service may take to be ready, its tables made.
    pub start_timeout: Duration,
}

impl Default for ServiceOptions {
    fn default() -> Self {
        let queue_api::Config { postgres_url, connections, patience } = queue_api::Config::default();
        ServiceOptions {
            postgres_url,
            port: 0,
            connections,
            patience,
            start_timeout: Duration::from_secs(60),
        }
    }
}

/// Shows no URL: there may be a password in it.
impl std::fmt::Debug for ServiceOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ServiceOptions")
            .field("postgres_url", &"(redacted)")
            .field("port", &self.port)
            .field("connections", &self.connections)
            .field("patience", &self.patience)
            .field("start_timeout", &self.start_timeout)
            .finish()
    }
}

/// A running (or, after a fault, killed or paused) service of our own. Dropping it stops the process.
#[derive(Debug)]
pub struct Service {
    // The server goes first, then the folder of its log: fields drop in this order.
    server: Server<ServiceProcess>,
    _folder: RunDir,
}

/// Starts the service and returns when it accepts requests. Blocks for some milliseconds.
///
/// # Errors
/// A port that is taken, a Postgres that cannot be used, or a process that does not come up (with its last words).
pub fn start(options: ServiceOptions) -> Result<Service, EmbedError> {
    let guard = Guard::of_this_process()?;
    run_dir::sweep_stale(&storage::roots(None));
    let folder = RunDir::create(&storage::data_root(None), None, &guard)?;
    let place = (folder.path(), "service.log");
    let helper = Helper::new(SERVER, place, options.port, options.start_timeout, guard);
    let server = Server::start(ServiceProcess { helper, options })?;
    Ok(Service { server, _folder: folder })
}

impl Service {
    /// Where it is: `http://127.0.0.1:<port>`. Stays the same over restarts.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port())
    }

    /// The port on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.server.program().helper.port()
    }
}

crate::faults::faults!(Service, "service");
