//! Short lists in columns: as wide as their widest cell, two spaces between.

/// Rows of cells, indented, each column left-aligned; trailing empty cells leave no space behind.
pub(crate) fn columns<const N: usize>(rows: impl IntoIterator<Item = [String; N]>) -> String {
    let rows: Vec<[String; N]> = rows.into_iter().collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..N).map(width).collect();
    let line = |row: &[String; N]| {
        let cells = row.iter().zip(&widths).filter(|(_, width)| **width > 0);
        let cells: Vec<String> = cells.map(|(cell, width)| format!("{cell:<width$}")).collect();
        format!("  {}", cells.join("  ")).trim_end().to_owned() + "\n"
    };
    rows.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_stand_under_each_other_and_empty_columns_vanish() {
        let rows = [
            ["a".to_owned(), String::new(), "one".to_owned()],
            ["long".to_owned(), String::new(), String::new()],
        ];
        assert_eq!(columns(rows), "  a     one\n  long\n");
        assert_eq!(columns::<2>([]), "");
    }
}
