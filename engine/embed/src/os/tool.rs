//! Running a helper program to its end, watched by the guard and within a time.

use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::mpsc::channel;
use std::time::Duration;

use rustix::process::Signal;

use super::process::ProcessId;
use super::{family, spawner};
use crate::guard::{Family, Guard};

/// How a program did not end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unfinished {
    #[error("{}", not_started(.0))]
    NotStarted(std::io::Error),
    #[error("it was stopped after {0:?}")]
    TooLong(Duration),
}

fn not_started(error: &std::io::Error) -> String {
    if error.kind() == std::io::ErrorKind::NotFound { "not installed".to_owned() } else { error.to_string() }
}

/// Runs the program and returns what it wrote. Its whole family is killed when it takes longer than `patience`,
/// and when this process dies meanwhile. `folder` is where it works.
pub(crate) fn run(
    mut command: Command,
    folder: &Path,
    guard: &Guard,
    patience: Duration,
) -> Result<Output, Unfinished> {
    let programs = Path::new(command.get_program()).parent().unwrap_or(Path::new("")).to_path_buf();
    command.current_dir(folder).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = spawner::spawn(command, Signal::KILL).map_err(Unfinished::NotStarted)?;
    let leader = ProcessId::of(child.id()).unwrap_or(ProcessId { pid: child.id(), start: 0 });
    guard.watch_family(&Family { leader, programs, folder: folder.to_path_buf() });
    let (sender, outcome) = channel();
    // Both pipes must be read while it runs, or a talkative program would wait for us for ever.
    std::thread::spawn(move || sender.send(child.wait_with_output()));
    let outcome = outcome.recv_timeout(patience);
    if outcome.is_err() {
        family::kill(leader);
    }
    guard.forget_family(leader);
    outcome.map_err(|_| Unfinished::TooLong(patience))?.map_err(Unfinished::NotStarted)
}
