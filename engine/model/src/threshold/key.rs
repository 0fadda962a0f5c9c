//! Which metric a threshold is about: a name and, in braces, what it is narrowed to.

use std::fmt;

use super::Method;
use super::ThresholdError;
use super::unit::Dimension;
use crate::outcome::Outcome;
use crate::series::Measure;
use crate::suggest::did_you_mean;

/// A metric, such as `push`, `push{outcome:conflict}` or `errors{op:push}`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MetricKey {
    /// The name.
    pub name: String,
    /// Only operations with this outcome.
    pub outcome: Option<Outcome>,
    /// Only this operation (of `errors`).
    pub op: Option<String>,
    /// Only this scenario (of the iterations' metrics).
    pub scenario: Option<String>,
}

/// A metric that a run does not have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no metric `{name}` in this run; {remedy}")]
pub struct UnknownMetric {
    /// The name as it was read.
    pub name: String,
    /// The name that was probably meant, or all there are.
    pub remedy: String,
}

/// What a metric consists of, which decides what may be asked of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetricClass {
    /// Durations of things that happened.
    Latency,
    /// So many of so many.
    Share,
    /// A number of events.
    Counter,
    /// Values of a script's trend.
    Trend,
    /// A value that changes over time: gauges and probes.
    Gauge,
    /// One number known at the end, such as a ledger's.
    Number,
    /// What the load made of its faults.
    Faults,
    /// What a sweep found.
    Sweep,
}

/// The metrics every run has.
pub const BUILT_IN_METRICS: [&str; 9] = [
    "errors",
    "checks",
    "iterations",
    "failed_iterations",
    "dropped_iterations",
    "iteration_duration",
    "iteration_response",
    "schedule_lag",
    "faults",
];

/// The metric that a run with a sweep has beside those.
pub(super) const SWEEP: &str = "sweep";

const TAGS: [&str; 3] = ["outcome", "op", "scenario"];

impl MetricKey {
    /// A metric without anything in braces.
    pub fn plain(name: &str) -> Self {
        MetricKey { name: name.to_owned(), outcome: None, op: None, scenario: None }
    }

    /// Reads `name` or `name{tag:value,…}` with the tags `outcome`, `op` and `scenario`.
    pub fn parse(text: &str) -> Result<Self, ThresholdError> {
        let fail = |offset: usize, problem: String, remedy: String| ThresholdError {
            metric: text.to_owned(),
            text: text.to_owned(),
            offset,
            problem,
            remedy,
        };
        let (name, braces) = match text.find('{') {
            None => (text, None),
            Some(open) => (&text[..open], Some((open + 1, &text[open + 1..]))),
        };
        let mut key = MetricKey::plain(name.trim());
        if key.name.is_empty() {
            return Err(fail(
                0,
                "there is no metric name".into(),
                "write one, such as push or errors".into(),
            ));
        }
        let Some((start, inside)) = braces else { return Ok(key) };
        let Some(inside) = inside.trim_end().strip_suffix('}') else {
            return Err(fail(text.len(), "the brace is not closed".into(), "end it with }".into()));
        };
        let mut offset = start;
        for tag in inside.split(',') {
            key.narrow(tag).map_err(|(problem, remedy)| fail(offset, problem, remedy))?;
            offset += tag.len() + 1;
        }
        key.check_tags().map_err(|(problem, remedy)| fail(start, problem, remedy))?;
        Ok(key)
    }

    fn narrow(&mut self, tag: &str) -> Result<(), (String, String)> {
        let Some((word, value)) = tag.split_once(':') else {
            return Err((
                format!("`{}` is no tag", tag.trim()),
                "write tag:value, such as outcome:conflict".to_owned(),
            ));
        };
        let (word, value) = (word.trim(), value.trim());
        if value.is_empty() {
            return Err((format!("tag `{word}` has no value"), format!("write {word}:VALUE")));
        }
        match word {
            "outcome" => {
                self.outcome =
                    Some(value.parse().map_err(
                        |error: crate::outcome::UnknownOutcome| match error.suggestion {
                            Some(near) => {
                                (format!("there is no outcome `{value}`"), format!("did you mean {near}?"))
                            }
                            None => (
                                format!("there is no outcome `{value}`"),
                                format!("outcomes are {}", Outcome::ALL.map(Outcome::as_str).join(", ")),
                            ),
                        },
                    )?);
            }
            "op" => self.op = Some(value.to_owned()),
            "scenario" => self.scenario = Some(value.to_owned()),
            _ => {
                let remedy = did_you_mean(word, TAGS).map_or_else(
                    || format!("tags are {}", TAGS.join(", ")),
                    |near| format!("did you mean {near}?"),
                );
                return Err((format!("there is no tag `{word}`"), remedy));
            }
        }
        Ok(())
    }

