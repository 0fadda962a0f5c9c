//! Progress where there is no terminal: each phase once, figures every few seconds.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use report::progress::Tick;
use runner::Progress;

use super::{Display, line};

/// Between two lines of figures, on the run's own clock.
const EVERY: Duration = Duration::from_secs(5);

/// Lines on standard error.
#[derive(Default)]
pub(super) struct Plain {
    next: Mutex<Duration>,
}

impl Plain {
    /// Whether figures are due again.
    fn is_due(&self, tick: &Tick) -> bool {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        if tick.elapsed < *next {
            return false;
        }
        *next = tick.elapsed + EVERY;
        true
    }
}

impl Display for Plain {
    fn show(&self, progress: &Progress) {
        match progress {
            Progress::Phase(phase) => line(&format!("phase: {phase}")),
            Progress::Tick(tick) if self.is_due(tick) => line(&tick.line()),
            Progress::Tick(_) => {}
            Progress::Note(text) => line(text),
            Progress::Warning(text) => line(&format!("warning: {text}")),
        }
    }

    fn say(&self, text: &str) {
        line(text);
    }

    fn clear(&self) {}
}
