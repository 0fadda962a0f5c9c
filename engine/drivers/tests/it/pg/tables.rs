//! The table handle: head rows and queues.

use drivers::Value;
use drivers::pg::{ClaimSpec, Isolation, Reply, Table, TableSpec, Take};
use model::outcome::Outcome;

use super::server::{Server, ask_one, batch, why};

async fn ok(reply: impl Future<Output = Reply>) -> Reply {
    let reply = reply.await;
    assert!(reply.is_ok(), "{:?} {}", reply.outcome, why(&reply));
    reply
}

fn ints(reply: &Reply, column: usize) -> Vec<i64> {
    reply.rows.iter().filter_map(|row| row.int(column)).collect()
}

#[test]
fn a_head_row_lives_by_compare_and_swap() {
    let server = Server::start();
    server.in_all_modes(async |_, session| {
        batch(
            &session,
            "DROP TABLE IF EXISTS run_head;
             CREATE TABLE run_head (run_id text PRIMARY KEY, seq int8 NOT NULL, status text, attempt int4)",
        )
        .await;
        let heads =
            Table::new(TableSpec::new("public.run_head", &["run_id"], &["status", "attempt"])).unwrap();
        let key = ["r1".into()];
        ok(heads.insert(&session, &[0, 1, 2], &["r1".into(), 0.into(), "new".into()])).await;
        let twice = heads.insert(&session, &[0, 1, 2], &["r1".into(), 0.into(), "new".into()]).await;
        assert_eq!((twice.outcome, twice.class_name()), (Outcome::Conflict, Some("23505")));

        let bumped = ok(heads.cas(&session, &key, 0, &[], &[])).await;
        assert_eq!(ints(&bumped, 0), [1]);
        let stale = heads.cas(&session, &key, 0, &[], &[]).await;
        assert_eq!((stale.outcome, stale.class), (Outcome::Conflict, None));
        let set = ok(heads.cas(&session, &key, 1, &[3, 2], &[5.into(), "running".into()])).await;
        assert_eq!(ints(&set, 0), [2]);

        let got = ok(heads.get(&session, &key)).await;
        let row = got.rows.first().unwrap();
        assert_eq!(
            (row.text(0), row.int(1), row.text(2), row.int(3)),
            (Some("r1"), Some(2), Some("running"), Some(5))
        );
        assert_eq!(heads.get(&session, &["none".into()]).await.outcome, Outcome::Empty);

        assert_eq!(heads.delete(&session, &key, Some(1)).await.outcome, Outcome::Conflict);
        ok(heads.delete(&session, &key, Some(2))).await;
        assert_eq!(heads.delete(&session, &key, None).await.outcome, Outcome::Empty);
    });
}

#[test]
fn many_rows_go_in_at_once_all_or_none() {
    let server = Server::start();
    server.in_all_modes(async |_, session| {
        batch(
            &session,
            "DROP TABLE IF EXISTS item; DROP TYPE IF EXISTS mood CASCADE; CREATE TYPE mood AS ENUM ('sad', 'glad');
             CREATE TABLE item (id int8 PRIMARY KEY, body jsonb, tags text[], mood mood)",
        )
        .await;
        let spec = TableSpec::new("item", &["id"], &["body", "tags", "mood"]).without_version();
        let items = Table::new(spec).unwrap();
        let rows = |ids: std::ops::Range<i64>| -> Vec<Value> {
            ids.flat_map(|id| [id.into(), Value::Json(format!("{{\"n\": {id}}}")), "glad".into()]).collect()
        };
        // A type that arrays can carry goes as arrays; sizes may differ from call to call.
        assert_eq!(ok(items.insert_many(&session, &[0, 1, 3], &rows(0..100))).await.affected, 100);
        assert_eq!(ok(items.insert_many(&session, &[0, 1, 3], &rows(100..107))).await.affected, 7);
        let clash = items.insert_many(&session, &[0, 1, 3], &rows(106..120)).await;
        assert_eq!(clash.outcome, Outcome::Conflict);
        // An array column does not: arrays of arrays would be flattened.
        let tagged: Vec<Value> = vec![500.into(), vec!["a", "b"].into(), 501.into(), Value::Array(vec![])];
        assert_eq!(ok(items.insert_many(&session, &[0, 2], &tagged)).await.affected, 2);

        let sum = ask_one(&session, "SELECT sum((body->>'n')::int8)::int8 FROM item", &[]).await;
        assert_eq!(sum, Value::Int((0..107).sum()));
        let tags = ask_one(&session, "SELECT tags FROM item WHERE id = 500", &[]).await;
        assert_eq!(tags, vec!["a", "b"].into());
        let uneven = items.insert_many(&session, &[0, 1, 3], &rows(0..1)[..2]).await;
        assert!(why(&uneven).contains("do not make whole rows"), "{}", why(&uneven));
    });
}

