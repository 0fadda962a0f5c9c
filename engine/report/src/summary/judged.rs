//! What the run was judged by: thresholds, gates and ledgers.

use model::runfile::{RunFile, ThresholdRecord};

use super::sheet::Sheet;
use crate::evidence::{decision, gates_of, own_reasons, reason_mark};
use crate::style::Tone;
use crate::text::{left, one_line, width};
use crate::words::{finding, ledger_figures, waits};

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
    // Those of a gate stand under it.
    let own: Vec<&ThresholdRecord> =
        run.thresholds.iter().filter(|threshold| threshold.gate.is_none()).collect();
    if own.is_empty() {
        return;
    }
    sheet.heading("THRESHOLDS");
    by_metric(&own, 4, sheet);
}

fn by_metric(thresholds: &[&ThresholdRecord], indent: usize, sheet: &mut Sheet<'_>) {
    let widest = thresholds.iter().map(|threshold| width(&threshold.threshold)).max().unwrap_or(0);
    for (index, metric) in metrics(thresholds).into_iter().enumerate() {
        if index > 0 && indent == 4 {
            sheet.blank();
        }
        sheet.line(&format!("{}{}", " ".repeat(indent), one_line(metric)));
        for threshold in thresholds.iter().filter(|threshold| threshold.metric == metric) {
            one_threshold(threshold, widest, indent, sheet);
        }
    }
}

/// The gates: what each decides, with what sentence, by which thresholds, and what else speaks against it.
pub(super) fn gates(run: &RunFile, sheet: &mut Sheet<'_>) {
    let gates = gates_of(run);
    if gates.is_empty() {
        return;
    }
    sheet.heading("GATES");
    for (index, (gate, conditions)) in gates.iter().enumerate() {
        if index > 0 {
            sheet.blank();
        }
        let decision = decision(gate.passed);
        let intro = format!("{} {}", decision.mark, decision.word);
        let name = one_line(&gate.name);
        let sentence = match gate.sentence.is_empty() {
            true => name.into_owned(),
            false => format!("{name}: {}", gate.sentence),
        };
        sheet.paragraph(4, Some((&intro, decision.tone)), &sentence);
        by_metric(conditions, 6, sheet);
        for reason in own_reasons(gate, conditions) {
            sheet.paragraph(6, Some((reason_mark(run, reason), decision.tone)), reason);
        }
    }
}

/// The metrics that have thresholds, each once, in the order of their first.
fn metrics<'a>(thresholds: &[&'a ThresholdRecord]) -> Vec<&'a str> {
    let mut metrics: Vec<&str> = Vec::new();
    for threshold in thresholds {
        if !metrics.contains(&threshold.metric.as_str()) {
            metrics.push(&threshold.metric);
        }
    }
    metrics
}

fn one_threshold(threshold: &ThresholdRecord, widest: usize, indent: usize, sheet: &mut Sheet<'_>) {
    let before = " ".repeat(indent);
    let (mark, tone) = mark(threshold);
    let mark = sheet.style().paint(tone, mark).into_owned();
    let condition = one_line(&threshold.threshold);
    if threshold.passed.is_some() {
        let shown = sheet.style().paint(tone, &threshold.shown).into_owned();
        sheet.line(&format!("{before}{mark} {}  {shown}", left(&condition, widest)));
    } else {
        sheet.line(&format!("{before}{mark} {condition}"));
    }
    if let Some(reason) = finding(threshold) {
        sheet.paragraph(indent + 2, None, reason);
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
        waits(ledger).iter().for_each(|wait| sheet.paragraph(6, None, wait));
    }
    for ledger in run.ledgers.iter().filter(|ledger| !ledger.passed) {
        for example in ledger.examples.iter().take(EXAMPLES) {
            sheet.paragraph(6, None, &format!("{}: {example}", ledger.name));
        }
    }
}
