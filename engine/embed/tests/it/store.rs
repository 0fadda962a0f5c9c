//! The object store through its own door.

use embed::store::{self, Backend, StoreOptions};
use embed::{Durability, EmbedError};

use crate::s3_client::Client;

fn start() -> (store::ObjectStore, Client) {
    let store = store::start(StoreOptions::default()).expect("the store starts");
    let mut client = Client::of(&store);
    assert_eq!(client.send("PUT", "/bkt", &[], b"").status, 200);
    (store, client)
}

#[test]
fn objects_go_in_and_come_out() {
    let (_store, mut client) = start();
    let put = client.send("PUT", "/bkt/a/key", &[], b"hello");
    assert_eq!((put.status, put.header("etag")), (200, Some("\"5d41402abc4b2a76b9719d911017c592\"")));
    let got = client.send("GET", "/bkt/a/key", &[], b"");
    assert_eq!((got.status, &got.body[..]), (200, &b"hello"[..]));
    assert_eq!(got.header("etag"), put.header("etag"));
    assert_eq!(got.header("content-type"), Some("binary/octet-stream"));
    assert!(got.header("last-modified").is_some());
    let head = client.send("HEAD", "/bkt/a/key", &[], b"");
    assert_eq!((head.status, head.header("content-length")), (200, Some("5")));
    assert_eq!(client.send("DELETE", "/bkt/a/key", &[], b"").status, 204);
    assert_eq!(
        client.send("DELETE", "/bkt/a/key", &[], b"").status,
        204,
        "S3 deletes what is not there, too"
    );
    let gone = client.send("GET", "/bkt/a/key", &[], b"");
    assert_eq!((gone.status, gone.element("Code").as_deref()), (404, Some("NoSuchKey")));
    assert_eq!(client.send("HEAD", "/bkt/a/key", &[], b"").status, 404);
}

#[test]
fn ranges_of_small_and_large_objects() {
    let (store, mut client) = start();
    let large: Vec<u8> = (0..3_000_000_u32).map(|byte| (byte % 251) as u8).collect();
    for (key, value) in [("/bkt/small", &large[..1000]), ("/bkt/large", &large[..])] {
        assert_eq!(client.send("PUT", key, &[], value).status, 200);
        assert_eq!(client.send("GET", key, &[], b"").body, value);
        let size = value.len();
        let mut ranged = |range: &str| client.send_with("GET", key, &[], &[("range", range)], b"");
        let middle = ranged("bytes=10-19");
        assert_eq!((middle.status, &middle.body[..]), (206, &value[10..20]));
        assert_eq!(middle.header("content-range"), Some(format!("bytes 10-19/{size}").as_str()));
        assert_eq!(ranged("bytes=990-").body, value[990..]);
        assert_eq!(ranged("bytes=-7").body, value[size - 7..]);
        let past = ranged(&format!("bytes={size}-"));
        assert_eq!((past.status, past.element("Code").as_deref()), (416, Some("InvalidRange")));
    }
    let files =
        || std::fs::read_dir(store.data_dir().join("large")).expect("it has a folder for them").count();
    assert_eq!(files(), 1, "the large one has a file");
    client.send("DELETE", "/bkt/large", &[], b"");
    assert_eq!(files(), 0);
}

#[test]
fn what_is_kept_beside_the_value_comes_back() {
    let (_store, mut client) = start();
    let headers = [
        ("cache-control", "no-cache"),
        ("content-type", "text/plain"),
        ("x-amz-meta-colour", "blue"),
        ("x-amz-meta-n", "1"),
    ];
    client.send_with("PUT", "/bkt/k", &[], &headers, b"v");
    for method in ["GET", "HEAD"] {
        let answer = client.send(method, "/bkt/k", &[], b"");
        for (name, value) in headers {
            assert_eq!(answer.header(name), Some(value), "{method}");
        }
    }
}

#[test]
fn conditional_requests() {
    let (_store, mut client) = start();
    let mut put =
        |headers: &[(&str, &str)], body: &[u8]| client.send_with("PUT", "/bkt/k", &[], headers, body);
    assert_eq!(put(&[("if-none-match", "*")], b"1").status, 200);
    let refused = put(&[("if-none-match", "*")], b"2");
    assert_eq!((refused.status, refused.element("Code").as_deref()), (412, Some("PreconditionFailed")));
    assert_eq!(put(&[("if-match", "\"00000000000000000000000000000000\"")], b"2").status, 412);
    let etag_of_1 = "\"c4ca4238a0b923820dcc509a6f75849b\"";
    assert_eq!(put(&[("if-match", etag_of_1)], b"2").status, 200);
    assert_eq!(put(&[("if-match", etag_of_1)], b"3").status, 412);
    let get = |client: &mut Client, header| client.send_with("GET", "/bkt/k", &[], &[header], b"").status;
    let etag_of_2 = "\"c81e728d9d4c2f636f067f89cc14862c\"";
    assert_eq!(get(&mut client, ("if-none-match", etag_of_2)), 304);
    assert_eq!(get(&mut client, ("if-none-match", etag_of_1)), 200);
    assert_eq!(get(&mut client, ("if-match", etag_of_1)), 412);
    assert_eq!(client.send_with("PUT", "/bkt/new", &[], &[("if-match", "*")], b"x").status, 404);
}

