//! What a run knows beside client figures (series of probes, faults, gates, marks), put in order and into
//! phrases for the terminal and the report.
//!
//! Deliberately computes no figure: it sorts, counts and words what the run file and the event file hold.

mod compared;
mod groups;
mod healed;
mod marks;
mod phrases;
mod swept;

pub(crate) use compared::{
    decides, manner, pair_mark, pair_sentence, rows as compared_rows, servers as compared_servers,
};
pub(crate) use groups::{Group, Kind, LAST, Seen, groups};
pub(crate) use healed::{course, errors, healing, outage};
pub(crate) use marks::{kind_of, tally};
pub(crate) use phrases::{
    decision, fault_mark, fault_span, gates_of, is_figure_column, own_reasons, probe_share, probes_cost,
    reason_mark, recoveries,
};
pub(crate) use swept::{
    finding as swept_finding, manner as swept_manner, row as swept_row, titles as swept_titles,
};
