//! Gates, faults and probes in a few words.

use model::runfile::{FaultRecord, GateRecord, ProbeRecord, RunFile, ThresholdRecord};
use model::units::{format_count, format_percent};

use crate::style::Tone;
use crate::words::seconds;

/// What a gate came to.
pub(crate) struct Decision {
    /// `✓`, `✗` or `?`.
    pub(crate) mark: &'static str,
    /// `GO`, `NO-GO` or `NOT DECIDED`.
    pub(crate) word: &'static str,
    /// How it stands out.
    pub(crate) tone: Tone,
}

/// What a gate came to. Nothing when it was not judged (yet) is not decided either.
pub(crate) fn decision(passed: Option<bool>) -> Decision {
    let (mark, word, tone) = match passed {
        Some(true) => ("✓", "GO", Tone::Good),
        Some(false) => ("✗", "NO-GO", Tone::Bad),
        None => ("?", "NOT DECIDED", Tone::Warn),
    };
    Decision { mark, word, tone }
}

/// The gates with their conditions. Conditions of a gate that was not judged (the run still goes on, or was
/// killed) stand under a gate that decides nothing.
pub(crate) fn gates_of(run: &RunFile) -> Vec<(GateRecord, Vec<&ThresholdRecord>)> {
    let mut gates: Vec<(GateRecord, Vec<&ThresholdRecord>)> =
        run.gates.iter().map(|gate| (gate.clone(), Vec::new())).collect();
    for threshold in &run.thresholds {
        let Some(name) = &threshold.gate else { continue };
        match gates.iter_mut().find(|(gate, _)| gate.name == *name) {
            Some((_, conditions)) => conditions.push(threshold),
            None => {
                gates.push((GateRecord { name: name.clone(), ..GateRecord::default() }, vec![threshold]));
            }
        }
    }
    gates
}

/// The reasons of a gate that none of its conditions shows already.
pub(crate) fn own_reasons<'a>(gate: &'a GateRecord, conditions: &[&ThresholdRecord]) -> Vec<&'a str> {
    let is_shown = |reason: &str| {
        conditions.iter().any(|one| reason.starts_with(&format!("{} {} ", one.metric, one.threshold)))
    };
    gate.reasons.iter().map(String::as_str).filter(|reason| !is_shown(reason)).collect()
}

/// How a reason of a gate is marked: `✗` when it is a ledger that fails.
pub(crate) fn reason_mark(run: &RunFile, reason: &str) -> &'static str {
    let fails = |name: &str| {
        reason.strip_prefix("ledger ").is_some_and(|rest| rest.starts_with(&format!("{name} fails")))
    };
    if run.ledgers.iter().any(|ledger| !ledger.passed && fails(&ledger.name)) { "✗" } else { "-" }
}

/// Whether a fault did what it was to do.
pub(crate) fn fault_mark(fault: &FaultRecord) -> (&'static str, &'static str, Tone) {
    match fault.took_hold {
        Some(true) => ("✓", "took hold", Tone::Good),
        Some(false) => ("✗", "did not take hold", Tone::Bad),
        None => ("?", "never began", Tone::Warn),
    }
}

/// `2m to 4m`, `at 2m`.
pub(crate) fn fault_span(fault: &FaultRecord) -> String {
    // Tenths of a second: when it was asked for is known no better.
    let time = |s: f64| seconds((s * 10.0).round() / 10.0);
    match fault.until_s.map(time) {
        Some(until) if until != time(fault.at_s) => format!("{} to {until}", time(fault.at_s)),
        _ => format!("at {}", time(fault.at_s)),
    }
}

/// The thresholds that say how soon it was calm again.
pub(crate) fn recoveries(run: &RunFile) -> impl Iterator<Item = &ThresholdRecord> {
    let says = |threshold: &&ThresholdRecord| {
        let condition = threshold.threshold.trim_start();
        condition.starts_with("recovery") || condition.starts_with("outage")
    };
    run.thresholds.iter().filter(says)
}

/// The share of the time that a probe was looking.
pub(crate) fn probe_share(probe: &ProbeRecord) -> f64 {
    let mean_s = probe.mean_ms / 1e3;
    if probe.every_s > 0.0 { mean_s / probe.every_s.max(mean_s) } else { 0.0 }
}

