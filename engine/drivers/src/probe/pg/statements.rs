//! The statements that took the most time since the last look, from `pg_stat_statements`.
//!
//! Counters are read without texts, because the server would read them from a file each time; the text of a
//! statement is fetched when it first comes to the top. The probes' own statements are told by their comment and
//! left out. A statement is called by the first digits of its query id, which a major version keeps.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Instant;

use crate::Value;
use crate::pg::ident::quote;
use crate::probe::harvest::Harvest;
use crate::probe::pg::extension::Extension;
use crate::probe::pg::link::{Cells, HIDDEN, Link, Trouble};
use crate::probe::pg::words::shown_query;

/// Statements that one look reports.
const TOP: usize = 10;
/// Statements that become series in a probe's life.
const NAMES_AT_MOST: usize = 50;
/// Hexadecimal digits of a name; more where two would be the same.
const NAME_DIGITS: usize = 6;

/// What is in all of a probe's statements.
const OWN: &str = "/* snapbench probe */";

const PREREQUISITES: &str = "\
SELECT /* snapbench probe */
  (SELECT n.nspname FROM pg_catalog.pg_extension AS e
    JOIN pg_catalog.pg_namespace AS n ON n.oid = e.extnamespace WHERE e.extname = 'pg_stat_statements'),
  EXISTS (SELECT FROM pg_catalog.pg_settings WHERE name = 'pg_stat_statements.max')";

const NOT_LOADED: &str = "pg_stat_statements is not loaded, statements cannot be told apart: add it to \
                          shared_preload_libraries and restart the server";

/// Calls and time of one statement, over all roles.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
struct Usage {
    calls: i64,
    total_ms: f64,
}

impl Usage {
    /// What was added since; all of it when the server has begun anew.
    fn since(self, last: Usage) -> Usage {
        if self.calls < last.calls || self.total_ms < last.total_ms {
            return self;
        }
        Usage { calls: self.calls - last.calls, total_ms: self.total_ms - last.total_ms }
    }
}

pub(super) struct Statements {
    extension: Extension,
    last: Option<(Instant, HashMap<i64, Usage>)>,
    names: BTreeMap<i64, String>,
    own: HashSet<i64>,
    ends_warm_up: bool,
}

impl Default for Statements {
    fn default() -> Self {
        Statements {
            extension: Extension::new("pg_stat_statements"),
            last: None,
            names: BTreeMap::new(),
            own: HashSet::new(),
            ends_warm_up: false,
        }
    }
}

impl Statements {
    /// The measured window begins: the next look tells nothing of what was before it.
    pub(super) fn measured_from_now(&mut self) {
        self.ends_warm_up = true;
    }

    pub(super) async fn look(&mut self, link: &mut Link, harvest: &mut Harvest) -> Result<(), Trouble> {
        let Some(schema) = self.schema(link, harvest).await? else { return Ok(()) };
        let function = format!("{}.pg_stat_statements", quote(&schema));
        let time = if link.major().await? >= 13 { "total_exec_time" } else { "total_time" };
        let sql = format!(
            "SELECT /* snapbench probe */ queryid, sum(calls)::int8, sum({time})::float8 \
             FROM {function}(false) WHERE dbid = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database()) \
             GROUP BY queryid"
        );
        let rows = match link.ask(&sql, &[]).await {
            Ok(rows) => rows,
            Err(trouble) if trouble.sqlstate() == Some("55000") => {
                harvest.lack(NOT_LOADED);
                return Ok(());
            }
            Err(trouble) => return Err(trouble),
        };
        let (at, mut usages) = (Instant::now(), HashMap::new());
        for row in &rows {
            let mut cells = Cells::of(row);
            match (cells.int(), cells.count(), cells.float()) {
                (Some(id), calls, total_ms) => {
                    usages.insert(id, Usage { calls, total_ms: total_ms.unwrap_or_default() });
                }
                // Statements of other roles come without their id.
                (None, ..) => harvest.lack(format!(
                    "other roles' statements are hidden from role `{}`: GRANT pg_read_all_stats (or \
                     pg_monitor) TO the role",
                    link.role()
                )),
            }
        }
        let Some((last_at, last)) = self.last.replace((at, usages.clone())) else {
            self.ends_warm_up = false;
            return Ok(());
        };
        let busiest = busiest(&usages, &last);
        let candidates: Vec<i64> = busiest.iter().map(|(id, _)| *id).take(2 * TOP).collect();
        self.fetch_texts(link, &function, &candidates, harvest).await?;
        if std::mem::take(&mut self.ends_warm_up) {
            return Ok(());
        }
        let seconds = at.saturating_duration_since(last_at).as_secs_f64();
        let named = busiest.iter().filter_map(|(id, used)| Some((self.names.get(id)?, used)));
        for (name, used) in named.take(TOP) {
            harvest.add(format!("postgres.statement.{name}.calls_per_s"), used.calls as f64 / seconds);
            harvest.add(format!("postgres.statement.{name}.mean_ms"), used.total_ms / used.calls as f64);
        }
        Ok(())
    }

