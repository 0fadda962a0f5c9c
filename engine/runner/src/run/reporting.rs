//! The script's own part of the report: `fn report(r)` gets what was measured and returns tables.
//!
//! It runs after the ledgers are settled and before teardown, so that it may ask the servers as well. What it throws is
//! told, and the rest of the run goes on: a report that fails does not undo a measurement.

use std::collections::BTreeMap;

use model::runfile::{
    LedgerRecord, OpSummary, ReportTable, ScenarioSummary, SeriesSummary, StepRecord, Summary, WaitRecord,
};
use script::{Portable, ScenarioOptions};
use serde_json::{Value, json};

use super::Running;
use crate::interrupts::Urgency;

/// The function that a script may have.
const FUNCTION: &str = "report";

impl Running<'_> {
    /// Calls the script's `report(r)`, if it has one.
    pub(super) fn own_report(&mut self) {
        if !self.prepared.program.has_function(FUNCTION) {
            return;
        }
        let Some(summary) = &self.book.run.summary else { return };
        let figures = ledger_figures(&self.book.run.ledgers);
        let planned = &self.prepared.planned;
        let totals = self.tally.measured().scenarios.iter();
        let last_ends_s = totals.map(|(name, one)| (&**name, one.last_end_ns as f64 / 1e9)).collect();
        let measured = json!({
            "window_s": summary.window_s,
            "operations": summary.operations,
            "operations_per_s": summary.operations_per_s,
            "errors": summary.errors,
            "ops": ops(summary),
            "scenarios": scenarios(summary, &planned.scenarios, planned.warm_up.value.as_secs_f64(), &last_ends_s),
            "metrics": summary.metrics,
            "series": series(&self.book.run.series),
            "series_names": self.book.run.series.iter().map(|one| &one.name).collect::<Vec<_>>(),
            "ledger": figures,
            "sweep": self.book.run.sweeps.iter().flat_map(|sweep| &sweep.steps).map(step).collect::<Vec<_>>(),
        });
        let mut argument = Portable::from_json(&measured);
        if let (Portable::Map(entries), Some(shared)) = (&mut argument, &self.shared) {
            entries.push(("shared".to_owned(), shared.as_ref().clone()));
        }
        if let Some(value) = self.call(FUNCTION, Some(argument), Urgency::Leave) {
            match tables(&value) {
                Ok(tables) => self.book.run.tables = tables,
                Err(why) => self.book.warn(format!("report(): {why}")),
            }
        }
    }
}

/// Figures of all ledgers by name: counts are summed, and of waits the longest is told.
fn ledger_figures(ledgers: &[LedgerRecord]) -> BTreeMap<String, Value> {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for (name, figure) in ledgers.iter().flat_map(|ledger| &ledger.figures) {
        *counts.entry(name).or_default() += figure;
    }
    let mut times_ms: BTreeMap<String, f64> = BTreeMap::new();
    for (name, time_ms) in ledgers.iter().flat_map(|ledger| &ledger.waits).flat_map(WaitRecord::times_ms) {
        let longest_ms = times_ms.entry(name).or_default();
        *longest_ms = longest_ms.max(time_ms);
    }
    let counts = counts.into_iter().map(|(name, count)| (name.to_owned(), count.into()));
    counts.chain(times_ms.into_iter().map(|(name, time_ms)| (name, time_ms.into()))).collect()
}

/// One step of a sweep.
fn step(step: &StepRecord) -> Value {
    json!({
        "value": step.value,
        "per_s": step.per_s.map(|rate| rate.value),
        "p50_ms": step.p50_ms,
        "p99_ms": step.p99_ms,
        "count": step.count,
        "errors": step.errors,
        "conflicts": step.conflicts,
        "empty": step.empty,
    })
}

/// Operations by name and outcome.
fn ops(summary: &Summary) -> BTreeMap<&str, BTreeMap<&str, Value>> {
    let mut ops: BTreeMap<&str, BTreeMap<&str, Value>> = BTreeMap::new();
    let figures = |op: &OpSummary| {
        let mut figures = json!({
            "count": op.latency.count,
            "per_s": op.per_s,
            "mean_ms": op.latency.mean_ms,
            "p50_ms": op.latency.p50_ms,
            "p95_ms": op.latency.p95_ms,
            "p99_ms": op.latency.p99_ms,
            "p99_9_ms": op.latency.p99_9_ms,
            "max_ms": op.latency.max_ms,
            "items": op.items,
        });
        if let Some(wait) = &op.pool_wait {
            figures["pool_wait_p50_ms"] = wait.p50_ms.into();
            figures["pool_wait_p95_ms"] = wait.p95_ms.into();
            figures["pool_wait_p99_ms"] = wait.p99_ms.into();
            figures["pool_wait_max_ms"] = wait.max_ms.into();
        }
        figures
    };
    for op in &summary.ops {
        ops.entry(&op.name).or_default().insert(op.outcome.as_str(), figures(op));
    }
    ops
}

