//! A throw-away object store that speaks S3: this program itself, started again as a server.
//!
//! Three backends: our own ordered store, whose LIST costs a page and whose PUT is one append; `s3s-fs`, which keeps a
//! file for each object, for comparison; and one that keeps nothing, to see what a client can reach at most.

mod api;
mod noop;
mod ordered;
mod process;
mod serve;
mod wire;

use std::path::PathBuf;
use std::time::Duration;

use crate::guard::Guard;
use crate::helper::Helper;
use crate::os::run_dir::{self, RunDir};
use crate::os::server::Server;
use crate::os::{random, storage};
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
    /// Keeps nothing: it counts what it is given and answers at once. What a client reaches against it is the client's own
    /// ceiling.
    Noop,
}

impl Backend {
    /// The name as options and reports write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Backend::Ordered => "ordered",
            Backend::Fs => "fs",
            Backend::Noop => "noop",
        }
    }
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
    /// Whether a write reaches the disk before it is acknowledged. Backends other than [`Backend::Ordered`] know only
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
    if options.backend != Backend::Ordered {
        options.durability = Durability::Off;
    }
    let guard = Guard::of_this_process()?;
    run_dir::sweep_stale(&storage::roots(options.data_root.as_deref()));
    let folder = RunDir::create(&storage::data_root(options.data_root.as_deref()), None, &guard)?;
    let keys = match options.keys.take() {
        Some(keys) => keys,
        None => Keys { access_key: "snapbench".to_owned(), secret_key: random::hex_128()? },
    };
    let place = (folder.path(), "store.log");
    let helper = Helper::new(SERVER, place, options.port, options.start_timeout, guard);
    let server = Server::start(StoreProcess { helper, options, keys })?;
    Ok(ObjectStore { server, folder })
}

impl ObjectStore {
    /// Where it is: `http://127.0.0.1:<port>`, buckets in the path. Stays the same over restarts.
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port())
    }

    /// The port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.server.program().helper.port()
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
}

crate::faults::faults!(ObjectStore, "store");
