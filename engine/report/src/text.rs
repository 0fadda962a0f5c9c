//! Text as a terminal shows it: width in columns, padding, shortening, one line.
//!
//! Names and messages come from scripts and servers, so they may be long, wide (CJK, emoji) or hold
//! control characters that would move the cursor.

use std::borrow::Cow;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Columns the text takes.
pub(crate) fn width(text: &str) -> usize {
    text.width()
}

/// The text on one line: line ends and tabs become a space, other control characters `?`.
pub(crate) fn one_line(text: &str) -> Cow<'_, str> {
    if !text.contains(char::is_control) {
        return Cow::Borrowed(text.trim());
    }
    let visible = |c: char| {
        if c.is_whitespace() {
            ' '
        } else if c.is_control() {
            '?'
        } else {
            c
        }
    };
    let line: String = text.chars().map(visible).collect();
    Cow::Owned(line.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// The text in at most `columns`, its middle left out (`customer_orde…_by_priority`): the ends of names
/// tell them apart.
pub(crate) fn shortened(text: &str, columns: usize) -> Cow<'_, str> {
    if width(text) <= columns {
        return Cow::Borrowed(text);
    }
    let kept = columns.saturating_sub(1);
    let tail: String = {
        let mut chars: Vec<char> = fitting(text.chars().rev(), kept / 2);
        chars.reverse();
        chars.into_iter().collect()
    };
    let head: String = fitting(text.chars(), kept - width(&tail)).into_iter().collect();
    Cow::Owned(format!("{head}…{tail}"))
}

/// As many leading characters as fit into `columns`.
fn fitting(chars: impl Iterator<Item = char>, columns: usize) -> Vec<char> {
    let mut used = 0;
    chars
        .take_while(|c| {
            used += c.width().unwrap_or(0);
            used <= columns
        })
        .collect()
}

/// The text filled with spaces on its right.
pub(crate) fn left(text: &str, columns: usize) -> String {
    format!("{text}{}", " ".repeat(columns.saturating_sub(width(text))))
}

/// The text filled with spaces on its left.
pub(crate) fn right(text: &str, columns: usize) -> String {
    format!("{}{text}", " ".repeat(columns.saturating_sub(width(text))))
}

/// The text broken at spaces into lines of at most `columns`; a word that is longer is broken anywhere.
pub(crate) fn wrapped(text: &str, columns: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace().flat_map(|word| pieces(word, columns.max(2))) {
        match lines.last_mut() {
            Some(line) if width(line) + 1 + width(&word) <= columns => {
                line.push(' ');
                line.push_str(&word);
            }
            _ => lines.push(word),
        }
    }
    lines
}

/// A word in pieces of at most `columns` (at least 2, so that a wide character fits).
fn pieces(word: &str, columns: usize) -> Vec<String> {
    let mut pieces = vec![String::new()];
    for c in word.chars() {
        let last = pieces.last_mut().expect("there is a piece from the start");
        if width(last) + c.width().unwrap_or(0) > columns {
            pieces.push(c.to_string());
        } else {
            last.push(c);
        }
    }
    pieces
}

/// `1 core`, `2 cores`.
pub(crate) fn plural(count: u64, one: &str, many: &str) -> String {
    format!("{} {}", model::units::format_count(count), if count == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_name_keeps_both_ends_and_the_width() {
        assert_eq!(shortened("push", 4), "push");
        assert_eq!(shortened("customer_orders_by_priority", 13), "custom…iority");
        assert_eq!(shortened("abc", 1), "…");
        for columns in 1..30 {
            assert!(width(&shortened("名前がとても長い操作_with_ascii", columns)) <= columns);
        }
    }

    #[test]
    fn padding_counts_columns_and_not_characters() {
        assert_eq!(left("名", 4), "名  ");
        assert_eq!(right("µs", 4), "  µs");
        assert_eq!(right("longer", 3), "longer");
    }

    #[test]
    fn control_characters_cannot_reach_the_terminal() {
        assert_eq!(one_line("a\r\nb\tc\x1b[31m"), "a b c?[31m");
        assert_eq!(one_line("  plain "), "plain");
    }

    #[test]
    fn wrapping_breaks_at_spaces_and_in_words_that_fit_no_line() {
        assert_eq!(wrapped("one two three", 7), ["one two", "three"]);
        assert_eq!(wrapped("a extraordinary b", 5), ["a", "extra", "ordin", "ary b"]);
        assert_eq!(wrapped("名前名前", 5), ["名前", "名前"]);
        assert!(wrapped("  ", 5).is_empty());
    }
}
