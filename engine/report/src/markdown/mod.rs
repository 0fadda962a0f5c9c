//! `report.md`: a run on one page, readable as plain text too.
//!
//! Verdict and labels first, then what was judged, then the figures, then what surrounds them. Where there is
//! something to decide, what a design review needs stands together at the top, and every series at the end. A run that
//! was killed is reported from what it wrote second by second, and everything that is missing is named at the
//! top. Deliberately computes no percentile except by merging histograms.

mod compared;
mod decisions;
mod doc;
mod figures;
mod findings;
mod head;
mod over_time;
mod queues;
mod seen;
mod seen_over_time;
mod surroundings;
mod swept;

use model::histogram::log::LoggedInterval;
use model::runfile::{RunFile, Summary};

use crate::events::Event;
use crate::probes::Sample;
use crate::recover::recovered;
use crate::salvage::Salvaged;
use crate::timeline::Row;
use doc::Doc;

/// What a run directory holds besides `run.json`; nothing where a file is not there.
#[derive(Debug, Clone, Default)]
pub struct RunParts {
    /// The run's directory, as the reader would type it.
    pub directory: String,
    /// `timeline.csv` ([`timeline::read`](crate::timeline::read)).
    pub timeline: Option<Salvaged<Row>>,
    /// `histograms.hlog` ([`histograms::read`](crate::timeline::histograms::read)).
    pub histograms: Option<Salvaged<LoggedInterval>>,
    /// `events.ndjson` ([`events::read`](crate::events::read)).
    pub events: Option<Salvaged<Event>>,
    /// `probes.csv` ([`probes::read`](crate::probes::read)); a run without probes has none.
    pub probes: Option<Salvaged<Sample>>,
}

impl RunParts {
    fn rows(&self) -> &[Row] {
        self.timeline.as_ref().map_or(&[], |timeline| &timeline.records)
    }

    fn log(&self) -> &[LoggedInterval] {
        self.histograms.as_ref().map_or(&[], |log| &log.records)
    }

    fn events(&self) -> &[Event] {
        self.events.as_ref().map_or(&[], |events| &events.records)
    }

    fn samples(&self) -> &[Sample] {
        self.probes.as_ref().map_or(&[], |probes| &probes.records)
    }
}

/// The figures a report is about, and whether they are the run's own.
enum Figures<'a> {
    /// From `run.json`.
    Summary(&'a Summary),
    /// Put together again from the files that were written as the run went.
    Recovered(Box<Summary>),
    /// Nothing was measured, or nothing is left.
    None,
}

impl Figures<'_> {
    fn summary(&self) -> Option<&Summary> {
        match self {
            Figures::Summary(summary) => Some(summary),
            Figures::Recovered(summary) => Some(summary),
            Figures::None => None,
        }
    }
}

/// The report of a run, finished or not, with a line end.
pub fn markdown(run: &RunFile, parts: &RunParts) -> String {
    let figures = match &run.summary {
        Some(summary) => Figures::Summary(summary),
        None => recovered(parts.rows(), parts.log())
            .map_or(Figures::None, |summary| Figures::Recovered(Box::new(summary))),
    };
    let seen = seen::Evidence::of(run, parts);
    let mut doc = Doc::default();
    head::title(run, &figures, &mut doc);
    head::missing(run, parts, &figures, &mut doc);
    match &seen {
        Some(seen) => reviewed(run, parts, &figures, seen, &mut doc),
        None => measured(run, parts, &figures, &mut doc),
    }
    findings::events(parts.events(), &mut doc);
    surroundings::environment(run, &mut doc);
    surroundings::reproduce(run, &mut doc);
    surroundings::files(run, parts, &mut doc);
    if seen.is_some() {
        seen_over_time::every_series(parts.samples(), &mut doc);
    }
    doc.finish()
}

/// A run that measured clients only.
fn measured(run: &RunFile, parts: &RunParts, figures: &Figures<'_>, doc: &mut Doc) {
    findings::thresholds(run, doc);
    if let Some(summary) = figures.summary() {
        figures::operations(summary, doc);
        figures::iterations(summary, doc);
        figures::totals(run, summary, doc);
    }
    over_time::section(run, parts, doc);
    over_time::probes(parts.samples(), doc);
    findings::ledgers(run, doc);
    if let Some(summary) = figures.summary() {
        figures::checks_and_metrics(summary, doc);
        findings::failures(summary, doc);
    }
}

/// A run with something to decide, or with evidence beside the clients' figures: what a design review needs comes
/// first, and what it is valid for ends that part.
fn reviewed(
    run: &RunFile,
    parts: &RunParts,
    figures: &Figures<'_>,
    seen: &seen::Evidence<'_>,
    doc: &mut Doc,
) {
    decisions::gates(run, doc);
    compared::section(run, doc);
    swept::section(run, doc);
    decisions::tables(run, doc);
    findings::thresholds(run, doc);
    findings::ledgers(run, doc);
    if let Some(summary) = figures.summary() {
        figures::operations(summary, doc);
        figures::iterations(summary, doc);
        figures::totals(run, summary, doc);
    }
    seen.server(run, doc);
    seen_over_time::tables(seen, run, parts, doc);
    seen.marks(parts.events(), doc);
    seen::faults(run, doc);
    seen::probes(run, doc);
    decisions::validity(run, doc);
    if over_time::section(run, parts, doc) {
        decisions::stamp(run, doc);
    }
    if let Some(summary) = figures.summary() {
        figures::checks_and_metrics(summary, doc);
        findings::failures(summary, doc);
    }
}
