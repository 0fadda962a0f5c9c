//! Reading a request's fields: every problem is noted, and reading goes on, so that a client hears of all at once.
//!
//! Deliberately absent: which fields there are (`requests`).

use std::ops::RangeInclusive;

use serde_json::{Map, Value};

use crate::error::Problem;

/// Characters of a wrong value that are shown.
const SHOWN: usize = 40;

/// The fields of one JSON object, and where it stands in the request.
pub(crate) struct Fields<'p> {
    map: Map<String, Value>,
    /// `items[3].`, or nothing for the request itself.
    place: String,
    problems: &'p mut Vec<Problem>,
}

impl<'p> Fields<'p> {
    /// The fields of the request's body; those that are not `known` are problems.
    pub(crate) fn of_body(body: Value, known: &[&str], problems: &'p mut Vec<Problem>) -> Option<Fields<'p>> {
        Fields::of(body, ("body", String::new()), known, problems)
    }

    /// `name` is what messages call the object, `place` what stands before the names of its fields.
    fn of(
        value: Value,
        (name, place): (&str, String),
        known: &[&str],
        problems: &'p mut Vec<Problem>,
    ) -> Option<Fields<'p>> {
        let Value::Object(map) = value else {
            let fields = known.join(", ");
            let message = format!("{name} is {}; it is an object with: {fields}", shown(&value));
            problems.push(Problem::new(name, message));
            return None;
        };
        for unknown in map.keys().filter(|key| !known.contains(&key.as_str())) {
            problems.push(unknown_field(&place, unknown, known));
        }
        Some(Fields { map, place, problems })
    }

    /// A whole number in `range`; `default` when it is left out, and a problem when there is none.
    pub(crate) fn whole(
        &mut self,
        name: &str,
        range: RangeInclusive<i64>,
        default: Option<i64>,
    ) -> Option<i64> {
        let field = format!("{}{name}", self.place);
        let Some(value) = self.map.get(name) else {
            if default.is_none() {
                self.problems
                    .push(Problem::new(&field, format!("{field} is missing; it is {}", words(&range))));
            }
            return default;
        };
        match whole(value, &range) {
            Ok(number) => Some(number),
            Err(right) => {
                self.problems.push(Problem::new(&field, format!("{field} is {}; {right}", shown(value))));
                None
            }
        }
    }

    /// A JSON object that Postgres can keep.
    pub(crate) fn object(&mut self, name: &str) -> Option<Value> {
        const RIGHT: &str = "it is a JSON object such as {\"order\": 17}";
        let field = format!("{}{name}", self.place);
        let problem = match self.map.remove(name) {
            None => format!("{field} is missing; {RIGHT}"),
            Some(value) if !value.is_object() => format!("{field} is {}; {RIGHT}", shown(&value)),
            Some(value) if holds_nul(&value) => {
                format!("{field} holds the character U+0000, which Postgres cannot keep; leave it out")
            }
            Some(value) => return Some(value),
        };
        self.problems.push(Problem::new(field, problem));
        None
    }