#[test]
fn buckets_come_and_go() {
    let (_store, mut client) = start();
    let again = client.send("PUT", "/bkt", &[], b"");
    assert_eq!((again.status, again.element("Code").as_deref()), (409, Some("BucketAlreadyOwnedByYou")));
    client.send("PUT", "/another", &[], b"");
    assert_eq!(client.send("GET", "/", &[], b"").elements("Name"), ["another", "bkt"]);
    assert_eq!(client.send("HEAD", "/bkt", &[], b"").status, 200);
    assert_eq!(client.send("HEAD", "/none", &[], b"").status, 404);
    client.send("PUT", "/bkt/k", &[], b"");
    let full = client.send("DELETE", "/bkt", &[], b"");
    assert_eq!((full.status, full.element("Code").as_deref()), (409, Some("BucketNotEmpty")));
    client.send("DELETE", "/bkt/k", &[], b"");
    assert_eq!(client.send("DELETE", "/bkt", &[], b"").status, 204);
    for (method, path) in [("PUT", "/bkt/k"), ("GET", "/bkt/k"), ("DELETE", "/bkt/k"), ("DELETE", "/bkt")] {
        let answer = client.send(method, path, &[], b"");
        assert_eq!(
            (answer.status, answer.element("Code").as_deref()),
            (404, Some("NoSuchBucket")),
            "{method} {path}"
        );
    }
}

/// Keys that trip file systems and naive encoders, in the order of their UTF-8 bytes.
const ODD_KEYS: [&str; 14] = [
    " leading space",
    "%2F",
    "+plus",
    "-dash",
    "..",
    "./dot",
    "/",
    "//",
    "a b",
    "a&b=c",
    "a/",
    "a/b",
    "ä/ö",
    "日本/語",
];

#[test]
fn odd_keys_are_listed_in_order_over_any_pages() {
    let (_store, mut client) = start();
    for key in ODD_KEYS.iter().rev() {
        assert_eq!(client.send("PUT", &format!("/bkt/{key}"), &[], key.as_bytes()).status, 200, "{key}");
    }
    for key in ODD_KEYS {
        assert_eq!(client.send("GET", &format!("/bkt/{key}"), &[], b"").text(), key);
    }
    for size in ["1", "3", "14", "1000"] {
        let mut keys = Vec::new();
        let mut token: Option<String> = None;
        loop {
            let mut query = vec![("list-type", "2"), ("max-keys", size)];
            query.extend(token.as_deref().map(|token| ("continuation-token", token)));
            let page = client.send("GET", "/bkt", &query, b"");
            let on_page = page.elements("Key");
            assert_eq!(page.element("KeyCount"), Some(on_page.len().to_string()));
            keys.extend(on_page);
            token = page.element("NextContinuationToken");
            assert_eq!(
                page.element("IsTruncated").as_deref(),
                Some(if token.is_some() { "true" } else { "false" })
            );
            if token.is_none() {
                break;
            }
        }
        let keys: Vec<String> = keys.iter().map(|key| key.replace("&amp;", "&")).collect();
        assert_eq!(keys, ODD_KEYS, "pages of {size}");
    }
    let after =
        client.send("GET", "/bkt", &[("list-type", "2"), ("start-after", "a/"), ("prefix", "a")], b"");
    assert_eq!(after.elements("Key"), ["a/b"]);
    let rolled = client.send("GET", "/bkt", &[("list-type", "2"), ("delimiter", "/"), ("prefix", "a")], b"");
    assert_eq!(
        (rolled.elements("Key").len(), rolled.elements("Prefix")),
        (2, vec!["a".to_owned(), "a/".to_owned()])
    );
    let encoded =
        client.send("GET", "/bkt", &[("list-type", "2"), ("encoding-type", "url"), ("prefix", "ä")], b"");
    assert_eq!(encoded.elements("Key"), ["%C3%A4/%C3%B6"]);
    assert_eq!(
        client.send("GET", "/bkt", &[("list-type", "2"), ("continuation-token", "x")], b"").status,
        400
    );
    assert_eq!(client.send("GET", "/none", &[("list-type", "2")], b"").status, 404);
    let nothing = client.send("GET", "/bkt", &[("list-type", "2"), ("max-keys", "0")], b"");
    assert_eq!(
        (nothing.element("KeyCount").as_deref(), nothing.element("IsTruncated").as_deref()),
        (Some("0"), Some("false"))
    );
}

