//! The servers of a run: started when they are ours, checked when they are not, and described for the run file.
//!
//! Dropping [`Servers`] stops what was started. Deliberately absent: which servers (see `prepare`), whether there is
//! enough of them (see `preflight`).

mod http;
mod look;

use std::{path::PathBuf, time::Duration};

use drivers::{
    http::HttpConfig,
    pg::PgConfig,
    probe::PgPart,
    s3::{S3Config, S3Settings},
};
use embed::{
    Durability, Wanted,
    store::{Backend, ObjectStore},
};
use model::runfile::Server;
use script::{Diagnostic, StoreWiring};

pub(crate) use look::PostgresFacts;

use crate::{
    error::{RunError, with_remedy},
    preflight::{Needs, SERVICE_CONNECTIONS},
    prepare::Prepared,
    targets::PostgresAt,
    wanted::{WantedPostgres, WantedStore},
};

/// How long a first look at a server may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Servers that answer.
pub(crate) struct Servers {
    /// Ours; dropping them stops them.
    pub(crate) embedded: embed::Servers,
    /// Where Postgres is.
    pub(crate) postgres: Option<PgConfig>,
    /// What it says about itself.
    pub(crate) postgres_facts: Option<PostgresFacts>,
    /// Where the object stores are.
    pub(crate) stores: Vec<StoreWiring>,
    /// How HTTP services are talked to.
    pub(crate) http: Option<HttpConfig>,
    /// For the run file.
    pub(crate) records: Vec<Server>,
}

/// Starts what is ours (in parallel) and looks at everything the run needs.
///
/// # Errors
/// A server that does not start, cannot be reached, or refuses us.
pub(crate) fn start(prepared: &Prepared, needs: &Needs) -> Result<Servers, RunError> {
    let embedded = embed::start(wanted(prepared, needs))?;
    let mut servers = Servers {
        embedded,
        postgres: None,
        postgres_facts: None,
        stores: Vec::new(),
        http: None,
        records: Vec::new(),
    };
    if let Some(wanted) = &prepared.postgres {
        servers.open_postgres(prepared, wanted)?;
    }
    for wanted in &prepared.stores {
        servers.open_store(wanted)?;
    }
    if let Some(wanted) = &prepared.http {
        servers.open_http(prepared, wanted)?;
    }
    Ok(servers)
}

fn wanted(prepared: &Prepared, needs: &Needs) -> Wanted {
    let durability = |durable: bool| if durable { Durability::On } else { Durability::Off };
    let postgres = prepared.postgres.as_ref().filter(|wanted| matches!(wanted.at, PostgresAt::Embedded));
    let options = &prepared.options;
    Wanted {
        postgres: postgres.map(|wanted| embed::postgres::PgOptions {
            version: options.postgres.version,
            durability: durability(wanted.durable.value),
            settings: server_settings(options),
            max_connections: needs.embedded_connections(),
            ..Default::default()
        }),
        stores: embedded_backends(prepared)
            .into_iter()
            .map(|backend| embed::store::StoreOptions {
                backend,
                durability: durability(prepared.stores.iter().all(|wanted| wanted.durable.value)),
                ..Default::default()
            })
            .collect(),
        service: prepared.starts_service().then(|| embed::service::ServiceOptions {
            connections: SERVICE_CONNECTIONS,
            ..Default::default()
        }),
    }
}

/// The embedded stores to start. Two names of one target mean one server.
fn embedded_backends(prepared: &Prepared) -> Vec<Backend> {
    let mut backends = Vec::new();
    for wanted in prepared.stores.iter().filter(|wanted| wanted.is_embedded) {
        if !backends.contains(&wanted.backend) {
            backends.push(wanted.backend);
        }
    }
    backends
}

/// The script's settings of an embedded Postgres, and what its probes need on top.
fn server_settings(options: &script::Options) -> Vec<(String, String)> {
    const PRELOADED: &str = "shared_preload_libraries";
    let mut settings = options.postgres.settings.clone();
    let asked = options.probes.postgres.iter().any(|(part, _)| *part == PgPart::Statements);
    if asked && !settings.iter().any(|(name, _)| name == PRELOADED) {
        settings.push((PRELOADED.to_owned(), "pg_stat_statements".to_owned()));
    }
    settings
}

