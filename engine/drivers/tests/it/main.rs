//! Drivers against real servers.

mod pg;
