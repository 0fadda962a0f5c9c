//! The store that keeps nothing, through its own door: it must be taken for a store.

use std::io::{Read, Write};
use std::net::TcpStream;

use embed::Durability;
use embed::store::{self, Backend, ObjectStore, StoreOptions};

use crate::s3_client::Client;

fn start() -> (ObjectStore, Client) {
    let options = StoreOptions { backend: Backend::Noop, ..StoreOptions::default() };
    let store = store::start(options).expect("the store starts");
    assert_eq!((store.backend(), store.durability()), (Backend::Noop, Durability::Off));
    let mut client = Client::of(&store);
    assert_eq!(client.send("PUT", "/bkt", &[], b"").status, 200);
    (store, client)
}

#[test]
fn an_object_has_as_many_zero_bytes_as_the_latest_put() {
    let (_store, mut client) = start();
    for size in [0, 1, 4096, 200_000] {
        let put = client.send("PUT", "/bkt/a/key", &[], &vec![7; size]);
        assert_eq!((put.status, put.header("content-length")), (200, Some("0")));
        let head = client.send("HEAD", "/bkt/a/key", &[], b"");
        assert_eq!((head.status, head.header("content-length")), (200, Some(size.to_string().as_str())));
        let got = client.send("GET", "/bkt/another/key", &[], b"");
        assert_eq!((got.status, got.header("etag")), (200, put.header("etag")));
        assert!(got.body == vec![0; size], "{} bytes of {size}", got.body.len());
    }
    assert_eq!(client.send("DELETE", "/bkt/a/key", &[], b"").status, 204);
}

#[test]
fn a_range_has_as_many_bytes_as_it_asks_for() {
    let (_store, mut client) = start();
    client.send("PUT", "/bkt/k", &[], &[7; 1000]);
    for (range, bytes, named) in [
        ("bytes=10-19", 10, "bytes 10-19/1000"),
        ("bytes=900-", 100, "bytes 900-999/1000"),
        ("bytes=-7", 7, "bytes 993-999/1000"),
        ("bytes=5000-5009", 10, "bytes 5000-5009/5010"),
    ] {
        let got = client.send_with("GET", "/bkt/k", &[], &[("range", range)], b"");
        assert_eq!((got.status, got.header("content-range")), (206, Some(named)));
        assert_eq!(got.body, vec![0; bytes]);
    }
}

#[test]
fn a_listing_has_as_many_keys_as_were_put_and_not_deleted() {
    let (_store, mut client) = start();
    for number in 0..25 {
        client.send("PUT", &format!("/bkt/run 1/{number:08}"), &[], b"x");
    }
    client.send("PUT", "/bkt/run 2/0", &[], b"x");
    client.send("DELETE", "/bkt/run 1/00000007", &[], b"");
    let many = b"<Delete><Object><Key>run 1/1</Key></Object><Object><Key>run 1/2</Key></Object></Delete>";
    let deleted = client.send("POST", "/bkt", &[("delete", "")], many);
    assert_eq!(deleted.elements("Key"), ["run 1/1", "run 1/2"]);
    let mut keys = Vec::new();
    let mut token: Option<String> = None;
    loop {
        let mut query = vec![("list-type", "2"), ("prefix", "run 1/"), ("max-keys", "10")];
        query.extend(token.as_deref().map(|token| ("continuation-token", token)));
        let page = client.send("GET", "/bkt", &query, b"");
        assert_eq!(page.element("KeyCount"), Some(page.elements("Key").len().to_string()));
        keys.extend(page.elements("Key"));
        token = page.element("NextContinuationToken");
        assert_eq!(
            page.element("IsTruncated").as_deref(),
            Some(if token.is_some() { "true" } else { "false" })
        );
        if token.is_none() {
            break;
        }
    }
    assert_eq!(keys.len(), 22);
    assert!(keys.iter().all(|key| key.starts_with("run 1/")) && keys.is_sorted());
    let since = client.send(
        "GET",
        "/bkt",
        &[("list-type", "2"), ("prefix", "run 1/"), ("start-after", "run 1/00000019")],
        b"",
    );
    assert_eq!(since.elements("Key"), ["run 1/0000000020", "run 1/0000000021"]);
    let url = client.send(
        "GET",
        "/bkt",
        &[("list-type", "2"), ("prefix", "run 2/"), ("encoding-type", "url")],
        b"",
    );
    assert_eq!(
        (url.elements("Key"), url.element("EncodingType")),
        (vec!["run%202/0000000000".to_owned()], Some("url".to_owned()))
    );
    assert_eq!(client.send("GET", "/bkt", &[("list-type", "2")], b"").elements("Key").len(), 23);
    assert!(
        client
            .send("GET", "/bkt", &[("list-type", "2"), ("prefix", "none/")], b"")
            .elements("Key")
            .is_empty()
    );
}

