//! Comparisons on the terminal: the sides' figures beside each other, and what they decide.

use model::runfile::{ComparisonRecord, RunFile};

use super::sheet::Sheet;
use crate::evidence::{compared_rows, decides, manner, pair_mark, pair_sentence};
use crate::style::Tone;
use crate::table::{Cell, Side, Table};
use crate::text::one_line;

/// Every comparison of the run.
pub(super) fn comparisons(run: &RunFile, sheet: &mut Sheet<'_>) {
    if run.comparisons.is_empty() {
        return;
    }
    sheet.heading("COMPARISONS");
    for (n, record) in run.comparisons.iter().enumerate() {
        if n > 0 {
            sheet.blank();
        }
        let name = one_line(&record.name);
        sheet.paragraph(4, Some((&name, Tone::Strong)), &manner(record));
        sheet.table(&table(record));
        for pair in &record.pairs {
            let (mark, tone) = pair_mark(pair);
            sheet.paragraph(6, Some((mark, tone)), &pair_sentence(record, pair));
        }
    }
}

fn table(record: &ComparisonRecord) -> Table {
    let sides: Vec<Side> =
        std::iter::once(Side::Words(20)).chain(record.sides.iter().map(|_| Side::Figures)).collect();
    let mut table = Table::new(sides);
    let names = record.sides.iter().map(|side| Cell::toned(one_line(&side.name), Tone::Faint));
    table.row(std::iter::once(Cell::from(String::new())).chain(names));
    for (title, figures) in compared_rows(record) {
        let tone = decides(record, &title);
        let cell = |figure: String| if tone { Cell::toned(figure, Tone::Strong) } else { Cell::from(figure) };
        table.row(std::iter::once(Cell::from(format!("  {title}"))).chain(figures.into_iter().map(cell)));
    }
    table
}
