//! What every core needs to know of a run, made once by the runner: the part that crosses threads.
//!
//! Deliberately absent: what a core makes of it (see `core`).

use std::{net::SocketAddr, sync::Arc, time::Duration};

use model::shape::Shape;

use crate::{findings::Findings, params::Inputs, trace::Replayed};

/// What every core needs to know, made once by the runner.
#[derive(Clone)]
pub struct Wiring {
    /// Parameters and environment as given.
    pub inputs: Arc<Inputs>,
    /// Seed of the run.
    pub seed: u64,
    /// The scenarios, in the plan's order.
    pub scenarios: Vec<ScenarioWiring>,
    /// Where Postgres is, when the script talks to it.
    pub postgres: Option<(drivers::pg::PgConfig, drivers::pg::PoolMode)>,
    /// Counts how the load uses its pool of connections to Postgres; the stage's is not part of it.
    pub gauge: Option<Arc<drivers::pg::PoolGauge>>,
    /// Where the object stores are: one without a name, or several with one each.
    pub stores: Vec<StoreWiring>,
    /// How HTTP services are talked to, when the script does.
    pub http: Option<drivers::http::HttpConfig>,
    /// How long one operation of the load may take; the stage's may take longer.
    pub timeout: Duration,
    /// Whether scripts may drop and truncate: the servers are ours, or the user said so.
    pub allow_destructive: bool,
    /// Whether it is noted when operations end well: somebody will ask when none did.
    pub notes_ends: bool,
    /// By which way the load reaches its servers. The stage and the ledgers' truth go straight.
    pub detours: Detours,
    /// What the scripts of all cores tell the runner.
    pub findings: Arc<Findings>,
}

/// What the load connects to in place of its servers, where something stands in between.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Detours {
    /// In place of Postgres.
    pub postgres: Option<SocketAddr>,
    /// In place of the only object store.
    pub store: Option<SocketAddr>,
    /// In place of the HTTP service; whole URLs that go elsewhere go straight.
    pub service: Option<SocketAddr>,
}

/// A scenario, as its virtual users need to know it.
#[derive(Clone, Debug, Default)]
pub struct ScenarioWiring {
    /// Its name.
    pub name: String,
    /// What its random choices are seeded by: mostly its name.
    pub seed_name: String,
    /// Whose turn it is, when it is one of a comparison.
    pub side: Option<String>,
    /// A parameter that is another one in it, when it is a step of a sweep.
    pub step: Option<(String, model::sweep::Value)>,
    /// The number of its first virtual user: users are counted through all scenarios.
    pub first_vu: u64,
    /// How many virtual users it has at most.
    pub max_vus: u64,
    /// The rate at which it plans its iterations, when it plans any, and when that begins on the run's clock.
    pub rate: Option<(Arc<Shape>, u64)>,
    /// What it replays, when it does.
    pub replayed: Option<Replayed>,
}

/// An object store that scripts may talk to.
#[derive(Clone, Debug)]
pub struct StoreWiring {
    /// What the script calls it; nothing for the only one.
    pub name: Option<String>,
    /// Where it is.
    pub config: drivers::s3::S3Config,
    /// Whether it is to prove that it lost nothing: its ledger is kept.
    pub keeps_ledger: bool,
}

impl StoreWiring {
    /// The only store of a run, without a ledger.
    #[must_use]
    pub fn only(config: drivers::s3::S3Config) -> Self {
        Self { name: None, config, keeps_ledger: false }
    }
}
