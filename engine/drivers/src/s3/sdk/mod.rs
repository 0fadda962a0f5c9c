//! The SDK client: the AWS SDK for Rust as an application would use it, less what hides the store from view.
//!
//! Off: retries (a 503 must be seen) and stalled-stream protection (a slow store is a finding). Checksums
//! only where an operation requires them. TLS on ring. What it costs is part of what is measured.
//!
//! The SDK keeps some things to itself: the status of a success, the wait for a connection, the size of a
//! listing. Replies then hold nothing in their place.

mod admin;
mod errors;

use std::error::Error;
use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{
    BehaviorVersion, Config, Credentials, Region, RequestChecksumCalculation, ResponseChecksumValidation,
    StalledStreamProtectionConfig,
};
use aws_sdk_s3::error::SdkError;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::EncodingType;
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use bytes::Bytes;
use model::outcome::Outcome;
use tokio::time::{Instant, timeout_at};

use super::config::S3Config;
use super::meaning::{Ask, Place};
use super::reply::{Listed, S3Reply};
use super::request::PageRequest;
use super::trust::{S3OpenError, ca_pem};
use super::xml::Page;

/// One thread's SDK client of one bucket.
pub(crate) struct Sdk {
    client: Client,
    place: Place,
    timeout: Duration,
}

impl Sdk {
    pub(crate) fn new(config: &S3Config) -> Result<Self, S3OpenError> {
        let credentials = Credentials::new(
            config.access_key.clone(),
            config.secret_key.clone(),
            config.session_token.clone(),
            None,
            "snapbench",
        );
        let sdk = Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(config.region.clone()))
            .endpoint_url(config.endpoint.to_string())
            .credentials_provider(credentials)
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
        let reply = self.timed(Ask::Put, async {
            match sending.await {
                // Every store names what it stored; a web server that says 200 to anything does not.
                Ok(stored) if stored.e_tag().is_none() => self.place.not_s3(200, b""),
                Ok(_) => S3Reply::new(Outcome::Ok),
                Err(error) => self.failed(Ask::Put, &error),
            }
        });
        let mut reply = reply.await;
        reply.bytes_sent = if reply.is_ok() || reply.status.is_some() { sent_bytes } else { 0 };
        reply
    }

    pub(crate) async fn get(&self, key: &str) -> S3Reply {
        let sending = self.client.get_object().bucket(&self.place.bucket).key(key).send();
        self.timed(Ask::Get, async {
            let object = match sending.await {
                Ok(object) => object,
                Err(error) => return self.failed(Ask::Get, &error),
            };
            let is_page =
                object.e_tag().is_none() && object.content_type().is_some_and(|t| t.starts_with("text/html"));
            match object.body.collect().await {
                Ok(_) if is_page => self.place.not_s3(200, b""),
                Ok(body) => {
                    let body = body.into_bytes();
                    S3Reply {
                        bytes_received: body.len() as u64,
                        size_bytes: Some(body.len() as u64),
                        body,
                        ..S3Reply::new(Outcome::Ok)
                    }
                }
                Err(error) => errors::lost(&self.place, Ask::Get, &error),
            }
        })
        .await
    }

    pub(crate) async fn head(&self, key: &str) -> S3Reply {
        let sending = self.client.head_object().bucket(&self.place.bucket).key(key).send();
        self.timed(Ask::Head, async {
            match sending.await {
                Ok(object) if object.e_tag().is_none() => self.place.not_s3(200, b""),
                Ok(object) => {
                    let size_bytes = object.content_length().and_then(|size| u64::try_from(size).ok());
                    S3Reply { size_bytes, ..S3Reply::new(Outcome::Ok) }
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

    /// One page of a listing; the page is empty unless the reply is `ok`.
    pub(crate) async fn page(&self, request: &PageRequest<'_>) -> (S3Reply, Page) {
        let sending = self
            .client
            .list_objects_v2()
            .bucket(&self.place.bucket)
            .prefix(request.prefix)
            .encoding_type(EncodingType::Url)
            .set_start_after(request.start_after.filter(|_| request.token.is_none()).map(str::to_owned))
            .set_max_keys(request.max_keys.map(|keys| i32::try_from(keys).unwrap_or(i32::MAX)))
            .set_continuation_token(request.token.map(str::to_owned))
            .send();
        let mut found = Page::default();
        let mut reply = self
            .timed(Ask::List, async {
                let listed = match sending.await {
                    Ok(listed) => listed,
                    Err(error) => return self.failed(Ask::List, &error),
                };
                let page = Page {
                    keys: listed.contents().iter().map(listed_object).collect(),
                    next: listed.next_continuation_token().map(str::to_owned),
                };
                let is_escaped = listed.encoding_type() == Some(&EncodingType::Url);
                match page.finish(listed.is_truncated() == Some(true), is_escaped) {
                    Ok(page) => {
                        found = page;
                        S3Reply::new(Outcome::Ok)
                    }
                    Err(problem) => self.place.bad_listing(200, b"<", &problem),
                }
            })
            .await;
        reply.items = found.keys.len() as u64;
        (reply, found)
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

fn listed_object(object: &aws_sdk_s3::types::Object) -> Listed {
    Listed {
        key: object.key().unwrap_or_default().to_owned(),
        size_bytes: object.size().and_then(|size| u64::try_from(size).ok()).unwrap_or(0),
    }
}

fn http_client(config: &S3Config) -> Result<SharedHttpClient, S3OpenError> {
    let mut trust = TrustStore::default();
    if let Some(pem) = ca_pem(config)? {
        trust.add_pem_certificate(pem);
    }
    let tls = TlsContext::builder()
        .with_trust_store(trust)
        .build()
        .map_err(|error| S3OpenError::Sdk { reason: error.to_string() })?;
    Ok(Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).tls_context(tls).build_https())
}
