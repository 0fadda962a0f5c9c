//! What is printed for whole runs: made by the model's recorder, judged by the model's rules, snapshotted.

#![allow(clippy::print_stderr, clippy::unwrap_used, reason = "a test that cannot go on should say where")]

mod compared;
mod evidence;
mod head_row;
mod queues;
mod reports;
mod runs;
mod summaries;
mod swept;