#[test]
fn a_queue_gives_each_item_once_in_order() {
    let server = Server::start();
    server.in_all_modes(async |postgres, session| {
        batch(
            &session,
            "DROP TABLE IF EXISTS item;
             CREATE TABLE item (id int8 PRIMARY KEY, queue text, priority int4);
             INSERT INTO item SELECT n, 'a', n % 3 FROM generate_series(1, 9) AS n;
             INSERT INTO item VALUES (100, 'b', 0)",
        )
        .await;
        let items =
            Table::new(TableSpec::new("item", &["id"], &["queue", "priority"]).without_version()).unwrap();
        let pop = items.claim(ClaimSpec {
            filter: Some("queue = $1".to_owned()),
            order: Some("priority, id".to_owned()),
            take: Take::Delete,
        });
        let queue = ["a".into()];
        assert_eq!(ints(&ok(pop.run(&session, 4, &queue)).await, 0), [3, 6, 9, 1]);

        // What another has locked is skipped, not waited for.
        let other = postgres.session();
        assert!(other.begin(Isolation::Default).await.is_ok());
        assert_eq!(ints(&ok(pop.run(&other, 1, &queue)).await, 0), [4]);
        assert_eq!(ints(&ok(pop.run(&session, 2, &queue)).await, 0), [7, 2]);
        assert!(other.rollback().await.is_ok());

        assert_eq!(ints(&ok(pop.run(&session, 100, &queue)).await, 0), [4, 5, 8]);
        assert_eq!(pop.run(&session, 1, &queue).await.outcome, Outcome::Empty);
        assert_eq!(ask_one(&session, "SELECT count(*) FROM item", &[]).await, Value::Int(1));
    });
}

#[test]
fn a_claim_may_mark_instead_of_taking_away() {
    let server = Server::start();
    server.in_all_modes(async |_, session| {
        batch(
            &session,
            "DROP TABLE IF EXISTS task;
             CREATE TABLE task (id int8 PRIMARY KEY, owner text, lease_until timestamptz, tries int4 DEFAULT 0);
             INSERT INTO task SELECT n FROM generate_series(1, 3) AS n",
        )
        .await;
        let tasks = Table::new(TableSpec::new("task", &["id"], &["owner", "tries"]).without_version()).unwrap();
        let claim = tasks.claim(ClaimSpec {
            filter: Some("owner IS NULL OR lease_until < now()".to_owned()),
            order: Some("id".to_owned()),
            take: Take::Set("owner = $1, tries = tries + 1, lease_until = now() + $2 * interval '1 s'".to_owned()),
        });
        let reply = ok(claim.run(&session, 2, &["w1".into(), 3600.0.into()])).await;
        assert_eq!(ints(&reply, 0), [1, 2]);
        assert_eq!(reply.rows.first().unwrap().text(1), Some("w1"));
        // A lease that has run out before it began: the task is free at once.
        let reply = ok(claim.run(&session, 2, &["w2".into(), (-1.0).into()])).await;
        assert_eq!(ints(&reply, 0), [3]);
        let again = ok(claim.run(&session, 2, &["w3".into(), 3600.0.into()])).await;
        assert_eq!((ints(&again, 0), ints(&again, 2)), (vec![3], vec![2]));
        assert_eq!(claim.run(&session, 2, &["w4".into(), 1.0.into()]).await.outcome, Outcome::Empty);
    });
}

#[test]
fn what_a_handle_cannot_do_is_told() {
    let server = Server::start();
    server.in_all_modes(async |_, session| {
        let items = Table::new(TableSpec::new("item", &["id"], &[]).without_version()).unwrap();
        let reply = items.cas(&session, &[1.into()], 0, &[], &[]).await;
        assert_eq!((reply.outcome, reply.class_name()), (Outcome::Error, Some("refused")));
        assert!(why(&reply).contains("item.cas: the table was described without a version column"));
    });
}
