//! The door, through the real binary and with real servers.

mod bad_input;
mod bad_servers;
mod commands;
mod help;
mod interrupts;
mod killed;
mod places;
mod runs;
mod support;
mod targets;
