//! What is said to each request.

use std::fmt::Write as _;
use std::io::Write as _;

use super::Noop;
use super::pages::{self, Wanted};
use super::request::{Head, Method, Range, unescaped};

/// Of every object.
pub(super) const ETAG: &str = "00000000000000000000000000000000";
/// Keys on a page: S3's limit.
const MOST_KEYS: u64 = 1000;

const PUT: &[u8] =
    b"HTTP/1.1 200 OK\r\nETag: \"00000000000000000000000000000000\"\r\nContent-Length: 0\r\n\r\n";
const DONE: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
const DELETED: &[u8] = b"HTTP/1.1 204 No Content\r\n\r\n";
pub(super) const GO_ON: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";
pub(super) const NO_HTTP: &[u8] =
    b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
const UNKNOWN: &str = "<Error><Code>NotImplemented</Code><Message>the store that keeps nothing does not know this \
                       request</Message></Error>";

impl Noop {
    /// Whether the answer depends on what the body says, not only on its length.
    pub(super) fn needs_body(head: &Head) -> bool {
        head.method == Method::Post && head.parameter("delete").is_some()
    }

    /// Appends the answer to `out`. Returns how many zero bytes are to follow.
    pub(super) fn answer(&self, head: &Head, size_bytes: u64, body: &[u8], out: &mut Vec<u8>) -> u64 {
        let (bucket, path) = head.place();
        match (head.method, path) {
            (Method::Put, Some(path)) => {
                match upload(head) {
                    Some(upload) => self.shared().counts.part(upload, size_bytes),
                    None => self.shared().counts.put(&path, size_bytes),
                }
                out.extend_from_slice(PUT);
            }
            (Method::Get, Some(_)) if upload(head).is_some() => {
                xml(out, "<ListPartsResult><IsTruncated>false</IsTruncated></ListPartsResult>");
            }
            (Method::Get, Some(_)) => return self.object(head, out),
            (Method::Head, Some(_)) => drop(self.object(head, out)),
            (Method::Delete, Some(path)) => {
                match upload(head) {
                    Some(upload) => drop(self.shared().counts.end_upload(upload)),
                    None => self.shared().counts.delete(&path),
                }
                out.extend_from_slice(DELETED);
            }
            (Method::Post, Some(path)) => self.upload_step(head, &bucket, &path, out),
            (Method::Post, None) if head.parameter("delete").is_some() => {
                self.delete_many(&bucket, body, out)
            }
            (Method::Put | Method::Head, None) => out.extend_from_slice(DONE),
            (Method::Delete, None) => out.extend_from_slice(DELETED),
            (Method::Get, None) => self.about_bucket(head, &bucket, out),
            _ => unknown(out),
        }
        0
    }

    /// The head of an object's content, and how long it is.
    fn object(&self, head: &Head, out: &mut Vec<u8>) -> u64 {
        let latest = self.shared().counts.latest_bytes();
        let (first, bytes, total) = match head.range {
            None => (0, latest, latest),
            Some(Range::Between(first, last)) => {
                let bytes = (last - first).saturating_add(1);
                (first, bytes, latest.max(last.saturating_add(1)))
            }
            Some(Range::From(first)) => (first, latest.saturating_sub(first), latest),
            Some(Range::Last(bytes)) => (latest.saturating_sub(bytes), bytes, latest.max(bytes)),
        };
        let status = if head.range.is_some() && bytes > 0 { "206 Partial Content" } else { "200 OK" };
        // Writing to memory does not fail.
        let _ = write!(out, "HTTP/1.1 {status}\r\nETag: \"{ETAG}\"\r\nContent-Length: {bytes}\r\n");
        if head.range.is_some() && bytes > 0 {
            let _ = write!(out, "Content-Range: bytes {first}-{}/{total}\r\n", first + (bytes - 1));
        }
        out.extend_from_slice(b"Last-Modified: Sat, 01 Jan 2000 00:00:00 GMT\r\n\r\n");
        bytes
    }

    fn upload_step(&self, head: &Head, bucket: &str, path: &str, out: &mut Vec<u8>) {
        let key = escaped_xml(path.get(bucket.len() + 2..).unwrap_or_default());
        if head.parameter("uploads").is_some() {
            let id = self.shared().counts.begin_upload();
            xml(
                out,
                &format!(
                    "<InitiateMultipartUploadResult><Bucket>{bucket}</Bucket><Key>{key}</Key>\
                     <UploadId>{id}</UploadId></InitiateMultipartUploadResult>"
                ),
            );
        } else if let Some(upload) = upload(head) {
            let mut shared = self.shared();
            let bytes = shared.counts.end_upload(upload);
            shared.counts.put(path, bytes);
            drop(shared);
            xml(
                out,
                &format!(
                    "<CompleteMultipartUploadResult><Bucket>{bucket}</Bucket><Key>{key}</Key>\
                     <ETag>&quot;{ETAG}-1&quot;</ETag></CompleteMultipartUploadResult>"
                ),
            );
        } else {
            unknown(out);
        }
    }

