//! Leases: who has one, who believes so, and that compare-and-swap does not care.

use drivers::pg::PoolMode;
use model::{outcome::Outcome, recorder::WindowKind};
use serde_json::{Value, json};

use crate::{
    ledgers::settled,
    servers::wired,
    tools::{call_with, program},
};

/// What `body` says of the leases in a table, one word a line.
fn said(table: &str, ttl: &str, body: &str) -> Value {
    let text = r#"
fn setup() {
    pg::batch("DROP TABLE IF EXISTS NAME");
    let lease = lease::table("NAME", #{ ttl: "TTL" });
    lease.create();
    lease.create();
    let said = [];
    BODY
    said
}
"#;
    let program = program(&text.replace("NAME", table).replace("TTL", ttl).replace("BODY", body));
    call_with(wired(&program, PoolMode::Dedicated), &program, "setup").unwrap()
}

#[test]
fn a_lease_is_held_by_one_and_its_token_grows() {
    let said = said(
        "t_lease",
        "1h",
        r#"
    let mine = lease.acquire("run", "a");
    said.push(`${mine.outcome} ${mine.token}`);
    let theirs = lease.acquire("run", "b");
    said.push(`${theirs.outcome} ${theirs.token == ()}`);
    said.push(lease.acquire("other", 7).token);
    said.push(lease.renew("run", "a", 1).outcome);
    said.push(lease.renew("run", "a", 2).outcome);
    said.push(lease.renew("run", "b", 1).outcome);
    said.push(lease.release("run", "b", 1).outcome);
    said.push(lease.release("run", "a", 1).outcome);
    said.push(lease.renew("run", "a", 1).outcome);
    said.push(lease.acquire("run", "b").token);
    said.push(lease.acquire("run", "b").token);
    said.push(lease.release("run", "b", 2).outcome);
"#,
    );
    assert_eq!(
        said,
        json!([
            "ok 1",
            "conflict true",
            1,
            "ok",
            "conflict",
            "conflict",
            "conflict",
            "ok",
            "conflict",
            2,
            3,
            "conflict"
        ])
    );
}

#[test]
fn a_lease_runs_out_by_the_servers_clock_or_when_it_is_made_to() {
    let said = said(
        "t_lease_out",
        "50ms",
        r#"
    lease.acquire("run", "a");
    sleep("80ms");
    said.push(lease.renew("run", "a", 1).outcome);
    said.push(lease.acquire("run", "b").token);
    said.push(lease.expire("run").outcome);
    said.push(lease.renew("run", "b", 2).outcome);
    said.push(lease.acquire("run", "a").token);
    said.push(lease.expire("nobody's").outcome);
"#,
    );
    assert_eq!(said, json!(["conflict", 2, "ok", "conflict", 3, "empty"]));
}

#[test]
fn a_lease_needs_a_time_and_is_made_in_setup() {
    let program = program(r#"fn setup() { lease::table("t_none", #{ ttl: 0, own: 1 }) }"#);
    let told = call_with(wired(&program, PoolMode::Dedicated), &program, "setup").unwrap_err();
    assert!(told.contains("no setting `own`") && told.contains("needs a `ttl` above 0"), "{told}");
}

#[test]
fn when_a_lease_expires_in_mid_transition_two_believe_and_one_wins() {
    let text = r#"
fn options() { #{ scenarios: #{ race: #{ executor: "shared-iterations", vus: 8, iterations: 200, exec: "step" } } } }
fn setup() {
    pg::batch("DROP TABLE IF EXISTS t_leased, t_leased_lease; CREATE TABLE t_leased (id text PRIMARY KEY, seq bigint NOT NULL)");
    let lease = lease::table("t_leased_lease", #{ ttl: "1h" });
    lease.create();
    let head = pg::table("t_leased", #{ op: "head", ledger: true });
    head.insert(#{ id: "run", seq: 0 });
    #{ head: head, lease: lease }
}
fn step(vu) {
    let head = vu.shared.head;
    let lease = vu.shared.lease;
    loop {
        let held = lease.acquire("run", vu.id);
        if !held.ok { sleep("1ms"); continue; }
        let seq = head.get("run").row.seq;
        if vu.rng.chance(0.1) { lease.expire("run"); sleep("20ms"); }
        // Either may win, who has the lease or who only believes so: a lease is no fence.
        let won = head.cas("run", seq).ok;
        lease.release("run", vu.id, held.token);
        if won { return; }
    }
}
"#;
    let (record, totals) = settled(text, PoolMode::Dedicated, 200);
    assert!(record.passed && record.figures["acknowledged"] == 200, "{record:?}");
    let ops = &totals.window(WindowKind::Measure).ops;
    let count = |op: &str, outcome| {
        let of_op = ops.iter().filter(|((name, ended), _)| &**name == op && *ended == outcome);
        of_op.map(|(_, data)| data.latency.count()).sum::<u64>()
    };
    assert!(count("lease.acquire", Outcome::Conflict) > 0, "others had to wait");
    assert!(count("lease.expire", Outcome::Ok) > 0, "some expired");
    assert!(count("lease.release", Outcome::Conflict) > 0, "some believed in a lease that was another's");
    assert!(count("head.cas", Outcome::Conflict) > 0, "and tried to take a step with it");
}
