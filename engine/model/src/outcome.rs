//! How an operation ended, and whether that counts as an error.
//!
//! Conflict and empty are findings, not failures: a compare-and-swap that lost its race and a pop from an
//! empty queue did what they should. Deliberately does not know which reply of which server becomes which
//! outcome; that is the drivers' business.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::suggest::did_you_mean;

/// The end of one operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Outcome {
    /// The server did what was asked.
    Ok,
    /// Somebody else was first (lost compare-and-swap, unique violation, serialization failure).
    Conflict,
    /// There was nothing to take or to read.
    Empty,
    /// The server refused the request as invalid.
    Rejected,
    /// The server asked to slow down (503, too many connections).
    Throttled,
    /// No answer in time, and the server was told to give up.
    Timeout,
    /// Sent, and then the connection was lost: nobody knows whether it was applied.
    Ambiguous,
    /// Anything else that went wrong; the class says what.
    Error,
}

/// What the caller of an operation says should happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Expect {
    /// Success is success.
    #[default]
    Normal,
    /// The request is bad on purpose: being rejected is success, being accepted is the error.
    Rejected,
}

/// A word that names no outcome.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no outcome `{read}`{}; outcomes are {}", hint(.suggestion), names())]
pub struct UnknownOutcome {
    /// The word as it was read.
    pub read: String,
    /// The nearest real outcome, if one is near.
    pub suggestion: Option<&'static str>,
}

impl Outcome {
    /// How many outcomes there are.
    pub const COUNT: usize = 8;

    /// Every outcome, in the order in which reports list them; `ALL[o as usize] == o`.
    pub const ALL: [Outcome; Outcome::COUNT] = [
        Outcome::Ok,
        Outcome::Conflict,
        Outcome::Empty,
        Outcome::Rejected,
        Outcome::Throttled,
        Outcome::Timeout,
        Outcome::Ambiguous,
        Outcome::Error,
    ];

    /// The name as scripts, files and reports write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Outcome::Ok => "ok",
            Outcome::Conflict => "conflict",
            Outcome::Empty => "empty",
            Outcome::Rejected => "rejected",
            Outcome::Throttled => "throttled",
            Outcome::Timeout => "timeout",
            Outcome::Ambiguous => "ambiguous",
            Outcome::Error => "error",
        }
    }

    /// Whether this end belongs in the `errors` metric. Conflict and empty never do; an operation that was
    /// expected to be rejected is an error when it is accepted.
    pub const fn counts_as_error(self, expected: Expect) -> bool {
        match self {
            Outcome::Conflict | Outcome::Empty => false,
            Outcome::Timeout | Outcome::Ambiguous | Outcome::Throttled | Outcome::Error => true,
            Outcome::Ok => matches!(expected, Expect::Rejected),
            Outcome::Rejected => matches!(expected, Expect::Normal),
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Outcome {
    type Err = UnknownOutcome;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        Outcome::ALL.into_iter().find(|outcome| outcome.as_str() == word).ok_or_else(|| UnknownOutcome {
            read: word.to_owned(),
            suggestion: did_you_mean(word, Outcome::ALL.map(Outcome::as_str)),
        })
    }
}

fn hint(suggestion: &Option<&'static str>) -> String {
    suggestion.map(|word| format!(" (did you mean `{word}`?)")).unwrap_or_default()
}

fn names() -> String {
    Outcome::ALL.map(Outcome::as_str).join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_is_indexed_by_the_outcome_itself() {
        for (index, outcome) in Outcome::ALL.into_iter().enumerate() {
            assert_eq!(outcome as usize, index);
            assert_eq!(outcome.as_str().parse(), Ok(outcome));
        }
    }

    #[test]
    fn conflict_and_empty_are_never_errors() {
        for expected in [Expect::Normal, Expect::Rejected] {
            assert!(!Outcome::Conflict.counts_as_error(expected));
            assert!(!Outcome::Empty.counts_as_error(expected));
            assert!(Outcome::Timeout.counts_as_error(expected));
            assert!(Outcome::Throttled.counts_as_error(expected));
            assert!(Outcome::Ambiguous.counts_as_error(expected));
            assert!(Outcome::Error.counts_as_error(expected));
        }
    }

    #[test]
    fn who_expects_a_rejection_counts_acceptance_as_the_error() {
        assert!(!Outcome::Ok.counts_as_error(Expect::Normal));
        assert!(Outcome::Rejected.counts_as_error(Expect::Normal));
        assert!(Outcome::Ok.counts_as_error(Expect::Rejected));
        assert!(!Outcome::Rejected.counts_as_error(Expect::Rejected));
    }

    #[test]
    fn a_misspelt_outcome_is_told_what_it_may_have_meant() {
        let error = "conflct".parse::<Outcome>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "there is no outcome `conflct` (did you mean `conflict`?); outcomes are ok, conflict, empty, \
             rejected, throttled, timeout, ambiguous, error"
        );
    }
}
