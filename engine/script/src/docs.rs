//! The script API as text, from the doc comments of the bindings themselves.

use std::fmt::Write as _;

use crate::bindings::{self, Topic};

/// Signatures of every function scripts can call: `cas(table, key, expected)`.
#[must_use]
pub fn signatures() -> Vec<String> {
    bindings::topics().iter().flat_map(|t| functions(t).into_iter().map(|f| f.signature)).collect()
}

/// Names of the topics that [`render`] takes.
#[must_use]
pub fn topic_names() -> Vec<&'static str> {
    bindings::topics().iter().map(|t| t.name).collect()
}

/// The API as Markdown: one topic, or all of them. `None` when there is no such topic.
#[must_use]
pub fn render(topic: Option<&str>) -> Option<String> {
    let topics = bindings::topics();
    let wanted: Vec<&Topic> = topics.iter().filter(|t| topic.is_none_or(|name| t.name == name)).collect();
    if wanted.is_empty() {
        return None;
    }
    let mut text = String::new();
    for topic in wanted {
        let _ = writeln!(text, "# {}: {}\n", topic.name, topic.summary);
        for function in functions(topic) {
            let _ = writeln!(text, "## `{}`\n\n{}\n", function.signature, function.text);
        }
    }
    Some(text)
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
    signature: String,
    text: String,
}

fn functions(topic: &Topic) -> Vec<Function> {
    let mut engine = rhai::Engine::new_raw();
    engine.register_global_module(topic.module.clone());
    let describe = |info: rhai::FuncInfo<'_>| {
        Some(Function { signature: signature(topic, info.metadata), text: comment(info.metadata) })
    };
    let mut found = engine.collect_fn_metadata(None, describe, false);
    found.sort_by(|a, b| a.signature.cmp(&b.signature));
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
