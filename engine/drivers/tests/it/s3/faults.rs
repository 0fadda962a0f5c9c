//! Servers that are down, slow, rude, or no object store at all: every end is data, with the right outcome
//! and a sentence that helps.

use bytes::Bytes;
use drivers::s3::{ByteRange, ClientKind, ListRequest, Multipart, PutCondition, S3Reply, Store};
use model::outcome::Outcome;

use super::canned::{Answer, Canned, http, refusal};
use super::{against, assert_ended, open, settings, through_both_clients};

through_both_clients! {
    a_store_that_is_down_is_refused
    throttling_is_seen_and_not_retried
    a_lost_condition_is_a_conflict
    what_s3_calls_invalid_is_rejected
    a_server_error_is_an_error_with_its_code
    a_gateway_that_gave_up_leaves_a_change_open
    a_web_page_is_no_store
    garbage_is_not_http
    an_answer_that_never_comes_is_a_timeout
    an_answer_that_stops_half_way_is_a_timeout
    a_lost_connection_leaves_a_change_open
    a_reset_connection_has_its_class
    a_body_that_is_cut_short_is_an_error
    an_object_larger_than_memory_is_refused_at_once
    clocks_that_are_apart_are_told
    a_redirect_names_the_region
    an_early_refusal_of_a_large_object_is_seen
}

/// One of each operation, in this order: four that change something at once, and five that do not.
async fn each(store: &Store) -> [S3Reply; 9] {
    let body = Bytes::from_static(b"four");
    [
        store.put("k", body.clone()).await,
        store.put_if("k", body.clone(), PutCondition::Absent).await,
        store.delete("k").await,
        store.delete_many(&["k", "l"]).await,
        // What is lost is its beginning, and that changes nothing that anybody sees.
        store.put_multipart("k", body, Multipart { part_bytes: 4, in_flight: 1 }).await,
        store.get("k").await,
        store.get_range("k", ByteRange::From(0)).await,
        store.head("k").await,
        store.list(&ListRequest::under("k")).await,
    ]
}

const ALL_ERRORS: [Outcome; 9] = [Outcome::Error; 9];
const CHANGES_OPEN: [Outcome; 9] = changes_open_and(Outcome::Error);

const fn changes_open_and(others: Outcome) -> [Outcome; 9] {
    let open = Outcome::Ambiguous;
    [open, open, open, open, others, others, others, others, others]
}

async fn a_store_that_is_down_is_refused(client: ClientKind) {
    let endpoint = Canned::start(vec![Answer::Close]).await.endpoint();
    tokio::task::yield_now().await;
    let store = open(&settings(&endpoint, client));
    let replies = each(&store).await;
    assert_ended(&replies, &ALL_ERRORS, "connection_refused");
    for reply in &replies {
        let message = reply.message.as_deref().unwrap();
        assert!(message.starts_with(&format!("cannot connect to {endpoint}")), "{message}");
        assert!(message.contains("check that the store is running"), "{message}");
        assert_eq!((reply.status, reply.bytes_sent), (None, 0));
    }
    assert_eq!(store.bucket_exists().await.class.as_deref(), Some("connection_refused"));
    assert_eq!(store.create_bucket().await.class.as_deref(), Some("connection_refused"));
}

async fn throttling_is_seen_and_not_retried(client: ClientKind) {
    let answers = vec![
        Answer::Say(refusal("503 Slow Down", "SlowDown")),
        Answer::Say(http("503 Service Unavailable", "content-type: text/html\r\n", "<html>later</html>")),
        Answer::Say(http("429 Too Many Requests", "", "")),
    ];
    let (server, store) = against(client, "5s", answers).await;
    let replies =
        [store.put("k", Bytes::from_static(b"x")).await, store.get("k").await, store.get("k").await];
    let ends: Vec<_> = replies.iter().map(|r| (r.outcome, r.class.as_deref().unwrap(), r.status)).collect();
    let throttled = Outcome::Throttled;
    assert_eq!(
        ends,
        [(throttled, "SlowDown", Some(503)), (throttled, "503", Some(503)), (throttled, "429", Some(429))]
    );
    assert_eq!(server.requests().len(), 3);
}

async fn a_lost_condition_is_a_conflict(client: ClientKind) {
    let answer = Answer::Say(refusal("412 Precondition Failed", "PreconditionFailed"));
    let (_server, store) = against(client, "5s", vec![answer]).await;
    let reply = store.put("k", Bytes::from_static(b"x")).await;
    assert_ended(&[reply], &[Outcome::Conflict], "PreconditionFailed");
}