#[test]
fn many_are_deleted_at_once() {
    let (_store, mut client) = start();
    for key in ["a", "b", "c"] {
        client.send("PUT", &format!("/bkt/{key}"), &[], b"");
    }
    let body = b"<Delete><Object><Key>a</Key></Object><Object><Key>c</Key></Object><Object><Key>never</Key></Object></Delete>";
    let answer = client.send_with("POST", "/bkt", &[("delete", "")], &[], body);
    assert_eq!(
        (answer.status, answer.elements("Key")),
        (200, vec!["a".into(), "c".into(), "never".into()]),
        "{}",
        answer.text()
    );
    assert_eq!(client.send("GET", "/bkt", &[("list-type", "2")], b"").elements("Key"), ["b"]);
}

#[test]
fn a_wrong_signature_or_body_is_refused() {
    let (store, mut client) = start();
    let mut stranger = Client::new(store.port(), store.access_key(), "not the secret");
    let refused = stranger.send("PUT", "/bkt/k", &[], b"v");
    assert_eq!((refused.status, refused.element("Code").as_deref()), (403, Some("SignatureDoesNotMatch")));
    let wrong = client.send_with("PUT", "/bkt/k", &[], &[("content-md5", "AAAAAAAAAAAAAAAAAAAAAA==")], b"v");
    assert_eq!((wrong.status, wrong.element("Code").as_deref()), (400, Some("BadDigest")));
    let crc = client.send_with("PUT", "/bkt/k", &[], &[("x-amz-checksum-crc32", "AAAAAA==")], b"v");
    assert_eq!((crc.status, crc.element("Code").as_deref()), (400, Some("BadDigest")));
    assert_eq!(client.send("GET", "/bkt/k", &[], b"").status, 404, "nothing of it was kept");
    // The check value of CRC-32.
    let right = client.send_with("PUT", "/bkt/k", &[], &[("x-amz-checksum-crc32", "y/Q5Jg==")], b"123456789");
    assert_eq!(right.status, 200);
}

#[test]
fn the_endpoint_stays_over_a_restart() {
    let (store, mut client) = start();
    client.send("PUT", "/bkt/k", &[], b"v");
    let (endpoint, pid) = (store.endpoint(), store.pid());
    store.restart().expect("it comes back");
    assert_eq!(store.endpoint(), endpoint);
    assert_ne!(store.pid(), pid);
    let mut client = Client::of(&store);
    assert_eq!(client.send("GET", "/bkt/k", &[], b"").text(), "v");
}

#[test]
fn a_paused_store_keeps_its_connections() {
    let (store, mut client) = start();
    store.pause().expect("it runs");
    let waiting = std::thread::spawn(move || client.send("PUT", "/bkt/k", &[], b"v").status);
    std::thread::sleep(std::time::Duration::from_millis(50));
    assert!(!waiting.is_finished(), "a paused server does not answer");
    store.resume().expect("it runs");
    assert_eq!(waiting.join().expect("the answer comes"), 200);
}

#[test]
fn a_port_in_use_is_named() {
    let holder = std::net::TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let port = holder.local_addr().expect("it is bound").port();
    let refused = store::start(StoreOptions { port, ..StoreOptions::default() });
    let error = refused.expect_err("the port is taken");
    assert!(matches!(error, EmbedError::PortInUse { port: named, .. } if named == port));
    assert_eq!(
        error.to_string().replace(&port.to_string(), "PORT"),
        "port PORT on 127.0.0.1 is already in use, so the object store cannot listen there; choose another port, or 0 for any free one"
    );
}

#[test]
fn the_second_backend_serves_and_does_not_claim_durability() {
    let options =
        StoreOptions { backend: Backend::Fs, durability: Durability::On, ..StoreOptions::default() };
    let store = store::start(options).expect("the store starts");
    assert_eq!((store.backend(), store.durability()), (Backend::Fs, Durability::Off));
    let mut client = Client::of(&store);
    client.send("PUT", "/bkt", &[], b"");
    client.send("PUT", "/bkt/k", &[], b"v");
    assert_eq!(client.send("GET", "/bkt/k", &[], b"").text(), "v");
    assert_eq!(client.send("GET", "/bkt", &[("list-type", "2")], b"").elements("Key"), ["k"]);
}

#[test]
fn secrets_are_not_shown() {
    let store = store::start(StoreOptions::default()).expect("the store starts");
    assert!(!format!("{store:?}").contains(store.secret_key()));
    let command =
        std::fs::read(format!("/proc/{}/cmdline", store.pid().expect("it runs"))).expect("it has one");
    assert!(!String::from_utf8_lossy(&command).contains(store.secret_key()));
}
