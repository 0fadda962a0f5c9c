//! What every store must do, through both clients.

use std::collections::BTreeSet;

use bytes::Bytes;
use drivers::s3::{ClientKind, ListRequest, PutCondition, S3Settings};
use model::outcome::Outcome;

use super::server::Server;
use super::{assert_ended, assert_ok, keys, open, settings, through_both_clients, with_bucket};

through_both_clients! {
    an_object_is_stored_read_measured_and_deleted
    what_is_not_there_is_empty
    objects_of_every_size_come_back_whole
    odd_keys_are_keys_like_any_other
    a_listing_walks_its_pages
    a_listing_begins_after_a_key_and_stops_at_a_limit
    a_bucket_is_created_once
    without_a_bucket_the_message_says_what_to_do
    wrong_keys_are_named
    a_signed_payload_is_accepted
    many_at_once_do_not_mix
    a_prefix_is_emptied_and_nothing_else
    more_than_one_request_carries_is_refused_before_it_is_sent
}

async fn an_object_is_stored_read_measured_and_deleted(client: ClientKind) {
    let (_server, store) = with_bucket(client).await;
    let stored = store.put("run/1", Bytes::from_static(b"first")).await;
    assert_ok(&stored);
    assert_eq!((stored.bytes_sent, stored.items), (5, 1));
    assert!(stored.service_ns > 0);
    assert!(
        stored.etag.as_deref().is_some_and(|etag| etag.starts_with('"') && etag.ends_with('"')),
        "{stored:?}"
    );
    let again = store.put("run/1", Bytes::from_static(b"second")).await;
    assert_ok(&again);
    assert_ne!(again.etag, stored.etag);

    let read = store.get("run/1").await;
    assert_ok(&read);
    assert_eq!((&read.body[..], read.bytes_received, read.size_bytes), (&b"second"[..], 6, Some(6)));
    let measured = store.head("run/1").await;
    assert_ok(&measured);
    assert_eq!((measured.size_bytes, measured.bytes_received), (Some(6), 0));
    assert_eq!((&read.etag, &measured.etag), (&again.etag, &again.etag));

    assert_ok(&store.delete("run/1").await);
    assert_eq!(store.get("run/1").await.outcome, Outcome::Empty);
}

async fn what_is_not_there_is_empty(client: ClientKind) {
    let (_server, store) = with_bucket(client).await;
    let read = store.get("nothing").await;
    assert_eq!(
        (read.outcome, read.class.as_deref(), read.status),
        (Outcome::Empty, Some("NoSuchKey"), Some(404))
    );
    let measured = store.head("nothing").await;
    assert_eq!((measured.outcome, measured.status), (Outcome::Empty, Some(404)));
    assert_ok(&store.delete("nothing").await);
    let listed = store.list(&ListRequest::default()).await;
    assert_ok(&listed);
    assert_eq!((listed.items, listed.listing.pages), (0, 1));
}

async fn objects_of_every_size_come_back_whole(client: ClientKind) {
    let (_server, store) = with_bucket(client).await;
    for size in [0usize, 1, 4096, 65_536, 5 << 20] {
        let body: Bytes = (0..size).map(|at| (at % 251) as u8).collect();
        assert_ok(&store.put("object", body.clone()).await);
        let read = store.get("object").await;
        assert_ok(&read);
        assert!(read.body == body, "{size} bytes came back as {}", read.body.len());
        assert_eq!(store.head("object").await.size_bytes, Some(size as u64));
    }
}

