//! Filling tables with an active set, and telling how far that has come.

use drivers::pg::PoolMode;
use script::Program;
use serde_json::json;

use crate::{
    servers::wired,
    tools::{call_with, program},
};

#[test]
fn loading_spreads_timestamps_and_tells_how_far_it_has_come() {
    let program = program(
        r#"
fn setup() {
    pg::batch("DROP TABLE IF EXISTS t_load; CREATE TABLE t_load (id text PRIMARY KEY, seq bigint, status text, n int, created_at timestamptz)");
    let head = pg::table("t_load", #{ op: "head", defaults: #{ status: "running", n: 7 } });
    let runs = entities::active(#{ count: 20000, target: 5, prefix: "r" });
    let spread = #{ created_at: ["2026-01-01T00:00:00Z", "2026-01-11T00:00:00Z"] };
    let said = [runs.load(head, #{ columns: #{ status: "new" }, spread: spread }).affected, runs.count];
    said.push(pg::query(`SELECT min(created_at)::text AS first, max(created_at)::text AS last, count(DISTINCT created_at) AS times,
        min(id) AS low, max(id) AS high, min(status || n) AS constant, max(seq) AS seq FROM t_load`, [])[0]);
    said
}
"#,
    );
    let wiring = wired(&program, PoolMode::Dedicated);
    let (done, watched) = (std::sync::atomic::AtomicBool::new(false), wiring.findings.clone());
    let (value, seen) = std::thread::scope(|scope| {
        let watcher = scope.spawn(|| {
            let mut seen = Vec::new();
            while !done.load(std::sync::atomic::Ordering::Relaxed) {
                seen.extend(watched.progress());
                std::thread::yield_now();
            }
            seen
        });
        let value = call_with(wiring.clone(), &program, "setup");
        done.store(true, std::sync::atomic::Ordering::Relaxed);
        (value, watcher.join().unwrap())
    });
    let row = json!({
        "first": "2026-01-01 00:00:00+00", "last": "2026-01-10 23:59:16.8+00", "times": 20000,
        "low": "r000000000000", "high": "r000000019999", "constant": "new7", "seq": 0,
    });
    assert_eq!(value.unwrap(), json!([20000, 20000, row]));
    let right =
        |(what, done, total): &(String, u64, u64)| what == "load t_load" && done < total && *total == 20_000;
    assert!(!seen.is_empty() && seen.iter().all(right), "{seen:?}");
    assert_eq!(wiring.findings.progress(), None, "nothing is left to wait for");
}

#[test]
fn a_script_may_tell_how_far_its_own_loops_have_come() {
    let program =
        program(r#"fn setup() { progress("bodies", 3, 10); } fn verify() { progress("bodies", 10, 10); }"#);
    let wiring = crate::tools::wiring(&program);
    call_with(wiring.clone(), &program, "setup").unwrap();
    assert_eq!(wiring.findings.progress(), Some(("bodies".to_owned(), 3, 10)));
    call_with(wiring.clone(), &program, "verify").unwrap();
    assert_eq!(wiring.findings.progress(), None);
}

fn refused(body: &str) -> String {
    let text = format!("fn setup() {{ let runs = entities::active(#{{ count: 3, target: 2 }}); {body} }}");
    let program: Program = program(&text);
    call_with(wired(&program, PoolMode::Dedicated), &program, "setup").unwrap_err()
}

#[test]
fn tables_that_hold_no_entities_are_refused_by_name() {
    let told = refused(r#"runs.load(pg::table("t_none", #{ key: ["a", "b"] }))"#);
    assert!(told.contains("`t_none` was described with other ones"), "{told}");
    let told = refused(r#"runs.load(pg::table("t_none", #{ version: "" }))"#);
    assert!(told.contains("one key column and a version"), "{told}");
    let told = refused(r#"runs.load(pg::table("t_none", #{}), #{ columns: #{ seq: 5 } })"#);
    assert!(told.contains("the set itself fills `seq`"), "{told}");
    let told =
        refused(r#"runs.load(pg::table("t_none", #{}), #{ spread: #{ at: ["yesterday", "today"] } })"#);
    assert!(told.contains("takes two timestamps for `spread.at`"), "{told}");
    let told = refused(r#"runs.load(pg::table("t_none", #{ defaults: 5 }))"#);
    assert!(told.contains("takes a map for `defaults`"), "{told}");
}
