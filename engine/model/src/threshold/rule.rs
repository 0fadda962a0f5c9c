//! A threshold with what to do when it fails: k6's object form.

use std::str::FromStr;
use std::time::Duration;

use super::{Threshold, ThresholdError};
use crate::suggest::did_you_mean;
use crate::units::parse_duration;

/// A threshold and whether it ends the run early.
#[derive(Debug, Clone, PartialEq)]
pub struct ThresholdRule {
    /// The condition.
    pub threshold: Threshold,
    /// Whether the run is aborted as soon as it fails.
    pub abort_on_fail: bool,
    /// How long after the start of the measured window it is first judged for that.
    pub delay_abort: Duration,
}

/// The keys of the object form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RuleOption {
    /// `threshold`: the condition.
    Threshold,
    /// `abort_on_fail`, k6's `abortOnFail`: true or false.
    AbortOnFail,
    /// `delay_abort`, k6's `delayAbortEval`: a duration such as `10s`.
    DelayAbort,
}

/// A key the object form does not have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "a threshold has no option `{read}`{}; its options are threshold, abort_on_fail and delay_abort",
    hint(.suggestion)
)]
pub struct UnknownRuleOption {
    /// The key as it was read.
    pub read: String,
    /// What was probably meant.
    pub suggestion: Option<&'static str>,
}

const KEYS: [(&str, RuleOption); 5] = [
    ("threshold", RuleOption::Threshold),
    ("abort_on_fail", RuleOption::AbortOnFail),
    ("delay_abort", RuleOption::DelayAbort),
    ("abortOnFail", RuleOption::AbortOnFail),
    ("delayAbortEval", RuleOption::DelayAbort),
];

fn hint(suggestion: &Option<&'static str>) -> String {
    suggestion.map(|near| format!(" (did you mean `{near}`?)")).unwrap_or_default()
}

impl FromStr for RuleOption {
    type Err = UnknownRuleOption;

    fn from_str(key: &str) -> Result<Self, Self::Err> {
        KEYS.iter().find(|(name, _)| *name == key).map(|(_, option)| *option).ok_or_else(|| {
            UnknownRuleOption {
                read: key.to_owned(),
                suggestion: did_you_mean(key, KEYS.map(|(name, _)| name)),
            }
        })
    }
}

impl ThresholdRule {
    /// The short form: a condition that is judged at the end.
    pub fn parse(metric: &str, text: &str) -> Result<Self, ThresholdError> {
        let threshold = Threshold::parse(metric, text)?;
        Ok(ThresholdRule { threshold, abort_on_fail: false, delay_abort: Duration::ZERO })
    }

    /// The object form. `delay_abort` is a duration such as `10s`.
    pub fn parse_object(
        metric: &str,
        text: &str,
        abort_on_fail: bool,
        delay_abort: Option<&str>,
    ) -> Result<Self, ThresholdError> {
        let threshold = Threshold::parse(metric, text)?;
        let delay_abort = delay_abort.map_or(Ok(Duration::ZERO), |delay| {
            parse_duration(delay).map_err(|error| ThresholdError {
                metric: metric.to_owned(),
                text: delay.to_owned(),
                offset: 0,
                problem: format!("delay_abort cannot be read: {}", error.problem),
                remedy: format!("write {}", error.allowed),
            })
        })?;
        Ok(ThresholdRule { threshold, abort_on_fail, delay_abort })
    }
}
