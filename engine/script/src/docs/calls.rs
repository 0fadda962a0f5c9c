//! Calls of the built-in namespaces (`pg::query(…)`), held against their signatures before anything runs.
//!
//! Deliberately absent: types of arguments, which are known only when the script runs, and modules that a script
//! imports.

use std::collections::BTreeMap;

use model::suggest::did_you_mean;
use rhai::{FnCallExpr, Position};

use super::{Function, functions};
use crate::{
    bindings,
    diagnostic::{Diagnostic, Place, Texts},
};

/// A call of a function in a namespace, as it stands in a script.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) namespace: String,
    pub(crate) name: String,
    pub(crate) arguments: usize,
    pub(crate) place: Place,
}

impl Call {
    /// The call at `at` of a source, if it is one in a namespace; a namespace within another is a module's.
    pub(crate) fn in_namespace(
        call: &FnCallExpr,
        source: &str,
        at: Position,
        texts: &dyn Texts,
    ) -> Option<Self> {
        let namespace = call.namespace.path.first().filter(|_| call.namespace.path.len() == 1)?;
        let (file, text) = texts.text(source)?;
        let at = if namespace.pos.is_none() { at } else { namespace.pos };
        let mut place = Place::at(&file, &text, at);
        let (namespace, name) = (namespace.name.to_string(), call.name.to_string());
        let written = format!("{namespace}::{name}");
        if text[place.byte_range().start..].starts_with(&written) {
            place.length = written.chars().count();
        }
        Some(Self { namespace, name, arguments: call.args.len(), place })
    }
}

/// What is wrong with them, in the order of `calls`.
pub(crate) fn complaints(calls: &[Call]) -> Vec<Diagnostic> {
    let topics = bindings::topics();
    let of_namespaces = topics.iter().filter(|topic| topic.is_namespace);
    let known: BTreeMap<&str, Vec<Function>> =
        of_namespaces.map(|topic| (topic.name, functions(topic))).collect();
    calls.iter().filter_map(|call| complaint(call, known.get(call.namespace.as_str())?)).collect()
}

fn complaint(call: &Call, known: &[Function]) -> Option<Diagnostic> {
    let Call { namespace, name, arguments, place } = call;
    let same: Vec<&Function> = known.iter().filter(|function| function.name == *name).collect();
    if same.iter().any(|function| function.parameters == *arguments) {
        return None;
    }
    let (message, help) = if same.is_empty() {
        let near = did_you_mean(name, known.iter().map(|function| function.name.as_str()));
        let help = match near {
            Some(near) => {
                let meant = known.iter().filter(|function| function.name == near);
                format!("did you mean {}?", signatures(meant))
            }
            None => format!("it has {}", signatures(known.iter())),
        };
        (format!("`{namespace}` has no function `{name}`"), help)
    } else {
        let count = if *arguments == 1 { "1 argument".to_owned() } else { format!("{arguments} arguments") };
        (format!("`{namespace}::{name}` does not take {count}"), format!("there is {}", signatures(same)))
    };
    Some(Diagnostic::script(message).at(place.clone()).help(help))
}

fn signatures<'a>(functions: impl IntoIterator<Item = &'a Function>) -> String {
    functions.into_iter().map(|function| format!("`{}`", function.signature)).collect::<Vec<_>>().join(", ")
}
