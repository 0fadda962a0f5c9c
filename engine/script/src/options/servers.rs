//! How a script wants its servers: connections, durability, which client.

use drivers::{pg::PoolMode, s3::ClientKind};
use rhai::{Dynamic, Map};

use super::Reader;
use crate::{program::place_of_key, settings::Settings};

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
    /// Whether stores are to prove that they lost nothing.
    pub keeps_ledger: bool,
}

/// A store by name: an entry of `stores` in `options()`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedStore {
    /// What operations say to mean it.
    pub name: String,
    /// The target whose object store it is.
    pub target: String,
    /// Which client, when the script fixes one for it.
    pub client: Option<ClientKind>,
    /// The bucket, when the script fixes one for it.
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
        let mut s = Settings::new("store", &own, &["client", "backend", "durability", "bucket", "ledger"]);
        let client = client_of(&mut s);
        let backend = s.word("backend", &["ordered", "fs", "noop"]).unwrap_or("ordered").to_owned();
        let is_durable = s.word("durability", &["on", "off"]) != Some("off");
        let bucket = s.text("bucket");
        let keeps_ledger = s.flag("ledger").unwrap_or(false);
        self.absorb(&["store"], s);
        StoreOptions { client, backend, is_durable, bucket, keeps_ledger }
    }

    /// `stores: ["embedded", "garage"]`, names of targets, or `stores: #{ near: "garage", far: #{ target: "aws" } }`.
    pub(super) fn stores(&mut self, map: &Map) -> Vec<NamedStore> {
        let Some(value) = map.get("stores") else { return Vec::new() };
        let mut stores = Vec::new();
        if let Ok(targets) = value.as_array_ref() {
            for target in targets.iter() {
                match target.as_immutable_string_ref() {
                    Ok(name) => stores.push(NamedStore::of_target(&name, &name)),
                    Err(kind) => self.not_a_store(&["stores"], kind),
                }
            }
        } else if let Ok(named) = value.as_map_ref() {
            for (name, entry) in named.iter() {
                stores.extend(self.named_store(name, entry));
            }
            let text = self.program.text().clone();
            stores.sort_by_key(|s| place_of_key("", &text, &["stores", &s.name]).map(|p| (p.line, p.column)));
        } else {
            self.not_a_store(&["stores"], value.type_name());
        }
        for (n, store) in stores.iter().enumerate() {
            if stores[..n].iter().any(|before| before.name == store.name) {
                let help =
                    format!("give one another name: stores: #{{ a: \"{0}\", b: \"{0}\" }}", store.target);
                self.complain(
                    &["stores"],
                    format!("there are two stores called `{}`", store.name),
                    Some(help),
                );
            }
        }
        stores
    }

    fn named_store(&mut self, name: &str, entry: &Dynamic) -> Option<NamedStore> {
        let path = ["stores", name];
        if let Ok(target) = entry.as_immutable_string_ref() {
            return Some(NamedStore::of_target(name, &target));
        }
        let Ok(own) = entry.as_map_ref() else {
            self.not_a_store(&path, entry.type_name());
            return None;
        };
        let mut s = Settings::new(format!("store `{name}`"), &own, &["target", "client", "bucket"]);
        let target = s.required("target", Settings::text);
        let (client, bucket) = (client_of(&mut s), s.text("bucket"));
        self.absorb(&path, s);
        Some(NamedStore { name: name.to_owned(), target, client, bucket })
    }

    fn not_a_store(&mut self, path: &[&str], kind: &str) {
        let help = "name targets: stores: [\"embedded\", \"embedded-fs\"], or #{ near: \"embedded\", far: #{ target: \"aws\" } }";
        self.complain(
            path,
            format!("a store is the name of a target or a map, not {kind}"),
            Some(help.to_owned()),
        );
    }
}

impl NamedStore {
    fn of_target(name: &str, target: &str) -> Self {
        Self { name: name.to_owned(), target: target.to_owned(), client: None, bucket: None }
    }
}

fn client_of(s: &mut Settings<'_>) -> Option<ClientKind> {
    let client = s.word("client", &["lean", "sdk"]);
    client.map(|c| if c == "sdk" { ClientKind::Sdk } else { ClientKind::Lean })
}
