//! What is printed for whole runs: made by the model's recorder, judged by the model's rules, snapshotted.

mod reports;
mod runs;
mod summaries;
