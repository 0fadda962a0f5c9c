//! S3's words for the ordered store: requests into changes and look-ups, answers and refusals back.
//!
//! Signatures are verified before anything arrives here (`s3s` does it). No versions, no copies, no ACLs: what is not
//! written below is answered with `NotImplemented`.

mod body;
mod list;
mod meta;
mod multipart;
mod read;

use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use s3s::dto::*;
use s3s::{S3, S3Error, S3ErrorCode, S3Request, S3Response, S3Result, s3_error};

use crate::os::text::hex;

use super::ordered::{Change, Condition, OrderedStore, ReadError, Refusal, Tag};

/// Where the store says it is.
pub(crate) const REGION: &str = "us-east-1";

/// The ordered store as an S3 service.
#[derive(Debug)]
pub(crate) struct Api {
    store: Arc<OrderedStore>,
}

impl Api {
    pub(crate) fn new(store: OrderedStore) -> Api {
        Api { store: Arc::new(store) }
    }
}

async fn change(store: &OrderedStore, change: Change) -> S3Result<()> {
    let answer = store.change(change).await;
    let stopping = |_| s3_error!(ServiceUnavailable, "the store is stopping");
    answer.map_err(stopping)?.map_err(refused)
}

fn needs_bucket(store: &OrderedStore, bucket: &str) -> S3Result<()> {
    store.bucket(bucket).map(drop).ok_or_else(|| S3ErrorCode::NoSuchBucket.into())
}

fn refused(refusal: Refusal) -> S3Error {
    let code = match refusal {
        Refusal::NoSuchBucket => S3ErrorCode::NoSuchBucket,
        Refusal::NoSuchKey => S3ErrorCode::NoSuchKey,
        Refusal::BucketExists => S3ErrorCode::BucketAlreadyOwnedByYou,
        Refusal::BucketNotEmpty => S3ErrorCode::BucketNotEmpty,
        Refusal::ConditionFailed => S3ErrorCode::PreconditionFailed,
        Refusal::Disk(_) => S3ErrorCode::InternalError,
    };
    S3Error::with_message(code, refusal.to_string())
}

fn unreadable(error: ReadError) -> S3Error {
    let code = match error {
        ReadError::NoSuchBucket => S3ErrorCode::NoSuchBucket,
        ReadError::NoSuchKey => S3ErrorCode::NoSuchKey,
        ReadError::Damaged(_) => S3ErrorCode::InternalError,
    };
    S3Error::with_message(code, error.to_string())
}

fn timestamp(unix_ms: u64) -> Timestamp {
    Timestamp::from(UNIX_EPOCH + Duration::from_millis(unix_ms))
}

/// As S3 writes it: the digest in hexadecimal digits, and `-N` behind that of a whole put in N parts.
fn e_tag(tag: Tag) -> ETag {
    let digest = hex(&tag.digest);
    ETag::Strong(if tag.parts == 0 { digest } else { format!("{digest}-{}", tag.parts) })
}

/// S3's sizes are signed; none of ours comes near the limit.
fn signed(size: u64) -> i64 {
    i64::try_from(size).unwrap_or(i64::MAX)
}

/// What a put asks of the object that is there.
fn condition(if_none_match: Option<&ETagCondition>, if_match: Option<&ETagCondition>) -> S3Result<Condition> {
    match (if_none_match, if_match) {
        (None, None) => Ok(Condition::None),
        (Some(ETagCondition::Any), None) => Ok(Condition::Absent),
        (None, Some(ETagCondition::Any)) => Ok(Condition::Present),
        // What is no ETag of ours matches nothing that is there; ours are never all zero.
        (None, Some(ETagCondition::ETag(tag))) => Ok(Condition::ETag(tag_of(tag).unwrap_or_default())),
        _ => Err(s3_error!(NotImplemented, "a put takes If-None-Match: * or If-Match, not both")),
    }
}

/// What an ETag of ours spells.
fn tag_of(tag: &ETag) -> Option<Tag> {
    let text = tag.as_strong()?;
    let (digits, parts) = match text.split_once('-') {
        Some((digits, parts)) => (digits, parts.parse().ok()?),
        None => (text, 0),
    };
    let digits = Some(digits).filter(|digits| digits.len() == 32 && digits.is_ascii())?;
    let mut digest = [0; 16];
    for (at, byte) in digest.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&digits[2 * at..2 * at + 2], 16).ok()?;
    }
    Some(Tag { digest, parts })
}

#[async_trait::async_trait]
impl S3 for Api {
    async fn create_bucket(
        &self,
        req: S3Request<CreateBucketInput>,
    ) -> S3Result<S3Response<CreateBucketOutput>> {
        let bucket = req.input.bucket;
        let location = Some(format!("/{bucket}"));
        change(&self.store, Change::CreateBucket { bucket }).await?;
        Ok(S3Response::new(CreateBucketOutput { location }))
    }

    async fn delete_bucket(
        &self,
        req: S3Request<DeleteBucketInput>,
    ) -> S3Result<S3Response<DeleteBucketOutput>> {
        let bucket = req.input.bucket;
        change(&self.store, Change::DeleteBucket { bucket: bucket.clone() }).await?;
        self.store.uploads().forget_bucket(&bucket);
        Ok(S3Response::new(DeleteBucketOutput {}))
    }

