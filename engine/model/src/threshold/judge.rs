//! Judging a threshold: the figure, whether it holds, and a sentence about it.
//!
//! Not being able to tell is a judgement of its own (`passed: None`) and never a pass.

use std::time::Duration;

use super::figures::{Figure, Figures};
use super::unit::Dimension;
use super::{Comparison, Method, Threshold};
use crate::series::{
    Calm, Plateau, Point, Recovery, Series, Slope, Watched, median, plateau, recovery, slope, worst,
};
use crate::units::{format_bytes, format_duration, format_latency_us, format_percent, format_rate};

/// What became of a threshold.
#[derive(Debug, Clone, PartialEq)]
pub struct Judgement {
    /// Whether it holds; nothing when the data cannot tell, which is not a pass.
    pub passed: Option<bool>,
    /// The figure that was judged: ms for times, a fraction for shares, a number a second for rates, else in
    /// the metric's own unit. Nothing when there is none.
    pub value: Option<f64>,
    /// The figure as a report prints it, such as `43.2ms`; `-` when there is none.
    pub shown: String,
    /// One sentence: what was found, or why it cannot be told.
    pub reason: String,
}

/// A figure found, or why there is none.
type Found = Result<f64, String>;

/// Judges one threshold.
pub fn judge(threshold: &Threshold, figures: &dyn Figures) -> Judgement {
    let Some(figure) = figures.figure(&threshold.metric) else {
        let names = figures.names();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        // Known all the same, it can only be one that was never touched.
        let reason = threshold
            .metric
            .check_known(&names)
            .map_or_else(|error| error.to_string(), |()| nothing_recorded());
        return undecided(reason);
    };
    if let Err(error) = threshold.check(figure.class()) {
        return undecided(format!("{}; {}", error.problem, error.remedy));
    }
    let (start_ns, end_ns) = figures.window_ns();
    let span_s = end_ns.saturating_sub(start_ns) as f64 / 1e9;
    match threshold.method {
        Method::Slope => judge_slope(threshold, &figure, windowed(&figure, start_ns, end_ns)),
        Method::Plateau => judge_plateau(threshold, &figure, windowed(&figure, start_ns, end_ns)),
        Method::Recovery => judge_recovery(threshold, &figure, figures.disturbances_ns()),
        method => {
            let samples = windowed(&figure, start_ns, end_ns).unwrap_or_default();
            match plain(&figure, method, span_s, samples) {
                Ok(value) => decided(threshold, &figure, value),
                Err(why) => undecided(why),
            }
        }
    }
}

fn plain(figure: &Figure<'_>, method: Method, span_s: f64, samples: &[Point]) -> Found {
    match figure {
        Figure::Latency { times, .. } => {
            let ms = |us: f64| if times.is_empty() { Err(nothing_recorded()) } else { Ok(us / 1000.0) };
            match method {
                Method::Avg => ms(times.mean_us()),
                Method::Min => ms(times.min_us() as f64),
                Method::Max => ms(times.max_us() as f64),
                Method::Med => ms(times.percentile_us(50.0) as f64),
                Method::Percentile(percentile) => ms(times.percentile_us(percentile) as f64),
                Method::Rate => per_second(times.count() as f64, span_s),
                _ => Ok(times.count() as f64),
            }
        }
        Figure::Share { hits, of } => match method {
            Method::Rate if *of == 0 => Err(nothing_recorded()),
            Method::Rate => Ok(*hits as f64 / *of as f64),
            _ => Ok(*hits as f64),
        },
        Figure::Counter(sum) if method == Method::Rate => per_second(*sum, span_s),
        Figure::Counter(sum) => Ok(*sum),
        Figure::Trend(values) => match method {
            Method::Count => Ok(values.count() as f64),
            _ if values.count() == 0 => Err(nothing_recorded()),
            Method::Avg => Ok(values.mean()),
            Method::Min => Ok(values.min()),
            Method::Max => Ok(values.max()),
            Method::Percentile(percentile) => Ok(values.percentile(percentile)),
            _ => Ok(values.percentile(50.0)),
        },
        Figure::Gauge { last, min, max, count } => match method {
            Method::Count => Ok(*count as f64),
            Method::Value => Ok(*last),
            Method::Min => Ok(*min),
            Method::Max => Ok(*max),
            _ => Err(format!(
                "of a gauge only value, min, max and count are kept; {method} needs a trend or a probe"
            )),
        },
        Figure::Samples(_) => of_samples(method, samples),
        Figure::Number(number) => Ok(*number),
    }
}