    /// Reads each element of a list of objects with `read`. Nothing when any of them had a problem.
    pub(crate) fn each<T>(
        &mut self,
        name: &str,
        count: RangeInclusive<usize>,
        known: &[&str],
        read: impl Fn(&mut Fields<'_>) -> Option<T>,
    ) -> Option<Vec<T>> {
        let field = format!("{}{name}", self.place);
        let right = format!("it is a list of {} to {} objects", count.start(), count.end());
        let problem = match self.map.remove(name) {
            None => format!("{field} is missing; {right}"),
            Some(Value::Array(list)) if !count.contains(&list.len()) => {
                format!("{field} has {} elements; {right}", list.len())
            }
            Some(Value::Array(list)) => {
                let elements = list.into_iter().enumerate();
                // Not `collect` into an option at once: that ends at the first problem.
                let all: Vec<Option<T>> = elements
                    .map(|(n, value)| {
                        let name = format!("{field}[{n}]");
                        let place = format!("{name}.");
                        read(&mut Fields::of(value, (&name, place), known, self.problems)?)
                    })
                    .collect();
                return all.into_iter().collect();
            }
            Some(value) => format!("{field} is {}; {right}", shown(&value)),
        };
        self.problems.push(Problem::new(field, problem));
        None
    }
}

/// A field or parameter that nothing reads, with the one that was perhaps meant.
pub(crate) fn unknown_field(place: &str, name: &str, known: &[&str]) -> Problem {
    let near = |other: &&&str| strsim::damerau_levenshtein(name, other) <= (other.chars().count() / 3).max(1);
    let nearest = known.iter().filter(near).min_by_key(|other| strsim::damerau_levenshtein(name, other));
    let field = format!("{place}{}", shortened(name));
    let remedy = match nearest {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => format!("there are: {}", known.join(", ")),
    };
    Problem::new(&field, format!("{field} is unknown; {remedy}"))
}

/// A whole number in a range, or what would be right.
///
/// # Errors
/// What would be right.
pub(crate) fn whole(value: &Value, range: &RangeInclusive<i64>) -> Result<i64, String> {
    // 2.0 is a whole number, whoever wrote it so; above 2^53 a float no longer says which.
    let from_float = |float: f64| (float.fract() == 0.0 && float.abs() < 9e15).then_some(float as i64);
    let number = value.as_i64().or_else(|| value.as_f64().and_then(from_float));
    match number {
        Some(number) if range.contains(&number) => Ok(number),
        _ if value.as_f64().is_some_and(|float| float > *range.end() as f64) && is_open(range) => {
            Err(format!("it is at most {}", range.end()))
        }
        _ => Err(format!("it is {}", words(range))),
    }
}

/// Ranges that end only where the machine's numbers do.
fn is_open(range: &RangeInclusive<i64>) -> bool {
    *range.end() >= i64::from(i32::MAX)
}

fn words(range: &RangeInclusive<i64>) -> String {
    if is_open(range) {
        return format!("a whole number of {} or more", range.start());
    }
    format!("a whole number from {} to {}", range.start(), range.end())
}

/// A wrong value as messages show it.
fn shown(value: &Value) -> String {
    match value {
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "an object".to_owned(),
        Value::String(text) => Value::from(shortened(text)).to_string(),
        other => other.to_string(),
    }
}

/// The beginning of what a client sent, so that an answer does not become as long as a request.
pub(crate) fn shortened(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// JSON may hold U+0000, Postgres's text may not. The parser limits the depth.
fn holds_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(list) => list.iter().any(holds_nul),
        Value::Object(map) => map.iter().any(|(key, value)| key.contains('\0') || holds_nul(value)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_whole_number_is_one_however_it_is_written() {
        assert_eq!(whole(&json!(2.0), &(1..=3)), Ok(2));
        assert_eq!(whole(&json!(2.5), &(1..=3)), Err("it is a whole number from 1 to 3".to_owned()));
        assert_eq!(whole(&json!("2"), &(1..=3)), Err("it is a whole number from 1 to 3".to_owned()));
        assert_eq!(whole(&json!(-1), &(0..=i64::MAX)), Err("it is a whole number of 0 or more".to_owned()));
        let beyond = Err(format!("it is at most {}", i64::MAX));
        assert_eq!(whole(&json!(u64::MAX), &(0..=i64::MAX)), beyond, "not wrapped around");
        assert_eq!(whole(&json!(1e300), &(0..=i64::MAX)), beyond);
    }

    #[test]
    fn what_is_shown_of_a_long_value_is_its_beginning() {
        assert_eq!(shortened(&"ä".repeat(41)), format!("{}…", "ä".repeat(40)));
        assert_eq!(shown(&json!("a\"b")), r#""a\"b""#);
    }

    #[test]
    fn the_nearest_field_is_suggested_and_nothing_for_what_is_far() {
        let known = ["item", "priority", "delay_ms"];
        assert_eq!(
            unknown_field("", "prioritty", &known).message,
            "prioritty is unknown; did you mean `priority`?"
        );
        assert_eq!(
            unknown_field("items[2].", "x", &known).message,
            "items[2].x is unknown; there are: item, priority, delay_ms"
        );
    }
}
