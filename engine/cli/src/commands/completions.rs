//! `completions`: for the shell.

use clap::{Args, CommandFactory as _};
use clap_complete::Shell;
use runner::ExitCode;

use super::Door;
use crate::{cli::Cli, out};

/// Print a completion script for a shell
#[derive(Args, Debug)]
#[command(after_long_help = "\
Example:
  snapbench completions bash > ~/.local/share/bash-completion/completions/snapbench")]
pub(crate) struct CompletionsArgs {
    /// The shell
    shell: Shell,
}

pub(crate) fn execute(args: &CompletionsArgs, _door: Door) -> ExitCode {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "snapbench", &mut script);
    out::print(&String::from_utf8_lossy(&script));
    ExitCode::Good
}
