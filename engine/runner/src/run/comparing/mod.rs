//! From the turns of a comparison, as they were recorded, to what they decide.
//!
//! Deliberately absent: who is on when (`script`, `plan`), the statistics (`model::compare`), layout (`report`).

#[cfg(test)]
mod tests;
mod verdict;

use std::collections::BTreeSet;

use model::{
    compare::{Figure, Rounds, confidence_of_each, geometric_mean, level},
    recorder::{ScenarioTotals, WindowTotals},
    runfile::{CeilingRecord, ComparisonRecord, SideRecord, TurnRecord},
    units::{format_percent, format_rate},
};
use script::{ComparisonOptions, ScenarioOptions, TurnKind};

/// So near to its own ceiling, the generator is what was measured.
const CEILING_SHARE: f64 = 0.9;
/// A side of which more iterations failed has not done the work.
const FAILED_SHARE_AT_MOST: f64 = 0.01;
/// A turn that shares more of its time with iterations of one before is not its side's alone.
const DISTURBED_SHARE: f64 = 0.05;

/// What the comparisons of a run come to. Those of which no turn was planned (`--only`) are left out.
pub(super) fn compared(
    comparisons: &[ComparisonOptions],
    scenarios: &[ScenarioOptions],
    totals: &WindowTotals,
    warm_up_s: f64,
) -> Vec<ComparisonRecord> {
    let is_played = |comparison: &&ComparisonOptions| {
        scenarios.iter().any(|scenario| scenario.comparison() == Some(&comparison.name))
    };
    let played: Vec<&ComparisonOptions> = comparisons.iter().filter(is_played).collect();
    let decisions = played.iter().map(|comparison| pairs(comparison.sides.len()).count()).sum();
    let confidence = confidence_of_each(decisions);
    let disturbed = disturbed(scenarios, totals, warm_up_s);
    let turns = Turns { scenarios, totals, warm_up_s, disturbed };
    played.into_iter().map(|comparison| turns.record(comparison, confidence)).collect()
}

/// Why the generator, not a side, is what a comparison measured.
pub(super) fn bound(records: &[ComparisonRecord]) -> Vec<String> {
    let mut reasons = Vec::new();
    for record in records {
        let Some(ceiling) = &record.ceiling else { continue };
        for side in record.sides.iter().filter(|side| is_at_ceiling(side)) {
            let (name, share) = (&side.name, format_percent(side.ceiling_share.unwrap_or_default()));
            reasons.push(format!(
                "`{}` on {name} reached {share} of what this client reaches against {}, which does next to nothing \
                 ({}); use more cores or a lighter client",
                record.name,
                ceiling.side,
                format_rate(ceiling.per_s)
            ));
        }
    }
    reasons
}

fn is_at_ceiling(side: &SideRecord) -> bool {
    side.ceiling_share.is_some_and(|share| share >= CEILING_SHARE)
}

/// Every two of so many, the earlier one first.
fn pairs(sides: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..sides).flat_map(move |first| (first + 1..sides).map(move |second| (first, second)))
}

/// The turns that began while iterations of one before were still under way, by the names of their scenarios.
fn disturbed<'a>(
    scenarios: &'a [ScenarioOptions],
    totals: &WindowTotals,
    warm_up_s: f64,
) -> BTreeSet<&'a str> {
    let mut last_end_s: f64 = 0.0;
    let mut found = BTreeSet::new();
    for scenario in scenarios.iter().filter(|scenario| scenario.turn.is_some()) {
        let start_s = warm_up_s + scenario.start.as_secs_f64();
        let shared_s = last_end_s - start_s;
        if shared_s > DISTURBED_SHARE * scenario.executor.longest_ns() as f64 / 1e9 {
            found.insert(scenario.name.as_str());
        }
        let ended_ns = totals.scenarios.get(scenario.name.as_str()).map_or(0, |totals| totals.last_end_ns);
        last_end_s = last_end_s.max(ended_ns as f64 / 1e9);
    }
    found
}

struct Turns<'a> {
    scenarios: &'a [ScenarioOptions],
    totals: &'a WindowTotals,
    warm_up_s: f64,
    disturbed: BTreeSet<&'a str>,
}