    async fn head_bucket(&self, req: S3Request<HeadBucketInput>) -> S3Result<S3Response<HeadBucketOutput>> {
        needs_bucket(&self.store, &req.input.bucket)?;
        let bucket_region = Some(REGION.to_owned());
        Ok(S3Response::new(HeadBucketOutput { bucket_region, ..Default::default() }))
    }

    async fn get_bucket_location(
        &self,
        req: S3Request<GetBucketLocationInput>,
    ) -> S3Result<S3Response<GetBucketLocationOutput>> {
        needs_bucket(&self.store, &req.input.bucket)?;
        // S3's way of saying us-east-1 is to say nothing.
        Ok(S3Response::new(GetBucketLocationOutput::default()))
    }

    async fn list_buckets(&self, _: S3Request<ListBucketsInput>) -> S3Result<S3Response<ListBucketsOutput>> {
        let bucket = |(name, created_ms)| Bucket {
            name: Some(name),
            creation_date: Some(timestamp(created_ms)),
            ..Default::default()
        };
        let buckets = Some(self.store.buckets().into_iter().map(bucket).collect());
        Ok(S3Response::new(ListBucketsOutput { buckets, ..Default::default() }))
    }

    async fn put_object(&self, req: S3Request<PutObjectInput>) -> S3Result<S3Response<PutObjectOutput>> {
        let mut input = req.input;
        // Before the body is read: an upload to nowhere is not worth reading.
        needs_bucket(&self.store, &input.bucket)?;
        let condition = condition(input.if_none_match.as_ref(), input.if_match.as_ref())?;
        let meta = meta::of_put(&mut input)?;
        let announced = (&mut input).into();
        let received = body::receive(&self.store, input.body, announced, req.trailing_headers).await?;
        let (bucket, key, etag) = (input.bucket, input.key, Tag::of_value(received.digest));
        change(&self.store, Change::Put { bucket, key, meta, value: received.value, etag, condition })
            .await?;
        let e_tag = Some(e_tag(etag));
        Ok(S3Response::new(PutObjectOutput { e_tag, ..received.checksums.into() }))
    }

    async fn get_object(&self, req: S3Request<GetObjectInput>) -> S3Result<S3Response<GetObjectOutput>> {
        read::get(&self.store, &req.input)
    }

    async fn head_object(&self, req: S3Request<HeadObjectInput>) -> S3Result<S3Response<HeadObjectOutput>> {
        read::head(&self.store, &req.input)
    }

    async fn delete_object(
        &self,
        req: S3Request<DeleteObjectInput>,
    ) -> S3Result<S3Response<DeleteObjectOutput>> {
        let DeleteObjectInput { bucket, key, .. } = req.input;
        change(&self.store, Change::Delete { bucket, keys: vec![key] }).await?;
        Ok(S3Response::new(DeleteObjectOutput::default()))
    }

    async fn delete_objects(
        &self,
        req: S3Request<DeleteObjectsInput>,
    ) -> S3Result<S3Response<DeleteObjectsOutput>> {
        let DeleteObjectsInput { bucket, delete, .. } = req.input;
        let keys: Vec<String> = delete.objects.into_iter().map(|object| object.key).collect();
        if keys.len() > list::MOST_KEYS {
            return Err(s3_error!(MalformedXML, "at most 1000 keys can be deleted at once"));
        }
        change(&self.store, Change::Delete { bucket, keys: keys.clone() }).await?;
        let deleted = |key| DeletedObject { key: Some(key), ..Default::default() };
        let quiet = delete.quiet == Some(true);
        let deleted = (!quiet).then(|| keys.into_iter().map(deleted).collect());
        Ok(S3Response::new(DeleteObjectsOutput { deleted, ..Default::default() }))
    }

    async fn list_objects_v2(
        &self,
        req: S3Request<ListObjectsV2Input>,
    ) -> S3Result<S3Response<ListObjectsV2Output>> {
        list::page(&self.store, req.input)
    }

    async fn create_multipart_upload(
        &self,
        req: S3Request<CreateMultipartUploadInput>,
    ) -> S3Result<S3Response<CreateMultipartUploadOutput>> {
        multipart::begin(&self.store, req.input)
    }

    async fn upload_part(&self, req: S3Request<UploadPartInput>) -> S3Result<S3Response<UploadPartOutput>> {
        multipart::part(&self.store, req).await
    }

    async fn list_parts(&self, req: S3Request<ListPartsInput>) -> S3Result<S3Response<ListPartsOutput>> {
        multipart::parts(&self.store, req.input)
    }

    async fn list_multipart_uploads(
        &self,
        req: S3Request<ListMultipartUploadsInput>,
    ) -> S3Result<S3Response<ListMultipartUploadsOutput>> {
        multipart::uploads(&self.store, req.input)
    }

    async fn complete_multipart_upload(
        &self,
        req: S3Request<CompleteMultipartUploadInput>,
    ) -> S3Result<S3Response<CompleteMultipartUploadOutput>> {
        multipart::complete(&self.store, req.input).await
    }

    async fn abort_multipart_upload(
        &self,
        req: S3Request<AbortMultipartUploadInput>,
    ) -> S3Result<S3Response<AbortMultipartUploadOutput>> {
        multipart::abort(&self.store, &req.input)
    }
}
