//! All servers at once, in the time of the slower one.

use crate::EmbedError;
use crate::postgres::{self, PgOptions, Postgres};
use crate::store::{self, ObjectStore, StoreOptions};

/// Which servers to start.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// A Postgres, or none.
    pub postgres: Option<PgOptions>,
    /// Object stores, as many as are wanted.
    pub stores: Vec<StoreOptions>,
}

/// The servers that were started. Dropping them stops them and removes their data.
#[derive(Debug)]
pub struct Servers {
    /// There when it was wanted.
    pub postgres: Option<Postgres>,
    /// Those that were wanted, in the same order.
    pub stores: Vec<ObjectStore>,
}

/// Starts all that is wanted, in parallel, and returns when each answers. Blocks.
///
/// # Errors
/// The first one's that failed; the others are stopped again.
pub fn start(wanted: Wanted) -> Result<Servers, EmbedError> {
    let Wanted { postgres, stores } = wanted;
    std::thread::scope(|scope| {
        let stores = scope.spawn(|| stores.into_iter().map(store::start).collect::<Result<Vec<_>, _>>());
        let postgres = postgres.map(postgres::start).transpose();
        let stores = stores.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        Ok(Servers { postgres: postgres?, stores: stores? })
    })
}