async fn what_s3_calls_invalid_is_rejected(client: ClientKind) {
    let answer = Answer::Say(refusal("400 Bad Request", "KeyTooLongError"));
    let (_server, store) = against(client, "5s", vec![answer]).await;
    let reply = store.put(&"k".repeat(2000), Bytes::from_static(b"x")).await;
    assert_ended(&[reply], &[Outcome::Rejected], "KeyTooLongError");
    // What cannot even be asked is rejected before it is sent.
    for reply in [store.put("", Bytes::new()).await, store.get("").await, store.delete("").await] {
        assert_ended(&[reply], &[Outcome::Rejected], "invalid_key");
    }
}

async fn a_server_error_is_an_error_with_its_code(client: ClientKind) {
    let answer = Answer::Say(refusal("500 Internal Server Error", "InternalError"));
    let (server, store) = against(client, "5s", vec![answer]).await;
    let replies = [store.put("k", Bytes::from_static(b"x")).await, store.get("k").await];
    assert_ended(&replies, &[Outcome::Error, Outcome::Error], "InternalError");
    assert_eq!(server.requests().len(), 2);
}

async fn a_gateway_that_gave_up_leaves_a_change_open(client: ClientKind) {
    let page = http("502 Bad Gateway", "content-type: text/html\r\n", "<html>Bad Gateway</html>");
    let (_server, store) = against(client, "5s", vec![Answer::Say(page)]).await;
    let replies = [store.put("k", Bytes::from_static(b"x")).await, store.get("k").await];
    assert_ended(&replies, &[Outcome::Ambiguous, Outcome::Error], "502");
}

async fn a_web_page_is_no_store(client: ClientKind) {
    let page = "<!DOCTYPE html>\n<html lang=en><title>Console</title></html>";
    for status in ["200 OK", "404 Not Found", "403 Forbidden"] {
        let answer = Answer::Say(http(status, "content-type: text/html; charset=utf-8\r\n", page));
        let (_server, store) = against(client, "5s", vec![answer]).await;
        let replies = [
            store.put("k", Bytes::from_static(b"x")).await,
            store.get("k").await,
            store.bucket_exists().await,
        ];
        assert_ended(&replies, &[Outcome::Error; 3], "not_s3");
        let message = replies[2].message.as_deref().unwrap();
        assert!(message.contains("`<!DOCTYPE html> <html lang=en>"), "{message}");
        assert!(message.contains("check that `endpoint:` is the S3 port"), "{message}");
    }
    // Whatever is asked, a page that says yes is not taken for an answer.
    let answer = Answer::Say(http("200 OK", "content-type: text/html\r\n", page));
    let (_server, store) = against(client, "5s", vec![answer]).await;
    let body = Bytes::from_static(b"x");
    let replies = [
        store.put_if("k", body.clone(), PutCondition::Absent).await,
        store.put_multipart("k", body, Multipart { part_bytes: 1, in_flight: 1 }).await,
        store.get_range("k", ByteRange::From(0)).await,
        store.head("k").await,
        store.delete_many(&["k"]).await,
        store.list(&ListRequest::default()).await,
    ];
    assert_ended(&replies, &[Outcome::Error; 6], "not_s3");
}

async fn garbage_is_not_http(client: ClientKind) {
    let answer = Answer::SayAndClose("SSH-2.0-OpenSSH_9.6\r\nwhat do you want\r\n\r\n".to_owned());
    let (_server, store) = against(client, "5s", vec![answer]).await;
    let replies = [store.get("k").await, store.bucket_exists().await];
    assert_ended(&replies, &[Outcome::Error; 2], "not_http");
    // The request had left, and whatever answers in this way may have stored it.
    let changes = [store.put("k", Bytes::from_static(b"x")).await, store.delete("k").await];
    assert_ended(&changes, &[Outcome::Ambiguous; 2], "not_http");
    assert!(changes.iter().all(|reply| !reply.fate_is_known()));
    assert!(replies[0].message.as_deref().unwrap().contains("check the port"));
}

async fn an_answer_that_never_comes_is_a_timeout(client: ClientKind) {
    let (_server, store) = against(client, "50ms", vec![Answer::Nothing]).await;
    let replies = each(&store).await;
    assert_ended(&replies, &changes_open_and(Outcome::Timeout), "timeout");
    assert!(replies.iter().all(|reply| reply.service_ns >= 45_000_000), "{replies:#?}");
    assert!(replies[5].message.as_deref().unwrap().contains("within 0.05 s"));
}

async fn an_answer_that_stops_half_way_is_a_timeout(client: ClientKind) {
    let half = "HTTP/1.1 200 OK\r\netag: \"x\"\r\ncontent-length: 10\r\n\r\nhalf".to_owned();
    let (_server, store) = against(client, "50ms", vec![Answer::Say(half)]).await;
    assert_ended(&[store.get("k").await], &[Outcome::Timeout], "timeout");
}

async fn a_lost_connection_leaves_a_change_open(client: ClientKind) {
    let (server, store) = against(client, "5s", vec![Answer::Close]).await;
    let replies = each(&store).await;
    assert_ended(&replies, &CHANGES_OPEN, "unexpected_eof");
    assert!(replies[0].message.as_deref().unwrap().contains("after the request was sent"));
    assert_eq!(server.requests().len(), 9);
}

