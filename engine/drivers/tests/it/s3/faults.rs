//! Servers that are down, slow, rude, or no object store at all: every end is data, with the right outcome
//! and a sentence that helps.

use bytes::Bytes;
use drivers::s3::{ClientKind, ListRequest, S3Reply, S3Settings, Store};
use model::outcome::Outcome;

use super::canned::{Answer, Canned, http, refusal};
use super::{open, settings, through_both_clients};

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
    a_listing_that_cannot_be_read_says_why
    a_listing_that_goes_in_circles_is_stopped
    a_listing_that_goes_in_wider_circles_is_stopped
    a_redirect_names_the_region
    an_early_refusal_of_a_large_object_is_seen
}

/// A server that answers so, and a client of it that waits at most `timeout`.
async fn against(client: ClientKind, timeout: &str, answers: Vec<Answer>) -> (Canned, Store) {
    let server = Canned::start(answers).await;
    let settings = S3Settings { timeout: Some(timeout.to_owned()), ..settings(&server.endpoint(), client) };
    let store = open(&settings);
    (server, store)
}

/// One of each operation, in this order.
async fn each(store: &Store) -> [S3Reply; 5] {
    [
        store.put("k", Bytes::from_static(b"four")).await,
        store.delete("k").await,
        store.get("k").await,
        store.head("k").await,
        store.list(&ListRequest::under("k")).await,
    ]
}

#[track_caller]
fn assert_ended(replies: &[S3Reply], outcomes: &[Outcome], class: &str) {
    let ends: Vec<_> = replies.iter().map(|reply| (reply.outcome, reply.class.as_deref())).collect();
    let wanted: Vec<_> = outcomes.iter().map(|outcome| (*outcome, Some(class))).collect();
    assert_eq!(ends, wanted, "{replies:#?}");
}

const ALL_ERRORS: [Outcome; 5] = [Outcome::Error; 5];
const CHANGES_OPEN: [Outcome; 5] =
    [Outcome::Ambiguous, Outcome::Ambiguous, Outcome::Error, Outcome::Error, Outcome::Error];

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
    let open = [Outcome::Ambiguous, Outcome::Ambiguous, Outcome::Timeout, Outcome::Timeout, Outcome::Timeout];
    assert_ended(&replies, &open, "timeout");
    assert!(replies.iter().all(|reply| reply.service_ns >= 45_000_000), "{replies:#?}");
    assert!(replies[2].message.as_deref().unwrap().contains("within 0.05 s"));
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
    assert_eq!(server.requests().len(), 5);
}

async fn a_reset_connection_has_its_class(client: ClientKind) {
    let (_server, store) = against(client, "5s", vec![Answer::Reset]).await;
    assert_ended(&each(&store).await, &CHANGES_OPEN, "connection_reset");
}

async fn a_body_that_is_cut_short_is_an_error(client: ClientKind) {
    let cut = "HTTP/1.1 200 OK\r\netag: \"x\"\r\ncontent-length: 10\r\n\r\nhalf".to_owned();
    let (_server, store) = against(client, "5s", vec![Answer::SayAndClose(cut)]).await;
    assert_ended(&[store.get("k").await], &[Outcome::Error], "unexpected_eof");
}

async fn a_listing_that_cannot_be_read_says_why(client: ClientKind) {
    let xml = "content-type: application/xml\r\n";
    let truncated = "<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>";
    let (_server, store) = against(client, "5s", vec![Answer::Say(http("200 OK", xml, truncated))]).await;
    let reply = store.list(&ListRequest::default()).await;
    assert!(reply.message.as_deref().unwrap().ends_with("gives no continuation token"), "{reply:?}");
    assert_ended(&[reply], &[Outcome::Error], "bad_listing");

    let odd = "<ListBucketResult><Contents><Key>a</Key><Size>many</Size></Contents></ListBucketResult>";
    let (_server, store) = against(client, "5s", vec![Answer::Say(http("200 OK", xml, odd))]).await;
    assert_ended(&[store.list(&ListRequest::default()).await], &[Outcome::Error], "bad_listing");
}

async fn a_listing_that_goes_in_circles_is_stopped(client: ClientKind) {
    let page = "<ListBucketResult><IsTruncated>true</IsTruncated><Contents><Key>a</Key><Size>1</Size></Contents>\
                <NextContinuationToken>t</NextContinuationToken></ListBucketResult>";
    let answer = Answer::Say(http("200 OK", "content-type: application/xml\r\n", page));
    let (server, store) = against(client, "5s", vec![answer]).await;
    let reply = store.list(&ListRequest::default()).await;
    assert_eq!((reply.listing.pages, server.requests().len()), (2, 2));
    assert!(reply.message.as_deref().unwrap().ends_with("as the page after it"));
    assert_ended(&[reply], &[Outcome::Error], "bad_listing");
}

async fn a_listing_that_goes_in_wider_circles_is_stopped(client: ClientKind) {
    let page = |token: &str| {
        let page = format!(
            "<ListBucketResult><IsTruncated>true</IsTruncated><Contents><Key>a</Key><Size>1</Size></Contents>\
             <NextContinuationToken>{token}</NextContinuationToken></ListBucketResult>"
        );
        Answer::Say(http("200 OK", "content-type: application/xml\r\n", &page))
    };
    let pages: Vec<_> = (0..50).map(|round| page(if round % 2 == 0 { "a" } else { "b" })).collect();
    let (server, store) = against(client, "5s", pages).await;
    let reply = store.list(&ListRequest::default()).await;
    assert_eq!((reply.listing.pages, server.requests().len()), (3, 3));
    assert_ended(&[reply], &[Outcome::Error], "bad_listing");
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