    /// Says of each key that it is gone, in the words of the request.
    fn delete_many(&self, bucket: &str, body: &[u8], out: &mut Vec<u8>) {
        let text = String::from_utf8_lossy(body);
        let keys = text.split("<Key>").skip(1).filter_map(|rest| rest.split("</Key>").next());
        let is_quiet = text.contains("<Quiet>true</Quiet>");
        let mut said = String::from("<DeleteResult>");
        let mut shared = self.shared();
        for key in keys {
            shared.counts.delete(&format!("/{bucket}/{}", unescaped_xml(key)));
            if !is_quiet {
                // Writing to memory does not fail.
                let _ = write!(said, "<Deleted><Key>{key}</Key></Deleted>");
            }
        }
        drop(shared);
        said.push_str("</DeleteResult>");
        xml(out, &said);
    }

    fn about_bucket(&self, head: &Head, bucket: &str, out: &mut Vec<u8>) {
        if bucket.is_empty() {
            xml(out, "<ListAllMyBucketsResult><Buckets></Buckets></ListAllMyBucketsResult>");
        } else if head.parameter("location").is_some() {
            xml(out, "<LocationConstraint></LocationConstraint>");
        } else if head.parameter("uploads").is_some() {
            xml(
                out,
                "<ListMultipartUploadsResult><IsTruncated>false</IsTruncated></ListMultipartUploadsResult>",
            );
        } else if head.parameter("list-type") == Some("2") {
            self.list(head, bucket, out);
        } else {
            unknown(out);
        }
    }

    fn list(&self, head: &Head, bucket: &str, out: &mut Vec<u8>) {
        let text = |name: &str| head.parameter(name).map(unescaped);
        let prefix = text("prefix").unwrap_or_default();
        let is_url = head.parameter("encoding-type") == Some("url");
        let from = match (text("continuation-token"), text("start-after")) {
            (Some(token), _) => token.parse().unwrap_or(0),
            (None, Some(key)) => pages::position_after(&prefix, &key),
            (None, None) => 0,
        };
        let limit = text("max-keys").and_then(|limit| limit.parse().ok()).unwrap_or(MOST_KEYS);
        let mut shared = self.shared();
        let wanted = Wanted {
            bucket,
            prefix: &if is_url { escaped_url(&prefix) } else { escaped_xml(&prefix) },
            is_url,
            from,
            limit: limit.min(MOST_KEYS),
            total: shared.counts.under(&format!("/{bucket}/{prefix}")),
            size_bytes: shared.counts.latest_bytes(),
        };
        let document = shared.pages.document(&wanted);
        drop(shared);
        with_length(out, document.len());
        out.extend_from_slice(&document);
    }
}

/// The number of the upload that a request is about.
fn upload(head: &Head) -> Option<u64> {
    // One that we never gave out is as good as any: it has no parts.
    head.parameter("uploadId").map(|id| id.parse().unwrap_or(0))
}

fn unknown(out: &mut Vec<u8>) {
    // Writing to memory does not fail.
    let _ = write!(
        out,
        "HTTP/1.1 501 Not Implemented\r\nContent-Type: application/xml\r\nContent-Length: {}\r\n\r\n{UNKNOWN}",
        UNKNOWN.len()
    );
}

fn xml(out: &mut Vec<u8>, document: &str) {
    with_length(out, document.len());
    out.extend_from_slice(document.as_bytes());
}

fn with_length(out: &mut Vec<u8>, bytes: usize) {
    // Writing to memory does not fail.
    let _ =
        write!(out, "HTTP/1.1 200 OK\r\nContent-Type: application/xml\r\nContent-Length: {bytes}\r\n\r\n");
}

fn escaped_xml(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn unescaped_xml(text: &str) -> String {
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&apos;", "'")
        .replace("&amp;", "&")
}

/// As S3 does for `encoding-type=url`: unreserved characters and `/` stand, the rest is %XX.
fn escaped_url(text: &str) -> String {
    crate::os::text::percent_encoded(text)
}
