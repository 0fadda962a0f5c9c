//! Series of probes over time: the telling ones of each table beside what happened to it, and every one at the
//! end of the page.

use std::collections::BTreeMap;

use model::runfile::{FaultRecord, RunFile, SeriesSummary};
use model::series::{Measure, Series, median};
use model::units::format_count;

use super::RunParts;
use super::doc::{Column, Doc, Table, code, plain};
use super::over_time::step_s;
use super::seen::Evidence;
use crate::curve::sparkline;
use crate::events::{Event, What};
use crate::evidence::{Kind, groups, kind_of};
use crate::figures::NONE;
use crate::probes::{Sample, series};
use crate::text::left;
use crate::words::seconds;

/// Tables of a database that are followed over time; the others are among all series.
const TABLES_AT_MOST: usize = 3;
/// Series of a table that are followed.
const FOLLOWED: [&str; 6] =
    ["hot_ratio", "dead_percent", "free_percent", "heap_bytes", "index_bytes", "size_per_row"];
/// Rows of time.
const ROWS_AT_MOST: usize = 12;
/// Kinds of what happened in one row.
const HAPPENED_AT_MOST: usize = 3;
/// Characters of a sparkline, and of one in a table.
const WIDE: usize = 60;
const NARROW: usize = 40;

/// The telling series of each table over the measured window, and what happened to it meanwhile.
pub(super) fn tables(seen: &Evidence<'_>, run: &RunFile, parts: &RunParts, doc: &mut Doc) {
    let Some((start_s, end_s)) = seen.window_s() else { return };
    let rows = Rows { start_s, end_s, step_s: step_s(end_s - start_s, ROWS_AT_MOST) };
    let samples = series(parts.samples());
    let groups = seen.groups();
    for group in groups.iter().filter(|group| group.kind == Kind::Table).take(TABLES_AT_MOST) {
        let followed: Vec<Followed> =
            FOLLOWED.iter().filter_map(|label| Followed::of(group.name, label, &samples, &rows)).collect();
        if followed.is_empty() {
            continue;
        }
        doc.heading(3, &format!("{} over time", code(group.name)));
        doc.code("", &drawing(&followed));
        let happened = Happened { table: group.name, events: parts.events(), faults: &run.faults };
        doc.table(&over_time(&followed, &happened, &rows));
        doc.paragraph(
            "Times from the start of the measured window; medians of the samples of each stretch. Each curve is \
             drawn from its smallest to its largest value.",
        );
    }
}

/// The measured window in stretches.
struct Rows {
    start_s: f64,
    end_s: f64,
    step_s: f64,
}

impl Rows {
    /// The stretches, from and to on the run's clock. The last one holds its end, where a probe looks as well.
    fn spans(&self) -> impl Iterator<Item = (f64, f64)> {
        let count = ((self.end_s - self.start_s) / self.step_s - 1e-9).ceil().max(1.0) as usize;
        let from = |row: usize| self.start_s + row as f64 * self.step_s;
        let to = move |row: usize| if row + 1 == count { f64::INFINITY } else { from(row + 1) };
        (0..count).map(move |row| (from(row), to(row)))
    }
}

/// A series of a table within the measured window.
struct Followed {
    label: &'static str,
    measure: Measure,
    /// Times on the run's clock, and values.
    points: Vec<(f64, f64)>,
}

impl Followed {
    fn of(
        table: &str,
        label: &'static str,
        samples: &BTreeMap<&str, Series>,
        rows: &Rows,
    ) -> Option<Followed> {
        let name = format!("{table}.{label}");
        let points = samples.get(name.as_str())?.points().iter();
        let points: Vec<(f64, f64)> = points
            .map(|point| (point.t_ns as f64 / 1e9, point.value))
            .filter(|(t_s, _)| (rows.start_s..=rows.end_s).contains(t_s))
            .collect();
        (!points.is_empty()).then(|| Followed { label, measure: Measure::of(&name), points })
    }

    fn values(&self) -> impl Iterator<Item = f64> {
        self.points.iter().map(|(_, value)| *value)
    }

    /// The median of the samples between two times.
    fn between(&self, (from_s, to_s): (f64, f64)) -> String {
        let inside = self.points.iter().filter(|(t_s, _)| (from_s..to_s).contains(t_s));
        let median = median(inside.map(|(_, value)| *value));
        median.map_or_else(|| NONE.to_owned(), |value| self.measure.show(value))
    }
}

