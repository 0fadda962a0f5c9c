//! The list of tests that all three ways to a connection pass, against real servers.

mod server;
mod values;
