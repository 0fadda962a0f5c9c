//! `snapbench`: the door. Arguments in, results and exit codes out; no logic of its own.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "this is the floor that prints")]

mod args;
mod cli;
mod columns;
mod commands;
mod complain;
mod log;
mod out;
mod progress;
mod signals;

use cli::{Cli, Command};
use commands::Door;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    // This program is also its own object store and the guard that cleans up behind it.
    embed::child::dispatch_if_asked();
    let code = match Cli::read() {
        Ok(cli) => {
            log::start(cli.verbose, cli.quiet);
            execute(&cli)
        }
        Err(code) => code,
    };
    let code =
        if code == runner::ExitCode::Good && out::has_failed() { runner::ExitCode::Other } else { code };
    std::process::ExitCode::from(code.code())
}

fn execute(cli: &Cli) -> runner::ExitCode {
    let door = Door { quiet: cli.quiet };
    match &cli.command {
        Command::Run(args) => commands::run::execute(args, door),
        Command::Profile(args) => commands::profile::execute(args, door),
        Command::Scale(args) => commands::scale::execute(args, door),
        Command::Check(args) => commands::check::execute(args, door),
        Command::CheckStore(args) => commands::check_store::execute(args, door),
        Command::Inspect(args) => commands::inspect::execute(args, door),
        Command::List(args) => commands::list::execute(args, door),
        Command::New(args) => commands::new::execute(args, door),
        Command::Report(args) => commands::report::execute(args, door),
        Command::Trace(args) => commands::trace::execute(args, door),
        Command::Reset(args) => commands::reset::execute(args, door),
        Command::Up(args) => commands::up::execute(args, door),
        Command::Docs(args) => commands::docs::execute(args, door),
        Command::Completions(args) => commands::completions::execute(args, door),
    }
}
