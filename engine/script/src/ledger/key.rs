//! A key as the ledger knows it: the same number for what a script sent and for what the server holds.
//!
//! A script may send `17` or `"17"` to a bigint, a UUID in capitals, `5` to a numeric(10,2) that the server gives as
//! `5.00`. Both sides go through the same form here.

use std::fmt::Write as _;

use drivers::Value;
use model::seed;

/// A key's number, and whether any part of it is text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) number: u64,
    pub(super) is_text: bool,
}

#[derive(Debug, PartialEq, Eq)]
enum Part {
    Int(i64),
    Text(String),
}

impl Key {
    /// # Errors
    /// The kind of the part that has no form in which it could be compared.
    pub(super) fn of(parts: &[Value]) -> Result<Key, &'static str> {
        if let [Value::Int(one)] = parts {
            return Ok(Key { number: one.cast_unsigned(), is_text: false });
        }
        let parts: Vec<Part> = parts.iter().map(part).collect::<Result<_, _>>()?;
        let is_text = parts.iter().any(|part| matches!(part, Part::Text(_)));
        if let [Part::Int(one)] = parts[..] {
            return Ok(Key { number: one.cast_unsigned(), is_text });
        }
        let mut text = String::new();
        for part in &parts {
            // Writing to a string cannot fail.
            let _ = match part {
                Part::Int(it) => write!(text, "i{it}\0"),
                Part::Text(it) => write!(text, "t{it}\0"),
            };
        }
        Ok(Key { number: seed::scenario_hash(&text), is_text })
    }
}

fn part(value: &Value) -> Result<Part, &'static str> {
    Ok(match value {
        Value::Int(it) => Part::Int(*it),
        Value::Text(it) => of_text(it),
        Value::Uuid(it) => Part::Text(it.to_string()),
        Value::Bool(it) => Part::Text(it.to_string()),
        Value::Numeric(it) => of_text(shortest(it)),
        #[allow(clippy::cast_possible_truncation, reason = "below 2^53 and whole")]
        Value::Float(it) if it.fract() == 0.0 && it.abs() < 9e15 => Part::Int(*it as i64),
        other => return Err(other.kind()),
    })
}

/// Text that is how an integer is written is that integer; a UUID is the same in capitals.
fn of_text(text: &str) -> Part {
    match text.parse::<i64>() {
        Ok(number) if number.to_string() == text => Part::Int(number),
        _ if is_uuid(text) => Part::Text(text.to_ascii_lowercase()),
        _ => Part::Text(text.to_owned()),
    }
}

fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(n, byte)| match n {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// `5.00` is `5`, and `5.10` is `5.1`.
fn shortest(decimal: &str) -> &str {
    if decimal.contains('.') { decimal.trim_end_matches('0').trim_end_matches('.') } else { decimal }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same(one: Value, other: Value) -> bool {
        Key::of(&[one]).unwrap().number == Key::of(&[other]).unwrap().number
    }

    #[test]
    fn what_was_sent_and_what_is_stored_are_one_key() {
        assert!(same(Value::Int(17), "17".into()));
        assert!(same(Value::Int(-3), Value::Numeric("-3.00".into())));
        assert!(same(Value::Float(5.0), Value::Int(5)));
        assert!(same(Value::Numeric("5.10".into()), Value::Numeric("5.1".into())));
        assert!(same(
            "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11".into(),
            "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11".into()
        ));
        assert!(same(Value::Bool(true), "true".into()));
    }

    #[test]
    fn different_keys_stay_different() {
        assert!(!same("007".into(), "7".into()));
        assert!(!same("a".into(), "A".into()));
        assert!(!same("100".into(), "1".into()));
        let (ab, ba) = ([Value::Int(1), "b".into()], [Value::from("b"), Value::Int(1)]);
        assert_ne!(Key::of(&ab).unwrap(), Key::of(&ba).unwrap());
    }

    #[test]
    fn what_cannot_be_compared_is_refused_by_its_kind() {
        assert_eq!(Key::of(&[Value::Float(0.5)]), Err("float"));
        assert_eq!(Key::of(&[Value::Null]), Err("null"));
        assert!(Key::of(&["x".into()]).unwrap().is_text && !Key::of(&["5".into()]).unwrap().is_text);
    }
}
