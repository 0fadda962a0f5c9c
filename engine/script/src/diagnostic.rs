//! What is wrong, where, and what to do about it: the shape every complaint about user input has.
//!
//! A diagnostic carries its source text, so that whoever renders it needs no file. Rendering (colour, caret) is the
//! door's; the plain `Display` is one line for logs.

use std::{fmt, sync::Arc};

use rhai::{EvalAltResult, LexError, ParseError, ParseErrorType, Position};

use crate::{bindings::reply::Reply, context::Misuse, limits};

/// A place in a text: 1-based line and column, and how many characters it covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// File the text came from, as the user named it.
    pub file: String,
    /// The whole text.
    pub text: Arc<str>,
    /// 1-based line; 0 when only the file is known.
    pub line: usize,
    /// 1-based column; 0 when only the line is known.
    pub column: usize,
    /// Characters to underline, at least 1.
    pub length: usize,
}

impl Place {
    /// The place of a Rhai position in a text; the word that starts there is underlined.
    #[must_use]
    pub fn at(file: &str, text: &Arc<str>, position: Position) -> Self {
        let line = position.line().unwrap_or(0);
        let column = position.position().unwrap_or(0);
        let length = text
            .lines()
            .nth(line.saturating_sub(1))
            .map_or(0, |l| l.chars().skip(column.saturating_sub(1)).take_while(|c| is_word(*c)).count())
            .max(1);
        Self { file: file.to_owned(), text: text.clone(), line, column, length }
    }

    /// Byte range of the place in its text, for renderers that want one.
    #[must_use]
    pub fn byte_range(&self) -> std::ops::Range<usize> {
        let mut start = 0;
        for (n, line) in self.text.split_inclusive('\n').enumerate() {
            if n + 1 == self.line {
                let skip: usize = line.chars().take(self.column.saturating_sub(1)).map(char::len_utf8).sum();
                let length: usize = line[skip..].chars().take(self.length).map(char::len_utf8).sum();
                return start + skip..start + skip + length;
            }
            start += line.len();
        }
        self.text.len()..self.text.len()
    }
}

/// One complaint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// What is wrong, in one sentence without a full stop.
    pub message: String,
    /// Where, if a text is to blame.
    pub place: Option<Place>,
    /// What to do about it.
    pub help: Option<String>,
    /// Whether the script itself is at fault (exit code 107) rather than its options or usage (104).
    pub in_script: bool,
    /// Whether it passes on what a server said.
    pub by_server: bool,
}

impl Diagnostic {
    /// A complaint about configuration or usage.
    pub fn usage(message: impl Into<String>) -> Self {
        Self { message: message.into(), place: None, help: None, in_script: false, by_server: false }
    }

    /// A complaint about the script's code.
    pub fn script(message: impl Into<String>) -> Self {
        Self { in_script: true, ..Self::usage(message) }
    }

    /// With the place it is about.
    #[must_use]
    pub fn at(mut self, place: Place) -> Self {
        self.place = Some(place);
        self
    }

    /// With a remedy.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// `file:line:column`, or an empty string when there is no place.
    #[must_use]
    pub fn position(&self) -> String {
        self.place.as_ref().map_or_else(String::new, |p| match (p.line, p.column) {
            (0, _) => p.file.clone(),
            (line, 0) => format!("{}:{line}", p.file),
            (line, column) => format!("{}:{line}:{column}", p.file),
        })
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let position = self.position();
        if !position.is_empty() {
            write!(f, "{position}: ")?;
        }
        f.write_str(&self.message)?;
        if let Some(help) = &self.help {
            write!(f, " (help: {help})")?;
        }
        Ok(())
    }
}

impl std::error::Error for Diagnostic {}

/// Finds the text of a source by the name Rhai knows it by.
pub(crate) trait Texts {
    /// Display name and text of a source.
    fn text(&self, source: &str) -> Option<(String, Arc<str>)>;
    /// Signatures a user may have meant by a function that does not exist.
    fn names(&self) -> Vec<String>;
    /// Names that `import` understands.
    fn module_names(&self) -> Vec<String>;
    /// The module that the source imports under this name.
    fn imported(&self, source: &str, alias: &str) -> Option<Imported>;
}

/// A module as a script has imported it.
pub(crate) struct Imported {
    /// The file it was read from, or `stdlib:name`.
    pub(crate) origin: String,
    /// Its functions: `push(q, item)`.
    pub(crate) functions: Vec<String>,
    /// The module of the standard library in whose place it stands.
    pub(crate) hides: Option<String>,
}

/// A syntax error in the source `file`.
pub(crate) fn from_parse_error(error: &ParseError, file: &str, text: &Arc<str>) -> Diagnostic {
    let mut diagnostic =
        Diagnostic::script(lower_first(&error.0.to_string())).at(Place::at(file, text, error.1));
    if let Some(help) = parse_help(&error.0, text) {
        diagnostic = diagnostic.help(help);
    }
    diagnostic
}

