//! Judging a threshold: the figure, whether it holds, and a sentence about it.
//!
//! Not being able to tell is a judgement of its own (`passed: None`) and never a pass.

use super::figures::{Figure, Figures};
use super::of_faults::judge_faults;
use super::of_sweep::judge_sweep;
use super::over_time::{judge_plateau, judge_recovery, judge_slope};
use super::unit::Dimension;
use super::{Method, Threshold};
use crate::series::{Measure, Point, Series, median};
use crate::units::{format_percent, format_rate};

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
    if let Figure::Sweep(found) = &figure {
        return judge_sweep(threshold, &figure, found);
    }
    let (start_ns, end_ns) = figures.window_ns();
    let span_s = end_ns.saturating_sub(start_ns) as f64 / 1e9;
    match threshold.method {
        Method::Slope => judge_slope(threshold, &figure, windowed(&figure, start_ns, end_ns)),
        Method::Plateau => judge_plateau(threshold, &figure, windowed(&figure, start_ns, end_ns)),
        Method::Recovery | Method::Outage => match figure {
            Figure::Faults(faults) => judge_faults(threshold, &figure, faults),
            _ => judge_recovery(threshold, &figure, figures.disturbances_ns()),
        },
        method => {
            let samples = windowed(&figure, start_ns, end_ns).unwrap_or_default();
            match found(&figure, method, span_s, samples) {
                Ok(value) => decided(threshold, &figure, value),
                Err(why) => undecided(why),
            }
        }
    }
}

fn found(figure: &Figure<'_>, method: Method, span_s: f64, samples: &[Point]) -> Found {
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
        // A probe may look once more when all is over, and that is the latest then.
        Figure::Samples(series) if method == Method::Value => series.last().ok_or_else(nothing_recorded),
        Figure::Samples(_) => of_samples(method, samples),
        Figure::Number(number) => Ok(*number),
        Figure::Faults(faults) => Ok(faults.len() as f64),
        Figure::Sweep(_) => Err("a sweep has a plateau and a knee".to_owned()),
    }
}

fn of_samples(method: Method, samples: &[Point]) -> Found {
    let values = || samples.iter().map(|point| point.value);
    let found = match method {
        Method::Count => Some(samples.len() as f64),
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

pub(super) fn series<'a>(figure: &'a Figure<'_>) -> Option<&'a Series> {
    match figure {
        Figure::Latency { series, .. } => *series,
        Figure::Samples(series) => Some(series),
        _ => None,
    }
}

/// The judgement of a figure by the threshold's bound; without one, that there is such a figure is enough.
pub(super) fn decided(threshold: &Threshold, figure: &Figure<'_>, value: f64) -> Judgement {
    let shown = show(threshold, figure, value);
    let reason = format!("{} is {shown}", threshold.method);
    let measure = figure.class().measure(&threshold.metric, threshold.method);
    let holds = threshold.bound.is_none_or(|bound| bound.op.holds(value, bound.limit_in(measure)));
    Judgement { passed: Some(holds), value: Some(value), shown, reason }
}

pub(super) fn undecided(reason: String) -> Judgement {
    Judgement { passed: None, value: None, shown: "-".to_owned(), reason }
}

/// A figure as a report prints it: in the unit of what was recorded, else in that which the metric's name ends
/// in, else in the threshold's.
pub(super) fn show(threshold: &Threshold, figure: &Figure<'_>, value: f64) -> String {
    let class = figure.class();
    let unit = threshold.bound.map_or(Dimension::Any, |bound| bound.unit.dimension());
    let by_name = class.measure(&threshold.metric, threshold.method);
    let measure = match (figure, unit) {
        _ if threshold.method == Method::Count => Measure::Plain,
        (Figure::Share { .. }, _) => return format_percent(value),
        (Figure::Sweep(_), _) if threshold.method == Method::Plateau => return format_rate(value),
        _ if threshold.method == Method::Rate => return format_rate(value),
        (Figure::Latency { .. }, _) => Measure::Millis,
        _ if by_name != Measure::Plain => by_name,
        (_, Dimension::Time) => Measure::Millis,
        (_, Dimension::Share) => Measure::Share,
        (_, Dimension::Size) => Measure::Bytes,
        (_, Dimension::Any) => Measure::Plain,
    };
    measure.show(value)
}

fn nothing_recorded() -> String {
    "nothing was recorded, and no data is not a pass".to_owned()
}
