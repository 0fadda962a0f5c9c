//! What was seen beside the clients: series of probes, faults, and the script's own tables.

use model::runfile::{ReportTable, RunFile};
use model::units::format_latency_us;

use super::sheet::Sheet;
use crate::evidence::{
    self, Group, LAST, Seen, fault_mark, fault_span, groups, is_figure_column, probes_cost, recoveries,
};
use crate::style::Tone;
use crate::table::{Cell, Side, Table};
use crate::text::{one_line, plural};

/// Series that the terminal shows; the report has all of them.
const SERIES_AT_MOST: usize = 32;
/// Sentences about what probes could not read.
const LACKS_AT_MOST: usize = 6;
/// Rows of a script's table; nobody reads more of them here.
const ROWS_AT_MOST: usize = 200;
/// Below these widths the smallest and largest values, and the intervals, have no room.
const ROOM_FOR_EXTREMES: usize = 76;
const ROOM_FOR_INTERVALS: usize = 116;
/// A cell of words is never cut to less.
const LEAST_WORDS: usize = 32;

/// The series that tell most, by what they are of, and what looking cost.
pub(super) fn server(run: &RunFile, sheet: &mut Sheet<'_>) {
    if run.series.is_empty() && run.probes.is_empty() {
        return;
    }
    sheet.heading("SERVER");
    let groups = groups(&run.series);
    let has_extremes = sheet.columns() >= ROOM_FOR_EXTREMES;
    let has_intervals = sheet.columns() >= ROOM_FOR_INTERVALS;
    let mut table = Table::new(sides(has_extremes, has_intervals));
    let mut shown = 0;
    for group in &groups {
        let keys: Vec<&Seen<'_>> = group.series.iter().filter(|seen| seen.is_key).collect();
        let keys = &keys[..keys.len().min(SERIES_AT_MOST - shown)];
        if !keys.is_empty() {
            rows(group, keys, shown == 0, (has_extremes, has_intervals), &mut table);
            shown += keys.len();
        }
    }
    sheet.table(&table);
    if shown > 0 {
        sheet.paragraph(4, Some(("*", Tone::Faint)), LAST);
    }
    if run.series.len() > shown {
        let more = plural((run.series.len() - shown) as u64, "more series", "more series");
        sheet.line(&format!("    {more} in report.md"));
    }
    probes(run, shown > 0, sheet);
}

fn sides(has_extremes: bool, has_intervals: bool) -> Vec<Side> {
    let figures = 3 + 2 * usize::from(has_extremes) + usize::from(has_intervals);
    std::iter::once(Side::Words(24)).chain(vec![Side::Figures; figures]).collect()
}

fn rows(group: &Group<'_>, keys: &[&Seen<'_>], is_first: bool, room: (bool, bool), table: &mut Table) {
    let (has_extremes, has_intervals) = room;
    if !is_first {
        table.row([]);
    }
    let name = if group.name.is_empty() { "probes" } else { group.name };
    let mut titles = vec![Cell::toned(one_line(name), Tone::Strong)];
    let extremes: &[&str] = if has_extremes { &["min", "max"] } else { &[] };
    let interval: &[&str] = if has_intervals { &["95 % interval"] } else { &[] };
    let columns = [&["first", "last*"], extremes, &["per minute"], interval].concat();
    titles.extend(columns.iter().filter(|_| is_first).map(|title| Cell::toned(*title, Tone::Faint)));
    table.row(titles);
    for seen in keys {
        let [first, last, min, _, max] = seen.figures();
        let [growth, interval] = seen.growth();
        let mut cells = vec![format!("  {}", one_line(seen.label)), first, last];
        if has_extremes {
            cells.extend([min, max]);
        }
        cells.push(growth);
        if has_intervals {
            cells.push(interval);
        }
        table.row(cells.into_iter().map(Cell::from));
    }
}

/// What looking cost, and where it fell short.
fn probes(run: &RunFile, is_below: bool, sheet: &mut Sheet<'_>) {
    if run.probes.is_empty() {
        return;
    }
    if is_below {
        sheet.blank();
    }
    let means: Vec<String> = run
        .probes
        .iter()
        .map(|probe| format!("{} {}", probe.name, format_latency_us(probe.mean_ms * 1e3)))
        .collect();
    let costs = [Some(format!("mean look: {}", means.join(", "))), probes_cost(&run.probes)];
    let costs: Vec<String> = costs.into_iter().flatten().collect();
    sheet.paragraph(4, Some(("probes", Tone::Strong)), &costs.join("; "));
    let failed = run
        .probes
        .iter()
        .filter(|probe| probe.failures > 0)
        .map(|probe| format!("{} failed {} of {} times", probe.name, probe.failures, probe.looks));
    let lacks = run
        .probes
        .iter()
        .flat_map(|probe| probe.lacks.iter().map(move |lack| format!("{}: {lack}", probe.name)));
    let sentences: Vec<String> = failed.chain(lacks).collect();
    for sentence in sentences.iter().take(LACKS_AT_MOST) {
        sheet.paragraph(6, Some(("-", Tone::Warn)), sentence);
    }
    if sentences.len() > LACKS_AT_MOST {
        let more = plural((sentences.len() - LACKS_AT_MOST) as u64, "more lack", "more lacks");
        sheet.line(&format!("      {more} in report.md"));
    }
}

/// What was broken on purpose, what came of it, and how soon it was calm again.
pub(super) fn faults(run: &RunFile, sheet: &mut Sheet<'_>) {
    if run.faults.is_empty() {
        return;
    }
    sheet.heading("FAULTS");
    for fault in &run.faults {
        let (mark, word, tone) = fault_mark(fault);
        let intro = format!("{mark} {}", one_line(&fault.kind));
        let gap = if fault.finding.is_empty() { "" } else { ": " };
        let course = format!("{}, {word}{gap}{}", fault_span(fault), fault.finding);
        sheet.paragraph(4, Some((&intro, tone)), &course);
        if let Some(recovery) = &fault.recovery {
            sheet.paragraph(6, None, &evidence::course(recovery));
        }
    }
    for threshold in recoveries(run) {
        sheet.paragraph(6, Some((&one_line(&threshold.metric), Tone::Strong)), &threshold.reason);
    }
}

/// The tables that the script made: its answer, so all of it.
pub(super) fn tables(run: &RunFile, sheet: &mut Sheet<'_>) {
    for one in &run.tables {
        let title = one_line(&one.title);
        sheet.heading(if title.is_empty() { "REPORT" } else { &title });
        table(one, sheet);
        one.notes.iter().for_each(|note| sheet.paragraph(4, None, note));
    }
}

fn table(one: &ReportTable, sheet: &mut Sheet<'_>) {
    let of = |column: usize| one.rows.iter().filter_map(move |row| row.get(column)).map(String::as_str);
    let side = |column| if is_figure_column(of(column)) { Side::Figures } else { Side::Words(LEAST_WORDS) };
    let mut table = Table::new((0..one.columns.len()).map(side).collect::<Vec<_>>());
    table.row(one.columns.iter().map(|column| Cell::toned(one_line(column), Tone::Faint)));
    for row in one.rows.iter().take(ROWS_AT_MOST) {
        table.row(row.iter().map(|cell| Cell::from(one_line(cell))));
    }
    sheet.table(&table);
    if one.rows.is_empty() {
        sheet.line("    no rows");
    }
    if one.rows.len() > ROWS_AT_MOST {
        let more = plural((one.rows.len() - ROWS_AT_MOST) as u64, "more row", "more rows");
        sheet.line(&format!("    {more} in report.md"));
    }
}
