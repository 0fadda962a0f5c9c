//! Single figures under k6's names, scenarios side by side, checks and the script's own metrics.

use model::runfile::{RunFile, Summary};
use model::units::{format_bytes, format_count, format_percent};

use super::sheet::Sheet;
use crate::figures::{decimal, difference};
use crate::style::Tone;
use crate::table::{Cell, Side, Table};
use crate::text::{one_line, plural, shortened};
use crate::words::{arrivals, is_open, metric_value};

/// Checks that the terminal shows; the report has all of them.
const CHECKS_AT_MOST: usize = 20;

/// What stands under k6's names.
pub(super) fn facts(run: &RunFile, figures: &Summary, sheet: &mut Sheet<'_>) {
    let sum = |of: fn(&model::runfile::ScenarioSummary) -> u64| figures.scenarios.iter().map(of).sum::<u64>();
    let ended = sum(|scenario| scenario.done + scenario.failed);
    let mut facts = Vec::new();
    let mut fact = |name: &str, value: String| facts.push((name.to_owned(), value));
    if let Some(arrivals) = arrivals(sum(|s| s.planned), sum(|s| if s.planned > 0 { s.started } else { 0 })) {
        fact("arrivals", arrivals);
    }
    let (failed, cut) = (sum(|scenario| scenario.failed), sum(|scenario| scenario.interrupted));
    let mut iterations = counted(ended, figures.window_s);
    if failed > 0 {
        iterations.push_str(&format!("  {} failed", format_count(failed)));
    }
    if cut > 0 {
        iterations.push_str(&format!("  {} interrupted", format_count(cut)));
    }
    // A run that only compares has its iterations there; of one that sweeps, what goes on beside the steps is not all.
    let is_all = run.sweeps.is_empty() && (!figures.scenarios.is_empty() || run.comparisons.is_empty());
    if is_all {
        fact("iterations", iterations);
    }
    if figures.scenarios.iter().any(is_open) {
        fact("dropped_iterations", counted(sum(|scenario| scenario.dropped), figures.window_s));
    }
    fact("operations", counted(figures.operations, figures.window_s));
    let errors = format!("{} of {}", format_count(figures.errors), format_count(figures.operations));
    fact("errors", format!("{}  {errors}", format_percent(figures.error_share)));
    let (passed, total) = figures
        .checks
        .iter()
        .fold((0, 0), |(passed, total), check| (passed + check.passed, total + check.passed + check.failed));
    if total > 0 {
        let held = format!("{} of {}", format_count(passed), format_count(total));
        fact("checks", format!("{}  {held}", format_percent(passed as f64 / total as f64)));
    }
    fact("vus", vus(run, figures));
    fact("data_sent", data(figures.bytes_sent, figures.window_s));
    fact("data_received", data(figures.bytes_received, figures.window_s));
    if let Some(busiest) = figures.cores.iter().map(|core| core.busy_share).reduce(f64::max) {
        let share = format_percent((busiest * 1e3).round() / 1e3);
        fact("generator_cpu", format!("{share} of the busiest core  cores={}", figures.cores.len()));
    }
    sheet.facts(&facts);
}

fn counted(count: u64, window_s: f64) -> String {
    format!("{}  {}/s", format_count(count), decimal(per_s(count, window_s), 2))
}

fn data(bytes: u64, window_s: f64) -> String {
    format!("{}  {}/s", format_bytes(bytes as f64), format_bytes(per_s(bytes, window_s)))
}

fn per_s(count: u64, window_s: f64) -> f64 {
    if window_s > 0.0 { count as f64 / window_s } else { 0.0 }
}

fn vus(run: &RunFile, figures: &Summary) -> String {
    let busy: u64 = figures.cores.iter().map(|core| core.vus_busy_max).sum();
    let live: u64 = figures.cores.iter().map(|core| core.vus_live_max).sum();
    let allowed: u64 = run.loads.iter().map(|load| load.max_vus).sum();
    let of = if allowed > 0 { format!("  max={}", format_count(allowed)) } else { String::new() };
    format!("{} busy at most  {} live at most{of}", format_count(busy), format_count(live))
}

/// The scenarios side by side, when there are several.
pub(super) fn scenarios(figures: &Summary, sheet: &mut Sheet<'_>) {
    if figures.scenarios.len() < 2 {
        return;
    }
    sheet.blank();
    let mut sides = vec![Side::Words(12)];
    sides.extend([Side::Figures; 7]);
    let mut table = Table::new(sides);
    table.titles(&[
        "SCENARIO",
        "planned",
        "started",
        "difference",
        "dropped",
        "failed",
        "interrupted",
        "rate/s",
    ]);
    for scenario in &figures.scenarios {
        let open = is_open(scenario);
        let planned = |text: String| Cell::from(if open { text } else { "-".to_owned() });
        let off = scenario.started as f64 / scenario.planned.max(1) as f64 - 1.0;
        table.row([
            one_line(&scenario.name).into_owned().into(),
            planned(format_count(scenario.planned)),
            format_count(scenario.started).into(),
            planned(if scenario.planned > 0 { difference(off) } else { "-".to_owned() }),
            planned(format_count(scenario.dropped)),
            format_count(scenario.failed).into(),
            format_count(scenario.interrupted).into(),
            decimal(scenario.per_s, 2).into(),
        ]);
    }
    sheet.table(&table);
}

/// The checks: those that failed, and the others when they are not too many.
pub(super) fn checks(figures: &Summary, sheet: &mut Sheet<'_>) {
    if figures.checks.is_empty() {
        return;
    }
    sheet.blank();
    let (failed, held): (Vec<_>, Vec<_>) = figures.checks.iter().partition(|check| check.failed > 0);
    let name = |name: &str| shortened(&one_line(name), 60).into_owned();
    let good = sheet.style().paint(Tone::Good, "✓").into_owned();
    let bad = sheet.style().paint(Tone::Bad, "✗").into_owned();
    for check in failed.iter().take(CHECKS_AT_MOST) {
        let total = check.passed + check.failed;
        let count = format!("{} of {} failed", format_count(check.failed), format_count(total));
        sheet.line(&format!("    {bad} {}  {count}", name(&check.name)));
    }
    if failed.len() > CHECKS_AT_MOST {
        let more = plural((failed.len() - CHECKS_AT_MOST) as u64, "more check", "more checks");
        sheet.line(&format!("    {bad} {more} that failed, in report.md"));
    }
    if figures.checks.len() <= CHECKS_AT_MOST {
        held.iter().for_each(|check| sheet.line(&format!("    {good} {}", name(&check.name))));
    } else if !held.is_empty() {
        let checks = plural(held.len() as u64, "check", "checks");
        sheet.line(&format!("    {good} {checks} that always held, in report.md"));
    }
}

/// The script's own metrics, as k6 prints them.
pub(super) fn metrics(figures: &Summary, sheet: &mut Sheet<'_>) {
    if figures.metrics.is_empty() {
        return;
    }
    sheet.blank();
    let facts: Vec<(String, String)> =
        figures.metrics.iter().map(|(name, metric)| (name.clone(), metric_value(metric))).collect();
    sheet.facts(&facts);
}
