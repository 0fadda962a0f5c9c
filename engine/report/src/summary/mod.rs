//! The end-of-run summary on the terminal, laid out as people know it from k6: THRESHOLDS, TOTAL RESULTS,
//! names with dots; and where k6 has rows of `avg= min= …`, a table whose columns can be compared.
//!
//! The verdict stands last, where the eye is when the prompt comes back. Deliberately computes no figure:
//! what the run file does not hold is not shown.

mod compared;
mod context;
mod judged;
mod seen;
mod sheet;
mod swept;
mod times;
mod totals;

use model::runfile::{RunFile, RunState, Summary};

use crate::page::Page;
use crate::style::Tone;
use crate::text::one_line;
use crate::verdict::verdict;
use crate::words::{chosen_parameters, extent};
use sheet::Sheet;

/// The summary of a run, finished or not, with a line end.
pub fn summary(run: &RunFile, page: &Page<'_>) -> String {
    let mut sheet = Sheet::new(page);
    title(run, &mut sheet);
    judged::thresholds(run, &mut sheet);
    judged::gates(run, &mut sheet);
    judged::ledgers(run, &mut sheet);
    match &run.summary {
        Some(figures) => results(run, figures, &mut sheet),
        None => no_results(run, page, &mut sheet),
    }
    seen::server(run, &mut sheet);
    seen::faults(run, &mut sheet);
    compared::comparisons(run, &mut sheet);
    swept::sweeps(run, &mut sheet);
    seen::tables(run, &mut sheet);
    context::labels(run, &mut sheet);
    context::warnings(run, &mut sheet);
    context::servers(run, &mut sheet);
    context::files(run, page, &mut sheet);
    let verdict = verdict(run);
    sheet.blank();
    let head = format!("{} {}", verdict.standing.mark(), verdict.word);
    sheet.paragraph(2, Some((&head, verdict.standing.tone())), &verdict.sentence);
    sheet.finish()
}

fn title(run: &RunFile, sheet: &mut Sheet<'_>) {
    let name = if run.scenario.name.is_empty() { "run" } else { &run.scenario.name };
    let parameters = chosen_parameters(run).join(" ");
    sheet.blank();
    sheet.paragraph(2, Some((&one_line(name), Tone::Strong)), &parameters);
    sheet.paragraph(2, None, &extent(run));
}

fn results(run: &RunFile, figures: &Summary, sheet: &mut Sheet<'_>) {
    sheet.heading("TOTAL RESULTS");
    times::table(figures, sheet);
    totals::facts(run, figures, sheet);
    totals::scenarios(figures, sheet);
    totals::checks(figures, sheet);
    totals::metrics(figures, sheet);
    context::failures(figures, sheet);
}

fn no_results(run: &RunFile, page: &Page<'_>, sheet: &mut Sheet<'_>) {
    sheet.heading("TOTAL RESULTS");
    match run.state {
        RunState::Running => {
            let command = format!("snapbench report {}", page.directory);
            let why = "none in run.json: the run still goes on or was killed. What was measured is in timeline.csv \
                       and histograms.hlog; this reads it:";
            sheet.paragraph(4, None, why);
            sheet.line(&format!("    {command}"));
        }
        _ => sheet.paragraph(4, None, "none: the run ended before anything was measured"),
    }
}
