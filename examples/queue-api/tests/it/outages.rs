//! Postgres away, still, locked or restarted: what is answered meanwhile, and that it goes on by itself.

use std::io::Write;
use std::process::{Command, Stdio};
use std::time::Duration;

use queue_api::Config;
use serde_json::json;

use crate::client::Answer;
use crate::world::{World, all, eventually};

/// The words of a 503 (nothing was changed) or a 504 (nobody knows), and which of them it is.
fn unavailable(answer: &Answer) -> (String, String) {
    let body = answer.expect(if answer.status == 504 { 504 } else { 503 });
    assert_eq!(answer.header("retry-after"), Some("1"));
    let text = |key: &str| body[key].as_str().expect("text").to_owned();
    assert_eq!(text("outcome"), if answer.status == 504 { "unknown" } else { "none" });
    (text("error"), text("outcome"))
}

fn impatient(config: Config) -> Config {
    Config { patience: Duration::from_millis(200), ..config }
}

#[test]
fn a_restart_of_postgres_is_survived_with_all_that_was_acknowledged() {
    let world = World::durable();
    let push = || world.ask("POST", "/v1/queues/q/items", &json!({ "item": {} }));
    for _ in 0..5 {
        push().expect(201);
    }
    world.postgres.restart().expect("it restarts");
    eventually("the service reconnects", || world.get("/health").status == 200);
    assert_eq!(world.depth("q"), (5, 0));
    world.postgres.kill9().expect("it runs");
    eventually("the loss is seen", || world.get("/health").status == 503);
    let (_, outcome) = unavailable(&push());
    assert_eq!(outcome, "none", "nothing was sent");
    world.postgres.restart().expect("it starts");
    eventually("the service reconnects", || push().status == 201);
    let popped = world.ask("POST", "/v1/queues/q/pop", &json!({ "depth": 10 })).expect(200);
    assert_eq!(all(&popped["items"], "id").len(), 6);
}

#[test]
fn a_postgres_that_stands_still_is_given_up_and_found_again() {
    let world = World::with(|config| Config { connections: 1, ..impatient(config) });
    world.get("/health").expect(200);
    world.postgres.pause().expect("it runs");
    let told: Vec<(String, String)> = std::thread::scope(|scope| {
        let push = || unavailable(&world.ask("POST", "/v1/queues/q/items", &json!({ "item": {} })));
        let all: Vec<_> = (0..4).map(|_| scope.spawn(push)).collect();
        all.into_iter().map(|one| one.join().expect("it is answered")).collect()
    });
    let busy = "no connection to Postgres became free in time (there are 1 at most)";
    let is = |words: &str, outcome: &str| told.iter().any(|(w, o)| w == words && o == outcome);
    assert!(is("Postgres does not answer", "unknown"), "{told:?}");
    assert!(is(busy, "none"), "{told:?}");
    world.postgres.resume().expect("it runs");
    eventually("the service is back", || world.get("/health").status == 200);
    let (kept, _) = world.depth("q");
    assert!(kept <= 1, "only what was sent may have been done: {kept}");
}

#[test]
fn a_statement_has_a_time_limit_and_changes_nothing_after_it() {
    let world = World::with(|config| Config { connections: 1, ..impatient(config) });
    let push = || world.ask("POST", "/v1/queues/q/items", &json!({ "item": {} }));
    // From now on the statement is prepared: what is cut short is its execution.
    push().expect(201);
    let mut holder = Command::new("psql")
        .args([&world.postgres.url(), "-XAqt"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .expect("psql is installed");
    let input = holder.stdin.as_mut().expect("it is piped");
    input.write_all(b"BEGIN; LOCK TABLE snapbench_queue_api_item;\n").expect("it listens");
    eventually("the lock is held", || {
        world.psql("SELECT count(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND granted") == "1"
    });
    let (words, outcome) = unavailable(&push());
    assert_eq!(words, "Postgres: canceling statement due to statement timeout (SQLSTATE 57014)");
    assert_eq!(outcome, "none");
    world.get("/health").expect(200);
    // psql ends at the end of its input, and with it the transaction.
    drop(holder.stdin.take());
    holder.wait().expect("it ends");
    eventually("the queue can be used", || world.get("/v1/queues/q").status == 200);
    assert_eq!(world.depth("q"), (1, 0));
}

#[test]
fn a_service_that_cannot_open_says_why_without_the_password() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let why = |url: &str| {
        let config = impatient(Config { postgres_url: url.to_owned(), ..Config::default() });
        runtime.block_on(queue_api::open(&config)).expect_err("it cannot open").to_string()
    };
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let refused = why(&format!("postgresql://u:secret@{nobody}/d"));
    assert!(refused.contains("Connection refused") && !refused.contains("secret"), "{refused}");
    assert!(why("").contains("it names no host"));
    assert!(why("postgresql://u:secret@h:port/d").contains("it looks like postgresql://"));
    assert!(
        !format!("{:?}", Config { postgres_url: "secret".into(), ..Config::default() }).contains("secret")
    );
}
