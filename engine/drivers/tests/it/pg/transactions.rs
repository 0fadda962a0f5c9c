//! Transactions of several statements.

use drivers::Value;
use drivers::pg::Isolation;
use model::outcome::Outcome;

use super::server::{Server, ask, ask_one, batch, plain, why};

const TABLE: &str = "DROP TABLE IF EXISTS t; CREATE TABLE t (id int4 PRIMARY KEY)";
const COUNT: &str = "SELECT count(*) FROM t";

#[test]
fn what_is_committed_is_seen_by_others_and_what_is_rolled_back_is_not() {
    let server = Server::start();
    server.in_all_modes(async |postgres, one| {
        let two = postgres.session();
        batch(&one, TABLE).await;
        assert!(one.begin(Isolation::Default).await.is_ok());
        assert!(one.in_transaction());
        ask(&one, "INSERT INTO t VALUES (1)", &[]).await;
        assert_eq!(ask_one(&one, COUNT, &[]).await, Value::Int(1));
        assert_eq!(ask_one(&two, COUNT, &[]).await, Value::Int(0));
        assert!(one.commit().await.is_ok());
        assert_eq!(ask_one(&two, COUNT, &[]).await, Value::Int(1));

        assert!(one.begin(Isolation::RepeatableRead).await.is_ok());
        ask(&one, "INSERT INTO t VALUES (2)", &[]).await;
        assert!(one.rollback().await.is_ok());
        assert!(!one.in_transaction());
        assert_eq!(ask_one(&one, COUNT, &[]).await, Value::Int(1));
    });
}

#[test]
fn a_failed_transaction_commits_nothing_and_says_so() {
    let server = Server::start();
    server.in_all_modes(async |_, session| {
        batch(&session, TABLE).await;
        assert!(session.begin(Isolation::Default).await.is_ok());
        ask(&session, "INSERT INTO t VALUES (1)", &[]).await;
        assert_eq!(session.run(&plain("INSERT INTO t VALUES (1)"), &[]).await.outcome, Outcome::Conflict);
        let later = session.run(&plain("INSERT INTO t VALUES (2)"), &[]).await;
        assert_eq!((later.outcome, later.class_name()), (Outcome::Error, Some("25P02")));
        let commit = session.commit().await;
        assert_eq!((commit.outcome, commit.class_name()), (Outcome::Error, Some("rolled_back")));
        assert_eq!(ask_one(&session, COUNT, &[]).await, Value::Int(0));
    });
}

#[test]
fn a_savepoint_saves_a_transaction() {
    let server = Server::start();
    server.in_all_modes(async |_, session| {
        batch(&session, TABLE).await;
        assert!(session.begin(Isolation::Default).await.is_ok());
        ask(&session, "INSERT INTO t VALUES (1)", &[]).await;
        ask(&session, "SAVEPOINT here", &[]).await;
        assert_eq!(session.run(&plain("INSERT INTO t VALUES (1)"), &[]).await.outcome, Outcome::Conflict);
        ask(&session, "ROLLBACK TO SAVEPOINT here", &[]).await;
        ask(&session, "INSERT INTO t VALUES (2)", &[]).await;
        let commit = session.commit().await;
        assert!(commit.is_ok(), "{}", why(&commit));
        assert_eq!(ask_one(&session, COUNT, &[]).await, Value::Int(2));
    });
}

#[test]
fn a_constraint_that_is_checked_at_commit_fails_the_commit() {
    let server = Server::start();
    server.in_all_modes(async |_, session| {
        batch(
            &session,
            "DROP TABLE IF EXISTS u; CREATE TABLE u (id int4 UNIQUE DEFERRABLE INITIALLY DEFERRED)",
        )
        .await;
        assert!(session.begin(Isolation::Default).await.is_ok());
        ask(&session, "INSERT INTO u VALUES (1), (1)", &[]).await;
        let commit = session.commit().await;
        assert_eq!((commit.outcome, commit.class_name()), (Outcome::Conflict, Some("23505")));
        // Alone, the statement's own end is the commit: its row count came before the error.
        let alone = session.run(&plain("INSERT INTO u VALUES (1), (1)"), &[]).await;
        assert_eq!((alone.outcome, alone.class_name()), (Outcome::Conflict, Some("23505")));
        assert_eq!(ask_one(&session, "SELECT count(*) FROM u", &[]).await, Value::Int(0));
    });
}

#[test]
fn transactions_are_used_in_their_order() {
    let server = Server::start();
    server.in_all_modes(async |_, session| {
        let commit = session.commit().await;
        assert!(why(&commit).contains("no transaction is open"), "{}", why(&commit));
        assert!(session.rollback().await.is_ok());
        assert!(session.begin(Isolation::Default).await.is_ok());
        let again = session.begin(Isolation::Default).await;
        assert!(why(&again).contains("open already"), "{}", why(&again));
        assert!(session.in_transaction());
        assert!(session.commit().await.is_ok());
    });
}

#[test]
fn a_transaction_dropped_unfinished_is_undone_and_its_connection_not_reused() {
    let server = Server::start();
    server.in_all_modes(async |postgres, one| {
        batch(&one, TABLE).await;
        for _ in 0..5 {
            let leaver = postgres.session();
            assert!(leaver.begin(Isolation::Default).await.is_ok());
            ask(&leaver, "INSERT INTO t VALUES (1)", &[]).await;
            drop(leaver);
        }
        // Would wait for ever, or fail, if one of them were still open.
        ask(&one, "INSERT INTO t VALUES (1)", &[]).await;
        assert_eq!(ask_one(&one, COUNT, &[]).await, Value::Int(1));
    });
}

#[test]
fn a_batch_is_many_statements_and_leaves_no_transaction_open() {
    let server = Server::start();
    server.in_all_modes(async |_, session| {
        batch(&session, TABLE).await;
        let reply = session.batch("INSERT INTO t VALUES (1); INSERT INTO t VALUES (2), (3)").await;
        assert_eq!((reply.outcome, reply.affected), (Outcome::Ok, 2));
        let reply = session.batch("INSERT INTO t VALUES (4); INSERT INTO t VALUES (1)").await;
        assert_eq!((reply.outcome, reply.class_name()), (Outcome::Conflict, Some("23505")));
        assert_eq!(ask_one(&session, COUNT, &[]).await, Value::Int(3));

        let reply = session.batch("BEGIN; INSERT INTO t VALUES (5)").await;
        assert!(why(&reply).contains("left a transaction open"), "{}", why(&reply));
        let reply = session.batch("BEGIN; INSERT INTO t VALUES (1)").await;
        assert_eq!(reply.outcome, Outcome::Conflict);
        assert_eq!(ask_one(&session, COUNT, &[]).await, Value::Int(3));

        assert!(session.begin(Isolation::Default).await.is_ok());
        batch(&session, "INSERT INTO t VALUES (6); INSERT INTO t VALUES (7)").await;
        assert!(session.rollback().await.is_ok());
        assert!(session.begin(Isolation::Default).await.is_ok());
        let reply = session.batch("INSERT INTO t VALUES (8); COMMIT").await;
        assert!(why(&reply).contains("ended the transaction"), "{}", why(&reply));
        assert_eq!(session.commit().await.class_name(), Some("rolled_back"));
        assert_eq!(ask_one(&session, COUNT, &[]).await, Value::Int(4));
    });
}
