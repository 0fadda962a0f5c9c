//! Objects that are put in parts.
//!
//! A part is acknowledged without a sync: unfinished uploads end with the process (see `ordered::uploads`). The
//! object is there, and durable, when its completion is acknowledged. Part-wise copies and checksums of the whole
//! other than the ETag are refused.

use std::sync::Arc;

use s3s::crypto::{Checksum as _, Md5};
use s3s::dto::*;
use s3s::{S3Error, S3ErrorCode, S3Request, S3Response, S3Result, s3_error};

use super::{body, change, condition, e_tag, list, meta, needs_bucket, signed, timestamp};
use crate::os::random;
use crate::store::ordered::{
    Change, Condition, NoSuchUpload, OrderedStore, Part, Tag, Upload, Value, now_ms,
};

/// Of every part but the last: S3's limit.
const SMALLEST_PART_BYTES: u64 = 5 << 20;
/// Parts are numbered from 1 to here: S3's limit.
const MOST_PARTS: u16 = 10_000;

impl From<NoSuchUpload> for S3Error {
    fn from(none: NoSuchUpload) -> S3Error {
        S3Error::with_message(S3ErrorCode::NoSuchUpload, none.to_string())
    }
}

pub(super) fn begin(
    store: &OrderedStore,
    mut input: CreateMultipartUploadInput,
) -> S3Result<S3Response<CreateMultipartUploadOutput>> {
    needs_bucket(store, &input.bucket)?;
    let meta = meta::of_upload(&mut input)?;
    let id = random::hex_128().map_err(|error| s3_error!(error, InternalError))?;
    let (bucket, key) = (input.bucket, input.key);
    store.uploads().begin(id.clone(), Upload::new(bucket.clone(), key.clone(), meta, now_ms()));
    let (bucket, key, upload_id) = (Some(bucket), Some(key), Some(id));
    Ok(S3Response::new(CreateMultipartUploadOutput { bucket, key, upload_id, ..Default::default() }))
}

pub(super) async fn part(
    store: &OrderedStore,
    req: S3Request<UploadPartInput>,
) -> S3Result<S3Response<UploadPartOutput>> {
    let mut input = req.input;
    let number = number(input.part_number)?;
    // Before the body is read: a part of nothing is not worth reading.
    store.uploads().look(&input.upload_id, &input.bucket, &input.key, |_| ())?;
    let announced = (&mut input).into();
    let mut received = body::receive(store, input.body, announced, req.trailing_headers).await?;
    let (digest, checksums) = (received.digest, std::mem::take(&mut received.checksums));
    let part = Part { file: received.into_file(store)?, digest, modified_ms: now_ms() };
    store.uploads().add(&input.upload_id, &input.bucket, &input.key, number, part)?;
    let e_tag = Some(e_tag(Tag::of_value(digest)));
    Ok(S3Response::new(UploadPartOutput { e_tag, ..checksums.into() }))
}

fn number(given: i32) -> S3Result<u16> {
    let number = u16::try_from(given).ok().filter(|number| (1..=MOST_PARTS).contains(number));
    number.ok_or_else(|| s3_error!(InvalidArgument, "parts are numbered from 1 to {MOST_PARTS}"))
}

pub(super) fn parts(store: &OrderedStore, input: ListPartsInput) -> S3Result<S3Response<ListPartsOutput>> {
    let limit = list::limit(input.max_parts, "max-parts")?;
    let after = input.part_number_marker.unwrap_or(0);
    let described = |(number, part): (&u16, &Part)| s3s::dto::Part {
        e_tag: Some(e_tag(Tag::of_value(part.digest))),
        last_modified: Some(timestamp(part.modified_ms)),
        part_number: Some(i32::from(*number)),
        size: Some(signed(part.file.length())),
        ..Default::default()
    };
    let (page, is_truncated) =
        store.uploads().look(&input.upload_id, &input.bucket, &input.key, |upload| {
            let mut rest = upload.parts.iter().filter(|(number, _)| i32::from(**number) > after);
            let page: Vec<_> = rest.by_ref().take(limit).map(described).collect();
            (page, rest.next().is_some())
        })?;
    Ok(S3Response::new(ListPartsOutput {
        bucket: Some(input.bucket),
        key: Some(input.key),
        upload_id: Some(input.upload_id),
        max_parts: i32::try_from(limit).ok(),
        part_number_marker: input.part_number_marker,
        next_part_number_marker: page.last().and_then(|part| part.part_number).filter(|_| is_truncated),
        is_truncated: Some(is_truncated),
        parts: Some(page),
        storage_class: Some(StorageClass::from_static(StorageClass::STANDARD)),
        ..Default::default()
    }))
}

