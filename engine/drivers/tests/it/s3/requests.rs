//! What goes over the wire: addresses, headers, connections kept and replaced.

use bytes::Bytes;
use drivers::s3::{ClientKind, ListRequest, Multipart, S3Settings};
use model::outcome::Outcome;

use super::canned::{Answer, Canned, header, http};
use super::{assert_ended, on_a_core, open, settings, through_both_clients};

through_both_clients! {
    a_bucket_stands_in_the_path
    a_bucket_stands_in_the_host_name
    a_host_that_nobody_knows_is_not_found
    a_session_token_is_sent_and_signed
    pages_are_asked_for_with_escapes
    a_connection_that_the_store_closed_is_replaced_without_notice
    what_the_store_announces_as_last_is_not_reused
}

fn stored() -> Answer {
    Answer::Say(http("200 OK", "etag: \"x\"\r\n", ""))
}

async fn a_bucket_stands_in_the_path(client: ClientKind) {
    let server = Canned::start(vec![stored()]).await;
    let store = open(&settings(&server.endpoint(), client));
    assert!(store.put("a b/ü+", Bytes::from_static(b"x")).await.is_ok());
    let request = &server.requests()[0];
    assert!(request.starts_with("PUT /snapbench-test/a%20b/%C3%BC%2B"), "{request}");
    assert_eq!(header(request, "host"), Some(format!("127.0.0.1:{}", server.port()).as_str()));
    assert_eq!(header(request, "content-length"), Some("1"));
}

/// Every operation, so that none forgets where the bucket stands.
async fn a_bucket_stands_in_the_host_name(client: ClientKind) {
    let server = Canned::by_rule(|head| {
        let line = head.lines().next().unwrap();
        let document = if line.contains("list-type") {
            "<ListBucketResult/>"
        } else if line.contains("?delete") {
            "<DeleteResult/>"
        } else if line.contains("?uploads") {
            "<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>"
        } else if line.starts_with("POST") {
            "<CompleteMultipartUploadResult><ETag>x</ETag></CompleteMultipartUploadResult>"
        } else {
            ""
        };
        Answer::Say(http("200 OK", "etag: \"x\"\r\ncontent-type: application/xml\r\n", document))
    })
    .await;
    let endpoint = format!("http://localhost:{}", server.port());
    let store = open(&S3Settings { path_style: Some(false), ..settings(&endpoint, client) });
    let body = Bytes::from_static(b"x");
    for reply in [
        store.put("k", body.clone()).await,
        store.get("k").await,
        store.head("k").await,
        store.delete("k").await,
        store.list(&ListRequest::default()).await,
        store.delete_many(&["k"]).await,
        store.put_multipart("k", body, Multipart { part_bytes: 1, in_flight: 1 }).await,
        store.create_bucket().await,
    ] {
        assert!(reply.is_ok(), "{reply:?}");
    }
    let requests = server.requests();
    let host = format!("snapbench-test.localhost:{}", server.port());
    assert!(requests.iter().all(|head| header(head, "host") == Some(&host)), "{requests:?}");
    let paths: Vec<_> =
        requests.iter().map(|head| head.split([' ', '?']).nth(1).unwrap().to_owned()).collect();
    assert_eq!(paths, ["/k", "/k", "/k", "/k", "/", "/", "/k", "/k", "/k", "/"]);
}

async fn a_host_that_nobody_knows_is_not_found(client: ClientKind) {
    let store = open(&settings("http://store.invalid:9000", client));
    let reply = store.put("k", Bytes::from_static(b"x")).await;
    assert_ended(&[reply], &[Outcome::Error], "host_not_found");
}

async fn a_session_token_is_sent_and_signed(client: ClientKind) {
    let server = Canned::start(vec![stored()]).await;
    let store =
        open(&S3Settings { session_token: Some("tok/en==".into()), ..settings(&server.endpoint(), client) });
    assert!(store.put("k", Bytes::from_static(b"x")).await.is_ok());
    let request = &server.requests()[0];
    assert_eq!(header(request, "x-amz-security-token"), Some("tok/en=="));
    let authorization = header(request, "authorization").unwrap();
    assert!(authorization.contains("x-amz-security-token"), "{authorization}");
    assert!(authorization.starts_with("AWS4-HMAC-SHA256 Credential=test-key/"), "{authorization}");
}

