//! Real servers, really started, killed and removed.

mod postgres;
