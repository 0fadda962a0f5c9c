//! Ctrl-C, SIGTERM and SIGHUP: the first asks the run to finish, the second to leave.

use std::{thread, time::Duration};

use runner::{ExitCode, Interrupts, Urgency};

/// How long a run that was told to leave may take to close its files. Then the program ends as it is: what is on
/// disk stays, and the guard ends the servers.
const PATIENCE: Duration = Duration::from_secs(3);

/// What the user is told when work is interrupted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Words {
    /// What is still done after the first time: `finishing what runs`.
    pub(crate) finishing: &'static str,
    /// What becomes of it after the second.
    pub(crate) leaving: &'static str,
}

/// Passes signals on to `interrupts`; `say` tells the user what happens.
pub(crate) fn pass_on(interrupts: &Interrupts, words: Words, say: impl Fn(&str) + Send + 'static) {
    let interrupts = interrupts.clone();
    let Words { finishing, leaving } = words;
    let listening = ctrlc::set_handler(move || match interrupts.raise() {
        Urgency::None | Urgency::Finish => {
            say(&format!("interrupted: {finishing} (once more: leave now)"));
        }
        Urgency::Leave => {
            say(&format!("leaving now; {leaving}"));
            thread::spawn(|| {
                thread::sleep(PATIENCE);
                std::process::exit(i32::from(ExitCode::Interrupted.code()));
            });
        }
    });
    warn_unless(listening);
}

/// Wakes the calling thread at every signal, for a command that waits for nothing else.
pub(crate) fn wake_on(interrupts: &Interrupts) {
    let (interrupts, waiting) = (interrupts.clone(), thread::current());
    warn_unless(ctrlc::set_handler(move || {
        interrupts.raise();
        waiting.unpark();
    }));
}

fn warn_unless(listening: Result<(), ctrlc::Error>) {
    if let Err(error) = listening {
        tracing::warn!(%error, "signals cannot be caught: Ctrl-C ends the program at once, without a report");
    }
}
