//! The lean client: requests as they stand on the wire, and no more.
//!
//! An operation signs its request, takes the connection that was used last (or opens one), drives it until
//! the reply is whole, and puts it back. Nothing is spawned, no body is copied, nothing is retried.
//!
//! Deliberately absent: administration of buckets, which is nobody's hot path and belongs to the SDK.

mod call;
mod deletion;
mod pages;
mod upload;

use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, IF_MATCH, IF_NONE_MATCH, RANGE};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use model::outcome::Outcome;

use self::call::{Answer, Call};
use super::config::S3Config;
use super::endpoint::Address;
use super::etag::ETag;
use super::meaning::{Ask, Place};
use super::range::part_reply;
use super::reply::S3Reply;
use super::request::{ByteRange, PutCondition};
use super::sign::Signer;
use super::trust::{S3OpenError, connector};
use super::xml::{XmlProblem, error_document};
use crate::net::{ConnectionUse, Connector, Pool, Received};

/// One thread's lean client of one bucket.
pub(crate) struct Lean {
    address: Address,
    place: Place,
    signer: Signer,
    host: HeaderValue,
    sign_payload: bool,
    timeout: Duration,
    connector: Connector,
    pool: Pool,
}

impl Lean {
    pub(crate) fn new(config: &S3Config) -> Result<Self, S3OpenError> {
        let address = config.address();
        let host = HeaderValue::try_from(&address.host);
        Ok(Lean {
            connector: connector(config, &address)?,
            place: config.place(),
            signer: Signer::new(config.keys.open(config)?, config.region(), &address.host),
            host: host.expect("configuration admits only hosts that a header can carry"),
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
        self.stored(Ask::Put, answer, sent_bytes)
    }

    pub(crate) async fn put_if(&self, key: &str, body: Bytes, condition: PutCondition<'_>) -> S3Reply {
        let header = match condition {
            PutCondition::None => return self.put(key, body).await,
            PutCondition::Absent => (IF_NONE_MATCH, HeaderValue::from_static("*")),
            PutCondition::ETag(etag) => {
                (IF_MATCH, HeaderValue::try_from(etag).expect("an ETag is looked at before it is sent"))
            }
        };
        let sent_bytes = body.len() as u64;
        let call = Call::new(Ask::PutIf, Method::PUT, self.address.object(key));
        let answer = self.call(Call { body, header: Some(Box::new(header)), ..call }).await;
        self.stored(Ask::PutIf, answer, sent_bytes)
    }

    /// The reply to something that was put.
    fn stored(&self, ask: Ask, answer: Answer, sent_bytes: u64) -> S3Reply {
        let mut reply = self.reply(ask, answer, |received| self.named(&received, S3Reply::new(Outcome::Ok)));
        reply.bytes_sent = if reply.status.is_some() { sent_bytes } else { 0 };
        reply
    }

    /// A success with the ETag in it. Every store names what it holds; a server that says yes to anything does not.
    fn named(&self, received: &Received, reply: S3Reply) -> S3Reply {
        match etag(&received.head.headers) {
            None => self.place.not_s3(received.head.status.as_u16(), &received.body),
            etag => S3Reply { etag, ..reply },
        }
    }

    pub(crate) async fn get(&self, key: &str) -> S3Reply {
        let answer = self.call(Call::new(Ask::Get, Method::GET, self.address.object(key))).await;
        self.reply(Ask::Get, answer, |received| S3Reply {
            bytes_received: received.body.len() as u64,
            size_bytes: Some(received.body.len() as u64),
            etag: etag(&received.head.headers),
            body: received.body,
            ..S3Reply::new(Outcome::Ok)
        })
    }

    pub(crate) async fn get_range(&self, key: &str, range: ByteRange) -> S3Reply {
        let wanted = HeaderValue::try_from(range.header()).expect("digits make a header");
        let call = Call::new(Ask::GetRange, Method::GET, self.address.object(key));
        let answer = self.call(Call { header: Some(Box::new((RANGE, wanted))), ..call }).await;
        self.reply(Ask::GetRange, answer, |Received { head, body }| {
            if head.status != StatusCode::PARTIAL_CONTENT {
                return self.place.range_ignored();
            }
            let said = head.headers.get(CONTENT_RANGE).and_then(|value| value.to_str().ok());
            S3Reply { etag: etag(&head.headers), ..part_reply(&self.place, range, said, body) }
        })
    }

    pub(crate) async fn head(&self, key: &str) -> S3Reply {
        let answer = self.call(Call::new(Ask::Head, Method::HEAD, self.address.object(key))).await;
        self.reply(Ask::Head, answer, |received| {
            let size_bytes = content_length(&received.head.headers);
            self.named(&received, S3Reply { size_bytes, ..S3Reply::new(Outcome::Ok) })
        })
    }

    pub(crate) async fn delete(&self, key: &str) -> S3Reply {
        let answer = self.call(Call::new(Ask::Delete, Method::DELETE, self.address.object(key))).await;
        self.reply(Ask::Delete, answer, |_| S3Reply::new(Outcome::Ok))
    }

    /// The reply to a success whose document cannot be read.
    fn unreadable(&self, ask: Ask, received: &Received, problem: &XmlProblem) -> S3Reply {
        let status = received.head.status.as_u16();
        // A refusal may come with the status of a success.
        if error_document(&received.body).is_some() {
            return self.place.refused(ask, &call::refusal(received));
        }
        self.place.unreadable(ask, status, &received.body, problem)
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

fn etag(headers: &HeaderMap) -> Option<ETag> {
    headers.get(ETAG)?.to_str().ok().map(ETag::from)
}

fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Whether a success comes from a web server: stores name what they hold (an object may well be HTML).
fn is_web_page(headers: &HeaderMap) -> bool {
    let is_html = |value: &HeaderValue| value.as_bytes().starts_with(b"text/html");
    headers.get(CONTENT_TYPE).is_some_and(is_html) && !headers.contains_key(ETAG)
}
