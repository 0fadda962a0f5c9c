//! The commands, one a file, each of the same shape: what may be typed (`Args`) and what is done (`execute`).

pub(crate) mod check;
pub(crate) mod check_store;
pub(crate) mod completions;
pub(crate) mod docs;
pub(crate) mod inspect;
pub(crate) mod list;
pub(crate) mod new;
pub(crate) mod profile;
pub(crate) mod report;
pub(crate) mod reset;
pub(crate) mod run;
pub(crate) mod scale;
pub(crate) mod trace;
pub(crate) mod up;

use runner::ExitCode;
use script::Diagnostic;

use crate::complain::complain;

/// What holds for every command.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Door {
    /// Only what must be said.
    pub(crate) quiet: bool,
}

/// Complaints about what was typed.
pub(crate) fn usage(problems: &[Diagnostic]) -> ExitCode {
    complain(problems);
    ExitCode::Usage
}

/// Why there was no run.
pub(crate) fn failed(error: &runner::RunError) -> ExitCode {
    complain(&error.diagnostics());
    error.exit_code()
}
