//! What the run was judged by: thresholds and ledgers.

use model::runfile::{RunFile, ThresholdRecord};

use super::sheet::Sheet;
use crate::style::Tone;
use crate::text::{left, one_line, width};
use crate::words::{finding, ledger_figures};

/// Examples of what a ledger found that the terminal shows; the report has all of them.
const EXAMPLES: usize = 3;

/// `✓` it holds, `✗` it does not, `?` nobody can tell.
fn mark(threshold: &ThresholdRecord) -> (&'static str, Tone) {
    match threshold.passed {
        Some(true) => ("✓", Tone::Good),
        Some(false) => ("✗", Tone::Bad),
        None => ("?", Tone::Warn),
    }
}

/// The thresholds, by metric as k6 groups them.
pub(super) fn thresholds(run: &RunFile, sheet: &mut Sheet<'_>) {
    if run.thresholds.is_empty() {
        return;
    }
    sheet.heading("THRESHOLDS");
    let widest = run.thresholds.iter().map(|threshold| width(&threshold.threshold)).max().unwrap_or(0);
    for (index, metric) in metrics(run).into_iter().enumerate() {
        if index > 0 {
            sheet.blank();
        }
        sheet.line(&format!("    {}", one_line(metric)));
        for threshold in run.thresholds.iter().filter(|threshold| threshold.metric == metric) {
            one_threshold(threshold, widest, sheet);
        }
    }
}

/// The metrics that have thresholds, each once, in the order of their first.
fn metrics(run: &RunFile) -> Vec<&str> {
    let mut metrics: Vec<&str> = Vec::new();
    for threshold in &run.thresholds {
        if !metrics.contains(&threshold.metric.as_str()) {
            metrics.push(&threshold.metric);
        }
    }
    metrics
}

fn one_threshold(threshold: &ThresholdRecord, widest: usize, sheet: &mut Sheet<'_>) {
    let (mark, tone) = mark(threshold);
    let mark = sheet.style().paint(tone, mark).into_owned();
    let condition = one_line(&threshold.threshold);
    if threshold.passed.is_some() {
        let shown = sheet.style().paint(tone, &threshold.shown).into_owned();
        sheet.line(&format!("    {mark} {}  {shown}", left(&condition, widest)));
    } else {
        sheet.line(&format!("    {mark} {condition}"));
    }
    if let Some(reason) = finding(threshold) {
        sheet.paragraph(6, None, reason);
    }
}

/// The ledgers: PASS or FAIL, what was counted, and some of what was found.
pub(super) fn ledgers(run: &RunFile, sheet: &mut Sheet<'_>) {
    if run.ledgers.is_empty() {
        return;
    }
    sheet.heading("LEDGERS");
    for ledger in &run.ledgers {
        let (mark, tone) = if ledger.passed { ("✓ PASS", Tone::Good) } else { ("✗ FAIL", Tone::Bad) };
        let intro = format!("{mark}  {} ({})", one_line(&ledger.name), ledger.kind);
        sheet.paragraph(4, Some((&intro, tone)), &ledger_figures(ledger));
    }
    for ledger in run.ledgers.iter().filter(|ledger| !ledger.passed) {
        for example in ledger.examples.iter().take(EXAMPLES) {
            sheet.paragraph(6, None, &format!("{}: {example}", ledger.name));
        }
    }
}
