//! Sizes, rows, activity and vacuum of the planned tables, from the statistics that the server keeps anyway.
//!
//! The functions below `pg_stat_all_tables` are called by oid: the view would group the whole catalogue first.
//! A backend hands its counts over at most once a second, so that counters lag by that much. `live_rows` is the
//! server's estimate (`n_live_tup`), which `size_per_row` inherits. All of it is readable by every role.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use crate::probe::counters::{Backwards, Step, Tally, share};
use crate::probe::harvest::Harvest;
use crate::probe::pg::PgPlan;
use crate::probe::pg::link::{Cells, Link, Trouble};
use crate::probe::pg::relations::{MEMBERS, paths, tell_missing};
use crate::probe::pg::words::ordinal;

/// Counters of a relation, in the order in which they are read.
const INSERTS: usize = 0;
const UPDATES: usize = 1;
const DELETES: usize = 2;
const HOT_UPDATES: usize = 3;
const SEQ_SCANS: usize = 4;
const INDEX_SCANS: usize = 5;
const VACUUMS: usize = 6;
const AUTOVACUUMS: usize = 7;
const ANALYZES: usize = 8;
const AUTOANALYZES: usize = 9;
const HEAP_FETCHED: usize = 10;
const HEAP_HIT: usize = 11;
const INDEX_FETCHED: usize = 12;
const INDEX_HIT: usize = 13;
const COUNTERS: usize = 14;

const COLUMNS: &str = "
SELECT m.place, m.oid, m.kind::text, pg_relation_size(m.oid), pg_table_size(m.oid), pg_indexes_size(m.oid),
  CASE WHEN pg_relation_size(nullif(c.reltoastrelid, 0)) > 0 THEN pg_total_relation_size(c.reltoastrelid) END,
  pg_stat_get_live_tuples(m.oid), pg_stat_get_dead_tuples(m.oid),
  CASE WHEN c.relfrozenxid <> '0'::xid THEN greatest(age(c.relfrozenxid), age(t.relfrozenxid)) END,
  pg_stat_get_tuples_inserted(m.oid), pg_stat_get_tuples_updated(m.oid), pg_stat_get_tuples_deleted(m.oid),
  pg_stat_get_tuples_hot_updated(m.oid), pg_stat_get_numscans(m.oid), i.scans,
  pg_stat_get_vacuum_count(m.oid), pg_stat_get_autovacuum_count(m.oid),
  pg_stat_get_analyze_count(m.oid), pg_stat_get_autoanalyze_count(m.oid),
  pg_stat_get_blocks_fetched(m.oid), pg_stat_get_blocks_hit(m.oid), i.fetched, i.hit
FROM member AS m
JOIN pg_catalog.pg_class AS c ON c.oid = m.oid
LEFT JOIN pg_catalog.pg_class AS t ON t.oid = c.reltoastrelid
LEFT JOIN LATERAL (
  SELECT sum(pg_stat_get_numscans(indexrelid))::int8, sum(pg_stat_get_blocks_fetched(indexrelid))::int8,
    sum(pg_stat_get_blocks_hit(indexrelid))::int8
  FROM pg_catalog.pg_index WHERE indrelid = m.oid) AS i(scans, fetched, hit) ON true";

/// What is read of the leaves of one planned table, summed.
#[derive(Debug, Default, PartialEq)]
struct Sum {
    heap_bytes: i64,
    /// With its TOAST table and the maps of free space and visibility.
    table_bytes: i64,
    index_bytes: i64,
    toast_bytes: Option<i64>,
    live_rows: i64,
    dead_rows: i64,
    xid_age: Option<i64>,
    counters: Vec<(u32, [i64; COUNTERS])>,
}

impl Sum {
    /// Adds the next leaf. A partitioned table itself holds nothing.
    fn add(&mut self, oid: u32, cells: &mut Cells<'_>) {
        if cells.words() == "p" {
            return;
        }
        self.heap_bytes += cells.count();
        self.table_bytes += cells.count();
        self.index_bytes += cells.count();
        if let Some(bytes) = cells.int() {
            *self.toast_bytes.get_or_insert(0) += bytes;
        }
        self.live_rows += cells.count();
        self.dead_rows += cells.count();
        self.xid_age = self.xid_age.max(cells.int());
        self.counters.push((oid, cells.counts()));
    }
}

pub(super) struct Tables {
    sql: String,
    names: Vec<String>,
    tallies: Vec<Tally<u32, COUNTERS>>,
}

impl Tables {
    pub(super) fn new(plan: &PgPlan) -> Tables {
        let tallies = plan.tables.iter().map(|_| Tally::new(Backwards::Reset)).collect();
        Tables { sql: format!("{MEMBERS}{COLUMNS}"), names: plan.tables.clone(), tallies }
    }

    pub(super) fn measured_from_now(&mut self) {
        self.tallies.iter_mut().for_each(Tally::measured_from_now);
    }

