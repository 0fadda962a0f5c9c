//! A throw-away object store that speaks S3: this program itself, started again as a server.
//!
//! Two backends: our own ordered store, whose LIST costs a page and whose PUT is one append, and `s3s-fs`, which
//! keeps a file for each object, for comparison.

mod api;
mod ordered;
mod process;
mod serve;
mod wire;

use std::io::Read;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use crate::guard::Guard;
use crate::os::run_dir::{self, RunDir};
use crate::os::server::Server;
use crate::os::{storage, text};
use crate::{Durability, EmbedError};
use process::StoreProcess;
pub(crate) use serve::serve;

/// For messages.
const SERVER: &str = "the object store";

/// What keeps the objects.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Backend {
    /// An ordered index in memory over a log on disk.
    #[default]
    Ordered,
    /// A file for each object (`s3s-fs`). It never syncs, scans the bucket for every page of a LIST and refuses
    /// some keys.
    Fs,
}

/// What requests are signed with.
#[derive(Clone, PartialEq, Eq)]
pub struct Keys {
    /// Names the account.
    pub access_key: String,
    /// Shared with the server; never shown.
    pub secret_key: String,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keys")
            .field("access_key", &self.access_key)
            .field("secret_key", &"(redacted)")
            .finish()
    }
}

/// How to start a throw-away object store.
#[derive(Clone, Debug)]
pub struct StoreOptions {
    /// What keeps the objects.
    pub backend: Backend,
    /// Whether a write reaches the disk before it is acknowledged. [`Backend::Fs`] knows only
    /// [`Durability::Off`], whatever is said here.
    pub durability: Durability,
    /// The folder below which the data is put; `None` chooses one on a disk.
    pub data_root: Option<PathBuf>,
    /// The port on 127.0.0.1; 0 takes a free one.
    pub port: u16,
    /// What requests are signed with; `None` makes a secret.
    pub keys: Option<Keys>,
    /// How long the store may take to be ready, the replay of its log included.
    pub start_timeout: Duration,
    /// The size at which a file of the log is closed and the next one begun, bytes.
    pub segment_bytes: u64,
    /// For tests of power loss: a file that is told of everything synced, so that the rest can be cut off.
    pub sync_notes: Option<PathBuf>,
}

impl Default for StoreOptions {
    fn default() -> Self {
        StoreOptions {
            backend: Backend::Ordered,
            durability: Durability::On,
            data_root: None,
            port: 0,
            keys: None,
            start_timeout: Duration::from_secs(60),
            segment_bytes: 64 << 20,
            sync_notes: None,
        }
    }
}

/// A running (or, after a fault, killed or paused) object store of our own. Dropping it stops the process and
/// removes its data.
#[derive(Debug)]
pub struct ObjectStore {
    // The server goes first, then its folder: fields drop in this order.
    server: Server<StoreProcess>,
    folder: RunDir,
}

/// Starts an object store and returns when it accepts requests. Blocks for some milliseconds.
///
/// # Errors
/// A port that is taken, or a process that does not come up (with its last words).
pub fn start(mut options: StoreOptions) -> Result<ObjectStore, EmbedError> {
    if options.backend == Backend::Fs {
        options.durability = Durability::Off;
    }
    let guard = Guard::of_this_process()?;
    run_dir::sweep_stale(&storage::roots(options.data_root.as_deref()));
    let folder = RunDir::create(&storage::data_root(options.data_root.as_deref()), None, &guard)?;
    let keys = match options.keys.take() {
        Some(keys) => keys,
        None => Keys { access_key: "snapbench".to_owned(), secret_key: random_secret()? },
    };
    let server = Server::start(StoreProcess {
        folder: folder.path().to_path_buf(),
        port: AtomicU16::new(options.port),
        options,
        keys,
        guard,
        line: Mutex::new(None),
    })?;
    Ok(ObjectStore { server, folder })
}

impl ObjectStore {
    /// Where it is: `http://127.0.0.1:<port>`, buckets in the path. Stays the same over restarts.
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port())
    }

    /// The port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.server.program().port.load(Ordering::Relaxed)
    }

    /// The region to sign requests for.
    pub fn region(&self) -> &str {
        api::REGION
    }

    /// The access key.
    pub fn access_key(&self) -> &str {
        &self.server.program().keys.access_key
    }

    /// The secret key.
    pub fn secret_key(&self) -> &str {
        &self.server.program().keys.secret_key
    }

    /// What keeps the objects.
    pub fn backend(&self) -> Backend {
        self.server.program().options.backend
    }

    /// What is really promised about power loss.
    pub fn durability(&self) -> Durability {
        self.server.program().options.durability
    }

    /// Whether the data lives on a memory file system, where fsync costs nothing.
    pub fn data_in_memory(&self) -> bool {
        storage::in_memory(self.folder.path())
    }

    /// The folder of the data, while the store lives.
    pub fn data_dir(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// The process's pid; `None` while it is down.
    pub fn pid(&self) -> Option<u32> {
        self.server.pid()
    }

    /// The last lines of the store's log.
    pub fn log_tail(&self, lines: usize) -> String {
        text::tail(&self.server.program().log(), lines)
    }

    /// Kills the store with SIGKILL and returns when it is gone. The data stays for [`ObjectStore::restart`].
    ///
    /// # Errors
    /// [`EmbedError::NotRunning`] when it is down already.
    pub fn kill9(&self) -> Result<(), EmbedError> {
        self.server.kill9()
    }

    /// Restarts the store on the same port. Returns when it accepts requests, with how long that took from the
    /// call.
    ///
    /// # Errors
    /// [`EmbedError::DidNotStart`] with its last words; [`EmbedError::PortInUse`] when another program has taken
    /// the port meanwhile.
    pub fn restart(&self) -> Result<Duration, EmbedError> {
        self.server.restart()
    }

    /// Stops the process in its tracks (SIGSTOP): connections stay open, nobody answers.
    ///
    /// # Errors
    /// [`EmbedError::NotRunning`] when it is down.
    pub fn pause(&self) -> Result<(), EmbedError> {
        self.server.pause()
    }

    /// Lets a paused store go on (SIGCONT). Does nothing to one that is not paused.
    ///
    /// # Errors
    /// [`EmbedError::NotRunning`] when it is down.
    pub fn resume(&self) -> Result<(), EmbedError> {
        self.server.resume()
    }

    /// Stops the store and removes its data; the same as dropping it, but said.
    pub fn stop(self) {}
}

/// 128 bits nobody can guess, as hexadecimal digits.
fn random_secret() -> Result<String, EmbedError> {
    let source = "/dev/urandom";
    let mut bytes = [0; 16];
    let read = std::fs::File::open(source).and_then(|mut file| file.read_exact(&mut bytes));
    read.map_err(EmbedError::io("read", source))?;
    Ok(text::hex(&bytes))
}
