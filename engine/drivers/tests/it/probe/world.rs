//! A database of its own for a story, and what stories do with probes.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};

use drivers::pg::{PgConfig, PoolMode, Postgres, Session};
use drivers::probe::{Harvest, PgPart, PgPlan, PgProbe};

use crate::pg::server::{self, Server, ask, batch, run};

/// Stories that leave the server alone share one.
static SHARED: LazyLock<Server> = LazyLock::new(|| start(None, &[]));
static NEXT: AtomicU32 = AtomicU32::new(0);

/// A server of a major version (the newest on this machine for none) on which vacuum comes at once.
pub(crate) fn start(version: Option<u32>, settings: &[(&str, &str)]) -> Server {
    server::build_guard_program();
    let ours = [("autovacuum_naptime", "1s"), ("max_prepared_transactions", "5")];
    let settings = ours.iter().chain(settings).map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let options = embed::postgres::PgOptions {
        version,
        durability: embed::Durability::Off,
        settings: settings.collect(),
        max_connections: 60,
        ..Default::default()
    };
    Server(embed::postgres::start(options).expect("a Postgres can be started"))
}

/// Tells a story in a database of its own on the shared server.
pub(crate) fn shared(story: fn(&World<'_>)) {
    story(&World::on(&SHARED));
}

/// Tells one on a server of its own.
pub(crate) fn alone(story: fn(&World<'_>)) {
    story(&World::on(&start(None, &[])));
}

/// A database on a server.
pub(crate) struct World<'a> {
    pub(crate) server: &'a Server,
    pub(crate) database: String,
}

impl World<'_> {
    pub(crate) fn on(server: &Server) -> World<'_> {
        let database = format!("story_{}", NEXT.fetch_add(1, Ordering::Relaxed));
        run(async {
            let session = server.open(PoolMode::Dedicated).session();
            ask(&session, &format!("CREATE DATABASE {database}"), &[]).await;
        });
        World { server, database }
    }

    pub(crate) fn config(&self) -> PgConfig {
        self.server.config().with_dbname(&self.database)
    }

    /// A role that may do nothing but what it is given, made at first use.
    pub(crate) async fn config_of(&self, role: &str) -> PgConfig {
        let sql = format!(
            "DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}') \
             THEN CREATE ROLE {role} LOGIN; END IF; END $$"
        );
        batch(&self.session(), &sql).await;
        let url = self.server.embedded().url().replacen("//postgres@", &format!("//{role}@"), 1);
        let config = PgConfig::parse(&url, &|_| None).expect("the server's URL is good for any role");
        config.with_dbname(&self.database)
    }

    pub(crate) fn session(&self) -> Session {
        self.session_as(&self.config())
    }

    pub(crate) fn session_as(&self, config: &PgConfig) -> Session {
        let postgres = Postgres::new(config.clone(), PoolMode::Dedicated, Default::default());
        postgres.expect("no TLS, nothing to fail").session()
    }

    pub(crate) fn probe(&self, part: PgPart, tables: &[&str]) -> PgProbe {
        PgProbe::new(self.config(), part, plan(tables))
    }
}

pub(crate) fn plan(tables: &[&str]) -> PgPlan {
    PgPlan { tables: tables.iter().map(|table| (*table).to_owned()).collect(), ..PgPlan::default() }
}

/// Hands over what the session has counted, which it would do some time later.
pub(crate) async fn flush_counts(session: &Session) {
    ask(session, "SELECT pg_stat_force_next_flush()", &[]).await;
}

/// A number that SQL gives.
pub(crate) async fn number(session: &Session, sql: &str) -> f64 {
    let cast = format!("SELECT ({sql})::float8");
    match server::ask_one(session, &cast, &[]).await {
        drivers::Value::Float(value) => value,
        other => panic!("{sql}: {other:?}"),
    }
}

/// A look that must go well and lack nothing.
pub(crate) async fn look(probe: &mut PgProbe) -> Harvest {
    let harvest = probe.sample().await;
    assert_eq!(harvest.failure, None);
    assert_eq!(harvest.lacks, Vec::<String>::new());
    harvest
}

pub(crate) fn value(harvest: &Harvest, series: &str) -> Option<f64> {
    let mut found = harvest.samples.iter().filter(|sample| sample.series == series);
    let value = found.next().map(|sample| sample.value);
    assert!(found.next().is_none(), "{series} was sampled twice");
    value
}

pub(crate) fn expect(harvest: &Harvest, series: &str) -> f64 {
    value(harvest, series).unwrap_or_else(|| panic!("{series} is missing in {harvest:?}"))
}

/// Looks again and again until there is what the story waits for.
pub(crate) async fn look_until(probe: &mut PgProbe, mut is_there: impl FnMut(&Harvest) -> bool) -> Harvest {
    let patience = std::time::Instant::now() + std::time::Duration::from_secs(60);
    loop {
        let harvest = probe.sample().await;
        if is_there(&harvest) {
            return harvest;
        }
        assert!(std::time::Instant::now() < patience, "it did not come: {harvest:?}");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

/// The one text with a part in it.
pub(crate) fn the<'a>(texts: &'a [String], part: &str) -> &'a str {
    let mut found = texts.iter().filter(|text| text.contains(part));
    let text = found.next().unwrap_or_else(|| panic!("none of {texts:?} has {part:?}"));
    assert!(found.next().is_none(), "two of {texts:?} have {part:?}");
    text
}
