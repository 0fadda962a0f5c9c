//! `check-store`: good stores, known weaknesses, and stores that lie.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader};
use std::process::Command;
use std::sync::Mutex;

use rustix::process::Signal;

use crate::liar::{self, Answer, Liar};
use crate::support::{Ended, Place, ended, signal, wait};

/// Names of the rules that ended with a verdict, from `--json`.
fn rules(ended: &Ended, verdict: &str) -> Vec<String> {
    let found: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    let rules = found["rules"].as_array().unwrap().iter();
    rules
        .filter(|rule| rule["verdict"] == verdict)
        .map(|rule| rule["name"].as_str().unwrap().to_owned())
        .collect()
}

/// The command, for a store that is there already.
fn against(place: &Place, store: &embed::store::ObjectStore, endpoint: &str, args: &[&str]) -> Command {
    let mut command = place.command(["check-store", "--s3-endpoint", endpoint, "--s3-bucket", "bkt"]);
    command.args(args);
    command.env("AWS_ACCESS_KEY_ID", store.access_key()).env("AWS_SECRET_ACCESS_KEY", store.secret_key());
    command
}

/// The bucket as somebody else sees it.
fn bucket(store: &embed::store::ObjectStore) -> drivers::s3::Store {
    let words = drivers::s3::S3Settings {
        endpoint: Some(store.endpoint()),
        bucket: Some("bkt".to_owned()),
        access_key: Some(store.access_key().to_owned()),
        secret_key: Some(store.secret_key().to_owned()),
        ..Default::default()
    };
    drivers::s3::Store::open(&words.check().unwrap()).unwrap()
}

fn now<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

fn make_bucket(store: &embed::store::ObjectStore) {
    assert!(now(async { bucket(store).create_bucket().await.is_ok() }));
}

fn keys_left(store: &embed::store::ObjectStore) -> Vec<String> {
    let reply = now(async { bucket(store).list(&drivers::s3::ListRequest::under("")).await });
    assert!(reply.is_ok(), "{reply:?}");
    reply.listing.objects.into_iter().map(|object| object.key).collect()
}

/// A table without what differs from one time to the next: how long each rule took, and the port.
macro_rules! assert_table {
    ($text:expr) => {
        insta::with_settings!({ filters => vec![
            (r" +[\d.]+(ns|µs|ms|s) +", " [TIME] "),
            (r"127\.0\.0\.1:\d+", "127.0.0.1:[PORT]"),
        ] }, { insta::assert_snapshot!($text); });
    };
}

#[test]
fn the_ordered_store_keeps_every_rule() {
    let place = Place::new();
    let checked = place.run(["check-store"]).expect(0);
    assert_table!(checked.stdout);
    assert!(checked.stderr.contains("phase: check"), "{}", checked.stderr);
    place.assert_nothing_is_left();
}

#[test]
fn the_ordered_store_keeps_every_rule_through_the_other_client_and_without_durability() {
    let place = Place::new();
    let args = ["check-store", "--s3-client", "sdk", "--durability", "off", "--json", "--quiet"];
    let checked = place.run(args).expect(0);
    let found: serde_json::Value = serde_json::from_str(&checked.stdout).unwrap();
    assert_eq!((&found["holds"], &found["client"]), (&true.into(), &"sdk".into()));
    assert_eq!(found["about"], "snapbench store (ordered), durability off");
    let rules = found["rules"].as_array().unwrap();
    assert!(rules.len() > 40 && rules.iter().all(|rule| rule["verdict"] == "passed"), "{}", checked.stdout);
    assert!(rules.iter().all(|rule| rule["took_ms"].as_f64().unwrap() > 0.0));
    assert_eq!(checked.stderr, "");
}

#[test]
fn a_file_for_each_object_breaks_known_rules() {
    let place = Place::new();
    let checked = place.run(["check-store", "--target", "embedded-fs"]).expect(99);
    let (table, pages) = checked.stdout.split_once("\nWhat these rules say:\n").unwrap();
    // Whether two of sixteen create the same object is a matter of luck there.
    let lucky = |line: &&str| !line.contains("put-if-absent-race");
    let table = table.lines().filter(lucky).collect::<Vec<_>>().join("\n");
    assert_table!(table);
    let page = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html";
    assert!(pages.contains(&format!("  key-longest: a key may have 1,024 bytes\n    {page}\n")), "{pages}");
    assert!(checked.stdout.ends_with("9 required rules do not hold\n"), "{}", checked.stdout);
    place.assert_nothing_is_left();
}

