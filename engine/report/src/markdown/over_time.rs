//! Planned against achieved over time, and what probes sampled.

use model::histogram::log::LoggedInterval;
use model::recorder::WindowKind;
use model::runfile::RunFile;
use model::series::Series;
use model::units::format_count;

use super::RunParts;
use super::doc::{Doc, Table, code};
use crate::curve::{overlay, sparkline};
use crate::figures::{NONE, decimal, latency, number};
use crate::probes::{Sample, series};
use crate::timeline::{Row, RowKind, histograms};
use crate::words::seconds;

/// Rows of the table over time.
const ROWS_AT_MOST: usize = 20;
/// Lengths of a row that people can read off, in seconds.
const STEPS_S: [f64; 17] = [
    1.0, 2.0, 5.0, 10.0, 15.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1800.0, 3600.0, 7200.0,
    21_600.0, 86_400.0,
];
/// Characters of a sparkline over the whole window, and of one in a table.
const WIDE: usize = 72;
const NARROW: usize = 40;

/// Part of the measured window.
#[derive(Debug, Clone, Default)]
struct Stretch {
    planned: u64,
    achieved: u64,
    errors: u64,
    dropped: u64,
    vus_busy: u64,
}

/// The measured window as far as it is known.
struct Window {
    start_s: f64,
    end_s: f64,
    step_s: f64,
}

impl Window {
    fn of(run: &RunFile, rows: &[&Row]) -> Option<Window> {
        let measure = run.phases.iter().find(|phase| phase.name == "measure");
        let first_s = rows.iter().map(|row| row.t_s).reduce(f64::min)?;
        let last_s = rows.iter().map(|row| row.t_s + row.length_s).fold(first_s, f64::max);
        let start_s = measure.map_or(first_s, |phase| phase.start_s);
        let end_s = measure.and_then(|phase| phase.end_s).unwrap_or(last_s);
        let length_s = end_s - start_s;
        let step_s = step_s(length_s, ROWS_AT_MOST);
        (length_s > 0.0).then_some(Window { start_s, end_s, step_s })
    }

    /// How many stretches of `step_s` there are.
    fn count(&self, step_s: f64) -> usize {
        (((self.end_s - self.start_s) / step_s - 1e-9).ceil() as usize).max(1)
    }

    /// The stretch of `step_s` in which a second lies. What ended after the window (in the drain) belongs
    /// to the last.
    fn index(&self, row: &Row, step_s: f64) -> usize {
        let middle_s = row.t_s + row.length_s / 2.0 - self.start_s;
        ((middle_s / step_s).max(0.0) as usize).min(self.count(step_s) - 1)
    }

    fn stretches(&self, rows: &[&Row], step_s: f64) -> Vec<Stretch> {
        let mut stretches = vec![Stretch::default(); self.count(step_s)];
        for row in rows {
            let stretch = &mut stretches[self.index(row, step_s)];
            stretch.planned += row.planned.unwrap_or(0);
            stretch.achieved += row.achieved.unwrap_or(0);
            stretch.errors += row.errors.unwrap_or(0);
            stretch.dropped += row.dropped.unwrap_or(0);
            stretch.vus_busy = stretch.vus_busy.max(row.vus_busy.unwrap_or(0));
        }
        stretches
    }

    /// Start and length of a stretch; the last may be short.
    fn span(&self, index: usize, step_s: f64) -> (f64, f64) {
        let from_s = self.start_s + index as f64 * step_s;
        (from_s, (self.end_s - from_s).min(step_s))
    }
}

/// The length of a row that people can read off, for at most so many rows.
pub(super) fn step_s(length_s: f64, rows: usize) -> f64 {
    let fits = |step_s: &&f64| length_s / **step_s <= rows as f64;
    STEPS_S.iter().find(fits).copied().unwrap_or(length_s / rows as f64)
}

