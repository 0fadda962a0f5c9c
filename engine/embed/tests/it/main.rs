//! Real servers, really started, killed and removed.

#![allow(
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "a story that cannot go on fails where it stands"
)]

mod durability;
#[cfg(target_os = "linux")]
mod leftovers;
mod multipart;
mod noop;
mod postgres;
mod s3_client;
mod service;
mod store;
mod together;
mod world;
