//! The SDK client: the AWS SDK for Rust as an application would use it, less what hides the store from view.
//!
//! Off: retries (a 503 must be seen) and stalled-stream protection (a slow store is a finding). Checksums
//! only where an operation requires them. TLS on ring. What it costs is part of what is measured.
//!
//! The SDK keeps some things to itself: the status of a success, the wait for a connection, the size of a
//! listing. Replies then hold nothing in their place.

mod admin;
mod deletion;
mod errors;
mod http;
mod pages;
mod upload;

use std::error::Error;
use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{
    BehaviorVersion, Config, Region, RequestChecksumCalculation, ResponseChecksumValidation,
    StalledStreamProtectionConfig,
};
use aws_sdk_s3::error::SdkError;
use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_sdk_s3::operation::put_object::PutObjectOutput;
use aws_sdk_s3::primitives::ByteStream;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use bytes::{Bytes, BytesMut};
use model::outcome::Outcome;
use tokio::time::{Instant, timeout_at};

use super::config::S3Config;
use super::etag::ETag;
use super::meaning::{Ask, Place};
use super::range::part_reply;
use super::reply::{OBJECT_LIMIT_BYTES, S3Reply};
use super::request::{ByteRange, PutCondition};
use super::trust::S3OpenError;

pub(crate) use self::http::http_client;

/// One thread's SDK client of one bucket.
pub(crate) struct Sdk {
    client: Client,
    place: Place,
    timeout: Duration,
}

