//! What S3 keeps beside a value: content headers and the user's own `x-amz-meta-*`.

use std::collections::BTreeMap;

use bytes::Bytes;
use s3s::dto::{CreateMultipartUploadInput, GetObjectOutput, HeadObjectOutput, PutObjectInput};
use s3s::{S3Result, s3_error};
use serde::{Deserialize, Serialize};

/// As stored: JSON, and nothing at all for an object without any.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Meta {
    #[serde(skip_serializing_if = "Option::is_none")]
    content_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content_encoding: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content_disposition: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content_language: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cache_control: Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    user: BTreeMap<String, String>,
}

/// S3's answer for an object that was put without a type.
const DEFAULT_TYPE: &str = "binary/octet-stream";
/// S3's own limit, generously.
const MOST_BYTES: usize = 16 * 1024;

/// Takes the meta out of the request that brings it; S3's model has no type for what these share.
macro_rules! taken_from {
    ($input:expr) => {
        Meta {
            content_type: $input.content_type.take(),
            content_encoding: $input.content_encoding.take(),
            content_disposition: $input.content_disposition.take(),
            content_language: $input.content_language.take(),
            cache_control: $input.cache_control.take(),
            user: $input.metadata.take().unwrap_or_default().into_iter().collect(),
        }
    };
}

/// Takes the meta out of a put.
pub(super) fn of_put(input: &mut PutObjectInput) -> S3Result<Bytes> {
    stored(taken_from!(input))
}

/// Takes the meta out of the beginning of an upload in parts.
pub(super) fn of_upload(input: &mut CreateMultipartUploadInput) -> S3Result<Bytes> {
    stored(taken_from!(input))
}

fn stored(meta: Meta) -> S3Result<Bytes> {
    if meta == Meta::default() {
        return Ok(Bytes::new());
    }
    let bytes = serde_json::to_vec(&meta).map_err(|error| s3_error!(error, InternalError))?;
    if bytes.len() > MOST_BYTES {
        return Err(s3_error!(MetadataTooLarge));
    }
    Ok(bytes.into())
}

fn read(bytes: &[u8]) -> Meta {
    // Checksummed with its record: what is there is what `of_put` wrote.
    let mut meta: Meta =
        if bytes.is_empty() { Meta::default() } else { serde_json::from_slice(bytes).unwrap_or_default() };
    meta.content_type.get_or_insert_with(|| DEFAULT_TYPE.to_owned());
    meta
}

/// Puts the meta into the answer to a GET.
pub(super) fn into_get(bytes: &[u8], output: &mut GetObjectOutput) {
    let meta = read(bytes);
    output.content_type = meta.content_type;
    output.content_encoding = meta.content_encoding;
    output.content_disposition = meta.content_disposition;
    output.content_language = meta.content_language;
    output.cache_control = meta.cache_control;
    output.metadata = (!meta.user.is_empty()).then(|| meta.user.into_iter().collect());
}

/// Puts the meta into the answer to a HEAD.
pub(super) fn into_head(bytes: &[u8], output: &mut HeadObjectOutput) {
    let meta = read(bytes);
    output.content_type = meta.content_type;
    output.content_encoding = meta.content_encoding;
    output.content_disposition = meta.content_disposition;
    output.content_language = meta.content_language;
    output.cache_control = meta.cache_control;
    output.metadata = (!meta.user.is_empty()).then(|| meta.user.into_iter().collect());
}
