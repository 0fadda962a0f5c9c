//! What is wrong with the settings of a server, all of it at once; and what every server's settings have in common.

use std::fmt;
use std::time::Duration;

use model::units::parse_duration;

const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);
const LONGEST_TIMEOUT: Duration = Duration::from_secs(3600);

/// Everything that is wrong with a server's settings.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.lines())]
pub struct SettingsError {
    /// One for each thing to put right, in the order of the settings.
    pub problems: Vec<SettingProblem>,
}

/// One thing that is wrong with a server's settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingProblem {
    /// The setting.
    pub setting: &'static str,
    /// What is wrong with it.
    pub problem: String,
    /// What to do.
    pub remedy: String,
}

impl fmt::Display for SettingProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}; {}", self.setting, self.problem, self.remedy)
    }
}

impl SettingsError {
    fn lines(&self) -> String {
        self.problems.iter().map(SettingProblem::to_string).collect::<Vec<_>>().join("\n")
    }
}

/// What was found wrong so far.
#[derive(Debug, Default)]
pub(crate) struct Problems(Vec<SettingProblem>);

impl Problems {
    pub(crate) fn add(
        &mut self,
        setting: &'static str,
        problem: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        self.0.push(SettingProblem { setting, problem: problem.into(), remedy: remedy.into() });
    }

    /// What was made of the settings, when nothing is wrong with them.
    pub(crate) fn none_or<T>(self, made: T) -> Result<T, SettingsError> {
        if self.0.is_empty() { Ok(made) } else { Err(SettingsError { problems: self.0 }) }
    }

    /// The setting `timeout`: how long an operation may take.
    pub(crate) fn timeout(&mut self, timeout: Option<&str>) -> Duration {
        let Some(text) = timeout else { return DEFAULT_TIMEOUT };
        match parse_duration(text) {
            Ok(timeout) if timeout.is_zero() || timeout > LONGEST_TIMEOUT => {
                self.add("timeout", format!("`{text}` is out of range"), "give a time from 1ms to 1h");
            }
            Ok(timeout) => return timeout,
            Err(error) => self.add("timeout", error.to_string(), "give a time such as `30s`"),
        }
        DEFAULT_TIMEOUT
    }
}
