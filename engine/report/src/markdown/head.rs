//! The top of the page: which run, how it ended, what its figures are not valid for, what is missing.

use jiff::Timestamp;
use model::runfile::RunFile;

use super::doc::{Doc, code, plain};
use super::{Figures, RunParts};
use crate::salvage::Salvaged;
use crate::text::plural;
use crate::verdict::verdict;
use crate::words::{GENERATOR_BOUND, SHAPE_ONLY, extent, seconds};

pub(super) fn title(run: &RunFile, figures: &Figures<'_>, doc: &mut Doc) {
    let name = if run.scenario.name.is_empty() { "Run" } else { &run.scenario.name };
    doc.heading(1, &plain(name));
    let comment: Vec<String> = run
        .scenario
        .description
        .lines()
        .map(|line| format!("> {}", plain(line.trim_start_matches(['/', ' ']))))
        .collect();
    if !comment.is_empty() {
        // Two spaces keep the comment's own lines.
        doc.paragraph(&comment.join("  \n"));
    }
    let verdict = verdict(run);
    doc.paragraph(&format!(
        "**{} {}**: {}.",
        verdict.standing.mark(),
        verdict.word,
        plain(&verdict.sentence)
    ));
    let labels = [
        ("SHAPE ONLY", SHAPE_ONLY, &run.label.shape_only),
        ("GENERATOR-BOUND", GENERATOR_BOUND, &run.label.generator_bound),
    ];
    for (label, meaning, reasons) in labels.iter().filter(|(_, _, reasons)| !reasons.is_empty()) {
        doc.paragraph(&format!("**! {label}**: {meaning}."));
        doc.list(reasons.iter().map(|reason| plain(reason)));
    }
    if !run.warnings.is_empty() {
        doc.paragraph("**! WARNINGS**:");
        doc.list(run.warnings.iter().map(|warning| plain(warning)));
    }
    let mut facts = match figures {
        Figures::Recovered(summary) => {
            format!("{} of {}", seconds(summary.window_s), extent(run))
        }
        _ => extent(run),
    };
    if let Some(started) = time(run.started_unix_us) {
        facts = format!("Started {started}, {facts}");
    }
    doc.paragraph(&format!("{facts}, snapbench {}, run {}.", run.snapbench_version, code(&run.id)));
}

/// A wall-clock time to the second; nothing when it was not recorded.
pub(super) fn time(unix_us: u64) -> Option<String> {
    let second = i64::try_from(unix_us / 1_000_000).ok().filter(|second| *second > 0)?;
    Timestamp::from_second(second).ok().map(|time| time.to_string())
}

/// Everything a reader might look for and not find, with the reason.
pub(super) fn missing(run: &RunFile, parts: &RunParts, figures: &Figures<'_>, doc: &mut Doc) {
    let mut points = Vec::new();
    match figures {
        Figures::Summary(_) => {}
        Figures::Recovered(_) => points.push(
            "The run did not write its summary. Its figures were put together again from `timeline.csv` and \
             `histograms.hlog`; error classes, failure counts, custom metrics and judgements of thresholds and \
             ledgers are missing."
                .to_owned(),
        ),
        Figures::None => points.push(
            "There are no figures: nothing was measured, or what was measured was not written.".to_owned(),
        ),
    }
    if run.state == model::runfile::RunState::Running {
        points.push("`run.json` says that the run still goes on; if it does not, it was killed.".to_owned());
    }
    file("timeline.csv", "nothing is shown over time", parts.timeline.as_ref(), &mut points);
    file("histograms.hlog", "no percentiles over time", parts.histograms.as_ref(), &mut points);
    file("events.ndjson", "no events", parts.events.as_ref(), &mut points);
    if parts.probes.is_some() {
        file("probes.csv", "", parts.probes.as_ref(), &mut points);
    }
    if !points.is_empty() {
        doc.heading(2, "What is missing");
        doc.list(points);
    }
}

fn file<T>(name: &str, without: &str, read: Option<&Salvaged<T>>, points: &mut Vec<String>) {
    let Some(read) = read else {
        points.push(format!("`{name}` is not there: {without}."));
        return;
    };
    if read.cut_off {
        points.push(format!("`{name}` ends in the middle of a line, which was left out."));
    }
    if let Some(first) = read.damaged_lines.first() {
        let lines = plural(read.damaged_lines.len() as u64, "line", "lines");
        points.push(format!("`{name}` has {lines} that cannot be read, the first is line {first}."));
    }
}
