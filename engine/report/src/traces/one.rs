//! One trace as a list of its spans, each with a bar that shows where in the iteration it lies.
//!
//! What no span covers has rows of its own where it is long enough to see: time in the script, or asleep.

use model::{
    outcome::{Expect, Outcome},
    recorder::{Ending, WindowKind},
    trace::{Span, Trace},
    units::{format_count, format_latency_us},
};

use super::{
    FILE,
    bar::{Stretch, bar},
    ended,
};
use crate::{
    figures::latency,
    page::Page,
    style::Tone,
    table::{Cell, Side, Table},
    text::{left, one_line, plural, width, wrapped},
};

/// Columns of a bar, at least and at most.
const BAR_COLUMNS: (usize, usize) = (16, 60);
/// Times and gaps between columns take so many columns, mostly.
const BESIDE_WORDS: usize = 52;
/// The shortest gap with a row of its own, as a share of the iteration.
const GAP_SHARE: f64 = 0.01;
/// Columns of the facts' names.
const NAME_COLUMNS: usize = 10;

/// Messages of operations that are shown.
const MESSAGES_AT_MOST: usize = 10;
/// So much of a message tells whether another holds it: both may be cut.
const COMPARED_CHARS: usize = 100;

/// A line of the list.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Row<'a> {
    Span(&'a Span),
    /// Nothing that was recorded goes on, from and to.
    Gap(f64, f64),
    /// So many operations are not kept.
    LeftOut(u64),
}

/// The trace: its facts, its spans, what went wrong.
pub fn one(trace: &Trace, of: usize, page: &Page<'_>) -> String {
    let (rows, idle_ms) = rows(trace);
    let scenario = one_line(&trace.scenario);
    let title = format!("trace {} of {of}", trace.number);
    let which = format!("{scenario}, iteration {}, virtual user {}", format_count(trace.iteration), trace.vu);
    let mut lines = vec![String::new(), format!("  {}  {which}", page.style.paint(Tone::Strong, &title))];
    lines.push(String::new());
    for (name, value) in facts(trace, idle_ms) {
        let dots = page.style.paint(Tone::Faint, &format!("{name:.<NAME_COLUMNS$}")).into_owned();
        let text = wrapped(&value, page.columns.saturating_sub(6 + NAME_COLUMNS).max(20));
        let indent = " ".repeat(6 + NAME_COLUMNS);
        lines.push(format!("    {dots}: {}", text.join(&format!("\n{indent}"))));
    }
    lines.push(String::new());
    if rows.is_empty() {
        lines.push("    no operation was recorded in it".to_owned());
    } else {
        lines.extend(table(trace, &rows, page).lines(page.style, 4, page.columns));
    }
    lines.extend(said(trace, page));
    lines.push(String::new());
    lines.join("\n")
}

fn facts(trace: &Trace, idle_ms: f64) -> Vec<(&'static str, String)> {
    let time = |ms: f64| format_latency_us(ms * 1e3);
    let window = if trace.window == WindowKind::WarmUp { ", in the warm-up" } else { "" };
    let lag = match trace.lag_ms {
        Some(lag_ms) => format!(", {} behind its plan", time(lag_ms)),
        None => String::new(),
    };
    let count = plural(trace.spans.len() as u64 + trace.spans_left_out, "operation", "operations");
    let took = if trace.spans_left_out == 0 {
        // Operations at the same time, the whole of several and its parts among them, take their time once.
        let busy_ms = (trace.duration_ms - idle_ms).max(0.0);
        let waited_ms: f64 = trace.spans.iter().filter_map(|span| span.wait_ms).sum();
        let waits = if waited_ms > 0.0 {
            format!(", with {} of waits for connections", time(waited_ms))
        } else {
            String::new()
        };
        format!(": {} in {count}{waits}, {} in the script or asleep", time(busy_ms), time(idle_ms))
    } else {
        format!(", {count}")
    };
    vec![
        ("began", format!("{} into the run{window}{lag}", time(trace.at_s * 1e3))),
        ("took", format!("{}{took}", time(trace.duration_ms))),
        ("ended", ended(trace)),
    ]
}

/// Spans with the gaps between them, and how long all gaps are together, the short ones too.
fn rows(trace: &Trace) -> (Vec<Row<'_>>, f64) {
    let least_ms = trace.duration_ms * GAP_SHARE;
    let (mut rows, mut covered_ms, mut idle_ms) = (Vec::new(), 0.0_f64, 0.0);
    let mut gap = |rows: &mut Vec<Row<'_>>, from_ms: f64, to_ms: f64| {
        let gap_ms = (to_ms - from_ms).max(0.0);
        idle_ms += gap_ms;
        if gap_ms > 0.0 && gap_ms >= least_ms {
            rows.push(Row::Gap(from_ms, to_ms));
        }
    };
    for (index, span) in trace.spans.iter().enumerate() {
        if trace.spans_left_out > 0 && index + 1 == trace.spans.len() {
            // What was left out lies here, so nothing is known of gaps.
            rows.push(Row::LeftOut(trace.spans_left_out));
        } else {
            gap(&mut rows, covered_ms, span.at_ms);
        }
        rows.push(Row::Span(span));
        covered_ms = covered_ms.max(span.end_ms());
    }
    if !trace.spans.is_empty() {
        gap(&mut rows, covered_ms, trace.duration_ms);
    } else {
        idle_ms = trace.duration_ms;
    }
    (rows, idle_ms)
}

