//! A throw-away server for a test, and the three modes to reach it by.

use std::path::Path;
use std::process::Command;
use std::sync::Once;
use std::time::Duration;

use drivers::Value;
use drivers::pg::{PgConfig, PgOptions, PoolMode, Postgres, Reply, Rule, Session, Statement};

/// Each test goes through all of them.
pub(crate) const MODES: [PoolMode; 3] =
    [PoolMode::Dedicated, PoolMode::Pipelined { connections: 2 }, PoolMode::Pooled { size: 2 }];

pub(crate) struct Server(pub(crate) embed::postgres::Postgres);

impl Server {
    pub(crate) fn start() -> Server {
        Server::start_with(&[], None)
    }

    pub(crate) fn start_with(settings: &[(&str, &str)], tcp: Option<embed::postgres::TcpAccess>) -> Server {
        build_guard_program();
        let settings =
            settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let options = embed::postgres::PgOptions {
            durability: embed::Durability::Off,
            settings,
            max_connections: 40,
            tcp,
            ..Default::default()
        };
        Server(embed::postgres::start(options).expect("a Postgres can be started"))
    }

    pub(crate) fn embedded(&self) -> &embed::postgres::Postgres {
        &self.0
    }

    pub(crate) fn config(&self) -> PgConfig {
        PgConfig::parse(&self.0.url(), &|_| None).expect("the server's own URL is good")
    }

    pub(crate) fn open(&self, mode: PoolMode) -> Postgres {
        self.open_with(mode, Duration::from_secs(30))
    }

    pub(crate) fn open_with(&self, mode: PoolMode, timeout: Duration) -> Postgres {
        Postgres::new(self.config(), mode, PgOptions { timeout, ..PgOptions::default() })
            .expect("no TLS, nothing to fail")
    }

    /// By another URL than the server's own.
    pub(crate) fn open_at(&self, url: &str, mode: PoolMode) -> Postgres {
        let config = PgConfig::parse(url, &|_| None).expect("the test's URL is good");
        Postgres::new(config, mode, PgOptions::default()).expect("no TLS, nothing to fail")
    }

    /// Runs a test once in each mode, each with a session that is at hand for set-up.
    pub(crate) fn in_all_modes(&self, test: impl AsyncFn(Postgres, Session)) {
        for mode in MODES {
            eprintln!("mode: {}", mode.name());
            run(async {
                let postgres = self.open(mode);
                let session = postgres.session();
                test(postgres, session).await;
            });
        }
    }
}

/// The servers' guard is a program of its own, which a test run of this crate alone does not build.
pub(crate) fn build_guard_program() {
    static BUILT: Once = Once::new();
    BUILT.call_once(|| {
        let test = std::env::current_exe().expect("a test knows its program");
        let profile = test.parent().and_then(Path::parent).expect("tests lie in a profile's deps");
        if profile.join("snapbench-child").exists() {
            return;
        }
        let target = profile.parent().expect("profiles lie in the target folder");
        let status = Command::new(env!("CARGO"))
            .args(["build", "--quiet", "--package", "snapbench-embed", "--bin", "snapbench-child"])
            .env("CARGO_TARGET_DIR", target)
            .status()
            .expect("cargo runs");
        assert!(status.success(), "the guard program builds");
    });
}

/// Runs a future as the load engine does: one thread, local tasks.
pub(crate) fn run<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build_local(Default::default())
        .expect("a runtime");
    runtime.block_on(future)
}

pub(crate) fn plain(sql: &str) -> Statement {
    Statement::new("test", sql, Rule::Plain)
}

/// Runs SQL that must work and gives its reply.
pub(crate) async fn ask(session: &Session, sql: &str, params: &[Value]) -> Reply {
    let reply = session.run(&plain(sql), params).await;
    assert!(reply.is_ok(), "{sql}: {:?} {}", reply.outcome, why(&reply));
    reply
}

/// The first column of the first row.
pub(crate) async fn ask_one(session: &Session, sql: &str, params: &[Value]) -> Value {
    let reply = ask(session, sql, params).await;
    let row = reply.rows.first().unwrap_or_else(|| panic!("{sql}: no row"));
    row.value(0).unwrap_or_else(|error| panic!("{sql}: {error}"))
}

/// Runs a batch that must work.
pub(crate) async fn batch(session: &Session, sql: &str) {
    let reply = session.batch(sql).await;
    assert!(reply.is_ok(), "{sql}: {:?} {}", reply.outcome, why(&reply));
}

/// The error's text, or nothing.
pub(crate) fn why(reply: &Reply) -> String {
    reply.error.as_ref().map(ToString::to_string).unwrap_or_default()
}
