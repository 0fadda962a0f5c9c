//! No file quietly past 400 lines. One that must be longer says so in a line of its own, with the reason.

use std::path::Path;

use crate::Breach;

/// Lines a file may have.
const LINES_AT_MOST: usize = 400;

/// The words that lift the rule for one file; a reason follows.
const EXCUSE: &str = "tidy: long because";

/// Whether the file is longer than it may be.
pub(crate) fn check(file: &Path, text: &str) -> Option<Breach> {
    let lines = text.lines().count();
    if lines <= LINES_AT_MOST || text.contains(EXCUSE) {
        return None;
    }
    let message = format!(
        "{lines} lines: split it by ideas (at most {LINES_AT_MOST}), or say `{EXCUSE} …` in a comment"
    );
    Some(Breach { file: file.to_path_buf(), message })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_file_needs_an_excuse() {
        let long = "x\n".repeat(LINES_AT_MOST + 1);
        let file = Path::new("engine/load/src/lib.rs");
        assert!(check(file, &long).is_some());
        assert!(check(file, &format!("{long}// {EXCUSE} it is a table\n")).is_none());
        assert!(check(file, "short\n").is_none());
    }
}
