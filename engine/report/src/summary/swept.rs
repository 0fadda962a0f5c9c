//! Sweeps on the terminal: a row a step, and where the rate stops to grow.

use model::runfile::{RunFile, SweepRecord};

use super::sheet::Sheet;
use crate::evidence::{swept_finding, swept_manner, swept_row, swept_titles};
use crate::style::Tone;
use crate::table::{Cell, Side, Table};
use crate::text::one_line;

/// Every sweep of the run.
pub(super) fn sweeps(run: &RunFile, sheet: &mut Sheet<'_>) {
    for record in &run.sweeps {
        sheet.heading("SWEEP");
        let name = one_line(&record.param);
        sheet.paragraph(4, Some((&name, Tone::Strong)), &swept_manner(record));
        if !record.steps.is_empty() {
            sheet.table(&table(record));
        }
        if let Some((mark, tone, sentence)) = swept_finding(record) {
            sheet.paragraph(6, Some((mark, tone)), sentence);
        }
    }
}

fn table(record: &SweepRecord) -> Table {
    let titles = swept_titles(record);
    let mut sides = vec![Side::Figures; titles.len() - 1];
    sides.push(Side::Words(8));
    let mut table = Table::new(sides);
    let titles: Vec<_> = titles.iter().map(|title| one_line(title)).collect();
    table.titles(&titles.iter().map(AsRef::as_ref).collect::<Vec<_>>());
    for step in &record.steps {
        table.row(swept_row(step).into_iter().enumerate().map(|(column, cell)| match column {
            1 => Cell::toned(cell, Tone::Strong),
            _ => Cell::from(one_line(&cell).into_owned()),
        }));
    }
    table
}
