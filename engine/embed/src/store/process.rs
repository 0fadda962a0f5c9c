//! Starting the store process, and knowing when it is ready.

use std::fs::OpenOptions;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustix::process::Signal;

use super::wire::{Orders, Report};
use super::{Keys, SERVER, StoreOptions};
use crate::guard::Guard;
use crate::os::server::{Program, ServerProcess};
use crate::os::text;
use crate::{EmbedError, child};

/// Lines of the log that go into an error.
const LOG_LINES: usize = 15;

/// All that is needed to start the process, the first time and again.
#[derive(Debug)]
pub(super) struct StoreProcess {
    /// The run folder; the data is in `data` below it.
    pub(super) folder: PathBuf,
    pub(super) options: StoreOptions,
    pub(super) keys: Keys,
    /// As asked, then as got: a restarted store is found where it was.
    pub(super) port: AtomicU16,
    pub(super) guard: Arc<Guard>,
    /// The running process's standard input, held open: its end is our end.
    pub(super) line: Mutex<Option<ChildStdin>>,
}

impl Program for StoreProcess {
    const NAME: &'static str = SERVER;
    /// What was acknowledged is where it has to be, so there is nothing to tidy up.
    const SHUT_DOWN: Signal = Signal::TERM;
    const QUIT: Signal = Signal::KILL;

    fn folder(&self) -> &Path {
        &self.folder
    }

    fn start(&self) -> Result<ServerProcess, EmbedError> {
        let mut process = self.spawn()?;
        match self.until_ready(&mut process) {
            Ok(()) => Ok(process),
            Err(error) => {
                process.give_up();
                Err(error)
            }
        }
    }
}

impl StoreProcess {
    pub(super) fn log(&self) -> PathBuf {
        self.folder.join("store.log")
    }

    fn spawn(&self) -> Result<ServerProcess, EmbedError> {
        let log = OpenOptions::new().create(true).append(true).open(self.log());
        let log = log.map_err(EmbedError::io("open", self.log()))?;
        let mut command = child::store_command()?;
        let program = PathBuf::from(command.get_program());
        command.current_dir(&self.folder).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(log);
        let programs = program.canonicalize().ok().and_then(|file| file.parent().map(Path::to_path_buf));
        let programs = programs.unwrap_or_default();
        ServerProcess::spawn(command, &programs, &self.folder, Signal::KILL, &self.guard)
            .map_err(EmbedError::io("run", &program))
    }

    /// Gives the orders and waits for the report.
    fn until_ready(&self, process: &mut ServerProcess) -> Result<(), EmbedError> {
        let (input, output) = (process.child.stdin.take(), process.child.stdout.take());
        let (Some(mut input), Some(output)) = (input, output) else {
            return Err(self.failure("it has no pipes".to_owned()));
        };
        let mut line = serde_json::to_vec(&self.orders()).map_err(|error| self.failure(error.to_string()))?;
        line.push(b'\n');
        // When it has died already, what it said before tells more than the broken pipe.
        let _ = input.write_all(&line);
        *self.line.lock().unwrap_or_else(PoisonError::into_inner) = Some(input);
        match self.report(output)? {
            Report::Ready { port } => {
                self.port.store(port, Ordering::Relaxed);
                Ok(())
            }
            Report::PortInUse => {
                Err(EmbedError::PortInUse { server: SERVER, port: self.port.load(Ordering::Relaxed) })
            }
            Report::Failed(reason) => Err(self.failure(reason)),
        }
    }

    fn orders(&self) -> Orders {
        Orders {
            dir: self.folder.join("data"),
            port: self.port.load(Ordering::Relaxed),
            backend: self.options.backend,
            durability: self.options.durability,
            access_key: self.keys.access_key.clone(),
            secret_key: self.keys.secret_key.clone(),
            segment_bytes: self.options.segment_bytes,
            sync_notes: self.options.sync_notes.clone(),
        }
    }

    fn report(&self, output: std::process::ChildStdout) -> Result<Report, EmbedError> {
        let (sender, said) = channel();
        std::thread::spawn(move || {
            let mut line = String::new();
            let read = BufReader::new(output).read_line(&mut line);
            // Nobody listens any more when it took too long.
            let _ = sender.send(read.map(|_| line));
        });
        let patience: Duration = self.options.start_timeout;
        let line = said
            .recv_timeout(patience)
            .map_err(|_| self.failure(format!("no answer within {patience:?}")))?;
        let line = line.map_err(|error| self.failure(error.to_string()))?;
        serde_json::from_str(&line)
            .map_err(|_| self.failure("the process ended before it was ready".to_owned()))
    }

    fn failure(&self, reason: String) -> EmbedError {
        EmbedError::DidNotStart { server: SERVER, reason, log: text::tail(&self.log(), LOG_LINES) }
    }
}
