//! The runtime of each thread that talks to servers: one thread, local tasks, as sessions and scripts need it.

use std::io;

use tokio::runtime::{Builder, LocalOptions, LocalRuntime};

/// A runtime for the thread that asks.
pub(crate) fn local() -> io::Result<LocalRuntime> {
    Builder::new_current_thread().enable_all().build_local(LocalOptions::default())
}
