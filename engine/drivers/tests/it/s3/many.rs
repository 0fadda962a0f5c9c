//! Many objects at once: listings that put keys together, and deletions by the thousand.

use bytes::Bytes;
use drivers::s3::{ClientKind, ListRequest, Store};
use model::outcome::Outcome;

use super::canned::{Answer, Canned, header, http, refusal};
use super::{assert_ended, assert_ok, keys, open, settings, through_both_clients, with_bucket};

through_both_clients! {
    a_delimiter_puts_keys_together
    keys_and_common_prefixes_count_alike
    odd_common_prefixes_come_back_as_they_are
    thousands_are_deleted
    a_thousand_go_in_one_request
    what_xml_cannot_hold_is_deleted_by_itself
    an_object_that_stays_is_named
    a_deletion_that_is_refused_changes_nothing
    a_deletion_without_a_readable_answer_is_open
}

async fn fill(store: &Store, keys: &[&str]) {
    for key in keys {
        assert_ok(&store.put(key, Bytes::from_static(b"x")).await);
    }
}

const TREE: [&str; 8] = ["run/1/a", "run/1/b", "run/2/a", "run/2/b/c", "run/3", "run/4/a", "run/5", "walk/1"];

async fn a_delimiter_puts_keys_together(client: ClientKind) {
    let (_server, store) = with_bucket(client).await;
    fill(&store, &TREE).await;
    let below = ListRequest { delimiter: Some("/"), ..ListRequest::under("run/") };
    let listed = store.list(&below).await;
    assert_ok(&listed);
    assert_eq!(keys(&listed), ["run/3", "run/5"]);
    assert_eq!(listed.listing.common_prefixes, ["run/1/", "run/2/", "run/4/"]);
    assert_eq!((listed.items, listed.listing.items(), listed.listing.pages), (5, 5, 1));

    let top = store.list(&ListRequest { delimiter: Some("/"), ..ListRequest::default() }).await;
    assert_eq!(
        (keys(&top).len(), &top.listing.common_prefixes[..]),
        (0, &["run/".into(), "walk/".into()][..])
    );
    let words = store.list(&ListRequest { delimiter: Some("/a"), ..ListRequest::under("run/") }).await;
    assert_eq!(words.listing.common_prefixes, ["run/1/a", "run/2/a", "run/4/a"]);
    let after = store.list(&ListRequest { start_after: Some("run/3"), ..below }).await;
    assert_eq!((keys(&after), &after.listing.common_prefixes[..]), (vec!["run/5"], &["run/4/".into()][..]));
    // An empty delimiter is none.
    let all = store.list(&ListRequest { delimiter: Some(""), ..below }).await;
    assert_eq!((keys(&all).len(), all.listing.common_prefixes.len()), (7, 0));
}

async fn keys_and_common_prefixes_count_alike(client: ClientKind) {
    let (_server, store) = with_bucket(client).await;
    fill(&store, &TREE).await;
    let below = ListRequest { delimiter: Some("/"), max_keys: Some(2), ..ListRequest::under("run/") };
    let paged = store.list(&below).await;
    assert_ok(&paged);
    assert_eq!((keys(&paged), paged.listing.common_prefixes.len()), (vec!["run/3", "run/5"], 3));
    assert_eq!((paged.items, paged.listing.pages, paged.listing.is_truncated), (5, 3, false));

    let some = store.list(&ListRequest { limit: Some(3), ..below }).await;
    assert_eq!(
        (keys(&some), &some.listing.common_prefixes[..]),
        (vec!["run/3"], &["run/1/".into(), "run/2/".into()][..])
    );
    assert_eq!((some.items, some.listing.pages, some.listing.is_truncated), (3, 2, true));
    let all = store.list(&ListRequest { limit: Some(5), ..below }).await;
    assert_eq!((all.items, all.listing.is_truncated), (5, false));
}

async fn odd_common_prefixes_come_back_as_they_are(client: ClientKind) {
    let (_server, store) = with_bucket(client).await;
    let odd = ["a b+/", "amp&lt;<>\"'/", "percent%20/", "tab\t\n/", "ü🦀/"];
    for prefix in odd {
        assert_ok(&store.put(&format!("{prefix}key"), Bytes::new()).await);
    }
    let listed = store.list(&ListRequest { delimiter: Some("/"), ..ListRequest::default() }).await;
    assert_ok(&listed);
    assert_eq!(listed.listing.common_prefixes, odd);
    let slashes = store.list(&ListRequest { delimiter: Some("&lt;"), ..ListRequest::under("amp") }).await;
    assert_eq!(slashes.listing.common_prefixes, ["amp&lt;"]);
}

async fn thousands_are_deleted(client: ClientKind) {
    let (_server, store) = with_bucket(client).await;
    let names: Vec<String> = (0..1100).map(|number| format!("run/{number:04}")).collect();
    for some in names.chunks(100) {
        let puts: Vec<_> = some.iter().map(|key| store.put(key, Bytes::new())).collect();
        for reply in futures_util::future::join_all(puts).await {
            assert_ok(&reply);
        }
    }
    assert_ok(&store.put("run/other", Bytes::new()).await);
    let keys: Vec<&str> = names.iter().map(String::as_str).chain(["run/never/there"]).collect();
    let deleted = store.delete_many(&keys).await;
    assert_ok(&deleted);
    // What was not there is gone too.
    assert_eq!((deleted.items, deleted.bytes_sent, deleted.bytes_received), (1101, 0, 0));
    assert!(deleted.service_ns > 0);
    assert_eq!(super::keys(&store.list(&ListRequest::default()).await), ["run/other"]);
    let nothing = store.delete_many(&[]).await;
    assert_ok(&nothing);
    assert_eq!(nothing.items, 0);
}