impl Servers {
    /// Names of the servers that this run started.
    pub(crate) fn embedded_names(&self) -> Vec<&'static str> {
        let postgres = self.embedded.postgres.as_ref().map(|_| "postgres");
        let is_only = self.embedded.stores.len() == 1;
        let store = |server: &ObjectStore| match server.backend() {
            _ if is_only => "store",
            Backend::Ordered => "store (ordered)",
            Backend::Fs => "store (fs)",
            Backend::Noop => "store (noop)",
        };
        let service = self.embedded.service.as_ref().map(|_| "service");
        postgres.into_iter().chain(service).chain(self.embedded.stores.iter().map(store)).collect()
    }

    /// Where an embedded store keeps its data, to look at the room there.
    pub(crate) fn data_dir(&self) -> Option<PathBuf> {
        self.embedded.stores.first().map(embed::store::ObjectStore::data_dir)
    }

    /// Stops what was started and removes its data. It takes a moment, so it is said and not left to a drop.
    pub(crate) fn stop(self) {}

    fn open_postgres(&mut self, prepared: &Prepared, wanted: &WantedPostgres) -> Result<(), RunError> {
        let (config, embedded) = match (&wanted.at, &self.embedded.postgres) {
            (PostgresAt::External { config, .. }, _) => (config.as_ref().clone(), None),
            (_, Some(server)) => (embedded_config(&server.url())?, Some(server)),
            _ => return Ok(()),
        };
        let facts = look::postgres(&config, PATIENCE)?;
        let mut record = Server {
            name: "postgres".to_owned(),
            kind: "PostgreSQL".to_owned(),
            version: facts.version.clone(),
            endpoint: config.place().to_string(),
            embedded: embedded.is_some(),
            durability: Some(if facts.is_durable() { "on" } else { "off" }.to_owned()),
            representative: prepared.target.representative.value,
            client: client_of(prepared.options.postgres.pool).to_owned(),
            pool_mode: Some(in_words(prepared.options.postgres.pool)),
            settings: facts.settings.clone(),
        };
        if embedded.is_some_and(embed::postgres::Postgres::data_in_memory) {
            record.settings.insert("data".to_owned(), "in memory".to_owned());
        }
        self.records.push(record);
        (self.postgres, self.postgres_facts) = (Some(config), Some(facts));
        Ok(())
    }

    fn open_store(&mut self, wanted: &WantedStore) -> Result<(), RunError> {
        let mut config = wanted.config.clone();
        let mut record = Server {
            name: wanted.name.clone().unwrap_or_else(|| "s3".to_owned()),
            kind: "S3-compatible object store".to_owned(),
            embedded: wanted.is_embedded,
            representative: wanted.representative,
            client: config.client().to_string(),
            ..Server::default()
        };
        let ours = |server: &&ObjectStore| wanted.is_embedded && server.backend() == wanted.backend;
        if let Some(server) = self.embedded.stores.iter().find(ours) {
            config = embedded_store_config(wanted, server)?;
            record.kind = format!("snapbench store ({})", server.backend().as_str());
            record.version = env!("CARGO_PKG_VERSION").to_owned();
            let durability = if server.durability() == Durability::On { "on" } else { "off" };
            record.durability = Some(durability.to_owned());
            if server.data_in_memory() {
                record.settings.insert("data".to_owned(), "in memory".to_owned());
            }
        }
        look::store(&config, PATIENCE)?;
        record.endpoint = config.endpoint().to_string();
        record.settings.insert("bucket".to_owned(), config.bucket().to_owned());
        record.settings.insert("region".to_owned(), config.region().to_owned());
        self.records.push(record);
        let keeps_ledger = wanted.keeps_ledger;
        self.stores.push(StoreWiring { name: wanted.name.clone(), config, keeps_ledger });
        Ok(())
    }
}

/// The settings of a store of our own, now that it runs.
fn embedded_store_config(wanted: &WantedStore, server: &ObjectStore) -> Result<S3Config, RunError> {
    let words = embedded_words(&wanted.settings.words, server);
    words.check().map_err(|error| RunError::server(with_remedy(&error.to_string())))
}

/// The same as words: where it is and its keys, and what was said beside.
pub(crate) fn embedded_words(said: &S3Settings, server: &ObjectStore) -> S3Settings {
    let mut words = said.clone();
    words.endpoint = Some(server.endpoint());
    words.region = words.region.or_else(|| Some(server.region().to_owned()));
    words.access_key = Some(server.access_key().to_owned());
    words.secret_key = Some(server.secret_key().to_owned());
    words
}

/// The connection of a server of our own: whatever the environment says about others must not change it.
fn embedded_config(url: &str) -> Result<PgConfig, RunError> {
    let parsed = PgConfig::parse(url, &|_| None);
    parsed.map_err(|error| RunError::server(Diagnostic::usage(format!("the embedded Postgres: {error}"))))
}

fn client_of(mode: drivers::pg::PoolMode) -> &'static str {
    match mode {
        drivers::pg::PoolMode::Pooled { .. } => "tokio-postgres",
        _ => "lean",
    }
}

fn in_words(mode: drivers::pg::PoolMode) -> String {
    match mode {
        drivers::pg::PoolMode::Dedicated => "dedicated (a connection for each virtual user)".to_owned(),
        drivers::pg::PoolMode::Pipelined { connections } => {
            format!("pipelined over {connections} connections")
        }
        drivers::pg::PoolMode::Pooled { size } => format!("pooled, {size} connections"),
    }
}
