//! What was probably meant by a word of a threshold that is none.

use super::parse::Wrong;
use crate::suggest::did_you_mean;

const METHODS: [&str; 13] = [
    "avg", "min", "max", "med", "p(N)", "count", "rate", "value", "slope", "plateau", "recovery", "outage",
    "knee",
];

/// What is wrong with a word where a method should stand.
pub(super) fn unknown_method(offset: usize, word: &str) -> Wrong {
    if word.is_empty() {
        return (offset, "a method is missing here".into(), format!("methods are {}", METHODS.join(", ")));
    }
    // p95, P99, p99.9: the usual slip.
    let digits = word.trim_start_matches(['p', 'P']);
    let remedy = if digits.len() < word.len() && digits.parse::<f64>().is_ok() {
        format!("did you mean p({digits})?")
    } else {
        let known = match word.to_ascii_lowercase().as_str() {
            "mean" | "average" => Some("avg"),
            "median" => Some("med"),
            "last" | "current" => Some("value"),
            "total" | "sum" => Some("count"),
            "downtime" => Some("outage"),
            lower => did_you_mean(lower, METHODS),
        };
        known.map_or_else(
            || format!("methods are {}", METHODS.join(", ")),
            |near| format!("did you mean {near}?"),
        )
    };
    (offset, format!("there is no method `{word}`"), remedy)
}

/// Units people write out.
pub(super) fn spelled_out(word: &str) -> Option<&'static str> {
    match word.to_ascii_lowercase().as_str() {
        "sec" | "secs" | "second" | "seconds" => Some("s"),
        "millis" | "milliseconds" | "msec" => Some("ms"),
        "micros" | "microseconds" | "usec" => Some("us"),
        "mins" | "minute" | "minutes" => Some("min"),
        "percent" | "pct" => Some("%"),
        _ => None,
    }
}
