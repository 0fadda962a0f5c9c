//! ListObjectsV2: a page of keys in S3's clothes.

use s3s::dto::{
    CommonPrefix, EncodingType, ListObjectsV2Input, ListObjectsV2Output, Object, ObjectStorageClass,
};
use s3s::{S3ErrorCode, S3Response, S3Result, s3_error};

use super::{e_tag, signed, timestamp};
use crate::os::text::{hex, percent_encoded};
use crate::store::ordered::{Item, OrderedStore, Page};

/// On one page, and in one DeleteObjects: S3's limit.
pub(super) const MOST_KEYS: usize = 1000;

/// How many things a page may hold: as many as asked, up to S3's limit.
pub(super) fn limit(asked: Option<i32>, name: &str) -> S3Result<usize> {
    let Some(asked) = asked else { return Ok(MOST_KEYS) };
    let limit = usize::try_from(asked).map_err(|_| s3_error!(InvalidArgument, "{name} is negative"))?;
    Ok(limit.min(MOST_KEYS))
}

pub(super) fn page(
    store: &OrderedStore,
    input: ListObjectsV2Input,
) -> S3Result<S3Response<ListObjectsV2Output>> {
    let limit = limit(input.max_keys, "max-keys")?;
    let (prefix, delimiter) = (input.prefix.unwrap_or_default(), input.delimiter.unwrap_or_default());
    let after = match (&input.continuation_token, &input.start_after) {
        (Some(token), _) => {
            position(token).ok_or_else(|| s3_error!(InvalidArgument, "no such continuation token"))?
        }
        (None, Some(key)) => key.clone().into_bytes(),
        (None, None) => Vec::new(),
    };
    let wanted = Page { prefix: &prefix, delimiter: &delimiter, after: &after, limit };
    let listing = store.page(&input.bucket, &wanted).ok_or(S3ErrorCode::NoSuchBucket)?;
    // Asked for nothing there is nothing to go on with, as S3 says.
    let next = listing.next.filter(|_| limit > 0);

    let url = input.encoding_type.as_ref().is_some_and(|encoding| encoding.as_str() == EncodingType::URL);
    let name = |name: String| if url { percent_encoded(&name) } else { name };
    let count = listing.items.len();
    let (mut contents, mut common_prefixes) = (Vec::with_capacity(count), Vec::new());
    for item in listing.items {
        match item {
            Item::Object { key, about } => contents.push(Object {
                key: Some(name(key)),
                size: Some(signed(about.size)),
                e_tag: Some(e_tag(about.etag)),
                last_modified: Some(timestamp(about.modified_ms)),
                storage_class: Some(ObjectStorageClass::from_static(ObjectStorageClass::STANDARD)),
                ..Default::default()
            }),
            Item::CommonPrefix(prefix) => common_prefixes.push(CommonPrefix { prefix: Some(name(prefix)) }),
        }
    }
    Ok(S3Response::new(ListObjectsV2Output {
        name: Some(input.bucket),
        key_count: i32::try_from(count).ok(),
        max_keys: i32::try_from(limit).ok(),
        is_truncated: Some(next.is_some()),
        next_continuation_token: next.map(|next| hex(&next)),
        contents: (!contents.is_empty()).then_some(contents),
        common_prefixes: (!common_prefixes.is_empty()).then_some(common_prefixes),
        prefix: Some(name(prefix)),
        delimiter: (!delimiter.is_empty()).then(|| name(delimiter)),
        start_after: input.start_after.map(name),
        continuation_token: input.continuation_token,
        encoding_type: input.encoding_type,
        ..Default::default()
    }))
}

/// What [`hex`] wrote into a token.
fn position(token: &str) -> Option<Vec<u8>> {
    if !token.len().is_multiple_of(2) || !token.is_ascii() {
        return None;
    }
    (0..token.len()).step_by(2).map(|at| u8::from_str_radix(&token[at..at + 2], 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_carry_any_bytes_and_others_are_refused() {
        let bytes = b"key/\xc3\xa4\xff";
        assert_eq!(position(&hex(bytes)).as_deref(), Some(&bytes[..]));
        for other in ["abc", "zz", "ää"] {
            assert_eq!(position(other), None, "{other}");
        }
    }
}
