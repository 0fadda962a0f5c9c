//! Takes a YAML map apart key by key and collects every complaint on the way.

use model::suggest::did_you_mean;
use script::Diagnostic;
use serde_yaml::Location;

use super::tree::{Node, Source, Value};

/// A value with the line it stands on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Placed<T> {
    pub(crate) value: T,
    pub(crate) location: Location,
}

/// The problems found in one file.
#[derive(Debug)]
pub(crate) struct Problems<'a> {
    source: &'a Source,
    pub(crate) found: Vec<Diagnostic>,
}

impl<'a> Problems<'a> {
    pub(crate) fn new(source: &'a Source) -> Self {
        Self { source, found: Vec::new() }
    }

    pub(crate) fn add(&mut self, location: Location, message: String, help: impl Into<String>) {
        self.found.push(Diagnostic::usage(message).at(self.source.place(location)).help(help));
    }
}

/// A map whose keys are known.
pub(crate) struct Fields<'a> {
    entries: Vec<(&'a str, Location, &'a Node)>,
    /// How messages call the map: "target `staging`".
    name: String,
    pub(crate) location: Location,
}

impl<'a> Fields<'a> {
    /// The entries of a map that are among `known`; complains about every other, and about what is no map at all.
    pub(crate) fn of(
        node: &'a Node,
        name: &str,
        known: &[&str],
        hint: impl Fn(&str) -> Option<&'static str>,
        problems: &mut Problems<'_>,
    ) -> Self {
        let mut fields = Self { entries: Vec::new(), name: name.to_owned(), location: node.referenced };
        let Value::Map(entries) = &node.value else {
            let message = format!("{name} is {}, not a map", node.value.kind());
            problems.add(node.referenced, message, format!("it has {}", known.join(", ")));
            return fields;
        };
        for (key, value) in entries {
            if known.contains(&key.value.as_str()) {
                fields.entries.push((&key.value, key.referenced, value));
                continue;
            }
            let help = hint(&key.value).map(str::to_owned).unwrap_or_else(|| {
                let near = did_you_mean(&key.value, known.iter().copied());
                near.map_or(format!("it has {}", known.join(", ")), |near| format!("did you mean `{near}`?"))
            });
            problems.add(key.referenced, format!("{name} has no setting `{}`", key.value), help);
        }
        fields
    }

    /// The node of a key, unless it is absent or empty.
    pub(crate) fn node(&self, key: &str) -> Option<&'a Node> {
        let found = self.entries.iter().find(|(known, _, _)| *known == key);
        found.map(|(_, _, node)| *node).filter(|node| !matches!(node.value, Value::Null))
    }

    /// A text; numbers are taken as written, because `password_env: 1` is nobody's idea of a number.
    pub(crate) fn text(&self, key: &str, problems: &mut Problems<'_>) -> Option<Placed<String>> {
        let node = self.node(key)?;
        match &node.value {
            Value::Text(text) => Some(Placed { value: text.clone(), location: node.referenced }),
            Value::Number(text) => Some(Placed { value: text.clone(), location: node.referenced }),
            other => {
                let message = format!("`{key}` of {} is {}, not a text", self.name, other.kind());
                problems.add(node.referenced, message, format!("write {key}: \"…\""));
                None
            }
        }
    }

    /// Texts by name: the map behind a key, in its order.
    pub(crate) fn texts(&self, key: &str, problems: &mut Problems<'_>) -> Vec<(&'a str, Placed<String>)> {
        let Some(node) = self.node(key) else { return Vec::new() };
        let Value::Map(entries) = &node.value else {
            let message = format!("`{key}` of {} is {}, not a map", self.name, node.value.kind());
            problems.add(
                node.referenced,
                message,
                format!("write {key}: and below it, indented, NAME: VALUE"),
            );
            return Vec::new();
        };
        let mut texts = Vec::with_capacity(entries.len());
        for (name, node) in entries {
            match &node.value {
                Value::Text(text) | Value::Number(text) => {
                    texts.push((
                        name.value.as_str(),
                        Placed { value: text.clone(), location: node.referenced },
                    ));
                }
                other => {
                    let message = format!(
                        "`{}` in `{key}` of {} is {}, not a text",
                        name.value,
                        self.name,
                        other.kind()
                    );
                    problems.add(node.referenced, message, format!("write {}: \"…\"", name.value));
                }
            }
        }
        texts
    }

    /// A yes or no.
    pub(crate) fn flag(&self, key: &str, problems: &mut Problems<'_>) -> Option<Placed<bool>> {
        let node = self.node(key)?;
        if let Value::Bool(value) = node.value {
            return Some(Placed { value, location: node.referenced });
        }
        let message = format!("`{key}` of {} is {}, not a yes or no", self.name, node.value.kind());
        problems.add(node.referenced, message, format!("write {key}: true or {key}: false"));
        None
    }
}