#[test]
fn a_store_that_keeps_nothing_is_found_out() {
    let place = Place::new();
    let checked = place.run(["check-store", "--target", "embedded-noop", "--json"]).expect(99);
    let failed = rules(&checked, "failed");
    for rule in ["put-get", "list-order", "delete", "read-after-overwrite", "wrong-secret", "put-if-absent"] {
        assert!(failed.iter().any(|name| name == rule), "{rule} among {failed:?}");
    }
}

#[test]
fn what_was_written_is_removed_and_nothing_else() {
    let (place, store) = (Place::new(), embed::store::start(Default::default()).unwrap());
    make_bucket(&store);
    assert!(now(async { bucket(&store).put("mine", "precious".into()).await.is_ok() }));
    let checked = ended(against(&place, &store, &store.endpoint(), &[]).output().unwrap()).expect(0);
    assert!(checked.stdout.contains("bucket bkt, client lean\n"), "{}", checked.stdout);
    assert_eq!(keys_left(&store), ["mine"]);
}

#[test]
fn keys_that_are_found_in_a_profile_will_do() {
    let (place, store) = (Place::new(), embed::store::start(Default::default()).unwrap());
    make_bucket(&store);
    std::fs::create_dir(place.path("home/.aws")).unwrap();
    let (access, secret) = (store.access_key(), store.secret_key());
    let keys = format!("[default]\naws_access_key_id = {access}\naws_secret_access_key = {secret}\n");
    place.file("home/.aws/credentials", keys);
    let args = ["check-store", "--s3-endpoint", &store.endpoint(), "--s3-bucket", "bkt"];
    place.run(args).expect(0);
}

/// Checks a store whose answers pass through a lie.
fn check(liar: &Liar, code: i32) -> Ended {
    make_bucket(&liar.store);
    let place = Place::new();
    let checked = ended(against(&place, &liar.store, &liar.endpoint, &["--json"]).output().unwrap());
    checked.expect(code)
}

#[test]
fn a_store_that_reads_what_was_there_before_is_found_out() {
    let first: Mutex<HashMap<String, Answer>> = Mutex::default();
    let liar = liar::start(move |asked, ask| {
        let answer = ask();
        let is_whole = asked.method == "GET" && !asked.is_list() && answer.status == 200;
        if !is_whole {
            return answer;
        }
        // The first content of a key, for ever.
        first.lock().unwrap().entry(asked.target.clone()).or_insert(answer).clone()
    });
    let checked = check(&liar, 99);
    assert_eq!(
        rules(&checked, "failed"),
        ["put-overwrite", "etag", "read-after-overwrite", "put-if-absent", "put-if-match"]
    );
    assert!(keys_left(&liar.store).is_empty());
}

#[test]
fn a_store_whose_listings_lag_behind_is_found_out() {
    let last: Mutex<HashMap<String, Answer>> = Mutex::default();
    let liar = liar::start(move |asked, ask| {
        let answer = ask();
        if !asked.is_list() {
            return answer;
        }
        // Each listing is the one from before.
        last.lock().unwrap().insert(asked.target.clone(), answer.clone()).unwrap_or(answer)
    });
    let failed = rules(&check(&liar, 99), "failed");
    for rule in ["list-after-write", "list-after-delete"] {
        assert!(failed.iter().any(|name| name == rule), "{rule} among {failed:?}");
    }
    assert!(!failed.iter().any(|name| name == "read-after-write"), "{failed:?}");
}

#[test]
fn a_store_that_lists_out_of_order_and_ignores_conditions_and_secrets_is_found_out() {
    let liar = liar::start(|asked, ask| {
        let mut answer = ask();
        if asked.is_list() {
            // The last key comes first.
            let text = String::from_utf8(answer.body).unwrap();
            let (before, keys) =
                text.split_once("<Contents>").map_or((&*text, ""), |(before, keys)| (before, keys));
            let (keys, after) = keys.rsplit_once("</Contents>").unwrap_or_default();
            let mut keys: Vec<&str> = keys.split("</Contents><Contents>").collect();
            keys.rotate_right(1);
            let keys = keys.join("</Contents><Contents>");
            answer.body = match after {
                "" => text.into_bytes(),
                _ => format!("{before}<Contents>{keys}</Contents>{after}").into_bytes(),
            };
        } else if asked.method == "PUT" && matches!(answer.status, 412 | 403) {
            answer =
                Answer { status: 200, headers: vec![("etag".into(), "\"other\"".into())], body: Vec::new() };
        }
        answer
    });
    let failed = rules(&check(&liar, 99), "failed");
    for rule in [
        "list-order",
        "list-pages",
        "put-if-absent",
        "put-if-absent-race",
        "put-if-match-other",
        "wrong-secret",
    ] {
        assert!(failed.iter().any(|name| name == rule), "{rule} among {failed:?}");
    }
    assert!(!failed.iter().any(|name| name == "put-get"), "{failed:?}");
}

