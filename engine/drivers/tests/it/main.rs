//! Drivers against real servers.

mod pg;
mod s3;
