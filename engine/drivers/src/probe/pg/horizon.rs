//! How old transaction ids are, and how far back the xmin horizon is held.
//!
//! Vacuum may remove only what no snapshot of the same database can still see. The horizon is held by a
//! backend's snapshot or its own transaction id, by the xmin of a replication slot, or by a prepared transaction;
//! vacuum itself does not hold it. Slots' `catalog_xmin` holds catalogues back, not tables, and is left out.
//! The probe's own statement is left out; other probes (a long `pgstattuple`) are not, because they do hold it.

use crate::probe::harvest::Harvest;
use crate::probe::pg::PgPlan;
use crate::probe::pg::link::{Cells, Link, Trouble};
use crate::probe::pg::words::shown_seconds;

const SQL: &str = "\
WITH /* snapbench probe */ holder AS (
  SELECT 'pid' AS kind, a.pid::text AS name, a.application_name AS client, a.state,
    greatest(age(a.backend_xmin), age(a.backend_xid)) AS lag,
    extract(epoch FROM clock_timestamp() - a.xact_start)::float8 AS lasting_s
  FROM pg_catalog.pg_stat_activity AS a
  WHERE a.pid <> pg_backend_pid() AND coalesce(a.backend_xmin, a.backend_xid) IS NOT NULL
    AND (a.datid IS NULL
      OR a.datid = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database()))
    AND a.pid NOT IN (SELECT pid FROM pg_catalog.pg_stat_progress_vacuum)
  UNION ALL
  SELECT 'replication slot', slot_name::text, NULL, CASE WHEN active THEN 'active' ELSE 'inactive' END,
    age(xmin), NULL
  FROM pg_catalog.pg_replication_slots WHERE xmin IS NOT NULL
  UNION ALL
  SELECT 'prepared transaction', gid, NULL, NULL, age(transaction),
    extract(epoch FROM clock_timestamp() - prepared)::float8
  FROM pg_catalog.pg_prepared_xacts WHERE database = current_database()
), oldest AS (SELECT * FROM holder ORDER BY lag DESC LIMIT 1)
SELECT (SELECT max(age(datfrozenxid)) FROM pg_catalog.pg_database),
  (SELECT count(*) FROM pg_catalog.pg_prepared_xacts),
  (SELECT max(extract(epoch FROM clock_timestamp() - prepared))::float8 FROM pg_catalog.pg_prepared_xacts),
  oldest.lag, oldest.lasting_s, oldest.kind, oldest.name, oldest.client, oldest.state
FROM (SELECT 1) AS one LEFT JOIN oldest ON true";

/// Whoever holds the horizon furthest back.
#[derive(Debug)]
struct Holder<'a> {
    lag: i64,
    lasting_s: Option<f64>,
    kind: &'a str,
    name: &'a str,
    client: &'a str,
    state: &'a str,
}

impl Holder<'_> {
    fn sentence(&self) -> String {
        let mut known = Vec::new();
        if !self.client.is_empty() {
            known.push(format!("application `{}`", self.client));
        }
        if !self.state.is_empty() {
            known.push(self.state.to_owned());
        }
        known.extend(self.lasting_s.map(|lasting| format!("for {}", shown_seconds(lasting))));
        let known = if known.is_empty() { String::new() } else { format!(" ({})", known.join(", ")) };
        format!(
            "{} {}{known} holds the xmin horizon back by {} transactions: vacuum cannot remove what died \
             since",
            self.kind, self.name, self.lag
        )
    }
}

pub(super) struct Horizon {
    max_xids: u64,
    /// Who holds it far back, and was named.
    told: Option<String>,
}

impl Horizon {
    pub(super) fn new(plan: &PgPlan) -> Horizon {
        Horizon { max_xids: plan.horizon_max_xids, told: None }
    }

    pub(super) async fn look(&mut self, link: &mut Link, harvest: &mut Harvest) -> Result<(), Trouble> {
        let rows = link.ask(SQL, &[]).await?;
        let Some(row) = rows.first() else { return Ok(()) };
        let mut cells = Cells::of(row);
        harvest.add_some("postgres.xid_age", cells.float());
        harvest.add_some("postgres.prepared_transactions", cells.float());
        harvest.add_some("postgres.oldest_prepared_s", cells.float());
        let (lag, lasting_s) = (cells.int(), cells.float());
        let (kind, name) = (cells.words(), cells.words());
        let (client, state) = (cells.words(), cells.words());
        harvest.add("postgres.xmin_age", lag.unwrap_or_default() as f64);
        match lag {
            None => {
                harvest.add("postgres.xmin_age_s", 0.0);
                self.told = None;
            }
            Some(lag) => {
                harvest.add_some("postgres.xmin_age_s", lasting_s);
                let holder = Holder { lag, lasting_s, kind, name, client, state };
                self.judge(&holder, link.role(), harvest);
            }
        }
        Ok(())
    }

    fn judge(&mut self, holder: &Holder<'_>, role: &str, harvest: &mut Harvest) {
        if holder.kind == "pid" && holder.lasting_s.is_none() && holder.state.is_empty() {
            harvest.lack(format!(
                "how long another role's transaction lasts is hidden from role `{role}`: postgres.xmin_age_s \
                 is missing while one holds the horizon; GRANT pg_read_all_stats (or pg_monitor) TO the role"
            ));
        }
        let is_far = u64::try_from(holder.lag).is_ok_and(|lag| lag > self.max_xids);
        let who = is_far.then(|| format!("{} {}", holder.kind, holder.name));
        if is_far && who != self.told {
            harvest.mark(holder.sentence());
        }
        self.told = who;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_holder_is_named_once_each_time_it_is_far_behind() {
        let mut horizon = Horizon { max_xids: 1000, told: None };
        let mut marks = |lag, name| {
            let mut harvest = Harvest::default();
            let holder = Holder {
                lag,
                lasting_s: Some(35.0),
                kind: "pid",
                name,
                client: "psql",
                state: "idle in transaction",
            };
            horizon.judge(&holder, "bob", &mut harvest);
            harvest.marks
        };
        assert!(marks(1000, "12").is_empty());
        assert_eq!(
            marks(1001, "12"),
            [
                "pid 12 (application `psql`, idle in transaction, for 35 s) holds the xmin horizon back by 1001 \
              transactions: vacuum cannot remove what died since"
            ]
        );
        assert!(marks(5000, "12").is_empty());
        assert_eq!(marks(5000, "13").len(), 1);
        // A pooled connection that lets go and holds it again is news.
        assert!(marks(5, "13").is_empty());
        assert_eq!(marks(5000, "13").len(), 1);
    }

    #[test]
    fn a_slot_has_neither_client_nor_age() {
        let holder = Holder {
            lag: 7,
            lasting_s: None,
            kind: "replication slot",
            name: "standby",
            client: "",
            state: "inactive",
        };
        let sentence = holder.sentence();
        assert!(sentence.starts_with("replication slot standby (inactive) holds"), "{sentence}");
    }
}
