//! The parts of what a server tells, their names and their pace.

use std::time::Duration;

/// A part of a server that one probe looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PgPart {
    /// Sizes, rows, changes, HOT share, vacuum and analyze of the planned tables, from statistics.
    Tables,
    /// Dead and free space in them, by reading them (`pgstattuple`).
    Tuples,
    /// Density and fragmentation of their indexes, by reading them (`pgstatindex`).
    Indexes,
    /// Connections, their states and what they wait for.
    Activity,
    /// Locks, and who blocks whom.
    Locks,
    /// WAL, checkpoints, writes, transactions, cache.
    Wal,
    /// Age of transaction ids, and who holds the xmin horizon back.
    Horizon,
    /// The statements that take the most time (`pg_stat_statements`).
    Statements,
    /// Vacuum, index builds, copies and analyze while they are under way.
    Progress,
}

/// For parts that read views.
const PATIENCE: Duration = Duration::from_secs(5);
/// For one table or index that is read as a whole.
const LONG_PATIENCE: Duration = Duration::from_secs(5 * 60);

impl PgPart {
    /// All of them.
    pub const ALL: [PgPart; 9] = [
        PgPart::Tables,
        PgPart::Tuples,
        PgPart::Indexes,
        PgPart::Activity,
        PgPart::Locks,
        PgPart::Wal,
        PgPart::Horizon,
        PgPart::Statements,
        PgPart::Progress,
    ];

    /// The part's name, as scripts and reports write it.
    pub const fn name(self) -> &'static str {
        match self {
            PgPart::Tables => "tables",
            PgPart::Tuples => "tuples",
            PgPart::Indexes => "indexes",
            PgPart::Activity => "activity",
            PgPart::Locks => "locks",
            PgPart::Wal => "wal",
            PgPart::Horizon => "horizon",
            PgPart::Statements => "statements",
            PgPart::Progress => "progress",
        }
    }

    /// How often to look unless somebody says otherwise, when cheap views are looked at once in `base`: parts
    /// that read whole tables six times less often, the large view of statements two times.
    pub fn default_every(self, base: Duration) -> Duration {
        match self {
            PgPart::Tuples | PgPart::Indexes => base * 6,
            PgPart::Statements => base * 2,
            _ => base,
        }
    }

    /// How long one statement of it may take.
    pub(super) const fn patience(self) -> Duration {
        match self {
            PgPart::Tuples | PgPart::Indexes => LONG_PATIENCE,
            _ => PATIENCE,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_differ_and_heavy_parts_are_looked_at_less_often() {
        let mut names = PgPart::ALL.map(PgPart::name).to_vec();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), PgPart::ALL.len());
        let base = Duration::from_secs(5);
        assert_eq!(PgPart::Tables.default_every(base), base);
        assert_eq!(PgPart::Tuples.default_every(base), base * 6);
    }
}
