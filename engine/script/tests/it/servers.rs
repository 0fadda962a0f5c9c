//! Bindings against real servers: values both ways, outcomes, transactions.

use std::sync::OnceLock;

use drivers::{
    pg::{PgConfig, PoolMode},
    s3::{S3Config, S3Settings},
};
use embed::{postgres, store};
use insta::assert_json_snapshot;
use script::{Program, StoreWiring, Wiring};
use serde_json::{Value, json};

use crate::tools::{call_with, play, program, wiring};

/// One server for all stories of this binary: each uses tables of its own.
pub(crate) fn postgres_config() -> PgConfig {
    static SERVER: OnceLock<postgres::Postgres> = OnceLock::new();
    let server = SERVER.get_or_init(|| {
        let options =
            postgres::PgOptions { durability: embed::Durability::Off, ..postgres::PgOptions::default() };
        postgres::start(options).expect("an embedded Postgres")
    });
    PgConfig::resolve(&server.url()).expect("the launcher's own address")
}

/// One store for all stories of this binary: each uses a bucket of its own.
fn object_store() -> &'static store::ObjectStore {
    static SERVER: OnceLock<store::ObjectStore> = OnceLock::new();
    SERVER.get_or_init(|| {
        let options =
            store::StoreOptions { durability: embed::Durability::Off, ..store::StoreOptions::default() };
        store::start(options).expect("an embedded store")
    })
}

/// The store's port on this machine.
pub(crate) fn store_port() -> u16 {
    object_store().port()
}

/// A bucket of that name in the store.
pub(crate) fn bucket(name: &str) -> S3Config {
    bucket_at(&object_store().endpoint(), name)
}

/// The same by way of another endpoint.
pub(crate) fn bucket_at(endpoint: &str, name: &str) -> S3Config {
    let settings = S3Settings {
        endpoint: Some(endpoint.to_owned()),
        bucket: Some(name.to_owned()),
        access_key: Some(object_store().access_key().to_owned()),
        secret_key: Some(object_store().secret_key().to_owned()),
        ..S3Settings::default()
    };
    settings.check().expect("the launcher's own address")
}

pub(crate) fn wired(program: &Program, pool: PoolMode) -> Wiring {
    Wiring { postgres: Some((postgres_config(), pool)), ..wiring(program) }
}

fn setup(text: &str) -> Result<Value, String> {
    let program = program(text);
    call_with(wired(&program, PoolMode::Dedicated), &program, "setup")
}