async fn odd_keys_are_keys_like_any_other(client: ClientKind) {
    let (_server, store) = with_bucket(client).await;
    let odd = [
        "odd/space key",
        "odd/plus+key",
        "odd/percent%20key",
        "odd/amp&lt;<>\"'",
        "odd/ünï/コード",
        "odd/question?q=1#f",
        "odd/trailing/",
        "odd/tilde~!*()$,;:@=",
        "odd/tab\tnewline\n",
        "odd/emoji🦀",
    ];
    for key in odd {
        assert_ok(&store.put(key, Bytes::from(key.to_owned())).await);
    }
    for key in odd {
        let read = store.get(key).await;
        assert_ok(&read);
        assert_eq!(read.body, key.as_bytes());
    }
    let listed = store.list(&ListRequest { max_keys: Some(3), ..ListRequest::under("odd/") }).await;
    assert_ok(&listed);
    let wanted: BTreeSet<&str> = odd.into_iter().collect();
    // BTreeSet orders by bytes, as S3 does.
    assert_eq!(keys(&listed), wanted.into_iter().collect::<Vec<_>>());
    let deleted = store.delete_prefix("odd/").await;
    assert_ok(&deleted);
    assert_eq!(deleted.items, odd.len() as u64);
    assert_eq!(store.list(&ListRequest::under("odd/")).await.items, 0);
}

async fn a_listing_walks_its_pages(client: ClientKind) {
    let (_server, store) = with_bucket(client).await;
    for number in 0..25 {
        assert_ok(&store.put(&format!("run/{number:03}"), Bytes::from(vec![0; number])).await);
    }
    assert_ok(&store.put("other", Bytes::new()).await);
    let listed = store.list(&ListRequest { max_keys: Some(10), ..ListRequest::under("run/") }).await;
    assert_ok(&listed);
    assert_eq!((listed.listing.pages, listed.items, listed.listing.is_truncated), (3, 25, false));
    let wanted: Vec<_> = (0..25).map(|number| (format!("run/{number:03}"), number)).collect();
    let found: Vec<_> =
        listed.listing.objects.into_iter().map(|object| (object.key, object.size_bytes)).collect();
    assert_eq!(found, wanted);
    let whole = store.list(&ListRequest::default()).await;
    assert_eq!((whole.listing.pages, whole.items), (1, 26));
}

async fn a_listing_begins_after_a_key_and_stops_at_a_limit(client: ClientKind) {
    let (_server, store) = with_bucket(client).await;
    for number in 0..12 {
        assert_ok(&store.put(&format!("run/{number:03}"), Bytes::new()).await);
    }
    let after = ListRequest { start_after: Some("run/003"), max_keys: Some(5), ..ListRequest::under("run/") };
    let since = store.list(&after).await;
    assert_eq!((since.items, since.listing.pages), (8, 2));
    assert_eq!(keys(&since)[0], "run/004");
    // A start that is no key counts by its place in the order.
    let between = store.list(&ListRequest { start_after: Some("run/0035"), ..after }).await;
    assert_eq!(keys(&between)[0], "run/004");

    let some = store.list(&ListRequest { limit: Some(6), ..after }).await;
    assert_eq!((some.items, some.listing.pages, some.listing.is_truncated), (6, 2, true));
    let all = store.list(&ListRequest { limit: Some(8), ..after }).await;
    assert_eq!((all.items, all.listing.is_truncated), (8, false));
}

async fn a_bucket_is_created_once(client: ClientKind) {
    let server = Server::start();
    let store = open(&settings(&server.endpoint(), client));
    assert_eq!(store.bucket_exists().await.outcome, Outcome::Empty);
    assert_ok(&store.create_bucket().await);
    assert_ok(&store.bucket_exists().await);
    let again = store.create_bucket().await;
    assert_eq!(again.outcome, Outcome::Conflict, "{again:#?}");
    assert!(again.class.as_deref().unwrap().starts_with("BucketAlready"));
}

async fn without_a_bucket_the_message_says_what_to_do(client: ClientKind) {
    let server = Server::start();
    let store = open(&settings(&server.endpoint(), client));
    let replies = [
        store.put("k", Bytes::from_static(b"x")).await,
        store.get("k").await,
        store.list(&ListRequest::default()).await,
    ];
    for reply in replies {
        assert_eq!(
            (reply.outcome, reply.class.as_deref()),
            (Outcome::Error, Some("NoSuchBucket")),
            "{reply:#?}"
        );
        let message = reply.message.unwrap();
        assert!(message.contains("there is no bucket `snapbench-test`: create it with"), "{message}");
        assert!(message.contains("or set `bucket:`"), "{message}");
    }
}

