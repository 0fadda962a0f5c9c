//! What surrounds the figures: failures, labels, servers, files.

use model::runfile::{RunFile, Summary};
use model::units::format_count;

use super::sheet::Sheet;
use crate::page::Page;
use crate::style::Tone;
use crate::text::{left, one_line, plural, right, shortened, width};
use crate::words::{GENERATOR_BOUND, SHAPE_ONLY, position, server, traces};

/// Distinct failures that the terminal shows; the report has all of them.
const FAILURES_AT_MOST: usize = 10;
/// A failure's message is cut after so many lines of the terminal.
const MESSAGE_LINES: usize = 3;

/// Failures of the script by message, most frequent first.
pub(super) fn failures(figures: &Summary, sheet: &mut Sheet<'_>) {
    if figures.failures.is_empty() {
        return;
    }
    // The recorder does not tell windows apart for failures, so they may be more than the errors above.
    sheet.heading("FAILURES (of the whole run)");
    let shown = || figures.failures.iter().take(FAILURES_AT_MOST);
    let columns = shown().map(|failure| width(&format_count(failure.count))).max().unwrap_or(0);
    for failure in shown() {
        let count = format!("{}×", right(&format_count(failure.count), columns));
        let room = sheet.columns().saturating_sub(columns + 7).max(20) * MESSAGE_LINES;
        let message = one_line(&failure.message);
        sheet.paragraph(4, Some((&count, Tone::Bad)), &shortened(&message, room));
        if let Some(position) = position(failure) {
            sheet.paragraph(columns + 7, None, &position);
        }
    }
    if figures.failures.len() > FAILURES_AT_MOST {
        let hidden = (figures.failures.len() - FAILURES_AT_MOST) as u64;
        let more = plural(hidden, "more distinct failure", "more distinct failures");
        sheet.line(&format!("    {more} in report.md"));
    }
}

/// What the figures are not valid for, and why.
pub(super) fn labels(run: &RunFile, sheet: &mut Sheet<'_>) {
    let labels = [
        ("SHAPE ONLY", SHAPE_ONLY, &run.label.shape_only),
        ("GENERATOR-BOUND", GENERATOR_BOUND, &run.label.generator_bound),
    ];
    for (name, meaning, reasons) in labels {
        if reasons.is_empty() {
            continue;
        }
        sheet.blank();
        sheet.paragraph(2, Some((&format!("! {name}"), Tone::Warn)), meaning);
        reasons.iter().for_each(|reason| sheet.paragraph(4, Some(("-", Tone::Warn)), reason));
    }
}

/// What else the reader should know.
pub(super) fn warnings(run: &RunFile, sheet: &mut Sheet<'_>) {
    if run.warnings.is_empty() {
        return;
    }
    sheet.blank();
    sheet.paragraph(2, Some(("! WARNINGS", Tone::Warn)), "");
    run.warnings.iter().for_each(|warning| sheet.paragraph(4, Some(("-", Tone::Warn)), warning));
}

/// The servers the run talked to and how.
pub(super) fn servers(run: &RunFile, sheet: &mut Sheet<'_>) {
    if run.servers.is_empty() {
        return;
    }
    sheet.blank();
    let columns = run.servers.iter().map(|server| width(&server.name)).max().unwrap_or(0).max(7);
    for one in &run.servers {
        sheet.paragraph(2, Some((&left(&one_line(&one.name), columns), Tone::Strong)), &server(one));
    }
}

/// Where everything is.
pub(super) fn files(run: &RunFile, page: &Page<'_>, sheet: &mut Sheet<'_>) {
    sheet.blank();
    sheet.paragraph(2, Some(("results", Tone::Strong)), page.directory);
    let names: Vec<&str> = run.files.keys().map(String::as_str).filter(|name| *name != "run.json").collect();
    let all = std::iter::once("run.json").chain(names).collect::<Vec<_>>().join(", ");
    sheet.paragraph(11, None, &all);
    if let Some(traces) = traces(run) {
        let how = format!("{traces}; snapbench trace {} lists them", page.directory);
        sheet.paragraph(2, Some(("traces ", Tone::Strong)), &how);
    }
}
