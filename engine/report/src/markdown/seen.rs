//! What was seen beside the clients: the series that tell most, marks by kind, faults, and what probes cost.

use std::borrow::Cow;

use model::runfile::{RunFile, SeriesSummary, ThresholdRecord};
use model::units::{format_count, format_latency_us, format_percent};

use super::RunParts;
use super::decisions::stamp;
use super::doc::{Doc, Table, code, plain};
use crate::events::Event;
use crate::evidence::{
    Group, Kind, LAST, errors, fault_mark, fault_span, groups, healing, outage, probe_share, probes_cost,
    recoveries, tally,
};
use crate::probes::series;
use crate::words::seconds;

/// Kinds of marks that are shown.
const KINDS_AT_MOST: usize = 12;

/// What is known of servers and host.
pub(super) struct Evidence<'a> {
    series: Cow<'a, [SeriesSummary]>,
    window_s: Option<(f64, f64)>,
}

impl<'a> Evidence<'a> {
    /// What the run file holds; of a killed run what its samples tell. Nothing when the run has neither something
    /// to decide nor anything beside the clients' figures.
    pub(super) fn of(run: &'a RunFile, parts: &RunParts) -> Option<Evidence<'a>> {
        let window_s = window_s(run, parts);
        let mut series = Cow::Borrowed(run.series.as_slice());
        if run.series.is_empty() && run.summary.is_none() {
            let summed_up = summed_up(parts, window_s);
            // A script's own numbers alone are no evidence of a server.
            if groups(&summed_up).iter().any(|group| group.kind != Kind::Script) {
                series = Cow::Owned(summed_up);
            }
        }
        let has_more = !run.gates.is_empty()
            || run.thresholds.iter().any(|threshold| threshold.gate.is_some())
            || !run.tables.is_empty()
            || !run.comparisons.is_empty()
            || !run.sweeps.is_empty()
            || !run.faults.is_empty()
            || !run.probes.is_empty();
        (has_more || !series.is_empty()).then_some(Evidence { series, window_s })
    }

    /// The measured window on the run's clock.
    pub(super) fn window_s(&self) -> Option<(f64, f64)> {
        self.window_s
    }

    pub(super) fn groups(&self) -> Vec<Group<'_>> {
        groups(&self.series)
    }

    /// The series that tell most, over the measured window.
    pub(super) fn server(&self, run: &RunFile, doc: &mut Doc) {
        if self.series.is_empty() {
            return;
        }
        doc.heading(2, "Server");
        doc.paragraph(&format!(
            "`last*` is {LAST}. Growth is `~0` where its 95 % interval holds none; that of shares is in points. The \
             interval allows for samples that repeat each other."
        ));
        let titles = [
            "series",
            ">samples",
            ">first",
            ">last*",
            ">min",
            ">mean",
            ">max",
            ">growth a minute",
            ">interval",
        ];
        let mut table = Table::new(&titles);
        let mut shown = 0;
        for group in self.groups() {
            for seen in group.series.iter().filter(|seen| seen.is_key) {
                let mut cells = vec![code(&seen.summary.name), format_count(seen.summary.samples)];
                cells.extend(seen.figures());
                cells.extend(seen.growth());
                table.row(cells);
                shown += 1;
            }
        }
        if !table.is_empty() {
            doc.table(&table);
        }
        if self.series.len() > shown {
            let more = format_count((self.series.len() - shown) as u64);
            doc.paragraph(&format!("{more} more series stand at the end of this page."));
        }
        stamp(run, doc);
    }

    /// What happened how often.
    pub(super) fn marks(&self, events: &[Event], doc: &mut Doc) {
        let kinds = tally(events);
        if kinds.is_empty() {
            return;
        }
        doc.heading(2, "What happened beside the load");
        let mut table = Table::new(&["what", ">times", ">first", ">last"]);
        for kind in kinds.iter().take(KINDS_AT_MOST) {
            let time = |ns: u64| seconds((ns as f64 / 1e8).round() / 10.0);
            let span = (time(kind.span_ns.0), time(kind.span_ns.1));
            table.row([plain(&kind.words), format_count(kind.times), span.0, span.1]);
        }
        doc.table(&table);
        if kinds.len() > KINDS_AT_MOST {
            let more = format_count((kinds.len() - KINDS_AT_MOST) as u64);
            doc.paragraph(&format!("{more} more kinds are in `events.ndjson`."));
        }
    }
}

