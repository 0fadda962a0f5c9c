//! One value on its way to or from a server.
//!
//! The few shapes that scripts meet. Which of them a column or a parameter takes is the server's word, so the
//! conversion to a wire type lives with each driver; here is only what a value *is*. Deliberately does not
//! know Rhai's `Dynamic`: `script` converts.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;
use uuid::Uuid;

/// Text that is cheap to clone: keys and payloads are handed on, not copied.
pub type Str = Arc<str>;

/// A parameter or a column.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Value {
    /// SQL NULL.
    #[default]
    Null,
    /// True or false.
    Bool(bool),
    /// Any integer type; a narrower column is range-checked when the value is sent.
    Int(i64),
    /// Any floating-point type.
    Float(f64),
    /// Text in UTF-8.
    Text(Str),
    /// Raw bytes.
    Bytes(Bytes),
    /// The source text of a JSON document, not parsed.
    Json(String),
    /// A UUID.
    Uuid(Uuid),
    /// Microseconds since 1970-01-01 00:00 UTC. [`Value::INFINITY`] and [`Value::NEG_INFINITY`] are Postgres's
    /// `infinity` and `-infinity`.
    Timestamp(i64),
    /// An exact decimal number as text, such as `-12.50`, `NaN` or `Infinity`.
    Numeric(String),
    /// An array; arrays of arrays are further dimensions and must be rectangular.
    Array(Vec<Value>),
}

impl Value {
    /// Postgres's timestamp `infinity`.
    pub const INFINITY: Value = Value::Timestamp(i64::MAX);
    /// Postgres's timestamp `-infinity`.
    pub const NEG_INFINITY: Value = Value::Timestamp(i64::MIN);

    /// What kind of value this is, in the words of error messages.
    pub const fn kind(&self) -> &'static str {
        match self {
            Value::Null => "null",
            Value::Bool(_) => "bool",
            Value::Int(_) => "int",
            Value::Float(_) => "float",
            Value::Text(_) => "text",
            Value::Bytes(_) => "bytes",
            Value::Json(_) => "json",
            Value::Uuid(_) => "uuid",
            Value::Timestamp(_) => "timestamp",
            Value::Numeric(_) => "numeric",
            Value::Array(_) => "array",
        }
    }

    /// The text of a [`Value::Text`].
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The number of a [`Value::Int`].
    pub const fn as_int(&self) -> Option<i64> {
        match self {
            Value::Int(number) => Some(*number),
            _ => None,
        }
    }
}

/// How many characters of a long value an error message shows.
const SHOWN_CHARS: usize = 60;

/// Short, for messages: long text is cut, bytes are counted, not shown.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Null => f.write_str("NULL"),
            Value::Bool(value) => write!(f, "{value}"),
            Value::Int(value) => write!(f, "{value}"),
            Value::Float(value) => write!(f, "{value:?}"),
            Value::Text(text) => cut(f, text),
            Value::Json(text) | Value::Numeric(text) => cut(f, text),
            Value::Bytes(bytes) => write!(f, "{} bytes", bytes.len()),
            Value::Uuid(uuid) => write!(f, "{uuid}"),
            Value::Timestamp(i64::MAX) => f.write_str("infinity"),
            Value::Timestamp(i64::MIN) => f.write_str("-infinity"),
            Value::Timestamp(micros) => match Timestamp::from_microsecond(*micros) {
                Ok(instant) => write!(f, "{instant}"),
                Err(_) => write!(f, "{micros} µs"),
            },
            Value::Array(items) => write!(f, "an array of {}", items.len()),
        }
    }
}

fn cut(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    match text.char_indices().nth(SHOWN_CHARS) {
        Some((end, _)) => write!(f, "{}…", &text[..end]),
        None => f.write_str(text),
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Value::Bool(value)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Value::Int(value)
    }
}

impl From<i32> for Value {
    fn from(value: i32) -> Self {
        Value::Int(value.into())
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Value::Float(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Value::Text(value.into())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Value::Text(value.into())
    }
}

impl From<Str> for Value {
    fn from(value: Str) -> Self {
        Value::Text(value)
    }
}

impl From<Bytes> for Value {
    fn from(value: Bytes) -> Self {
        Value::Bytes(value)
    }
}

impl From<Uuid> for Value {
    fn from(value: Uuid) -> Self {
        Value::Uuid(value)
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Value::Null, Into::into)
    }
}

impl<T: Into<Value>> From<Vec<T>> for Value {
    fn from(items: Vec<T>) -> Self {
        Value::Array(items.into_iter().map(Into::into).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_cut_between_characters() {
        let long = "ä".repeat(SHOWN_CHARS + 1);
        assert_eq!(Value::from(long.as_str()).to_string(), format!("{}…", "ä".repeat(SHOWN_CHARS)));
        let fits = "ä".repeat(SHOWN_CHARS);
        assert_eq!(Value::from(fits.as_str()).to_string(), fits);
    }

    #[test]
    fn timestamps_are_shown_as_people_write_them() {
        assert_eq!(Value::Timestamp(0).to_string(), "1970-01-01T00:00:00Z");
        assert_eq!(Value::INFINITY.to_string(), "infinity");
    }
}
