//! Sweeps on the page: a row a step, and where the rate stops to grow.

use model::runfile::RunFile;

use super::doc::{Column, Doc, Table, plain};
use crate::evidence::{swept_finding, swept_manner, swept_row, swept_titles};

/// Every sweep of the run.
pub(super) fn section(run: &RunFile, doc: &mut Doc) {
    for record in &run.sweeps {
        doc.heading(2, &format!("Sweep of {}", plain(&record.param)));
        doc.paragraph(&format!("{}.", plain(&swept_manner(record))));
        if !record.steps.is_empty() {
            let titles = swept_titles(record);
            let last = titles.len() - 1;
            let column = |(n, title): (usize, &String)| Column { title: plain(title), has_figures: n < last };
            let mut table = Table::of(titles.iter().enumerate().map(column).collect());
            record.steps.iter().for_each(|step| table.row(swept_row(step).iter().map(|cell| plain(cell))));
            doc.table(&table);
        }
        if run.summary.is_none() {
            doc.paragraph(
                "Its steps were not summed up. Their iterations stand below, step by step, as far as they were written; \
                 rates there are over the whole measured window, not over a step.",
            );
        }
        if let Some((mark, _, sentence)) = swept_finding(record) {
            doc.paragraph(&format!("**{mark}** {}", plain(sentence)));
        }
        if record.values.iter().all(|value| value.number().is_some()) {
            doc.paragraph(
                "The plateau is the level of the highest steps that cannot be told from each other, the knee the smallest \
                 value within the margin of it. Intervals are those of a moving-block bootstrap over the seconds of each step.",
            );
        }
    }
}
