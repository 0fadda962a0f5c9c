//! Where in a script's text an option stands.
//!
//! Deliberately absent: places of code, which the parser knows (see `diagnostic`).

use std::sync::Arc;

use crate::diagnostic::Place;

/// The place in `options` where the last of `keys` stands, each looked for inside the value of the one before it.
pub(crate) fn place_of_key(file: &str, text: &Arc<str>, keys: &[&str]) -> Option<Place> {
    let mut at = text.find("fn options").unwrap_or(0);
    let mut end = text.len();
    for (n, key) in keys.iter().enumerate() {
        if n > 0 {
            end = at + value_length(&text[at..end]);
        }
        at += find_key(&text[at..end], key)?;
    }
    let before = &text[..at];
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or(before).chars().count() + 1;
    let length = keys.last().map_or(1, |k| k.chars().count());
    Some(Place { file: file.to_owned(), text: text.clone(), line, column, length })
}

/// How far the value reaches that begins in `text` behind a key: to the bracket that closes it, or to the line's end.
/// Brackets inside of strings are taken for brackets, which may make a place less exact, never wrong about the line.
fn value_length(text: &str) -> usize {
    let mut depth = 0;
    for (at, c) in text.char_indices() {
        match c {
            '{' | '[' | '(' => depth += 1,
            '}' | ']' | ')' => {
                depth -= 1;
                if depth <= 0 {
                    return at;
                }
            }
            '\n' if depth == 0 => return at,
            _ => {}
        }
    }
    text.len()
}

/// Byte offset of `key` used as a map key (`key:` or `"key":`).
fn find_key(text: &str, key: &str) -> Option<usize> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(key).map(|(at, _)| at).find(|at| {
        let before = text[..*at].chars().next_back();
        let rest = text[at + key.len()..].trim_start_matches('"').trim_start();
        !before.is_some_and(is_word) && rest.starts_with(':') && !rest.starts_with("::")
    })
}
