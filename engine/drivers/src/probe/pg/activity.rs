//! Who is connected, what the connections do, and what they wait for.
//!
//! One sample of `pg_stat_activity` sees what happens at that moment, not what happened since the last: shares of
//! many samples mean something, a single one does not. Waits are those of connections that are at work; a
//! connection between two statements waits for its client and is counted as idle.

use std::collections::BTreeMap;

use crate::pg::Rows;
use crate::probe::harvest::Harvest;
use crate::probe::pg::link::{APPLICATION_NAME, Cells, HIDDEN, Link, Trouble};
use crate::probe::pg::words::{Bounded, as_series_part};

/// Names that become series.
const EVENTS_AT_MOST: usize = 30;
const CLIENTS_AT_MOST: usize = 20;
const CLASSES_AT_MOST: usize = 12;

/// A role without `pg_read_all_stats` sees a backend of another role without its type; what has a role and a
/// database and no type is taken for a client.
fn sql() -> String {
    format!(
        "SELECT /* snapbench probe */ coalesce(application_name, ''), state, wait_event_type, wait_event, \
           count(*), count(*) FILTER (WHERE query = '{HIDDEN}'), \
           max(extract(epoch FROM clock_timestamp() - xact_start))::float8 \
         FROM pg_catalog.pg_stat_activity \
         WHERE pid <> pg_backend_pid() AND application_name IS DISTINCT FROM '{APPLICATION_NAME}' \
           AND CASE WHEN backend_type IS NULL THEN usesysid IS NOT NULL AND datid IS NOT NULL \
                    ELSE backend_type = 'client backend' END \
         GROUP BY 1, 2, 3, 4"
    )
}

/// What one look counts.
#[derive(Debug, Default, PartialEq)]
struct Counted {
    connections: i64,
    active: i64,
    idle: i64,
    idle_in_transaction: i64,
    waiting: i64,
    hidden: i64,
    longest_transaction_s: f64,
    by_class: BTreeMap<String, f64>,
    by_event: BTreeMap<String, f64>,
    by_client: BTreeMap<String, f64>,
}

/// Backends that have all of it in common.
struct Group<'a> {
    client: &'a str,
    state: &'a str,
    wait_class: Option<&'a str>,
    wait_event: &'a str,
    backends: i64,
    hidden: i64,
    transaction_s: Option<f64>,
}

impl Counted {
    fn add(&mut self, group: &Group<'_>) {
        self.connections += group.backends;
        self.hidden += group.hidden;
        *self.by_client.entry(as_series_part(group.client)).or_default() += group.backends as f64;
        self.longest_transaction_s = self.longest_transaction_s.max(group.transaction_s.unwrap_or_default());
        match group.state {
            "active" | "fastpath function call" => self.active += group.backends,
            "idle" => self.idle += group.backends,
            "idle in transaction" | "idle in transaction (aborted)" => {
                self.idle_in_transaction += group.backends;
            }
            _ => {}
        }
        if let (Some(class), "active") = (group.wait_class, group.state) {
            self.waiting += group.backends;
            let class = as_series_part(class);
            let event = format!("{class}.{}", as_series_part(group.wait_event));
            *self.by_class.entry(class).or_default() += group.backends as f64;
            *self.by_event.entry(event).or_default() += group.backends as f64;
        }
    }

    fn read(rows: &Rows) -> Counted {
        let mut counted = Counted::default();
        for row in rows {
            let mut cells = Cells::of(row);
            counted.add(&Group {
                client: cells.words(),
                state: cells.words(),
                wait_class: cells.text(),
                wait_event: cells.words(),
                backends: cells.count(),
                hidden: cells.count(),
                transaction_s: cells.float(),
            });
        }
        counted
    }
}

pub(super) struct Activity {
    sql: String,
    classes: Bounded,
    events: Bounded,
    clients: Bounded,
}

impl Default for Activity {
    fn default() -> Self {
        Activity {
            sql: sql(),
            classes: Bounded::new(CLASSES_AT_MOST),
            events: Bounded::new(EVENTS_AT_MOST),
            clients: Bounded::new(CLIENTS_AT_MOST),
        }
    }
}

impl Activity {
    pub(super) async fn look(&mut self, link: &mut Link, harvest: &mut Harvest) -> Result<(), Trouble> {
        let rows = link.ask(&self.sql, &[]).await?;
        let counted = Counted::read(&rows);
        if counted.hidden > 0 {
            harvest.lack(format!(
                "states and waits of other roles' connections are hidden from role `{}`: they are counted in \
                 postgres.connections alone; GRANT pg_read_all_stats (or pg_monitor) TO the role",
                link.role()
            ));
        }
        self.report(counted, harvest);
        Ok(())
    }

    fn report(&mut self, counted: Counted, harvest: &mut Harvest) {
        for (what, count) in [
            ("connections", counted.connections),
            ("active", counted.active),
            ("idle", counted.idle),
            ("idle_in_transaction", counted.idle_in_transaction),
            ("waiting", counted.waiting),
        ] {
            harvest.add(format!("postgres.{what}"), count as f64);
        }
        harvest.add("postgres.longest_transaction_s", counted.longest_transaction_s);
        for (names, counts, family) in [
            (&mut self.classes, counted.by_class, "waits"),
            (&mut self.events, counted.by_event, "wait"),
            (&mut self.clients, counted.by_client, "clients"),
        ] {
            for (name, count) in names.spread(counts) {
                harvest.add(format!("postgres.{family}.{name}"), count);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GROUP: Group<'_> = Group {
        client: "load",
        state: "active",
        wait_class: Some("Lock"),
        wait_event: "transactionid",
        backends: 3,
        hidden: 0,
        transaction_s: Some(1.5),
    };

    #[test]
    fn only_those_at_work_wait() {
        let mut counted = Counted::default();
        counted.add(&GROUP);
        counted.add(&Group { wait_class: None, wait_event: "", backends: 2, ..GROUP });
        let reading = Group { wait_class: Some("Client"), wait_event: "ClientRead", backends: 4, ..GROUP };
        counted.add(&Group { state: "idle", transaction_s: None, ..reading });
        counted.add(&Group { state: "idle in transaction", client: "", transaction_s: Some(9.0), ..reading });
        assert_eq!((counted.connections, counted.active, counted.waiting), (13, 5, 3));
        assert_eq!((counted.idle, counted.idle_in_transaction), (4, 4));
        assert_eq!(counted.by_class, BTreeMap::from([("Lock".to_owned(), 3.0)]));
        assert_eq!(counted.by_event, BTreeMap::from([("Lock.transactionid".to_owned(), 3.0)]));
        assert_eq!(counted.by_client.get("unnamed"), Some(&4.0));
        assert_eq!(counted.longest_transaction_s, 9.0);
    }

    #[test]
    fn a_wait_that_was_seen_once_is_zero_when_it_is_over() {
        let mut activity = Activity::default();
        let mut counted = Counted::default();
        counted.add(&GROUP);
        activity.report(counted, &mut Harvest::default());
        let mut harvest = Harvest::default();
        activity.report(Counted::default(), &mut harvest);
        let value = |name: &str| harvest.samples.iter().find(|s| s.series == name).map(|s| s.value);
        assert_eq!(value("postgres.waits.Lock"), Some(0.0));
        assert_eq!(value("postgres.wait.Lock.transactionid"), Some(0.0));
        assert_eq!(value("postgres.clients.load"), Some(0.0));
    }
}
