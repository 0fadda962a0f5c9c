//! The store's ledger against a real store: what is sound passes, and what is planted in the server or on the wire is
//! found under its name, once.

use std::{collections::HashMap, sync::Arc};

use bytes::Bytes;
use drivers::s3::{S3Config, Store};
use model::runfile::LedgerRecord;
use script::{StoreWiring, Wiring};

use crate::{
    proxy::{Answer, Message, Proxy},
    servers::{bucket, bucket_at, store_port},
    tools::{on_core, play, program, wiring},
};

/// Overwrites, reads, lists and deletes, by eight users on two cores: half of the keys are a user's own, half are
/// everybody's.
const CHURN: &str = r#"
fn options() { #{ scenarios: #{ churn: #{ executor: "shared-iterations", vus: 8, iterations: 240, exec: "churn" } } } }
fn setup() {
    s3::create_bucket();
    let keys = [];
    for n in 0..20 { keys.push(`snapbench/kept/${n}`); }
    s3::put_many(keys, 500);
    keys
}
fn churn(vu) {
    let own = `snapbench/own/${vu.id}/${vu.iteration % 3}`;
    let body = vu.rng.payload(vu.rng.int(100, 900));
    s3::put(own, body);
    s3::get(own);
    s3::head(own);
    s3::list(`snapbench/own/${vu.id}/`);
    let common = `snapbench/common/${vu.rng.below(5)}`;
    s3::put(common, body);
    s3::get(common);
    s3::list("snapbench/", #{ delimiter: "/" });
    s3::get(vu.rng.pick(vu.shared), #{ last: 10 });
    if vu.rng.chance(0.3) { s3::delete(own); s3::get(own); s3::list("snapbench/own/", #{ limit: 5 }); }
    if vu.rng.chance(0.3) { s3::delete(common); }
}
"#;

/// Plays a script through `config`, with `behind` done to the store before the end is read, and gives what its ledger
/// found.
fn played(text: &str, config: &S3Config, behind: impl AsyncFnOnce(Store)) -> LedgerRecord {
    let program = program(text);
    let stores = vec![StoreWiring { keeps_ledger: true, ..StoreWiring::only(config.clone()) }];
    let wiring = Wiring { stores, ..wiring(&program) };
    let shared = on_core(async {
        let stage = script::Stage::new(&program, wiring.clone(), None).expect("the script compiles");
        stage.call("setup").await.expect("setup")
    });
    play(&program, &wiring, Some(Arc::new(shared)), 2);
    assert_eq!(wiring.findings.complaints(), []);
    let logs = wiring.findings.take_store_ledgers();
    on_core(async {
        behind(Store::open(config).unwrap()).await;
        let (mut records, complaints) = script::ledger::settle_stores(logs, 42, &wiring.findings).await;
        assert_eq!(complaints, []);
        assert_eq!(records.len(), 1, "one store, one ledger");
        records.remove(0)
    })
}

/// Through a proxy that lies as `liar` does, which may keep what it saw.
fn lied_to(
    name: &str,
    text: &str,
    liar: impl FnMut(&Message, &Message) -> Answer + Send + 'static,
) -> LedgerRecord {
    let proxy = Proxy::before(store_port(), liar);
    played(text, &bucket_at(&proxy.endpoint(), name), async |_| {})
}

#[track_caller]
fn assert_found(record: &LedgerRecord, figure: &str, about: &str) {
    let found: Vec<_> = FINDINGS.iter().filter(|name| record.figures[**name] > 0).collect();
    assert_eq!((found, record.figures[figure]), (vec![&figure], 1), "{record:?}");
    assert!(!record.passed && record.examples.len() == 1, "{record:?}");
    assert!(record.examples[0].contains(about), "{record:?}");
}

const FINDINGS: [&str; 8] = [
    "stale_reads",
    "missing_reads",
    "missing_in_list",
    "stale_in_list",
    "deleted_seen",
    "lost",
    "corrupted",
    "duplicate_wins",
];

#[test]
fn users_on_two_cores_who_share_keys_are_no_finding() {
    let record = played(CHURN, &bucket("ledger-sound"), async |_| {});
    assert!(record.passed && record.examples.is_empty(), "{record:?}");
    let figure = |name: &str| record.figures[name];
    assert_eq!(figure("puts"), 20 + 480);
    assert!(figure("deletes") > 90 && figure("objects") > 60, "{record:?}");
    assert!(figure("reads_checked") > 900 && figure("lists_checked") > 480, "{record:?}");
    assert!(figure("keys_at_end") >= 20 && figure("read_at_end") >= 20, "{record:?}");
    assert_eq!((record.name.as_str(), figure("read_after_write"), figure("list_after_write")), ("s3", 0, 0));
}

/// Gives what the same request was answered before, once, where `is_time` says so of the request and both answers.
fn answers_of_before(
    is_time: impl Fn(&Message, &Message, &Message) -> bool + Send + 'static,
) -> impl FnMut(&Message, &Message) -> Answer + Send {
    let (mut before, mut is_done) = (HashMap::<String, Message>::new(), false);
    move |request, response| {
        let last = before.insert(format!("{} {}", request.method(), request.path()), response.clone());
        match last.filter(|last| !is_done && request.method() == "GET" && is_time(request, last, response)) {
            None => Answer::Honest,
            Some(last) => {
                is_done = true;
                Answer::Lie(last)
            }
        }
    }
}

fn is_of(request: &Message, folder: &str) -> bool {
    request.path().contains(&format!("/snapbench/{folder}/"))
}

#[test]
fn an_older_body_that_is_served_once_is_a_stale_read() {
    let liar = answers_of_before(|request, last, now| {
        is_of(request, "own") && last.is_ok() && now.is_ok() && last.body != now.body
    });
    assert_found(&lied_to("ledger-stale", CHURN, liar), "stale_reads", "found the older ");
}

#[test]
fn a_body_that_comes_after_its_deletion_is_seen() {
    let liar = answers_of_before(|request, last, now| is_of(request, "own") && last.is_ok() && !now.is_ok());
    assert_found(
        &lied_to("ledger-undead", CHURN, liar),
        "deleted_seen",
        "after its deletion was acknowledged found",
    );
}

#[test]
fn a_body_that_is_not_found_although_it_is_there_is_a_missing_read() {
    let liar = answers_of_before(|request, last, now| is_of(request, "own") && !last.is_ok() && now.is_ok());
    assert_found(&lied_to("ledger-missing", CHURN, liar), "missing_reads", "was acknowledged found nothing");
}

/// Changes the body of one answer, the first that `change` gives another for.
fn changes_once(
    change: impl Fn(&Message, &Message) -> Option<Vec<u8>> + Send + 'static,
) -> impl FnMut(&Message, &Message) -> Answer + Send {
    let (mut seen, mut is_done) = (0, false);
    move |request, response| {
        let changed = change(request, response).filter(|_| !is_done);
        seen += u32::from(changed.is_some());
        match changed.filter(|_| seen > 10) {
            None => Answer::Honest,
            Some(body) => {
                is_done = true;
                Answer::Lie(response.with_body(body))
            }
        }
    }
}

#[test]
fn a_key_that_one_listing_lacks_is_missing() {
    let liar = changes_once(|request, response| {
        let text = String::from_utf8_lossy(&response.body).into_owned();
        // Only listings of a user's own keys: those of all may be changed by others meanwhile.
        let is_own = request.path().contains("list-type=2")
            && request.path().contains("own%2F")
            && !request.path().contains("max-keys");
        let (start, end) = (text.find("<Contents>")?, text.find("</Contents>")? + "</Contents>".len());
        is_own.then(|| (text[..start].to_owned() + &text[end..]).into_bytes())
    });
    assert_found(&lied_to("ledger-unlisted", CHURN, liar), "missing_in_list", "lacks it");
}

#[test]
fn a_byte_that_is_changed_on_its_way_is_found() {
    let liar = changes_once(|request, response| {
        let mut body = response.body.clone();
        let is_body = request.method() == "GET" && is_of(request, "own") && response.is_ok();
        *body.get_mut(50).filter(|_| is_body)? ^= 1;
        Some(body)
    });
    assert_found(&lied_to("ledger-bit", CHURN, liar), "corrupted", "which nobody put");
}

#[test]
fn an_object_that_somebody_deletes_is_lost() {
    let record = played(CHURN, &bucket("ledger-lost"), async |store| {
        assert!(store.delete("snapbench/kept/7").await.is_ok());
    });
    assert_found(&record, "lost", "key snapbench/kept/7: the put of 500 bytes");
}

#[test]
fn an_object_that_somebody_changes_is_corrupted() {
    let record = played(CHURN, &bucket("ledger-changed"), async |store| {
        let mut body = store.get("snapbench/kept/7").await.body.to_vec();
        body[499] ^= 0x80;
        assert!(store.put("snapbench/kept/7", Bytes::from(body)).await.is_ok());
    });
    assert_found(&record, "corrupted", "key snapbench/kept/7: at the end it holds 500 bytes");
}

const RACE: &str = r#"
fn options() { #{ scenarios: #{ race: #{ executor: "shared-iterations", vus: 8, iterations: 200, exec: "race" } } } }
fn setup() { s3::create_bucket(); }
fn race(vu) {
    let won = s3::put(`snapbench/own/${vu.iteration / 4}`, `${vu.iteration}`, #{ if_absent: true });
    metric::counter("won", if won.ok { 1 } else { 0 });
}
"#;

#[test]
fn races_have_one_winner_each_and_a_second_one_is_found() {
    let record = played(RACE, &bucket("ledger-race"), async |_| {});
    assert!(record.passed && record.figures["puts"] == 50, "{record:?}");
    let mut ok: Option<Message> = None;
    let mut is_done = false;
    let record = lied_to("ledger-twins", RACE, move |request, response| {
        // Not what made the bucket: a put's reply names an ETag.
        if response.is_ok() && request.method() == "PUT" && is_of(request, "own") {
            ok = Some(response.clone());
        }
        let has_lost = response.head.starts_with("HTTP/1.1 412") && !is_done;
        match ok.clone().filter(|_| has_lost) {
            None => Answer::Honest,
            Some(ok) => {
                is_done = true;
                Answer::Lie(ok)
            }
        }
    });
    assert!(!record.passed && record.figures["duplicate_wins"] == 1, "{record:?}");
    let twins = record.examples.iter().find(|example| example.contains("with no deletion between"));
    assert!(twins.is_some(), "{record:?}");
}

#[test]
fn what_is_cut_off_on_the_wire_is_settled_by_the_store() {
    let text =
        CHURN.replace("fn churn(vu) {", "fn churn(vu) { try { work(vu) } catch (reply) { } }\nfn work(vu) {");
    let mut count = 0;
    let record = lied_to("ledger-cut", &text, move |request, _| {
        let is_change = matches!(request.method(), "PUT" | "DELETE")
            && (is_of(request, "own") || is_of(request, "common"));
        count += u32::from(is_change);
        if is_change && count.is_multiple_of(17) { Answer::Cut } else { Answer::Honest }
    });
    assert!(record.passed, "{record:?}");
    assert!(record.figures["ambiguous"] > 5 && record.figures["ambiguous_applied"] > 0, "{record:?}");
}

#[test]
fn names_of_one_store_share_a_ledger() {
    let text = r#"
        fn options() { #{ scenarios: #{ both: #{ executor: "shared-iterations", vus: 2, iterations: 20, exec: "both" } } } }
        fn both(vu) {
            let key = `snapbench/${vu.iteration}`;
            if vu.iteration == 0 { s3::create_bucket(#{ store: "one" }); }
            try { s3::put(key, "one", #{ store: "one" }); s3::put(key, "other", #{ store: "other" }); } catch (e) { }
            s3::get(key, #{ store: "one" });
        }
    "#;
    let program = program(text);
    let store = |name: &str| StoreWiring {
        name: Some(name.to_owned()),
        config: bucket("ledger-names"),
        keeps_ledger: true,
    };
    let wiring = Wiring { stores: vec![store("one"), store("other")], ..wiring(&program) };
    on_core(async { Store::open(&bucket("ledger-names")).unwrap().create_bucket().await });
    play(&program, &wiring, None, 2);
    let logs = wiring.findings.take_store_ledgers();
    let (records, _) = on_core(script::ledger::settle_stores(logs, 42, &wiring.findings));
    assert_eq!((records.len(), records[0].name.as_str()), (1, "one, other"));
    assert!(records[0].passed && records[0].figures["puts"] == 40, "{records:?}");
}

#[test]
fn an_end_that_cannot_be_read_is_a_complaint_and_no_verdict() {
    let proxy = Proxy::before(store_port(), |_, _| Answer::Honest);
    let program = program(CHURN);
    let config = bucket_at(&proxy.endpoint(), "ledger-gone");
    let stores = vec![StoreWiring { keeps_ledger: true, ..StoreWiring::only(config) }];
    let wiring = Wiring { stores, ..wiring(&program) };
    on_core(async {
        let stage = script::Stage::new(&program, wiring.clone(), None).expect("the script compiles");
        stage.call("setup").await.expect("setup");
    });
    drop(proxy);
    let logs = wiring.findings.take_store_ledgers();
    let (records, complaints) = on_core(script::ledger::settle_stores(logs, 42, &wiring.findings));
    assert_eq!((records.len(), complaints.len()), (0, 1));
    let told = complaints[0].to_string();
    assert!(told.contains("the ledger of s3 cannot read its store") && told.contains("teardown()"), "{told}");
}
