//! Judging what a series does over time: whether it grows, has settled, and how soon it was calm again.

use std::time::Duration;

use super::figures::Figure;
use super::judge::{Judgement, decided, series, show, undecided};
use super::{Comparison, Threshold};
use crate::series::{Calm, Drift, Plateau, Point, Recovery, Slope, Watched, plateau, recovery, slope, worst};
use crate::units::{format_duration, format_latency_us, format_percent};

/// A slope passes or fails when its whole 95 % interval does; when the limit lies inside it, the data do not
/// tell. Equality is judged by the estimate.
pub(super) fn judge_slope(threshold: &Threshold, figure: &Figure<'_>, points: Option<&[Point]>) -> Judgement {
    let Some(points) = points else { return undecided(not_watched(threshold)) };
    let estimate = match slope(points) {
        Slope::TooShort { points, needed } => return undecided(too_short(points, needed)),
        Slope::Known(estimate) => estimate,
    };
    let Some(bound) = threshold.bound else { return undecided("a slope needs a limit".into()) };
    let (op, limit) = (bound.op, bound.limit_in(figure.class().measure(&threshold.metric, threshold.method)));
    let interval = [estimate.low, estimate.high].map(|end| op.holds(end, limit));
    let show = |value: f64| show(threshold, figure, value);
    let found = format!(
        "{} a minute, 95 % interval {} to {}{}",
        show(estimate.per_minute),
        show(estimate.low),
        show(estimate.high),
        repeated(points.len(), estimate.independent)
    );
    let by_estimate = matches!(op, Comparison::Equal | Comparison::Unequal);
    let passed = match interval {
        _ if by_estimate => Some(op.holds(estimate.per_minute, limit)),
        [low, high] if low == high => Some(low),
        _ => None,
    };
    let reason = match passed {
        None => format!("too short to tell: {found}, and the limit lies inside"),
        Some(_) => found,
    };
    Judgement { passed, value: Some(estimate.per_minute), shown: show(estimate.per_minute), reason }
}

pub(super) fn judge_plateau(
    threshold: &Threshold,
    figure: &Figure<'_>,
    points: Option<&[Point]>,
) -> Judgement {
    let Some(points) = points else { return undecided(not_watched(threshold)) };
    match plateau(points) {
        Plateau::TooShort { points, needed } => undecided(too_short(points, needed)),
        Plateau::Moving { per_minute } => Judgement {
            passed: Some(false),
            value: None,
            shown: "-".to_owned(),
            reason: format!(
                "it has not settled: {} a minute at the end",
                show(threshold, figure, per_minute)
            ),
        },
        Plateau::Unclear { low, high } => undecided(format!(
            "too short to tell: over its last quarter it moves by {} to {} a minute (95 % interval), which is \
             neither rest nor growth",
            show(threshold, figure, low),
            show(threshold, figure, high)
        )),
        Plateau::Settled { level, since_ns, drift } => {
            let mut judgement = decided(threshold, figure, level);
            let since = format_duration(Duration::from_nanos(since_ns));
            let drift = drifted(drift, level, |value| show(threshold, figure, value));
            judgement.reason = format!("settled at {} from {since} on, {drift}", judgement.shown);
            judgement
        }
    }
}

/// What rest still allows, as a share of the level where there is one.
fn drifted(drift: Drift, level: f64, show: impl Fn(f64) -> String) -> String {
    let signed = |value: f64| match level == 0.0 {
        true => show(value),
        false => {
            let text = format_percent(value.abs() / level.abs());
            let is_nothing = !text.contains(|c| matches!(c, '1'..='9'));
            let sign = if is_nothing {
                ""
            } else if value < 0.0 {
                "-"
            } else {
                "+"
            };
            format!("{sign}{text}")
        }
    };
    let (by, low, high) = (signed(drift.by), signed(drift.low), signed(drift.high));
    let of_level = if level == 0.0 { "" } else { " of that" };
    format!("drift {by}{of_level} over the window (95 % interval {low} to {high})")
}

pub(super) fn judge_recovery(
    threshold: &Threshold,
    figure: &Figure<'_>,
    disturbances: &[(u64, u64)],
) -> Judgement {
    let Some(series) = series(figure) else { return undecided(not_watched(threshold)) };
    let calm = if matches!(figure, Figure::Latency { .. }) { Calm::Below } else { Calm::Around };
    let answers = recovery(Watched { points: series.points(), calm }, disturbances);
    let ms = |ns: u64| ns as f64 / 1e6;
    match worst(&answers) {
        None => undecided("there was no burst and no fault to recover from".into()),
        Some(Recovery::NoCalm) => {
            undecided("there was no calm to compare with: too few points outside bursts".into())
        }
        Some(Recovery::TooShort) => {
            undecided("too short to tell: the data end before calm had lasted".into())
        }
        Some(Recovery::NotWithin { ns }) => {
            let shown = format!("> {}", format_latency_us(ms(ns) * 1000.0));
            let reason =
                format!("not back to calm within {} of watching", format_latency_us(ms(ns) * 1000.0));
            Judgement { passed: Some(false), value: Some(ms(ns)), shown, reason }
        }
        Some(Recovery::After { ns }) => {
            let mut judgement = decided(threshold, figure, ms(ns));
            judgement.reason =
                format!("back to calm after {}, the longest of {}", judgement.shown, answers.len());
            judgement
        }
    }
}

/// What a reader must know to see why an interval is wide: samples that repeat each other count for less.
fn repeated(points: usize, independent: f64) -> String {
    if independent > 0.75 * points as f64 {
        return String::new();
    }
    format!(" ({points} samples that follow each other closely count as {:.0})", independent)
}

fn too_short(points: usize, needed: usize) -> String {
    format!("too short to tell: {points} points where it takes {needed}")
}

fn not_watched(threshold: &Threshold) -> String {
    format!("`{}` was not watched over time, which {} needs", threshold.metric, threshold.method)
}
