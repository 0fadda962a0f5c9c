//! The hidden subcommands alone, for programs that cannot serve them themselves, such as test harnesses.

use std::process::ExitCode;

fn main() -> ExitCode {
    embed::child::dispatch_if_asked();
    // Only a person gets here: those who start this program always ask for something.
    ExitCode::from(2)
}
