//! Which items a reply holds: the keys are read where they lie, without making values for the script.
//!
//! An item is a JSON object with a whole number `k`. Rows of Postgres hold one each in their column `item`, or several in
//! `items`; a document holds them in an array, or in its member `items`. What stands around an item does not matter:
//! `{"id": 7, "item": {"k": 5}}` is the item 5.

use std::fmt;

use drivers::pg;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// What came back from an operation.
#[derive(Clone, Copy)]
pub(crate) enum Answer<'a> {
    /// Rows of Postgres.
    Rows(&'a pg::Rows),
    /// A JSON document, such as the body of a reply.
    Json(&'a [u8]),
    /// Nothing in which there could be items.
    Nothing,
}

/// The items of a reply.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Items {
    pub(crate) keys: Vec<u64>,
    /// Items that have no key.
    pub(crate) nameless: u64,
}

impl Items {
    /// Those of a reply, in its order.
    pub(crate) fn of(answer: Answer<'_>) -> Self {
        let mut items = Items::default();
        match answer {
            Answer::Rows(rows) => items.add_rows(rows),
            Answer::Json(json) => items.add_document(json),
            Answer::Nothing => {}
        }
        items
    }

    fn add_rows(&mut self, rows: &pg::Rows) {
        if let Some(column) = rows.column("item") {
            rows.iter().filter(|row| !row.is_null(column)).for_each(|row| {
                self.add(row.text(column).and_then(|json| key_of(json.as_bytes())));
            });
        } else if let Some(column) = rows.column("items") {
            rows.iter().filter_map(|row| row.text(column)).for_each(|json| {
                self.add_document(json.as_bytes());
            });
        }
    }

    /// A document that is no JSON holds no items.
    fn add_document(&mut self, json: &[u8]) {
        let mut reader = serde_json::Deserializer::from_slice(json);
        let found = Found::read(&mut reader).unwrap_or(Found::Nothing);
        match found {
            Found::Many(items) => {
                self.keys.extend(items.keys);
                self.nameless += items.nameless;
            }
            Found::Key(key) => self.add(Some(key)),
            Found::Nothing => {}
        }
    }

    fn add(&mut self, key: Option<u64>) {
        match key {
            Some(key) => self.keys.push(key),
            None => self.nameless += 1,
        }
    }
}

/// The key of one item; nothing when it has none.
pub(crate) fn key_of(json: &[u8]) -> Option<u64> {
    match Found::read(&mut serde_json::Deserializer::from_slice(json)) {
        Ok(Found::Key(key)) => Some(key),
        _ => None,
    }
}

/// What a piece of JSON is.
enum Found {
    Key(u64),
    Many(Items),
    Nothing,
}

impl Found {
    fn read<'de, D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        reader.deserialize_any(Looking)
    }
}

impl<'de> serde::Deserialize<'de> for Found {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        Found::read(reader)
    }
}

/// The member of an object that matters.
enum Member {
    Key,
    Item,
    Other,
}

impl<'de> serde::Deserialize<'de> for Member {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        struct Name;
        impl Visitor<'_> for Name {
            type Value = Member;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name")
            }

            fn visit_str<E>(self, name: &str) -> Result<Member, E> {
                Ok(match name {
                    "k" => Member::Key,
                    "item" | "items" => Member::Item,
                    _ => Member::Other,
                })
            }
        }
        reader.deserialize_str(Name)
    }
}

/// Reads any JSON and keeps keys alone.
struct Looking;

impl<'de> Visitor<'de> for Looking {
    type Value = Found;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Found, A::Error> {
        let mut found = Found::Nothing;
        while let Some(member) = map.next_key::<Member>()? {
            match member {
                Member::Key => {
                    if let Found::Key(key) = map.next_value::<Number>()?.into() {
                        found = Found::Key(key);
                    }
                }
                // An item's own key counts more than what it carries.
                Member::Item if !matches!(found, Found::Key(_)) => found = map.next_value()?,
                Member::Item | Member::Other => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(found)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<Found, A::Error> {
        let mut items = Items::default();
        while let Some(one) = array.next_element::<Found>()? {
            items.add(if let Found::Key(key) = one { Some(key) } else { None });
        }
        Ok(Found::Many(items))
    }

    /// An item that travels as text.
    fn visit_str<E>(self, text: &str) -> Result<Found, E> {
        if !text.starts_with('{') {
            return Ok(Found::Nothing);
        }
        Ok(key_of(text.as_bytes()).map_or(Found::Nothing, Found::Key))
    }

    fn visit_unit<E>(self) -> Result<Found, E> {
        Ok(Found::Nothing)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Found, E> {
        Ok(Found::Nothing)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Found, E> {
        Ok(Found::Nothing)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Found, E> {
        Ok(Found::Nothing)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Found, E> {
        Ok(Found::Nothing)
    }
}

/// The value of `k`: a whole number of 0 or more, or something else.
#[derive(serde::Deserialize)]
#[serde(untagged)]
enum Number {
    Key(u64),
    Other(IgnoredAny),
}

impl From<Number> for Found {
    fn from(number: Number) -> Self {
        match number {
            Number::Key(key) => Found::Key(key),
            Number::Other(_) => Found::Nothing,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn items(json: &str) -> (Vec<u64>, u64) {
        let items = Items::of(Answer::Json(json.as_bytes()));
        (items.keys, items.nameless)
    }

    #[test]
    fn an_item_is_known_by_its_key() {
        assert_eq!(key_of(br#"{"k":9223372036854775807,"at":3,"body":"{\"k\":1}"}"#), Some(i64::MAX as u64));
        assert_eq!(key_of(br#" {"body": {"k": 2, "items": [1]}, "k" : 5} "#), Some(5));
        for other in [r#"{"n":1}"#, r#"{"k":"5"}"#, r#"{"k":-1}"#, r#"{"k":1.5}"#, "[]", "7", "", "{", "null"]
        {
            assert_eq!(key_of(other.as_bytes()), None, "{other}");
        }
    }

    #[test]
    fn items_of_a_document_come_in_its_order() {
        let body = r#"{"queue":"q","items":[{"id":9,"item":{"k":3,"at":1}},{"id":8,"item":{"n":1}},{"k":1}],"more":false}"#;
        assert_eq!(items(body), (vec![3, 1], 1));
        assert_eq!(items(r#"[{"k":4},{"item":"{\"k\":5}"}]"#), (vec![4, 5], 0));
        assert_eq!(items(r#"{"item":{"k":6}}"#), (vec![6], 0));
        for empty in [r#"{"items":[]}"#, "[]", r#"{"ok":true}"#, "null", "no JSON"] {
            assert_eq!(items(empty), (vec![], 0), "{empty}");
        }
    }
}
