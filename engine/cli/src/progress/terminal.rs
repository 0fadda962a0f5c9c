//! Progress on a terminal: a bar with phase and time, and the figures below it.
//!
//! ```text
//! measure ━━━━━━━━━━━━━━━╸━━━━━━━━━━━━━━━━━━ 35s/5m30s
//! planned 204.0/s, achieved 203.8/s, p50 1.23ms, p99 12.3ms, 0 errors, 0 dropped, 12 of 40 VUs busy
//! ```

use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use model::units::format_duration;
use report::progress::Tick;
use runner::Progress;

use super::Display;

/// The spinner moves this often while nothing is measured yet.
const STEADY: Duration = Duration::from_millis(100);

/// Phases of the load, over which one bar reaches.
const UNDER_LOAD: [&str; 3] = ["warm-up", "measure", "drain"];

/// A live display.
pub(super) struct Terminal {
    both: MultiProgress,
    bar: ProgressBar,
    figures: ProgressBar,
}

impl Terminal {
    pub(super) fn new() -> Self {
        let both = MultiProgress::with_draw_target(ProgressDrawTarget::stderr());
        crate::log::go_around(&both);
        let bar = both.add(ProgressBar::no_length().with_style(waiting()));
        let figures = both.add(ProgressBar::no_length().with_style(style("{wide_msg}")));
        bar.enable_steady_tick(STEADY);
        Self { both, bar, figures }
    }

    fn tick(&self, tick: &Tick) {
        self.figures.set_message(tick.figures());
        let elapsed_ms = u64::try_from(tick.elapsed.as_millis()).unwrap_or(u64::MAX);
        match tick.total {
            Some(total) => {
                let total_ms = u64::try_from(total.as_millis()).unwrap_or(u64::MAX);
                self.bar.set_style(running());
                self.bar.set_length(total_ms);
                self.bar.set_position(elapsed_ms.min(total_ms));
                self.bar.set_message(format!("{}/{}", whole_seconds(tick.elapsed), format_duration(total)));
            }
            None => {
                self.bar.set_style(waiting());
                self.bar.set_message(whole_seconds(tick.elapsed));
            }
        }
    }
}

fn whole_seconds(time: Duration) -> String {
    format_duration(Duration::from_secs(time.as_secs()))
}

fn running() -> ProgressStyle {
    style("{prefix:>9.bold} {bar:40.green/dim} {msg}").progress_chars("━╸━")
}

fn waiting() -> ProgressStyle {
    style("{prefix:>9.bold} {spinner} {msg}")
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("the templates of this file are well formed")
}

impl Display for Terminal {
    fn show(&self, progress: &Progress) {
        match progress {
            Progress::Phase(phase) => {
                self.bar.set_prefix((*phase).to_owned());
                if !UNDER_LOAD.contains(phase) {
                    // How long these take nobody knows.
                    self.bar.set_style(waiting());
                    self.bar.set_message("");
                    self.figures.set_message("");
                }
            }
            Progress::Tick(tick) => self.tick(tick),
            Progress::Work(what, done, total) => {
                self.bar.set_style(running());
                self.bar.set_length(*total);
                self.bar.set_position((*done).min(*total));
                self.bar.set_message(super::work(what, *done, *total));
            }
            Progress::Note(text) => self.say(text),
            Progress::Warning(text) => self.say(&format!("warning: {text}")),
        }
    }

    fn say(&self, text: &str) {
        self.both.suspend(|| super::line(text));
    }

    fn clear(&self) {
        self.bar.finish_and_clear();
        self.figures.finish_and_clear();
    }
}
