//! `list`: the scenarios at hand.

use std::path::PathBuf;

use clap::Args;
use runner::{ExitCode, scenarios};
use script::Diagnostic;

use super::{Door, usage};
use crate::{columns::columns, out};

/// Where scenarios usually are.
const FOLDER: &str = "scenarios";

/// List the scenarios in a folder, each with its question
#[derive(Args, Debug)]
#[command(after_long_help = "\
Example:
  snapbench list scenarios")]
pub(crate) struct ListArgs {
    /// The folder [default: scenarios, or the current one]
    dir: Option<PathBuf>,

    /// Print them as JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn execute(args: &ListArgs, _door: Door) -> ExitCode {
    let usual = || if PathBuf::from(FOLDER).is_dir() { FOLDER.into() } else { ".".into() };
    let folder = args.dir.clone().unwrap_or_else(usual);
    let listed = match scenarios(&folder) {
        Ok(listed) => listed,
        Err(error) => {
            let complaint = Diagnostic::usage(format!("cannot list {}: {error}", folder.display()));
            return usage(&[complaint.help("name a folder with scripts (*.rhai)")]);
        }
    };
    if args.json {
        let entries = listed.iter().map(|one| {
            serde_json::json!({ "path": one.path.display().to_string(), "title": one.title, "question": one.question })
        });
        out::print(&format!("{:#}\n", serde_json::Value::Array(entries.collect())));
        return ExitCode::Good;
    }
    if listed.is_empty() {
        out::print(&format!(
            "no scripts (*.rhai) in {}; `snapbench new NAME` writes one\n",
            folder.display()
        ));
    }
    let rows = listed.iter().map(|one| {
        let what = if one.question.is_empty() { &one.title } else { &one.question };
        [one.path.display().to_string(), what.clone()]
    });
    out::print(&columns(rows));
    ExitCode::Good
}
