//! Drivers against real servers.

#![allow(
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "a story that cannot go on fails where it stands"
)]

mod fault;
mod http;
mod pg;
mod probe;
mod s3;
mod wire;
