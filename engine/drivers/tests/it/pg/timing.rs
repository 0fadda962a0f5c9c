//! Time limits and waiting for connections.

use std::time::Duration;

use drivers::Value;
use drivers::pg::PoolMode;
use model::outcome::Outcome;

use super::server::{MODES, Server, ask, ask_one, plain, run, why};

const SHORT: Duration = Duration::from_millis(200);

#[test]
fn the_server_ends_a_statement_that_takes_too_long_and_the_connection_stays() {
    let server = Server::start();
    for mode in MODES {
        run(async {
            let session = server.open_with(mode, SHORT).session();
            let pid = ask_one(&session, "SELECT pg_backend_pid()", &[]).await;
            let reply = session.run(&plain("SELECT pg_sleep(60)"), &[]).await;
            assert_eq!((reply.outcome, reply.class_name()), (Outcome::Timeout, Some("57014")), "{mode:?}");
            assert!(reply.service_ns >= 200_000_000, "{}", reply.service_ns);
            if mode == PoolMode::Dedicated {
                assert_eq!(ask_one(&session, "SELECT pg_backend_pid()", &[]).await, pid);
            }
        });
    }
}

#[test]
fn a_server_that_stands_still_is_given_up_by_the_client() {
    let server = Server::start();
    for mode in MODES {
        run(async {
            let session = server.open_with(mode, SHORT).session();
            // Requests take turns over the shared connections: afterwards all are open and know it.
            let known = plain("SELECT 1");
            assert!(session.run(&known, &[]).await.is_ok());
            assert!(session.run(&known, &[]).await.is_ok());
            server.embedded().pause().unwrap();
            let reply = session.run(&known, &[]).await;
            server.embedded().resume().unwrap();
            assert_eq!(
                (reply.outcome, reply.class_name()),
                (Outcome::Timeout, Some("client_timeout")),
                "{mode:?}"
            );
            assert!(why(&reply).contains("no answer within 200ms"), "{}", why(&reply));
            assert!(!reply.fate_is_known(), "{mode:?}");
            // Its late answer reaches nobody.
            let patient = server.open(mode).session();
            ask(&patient, "SELECT 1", &[]).await;
            assert_eq!(ask_one(&session, "SELECT 2", &[]).await, Value::Int(2), "{mode:?}");
        });
    }
}

#[test]
fn who_finds_no_free_connection_waits_and_the_wait_is_told_apart() {
    let server = Server::start();
    run(async {
        let postgres = server.open(PoolMode::Pooled { size: 1 });
        let (one, two) = (postgres.session(), postgres.session());
        ask(&one, "SELECT 1", &[]).await;
        let (sleep, quick) = (plain("SELECT pg_sleep(0.3)"), plain("SELECT 1"));
        // In this order: the first takes the only connection, the second must wait for it.
        let (first, second) = tokio::join!(biased; one.run(&sleep, &[]), two.run(&quick, &[]));
        assert!(first.is_ok() && second.is_ok());
        assert!(first.service_ns >= 300_000_000);
        assert!(second.pool_wait_ns.is_some_and(|wait| wait >= 250_000_000), "{:?}", second.pool_wait_ns);
        assert!(second.service_ns < second.pool_wait_ns.unwrap_or(0));
    });
}

#[test]
fn who_begins_a_transaction_waits_for_a_connection_of_its_own_and_the_wait_is_told_apart() {
    let server = Server::start();
    for mode in [PoolMode::Pipelined { connections: 1 }, PoolMode::Pooled { size: 1 }] {
        run(async {
            let postgres = server.open(mode);
            let (one, two) = (postgres.session(), postgres.session());
            // Known on the only connection: what is waited for is nothing but the connection.
            assert!(one.begin(Default::default()).await.is_ok());
            assert!(one.rollback().await.is_ok());
            assert!(one.begin(Default::default()).await.is_ok());
            let holding = async {
                tokio::time::sleep(Duration::from_millis(300)).await;
                assert!(one.rollback().await.is_ok());
            };
            let (begun, ()) = tokio::join!(two.begin(Default::default()), holding);
            assert!(begun.is_ok(), "{}", why(&begun));
            let wait = begun.pool_wait_ns.unwrap_or(0);
            assert!(wait >= 250_000_000, "{mode:?}: {wait}");
            assert!(begun.service_ns < wait, "{mode:?}: {} after {wait}", begun.service_ns);
            assert!(two.rollback().await.is_ok());
        });
    }
}

