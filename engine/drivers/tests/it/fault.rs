//! Faults by way of SQL do what they say, and say so when they do not.

use drivers::Value;
use drivers::fault::{hold_lock, hold_xmin, kill_backends};
use drivers::pg::{PgOptions, PoolMode, Postgres, Session};

use crate::pg::server::{Server, ask_one, batch, run};

/// Updates every row, cleans up, and says how many dead rows the clean-up had to leave.
async fn dead_after_vacuum(session: &Session) -> Value {
    batch(session, "UPDATE held SET n = n + 1").await;
    batch(session, "VACUUM held").await;
    ask_one(session, "SELECT dead_tuple_count FROM pgstattuple('held')", &[]).await
}

#[test]
fn a_held_snapshot_keeps_the_dead_and_lets_go_of_them() {
    let server = Server::start();
    run(async {
        let session = server.open(PoolMode::Dedicated).session();
        batch(&session, "CREATE EXTENSION pgstattuple; CREATE TABLE held (n int)").await;
        batch(&session, "INSERT INTO held SELECT generate_series(1, 50)").await;
        assert_eq!(dead_after_vacuum(&session).await, Value::Int(0));
        let held = hold_xmin(&server.config()).await.unwrap();
        assert_eq!(dead_after_vacuum(&session).await, Value::Int(50));
        assert!(held.check().await.unwrap().behind >= 1);
        held.release().await;
        assert_eq!(dead_after_vacuum(&session).await, Value::Int(0));
    });
}

#[test]
fn a_snapshot_that_was_ended_is_not_said_to_hold() {
    let server = Server::start();
    run(async {
        let session = server.open(PoolMode::Dedicated).session();
        let held = hold_xmin(&server.config()).await.unwrap();
        let pid = [Value::Int(held.pid())];
        ask_one(&session, "SELECT pg_terminate_backend($1::int)", &pid).await;
        let there = "SELECT count(*) FROM pg_stat_activity WHERE pid = $1::int";
        while ask_one(&session, there, &pid).await != Value::Int(0) {}
        let told = held.check().await.unwrap_err();
        assert!(told.contains("ended pid"), "{told}");
    });
}

#[test]
fn a_held_lock_makes_others_wait() {
    let server = Server::start();
    run(async {
        let postgres = server.open(PoolMode::Dedicated);
        batch(&postgres.session(), "CREATE TABLE \"Locked rows\" (n int)").await;
        let told = hold_lock(&server.config(), "nowhere", "share").await.err().unwrap();
        assert!(told.contains("nowhere"), "{told}");
        let lock = hold_lock(&server.config(), "Locked rows", "access exclusive").await.unwrap();
        assert_eq!(lock.waiting().await, Ok(0));
        let blocked = postgres.session();
        let waiter = ask_one(&blocked, "SELECT count(*) FROM \"Locked rows\"", &[]);
        let releaser = async {
            while lock.waiting().await != Ok(1) {}
            lock.release().await;
        };
        let (answer, ()) = tokio::join!(waiter, releaser);
        assert_eq!(answer, Value::Int(0));
    });
}

#[test]
fn connections_of_the_load_are_ended_and_no_others() {
    let server = Server::start();
    run(async {
        let stranger = server.config().with_application_name("somebody else");
        let stranger = Postgres::new(stranger, PoolMode::Dedicated, PgOptions::default()).unwrap().session();
        ask_one(&stranger, "SELECT 1", &[]).await;
        let load = server.open(PoolMode::Dedicated);
        let sessions = [load.session(), load.session(), load.session()];
        let mut pids = Vec::new();
        for session in &sessions {
            pids.push(ask_one(session, "SELECT pg_backend_pid()", &[]).await);
        }
        let pids = [Value::Array(pids)];
        assert_eq!(kill_backends(&server.config(), Some(2)).await, Ok(2));
        // A backend ends a moment after it was told to.
        let left = "SELECT count(*) FROM pg_stat_activity WHERE pid = ANY ($1::int[])";
        while ask_one(&stranger, left, &pids).await != Value::Int(1) {}
        ask_one(&stranger, "SELECT 1", &[]).await;
    });
}