fn parse_help(kind: &ParseErrorType, text: &str) -> Option<String> {
    let help = match kind {
        ParseErrorType::MissingToken(token, _) => format!("put `{token}` here"),
        ParseErrorType::UnexpectedEOF => {
            "the script ends inside a block or an expression: look for a missing `}`, `)` or quote".into()
        }
        ParseErrorType::Reserved(word) => {
            format!("`{word}` is a reserved word of Rhai: choose another name")
        }
        ParseErrorType::BadInput(LexError::UnterminatedString) => "close the string with a quote".into(),
        ParseErrorType::VariableUndefined(name) => variable_help(name, text),
        ParseErrorType::ExprTooDeep => {
            "an expression may nest 64 deep at most: name parts of it with `let`".into()
        }
        ParseErrorType::FnDuplicatedDefinition(name, _) => format!("rename one of the two `{name}`"),
        _ => return None,
    };
    Some(help)
}

/// A failure while a script ran. `file` is where the call into the script began.
pub(crate) fn from_eval_error(error: &EvalAltResult, file: &str, texts: &dyn Texts) -> Diagnostic {
    let (inner, source) = true_site(error, file);
    let (name, text) =
        texts.text(source).or_else(|| texts.text(file)).unwrap_or_else(|| (source.to_owned(), "".into()));
    if let EvalAltResult::ErrorParsing(kind, position) = inner {
        return from_parse_error(&ParseError(Box::new(kind.clone()), *position), &name, &text);
    }
    let complaint = Diagnostic::script(eval_message(inner));
    let (in_script, by_server) = (is_scripts_fault(inner), is_servers_word(inner));
    let mut diagnostic =
        Diagnostic { in_script, by_server, ..complaint }.at(Place::at(&name, &text, inner.position()));
    if let EvalAltResult::ErrorFunctionNotFound(signature, _) = inner
        && let Some((alias, call)) = signature.split_once("::")
        && let Some(module) = texts.imported(source, alias)
    {
        diagnostic.message = format!("{} in {}", diagnostic.message, module.origin);
        return diagnostic.help(module_help(alias, call, &module));
    }
    if let Some(help) = eval_help(inner, &text, texts) {
        diagnostic = diagnostic.help(help);
    }
    diagnostic
}

/// What a module has instead of the function that was called as `alias::call`.
fn module_help(alias: &str, call: &str, module: &Imported) -> String {
    let bare = |text: &str| text.split(['(', ' ']).next().unwrap_or_default().to_owned();
    let wanted = bare(call);
    let names: Vec<String> = module.functions.iter().map(|function| bare(function)).collect();
    let near = model::suggest::did_you_mean(&wanted, names.iter().map(String::as_str));
    let is_meant = |name: &String| match near {
        _ if names.contains(&wanted) => *name == wanted,
        Some(near) => name == near,
        None => true,
    };
    let meant = module.functions.iter().zip(&names).filter(|(_, name)| is_meant(name));
    let meant: Vec<String> = meant.map(|(function, _)| format!("`{alias}::{function}`")).collect();
    let has = if meant.is_empty() { "no function at all".to_owned() } else { meant.join(", ") };
    let hides = module.hides.as_ref().map(|name| {
        format!("; that file stands in the place of the standard library's `{name}`: rename it if that one is meant")
    });
    format!("it has {has}{}", hides.unwrap_or_default())
}

/// The innermost error and the source it happened in: function calls and modules wrap it on the way out.
fn true_site<'a>(error: &'a EvalAltResult, source: &'a str) -> (&'a EvalAltResult, &'a str) {
    match error {
        EvalAltResult::ErrorInFunctionCall(_, inner_source, inner, _) => {
            true_site(inner, if inner_source.is_empty() { source } else { inner_source })
        }
        EvalAltResult::ErrorInModule(module, inner, _) => {
            true_site(inner, if module.is_empty() { source } else { module })
        }
        _ => (error, source),
    }
}

/// What an error says, without its place.
pub(crate) fn message_of(error: &EvalAltResult) -> String {
    eval_message(true_site(error, "").0)
}

/// The kind of an error in one word: the class of the operation that nobody handled, or its outcome; `fail` when the script
/// gave up on purpose, `script` when it is wrong.
pub(crate) fn class_of(error: &EvalAltResult) -> String {
    let (inner, _) = true_site(error, "");
    match inner {
        EvalAltResult::ErrorRuntime(value, _) if let Some(reply) = value.read_lock::<Reply>() => reply.kind(),
        _ if is_scripts_fault(inner) => "script".to_owned(),
        _ => "fail".to_owned(),
    }
}

