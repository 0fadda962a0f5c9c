//! Parts of objects: read, measured, and not mistaken for others.

use bytes::Bytes;
use drivers::s3::{ByteRange, ClientKind};
use model::outcome::Outcome;

use super::canned::{Answer, Canned, header, http};
use super::{assert_ended, assert_ok, open, settings, through_both_clients, with_bucket};

through_both_clients! {
    a_part_is_read_and_the_whole_is_measured
    what_an_object_does_not_have_is_rejected
    a_range_stands_in_its_header
    a_store_that_ignores_ranges_is_found_out
    another_part_than_was_asked_for_is_told
}

async fn a_part_is_read_and_the_whole_is_measured(client: ClientKind) {
    let (_server, store) = with_bucket(client).await;
    let stored = store.put("object", Bytes::from_static(b"0123456789")).await;
    for (range, part) in [
        (ByteRange::Between(0, 0), "0"),
        (ByteRange::Between(2, 4), "234"),
        (ByteRange::Between(8, 99), "89"),
        (ByteRange::Between(0, 1 << 40), "0123456789"),
        (ByteRange::From(7), "789"),
        (ByteRange::From(0), "0123456789"),
        (ByteRange::Last(2), "89"),
        (ByteRange::Last(99), "0123456789"),
    ] {
        let read = store.get_range("object", range).await;
        assert_ok(&read);
        assert_eq!((&read.body[..], read.bytes_received), (part.as_bytes(), part.len() as u64), "{range:?}");
        assert_eq!((read.size_bytes, &read.etag), (Some(10), &stored.etag), "{range:?}");
    }
    if let Some(usage) = store.connections() {
        assert_eq!((usage.opened, usage.idle), (1, 1), "{usage:?}");
    }
}

async fn what_an_object_does_not_have_is_rejected(client: ClientKind) {
    let (_server, store) = with_bucket(client).await;
    assert_ok(&store.put("object", Bytes::from_static(b"0123456789")).await);
    assert_ok(&store.put("empty", Bytes::new()).await);
    let beyond = [
        store.get_range("object", ByteRange::From(10)).await,
        store.get_range("object", ByteRange::Between(10, 20)).await,
        store.get_range("empty", ByteRange::From(0)).await,
    ];
    assert!(beyond.iter().all(|reply| reply.status == Some(416)), "{beyond:#?}");
    assert_ended(&beyond, &[Outcome::Rejected; 3], "InvalidRange");
    // As a header these mean nothing, and the whole object would come.
    let nonsense = [
        store.get_range("object", ByteRange::Between(5, 4)).await,
        store.get_range("object", ByteRange::Last(0)).await,
    ];
    assert!(nonsense.iter().all(|reply| reply.status.is_none()), "{nonsense:#?}");
    assert_ended(&nonsense, &[Outcome::Rejected; 2], "InvalidRange");
    let nothing = store.get_range("nothing", ByteRange::From(0)).await;
    assert_ended(&[nothing], &[Outcome::Empty], "NoSuchKey");
}

async fn a_range_stands_in_its_header(client: ClientKind) {
    let headers = "etag: \"x\"\r\ncontent-range: bytes 1-3/9\r\n";
    let bare = Answer::Say(http("416 Range Not Satisfiable", "", ""));
    let server = Canned::start(vec![Answer::Say(http("206 Partial Content", headers, "123")), bare]).await;
    let store = open(&settings(&server.endpoint(), client));
    let read = store.get_range("k", ByteRange::Between(1, 3)).await;
    assert_ok(&read);
    assert_eq!((&read.body[..], read.size_bytes), (&b"123"[..], Some(9)));
    // Not every store has words for it.
    let reply = store.get_range("k", ByteRange::Last(3)).await;
    assert_ended(&[reply], &[Outcome::Rejected], "InvalidRange");
    let requests = server.requests();
    let sent: Vec<_> = requests.iter().map(|head| header(head, "range").unwrap()).collect();
    assert_eq!(sent, ["bytes=1-3", "bytes=-3"]);
}

async fn a_store_that_ignores_ranges_is_found_out(client: ClientKind) {
    let huge =
        "HTTP/1.1 200 OK\r\netag: \"x\"\r\ncontent-length: 5368709120\r\n\r\nthe beginning of it".to_owned();
    let page = http("200 OK", "content-type: text/html\r\n", "<html>a console</html>");
    let answers = [http("200 OK", "etag: \"x\"\r\n", "0123456789"), huge, page].map(Answer::Say).to_vec();
    let server = Canned::start(answers).await;
    let store = open(&settings(&server.endpoint(), client));
    let range = ByteRange::Between(0, 3);
    let replies = [store.get_range("k", range).await, store.get_range("k", range).await];
    for reply in &replies {
        assert!(reply.message.as_deref().unwrap().contains("sent the whole object"), "{reply:?}");
        assert_eq!((reply.body.len(), reply.items), (0, 0));
    }
    assert_ended(&replies, &[Outcome::Error; 2], "range_ignored");
    assert_ended(&[store.get_range("k", range).await], &[Outcome::Error], "not_s3");
}

async fn another_part_than_was_asked_for_is_told(client: ClientKind) {
    let answer = |said: &str| {
        let headers = format!("etag: \"x\"\r\ncontent-range: {said}\r\n");
        Answer::Say(http("206 Partial Content", &headers, "4567"))
    };
    for said in ["bytes 4-7/10", "bytes 0-3/3", "bytes 0-2/10", "pages 0-3/10"] {
        let server = Canned::start(vec![answer(said)]).await;
        let store = open(&settings(&server.endpoint(), client));
        let reply = store.get_range("k", ByteRange::Between(0, 3)).await;
        assert!(reply.message.as_deref().unwrap().contains(said), "{reply:?}");
        assert_ended(&[reply], &[Outcome::Error], "bad_range");
    }
}