fn table(trace: &Trace, rows: &[Row<'_>], page: &Page<'_>) -> Table {
    use Side::{Figures, Words};
    let columns = bar_columns(trace, page);
    let drawn = |stretches: &[(Stretch, f64, f64)]| bar(columns, trace.duration_ms, stretches);
    let time = |ms: f64| latency(ms * 1e3);
    let mut table = Table::new([Figures, Figures, Figures, Figures, Words(12), Words(8), Words(columns + 2)]);
    let scale = format!(" 0{:>width$}", time(trace.duration_ms).trim_end(), width = columns - 1);
    table.titles(&["AT", "WAIT", "SERVICE", "SCRIPT", "OPERATION", "ENDED", &scale]);
    for row in rows {
        match *row {
            Row::Span(span) => {
                let waited_ms = span.at_ms + span.wait_ms.unwrap_or(0.0);
                let wait = span.wait_ms.map(|_| (Stretch::Wait, span.at_ms, waited_ms));
                let service = (Stretch::Service, waited_ms, span.end_ms());
                let stretches: Vec<_> = wait.into_iter().chain([service]).collect();
                table.row([
                    time(span.at_ms).into(),
                    span.wait_ms.map_or_else(String::new, time).into(),
                    time(span.service_ms).into(),
                    "".into(),
                    one_line(&span.op).into_owned().into(),
                    outcome(span),
                    drawn(&stretches).into(),
                ]);
            }
            Row::Gap(from_ms, to_ms) => {
                let is_end = to_ms >= trace.duration_ms;
                let what = if is_end && trace.ending == Ending::Interrupted { "(cut off)" } else { "" };
                let bar = drawn(&[(Stretch::Script, from_ms, to_ms)]);
                let (at, idle) = (time(from_ms).into(), time(to_ms - from_ms).into());
                table.row([at, "".into(), "".into(), idle, what.into(), "".into(), bar.into()]);
            }
            Row::LeftOut(count) => {
                let what = format!("({} left out)", format_count(count));
                table.row(["", "", "", "", &what, "", &drawn(&[])].map(Cell::from));
            }
        }
    }
    table
}

/// What bars have left of a line when no name is to be shortened for them.
fn bar_columns(trace: &Trace, page: &Page<'_>) -> usize {
    let widest = |text: fn(&Span) -> String| trace.spans.iter().map(|span| width(&text(span))).max();
    let names = widest(|span| one_line(&span.op).into_owned()).unwrap_or(0);
    // Rows without a name have words in its place.
    let others = if trace.spans_left_out > 0 || trace.ending == Ending::Interrupted { 16 } else { 0 };
    let words = names.max(others) + widest(outcome_in_words).unwrap_or(0);
    let (least, most) = BAR_COLUMNS;
    page.columns.saturating_sub(BESIDE_WORDS + words).clamp(least, most)
}

fn outcome_in_words(span: &Span) -> String {
    match &span.class {
        Some(class) => format!("{} ({})", span.outcome, one_line(class)),
        None => span.outcome.to_string(),
    }
}

fn outcome(span: &Span) -> Cell {
    let text = outcome_in_words(span);
    match span.outcome {
        Outcome::Ok => text.into(),
        outcome if outcome.counts_as_error(Expect::Normal) => Cell::toned(text, Tone::Bad),
        _ => Cell::toned(text, Tone::Warn),
    }
}

/// What servers said, and what the iteration failed with.
fn said(trace: &Trace, page: &Page<'_>) -> Vec<String> {
    let error = trace.error.as_ref().map(|error| one_line(&error.message).into_owned()).unwrap_or_default();
    // The operation that nobody handled is told with the iteration's own error.
    let is_told = |message: &str| error.contains(&message.chars().take(COMPARED_CHARS).collect::<String>());
    let messages = trace.spans.iter().filter_map(|span| Some((span, one_line(span.message.as_deref()?))));
    let told: Vec<_> = messages.filter(|(_, message)| !is_told(message)).collect();
    let mut lines = Vec::new();
    let mut paragraph = |intro: &str, tone: Tone, text: &str| {
        lines.push(String::new());
        let wrapped = wrapped(text, page.columns.saturating_sub(6 + NAME_COLUMNS).max(20));
        for (index, line) in wrapped.iter().enumerate() {
            let name = left(if index == 0 { intro } else { "" }, NAME_COLUMNS);
            lines.push(format!("    {}  {line}", page.style.paint(tone, &name)));
        }
    };
    for (span, message) in told.iter().take(MESSAGES_AT_MOST) {
        let text = format!("{}: {message}", one_line(&span.op));
        paragraph(&latency(span.at_ms * 1e3), Tone::Faint, &text);
    }
    if told.len() > MESSAGES_AT_MOST {
        let more = plural((told.len() - MESSAGES_AT_MOST) as u64, "more message is", "more messages are");
        paragraph("", Tone::Faint, &format!("{more} in {FILE}"));
    }
    if let Some(failed) = &trace.error {
        let place = one_line(&failed.position);
        let place = if place.is_empty() { String::new() } else { format!(" (at {place})") };
        paragraph("error", Tone::Bad, &format!("{error}{place}"));
    }
    lines
}
