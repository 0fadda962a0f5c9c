//! Which HTTP service, and how it is talked to: what a user wrote, and what it means.
//!
//! `HttpSettings` holds words as they stand in a target file; `HttpSettings::check` makes an `HttpConfig` of them or
//! tells everything that is wrong at once. Deliberately connects to nothing and reads no file.

use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::request::Header;
use crate::SettingsError;
use crate::net::Origin;

mod check;
#[cfg(test)]
mod tests;

/// What to do instead of writing a user and a password into a URL.
pub(super) const NO_CREDENTIALS: &str =
    "leave them out and give them as a header `authorization`, in `headers_env` of the target";

/// Words about an HTTP service, none of them checked yet. Debug output hides the values of headers.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct HttpSettings {
    /// `http://host:port/prefix`. Without one only whole URLs can be asked for.
    pub url: Option<String>,
    /// Whether HTTP/2 is spoken: at once on http, agreed on with TLS on https. HTTP/1.1 when absent.
    pub http2: Option<bool>,
    /// How many connections of HTTP/2 a core has, 1 when absent. HTTP/1.1 has one for each request on its way.
    pub connections: Option<String>,
    /// A PEM file with certificate authorities to trust beside those of the system.
    pub ca_file: Option<PathBuf>,
    /// Whether any certificate will do.
    pub insecure: Option<bool>,
    /// Headers of every request to the service, by name; the later of two with one name wins.
    pub headers: Vec<(String, String)>,
    /// The time one request may take, such as `30s` (the default).
    pub timeout: Option<String>,
}

/// The value of a header in debug output.
struct Hidden;

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(hidden)")
    }
}

impl fmt::Debug for HttpSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let headers: Vec<_> = self.headers.iter().map(|(name, _)| (name, Hidden)).collect();
        f.debug_struct("HttpSettings")
            .field("url", &self.url.as_deref().map(shown))
            .field("http2", &self.http2)
            .field("connections", &self.connections)
            .field("ca_file", &self.ca_file)
            .field("insecure", &self.insecure)
            .field("headers", &headers)
            .field("timeout", &self.timeout)
            .finish()
    }
}

/// An address without the credentials that somebody may have written into it.
fn shown(url: &str) -> String {
    match url.split_once("://").and_then(|(scheme, rest)| Some((scheme, rest.split_once('@')?.1))) {
        Some((scheme, rest)) => format!("{scheme}://(hidden)@{rest}"),
        None => url.to_owned(),
    }
}

/// A service that can be talked to. Debug output hides the values of headers.
#[derive(Clone, PartialEq, Eq)]
pub struct HttpConfig {
    pub(super) base: Option<Base>,
    /// Connections of HTTP/2; nothing for HTTP/1.1.
    pub(super) http2: Option<usize>,
    pub(super) ca_file: Option<PathBuf>,
    pub(super) insecure: bool,
    pub(super) headers: Vec<Header>,
    pub(super) timeout: Duration,
    pub(super) detour: Option<SocketAddr>,
}

/// Where the service is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Base {
    pub(super) origin: Origin,
    /// What comes before every path, escaped, without a slash at its end.
    pub(super) prefix: Vec<u8>,
}

impl fmt::Display for Base {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.origin, String::from_utf8_lossy(&self.prefix))
    }
}

impl HttpSettings {
    /// Makes sense of the settings, or says everything that is wrong with them.
    ///
    /// # Errors
    /// Every problem, with its setting and a remedy.
    pub fn check(&self) -> Result<HttpConfig, SettingsError> {
        check::check(self)
    }
}

impl HttpConfig {
    /// The service's address, when there is one: without it only whole URLs can be asked for.
    pub fn url(&self) -> Option<String> {
        self.base.as_ref().map(Base::to_string)
    }

    /// The same service by way of another address. `Host` and the name in its certificate are still those of its URL: who
    /// listens there passes bytes on and is no party to them. Whatever else a whole URL names goes straight.
    #[must_use]
    pub fn with_detour(self, detour: Option<SocketAddr>) -> Self {
        Self { detour, ..self }
    }

    /// The host that is connected to, and its port, when there is a service.
    #[must_use]
    pub fn dialled(&self) -> Option<(String, u16)> {
        let origin = &self.base.as_ref()?.origin;
        Some((crate::net::dialled(origin.server_name()).to_owned(), origin.port()))
    }

    /// `HTTP/1.1` or `HTTP/2`.
    pub fn version(&self) -> &'static str {
        if self.http2.is_some() { "HTTP/2" } else { "HTTP/1.1" }
    }

    /// How many connections a core shares, with HTTP/2; nothing with HTTP/1.1, where each request on its way has one.
    pub fn connections(&self) -> Option<usize> {
        self.http2
    }

    /// Whether any certificate of the service will do.
    pub fn is_insecure(&self) -> bool {
        self.insecure
    }

    /// A PEM file with certificate authorities to trust beside those of the system.
    pub fn ca_file(&self) -> Option<&Path> {
        self.ca_file.as_deref()
    }

    /// Names of the headers of every request. Their values may be secrets.
    pub fn header_names(&self) -> Vec<&str> {
        self.headers.iter().map(|(name, _)| name.as_str()).collect()
    }

    /// The time one request may take.
    pub fn timeout(&self) -> Duration {
        self.timeout
    }
}

impl fmt::Debug for HttpConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpConfig")
            .field("url", &self.url())
            .field("http2", &self.http2)
            .field("ca_file", &self.ca_file)
            .field("insecure", &self.insecure)
            .field("headers", &self.header_names())
            .field("timeout", &self.timeout)
            .finish()
    }
}
