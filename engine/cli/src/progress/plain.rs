//! Progress where there is no terminal: each phase once, figures every few seconds.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use report::progress::Tick;
use runner::Progress;

use super::{Display, line, work};

/// Between two lines of figures, on the run's own clock.
const EVERY: Duration = Duration::from_secs(5);

/// Lines on standard error.
#[derive(Default)]
pub(super) struct Plain {
    next: Mutex<Duration>,
    /// When work was shown last; outside of the load there is no run's clock.
    worked: Mutex<Option<Instant>>,
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

    /// Whether work is due to be shown again. The first line waits as well: short work needs none.
    fn is_work_due(&self) -> bool {
        let mut worked = self.worked.lock().unwrap_or_else(PoisonError::into_inner);
        let is_due = worked.is_some_and(|last| last.elapsed() >= EVERY);
        if is_due || worked.is_none() {
            *worked = Some(Instant::now());
        }
        is_due
    }
}

impl Display for Plain {
    fn show(&self, progress: &Progress) {
        match progress {
            Progress::Phase(phase) => line(&format!("phase: {phase}")),
            Progress::Tick(tick) if self.is_due(tick) => line(&tick.line()),
            Progress::Tick(_) => {}
            Progress::Work(what, done, total) if self.is_work_due() => line(&work(what, *done, *total)),
            Progress::Work(..) => {}
            Progress::Note(text) => line(text),
            Progress::Warning(text) => line(&format!("warning: {text}")),
        }
    }

    fn say(&self, text: &str) {
        line(text);
    }

    fn clear(&self) {}
}
