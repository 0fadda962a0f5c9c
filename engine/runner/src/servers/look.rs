//! A first look at a server before the load: does it let us in, what is it, how is it set.

use std::{collections::BTreeMap, time::Duration};

use drivers::{
    http::{Http, HttpConfig},
    pg::{self, PgConfig, PgError, PoolMode, Postgres},
    s3::{S3Config, Store},
};
use model::outcome::Outcome;
use script::Diagnostic;

use crate::{
    error::{RunError, with_remedy},
    runtime,
};

/// What a Postgres says about itself.
#[derive(Clone, Debug, Default)]
pub(crate) struct PostgresFacts {
    /// `16.4`.
    pub(crate) version: String,
    /// Settings by name, with their units.
    pub(crate) settings: BTreeMap<String, String>,
    /// Connections that others have open; nothing when we may not know.
    pub(crate) connections_in_use: Option<u64>,
}

impl PostgresFacts {
    /// Whether what it acknowledges survives the loss of power.
    pub(crate) fn is_durable(&self) -> bool {
        let is_off = |name: &str| self.settings.get(name).is_some_and(|value| value == "off");
        !is_off("fsync") && !is_off("synchronous_commit")
    }

    /// Connections that are free for us.
    pub(crate) fn free_connections(&self) -> Option<u64> {
        let number = |name: &str| self.settings.get(name)?.parse::<u64>().ok();
        let of_others =
            ["superuser_reserved_connections", "reserved_connections"].map(|name| number(name).unwrap_or(0));
        let reserved = of_others.iter().sum::<u64>() + self.connections_in_use.unwrap_or(0);
        Some(number("max_connections")?.saturating_sub(reserved))
    }
}

/// Runs something on a runtime of its own, for at most so long.
fn now<T>(patience: Duration, work: impl Future<Output = T>) -> Result<Option<T>, RunError> {
    let runtime = runtime::local();
    let runtime = runtime.map_err(RunError::Thread)?;
    Ok(runtime.block_on(async { tokio::time::timeout(patience, work).await }).ok())
}

/// Looks at a Postgres.
pub(super) fn postgres(config: &PgConfig, patience: Duration) -> Result<PostgresFacts, RunError> {
    let options = pg::PgOptions { timeout: patience, ..pg::PgOptions::default() };
    let place = config.place().to_string();
    let look = async {
        let postgres = Postgres::new(config.clone(), PoolMode::Dedicated, options).map_err(|e| told(&e))?;
        let version = postgres.server_version().await.map_err(|e| told(&e))?;
        let session = postgres.session();
        let settings = drivers::probe::settings(config).await.map_err(|why| with_remedy(&why))?;
        let others = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()";
        let in_use = ask(&session, others).await.ok();
        let connections_in_use = in_use.and_then(|rows| u64::try_from(rows.first()?.int(0)?).ok());
        // "16.4 (Debian 16.4-1)" names the packager as well; the number is what matters.
        let version = version.split(' ').next().unwrap_or_default().to_owned();
        Ok(PostgresFacts { version, settings, connections_in_use })
    };
    match now(patience, look)? {
        Some(facts) => facts.map_err(RunError::server),
        None => Err(RunError::server(silent(&place, patience))),
    }
}

fn silent(place: &str, patience: Duration) -> Diagnostic {
    Diagnostic::usage(format!("{place} did not answer within {patience:?}"))
        .help("check that it is up and reachable")
}

fn told(error: &PgError) -> Diagnostic {
    match error {
        PgError::Connect { place, problem } => {
            Diagnostic::usage(format!("cannot connect to {place}: {problem}")).help(problem.remedy(place))
        }
        other => with_remedy(&other.to_string()),
    }
}

async fn ask(session: &pg::Session, sql: &str) -> Result<pg::Rows, Diagnostic> {
    let reply = session.run(&pg::Statement::new("preflight", sql, pg::Rule::Plain), &[]).await;
    match reply.error {
        Some(error) => Err(told(&error)),
        None => Ok(reply.rows),
    }
}

/// Looks at an object store: any answer that is one will do, the script may make the bucket itself.
pub(super) fn store(config: &S3Config, patience: Duration) -> Result<(), RunError> {
    let place = format!("the object store at {}", config.endpoint());
    let look = async {
        let store = Store::open(config).map_err(|e| with_remedy(&e.to_string()))?;
        let reply = store.bucket_exists().await;
        match reply.outcome {
            Outcome::Ok | Outcome::Empty => Ok(()),
            _ => Err(match reply.message {
                Some(message) => with_remedy(&message),
                None => Diagnostic::usage(format!("{place} does not answer as a store should")),
            }),
        }
    };
    match now(patience, look)? {
        Some(answer) => answer.map_err(RunError::server),
        None => Err(RunError::server(silent(&place, patience))),
    }
}

/// Looks at an HTTP service: whether it can be connected to. Nothing is asked: nobody knows what a request would do.
pub(super) fn http(config: &HttpConfig, patience: Duration) -> Result<(), RunError> {
    let place = config.url().unwrap_or_default();
    let look = async {
        let http = Http::open(config).map_err(|e| with_remedy(&e.to_string()))?;
        http.reach().await.map_err(|problem| with_remedy(&problem))
    };
    match now(patience, look)? {
        Some(answer) => answer.map_err(RunError::server),
        None => Err(RunError::server(silent(&place, patience))),
    }
}
