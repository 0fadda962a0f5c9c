//! What a rule is, and what can become of it.

use std::{fmt, pin::Pin, time::Duration};

use super::ground::{Flaw, Ground};

/// A rule that a store keeps or does not.
#[derive(Clone, Copy)]
pub struct Rule {
    /// Its name, such as `list-order`.
    pub name: &'static str,
    /// What S3's documentation says, in one sentence of ours.
    pub says: &'static str,
    /// The page of the documentation that says it.
    pub source: &'static str,
    /// Whether a store without it is one.
    pub need: Need,
    pub(super) attempt: Attempt,
}

/// Tries a rule; a short word on what was seen when it holds.
pub(super) type Attempt = for<'a> fn(&'a Ground) -> Pin<Box<dyn Future<Output = Result<String, Flaw>> + 'a>>;

impl fmt::Debug for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rule").field("name", &self.name).field("need", &self.need).finish_non_exhaustive()
    }
}

/// Whether a store without it is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// Scenarios rely on it.
    Required,
    /// Some scenarios use it: conditional puts, uploads in parts.
    Optional,
}

impl Need {
    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Need::Required => "required",
            Need::Optional => "optional",
        }
    }
}

/// What became of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It holds.
    Passed {
        /// What was seen, in a few words.
        seen: String,
    },
    /// It does not.
    Failed {
        /// What should have come.
        expected: String,
        /// What came.
        came: String,
    },
    /// The store says that it does not know this.
    NotSupported {
        /// Its words.
        said: String,
    },
}

impl Verdict {
    /// The word for it.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Verdict::Passed { .. } => "passed",
            Verdict::Failed { .. } => "failed",
            Verdict::NotSupported { .. } => "not supported",
        }
    }

    /// Whether the rule holds.
    #[must_use]
    pub fn is_passed(&self) -> bool {
        matches!(self, Verdict::Passed { .. })
    }
}

/// A rule that was tried.
#[derive(Clone, Debug)]
pub struct Finding {
    /// Which.
    pub rule: Rule,
    /// What became of it.
    pub verdict: Verdict,
    /// How long that took, all its requests together.
    pub took: Duration,
}
