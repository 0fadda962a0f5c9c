//! Bindings against real servers: values both ways, outcomes, transactions, and a ledger that catches planted faults.

use std::sync::{Arc, OnceLock};

use drivers::{
    pg::{PgConfig, PoolMode},
    s3::{S3Config, S3Settings},
};
use embed::{postgres, store};
use insta::assert_json_snapshot;
use model::recorder::WindowKind;
use script::{Program, Wiring};
use serde_json::{Value, json};

use crate::tools::{call_with, play, program, wiring};

/// One server for all stories of this binary: each uses tables of its own.
fn postgres_config() -> PgConfig {
    static SERVER: OnceLock<postgres::Postgres> = OnceLock::new();
    let server = SERVER.get_or_init(|| {
        let options =
            postgres::PgOptions { durability: embed::Durability::Off, ..postgres::PgOptions::default() };
        postgres::start(options).expect("an embedded Postgres")
    });
    PgConfig::resolve(&server.url()).expect("the launcher's own address")
}

fn store_config() -> S3Config {
    static SERVER: OnceLock<store::ObjectStore> = OnceLock::new();
    let server =
        SERVER.get_or_init(|| store::start(store::StoreOptions::default()).expect("an embedded store"));
    let settings = S3Settings {
        endpoint: Some(server.endpoint()),
        bucket: Some("stories".to_owned()),
        access_key: Some(server.access_key().to_owned()),
        secret_key: Some(server.secret_key().to_owned()),
        ..S3Settings::default()
    };
    settings.check().expect("the launcher's own address")
}

