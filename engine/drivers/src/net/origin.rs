//! Scheme, host and port of a URL: who is talked to.
//!
//! Deliberately opens no connection and knows no credentials.

use std::fmt;

use http::Uri;

/// Scheme, host and port.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Origin {
    is_https: bool,
    /// As in a URL, in lower case: an IPv6 address stands in brackets.
    host: String,
    port: Option<u16>,
}

/// Why a text is no URL, and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct UrlProblem {
    pub(crate) problem: String,
    pub(crate) remedy: String,
}

impl Origin {
    /// A host that is talked to in https, on its usual port.
    pub(crate) fn https(host: String) -> Self {
        Origin { is_https: true, host, port: None }
    }

    /// Reads `http://host:port` or `https://host:port`, and gives what stands behind it: path and query.
    /// `no_credentials` says what to do instead of writing them there.
    pub(crate) fn parse(text: &str, no_credentials: &str) -> Result<(Self, String), UrlProblem> {
        let problem = |problem: &str, remedy: String| UrlProblem { problem: problem.to_owned(), remedy };
        let text = text.trim();
        let Some((scheme, rest)) = text.split_once("://") else {
            return Err(problem("it does not say http or https", format!("write `http://{text}`")));
        };
        let is_https = match scheme.to_ascii_lowercase().as_str() {
            "https" => true,
            "http" => false,
            other => {
                return Err(problem(
                    &format!("`{other}` is not http or https"),
                    format!("write `http://{rest}`"),
                ));
            }
        };
        let uri: Uri = text.parse().map_err(|error| {
            problem(&format!("it is no URL ({error})"), "write `http://host:port`".to_owned())
        })?;
        let (Some(host), Some(authority)) = (uri.host().filter(|host| !host.is_empty()), uri.authority())
        else {
            return Err(problem("it names no host", "write `http://host:port`".to_owned()));
        };
        if authority.as_str().contains('@') {
            return Err(problem("it holds credentials", no_credentials.to_owned()));
        }
        let port = match authority.as_str().strip_prefix(host).unwrap_or("") {
            "" => None,
            colon_port => {
                let port = colon_port.trim_start_matches(':').parse().ok().filter(|port| *port > 0);
                let remedy = "give a port from 1 to 65535, or leave it out".to_owned();
                Some(port.ok_or_else(|| problem("its port is not a port number", remedy))?)
            }
        };
        let rest = uri.path_and_query().map_or(String::new(), ToString::to_string);
        Ok((Origin { is_https, host: host.to_ascii_lowercase(), port }, rest))
    }

    /// Whether connections are encrypted.
    pub(crate) fn is_https(&self) -> bool {
        self.is_https
    }

    fn own_port(&self) -> u16 {
        if self.is_https { 443 } else { 80 }
    }

    /// The port to connect to.
    pub(crate) fn port(&self) -> u16 {
        self.port.unwrap_or(self.own_port())
    }

    /// The name to resolve and to hold a certificate against: no port, no brackets.
    pub(crate) fn server_name(&self) -> &str {
        self.host.trim_start_matches('[').trim_end_matches(']')
    }

    pub(crate) fn is_ip_address(&self) -> bool {
        self.host.starts_with('[') || self.host.parse::<std::net::Ipv4Addr>().is_ok()
    }

    /// `host` or `host:port`, as a `Host` header says it: without the scheme's own port.
    pub(crate) fn authority(&self) -> String {
        match self.port {
            Some(port) if port != self.own_port() => format!("{}:{port}", self.host),
            _ => self.host.clone(),
        }
    }

    /// The same with the port whenever it was written.
    pub(crate) fn written(&self) -> String {
        let scheme = self.scheme();
        self.port.map_or_else(
            || format!("{scheme}://{}", self.host),
            |port| format!("{scheme}://{}:{port}", self.host),
        )
    }

    /// `http` or `https`.
    pub(crate) fn scheme(&self) -> &'static str {
        if self.is_https { "https" } else { "http" }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme(), self.authority())
    }
}
