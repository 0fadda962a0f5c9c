//! HTTP services: any request to any of them, at full speed, each ending as a reply.
//!
//! hyper on one thread, as for object stores: a request takes the connection that was used last (or opens one), is
//! driven by whoever waits for it, and puts the connection back; with HTTP/2 all requests of a core share a few
//! connections. Nothing is retried, no redirect is followed, no body is copied. A client belongs to the thread and the
//! runtime that use it.
//!
//! What a status means, where a call does not say otherwise ([`HttpRules`]):
//!
//! | what came | of a request that changes something | of GET, HEAD, OPTIONS, TRACE |
//! |---|---|---|
//! | 2xx | ok | ok |
//! | 409, 412 | conflict | conflict |
//! | 429, 503 | throttled | throttled |
//! | 408 | timeout | timeout |
//! | any other 4xx | rejected | rejected |
//! | 502, 504: a gateway lost its server | ambiguous | error |
//! | 3xx, any other 5xx | error | error |
//! | nothing within the time limit, the request was sent | ambiguous | timeout |
//! | nothing within the time limit, nothing was sent | timeout | timeout |
//! | the connection was lost, or what came is not HTTP or too large; the request was sent | ambiguous | error |
//! | no connection, or it was lost before anything was sent | error | error |
//!
//! The class of what has a status is the status; of anything else a word for what went wrong (`connection_refused`).
//!
//! Deliberately absent: retries, redirects, cookies, compression, recording, and any idea of what a service is for.

mod client;
mod config;
mod meaning;
mod multiplexed;
mod reply;
mod request;
mod rules;
mod site;
mod target;

pub use self::client::Http;
pub use self::config::{HttpConfig, HttpSettings};
pub use self::reply::{BODY_LIMIT_BYTES, Class, HttpReply};
pub use self::request::{Header, HttpRequest, header, method};
pub use self::rules::HttpRules;
pub use self::target::{HttpTarget, HttpTemplate};
pub use crate::net::ConnectionUse;
pub use http::Method;