async fn a_reset_connection_has_its_class(client: ClientKind) {
    let (_server, store) = against(client, "5s", vec![Answer::Reset]).await;
    assert_ended(&each(&store).await, &CHANGES_OPEN, "connection_reset");
}

async fn a_body_that_is_cut_short_is_an_error(client: ClientKind) {
    let cut = "HTTP/1.1 200 OK\r\netag: \"x\"\r\ncontent-length: 10\r\n\r\nhalf".to_owned();
    let page = "<ListBucketResult><IsTruncated>false</IsTruncated><Contents><Key>a</Key>";
    let cut_page = format!("HTTP/1.1 200 OK\r\ncontent-length: 900\r\n\r\n{page}");
    let part = "HTTP/1.1 206 Partial Content\r\netag: \"x\"\r\ncontent-range: bytes 0-9/99\r\n\
                content-length: 10\r\n\r\nhalf";
    let answers = [cut, part.to_owned(), cut_page.clone(), cut_page].map(Answer::SayAndClose).to_vec();
    let (_server, store) = against(client, "5s", answers).await;
    let listed = ListRequest::default();
    let replies = [
        store.get("k").await,
        store.get_range("k", ByteRange::Between(0, 9)).await,
        store.list(&listed).await,
        // Whether the objects are gone cannot be told.
        store.delete_many(&["k"]).await,
    ];
    let [error, open] = [Outcome::Error, Outcome::Ambiguous];
    assert_ended(&replies, &[error, error, error, open], "unexpected_eof");
}

async fn an_object_larger_than_memory_is_refused_at_once(client: ClientKind) {
    let head = "etag: \"x\"\r\ncontent-length: 5368709120\r\n";
    let part = "HTTP/1.1 206 Partial Content\r\ncontent-range: bytes 0-5368709119/5368709120\r\n";
    let answers = [
        format!("HTTP/1.1 200 OK\r\n{head}\r\nthe beginning of it"),
        format!("{part}{head}\r\nthe beginning of it"),
        format!("HTTP/1.1 200 OK\r\n{head}\r\n"),
    ];
    // Each on a connection of its own: what is still to come on the others is nobody's.
    let (_server, store) = against(client, "5s", answers.map(Answer::Say).to_vec()).await;
    let replies = [store.get("k").await, store.get_range("k", ByteRange::From(0)).await];
    for reply in &replies {
        let message = reply.message.as_deref().unwrap();
        assert!(
            message.contains("more than 1,073,741,824 bytes") && message.contains("with a range"),
            "{message}"
        );
    }
    assert_ended(&replies, &[Outcome::Error; 2], "too_large");
    // Its size may be asked for.
    assert_eq!(store.head("k").await.size_bytes, Some(5 << 30));
}

async fn clocks_that_are_apart_are_told(client: ClientKind) {
    let body = "<Error><Code>RequestTimeTooSkewed</Code><Message>Too far apart</Message></Error>";
    let date = "content-type: application/xml\r\ndate: Wed, 21 Oct 2015 07:28:00 GMT\r\n";
    let (_server, store) = against(client, "5s", vec![Answer::Say(http("403 Forbidden", date, body))]).await;
    let replies = [store.put("k", Bytes::from_static(b"x")).await, store.get("k").await];
    for reply in &replies {
        let message = reply.message.as_deref().unwrap();
        assert!(
            message.contains("this machine's clock is ") && message.contains("ahead of the server's"),
            "{message}"
        );
        assert!(message.ends_with("both clients sign with this machine's clock: set it right"), "{message}");
    }
    assert_ended(&replies, &[Outcome::Error; 2], "RequestTimeTooSkewed");
}

async fn a_redirect_names_the_region(client: ClientKind) {
    let body = "<Error><Code>PermanentRedirect</Code><Message>Elsewhere</Message></Error>";
    let headers = "content-type: application/xml\r\nx-amz-bucket-region: eu-west-1\r\n";
    let (_server, store) =
        against(client, "5s", vec![Answer::Say(http("301 Moved Permanently", headers, body))]).await;
    let reply = store.get("k").await;
    assert!(reply.message.as_deref().unwrap().ends_with("set `region: eu-west-1`"), "{reply:?}");
    assert_ended(&[reply], &[Outcome::Error], "PermanentRedirect");
}

async fn an_early_refusal_of_a_large_object_is_seen(client: ClientKind) {
    let answer = Answer::Say(refusal("403 Forbidden", "AccessDenied"));
    let (_server, store) = against(client, "5s", vec![answer]).await;
    let reply = store.put("k", Bytes::from(vec![1; 8 << 20])).await;
    assert_ended(&[reply], &[Outcome::Error], "AccessDenied");
}