pub(super) fn uploads(
    store: &OrderedStore,
    input: ListMultipartUploadsInput,
) -> S3Result<S3Response<ListMultipartUploadsOutput>> {
    needs_bucket(store, &input.bucket)?;
    if input.delimiter.is_some() || input.encoding_type.is_some() {
        return Err(s3_error!(NotImplemented, "uploads are listed without delimiter and encoding-type"));
    }
    let limit = list::limit(input.max_uploads, "max-uploads")?;
    let prefix = input.prefix.as_deref().unwrap_or_default();
    let described = |id: &str, upload: &Upload| MultipartUpload {
        initiated: Some(timestamp(upload.begun_ms)),
        key: Some(upload.key.clone()),
        storage_class: Some(StorageClass::from_static(StorageClass::STANDARD)),
        upload_id: Some(id.to_owned()),
        ..Default::default()
    };
    let all = store.uploads().of_bucket(&input.bucket, described);
    let marker = (input.key_marker.as_deref(), input.upload_id_marker.as_deref());
    let mut rest =
        after(all, marker).filter(|upload| upload.key.as_deref().unwrap_or_default().starts_with(prefix));
    let page: Vec<MultipartUpload> = rest.by_ref().take(limit).collect();
    let is_truncated = rest.next().is_some();
    drop(rest);
    let last = page.last().filter(|_| is_truncated);
    Ok(S3Response::new(ListMultipartUploadsOutput {
        is_truncated: Some(is_truncated),
        next_key_marker: last.and_then(|upload| upload.key.clone()),
        next_upload_id_marker: last.and_then(|upload| upload.upload_id.clone()),
        max_uploads: i32::try_from(limit).ok(),
        bucket: Some(input.bucket),
        prefix: input.prefix,
        key_marker: input.key_marker,
        upload_id_marker: input.upload_id_marker,
        uploads: Some(page),
        ..Default::default()
    }))
}

/// What comes after a marker: with an id the uploads behind that one, with a key alone those of later keys.
fn after<'a>(
    all: Vec<MultipartUpload>,
    (key, id): (Option<&'a str>, Option<&'a str>),
) -> impl Iterator<Item = MultipartUpload> + use<'a> {
    let key = key.unwrap_or_default();
    let mut is_past_id = false;
    all.into_iter().filter(move |upload| {
        let of_this = upload.key.as_deref().unwrap_or_default();
        let is_after = of_this > key || (of_this == key && is_past_id);
        is_past_id |= of_this == key && id.is_some() && upload.upload_id.as_deref() == id;
        is_after
    })
}

pub(super) fn abort(
    store: &OrderedStore,
    input: &AbortMultipartUploadInput,
) -> S3Result<S3Response<AbortMultipartUploadOutput>> {
    drop(store.uploads().take(&input.upload_id, &input.bucket, &input.key)?);
    Ok(S3Response::new(AbortMultipartUploadOutput::default()))
}

pub(super) async fn complete(
    store: &Arc<OrderedStore>,
    input: CompleteMultipartUploadInput,
) -> S3Result<S3Response<CompleteMultipartUploadOutput>> {
    let condition = condition(input.if_none_match.as_ref(), input.if_match.as_ref())?;
    refuse_checksums(&input)?;
    let asked = input.multipart_upload.and_then(|asked| asked.parts).unwrap_or_default();
    let (bucket, key) = (input.bucket, input.key);
    let mut tag = Tag::default();
    let upload = store.uploads().take_if(&input.upload_id, &bucket, &key, |upload| {
        tag = check(upload, &asked, input.mpu_object_size)?;
        Ok::<_, S3Error>(())
    })?;
    let numbers = asked.iter().filter_map(|part| u16::try_from(part.part_number?).ok()).collect();
    let finishing =
        Finishing { store: Arc::clone(store), id: input.upload_id, upload, numbers, tag, condition };
    // On its own: a client that goes away does not leave it half done.
    let finished = tokio::spawn(finishing.finish()).await;
    finished.map_err(|error| s3_error!(error, InternalError))??;
    let location = Some(format!("/{bucket}/{key}"));
    let (bucket, key, e_tag) = (Some(bucket), Some(key), Some(e_tag(tag)));
    Ok(S3Response::new(CompleteMultipartUploadOutput { bucket, key, location, e_tag, ..Default::default() }))
}

