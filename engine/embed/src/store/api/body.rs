//! Receiving the body of a put or of a part: into memory when small, into a file when large, hashed on the way.

use bytes::Bytes;
use futures_util::StreamExt;
use s3s::checksum::ChecksumHasher;
use s3s::crypto::{Checksum as _, Md5};
use s3s::dto::{Checksum, PutObjectInput, PutObjectOutput, StreamingBlob, UploadPartInput, UploadPartOutput};
use s3s::{S3Error, S3ErrorCode, S3Result, StdError, TrailingHeaders, s3_error};

use crate::store::ordered::{INLINE_BYTES, OrderedStore, StagedFile, Value};

/// A body that has arrived and is what its headers say.
#[derive(Debug)]
pub(super) struct Received {
    pub(super) value: Value,
    /// MD5, S3's ETag of an object put in one piece.
    pub(super) digest: [u8; 16],
    pub(super) checksums: Checksums,
}

/// The checksums that the client sent and that were found right, to be said back.
#[derive(Debug, Default)]
pub(super) struct Checksums(Checksum);

/// What the client says of the body beforehand.
#[derive(Debug)]
pub(super) struct Announced {
    md5: Option<String>,
    algorithm: Option<String>,
    sums: Checksum,
}

/// Puts and parts name these things alike, and S3's model has no type for what they share.
macro_rules! with_checksums {
    ($input:ty, $output:ty) => {
        impl From<&mut $input> for Announced {
            fn from(input: &mut $input) -> Announced {
                let sums = Checksum {
                    checksum_crc32: input.checksum_crc32.take(),
                    checksum_crc32c: input.checksum_crc32c.take(),
                    checksum_crc64nvme: input.checksum_crc64nvme.take(),
                    checksum_sha1: input.checksum_sha1.take(),
                    checksum_sha256: input.checksum_sha256.take(),
                    ..Default::default()
                };
                let algorithm = input.checksum_algorithm.as_ref();
                let algorithm = algorithm.map(|name| name.as_str().to_ascii_uppercase());
                Announced { md5: input.content_md5.take(), algorithm, sums }
            }
        }

        impl From<Checksums> for $output {
            fn from(Checksums(sums): Checksums) -> $output {
                Self {
                    checksum_crc32: sums.checksum_crc32,
                    checksum_crc32c: sums.checksum_crc32c,
                    checksum_crc64nvme: sums.checksum_crc64nvme,
                    checksum_sha1: sums.checksum_sha1,
                    checksum_sha256: sums.checksum_sha256,
                    ..Default::default()
                }
            }
        }
    };
}

with_checksums!(PutObjectInput, PutObjectOutput);
with_checksums!(UploadPartInput, UploadPartOutput);

impl Received {
    /// The value as a file, whatever its size.
    pub(super) fn into_file(self, store: &OrderedStore) -> S3Result<StagedFile> {
        match self.value {
            Value::File(file) => Ok(file),
            Value::Bytes(pieces) => {
                let mut file = store.stage().map_err(full)?;
                pieces.iter().try_for_each(|piece| file.append(piece)).map_err(full)?;
                Ok(file)
            }
        }
    }
}

/// Reads the body to its end. A failure anywhere leaves nothing behind.
pub(super) async fn receive(
    store: &OrderedStore,
    body: Option<StreamingBlob>,
    announced: Announced,
    trailers: Option<TrailingHeaders>,
) -> S3Result<Received> {
    let mut body = body.ok_or_else(|| s3_error!(IncompleteBody))?;
    let mut hasher = Hasher::of(&announced);
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
    let (digest, checksums) = hasher.finish(&announced, trailers)?;
    let value = file.map_or(Value::Bytes(pieces), Value::File);
    Ok(Received { value, digest, checksums })
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

pub(super) fn full(error: std::io::Error) -> S3Error {
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
    fn of(announced: &Announced) -> Hasher {
        let Announced { sums, algorithm, .. } = announced;
        let wanted = |sent: &Option<String>, name: &str| sent.is_some() || algorithm.as_deref() == Some(name);
        let others = ChecksumHasher {
            crc32: wanted(&sums.checksum_crc32, "CRC32").then(Default::default),
            crc32c: wanted(&sums.checksum_crc32c, "CRC32C").then(Default::default),
            sha1: wanted(&sums.checksum_sha1, "SHA1").then(Default::default),
            sha256: wanted(&sums.checksum_sha256, "SHA256").then(Default::default),
            crc64nvme: wanted(&sums.checksum_crc64nvme, "CRC64NVME").then(Default::default),
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
        announced: &Announced,
        trailers: Option<TrailingHeaders>,
    ) -> S3Result<([u8; 16], Checksums)> {
        let digest = self.md5.finalize();
        if announced.md5.as_deref().is_some_and(|sent| sent != crate::os::text::base64(&digest)) {
            return Err(s3_error!(BadDigest, "Content-MD5 does not match the body"));
        }
        let Some(others) = self.others else { return Ok((digest, Checksums::default())) };
        let found = others.finalize();
        let trailers = trailers.and_then(|trailers| trailers.take()).unwrap_or_default();
        let trailer =
            |name: &str| trailers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let pairs = [
            ("x-amz-checksum-crc32", &announced.sums.checksum_crc32, &found.checksum_crc32),
            ("x-amz-checksum-crc32c", &announced.sums.checksum_crc32c, &found.checksum_crc32c),
            ("x-amz-checksum-sha1", &announced.sums.checksum_sha1, &found.checksum_sha1),
            ("x-amz-checksum-sha256", &announced.sums.checksum_sha256, &found.checksum_sha256),
            ("x-amz-checksum-crc64nvme", &announced.sums.checksum_crc64nvme, &found.checksum_crc64nvme),
        ];
        for (name, header, found) in pairs {
            let sent = header.clone().or_else(|| trailer(name));
            if sent.is_some() && sent != *found {
                return Err(s3_error!(BadDigest, "{name} does not match the body"));
            }
        }
        Ok((digest, Checksums(found)))
    }
}
