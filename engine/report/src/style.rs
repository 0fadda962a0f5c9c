//! Whether text may carry colour, and what the few colours mean.
//!
//! Deliberately does not know whether there is a terminal: the caller decides and passes a [`Style`].

use std::borrow::Cow;

/// How text is dressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Style {
    /// Characters only: files, pipes, tests.
    #[default]
    Plain,
    /// ANSI colours, the sixteen every terminal has.
    Colour,
}

/// What a piece of text is for; the colour follows from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    /// It holds.
    Good,
    /// It does not.
    Bad,
    /// Look here.
    Warn,
    /// A heading.
    Strong,
    /// There for completeness.
    Faint,
}

impl Tone {
    const fn code(self) -> &'static str {
        match self {
            Tone::Good => "32",
            Tone::Bad => "31",
            Tone::Warn => "33",
            Tone::Strong => "1",
            Tone::Faint => "2",
        }
    }
}

impl Style {
    /// The text in the colour of its tone. Spaces at both ends stay outside, so that padding is not dressed.
    pub(crate) fn paint(self, tone: Tone, text: &str) -> Cow<'_, str> {
        let core = text.trim_matches(' ');
        if self == Style::Plain || core.is_empty() {
            return Cow::Borrowed(text);
        }
        let start = text.len() - text.trim_start_matches(' ').len();
        let end = start + core.len();
        Cow::Owned(format!("{}\x1b[{}m{core}\x1b[0m{}", &text[..start], tone.code(), &text[end..]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_is_left_alone() {
        assert_eq!(Style::Plain.paint(Tone::Bad, " no "), " no ");
    }

    #[test]
    fn colour_dresses_the_word_and_not_its_padding() {
        assert_eq!(Style::Colour.paint(Tone::Bad, "  no "), "  \x1b[31mno\x1b[0m ");
        assert_eq!(Style::Colour.paint(Tone::Good, "   "), "   ");
    }
}
