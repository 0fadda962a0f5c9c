//! Proxies between the load and its servers, where a fault on the wire needs one; nobody else pays for them.
//!
//! Only the load goes through: probes, the stage, the ledgers' truth and faults by way of SQL go straight, so that what
//! disturbs the load does not blind who watches it.

use std::{collections::BTreeSet, io, net::SocketAddr};

use drivers::{
    pg::{Host, PgConfig},
    wire::{Proxy, Upstream},
};
use script::{Diagnostic, FaultServer};

use crate::{error::RunError, prepare::Prepared, servers::Servers};

/// The proxies of a run.
#[derive(Debug, Default)]
pub(crate) struct Detours {
    postgres: Option<Proxy>,
    store: Option<Proxy>,
    service: Option<Proxy>,
}

impl Detours {
    /// Starts those that the faults of the run need.
    ///
    /// # Errors
    /// When the system gives no port or thread.
    pub(crate) fn start(prepared: &Prepared, servers: &Servers) -> Result<Self, RunError> {
        let named: BTreeSet<FaultServer> = prepared
            .planned
            .faults
            .iter()
            .filter_map(|fault| fault.fault.wire())
            .map(|(server, _)| server)
            .collect();
        let is_named = |server: FaultServer| named.contains(&server);
        let tcp = |(host, port): (String, u16)| Upstream::Tcp(host, port);
        let postgres = servers.postgres.as_ref().filter(|_| is_named(FaultServer::Postgres)).map(of_postgres);
        let store = servers.stores.first().filter(|_| is_named(FaultServer::Store));
        let store = store.map(|store| tcp(store.config.dialled()));
        let service = servers.http.as_ref().filter(|_| is_named(FaultServer::Service));
        let service = service.and_then(|http| http.dialled()).map(tcp);
        Ok(Self { postgres: started(postgres)?, store: started(store)?, service: started(service)? })
    }

    /// What the load connects to.
    pub(crate) fn addresses(&self) -> script::Detours {
        let address = |proxy: &Option<Proxy>| -> Option<SocketAddr> { Some(proxy.as_ref()?.address()) };
        script::Detours {
            postgres: address(&self.postgres),
            store: address(&self.store),
            service: address(&self.service),
        }
    }

    /// The one before a server.
    pub(crate) fn of(&self, server: FaultServer) -> Option<&Proxy> {
        match server {
            FaultServer::Postgres => self.postgres.as_ref(),
            FaultServer::Store => self.store.as_ref(),
            FaultServer::Service => self.service.as_ref(),
        }
    }

    /// The servers that have one, for the reader.
    pub(crate) fn servers(&self) -> impl Iterator<Item = FaultServer> {
        FaultServer::ALL.into_iter().filter(|server| self.of(*server).is_some())
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
