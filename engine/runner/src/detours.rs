//! Proxies between the load and its servers, where a fault on the wire needs one; nobody else pays for them.
//!
//! Only the load goes through: probes, the stage, the ledgers' truth and faults by way of SQL go straight, so that what
//! disturbs the load does not blind who watches it.

use std::{collections::BTreeSet, io, net::SocketAddr};

use drivers::{
    pg::{Host, PgConfig},
    wire::{Proxy, Upstream},
};
use script::Diagnostic;

use crate::{error::RunError, prepare::Prepared, servers::Servers};

/// The proxies of a run.
#[derive(Debug, Default)]
pub(crate) struct Detours {
    postgres: Option<Proxy>,
    store: Option<Proxy>,
}

impl Detours {
    /// Starts those that the faults of the run need.
    ///
    /// # Errors
    /// When the system gives no port or thread.
    pub(crate) fn start(prepared: &Prepared, servers: &Servers) -> Result<Self, RunError> {
        let named: BTreeSet<&str> = prepared
            .planned
            .faults
            .iter()
            .filter_map(|fault| fault.fault.wire())
            .map(|(server, _)| server)
            .collect();
        let is_named = |server: &str| named.contains(server);
        let postgres = servers.postgres.as_ref().filter(|_| is_named("postgres")).map(of_postgres);
        let store = servers.stores.first().filter(|_| is_named("store"));
        let store = store.map(|store| store.config.dialled()).map(|(host, port)| Upstream::Tcp(host, port));
        Ok(Self { postgres: started(postgres)?, store: started(store)? })
    }

    /// What the load connects to.
    pub(crate) fn addresses(&self) -> script::Detours {
        let address = |proxy: &Option<Proxy>| -> Option<SocketAddr> { Some(proxy.as_ref()?.address()) };
        script::Detours { postgres: address(&self.postgres), store: address(&self.store) }
    }

    /// The one before a server.
    pub(crate) fn of(&self, server: &str) -> Option<&Proxy> {
        if server == "postgres" { self.postgres.as_ref() } else { self.store.as_ref() }
    }

    /// The servers that have one, for the reader.
    pub(crate) fn names(&self) -> Vec<&'static str> {
        ["postgres", "store"].into_iter().filter(|server| self.of(server).is_some()).collect()
    }
}

fn of_postgres(config: &PgConfig) -> Upstream {
    let place = config.place();
    match (place.socket_path(), place.host()) {
        (None, Host::Tcp(host)) => Upstream::Tcp(host.clone(), place.port()),
        (path, _) => Upstream::Unix(path.unwrap_or_default()),
    }
}

fn started(upstream: Option<Upstream>) -> Result<Option<Proxy>, RunError> {
    let told = |error: io::Error| {
        let message = format!("the proxy for faults on the wire does not start: {error}");
        RunError::Wrong(vec![
            Diagnostic::usage(message).help("leave those faults out, or free a port of 127.0.0.1"),
        ])
    };
    upstream.map(Proxy::start).transpose().map_err(told)
}
