//! A YAML file as a tree in which every key and value knows where it stands, so that complaints can point at it.
//!
//! Deliberately absent: what the keys mean (see `file`).

use std::{fmt, sync::Arc};

use script::{Diagnostic, Place};
use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, SeqAccess, Visitor},
};
use serde_yaml::{Location, Spanned};

/// A value and where it stands.
pub(crate) type Node = Spanned<Value>;

/// What YAML can say.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    Null,
    Bool(bool),
    /// Any number, as it was read.
    Number(String),
    Text(String),
    List,
    /// Keys in their order.
    Map(Vec<(Spanned<String>, Node)>),
}

impl Value {
    /// For messages: "a list".
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Value::Null => "nothing",
            Value::Bool(_) => "a yes or no",
            Value::Number(_) => "a number",
            Value::Text(_) => "a text",
            Value::List => "a list",
            Value::Map(_) => "a map",
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any YAML")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.to_string()))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.to_string()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Ok(Value::Number(value.to_string()))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(Value::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        while items.next_element::<Node>()?.is_some() {}
        Ok(Value::List)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut map = Vec::new();
        while let Some(entry) = entries.next_entry()? {
            map.push(entry);
        }
        Ok(Value::Map(map))
    }
}

/// A file's name and text: what complaints about it point into.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    pub(crate) file: String,
    pub(crate) text: Arc<str>,
}

impl Source {
    /// Reads the text as a tree.
    pub(crate) fn parse(&self) -> Result<Node, Diagnostic> {
        serde_yaml::from_str(&self.text).map_err(|error| {
            // The library draws the source as well; the place says that.
            let what = error.without_snippet().render();
            let what = what.lines().next().unwrap_or("it cannot be read").trim_end_matches('.');
            let what = what.split(" at line ").next().unwrap_or(what);
            let complaint = Diagnostic::usage(format!("this is not YAML: {what}"));
            match error.location() {
                Some(location) => complaint.at(self.place(location)),
                None => complaint.at(self.place(Location::UNKNOWN)),
            }
        })
    }

    /// The place of a node, as far as it reaches on its first line.
    pub(crate) fn place(&self, location: Location) -> Place {
        let index = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        let (line, column) = (index(location.line()), index(location.column()));
        let text = self.text.lines().nth(line.saturating_sub(1)).unwrap_or_default();
        let on_line = text.trim_end().chars().count().saturating_sub(column.saturating_sub(1));
        let length = index(location.span().len()).min(on_line).max(1);
        Place { file: self.file.clone(), text: self.text.clone(), line, column, length }
    }
}
