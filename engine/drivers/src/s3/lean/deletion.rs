//! Many deletions in one request through the lean client.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method};
use md5::{Digest, Md5};

use super::Lean;
use super::call::Call;
use crate::s3::meaning::Ask;
use crate::s3::reply::S3Reply;
use crate::s3::xml::deletion;

const CONTENT_MD5: HeaderName = HeaderName::from_static("content-md5");

impl Lean {
    /// Deletes up to a thousand objects, whose keys XML can hold; `items` says how many of them are gone.
    pub(crate) async fn delete_together(&self, keys: &[&str]) -> S3Reply {
        let body = Bytes::from(deletion::document(keys));
        // S3 insists on a checksum here, and this is the one that every store knows.
        let md5 = BASE64.encode(Md5::digest(&body));
        let md5 = HeaderValue::try_from(md5).expect("base64 makes a header");
        let call = Call {
            query: b"delete=".to_vec(),
            body,
            is_document: true,
            header: Some(Box::new((CONTENT_MD5, md5))),
            ..Call::new(Ask::Delete, Method::POST, self.address.bucket())
        };
        let answer = self.call(call).await;
        self.reply(Ask::Delete, answer, |received| match deletion::undeleted(&received.body) {
            Ok(undeleted) => self.place.deleted(keys.len(), &undeleted),
            Err(problem) => self.unreadable(Ask::Delete, &received, &problem),
        })
    }
}
