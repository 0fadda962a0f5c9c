//! The ledger of queues against a real table: what is sound passes on two cores, and what is planted in the server, or in
//! what the server is asked, is found under its name.

use std::sync::{Arc, Mutex};

use drivers::{http::HttpSettings, pg::PoolMode};
use model::runfile::LedgerRecord;
use script::{Findings, Program, Wiring};

use crate::{
    servers::{postgres_config, wired},
    tools::{on_core, play, program},
    web::{Came, Web},
};

/// Pushes, pops, and items under a lease, by eight users on two cores. NAME is the table, PLANT what is done to the server
/// behind the queue's back before the load, ORDER how pops sort, and LEASED what a claim heeds.
const QUEUE: &str = r#"
fn options() { #{ scenarios: #{ work: #{ executor: "shared-iterations", vus: 8, iterations: 400, exec: "work" } } } }
fn setup() {
    pg::batch(`DROP TABLE IF EXISTS NAME CASCADE; CREATE TABLE NAME (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        priority int NOT NULL, free_at timestamptz NOT NULL DEFAULT now(), item jsonb NOT NULL);
        INSERT INTO NAME (priority, item) SELECT n % 2, jsonb_build_object('k', n) FROM generate_series(0, 99) AS n`);
    let book = ledger::queue("NAME", #{ order: true, remaining: "SELECT (item->>'k')::bigint FROM NAME" });
    book.prefilled(100, 2);
    PLANT
    let taken = "SELECT id FROM NAME WHERE LEASED ORDER BY ORDER LIMIT $1 FOR UPDATE SKIP LOCKED";
    #{
        book: book,
        push: pg::statement("push", "INSERT INTO NAME (priority, item, free_at) VALUES ($1, $2, now() + make_interval(secs => $3))"),
        pop: pg::statement("pop", `WITH taken AS (${taken}),
            gone AS (DELETE FROM NAME USING taken WHERE NAME.id = taken.id RETURNING NAME.*)
            SELECT id, item FROM gone ORDER BY ORDER`, #{ no_row: "empty" }),
        claim: pg::statement("claim", `WITH taken AS (${taken}),
            held AS (UPDATE NAME SET free_at = now() + make_interval(secs => $2) FROM taken WHERE NAME.id = taken.id RETURNING NAME.*)
            SELECT id, item FROM held ORDER BY ORDER`, #{ no_row: "empty" }),
        complete: pg::statement("complete", "DELETE FROM NAME WHERE id = ANY($1)"),
    }
}
fn push(q, item, priority, delay_ms) {
    q.book.push(item, priority, delay_ms);
    q.push.run([priority, item, delay_ms / 1000.0]);
}
fn pop(q, depth) { q.book.pop(depth); q.pop.run([depth]) }
fn claim(q, batch, lease_ms) { q.book.claim(batch, lease_ms); q.claim.run([batch, lease_ms / 1000.0]) }
fn complete(q, claimed) { q.book.complete(claimed); q.complete.run([claimed.rows.map(|row| row.id)]); }
fn work(vu) {
    let q = vu.shared;
    switch vu.iteration % 4 {
        0 => push(q, q.book.item(128), vu.rng.below(3), 0),
        1 => push(q, q.book.item(128), 0, DELAY),
        2 => { pop(q, 2); }
        _ => {
            let claimed = claim(q, 2, 3600000);
            if claimed.ok && vu.rng.chance(0.7) { complete(q, claimed); }
        }
    }
}
fn verify(shared) { FINALLY }
"#;

/// A queue with something wrong.
#[derive(Clone, Copy)]
struct Story {
    table: &'static str,
    plant: &'static str,
    order: &'static str,
    leased: &'static str,
    delay_ms: &'static str,
    after: &'static str,
}

impl Story {
    fn sound(table: &'static str) -> Self {
        Self { table, plant: "", order: "priority, id", leased: "free_at <= now()", delay_ms: "0", after: "" }
    }

    fn played(self, pool: PoolMode) -> LedgerRecord {
        let text = QUEUE
            .replace("PLANT", self.plant)
            .replace("FINALLY", self.after)
            .replace("LEASED", self.leased)
            .replace("ORDER BY ORDER", &format!("ORDER BY {}", self.order))
            .replace("DELAY", self.delay_ms)
            .replace("NAME", self.table);
        let (mut records, findings) = settled(&text, pool);
        assert_eq!(findings.complaints(), []);
        assert_eq!(records.len(), 1, "one queue, one ledger");
        records.remove(0)
    }
}

/// Plays a script on two cores, verifies, and gives what its ledgers found.
fn settled(text: &str, pool: PoolMode) -> (Vec<LedgerRecord>, Arc<Findings>) {
    let program = program(text);
    let wiring = wired(&program, pool);
    settled_with(&program, &wiring)
}

fn settled_with(program: &Program, wiring: &Wiring) -> (Vec<LedgerRecord>, Arc<Findings>) {
    let call = |function: &str, shared| {
        on_core(async {
            let stage =
                script::Stage::new(program, wiring.clone(), shared).expect("the stage compiles the script");
            stage.call(function).await.expect("it ends well")
        })
    };
    let shared = Arc::new(call("setup", None));
    play(program, wiring, Some(shared.clone()), 2);
    call("verify", Some(shared));
    let noted = wiring.findings.take_queue_ledgers();
    let config = postgres_config();
    let (records, complaints) = on_core(script::ledger::settle_queues(noted, Some(&config)));
    assert_eq!(complaints, []);
    (records, wiring.findings.clone())
}

const FINDINGS: [&str; 5] = ["lost", "twice", "early", "invented", "order"];

#[track_caller]
fn assert_found(story: Story, wrong: &str, about: &str) {
    let record = story.played(PoolMode::Dedicated);
    let found: Vec<_> = FINDINGS.iter().filter(|name| record.figures[**name] > 0).collect();
    assert_eq!(found, [&wrong], "{record:?}");
    assert!(!record.passed && record.examples.iter().any(|it| it.contains(about)), "{record:?}");
}

#[test]
fn a_sound_queue_on_two_cores_is_no_finding_in_any_pool_mode() {
    let pools = [PoolMode::Dedicated, PoolMode::Pipelined { connections: 2 }, PoolMode::Pooled { size: 4 }];
    for (table, pool) in ["t_queue_one", "t_queue_two", "t_queue_three"].into_iter().zip(pools) {
        let record = Story::sound(table).played(pool);
        assert!(record.passed && record.examples.is_empty(), "{pool:?}: {record:?}");
        let figure = |name: &str| record.figures[name];
        assert_eq!((record.kind.as_str(), figure("pushed")), ("queue", 100 + 200));
        assert!(figure("taken") > 100 && figure("completed") > 50, "{record:?}");
        assert_eq!((figure("ambiguous"), figure("failed"), figure("in_doubt")), (0, 0, 0), "{record:?}");
        let age = record.waits.iter().find(|wait| wait.name == "age").expect("ages");
        assert_eq!(age.count, figure("taken"), "nothing is delivered again");
        assert!(record.waits.iter().any(|wait| wait.name == "age_priority_1"), "{record:?}");
    }
}

#[test]
fn a_delay_that_is_heeded_is_no_finding() {
    let record = Story { delay_ms: "5", ..Story::sound("t_queue_delay") }.played(PoolMode::Dedicated);
    assert!(record.passed, "{record:?}");
}

#[test]
fn an_item_that_vanishes_is_lost() {
    let after = r#"pg::execute("DELETE FROM NAME WHERE id = (SELECT max(id) FROM NAME)", []);"#;
    // Nothing is taken, so that there is something to delete.
    let story = Story { after, leased: "false", ..Story::sound("t_queue_lost") };
    assert_found(story, "lost", "never taken, and not there at the end");
}

#[test]
fn an_item_that_a_trigger_throws_away_is_lost() {
    let plant = r#"pg::batch(`CREATE OR REPLACE FUNCTION NAME_spoil() RETURNS trigger AS $f$ BEGIN
        IF NEW.id % 50 = 0 THEN DELETE FROM NAME WHERE id = NEW.id; END IF; RETURN NULL; END $f$ LANGUAGE plpgsql;
        CREATE TRIGGER spoil AFTER INSERT ON NAME FOR EACH ROW EXECUTE FUNCTION NAME_spoil()`);"#;
    assert_found(Story { plant, ..Story::sound("t_queue_thrown") }, "lost", "never taken");
}

#[test]
fn a_copy_of_an_item_is_one_too_many() {
    let plant =
        r#"pg::batch("INSERT INTO NAME (priority, item) SELECT priority, item FROM NAME WHERE id = 1");"#;
    let record = Story { plant, ..Story::sound("t_queue_copy") }.played(PoolMode::Dedicated);
    assert!(
        record.figures["twice"] > 0 && record.examples.iter().any(|it| it.contains("key 0:")),
        "{record:?}"
    );
}

#[test]
fn a_pop_that_leaves_its_item_gives_it_twice() {
    // Of many items, since some are claimed and never deleted.
    let plant = r#"pg::batch(`CREATE OR REPLACE FUNCTION NAME_spoil() RETURNS trigger AS $f$ BEGIN
        INSERT INTO NAME (priority, item) VALUES (OLD.priority, OLD.item); RETURN OLD; END $f$ LANGUAGE plpgsql;
        CREATE TRIGGER spoil AFTER DELETE ON NAME FOR EACH ROW WHEN (OLD.id <= 40) EXECUTE FUNCTION NAME_spoil()`);"#;
    assert_found(Story { plant, ..Story::sound("t_queue_again") }, "twice", "key ");
}

#[test]
fn a_delay_that_the_server_forgets_is_early() {
    let plant = r#"pg::batch(`CREATE OR REPLACE FUNCTION NAME_spoil() RETURNS trigger AS $f$ BEGIN
        NEW.free_at := now(); RETURN NEW; END $f$ LANGUAGE plpgsql;
        CREATE TRIGGER spoil BEFORE INSERT ON NAME FOR EACH ROW EXECUTE FUNCTION NAME_spoil()`);"#;
    let story = Story { plant, delay_ms: "3600000", ..Story::sound("t_queue_early") };
    assert_found(story, "early", "with a delay of 1h");
}

#[test]
fn a_row_that_nobody_pushed_is_invented() {
    let plant =
        r#"pg::batch("INSERT INTO NAME (priority, item) VALUES (9, '{\"k\": 4711}'), (9, '{\"odd\": 1}')");"#;
    assert_found(Story { plant, ..Story::sound("t_queue_forged") }, "invented", "never pushed");
}

#[test]
fn the_last_in_first_out_is_out_of_order() {
    let story = Story { order: "id DESC", ..Story::sound("t_queue_order") };
    assert_found(story, "order", "was taken before it");
}

#[test]
fn a_claim_of_what_is_held_gives_an_item_twice() {
    let story = Story { leased: "free_at >= '-infinity'", ..Story::sound("t_queue_held") };
    let record = story.played(PoolMode::Dedicated);
    assert!(record.figures["twice"] > 0, "{record:?}");
    assert!(record.examples.iter().any(|it| it.contains("for 1h, and again")), "{record:?}");
}

#[test]
fn a_lease_that_ran_out_gives_its_item_again_and_that_is_no_finding() {
    let text = r#"
fn options() { #{ scenarios: #{ work: #{ executor: "shared-iterations", vus: 1, iterations: 3, exec: "work" } } } }
fn setup() {
    pg::batch("DROP TABLE IF EXISTS t_queue_lease; CREATE TABLE t_queue_lease (item jsonb); INSERT INTO t_queue_lease VALUES ('{\"k\": 0}')");
    let book = ledger::queue("lease", #{ remaining: "SELECT (item->>'k')::bigint FROM t_queue_lease" });
    book.prefilled(1, 1);
    #{ book: book, claim: pg::statement("claim", "SELECT item FROM t_queue_lease") }
}
fn work(vu) { vu.shared.book.claim(1, 0); vu.shared.claim.run([]); }
fn verify() { }
"#;
    let (records, findings) = settled(text, PoolMode::Dedicated);
    assert_eq!(findings.complaints(), []);
    let record = &records[0];
    assert!(record.passed && record.figures["redelivered"] == 2, "{record:?}");
    assert!(!record.figures.contains_key("order"), "none is promised");
}

#[test]
fn what_a_transaction_does_counts_when_it_is_committed() {
    let text = r#"
fn options() { #{ scenarios: #{ work: #{ executor: "shared-iterations", vus: 4, iterations: 90, exec: "work" } } } }
fn setup() {
    pg::batch("DROP TABLE IF EXISTS t_queue_tx; CREATE TABLE t_queue_tx (id bigserial PRIMARY KEY, item jsonb)");
    #{
        book: ledger::queue("tx", #{ remaining: "SELECT (item->>'k')::bigint FROM t_queue_tx" }),
        push: pg::statement("push", "INSERT INTO t_queue_tx (item) VALUES ($1)"),
        pop: pg::statement("pop", "DELETE FROM t_queue_tx WHERE id = (SELECT min(id) FROM t_queue_tx) RETURNING item"),
    }
}
fn work(vu) {
    let q = vu.shared;
    let undo = vu.iteration % 3 == 0;
    try {
        pg::transaction(|| {
            let item = q.book.item(64);
            q.book.push(item, 0, 0);
            q.push.run([item]);
            if vu.iteration % 2 == 0 { q.book.pop(1); q.pop.run([]); }
            if undo { throw "on purpose"; }
        });
    } catch (e) { }
}
fn verify() { }
"#;
    let (records, findings) = settled(text, PoolMode::Dedicated);
    assert_eq!(findings.complaints(), []);
    let figures = &records[0].figures;
    assert!(records[0].passed, "{records:?}");
    assert_eq!(figures["pushed"], 60, "{figures:?}");
    assert_eq!(figures["pushed"], figures["taken"] + figures["remaining"], "{figures:?}");
    assert!(figures["failed"] >= 30, "{figures:?}");
}

#[test]
fn who_is_cut_off_may_have_taken_what_he_asked_for() {
    let text = r#"
fn options() { #{ scenarios: #{ work: #{ executor: "constant-vus", vus: 2, duration: "300ms", graceful_stop: "0s", exec: "work" } } } }
fn setup() {
    pg::batch("DROP TABLE IF EXISTS t_queue_cut; CREATE TABLE t_queue_cut (item jsonb)");
    let book = ledger::queue("cut", #{ remaining: "SELECT (item->>'k')::bigint FROM t_queue_cut" });
    book.prefilled(7, 1);
    #{ book: book, pop: pg::statement("pop", "SELECT NULL AS item FROM pg_sleep(20)") }
}
fn work(vu) { vu.shared.book.pop(3); vu.shared.pop.run([]); }
fn verify() { }
"#;
    let (records, _) = settled(text, PoolMode::Dedicated);
    let figures = &records[0].figures;
    assert_eq!((figures["ambiguous"], figures["in_doubt"], figures["lost"]), (2, 6, 1), "{records:?}");
}

#[test]
fn what_remains_may_be_told_by_the_script() {
    let text = r#"
fn options() { #{ scenarios: #{ work: #{ executor: "shared-iterations", vus: 2, iterations: 20, exec: "work" } } } }
fn setup() {
    pg::batch("DROP TABLE IF EXISTS t_queue_told; CREATE TABLE t_queue_told (item jsonb)");
    #{
        book: ledger::queue("told"),
        off: ledger::queue("off", #{ keep: false }),
        jobs: pg::statements(#{ push: pg::statement("push", "INSERT INTO t_queue_told SELECT unnest($1::jsonb[])") }),
    }
}
fn work(vu) {
    let items = vu.shared.book.items(1, 64) + vu.shared.off.items(1, 64);
    vu.shared.off.push(items, 0, 0);
    vu.shared.book.push(items, 0, 0);
    vu.shared.jobs.run("push", [items]);
}
fn verify(shared) {
    let rows = pg::query("SELECT item->>'k' AS k FROM t_queue_told ORDER BY 1 LIMIT 39", []);
    shared.book.remains(rows.map(|row| parse_int(row.k)));
    shared.book.all_told();
}
"#;
    let (records, findings) = settled(text, PoolMode::Dedicated);
    assert_eq!(findings.complaints(), []);
    assert_eq!(records.len(), 1, "one is not kept");
    let figures = &records[0].figures;
    assert_eq!((figures["pushed"], figures["remaining"], figures["lost"]), (40, 39, 1), "{figures:?}");
    let untold = settled(&text.replace("shared.book.all_told();", ""), PoolMode::Dedicated).0;
    assert!(untold[0].passed && untold[0].figures["untaken"] == 1, "{untold:?}");
    assert!(!untold[0].figures.contains_key("lost"), "{untold:?}");
}

#[test]
fn an_announcement_that_nothing_follows_is_told_once() {
    let text = r#"
fn options() { #{ scenarios: #{ work: #{ executor: "shared-iterations", vus: 2, iterations: 20, exec: "work" } } } }
fn setup() { #{ book: ledger::queue("silent") } }
fn work(vu) { vu.shared.book.push(WHAT, 0, 0); MORE }
fn verify() { }
"#;
    for (what, more, told) in [
        ("vu.iteration", "", "no operation followed"),
        ("vu.iteration", "vu.shared.book.pop(1); noop(0);", "no operation between them"),
        ("\"{}\"", "noop(0);", "needs a key"),
        ("vu.shared.book.items(1001, 64)", "", "makes 0 to 1000 items at once, not 1001"),
        ("vu.shared.book.items(1, 63)", "", "makes 64 bytes or more, not 63"),
    ] {
        let text = text.replace("WHAT", what).replace("MORE", more);
        let complaints = settled(&text, PoolMode::Dedicated).1.complaints();
        assert!(complaints.len() == 1 && complaints[0].message.contains(told), "{complaints:?}");
    }
}

#[test]
fn a_service_that_fails_at_a_push_may_have_made_it() {
    // Each is kept, whatever the reply: 500 says that nobody knows, 503 that nothing was done.
    for (status, invented) in [("500", 0), ("503", 10)] {
        let kept = Mutex::new(Vec::new());
        let web = Web::start(move |came: &Came| {
            let mut kept = kept.lock().unwrap();
            if !came.line.ends_with("/push") {
                return (200, "", format!("[{}]", kept.join(",")));
            }
            kept.push(came.body.clone());
            let answer = if kept.len() % 2 == 0 { 200 } else { status.parse().unwrap() };
            (answer, "", "{}".to_owned())
        });
        let text = r#"
fn options() { #{ scenarios: #{ work: #{ executor: "shared-iterations", vus: 1, iterations: 20, exec: "work" } } } }
fn setup() {
    #{
        book: ledger::queue("web"),
        jobs: http::operations(#{ push: http::operation("push", #{ method: "POST", path: "/{}" }) }),
    }
}
fn work(vu) {
    let item = vu.shared.book.item(64);
    vu.shared.book.push(item, 0, 0);
    try { vu.shared.jobs.send("push", ["push"], item); } catch { }
}
fn verify(shared) { shared.book.remains(http::get("/all")); shared.book.all_told(); }
"#;
        let program = program(text);
        let web_config = HttpSettings { url: Some(web.url.clone()), ..HttpSettings::default() };
        let wiring =
            Wiring { http: Some(web_config.check().unwrap()), ..wired(&program, PoolMode::Dedicated) };
        let (records, findings) = settled_with(&program, &wiring);
        assert_eq!(findings.complaints(), []);
        let figures = &records[0].figures;
        assert_eq!((figures["lost"], figures["invented"]), (0, invented), "{status}: {records:?}");
    }
}
