//! Handles by their names, as one value: what a module hands from function to function.
//!
//! A map of handles is copied whole whenever a function takes it; this is one pointer. Deliberately absent: what a handle can
//! do (see `handles` and `http`).

use std::{collections::BTreeMap, sync::Arc};

use rhai::{Map, Variant};

use crate::{context::failure, engine::EvalError};

/// Handles of one kind, each by a name. Cloning shares them.
#[derive(Debug)]
pub(crate) struct Named<T> {
    /// What the script knows one of them as.
    kind: &'static str,
    handles: Arc<BTreeMap<String, T>>,
}

// A derived `Clone` would ask for a `T` that can be cloned.
impl<T> Clone for Named<T> {
    fn clone(&self) -> Self {
        Self { kind: self.kind, handles: self.handles.clone() }
    }
}

impl<T: Variant + Clone> Named<T> {
    /// What `call` was given.
    ///
    /// # Errors
    /// Names every entry that is something else.
    pub(super) fn of(call: &str, kind: &'static str, map: Map) -> Result<Self, EvalError> {
        let mut handles = BTreeMap::new();
        let mut problems = Vec::new();
        for (name, it) in map {
            let found = it.type_name();
            match it.try_cast::<T>() {
                Some(handle) => drop(handles.insert(name.to_string(), handle)),
                None => problems.push(format!("`{name}` is {found}, and no {kind}")),
            }
        }
        if handles.is_empty() && problems.is_empty() {
            return Err(failure(&format!("{call} takes a map with at least one {kind}")));
        }
        if problems.is_empty() {
            return Ok(Self { kind, handles: Arc::new(handles) });
        }
        Err(failure(&format!("{call}: {}", problems.join("; "))))
    }

    /// The one of that name.
    ///
    /// # Errors
    /// Lists the names there are.
    pub(super) fn named(&self, name: &str) -> Result<&T, EvalError> {
        self.handles.get(name).ok_or_else(|| {
            let names: Vec<&str> = self.handles.keys().map(String::as_str).collect();
            let kind = self.kind;
            failure(&format!("there is no {kind} `{name}` here; there is {}", names.join(", ")))
        })
    }
}
