//! A server that is this program itself, started again: it takes its orders as one JSON line on standard input and says in
//! one line on standard output when it is ready.
//!
//! Orders do not go by arguments, because there are secrets in them and arguments are not secret. Standard input stays open
//! after them: its end is the parent's end.
//!
//! Deliberately absent: what is ordered (`store::wire`, `service::wire`).

pub(crate) mod within;

use std::fs::OpenOptions;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustix::process::Signal;
use serde::{Deserialize, Serialize};

use crate::EmbedError;
use crate::guard::Guard;
use crate::os::server::ServerProcess;
use crate::os::text;

/// Lines of the log that go into an error.
const LOG_LINES: usize = 15;

/// Said when requests are accepted, or cannot be.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Report {
    Ready { port: u16 },
    PortInUse,
    Failed(String),
}

/// What starts the process, the first time and again.
#[derive(Debug)]
pub(crate) struct Helper {
    /// For messages.
    name: &'static str,
    /// The run folder, in which it works.
    folder: PathBuf,
    /// The file of its log.
    log: PathBuf,
    /// As asked, then as got: a restarted server is found where it was.
    port: AtomicU16,
    /// How long it may take to be ready.
    patience: Duration,
    guard: Arc<Guard>,
    /// The running process's standard input, held open.
    line: Mutex<Option<ChildStdin>>,
}

impl Helper {
    /// Starts nothing yet. `log` is the name of its log in the folder, `port` 0 takes a free one.
    pub(crate) fn new(
        name: &'static str,
        (folder, log): (&Path, &str),
        port: u16,
        patience: Duration,
        guard: Arc<Guard>,
    ) -> Helper {
        let (folder, log) = (folder.to_path_buf(), folder.join(log));
        Helper { name, folder, log, port: AtomicU16::new(port), patience, guard, line: Mutex::new(None) }
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.log.clone()
    }

    pub(crate) fn port(&self) -> u16 {
        self.port.load(Ordering::Relaxed)
    }

    /// Starts the process, gives the orders and waits for the report.
    pub(crate) fn start(
        &self,
        command: Command,
        orders: &impl Serialize,
    ) -> Result<ServerProcess, EmbedError> {
        let mut process = self.spawn(command)?;
        match self.until_ready(&mut process, orders) {
            Ok(()) => Ok(process),
            Err(error) => {
                process.give_up();
                Err(error)
            }
        }
    }

    fn spawn(&self, mut command: Command) -> Result<ServerProcess, EmbedError> {
        let log = OpenOptions::new().create(true).append(true).open(&self.log);
        let log = log.map_err(EmbedError::io("open", &self.log))?;
        let program = PathBuf::from(command.get_program());
        command.current_dir(&self.folder).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(log);
        let programs = program.canonicalize().ok().and_then(|file| file.parent().map(Path::to_path_buf));
        let programs = programs.unwrap_or_default();
        ServerProcess::spawn(command, &programs, &self.folder, Signal::KILL, &self.guard)
            .map_err(EmbedError::io("run", &program))
    }

    fn until_ready(&self, process: &mut ServerProcess, orders: &impl Serialize) -> Result<(), EmbedError> {
        let (input, output) = (process.child.stdin.take(), process.child.stdout.take());
        let (Some(mut input), Some(output)) = (input, output) else {
            return Err(self.failure("it has no pipes".to_owned()));
        };
        let mut line = serde_json::to_vec(orders).map_err(|error| self.failure(error.to_string()))?;
        line.push(b'\n');
        // When it has died already, what it said before tells more than the broken pipe.
        let _ = input.write_all(&line);
        *self.line.lock().unwrap_or_else(PoisonError::into_inner) = Some(input);
        match self.report(output)? {
            Report::Ready { port } => {
                self.port.store(port, Ordering::Relaxed);
                Ok(())
            }
            Report::PortInUse => Err(EmbedError::PortInUse { server: self.name, port: self.port() }),
            Report::Failed(reason) => Err(self.failure(reason)),
        }
    }

    fn report(&self, output: ChildStdout) -> Result<Report, EmbedError> {
        let (sender, said) = channel();
        std::thread::spawn(move || {
            let mut line = String::new();
            let read = BufReader::new(output).read_line(&mut line);
            // Nobody listens any more when it took too long.
            let _ = sender.send(read.map(|_| line));
        });
        let line = said
            .recv_timeout(self.patience)
            .map_err(|_| self.failure(format!("no answer within {:?}", self.patience)))?;
        let line = line.map_err(|error| self.failure(error.to_string()))?;
        serde_json::from_str(&line)
            .map_err(|_| self.failure("the process ended before it was ready".to_owned()))
    }

    fn failure(&self, reason: String) -> EmbedError {
        EmbedError::DidNotStart { server: self.name, reason, log: text::tail(&self.log, LOG_LINES) }
    }
}
