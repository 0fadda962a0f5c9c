//! The lean client: requests as they stand on the wire, and no more.
//!
//! An operation signs its request, takes the connection that was used last (or opens one), drives it until
//! the reply is whole, and puts it back. Nothing is spawned, no body is copied, nothing is retried.
//!
//! Deliberately absent: administration of buckets, which is nobody's hot path and belongs to the SDK.

mod call;
mod connect;
mod connection;
mod pool;
mod relay;
mod wire;

use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, ETAG};
use http::{HeaderMap, HeaderValue, Method};
use model::outcome::Outcome;

use self::call::{Answer, Call};
use self::connect::Connector;
use self::connection::Received;
use self::pool::Pool;
use super::config::S3Config;
use super::endpoint::Address;
use super::escape::push_query;
use super::meaning::{Ask, Place};
use super::reply::S3Reply;
use super::request::PageRequest;
use super::sign::{Identity, Signer};
use super::trust::S3OpenError;
use super::xml::{self, Page};

pub use self::pool::ConnectionUse;

/// One thread's lean client of one bucket.
pub(crate) struct Lean {
    address: Address,
    place: Place,
    signer: Signer,
    host: HeaderValue,
    session_token: Option<HeaderValue>,
    sign_payload: bool,
    timeout: Duration,
    connector: Connector,
    pool: Pool,
}

impl Lean {
    pub(crate) fn new(config: &S3Config) -> Result<Self, S3OpenError> {
        let address = config.address();
        let identity = Identity {
            access_key: config.access_key.clone(),
            secret_key: config.secret_key.clone(),
            session_token: config.session_token.clone(),
            region: config.region.clone(),
        };
        let header = |text: &str| {
            HeaderValue::try_from(text)
                .expect("configuration admits only hosts and tokens that a header can carry")
        };
        Ok(Lean {
            connector: Connector::new(config)?,
            place: config.place(),
            signer: Signer::new(identity, &address.host),
            host: header(&address.host),
            session_token: config.session_token.as_deref().map(header),
            sign_payload: config.sign_payload,
            timeout: config.timeout,
            pool: Pool::default(),
            address,
        })
    }

    pub(crate) fn usage(&self) -> ConnectionUse {
        self.pool.usage()
    }

    pub(crate) async fn put(&self, key: &str, body: Bytes) -> S3Reply {
        let sent_bytes = body.len() as u64;
        let call = Call { body, ..Call::new(Ask::Put, Method::PUT, self.address.object(key)) };
        let answer = self.call(call).await;
        let mut reply = self.reply(Ask::Put, answer, |_| S3Reply::new(Outcome::Ok));
        reply.bytes_sent = if reply.status.is_some() { sent_bytes } else { 0 };
        reply
    }

    pub(crate) async fn get(&self, key: &str) -> S3Reply {
        let answer = self.call(Call::new(Ask::Get, Method::GET, self.address.object(key))).await;
        self.reply(Ask::Get, answer, |received| S3Reply {
            bytes_received: received.body.len() as u64,
            size_bytes: Some(received.body.len() as u64),
            body: received.body,
            ..S3Reply::new(Outcome::Ok)
        })
    }

    pub(crate) async fn head(&self, key: &str) -> S3Reply {
        let answer = self.call(Call::new(Ask::Head, Method::HEAD, self.address.object(key))).await;
        self.reply(Ask::Head, answer, |received| S3Reply {
            size_bytes: content_length(&received.head.headers),
            ..S3Reply::new(Outcome::Ok)
        })
    }

    pub(crate) async fn delete(&self, key: &str) -> S3Reply {
        let answer = self.call(Call::new(Ask::Delete, Method::DELETE, self.address.object(key))).await;
        self.reply(Ask::Delete, answer, |_| S3Reply::new(Outcome::Ok))
    }

    /// One page of a listing; the page is empty unless the reply is `ok`.
    pub(crate) async fn page(&self, request: &PageRequest<'_>) -> (S3Reply, Page) {
        let query = page_query(request);
        let call = Call { query, ..Call::new(Ask::List, Method::GET, self.address.bucket()) };
        let answer = self.call(call).await;
        let mut found = Page::default();
        let mut reply = self.reply(Ask::List, answer, |received| match xml::page(&received.body) {
            Ok(page) => {
                found = page;
                S3Reply { bytes_received: received.body.len() as u64, ..S3Reply::new(Outcome::Ok) }
            }
            Err(problem) => self.place.bad_listing(received.head.status.as_u16(), &received.body, &problem),
        });
        reply.items = found.keys.len() as u64;
        (reply, found)
    }

    /// Makes a reply of an answer: of a success what `success` says, of everything else what it means.
    fn reply(&self, ask: Ask, answer: Answer, success: impl FnOnce(Received) -> S3Reply) -> S3Reply {
        let mut reply = match answer.result {
            Err(reply) => reply,
            Ok(received) => {
                let status = received.head.status;
                let mut reply = if !status.is_success() {
                    self.place.refused(ask, &call::refusal(&received))
                } else if is_web_page(&received.head.headers) {
                    self.place.not_s3(status.as_u16(), &received.body)
                } else {
                    success(received)
                };
                reply.status = Some(status.as_u16());
                reply
            }
        };
        reply.service_ns = answer.service_ns;
        reply.connect_wait_ns = Some(answer.connect_wait_ns);
        reply
    }
}

/// The query of a page, escaped and sorted by name.
fn page_query(request: &PageRequest<'_>) -> Vec<u8> {
    let mut query = Vec::with_capacity(96);
    if let Some(token) = request.token {
        query.extend_from_slice(b"continuation-token=");
        push_query(&mut query, token);
        query.push(b'&');
    }
    // XML cannot hold every character that a key may have, so keys are asked for with escapes.
    query.extend_from_slice(b"encoding-type=url&list-type=2");
    if let Some(max_keys) = request.max_keys {
        query.extend_from_slice(format!("&max-keys={max_keys}").as_bytes());
    }
    query.extend_from_slice(b"&prefix=");
    push_query(&mut query, request.prefix);
    if let (Some(key), None) = (request.start_after, request.token) {
        query.extend_from_slice(b"&start-after=");
        push_query(&mut query, key);
    }
    query
}

fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Whether a success comes from a web server: stores name what they hold (an object may well be HTML).
fn is_web_page(headers: &HeaderMap) -> bool {
    let is_html = |value: &HeaderValue| value.as_bytes().starts_with(b"text/html");
    headers.get(CONTENT_TYPE).is_some_and(is_html) && !headers.contains_key(ETAG)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_asked_for_in_the_order_of_the_signature() {
        let query = |request: PageRequest<'_>| String::from_utf8(page_query(&request)).unwrap();
        let whole = PageRequest { prefix: "", start_after: None, max_keys: None, token: None };
        assert_eq!(query(whole), "encoding-type=url&list-type=2&prefix=");
        let from = PageRequest { prefix: "r/1&", start_after: Some("r/1&+"), max_keys: Some(7), token: None };
        assert_eq!(
            query(from),
            "encoding-type=url&list-type=2&max-keys=7&prefix=r%2F1%26&start-after=r%2F1%26%2B"
        );
        let on = PageRequest { token: Some("a=b/"), ..from };
        let text = query(on);
        assert_eq!(
            text,
            "continuation-token=a%3Db%2F&encoding-type=url&list-type=2&max-keys=7&prefix=r%2F1%26"
        );
        let mut names: Vec<&str> = text.split('&').collect();
        names.sort_unstable();
        assert_eq!(names.join("&"), text);
    }
}
