//! What carries HTTP, to object stores (`s3`) as to services (`http`): names, TCP, TLS, the bytes and their count, one
//! request and its reply on a connection, and connections kept for the next.
//!
//! Deliberately absent: what a request means, and what a status says about it.

mod anybody;
mod carry;
mod connect;
mod connection;
pub(crate) mod escape;
mod origin;
mod pile;
mod pool;
mod relay;
mod trust;
mod wire;

pub(crate) use anybody::Anybody;
pub(crate) use carry::{Times, Trouble, carry, open};
pub(crate) use connect::{Connector, dialled};
pub(crate) use connection::{Of, Received, Wanted};
pub(crate) use origin::{Origin, UrlProblem};
pub(crate) use pile::Pile;
pub use pool::ConnectionUse;
pub(crate) use pool::Pool;
pub use trust::TrustError;
pub(crate) use trust::{Trust, ca_pem};
pub(crate) use wire::Meter;