async fn pages_are_asked_for_with_escapes(client: ClientKind) {
    let page = "<ListBucketResult><EncodingType>url</EncodingType><IsTruncated>true</IsTruncated><Contents>\
                <Key>a%01+b</Key><Size>1</Size></Contents><NextContinuationToken>t/1=</NextContinuationToken>\
                </ListBucketResult>";
    let last = "<ListBucketResult><IsTruncated>false</IsTruncated><Contents><Key>b%01+</Key><Size>2</Size></Contents>\
                </ListBucketResult>";
    let xml = "content-type: application/xml\r\n";
    let answers = vec![Answer::Say(http("200 OK", xml, page)), Answer::Say(http("200 OK", xml, last))];
    let server = Canned::start(answers).await;
    let store = open(&settings(&server.endpoint(), client));
    let request = ListRequest { start_after: Some("a/0"), max_keys: Some(1), ..ListRequest::under("a/") };
    let reply = store.list(&request).await;
    // The first page says that its keys are escaped; the second does not.
    let keys: Vec<_> = reply.listing.objects.iter().map(|object| object.key.as_str()).collect();
    assert_eq!(keys, ["a\u{1} b", "b%01+"]);
    let [first, second] = &server.requests()[..] else { panic!("two pages") };
    for wanted in ["list-type=2", "encoding-type=url", "max-keys=1", "prefix=a%2F"] {
        assert!(first.contains(wanted) && second.contains(wanted), "{wanted}: {first}");
    }
    assert!(first.contains("start-after=a%2F0") && !first.contains("continuation-token"), "{first}");
    assert!(second.contains("continuation-token=t%2F1%3D") && !second.contains("start-after"), "{second}");
}

async fn a_connection_that_the_store_closed_is_replaced_without_notice(client: ClientKind) {
    let Answer::Say(text) = stored() else { panic!("a reply") };
    let server = Canned::start(vec![Answer::SayAndClose(text)]).await;
    let store = open(&settings(&server.endpoint(), client));
    for _ in 0..3 {
        assert!(store.put("k", Bytes::from_static(b"x")).await.is_ok());
        // Until the close has arrived.
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert_eq!((server.connections(), server.requests().len()), (3, 3));
}

async fn what_the_store_announces_as_last_is_not_reused(client: ClientKind) {
    let server =
        Canned::start(vec![Answer::Say(http("200 OK", "etag: \"x\"\r\nconnection: close\r\n", ""))]).await;
    let store = open(&settings(&server.endpoint(), client));
    for _ in 0..3 {
        assert!(store.put("k", Bytes::from_static(b"x")).await.is_ok());
    }
    assert_eq!((server.connections(), server.requests().len()), (3, 3));
}

/// The hash that the header announces is what the signature covers; the store's own tests check the signature.
#[test]
fn lean_says_whether_the_payload_is_signed() {
    on_a_core(async {
        let server = Canned::start(vec![stored()]).await;
        let plain = settings(&server.endpoint(), ClientKind::Lean);
        let signing = S3Settings { sign_payload: Some(true), ..plain.clone() };
        assert!(open(&plain).put("k", Bytes::from_static(b"abc")).await.is_ok());
        assert!(open(&signing).put("k", Bytes::from_static(b"abc")).await.is_ok());
        assert!(open(&plain).put("k", Bytes::new()).await.is_ok());
        let requests = server.requests();
        let hashes: Vec<_> =
            requests.iter().map(|head| header(head, "x-amz-content-sha256").unwrap()).collect();
        assert_eq!(
            hashes,
            [
                "UNSIGNED-PAYLOAD",
                "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
                "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            ]
        );
        // hyper leaves the length of an empty body out; S3 wants it said.
        assert_eq!(header(&requests[2], "content-length"), Some("0"));
    });
}

#[test]
fn lean_keeps_one_connection_for_one_user_after_another() {
    on_a_core(async {
        let server = Canned::start(vec![stored()]).await;
        let store = open(&settings(&server.endpoint(), ClientKind::Lean));
        for turn in 0..5 {
            let reply = store.put("k", Bytes::from_static(b"x")).await;
            assert!(reply.is_ok());
            // Only the first had to wait for a connection.
            assert_eq!(reply.connect_wait_ns.unwrap() > 0, turn == 0, "{reply:?}");
        }
        assert_eq!(server.connections(), 1);
        let usage = store.connections().unwrap();
        assert_eq!((usage.opened, usage.reused, usage.idle), (1, 4, 1));
    });
}

/// A cancelled operation takes its connection with it: a reply that nobody waits for must not answer the next.
#[test]
fn lean_drops_the_connection_of_an_operation_that_was_given_up() {
    on_a_core(async {
        let late = Answer::Say(http("200 OK", "etag: \"x\"\r\n", "right"));
        let server = Canned::start(vec![Answer::Nothing, late]).await;
        let store = open(&settings(&server.endpoint(), ClientKind::Lean));
        let given_up = tokio::time::timeout(std::time::Duration::from_millis(50), store.get("k")).await;
        assert!(given_up.is_err());
        assert_eq!(store.connections().unwrap().idle, 0);
        let reply = store.get("k").await;
        assert_eq!((reply.outcome, &reply.body[..]), (Outcome::Ok, &b"right"[..]));
        assert_eq!(server.connections(), 2);
    });
}
