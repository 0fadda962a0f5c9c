//! Long commands while they are under way: vacuum, analyze, index builds, copies, rewrites.
//!
//! What begins and ends between two looks is not seen here; vacuum and analyze are counted by the part `tables`.
//! Commands on the system's own tables are left out.

use std::collections::{BTreeMap, HashMap};

use crate::pg::Rows;
use crate::probe::harvest::Harvest;
use crate::probe::pg::link::{Cells, Link, Trouble};

/// A view of progress, the version that brought it, and its columns.
struct View {
    since: u32,
    name: &'static str,
    kind: &'static str,
    phase: &'static str,
    done: &'static str,
    total: &'static str,
}

const VIEWS: [View; 5] = [
    View {
        since: 10,
        name: "pg_stat_progress_vacuum",
        kind: "'vacuum'",
        phase: "phase",
        done: "heap_blks_scanned",
        total: "heap_blks_total",
    },
    View {
        since: 13,
        name: "pg_stat_progress_analyze",
        kind: "'analyze'",
        phase: "phase",
        done: "sample_blks_scanned",
        total: "sample_blks_total",
    },
    View {
        since: 12,
        name: "pg_stat_progress_create_index",
        kind: "'create_index'",
        phase: "phase",
        // Some phases count blocks, others tuples.
        done: "CASE WHEN blocks_total > 0 THEN blocks_done ELSE tuples_done END",
        total: "CASE WHEN blocks_total > 0 THEN blocks_total ELSE tuples_total END",
    },
    View {
        since: 12,
        name: "pg_stat_progress_cluster",
        kind: "CASE command WHEN 'CLUSTER' THEN 'cluster' ELSE 'vacuum_full' END",
        phase: "phase",
        done: "heap_blks_scanned",
        total: "heap_blks_total",
    },
    View {
        since: 14,
        name: "pg_stat_progress_copy",
        kind: "'copy'",
        phase: "lower(command)",
        done: "bytes_processed",
        total: "bytes_total",
    },
];

/// All views that the version has, as one statement.
fn sql(major: u32) -> String {
    let selects: Vec<String> = VIEWS
        .iter()
        .filter(|view| major >= view.since)
        .map(|View { name, kind, phase, done, total, .. }| {
            format!(
                "SELECT {kind} AS kind, pid, relid, {phase} AS phase, ({done})::float8 AS done, \
                 ({total})::float8 AS total FROM pg_catalog.{name} WHERE datname = current_database()"
            )
        })
        .collect();
    format!(
        "SELECT /* snapbench probe */ p.kind, p.pid, coalesce(o.relname, c.relname)::text, c.relkind = 't', \
           p.phase, p.done, p.total \
         FROM ({}) AS p LEFT JOIN pg_catalog.pg_class AS c ON c.oid = p.relid \
         LEFT JOIN pg_catalog.pg_class AS o ON c.relkind = 't' AND o.reltoastrelid = c.oid \
         LEFT JOIN pg_catalog.pg_namespace AS n ON n.oid = coalesce(o.relnamespace, c.relnamespace) \
         WHERE n.nspname IS NULL OR n.nspname NOT IN ('pg_catalog', 'information_schema') \
         ORDER BY p.pid",
        selects.join(" UNION ALL ")
    )
}

/// A command under way.
#[derive(Debug, Clone, PartialEq)]
struct Work {
    kind: String,
    /// `None` when the role may not see it.
    of: Option<String>,
    phase: String,
    percent: Option<f64>,
}

impl Work {
    fn read(cells: &mut Cells<'_>) -> (i64, Work) {
        let (kind, pid) = (cells.words().to_owned(), cells.count());
        let (table, is_toast) = (cells.text(), cells.flag());
        let of = table.map(|table| if is_toast { format!("{table}'s TOAST") } else { table.to_owned() });
        let phase = cells.words().to_owned();
        let (done, total) = (cells.float().unwrap_or_default(), cells.float().unwrap_or_default());
        let percent = (total > 0.0).then(|| (100.0 * done / total).min(100.0));
        (pid, Work { kind, of, phase, percent })
    }