#[test]
fn an_upload_in_parts_is_an_object_of_all_its_bytes() {
    let (_store, mut client) = start();
    let begun = client.send("POST", "/bkt/big", &[("uploads", "")], b"");
    let id = begun.element("UploadId").expect("it has an id");
    for number in ["1", "2"] {
        let part = client.send("PUT", "/bkt/big", &[("partNumber", number), ("uploadId", &id)], &[7; 1500]);
        assert_eq!((part.status, part.header("etag").is_some()), (200, true));
    }
    let done = client.send("POST", "/bkt/big", &[("uploadId", &id)], b"<CompleteMultipartUpload/>");
    assert_eq!((done.status, done.element("Key").as_deref()), (200, Some("big")));
    assert_eq!(client.send("GET", "/bkt/big", &[], b"").body.len(), 3000);
    assert_eq!(client.send("GET", "/bkt", &[("list-type", "2")], b"").elements("Key").len(), 1);
    assert_eq!(client.send("DELETE", "/bkt/big", &[("uploadId", "77")], b"").status, 204);
}

#[test]
fn what_it_does_not_know_it_says() {
    let (store, mut client) = start();
    assert_eq!(client.send("PATCH", "/bkt/k", &[], b"").status, 501);
    assert_eq!(client.send("GET", "/bkt", &[("versions", "")], b"").status, 501);
    let mut stream = TcpStream::connect(("127.0.0.1", store.port())).expect("it listens");
    stream.write_all(b"\x16\x03\x01 this is TLS\r\n\r\n").expect("it is sent");
    let mut said = String::new();
    stream.read_to_string(&mut said).expect("it answers and closes");
    assert!(said.starts_with("HTTP/1.1 400 "), "{said:?}");
}

/// What is sent, and what comes back until the server closes.
fn raw(store: &ObjectStore, sent: &[&[u8]]) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", store.port())).expect("it listens");
    for piece in sent {
        stream.write_all(piece).expect("it is sent");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    let mut said = String::new();
    stream.read_to_string(&mut said).expect("it answers and closes");
    said
}

#[test]
fn bodies_come_in_any_framing_and_requests_in_any_pieces() {
    let (store, mut client) = start();
    let mut size_after = |sent: &[&[u8]]| {
        let said = raw(&store, sent);
        let size = client.send("HEAD", "/bkt/k", &[], b"").header("content-length").map(str::to_owned);
        (said.matches("HTTP/1.1 200 OK").count(), size.unwrap_or_default())
    };
    let chunked: &[&[u8]] = &[
        b"PUT /bkt/k HTTP/1.1\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n5;x=y\r\nhel",
        b"lo\r\n6\r\n world\r\n0\r\ntrailer: 1\r\n",
        b"\r\n",
    ];
    assert_eq!(size_after(chunked), (1, "11".to_owned()));
    // Framing of S3's own: the head says how much of it is content.
    let framed = b"PUT /bkt/k HTTP/1.1\r\ncontent-length: 10\r\nx-amz-decoded-content-length: 3\r\nconnection: close\r\n\r\n0123456789";
    assert_eq!(size_after(&[framed]), (1, "3".to_owned()));
    let two = b"PUT /bkt/k HTTP/1.1\r\ncontent-length: 2\r\n\r\nabPUT /bkt/k HTTP/1.1\r\ncontent-length: 4\r\nconnection: close\r\n\r\nabcd";
    assert_eq!(size_after(&[two]), (2, "4".to_owned()));
    assert_eq!(size_after(&[&two[..20], &two[20..70], &two[70..]]), (2, "4".to_owned()));
    let waiting = raw(
        &store,
        &[
            b"PUT /bkt/k HTTP/1.1\r\ncontent-length: 2\r\nexpect: 100-continue\r\nconnection: close\r\n\r\n",
            b"ab",
        ],
    );
    assert!(waiting.starts_with("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n"), "{waiting}");
}

#[test]
fn kill_9_and_a_restart_leave_an_empty_store_at_the_same_place() {
    let (store, mut client) = start();
    client.send("PUT", "/bkt/k", &[], &[7; 10]);
    let port = store.port();
    store.kill9().expect("it runs");
    store.restart().expect("it comes back");
    assert_eq!(store.port(), port);
    let mut client = Client::of(&store);
    assert!(client.send("GET", "/bkt/k", &[], b"").body.is_empty());
    assert!(client.send("GET", "/bkt", &[("list-type", "2")], b"").elements("Key").is_empty());
}
