//! What the caller decides about a text: its dress, its width, and where the run's files are.

use crate::style::Style;

/// How a summary is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page<'a> {
    /// Colour or not.
    pub style: Style,
    /// The width of a line. Figures are never cut, so very narrow pages overflow.
    pub columns: usize,
    /// The run's directory, as the reader would type it.
    pub directory: &'a str,
}

impl<'a> Page<'a> {
    /// The width that every terminal can be given.
    pub const COLUMNS: usize = 100;

    /// A plain page of the usual width.
    pub fn plain(directory: &'a str) -> Self {
        Page { style: Style::Plain, columns: Page::COLUMNS, directory }
    }
}
