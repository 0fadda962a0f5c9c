//! Reads the settings map of a binding call (`#{ key: "run_id", ledger: true }`) and collects everything that is
//! wrong with it before it complains.

use std::borrow::Cow;

use model::suggest::did_you_mean;
use rhai::{Dynamic, Map};

use crate::{context::failure, engine::EvalError};

/// Longer ones are slips, and sums of times must not overflow.
const SECONDS_AT_MOST: f64 = 10.0 * 366.0 * 86_400.0;

/// A settings map while it is read.
pub(crate) struct Settings<'a> {
    of: Cow<'static, str>,
    map: &'a Map,
    problems: Vec<Problem>,
}

/// One thing that is wrong with a settings map.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    /// The key it is about; empty when it is about none.
    pub(crate) key: String,
    /// What is wrong: a predicate whose subject is the owner of the settings.
    pub(crate) text: String,
}

impl<'a> Settings<'a> {
    /// Settings of the binding `of`; a key that is not among `known` is a problem.
    pub(crate) fn new(of: impl Into<Cow<'static, str>>, map: &'a Map, known: &[&'static str]) -> Self {
        let unknown = map.keys().filter(|key| !known.contains(&key.as_str()));
        let problems = unknown
            .map(|key| {
                let text = match did_you_mean(key, known.iter().copied()) {
                    Some(near) => format!("has no setting `{key}` (did you mean `{near}`?)"),
                    None => format!("has no setting `{key}` (it has {})", known.join(", ")),
                };
                Problem { key: key.to_string(), text }
            })
            .collect();
        Self { of: of.into(), map, problems }
    }

    fn get<T>(&mut self, key: &str, kind: &str, read: impl FnOnce(&Dynamic) -> Option<T>) -> Option<T> {
        let value = self.map.get(key)?;
        let read = read(value);
        if read.is_none() {
            self.problem(key, format!("takes {kind} for `{key}`, not {} `{value}`", value.type_name()));
        }
        read
    }

    /// What is made of a string, which is not copied.
    pub(crate) fn of_text<T>(&mut self, key: &str, make: impl FnOnce(&str) -> T) -> Option<T> {
        self.get(key, "a string", |v| v.as_immutable_string_ref().ok().map(|text| make(&text)))
    }

    /// A size in bytes: `"8MiB"`, or a whole number.
    pub(crate) fn bytes(&mut self, key: &str) -> Option<u64> {
        self.get(key, "a size such as \"8MiB\"", |v| match v.as_immutable_string_ref() {
            Ok(text) => model::units::parse_bytes(&text).ok(),
            Err(_) => v.as_int().ok().and_then(|bytes| u64::try_from(bytes).ok()),
        })
    }

    /// A string.
    pub(crate) fn text(&mut self, key: &str) -> Option<String> {
        self.get(key, "a string", |v| v.as_immutable_string_ref().ok().map(|s| s.to_string()))
    }

    /// A truth value.
    pub(crate) fn flag(&mut self, key: &str) -> Option<bool> {
        self.get(key, "true or false", |v| v.as_bool().ok())
    }

    /// A whole number of 0 or more.
    pub(crate) fn count(&mut self, key: &str) -> Option<u64> {
        self.get(key, "a whole number of 0 or more", |v| v.as_int().ok().and_then(|n| u64::try_from(n).ok()))
    }

    /// A number, whole or not.
    pub(crate) fn number(&mut self, key: &str) -> Option<f64> {
        self.get(key, "a number", as_number)
    }

    /// A length of time in seconds: `"1m30s"`, or a number of seconds.
    pub(crate) fn seconds(&mut self, key: &str) -> Option<f64> {
        self.get(key, "a length of time such as \"30s\"", |v| {
            let seconds = match v.as_immutable_string_ref() {
                Ok(text) => model::units::parse_duration(&text).ok().map(|d| d.as_secs_f64()),
                Err(_) => as_number(v),
            };
            seconds.filter(|seconds| (0.0..=SECONDS_AT_MOST).contains(seconds))
        })
    }

    /// A map.
    pub(crate) fn map(&mut self, key: &str) -> Option<Map> {
        self.get(key, "a map", |v| v.as_map_ref().ok().map(|map| map.clone()))
    }

    /// A value that must be there; its absence is a problem.
    pub(crate) fn required<T: Default>(
        &mut self,
        key: &str,
        read: impl FnOnce(&mut Self, &str) -> Option<T>,
    ) -> T {
        if !self.map.contains_key(key) {
            self.problem("", format!("needs `{key}`"));
            return T::default();
        }
        read(self, key).unwrap_or_default()
    }

    /// The raw value of a key.
    pub(crate) fn raw(&self, key: &str) -> Option<&'a Dynamic> {
        self.map.get(key)
    }

    /// Adds a problem that the caller found.
    pub(crate) fn problem(&mut self, key: &str, text: String) {
        self.problems.push(Problem { key: key.to_owned(), text });
    }

    /// Hands the problems to a caller that has a better place for them than an exception.
    pub(crate) fn into_problems(self) -> (Cow<'static, str>, Vec<Problem>) {
        (self.of, self.problems)
    }

    /// One of the given words.
    pub(crate) fn word(&mut self, key: &str, words: &[&'static str]) -> Option<&'static str> {
        let text = self.text(key)?;
        let found = words.iter().find(|word| **word == text).copied();
        if found.is_none() {
            let near = did_you_mean(&text, words.iter().copied());
            let near = near.map_or(String::new(), |n| format!("did you mean `{n}`? "));
            self.problem(
                key,
                format!("does not know `{text}` for `{key}` ({near}it is one of {})", words.join(", ")),
            );
        }
        found
    }

    /// A string, or an array of strings.
    pub(crate) fn words_or_one(&mut self, key: &str) -> Option<Vec<String>> {
        self.get(key, "a string or an array of strings", |value| {
            if let Ok(one) = value.as_immutable_string_ref() {
                return Some(vec![one.to_string()]);
            }
            let many = value.as_array_ref().ok()?;
            many.iter().map(|v| v.as_immutable_string_ref().ok().map(|s| s.to_string())).collect()
        })
    }

    /// Complains about everything at once.
    ///
    /// # Errors
    /// When anything was wrong.
    pub(crate) fn done(self) -> Result<(), EvalError> {
        if self.problems.is_empty() {
            return Ok(());
        }
        let texts: Vec<&str> = self.problems.iter().map(|p| p.text.as_str()).collect();
        Err(failure(&format!("{} {}", self.of, texts.join("; it "))))
    }
}

#[allow(clippy::cast_precision_loss, reason = "settings are far below 2^53")]
pub(crate) fn as_number(value: &Dynamic) -> Option<f64> {
    value.as_int().map(|n| n as f64).or_else(|_| value.as_float()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_problems_are_told_at_once() {
        let map = Map::from([
            ("keyy".into(), "id".into()),
            ("ledger".into(), 1.into()),
            ("expect".into(), "reject".into()),
        ]);
        let mut settings = Settings::new("pg::table", &map, &["key", "ledger", "expect"]);
        settings.flag("ledger");
        settings.word("expect", &["normal", "rejected"]);
        let told = crate::diagnostic::message_of(&settings.done().unwrap_err());
        assert_eq!(
            told,
            "pg::table has no setting `keyy` (did you mean `key`?); it takes true or false for `ledger`, not i64 `1`; \
             it does not know `reject` for `expect` (did you mean `rejected`? it is one of normal, rejected)"
        );
    }
}
