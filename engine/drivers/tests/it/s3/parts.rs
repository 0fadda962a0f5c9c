//! Objects put in parts: whole when all goes well, and nothing left behind when it does not.

use std::rc::Rc;

use bytes::Bytes;
use drivers::s3::{ClientKind, ListRequest, Multipart, Store};
use embed::store::Backend;
use model::outcome::Outcome;
use tokio::sync::Barrier;

use super::canned::{Answer, Canned, http, refusal};
use super::{assert_ended, assert_ok, open, settings, through_both_clients, with_bucket_of};

through_both_clients! {
    an_object_in_parts_comes_back_whole
    parts_that_are_too_small_are_rejected_and_removed
    parts_go_several_at_once_and_are_put_together_in_order
    an_object_without_a_byte_is_one_part
    a_part_that_is_refused_ends_the_upload
    a_part_that_is_lost_leaves_nothing_open
    a_completion_that_is_refused_in_the_body_ends_the_upload
    a_completion_that_is_lost_is_open
    parts_that_cannot_be_removed_are_told
    an_upload_that_cannot_begin_says_why
    what_cannot_be_parted_is_rejected_before_it_is_sent
}

const FOUR_BYTES: Multipart = Multipart { part_bytes: 4, in_flight: 2 };

async fn an_object_in_parts_comes_back_whole(client: ClientKind) {
    for backend in [Backend::Ordered, Backend::Fs] {
        let (_server, store) = with_bucket_of(backend, client).await;
        put_and_read(&store).await;
    }
}

async fn put_and_read(store: &Store) {
    let part_bytes = 5 << 20;
    for size in [part_bytes * 2 + 7, part_bytes, 3, 0] {
        let body: Bytes = (0..size).map(|at| (at % 251) as u8).collect();
        let how = Multipart { part_bytes: part_bytes as u64, in_flight: 2 };
        let stored = store.put_multipart("object", body.clone(), how).await;
        assert_ok(&stored);
        assert_eq!((stored.bytes_sent, stored.items), (size as u64, 1));
        assert!(stored.service_ns > 0);
        let read = store.get("object").await;
        assert_ok(&read);
        assert!(read.body == body, "{size} bytes came back as {}", read.body.len());
    }
}

async fn parts_that_are_too_small_are_rejected_and_removed(client: ClientKind) {
    let (_server, store) = with_bucket_of(Backend::Ordered, client).await;
    let reply = store.put_multipart("object", Bytes::from_static(b"01234567"), FOUR_BYTES).await;
    let message = reply.message.as_deref().unwrap();
    assert!(
        message.contains("raise `part_bytes`") && message.ends_with("; the upload was aborted"),
        "{message}"
    );
    assert_ended(&[reply], &[Outcome::Rejected], "EntityTooSmall");
    assert_eq!(store.list(&ListRequest::default()).await.items, 0);
}

/// A store for one upload, which may answer some requests in its own way.
async fn store_that(
    client: ClientKind,
    answers: impl Fn(&str) -> Option<Answer> + 'static,
) -> (Canned, Store) {
    let server = Canned::by_rule(move |head| answers(head).unwrap_or_else(|| usual(head))).await;
    let store = open(&settings(&server.endpoint(), client));
    (server, store)
}

/// What a store answers when all goes well. The ETag of a part is its number.
fn usual(head: &str) -> Answer {
    let xml = "content-type: application/xml\r\n";
    Answer::Say(match kind(head).as_str() {
        "begin" => http(
            "200 OK",
            xml,
            "<InitiateMultipartUploadResult><UploadId>id/1=</UploadId></InitiateMultipartUploadResult>",
        ),
        "complete" => http(
            "200 OK",
            xml,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n   <CompleteMultipartUploadResult><ETag>&quot;all-3&quot;\
             </ETag></CompleteMultipartUploadResult>",
        ),
        "abort" => "HTTP/1.1 204 No Content\r\n\r\n".to_owned(),
        part => http("200 OK", &format!("etag: \"{part}\"\r\n"), ""),
    })
}

/// What a request is about: `begin`, `complete`, `abort`, or the number of a part.
fn kind(head: &str) -> String {
    let line = head.lines().next().unwrap();
    if let Some((_, rest)) = line.split_once("partNumber=") {
        return rest.chars().take_while(char::is_ascii_digit).collect();
    }
    let kind = if line.starts_with("DELETE") {
        "abort"
    } else if line.contains("uploadId=") {
        "complete"
    } else {
        "begin"
    };
    kind.to_owned()
}

