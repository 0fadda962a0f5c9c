//! WAL, checkpoints, writes, transactions and cache of a server.
//!
//! Which view holds what differs by version: `pg_stat_wal` came with 14, `pg_stat_io` with 16, and 17 moved the
//! checkpointer's counters into a view of their own and left the backends' writes to `pg_stat_io`, which 18 counts
//! in bytes. WAL, checkpoints and writes are the whole server's; transactions, temporary files, deadlocks and
//! cache those of the connected database. Each look is itself a transaction.

use std::time::Instant;

use crate::probe::counters::{Backwards, Step, Tally};
use crate::probe::harvest::Harvest;
use crate::probe::pg::link::{Cells, Link, Trouble};

/// What 13 and older do not count.
const NO_WAL_VIEW: &str = "this server counts neither WAL records nor full page images (Postgres 14 and newer \
                           do): postgres.wal_records_per_s and postgres.wal_fpi_per_s are missing";

const DATABASE: &str = "xact_commit, xact_rollback, deadlocks, temp_bytes, blks_hit, blks_hit + blks_read";
const COMMITS: usize = 0;
const ROLLBACKS: usize = 1;
const DEADLOCKS: usize = 2;
const TEMP_BYTES: usize = 3;
const HIT: usize = 4;
const FETCHED: usize = 5;

const BYTES: usize = 0;
const RECORDS: usize = 1;
const FULL_PAGE_IMAGES: usize = 2;

const TIMED: usize = 0;
const REQUESTED: usize = 1;
const BUFFERS: usize = 2;

/// The statement for a major version: six counters of the database, three of WAL, three of writing.
fn sql(major: u32) -> String {
    let wal = if major >= 14 {
        "SELECT wal_bytes::int8, wal_records, wal_fpi FROM pg_catalog.pg_stat_wal"
    } else {
        "SELECT pg_wal_lsn_diff(CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() \
         ELSE pg_current_wal_lsn() END, '0/0')::int8, NULL::int8, NULL::int8"
    };
    let others = "object = 'relation' AND backend_type NOT IN ('checkpointer', 'background writer')";
    let io = match major {
        18.. => {
            "sum(coalesce(write_bytes, 0) + coalesce(extend_bytes, 0)) / current_setting('block_size')::int8"
        }
        _ => "sum(coalesce(writes, 0) + coalesce(extends, 0))",
    };
    let writing = if major >= 17 {
        format!(
            "SELECT c.num_timed, c.num_requested, c.buffers_written + b.buffers_clean \
               + (SELECT {io} FROM pg_catalog.pg_stat_io WHERE {others})::int8 \
             FROM pg_catalog.pg_stat_checkpointer AS c, pg_catalog.pg_stat_bgwriter AS b"
        )
    } else {
        "SELECT checkpoints_timed, checkpoints_req, buffers_checkpoint + buffers_clean + buffers_backend \
         FROM pg_catalog.pg_stat_bgwriter"
            .to_owned()
    };
    format!(
        "SELECT /* snapbench probe */ d.*, wal.*, writing.* \
         FROM (SELECT {DATABASE} FROM pg_catalog.pg_stat_database WHERE datname = current_database()) AS d, \
              ({wal}) AS wal, ({writing}) AS writing"
    )
}

pub(super) struct Wal {
    database: Tally<(), 6>,
    wal: Tally<(), 3>,
    writing: Tally<(), 3>,
}

impl Default for Wal {
    fn default() -> Self {
        Wal {
            database: Tally::new(Backwards::Reset),
            wal: Tally::new(Backwards::Reset),
            writing: Tally::new(Backwards::Reset),
        }
    }
}

impl Wal {
    pub(super) fn measured_from_now(&mut self) {
        self.database.measured_from_now();
        self.wal.measured_from_now();
        self.writing.measured_from_now();
    }

    pub(super) async fn look(&mut self, link: &mut Link, harvest: &mut Harvest) -> Result<(), Trouble> {
        let major = link.major().await?;
        let rows = link.ask(&sql(major), &[]).await?;
        let at = Instant::now();
        let Some(row) = rows.first() else { return Ok(()) };
        let mut cells = Cells::of(row);
        report_database(&self.database.look(at, [((), cells.counts())]), harvest);
        let wal = self.wal.look(at, [((), cells.counts())]);
        harvest.add_some("postgres.wal_bytes_per_s", wal.rate(BYTES));
        if major >= 14 {
            harvest.add_some("postgres.wal_records_per_s", wal.rate(RECORDS));
            harvest.add_some("postgres.wal_fpi_per_s", wal.rate(FULL_PAGE_IMAGES));
        } else {
            harvest.lack(NO_WAL_VIEW);
        }
        report_writing(&self.writing.look(at, [((), cells.counts())]), harvest);
        Ok(())
    }
}

fn report_database(step: &Step<6>, harvest: &mut Harvest) {
    harvest.add_some("postgres.commits_per_s", step.rate(COMMITS));
    harvest.add_some("postgres.rollbacks_per_s", step.rate(ROLLBACKS));
    harvest.add("postgres.deadlocks", step.total[DEADLOCKS] as f64);
    harvest.add_some("postgres.temp_bytes_per_s", step.rate(TEMP_BYTES));
    harvest.add_some("postgres.cache_hit_ratio", step.share(HIT, FETCHED));
    if step.was_reset {
        harvest.mark("the statistics of the database were reset");
    }
}

fn report_writing(step: &Step<3>, harvest: &mut Harvest) {
    harvest.add("postgres.checkpoints_timed", step.total[TIMED] as f64);
    harvest.add("postgres.checkpoints_requested", step.total[REQUESTED] as f64);
    harvest.add_some("postgres.buffers_written_per_s", step.rate(BUFFERS));
    for (counter, cause) in [(TIMED, "timed"), (REQUESTED, "requested, by the amount of WAL or a command")] {
        match step.grown[counter] {
            0 => {}
            1 => harvest.mark(format!("checkpoint ({cause})")),
            times => harvest.mark(format!("{times} checkpoints ({cause})")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_version_is_asked_for_what_it_has() {
        let has = |major, part: &str| sql(major).contains(part);
        assert!(has(13, "pg_wal_lsn_diff") && !has(13, "pg_stat_wal"));
        assert!(has(14, "pg_stat_wal") && has(16, "buffers_backend"));
        assert!(!has(16, "pg_stat_checkpointer") && !has(16, "pg_stat_io"));
        assert!(has(17, "pg_stat_checkpointer") && has(17, "coalesce(writes, 0)"));
        assert!(has(18, "write_bytes") && !has(18, "coalesce(writes, 0)") && !has(18, "buffers_backend"));
    }

    #[test]
    fn checkpoints_are_told_by_their_cause() {
        let step = Step {
            grown: [1, 2, 0],
            seconds: Some(1.0),
            total: [4, 6, 0],
            ends_warm_up: false,
            was_reset: false,
        };
        let mut harvest = Harvest::default();
        report_writing(&step, &mut harvest);
        assert_eq!(
            harvest.marks,
            ["checkpoint (timed)", "2 checkpoints (requested, by the amount of WAL or a command)"]
        );
    }
}
