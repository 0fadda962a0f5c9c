//! Dead and free space in the planned tables, by reading them.
//!
//! `pgstattuple` reads every page; `pgstattuple_approx` skips those that the visibility map calls clean and takes
//! their share from the map of free space. Each leaf is a statement of its own, so that its snapshot, which holds
//! the xmin horizon back while it reads, is as short as can be. Where neither may be had, `dead_percent` comes
//! from the server's own counts: the same series, a share of rows in place of bytes, and the lack says so.

use std::collections::{BTreeMap, BTreeSet};

use crate::Value;
use crate::pg::ident::quote;
use crate::probe::harvest::Harvest;
use crate::probe::pg::PgPlan;
use crate::probe::pg::extension::Extension;
use crate::probe::pg::link::{Cells, Link, Trouble};
use crate::probe::pg::relations::{MEMBERS, paths, tell_missing};

const COLUMNS: &str = "
SELECT m.place, m.oid, m.kind::text, pg_relation_size(m.oid), pg_stat_get_live_tuples(m.oid),
  pg_stat_get_dead_tuples(m.oid), (SELECT n.nspname FROM pg_catalog.pg_extension AS e
    JOIN pg_catalog.pg_namespace AS n ON n.oid = e.extnamespace WHERE e.extname = 'pgstattuple')
FROM member AS m";

/// What the lack of it means.
const CONSEQUENCE: &str = "dead_percent comes from statistics (dead rows among all rows), free_percent and \
                           live_percent are missing";

/// Where a `dead_percent` comes from: figures from different ones are not to be compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    Exact,
    Estimate,
    Statistics,
}

impl Source {
    const fn words(self) -> &'static str {
        match self {
            Source::Exact => "by pgstattuple",
            Source::Estimate => "by pgstattuple_approx (an estimate)",
            Source::Statistics => "from statistics",
        }
    }
}

/// A planned table as the catalogue and the statistics have it.
#[derive(Debug, Default)]
struct Found {
    leaves: Vec<u32>,
    heap_bytes: u64,
    live_rows: i64,
    dead_rows: i64,
}

/// Bytes of a table by what is in them.
#[derive(Debug, Default, Clone, Copy, PartialEq)]
struct Space {
    all: f64,
    live: f64,
    dead: f64,
    free: f64,
}

pub(super) struct Tuples {
    plan: PgPlan,
    sql: String,
    extension: Extension,
    /// What each table's figures came from at last, by its place.
    sources: BTreeMap<i64, Source>,
}

impl Tuples {
    pub(super) fn new(plan: PgPlan) -> Tuples {
        let extension = Extension::new("pgstattuple");
        Tuples { plan, sql: format!("{MEMBERS}{COLUMNS}"), extension, sources: BTreeMap::new() }
    }

    pub(super) async fn look(&mut self, link: &mut Link, harvest: &mut Harvest) -> Result<(), Trouble> {
        let (mut tables, mut schema) = self.find(link).await?;
        if schema.is_none() && !tables.is_empty() && self.extension.make(link).await? {
            (tables, schema) = self.find(link).await?;
        }
        tell_missing(&self.plan.tables, &BTreeSet::from_iter(tables.keys().copied()), harvest);
        for (place, name) in (1..).zip(&self.plan.tables) {
            let Some(table) = tables.get(&place) else { continue };
            let Some(in_schema) = &schema else {
                report_statistics(name, table, harvest);
                tell_source(&mut self.sources, place, name, Source::Statistics, harvest);
                continue;
            };
            let is_exact = table.heap_bytes <= self.plan.tuples_max_exact_bytes;
            match space(link, in_schema, is_exact, table).await {
                Ok(space) => {
                    report(name, space, harvest);
                    let source = if is_exact { Source::Exact } else { Source::Estimate };
                    tell_source(&mut self.sources, place, name, source, harvest);
                }
                Err(trouble) if trouble.is_denied() => {
                    let role = link.role();
                    harvest.lack(format!(
                        "pgstattuple may not be called by role `{role}`: {CONSEQUENCE}; \
                         GRANT pg_stat_scan_tables TO the role"
                    ));
                    report_statistics(name, table, harvest);
                    tell_source(&mut self.sources, place, name, Source::Statistics, harvest);
                }
                Err(trouble) if trouble.sqlstate().is_some() => harvest.fail(format!("{name}: {trouble}")),
                Err(trouble) => return Err(trouble),
            }
        }
        if schema.is_none() && !tables.is_empty() {
            harvest.lack(self.extension.lack(CONSEQUENCE, link.database()));
        }
        Ok(())
    }