fn kinds(server: &Canned) -> Vec<String> {
    server.requests().iter().map(|head| kind(head)).collect()
}

async fn parts_go_several_at_once_and_are_put_together_in_order(client: ClientKind) {
    // No part is answered before three of them are there.
    let three = Rc::new(Barrier::new(3));
    let (server, store) = store_that(client, move |head| match (kind(head).parse::<u32>(), usual(head)) {
        (Ok(_), Answer::Say(text)) => Some(Answer::SayTogether(Rc::clone(&three), text)),
        _ => None,
    })
    .await;
    let body = Bytes::from_static(b"0123456789abcdefghijklm");
    let reply = store.put_multipart("a b", body, Multipart { part_bytes: 4, in_flight: 3 }).await;
    assert_ok(&reply);
    assert_eq!((reply.bytes_sent, reply.etag.as_deref()), (23, Some("\"all-3\"")));
    assert_eq!(server.most_open(), 3);
    let mut parts: Vec<_> = server.requests().into_iter().zip(server.bodies()).collect();
    let (completing, completion) = parts.pop().unwrap();
    parts.remove(0);
    assert!(completing.starts_with("POST /snapbench-test/a%20b?"), "{completing}");
    assert!(completing.contains("uploadId=id%2F1%3D"), "{completing}");
    parts.sort_by_key(|(head, _)| kind(head));
    let bodies: Vec<_> = parts.iter().map(|(_, body)| body.as_str()).collect();
    assert_eq!(bodies, ["0123", "4567", "89ab", "cdef", "ghij", "klm"]);
    let named: Vec<_> =
        completion.split("<ETag>").skip(1).map(|rest| rest.split("</").next().unwrap()).collect();
    assert_eq!(named.join(" ").replace("&quot;", "\""), "\"1\" \"2\" \"3\" \"4\" \"5\" \"6\"");
    if let Some(usage) = store.connections() {
        assert_eq!((usage.opened, usage.reused, usage.idle), (3, 5, 3), "{usage:?}");
    }
}

async fn an_object_without_a_byte_is_one_part(client: ClientKind) {
    let (server, store) = store_that(client, |_| None).await;
    let reply = store.put_multipart("k", Bytes::new(), FOUR_BYTES).await;
    assert_ok(&reply);
    assert_eq!(reply.bytes_sent, 0);
    assert_eq!(kinds(&server), ["begin", "1", "complete"]);
}

async fn a_part_that_is_refused_ends_the_upload(client: ClientKind) {
    let (server, store) = store_that(client, |head| {
        (kind(head) == "2").then(|| Answer::Say(refusal("503 Slow Down", "SlowDown")))
    })
    .await;
    let how = Multipart { in_flight: 1, ..FOUR_BYTES };
    let reply = store.put_multipart("k", Bytes::from_static(b"0123456789ab"), how).await;
    let message = reply.message.as_deref().unwrap();
    assert!(
        message.starts_with("part 2 of 3: ") && message.ends_with("; the upload was aborted"),
        "{message}"
    );
    assert_eq!((reply.bytes_sent, reply.items, &reply.etag), (8, 0, &None));
    // Nothing is begun any more after a part that failed.
    assert_eq!(kinds(&server), ["begin", "1", "2", "abort"]);
    assert_ended(&[reply], &[Outcome::Throttled], "SlowDown");
}

async fn a_part_that_is_lost_leaves_nothing_open(client: ClientKind) {
    let (server, store) = store_that(client, |head| (kind(head) == "2").then_some(Answer::Close)).await;
    let reply = store.put_multipart("k", Bytes::from_static(b"01234567"), FOUR_BYTES).await;
    assert!(reply.fate_is_known());
    assert_ended(&[reply], &[Outcome::Error], "unexpected_eof");
    assert_eq!(kinds(&server).last().unwrap(), "abort");
    assert!(!kinds(&server).contains(&"complete".to_owned()));
}

