//! What one look of a probe brings home.

use std::collections::HashSet;

/// One value of one series.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// `run_head.hot_ratio`, `postgres.wal_bytes_per_s`, `host.cpu_percent`: whose it is, then what it is with
    /// its unit.
    pub series: String,
    /// Always finite.
    pub value: f64,
}

/// What one look saw.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Harvest {
    /// The values that could be read. A series that is not there had nothing to say: a ratio of nothing, a rate
    /// before the second look.
    pub samples: Vec<Sample>,
    /// What happened since the last look, one sentence each: `autovacuum of run_head (the 3rd)`.
    pub marks: Vec<String>,
    /// What cannot be read, why, and what to do about it. Each is told once in the probe's life.
    pub lacks: Vec<String>,
    /// Why this look failed, as a whole or in part. The next one tries again.
    pub failure: Option<String>,
}

impl Harvest {
    /// Adds a value, unless it is none (NaN of a division by zero, say).
    pub(super) fn add(&mut self, series: impl Into<String>, value: f64) {
        if value.is_finite() {
            self.samples.push(Sample { series: series.into(), value });
        }
    }

    /// Adds a value that may be missing.
    pub(super) fn add_some(&mut self, series: impl Into<String>, value: Option<f64>) {
        if let Some(value) = value {
            self.add(series, value);
        }
    }

    pub(super) fn mark(&mut self, sentence: impl Into<String>) {
        self.marks.push(sentence.into());
    }

    pub(super) fn lack(&mut self, sentence: impl Into<String>) {
        self.lacks.push(sentence.into());
    }

    /// Notes a failure beside those that are noted already.
    pub(super) fn fail(&mut self, reason: impl std::fmt::Display) {
        match &mut self.failure {
            Some(failure) => {
                failure.push_str("; ");
                failure.push_str(&reason.to_string());
            }
            None => self.failure = Some(reason.to_string()),
        }
    }
}

/// The lacks that were told already.
#[derive(Debug, Default)]
pub(super) struct Told(HashSet<String>);

impl Told {
    /// Leaves only what is new.
    pub(super) fn once(&mut self, lacks: &mut Vec<String>) {
        lacks.retain(|lack| self.0.insert(lack.clone()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lack_is_told_once() {
        let mut told = Told::default();
        let mut lacks = vec!["a".to_owned(), "a".to_owned(), "b".to_owned()];
        told.once(&mut lacks);
        assert_eq!(lacks, ["a", "b"]);
        told.once(&mut lacks);
        assert!(lacks.is_empty());
    }

    #[test]
    fn a_value_that_is_none_is_not_a_sample() {
        let mut harvest = Harvest::default();
        harvest.add("a", f64::NAN);
        harvest.add("b", f64::INFINITY);
        harvest.add_some("c", None);
        harvest.add("d", 1.0);
        assert_eq!(harvest.samples, [Sample { series: "d".to_owned(), value: 1.0 }]);
    }
}
