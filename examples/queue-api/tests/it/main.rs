//! The service over a real Postgres, asked through real HTTP.

#![allow(clippy::unwrap_used, reason = "a story that cannot go on fails where it stands")]

mod client;
mod depth;
mod outages;
mod program;
mod queues;
mod refusals;
mod taking;
mod tasks;
mod world;
