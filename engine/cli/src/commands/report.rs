//! `report`: a run once more, also one that was killed.

use std::path::PathBuf;

use clap::Args;
use runner::{ExitCode, read_run};
use script::Diagnostic;

use super::{Door, usage};
use crate::out;

/// Report on a run from its directory
///
/// Prints Markdown. A run that was killed is reported from what it wrote second by second, and what is missing is
/// named at the top.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Example:
  snapbench report results/20260131T120000Z-s6_burst-0a1b2c > burst.md")]
pub(crate) struct ReportArgs {
    /// The run's directory
    run: PathBuf,

    /// Print the run file as JSON instead
    #[arg(long)]
    json: bool,
}

pub(crate) fn execute(args: &ReportArgs, _door: Door) -> ExitCode {
    match read_run(&args.run) {
        Ok(stored) if args.json => {
            out::print(&report::json(&stored.run));
            ExitCode::Good
        }
        Ok(stored) => {
            out::print(&report::markdown(&stored.run, &stored.parts));
            ExitCode::Good
        }
        Err(error) => usage(&[Diagnostic::usage(error.to_string())]),
    }
}
