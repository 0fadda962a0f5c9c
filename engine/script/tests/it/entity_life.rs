//! One entity and its row: what each verb makes of both.

use drivers::pg::PoolMode;
use serde_json::{Value, json};

use crate::entities::story;

/// One virtual user and one entity, with a body of one iteration. It is met in mid-life, with one transition left; who
/// takes its place has all three before it.
fn one_entity(table: &str, body: &str) -> Value {
    let text = r#"
fn options() { #{ scenarios: #{ main: #{ executor: "per-vu-iterations", vus: 1, iterations: 1, exec: "work" } } } }
fn setup() {
    pg::batch("DROP TABLE IF EXISTS NAME, NAME_said; CREATE TABLE NAME (id text PRIMARY KEY, seq bigint NOT NULL CHECK (seq < 9)); CREATE TABLE NAME_said (n serial, what text)");
    let head = pg::table("NAME", #{ });
    let runs = entities::active(#{ count: 1, target: 3 });
    runs.load(head);
    #{ head: head, runs: runs }
}
fn say(what) { pg::execute("INSERT INTO NAME_said (what) VALUES ($1)", [what]); }
fn work(vu) {
    let run = vu.shared.runs.pick(vu);
    let head = vu.shared.head;
    BODY
}
fn seen() {
    let said = pg::query("SELECT what FROM NAME_said ORDER BY n", []).map(|row| row.what);
    let rows = pg::query("SELECT id || ' at ' || seq AS row FROM NAME ORDER BY id", []).map(|row| row.row);
    #{ said: said, rows: rows }
}
"#;
    let text = text.replace("NAME", table).replace("BODY", body);
    story(&text, PoolMode::Dedicated, 1).1
}

#[test]
fn a_run_lives_from_its_creation_to_its_end() {
    let seen = one_entity(
        "t_life",
        r#"
    say(`${run} ${run.is_complete} ${run.is_unsure}`);
    for n in 0..3 { head.advance(run); }
    say(`${run} ${run.is_complete} ${run.is_unsure}`);
    say(head.complete(run).outcome);
    say(`${run} ${run.is_unsure}`);
    run.replace();
    say(`${run} ${run.is_unsure}`);
    say(head.create(run).outcome);
    say(`${run} ${run.is_unsure} ${run.index}`);
"#,
    );
    assert_eq!(
        seen,
        json!({
            "said": [
                "run-000000000000 at 0 of 1 false false",
                "run-000000000000 at 3 of 1 true false",
                "ok",
                "run-000000000000 at 3 of 1 true",
                "run-000000000001 at 0 of 3 true",
                "ok",
                "run-000000000001 at 0 of 3 false 0",
            ],
            "rows": ["run-000000000001 at 0"],
        })
    );
}

#[test]
fn what_somebody_else_did_is_noticed_and_taken_over() {
    let seen = one_entity(
        "t_meddled",
        r#"
    pg::execute("UPDATE t_meddled SET seq = 2", []);
    say(head.advance(run).outcome + ` ${run} ${run.is_unsure}`);
    say(head.refresh(run).outcome + ` ${run} ${run.is_unsure}`);
    pg::execute("UPDATE t_meddled SET seq = 3", []);
    say(head.complete(run).outcome + ` ${run} ${run.is_unsure}`);
    pg::execute("DELETE FROM t_meddled", []);
    say(head.refresh(run).outcome + ` ${run} ${run.is_unsure}`);
    say(head.create(run).outcome + ` ${run.is_unsure}`);
"#,
    );
    assert_eq!(
        seen,
        json!({
            "said": [
                "conflict run-000000000000 at 0 of 1 true",
                "ok run-000000000000 at 2 of 1 false",
                "conflict run-000000000000 at 2 of 1 true",
                "empty run-000000000001 at 0 of 3 false",
                "conflict true",
            ],
            "rows": ["run-000000000001 at 0"],
        })
    );
}

#[test]
fn what_the_server_refused_changes_nothing_and_what_is_undone_is_undone_in_the_set() {
    let seen = one_entity(
        "t_undone",
        r#"
    try { pg::transaction(|| {
        head.advance(run); head.advance(run); head.complete(run); run.replace(); head.create(run);
        say("never");
        throw "on purpose";
    }); } catch (e) { }
    say(`${run} ${run.is_unsure}`);
    pg::transaction(|| { head.advance(run); head.advance(run); });
    say(`${run} ${run.is_unsure}`);
    pg::execute("ALTER TABLE t_undone ADD CHECK (seq < 3) NOT VALID", []);
    try { head.advance(run); } catch (e) { say(e.outcome + ` ${run} ${run.is_unsure}`); }
"#,
    );
    assert_eq!(
        seen,
        json!({
            "said": [
                "run-000000000000 at 0 of 1 false",
                "run-000000000000 at 2 of 1 false",
                "rejected run-000000000000 at 2 of 1 false",
            ],
            "rows": ["run-000000000000 at 2"],
        })
    );
}
