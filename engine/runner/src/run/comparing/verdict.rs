//! What two sides decide, and the sentence that says it or why nothing is decided.

use model::{
    compare::{Figure, Interval, Verdict, compare},
    runfile::{PairRecord, SideRecord},
    units::format_percent,
};
use script::ComparisonOptions;

use super::{has_failed, is_at_ceiling, rounds};

/// What two sides come to.
pub(super) fn pair(
    comparison: &ComparisonOptions,
    first: &SideRecord,
    second: &SideRecord,
    confidence: f64,
) -> PairRecord {
    let figure = comparison.decide_by;
    let of = |side| rounds(side, comparison.rounds, figure);
    let found = compare(&of(first), &of(second), confidence, comparison.margin);
    let reason = match found.ratio {
        _ if failed(first) || failed(second) => {
            let worst = if failed(first) { first } else { second };
            let share = format_percent(worst.failed as f64 / worst.iterations.max(1) as f64);
            Some(format!("{share} of the iterations on {} failed", worst.name))
        }
        None => Some(too_few(found.rounds, first, second)),
        Some(_) if is_at_ceiling(first) && is_at_ceiling(second) => {
            Some("both are at the generator's own ceiling".to_owned())
        }
        Some(ratio) if found.verdict != Verdict::Decided => Some(undecided(ratio, comparison.margin)),
        Some(_) => None,
    };
    let sentence = match (&reason, found.ratio) {
        (None, Some(ratio)) => decided(figure, first, second, ratio),
        (reason, _) => format!("not decided: {}", reason.as_deref().unwrap_or("there is no ratio")),
    };
    PairRecord {
        first: first.name.clone(),
        second: second.name.clone(),
        ratio: found.ratio,
        rounds: found.rounds as u64,
        decided: reason.is_none(),
        sentence,
    }
}

fn too_few(rounds: usize, first: &SideRecord, second: &SideRecord) -> String {
    let turns = || first.turns.iter().chain(&second.turns);
    let disturbed = turns().filter(|turn| turn.disturbed).count();
    let mut reason = format!("only {rounds} rounds gave figures of both");
    if disturbed > 0 {
        let all = turns().count();
        reason.push_str(&format!(
            ": {disturbed} of {all} turns began while iterations of the one before were still under way; give them a \
             longer `rest`"
        ));
    }
    reason
}

fn failed(side: &SideRecord) -> bool {
    has_failed(side.failed, side.iterations)
}

fn undecided(ratio: Interval, margin: f64) -> String {
    let span = format!("{} to {}", times(ratio.low), times(ratio.high));
    if ratio.low <= 1.0 && ratio.high >= 1.0 {
        format!("the ratio may be anything from {span}, and 1 is among it")
    } else {
        format!("the ratio ({span}) may lie within the margin of {}", format_percent(margin))
    }
}

/// "b is better: 2.38 times the rate of a (2.20 to 2.57)".
fn decided(figure: Figure, first: &SideRecord, second: &SideRecord, ratio: Interval) -> String {
    let second_is_better = (ratio.value > 1.0) == figure.is_higher_better();
    // Said of the larger figure, so that the ratio is above 1.
    let (larger, smaller, ratio) = if ratio.value >= 1.0 {
        (second, first, ratio)
    } else {
        (first, second, Interval { value: 1.0 / ratio.value, low: 1.0 / ratio.high, high: 1.0 / ratio.low })
    };
    let better = if second_is_better { second } else { first };
    let what = figure.as_str();
    format!(
        "{} is better: {} has {} times the {what} of {} ({} to {})",
        better.name,
        larger.name,
        times(ratio.value),
        smaller.name,
        times(ratio.low),
        times(ratio.high)
    )
}

/// A ratio in three digits.
fn times(ratio: f64) -> String {
    report::number(ratio)
}