    pub(super) async fn look(&mut self, link: &mut Link, harvest: &mut Harvest) -> Result<(), Trouble> {
        let rows = link.ask(&self.sql, &[paths(&self.names)]).await?;
        let at = Instant::now();
        let mut sums: BTreeMap<i64, Sum> = BTreeMap::new();
        for row in &rows {
            let mut cells = Cells::of(row);
            let (place, oid) = (cells.count(), cells.oid());
            sums.entry(place).or_default().add(oid, &mut cells);
        }
        tell_missing(&self.names, &BTreeSet::from_iter(sums.keys().copied()), harvest);
        for ((place, table), tally) in (1..).zip(&self.names).zip(&mut self.tallies) {
            if let Some(mut sum) = sums.remove(&place) {
                let step = tally.look(at, std::mem::take(&mut sum.counters));
                report(table, &sum, &step, harvest);
                tell_events(table, &step, harvest);
            }
        }
        Ok(())
    }
}

fn report(table: &str, sum: &Sum, step: &Step<COUNTERS>, harvest: &mut Harvest) {
    let mut add = |what: &str, value: Option<f64>| harvest.add_some(format!("{table}.{what}"), value);
    let bytes = |bytes: i64| Some(bytes as f64);
    let total_bytes = sum.table_bytes + sum.index_bytes;
    add("heap_bytes", bytes(sum.heap_bytes));
    add("index_bytes", bytes(sum.index_bytes));
    add("toast_bytes", sum.toast_bytes.and_then(bytes));
    add("total_bytes", bytes(total_bytes));
    add("live_rows", Some(sum.live_rows as f64));
    add("dead_rows", Some(sum.dead_rows as f64));
    add("size_per_row", share(total_bytes, sum.live_rows));
    add("hot_ratio", step.share(HOT_UPDATES, UPDATES));
    add("hot_ratio_overall", share(step.total[HOT_UPDATES], step.total[UPDATES]));
    add("inserts_per_s", step.rate(INSERTS));
    add("updates_per_s", step.rate(UPDATES));
    add("deletes_per_s", step.rate(DELETES));
    for (what, counter) in [
        ("seq_scans", SEQ_SCANS),
        ("index_scans", INDEX_SCANS),
        ("vacuum_count", VACUUMS),
        ("autovacuum_count", AUTOVACUUMS),
        ("analyze_count", ANALYZES),
        ("autoanalyze_count", AUTOANALYZES),
    ] {
        add(what, Some(step.total[counter] as f64));
    }
    add("heap_cache_hit_ratio", step.share(HEAP_HIT, HEAP_FETCHED));
    add("index_cache_hit_ratio", step.share(INDEX_HIT, INDEX_FETCHED));
    add("xid_age", sum.xid_age.map(|age| age as f64));
}

/// One mark for each kind of maintenance that was counted since the last look.
fn tell_events(table: &str, step: &Step<COUNTERS>, harvest: &mut Harvest) {
    if step.was_reset {
        harvest.mark(format!("the statistics of {table} were reset"));
    }
    for (what, counter) in [
        ("vacuum", VACUUMS),
        ("autovacuum", AUTOVACUUMS),
        ("analyze", ANALYZES),
        ("autoanalyze", AUTOANALYZES),
    ] {
        let which = match (step.grown[counter], step.total[counter]) {
            (0, _) => continue,
            (1, _) if step.ends_warm_up => "before the measured window".to_owned(),
            (times, _) if step.ends_warm_up => format!("{times} times before the measured window"),
            (1, total) => format!("the {}", ordinal(total)),
            (times, total) => format!("the {}, {times} since the last look", ordinal(total)),
        };
        harvest.mark(format!("{what} of {table} ({which})"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(grown: i64, total: i64, ends_warm_up: bool) -> Step<COUNTERS> {
        let mut step = Step {
            grown: [0; COUNTERS],
            seconds: Some(2.0),
            total: [0; COUNTERS],
            ends_warm_up,
            was_reset: false,
        };
        (step.grown[AUTOVACUUMS], step.total[AUTOVACUUMS]) = (grown, total);
        step
    }

    #[test]
    fn each_autovacuum_is_told_with_its_number() {
        let told = |step: Step<COUNTERS>| {
            let mut harvest = Harvest::default();
            tell_events("t", &step, &mut harvest);
            harvest.marks.join("; ")
        };
        assert_eq!(told(step(1, 3, false)), "autovacuum of t (the 3rd)");
        assert_eq!(told(step(2, 4, false)), "autovacuum of t (the 4th, 2 since the last look)");
        assert_eq!(told(step(1, 0, true)), "autovacuum of t (before the measured window)");
        assert_eq!(told(step(0, 4, false)), "");
        assert_eq!(told(Step { was_reset: true, ..step(0, 0, false) }), "the statistics of t were reset");
    }

    #[test]
    fn ratios_of_nothing_are_left_out() {
        let mut harvest = Harvest::default();
        let sum = Sum { heap_bytes: 8192, table_bytes: 16384, index_bytes: 8192, ..Sum::default() };
        report("t", &sum, &step(0, 0, false), &mut harvest);
        let value = |name: &str| {
            harvest.samples.iter().find(|sample| sample.series == name).map(|sample| sample.value)
        };
        assert_eq!(value("t.total_bytes"), Some(24576.0));
        assert_eq!(value("t.updates_per_s"), Some(0.0));
        for absent in ["t.hot_ratio", "t.size_per_row", "t.toast_bytes", "t.xid_age"] {
            assert_eq!(value(absent), None, "{absent}");
        }
    }
}
