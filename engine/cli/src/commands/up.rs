//! `up`: the embedded servers, until somebody has had enough.

use std::thread;

use clap::{Args, ValueEnum};
use embed::{
    Durability, Servers, Wanted,
    postgres::TcpAccess,
    service::ServiceOptions,
    store::{Backend, StoreOptions},
};
use runner::{ExitCode, Interrupts, Urgency};
use script::Diagnostic;

use super::{Door, usage};
use crate::{
    args::{Switch, Words},
    complain::complain,
    out, progress, signals,
};

/// The port that a server gets when nobody names one: any free one.
const ANY_PORT: u16 = 0;

/// Keep the embedded servers running and print how to reach them
///
/// Starts a throw-away Postgres and a throw-away object store (and the queue service in front of that Postgres, when it is
/// asked for), prints how to connect, and waits for Ctrl-C; then all are gone with everything in them.
#[derive(Args, Debug)]
#[command(
    allow_negative_numbers = true,
    after_long_help = "\
Example:
  snapbench up --store-port 9000
  snapbench up --service --service-port 8080"
)]
pub(crate) struct UpArgs {
    /// Port of Postgres on 127.0.0.1 [default: any free one]
    #[arg(long, value_name = "PORT")]
    postgres_port: Option<String>,

    /// Port of the object store on 127.0.0.1 [default: any free one]
    #[arg(long, value_name = "PORT")]
    store_port: Option<String>,

    /// Major version of Postgres [default: the newest there is]
    #[arg(long, value_name = "N")]
    postgres_version: Option<String>,

    /// What keeps the objects, as the option `store: #{ backend: … }` of scripts
    #[arg(long, value_name = "BACKEND", default_value = "ordered")]
    store_backend: StoreBackend,

    /// Whether the servers sync to disk before they acknowledge; backends other than `ordered` never do
    #[arg(long, value_name = "SWITCH", default_value = "on")]
    durability: Switch,

    /// Start the queue service too: a priority queue over that Postgres, in JSON over HTTP
    #[arg(long)]
    service: bool,

    /// Port of the queue service on 127.0.0.1 [default: any free one]
    #[arg(long, value_name = "PORT", requires = "service")]
    service_port: Option<String>,

    /// Print how to connect as JSON
    #[arg(long)]
    json: bool,
}

/// What an object store can be kept in.
#[derive(ValueEnum, Debug, Clone, Copy)]
enum StoreBackend {
    /// An index in memory over a log on disk: what was acknowledged survives power loss
    Ordered,
    /// A file for each object (s3s-fs): never syncs, reads the whole bucket for each page of a LIST
    Fs,
    /// Keeps nothing and answers at once: what a client reaches against it is its own ceiling
    Noop,
}

impl From<StoreBackend> for Backend {
    fn from(word: StoreBackend) -> Backend {
        match word {
            StoreBackend::Ordered => Backend::Ordered,
            StoreBackend::Fs => Backend::Fs,
            StoreBackend::Noop => Backend::Noop,
        }
    }
}

impl UpArgs {
    fn meaning(&self) -> Result<Wanted, Vec<Diagnostic>> {
        let mut words = Words::default();
        let durability = if self.durability == Switch::On { Durability::On } else { Durability::Off };
        let postgres_port = words.number("--postgres-port", self.postgres_port.as_ref(), "5433");
        let store_port = words.number("--store-port", self.store_port.as_ref(), "9000");
        let service_port = words.number("--service-port", self.service_port.as_ref(), "8080");
        let version = words.number("--postgres-version", self.postgres_version.as_ref(), "16");
        words.done()?;
        // Local users are trusted: the data is thrown away, and the port is not reachable from outside.
        let tcp = TcpAccess { port: postgres_port.unwrap_or(ANY_PORT), password: None };
        Ok(Wanted {
            postgres: Some(embed::postgres::PgOptions {
                version,
                durability,
                tcp: Some(tcp),
                ..Default::default()
            }),
            stores: vec![StoreOptions {
                backend: self.store_backend.into(),
                durability,
                port: store_port.unwrap_or(ANY_PORT),
                ..Default::default()
            }],
            service: self
                .service
                .then(|| ServiceOptions { port: service_port.unwrap_or(ANY_PORT), ..Default::default() }),
        })
    }
}

