//! Probes of a Postgres, one for each part of what it tells.
//!
//! A part has its own connection and its own pace, so that a long scan of a large table keeps no cheap look
//! waiting. Which SQL a server understands follows from its major version, read once a connection.

mod activity;
mod extension;
mod horizon;
mod indexes;
mod link;
mod locks;
mod part;
mod progress;
mod relations;
pub(super) mod settings;
mod statements;
mod tables;
mod tuples;
mod wal;
mod words;

use std::collections::HashSet;

use crate::pg::PgConfig;
use crate::probe::harvest::{Harvest, Told};
pub use link::APPLICATION_NAME;
use link::{Link, Trouble};
pub use part::PgPart;

/// What to look at, and how much a look may cost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PgPlan {
    /// Tables by name, `run_head` or `public.run_head`; case counts. A partitioned one stands for all its leaves.
    pub tables: Vec<String>,
    /// Up to this size of its heap a table is read as a whole for `dead_percent`; a larger one is estimated from
    /// the pages that vacuum would visit.
    pub tuples_max_exact_bytes: u64,
    /// Up to this size an index is read as a whole for its density.
    pub index_max_bytes: u64,
    /// Whoever holds the xmin horizon back by more transactions than this is named in a mark.
    pub horizon_max_xids: u64,
}

impl Default for PgPlan {
    fn default() -> Self {
        PgPlan {
            tables: Vec::new(),
            tuples_max_exact_bytes: 64 << 20,
            index_max_bytes: 1 << 30,
            horizon_max_xids: 10_000,
        }
    }
}

/// Looks at one part of a server. Belongs to its thread, and needs a current-thread tokio runtime with I/O and
/// time, as sessions do.
pub struct PgProbe {
    part: PgPart,
    link: Link,
    eye: Eye,
    told: Told,
}

/// What each part remembers from look to look.
enum Eye {
    Tables(tables::Tables),
    Tuples(tuples::Tuples),
    Indexes(indexes::Indexes),
    Activity(activity::Activity),
    Locks(locks::Locks),
    Wal(wal::Wal),
    Horizon(horizon::Horizon),
    Statements(statements::Statements),
    Progress(progress::Progress),
}

impl PgProbe {
    /// Connects to nothing yet: the connection is made at the first look, and again when it was lost.
    pub fn new(config: PgConfig, part: PgPart, mut plan: PgPlan) -> PgProbe {
        let mut known = HashSet::new();
        plan.tables.retain(|table| known.insert(table.clone()));
        let eye = match part {
            PgPart::Tables => Eye::Tables(tables::Tables::new(&plan)),
            PgPart::Tuples => Eye::Tuples(tuples::Tuples::new(plan)),
            PgPart::Indexes => Eye::Indexes(indexes::Indexes::new(plan)),
            PgPart::Activity => Eye::Activity(activity::Activity::default()),
            PgPart::Locks => Eye::Locks(locks::Locks::default()),
            PgPart::Wal => Eye::Wal(wal::Wal::default()),
            PgPart::Horizon => Eye::Horizon(horizon::Horizon::new(&plan)),
            PgPart::Statements => Eye::Statements(statements::Statements::default()),
            PgPart::Progress => Eye::Progress(progress::Progress::default()),
        };
        let link = Link::new(config, part.name(), part.patience());
        PgProbe { part, link, eye, told: Told::default() }
    }

    /// Which part it looks at.
    pub fn part(&self) -> PgPart {
        self.part
    }

    /// One look. Takes no longer than the part's time-out (seconds, minutes where tables are read) and never
    /// fails otherwise than in the harvest. Who cannot wait may drop the future: the statement is cancelled,
    /// and the next look makes a new connection.
    pub async fn sample(&mut self) -> Harvest {
        let (link, mut harvest) = (&mut self.link, Harvest::default());
        let looked = match &mut self.eye {
            Eye::Tables(eye) => eye.look(link, &mut harvest).await,
            Eye::Tuples(eye) => eye.look(link, &mut harvest).await,
            Eye::Indexes(eye) => eye.look(link, &mut harvest).await,
            Eye::Activity(eye) => eye.look(link, &mut harvest).await,
            Eye::Locks(eye) => eye.look(link, &mut harvest).await,
            Eye::Wal(eye) => eye.look(link, &mut harvest).await,
            Eye::Horizon(eye) => eye.look(link, &mut harvest).await,
            Eye::Statements(eye) => eye.look(link, &mut harvest).await,
            Eye::Progress(eye) => eye.look(link, &mut harvest).await,
        };
        if let Err(trouble) = looked {
            if trouble.is_denied() {
                harvest.lack(denied(self.part, link.role(), &trouble));
            }
            harvest.fail(trouble);
        }
        self.told.once(&mut harvest.lacks);
        harvest
    }

    /// The measured window begins: cumulative figures (`hot_ratio_overall`, `autovacuum_count`, …) count from
    /// the next look on. That look gives no rates and no shares of what has changed, which would be the warm-up's.
    pub fn measured_from_now(&mut self) {
        match &mut self.eye {
            Eye::Tables(eye) => eye.measured_from_now(),
            Eye::Indexes(eye) => eye.measured_from_now(),
            Eye::Wal(eye) => eye.measured_from_now(),
            Eye::Statements(eye) => eye.measured_from_now(),
            Eye::Tuples(_) | Eye::Activity(_) | Eye::Locks(_) | Eye::Horizon(_) | Eye::Progress(_) => {}
        }
    }
}

/// Somebody took away what every role has by default.
fn denied(part: PgPart, role: &str, trouble: &Trouble) -> String {
    format!(
        "{} cannot be read by role `{role}` ({}): GRANT pg_monitor TO it, or grant what is named",
        part.name(),
        trouble.server_words()
    )
}

impl std::fmt::Debug for PgProbe {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PgProbe").field("part", &self.part).finish_non_exhaustive()
    }
}
