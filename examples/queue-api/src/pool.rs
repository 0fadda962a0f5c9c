//! Connections to Postgres: how they are set, shared, given up and opened again.
//!
//! A connection that broke is found when it is next asked for, and replaced by a new one: nothing else is needed to
//! survive a restart of Postgres. What was being asked when it broke is answered with 504, and never asked again from
//! here: only the client knows whether asking twice is harmless.
//!
//! Deliberately absent: TLS.

use std::future::Future;
use std::str::FromStr;
use std::time::Duration;

use deadpool_postgres::{Manager, ManagerConfig, Object, Pool, RecyclingMethod, Runtime};
use tokio_postgres::types::ToSql;
use tokio_postgres::{NoTls, Row};

use crate::error::{ApiError, Outcome};
use crate::{Config, OpenError};

/// A queue's table goes from empty to 100,000 rows and back within minutes, and statistics come too late for that: a plan
/// made for an empty table reads all of a full one. Every statement of `queue` is a walk along an index, so the planner
/// is left no other way, and plans each statement once a connection.
const PLANS: &str =
    "-c plan_cache_mode=force_generic_plan -c enable_seqscan=off -c enable_bitmapscan=off -c jit=off";

/// What Postgres gets on top of its own limit before it is held to be gone: it says so itself if it can.
const MARGIN: Duration = Duration::from_millis(500);

/// The pool. Copies share it.
#[derive(Clone, Debug)]
pub(crate) struct Connections {
    pool: Pool,
    patience: Duration,
}

impl Connections {
    /// Opens none yet.
    ///
    /// # Errors
    /// A URL that cannot be read or names no host.
    pub(crate) fn new(config: &Config) -> Result<Connections, OpenError> {
        let postgres = in_detail(config).map_err(|reason| OpenError::Url { reason })?;
        let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let pool = Pool::builder(Manager::from_config(postgres, NoTls, recycling))
            .max_size(config.connections.max(1))
            .wait_timeout(Some(config.patience))
            .create_timeout(Some(config.patience))
            .runtime(Runtime::Tokio1)
            .build()
            .expect("a pool with time limits was given a runtime");
        Ok(Connections { pool, patience: config.patience })
    }

    /// Runs one statement, prepared once a connection.
    ///
    /// # Errors
    /// [`ApiError::Unavailable`] when there is no answer in time; [`ApiError::Refused`] when Postgres will not do it.
    pub(crate) async fn query(
        &self,
        statement: &str,
        params: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, ApiError> {
        let client = self.client().await?;
        let rows = async {
            let prepared = client.prepare_cached(statement).await.map_err(ApiError::before)?;
            client.query(&prepared, params).await.map_err(ApiError::during)
        };
        match self.in_time(rows).await {
            Some(result) => result,
            None => Err(given_up(client)),
        }
    }

    /// Runs a script without parameters, for the tables.
    ///
    /// # Errors
    /// As [`Connections::query`].
    pub(crate) async fn batch(&self, script: &str) -> Result<(), ApiError> {
        let client = self.client().await?;
        match self.in_time(client.batch_execute(script)).await {
            Some(Ok(())) => Ok(()),
            // It may stand inside of a transaction that failed.
            Some(Err(error)) => {
                drop(Object::take(client));
                Err(ApiError::during(error))
            }
            None => Err(given_up(client)),
        }
    }

    async fn client(&self) -> Result<Object, ApiError> {
        self.pool.get().await.map_err(|error| ApiError::no_connection(error, self.pool.status().max_size))
    }

    async fn in_time<T>(&self, answer: impl Future<Output = T>) -> Option<T> {
        tokio::time::timeout(self.patience + MARGIN, answer).await.ok()
    }
}

/// A Postgres that answers nothing, not even that time is up, stands still or is cut off. The connection is closed and
/// not given back, since the next one would wait behind the same statement.
fn given_up(client: Object) -> ApiError {
    drop(Object::take(client));
    ApiError::Unavailable { reason: "Postgres does not answer".to_owned(), outcome: Outcome::Unknown }
}

/// The connection string as tokio-postgres reads it, with our settings beside those it brings.
fn in_detail(config: &Config) -> Result<tokio_postgres::Config, String> {
    let read = tokio_postgres::Config::from_str(&config.postgres_url);
    let mut postgres = read.map_err(|error| crate::error::in_words(&error))?;
    if postgres.get_hosts().is_empty() && postgres.get_hostaddrs().is_empty() {
        return Err("it names no host".to_owned());
    }
    let theirs = postgres.get_options().map(|options| format!("{options} ")).unwrap_or_default();
    let limit_ms = config.patience.as_millis();
    postgres.options(format!("{theirs}{PLANS} -c statement_timeout={limit_ms}"));
    postgres.connect_timeout(config.patience);
    if postgres.get_application_name().is_none() {
        postgres.application_name("queue-api");
    }
    Ok(postgres)
}