    /// A tag must mean something for its metric, or a misplaced one would silently be ignored.
    fn check_tags(&self) -> Result<(), (String, String)> {
        let misplaced = |tag: &str, remedy: &str| {
            Err((format!("`{}` cannot be narrowed by {tag}", self.name), remedy.to_owned()))
        };
        let of_iterations = self.name.starts_with("iteration")
            || matches!(self.name.as_str(), "failed_iterations" | "dropped_iterations" | "schedule_lag");
        let built_in = BUILT_IN_METRICS.contains(&self.name.as_str());
        if self.op.is_some() && self.name != "errors" {
            return misplaced("op", "only errors can; for an operation use its name as the metric");
        }
        if self.scenario.is_some() && !(built_in && of_iterations) {
            return misplaced("scenario", "only the iterations' metrics, drops and schedule_lag can");
        }
        if self.outcome.is_some() && (built_in || self.name == SWEEP) {
            return misplaced("outcome", "only operations can, such as push{outcome:ok}");
        }
        Ok(())
    }

    /// Whether the metric is among those of a run (built-in ones always are).
    pub fn check_known(&self, names: &[&str]) -> Result<(), UnknownMetric> {
        let known = || BUILT_IN_METRICS.into_iter().chain(names.iter().copied());
        if known().any(|name| name == self.name) {
            return Ok(());
        }
        let remedy = did_you_mean(&self.name, known()).map_or_else(
            || format!("it has {}", known().collect::<Vec<_>>().join(", ")),
            |near| format!("did you mean `{near}`?"),
        );
        Err(UnknownMetric { name: self.name.clone(), remedy })
    }

    /// What values of this name measure.
    pub(super) fn measure(&self) -> Measure {
        Measure::of(&self.name)
    }

    /// What the metric consists of, where the name alone tells.
    pub fn class(&self) -> Option<MetricClass> {
        match self.name.as_str() {
            "errors" | "checks" | "failed_iterations" => Some(MetricClass::Share),
            "iterations" | "dropped_iterations" => Some(MetricClass::Counter),
            "iteration_duration" | "iteration_response" | "schedule_lag" => Some(MetricClass::Latency),
            "faults" => Some(MetricClass::Faults),
            SWEEP => Some(MetricClass::Sweep),
            name if name.starts_with("ledger.") => Some(MetricClass::Number),
            _ if self.outcome.is_some() => Some(MetricClass::Latency),
            _ => None,
        }
    }
}

impl MetricClass {
    /// What may be asked of it, in words.
    pub(super) fn methods(self) -> &'static str {
        match self {
            MetricClass::Latency => "avg, min, max, med, p(N), count, rate, slope, plateau or recovery",
            MetricClass::Share => "rate or count",
            MetricClass::Counter => "count or rate",
            MetricClass::Trend => "avg, min, max, med, p(N) or count",
            MetricClass::Gauge => "value, avg, min, max, med, p(N), count, slope, plateau or recovery",
            MetricClass::Number => "value or count",
            MetricClass::Faults => "recovery, outage or count",
            MetricClass::Sweep => "plateau or knee",
        }
    }

    pub(super) fn allows(self, method: Method) -> bool {
        use Method::{
            Avg, Count, Knee, Max, Med, Min, Outage, Percentile, Plateau, Rate, Recovery, Slope, Value,
        };
        if self == MetricClass::Sweep {
            return matches!(method, Plateau | Knee);
        }
        match method {
            Count => true,
            Knee => false,
            Avg | Min | Max | Med | Percentile(_) => {
                matches!(self, MetricClass::Latency | MetricClass::Trend | MetricClass::Gauge)
            }
            Rate => matches!(self, MetricClass::Latency | MetricClass::Share | MetricClass::Counter),
            Value => matches!(self, MetricClass::Gauge | MetricClass::Number),
            Slope | Plateau => matches!(self, MetricClass::Latency | MetricClass::Gauge),
            Recovery => matches!(self, MetricClass::Latency | MetricClass::Gauge | MetricClass::Faults),
            Outage => self == MetricClass::Faults,
        }
    }

    /// What a figure measures by the metric's name: of values only. Times and shares that were recorded as such
    /// have their unit whatever their name, and so have numbers of events and the time to recover.
    pub(super) fn measure(self, metric: &MetricKey, method: Method) -> Measure {
        let of_values = !matches!(self, MetricClass::Latency | MetricClass::Share);
        let of_events = matches!(method, Method::Count | Method::Rate | Method::Recovery | Method::Outage);
        if of_values && !of_events { metric.measure() } else { Measure::Plain }
    }

    /// What the unit of the value must measure.
    pub(super) fn dimension(self, method: Method) -> Dimension {
        match (method, self) {
            (Method::Recovery | Method::Outage, _) | (_, MetricClass::Latency)
                if !matches!(method, Method::Count | Method::Rate) =>
            {
                Dimension::Time
            }
            (Method::Rate, MetricClass::Share) => Dimension::Share,
            _ => Dimension::Any,
        }
    }
}

impl fmt::Display for MetricKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        let tags = [
            self.outcome.map(|outcome| ("outcome", outcome.as_str())),
            self.op.as_deref().map(|op| ("op", op)),
            self.scenario.as_deref().map(|scenario| ("scenario", scenario)),
        ];
        let mut separator = "{";
        for (tag, value) in tags.into_iter().flatten() {
            write!(f, "{separator}{tag}:{value}")?;
            separator = ",";
        }
        if separator == "," { f.write_str("}") } else { Ok(()) }
    }
}
