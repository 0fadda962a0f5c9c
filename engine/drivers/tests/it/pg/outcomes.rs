//! Every outcome, produced by a real server.

use drivers::Value;
use drivers::pg::{Isolation, PgError, PoolMode, Reply, Rule, Session, Statement};
use model::outcome::Outcome;

use super::server::{MODES, Server, ask, ask_one, batch, plain, run, why};

async fn end_of(session: &Session, sql: &str, params: &[Value]) -> (Outcome, Option<String>) {
    let reply = session.run(&plain(sql), params).await;
    ending(&reply)
}

fn ending(reply: &Reply) -> (Outcome, Option<String>) {
    (reply.outcome, reply.class_name().map(str::to_owned))
}

fn class(name: &str) -> Option<String> {
    Some(name.to_owned())
}

#[test]
fn errors_of_the_server_become_outcomes_with_their_sqlstate() {
    let server = Server::start();
    server.in_all_modes(async |_, session| {
        batch(
            &session,
            "DROP TABLE IF EXISTS t; CREATE TABLE t (id int4 PRIMARY KEY, n int4 CHECK (n > 0));
             INSERT INTO t VALUES (1, 1)",
        )
        .await;
        for (sql, params, expected) in [
            ("INSERT INTO t VALUES (1, 2)", vec![], (Outcome::Conflict, class("23505"))),
            ("INSERT INTO t VALUES (2, -1)", vec![], (Outcome::Rejected, class("23514"))),
            ("SELECT $1::json", vec!["{".into()], (Outcome::Rejected, class("22P02"))),
            ("SELECT 1 / $1::int4", vec![0.into()], (Outcome::Rejected, class("22012"))),
            ("SELECT * FROM nowhere", vec![], (Outcome::Error, class("42P01"))),
            ("SELEKT 1", vec![], (Outcome::Error, class("42601"))),
            ("UPDATE t SET n = 5 WHERE id = 1", vec![], (Outcome::Ok, None)),
        ] {
            assert_eq!(end_of(&session, sql, &params).await, expected, "{sql}");
        }
    });
}

#[test]
fn a_row_that_is_not_there_is_a_conflict_or_empty_by_the_rule() {
    let server = Server::start();
    server.in_all_modes(async |_, session| {
        batch(
            &session,
            "DROP TABLE IF EXISTS t; CREATE TABLE t (id int4, seq int4); INSERT INTO t VALUES (1, 0)",
        )
        .await;
        let cas = "UPDATE t SET seq = seq + 1 WHERE id = 1 AND seq = $1";
        for (sql, rule, outcome) in [
            (cas, Rule::NoRowIsConflict, Outcome::Conflict),
            (cas, Rule::NoRowIsEmpty, Outcome::Empty),
            (cas, Rule::Plain, Outcome::Ok),
            ("SELECT * FROM t WHERE seq = $1", Rule::NoRowIsEmpty, Outcome::Empty),
        ] {
            let statement = Statement::new("cas", sql, rule);
            let reply = session.run(&statement, &[7.into()]).await;
            assert_eq!((reply.outcome, reply.class, reply.affected), (outcome, None, 0), "{rule:?}");
        }
        let reply = session.run(&Statement::new("cas", cas, Rule::NoRowIsConflict), &[0.into()]).await;
        assert_eq!((reply.outcome, reply.affected), (Outcome::Ok, 1));
    });
}

#[test]
fn an_error_carries_what_the_server_said_and_the_operations_name() {
    let server = Server::start();
    server.in_all_modes(async |_, session| {
        batch(&session, "DROP TABLE IF EXISTS t; CREATE TABLE t (id int4 CONSTRAINT only_once UNIQUE)").await;
        ask(&session, "INSERT INTO t VALUES (1)", &[]).await;
        let reply = session.run(&Statement::new("push", "INSERT INTO t VALUES (1)", Rule::Plain), &[]).await;
        assert_eq!(
            why(&reply),
            "push: duplicate key value violates unique constraint \"only_once\" (SQLSTATE 23505); \
             detail: Key (id)=(1) already exists."
        );
        assert_eq!(reply.error.unwrap().server().unwrap().constraint.as_deref(), Some("only_once"));

        let reply = session.run(&Statement::new("look", "SELECT idd FROM t", Rule::Plain), &[]).await;
        let error = reply.error.unwrap();
        let server = error.server().unwrap();
        assert_eq!((server.position, server.severity.as_str()), (Some(8), "ERROR"));
        assert_eq!(server.hint.as_deref(), Some("Perhaps you meant to reference the column \"t.id\"."));
        assert!(
            error
                .to_string()
                .starts_with("look: column \"idd\" does not exist (SQLSTATE 42703) at character 8")
        );
    });
}

#[test]
fn concurrent_serializable_transactions_conflict() {
    let server = Server::start();
    server.in_all_modes(async |postgres, one| {
        let two = postgres.session();
        batch(&one, "DROP TABLE IF EXISTS t; CREATE TABLE t (side int4)").await;
        // Each reads what the other writes: no order of the two explains both.
        for (session, side) in [(&one, 1), (&two, 2)] {
            assert!(session.begin(Isolation::Serializable).await.is_ok());
            ask(session, "SELECT count(*) FROM t WHERE side = $1", &[side.into()]).await;
        }
        ask(&one, "INSERT INTO t VALUES (2)", &[]).await;
        ask(&two, "INSERT INTO t VALUES (1)", &[]).await;
        assert!(one.commit().await.is_ok());
        assert_eq!(ending(&two.commit().await), (Outcome::Conflict, class("40001")));
        assert_eq!(ask_one(&one, "SELECT count(*) FROM t", &[]).await, Value::Int(1));
    });
}

