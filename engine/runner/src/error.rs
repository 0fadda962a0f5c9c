//! Why a run could not be made, and which exit code that is.

use std::{io, path::PathBuf};

use script::Diagnostic;

use crate::exit::ExitCode;

/// Why there is no run.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The script, its options, the flags or the target file are wrong. Every complaint.
    #[error("{}", lines(.0))]
    Wrong(Vec<Diagnostic>),
    /// A server of our own did not start.
    #[error(transparent)]
    Embedded(#[from] embed::EmbedError),
    /// A server that should be there cannot be used.
    #[error("{0}")]
    Server(Box<Diagnostic>),
    /// This machine or a server has not enough of something.
    #[error("{}", lines(.0))]
    NotEnough(Vec<Diagnostic>),
    /// A function of the script failed that is called without a run.
    #[error("{1}")]
    Call(ExitCode, Box<Diagnostic>),
    /// The results cannot be written.
    #[error("cannot {action} {path}: {source}", path = path.display())]
    Results {
        /// What was tried, as a verb.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A thread or its runtime could not be made.
    #[error("{0}; check the limits on processes and open files (ulimit -u, ulimit -n)")]
    Thread(io::Error),
    /// Somebody asked to end before the load began.
    #[error("interrupted before the load began")]
    Interrupted,
}

fn lines(diagnostics: &[Diagnostic]) -> String {
    diagnostics.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

impl RunError {
    /// With which code the program ends.
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        match self {
            RunError::Wrong(all) if all.iter().any(|one| one.in_script) => ExitCode::ScriptError,
            RunError::Wrong(_) => ExitCode::Usage,
            RunError::Interrupted => ExitCode::Interrupted,
            RunError::Call(code, _) => *code,
            // A folder that was named and cannot be written is as wrong as any other flag.
            RunError::Results { .. } => ExitCode::Usage,
            RunError::Embedded(_)
            | RunError::Server { .. }
            | RunError::NotEnough(_)
            | RunError::Thread(_) => ExitCode::Other,
        }
    }

    pub(crate) fn server(complaint: Diagnostic) -> Self {
        RunError::Server(Box::new(complaint))
    }

    /// The complaints to show.
    #[must_use]
    pub fn diagnostics(&self) -> Vec<Diagnostic> {
        match self {
            RunError::Wrong(all) | RunError::NotEnough(all) => all.clone(),
            RunError::Results { .. } => {
                vec![
                    Diagnostic::usage(self.to_string())
                        .help("name a folder that you may write with --out DIR"),
                ]
            }
            RunError::Server(complaint) | RunError::Call(_, complaint) => vec![complaint.as_ref().clone()],
            other => vec![with_remedy(&other.to_string())],
        }
    }
}

/// Messages of lower floors end in "; what to do": that part is the remedy.
pub(crate) fn with_remedy(message: &str) -> Diagnostic {
    match message.split_once("; ") {
        Some((problem, remedy)) if !problem.contains('\n') => Diagnostic::usage(problem).help(remedy),
        _ => Diagnostic::usage(message),
    }
}