/// What looking cost in all: the busiest probe's share of the time, and how long backends of the server were at it.
/// Shares are not added up, because probes look side by side.
pub(crate) fn probes_cost(probes: &[ProbeRecord]) -> Option<String> {
    let busiest = probes.iter().max_by(|a, b| probe_share(a).total_cmp(&probe_share(b)))?;
    let mut cost =
        format!("{} was busiest, looking {} of the time", busiest.name, format_percent(probe_share(busiest)));
    let of_server: Vec<&ProbeRecord> =
        probes.iter().filter(|probe| probe.name.starts_with("postgres.")).collect();
    if !of_server.is_empty() {
        let total_s: f64 = of_server.iter().map(|probe| probe.looks as f64 * probe.mean_ms / 1e3).sum();
        cost.push_str(&format!("; all of postgres together took {} backend-seconds", seconds_of(total_s)));
        if of_server.iter().any(|probe| probe.failures > 0) {
            cost.push_str(", waiting in looks that failed included");
        }
    }
    Some(cost)
}

/// `0.21`, `14`: two digits at least.
fn seconds_of(total_s: f64) -> String {
    if total_s < 10.0 { format!("{total_s:.2}") } else { format_count(total_s.round() as u64) }
}

/// Whether every cell of a column is a figure, with a unit of one word at most, or empty.
pub(crate) fn is_figure_column<'a>(cells: impl IntoIterator<Item = &'a str>) -> bool {
    let mut some = false;
    for cell in cells {
        let cell = cell.trim();
        if matches!(cell, "" | "-" | "–" | "—") {
            continue;
        }
        if !is_figure(cell) {
            return false;
        }
        some = true;
    }
    some
}

fn is_figure(cell: &str) -> bool {
    let signs = ['+', '-', '−', '<', '>', '~', '≈', '±', '≤', '≥', '×', ' '];
    let number = cell.trim_start_matches(signs);
    let unit = number.trim_start_matches(|c: char| c.is_ascii_digit() || matches!(c, '.' | ',' | '_'));
    number.starts_with(|c: char| c.is_ascii_digit())
        && unit.trim().chars().count() <= 10
        && !unit.trim().contains(char::is_whitespace)
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::runfile::LedgerRecord;

    #[test]
    fn columns_of_figures_are_told_from_words() {
        for column in
            [&["1,234", "", "-"][..], &["96.2 %", "<0.1 %"], &["3.1ms", "7m30s", "12/s"], &["+1.2e6"]]
        {
            assert!(is_figure_column(column.iter().copied()), "{column:?}");
        }
        for column in [&["1", "x"][..], &["-", ""], &["16 writers of one"], &["p50"], &[]] {
            assert!(!is_figure_column(column.iter().copied()), "{column:?}");
        }
    }

    #[test]
    fn a_fault_has_its_time() {
        let at = |until_s| fault_span(&FaultRecord { at_s: 120.04, until_s, ..FaultRecord::default() });
        assert_eq!(
            (at(Some(240.0)), at(None), at(Some(120.01))),
            ("2m to 4m".into(), "at 2m".into(), "at 2m".into())
        );
    }

    #[test]
    fn what_probes_cost() {
        let probe = ProbeRecord {
            every_s: 5.0,
            looks: 60,
            failures: 1,
            mean_ms: 3.1,
            max_ms: 12.0,
            ..ProbeRecord::default()
        };
        assert!((probe_share(&probe) - 0.000_62).abs() < 1e-9);
        assert_eq!(probe_share(&ProbeRecord::default()), 0.0, "one that never looked");
        assert_eq!(probes_cost(&[]), None);
        let host = ProbeRecord { name: "host".into(), ..probe.clone() };
        assert_eq!(
            probes_cost(std::slice::from_ref(&host)).unwrap(),
            "host was busiest, looking 0.062% of the time"
        );
        // A server that is away: every look waits until its patience is over, and nine parts do so at once.
        let away = |part: &str| ProbeRecord {
            name: format!("postgres.{part}"),
            mean_ms: 5_000.0,
            failures: 60,
            ..probe.clone()
        };
        assert_eq!(
            probes_cost(&[host, away("wal"), away("tables")]).unwrap(),
            "postgres.tables was busiest, looking 100% of the time; all of postgres together took 600 \
             backend-seconds, waiting in looks that failed included"
        );
    }

    #[test]
    fn a_ledger_that_fails_is_no_footnote() {
        let ledger = LedgerRecord { name: "heads".into(), ..LedgerRecord::default() };
        let run = RunFile { ledgers: vec![ledger], ..RunFile::default() };
        assert_eq!(reason_mark(&run, "ledger heads fails: step 4 was acknowledged twice"), "✗");
        assert_eq!(reason_mark(&run, "none of its conditions was judged"), "-");
    }
}
