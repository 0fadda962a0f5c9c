//! Markdown as it is put down: headings, paragraphs, lists, tables whose source is aligned.

use std::borrow::Cow;

use crate::text::{left, one_line, right, width};

/// The text so far.
#[derive(Default)]
pub(super) struct Doc {
    text: String,
}

impl Doc {
    pub(super) fn finish(self) -> String {
        self.text.trim_start().to_owned()
    }

    pub(super) fn heading(&mut self, level: usize, words: &str) {
        self.block(&format!("{} {words}", "#".repeat(level)));
    }

    /// A paragraph, already Markdown.
    pub(super) fn paragraph(&mut self, markdown: &str) {
        self.block(markdown);
    }

    /// A list of points, already Markdown.
    pub(super) fn list(&mut self, points: impl IntoIterator<Item = String>) {
        let points: Vec<String> = points.into_iter().map(|point| format!("- {point}")).collect();
        if !points.is_empty() {
            self.block(&points.join("\n"));
        }
    }

    /// Lines as they are, in a language or none.
    pub(super) fn code(&mut self, language: &str, lines: &str) {
        self.block(&format!("```{language}\n{}\n```", lines.trim_end()));
    }

    pub(super) fn table(&mut self, table: &Table) {
        self.block(&table.markdown());
    }

    fn block(&mut self, block: &str) {
        self.text.push('\n');
        self.text.push_str(block);
        self.text.push('\n');
    }
}

/// A table: titles of columns of figures begin with `>` and lean to the right.
pub(super) struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<String>>,
}

/// A column: its title, already Markdown, and whether it holds figures.
pub(super) struct Column {
    pub(super) title: String,
    pub(super) has_figures: bool,
}

impl Table {
    pub(super) fn new(titles: &[&str]) -> Self {
        let column = |title: &&str| Column {
            title: title.trim_start_matches('>').to_owned(),
            has_figures: title.starts_with('>'),
        };
        Table::of(titles.iter().map(column).collect())
    }

    pub(super) fn of(columns: Vec<Column>) -> Self {
        Table { columns, rows: Vec::new() }
    }

    /// A row of cells, already Markdown.
    pub(super) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().map(|cell| cell.trim_end().to_owned()).collect());
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    fn markdown(&self) -> String {
        let title = |column: usize| self.columns[column].title.as_str();
        let widths: Vec<usize> = (0..self.columns.len())
            .map(|column| {
                let cells = self.rows.iter().filter_map(|row| row.get(column)).map(|cell| width(cell));
                cells.chain([width(title(column)), 3]).max().unwrap_or(3)
            })
            .collect();
        let is_right = |column: usize| self.columns[column].has_figures;
        let line = |cell: &dyn Fn(usize) -> String| {
            let cells: Vec<String> = (0..self.columns.len()).map(cell).collect();
            format!("| {} |", cells.join(" | "))
        };
        let padded = |column: usize, text: &str| match is_right(column) {
            true => right(text, widths[column]),
            false => left(text, widths[column]),
        };
        let rule = |column: usize| match is_right(column) {
            true => format!("{}:", "-".repeat(widths[column] - 1)),
            false => "-".repeat(widths[column]),
        };
        let mut lines = vec![line(&|column| padded(column, title(column))), line(&rule)];
        for row in &self.rows {
            lines.push(line(&|column| padded(column, row.get(column).map_or("", String::as_str))));
        }
        lines.join("\n")
    }
}

/// Text from outside inside of a sentence or cell: on one line, and nothing in it is markup except
/// `` `code` ``, which messages use for names.
pub(super) fn plain(text: &str) -> String {
    let line = one_line(text);
    let mut out = String::with_capacity(line.len());
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        let opens_tag = c == '<' && chars.peek().is_some_and(|next| !next.is_whitespace() && *next != '=');
        match c {
            '|' | '*' | '[' | ']' | '\\' => out.extend(['\\', c]),
            _ if opens_tag => out.push_str("&lt;"),
            _ => out.push(c),
        }
    }
    out
}

/// A name or an expression as code; any backticks in it are kept.
pub(super) fn code(text: &str) -> String {
    let line = one_line(text);
    if line.is_empty() {
        return String::new();
    }
    // A bar ends a cell even inside of code.
    let line: Cow<'_, str> = if line.contains('|') { Cow::Owned(line.replace('|', "\\|")) } else { line };
    if line.contains('`') { format!("`` {line} ``") } else { format!("`{line}`") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_from_outside_becomes_markup() {
        assert_eq!(plain("a|b *c* <script> [x](y)\n# d"), "a\\|b \\*c\\* &lt;script> \\[x\\](y) # d");
        assert_eq!(plain("p(95) < 50ms, `push` <= 3"), "p(95) < 50ms, `push` <= 3");
        assert_eq!(code("a|b"), "`a\\|b`");
        assert_eq!(code("tick ` tick"), "`` tick ` tick ``");
        assert_eq!(code(" "), "");
    }

    #[test]
    fn the_source_of_a_table_is_aligned() {
        let mut table = Table::new(&["name", ">count"]);
        table.row(["`push`".into(), "1,200".into()]);
        table.row(["名".into()]);
        let mut doc = Doc::default();
        doc.table(&table);
        assert_eq!(
            doc.finish(),
            "| name   | count |\n| ------ | ----: |\n| `push` | 1,200 |\n| 名     |       |\n"
        );
    }
}
