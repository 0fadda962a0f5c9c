//! All servers at once, in the time of the slower one.

use crate::EmbedError;
use crate::postgres::{self, PgOptions, Postgres};
use crate::service::{self, Service, ServiceOptions};
use crate::store::{self, ObjectStore, StoreOptions};

/// Which servers to start.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// A Postgres, or none.
    pub postgres: Option<PgOptions>,
    /// Object stores, as many as are wanted.
    pub stores: Vec<StoreOptions>,
    /// The queue service, or none. When a Postgres is wanted too, the service is put before that one.
    pub service: Option<ServiceOptions>,
}

/// The servers that were started. Dropping them stops them and removes their data.
#[derive(Debug)]
pub struct Servers {
    // The service goes before the Postgres that it asks: fields drop in this order.
    /// There when it was wanted.
    pub service: Option<Service>,
    /// There when it was wanted.
    pub postgres: Option<Postgres>,
    /// Those that were wanted, in the same order.
    pub stores: Vec<ObjectStore>,
}

/// Starts all that is wanted, in parallel but for the service, which needs its Postgres; returns when each answers. Blocks.
///
/// # Errors
/// The first one's that failed; the others are stopped again.
pub fn start(wanted: Wanted) -> Result<Servers, EmbedError> {
    let Wanted { postgres, stores, service } = wanted;
    std::thread::scope(|scope| {
        let stores = scope.spawn(|| stores.into_iter().map(store::start).collect::<Result<Vec<_>, _>>());
        let asked = asked_and_asking(postgres, service);
        let stores = stores.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        let (postgres, service) = asked?;
        Ok(Servers { service, postgres, stores: stores? })
    })
}

/// Postgres, then the service in front of it, which finds it at its socket.
fn asked_and_asking(
    postgres: Option<PgOptions>,
    service: Option<ServiceOptions>,
) -> Result<(Option<Postgres>, Option<Service>), EmbedError> {
    let postgres = postgres.map(postgres::start).transpose()?;
    let with_url = |options: ServiceOptions| match &postgres {
        Some(postgres) => ServiceOptions { postgres_url: postgres.url(), ..options },
        None => options,
    };
    let service = service.map(|options| service::start(with_url(options))).transpose()?;
    Ok((postgres, service))
}