    /// The extension's schema, when it can be used.
    async fn schema(&mut self, link: &mut Link, harvest: &mut Harvest) -> Result<Option<String>, Trouble> {
        let ask = async |link: &mut Link| -> Result<(Option<String>, bool), Trouble> {
            let rows = link.ask(PREREQUISITES, &[]).await?;
            let found = rows.first().map(|row| {
                let mut cells = Cells::of(row);
                (cells.text().map(str::to_owned), cells.flag())
            });
            Ok(found.unwrap_or_default())
        };
        let (mut schema, is_loaded) = ask(link).await?;
        if !is_loaded {
            harvest.lack(NOT_LOADED);
            return Ok(None);
        }
        if schema.is_none() && self.extension.make(link).await? {
            (schema, _) = ask(link).await?;
        }
        if schema.is_none() {
            harvest.lack(self.extension.lack("statements cannot be told apart", link.database()));
        }
        Ok(schema)
    }

    /// Learns the texts of statements that come to the top for the first time, and gives names to the load's.
    async fn fetch_texts(
        &mut self,
        link: &mut Link,
        function: &str,
        candidates: &[i64],
        harvest: &mut Harvest,
    ) -> Result<(), Trouble> {
        let is_known = |id: &&i64| self.names.contains_key(*id) || self.own.contains(*id);
        let unknown: Vec<Value> =
            candidates.iter().filter(|id| !is_known(id)).map(|id| Value::Int(*id)).collect();
        if unknown.is_empty() || self.names.len() >= NAMES_AT_MOST {
            return Ok(());
        }
        let sql = format!(
            "SELECT /* snapbench probe */ queryid, min(query) FROM {function}(true) \
             WHERE queryid = ANY($1::int8[]) GROUP BY queryid"
        );
        let rows = link.ask(&sql, &[Value::Array(unknown)]).await?;
        let texts: HashMap<i64, &str> = rows
            .iter()
            .map(|row| {
                let mut cells = Cells::of(row);
                (cells.count(), cells.words())
            })
            .collect();
        // In the order of their weight, in case there is not room for all.
        for id in candidates {
            let Some(text) = texts.get(id) else { continue };
            if text.contains(OWN) {
                self.own.insert(*id);
            } else if *text != HIDDEN && self.names.len() < NAMES_AT_MOST {
                let name = name(*id, &self.names);
                harvest.mark(format!("statement {name}: {}", shown_query(text)));
                self.names.insert(*id, name);
            }
        }
        Ok(())
    }
}

/// What was called since the last look, what took the most time first.
fn busiest(now: &HashMap<i64, Usage>, last: &HashMap<i64, Usage>) -> Vec<(i64, Usage)> {
    let used = |(id, usage): (&i64, &Usage)| (*id, usage.since(last.get(id).copied().unwrap_or_default()));
    let mut busiest: Vec<_> = now.iter().map(used).filter(|(_, used)| used.calls > 0).collect();
    busiest.sort_by(|(a, x), (b, y)| y.total_ms.total_cmp(&x.total_ms).then(a.cmp(b)));
    busiest
}

/// The first digits of the id that no other statement has.
fn name(id: i64, taken: &BTreeMap<i64, String>) -> String {
    let digits = format!("{id:016x}");
    let is_free = |name: &&str| !taken.values().any(|other| other == name);
    let name = (NAME_DIGITS..=digits.len()).map(|length| &digits[..length]).find(is_free);
    name.unwrap_or(&digits).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usage(calls: i64, total_ms: f64) -> Usage {
        Usage { calls, total_ms }
    }

    #[test]
    fn the_busiest_since_the_last_look_come_first() {
        let last = HashMap::from([(1, usage(100, 9000.0)), (2, usage(10, 10.0)), (4, usage(50, 50.0))]);
        let now = HashMap::from([
            (1, usage(100, 9000.0)),
            (2, usage(30, 70.0)),
            (3, usage(5, 100.0)),
            // Began anew: what it has is what was added.
            (4, usage(2, 1.0)),
        ]);
        assert_eq!(busiest(&now, &last), [(3, usage(5, 100.0)), (2, usage(20, 60.0)), (4, usage(2, 1.0))]);
    }

    #[test]
    fn names_are_short_stable_and_differ() {
        let mut taken = BTreeMap::new();
        assert_eq!(name(-1, &taken), "ffffff");
        taken.insert(-1, "ffffff".to_owned());
        assert_eq!(name(-2, &taken), "fffffff");
        assert_eq!(name(0x3f2a_1b00_0000_0000, &taken), "3f2a1b");
    }
}