    /// The tables by place, and the schema of the extension.
    async fn find(&self, link: &mut Link) -> Result<(BTreeMap<i64, Found>, Option<String>), Trouble> {
        let rows = link.ask(&self.sql, &[paths(&self.plan.tables)]).await?;
        let (mut tables, mut schema) = (BTreeMap::<i64, Found>::new(), None);
        for row in &rows {
            let mut cells = Cells::of(row);
            let table = tables.entry(cells.count()).or_default();
            let (oid, kind) = (cells.oid(), cells.words());
            if kind != "p" {
                table.leaves.push(oid);
            }
            table.heap_bytes += u64::try_from(cells.count()).unwrap_or_default();
            table.live_rows += cells.count();
            table.dead_rows += cells.count();
            schema = cells.text().map(str::to_owned);
        }
        Ok((tables, schema))
    }
}

/// Reads all leaves of a table.
async fn space(link: &mut Link, schema: &str, is_exact: bool, table: &Found) -> Result<Space, Trouble> {
    let schema = quote(schema);
    let sql = if is_exact {
        format!(
            "SELECT /* snapbench probe */ table_len::float8, tuple_len::float8, dead_tuple_len::float8, \
             free_space::float8 FROM {schema}.pgstattuple($1::oid::regclass)"
        )
    } else {
        format!(
            "SELECT /* snapbench probe */ table_len::float8, approx_tuple_len::float8, dead_tuple_len::float8, \
             approx_free_space::float8 FROM {schema}.pgstattuple_approx($1::oid::regclass)"
        )
    };
    let mut sum = Space::default();
    for leaf in &table.leaves {
        let rows = link.ask(&sql, &[Value::Int(i64::from(*leaf))]).await?;
        let Some(row) = rows.first() else { continue };
        let mut cells = Cells::of(row);
        let mut next = || cells.float().unwrap_or_default();
        let (all, live, dead, free) = (next(), next(), next(), next());
        sum =
            Space { all: sum.all + all, live: sum.live + live, dead: sum.dead + dead, free: sum.free + free };
    }
    Ok(sum)
}

fn report(table: &str, space: Space, harvest: &mut Harvest) {
    let percent = |bytes: f64| 100.0 * bytes / space.all;
    harvest.add(format!("{table}.dead_percent"), percent(space.dead));
    harvest.add(format!("{table}.free_percent"), percent(space.free));
    harvest.add(format!("{table}.live_percent"), percent(space.live));
    harvest.add(format!("{table}.dead_tuple_bytes"), space.dead);
}

fn report_statistics(table: &str, found: &Found, harvest: &mut Harvest) {
    let rows = found.live_rows + found.dead_rows;
    harvest.add(format!("{table}.dead_percent"), 100.0 * found.dead_rows as f64 / rows as f64);
}

/// Says where a table's figures come from, at first and whenever that changes.
fn tell_source(
    sources: &mut BTreeMap<i64, Source>,
    place: i64,
    table: &str,
    source: Source,
    harvest: &mut Harvest,
) {
    if sources.insert(place, source) != Some(source) {
        harvest.mark(format!("dead_percent of {table} {}", source.words()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_told_at_first_and_when_it_changes() {
        let (mut sources, mut harvest) = (BTreeMap::new(), Harvest::default());
        for source in [Source::Exact, Source::Exact, Source::Estimate, Source::Estimate, Source::Exact] {
            tell_source(&mut sources, 1, "t", source, &mut harvest);
        }
        tell_source(&mut sources, 2, "u", Source::Statistics, &mut harvest);
        assert_eq!(
            harvest.marks,
            [
                "dead_percent of t by pgstattuple",
                "dead_percent of t by pgstattuple_approx (an estimate)",
                "dead_percent of t by pgstattuple",
                "dead_percent of u from statistics",
            ]
        );
    }

    fn values(harvest: &Harvest) -> Vec<(&str, f64)> {
        harvest.samples.iter().map(|sample| (sample.series.as_str(), sample.value)).collect()
    }

    #[test]
    fn shares_are_of_all_bytes() {
        let mut harvest = Harvest::default();
        report("t", Space { all: 1000.0, live: 700.0, dead: 50.0, free: 200.0 }, &mut harvest);
        assert_eq!(
            values(&harvest),
            [
                ("t.dead_percent", 5.0),
                ("t.free_percent", 20.0),
                ("t.live_percent", 70.0),
                ("t.dead_tuple_bytes", 50.0)
            ]
        );
    }

    #[test]
    fn an_empty_table_has_no_shares() {
        let mut harvest = Harvest::default();
        report("t", Space::default(), &mut harvest);
        report_statistics("t", &Found::default(), &mut harvest);
        assert_eq!(values(&harvest), [("t.dead_tuple_bytes", 0.0)]);
    }
}
