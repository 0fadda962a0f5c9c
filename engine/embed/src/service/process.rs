//! Starting the service process.

use std::path::{Path, PathBuf};

use rustix::process::Signal;

use super::wire::Orders;
use super::{SERVER, ServiceOptions};
use crate::helper::Helper;
use crate::os::server::{Program, ServerProcess};
use crate::{EmbedError, child};

/// All that is needed to start the process, the first time and again.
#[derive(Debug)]
pub(super) struct ServiceProcess {
    pub(super) helper: Helper,
    pub(super) options: ServiceOptions,
}

impl Program for ServiceProcess {
    const NAME: &'static str = SERVER;
    /// What is being answered is answered first.
    const SHUT_DOWN: Signal = Signal::TERM;
    /// Whoever asks now asks in vain: all is about to be removed.
    const QUIT: Signal = Signal::KILL;

    fn folder(&self) -> &Path {
        self.helper.folder()
    }

    fn start(&self) -> Result<ServerProcess, EmbedError> {
        let orders = Orders {
            postgres_url: self.options.postgres_url.clone(),
            port: self.helper.port(),
            connections: self.options.connections,
            patience: self.options.patience,
        };
        self.helper.start(child::service_command()?, &orders)
    }
}

impl ServiceProcess {
    pub(super) fn log(&self) -> PathBuf {
        self.helper.log()
    }
}
