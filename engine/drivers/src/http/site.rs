//! One scheme, host and port: requests are put together here and carried there.
//!
//! Deliberately does not know what a reply means (see `meaning`).

use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HOST, USER_AGENT};
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderMap, HeaderValue, Method, Request, Uri};
use http_body_util::Full;
use tokio::time::Instant;

use super::config::{Base, HttpConfig};
use super::meaning::{Asked, Place};
use super::multiplexed::Multiplexed;
use super::reply::{BODY_LIMIT_BYTES, HttpReply};
use super::request::HttpRequest;
use crate::net::{
    ConnectionUse, Connector, Of, Origin, Pool, Received, Times, Trouble, Trust, TrustError, Wanted, carry,
    open,
};

const NAME: HeaderValue = HeaderValue::from_static(concat!("snapbench/", env!("CARGO_PKG_VERSION")));

/// One core's connections to one scheme, host and port.
pub(super) struct Site {
    place: Place,
    scheme: Scheme,
    authority: Authority,
    /// What comes before every path.
    prefix: Vec<u8>,
    /// What every request begins with.
    headers: HeaderMap,
    timeout: Duration,
    connector: Connector,
    links: Links,
}

/// How requests share connections.
enum Links {
    /// HTTP/1.1: one at a time on each.
    OneEach(Pool),
    /// HTTP/2: all on a few.
    Shared(Multiplexed),
}

impl Site {
    /// The service of a configuration, with its headers.
    pub(super) fn of_service(config: &HttpConfig, base: &Base) -> Result<Self, TrustError> {
        let mut site = Self::new(config, &base.origin, config.insecure)?;
        site.connector = site.connector.through(config.detour);
        site.prefix.clone_from(&base.prefix);
        for (name, value) in &config.headers {
            site.headers.insert(name.clone(), value.clone());
        }
        Ok(site)
    }

    /// Whatever a URL names: it gets no headers, and its certificate must be good.
    pub(super) fn of_url(config: &HttpConfig, origin: &Origin) -> Result<Self, TrustError> {
        Self::new(config, origin, false)
    }

    fn new(config: &HttpConfig, origin: &Origin, believes_anybody: bool) -> Result<Self, TrustError> {
        let protocol: &[u8] = if config.http2.is_some() { b"h2" } else { b"http/1.1" };
        let trust = Trust { setting: "url", ca_file: config.ca_file(), believes_anybody, protocol };
        let trust = origin.is_https().then_some(&trust);
        let host = origin.authority();
        let mut headers = HeaderMap::with_capacity(8);
        if config.http2.is_none() {
            // HTTP/2 says it in a place of its own.
            let host = HeaderValue::try_from(&host).expect("what was read as a URL's host makes a header");
            headers.insert(HOST, host);
        }
        headers.insert(USER_AGENT, NAME);
        Ok(Site {
            place: Place::new(origin, config.http2.is_some()),
            scheme: if origin.is_https() { Scheme::HTTPS } else { Scheme::HTTP },
            authority: host.parse().expect("it was read as a URL's host and port"),
            prefix: Vec::new(),
            headers,
            timeout: config.timeout,
            connector: Connector::new(origin.server_name(), origin.port(), trust)?,
            links: match config.http2 {
                None => Links::OneEach(Pool::default()),
                Some(connections) => Links::Shared(Multiplexed::new(connections, origin.is_https())),
            },
        })
    }

    pub(super) fn usage(&self) -> ConnectionUse {
        match &self.links {
            Links::OneEach(pool) => pool.usage(),
            Links::Shared(shared) => shared.usage(),
        }
    }

    /// Sends a request. Its time limit counts from here, connecting included; its service time does not include our
    /// own work before a connection is wanted.
    pub(super) async fn send(&self, request: HttpRequest<'_>) -> HttpReply {
        let (method, rules) = (request.method, request.rules);
        let timeout = request.timeout.unwrap_or(self.timeout);
        let sent_bytes = request.body.len() as u64;
        let made = match self.request(request) {
            Ok(made) => made,
            Err(problem) => return self.place.bad_target(&problem),
        };
        let asked = Instant::now();
        let mut times = Times::until(asked, asked + timeout);
        let result = self.carry(made, &mut times).await;
        let asked = Asked { method, rules, timeout };
        let mut reply = match result {
            Ok(received) => {
                let mut reply = self.place.answered(&asked, received);
                reply.bytes_sent = sent_bytes;
                reply
            }
            Err(trouble) => self.place.ended(&asked, trouble),
        };
        reply.service_ns = times.service_ns();
        reply.connect_wait_ns = times.connect_wait_ns();
        reply
    }

    /// Makes sure that there is a connection.
    pub(super) async fn reach(&self, timeout: Duration) -> Result<(), String> {
        let now = Instant::now();
        let reached = match &self.links {
            Links::OneEach(pool) => open(&self.connector, now + timeout).await.map(|connection| {
                pool.put(now, connection);
            }),
            Links::Shared(shared) => shared.reach(&self.connector, now + timeout).await,
        };
        reached.map_err(|trouble| self.place.out_of_reach(trouble, timeout))
    }

    async fn carry(&self, request: Request<Full<Bytes>>, times: &mut Times) -> Result<Received, Trouble> {
        let wanted = Wanted { limit_bytes: BODY_LIMIT_BYTES, of: Of::Any };
        match &self.links {
            Links::OneEach(pool) => carry(pool, &self.connector, request, wanted, times).await,
            Links::Shared(shared) => shared.carry(&self.connector, request, wanted.limit_bytes, times).await,
        }
    }

    fn request(&self, request: HttpRequest<'_>) -> Result<Request<Full<Bytes>>, String> {
        let HttpRequest { method, target, headers, content_type, body, .. } = request;
        let uri = self.uri(target.origin.is_none(), target.path)?;
        let mut all = self.headers.clone();
        if let Some(content_type) = content_type {
            all.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        }
        for (name, value) in headers {
            all.insert(name.clone(), value.clone());
        }
        if body.is_empty() && [Method::POST, Method::PUT, Method::PATCH].contains(method) {
            // hyper says nothing about a body that is empty, and servers insist on a length.
            all.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
        let mut made = Request::new(Full::new(body));
        *made.method_mut() = method.clone();
        *made.uri_mut() = uri;
        *made.headers_mut() = all;
        Ok(made)
    }

    /// The request's target. Every byte can stand in a URL, so only its length can be wrong.
    fn uri(&self, is_relative: bool, path: Vec<u8>) -> Result<Uri, String> {
        let prefix = if is_relative { &self.prefix[..] } else { &[] };
        let is_rooted = path.first() == Some(&b'/');
        let path = if prefix.is_empty() && is_rooted {
            path
        } else {
            let slash: &[u8] = if is_rooted { b"" } else { b"/" };
            [prefix, slash, &path].concat()
        };
        let length = path.len();
        let path = PathAndQuery::from_maybe_shared(Bytes::from(path))
            .map_err(|_| format!("it makes a request target of {length} bytes, which is too long"))?;
        match &self.links {
            Links::OneEach(_) => Ok(Uri::from(path)),
            Links::Shared(_) => {
                let mut parts = http::uri::Parts::default();
                parts.scheme = Some(self.scheme.clone());
                parts.authority = Some(self.authority.clone());
                parts.path_and_query = Some(path);
                Ok(Uri::from_parts(parts).expect("all three parts are there"))
            }
        }
    }
}
