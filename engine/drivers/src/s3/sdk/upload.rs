//! Uploads in parts through the SDK: one function for each request.

use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};
use bytes::Bytes;
use model::outcome::Outcome;

use super::Sdk;
use crate::s3::etag::ETag;
use crate::s3::meaning::Ask;
use crate::s3::reply::S3Reply;
use crate::s3::xml::XmlProblem;
use crate::s3::xml::upload::etag_of;

impl Sdk {
    /// Begins an upload; its id is empty unless the reply is `ok`.
    pub(crate) async fn begin_upload(&self, key: &str) -> (S3Reply, String) {
        let sending = self.client.create_multipart_upload().bucket(&self.place.bucket).key(key).send();
        let mut id = String::new();
        let reply = self.timed(Ask::BeginUpload, async {
            match sending.await {
                Err(error) => self.failed(Ask::BeginUpload, &error),
                Ok(begun) => match begun.upload_id.filter(|id| !id.is_empty()) {
                    Some(named) => {
                        id = named;
                        S3Reply::new(Outcome::Ok)
                    }
                    None => {
                        let problem = XmlProblem::Content("it names no upload");
                        self.place.unreadable(Ask::BeginUpload, 200, b"<", &problem)
                    }
                },
            }
        });
        (reply.await, id)
    }

    /// Sends one part; `number` counts from 1.
    pub(crate) async fn put_part(&self, key: &str, id: &str, number: u64, body: Bytes) -> S3Reply {
        let sent_bytes = body.len() as u64;
        let sending = self
            .client
            .upload_part()
            .bucket(&self.place.bucket)
            .key(key)
            .upload_id(id)
            .part_number(number_of(number))
            .body(ByteStream::from(body))
            .send();
        let sending = async move { Ok(sending.await?.e_tag().map(ETag::from)) };
        self.stored(Ask::PutPart, sent_bytes, sending).await
    }

    /// Puts the parts together in their order: only now is there an object.
    pub(crate) async fn complete_upload(&self, key: &str, id: &str, parts: &[ETag]) -> S3Reply {
        let named = |(number, etag): (u64, &ETag)| {
            CompletedPart::builder().part_number(number_of(number)).e_tag(etag.as_str()).build()
        };
        let parts = (1..).zip(parts).map(named).collect();
        let sending = self
            .client
            .complete_multipart_upload()
            .bucket(&self.place.bucket)
            .key(key)
            .upload_id(id)
            .multipart_upload(CompletedMultipartUpload::builder().set_parts(Some(parts)).build())
            .send();
        self.timed(Ask::CompleteUpload, async {
            match sending.await {
                Ok(done) => match etag_of(done.e_tag()) {
                    Ok(etag) => S3Reply { etag: Some(etag), ..S3Reply::new(Outcome::Ok) },
                    // The SDK takes half a document for a whole one.
                    Err(problem) => self.place.unreadable(Ask::CompleteUpload, 200, b"<", &problem),
                },
                Err(error) => self.failed(Ask::CompleteUpload, &error),
            }
        })
        .await
    }

    /// Gives an upload up, with the parts that were sent.
    pub(crate) async fn abort_upload(&self, key: &str, id: &str) -> S3Reply {
        let abort = self.client.abort_multipart_upload().bucket(&self.place.bucket).key(key);
        let sending = abort.upload_id(id).send();
        self.timed(Ask::AbortUpload, async {
            match sending.await {
                Ok(_) => S3Reply::new(Outcome::Ok),
                Err(error) => self.failed(Ask::AbortUpload, &error),
            }
        })
        .await
    }
}

fn number_of(part: u64) -> i32 {
    i32::try_from(part).expect("an object has ten thousand parts at most")
}