    /// `vacuum of run_head`.
    fn name(&self) -> String {
        let kind = self.kind.replace('_', " ");
        self.of.as_ref().map_or_else(|| format!("{kind} of a hidden table"), |of| format!("{kind} of {of}"))
    }

    /// `scanning heap, 40 %`.
    fn state(&self) -> String {
        match self.percent {
            Some(percent) => format!("{}, {percent:.0} %", self.phase),
            None => self.phase.clone(),
        }
    }
}

#[derive(Default)]
pub(super) struct Progress {
    /// By process, and by what is done in case a process goes on to the next table.
    under_way: HashMap<(i64, String), Work>,
}

impl Progress {
    pub(super) async fn look(&mut self, link: &mut Link, harvest: &mut Harvest) -> Result<(), Trouble> {
        let major = link.major().await?;
        let rows = link.ask(&sql(major), &[]).await?;
        let seen = read(&rows);
        if seen.iter().any(|(_, work)| work.of.is_none()) {
            harvest.lack(format!(
                "what other roles' vacuums and index builds work on is hidden from role `{}`: \
                 GRANT pg_read_all_stats (or pg_monitor) TO the role",
                link.role()
            ));
        }
        self.report(seen, harvest);
        Ok(())
    }

    fn report(&mut self, seen: Vec<(i64, Work)>, harvest: &mut Harvest) {
        // Of several of a kind the one that has the most before it.
        let mut percents: BTreeMap<&str, f64> = BTreeMap::new();
        for (_, work) in &seen {
            if let Some(percent) = work.percent {
                let least = percents.entry(&work.kind).or_insert(percent);
                *least = least.min(percent);
            }
        }
        for (kind, percent) in percents {
            harvest.add(format!("postgres.progress.{kind}_percent"), percent);
        }
        let mut under_way = HashMap::new();
        for (pid, work) in seen {
            let key = (pid, work.name());
            if self.under_way.remove(&key).is_none() {
                harvest.mark(format!("{}: {}", work.name(), work.state()));
            }
            under_way.insert(key, work);
        }
        for ended in std::mem::replace(&mut self.under_way, under_way).into_values() {
            harvest.mark(format!("{} is over (last seen: {})", ended.name(), ended.state()));
        }
    }
}

fn read(rows: &Rows) -> Vec<(i64, Work)> {
    rows.iter().map(|row| Work::read(&mut Cells::of(row))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vacuum(table: &str, percent: f64) -> Work {
        let (kind, phase) = ("vacuum".to_owned(), "scanning heap".to_owned());
        Work { kind, of: Some(table.to_owned()), phase, percent: Some(percent) }
    }

    #[test]
    fn each_beginning_and_end_is_told_once() {
        let mut progress = Progress::default();
        let mut look = |seen: Vec<(i64, Work)>| {
            let mut harvest = Harvest::default();
            progress.report(seen, &mut harvest);
            let samples: Vec<_> = harvest.samples.iter().map(|s| (s.series.clone(), s.value)).collect();
            (harvest.marks.join("; "), samples)
        };
        let percent = |value| vec![("postgres.progress.vacuum_percent".to_owned(), value)];
        let (marks, samples) = look(vec![(7, vacuum("a", 40.4))]);
        assert_eq!((marks.as_str(), samples), ("vacuum of a: scanning heap, 40 %", percent(40.4)));
        let (marks, samples) = look(vec![(7, vacuum("a", 80.0)), (8, vacuum("b", 10.0))]);
        assert_eq!((marks.as_str(), samples), ("vacuum of b: scanning heap, 10 %", percent(10.0)));
        let (marks, samples) = look(vec![(8, vacuum("b", 20.0))]);
        assert_eq!(marks, "vacuum of a is over (last seen: scanning heap, 80 %)");
        assert_eq!(samples, percent(20.0));
        let (marks, samples) = look(vec![]);
        assert_eq!(
            (marks.as_str(), samples),
            ("vacuum of b is over (last seen: scanning heap, 20 %)", vec![])
        );
    }

    #[test]
    fn a_version_is_asked_only_for_views_that_it_has() {
        assert!(!sql(12).contains("progress_copy") && !sql(12).contains("progress_analyze"));
        assert!(sql(12).contains("progress_create_index"));
        assert!(sql(18).contains("progress_copy"));
    }
}
