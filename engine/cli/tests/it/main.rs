//! The door, through the real binary and with real servers.

#![allow(
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "a story that cannot go on fails where it stands"
)]

mod bad_input;
mod bad_servers;
mod catalogue;
mod commands;
mod help;
mod interrupts;
mod killed;
mod places;
mod runs;
mod support;
mod targets;
mod truth;