async fn a_completion_that_is_refused_in_the_body_ends_the_upload(client: ClientKind) {
    let (server, store) = store_that(client, |head| {
        (kind(head) == "complete").then(|| Answer::Say(refusal("200 OK", "InternalError")))
    })
    .await;
    let reply = store.put_multipart("k", Bytes::from_static(b"0123"), FOUR_BYTES).await;
    assert!(reply.message.as_deref().unwrap().ends_with("; the upload was aborted"), "{reply:?}");
    assert_ended(&[reply], &[Outcome::Error], "InternalError");
    assert_eq!(kinds(&server), ["begin", "1", "complete", "abort"]);
}

async fn a_completion_that_is_lost_is_open(client: ClientKind) {
    let unreadable = "content-type: application/xml\r\n";
    let half = http("200 OK", unreadable, "<CompleteMultipartUploadResult><ETag>");
    for (answer, class) in [(Answer::Close, "unexpected_eof"), (Answer::Say(half), "bad_reply")] {
        let (server, store) =
            store_that(client, move |head| (kind(head) == "complete").then(|| answer.clone())).await;
        let reply = store.put_multipart("k", Bytes::from_static(b"0123"), FOUR_BYTES).await;
        assert!(!reply.fate_is_known());
        assert_ended(&[reply], &[Outcome::Ambiguous], class);
        // Nobody knows whether there is still something to abort.
        assert_eq!(kinds(&server), ["begin", "1", "complete"]);
    }
}

async fn parts_that_cannot_be_removed_are_told(client: ClientKind) {
    let (_server, store) = store_that(client, |head| match kind(head).as_str() {
        "1" => Some(Answer::Say(refusal("500 Internal Server Error", "InternalError"))),
        "abort" => Some(Answer::Say(refusal("403 Forbidden", "AccessDenied"))),
        _ => None,
    })
    .await;
    let reply = store.put_multipart("k", Bytes::from_static(b"0123"), FOUR_BYTES).await;
    let message = reply.message.as_deref().unwrap();
    assert!(
        message.contains("the upload `id/1=` could not be aborted (") && message.contains("AccessDenied"),
        "{message}"
    );
    assert_ended(&[reply], &[Outcome::Error], "InternalError");
}

async fn an_upload_that_cannot_begin_says_why(client: ClientKind) {
    let answers = ["NoSuchBucket", "NotImplemented"];
    for (code, status) in answers.into_iter().zip(["404 Not Found", "501 Not Implemented"]) {
        let server = Canned::start(vec![Answer::Say(refusal(status, code))]).await;
        let store = open(&settings(&server.endpoint(), client));
        let reply = store.put_multipart("k", Bytes::from_static(b"0123"), FOUR_BYTES).await;
        assert_eq!((reply.bytes_sent, server.requests().len()), (0, 1));
        assert_ended(&[reply], &[Outcome::Error], code);
    }
    let nameless = "<InitiateMultipartUploadResult></InitiateMultipartUploadResult>";
    let server =
        Canned::start(vec![Answer::Say(http("200 OK", "content-type: application/xml\r\n", nameless))]).await;
    let store = open(&settings(&server.endpoint(), client));
    let reply = store.put_multipart("k", Bytes::from_static(b"0123"), FOUR_BYTES).await;
    assert!(reply.message.as_deref().unwrap().ends_with("it names no upload"), "{reply:?}");
    assert_ended(&[reply], &[Outcome::Error], "bad_reply");
}

async fn what_cannot_be_parted_is_rejected_before_it_is_sent(client: ClientKind) {
    let store = open(&settings("http://127.0.0.1:1", client));
    let body = Bytes::from(vec![0; 10_001]);
    for (part_bytes, in_flight, remedy) in [
        (0, 1, "are 1 at least"),
        (4, 0, "are 1 at least"),
        (1, 1, "10,001 bytes in parts of 1 are 10,001 parts, and S3 allows 10,000: raise `part_bytes`"),
        ((5 << 30) + 1, 1, "lower `part_bytes`"),
    ] {
        let reply = store.put_multipart("k", body.clone(), Multipart { part_bytes, in_flight }).await;
        assert!(reply.message.as_deref().unwrap().ends_with(remedy), "{reply:?}");
        assert_ended(&[reply], &[Outcome::Rejected], "invalid_parts");
    }
    let reply = store.put_multipart("", body, FOUR_BYTES).await;
    assert_ended(&[reply], &[Outcome::Rejected], "invalid_key");
}
