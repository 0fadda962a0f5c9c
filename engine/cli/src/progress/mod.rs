//! What the user sees while a run goes: a live display on a terminal, a plain line now and then otherwise.
//!
//! All of it goes to standard error; nothing here decides anything.

mod plain;
mod terminal;

use std::{io::IsTerminal as _, sync::Arc};

use model::units::format_count;
use runner::Progress;

/// Something that shows progress.
pub(crate) trait Display: Send + Sync {
    /// Shows one step.
    fn show(&self, progress: &Progress);
    /// Says one sentence that stays.
    fn say(&self, text: &str);
    /// Takes the display away; what was said stays.
    fn clear(&self);
}

/// The display that suits where standard error goes.
pub(crate) fn display(quiet: bool) -> Arc<dyn Display> {
    if quiet {
        Arc::new(Silent)
    } else if std::io::stderr().is_terminal() {
        Arc::new(terminal::Terminal::new())
    } else {
        Arc::new(plain::Plain::default())
    }
}

/// Says nothing but what must be said.
struct Silent;

impl Display for Silent {
    fn show(&self, progress: &Progress) {
        if let Progress::Warning(text) = progress {
            line(&format!("warning: {text}"));
        }
    }

    fn say(&self, text: &str) {
        line(text);
    }

    fn clear(&self) {}
}

/// How far work has come: `loading run_head: 1,200,000 of 10,000,000 (12 %)`.
fn work(what: &str, done: u64, total: u64) -> String {
    let percent = if total == 0 { 0.0 } else { done as f64 / total as f64 * 100.0 };
    format!("{what}: {} of {} ({percent:.0} %)", format_count(done), format_count(total))
}

/// One line on standard error; nobody is told when that is closed.
fn line(text: &str) {
    let _ = std::io::Write::write_all(&mut std::io::stderr().lock(), format!("{text}\n").as_bytes());
}