/// Whether the script itself is wrong, rather than passing on what a server did, or giving up on purpose.
fn is_scripts_fault(error: &EvalAltResult) -> bool {
    match error {
        EvalAltResult::ErrorRuntime(value, _) => value.is::<Misuse>(),
        _ => true,
    }
}

/// Whether a server said so, and the script let it pass.
fn is_servers_word(error: &EvalAltResult) -> bool {
    matches!(error, EvalAltResult::ErrorRuntime(value, _) if value.is::<Reply>())
}

fn eval_message(error: &EvalAltResult) -> String {
    match error {
        EvalAltResult::ErrorRuntime(value, _) => {
            if let Some(reply) = value.read_lock::<Reply>() {
                return reply.describe();
            }
            value.read_lock::<Misuse>().map_or_else(|| value.to_string(), |misuse| misuse.0.clone())
        }
        EvalAltResult::ErrorTerminated(value, _) if !value.is_unit() => value.to_string(),
        EvalAltResult::ErrorFunctionNotFound(signature, _) => format!("there is no function {signature}"),
        EvalAltResult::ErrorVariableNotFound(name, _) => format!("there is no variable `{name}`"),
        EvalAltResult::ErrorModuleNotFound(name, _) => format!("there is no module `{name}`"),
        EvalAltResult::ErrorStackOverflow(_) => {
            format!("functions call each other too deeply (limit: {} levels)", limits::CALL_LEVELS_AT_MOST)
        }
        EvalAltResult::ErrorDataTooLarge(what, _) => format!("{what} grew beyond its limit"),
        other => {
            let text = other.to_string();
            // Rhai appends " (line 3, position 5)"; the place says that better.
            lower_first(text.split(" (line ").next().unwrap_or(&text))
        }
    }
}

fn eval_help(error: &EvalAltResult, text: &str, texts: &dyn Texts) -> Option<String> {
    match error {
        EvalAltResult::ErrorFunctionNotFound(signature, _) => {
            let name = signature.split(['(', ' ']).next().unwrap_or(signature);
            let bare = name.rsplit("::").next().unwrap_or(name);
            let names = texts.names();
            let same: Vec<&String> = names
                .iter()
                .filter(|n| n.split('(').next().is_some_and(|n| n == name || n == bare))
                .collect();
            if !same.is_empty() {
                let known = same.iter().take(4).map(|n| format!("`{n}`")).collect::<Vec<_>>().join(", ");
                return Some(format!("check the types: known is {known}"));
            }
            let candidates: Vec<&str> = names.iter().filter_map(|n| n.split('(').next()).collect();
            Some(model::suggest::did_you_mean(name, candidates).map_or_else(
                || "`snapbench docs` lists every function".to_owned(),
                |n| format!("did you mean `{n}`?"),
            ))
        }
        EvalAltResult::ErrorVariableNotFound(name, _) => Some(variable_help(name, text)),
        EvalAltResult::ErrorModuleNotFound(name, _) => {
            let names = texts.module_names();
            let near = model::suggest::did_you_mean(name, names.iter().map(String::as_str));
            let near = near.map_or_else(String::new, |n| format!("did you mean `{n}`? "));
            Some(format!(
                "{near}a module is a file beside the script, or of the standard library (`snapbench docs`)"
            ))
        }
        EvalAltResult::ErrorStackOverflow(_) => {
            Some("write recursion as a loop; a function that calls itself needs an end".into())
        }
        EvalAltResult::ErrorDataTooLarge(_, _) => Some(format!(
            "limits: strings {} MiB, arrays {} elements, maps {} entries, nested ones counted; keep large state in \
                 the server",
            limits::STRING_BYTES_AT_MOST >> 20,
            limits::ARRAY_ELEMENTS_AT_MOST,
            limits::MAP_ENTRIES_AT_MOST
        )),
        EvalAltResult::ErrorAssignmentToConstant(name, _) => {
            Some(format!("`{name}` is a constant: declare it with `let` to change it"))
        }
        _ => None,
    }
}

fn variable_help(name: &str, text: &str) -> String {
    if text.contains(&format!("const {name} ")) {
        return format!("inside a function a constant of the script is `global::{name}`");
    }
    let words: std::collections::BTreeSet<&str> =
        text.split(|c| !is_word(c)).filter(|w| w.len() > 1 && *w != name).collect();
    model::suggest::did_you_mean(name, words).map_or_else(
        || {
            "a function sees its parameters, its own `let`s and constants of the script (`global::NAME`)"
                .to_owned()
        },
        |near| format!("did you mean `{near}`?"),
    )
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn lower_first(text: &str) -> String {
    let mut chars = text.chars();
    match (chars.next(), chars.clone().next()) {
        // An acronym or a quoted name keeps its case.
        (Some(first), Some(second)) if !second.is_uppercase() => first.to_lowercase().chain(chars).collect(),
        _ => text.to_owned(),
    }
}
