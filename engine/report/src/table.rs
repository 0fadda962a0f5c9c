//! Columns of text for the terminal: as wide as their widest cell, no wider than the line.
//!
//! Words are shortened when a row would not fit, the widest column of them first; figures never are.

use crate::style::{Style, Tone};
use crate::text::{left, right, shortened, width};

/// To which side a column's cells lean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    /// Words: they lean to the left and are shortened to no less than so many columns.
    Words(usize),
    /// Figures: they lean to the right and are never shortened.
    Figures,
}

/// One cell and what it is for.
#[derive(Debug, Clone)]
pub(crate) struct Cell {
    text: String,
    tone: Option<Tone>,
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Self {
        Cell { text: text.into(), tone: None }
    }
}

impl Cell {
    /// A cell that stands out.
    pub(crate) fn toned(text: impl Into<String>, tone: Tone) -> Self {
        Cell { text: text.into(), tone: Some(tone) }
    }
}

/// Rows of the same columns.
#[derive(Debug)]
pub(crate) struct Table {
    sides: Vec<Side>,
    rows: Vec<Vec<Cell>>,
}

/// Between two columns.
const GAP: usize = 2;

impl Table {
    /// A table of columns that lean to these sides.
    pub(crate) fn new(sides: impl Into<Vec<Side>>) -> Self {
        Table { sides: sides.into(), rows: Vec::new() }
    }

    /// Adds a row; cells beyond the last column are left out, missing ones stay empty.
    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = Cell>) {
        self.rows.push(cells.into_iter().take(self.sides.len()).collect());
    }

    /// Adds a row of faint column titles.
    pub(crate) fn titles(&mut self, titles: &[&str]) {
        self.row(titles.iter().map(|title| Cell::toned(*title, Tone::Faint)));
    }

    /// The rows as lines of at most `columns` (when the words can give that much), each behind `indent`
    /// spaces, none with spaces at its end.
    pub(crate) fn lines(&self, style: Style, indent: usize, columns: usize) -> Vec<String> {
        let mut widths: Vec<usize> = (0..self.sides.len()).map(|column| self.widest(column)).collect();
        let gaps = GAP * widths.len().saturating_sub(1);
        let mut excess = (indent + gaps + widths.iter().sum::<usize>()).saturating_sub(columns);
        while excess > 0 {
            let words = widths
                .iter_mut()
                .zip(&self.sides)
                .filter(|(width, side)| matches!(side, Side::Words(least) if **width > *least));
            let Some((widest, _)) = words.max_by_key(|(width, _)| **width) else { break };
            *widest -= 1;
            excess -= 1;
        }
        self.rows.iter().map(|row| self.line(row, &widths, style, indent)).collect()
    }

    fn widest(&self, column: usize) -> usize {
        self.rows.iter().filter_map(|row| row.get(column)).map(|cell| width(&cell.text)).max().unwrap_or(0)
    }

    fn line(&self, row: &[Cell], widths: &[usize], style: Style, indent: usize) -> String {
        let mut line = " ".repeat(indent);
        for (index, (cell, (&side, &columns))) in row.iter().zip(self.sides.iter().zip(widths)).enumerate() {
            let text = shortened(&cell.text, columns);
            let padded = match side {
                Side::Words(_) => left(&text, columns),
                Side::Figures => right(&text, columns),
            };
            if index > 0 {
                line.push_str(&" ".repeat(GAP));
            }
            match cell.tone {
                Some(tone) => line.push_str(&style.paint(tone, &padded)),
                None => line.push_str(&padded),
            }
        }
        line.truncate(line.trim_end().len());
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table = Table::new([Side::Words(12), Side::Figures, Side::Figures]);
        table.titles(&["", "count", "max"]);
        table.row(["push".into(), "1,200".into(), "1.00s ".into()]);
        table.row(["a_very_long_operation_name".into(), "3".into(), Cell::toned("2.00ms", Tone::Bad)]);
        table
    }

    #[test]
    fn columns_lean_to_their_side_and_leave_no_space_at_the_end() {
        let lines = table().lines(Style::Plain, 2, 100);
        assert_eq!(lines[0], "                              count     max");
        assert_eq!(lines[1], "  push                        1,200  1.00s");
        assert_eq!(lines[2], "  a_very_long_operation_name      3  2.00ms");
    }

    #[test]
    fn only_words_give_way() {
        let lines = table().lines(Style::Plain, 2, 30);
        assert_eq!(lines[1], "  push           1,200  1.00s");
        assert_eq!(lines[2], "  a_very…n_name      3  2.00ms");
        assert!(lines.iter().all(|line| width(line) <= 30), "{lines:#?}");
    }

    #[test]
    fn colour_changes_no_width() {
        let plain = table().lines(Style::Plain, 0, 80);
        let colour = table().lines(Style::Colour, 0, 80);
        assert_eq!(colour[2].replace("\x1b[31m", "").replace("\x1b[0m", ""), plain[2]);
    }
}
