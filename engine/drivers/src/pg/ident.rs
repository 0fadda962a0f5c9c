//! Identifiers as SQL takes them without misreading any.

/// Puts a name into double quotes, doubling those inside it.
pub(crate) fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Quotes `name` or `schema.name`. A part that stands in double quotes already is taken as it is, dots
/// included.
pub(crate) fn quote_path(path: &str) -> String {
    parts(path).iter().map(|part| quote(part)).collect::<Vec<_>>().join(".")
}

/// The last part of a path, not quoted.
pub(crate) fn last_part(path: &str) -> String {
    parts(path).pop().unwrap_or_default()
}

fn parts(path: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut is_quoted = false;
    let mut characters = path.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '"' if is_quoted && characters.peek() == Some(&'"') => {
                characters.next();
                push(&mut parts, '"');
            }
            '"' => is_quoted = !is_quoted,
            '.' if !is_quoted => parts.push(String::new()),
            other => push(&mut parts, other),
        }
    }
    parts
}

fn push(parts: &mut [String], character: char) {
    if let Some(last) = parts.last_mut() {
        last.push(character);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_break_out() {
        assert_eq!(quote(r#"a"; DROP TABLE t; --"#), r#""a""; DROP TABLE t; --""#);
        assert_eq!(quote_path("public.run_head"), r#""public"."run_head""#);
        assert_eq!(quote_path(r#""odd.name"."a""b""#), r#""odd.name"."a""b""#);
        assert_eq!(last_part("public.run_head"), "run_head");
    }
}
