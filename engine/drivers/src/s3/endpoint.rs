//! Where an object store is, and how its buckets are addressed there.
//!
//! Deliberately opens no connection and knows no credentials.

use std::fmt;

use crate::net::escape::push_path;
use crate::net::{Origin, UrlProblem};

/// The address of an object store: scheme, host and port, nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint(Origin);

/// What to write instead of credentials in an address.
const CREDENTIALS: &str = "leave the keys out and give them as `access_key` and `secret_key`";

impl Endpoint {
    /// AWS itself, in one of its regions.
    pub(crate) fn aws(region: &str) -> Self {
        Endpoint(Origin::https(format!("s3.{region}.amazonaws.com")))
    }

    /// Reads `http://host:port` or `https://host:port`.
    pub(crate) fn parse(text: &str) -> Result<Self, UrlProblem> {
        let (origin, rest) = Origin::parse(text, CREDENTIALS)?;
        if rest.len() > 1 {
            return Err(UrlProblem {
                problem: "it has a path".to_owned(),
                remedy: format!("write `{}` and give the bucket as `bucket:`", origin.written()),
            });
        }
        Ok(Endpoint(origin))
    }

    /// Whether connections are encrypted.
    pub fn is_https(&self) -> bool {
        self.0.is_https()
    }

    /// The port to connect to.
    pub(crate) fn port(&self) -> u16 {
        self.0.port()
    }

    pub(crate) fn is_ip_address(&self) -> bool {
        self.0.is_ip_address()
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
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
        let (authority, bare) = (endpoint.0.authority(), endpoint.0.server_name());
        if path_style {
            let mut prefix = b"/".to_vec();
            push_path(&mut prefix, bucket);
            Address { host: authority, server_name: bare.to_owned(), port: endpoint.port(), prefix }
        } else {
            Address {
                host: format!("{bucket}.{authority}"),
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
            let UrlProblem { problem, remedy } = Endpoint::parse(text).unwrap_err();
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
    }
}
