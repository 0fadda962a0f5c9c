//! Where a value came from. Precedence: flag, environment, `targets.yaml`, script, default.

use std::fmt;

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A flag, such as `--duration`.
    Flag(&'static str),
    /// A variable of the environment.
    Environment(String),
    /// A line of a target file.
    TargetFile {
        /// The file.
        file: String,
        /// The line, from 1.
        line: u64,
    },
    /// The script's `options()`.
    Script,
    /// Nobody said anything.
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Flag(name) => write!(f, "flag {name}"),
            Origin::Environment(name) => write!(f, "environment {name}"),
            Origin::TargetFile { file, line } => write!(f, "{file}:{line}"),
            Origin::Script => f.write_str("script"),
            Origin::Default => f.write_str("default"),
        }
    }
}

/// A value and where it came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sourced<T> {
    /// The value.
    pub value: T,
    /// Where it came from.
    pub origin: Origin,
}

impl<T> Sourced<T> {
    /// A value from a place.
    pub fn new(value: T, origin: Origin) -> Self {
        Self { value, origin }
    }

    /// What nobody asked for.
    pub fn default_of(value: T) -> Self {
        Self::new(value, Origin::Default)
    }

    /// The flag's value when it was given, else what the script says, else the default.
    pub fn flag_or_script(flag: (Option<T>, &'static str), script: Option<T>, default: T) -> Self {
        match (flag, script) {
            ((Some(value), name), _) => Self::new(value, Origin::Flag(name)),
            (_, Some(value)) => Self::new(value, Origin::Script),
            _ => Self::default_of(default),
        }
    }
}
