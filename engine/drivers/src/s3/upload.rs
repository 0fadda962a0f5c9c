//! An object in parts, as one operation: its upload is begun, parts go several at once, and a completion makes an
//! object of them.
//!
//! Until the completion nobody sees anything, so whatever is lost before it leaves no question open: the upload
//! is aborted, and its parts go with it.
//!
//! Deliberately does not know which client carries the requests out, nor what they look like.

use std::cell::Cell;

use bytes::Bytes;
use futures_util::stream::{self, StreamExt};
use model::units::format_count;
use tokio::time::Instant;

use super::etag::ETag;
use super::meaning::{LARGEST_PUT_BYTES, MOST_PARTS};
use super::reply::S3Reply;
use super::request::Multipart;
use super::store::{Client, Store};

/// What became of the parts.
struct Sent {
    /// In the order of the parts.
    etags: Vec<ETag>,
    bytes: u64,
    /// The first part that the store did not take.
    failed: Option<S3Reply>,
}

impl Store {
    /// Stores an object in parts, `in_flight` of them on their way at once. Its bytes are not copied. When
    /// something fails, what was sent is given up. An operation that is dropped half way leaves its parts to the
    /// store's own rules for uploads that nobody completed.
    pub async fn put_multipart(&self, key: &str, body: Bytes, how: Multipart) -> S3Reply {
        if let Some(refusal) = self.bad_key(key).or_else(|| self.bad_parts(&body, how)) {
            return refusal;
        }
        let asked = Instant::now();
        let (begun, id) = self.begin_upload(key).await;
        if !begun.is_ok() {
            return begun;
        }
        let sent = self.put_parts(key, &id, &body, how).await;
        let mut reply = match sent.failed {
            Some(failed) => failed,
            None => self.complete_upload(key, &id, &sent.etags).await,
        };
        let spent_ns = asked.elapsed().as_nanos() as u64;
        if !reply.is_ok() && reply.fate_is_known() {
            let aborted = self.abort_upload(key, &id).await;
            note_abort(&mut reply, &aborted, &id);
        }
        S3Reply {
            bytes_sent: sent.bytes,
            service_ns: spent_ns - begun.connect_wait_ns.unwrap_or(0).min(spent_ns),
            connect_wait_ns: begun.connect_wait_ns,
            ..reply
        }
    }

    fn bad_parts(&self, body: &Bytes, how: Multipart) -> Option<S3Reply> {
        let place = || self.0.config.place();
        let Multipart { part_bytes, in_flight } = how;
        if part_bytes == 0 || in_flight == 0 {
            return Some(place().bad_parts("`part_bytes` and `in_flight` are 1 at least"));
        }
        if part_bytes > LARGEST_PUT_BYTES {
            return Some(place().bad_parts("a part has 5 GiB at most: lower `part_bytes`"));
        }
        let parts = count(body, part_bytes);
        (parts > MOST_PARTS).then(|| {
            place().bad_parts(&format!(
                "{} bytes in parts of {part_bytes} are {} parts, and S3 allows {}: raise `part_bytes`",
                format_count(body.len() as u64),
                format_count(parts),
                format_count(MOST_PARTS)
            ))
        })
    }

    /// Sends all parts. After one that fails no more are begun, and those on their way are waited for: an upload
    /// can only be aborted when nothing of it is still arriving.
    async fn put_parts(&self, key: &str, id: &str, body: &Bytes, how: Multipart) -> Sent {
        let parts = count(body, how.part_bytes);
        let has_failed = Cell::new(false);
        let numbers = (1..=parts).take_while(|_| !has_failed.get());
        let sending = stream::iter(numbers).map(|number| async move {
            (number, self.put_part(key, id, number, part(body, number, how.part_bytes)).await)
        });
        let mut ended: Vec<Option<ETag>> = vec![None; parts as usize];
        let mut sent = Sent { etags: Vec::new(), bytes: 0, failed: None };
        let mut sending = std::pin::pin!(sending.buffer_unordered(how.in_flight));
        while let Some((number, reply)) = sending.next().await {
            sent.bytes += reply.bytes_sent;
            if reply.is_ok() {
                ended[number as usize - 1] = reply.etag;
            } else if !has_failed.replace(true) {
                let message = reply.message.map(|said| format!("part {number} of {parts}: {said}"));
                sent.failed = Some(S3Reply { message, ..reply });
            }
        }
        sent.etags = ended.into_iter().flatten().collect();
        sent
    }

    async fn begin_upload(&self, key: &str) -> (S3Reply, String) {
        match &self.0.client {
            Client::Lean(lean) => lean.begin_upload(key).await,
            Client::Sdk(sdk) => Box::pin(sdk.begin_upload(key)).await,
        }
    }

    async fn put_part(&self, key: &str, id: &str, number: u64, body: Bytes) -> S3Reply {
        match &self.0.client {
            Client::Lean(lean) => lean.put_part(key, id, number, body).await,
            Client::Sdk(sdk) => Box::pin(sdk.put_part(key, id, number, body)).await,
        }
    }

    async fn complete_upload(&self, key: &str, id: &str, parts: &[ETag]) -> S3Reply {
        match &self.0.client {
            Client::Lean(lean) => lean.complete_upload(key, id, parts).await,
            Client::Sdk(sdk) => Box::pin(sdk.complete_upload(key, id, parts)).await,
        }
    }

    async fn abort_upload(&self, key: &str, id: &str) -> S3Reply {
        match &self.0.client {
            Client::Lean(lean) => lean.abort_upload(key, id).await,
            Client::Sdk(sdk) => Box::pin(sdk.abort_upload(key, id)).await,
        }
    }
}

/// Parts that a body makes. One at least: an object without a byte is a part without a byte.
fn count(body: &Bytes, part_bytes: u64) -> u64 {
    (body.len() as u64).div_ceil(part_bytes).max(1)
}

/// One part of a body, `number` counting from 1: the same bytes, not a copy.
fn part(body: &Bytes, number: u64, part_bytes: u64) -> Bytes {
    let size = body.len() as u64;
    let first = (number - 1) * part_bytes;
    body.slice(first as usize..first.saturating_add(part_bytes).min(size) as usize)
}

/// Says what became of the parts that were sent.
fn note_abort(reply: &mut S3Reply, aborted: &S3Reply, id: &str) {
    let said = reply.message.take().unwrap_or_default();
    let end = match &aborted.message {
        None => "; the upload was aborted".to_owned(),
        Some(why) => format!(
            "; its parts may still be at the store, because the upload `{id}` could not be aborted ({why})"
        ),
    };
    reply.message = Some(said + &end);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_slices_that_make_up_the_body() {
        for (size, part_bytes, parts) in
            [(0, 5, 1), (1, 5, 1), (5, 5, 1), (6, 5, 2), (25, 5, 5), (7, u64::MAX, 1)]
        {
            let body: Bytes = (0..size as u8).collect();
            assert_eq!(count(&body, part_bytes), parts);
            let cut: Vec<Bytes> = (1..=parts).map(|number| part(&body, number, part_bytes)).collect();
            assert_eq!(cut.concat(), body);
            for one in &cut[..cut.len() - 1] {
                assert_eq!(one.len() as u64, part_bytes);
            }
            // No copy.
            assert_eq!(cut[0].as_ptr(), body.as_ptr());
        }
    }
}
