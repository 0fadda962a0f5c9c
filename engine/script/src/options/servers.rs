//! How a script wants its servers: connections, durability, which client.

use drivers::{pg::PoolMode, s3::ClientKind};
use rhai::Map;

use super::Reader;
use crate::settings::Settings;

/// `postgres: #{ … }` in `options()`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PostgresOptions {
    /// How virtual users share connections.
    pub pool: PoolMode,
    /// Whether the embedded server keeps its promises at a power cut (`fsync`, `synchronous_commit`).
    pub is_durable: bool,
    /// Settings of the embedded server, by name.
    pub settings: Vec<(String, String)>,
    /// Major version of the embedded server, when the script needs a certain one.
    pub version: Option<u32>,
}

/// `store: #{ … }` in `options()`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreOptions {
    /// Which client, when the script fixes one.
    pub client: Option<ClientKind>,
    /// Backend of the embedded store: `ordered` or `fs`.
    pub backend: String,
    /// Whether the embedded store syncs before it acknowledges.
    pub is_durable: bool,
    /// The bucket, when the script fixes one.
    pub bucket: Option<String>,
}

/// Connections of the shared modes when the script does not say.
const DEFAULT_CONNECTIONS: usize = 16;

impl Reader<'_> {
    pub(super) fn postgres(&mut self, map: &Map) -> PostgresOptions {
        let own = self.sub_map(map, &[], "postgres");
        let known = ["pool", "connections", "durability", "settings", "version"];
        let mut s = Settings::new("postgres", &own, &known);
        let connections = s.count("connections").map(|n| usize::try_from(n).unwrap_or(usize::MAX));
        if connections == Some(0) {
            s.problem("connections", "needs at least 1 of `connections`".to_owned());
        }
        let shared = connections.unwrap_or(DEFAULT_CONNECTIONS).max(1);
        let pool = match s.word("pool", &["dedicated", "pipelined", "pooled"]) {
            Some("pipelined") => PoolMode::Pipelined { connections: shared },
            Some("pooled") => PoolMode::Pooled { size: shared },
            _ => PoolMode::Dedicated,
        };
        if pool == PoolMode::Dedicated && connections.is_some() {
            let text = "has one connection a virtual user with `pool: \"dedicated\"`: leave `connections` out, or \
                        choose \"pipelined\" or \"pooled\"";
            s.problem("connections", text.to_owned());
        }
        let is_durable = s.word("durability", &["on", "off"]) != Some("off");
        let version = s.count("version").and_then(|v| u32::try_from(v).ok());
        self.absorb(&["postgres"], s);
        let settings = self.sub_map(&own, &["postgres"], "settings");
        let settings = settings.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect();
        PostgresOptions { pool, is_durable, settings, version }
    }

    pub(super) fn store(&mut self, map: &Map) -> StoreOptions {
        let own = self.sub_map(map, &[], "store");
        let mut s = Settings::new("store", &own, &["client", "backend", "durability", "bucket"]);
        let client = s.word("client", &["lean", "sdk"]);
        let client = client.map(|c| if c == "sdk" { ClientKind::Sdk } else { ClientKind::Lean });
        let backend = s.word("backend", &["ordered", "fs"]).unwrap_or("ordered").to_owned();
        let is_durable = s.word("durability", &["on", "off"]) != Some("off");
        let bucket = s.text("bucket");
        self.absorb(&["store"], s);
        StoreOptions { client, backend, is_durable, bucket }
    }
}