/// From the phases; else as far as samples reach.
fn window_s(run: &RunFile, parts: &RunParts) -> Option<(f64, f64)> {
    let times = || parts.samples().iter().map(|sample| sample.t_s);
    let measure = run.phases.iter().find(|phase| phase.name == "measure");
    let start_s = measure.map(|phase| phase.start_s).or_else(|| times().reduce(f64::min))?;
    let end_s = measure.and_then(|phase| phase.end_s).or_else(|| times().reduce(f64::max))?;
    (end_s > start_s).then_some((start_s, end_s))
}

fn summed_up(parts: &RunParts, window_s: Option<(f64, f64)>) -> Vec<SeriesSummary> {
    let Some((start_s, end_s)) = window_s else { return Vec::new() };
    let ns = |s: f64| (s.max(0.0) * 1e9) as u64;
    let window_ns = (ns(start_s), ns(end_s));
    let all = series(parts.samples());
    all.iter().filter_map(|(name, series)| SeriesSummary::of(name, series, window_ns)).collect()
}

/// What was broken on purpose, what came of it, and how soon it was calm again.
pub(super) fn faults(run: &RunFile, doc: &mut Doc) {
    if run.faults.is_empty() {
        return;
    }
    doc.heading(2, "Faults");
    let mut table = Table::new(&["", "fault", "when", "outcome", "finding"]);
    for fault in &run.faults {
        let (mark, word, _) = fault_mark(fault);
        let span = fault_span(fault);
        table.row([mark.to_owned(), code(&fault.kind), span, word.to_owned(), plain(&fault.finding)]);
    }
    doc.table(&table);
    came_through(run, doc);
    let recovery =
        |threshold: &ThresholdRecord| format!("{}: {}", code(&threshold.metric), plain(&threshold.reason));
    doc.list(recoveries(run).map(recovery));
}

/// How the load came through each fault.
fn came_through(run: &RunFile, doc: &mut Doc) {
    let mut table = Table::new(&[
        "fault",
        ">at",
        ">lasted",
        ">outage",
        ">errors",
        ">recovery (errors)",
        ">recovery (response p95)",
    ]);
    let mut classes = Vec::new();
    for (fault, course) in run.faults.iter().filter_map(|fault| Some((fault, fault.recovery.as_ref()?))) {
        let tenths = |s: f64| seconds((s * 10.0).round() / 10.0);
        table.row([
            code(&fault.kind),
            tenths(fault.at_s),
            fault.until_s.map_or("-".to_owned(), |until_s| tenths(until_s - fault.at_s)),
            outage(course),
            format_count(course.errors),
            healing(course.errors_back),
            healing(course.response_back),
        ]);
        if !course.error_classes.is_empty() {
            let at = tenths(fault.at_s);
            classes.push(format!("{} at {at}, errors: {}", code(&fault.kind), plain(&errors(course))));
        }
    }
    if table.is_empty() {
        return;
    }
    doc.table(&table);
    doc.paragraph(
        "Outage is the longest span around a fault in which no operation ended well. Recovery is from its begin until calm \
         had returned for good, known to a second; errors are counted until then and for 5s more. METHODOLOGY.md has the \
         equations.",
    );
    doc.list(classes);
}

/// What looking cost, and where it fell short.
pub(super) fn probes(run: &RunFile, doc: &mut Doc) {
    if run.probes.is_empty() {
        return;
    }
    doc.heading(2, "What looking cost");
    let mut table =
        Table::new(&["probe", ">every", ">looks", ">failed", ">mean", ">longest", ">share of the time"]);
    for probe in &run.probes {
        let ms = |ms: f64| format_latency_us(ms * 1e3);
        table.row([
            code(&probe.name),
            seconds(probe.every_s),
            format_count(probe.looks),
            format_count(probe.failures),
            ms(probe.mean_ms),
            ms(probe.max_ms),
            format_percent(probe_share(probe)),
        ]);
    }
    doc.table(&table);
    if let Some(cost) = probes_cost(&run.probes) {
        doc.paragraph(&format!("{}.", plain(&cost)));
    }
    doc.list(
        run.probes.iter().flat_map(|probe| {
            probe.lacks.iter().map(|lack| format!("{}: {}", code(&probe.name), plain(lack)))
        }),
    );
}
