//! Receiving the body of a put: into memory when small, into a file when large, hashed on the way.

use bytes::Bytes;
use futures_util::StreamExt;
use s3s::checksum::ChecksumHasher;
use s3s::crypto::{Checksum as _, Md5};
use s3s::dto::{Checksum, PutObjectInput, PutObjectOutput};
use s3s::{S3Error, S3ErrorCode, S3Result, StdError, TrailingHeaders, s3_error};

use crate::store::ordered::{INLINE_BYTES, OrderedStore, StagedFile, Value};

/// A body that has arrived and is what its headers say.
#[derive(Debug)]
pub(super) struct Received {
    pub(super) value: Value,
    /// MD5, S3's ETag of an object put in one piece.
    pub(super) etag: [u8; 16],
    pub(super) checksums: Checksums,
}

/// The checksums that the client sent and that were found right, to be said back.
#[derive(Debug, Default)]
pub(super) struct Checksums(Checksum);

impl Checksums {
    pub(super) fn put_into(self, output: &mut PutObjectOutput) {
        output.checksum_crc32 = self.0.checksum_crc32;
        output.checksum_crc32c = self.0.checksum_crc32c;
        output.checksum_crc64nvme = self.0.checksum_crc64nvme;
        output.checksum_sha1 = self.0.checksum_sha1;
        output.checksum_sha256 = self.0.checksum_sha256;
    }
}

/// Reads the body to its end. A failure anywhere leaves nothing behind.
pub(super) async fn receive(
    store: &OrderedStore,
    input: &mut PutObjectInput,
    trailers: Option<TrailingHeaders>,
) -> S3Result<Received> {
    let mut body = input.body.take().ok_or_else(|| s3_error!(IncompleteBody))?;
    let mut hasher = Hasher::for_put(input);
    let mut pieces: Vec<Bytes> = Vec::new();
    let mut in_memory = 0;
    let mut file: Option<StagedFile> = None;
    while let Some(piece) = body.next().await {
        let piece = piece.map_err(broken)?;
        hasher.update(&piece);
        if let Some(file) = &mut file {
            file.append(&piece).map_err(full)?;
            continue;
        }
        in_memory += piece.len();
        pieces.push(piece);
        if in_memory > INLINE_BYTES {
            let mut new = store.stage().map_err(full)?;
            for piece in pieces.drain(..) {
                new.append(&piece).map_err(full)?;
            }
            file = Some(new);
        }
    }
    let (etag, checksums) = hasher.finish(input, trailers)?;
    let value = file.map_or(Value::Bytes(pieces), Value::File);
    Ok(Received { value, etag, checksums })
}

/// The stream of a signed body ends with an error when its hash is not the signed one.
fn broken(error: StdError) -> S3Error {
    if !error.to_string().contains("Sha256Mismatch") {
        return S3Error::with_source(S3ErrorCode::IncompleteBody, error);
    }
    let mut mismatch = S3Error::with_source(S3ErrorCode::Custom("XAmzContentSHA256Mismatch".into()), error);
    mismatch.set_status_code(http::StatusCode::BAD_REQUEST);
    mismatch.set_message("the body is not the one that was signed");
    mismatch
}

fn full(error: std::io::Error) -> S3Error {
    let message = format!("the object store cannot write: {error}");
    let mut full = S3Error::with_source(S3ErrorCode::InternalError, error.into());
    full.set_message(message);
    full
}

/// MD5 for the ETag, and what else the client wants checked.
struct Hasher {
    md5: Md5,
    others: Option<ChecksumHasher>,
}

impl Hasher {
    fn for_put(input: &PutObjectInput) -> Hasher {
        let announced = input.checksum_algorithm.as_ref().map(|name| name.as_str().to_ascii_uppercase());
        let wanted = |sent: &Option<String>, name: &str| sent.is_some() || announced.as_deref() == Some(name);
        let others = ChecksumHasher {
            crc32: wanted(&input.checksum_crc32, "CRC32").then(Default::default),
            crc32c: wanted(&input.checksum_crc32c, "CRC32C").then(Default::default),
            sha1: wanted(&input.checksum_sha1, "SHA1").then(Default::default),
            sha256: wanted(&input.checksum_sha256, "SHA256").then(Default::default),
            crc64nvme: wanted(&input.checksum_crc64nvme, "CRC64NVME").then(Default::default),
        };
        let any = others.crc32.is_some()
            || others.crc32c.is_some()
            || others.sha1.is_some()
            || others.sha256.is_some()
            || others.crc64nvme.is_some();
        Hasher { md5: Md5::new(), others: any.then_some(others) }
    }

    fn update(&mut self, piece: &[u8]) {
        self.md5.update(piece);
        if let Some(others) = &mut self.others {
            others.update(piece);
        }
    }

    fn finish(
        self,
        input: &PutObjectInput,
        trailers: Option<TrailingHeaders>,
    ) -> S3Result<([u8; 16], Checksums)> {
        let etag = self.md5.finalize();
        if input.content_md5.as_deref().is_some_and(|sent| sent != crate::os::text::base64(&etag)) {
            return Err(s3_error!(BadDigest, "Content-MD5 does not match the body"));
        }
        let Some(others) = self.others else { return Ok((etag, Checksums::default())) };
        let found = others.finalize();
        let trailers = trailers.and_then(|trailers| trailers.take()).unwrap_or_default();
        let trailer =
            |name: &str| trailers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let pairs = [
            ("x-amz-checksum-crc32", &input.checksum_crc32, &found.checksum_crc32),
            ("x-amz-checksum-crc32c", &input.checksum_crc32c, &found.checksum_crc32c),
            ("x-amz-checksum-sha1", &input.checksum_sha1, &found.checksum_sha1),
            ("x-amz-checksum-sha256", &input.checksum_sha256, &found.checksum_sha256),
            ("x-amz-checksum-crc64nvme", &input.checksum_crc64nvme, &found.checksum_crc64nvme),
        ];
        for (name, header, found) in pairs {
            let sent = header.clone().or_else(|| trailer(name));
            if sent.is_some() && sent != *found {
                return Err(s3_error!(BadDigest, "{name} does not match the body"));
            }
        }
        Ok((etag, Checksums(found)))
    }
}
