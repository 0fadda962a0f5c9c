//! A target, resolved: where each server is, and who said so.

use drivers::{pg::PgConfig, s3::S3Settings};
use embed::store::Backend;

use super::{commands::FaultCommands, http::HttpAt};
use crate::origin::{Origin, Sourced};

/// Where a run's servers are.
#[derive(Clone, Debug)]
pub struct Target {
    /// Its name.
    pub name: Sourced<String>,
    /// Where Postgres is.
    pub postgres: PostgresAt,
    /// Where the object store is.
    pub store: StoreAt,
    /// Where the HTTP service is.
    pub http: HttpAt,
    /// Whether scripts may drop, truncate and restart there. Embedded servers always allow it.
    pub allow_destructive: Sourced<bool>,
    /// Whether absolute figures taken there mean anything.
    pub representative: Sourced<bool>,
    /// How to break servers of its that are not ours.
    pub faults: FaultCommands,
    /// Whether embedded servers sync before they acknowledge, when a flag or the environment says so.
    pub durable: Option<Sourced<bool>>,
}

/// Where Postgres is.
#[derive(Clone, Debug)]
pub enum PostgresAt {
    /// A throw-away server of our own.
    Embedded,
    /// A server that is there already.
    External {
        /// How to reach it.
        config: Box<PgConfig>,
        /// Who says so.
        origin: Origin,
    },
    /// The target has none.
    Missing,
}

/// Where the object store is.
#[derive(Clone, Debug)]
pub enum StoreAt {
    /// A throw-away server of our own.
    Embedded(StoreSettings),
    /// A server that is there already.
    External(StoreSettings),
    /// The target has none.
    Missing,
}

/// What flags, environment and target file say about a store.
#[derive(Clone, Debug, Default)]
pub struct StoreSettings {
    /// Everything as words; what nobody said is absent.
    pub words: S3Settings,
    /// Settings that somebody named, and who.
    pub origins: Vec<(&'static str, Origin)>,
    /// The backend of an embedded one, where the target says which.
    pub backend: Option<Backend>,
}

/// A target, as far as its object store goes.
#[derive(Clone, Debug)]
pub(crate) struct StoreTarget {
    pub(crate) at: StoreAt,
    pub(crate) allow_destructive: bool,
    pub(crate) representative: bool,
}

impl StoreSettings {
    /// Who named a setting.
    #[must_use]
    pub fn origin(&self, setting: &str) -> Origin {
        let found = self.origins.iter().find(|(name, _)| *name == setting);
        found.map_or(Origin::Default, |(_, origin)| origin.clone())
    }

    /// Takes a word from whoever wins over those before.
    pub(super) fn set(&mut self, setting: &'static str, word: Sourced<String>) {
        let Sourced { value, origin } = word;
        let slot = match setting {
            "endpoint" => &mut self.words.endpoint,
            "bucket" => &mut self.words.bucket,
            "region" => &mut self.words.region,
            "client" => &mut self.words.client,
            "timeout" => &mut self.words.timeout,
            "profile" => &mut self.words.profile,
            "access_key" => &mut self.words.access_key,
            "secret_key" => &mut self.words.secret_key,
            "session_token" => &mut self.words.session_token,
            _ => {
                self.words.ca_file = Some(value.into());
                self.origins.push((setting, origin));
                return;
            }
        };
        *slot = Some(value);
        self.origins.retain(|(name, _)| *name != setting);
        self.origins.push((setting, origin));
    }
}
