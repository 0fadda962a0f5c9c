//! VUs that share connections: everybody gets their own answer, whatever the others do.

use std::collections::HashSet;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use drivers::Value;
use drivers::pg::{Isolation, PgOptions, PoolGauge, PoolMode, PoolUse, Postgres};
use model::outcome::Outcome;

use super::server::{Server, ask, ask_one, plain, run, why};

const SHARED: PoolMode = PoolMode::Pipelined { connections: 2 };

#[test]
fn many_vus_at_once_each_get_their_own_answer_over_few_connections() {
    let server = Server::start();
    server.in_all_modes(async |postgres: Postgres, _| {
        let pids = std::rc::Rc::new(std::cell::RefCell::new(HashSet::new()));
        let tasks: Vec<_> = (0..16i64)
            .map(|vu| {
                let (session, pids) = (postgres.session(), std::rc::Rc::clone(&pids));
                tokio::task::spawn_local(async move {
                    let statement = plain("SELECT $1::int8, pg_backend_pid()");
                    for turn in 0..100i64 {
                        let number = vu * 1000 + turn;
                        let reply = session.run(&statement, &[number.into()]).await;
                        let row = reply.rows.first().unwrap();
                        assert_eq!(row.int(0), Some(number));
                        pids.borrow_mut().insert(row.int(1));
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        let expected = if postgres.mode() == PoolMode::Dedicated { 16 } else { 2 };
        assert_eq!(pids.borrow().len(), expected);
    });
}

#[test]
fn an_error_harms_only_the_one_who_made_it() {
    let server = Server::start();
    run(async {
        let postgres = server.open(PoolMode::Pipelined { connections: 1 });
        let sessions: Vec<_> = (0..6).map(|_| postgres.session()).collect();
        let divide = plain("SELECT 6 / $1::int4");
        ask(&sessions[0], "SELECT 1", &[]).await;
        let calls = sessions.iter().enumerate().map(|(index, session)| {
            let divisor = Value::Int(if index % 2 == 0 { 0 } else { index as i64 });
            let divide = &divide;
            async move { session.run(divide, &[divisor]).await }
        });
        let replies = join_all(calls.collect()).await;
        for (index, reply) in replies.iter().enumerate() {
            match index % 2 {
                0 => assert_eq!((reply.outcome, reply.class_name()), (Outcome::Rejected, Some("22012"))),
                _ => assert_eq!(reply.rows.first().unwrap().int(0), Some(6 / index as i64)),
            }
        }
    });
}

/// Polls all futures in order, all in each turn.
async fn join_all<F: Future>(futures: Vec<F>) -> Vec<F::Output> {
    let mut futures: Vec<_> = futures.into_iter().map(|future| (Box::pin(future), None)).collect();
    std::future::poll_fn(|cx| {
        for (future, output) in &mut futures {
            if output.is_none()
                && let std::task::Poll::Ready(done) = future.as_mut().poll(cx)
            {
                *output = Some(done);
            }
        }
        match futures.iter().all(|(_, output)| output.is_some()) {
            true => std::task::Poll::Ready(()),
            false => std::task::Poll::Pending,
        }
    })
    .await;
    futures.into_iter().filter_map(|(_, output)| output).collect()
}

#[test]
fn a_vu_that_leaves_in_mid_flight_disturbs_nobody() {
    let server = Server::start();
    run(async {
        let postgres = server.open(PoolMode::Pipelined { connections: 1 });
        let echo = plain("SELECT $1::int8, pg_sleep(0.002)");
        let leavers: Vec<_> = (0..4).map(|_| postgres.session()).collect();
        let stayer = postgres.session();
        assert!(stayer.run(&echo, &[0.into()]).await.is_ok());
        for turn in 1..50i64 {
            // Queued before and behind the one that stays, then dropped: some unsent, some under way.
            let unwanted = [Value::Int(-turn)];
            let calls = leavers.iter().map(|session| session.run(&echo, &unwanted));
            let patience = Duration::from_micros(turn as u64 * 100);
            let left = tokio::time::timeout(patience, join_all(calls.collect()));
            let params = [turn.into()];
            let (_, reply) = tokio::join!(left, stayer.run(&echo, &params));
            assert!(reply.is_ok(), "{}", why(&reply));
            assert_eq!(reply.rows.first().unwrap().int(0), Some(turn));
        }
        for session in &leavers {
            assert_eq!(ask_one(session, "SELECT 7", &[]).await, Value::Int(7));
        }
    });
}

#[test]
fn a_vu_that_leaves_while_it_prepares_leaves_the_work_to_the_next() {
    let server = Server::start();
    run(async {
        let postgres = server.open(PoolMode::Pipelined { connections: 1 });
        let (one, two) = (postgres.session(), postgres.session());
        ask(&one, "SELECT 1", &[]).await;
        let statement = plain("SELECT $1::int8");
        for _ in 0..20 {
            let params = [1.into()];
            // One turn of the loop: its request to prepare is queued, perhaps sent, not answered.
            let left = tokio::time::timeout(Duration::ZERO, one.run(&statement, &params));
            let (_, reply) = tokio::join!(left, two.run(&statement, &params));
            assert!(reply.is_ok(), "{}", why(&reply));
        }
    });
}

#[test]
fn the_loss_of_a_shared_connection_reaches_all_who_wait_on_it() {
    let server = Server::start();
    run(async {
        let admin = server.open(PoolMode::Dedicated).session();
        let postgres = server.open(PoolMode::Pipelined { connections: 1 });
        let sessions: Vec<_> = (0..3).map(|_| postgres.session()).collect();
        let sleep = plain("SELECT pg_sleep(30)");
        let pid = ask_one(&sessions[0], "SELECT pg_backend_pid()", &[]).await;
        let calls = sessions.iter().map(|session| session.run(&sleep, &[]));
        let (replies, ()) = tokio::join!(join_all(calls.collect()), async {
            tokio::time::sleep(Duration::from_millis(100)).await;
            ask(&admin, "SELECT pg_terminate_backend($1::int4)", &[pid]).await;
        });
        for reply in &replies {
            assert_eq!((reply.outcome, reply.class_name()), (Outcome::Ambiguous, Some("57P01")));
        }
        for session in &sessions {
            assert_eq!(ask_one(session, "SELECT 1", &[]).await, Value::Int(1));
        }
    });
}

#[test]
fn a_session_does_one_thing_at_a_time() {
    let server = Server::start();
    server.in_all_modes(async |_, session| {
        let sleep = plain("SELECT pg_sleep(0.05)");
        let (first, second) = tokio::join!(biased; session.run(&sleep, &[]), session.run(&sleep, &[]));
        assert!(first.is_ok(), "{}", why(&first));
        assert_eq!(second.class_name(), Some("refused"));
        assert!(why(&second).contains("busy"), "{}", why(&second));
        ask(&session, "SELECT 1", &[]).await;
    });
}

#[test]
fn transactions_of_vus_that_share_connections_do_not_mix() {
    let server = Server::start();
    run(async {
        let postgres = server.open(SHARED);
        let sessions: Vec<_> = (0..6).map(|_| postgres.session()).collect();
        ask(&sessions[0], "SELECT 1", &[]).await;
        let calls = sessions.iter().map(|session| async move {
            assert!(session.begin(Default::default()).await.is_ok());
            let before = ask_one(session, "SELECT txid_current()", &[]).await;
            ask(session, "SELECT pg_sleep(0.01)", &[]).await;
            let after = ask_one(session, "SELECT txid_current()", &[]).await;
            assert_eq!(before, after);
            assert!(session.commit().await.is_ok());
            before.as_int()
        });
        let ids: HashSet<_> = join_all(calls.collect()).await.into_iter().collect();
        assert_eq!(ids.len(), 6);
        // Two shared connections and at most two on the side.
        let count = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'";
        let connections = ask_one(&sessions[0], count, &[]).await.as_int().unwrap();
        assert!(connections <= 4, "{connections}");
    });
}

#[test]
fn texts_without_end_do_not_fill_the_servers_memory() {
    let server = Server::start();
    server.in_all_modes(async |postgres: Postgres, session| {
        // Each takes its turn over the connections.
        for number in 0..1200 {
            ask(&session, &format!("SELECT {number}"), &[]).await;
        }
        for number in 0..20 {
            // One that fails leaves nothing behind either.
            let reply = session.run(&plain(&format!("SELEKT {number}")), &[]).await;
            assert_eq!(reply.class_name(), Some("42601"), "{}", why(&reply));
        }
        let count = plain("SELECT count(*) FROM pg_prepared_statements");
        let reply = session.run(&count, &[]).await;
        let kept = reply.rows.first().unwrap().int(0).unwrap();
        assert!(kept <= 1000, "{:?} keeps {kept}", postgres.mode());
        // What was closed is prepared anew.
        let again = ask_one(&session, "SELECT 0", &[]).await;
        assert_eq!(again, Value::Int(0));
    });
}

#[test]
fn a_gauge_tells_how_a_pool_is_used() {
    let server = Server::start();
    run(async {
        let gauge = Arc::new(PoolGauge::default());
        let options = PgOptions { timeout: Duration::from_secs(3), gauge: Some(Arc::clone(&gauge)) };
        let postgres = Postgres::new(server.config(), PoolMode::Pooled { size: 1 }, options).unwrap();
        let (first, second) = (postgres.session(), postgres.session());
        let shows = |in_use, acquires, empty_acquires, cancelled_acquires| {
            assert_eq!(gauge.read(), PoolUse { in_use, acquires, empty_acquires, cancelled_acquires });
        };
        let one = plain("SELECT 1");
        assert!(first.run(&one, &[]).await.is_ok());
        // There was no connection yet.
        shows(0, 1, 1, 0);
        assert!(first.run(&one, &[]).await.is_ok());
        shows(0, 2, 1, 0);
        assert!(first.begin(Isolation::default()).await.is_ok());
        assert!(first.run(&one, &[]).await.is_ok());
        shows(1, 3, 1, 0);
        assert_eq!(second.run(&one, &[]).await.outcome, Outcome::Timeout);
        shows(1, 3, 1, 1);
        // Somebody who is cut off while he waits.
        let mut waits = Box::pin(second.run(&one, &[]));
        assert!(std::future::poll_fn(|cx| Poll::Ready(waits.as_mut().poll(cx))).await.is_pending());
        drop(waits);
        shows(1, 3, 1, 2);
        assert!(first.rollback().await.is_ok());
        shows(0, 3, 1, 2);
    });
}
