//! Pages of listings through the lean client.

use http::Method;
use model::outcome::Outcome;

use super::Lean;
use super::call::Call;
use crate::net::escape::push_query;
use crate::s3::meaning::Ask;
use crate::s3::reply::S3Reply;
use crate::s3::request::PageRequest;
use crate::s3::xml::listing::{Page, page};

impl Lean {
    /// One page of a listing; the page is empty unless the reply is `ok`.
    pub(crate) async fn page(&self, request: &PageRequest<'_>) -> (S3Reply, Page) {
        let query = page_query(request);
        let call = Call { query, ..Call::new(Ask::List, Method::GET, self.address.bucket()) };
        let answer = self.call(call).await;
        let mut found = Page::default();
        let mut reply = self.reply(Ask::List, answer, |received| match page(&received.body) {
            Ok(page) => {
                found = page;
                S3Reply { bytes_received: received.body.len() as u64, ..S3Reply::new(Outcome::Ok) }
            }
            Err(problem) => self.unreadable(Ask::List, &received, &problem),
        });
        reply.items = found.items();
        (reply, found)
    }
}

/// The query of a page, escaped and sorted by name.
fn page_query(request: &PageRequest<'_>) -> Vec<u8> {
    let mut query = Vec::with_capacity(96);
    if let Some(token) = request.token {
        query.extend_from_slice(b"continuation-token=");
        push_query(&mut query, token);
        query.push(b'&');
    }
    if let Some(delimiter) = request.delimiter {
        query.extend_from_slice(b"delimiter=");
        push_query(&mut query, delimiter);
        query.push(b'&');
    }
    // XML cannot hold every character that a key may have, so keys are asked for with escapes.
    query.extend_from_slice(b"encoding-type=url&list-type=2");
    if let Some(max_keys) = request.max_keys {
        query.extend_from_slice(format!("&max-keys={max_keys}").as_bytes());
    }
    query.extend_from_slice(b"&prefix=");
    push_query(&mut query, request.prefix);
    if let (Some(key), None) = (request.start_after, request.token) {
        query.extend_from_slice(b"&start-after=");
        push_query(&mut query, key);
    }
    query
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_asked_for_in_the_order_of_the_signature() {
        let query = |request: PageRequest<'_>| String::from_utf8(page_query(&request)).unwrap();
        let whole = PageRequest::default();
        assert_eq!(query(whole), "encoding-type=url&list-type=2&prefix=");
        let from = PageRequest {
            prefix: "r/1&",
            start_after: Some("r/1&+"),
            max_keys: Some(7),
            delimiter: Some("/"),
            token: None,
        };
        assert_eq!(
            query(from),
            "delimiter=%2F&encoding-type=url&list-type=2&max-keys=7&prefix=r%2F1%26&start-after=r%2F1%26%2B"
        );
        let on = PageRequest { token: Some("a=b/"), ..from };
        let text = query(on);
        assert_eq!(
            text,
            "continuation-token=a%3Db%2F&delimiter=%2F&encoding-type=url&list-type=2&max-keys=7&prefix=r%2F1%26"
        );
        let mut names: Vec<&str> = text.split('&').collect();
        names.sort_unstable();
        assert_eq!(names.join("&"), text);
    }
}
