//! Object stores that speak S3, through one of two clients with the same operations and the same replies.
//!
//! `lean` (the default) is ours: hyper on one thread, a signature that costs about a microsecond, so that what
//! is measured is the store. `sdk` is the AWS SDK for Rust: what an application pays. Neither retries: a 503
//! must be seen. A `Store` belongs to the thread and the runtime that use it.
//!
//! A reply is data and nothing here panics: `S3Reply` says outcome, class, status, bytes and times, and has a
//! sentence with a remedy for a person.
//!
//! Deliberately absent: retries, recording, and any idea of what the objects are for.

mod config;
mod deletion;
mod endpoint;
mod etag;
mod keys;
mod lean;
mod meaning;
mod range;
mod reply;
mod request;
mod sdk;
mod sign;
mod store;
mod trust;
mod upload;
mod walk;
mod xml;

pub use crate::net::ConnectionUse;
pub use config::{ClientKind, S3Config, S3Settings};
pub use endpoint::Endpoint;
pub use etag::ETag;
pub use reply::{Class, Listed, Listing, S3Reply};
pub use request::{ByteRange, ListRequest, Multipart, PutCondition};
pub use store::Store;
pub use trust::S3OpenError;
