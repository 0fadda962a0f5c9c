//! The command line as a whole.

use std::io::Write as _;

use clap::{ArgAction, Parser, Subcommand, error::ErrorKind};
use runner::ExitCode;

use crate::commands::{
    check::CheckArgs, check_store::CheckStoreArgs, completions::CompletionsArgs, docs::DocsArgs,
    inspect::InspectArgs, list::ListArgs, new::NewArgs, profile::ProfileArgs, report::ReportArgs,
    reset::ResetArgs, run::RunArgs, scale::ScaleArgs, trace::TraceArgs, up::UpArgs,
};

/// A load and scenario engine that answers one kind of question with evidence: will this storage design hold?
///
/// Write the workload as a short Rhai script, run it against real Postgres and S3-speaking servers (throw-away ones
/// unless told otherwise), and read a verdict that you can defend.
#[derive(Parser, Debug)]
#[command(
    name = "snapbench",
    version,
    arg_required_else_help = true,
    after_long_help = "\
Example:
  snapbench run scenarios/s6_burst.rhai --duration 60s"
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,

    /// Say more: once for information, twice for debugging
    #[arg(short, long, action = ArgAction::Count, global = true)]
    pub(crate) verbose: u8,

    /// Show no progress, only warnings and results
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
}

#[derive(Subcommand, Debug)]
pub(crate) enum Command {
    Run(RunArgs),
    Scale(ScaleArgs),
    Check(CheckArgs),
    CheckStore(CheckStoreArgs),
    Inspect(InspectArgs),
    List(ListArgs),
    New(NewArgs),
    Profile(ProfileArgs),
    Report(ReportArgs),
    Trace(TraceArgs),
    Reset(ResetArgs),
    Up(UpArgs),
    Docs(DocsArgs),
    Completions(CompletionsArgs),
}

impl Cli {
    /// What was typed, or the code to end with: help and version are results, everything else is wrong usage.
    pub(crate) fn read() -> Result<Self, ExitCode> {
        Self::try_parse().map_err(|error| {
            let is_wrong = !matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
            // A closed pipe is nobody's problem here.
            let _ = error.print();
            let _ = std::io::stdout().flush();
            if is_wrong { ExitCode::Usage } else { ExitCode::Good }
        })
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_ends_its_help_with_an_example() {
        for command in Cli::command().get_subcommands() {
            let after = command.get_after_long_help().map(ToString::to_string).unwrap_or_default();
            let last = after.lines().last().unwrap_or_default();
            assert!(last.starts_with("  snapbench "), "{}: {after:?}", command.get_name());
        }
    }
}