pub(crate) fn execute(args: &UpArgs, door: Door) -> ExitCode {
    let wanted = match args.meaning() {
        Ok(wanted) => wanted,
        Err(problems) => return usage(&problems),
    };
    let display = progress::display(door.quiet);
    let interrupts = Interrupts::new();
    signals::wake_on(&interrupts);
    let servers = match embed::start(wanted) {
        Ok(servers) => servers,
        Err(error) => {
            display.clear();
            complain(&[Diagnostic::usage(error.to_string())]);
            return ExitCode::Other;
        }
    };
    display.clear();
    out::print(&if args.json { as_json(&servers) } else { in_words(&servers) });
    while interrupts.urgency() == Urgency::None {
        thread::park();
    }
    drop(servers);
    ExitCode::Good
}

fn in_words(servers: &Servers) -> String {
    let mut text = String::new();
    if let Some(postgres) = &servers.postgres {
        let url = postgres.tcp_url().unwrap_or_default();
        let durability = in_a_word(postgres.durability());
        text.push_str(&format!("PostgreSQL {}, durability {durability}\n", postgres.version()));
        text.push_str(&format!("  psql \"{url}\"\n"));
        text.push_str(&format!("  psql \"{}\"\n", postgres.url()));
        text.push_str(&format!("  snapbench run SCRIPT --postgres-url \"{}\"\n", postgres.url()));
    }
    if let Some(store) = servers.stores.first() {
        let (endpoint, region) = (store.endpoint(), store.region());
        let (backend, durability) = (store.backend().as_str(), in_a_word(store.durability()));
        text.push_str(&format!("\nObject store (S3), backend {backend}, durability {durability}\n"));
        text.push_str(&format!("  export AWS_ACCESS_KEY_ID={}\n", store.access_key()));
        text.push_str(&format!("  export AWS_SECRET_ACCESS_KEY={}\n", store.secret_key()));
        text.push_str(&format!("  export AWS_REGION={region}\n"));
        text.push_str(&format!("  aws --endpoint-url {endpoint} s3 mb s3://snapbench\n"));
        text.push_str(&format!("  snapbench run SCRIPT --s3-endpoint {endpoint}\n"));
    }
    if let Some(service) = &servers.service {
        let url = service.url();
        text.push_str("\nQueue service (HTTP, JSON), in front of that Postgres\n");
        text.push_str(&format!("  curl {url}/health\n"));
        text.push_str(&format!(
            "  curl -H content-type:application/json {url}/v1/queues/mail/items -d '{{\"item\": {{\"to\": \"ann\"}}}}'\n"
        ));
    }
    let all = if servers.service.is_some() { "all" } else { "both" };
    text.push_str(&format!("\nCtrl-C stops {all} and removes their data.\n"));
    text
}

fn in_a_word(durability: Durability) -> &'static str {
    match durability {
        Durability::On => "on",
        Durability::Off => "off",
    }
}

fn as_json(servers: &Servers) -> String {
    let postgres = servers.postgres.as_ref().map(|postgres| {
        serde_json::json!({
            "url": postgres.tcp_url(),
            "socket_url": postgres.url(),
            "port": postgres.port(),
            "version": postgres.version().to_string(),
            "durability": postgres.durability(),
            "pid": postgres.pid(),
        })
    });
    let store = servers.stores.first().map(|store| {
        serde_json::json!({
            "endpoint": store.endpoint(),
            "port": store.port(),
            "backend": store.backend(),
            "durability": store.durability(),
            "region": store.region(),
            "access_key": store.access_key(),
            "secret_key": store.secret_key(),
            "pid": store.pid(),
        })
    });
    let service = servers.service.as_ref().map(
        |service| serde_json::json!({ "url": service.url(), "port": service.port(), "pid": service.pid() }),
    );
    format!("{:#}\n", serde_json::json!({ "postgres": postgres, "store": store, "service": service }))
}
