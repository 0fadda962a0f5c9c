//! Pages of listings through the SDK.

use aws_sdk_s3::types::{CommonPrefix, EncodingType, Object};
use model::outcome::Outcome;

use super::Sdk;
use crate::s3::meaning::Ask;
use crate::s3::reply::{Listed, S3Reply};
use crate::s3::request::PageRequest;
use crate::s3::xml::listing::Page;

impl Sdk {
    /// One page of a listing; the page is empty unless the reply is `ok`.
    pub(crate) async fn page(&self, request: &PageRequest<'_>) -> (S3Reply, Page) {
        let sending = self
            .client
            .list_objects_v2()
            .bucket(&self.place.bucket)
            .prefix(request.prefix)
            .set_delimiter(request.delimiter.map(str::to_owned))
            .encoding_type(EncodingType::Url)
            .set_start_after(request.start_after.filter(|_| request.token.is_none()).map(str::to_owned))
            .set_max_keys(request.max_keys.map(|keys| i32::try_from(keys).unwrap_or(i32::MAX)))
            .set_continuation_token(request.token.map(str::to_owned))
            .send();
        let mut found = Page::default();
        let mut reply = self
            .timed(Ask::List, async {
                let listed = match sending.await {
                    Ok(listed) => listed,
                    Err(error) => return self.failed(Ask::List, &error),
                };
                let page = Page {
                    keys: listed.contents().iter().map(listed_object).collect(),
                    common_prefixes: listed.common_prefixes().iter().map(listed_prefix).collect(),
                    next: listed.next_continuation_token().map(str::to_owned),
                };
                let is_escaped = listed.encoding_type() == Some(&EncodingType::Url);
                match page.finish(listed.is_truncated() == Some(true), is_escaped) {
                    Ok(page) => {
                        found = page;
                        S3Reply::new(Outcome::Ok)
                    }
                    Err(problem) => self.place.unreadable(Ask::List, 200, b"<", &problem),
                }
            })
            .await;
        reply.items = found.items();
        (reply, found)
    }
}

fn listed_object(object: &Object) -> Listed {
    Listed {
        key: object.key().unwrap_or_default().to_owned(),
        size_bytes: object.size().and_then(|size| u64::try_from(size).ok()).unwrap_or(0),
    }
}

fn listed_prefix(prefix: &CommonPrefix) -> String {
    prefix.prefix().unwrap_or_default().to_owned()
}
