//! The script API as text: guides that are written by hand, and the doc comments of the bindings themselves.

pub(crate) mod calls;

use std::{borrow::Cow, fmt::Write as _};

use crate::{
    bindings::{self, Topic},
    limits,
};

/// What is told as a whole rather than function by function: name and Markdown, in the order of reading.
const GUIDES: [(&str, &str); 5] = [
    ("options", include_str!("docs/options.md")),
    ("thresholds", include_str!("docs/thresholds.md")),
    ("ledgers", include_str!("docs/ledgers.md")),
    ("values", include_str!("docs/values.md")),
    ("targets", include_str!("docs/targets.md")),
];

/// Signatures of every function scripts can call: `cas(table, key, expected)`.
#[must_use]
pub fn signatures() -> Vec<String> {
    bindings::topics().iter().flat_map(|t| functions(t).into_iter().map(|f| f.signature)).collect()
}

/// Names of the topics that [`render`] takes.
#[must_use]
pub fn topic_names() -> Vec<&'static str> {
    GUIDES.iter().map(|(name, _)| *name).chain(bindings::topics().iter().map(|t| t.name)).collect()
}

/// The API as Markdown: one topic, or all of them. `None` when there is no such topic.
#[must_use]
pub fn render(topic: Option<&str>) -> Option<String> {
    let is_wanted = |name: &str| topic.is_none_or(|wanted| wanted == name);
    let mut text = String::new();
    for (_, guide) in GUIDES.iter().filter(|(name, _)| is_wanted(name)) {
        let _ = writeln!(text, "{}", with_limits(guide));
    }
    for topic in bindings::topics().iter().filter(|t| is_wanted(t.name)) {
        let _ = writeln!(text, "# {}: {}\n", topic.name, topic.summary);
        for function in functions(topic) {
            let _ = writeln!(text, "## `{}`\n\n{}\n", function.signature, function.text);
        }
    }
    (!text.is_empty()).then_some(text)
}

/// The limits' figures for their names in braces: they differ from build to build.
fn with_limits(guide: &'static str) -> Cow<'static, str> {
    if !guide.contains("{CALL_LEVELS}") {
        return guide.into();
    }
    let figures = [
        ("{CALL_LEVELS}", limits::CALL_LEVELS_AT_MOST as u64),
        ("{EXPRESSION_TOP}", limits::EXPRESSION_DEPTH_AT_MOST.0 as u64),
        ("{EXPRESSION_FN}", limits::EXPRESSION_DEPTH_AT_MOST.1 as u64),
        ("{STRING_MIB}", limits::STRING_BYTES_AT_MOST as u64 >> 20),
        ("{ARRAY}", limits::ARRAY_ELEMENTS_AT_MOST as u64),
        ("{MAP}", limits::MAP_ENTRIES_AT_MOST as u64),
        ("{STEPS}", limits::OPERATIONS_AT_MOST),
        ("{STEPS_OPTIONS}", limits::OPERATIONS_OF_OPTIONS),
    ];
    let filled = figures.iter().fold(guide.to_owned(), |text, (name, figure)| {
        text.replace(name, &model::units::format_count(*figure))
    });
    filled.into()
}

/// The standard library's modules as Markdown: the comments that stand above their functions.
#[must_use]
pub fn render_stdlib() -> String {
    let mut text = String::new();
    for (name, source) in crate::library::BUILT_IN {
        let _ = writeln!(text, "# {name} (import \"{name}\" as {name};)\n");
        let mut comment: Vec<&str> = Vec::new();
        for line in source.lines() {
            if let Some(said) = line.strip_prefix("//") {
                comment.push(said.trim_start_matches('/').trim());
            } else {
                if let Some(signature) = line.strip_prefix("fn ") {
                    let signature = signature.split('{').next().unwrap_or(signature).trim();
                    let _ = writeln!(text, "## `{name}::{signature}`\n\n{}\n", comment.join("\n"));
                }
                comment.clear();
            }
        }
    }
    text
}

struct Function {
    name: String,
    parameters: usize,
    signature: String,
    text: String,
}

fn functions(topic: &Topic) -> Vec<Function> {
    let mut engine = rhai::Engine::new_raw();
    engine.register_global_module(topic.module.clone());
    let describe = |info: rhai::FuncInfo<'_>| {
        let meta = info.metadata;
        Some(Function {
            name: meta.name.to_string(),
            parameters: meta.params_info.len(),
            signature: signature(topic, meta),
            text: comment(meta),
        })
    };
    let mut found = engine.collect_fn_metadata(None, describe, false);
    // The same words with other types of arguments are one function to a reader; one of them has the text.
    found.sort_by(|a, b| (&a.signature, b.text.len()).cmp(&(&b.signature, a.text.len())));
    found.dedup_by(|a, b| a.signature == b.signature);
    found
}

fn signature(topic: &Topic, meta: &rhai::FuncMetadata) -> String {
    let params: Vec<String> = meta.params_info.iter().map(|p| parameter(p)).collect();
    if let Some(property) = meta.name.strip_prefix("get$") {
        return format!("{}.{property}", params.first().map_or("", |p| p.split(':').next().unwrap_or(p)));
    }
    let name = &meta.name;
    let prefix = if topic.is_namespace { format!("{}::", topic.name) } else { String::new() };
    format!("{prefix}{name}({})", params.join(", "))
}

/// `key: &str` becomes `key`: types of the host say nothing to a script's author.
fn parameter(info: &str) -> String {
    info.split(':').next().unwrap_or(info).trim().trim_start_matches('_').to_owned()
}

fn comment(meta: &rhai::FuncMetadata) -> String {
    let lines = meta.comments.iter().flat_map(|c| c.lines());
    let text: Vec<&str> =
        lines.map(|l| l.strip_prefix("///").map_or(l, |l| l.strip_prefix(' ').unwrap_or(l))).collect();
    text.join("\n").trim().to_owned()
}
