//! AWS signature version 4 for S3, as cheap as the rules allow.
//!
//! A general signer sorts, copies and re-escapes whatever request it is given, and derives its key anew each
//! time: more work than all the rest of a small request. Here every request has the same headers, so the
//! canonical request is a constant around the method, the path, the query and the payload's hash; what
//! depends on the second (timestamps) is rendered once a second, and the key is derived once a day. Whether there
//! are other keys by now is asked once a second too.
//! Tests hold the result against `aws-sigv4` and against the signatures AWS publishes.
//!
//! Source: "Authenticating Requests: Using the Authorization Header" in the Amazon S3 API reference.
//!
//! Deliberately does not know how a request is sent, nor what time it is.

use std::cell::RefCell;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use aws_sigv4::sign::v4::generate_signing_key;
use bytes::{BufMut, BytesMut};
use http::HeaderValue;
use jiff::Timestamp;
use ring::{digest, hmac};

use super::keys::{KeyRing, Keys};

/// The hash of no bytes at all.
const EMPTY_SHA256: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
/// What stands in place of a payload's hash when the payload is not signed.
const UNSIGNED: &str = "UNSIGNED-PAYLOAD";
const SECONDS_A_DAY: u64 = 86_400;

/// The part of a request that its signature says something about.
pub(crate) struct Payload<'a> {
    pub(crate) bytes: &'a [u8],
    /// Whether a payload that is not empty is hashed into the signature.
    pub(crate) is_signed: bool,
}

/// The headers a signed request carries beside `host`.
pub(crate) struct Signed {
    pub(crate) security_token: Option<HeaderValue>,
    pub(crate) date: HeaderValue,
    pub(crate) content_sha256: HeaderValue,
    pub(crate) authorization: HeaderValue,
}

/// Signs requests to one host, with the keys of the moment.
pub(crate) struct Signer {
    ring: KeyRing,
    region: String,
    /// From the end of the query to the payload's hash.
    before_hash: String,
    moment: RefCell<Moment>,
}

/// What holds for one second.
struct Moment {
    second: u64,
    day: u64,
    keys: Arc<Keys>,
    key: hmac::Key,
    security_token: Option<HeaderValue>,
    date: HeaderValue,
    /// From the payload's hash in the headers to the payload's hash at the end.
    after_hash: String,
    string_to_sign: String,
    authorization: String,
    /// Where the canonical request is put together.
    scratch: Vec<u8>,
}

impl Signer {
    /// A signer for requests that carry `host` as their `Host` header.
    pub(crate) fn new(ring: KeyRing, region: &str, host: &str) -> Self {
        let moment = RefCell::new(Moment::at(0, ring.current(), region, None));
        let before_hash = format!("\nhost:{host}\nx-amz-content-sha256:");
        Signer { ring, region: region.to_owned(), before_hash, moment }
    }

    /// Signs one request at `now_s` seconds since 1970. `path` and `query` are escaped as they are sent, the
    /// query sorted by name, every name with its `=`.
    pub(crate) fn sign(
        &self,
        now_s: u64,
        method: &str,
        path: &[u8],
        query: &[u8],
        payload: &Payload<'_>,
    ) -> Signed {
        let moment = &mut *self.moment.borrow_mut();
        if moment.second != now_s {
            let keys = self.ring.current();
            let is_same = moment.day == now_s / SECONDS_A_DAY && Arc::ptr_eq(&moment.keys, &keys);
            let old_key = is_same.then(|| moment.key.clone());
            *moment = Moment::at(now_s, keys, &self.region, old_key);
        }
        let mut hash_hex = [0; 64];
        let (hash, content_sha256) = hash_of(payload, &mut hash_hex);
        moment.scratch.clear();
        for part in [
            method.as_bytes(),
            b"\n",
            path,
            b"\n",
            query,
            self.before_hash.as_bytes(),
            hash,
            moment.after_hash.as_bytes(),
            hash,
        ] {
            moment.scratch.extend_from_slice(part);
        }
        Signed {
            security_token: moment.security_token.clone(),
            date: moment.date.clone(),
            content_sha256,
            authorization: moment.authorize(),
        }
    }
}

