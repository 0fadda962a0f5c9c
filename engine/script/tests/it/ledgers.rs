//! Ledgers against a real server: what is sound passes, and faults that are planted in the server are caught.

use std::sync::Arc;

use drivers::pg::PoolMode;
use model::{
    recorder::{Totals, WindowKind},
    runfile::LedgerRecord,
};

use crate::{
    servers::{postgres_config, wired},
    tools::{on_core, play, program},
};

/// Races writers over one head row and gives what the ledger found.
fn race(name: &str, compares: bool, plant: &str, pool: PoolMode) -> LedgerRecord {
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
fn judged(text: &str, pool: PoolMode) -> LedgerRecord {
    played(text, pool, 200)
}

/// The same for any number of iterations.
fn played(text: &str, pool: PoolMode, iterations: u64) -> LedgerRecord {
    settled(text, pool, iterations).0
}

/// Plays a script, and gives what its one ledger found and what was recorded.
pub(crate) fn settled(text: &str, pool: PoolMode, iterations: u64) -> (LedgerRecord, Totals) {
    let program = program(text);
    let wiring = wired(&program, pool);
    let shared = on_core(async {
        let stage =
            script::Stage::new(&program, wiring.clone(), None).expect("the stage compiles the script");
        stage.call("setup").await.expect("setup")
    });
    let totals = play(&program, &wiring, Some(Arc::new(shared)), 2);
    let scenario = totals.window(WindowKind::Measure).scenarios.values().next().expect("one scenario");
    assert_eq!(scenario.done, iterations, "{:?}", wiring.findings.complaints());
    let logs = wiring.findings.take_ledgers();
    let config = postgres_config();
    let mut records = on_core(script::ledger::settle(logs, &config)).expect("the truth is read");
    assert_eq!(records.len(), 1, "one table, one ledger");
    (records.remove(0), totals)
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
fn a_second_row_of_one_key_is_a_fork() {
    let plant = r#"pg::batch("ALTER TABLE t_second DROP CONSTRAINT t_second_pkey; INSERT INTO t_second VALUES ('run', 0)");"#;
    let record = race("t_second", true, plant, PoolMode::Dedicated);
    assert!(!record.passed && record.figures["forks"] > 0, "{record:?}");
}

/// Churn over a small active set, as `entities` does it, with something planted in the server.
fn churn(name: &str, plant: &str, pool: PoolMode) -> LedgerRecord {
    let text = r#"
fn options() { #{ scenarios: #{ churn: #{ executor: "per-vu-iterations", vus: 4, iterations: 250, exec: "transition" } } } }
fn setup() {
    pg::batch(`DROP TABLE IF EXISTS NAME, NAME_once; CREATE TABLE NAME (run_id text PRIMARY KEY, seq bigint NOT NULL);
        CREATE TABLE NAME_once (n int)`);
    let head = pg::table("NAME", #{ key: "run_id", op: "head", ledger: true });
    let runs = entities::active(#{ count: 100, target: [3, 6] });
    runs.load(head);
    PLANT
    #{ head: head, runs: runs }
}
fn transition(vu) {
    let run = vu.shared.runs.pick(vu);
    let head = vu.shared.head;
    if run.is_unsure { head.refresh(run); }
    else if !run.is_complete { head.advance(run); }
    else if head.complete(run).ok { run.replace(); head.create(run); }
}
"#;
    played(&text.replace("PLANT", plant).replace("NAME", name), pool, 1000)
}

/// Something that a trigger of the server does once.
fn once(event: &str, condition: &str, body: &str) -> String {
    format!(
        r#"pg::batch(`CREATE OR REPLACE FUNCTION NAME_spoil() RETURNS trigger AS $f$ BEGIN
            IF {condition} AND NOT EXISTS (SELECT FROM NAME_once) THEN INSERT INTO NAME_once VALUES (1); {body} END IF;
            RETURN coalesce(NEW, OLD); END $f$ LANGUAGE plpgsql;
        CREATE TRIGGER spoil {event} ON NAME FOR EACH ROW EXECUTE FUNCTION NAME_spoil()`);"#
    )
}

#[test]
fn churn_over_a_sound_table_passes_and_its_lives_are_counted() {
    let modes = [PoolMode::Dedicated, PoolMode::Pipelined { connections: 2 }, PoolMode::Pooled { size: 4 }];
    for (n, pool) in modes.into_iter().enumerate() {
        let record = churn(&format!("t_lives_{n}"), "", pool);
        assert!(record.passed, "{pool:?}: {record:?}");
        let figure = |name: &str| record.figures[name];
        assert!(figure("retired") > 50, "{record:?}");
        assert_eq!(figure("created"), figure("retired"), "each is replaced");
        assert_eq!((figure("keys"), figure("steps")), (100, figure("acknowledged")), "{record:?}");
        assert_eq!((figure("conflicts"), figure("ambiguous")), (0, 0), "{record:?}");
    }
}

/// What is planted, and which figure must not be 0.
#[test]
fn every_fault_of_churn_is_caught_under_its_name() {
    let update = "BEFORE UPDATE";
    for (name, plant, figure) in [
        ("t_f_lost", once(update, "NEW.seq = 2", "NEW.seq := OLD.seq;"), "duplicates"),
        ("t_f_back", once(update, "NEW.seq = 3", "NEW.seq := 0;"), "duplicates"),
        ("t_f_skip", once(update, "NEW.seq = 2", "NEW.seq := NEW.seq + 1;"), "gaps"),
        (
            "t_f_again",
            once("AFTER DELETE", "true", "INSERT INTO NAME VALUES (OLD.run_id, OLD.seq);"),
            "forks",
        ),
        ("t_f_anew", once("AFTER DELETE", "true", "INSERT INTO NAME VALUES (OLD.run_id, 0);"), "forks"),
        (
            "t_f_gone",
            once("AFTER UPDATE", "NEW.seq = 2", "DELETE FROM NAME WHERE run_id = NEW.run_id;"),
            "lost",
        ),
        ("t_f_never", once("AFTER INSERT", "true", "DELETE FROM NAME WHERE run_id = NEW.run_id;"), "lost"),
    ] {
        let record = churn(name, &plant, PoolMode::Dedicated);
        assert!(!record.passed && record.figures[figure] > 0, "{name}: {record:?}");
        assert!(!record.examples.is_empty(), "{name}: {record:?}");
    }
}

#[test]
fn what_is_ambiguous_on_the_wire_is_settled_by_the_table() {
    let cut = r#"pg::batch(`CREATE OR REPLACE FUNCTION NAME_cut() RETURNS trigger AS $f$ BEGIN
            IF random() < 0.01 THEN PERFORM pg_terminate_backend(pg_backend_pid()); PERFORM pg_sleep(1); END IF;
            RETURN coalesce(NEW, OLD); END $f$ LANGUAGE plpgsql;
        CREATE TRIGGER cut BEFORE UPDATE OR DELETE OR INSERT ON NAME FOR EACH ROW EXECUTE FUNCTION NAME_cut()`);"#;
    let text = r#"
fn options() { #{ scenarios: #{ churn: #{ executor: "per-vu-iterations", vus: 4, iterations: 250, exec: "transition" } } } }
fn setup() {
    pg::batch(`DROP TABLE IF EXISTS NAME; CREATE TABLE NAME (run_id text PRIMARY KEY, seq bigint NOT NULL)`);
    let head = pg::table("NAME", #{ key: "run_id", op: "head", ledger: true });
    let runs = entities::active(#{ count: 100, target: [3, 6] });
    runs.load(head);
    CUT
    #{ head: head, runs: runs }
}
fn transition(vu) {
    let run = vu.shared.runs.pick(vu);
    let head = vu.shared.head;
    try {
        if run.is_unsure { head.refresh(run); }
        else if !run.is_complete { head.advance(run); }
        else if head.complete(run).ok { run.replace(); head.create(run); }
    } catch (reply) { }
}
"#;
    let text = text.replace("CUT", cut).replace("NAME", "t_cut");
    let record = played(&text, PoolMode::Dedicated, 1000);
    assert!(record.passed, "{record:?}");
    let figure = |name: &str| record.figures[name];
    assert!(figure("ambiguous") > 0 && figure("retired") > 30, "{record:?}");
}