impl Sdk {
    pub(crate) fn new(config: &S3Config) -> Result<Self, S3OpenError> {
        let sdk = Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(config.region.clone()))
            .endpoint_url(config.endpoint.to_string())
            .credentials_provider(config.keys.open(config)?)
            .force_path_style(config.path_style)
            .http_client(http_client(config)?)
            .retry_config(RetryConfig::disabled())
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
            .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
            // The whole operation is timed by us, reading the body included; connecting must not end sooner.
            .timeout_config(TimeoutConfig::builder().connect_timeout(config.timeout).build())
            .build();
        Ok(Sdk { client: Client::from_conf(sdk), place: config.place(), timeout: config.timeout })
    }

    pub(crate) async fn put(&self, key: &str, body: Bytes) -> S3Reply {
        let sent_bytes = body.len() as u64;
        let sending =
            self.client.put_object().bucket(&self.place.bucket).key(key).body(ByteStream::from(body)).send();
        self.stored(Ask::Put, sent_bytes, async move { Ok(named_put(&sending.await?)) }).await
    }

    pub(crate) async fn put_if(&self, key: &str, body: Bytes, condition: PutCondition<'_>) -> S3Reply {
        let sent_bytes = body.len() as u64;
        let put = self.client.put_object().bucket(&self.place.bucket).key(key).body(ByteStream::from(body));
        let put = match condition {
            PutCondition::None => put,
            PutCondition::Absent => put.if_none_match("*"),
            PutCondition::ETag(etag) => put.if_match(etag),
        };
        let sending = put.send();
        self.stored(Ask::PutIf, sent_bytes, async move { Ok(named_put(&sending.await?)) }).await
    }

    /// The reply to something that was put and whose ETag the store gives.
    async fn stored<E: Error + 'static>(
        &self,
        ask: Ask,
        sent_bytes: u64,
        sending: impl Future<Output = Result<Option<ETag>, SdkError<E, HttpResponse>>>,
    ) -> S3Reply {
        let reply = self.timed(ask, async {
            match sending.await {
                Ok(etag) => self.named(etag, S3Reply::new(Outcome::Ok)),
                Err(error) => self.failed(ask, &error),
            }
        });
        let mut reply = reply.await;
        reply.bytes_sent = if reply.is_ok() || reply.status.is_some() { sent_bytes } else { 0 };
        reply
    }

    /// A success with the ETag in it. Every store names what it holds; a server that says yes to anything does not.
    fn named(&self, etag: Option<ETag>, reply: S3Reply) -> S3Reply {
        match etag {
            None => self.place.not_s3(200, b""),
            etag => S3Reply { etag, ..reply },
        }
    }

    pub(crate) async fn get(&self, key: &str) -> S3Reply {
        let sending = self.client.get_object().bucket(&self.place.bucket).key(key).send();
        self.timed(Ask::Get, async {
            match sending.await {
                Ok(object) => self.whole(object).await,
                Err(error) => self.failed(Ask::Get, &error),
            }
        })
        .await
    }

    async fn whole(&self, object: GetObjectOutput) -> S3Reply {
        let etag = object.e_tag().map(ETag::from);
        let is_page = etag.is_none() && object.content_type().is_some_and(|t| t.starts_with("text/html"));
        match self.taken(Ask::Get, object.content_length, object.body).await {
            Ok(_) if is_page => self.place.not_s3(200, b""),
            Ok(body) => S3Reply {
                bytes_received: body.len() as u64,
                size_bytes: Some(body.len() as u64),
                body,
                etag,
                ..S3Reply::new(Outcome::Ok)
            },
            Err(reply) => reply,
        }
    }

    pub(crate) async fn get_range(&self, key: &str, range: ByteRange) -> S3Reply {
        let get = self.client.get_object().bucket(&self.place.bucket).key(key);
        let sending = get.range(range.header()).send();
        self.timed(Ask::GetRange, async {
            let object = match sending.await {
                Ok(object) => object,
                Err(error) => return self.failed(Ask::GetRange, &error),
            };
            let etag = object.e_tag().map(ETag::from);
            // The SDK does not tell the status. A part says which one it is; a whole object does not.
            let Some(said) = object.content_range else {
                let is_page =
                    etag.is_none() && object.content_type.is_some_and(|t| t.starts_with("text/html"));
                return if is_page { self.place.not_s3(200, b"") } else { self.place.range_ignored() };
            };
            match self.taken(Ask::GetRange, object.content_length, object.body).await {
                Ok(body) => S3Reply { etag, ..part_reply(&self.place, range, Some(&said), body) },
                Err(reply) => reply,
            }
        })
        .await
    }

    /// The whole of a body, if it is not more than is held in memory.
    async fn taken(
        &self,
        ask: Ask,
        announced_bytes: Option<i64>,
        mut body: ByteStream,
    ) -> Result<Bytes, S3Reply> {
        let is_too_large = |bytes: usize| bytes as u64 > OBJECT_LIMIT_BYTES;
        let announced_bytes = announced_bytes.and_then(|bytes| usize::try_from(bytes).ok());
        if announced_bytes.is_some_and(is_too_large) {
            return Err(self.place.too_large(ask, OBJECT_LIMIT_BYTES));
        }
        let (mut first, mut all) = (Bytes::new(), BytesMut::new());
        while let Some(chunk) = body.next().await {
            let chunk = chunk.map_err(|error| errors::lost(&self.place, ask, &error))?;
            if first.is_empty() {
                first = chunk;
                continue;
            }
            if all.is_empty() {
                all.reserve(announced_bytes.unwrap_or(0).max(first.len() + chunk.len()));
                all.extend_from_slice(&first);
            }
            all.extend_from_slice(&chunk);
            if is_too_large(all.len()) {
                return Err(self.place.too_large(ask, OBJECT_LIMIT_BYTES));
            }
        }
        Ok(if all.is_empty() { first } else { all.freeze() })
    }

    pub(crate) async fn head(&self, key: &str) -> S3Reply {
        let sending = self.client.head_object().bucket(&self.place.bucket).key(key).send();
        self.timed(Ask::Head, async {
            match sending.await {
                Ok(object) => {
                    let size_bytes = object.content_length().and_then(|size| u64::try_from(size).ok());
                    let reply = S3Reply { size_bytes, ..S3Reply::new(Outcome::Ok) };
                    self.named(object.e_tag().map(ETag::from), reply)
                }
                Err(error) => self.failed(Ask::Head, &error),
            }
        })
        .await
    }

    pub(crate) async fn delete(&self, key: &str) -> S3Reply {
        let sending = self.client.delete_object().bucket(&self.place.bucket).key(key).send();
        self.timed(Ask::Delete, async {
            match sending.await {
                Ok(_) => S3Reply::new(Outcome::Ok),
                Err(error) => self.failed(Ask::Delete, &error),
            }
        })
        .await
    }

    /// Carries out one request within the time allowed, and says how long it took.
    async fn timed(&self, ask: Ask, request: impl Future<Output = S3Reply>) -> S3Reply {
        let asked = Instant::now();
        let mut reply = match timeout_at(asked + self.timeout, request).await {
            Ok(reply) => reply,
            // Whether anything was sent cannot be seen, so a change counts as possibly made.
            Err(_) => self.place.timed_out(ask, true, self.timeout),
        };
        reply.service_ns = asked.elapsed().as_nanos() as u64;
        reply
    }

    fn failed<E: Error + 'static>(&self, ask: Ask, error: &SdkError<E, HttpResponse>) -> S3Reply {
        errors::meaning(&self.place, ask, error, self.timeout)
    }
}

fn named_put(stored: &PutObjectOutput) -> Option<ETag> {
    stored.e_tag().map(ETag::from)
}
