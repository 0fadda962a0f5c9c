//! COPY into tables.

use drivers::Value;
use drivers::pg::{CopyTarget, Isolation};
use model::outcome::Outcome;
use uuid::Uuid;

use super::server::{Server, ask, ask_one, batch, why};

const TABLE: &str = "DROP TABLE IF EXISTS t;
    CREATE TABLE t (id int8 PRIMARY KEY, name text, price numeric, at timestamptz, key uuid, tags text[])";

fn target() -> CopyTarget {
    CopyTarget::new("fill", "public.t", &["id", "name", "price", "at", "key", "tags"])
}

fn row(id: i64) -> [Value; 6] {
    [
        Value::Int(id),
        if id % 3 == 0 { Value::Null } else { format!("name {id}").into() },
        Value::Numeric(format!("{id}.25")),
        Value::Timestamp(id * 1_000_000),
        Uuid::from_u128(id as u128).into(),
        vec!["a", "b"].into(),
    ]
}

#[test]
fn rows_arrive_as_they_were_given() {
    let server = Server::start();
    server.in_all_modes(async |_, session| {
        batch(&session, TABLE).await;
        let reply = session.copy_in(&target(), (1..=20_000).map(row)).await;
        assert_eq!((reply.outcome, reply.affected), (Outcome::Ok, 20_000), "{}", why(&reply));
        assert!(reply.bytes_sent > 1_000_000, "{}", reply.bytes_sent);
        let back = ask(&session, "SELECT * FROM t WHERE id = 777", &[]).await;
        let first = back.rows.first().unwrap();
        let values: Vec<_> = (0..6).map(|index| first.value(index).unwrap()).collect();
        assert_eq!(values, row(777));
        let nulls = ask_one(&session, "SELECT count(*) FROM t WHERE name IS NULL", &[]).await;
        assert_eq!(nulls, Value::Int(6666));
        let none = session.copy_in(&target(), std::iter::empty::<[Value; 6]>()).await;
        assert_eq!((none.outcome, none.affected), (Outcome::Ok, 0), "{}", why(&none));
    });
}

#[test]
fn a_row_that_does_not_fit_stops_the_copy_and_nothing_arrives() {
    let server = Server::start();
    server.in_all_modes(async |_, session| {
        batch(&session, TABLE).await;
        let rows = (1..=5000).map(|id| {
            let mut row = row(id);
            if id == 4000 {
                row[2] = "a lot".into();
            }
            row
        });
        let reply = session.copy_in(&target(), rows).await;
        assert_eq!((reply.outcome, reply.class_name()), (Outcome::Error, Some("bad_parameter")));
        assert_eq!(
            why(&reply),
            "fill: parameter $3 must be numeric, but `a lot` (text) is not a decimal number (in row 4000)"
        );
        assert_eq!(ask_one(&session, "SELECT count(*) FROM t", &[]).await, Value::Int(0));
    });
}

#[test]
fn a_copy_that_the_server_refuses_ends_with_its_error() {
    let server = Server::start();
    server.in_all_modes(async |_, session| {
        batch(&session, TABLE).await;
        // The duplicate comes early, and much follows it.
        let rows = (1..=50_000).map(|id| row(if id == 10 { 1 } else { id }));
        let reply = session.copy_in(&target(), rows).await;
        assert_eq!(
            (reply.outcome, reply.class_name()),
            (Outcome::Conflict, Some("23505")),
            "{}",
            why(&reply)
        );
        assert_eq!(ask_one(&session, "SELECT count(*) FROM t", &[]).await, Value::Int(0));
        let missing = CopyTarget::new("fill", "nowhere", &["id"]);
        let reply = session.copy_in(&missing, [[Value::Int(1)]]).await;
        assert_eq!((reply.outcome, reply.class_name()), (Outcome::Error, Some("42P01")));
    });
}

#[test]
fn a_copy_is_part_of_its_transaction() {
    let server = Server::start();
    server.in_all_modes(async |_, session| {
        batch(&session, TABLE).await;
        assert!(session.begin(Isolation::Default).await.is_ok());
        assert!(session.copy_in(&target(), (1..=10).map(row)).await.is_ok());
        assert_eq!(ask_one(&session, "SELECT count(*) FROM t", &[]).await, Value::Int(10));
        assert!(session.rollback().await.is_ok());
        assert_eq!(ask_one(&session, "SELECT count(*) FROM t", &[]).await, Value::Int(0));
    });
}
