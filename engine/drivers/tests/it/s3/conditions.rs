//! Puts on a condition: a store as the place of a compare-and-swap.

use bytes::Bytes;
use drivers::s3::{ClientKind, PutCondition};
use model::outcome::Outcome;

use super::canned::{Answer, Canned, header, http, refusal};
use super::{assert_ended, assert_ok, open, settings, through_both_clients, with_bucket};

through_both_clients! {
    an_object_is_put_where_there_is_none
    an_object_is_replaced_by_who_has_seen_it
    of_many_at_once_one_wins
    conditions_stand_in_their_headers
    a_store_that_cannot_decide_is_a_conflict
    a_store_that_knows_no_conditions_says_so
    what_is_no_etag_is_rejected_before_it_is_sent
}

fn text(body: &'static str) -> Bytes {
    Bytes::from_static(body.as_bytes())
}

async fn an_object_is_put_where_there_is_none(client: ClientKind) {
    let (_server, store) = with_bucket(client).await;
    let first = store.put_if("head", text("first"), PutCondition::Absent).await;
    assert_ok(&first);
    assert_eq!((first.bytes_sent, first.items), (5, 1));
    let second = store.put_if("head", text("second"), PutCondition::Absent).await;
    assert_eq!((second.status, second.items, second.etag.as_deref()), (Some(412), 0, None));
    assert_ended(&[second], &[Outcome::Conflict], "PreconditionFailed");

    let read = store.get("head").await;
    assert_eq!((&read.body[..], read.etag), (&b"first"[..], first.etag));
    assert_ok(&store.delete("head").await);
    assert_ok(&store.put_if("head", text("third"), PutCondition::Absent).await);
    // Without a condition it is a put like any other.
    assert_ok(&store.put_if("head", text("fourth"), PutCondition::None).await);
    assert_eq!(store.get("head").await.body, "fourth");
}

async fn an_object_is_replaced_by_who_has_seen_it(client: ClientKind) {
    let (_server, store) = with_bucket(client).await;
    let first = store.put("head", text("first")).await.etag.unwrap();
    let second = store.put_if("head", text("second"), PutCondition::ETag(&first)).await;
    assert_ok(&second);
    let late = store.put_if("head", text("late"), PutCondition::ETag(&first)).await;
    assert_ended(&[late], &[Outcome::Conflict], "PreconditionFailed");
    let seen = store.head("head").await.etag.unwrap();
    assert_eq!(Some(&seen), second.etag.as_ref());
    assert_ok(&store.put_if("head", text("third"), PutCondition::ETag(&seen)).await);
    assert_eq!(store.get("head").await.body, "third");

    // Where nothing is, nothing has that ETag.
    let nothing = store.put_if("nowhere", text("x"), PutCondition::ETag(&seen)).await;
    assert_ended(&[nothing], &[Outcome::Conflict], "NoSuchKey");
}

async fn of_many_at_once_one_wins(client: ClientKind) {
    let (_server, store) = with_bucket(client).await;
    let users: Vec<_> = (0..8)
        .map(|user| {
            let store = store.clone();
            tokio::task::spawn_local(async move {
                store.put_if("head", Bytes::from(format!("of {user}")), PutCondition::Absent).await.outcome
            })
        })
        .collect();
    let mut outcomes = Vec::new();
    for user in users {
        outcomes.push(user.await.unwrap());
    }
    let count = |outcome| outcomes.iter().filter(|one| **one == outcome).count();
    assert_eq!((count(Outcome::Ok), count(Outcome::Conflict)), (1, 7), "{outcomes:?}");
}

async fn conditions_stand_in_their_headers(client: ClientKind) {
    let server = Canned::start(vec![Answer::Say(http("200 OK", "etag: \"y\"\r\n", ""))]).await;
    let store = open(&settings(&server.endpoint(), client));
    for condition in [PutCondition::None, PutCondition::Absent, PutCondition::ETag("\"x-1\"")] {
        let reply = store.put_if("k", text("x"), condition).await;
        assert_eq!(reply.etag.as_deref(), Some("\"y\""));
    }
    let requests = server.requests();
    let sent: Vec<_> =
        requests.iter().map(|head| (header(head, "if-none-match"), header(head, "if-match"))).collect();
    assert_eq!(sent, [(None, None), (Some("*"), None), (None, Some("\"x-1\""))]);
}

async fn a_store_that_cannot_decide_is_a_conflict(client: ClientKind) {
    let answers = ["ConditionalRequestConflict", "OperationAborted"]
        .map(|code| Answer::Say(refusal("409 Conflict", code)));
    let server = Canned::start(answers.to_vec()).await;
    let store = open(&settings(&server.endpoint(), client));
    for class in ["ConditionalRequestConflict", "OperationAborted"] {
        let reply = store.put_if("k", text("x"), PutCondition::Absent).await;
        assert_ended(&[reply], &[Outcome::Conflict], class);
    }
}

async fn a_store_that_knows_no_conditions_says_so(client: ClientKind) {
    let server = Canned::start(vec![Answer::Say(refusal("501 Not Implemented", "NotImplemented"))]).await;
    let store = open(&settings(&server.endpoint(), client));
    let reply = store.put_if("k", text("x"), PutCondition::ETag("\"x\"")).await;
    assert!(reply.message.as_deref().unwrap().contains("this store knows no conditional put"), "{reply:?}");
    assert_ended(&[reply], &[Outcome::Error], "NotImplemented");
}

async fn what_is_no_etag_is_rejected_before_it_is_sent(client: ClientKind) {
    let store = open(&settings("http://127.0.0.1:1", client));
    for etag in ["", "two words", "\"line\n\"", "\"ü\""] {
        let reply = store.put_if("k", text("x"), PutCondition::ETag(etag)).await;
        assert!(reply.message.as_deref().unwrap().contains("take it from a reply"), "{reply:?}");
        assert_ended(&[reply], &[Outcome::Rejected], "invalid_etag");
    }
}