#[test]
fn a_store_without_what_is_optional_is_a_store() {
    let liar = liar::start(|asked, ask| {
        let begins = asked.method == "POST" && asked.target.contains("uploads");
        if begins { Answer::error(501, "NotImplemented") } else { ask() }
    });
    let checked = check(&liar, 0);
    assert_eq!(
        rules(&checked, "not supported"),
        ["parts", "parts-etag", "parts-single", "parts-too-small", "parts-aborted"]
    );
    assert!(rules(&checked, "failed").is_empty());
}

#[test]
fn what_cannot_be_removed_is_told() {
    let liar = liar::start(|asked, ask| {
        let deletes = asked.method == "DELETE" || (asked.method == "POST" && asked.target.contains("delete"));
        if deletes { Answer::error(403, "AccessDenied") } else { ask() }
    });
    let checked = check(&liar, 99);
    assert!(
        checked.stderr.contains("not everything could be removed from bucket `bkt`"),
        "{}",
        checked.stderr
    );
    assert!(checked.stderr.contains("remove what is below snapbench-check/ there"), "{}", checked.stderr);
    assert!(keys_left(&liar.store).len() > 1000);
}

#[test]
fn an_interrupted_check_removes_what_it_wrote_and_says_how_far_it_came() {
    let (place, store) = (Place::new(), embed::store::start(Default::default()).unwrap());
    make_bucket(&store);
    let mut child = against(&place, &store, &store.endpoint(), &[]).spawn().unwrap();
    let mut said = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    assert!(said.any(|line| line == "phase: check"));
    signal(&child, Signal::INT);
    let rest: Vec<String> = said.collect();
    let ended = wait(child).expect(105);
    assert!(ended.stdout.contains("not tried; interrupted\n"), "{}", ended.stdout);
    assert!(rest.iter().any(|line| line.starts_with("interrupted: removing what was written")), "{rest:?}");
    assert!(keys_left(&store).is_empty());
}

#[test]
fn a_store_that_is_not_there_or_has_no_such_bucket_is_no_broken_store() {
    let (place, store) = (Place::new(), embed::store::start(Default::default()).unwrap());
    let none = ended(against(&place, &store, &store.endpoint(), &[]).output().unwrap()).expect(1);
    assert!(none.stderr.contains("has no bucket `bkt`"), "{}", none.stderr);
    assert!(none.stderr.contains("--s3-bucket"), "{}", none.stderr);
    let endpoint = store.endpoint();
    store.kill9().unwrap();
    let down = ended(against(&place, &store, &endpoint, &[]).output().unwrap()).expect(1);
    assert!(down.stderr.contains("cannot connect to"), "{}", down.stderr);
    assert_eq!((none.stdout, down.stdout), (String::new(), String::new()));
}

#[test]
fn wrong_usage_is_told_before_anything_starts() {
    let place = Place::new();
    place.file("targets.yaml", "targets:\n  bare:\n    postgres: { url: postgresql://u@h/d }\n");
    for (args, told) in [
        (&["--target", "embeded"][..], "did you mean `embedded`?"),
        (&["--target", "bare"], "target `bare` has no object store to check"),
        (&["--s3-endpoint", "ftp://x", "--s3-bucket", "b"], "object store, endpoint"),
        (&["--s3-bucket", "Not A Bucket"], "object store, bucket"),
        (&["--s3-endpoint", "http://127.0.0.1:1", "--durability", "on"], "this check starts none"),
        (&["--postgres-url", "postgresql://u@h/d"], "unexpected argument"),
    ] {
        let words = ["check-store"].iter().chain(args);
        let ended = place.run(words).expect(104);
        assert!(ended.stderr.contains(told), "{args:?}: {}", ended.stderr);
        assert_eq!(ended.stdout, "");
    }
}