#[test]
fn values_of_every_type_come_back_as_they_went() {
    let value = setup(
        r#"
fn setup() {
    pg::batch(`DROP TABLE IF EXISTS t_types; CREATE TABLE t_types (
        a text, b int2, c int4, d int8, e float4, f float8, g bool, h timestamptz, i uuid, j jsonb, k bytea,
        l numeric, m int4[], n text[], o text)`);
    let blob = blob(3, 7);
    pg::execute("INSERT INTO t_types VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15)", [
        "text", 2, 4, 8, 1.5, 2.5, true, "2026-01-02T03:04:05Z", "11111111-2222-4333-8444-555555555555",
        #{ a: [1, "two"] }, blob, "12.50", [1, 2, 3], ["x", ()], ()]);
    let row = pg::query("SELECT * FROM t_types", [])[0];
    row.h = row.h.to_string();
    row
}
"#,
    );
    assert_json_snapshot!(value.unwrap());
}

#[test]
fn a_type_nobody_knows_is_named() {
    let told = setup("fn setup() { pg::query(\"SELECT '(1,2)'::point AS p\", []) }").unwrap_err();
    assert!(told.contains("point"), "{told}");
}

#[test]
fn outcomes_are_values_and_errors_are_thrown() {
    let value = setup(
        r#"
fn setup() {
    pg::batch("DROP TABLE IF EXISTS t_head; CREATE TABLE t_head (id text PRIMARY KEY, seq bigint CHECK (seq < 100))");
    let head = pg::table("t_head", #{ key: "id" });
    let said = [];
    said.push(head.insert(#{ id: "a", seq: 0 }).outcome);
    said.push(head.insert(#{ id: "a", seq: 0 }).outcome);
    said.push(head.cas("a", 0).outcome);
    said.push(head.cas("a", 0).outcome);
    said.push(head.get("nobody").outcome);
    said.push(head.get("a").row.seq);
    said.push(head.insert_many([#{ id: "b", seq: 1 }, #{ id: "c", seq: 2 }]).affected);
    said.push(head.claim(2, "seq DESC").rows.len);
    said.push(head.delete("nobody").outcome);
    try { pg::execute("INSERT INTO t_head VALUES ('z', 1000)", []) } catch (e) { said.push(e.outcome + " " + e.class); }
    try { pg::execute("SELEC 1", []) } catch (e) { said.push(e.outcome + " " + e.class); }
    let refused = pg::statement("bad", "INSERT INTO t_head VALUES ('z', 1000)", #{ expect: "rejected" });
    said.push(refused.run().outcome);
    said
}
"#,
    );
    assert_eq!(
        value.unwrap(),
        json!([
            "ok",
            "conflict",
            "ok",
            "conflict",
            "empty",
            1,
            2,
            2,
            "empty",
            "rejected 23514",
            "error 42601",
            "rejected"
        ])
    );
}

#[test]
fn an_unhandled_error_of_the_server_names_operation_class_and_place() {
    let told = setup("fn setup() {\n    pg::execute(\"SELECT * FROM no_such_table\", [])\n}").unwrap_err();
    assert!(told.starts_with("story.rhai:2:"), "{told}");
    assert!(told.contains("execute ended as error(42P01)") && told.contains("no_such_table"), "{told}");
}

#[test]
fn a_transaction_is_all_or_nothing() {
    let value = setup(
        r#"
fn setup() {
    pg::batch("DROP TABLE IF EXISTS t_tx; CREATE TABLE t_tx (n int)");
    pg::transaction(|| { pg::execute("INSERT INTO t_tx VALUES (1)", []); pg::execute("INSERT INTO t_tx VALUES (2)", []); });
    try { pg::transaction(|| { pg::execute("INSERT INTO t_tx VALUES (3)", []); fail("no") }); } catch (e) { }
    pg::copy("t_tx", ["n"], [[10], [11]]);
    pg::query("SELECT n FROM t_tx ORDER BY n", []).map(|row| row.n)
}
"#,
    );
    assert_eq!(value.unwrap(), json!([1, 2, 10, 11]));
}

#[test]
fn handles_are_made_in_setup_and_not_in_every_iteration() {
    let program = program(
        r#"
fn options() { #{ scenarios: #{ one: #{ executor: "shared-iterations", vus: 1, iterations: 2, exec: "work" } } } }
fn work() { pg::statement("ask", "SELECT 1"); }
"#,
    );
    let wiring = wired(&program, PoolMode::Dedicated);
    play(&program, &wiring, None, 1);
    let told = wiring.findings.complaints();
    assert!(told.len() == 1 && told[0].message.contains("pg::statement is for setup()"), "{told:?}");
}

#[test]
fn nothing_is_dropped_by_any_way_where_that_is_not_allowed() {
    for attempt in [
        r#"pg::batch("SELECT 1; DROP TABLE t_none")"#,
        r#"pg::execute("/* why */ TRUNCATE t_none", [])"#,
        r#"pg::query("drop table t_none", [])"#,
        r#"pg::statement("gone", "DROP TABLE t_none")"#,
    ] {
        let program = program(&format!("fn setup() {{ {attempt} }}"));
        let wiring = Wiring { allow_destructive: false, ..wired(&program, PoolMode::Dedicated) };
        let told = call_with(wiring, &program, "setup").expect_err("it is refused");
        assert!(told.contains("--yes"), "{attempt}: {told}");
    }
}

#[test]
fn objects_are_put_listed_read_and_deleted() {
    let program = program(
        r#"
fn setup() {
    s3::create_bucket();
    let said = [];
    for n in 0..3 { said.push(s3::put(`odd/key ${n} äöü+&`, `body ${n}`).outcome); }
    said.push(s3::list("odd/").keys);
    said.push(s3::list("odd/", #{ start_after: "odd/key 0 äöü+&", max_keys: 1 }).pages);
    let body = s3::get("odd/key 1 äöü+&").body;
    if body != "body 1" || !("body 1" == body) || body == "body 2" { throw "bodies compare with text"; }
    said.push(body.to_string());
    said.push(s3::head("odd/key 1 äöü+&").size_bytes);
    said.push(s3::get("nothing").outcome);
    s3::delete_prefix("odd/");
    said.push(s3::list("odd/").keys.len);
    said
}
"#,
    );
    let wiring = Wiring { stores: vec![StoreWiring::only(bucket("stories"))], ..wiring(&program) };
    assert_json_snapshot!(call_with(wiring, &program, "setup").unwrap());
}
