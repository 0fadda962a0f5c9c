//! A Postgres of its own for each test, and the service in front of it.

use std::net::SocketAddr;
use std::process::Command;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use embed::postgres::{PgOptions, Postgres};
use queue_api::Config;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::client::{Answer, request, send};

/// The service, on a thread of its own.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Running {
    pub(crate) fn start(config: Config) -> Running {
        let (stop, stopped) = oneshot::channel();
        let (tell, told) = std::sync::mpsc::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let service = queue_api::open(&config).await.expect("the service opens");
                let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
                tell.send(listener.local_addr().unwrap()).unwrap();
                let until = async move { stopped.await.unwrap_or_default() };
                service.serve(listener, until).await.expect("it serves to its end");
            });
        });
        let address = told.recv().expect("the service opens");
        Running { address, stop: Some(stop), thread: Some(thread) }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Without a receiver it has ended already.
        let _ = self.stop.take().map(|stop| stop.send(()));
        let ended = self.thread.take().map(JoinHandle::join);
        assert!(std::thread::panicking() || ended.is_some_and(|ended| ended.is_ok()));
    }
}

/// Both. The service goes first.
pub(crate) struct World {
    pub(crate) service: Running,
    pub(crate) postgres: Postgres,
}

impl World {
    pub(crate) fn new() -> World {
        World::with(|config| config)
    }

    /// In front of a Postgres that keeps what it has acknowledged.
    pub(crate) fn durable() -> World {
        let postgres = postgres_with(embed::Durability::On);
        World { service: Running::start(config_for(&postgres)), postgres }
    }

    pub(crate) fn with(adjust: impl FnOnce(Config) -> Config) -> World {
        let postgres = postgres();
        let service = Running::start(adjust(config_for(&postgres)));
        World { service, postgres }
    }

    /// Sends JSON, as a client does that knows what it says.
    pub(crate) fn ask(&self, method: &str, path: &str, body: &Value) -> Answer {
        self.ask_with(method, path, body.to_string().as_bytes())
    }

    /// Sends bytes that are said to be JSON.
    pub(crate) fn ask_with(&self, method: &str, path: &str, body: &[u8]) -> Answer {
        send(self.service.address, &request(method, path, Some("application/json"), body))
    }

    /// Sends no body.
    pub(crate) fn get(&self, path: &str) -> Answer {
        send(self.service.address, &request("GET", path, None, b""))
    }

    pub(crate) fn psql(&self, sql: &str) -> String {
        psql(&self.postgres, sql)
    }

    /// What could be taken now and what waits.
    pub(crate) fn depth(&self, queue: &str) -> (u64, u64) {
        let depth = self.get(&format!("/v1/queues/{queue}")).expect(200);
        (depth["ready"].as_u64().unwrap(), depth["waiting"].as_u64().unwrap())
    }
}

pub(crate) fn postgres() -> Postgres {
    postgres_with(embed::Durability::Off)
}

/// Without vacuum: it comes when it likes, and reads indexes.
fn postgres_with(durability: embed::Durability) -> Postgres {
    let settings = vec![("autovacuum".to_owned(), "off".to_owned())];
    embed::postgres::start(PgOptions { durability, settings, ..PgOptions::default() }).expect("it starts")
}

/// Runs one statement past the service, and returns what psql prints.
pub(crate) fn psql(postgres: &Postgres, sql: &str) -> String {
    let args = [&postgres.url(), "-XAqtc", sql];
    let output = Command::new("psql").args(args).output().expect("psql is installed");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

pub(crate) fn config_for(postgres: &Postgres) -> Config {
    Config { postgres_url: postgres.url(), ..Config::default() }
}

/// Waits until something holds; fails the test when it does not within a time that no healthy machine needs.
pub(crate) fn eventually(what: &str, holds: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !holds() {
        assert!(Instant::now() < deadline, "after 30 s still not: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// A field of every element.
pub(crate) fn all(items: &Value, field: &str) -> Vec<i64> {
    let items = items.as_array().expect("a list");
    items.iter().map(|item| item[field].as_i64().expect("a number")).collect()
}
