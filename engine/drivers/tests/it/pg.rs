//! The list of tests that all three ways to a connection pass, against real servers.

mod connecting;
mod copying;
mod losing;
mod outcomes;
pub(crate) mod server;
mod sharing;
mod tables;
mod timing;
mod transactions;
mod values;