fn deleted() -> Answer {
    Answer::Say(http("200 OK", "content-type: application/xml\r\n", "<DeleteResult/>"))
}

async fn a_thousand_go_in_one_request(client: ClientKind) {
    let server = Canned::start(vec![deleted()]).await;
    let store = open(&settings(&server.endpoint(), client));
    let names: Vec<String> = (0..2001).map(|number| format!("k&{number}")).collect();
    let reply = store.delete_many(&names.iter().map(String::as_str).collect::<Vec<_>>()).await;
    assert_ok(&reply);
    assert_eq!(reply.items, 2001);
    let objects: Vec<_> = server.bodies().iter().map(|body| body.matches("<Key>").count()).collect();
    assert_eq!(objects, [1000, 1000, 1]);
    let (request, body) = (&server.requests()[2], &server.bodies()[2]);
    assert!(request.starts_with("POST /snapbench-test"), "{request}");
    assert!(request.lines().next().unwrap().contains("?delete"), "{request}");
    assert!(body.contains("<Quiet>true</Quiet>") && body.contains("<Key>k&amp;2000</Key>"), "{body}");
    // A document that stores check by one of the sums they know.
    let sum = header(request, "content-md5").or(header(request, "x-amz-checksum-crc32"));
    assert!(sum.is_some(), "{request}");
    assert_ne!(header(request, "x-amz-content-sha256"), Some("UNSIGNED-PAYLOAD"));
}

async fn what_xml_cannot_hold_is_deleted_by_itself(client: ClientKind) {
    let (_server, store) = with_bucket(client).await;
    let odd = ["plain", "tab\t", "line\n", "amp&lt;", "ctl\u{1}"];
    fill(&store, &odd).await;
    let reply = store.delete_many(&odd).await;
    assert_ok(&reply);
    assert_eq!(reply.items, 5);
    assert_eq!(store.list(&ListRequest::default()).await.items, 0);
    // Not every store is as good a reader as ours: such keys do not stand in a document.
    let server = Canned::start(vec![deleted()]).await;
    let asked = open(&settings(&server.endpoint(), client)).delete_many(&["tab\t", "a", "ctl\u{1}"]).await;
    assert_eq!(asked.items, 3);
    let methods: Vec<_> =
        server.requests().iter().map(|head| head.split('?').next().unwrap().to_owned()).collect();
    assert!(methods[0].starts_with("DELETE /snapbench-test/tab%09"), "{methods:?}");
    assert!(methods[1].starts_with("DELETE /snapbench-test/ctl%01"), "{methods:?}");
    assert!(methods[2].starts_with("POST /snapbench-test"), "{methods:?}");
    assert_eq!(server.bodies()[2].matches("<Key>").count(), 1);
    // A key that no request can hold is refused before anything is sent.
    fill(&store, &["plain"]).await;
    assert_ended(&[store.delete_many(&["plain", ""]).await], &[Outcome::Rejected], "invalid_key");
    assert_ok(&store.get("plain").await);
}

async fn an_object_that_stays_is_named(client: ClientKind) {
    let body = "<DeleteResult><Error><Key>b</Key><Code>AccessDenied</Code><Message>Locked.</Message></Error>\
                <Error><Key>c</Key><Code>InternalError</Code></Error></DeleteResult>";
    let stays = Answer::Say(http("200 OK", "content-type: application/xml\r\n", body));
    let server = Canned::start(vec![deleted(), stays]).await;
    let store = open(&settings(&server.endpoint(), client));
    let names: Vec<String> = (0..1000).map(|number| format!("k{number}")).collect();
    let keys: Vec<&str> = names.iter().map(String::as_str).chain(["a", "b", "c", "d"]).collect();
    let reply = store.delete_many(&keys).await;
    assert_eq!(reply.items, 1002);
    assert!(
        reply.message.as_deref().unwrap().ends_with("did not delete `b`: AccessDenied (Locked)"),
        "{reply:?}"
    );
    assert_ended(&[reply], &[Outcome::Error], "AccessDenied");
}

async fn a_deletion_that_is_refused_changes_nothing(client: ClientKind) {
    let refusals = [
        refusal("403 Forbidden", "AccessDenied"),
        // A refusal may come with the status of a success.
        refusal("200 OK", "AccessDenied"),
    ];
    let server = Canned::start(refusals.map(Answer::Say).to_vec()).await;
    let store = open(&settings(&server.endpoint(), client));
    for _ in 0..2 {
        let reply = store.delete_many(&["a", "b"]).await;
        assert_eq!(reply.items, 0);
        assert_ended(&[reply], &[Outcome::Error], "AccessDenied");
    }
}

async fn a_deletion_without_a_readable_answer_is_open(client: ClientKind) {
    let answer = http("200 OK", "content-type: application/xml\r\n", "<DeleteResult><Error>");
    let server = Canned::start(vec![Answer::Say(answer)]).await;
    let store = open(&settings(&server.endpoint(), client));
    let reply = store.delete_many(&["a"]).await;
    assert!(reply.message.as_deref().unwrap().contains("a reply that cannot be read"), "{reply:?}");
    assert_eq!(reply.items, 0);
    assert_ended(&[reply], &[Outcome::Ambiguous], "bad_reply");
}