/// Draws and lists them; whether there is anything to show.
pub(super) fn section(run: &RunFile, parts: &RunParts, doc: &mut Doc) -> bool {
    let is_measured = |row: &&Row| row.kind == RowKind::Run && row.window == WindowKind::Measure;
    let rows: Vec<&Row> = parts.rows().iter().filter(is_measured).collect();
    let Some(window) = Window::of(run, &rows) else { return false };
    let is_open = rows.iter().any(|row| row.planned.is_some());
    doc.heading(2, if is_open { "Planned and achieved over time" } else { "Over time" });
    doc.code("", &drawing(&window, &rows, is_open));
    let times = Times::of(parts.log());
    let mut titles = vec![">from"];
    if is_open {
        titles.push(">planned/s");
    }
    titles.push(">achieved/s");
    if times.is_some() {
        titles.extend([">p50", ">p99"]);
    }
    titles.push(">errors");
    if is_open {
        titles.push(">dropped");
    }
    titles.push(">busy VUs");
    let mut table = Table::new(&titles);
    let stretches = window.stretches(&rows, window.step_s);
    for (index, stretch) in stretches.iter().enumerate() {
        let (from_s, length_s) = window.span(index, window.step_s);
        let mut cells = vec![seconds(from_s - window.start_s)];
        if is_open {
            cells.push(decimal(stretch.planned as f64 / length_s, 1));
        }
        cells.push(decimal(stretch.achieved as f64 / length_s, 1));
        if let Some(times) = &times {
            // What ended before or after the window is part of its first or last stretch, as in the counts.
            let to_s = if index + 1 == stretches.len() { f64::INFINITY } else { from_s + length_s };
            let from_s = if index == 0 { 0.0 } else { from_s };
            cells.extend(times.between(from_s, to_s));
        }
        cells.push(format_count(stretch.errors));
        if is_open {
            cells.push(format_count(stretch.dropped));
        }
        cells.push(format_count(stretch.vus_busy));
        table.row(cells);
    }
    doc.table(&table);
    if let Some(times) = times {
        doc.paragraph(&format!(
            "Times from the start of the measured window; p50 and p99 are of {}, merged from histograms.",
            times.meaning()
        ));
    }
    true
}

fn drawing(window: &Window, rows: &[&Row], is_open: bool) -> String {
    // A character is a second or more, so that every one has data.
    let step_s = ((window.end_s - window.start_s) / WIDE as f64).max(1.0).ceil();
    let stretches = window.stretches(rows, step_s);
    let rates = |of: fn(&Stretch) -> u64| -> Vec<f64> {
        let rate = |(index, stretch)| of(stretch) as f64 / window.span(index, step_s).1;
        stretches.iter().enumerate().map(rate).collect()
    };
    let achieved = rates(|stretch| stretch.achieved);
    if is_open {
        return overlay(&rates(|stretch| stretch.planned), &achieved, WIDE);
    }
    let top = achieved.iter().copied().fold(0.0, f64::max);
    format!("achieved  {}  up to {}/s", sparkline(&achieved, top, WIDE), decimal(top, 1))
}

/// The times of iterations, from planned start where there is a plan.
struct Times<'a> {
    log: &'a [LoggedInterval],
    what: &'static str,
}

impl<'a> Times<'a> {
    fn of(log: &'a [LoggedInterval]) -> Option<Self> {
        let whats = [histograms::ITERATION_RESPONSE, histograms::ITERATION_DURATION];
        let has = |what: &&'static str| histograms::of_scenarios(log, what, 0, u64::MAX).is_some();
        whats.into_iter().find(has).map(|what| Times { log, what })
    }

    fn meaning(&self) -> &'static str {
        match self.what {
            histograms::ITERATION_RESPONSE => "iteration_response (from planned start)",
            _ => "iteration_duration",
        }
    }

    /// p50 and p99 of what ended between two times.
    fn between(&self, from_s: f64, to_s: f64) -> [String; 2] {
        // Seconds begin on whole seconds; half of one keeps rounding from moving any.
        let ns = |s: f64| ((s - 0.5).max(0.0) * 1e9) as u64;
        let times = histograms::of_scenarios(self.log, self.what, ns(from_s), ns(to_s));
        [50.0, 99.0].map(|percentile| {
            let shown = times.as_ref().map(|times| latency(times.percentile_us(percentile) as f64));
            shown.unwrap_or_else(|| NONE.to_owned())
        })
    }
}

/// What probes sampled, each on one line: on the page of a run that has nothing to say of its servers.
pub(super) fn probes(samples: &[Sample], doc: &mut Doc) {
    let mut table =
        Table::new(&["probe", ">samples", ">first", ">min", ">mean", ">max", ">last", "over time"]);
    for (name, series) in series(samples) {
        table.row(probe(name, &series));
    }
    if !table.is_empty() {
        doc.heading(2, "Probes");
        doc.table(&table);
    }
}

fn probe(name: &str, series: &Series) -> Vec<String> {
    let values: Vec<f64> = series.points().iter().map(|point| point.value).collect();
    let (min, max) = values
        .iter()
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(min, max), value| (min.min(*value), max.max(*value)));
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    // A sparkline begins at zero, or at the lowest value when that lies below.
    let base = min.min(0.0);
    let raised: Vec<f64> = values.iter().map(|value| value - base).collect();
    let of = |value: Option<&f64>| value.map_or_else(|| NONE.to_owned(), |value| number(*value));
    vec![
        code(name),
        format_count(values.len() as u64),
        of(values.first()),
        number(min),
        number(mean),
        number(max),
        of(values.last()),
        sparkline(&raised, max - base, NARROW),
    ]
}