fn of_samples(method: Method, samples: &[Point]) -> Found {
    let values = || samples.iter().map(|point| point.value);
    let found = match method {
        Method::Count => Some(samples.len() as f64),
        Method::Value => samples.last().map(|point| point.value),
        Method::Min => values().reduce(f64::min),
        Method::Max => values().reduce(f64::max),
        Method::Avg => (!samples.is_empty()).then(|| values().sum::<f64>() / samples.len() as f64),
        Method::Percentile(percentile) => {
            let mut sorted: Vec<f64> = values().collect();
            sorted.sort_by(f64::total_cmp);
            let rank = (percentile / 100.0 * sorted.len() as f64).ceil() as usize;
            sorted.get(rank.clamp(1, sorted.len().max(1)) - 1).copied()
        }
        _ => median(values()),
    };
    found.ok_or_else(nothing_recorded)
}

fn per_second(count: f64, span_s: f64) -> Found {
    if span_s > 0.0 { Ok(count / span_s) } else { Err("the measured window has no length yet".into()) }
}

/// The points of a figure inside the measured window; nothing when it is not known over time.
fn windowed<'a>(figure: &'a Figure<'_>, start_ns: u64, end_ns: u64) -> Option<&'a [Point]> {
    series(figure).map(|series| series.window(start_ns, end_ns.saturating_add(1)))
}

fn series<'a>(figure: &'a Figure<'_>) -> Option<&'a Series> {
    match figure {
        Figure::Latency { series, .. } => *series,
        Figure::Samples(series) => Some(series),
        _ => None,
    }
}

/// A slope passes or fails when its whole 95 % interval does; when the limit lies inside it, the data do not
/// tell. Equality is judged by the estimate.
fn judge_slope(threshold: &Threshold, figure: &Figure<'_>, points: Option<&[Point]>) -> Judgement {
    let Some(points) = points else { return undecided(not_watched(threshold)) };
    let estimate = match slope(points) {
        Slope::TooShort { points, needed } => return undecided(too_short(points, needed)),
        Slope::Known(estimate) => estimate,
    };
    let (op, limit) = (threshold.op, threshold.limit());
    let interval = [estimate.low, estimate.high].map(|end| op.holds(end, limit));
    let show = |value: f64| show(threshold, figure, value);
    let found = format!(
        "{} a minute, 95 % interval {} to {}",
        show(estimate.per_minute),
        show(estimate.low),
        show(estimate.high)
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

fn judge_plateau(threshold: &Threshold, figure: &Figure<'_>, points: Option<&[Point]>) -> Judgement {
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
        Plateau::Settled { level, since_ns } => {
            let mut judgement = decided(threshold, figure, level);
            let since = format_duration(Duration::from_nanos(since_ns));
            judgement.reason = format!("settled at {} from {since} on", judgement.shown);
            judgement
        }
    }
}

fn judge_recovery(threshold: &Threshold, figure: &Figure<'_>, disturbances: &[(u64, u64)]) -> Judgement {
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

fn decided(threshold: &Threshold, figure: &Figure<'_>, value: f64) -> Judgement {
    let shown = show(threshold, figure, value);
    let reason = format!("{} is {shown}", threshold.method);
    Judgement {
        passed: Some(threshold.op.holds(value, threshold.limit())),
        value: Some(value),
        shown,
        reason,
    }
}

fn undecided(reason: String) -> Judgement {
    Judgement { passed: None, value: None, shown: "-".to_owned(), reason }
}

/// A figure as a report prints it, in the unit of the threshold where the metric itself has none.
fn show(threshold: &Threshold, figure: &Figure<'_>, value: f64) -> String {
    let counted = matches!(threshold.method, Method::Count);
    let is_rate = threshold.method == Method::Rate;
    match (figure, threshold.unit.dimension()) {
        _ if counted => plain_number(value),
        (Figure::Share { .. }, _) => format_percent(value),
        _ if is_rate => format_rate(value),
        (Figure::Latency { .. }, _) | (_, Dimension::Time) => signed_latency(value),
        (_, Dimension::Share) => format_percent(value),
        (_, Dimension::Size) => format_bytes(value),
        _ => plain_number(value),
    }
}

fn signed_latency(ms: f64) -> String {
    let size = format_latency_us(ms.abs() * 1000.0);
    if ms < 0.0 { format!("-{size}") } else { size }
}

/// Four significant digits at least, whole numbers whole.
fn plain_number(value: f64) -> String {
    if value.fract() == 0.0 || value.abs() >= 1000.0 {
        format!("{value:.0}")
    } else {
        let decimals = (3 - value.abs().log10().floor() as i32).clamp(0, 12) as usize;
        let text = format!("{value:.decimals$}");
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    }
}

fn nothing_recorded() -> String {
    "nothing was recorded, and no data is not a pass".to_owned()
}

fn too_short(points: usize, needed: usize) -> String {
    format!("too short to tell: {points} points where it takes {needed}")
}

fn not_watched(threshold: &Threshold) -> String {
    format!("`{}` was not watched over time, which {} needs", threshold.metric, threshold.method)
}
