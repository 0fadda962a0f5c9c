//! Both servers at once, in the time of the slower one.

use crate::EmbedError;
use crate::postgres::{self, PgOptions, Postgres};
use crate::store::{self, ObjectStore, StoreOptions};

/// Which servers to start.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// A Postgres, or none.
    pub postgres: Option<PgOptions>,
    /// An object store, or none.
    pub store: Option<StoreOptions>,
}

/// The servers that were started. Dropping them stops them and removes their data.
#[derive(Debug)]
pub struct Servers {
    /// There when it was wanted.
    pub postgres: Option<Postgres>,
    /// There when it was wanted.
    pub store: Option<ObjectStore>,
}

/// Starts all that is wanted, in parallel, and returns when each answers. Blocks.
///
/// # Errors
/// The first one's that failed; the other is stopped again.
pub fn start(wanted: Wanted) -> Result<Servers, EmbedError> {
    let Wanted { postgres, store } = wanted;
    std::thread::scope(|scope| {
        let store = scope.spawn(|| store.map(store::start).transpose());
        let postgres = postgres.map(postgres::start).transpose();
        let store = store.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        Ok(Servers { postgres: postgres?, store: store? })
    })
}
