//! Traces in a table, one a row.

use model::{
    recorder::Ending,
    trace::{Trace, TraceCounts},
    units::format_count,
};

use super::ended;
use crate::{
    figures::{NONE, latency},
    page::Page,
    style::Tone,
    table::{Cell, Side, Table},
    text::{one_line, plural, wrapped},
};

/// The table, what is missing from it, and how to see one whole.
pub fn list(traces: &[&Trace], counts: Option<TraceCounts>, page: &Page<'_>) -> String {
    let mut lines = vec![String::new()];
    if traces.is_empty() {
        lines.push(match counts.map_or(0, |counts| counts.kept()) {
            0 => "  no traces: no iteration failed, was cut off, or ended in the measured window".to_owned(),
            1 => "  the only trace of this run is not one of those".to_owned(),
            kept => format!("  none of the {} traces of this run is one of those", format_count(kept)),
        });
    } else {
        lines.extend(table(traces).lines(page.style, 2, page.columns));
    }
    for left_out in counts.iter().flat_map(left_out) {
        lines.push(String::new());
        lines.extend(
            wrapped(&left_out, page.columns.saturating_sub(2)).iter().map(|line| format!("  {line}")),
        );
    }
    if let Some(first) = traces.first() {
        lines.push(String::new());
        lines.push(format!("  snapbench trace {} {} shows one, span by span", page.directory, first.number));
    }
    lines.push(String::new());
    lines.join("\n")
}

fn table(traces: &[&Trace]) -> Table {
    use Side::{Figures, Words};
    let mut table = Table::new([Figures, Words(8), Figures, Figures, Figures, Figures, Figures, Words(11)]);
    table.titles(&["NUMBER", "SCENARIO", "ITERATION", "AT", "LAG", "DURATION", "SPANS", "ENDED"]);
    for trace in traces {
        let tone = match trace.ending {
            Ending::Failed => Tone::Bad,
            Ending::Interrupted => Tone::Warn,
            Ending::Done => Tone::Faint,
        };
        table.row([
            trace.number.to_string().into(),
            one_line(&trace.scenario).into_owned().into(),
            format_count(trace.iteration).into(),
            latency(trace.at_s * 1e6).into(),
            trace.lag_ms.map_or_else(|| NONE.to_owned(), |lag_ms| latency(lag_ms * 1e3)).into(),
            latency(trace.duration_ms * 1e3).into(),
            format_count(trace.spans.len() as u64 + trace.spans_left_out).into(),
            Cell::toned(ended(trace), tone),
        ]);
    }
    table
}

/// Iterations without a trace that could have had one.
fn left_out(counts: &TraceCounts) -> impl Iterator<Item = String> + use<> {
    let failed = (counts.failed_left_out > 0).then(|| {
        let how_many = plural(counts.failed_left_out, "more failed iteration", "more failed iterations");
        format!("{how_many} left no trace: on each core the first of each scenario and error class are kept")
    });
    let interrupted = (counts.interrupted_left_out > 0).then(|| {
        let how_many = plural(counts.interrupted_left_out, "more iteration was", "more iterations were");
        format!("{how_many} cut off and left no trace")
    });
    failed.into_iter().chain(interrupted)
}