#[test]
fn a_transaction_has_one_time_limit_for_its_wait_and_its_beginning() {
    let server = Server::start();
    run(async {
        let limit = Duration::from_secs(2);
        let postgres = server.open_with(PoolMode::Pipelined { connections: 1 }, limit);
        let (one, two) = (postgres.session(), postgres.session());
        assert!(one.begin(Default::default()).await.is_ok());
        let holding = async {
            tokio::time::sleep(Duration::from_millis(1500)).await;
            assert!(one.rollback().await.is_ok());
            server.embedded().pause().unwrap();
        };
        let begun = std::time::Instant::now();
        let (reply, ()) = tokio::join!(two.begin(Default::default()), holding);
        let elapsed = begun.elapsed();
        server.embedded().resume().unwrap();
        assert_eq!((reply.outcome, reply.class_name()), (Outcome::Timeout, Some("client_timeout")));
        assert!(elapsed < Duration::from_millis(3200), "{elapsed:?}");
    });
}

#[test]
fn what_fails_while_it_waits_for_a_connection_has_waited_and_not_been_served() {
    let server = Server::start();
    let nowhere = "postgres://u@127.0.0.1:1/d?sslmode=disable";
    for mode in MODES {
        run(async {
            let reply = server.open_at(nowhere, mode).session().run(&plain("SELECT 1"), &[]).await;
            assert_eq!(reply.class_name(), Some("connection_refused"), "{mode:?}");
            assert!(reply.pool_wait_ns.is_some_and(|wait| wait > 0), "{mode:?}");
            assert_eq!(reply.service_ns, 0, "{mode:?}");
            let batch = server.open_at(nowhere, mode).session().batch("SELECT 1").await;
            assert!(batch.pool_wait_ns.is_some_and(|wait| wait > 0), "{mode:?}");
            assert_eq!(batch.service_ns, 0, "{mode:?}");
        });
    }
}

#[test]
fn waiting_for_a_connection_ends_with_the_time_limit() {
    let server = Server::start();
    run(async {
        let postgres = server.open_with(PoolMode::Pooled { size: 1 }, SHORT);
        let (one, two) = (postgres.session(), postgres.session());
        assert!(one.begin(Default::default()).await.is_ok());
        let reply = two.run(&plain("SELECT 1"), &[]).await;
        assert_eq!((reply.outcome, reply.class_name()), (Outcome::Timeout, Some("pool_timeout")));
        assert!(why(&reply).contains("waiting for a connection"), "{}", why(&reply));
        // It was never sent.
        assert!(reply.fate_is_known());
        assert!(reply.pool_wait_ns.is_some_and(|wait| wait >= 200_000_000), "{:?}", reply.pool_wait_ns);
        assert_eq!(reply.service_ns, 0);
        assert!(one.rollback().await.is_ok());
        ask(&two, "SELECT 1", &[]).await;
    });
}

#[test]
fn times_and_bytes_are_counted() {
    let server = Server::start();
    server.in_all_modes(async |_, session| {
        let statement = plain("SELECT $1::text");
        let first = session.run(&statement, &["x".into()]).await;
        assert!(first.pool_wait_ns.is_some_and(|wait| wait > 0));
        let small = session.run(&statement, &["x".into()]).await;
        let large = session.run(&statement, &["x".repeat(10_001).into()]).await;
        assert!(small.service_ns > 0);
        assert_eq!(large.bytes_sent - small.bytes_sent, 10_000);
        assert_eq!(large.bytes_received - small.bytes_received, 10_000);
        // Bind, Execute, Sync; the server's four messages.
        assert!((30..100).contains(&small.bytes_sent), "{}", small.bytes_sent);
        assert!((30..100).contains(&small.bytes_received), "{}", small.bytes_received);
    });
}
