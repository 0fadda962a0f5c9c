//! Where an object store is, and how its buckets are addressed there.
//!
//! Deliberately opens no connection and knows no credentials.

use std::fmt;

use http::Uri;

use super::escape::push_path;

/// The address of an object store: scheme, host and port, nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    is_https: bool,
    /// As in a URL: an IPv6 address stands in brackets.
    host: String,
    port: Option<u16>,
}

/// Why a text is no endpoint, and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EndpointProblem {
    pub(crate) problem: String,
    pub(crate) remedy: String,
}

impl Endpoint {
    /// AWS itself, in one of its regions.
    pub(crate) fn aws(region: &str) -> Self {
        Endpoint { is_https: true, host: format!("s3.{region}.amazonaws.com"), port: None }
    }

    /// Reads `http://host:port` or `https://host:port`.
    pub(crate) fn parse(text: &str) -> Result<Self, EndpointProblem> {
        let problem = |problem: &str, remedy: String| EndpointProblem { problem: problem.to_owned(), remedy };
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
            let remedy = "leave the keys out and give them as `access_key` and `secret_key`".to_owned();
            return Err(problem("it holds credentials", remedy));
        }
        if uri.path().len() > 1 || uri.query().is_some() {
            let remedy = format!("write `{scheme}://{authority}` and give the bucket as `bucket:`");
            return Err(problem("it has a path", remedy));
        }
        let port = match authority.as_str().strip_prefix(host).unwrap_or("") {
            "" => None,
            colon_port => {
                let port = colon_port.trim_start_matches(':').parse().ok().filter(|port| *port > 0);
                let remedy = "give a port from 1 to 65535, or leave it out".to_owned();
                Some(port.ok_or_else(|| problem("its port is not a port number", remedy))?)
            }
        };
        Ok(Endpoint { is_https, host: host.to_ascii_lowercase(), port })
    }

    /// Whether connections are encrypted.
    pub fn is_https(&self) -> bool {
        self.is_https
    }

    /// The port to connect to.
    pub(crate) fn port(&self) -> u16 {
        self.port.unwrap_or(if self.is_https { 443 } else { 80 })
    }

    pub(crate) fn is_ip_address(&self) -> bool {
        self.host.starts_with('[') || self.host.parse::<std::net::Ipv4Addr>().is_ok()
    }

    /// `host` or `host:port`, as a `Host` header says it: without the scheme's own port.
    fn authority(&self) -> String {
        match self.port {
            Some(port) if port != (if self.is_https { 443 } else { 80 }) => format!("{}:{port}", self.host),
            _ => self.host.clone(),
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", if self.is_https { "https" } else { "http" }, self.authority())
    }
}

/// How requests to one bucket are written: by path (`host/bucket/key`) or by host (`bucket.host/key`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address {
    /// The `Host` header.
    pub(crate) host: String,
    /// The name to resolve and to hold a certificate against: no port, no brackets.
    pub(crate) server_name: String,
    pub(crate) port: u16,
    /// What comes before a key in the path, escaped, without the slash between them.
    prefix: Vec<u8>,
}

impl Address {
    pub(crate) fn new(endpoint: &Endpoint, bucket: &str, path_style: bool) -> Self {
        let bare = endpoint.host.trim_start_matches('[').trim_end_matches(']');
        if path_style {
            let mut prefix = b"/".to_vec();
            push_path(&mut prefix, bucket);
            Address {
                host: endpoint.authority(),
                server_name: bare.to_owned(),
                port: endpoint.port(),
                prefix,
            }
        } else {
            Address {
                host: format!("{bucket}.{}", endpoint.authority()),
                server_name: format!("{bucket}.{bare}"),
                port: endpoint.port(),
                prefix: Vec::new(),
            }
        }
    }

    /// The path of an object.
    pub(crate) fn object(&self, key: &str) -> Vec<u8> {
        let mut path = Vec::with_capacity(self.prefix.len() + key.len() + 16);
        path.extend_from_slice(&self.prefix);
        path.push(b'/');
        push_path(&mut path, key);
        path
    }

    /// The path of the bucket itself.
    pub(crate) fn bucket(&self) -> Vec<u8> {
        if self.prefix.is_empty() { b"/".to_vec() } else { self.prefix.clone() }
    }
}

/// The name to ask a resolver for. RFC 6761: every name under `localhost` is this machine. Resolvers do not agree
/// about that, and `bucket.localhost` is how virtual-host style is tried out.
pub(crate) fn dialled(server_name: &str) -> &str {
    if server_name.ends_with(".localhost") { "localhost" } else { server_name }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Endpoint {
        Endpoint::parse(text).unwrap()
    }

    #[test]
    fn an_endpoint_is_scheme_host_and_port() {
        assert_eq!(parse("http://127.0.0.1:9000").to_string(), "http://127.0.0.1:9000");
        assert_eq!(parse(" HTTPS://S3.Example.com/ ").to_string(), "https://s3.example.com");
        assert_eq!(parse("https://h:443").to_string(), "https://h");
        assert_eq!((parse("http://h").port(), parse("https://h").port()), (80, 443));
        assert_eq!(parse("http://[::1]:9000").port(), 9000);
        assert!(parse("http://[::1]:9000").is_ip_address() && parse("http://10.0.0.1").is_ip_address());
        assert!(!parse("http://localhost").is_ip_address());
        assert_eq!(Endpoint::aws("eu-west-1").to_string(), "https://s3.eu-west-1.amazonaws.com");
    }

    #[test]
    fn what_is_no_endpoint_is_told_how_to_become_one() {
        let told = |text: &str| {
            let EndpointProblem { problem, remedy } = Endpoint::parse(text).unwrap_err();
            format!("{problem}; {remedy}")
        };
        assert_eq!(told("localhost:9000"), "it does not say http or https; write `http://localhost:9000`");
        assert_eq!(told("s3://bucket"), "`s3` is not http or https; write `http://bucket`");
        assert_eq!(
            told("http://h:9000/bucket/x"),
            "it has a path; write `http://h:9000` and give the bucket as `bucket:`"
        );
        assert_eq!(
            told("http://key:secret@h"),
            "it holds credentials; leave the keys out and give them as `access_key` and `secret_key`"
        );
        assert!(told("http://h:0").starts_with("its port is not a port number"));
        assert!(told("http://h:99999").contains("port"));
        assert!(told("http://").starts_with("it is no URL"));
        assert!(told("http://a b").starts_with("it is no URL"));
    }

    #[test]
    fn a_bucket_is_addressed_by_path_or_by_host() {
        let endpoint = parse("https://s3.example.com:9000");
        let by_path = Address::new(&endpoint, "runs", true);
        assert_eq!(
            (by_path.host.as_str(), by_path.server_name.as_str()),
            ("s3.example.com:9000", "s3.example.com")
        );
        assert_eq!(by_path.object("a b/c"), b"/runs/a%20b/c");
        assert_eq!(by_path.bucket(), b"/runs");
        let by_host = Address::new(&endpoint, "runs", false);
        assert_eq!(by_host.host, "runs.s3.example.com:9000");
        assert_eq!(by_host.server_name, "runs.s3.example.com");
        assert_eq!(by_host.object("/c"), b"//c");
        assert_eq!(by_host.bucket(), b"/");
        assert_eq!(Address::new(&parse("http://[::1]:9000"), "b", true).server_name, "::1");
        assert_eq!((dialled("b.localhost"), dialled("b.example.com")), ("localhost", "b.example.com"));
    }
}
