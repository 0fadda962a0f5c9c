//! From a configuration to a connection that is ready for its first request.

pub(crate) mod canceller;
pub(crate) mod dial;
pub(crate) mod problem;
pub(crate) mod socket;
pub(crate) mod startup;
mod tls;
