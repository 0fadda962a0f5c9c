//! `new`: a script to start from.

use std::{
    fs::File,
    io::{ErrorKind, Write as _},
    path::{Path, PathBuf},
};

use clap::Args;
use runner::ExitCode;
use script::Diagnostic;

use super::{Door, usage};
use crate::out;

/// The script that is written; `NAME` becomes its name.
const STARTER: &str = include_str!("starter.rhai");

/// Write a commented script to start from
///
/// The script runs as it is: a table of its own, reads and compare-and-swaps at a planned rate, thresholds.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Example:
  snapbench new my_queue && snapbench run my_queue.rhai")]
pub(crate) struct NewArgs {
    /// Name of the script, or a path
    name: PathBuf,
}

pub(crate) fn execute(args: &NewArgs, _door: Door) -> ExitCode {
    let path = args.name.with_extension("rhai");
    let Some(name) = word(&path) else {
        let complaint =
            Diagnostic::usage(format!("`{}` has no name to call a table by", args.name.display()));
        return usage(&[complaint.help("begin it with a letter, for example `snapbench new my_queue`")]);
    };
    let text = STARTER.replace("NAME", &name).replace("FILE", &path.display().to_string());
    let written = File::options().write(true).create_new(true).open(&path);
    match written.and_then(|mut file| file.write_all(text.as_bytes())) {
        Ok(()) => {
            let path = path.display();
            out::print(&format!("wrote {path}\n\n  snapbench inspect {path}\n  snapbench run {path}\n"));
            ExitCode::Good
        }
        Err(error) => {
            let complaint = Diagnostic::usage(format!("cannot write {}: {error}", path.display()));
            let help = match error.kind() {
                ErrorKind::AlreadyExists => "choose another name, or remove the file first",
                _ => "name a place in a folder that you may write",
            };
            usage(&[complaint.help(help)])
        }
    }
}

/// The file's name as part of an SQL name.
fn word(path: &Path) -> Option<String> {
    let stem = path.file_stem()?.to_str()?.to_lowercase();
    let word: String =
        stem.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).take(30).collect();
    word.starts_with(|c: char| c.is_ascii_alphabetic()).then_some(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_becomes_part_of_a_table_s_name() {
        assert_eq!(word(Path::new("a/My-Queue.rhai")).as_deref(), Some("my_queue"));
        assert_eq!(word(Path::new("2fast")), None);
        assert_eq!(word(Path::new("..")), None);
    }
}
