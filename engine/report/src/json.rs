//! The machine's form of a result: the run file itself, nothing added and nothing left out.

use model::runfile::RunFile;

/// The run file as indented JSON with a line end: the same text as `run.json`.
pub fn json(run: &RunFile) -> String {
    run.to_json()
}
