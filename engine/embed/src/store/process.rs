//! Starting the store process.

use std::path::{Path, PathBuf};

use rustix::process::Signal;

use super::wire::Orders;
use super::{Keys, SERVER, StoreOptions};
use crate::helper::Helper;
use crate::os::server::{Program, ServerProcess};
use crate::{EmbedError, child};

/// All that is needed to start the process, the first time and again.
#[derive(Debug)]
pub(super) struct StoreProcess {
    /// The data is in `data` below its folder.
    pub(super) helper: Helper,
    pub(super) options: StoreOptions,
    pub(super) keys: Keys,
}

impl Program for StoreProcess {
    const NAME: &'static str = SERVER;
    /// What was acknowledged is where it has to be, so there is nothing to tidy up.
    const SHUT_DOWN: Signal = Signal::TERM;
    const QUIT: Signal = Signal::KILL;

    fn folder(&self) -> &Path {
        self.helper.folder()
    }

    fn start(&self) -> Result<ServerProcess, EmbedError> {
        self.helper.start(child::store_command()?, &self.orders())
    }
}

impl StoreProcess {
    pub(super) fn log(&self) -> PathBuf {
        self.helper.log()
    }

    fn orders(&self) -> Orders {
        Orders {
            dir: self.helper.folder().join("data"),
            port: self.helper.port(),
            backend: self.options.backend,
            durability: self.options.durability,
            access_key: self.keys.access_key.clone(),
            secret_key: self.keys.secret_key.clone(),
            segment_bytes: self.options.segment_bytes,
            sync_notes: self.options.sync_notes.clone(),
        }
    }
}