/// A check that is not made must not look as if it were.
fn refuse_checksums(input: &CompleteMultipartUploadInput) -> S3Result<()> {
    let sums = [
        &input.checksum_crc32,
        &input.checksum_crc32c,
        &input.checksum_crc64nvme,
        &input.checksum_sha1,
        &input.checksum_sha256,
    ];
    if sums.iter().any(|sum| sum.is_some()) {
        return Err(s3_error!(
            NotImplemented,
            "checksums of a whole put in parts are not computed; leave them out"
        ));
    }
    Ok(())
}

/// Whether an upload can be completed with these parts, and what the whole's ETag is.
fn check(upload: &Upload, asked: &[CompletedPart], size: Option<i64>) -> S3Result<Tag> {
    let parts = found(upload, asked)?;
    let (_, all_but_last) =
        parts.split_last().ok_or_else(|| s3_error!(MalformedXML, "no parts are named"))?;
    let small = all_but_last.iter().map(|part| part.file.length()).find(|bytes| *bytes < SMALLEST_PART_BYTES);
    if let Some(bytes) = small {
        return Err(s3_error!(
            EntityTooSmall,
            "a part has {bytes} bytes; all but the last need {SMALLEST_PART_BYTES}"
        ));
    }
    let total: u64 = parts.iter().map(|part| part.file.length()).sum();
    if size.is_some_and(|size| size != signed(total)) {
        return Err(s3_error!(InvalidRequest, "the parts have {total} bytes, not as many as announced"));
    }
    let mut digests = Md5::new();
    parts.iter().for_each(|part| digests.update(&part.digest));
    let parts = u16::try_from(parts.len()).map_err(|_| s3_error!(InvalidArgument, "too many parts"))?;
    Ok(Tag { digest: digests.finalize(), parts })
}

/// The parts that a completion names, in its order, which must be that of their numbers.
fn found<'a>(upload: &'a Upload, asked: &[CompletedPart]) -> S3Result<Vec<&'a Part>> {
    let numbers: Option<Vec<i32>> = asked.iter().map(|part| part.part_number).collect();
    let numbers = numbers.ok_or_else(|| s3_error!(MalformedXML, "a part without a number"))?;
    if !numbers.is_sorted_by(|one, next| one < next) {
        return Err(s3_error!(InvalidPartOrder, "parts are named in the order of their numbers, each once"));
    }
    let find = |(number, asked): (i32, &CompletedPart)| {
        let part = u16::try_from(number).ok().and_then(|number| upload.parts.get(&number));
        let part = part.filter(|part| {
            let tag = e_tag(Tag::of_value(part.digest));
            asked.e_tag.as_ref().is_some_and(|asked| asked.value() == tag.value())
        });
        part.ok_or_else(|| s3_error!(InvalidPart, "part {number} has not arrived, or its ETag is another"))
    };
    numbers.into_iter().zip(asked).map(find).collect()
}

/// An upload on its way to being an object.
struct Finishing {
    store: Arc<OrderedStore>,
    id: String,
    upload: Upload,
    numbers: Vec<u16>,
    tag: Tag,
    condition: Condition,
}

impl Finishing {
    /// Joins the parts and makes the change; one that cannot be made leaves the upload as it was.
    async fn finish(self) -> S3Result<()> {
        let Finishing { store, id, upload, numbers, tag, condition } = self;
        let theirs = Arc::clone(&store);
        let joining = move || {
            let files = numbers.iter().filter_map(|number| upload.parts.get(number)).map(|part| &part.file);
            let whole = theirs.join(files);
            (upload, whole)
        };
        let joined = tokio::task::spawn_blocking(joining).await;
        let (upload, whole) = joined.map_err(|error| s3_error!(error, InternalError))?;
        let answer = match whole {
            Err(error) => Err(body::full(error)),
            Ok(whole) => {
                let (bucket, key, meta) = (upload.bucket.clone(), upload.key.clone(), upload.meta.clone());
                let value = Value::File(whole);
                change(&store, Change::Put { bucket, key, meta, value, etag: tag, condition }).await
            }
        };
        // A bucket that was deleted meanwhile takes its uploads along.
        if answer.is_err() && store.bucket(&upload.bucket).is_some() {
            store.uploads().give_back(id, upload);
        }
        answer
    }
}