fn wired(program: &Program, pool: PoolMode) -> Wiring {
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

/// Races writers over one head row and gives what the ledger found.
fn race(name: &str, compares: bool, plant: &str, pool: PoolMode) -> model::runfile::LedgerRecord {
    let text = r#"
fn options() { #{ scenarios: #{ race: #{ executor: "shared-iterations", vus: 8, iterations: 200, exec: "step" } } } }
fn setup() {
    pg::batch("DROP TABLE IF EXISTS NAME CASCADE; CREATE TABLE NAME (id text PRIMARY KEY, seq bigint NOT NULL)");
    let head = pg::table("NAME", #{ key: "id", op: "head", ledger: true, compare: COMPARES });
    head.insert(#{ id: "run", seq: 0 });
    PLANT
    #{ head: head }
}
fn step(vu) {
    let head = vu.shared.head;
    loop { if head.cas("run", head.get("run").row.seq).ok { return; } }
}
"#;
    let text = text.replace("NAME", name).replace("COMPARES", &compares.to_string()).replace("PLANT", plant);
    judged(&text, pool)
}

/// Plays 200 iterations and gives what the script's one ledger found.
fn judged(text: &str, pool: PoolMode) -> model::runfile::LedgerRecord {
    let program = program(text);
    let wiring = wired(&program, pool);
    let shared = crate::tools::on_core(async {
        let stage =
            script::Stage::new(&program, wiring.clone(), None).expect("the stage compiles the script");
        stage.call("setup").await.expect("setup")
    });
    let totals = play(&program, &wiring, Some(Arc::new(shared)), 2);
    let scenario = totals.window(WindowKind::Measure).scenarios.values().next().expect("one scenario");
    assert_eq!(scenario.done, 200, "{:?}", wiring.findings.complaints());
    let logs = wiring.findings.take_ledgers();
    let config = postgres_config();
    let mut records =
        crate::tools::on_core(script::ledger::settle(logs, &config)).expect("the truth is read");
    assert_eq!(records.len(), 1, "one table, one ledger");
    records.remove(0)
}

#[test]
fn swaps_of_a_transaction_count_when_it_is_committed() {
    let text = r#"
fn options() { #{ scenarios: #{ race: #{ executor: "shared-iterations", vus: 4, iterations: 200, exec: "step" } } } }
fn setup() {
    pg::batch("DROP TABLE IF EXISTS t_ledger_tx; CREATE TABLE t_ledger_tx (id text PRIMARY KEY, seq bigint NOT NULL)");
    let head = pg::table("t_ledger_tx", #{ op: "head", ledger: true });
    head.insert(#{ id: "run", seq: 0 });
    #{ head: head }
}
fn step(vu) {
    let head = vu.shared.head;
    let undo = vu.iteration % 3 == 0;
    try {
        pg::transaction(|| {
            let won = head.cas("run", head.get("run").row.seq).ok;
            if undo { throw "on purpose"; }
        });
    } catch (e) { }
}
"#;
    for pool in [PoolMode::Dedicated, PoolMode::Pipelined { connections: 2 }, PoolMode::Pooled { size: 4 }] {
        let record = judged(text, pool);
        assert!(record.passed, "{pool:?}: {record:?}");
        assert!(record.figures["failed"] > 0, "what was undone is not acknowledged: {record:?}");
        assert_eq!(record.figures["steps"], record.figures["acknowledged"], "{record:?}");
    }
}

#[test]
fn keys_of_any_form_and_several_handles_of_one_table_are_one_ledger() {
    let text = r#"
fn options() { #{ scenarios: #{ race: #{ executor: "shared-iterations", vus: 4, iterations: 200, exec: "step" } } } }
fn handle(op) { pg::table("TABLE", #{ op: op, ledger: true }) }
fn setup() {
    pg::batch("DROP TABLE IF EXISTS TABLE; CREATE TABLE TABLE (id TYPE PRIMARY KEY, seq bigint NOT NULL)");
    let keys = KEYS;
    for key in keys { handle("fill").insert(#{ id: key, seq: 0 }); }
    #{ heads: [handle("one"), handle("two")], keys: keys }
}
fn step(vu) {
    let head = vu.shared.heads[vu.iteration % 2];
    let key = vu.rng.pick(vu.shared.keys);
    loop { if head.cas(key, head.get(key).row.seq).ok { return; } }
}
"#;
    for (n, (of_type, keys)) in [
        ("text", r#"["7", "007", "a", "A"]"#),
        ("bigint", r#"["7", 8, 9.0]"#),
        ("uuid", r#"["A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11", "b0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"]"#),
        ("numeric(10,2)", "[5, 6]"),
        ("boolean", "[true, false]"),
    ]
    .into_iter()
    .enumerate()
    {
        let text =
            text.replace("TABLE", &format!("t_keys_{n}")).replace("TYPE", of_type).replace("KEYS", keys);
        let text = text
            .replace(&format!("DROP t_keys_{n}"), "DROP TABLE")
            .replace(&format!("CREATE t_keys_{n}"), "CREATE TABLE");
        let record = judged(&text, PoolMode::Dedicated);
        assert!(record.passed && record.figures["acknowledged"] == 200, "{of_type}: {record:?}");
    }
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
fn a_race_over_a_sound_head_row_passes_in_every_pool_mode() {
    let modes = [PoolMode::Dedicated, PoolMode::Pipelined { connections: 2 }, PoolMode::Pooled { size: 4 }];
    for (n, pool) in modes.into_iter().enumerate() {
        let record = race(&format!("t_sound_{n}"), true, "", pool);
        assert!(record.passed, "{pool:?}: {record:?}");
        assert_eq!(record.figures["acknowledged"], 200);
    }
}

#[test]
fn a_swap_without_its_compare_is_caught() {
    let record = race("t_broken", false, "", PoolMode::Dedicated);
    assert!(!record.passed && record.figures["duplicates"] > 0, "{record:?}");
    assert!(record.examples.iter().any(|e| e.contains("key run")), "{:?}", record.examples);
}

/// A trigger that spoils one step in the server, where the ledger's own input knows nothing of it.
fn trigger(table: &str, body: &str) -> String {
    format!(
        r#"pg::batch(`CREATE OR REPLACE FUNCTION {table}_spoil() RETURNS trigger AS $f$ BEGIN {body} RETURN NEW; END $f$
        LANGUAGE plpgsql; CREATE TRIGGER spoil BEFORE UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION {table}_spoil()`);"#
    )
}

#[test]
fn a_step_that_the_server_skips_is_caught_as_a_gap() {
    let plant = trigger("t_skip", "IF NEW.seq = 50 THEN NEW.seq := 51; END IF;");
    let record = race("t_skip", true, &plant, PoolMode::Dedicated);
    assert!(!record.passed && record.figures["gaps"] > 0, "{record:?}");
}

#[test]
fn an_update_that_the_server_loses_is_caught() {
    let plant = trigger("t_lose", "IF NEW.seq = 60 AND random() < 0.5 THEN NEW.seq := 30; END IF;");
    let record = race("t_lose", true, &plant.replace("random() < 0.5", "true"), PoolMode::Dedicated);
    assert!(!record.passed, "{record:?}");
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
    said.push(s3::head("odd/key 1 äöü+&").size);
    said.push(s3::get("nothing").outcome);
    s3::delete_prefix("odd/");
    said.push(s3::list("odd/").keys.len);
    said
}
"#,
    );
    let wiring = Wiring { store: Some(store_config()), ..wiring(&program) };
    assert_json_snapshot!(call_with(wiring, &program, "setup").unwrap());
}
