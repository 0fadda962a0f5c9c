//! What a look at the code tells of requests to HTTP services: whether they are about paths of the run's service, or
//! about whole URLs.
//!
//! Deliberately absent: paths that are made while the script runs; they are known only then.

use rhai::{Expr, FnCallExpr};

/// Requests of a script, by what they are about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Requests {
    /// How many begin with a slash.
    pub by_path: usize,
    /// How many begin with `http://` or `https://`.
    pub by_url: usize,
    /// How many are told only while the script runs.
    pub unknown: usize,
}

impl Requests {
    /// Whether the script needs a service: something is about a path, or nothing is surely about a URL.
    #[must_use]
    pub fn need_service(&self) -> bool {
        self.by_path > 0 || (self.unknown > 0 && self.by_url == 0)
    }

    /// Takes a call of `http::…` into account.
    pub(crate) fn see(&mut self, call: &FnCallExpr) {
        let start = match call.name.as_str() {
            "operation" => call.args.get(1).and_then(start_of_path),
            "request" => call.args.get(1).and_then(start),
            _ => call.args.first().and_then(start),
        };
        match start {
            Some(text) if text.starts_with('/') => self.by_path += 1,
            Some(text) if text.contains("://") => self.by_url += 1,
            _ => self.unknown += 1,
        }
    }
}

/// What a string begins with, as far as it is written out.
fn start(expr: &Expr) -> Option<String> {
    match expr {
        Expr::StringConstant(text, _) => Some(text.to_string()),
        Expr::InterpolatedString(parts, _) => parts.first().and_then(start),
        _ => None,
    }
}

/// The same of `path` in a map.
fn start_of_path(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Map(map, _) => {
            let (_, path) = map.0.iter().find(|(key, _)| key.name == "path")?;
            start(path)
        }
        whole => whole.get_literal_value(None)?.as_map_ref().ok()?.get("path")?.clone().into_string().ok(),
    }
}
