//! Comparisons on the page: the sides' figures beside each other, what they decide, and the turns they come from.

use model::runfile::{ComparisonRecord, RunFile, TurnRecord};

use super::doc::{Column, Doc, Table, plain};
use crate::evidence::{compared_rows, compared_servers, manner, pair_mark, pair_sentence};

/// Every comparison of the run.
pub(super) fn section(run: &RunFile, doc: &mut Doc) {
    if run.comparisons.is_empty() {
        return;
    }
    doc.heading(2, "Comparisons");
    doc.paragraph(
        "Sides take turns (A B B A, then B A A B …) and are compared within each round. Intervals are those of \
         Student's t over the rounds' logarithms; their confidence is such that all decisions of this run together have \
         95 %. A rate is the virtual users over the mean time of an iteration.",
    );
    for record in &run.comparisons {
        doc.heading(3, &plain(&record.name));
        doc.paragraph(&format!("{}.", plain(&manner(record))));
        doc.table(&table(run, record));
        doc.list(record.pairs.iter().map(|pair| {
            let (mark, _) = pair_mark(pair);
            format!("**{mark}** {}", plain(&pair_sentence(record, pair)))
        }));
        turns(record, doc);
    }
}

fn columns(first: &str, record: &ComparisonRecord) -> Vec<Column> {
    let title = Column { title: first.to_owned(), has_figures: false };
    let side = |side: &model::runfile::SideRecord| Column { title: plain(&side.name), has_figures: true };
    std::iter::once(title).chain(record.sides.iter().map(side)).collect()
}

fn table(run: &RunFile, record: &ComparisonRecord) -> Table {
    let mut table = Table::of(columns("", record));
    for (title, figures) in compared_rows(record).into_iter().chain(compared_servers(run, record)) {
        table.row(std::iter::once(plain(&title)).chain(figures.iter().map(|figure| plain(figure))));
    }
    table
}

/// A turn that counts for nothing has a mark.
fn figure(turn: &TurnRecord, record: &ComparisonRecord) -> String {
    let mark = if turn.disturbed { " (disturbed)" } else { "" };
    format!("{}{mark}", crate::number(turn.figure(record.decide_by)))
}

/// What decides, turn by turn: whoever doubts a decision looks here.
fn turns(record: &ComparisonRecord, doc: &mut Doc) {
    let mut table = Table::of(columns(&format!("round: {}", record.decide_by.as_str()), record));
    for round in 1..=record.rounds {
        let of = |side: &model::runfile::SideRecord| {
            let turns = side.turns.iter().filter(|turn| turn.round == round);
            let figures: Vec<String> = turns.map(|turn| figure(turn, record)).collect();
            if figures.is_empty() { "-".to_owned() } else { figures.join(", ") }
        };
        table.row(std::iter::once(round.to_string()).chain(record.sides.iter().map(of)));
    }
    doc.table(&table);
}