/// One line a series, each on a scale of its own.
fn drawing(followed: &[Followed]) -> String {
    let columns = followed.iter().map(|one| one.label.len()).max().unwrap_or(0);
    let line = |one: &Followed| {
        let (low, high) = extremes(one.values());
        let raised: Vec<f64> = one.values().map(|value| value - low).collect();
        let curve = sparkline(&raised, high - low, WIDE);
        let (low, high) = (one.measure.show(low), one.measure.show(high));
        let range = if low == high { low } else { format!("{low} to {high}") };
        format!("{}  {curve}  {range}", left(one.label, columns))
    };
    followed.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn over_time(followed: &[Followed], happened: &Happened<'_>, rows: &Rows) -> Table {
    let figures = |title: &str| Column { title: title.to_owned(), has_figures: true };
    let mut columns = vec![figures("from")];
    columns.extend(followed.iter().map(|one| figures(one.label)));
    columns.push(Column { title: "what happened".to_owned(), has_figures: false });
    let mut table = Table::of(columns);
    for span in rows.spans() {
        let mut cells = vec![seconds(span.0 - rows.start_s)];
        cells.extend(followed.iter().map(|one| one.between(span)));
        cells.push(happened.between(span));
        table.row(cells);
    }
    table
}

/// What happened to a table: marks that name it, and faults.
struct Happened<'a> {
    table: &'a str,
    events: &'a [Event],
    faults: &'a [FaultRecord],
}

impl Happened<'_> {
    /// `autovacuum ×2, fault hold_xmin` between two times.
    fn between(&self, (from_s, to_s): (f64, f64)) -> String {
        let mut kinds: BTreeMap<String, u64> = BTreeMap::new();
        for event in self.events {
            let (What::Mark { text }, Some(at_ns)) = (&event.what, event.at_ns) else { continue };
            if (from_s..to_s).contains(&(at_ns as f64 / 1e9)) && self.is_named_in(text) {
                // The table stands above already.
                let kind = kind_of(text).replace(&format!(" of {}", self.table), "");
                *kinds.entry(kind).or_default() += 1;
            }
        }
        let fault = |fault: &&FaultRecord| {
            let until_s = fault.until_s.unwrap_or(fault.at_s);
            fault.took_hold == Some(true) && fault.at_s < to_s && until_s >= from_s
        };
        let faults = self.faults.iter().filter(fault).map(|fault| format!("fault {}", fault.kind));
        let times = |(kind, times): (&String, &u64)| match times {
            1 => kind.clone(),
            _ => format!("{kind} ×{}", format_count(*times)),
        };
        let mut all: Vec<String> = faults.chain(kinds.iter().map(times)).collect();
        if all.len() > HAPPENED_AT_MOST {
            all.truncate(HAPPENED_AT_MOST);
            all.push("…".to_owned());
        }
        plain(&all.join(", "))
    }

    fn is_named_in(&self, text: &str) -> bool {
        let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '$');
        text.split(|c: char| !is_part(c)).any(|word| word == self.table)
    }
}

/// Every series over the whole run, those of one thing together, the telling ones first.
pub(super) fn every_series(samples: &[Sample], doc: &mut Doc) {
    let all = series(samples);
    let summed_up: Vec<SeriesSummary> = all.iter().filter_map(|(name, series)| whole(name, series)).collect();
    let titles = ["series", ">samples", ">first", ">last", ">min", ">mean", ">max", "over time"];
    let mut table = Table::new(&titles);
    for seen in groups(&summed_up).iter().flat_map(|group| &group.series) {
        let name = seen.summary.name.as_str();
        let mut cells = vec![code(name), format_count(seen.summary.samples)];
        cells.extend(seen.figures());
        let values = || all.get(name).into_iter().flat_map(|series| series.points()).map(|point| point.value);
        // From zero, or from the lowest value when that lies below.
        let (low, high) = extremes(values());
        let base = low.min(0.0);
        let raised: Vec<f64> = values().map(|value| value - base).collect();
        cells.push(sparkline(&raised, high - base, NARROW));
        table.row(cells);
    }
    if !table.is_empty() {
        doc.heading(2, "Every series");
        doc.paragraph("Over the whole run, warm-up and drain included. Each curve is drawn from zero.");
        doc.table(&table);
    }
}

/// A series from its first to its last sample; its growth over warm-up and drain as well would say nothing.
fn whole(name: &str, series: &Series) -> Option<SeriesSummary> {
    let (first, last) = (series.points().first()?.value, series.last()?);
    let (min, max) = extremes(series.points().iter().map(|point| point.value));
    let samples = series.points().len() as u64;
    let mean = series.points().iter().map(|point| point.value).sum::<f64>() / samples as f64;
    Some(SeriesSummary { name: name.to_owned(), samples, first, min, mean, max, last, slope: None })
}

fn extremes(values: impl Iterator<Item = f64>) -> (f64, f64) {
    values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)))
}
