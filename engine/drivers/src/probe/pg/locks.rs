//! Locks, and who blocks whom.
//!
//! `pg_blocking_pids` stops the lock manager for a moment and is asked only for those that wait. Locks of probes
//! are left out.

use std::collections::HashSet;

use crate::pg::Rows;
use crate::probe::harvest::Harvest;
use crate::probe::pg::link::{APPLICATION_NAME, Cells, HIDDEN, Link, Trouble};
use crate::probe::pg::words::{shown_query, shown_seconds};

/// Blockers that one look names.
const BLOCKERS_AT_MOST: usize = 5;
/// From then on a block is worth a mark.
const LONG_BLOCK_S: f64 = 1.0;

/// When a wait began is known since 14; before, it cannot be earlier than its statement.
fn sql(major: u32) -> String {
    let since = if major >= 14 {
        "l.waitstart"
    } else {
        "(SELECT a.query_start FROM pg_catalog.pg_stat_activity AS a WHERE a.pid = l.pid)"
    };
    format!(
        "WITH /* snapbench probe */ held AS MATERIALIZED ( \
           SELECT l.pid, l.granted, CASE WHEN NOT l.granted THEN {since} END AS since \
           FROM pg_catalog.pg_locks AS l WHERE l.pid IS NULL OR l.pid NOT IN ( \
             SELECT pid FROM pg_catalog.pg_stat_activity WHERE application_name = '{APPLICATION_NAME}') \
         ), blocked AS MATERIALIZED ( \
           SELECT pid, extract(epoch FROM clock_timestamp() - min(since))::float8 AS lasting_s, \
             pg_blocking_pids(pid) AS blockers \
           FROM held WHERE NOT granted GROUP BY pid \
         ), blocker AS ( \
           SELECT b.pid, count(*) AS blocks, max(lasting_s) AS lasting_s \
           FROM blocked, LATERAL (SELECT DISTINCT unnest(blockers)) AS b(pid) \
           GROUP BY b.pid ORDER BY lasting_s DESC NULLS LAST LIMIT {BLOCKERS_AT_MOST} \
         ) \
         SELECT (SELECT count(*) FROM held), (SELECT count(*) FROM held WHERE NOT granted), \
           (SELECT count(*) FROM blocked WHERE cardinality(blockers) > 0), \
           (SELECT max(lasting_s) FROM blocked WHERE cardinality(blockers) > 0), \
           blocker.pid, blocker.blocks, blocker.lasting_s, a.state, a.query \
         FROM (SELECT 1) AS one LEFT JOIN blocker ON true \
         LEFT JOIN pg_catalog.pg_stat_activity AS a ON a.pid = blocker.pid"
    )
}

#[derive(Default)]
pub(super) struct Locks {
    /// Blockers that were named and still block.
    told: HashSet<i64>,
}

impl Locks {
    pub(super) async fn look(&mut self, link: &mut Link, harvest: &mut Harvest) -> Result<(), Trouble> {
        let major = link.major().await?;
        let rows = link.ask(&sql(major), &[]).await?;
        self.report(&rows, link.role(), harvest);
        Ok(())
    }

    fn report(&mut self, rows: &Rows, role: &str, harvest: &mut Harvest) {
        let mut blocking = HashSet::new();
        for (number, row) in rows.iter().enumerate() {
            let mut cells = Cells::of(row);
            let totals = [cells.float(), cells.float(), cells.float()];
            let longest_s = cells.float();
            if number == 0 {
                for (what, value) in ["locks", "locks_not_granted", "blocked"].into_iter().zip(totals) {
                    harvest.add_some(format!("postgres.{what}"), value);
                }
                harvest.add("postgres.longest_block_s", longest_s.unwrap_or_default());
            }
            let Some(pid) = cells.int() else { continue };
            let (blocks, lasting_s) = (cells.count(), cells.float().unwrap_or_default());
            let (state, query) = (cells.words(), cells.words());
            if lasting_s < LONG_BLOCK_S {
                continue;
            }
            blocking.insert(pid);
            if query == HIDDEN {
                harvest.lack(format!(
                    "what a blocker does is hidden from role `{role}`, marks give its pid alone: \
                     GRANT pg_read_all_stats (or pg_monitor) TO the role"
                ));
            }
            if !self.told.contains(&pid) {
                harvest.mark(sentence(pid, state, query, blocks, lasting_s));
            }
        }
        self.told = blocking;
    }
}

fn sentence(pid: i64, state: &str, query: &str, blocks: i64, lasting_s: f64) -> String {
    let who = match (pid, query) {
        (0, _) => "a prepared transaction".to_owned(),
        (_, "" | HIDDEN) => format!("pid {pid}"),
        _ => format!("pid {pid} ({state}, `{}`)", shown_query(query)),
    };
    format!("{who} blocks {blocks}, the longest for {}", shown_seconds(lasting_s))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blocker_is_named_with_what_may_be_seen() {
        assert_eq!(
            sentence(12, "idle in transaction", "UPDATE t SET x = 'secret'", 3, 1.26),
            "pid 12 (idle in transaction, `UPDATE t SET x = '…'`) blocks 3, the longest for 1.3 s"
        );
        assert_eq!(sentence(12, "", HIDDEN, 1, 200.0), "pid 12 blocks 1, the longest for 3 min");
        assert_eq!(sentence(0, "", "", 1, 30.0), "a prepared transaction blocks 1, the longest for 30 s");
    }

    #[test]
    fn before_14_a_wait_is_as_old_as_its_statement() {
        assert!(sql(14).contains("waitstart"));
        assert!(!sql(13).contains("waitstart") && sql(13).contains("query_start"));
    }
}
