//! The `s3` binding against a real store: conditions, ranges, listings, many at once, several stores.

use drivers::s3::S3Config;
use model::{outcome::Outcome, recorder::WindowKind};
use script::{Findings, StoreWiring, Wiring};
use serde_json::{Value, json};

use crate::{
    servers::bucket,
    tools::{call_with, play, program, wiring},
};

/// Calls `setup` of a script that has the stores `names`, each in a bucket of its own.
fn with_stores(names: &[&str], text: &str) -> Result<Value, String> {
    let program = program(text);
    let store = |name: &&str| StoreWiring {
        name: Some((*name).to_owned()),
        config: bucket(&format!("objects-{name}")),
        keeps_ledger: false,
    };
    call_with(Wiring { stores: names.iter().map(store).collect(), ..wiring(&program) }, &program, "setup")
}

/// The same with one store, which has no name.
fn setup(bucket: &S3Config, body: &str) -> Result<Value, String> {
    let program = program(&format!("fn setup() {{ s3::create_bucket(); {body} }}"));
    let stores = vec![StoreWiring::only(bucket.clone())];
    call_with(Wiring { stores, ..wiring(&program) }, &program, "setup")
}

#[test]
fn a_put_on_a_condition_is_a_conflict_when_it_does_not_hold() {
    let said = setup(
        &bucket("conditions"),
        r#"
        let said = [];
        let first = s3::put("head", "1", #{ if_absent: true });
        said.push(first.outcome);
        let again = s3::put("head", "other", #{ if_absent: true });
        said.push(again.conflict);
        said.push(s3::put("head", "2", #{ if_match: first.etag }).outcome);
        said.push(s3::put("head", "3", #{ if_match: first.etag }).outcome);
        said.push(s3::get("head").body.to_string());
        said.push(s3::head("head").etag == s3::get("head").etag && s3::head("head").etag != first.etag);
        said.push(s3::put("head", "4", #{ if_absent: false }).outcome);
        said
        "#,
    );
    assert_eq!(said.unwrap(), json!(["ok", true, "ok", "conflict", "2", true, "ok"]));
}

#[test]
fn a_part_of_an_object_is_read_and_one_that_it_does_not_have_is_rejected() {
    let said = setup(
        &bucket("ranges"),
        r#"
        s3::put("digits", "0123456789");
        let said = [];
        for part in [#{ range: [2, 4] }, #{ from: 7 }, #{ last: 3 }, #{ range: [8, 99] }] {
            let read = s3::get("digits", part);
            said.push(`${read.body} of ${read.size_bytes}`);
        }
        said.push(s3::get("digits", #{ from: 50, expect: "rejected" }).outcome);
        try { s3::get("digits", #{ from: 50 }) } catch (e) { said.push(e.class); }
        said.push(s3::get("nothing", #{ last: 1 }).empty);
        said
        "#,
    );
    let parts = ["234 of 10", "789 of 10", "789 of 10", "89 of 10"];
    let said = said.unwrap();
    assert_eq!(said.as_array().unwrap()[..4], parts.map(Value::from));
    assert_eq!(said.as_array().unwrap()[4..], [json!("rejected"), json!("InvalidRange"), json!(true)]);
}

#[test]
fn a_listing_stops_at_its_limit_and_puts_together_what_it_is_told_to() {
    let said = setup(
        &bucket("listings"),
        r#"
        for key in ["runs/1/a", "runs/1/b", "runs/2/a", "runs/3", "other"] { s3::put(key, "12345"); }
        let all = s3::list("runs/");
        let said = [all.keys, all.sizes, all.truncated, all.keys[1], all.keys.len(), "runs/3" in all.keys];
        let n = 0;
        for key in all.keys { if key.starts_with("runs/1/") { n += 1; } }
        said.push(n);
        let first = s3::list("runs/", #{ limit: 3, max_keys: 2 });
        said += [first.keys, first.truncated, first.pages, first.items];
        let parts = s3::list("runs/", #{ delimiter: "/" });
        said += [parts.prefixes, parts.keys];
        said.push(s3::list("runs/", #{ start_after: "runs/1/b", delimiter: "/" }).prefixes);
        said.push(all.keys == s3::list("runs/").keys);
        said
        "#,
    );
    assert_eq!(
        said.unwrap(),
        json!([
            ["runs/1/a", "runs/1/b", "runs/2/a", "runs/3"],
            [5, 5, 5, 5],
            false,
            "runs/1/b",
            4,
            true,
            2,
            ["runs/1/a", "runs/1/b", "runs/2/a"],
            true,
            2,
            3,
            ["runs/1/", "runs/2/"],
            ["runs/3"],
            ["runs/2/"],
            true
        ])
    );
}

#[test]
fn many_objects_are_put_read_and_deleted_at_once() {
    let said = setup(
        &bucket("many"),
        r#"
        let keys = [];
        for n in 0..50 { keys.push(`many/${n}`); }
        let put = s3::put_many(keys, 1000, #{ in_flight: 8 });
        let said = [put.outcome, put.items, put.bytes];
        said.push(s3::get(keys[0]).body != s3::get(keys[1]).body);
        keys.push("many/nothing");
        let got = s3::get_many(keys);
        said += [got.outcome, got.items, got.bytes, got.missing];
        s3::put_many(["many/a", "many/b"], "the same");
        said.push(s3::get("many/a").body == "the same" && s3::get("many/b").body == "the same");
        said.push(s3::delete_many(keys).items);
        said.push(s3::list("many/").keys);
        said.push(s3::get_many([]).items);
        said
        "#,
    );
    assert_eq!(
        said.unwrap(),
        json!([
            "ok",
            50,
            50_000,
            true,
            "ok",
            50,
            50_000,
            ["many/nothing"],
            true,
            51,
            ["many/a", "many/b"],
            0
        ])
    );
}

#[test]
fn a_large_object_goes_in_parts() {
    let said = setup(
        &bucket("parts"),
        r#"
        let body = payload();
        let put = s3::put_multipart("large", body, #{ part_bytes: "5MiB", in_flight: 2 });
        [put.outcome, s3::head("large").size_bytes, s3::get("large").body == body, s3::put_multipart("small", "x").outcome]
        }
        fn payload() {
            let text = "0123456789abcdef";
            while text.len() < 6000000 { text += text; }
            text
        "#,
    );
    assert_eq!(said.unwrap(), json!(["ok", 8_388_608, true, "ok"]));
}

#[test]
fn each_of_many_is_recorded_and_the_whole_as_well() {
    let program = program(
        r#"
        fn options() { #{ scenarios: #{ one: #{ executor: "shared-iterations", vus: 1, iterations: 2, exec: "work" } } } }
        fn work(vu) {
            if vu.iteration == 0 { s3::create_bucket(); }
            let keys = ["recorded/1", "recorded/2", "recorded/3"];
            s3::put_many(keys, 100, #{ op: "fill" });
            s3::get_many(keys + ["recorded/4"]);
            s3::get("recorded/1", #{ op: "cold" });
        }
        "#,
    );
    let stores = vec![StoreWiring::only(bucket("recorded"))];
    let wiring = Wiring { stores, ..wiring(&program) };
    let totals = play(&program, &wiring, None, 1);
    assert_eq!(wiring.findings.complaints(), []);
    let ops = &totals.window(WindowKind::Measure).ops;
    let of = |op: &str, outcome: Outcome| {
        let totals = &ops[&(op.into(), outcome)];
        (totals.latency.count(), totals.items, totals.bytes_sent + totals.bytes_received)
    };
    assert_eq!(of("put", Outcome::Ok), (6, 6, 600));
    assert_eq!(of("fill", Outcome::Ok), (2, 6, 0));
    assert_eq!((of("get", Outcome::Ok), of("get", Outcome::Empty).0), ((6, 6, 600), 2));
    assert_eq!(of("get_many", Outcome::Ok), (2, 6, 0));
    assert_eq!(of("cold", Outcome::Ok), (2, 2, 200));
}

#[test]
fn a_failure_among_many_is_that_of_the_whole() {
    let told = setup(&bucket("refused"), r#"s3::put_many(["fine", "", "also fine"], 10)"#).unwrap_err();
    assert!(told.contains("put_many ended as rejected") && told.contains("is empty"), "{told}");
}

#[test]
fn a_store_is_named_where_there_are_several() {
    let said = with_stores(
        &["near", "far"],
        r#"fn setup() {
            let said = [s3::stores()];
            for store in s3::stores() { s3::create_bucket(#{ store: store }); s3::put("key", store, #{ store: store }); }
            said.push(s3::get("key", #{ store: "far" }).body.to_string());
            s3::delete_prefix("key", #{ store: "far" });
            said.push(s3::get("key", #{ store: "far" }).outcome);
            said.push(s3::get("key", #{ store: "near" }).outcome);
            said
        }"#,
    );
    assert_eq!(said.unwrap(), json!([["near", "far"], "far", "empty", "ok"]));
    let none = setup(&bucket("unnamed"), "s3::stores()");
    assert_eq!(none.unwrap(), json!([]));
    let told = with_stores(&["near", "far"], "fn setup() { s3::get(\"key\") }").unwrap_err();
    assert!(told.contains("say which, as in #{ store: \"near\" }"), "{told}");
    let told =
        with_stores(&["near", "far"], "fn setup() { s3::get(\"key\", #{ store: \"fra\" }) }").unwrap_err();
    assert!(told.contains("did you mean `far`?"), "{told}");
}

#[test]
fn what_is_done_on_a_store_with_a_name_is_recorded_with_it() {
    let program = program(
        r#"
        fn options() { #{ scenarios: #{ one: #{ executor: "shared-iterations", vus: 1, iterations: 1, exec: "work" } } } }
        fn work(vu) {
            s3::create_bucket(#{ store: "near" });
            s3::put("key", "body", #{ store: "near" });
            s3::put("key", "body", #{ store: "near", op: "mine" });
        }
        "#,
    );
    let stores =
        vec![StoreWiring { name: Some("near".to_owned()), config: bucket("named"), keeps_ledger: false }];
    let wiring = Wiring { stores, ..wiring(&program) };
    let totals = play(&program, &wiring, None, 1);
    let ops = totals.window(WindowKind::Measure).ops.keys();
    let ops: Vec<&str> = ops.map(|(name, _)| &**name).collect();
    assert_eq!(ops, ["bucket@near", "mine", "put@near"]);
}

#[test]
fn settings_that_mean_nothing_are_refused_with_what_was_meant() {
    let wrong = [
        r#"s3::put("k", "b", #{ if_absnt: true })"#,
        r#"s3::put("k", "b", #{ if_absent: true, if_match: "\"x\"" })"#,
        r#"s3::put("k", 5)"#,
        r#"s3::get("k", #{ range: [4, 2] })"#,
        r#"s3::get("k", #{ range: [0, 2], last: 5 })"#,
        r#"s3::list("k", #{ delimeter: "/", max_keys: 0, limit: -1 })"#,
        r#"s3::get_many(["k", 5])"#,
        r#"s3::get_many(["k"], #{ in_flight: 0 })"#,
        r#"s3::put_many(["k"], -5)"#,
        r#"s3::put_multipart("k", "b", #{ part_bytes: "5 furlongs", parts: 3 })"#,
        r#"s3::head("k", #{ expect: "reject" })"#,
        r#"s3::put("k", "b").missing"#,
        r#"s3::get_many(["k"]).body"#,
    ];
    let bucket = bucket("refusals");
    let told: Vec<String> = wrong.iter().map(|body| setup(&bucket, body).unwrap_err()).collect();
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn filling_says_how_far_it_has_come() {
    let program = program(
        r#"fn setup() { s3::create_bucket(); let keys = []; for n in 0..600 { keys.push(`filled/${n}`); } s3::put_many(keys, 10); }"#,
    );
    let findings = std::sync::Arc::new(Findings::default());
    let stores = vec![StoreWiring::only(bucket("filled"))];
    let wiring = Wiring { stores, findings: findings.clone(), ..wiring(&program) };
    let done = std::sync::atomic::AtomicBool::new(false);
    let seen = std::thread::scope(|scope| {
        let watcher = scope.spawn(|| {
            let mut seen = Vec::new();
            while !done.load(std::sync::atomic::Ordering::Relaxed) {
                seen.extend(findings.progress().filter(|_| seen.is_empty()));
                std::thread::yield_now();
            }
            seen
        });
        call_with(wiring, &program, "setup").unwrap();
        done.store(true, std::sync::atomic::Ordering::Relaxed);
        watcher.join().unwrap()
    });
    assert!(
        seen.iter().all(|(what, n, total)| what == "put_many" && *n % 256 == 0 && *total == 600),
        "{seen:?}"
    );
    assert!(!seen.is_empty() && findings.progress().is_none());
}
