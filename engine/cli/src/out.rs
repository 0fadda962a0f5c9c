//! Standard output: results, and nothing else. A reader that went away (`| head`) is no error.

use std::io::{self, IsTerminal as _, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};

use report::Style;

/// Columns of a terminal that does not say, and of files.
const COLUMNS: usize = 100;

/// Whether a result could not be written: then nothing else that went well makes the program's end a good one.
static HAS_FAILED: AtomicBool = AtomicBool::new(false);

pub(crate) fn has_failed() -> bool {
    HAS_FAILED.load(Ordering::Relaxed)
}

/// Writes a result. A closed pipe ends the program quietly, as it does for `cat`.
pub(crate) fn print(text: &str) {
    let mut out = io::stdout().lock();
    let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
        Err(error) => {
            HAS_FAILED.store(true, Ordering::Relaxed);
            tracing::error!("cannot write to standard output: {error}");
        }
        Ok(()) => {}
    }
}

/// Whether the user allows colour at all (<https://no-color.org>).
pub(crate) fn may_colour() -> bool {
    std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
        && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}

/// How results are dressed.
pub(crate) fn style() -> Style {
    if io::stdout().is_terminal() && may_colour() { Style::Colour } else { Style::Plain }
}

/// Width of the terminal on standard error or output.
pub(crate) fn columns() -> usize {
    let of = |size: Option<(terminal_size::Width, terminal_size::Height)>| {
        size.map(|(width, _)| usize::from(width.0))
    };
    of(terminal_size::terminal_size_of(io::stderr()))
        .or_else(|| of(terminal_size::terminal_size_of(io::stdout())))
        .unwrap_or(COLUMNS)
}
