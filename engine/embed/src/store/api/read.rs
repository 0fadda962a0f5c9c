//! Answers to GET and HEAD.

use std::fs::File;
use std::io;
use std::ops::Range as Bytes64;
use std::os::unix::fs::FileExt;

use bytes::Bytes;
use s3s::dto::{
    ETagCondition, GetObjectInput, GetObjectOutput, HeadObjectInput, HeadObjectOutput, Range, StreamingBlob,
};
use s3s::{Body, S3ErrorCode, S3Response, S3Result, s3_error};

use super::{e_tag, meta, signed, timestamp, unreadable};
use crate::store::ordered::{OrderedStore, Stored, Tag};

/// Read at once from a file on its way out.
const PIECE_BYTES: u64 = 256 * 1024;

pub(super) fn get(store: &OrderedStore, input: &GetObjectInput) -> S3Result<S3Response<GetObjectOutput>> {
    let found = store.get(&input.bucket, &input.key).map_err(unreadable)?;
    let about = found.about;
    whole(input.part_number)?;
    check(input.if_match.as_ref(), input.if_none_match.as_ref(), about.etag)?;
    let (range, content_range) = part(input.range, about.size)?;
    let body = match found.value {
        // At most INLINE_BYTES: both ends fit a usize.
        Stored::Bytes(bytes) => Body::from(bytes.slice(range.start as usize..range.end as usize)).into(),
        Stored::File(file) => {
            let pieces = FilePieces { file, range: range.clone() };
            StreamingBlob::wrap(futures_util::stream::iter(pieces))
        }
    };
    let mut output = GetObjectOutput {
        body: Some(body),
        content_length: Some(signed(range.end - range.start)),
        content_range,
        accept_ranges: Some("bytes".to_owned()),
        last_modified: Some(timestamp(about.modified_ms)),
        e_tag: Some(e_tag(about.etag)),
        ..Default::default()
    };
    meta::into_get(&found.meta, &mut output);
    Ok(S3Response::new(output))
}

pub(super) fn head(store: &OrderedStore, input: &HeadObjectInput) -> S3Result<S3Response<HeadObjectOutput>> {
    let found = store.get(&input.bucket, &input.key).map_err(unreadable)?;
    let about = found.about;
    whole(input.part_number)?;
    check(input.if_match.as_ref(), input.if_none_match.as_ref(), about.etag)?;
    let (range, content_range) = part(input.range, about.size)?;
    let mut output = HeadObjectOutput {
        content_length: Some(signed(range.end - range.start)),
        content_range,
        accept_ranges: Some("bytes".to_owned()),
        last_modified: Some(timestamp(about.modified_ms)),
        e_tag: Some(e_tag(about.etag)),
        ..Default::default()
    };
    meta::into_head(&found.meta, &mut output);
    Ok(S3Response::new(output))
}

/// If-Match and If-None-Match of a read.
fn check(wanted: Option<&ETagCondition>, unwanted: Option<&ETagCondition>, etag: Tag) -> S3Result<()> {
    let is = |condition: &ETagCondition| match condition {
        ETagCondition::Any => true,
        ETagCondition::ETag(tag) => tag.value() == e_tag(etag).value(),
    };
    if wanted.is_some_and(|condition| !is(condition)) {
        return Err(S3ErrorCode::PreconditionFailed.into());
    }
    if unwanted.is_some_and(is) {
        return Err(S3ErrorCode::NotModified.into());
    }
    Ok(())
}

/// Where the parts of an object began nobody remembers.
fn whole(part_number: Option<i32>) -> S3Result<()> {
    match part_number {
        None => Ok(()),
        Some(_) => Err(s3_error!(NotImplemented, "an object is read whole or by a range, not by its parts")),
    }
}

/// The bytes asked for, and how the answer names them when that is not all.
fn part(range: Option<Range>, size: u64) -> S3Result<(Bytes64<u64>, Option<String>)> {
    let Some(range) = range else { return Ok((0..size, None)) };
    let range = range.check(size)?;
    let named = format!("bytes {}-{}/{size}", range.start, range.end - 1);
    Ok((range, Some(named)))
}

/// A part of a file, piece by piece as the client takes it.
struct FilePieces {
    file: File,
    range: Bytes64<u64>,
}

impl Iterator for FilePieces {
    type Item = io::Result<Bytes>;

    fn next(&mut self) -> Option<io::Result<Bytes>> {
        let length = (self.range.end - self.range.start).min(PIECE_BYTES);
        if length == 0 {
            return None;
        }
        let mut piece = vec![0; length as usize];
        let read = self.file.read_exact_at(&mut piece, self.range.start);
        self.range.start += length;
        Some(read.map(|()| piece.into()))
    }
}