impl Turns<'_> {
    fn record(&self, comparison: &ComparisonOptions, confidence: f64) -> ComparisonRecord {
        let ceiling = self.ceiling(comparison);
        let sides: Vec<SideRecord> = comparison
            .sides
            .iter()
            .map(|side| self.side(comparison, side, confidence, ceiling.as_ref()))
            .collect();
        let pair = |(first, second): (usize, usize)| {
            verdict::pair(comparison, &sides[first], &sides[second], confidence)
        };
        let pairs = pairs(sides.len()).map(pair).collect();
        let turn_s = self.of(comparison).next().map_or(0.0, |(s, _)| s.executor.longest_ns() as f64 / 1e9);
        ComparisonRecord {
            name: comparison.name.clone(),
            exec: comparison.exec.function.clone(),
            vus: comparison.vus,
            rounds: comparison.rounds as u64,
            turn_s,
            decide_by: comparison.decide_by,
            margin: comparison.margin,
            confidence,
            sides,
            pairs,
            ceiling,
        }
    }

    /// The turns of a comparison with what was recorded in them.
    fn of<'a>(
        &'a self,
        comparison: &'a ComparisonOptions,
    ) -> impl Iterator<Item = (&'a ScenarioOptions, Option<&'a ScenarioTotals>)> {
        let is_its = |scenario: &&ScenarioOptions| scenario.comparison() == Some(&comparison.name);
        let totals = &self.totals.scenarios;
        self.scenarios.iter().filter(is_its).map(|scenario| (scenario, totals.get(scenario.name.as_str())))
    }

    fn ceiling(&self, comparison: &ComparisonOptions) -> Option<CeilingRecord> {
        let side = comparison.calibrate.clone()?;
        let is_calibration =
            |s: &ScenarioOptions| s.turn.as_ref().is_some_and(|turn| turn.counts == TurnKind::Calibration);
        let is_good = |scenario: &ScenarioOptions, totals: &ScenarioTotals| {
            let has_worked = !has_failed(totals.failed, totals.done + totals.failed);
            has_worked && !self.disturbed.contains(scenario.name.as_str())
        };
        let calibrations = self.of(comparison).filter(|(scenario, _)| is_calibration(scenario));
        let reached: Vec<f64> = calibrations
            .filter_map(|(scenario, totals)| totals.filter(|totals| is_good(scenario, totals)))
            .filter_map(|totals| per_s(comparison.vus, totals))
            .collect();
        // As levels are.
        geometric_mean(&reached).map(|per_s| CeilingRecord { side, per_s })
    }

    fn side(
        &self,
        comparison: &ComparisonOptions,
        name: &str,
        confidence: f64,
        ceiling: Option<&CeilingRecord>,
    ) -> SideRecord {
        let mut record = SideRecord { name: name.to_owned(), ..SideRecord::default() };
        for (scenario, totals) in self.of(comparison) {
            let (Some(turn), Some(totals)) = (&scenario.turn, totals) else { continue };
            let TurnKind::Round(round) = turn.counts else { continue };
            if turn.side != name {
                continue;
            }
            record.iterations += totals.done + totals.failed;
            record.failed += totals.failed;
            // A turn in which nothing ended gives no figure.
            let Some(per_s) = per_s(comparison.vus, totals) else { continue };
            let ms = |percentile| totals.service.percentile_us(percentile) as f64 / 1000.0;
            record.turns.push(TurnRecord {
                round: round as u64 + 1,
                at_s: self.warm_up_s + scenario.start.as_secs_f64(),
                disturbed: self.disturbed.contains(scenario.name.as_str()),
                iterations: totals.done + totals.failed,
                per_s,
                p50_ms: ms(50.0),
                p99_ms: ms(99.0),
            });
        }
        let level_of = |figure| level(&rounds(&record, comparison.rounds, figure), confidence);
        (record.per_s, record.p50_ms, record.p99_ms) =
            (level_of(Figure::Rate), level_of(Figure::P50), level_of(Figure::P99));
        record.ceiling_share = ceiling
            .and_then(|ceiling| Some(record.per_s?.value / ceiling.per_s))
            .filter(|share| share.is_finite());
        record
    }
}

/// Whether so many failures among what ended leave the work undone.
fn has_failed(failed: u64, ended: u64) -> bool {
    failed as f64 > FAILED_SHARE_AT_MOST * ended as f64
}

/// Iterations a second in a closed loop: users over the mean time of an iteration.
fn per_s(vus: u32, totals: &ScenarioTotals) -> Option<f64> {
    let mean_us = totals.service.mean_us();
    (!totals.service.is_empty() && mean_us > 0.0).then(|| f64::from(vus) * 1e6 / mean_us)
}

fn rounds(side: &SideRecord, rounds: usize, figure: Figure) -> Rounds {
    let of_round = |round: u64| side.turns.iter().filter(move |turn| turn.round == round && !turn.disturbed);
    (1..=rounds as u64).map(|round| of_round(round).map(|turn| turn.figure(figure)).collect()).collect()
}
