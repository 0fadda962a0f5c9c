//! Connections that end when nobody expects it.

use std::time::Duration;

use drivers::Value;
use drivers::pg::{Isolation, PgConfig, PgOptions, PoolMode, Postgres, Session};
use model::outcome::Outcome;

use super::server::{MODES, Server, ask, ask_one, batch, plain, run, why};

/// Waits until a condition that SQL tells holds.
async fn until(session: &Session, sql: &str) {
    for _ in 0..3000 {
        if ask_one(session, sql, &[]).await == Value::Bool(true) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("still not: {sql}");
}

const SLEEPS: &str = "SELECT count(*) > 0 FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%' AND \
                      state = 'active' AND wait_event = 'PgSleep'";
const KILL_SLEEPERS: &str = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                             WHERE query LIKE 'SELECT pg_sleep%' AND state = 'active'";
const KILL_OTHERS: &str = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                           WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'";
const ALONE: &str = "SELECT count(*) = 1 FROM pg_stat_activity WHERE backend_type = 'client backend'";

/// A session of its own that looks at the server from outside.
fn observer(server: &Server) -> Session {
    server.open(PoolMode::Dedicated).session()
}

#[test]
fn a_backend_killed_in_mid_flight_leaves_the_fate_open() {
    let server = Server::start();
    server.in_all_modes(async |_, session| {
        let admin = observer(&server);
        let sleep = plain("SELECT pg_sleep(60)");
        let (reply, ()) = tokio::join!(session.run(&sleep, &[]), async {
            until(&admin, SLEEPS).await;
            ask(&admin, KILL_SLEEPERS, &[]).await;
        });
        assert_eq!((reply.outcome, reply.class_name()), (Outcome::Ambiguous, Some("57P01")));
        assert!(why(&reply).contains("its fate is unknown"), "{}", why(&reply));
        assert!(why(&reply).contains("database `postgres` as user `postgres`"), "{}", why(&reply));
        // The next use makes a new connection and says how long that took.
        let next = ask(&session, "SELECT 1", &[]).await;
        assert!(next.pool_wait_ns.is_some_and(|wait| wait > 0));
    });
}

#[test]
fn a_server_killed_in_mid_flight_leaves_the_fate_open_and_comes_back() {
    let server = Server::start();
    for mode in MODES {
        run(async {
            let session = server.open(mode).session();
            let sleep = plain("SELECT pg_sleep(60)");
            let (reply, ()) = tokio::join!(session.run(&sleep, &[]), async {
                until(&observer(&server), SLEEPS).await;
                server.embedded().kill9().unwrap();
            });
            assert_eq!(reply.outcome, Outcome::Ambiguous, "{mode:?}: {}", why(&reply));
            let down = session.run(&plain("SELECT 1"), &[]).await;
            assert_eq!(down.outcome, Outcome::Error, "{mode:?}: {}", why(&down));
            server.embedded().restart().unwrap();
            assert_eq!(ask_one(&session, "SELECT 1", &[]).await, Value::Int(1));
        });
    }
}

#[test]
fn a_connection_lost_while_idle_is_made_anew_without_an_error() {
    let server = Server::start();
    server.in_all_modes(async |_, session| {
        let admin = observer(&server);
        ask(&session, "SELECT 1", &[]).await;
        ask(&admin, KILL_OTHERS, &[]).await;
        until(&admin, ALONE).await;
        // The news must have reached this process, as it does while other VUs are at work.
        tokio::time::sleep(Duration::from_millis(50)).await;
        let reply = ask(&session, "SELECT 2", &[]).await;
        assert!(reply.pool_wait_ns.is_some());
    });
}

#[test]
fn a_connection_lost_while_this_thread_was_busy_is_told_at_once() {
    let server = Server::start();
    server.in_all_modes(async |_, session| {
        assert!(session.begin(Isolation::Default).await.is_ok());
        // Blocks this thread on purpose: the server's farewell lies there unread.
        std::thread::scope(|scope| {
            scope.spawn(|| {
                run(async {
                    let admin = observer(&server);
                    ask(&admin, KILL_OTHERS, &[]).await;
                    until(&admin, ALONE).await;
                });
            });
        });
        // The loop learns of it, and this task has its turn before the one that reads.
        tokio::task::yield_now().await;
        let begun = std::time::Instant::now();
        let reply = session.run(&plain("SELECT 1"), &[]).await;
        assert_eq!(reply.outcome, Outcome::Error, "{}", why(&reply));
        // The time limit is 30 s.
        assert!(begun.elapsed() < Duration::from_secs(15), "{:?}: {}", begun.elapsed(), why(&reply));
    });
}

#[test]
fn a_transaction_whose_connection_is_lost_is_undone_without_doubt() {
    let server = Server::start();
    server.in_all_modes(async |_, session| {
        let admin = observer(&server);
        batch(&session, "DROP TABLE IF EXISTS t; CREATE TABLE t (id int4)").await;
        assert!(session.begin(Isolation::Default).await.is_ok());
        ask(&session, "INSERT INTO t VALUES (1)", &[]).await;
        let sleep = plain("SELECT pg_sleep(60)");
        let (reply, ()) = tokio::join!(session.run(&sleep, &[]), async {
            until(&admin, SLEEPS).await;
            ask(&admin, KILL_SLEEPERS, &[]).await;
        });
        assert_eq!((reply.outcome, reply.class_name()), (Outcome::Error, Some("57P01")));
        // What would run outside of the transaction is not run at all.
        let stray = session.run(&plain("INSERT INTO t VALUES (2)"), &[]).await;
        assert_eq!((stray.outcome, stray.class_name()), (Outcome::Error, Some("connection_gone")));
        let commit = session.commit().await;
        assert_eq!((commit.outcome, commit.class_name()), (Outcome::Error, Some("rolled_back")));
        assert_eq!(ask_one(&session, "SELECT count(*) FROM t", &[]).await, Value::Int(0));
    });
}

#[test]
fn nothing_that_is_dropped_in_mid_flight_goes_on_at_the_server() {
    let server = Server::start();
    for mode in [PoolMode::Dedicated, PoolMode::Pooled { size: 2 }] {
        run(async {
            let admin = observer(&server);
            let session = server.open(mode).session();
            let sleep = plain("SELECT pg_sleep(60)");
            tokio::select! {
                reply = session.run(&sleep, &[]) => panic!("{}", why(&reply)),
                () = until(&admin, SLEEPS) => {}
            }
            until(&admin, NO_SLEEPS).await;
            assert_eq!(ask_one(&session, "SELECT 1", &[]).await, Value::Int(1), "{mode:?}");
        });
    }
}

const NO_SLEEPS: &str = "SELECT count(*) = 0 FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%' \
                         AND state = 'active'";

#[test]
fn nothing_goes_on_at_the_server_when_the_runtime_goes_with_the_sessions() {
    let tcp = embed::postgres::TcpAccess { port: 0, password: Some("top secret".to_owned()) };
    let server = Server::start_with(&[], Some(tcp));
    let by_tcp = server.embedded().tcp_url().expect("it listens");
    let by_tcp = PgConfig::parse(&by_tcp, &|_| None).expect("the server's own URL is good");
    let shared = PoolMode::Pipelined { connections: 1 };
    for (mode, config) in [
        (PoolMode::Dedicated, server.config()),
        (shared, server.config()),
        // A peer that is gone shows later here than at a unix socket.
        (shared, by_tcp),
        (PoolMode::Pooled { size: 3 }, server.config()),
    ] {
        eprintln!("{mode:?}");
        // As at the end of a core: the tasks, then the runtime, and nobody turns the loop any more.
        run(async {
            // Neither time limit is what ends the statements.
            let options = PgOptions { timeout: Duration::from_secs(600), ..PgOptions::default() };
            let postgres = Postgres::new(config, mode, options).expect("no TLS, nothing to fail");
            let sleep = plain("SELECT pg_sleep($1::int4)");
            // Known to a shared connection, so that the calls follow each other without a gap.
            assert!(postgres.session().run(&sleep, &[0.into()]).await.is_ok());
            // A cancel reaches the statement that runs. What is queued behind it on a shared connection may have
            // reached the server already, which carries it out before it notices that nobody is there.
            let at_once = if matches!(mode, PoolMode::Pipelined { .. }) { 1 } else { 3 };
            for _ in 0..at_once {
                let (session, sleep) = (postgres.session(), sleep.clone());
                tokio::task::spawn_local(async move {
                    session.run(&sleep, &[300.into()]).await;
                });
            }
            until(&observer(&server), SLEEPS).await;
        });
        run(until(&observer(&server), NO_SLEEPS));
    }
}

#[test]
fn a_session_leaves_no_connection_behind() {
    let server = Server::start();
    server.in_all_modes(async |postgres: Postgres, session| {
        let admin = observer(&server);
        ask(&session, "SELECT 1", &[]).await;
        assert!(session.begin(Isolation::Default).await.is_ok());
        ask(&session, "SELECT 1", &[]).await;
        drop(session);
        drop(postgres);
        until(&admin, ALONE).await;
    });
}

/// A server that lets everybody in, prepares what it is asked to, and answers the call of it in no known way.
fn garbling_server() -> std::net::SocketAddr {
    use std::io::{Read, Write};
    const WELCOME: &[u8] = b"R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I";
    const PREPARED: &[u8] = b"1\0\0\0\x04t\0\0\0\x06\0\0n\0\0\0\x04Z\0\0\0\x05I";
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        while let Ok((mut stream, _)) = listener.accept() {
            let mut request = [0; 4096];
            for answer in [WELCOME, PREPARED, b"?\0\0\0\x04"] {
                let _ = stream.read(&mut request);
                let _ = stream.write_all(answer);
            }
            let _ = stream.read(&mut request);
        }
    });
    address
}

#[test]
fn an_answer_that_nobody_understands_leaves_the_fate_open() {
    let url = format!("postgres://u@{}/d?sslmode=disable", garbling_server());
    for mode in [PoolMode::Dedicated, PoolMode::Pipelined { connections: 1 }] {
        let config = PgConfig::parse(&url, &|_| None).expect("the URL is good");
        run(async {
            let postgres = Postgres::new(config, mode, PgOptions::default()).expect("nothing to fail");
            let reply = postgres.session().run(&plain("UPDATE t SET a = 1"), &[]).await;
            assert_eq!(
                (reply.outcome, reply.class_name()),
                (Outcome::Ambiguous, Some("protocol")),
                "{mode:?}"
            );
            assert!(!reply.fate_is_known(), "{}", why(&reply));
        });
    }
}
