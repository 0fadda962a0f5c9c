//! The guard process itself: listens until its parent is gone, then sweeps.

use std::io::BufRead;

use super::message::Message;
use super::sweep::Watched;

/// Serves until the pipe closes; the process's exit code.
pub(crate) fn watch() -> i32 {
    // The session is our own already; a service manager that stops everything signals us all the same, and we
    // must outlive our parent.
    crate::os::signals::ignore_requests_to_end();
    let mut watched = Watched::default();
    for line in std::io::stdin().lock().lines() {
        // A line that cannot be read is one the parent did not finish.
        let Ok(line) = line else { break };
        if let Some(message) = Message::from_line(&line) {
            watched.note(message);
        }
    }
    watched.sweep();
    0
}
