//! What `http::operation` and `http::operations` return: requests that are made once, shared, and sent by every virtual
//! user.

use std::sync::Arc;

use drivers::http::{HttpTarget, HttpTemplate, Method};
use rhai::{Array, Dynamic, Map, plugin::*};

use super::{
    asked::{self, Asked},
    body::body,
};
use crate::{
    bindings::{named::Named, reply::Reply},
    context::{self, failure},
    core::OpName,
    engine::EvalError,
    settings::Settings,
};

/// A request with places to fill.
#[derive(Clone)]
pub(crate) struct Operation(Arc<Parts>);

struct Parts {
    op: Arc<OpName>,
    method: Method,
    path: HttpTemplate,
    asked: Asked,
}

impl std::fmt::Debug for Operation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "http operation {}", self.0.op.name)
    }
}

impl Operation {
    pub(super) fn new(name: &str, map: &Map) -> Result<Self, EvalError> {
        // The name stands before the settings.
        let known: Vec<&'static str> =
            ["method", "path"].into_iter().chain(asked::KNOWN).filter(|known| *known != "op").collect();
        let mut settings = Settings::new("http::operation", map, &known);
        let method = settings.of_text("method", drivers::http::method).unwrap_or(Ok(Method::GET));
        let path = settings.required("path", Settings::text);
        let asked = Asked::read(&mut settings);
        let parsed = HttpTemplate::parse(&path);
        if let Err(problem) = &method {
            settings.problem("method", format!("has a wrong `method`: {problem}"));
        }
        if let (Err(problem), false) = (&parsed, path.is_empty()) {
            settings.problem("path", format!("has a wrong `path`: {problem}"));
        }
        settings.done()?;
        let (method, path) = method.and_then(|method| Ok((method, parsed?))).map_err(|e| failure(&e))?;
        Ok(Self(Arc::new(Parts { op: OpName::new(name), method, path, asked })))
    }

    fn send(&self, words: &[Dynamic], content: &Dynamic) -> Result<Reply, EvalError> {
        context::required("http", |c| {
            let Parts { op, method, asked, .. } = &*self.0;
            let target = self.target(words)?;
            c.core.http()?.send(c, op, method, target, body(&op.name, content)?, asked)
        })
    }

    fn target(&self, words: &[Dynamic]) -> Result<HttpTarget, EvalError> {
        let (path, given) = (&self.0.path, words.len());
        if given != path.holes() {
            return Err(failure(&format!(
                "the path of operation `{}` has {} to fill, and was given {given}",
                self.0.op.name,
                counted(path.holes())
            )));
        }
        if words.iter().all(Dynamic::is_string) {
            let texts: Vec<_> = words.iter().filter_map(|word| word.as_immutable_string_ref().ok()).collect();
            return Ok(path.fill(texts.iter().map(|text| text.as_str())));
        }
        let plain = words.iter().map(|word| {
            let is_word = word.is_string() || word.is_int() || word.is_bool() || word.is_char();
            if is_word { Ok(word.to_string()) } else { Err(self.not_a_word(word)) }
        });
        let plain: Vec<String> = plain.collect::<Result<_, _>>()?;
        Ok(path.fill(plain.iter().map(String::as_str)))
    }

    fn not_a_word(&self, word: &Dynamic) -> EvalError {
        let (name, kind) = (&self.0.op.name, word.type_name());
        failure(&format!(
            "the path of operation `{name}` is filled with strings and whole numbers, not {kind}"
        ))
    }
}

fn counted(places: usize) -> String {
    if places == 1 { "1 place".to_owned() } else { format!("{places} places") }
}

/// What http::operation and http::operations return.
#[export_module]
pub(crate) mod operations_api {
    /// Sends the request without a body; its path has nothing to fill.
    #[rhai_fn(name = "send", pure, return_raw)]
    pub fn send_plain(operation: &mut Operation) -> Result<Reply, EvalError> {
        operation.send(&[], &Dynamic::UNIT)
    }

    /// Sends the request with a body, as `http::post` takes it. Where the path has places to fill these are the words
    /// for them, as an array, and there is no body.
    ///
    /// ```rhai
    /// let taken = vu.shared.pop.send(["jobs"]);
    /// ```
    #[rhai_fn(name = "send", pure, return_raw)]
    pub fn send_one(operation: &mut Operation, body: Dynamic) -> Result<Reply, EvalError> {
        if operation.0.path.holes() == 0 {
            return operation.send(&[], &body);
        }
        match body.as_array_ref() {
            Ok(words) => operation.send(&words, &Dynamic::UNIT),
            Err(kind) => Err(failure(&format!(
                "the path of operation `{}` has places to fill: send takes an array of words first, not {kind}",
                operation.0.op.name
            ))),
        }
    }

    /// Sends the request: each `{}` of its path is filled with a word (a slash in it is escaped), and its body is what
    /// `http::post` takes.
    ///
    /// ```rhai
    /// vu.shared.push.send(["jobs"], #{ item: vu.rng.item(256), priority: 0 });
    /// ```
    #[rhai_fn(name = "send", pure, return_raw)]
    pub fn send_both(operation: &mut Operation, words: Array, body: Dynamic) -> Result<Reply, EvalError> {
        operation.send(&words, &body)
    }

    /// Sends the request of that name, of those of `http::operations`: words for its path, without a body.
    #[rhai_fn(name = "send", pure, return_raw)]
    pub fn send_named(
        operations: &mut Named<Operation>,
        name: &str,
        words: Array,
    ) -> Result<Reply, EvalError> {
        operations.named(name)?.send(&words, &Dynamic::UNIT)
    }

    /// Sends the request of that name with a body.
    #[rhai_fn(name = "send", pure, return_raw)]
    pub fn send_named_both(
        operations: &mut Named<Operation>,
        name: &str,
        words: Array,
        body: Dynamic,
    ) -> Result<Reply, EvalError> {
        operations.named(name)?.send(&words, &body)
    }
}
