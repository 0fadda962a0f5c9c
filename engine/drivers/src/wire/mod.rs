//! A proxy between the load and a server, so that what happens to networks can happen on purpose: latency, a narrow link,
//! one that stands still, connections that are reset.
//!
//! It knows bytes alone: TLS and whatever is spoken pass through untouched, half-closed connections stay half-closed, and
//! who reads slowly is written to slowly. It lives on one thread of its own with a runtime of its own, and only where somebody
//! starts one; dropping it ends both with everything that goes through it. What it takes of the generator's machine is the
//! reader's to know.
//!
//! Deliberately absent: which connections go through it (drivers are told another address to dial), and when what is imposed.

mod line;
mod link;
mod trouble;

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;

use tokio::sync::watch;
use tokio::task::LocalSet;

use trouble::Troubles;
pub use trouble::{Imposed, Seen, WireFault};

/// Where a proxy passes everything on to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Upstream {
    /// A host, by name or address, and its port.
    Tcp(String, u16),
    /// A socket in the file system.
    Unix(PathBuf),
}

/// A running proxy.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    troubles: Arc<Troubles>,
    is_over: watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
}

impl Proxy {
    /// Starts one on a free port of 127.0.0.1. Upstream is connected to anew for each connection.
    ///
    /// # Errors
    /// When the system gives no port, no thread or no runtime.
    pub fn start(upstream: Upstream) -> io::Result<Proxy> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let troubles = Arc::new(Troubles::default());
        let (is_over, over) = watch::channel(false);
        let theirs = Arc::clone(&troubles);
        let thread = std::thread::Builder::new().name("wire".to_owned()).spawn(move || {
            let tasks = LocalSet::new();
            if let Err(error) = tasks.block_on(&runtime, link::serve(listener, upstream, theirs, over)) {
                tracing::warn!(%error, "the proxy ended");
            }
            // The tasks go with their set, and their connections with them.
        })?;
        Ok(Proxy { address, troubles, is_over, thread: Some(thread) })
    }

    /// Where to connect to instead.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Imposes a fault on everything that goes through, until what is returned is dropped. Several add up: delays are added,
    /// the narrowest link counts.
    #[must_use]
    pub fn impose(&self, fault: WireFault) -> Imposed {
        trouble::impose(&self.troubles, fault)
    }

    /// Connections that are open now.
    #[must_use]
    pub fn open(&self) -> u64 {
        self.troubles.open()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.is_over.send_replace(true);
        if let Some(thread) = self.thread.take() {
            // It waits for nothing but this word.
            let _ = thread.join();
        }
    }
}
