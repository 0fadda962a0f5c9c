//! The door, through the real binary and with real servers.

#![allow(
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "a story that cannot go on fails where it stands"
)]

mod bad_input;
mod bad_servers;
mod catalogue;
mod check_store;
mod commands;
mod faults;
mod feedback;
mod help;
mod interrupts;
mod killed;
mod liar;
mod other_stores;
mod places;
mod profiling;
mod queue_catalogue;
mod queues;
mod replays;
mod reset;
mod runs;
mod service_faults;
mod services;
mod steering;
mod stores;
mod support;
mod sweeps;
mod targets;
mod traces;
mod truth;
mod workflow;
