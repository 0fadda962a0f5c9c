//! Lines of a summary as they are put down: headings, paragraphs, tables, facts with dots.

use crate::page::Page;
use crate::style::{Style, Tone};
use crate::table::Table;
use crate::text::{one_line, shortened, width, wrapped};

/// Names with dots are at least and at most so wide.
const NAME_COLUMNS: (usize, usize) = (22, 40);

/// The lines so far.
pub(super) struct Sheet<'a> {
    text: String,
    page: &'a Page<'a>,
}

impl<'a> Sheet<'a> {
    pub(super) fn new(page: &'a Page<'a>) -> Self {
        Sheet { text: String::new(), page }
    }

    pub(super) fn finish(self) -> String {
        self.text
    }

    /// An empty line, unless there is one already.
    pub(super) fn blank(&mut self) {
        if !self.text.ends_with("\n\n") {
            self.text.push('\n');
        }
    }

    /// One line as it is.
    pub(super) fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    /// A section begins.
    pub(super) fn heading(&mut self, words: &str) {
        self.blank();
        let heading = format!("  █ {words}");
        self.line(&self.style().paint(Tone::Strong, &heading));
        self.blank();
    }

    /// Text behind `indent` spaces, broken into lines; an introduction stands out and further lines hang
    /// below the first word after it.
    pub(super) fn paragraph(&mut self, indent: usize, intro: Option<(&str, Tone)>, text: &str) {
        let (head, tone) = intro.unwrap_or(("", Tone::Strong));
        let head = &*shortened(head, self.page.columns / 2);
        let hang = if head.is_empty() { indent } else { indent + width(head) + 2 };
        let lines = wrapped(&one_line(text), self.page.columns.saturating_sub(hang).max(20));
        let gap = if head.is_empty() || lines.is_empty() { "" } else { "  " };
        let first = lines.first().map_or("", String::as_str);
        self.line(&format!("{}{}{gap}{first}", " ".repeat(indent), self.style().paint(tone, head)));
        lines.iter().skip(1).for_each(|line| self.line(&format!("{}{line}", " ".repeat(hang))));
    }

    /// A table behind four spaces.
    pub(super) fn table(&mut self, table: &Table) {
        for line in table.lines(self.style(), 4, self.page.columns) {
            self.line(&line);
        }
    }

    /// Facts as k6 lists them: `iterations.......: 30,000  100.00/s`.
    pub(super) fn facts(&mut self, facts: &[(String, String)]) {
        let (least, most) = NAME_COLUMNS;
        let columns = facts.iter().map(|(name, _)| width(name) + 2).max().unwrap_or(0).clamp(least, most);
        for (name, value) in facts {
            let name = one_line(name);
            let name = shortened(&name, columns);
            let dots = ".".repeat(columns - width(&name));
            let dots = self.style().paint(Tone::Faint, &dots).into_owned();
            self.line(&format!("    {name}{dots}: {value}"));
        }
    }

    pub(super) fn style(&self) -> Style {
        self.page.style
    }

    pub(super) fn columns(&self) -> usize {
        self.page.columns
    }
}
