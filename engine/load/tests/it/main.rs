//! Runs on real threads and in real time, as stories. Durations are tiny, and nothing is asserted about speed: only
//! counts, order and planned times, so that a busy machine changes nothing.

#![allow(
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "a story that cannot go on fails where it stands"
)]

mod arrivals;
mod endings;
mod failures;
mod neighbours;
mod phases;
mod support;