/// Scenarios by name, with when they were on: rates of a step are over its own length, not the run's.
fn scenarios<'a>(
    summary: &'a Summary,
    planned: &[ScenarioOptions],
    warm_up_s: f64,
    last_ends_s: &BTreeMap<&str, f64>,
) -> BTreeMap<&'a str, Value> {
    let figures = |one: &'a ScenarioSummary| {
        let planned = planned.iter().find(|planned| planned.name == one.name)?;
        // To its last iteration's end, which may come after the plan's: what was done then was not done in less.
        let start_s = planned.start.as_secs_f64();
        let planned_s = planned.executor.longest_ns() as f64 / 1e9;
        let ended_s = last_ends_s.get(one.name.as_str()).copied().unwrap_or_default();
        let duration_s = planned_s.max(ended_s - warm_up_s - start_s);
        let figures = json!({
            "start_s": start_s,
            "duration_s": duration_s,
            "done": one.done,
            "failed": one.failed,
            "dropped": one.dropped,
            "per_s": one.done as f64 / duration_s,
            "p50_ms": one.duration.p50_ms,
            "p99_ms": one.duration.p99_ms,
        });
        Some((one.name.as_str(), figures))
    };
    summary.scenarios.iter().filter_map(figures).collect()
}

fn series(series: &[SeriesSummary]) -> BTreeMap<&str, Value> {
    let figures = |one: &SeriesSummary| {
        json!({
            "samples": one.samples,
            "first": one.first,
            "min": one.min,
            "mean": one.mean,
            "max": one.max,
            "last": one.last,
            "slope_per_minute": one.slope.map(|slope| slope.per_minute),
        })
    };
    series.iter().map(|one| (one.name.as_str(), figures(one))).collect()
}

/// The tables that a script returned: one, or an array of them.
fn tables(value: &Portable) -> Result<Vec<ReportTable>, String> {
    match value {
        Portable::Unit => Ok(Vec::new()),
        Portable::Array(all) => all.iter().map(table).collect(),
        one => Ok(vec![table(one)?]),
    }
}

fn table(value: &Portable) -> Result<ReportTable, String> {
    let Portable::Map(entries) = value else {
        return Err("return tables, each #{ title: \"…\", columns: […], rows: [[…]], notes: […] }".to_owned());
    };
    let mut table = ReportTable::default();
    for (key, value) in entries {
        match (key.as_str(), value) {
            ("title", title) => table.title = cell(title),
            ("columns", Portable::Array(columns)) => table.columns = columns.iter().map(cell).collect(),
            ("notes", Portable::Array(notes)) => table.notes = notes.iter().map(cell).collect(),
            ("notes", note) => table.notes = vec![cell(note)],
            ("rows", Portable::Array(_)) => {}
            (key @ ("columns" | "rows"), _) => return Err(format!("`{key}` of a table is an array")),
            (key, _) => return Err(format!("a table has no `{key}`; it has title, columns, rows and notes")),
        }
    }
    if let Some((_, Portable::Array(rows))) = entries.iter().find(|(key, _)| key == "rows") {
        for (n, row) in rows.iter().enumerate() {
            table
                .rows
                .push(cells(&table, row).map_err(|why| format!("row {} of `{}` {why}", n + 1, table.title))?);
        }
    }
    Ok(table)
}

/// One row: an array as wide as the columns, or a map with an entry for some of them.
fn cells(table: &ReportTable, row: &Portable) -> Result<Vec<String>, String> {
    match row {
        Portable::Array(cells) if cells.len() == table.columns.len() => Ok(cells.iter().map(cell).collect()),
        Portable::Array(cells) => {
            Err(format!("has {} cells, and there are {} columns", cells.len(), table.columns.len()))
        }
        Portable::Map(entries) => {
            let of = |column: &String| entries.iter().find(|(key, _)| key == column);
            Ok(table
                .columns
                .iter()
                .map(|column| of(column).map_or_else(String::new, |(_, it)| cell(it)))
                .collect())
        }
        _ => Err("is neither an array nor a map".to_owned()),
    }
}

/// A value as a reader wants it: whole numbers with their thousands apart, others with the digits that matter.
fn cell(value: &Portable) -> String {
    match value {
        Portable::Unit => "-".to_owned(),
        Portable::Text(text) => text.clone(),
        Portable::Int(number) => {
            let count = model::units::format_count(number.unsigned_abs());
            if *number < 0 { format!("-{count}") } else { count }
        }
        Portable::Float(number) => report::number(*number),
        other => match other.to_json() {
            Value::String(text) => text,
            json => json.to_string(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(entries: &[(&str, Portable)]) -> Portable {
        Portable::Map(entries.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect())
    }

    fn texts(items: &[&str]) -> Portable {
        Portable::Array(items.iter().map(|item| Portable::Text((*item).to_owned())).collect())
    }

    #[test]
    fn rows_are_arrays_or_maps() {
        let rows = Portable::Array(vec![
            Portable::Array(vec![Portable::Text("a".into()), Portable::Int(12_000)]),
            map(&[("n", Portable::Float(0.5))]),
        ]);
        let one =
            map(&[("title", Portable::Text("T".into())), ("columns", texts(&["name", "n"])), ("rows", rows)]);
        let found = tables(&Portable::Array(vec![one])).unwrap();
        assert_eq!(found[0].rows, [["a", "12,000"], ["", "0.5"]]);
    }

    #[test]
    fn what_is_no_table_is_told() {
        assert!(tables(&Portable::Int(3)).unwrap_err().starts_with("return tables"));
        let typo = map(&[("colums", texts(&["a"]))]);
        assert_eq!(
            tables(&typo).unwrap_err(),
            "a table has no `colums`; it has title, columns, rows and notes"
        );
        let rows = Portable::Array(vec![texts(&["1", "2"])]);
        let narrow =
            map(&[("title", Portable::Text("T".into())), ("columns", texts(&["a"])), ("rows", rows)]);
        assert_eq!(tables(&narrow).unwrap_err(), "row 1 of `T` has 2 cells, and there are 1 columns");
    }
}