async fn wrong_keys_are_named(client: ClientKind) {
    let server = Server::start();
    let good = settings(&server.endpoint(), client);
    let wrong_secret = open(&S3Settings { secret_key: Some("wrong".to_owned()), ..good.clone() });
    let reply = wrong_secret.put("k", Bytes::from_static(b"x")).await;
    assert_eq!((reply.outcome, reply.class.as_deref()), (Outcome::Error, Some("SignatureDoesNotMatch")));
    assert!(reply.message.unwrap().ends_with("check `secret_key`"));
    let unknown = open(&S3Settings { access_key: Some("nobody".to_owned()), ..good });
    let reply = unknown.list(&ListRequest::default()).await;
    assert_eq!((reply.outcome, reply.status), (Outcome::Error, Some(403)), "{reply:#?}");
}

async fn a_signed_payload_is_accepted(client: ClientKind) {
    let (server, _) = with_bucket(client).await;
    let store = open(&S3Settings { sign_payload: Some(true), ..settings(&server.endpoint(), client) });
    assert_ok(&store.put("signed", Bytes::from_static(b"payload")).await);
    assert_eq!(store.get("signed").await.body, &b"payload"[..]);
    assert_ok(&store.put("signed", Bytes::new()).await);
}

async fn many_at_once_do_not_mix(client: ClientKind) {
    let (_server, store) = with_bucket(client).await;
    let mut users = Vec::new();
    for user in 0..16 {
        let store = store.clone();
        users.push(tokio::task::spawn_local(async move {
            for turn in 0..8 {
                let (key, body) = (format!("{user}/{turn}"), format!("body of {user} in {turn}"));
                assert_ok(&store.put(&key, Bytes::from(body.clone())).await);
                assert_eq!(store.get(&key).await.body, body.as_bytes());
            }
        }));
    }
    for user in users {
        user.await.unwrap();
    }
    if let Some(usage) = store.connections() {
        assert!(usage.opened <= 16, "{usage:?}");
        assert_eq!(usage.opened + usage.reused, 256, "{usage:?}");
        assert_eq!(usage.idle as u64, usage.opened, "{usage:?}");
    }
}

async fn a_prefix_is_emptied_and_nothing_else(client: ClientKind) {
    let (_server, store) = with_bucket(client).await;
    for number in 0..7 {
        assert_ok(&store.put(&format!("mine/{number}"), Bytes::new()).await);
    }
    assert_ok(&store.put("mine", Bytes::new()).await);
    assert_ok(&store.put("yours/1", Bytes::new()).await);
    let deleted = store.delete_prefix("mine/").await;
    assert_ok(&deleted);
    assert_eq!(deleted.items, 7);
    assert_eq!(keys(&store.list(&ListRequest::default()).await), ["mine", "yours/1"]);
    assert_eq!(store.delete_prefix("mine/").await.items, 0);
}

async fn more_than_one_request_carries_is_refused_before_it_is_sent(client: ClientKind) {
    let store = open(&settings("http://127.0.0.1:1", client));
    // Nobody looks at these bytes, so no memory is there for them.
    let body = Bytes::from(vec![0; (5 << 30) + 1]);
    let replies = [store.put("k", body.clone()).await, store.put_if("k", body, PutCondition::Absent).await];
    for reply in &replies {
        assert!(reply.message.as_deref().unwrap().contains("5,368,709,121 bytes"), "{reply:?}");
        assert!(reply.message.as_deref().unwrap().contains("`put_multipart`"), "{reply:?}");
    }
    assert_ended(&replies, &[Outcome::Rejected; 2], "EntityTooLarge");
}