#[test]
fn a_row_that_is_locked_throttles_who_will_not_wait() {
    let server = Server::start();
    server.in_all_modes(async |postgres, one| {
        batch(&one, "DROP TABLE IF EXISTS t; CREATE TABLE t (id int4); INSERT INTO t VALUES (1)").await;
        assert!(one.begin(Isolation::Default).await.is_ok());
        ask(&one, "SELECT * FROM t FOR UPDATE", &[]).await;
        let two = postgres.session();
        let ended = end_of(&two, "SELECT * FROM t FOR UPDATE NOWAIT", &[]).await;
        assert_eq!(ended, (Outcome::Throttled, class("55P03")));
        assert!(one.rollback().await.is_ok());
    });
}

#[test]
fn too_many_connections_throttle_and_the_error_says_what_to_do() {
    let server = Server::start();
    run(async {
        let admin = server.open(PoolMode::Dedicated).session();
        batch(&admin, "CREATE ROLE guest LOGIN CONNECTION LIMIT 1").await;
        let url = format!("{}&user=guest", server.embedded().url());
        let guest = |mode| server.open_at(&url, mode);
        let first = guest(PoolMode::Dedicated).session();
        ask(&first, "SELECT 1", &[]).await;
        for mode in MODES {
            let reply = guest(mode).session().run(&plain("SELECT 1"), &[]).await;
            assert_eq!(ending(&reply), (Outcome::Throttled, class("53300")), "{mode:?}");
            assert!(matches!(reply.error.as_deref(), Some(PgError::Connect { .. })));
            let message = why(&reply);
            assert!(message.contains("user `guest`") && message.contains("max_connections"), "{message}");
        }
    });
}

#[test]
fn what_must_not_go_through_run_is_refused_with_the_way_to_do_it() {
    let server = Server::start();
    server.in_all_modes(async |_, session| {
        for (sql, advice) in
            [("BEGIN", "use begin, commit and rollback"), ("COPY t FROM STDIN", "use copy_in")]
        {
            let reply = session.run(&plain(sql), &[]).await;
            assert_eq!(ending(&reply), (Outcome::Error, class("refused")));
            assert!(why(&reply).contains(advice), "{}", why(&reply));
        }
        // A COPY hidden in a batch gets an answer too.
        batch(&session, "CREATE TABLE IF NOT EXISTS t (id int4)").await;
        let reply = session.batch("SELECT 1; COPY t FROM STDIN").await;
        assert_ne!(reply.outcome, Outcome::Ok);
        assert_eq!(ask_one(&session, "SELECT 1", &[]).await, Value::Int(1));
    });
}

#[test]
fn a_zero_byte_is_refused_before_anything_is_written() {
    let server = Server::start();
    server.in_all_modes(async |_, session| {
        // One that is stale, so that the next request to prepare has something to close.
        batch(&session, "DROP TABLE IF EXISTS t; CREATE TABLE t (a int4)").await;
        let all = plain("SELECT * FROM t");
        session.run(&all, &[]).await;
        session.run(&all, &[]).await;
        batch(&session, "ALTER TABLE t ADD b int4").await;
        session.run(&all, &[]).await;
        session.run(&all, &[]).await;
        let bad = "SELECT 'a\0b'";
        let target = drivers::pg::CopyTarget::new("copy", "t", &["a\0b"]);
        let no_rows: [Vec<Value>; 0] = [];
        for reply in [
            session.run(&plain(bad), &[]).await,
            session.batch(bad).await,
            session.copy_in(&target, no_rows).await,
        ] {
            assert_eq!(ending(&reply), (Outcome::Error, class("refused")));
            assert!(why(&reply).contains("zero byte"), "{}", why(&reply));
        }
        let error = session.describe(&plain(bad)).await.unwrap_err();
        assert!(error.to_string().contains("zero byte"), "{error}");
        for number in 0..4 {
            assert_eq!(ask_one(&session, "SELECT $1::int8", &[number.into()]).await, Value::Int(number));
        }
    });
}

#[test]
fn a_statement_survives_a_change_of_its_table() {
    let server = Server::start();
    server.in_all_modes(async |_, session| {
        batch(&session, "DROP TABLE IF EXISTS t; CREATE TABLE t (a int4); INSERT INTO t VALUES (1)").await;
        let all = plain("SELECT * FROM t");
        assert_eq!(session.run(&all, &[]).await.rows.columns().len(), 1);
        batch(&session, "ALTER TABLE t ADD b text DEFAULT 'new'").await;
        // A shared connection at a time meets the stale plan and prepares anew after it.
        for _ in 0..2 {
            session.run(&all, &[]).await;
        }
        let reply = session.run(&all, &[]).await;
        assert!(reply.is_ok(), "{}", why(&reply));
        assert_eq!(reply.rows.first().unwrap().text(1), Some("new"));
    });
}