impl Moment {
    fn at(second: u64, keys: Arc<Keys>, region: &str, key: Option<hmac::Key>) -> Self {
        let day = second / SECONDS_A_DAY;
        // A clock beyond the year 9999 signs with its last second, and the server calls it skewed.
        let time =
            i64::try_from(second).ok().and_then(|s| Timestamp::from_second(s).ok()).unwrap_or(Timestamp::MAX);
        let stamp = time.strftime("%Y%m%dT%H%M%SZ").to_string();
        let scope = format!("{}/{region}/s3/aws4_request", &stamp[..8]);
        let (signed_headers, token) = match &keys.session_token {
            None => ("host;x-amz-content-sha256;x-amz-date", String::new()),
            Some(token) => (
                "host;x-amz-content-sha256;x-amz-date;x-amz-security-token",
                format!("x-amz-security-token:{token}\n"),
            ),
        };
        let header =
            |text: &str| HeaderValue::try_from(text).expect("keys are looked at before they are signed with");
        Moment {
            second,
            day,
            key: key.unwrap_or_else(|| signing_key(second, &keys.secret_key, region)),
            after_hash: format!("\nx-amz-date:{stamp}\n{token}\n{signed_headers}\n"),
            string_to_sign: format!("AWS4-HMAC-SHA256\n{stamp}\n{scope}\n"),
            authorization: format!(
                "AWS4-HMAC-SHA256 Credential={}/{scope}, SignedHeaders={signed_headers}, Signature=",
                keys.access_key
            ),
            date: header(&stamp),
            security_token: keys.session_token.as_deref().map(header),
            scratch: Vec::with_capacity(512),
            keys,
        }
    }

    /// The `Authorization` header for the canonical request in `scratch`.
    fn authorize(&self) -> HeaderValue {
        let canonical = digest::digest(&digest::SHA256, &self.scratch);
        let mut hex = [0; 64];
        let mut mac = hmac::Context::with_key(&self.key);
        mac.update(self.string_to_sign.as_bytes());
        mac.update(hex_of(canonical.as_ref(), &mut hex));
        let signature = mac.sign();
        let mut header = BytesMut::with_capacity(self.authorization.len() + 64);
        header.put_slice(self.authorization.as_bytes());
        header.put_slice(hex_of(signature.as_ref(), &mut hex));
        HeaderValue::from_maybe_shared(header.freeze())
            .expect("configuration admits only access keys and regions that a header can carry")
    }
}

/// The hash as the canonical request holds it, and as the header `x-amz-content-sha256` says it.
fn hash_of<'a>(payload: &Payload<'_>, hex: &'a mut [u8; 64]) -> (&'a [u8], HeaderValue) {
    if payload.bytes.is_empty() {
        return (EMPTY_SHA256.as_bytes(), HeaderValue::from_static(EMPTY_SHA256));
    }
    if !payload.is_signed {
        return (UNSIGNED.as_bytes(), HeaderValue::from_static(UNSIGNED));
    }
    let hash = hex_of(digest::digest(&digest::SHA256, payload.bytes).as_ref(), hex);
    (hash, HeaderValue::from_bytes(hash).expect("hex digits make a header"))
}

/// The day's key: an HMAC of an HMAC of …, four deep.
fn signing_key(second: u64, secret_key: &str, region: &str) -> hmac::Key {
    let time = UNIX_EPOCH + Duration::from_secs(second);
    let key = generate_signing_key(secret_key, time, region, "s3");
    hmac::Key::new(hmac::HMAC_SHA256, key.as_ref())
}

