//! The lean client: Postgres's protocol spoken on the socket itself, by whoever holds the connection, or by one
//! task for all who share it.

pub(crate) mod batch;
pub(crate) mod catalog;
pub(crate) mod connection;
mod copy;
pub(crate) mod own;
pub(crate) mod pipeline;
mod pipeline_driver;
pub(crate) mod pipelined;
pub(crate) mod prepare;
pub(crate) mod wire;
