//! What the run decides: gates, the script's own tables, and what any of it is valid for.

use model::runfile::{ReportTable, RunFile};

use super::doc::{Column, Doc, Table, plain};
use super::findings::conditions;
use crate::evidence::{decision, gates_of, is_figure_column, own_reasons, reason_mark};
use crate::words::extent;

/// The gates, each with its decision, its sentence, its thresholds, and what else speaks against it.
pub(super) fn gates(run: &RunFile, doc: &mut Doc) {
    let gates = gates_of(run);
    if gates.is_empty() {
        return;
    }
    doc.heading(2, "Decision");
    for (gate, thresholds) in &gates {
        let decision = decision(gate.passed);
        let name = plain(&gate.name);
        let sentence = plain(gate.sentence.trim_end_matches('.'));
        let gap = if sentence.is_empty() { "" } else { ": " };
        doc.paragraph(&format!("**{} {}** {name}{gap}{sentence}.", decision.mark, decision.word));
        doc.list(own_reasons(gate, thresholds).into_iter().map(|reason| match reason_mark(run, reason) {
            "-" => plain(reason),
            mark => format!("{mark} {}", plain(reason)),
        }));
        if !thresholds.is_empty() {
            conditions(thresholds, doc);
        }
    }
}

/// The tables that the script made.
pub(super) fn tables(run: &RunFile, doc: &mut Doc) {
    for one in &run.tables {
        let title = plain(&one.title);
        doc.heading(2, if title.is_empty() { "Report" } else { &title });
        match one.rows.is_empty() {
            true => doc.paragraph("No rows."),
            false => doc.table(&table(one)),
        }
        one.notes.iter().for_each(|note| doc.paragraph(&plain(note)));
    }
}

fn table(one: &ReportTable) -> Table {
    let of = |column: usize| one.rows.iter().filter_map(move |row| row.get(column)).map(String::as_str);
    let column = |(index, title): (usize, &String)| Column {
        title: plain(title),
        has_figures: is_figure_column(of(index)),
    };
    let mut table = Table::of(one.columns.iter().enumerate().map(column).collect());
    one.rows.iter().for_each(|row| table.row(row.iter().map(|cell| plain(cell))));
    table
}

/// What the charts and figures above are not valid for, said where they stand.
pub(super) fn stamp(run: &RunFile, doc: &mut Doc) {
    if !run.label.shape_only.is_empty() {
        doc.paragraph("Shape only: curves, ratios and sizes are valid, times and rates are not.");
    }
}

/// The ground rules that such figures are read by, and what they mean for this run.
pub(super) fn validity(run: &RunFile, doc: &mut Doc) {
    doc.heading(2, "What this is valid for");
    let here = match run.label.shape_only.is_empty() {
        false => "This run is stamped SHAPE ONLY: its absolute figures are not to be quoted",
        true => {
            "The target of this run counts as representative: its absolute figures hold for hardware like it"
        }
    };
    let mut rules = vec![format!(
        "Results about shape, correctness and ratio are valid on any machine, absolute figures only on \
         representative hardware. {here}."
    )];
    if !run.label.generator_bound.is_empty() {
        rules.push(
            "It is stamped GENERATOR-BOUND: latencies and rates may be those of the generator.".to_owned(),
        );
    }
    rules.push("Latencies are percentiles (p50, p99, p99.9) of merged histograms, not means.".to_owned());
    rules.push(format!(
        "One trial: {}. A difference between two runs is judged over repeated trials.",
        extent(run)
    ));
    rules.push(
        "The raw data are kept beside this page; what each figure means is in METHODOLOGY.md.".to_owned(),
    );
    doc.list(rules);
}
