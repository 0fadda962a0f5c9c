//! One request from its parts to its whole reply, and what that took.
//!
//! Deliberately does not know what a success holds, nor how a connection is chosen (see `net`).

use std::time::{SystemTime, UNIX_EPOCH};

use bytes::{BufMut, Bytes, BytesMut};
use http::header::{AUTHORIZATION, CONTENT_LENGTH, DATE, HOST, HeaderName};
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, Uri};
use http_body_util::Full;
use tokio::time::Instant;

use super::Lean;
use crate::net::{Of, Received, Times, Trouble, Wanted, carry};
use crate::s3::meaning::{Ask, Refusal};
use crate::s3::reply::{OBJECT_LIMIT_BYTES, S3Reply};
use crate::s3::sign::Payload;

/// A page has at most 1,000 keys of at most 1 KiB, each byte escaped to three, and some XML around them. No other
/// document is larger.
const DOCUMENT_LIMIT_BYTES: u64 = 16 << 20;

const X_AMZ_DATE: HeaderName = HeaderName::from_static("x-amz-date");
const X_AMZ_CONTENT_SHA256: HeaderName = HeaderName::from_static("x-amz-content-sha256");
const X_AMZ_SECURITY_TOKEN: HeaderName = HeaderName::from_static("x-amz-security-token");
const X_AMZ_BUCKET_REGION: HeaderName = HeaderName::from_static("x-amz-bucket-region");

/// What to send.
pub(super) struct Call {
    pub(super) ask: Ask,
    pub(super) method: Method,
    /// Escaped.
    pub(super) path: Vec<u8>,
    /// Escaped and sorted by name, as the signature wants it.
    pub(super) query: Vec<u8>,
    pub(super) body: Bytes,
    /// Whether the body is a document of S3's own, which is signed whatever is said about payloads.
    pub(super) is_document: bool,
    /// One more header, which S3 does not want signed. Apart, because most calls have none.
    pub(super) header: Option<Box<(HeaderName, HeaderValue)>>,
}

/// What it came to, and what it took.
pub(super) struct Answer {
    pub(super) result: Result<Received, S3Reply>,
    pub(super) service_ns: u64,
    pub(super) connect_wait_ns: u64,
}

impl Call {
    pub(super) fn new(ask: Ask, method: Method, path: Vec<u8>) -> Self {
        Call { ask, method, path, query: Vec::new(), body: Bytes::new(), is_document: false, header: None }
    }
}

/// What of a reply is wanted.
fn wanted(ask: Ask) -> Wanted {
    match ask {
        Ask::Get => Wanted { limit_bytes: OBJECT_LIMIT_BYTES, of: Of::Success },
        // Not the whole object, where a part was asked for.
        Ask::GetRange => {
            Wanted { limit_bytes: OBJECT_LIMIT_BYTES, of: Of::Status(StatusCode::PARTIAL_CONTENT) }
        }
        _ => Wanted { limit_bytes: DOCUMENT_LIMIT_BYTES, of: Of::Success },
    }
}

/// The parts of a reply that say why a request was refused.
pub(super) fn refusal(received: &Received) -> Refusal<'_> {
    let header = |name| received.head.headers.get(name).and_then(|value| value.to_str().ok());
    Refusal {
        status: received.head.status.as_u16(),
        region: header(X_AMZ_BUCKET_REGION),
        date: header(DATE),
        now: SystemTime::now(),
        body: &received.body,
    }
}

impl Lean {
    /// Carries out one request. Its time limit counts from here, connecting included; its service time does
    /// not include our own work before the connection is wanted.
    pub(super) async fn call(&self, call: Call) -> Answer {
        let ask = call.ask;
        let request = self.request(call);
        let asked = Instant::now();
        let mut times = Times::until(asked, asked + self.timeout);
        let result = match request {
            Err(reply) => Err(reply),
            Ok(request) => carry(&self.pool, &self.connector, request, wanted(ask), &mut times)
                .await
                .map_err(|trouble| self.failed(ask, trouble)),
        };
        Answer { result, service_ns: times.service_ns(), connect_wait_ns: times.connect_wait_ns() }
    }

    fn failed(&self, ask: Ask, trouble: Trouble) -> S3Reply {
        match trouble {
            Trouble::Unreachable(error) => self.place.unreachable(&error),
            Trouble::Untrusted(detail) => self.place.untrusted(&detail),
            Trouble::TimedOut { was_sent } => self.place.timed_out(ask, was_sent, self.timeout),
            Trouble::Lost { was_sent, class, detail } => self.place.lost(ask, was_sent, class, &detail),
            Trouble::NotHttp { was_sent, detail } => self.place.not_http(ask, was_sent, &detail),
            Trouble::TooLarge => self.place.too_large(ask, wanted(ask).limit_bytes),
        }
    }

    /// The signed request.
    fn request(&self, call: Call) -> Result<Request<Full<Bytes>>, S3Reply> {
        let Call { ask: _, method, path, query, body, is_document, header } = call;
        let now_s = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let payload = Payload { bytes: &body, is_signed: self.sign_payload || is_document };
        let signed = self.signer.sign(now_s, method.as_str(), &path, &query, &payload);
        let mut headers = HeaderMap::with_capacity(8);
        headers.insert(HOST, self.host.clone());
        headers.insert(X_AMZ_CONTENT_SHA256, signed.content_sha256);
        headers.insert(X_AMZ_DATE, signed.date);
        headers.insert(AUTHORIZATION, signed.authorization);
        if let Some(token) = signed.security_token {
            headers.insert(X_AMZ_SECURITY_TOKEN, token);
        }
        if let Some(header) = header {
            headers.insert(header.0, header.1);
        }
        if body.is_empty() && (method == Method::PUT || method == Method::POST) {
            // hyper says nothing about a body that is empty, and S3 insists on a length.
            headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = method;
        *request.uri_mut() = uri(path, &query).map_err(|problem| self.place.bad_key(&problem))?;
        *request.headers_mut() = headers;
        Ok(request)
    }
}

/// The request's target. All bytes are plain or escaped, so only its length can be wrong.
fn uri(path: Vec<u8>, query: &[u8]) -> Result<Uri, String> {
    let whole = if query.is_empty() {
        Bytes::from(path)
    } else {
        let mut whole = BytesMut::with_capacity(path.len() + 1 + query.len());
        whole.put_slice(&path);
        whole.put_u8(b'?');
        whole.put_slice(query);
        whole.freeze()
    };
    let length = whole.len();
    Uri::from_maybe_shared(whole)
        .map_err(|_| format!("makes a request target of {length} bytes, which is too long"))
}
