//! A value that a parameter takes in one step.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A parameter's value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Value {
    /// Yes or no.
    Flag(bool),
    /// A whole number.
    Int(i64),
    /// Any number.
    Float(f64),
    /// A word.
    Word(String),
}

impl Value {
    /// The number it is; words and flags are none, and have no knee.
    pub fn number(&self) -> Option<f64> {
        match self {
            Value::Int(number) => Some(*number as f64),
            Value::Float(number) => Some(*number),
            Value::Flag(_) | Value::Word(_) => None,
        }
    }
}

impl Default for Value {
    fn default() -> Self {
        Value::Word(String::new())
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Flag(flag) => flag.fmt(f),
            Value::Int(number) => number.fmt(f),
            Value::Float(number) => number.fmt(f),
            Value::Word(word) => f.write_str(word),
        }
    }
}
