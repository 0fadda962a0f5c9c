//! The table of times: operations by outcome, iterations, lateness, waits, all in the same columns.

use model::outcome::Outcome;
use model::runfile::{LatencyFigures, OpSummary, Summary};
use model::units::format_count;

use super::sheet::Sheet;
use crate::figures::{Rates, latency};
use crate::style::Tone;
use crate::table::{Cell, Side, Table};
use crate::text::{one_line, plural};
use crate::words::classes;

/// Rows of operations that the terminal shows; the report has all of them.
const OPS_AT_MOST: usize = 30;
/// Rows of waits for a connection, those that waited longest in all.
const WAITS_AT_MOST: usize = 4;
const TITLES: [&str; 9] = ["", "count", "rate/s", "p50", "p90", "p95", "p99", "p99.9", "max"];

/// Writes the table.
pub(super) fn table(figures: &Summary, sheet: &mut Sheet<'_>) {
    let ops = shown_ops(figures);
    let rates = Rates::of(
        ops.iter().map(|op| op.per_s).chain(figures.scenarios.iter().map(|scenario| scenario.per_s)),
    );
    let mut sides = vec![Side::Words("iteration_duration".len()), Side::Words("ambiguous".len())];
    sides.extend([Side::Figures; TITLES.len() - 1]);
    let mut table = Table::new(sides);
    let mut classes_of = Vec::new();
    if !ops.is_empty() {
        titles(&mut table, "OPERATION");
    }
    let mut name = None;
    for &op in &ops {
        let first = name != Some(&op.name);
        name = Some(&op.name);
        let label = if first { one_line(&op.name).into_owned() } else { String::new() };
        let outcome = Cell::toned(op.outcome.as_str(), tone(op));
        row(&mut table, label.into(), outcome, Some(rates.show(op.per_s)), &op.latency);
        classes_of.extend(classes(op).map(|classes| (op, classes)));
    }
    let hidden = figures.ops.len() - ops.len();
    if !figures.scenarios.is_empty() {
        table.row([]);
        titles(&mut table, "ITERATION");
        iterations(figures, rates, &mut table);
    }
    waits(figures, &mut table);
    if ops.is_empty() {
        sheet.paragraph(4, None, "no operation was recorded in the measured window");
    }
    sheet.table(&table);
    if hidden > 0 {
        sheet.blank();
        let rows = plural(hidden as u64, "more row", "more rows");
        let text =
            format!("OPERATION: {rows} in report.md; shown are those with errors and the most frequent");
        sheet.paragraph(4, None, &text);
    }
    errors(&classes_of, sheet);
    sheet.blank();
}

fn titles(table: &mut Table, what: &str) {
    let mut titles = vec![what];
    titles.extend(TITLES);
    table.titles(&titles);
}

/// The operations of the most frequent rows and all that hold errors, in the order of the run file.
fn shown_ops(figures: &Summary) -> Vec<&OpSummary> {
    let mut by_weight: Vec<usize> = (0..figures.ops.len()).collect();
    by_weight.sort_by_key(|index| {
        let op = &figures.ops[*index];
        (std::cmp::Reverse((op.errors > 0, op.latency.count)), *index)
    });
    by_weight.truncate(OPS_AT_MOST);
    by_weight.sort_unstable();
    by_weight.into_iter().map(|index| &figures.ops[index]).collect()
}

fn tone(op: &OpSummary) -> Tone {
    match op.outcome {
        _ if op.errors > 0 => Tone::Bad,
        Outcome::Ok => Tone::Good,
        _ => Tone::Warn,
    }
}

fn row(table: &mut Table, label: Cell, detail: Cell, rate: Option<String>, times: &LatencyFigures) {
    let mut cells = vec![label, detail, format_count(times.count).into(), rate.unwrap_or_default().into()];
    if times.count > 0 {
        let ms = [times.p50_ms, times.p90_ms, times.p95_ms, times.p99_ms, times.p99_9_ms, times.max_ms];
        cells.extend(ms.map(|ms| Cell::from(latency(ms * 1000.0))));
    }
    table.row(cells);
}

fn iterations(figures: &Summary, rates: Rates, table: &mut Table) {
    let several = figures.scenarios.len() > 1;
    let kinds: [(&str, bool); 3] =
        [("iteration_duration", true), ("iteration_response", false), ("schedule_lag", false)];
    for (index, (name, has_rate)) in kinds.into_iter().enumerate() {
        let mut label = name;
        for scenario in &figures.scenarios {
            let times = match index {
                0 => Some(&scenario.duration),
                1 => scenario.response.as_ref(),
                _ => scenario.lag.as_ref(),
            };
            let Some(times) = times else { continue };
            let detail = if several { one_line(&scenario.name).into_owned() } else { String::new() };
            let rate = has_rate.then(|| rates.show(scenario.per_s));
            row(table, label.into(), detail.into(), rate, times);
            label = "";
        }
    }
}

fn waits(figures: &Summary, table: &mut Table) {
    let mut waits: Vec<(&OpSummary, &LatencyFigures)> =
        figures.ops.iter().filter_map(|op| Some((op, op.pool_wait.as_ref()?))).collect();
    let waited = |times: &LatencyFigures| times.mean_ms * times.count as f64;
    waits.sort_by(|a, b| waited(b.1).total_cmp(&waited(a.1)));
    if waits.is_empty() {
        return;
    }
    table.row([]);
    titles(table, "POOL WAIT");
    for (op, times) in waits.into_iter().take(WAITS_AT_MOST) {
        row(table, one_line(&op.name).into_owned().into(), op.outcome.as_str().into(), None, times);
    }
}

/// Error classes, once for each operation and outcome that has any.
fn errors(classes_of: &[(&OpSummary, String)], sheet: &mut Sheet<'_>) {
    if classes_of.is_empty() {
        return;
    }
    sheet.blank();
    let mut table = Table::new([Side::Words(12), Side::Words("ambiguous".len()), Side::Words(20)]);
    table.titles(&["OPERATION", "", "class ×count"]);
    for (op, classes) in classes_of {
        let name = one_line(&op.name).into_owned();
        table.row([name.into(), Cell::toned(op.outcome.as_str(), tone(op)), classes.clone().into()]);
    }
    sheet.table(&table);
}