fn hex_of<'a>(bytes: &[u8], out: &'a mut [u8; 64]) -> &'a [u8] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for (pair, byte) in out.chunks_exact_mut(2).zip(bytes) {
        pair[0] = DIGITS[(byte >> 4) as usize];
        pair[1] = DIGITS[(byte & 15) as usize];
    }
    out
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use aws_credential_types::Credentials;
    use aws_sigv4::http_request::{
        PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningSettings,
        UriPathNormalizationMode, sign,
    };
    use aws_sigv4::sign::v4;
    use proptest::prelude::*;

    use super::*;
    use crate::net::escape::{push_path, push_query};

    /// 2013-05-24T00:00:00Z, the instant of the examples in the S3 API reference.
    const EXAMPLE_S: u64 = 1_369_353_600;

    const REGION: &str = "us-east-1";

    fn example(token: Option<&str>) -> Keys {
        Keys {
            access_key: "AKIAIOSFODNN7EXAMPLE".to_owned(),
            secret_key: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".to_owned(),
            session_token: token.map(str::to_owned),
            expires_at: None,
        }
    }

    fn signer(token: Option<&str>, host: &str) -> Signer {
        Signer::new(KeyRing::Fixed(Arc::new(example(token))), REGION, host)
    }

    fn signature(signed: &Signed) -> &str {
        signed.authorization.to_str().unwrap().rsplit_once("Signature=").unwrap().1
    }

    const NOTHING: Payload<'_> = Payload { bytes: b"", is_signed: true };

    /// "Example: GET Bucket Lifecycle" and "Example: Get Bucket (List Objects)" of the S3 API reference.
    #[test]
    fn the_published_examples_are_signed_as_published() {
        let signer = signer(None, "examplebucket.s3.amazonaws.com");
        let lifecycle = signer.sign(EXAMPLE_S, "GET", b"/", b"lifecycle=", &NOTHING);
        assert_eq!(
            lifecycle.authorization.to_str().unwrap(),
            "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, \
             SignedHeaders=host;x-amz-content-sha256;x-amz-date, \
             Signature=fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"
        );
        assert_eq!(lifecycle.date, "20130524T000000Z");
        let list = signer.sign(EXAMPLE_S, "GET", b"/", b"max-keys=2&prefix=J", &NOTHING);
        assert_eq!(signature(&list), "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7");
    }

    /// What `aws-sigv4` makes of the same request: its `Authorization` header.
    fn reference(
        keys: &Keys,
        now_s: u64,
        host: &str,
        method: &str,
        path_and_query: &str,
        payload: &Payload<'_>,
    ) -> String {
        let mut settings = SigningSettings::default();
        settings.percent_encoding_mode = PercentEncodingMode::Single;
        settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
        settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
        let credentials = Credentials::new(
            keys.access_key.clone(),
            keys.secret_key.clone(),
            keys.session_token.clone(),
            None,
            "test",
        )
        .into();
        let params = v4::SigningParams::builder()
            .identity(&credentials)
            .region(REGION)
            .name("s3")
            .time(SystemTime::UNIX_EPOCH + Duration::from_secs(now_s))
            .settings(settings)
            .build()
            .unwrap()
            .into();
        let body = match payload.is_signed || payload.bytes.is_empty() {
            true => SignableBody::Bytes(payload.bytes),
            false => SignableBody::UnsignedPayload,
        };
        let uri = format!("http://{host}{path_and_query}");
        let request = SignableRequest::new(method, uri, std::iter::once(("host", host)), body).unwrap();
        let (instructions, _) = sign(request, &params).unwrap().into_parts();
        let (headers, _) = instructions.into_parts();
        headers.into_iter().find(|header| header.name() == "authorization").unwrap().value().to_owned()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(500))]

        #[test]
        fn every_request_is_signed_as_aws_sigv4_signs_it(
            key in any::<String>(),
            prefix in any::<String>(),
            has_query in any::<bool>(),
            method in prop::sample::select(vec!["GET", "PUT", "HEAD", "DELETE", "POST"]),
            host in prop::sample::select(vec!["127.0.0.1:9000", "b.s3.eu-west-1.amazonaws.com", "[::1]:80"]),
            token in prop::option::of("[A-Za-z0-9+/=]{1,80}"),
            times in prop::collection::vec(0u64..4_102_444_800, 1..4),
            body in prop::collection::vec(any::<u8>(), 0..300),
            is_signed in any::<bool>(),
        ) {
            let keys = example(token.as_deref());
            let signer = signer(token.as_deref(), host);
            let mut path = b"/bucket/".to_vec();
            push_path(&mut path, &key);
            let mut query = Vec::new();
            if has_query {
                query.extend_from_slice(b"list-type=2&prefix=");
                push_query(&mut query, &prefix);
            }
            let mut uri = String::from_utf8(path.clone()).unwrap();
            if has_query {
                uri = format!("{uri}?{}", std::str::from_utf8(&query).unwrap());
            }
            let payload = Payload { bytes: &body, is_signed };
            // Several instants from one signer: what it keeps from one second must not leak into the next.
            for now_s in times {
                let ours = signer.sign(now_s, method, &path, &query, &payload);
                let theirs = reference(&keys, now_s, host, method, &uri, &payload);
                prop_assert_eq!(ours.authorization.to_str().unwrap(), theirs);
            }
        }
    }

    #[test]
    fn the_key_changes_with_the_day_and_not_with_the_second() {
        let ours = signer(None, "h");
        let at = |now_s| signature(&ours.sign(now_s, "GET", b"/k", b"", &NOTHING)).to_owned();
        let fresh = |now_s| {
            let fresh = signer(None, "h");
            signature(&fresh.sign(now_s, "GET", b"/k", b"", &NOTHING)).to_owned()
        };
        for now_s in [EXAMPLE_S, EXAMPLE_S + 1, EXAMPLE_S + 86_399, EXAMPLE_S + 86_400, EXAMPLE_S] {
            assert_eq!(at(now_s), fresh(now_s));
        }
        assert_ne!(at(EXAMPLE_S), at(EXAMPLE_S + 1));
    }

    #[test]
    fn an_unsigned_payload_says_so_and_an_empty_one_is_always_signed() {
        let signer = signer(None, "h");
        let sha256 = |bytes, is_signed| {
            signer.sign(EXAMPLE_S, "PUT", b"/k", b"", &Payload { bytes, is_signed }).content_sha256
        };
        assert_eq!(sha256(b"abc", false), UNSIGNED);
        assert_eq!(sha256(b"", false), EMPTY_SHA256);
        assert_eq!(sha256(b"abc", true), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
