//! Log lines on standard error, above the progress display and never through it.

use std::{io, sync::OnceLock};

use indicatif::MultiProgress;
use tracing_subscriber::{EnvFilter, fmt::MakeWriter};

/// The display that log lines must go around, while there is one.
static DISPLAY: OnceLock<MultiProgress> = OnceLock::new();

/// Overrides what `-v` and `-q` say, in the language of `tracing` filters.
const VARIABLE: &str = "SNAPBENCH_LOG";

/// From now on log lines go above this display.
pub(crate) fn go_around(display: &MultiProgress) {
    // A second display would be a second run in one process: there is none.
    let _ = DISPLAY.set(display.clone());
}

/// Starts logging. `verbose` counts the `-v`s.
pub(crate) fn start(verbose: u8, quiet: bool) {
    let filter = std::env::var(VARIABLE).ok().and_then(|text| EnvFilter::try_new(text).ok());
    let default = || {
        EnvFilter::new(match (quiet, verbose) {
            (true, _) => "error,script=warn",
            // What a script says with `log::info` is meant for whoever runs it.
            // Places without keys are no news: what was found, or not, is said when all were looked at.
            (false, 0) => "warn,script=info,aws_config=error",
            (false, 1) => "info,script=debug",
            (false, 2) => "debug",
            (false, _) => "trace",
        })
    };
    let is_terminal = io::IsTerminal::is_terminal(&io::stderr());
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter.unwrap_or_else(default))
        .with_writer(Around)
        .with_ansi(is_terminal && crate::out::may_colour())
        .with_target(verbose > 1)
        .compact();
    // Fails only when logging has started already.
    let _ = subscriber.try_init();
}

/// Makes writers that lift the display while a line is written.
struct Around;

impl<'a> MakeWriter<'a> for Around {
    type Writer = Line;

    fn make_writer(&'a self) -> Line {
        Line(Vec::new())
    }
}

/// One log line, written in one piece when it is complete.
struct Line(Vec<u8>);

impl io::Write for Line {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        let write = || {
            // There is nowhere to complain about a closed standard error.
            let _ = io::Write::write_all(&mut io::stderr().lock(), &self.0);
        };
        match DISPLAY.get() {
            Some(display) => display.suspend(write),
            None => write(),
        }
    }
}
