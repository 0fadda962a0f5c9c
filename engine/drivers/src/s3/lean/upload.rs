//! Uploads in parts through the lean client: one function for each request.

use bytes::Bytes;
use http::Method;
use model::outcome::Outcome;

use super::Lean;
use super::call::Call;
use crate::net::escape::push_query;
use crate::s3::etag::ETag;
use crate::s3::meaning::Ask;
use crate::s3::reply::S3Reply;
use crate::s3::xml::upload;

impl Lean {
    /// Begins an upload; its id is empty unless the reply is `ok`.
    pub(crate) async fn begin_upload(&self, key: &str) -> (S3Reply, String) {
        let call = Call::new(Ask::BeginUpload, Method::POST, self.address.object(key));
        let answer = self.call(Call { query: b"uploads=".to_vec(), ..call }).await;
        let mut id = String::new();
        let reply = self.reply(Ask::BeginUpload, answer, |received| match upload::begun(&received.body) {
            Ok(named) => {
                id = named;
                S3Reply::new(Outcome::Ok)
            }
            Err(problem) => self.unreadable(Ask::BeginUpload, &received, &problem),
        });
        (reply, id)
    }

    /// Sends one part; `number` counts from 1.
    pub(crate) async fn put_part(&self, key: &str, id: &str, number: u64, body: Bytes) -> S3Reply {
        let sent_bytes = body.len() as u64;
        let mut query = format!("partNumber={number}&").into_bytes();
        push_id(&mut query, id);
        let call = Call::new(Ask::PutPart, Method::PUT, self.address.object(key));
        let answer = self.call(Call { query, body, ..call }).await;
        self.stored(Ask::PutPart, answer, sent_bytes)
    }

    /// Puts the parts together in their order: only now is there an object.
    pub(crate) async fn complete_upload(&self, key: &str, id: &str, parts: &[ETag]) -> S3Reply {
        let body = Bytes::from(upload::completion(parts));
        let answer = self.call(self.about_upload(Ask::CompleteUpload, Method::POST, key, id, body)).await;
        self.reply(Ask::CompleteUpload, answer, |received| match upload::completed(&received.body) {
            Ok(etag) => S3Reply { etag: Some(etag), ..S3Reply::new(Outcome::Ok) },
            Err(problem) => self.unreadable(Ask::CompleteUpload, &received, &problem),
        })
    }

    /// Gives an upload up, with the parts that were sent.
    pub(crate) async fn abort_upload(&self, key: &str, id: &str) -> S3Reply {
        let call = self.about_upload(Ask::AbortUpload, Method::DELETE, key, id, Bytes::new());
        let answer = self.call(call).await;
        self.reply(Ask::AbortUpload, answer, |_| S3Reply::new(Outcome::Ok))
    }

    fn about_upload(&self, ask: Ask, method: Method, key: &str, id: &str, body: Bytes) -> Call {
        let mut query = Vec::new();
        push_id(&mut query, id);
        Call { query, body, is_document: true, ..Call::new(ask, method, self.address.object(key)) }
    }
}

fn push_id(query: &mut Vec<u8>, id: &str) {
    query.extend_from_slice(b"uploadId=");
    push_query(query, id);
}
