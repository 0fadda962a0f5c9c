//! Turns typed words into values and collects the complaints.

use std::{fmt::Display, str::FromStr, time::Duration};

use model::units;
use script::Diagnostic;

/// The problems with what was typed.
#[derive(Debug, Default)]
pub(crate) struct Words {
    problems: Vec<Diagnostic>,
}

impl Words {
    /// A complaint about a flag.
    pub(crate) fn complain(&mut self, flag: &str, problem: impl Display, help: &str) {
        self.problems.push(Diagnostic::usage(format!("{flag}: {problem}")).help(help));
    }

    /// What a reader makes of a word, or nothing and a complaint.
    pub(crate) fn read<T, E: Display>(
        &mut self,
        flag: &str,
        word: Option<&String>,
        read: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        match read(word?) {
            Ok(value) => Some(value),
            Err(error) => {
                self.problems.push(Diagnostic::usage(format!("{flag}: {error}")));
                None
            }
        }
    }

    /// A duration such as `30s`.
    pub(crate) fn duration(&mut self, flag: &str, word: Option<&String>) -> Option<Duration> {
        self.read(flag, word, units::parse_duration)
    }

    /// A number that fits `T`.
    pub(crate) fn number<T: FromStr>(
        &mut self,
        flag: &str,
        word: Option<&String>,
        example: &str,
    ) -> Option<T> {
        let typed = word?.replace('_', "");
        let number = typed.parse().ok();
        if number.is_none() {
            let word = word.map_or("", String::as_str);
            self.complain(
                flag,
                format!("`{word}` is not a number that fits"),
                &format!("for example {flag} {example}"),
            );
        }
        number
    }

    /// `name=value` pairs.
    pub(crate) fn pairs(&mut self, flag: &str, typed: &[String], example: &str) -> Vec<(String, String)> {
        let mut pairs = Vec::new();
        for word in typed {
            match word.split_once('=') {
                Some((name, value)) if !name.trim().is_empty() => {
                    pairs.push((name.trim().to_owned(), value.to_owned()));
                }
                _ => self.complain(
                    flag,
                    format!("`{word}` is not NAME=VALUE"),
                    &format!("for example {flag} {example}"),
                ),
            }
        }
        pairs
    }

    /// Everything that was wrong.
    pub(crate) fn done(self) -> Result<(), Vec<Diagnostic>> {
        if self.problems.is_empty() { Ok(()) } else { Err(self.problems) }
    }
}
