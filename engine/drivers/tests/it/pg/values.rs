//! Values of every type that scenarios meet, there and back through a real server.

use bytes::Bytes;
use drivers::Value;
use model::outcome::Outcome;
use uuid::Uuid;

use super::server::{Server, ask, ask_one, batch, plain, why};

#[test]
fn values_pass_both_ways() {
    let server = Server::start();
    server.in_all_modes(async |_, session| {
        let uuid = Uuid::from_u128(0x0123_4567_89ab_cdef_0123_4567_89ab_cdef);
        // Type, value, and how the server itself writes it.
        let cases: Vec<(&str, Value, &str)> = vec![
            ("text", "grüß 'dich' \\".into(), "grüß 'dich' \\"),
            ("text", "".into(), ""),
            ("varchar(10)", "short".into(), "short"),
            ("name", "identifier".into(), "identifier"),
            ("int2", Value::Int(-32_768), "-32768"),
            ("int4", Value::Int(2_147_483_647), "2147483647"),
            ("int8", Value::Int(i64::MIN), "-9223372036854775808"),
            ("oid", Value::Int(4_294_967_295), "4294967295"),
            ("float4", Value::Float(0.1), "0.1"),
            ("float8", Value::Float(-1.5e300), "-1.5e+300"),
            ("float8", Value::Float(f64::INFINITY), "Infinity"),
            ("bool", Value::Bool(true), "true"),
            ("timestamptz", Value::Timestamp(1_767_323_045_678_901), "2026-01-02 03:04:05.678901+00"),
            ("timestamp", Value::Timestamp(-1), "1969-12-31 23:59:59.999999"),
            ("timestamptz", Value::INFINITY, "infinity"),
            ("date", Value::Timestamp(1_767_312_000_000_000), "2026-01-02"),
            ("date", Value::NEG_INFINITY, "-infinity"),
            ("uuid", Value::Uuid(uuid), "01234567-89ab-cdef-0123-456789abcdef"),
            ("json", Value::Json("{\"a\":  1}".into()), "{\"a\":  1}"),
            ("jsonb", Value::Json("{\"a\": [1, null]}".into()), "{\"a\": [1, null]}"),
            ("bytea", Value::Bytes(Bytes::from_static(&[0, 1, 255])), "\\x0001ff"),
            ("numeric", Value::Numeric("-12345678901234567890.1200".into()), "-12345678901234567890.1200"),
            ("numeric", Value::Numeric("0.00001".into()), "0.00001"),
            ("numeric", Value::Numeric("NaN".into()), "NaN"),
            ("numeric(6,2)", Value::Numeric("1000.00".into()), "1000.00"),
            ("text[]", vec![Some("a"), None, Some("c,\"d\"")].into(), "{a,NULL,\"c,\\\"d\\\"\"}"),
            ("int8[]", Value::Array(vec![]), "{}"),
            ("int4[]", Value::Array(vec![vec![1, 2].into(), vec![3, 4].into()]), "{{1,2},{3,4}}"),
            ("uuid[]", vec![uuid].into(), "{01234567-89ab-cdef-0123-456789abcdef}"),
            ("jsonb[]", Value::Array(vec![Value::Json("1".into())]), "{1}"),
            ("numeric[]", Value::Array(vec![Value::Numeric("1.50".into())]), "{1.50}"),
            ("timestamptz[]", Value::Array(vec![Value::Timestamp(0)]), "{\"1970-01-01 00:00:00+00\"}"),
        ];
        for (ty, value, text) in cases {
            let back = ask_one(&session, &format!("SELECT $1::{ty}"), std::slice::from_ref(&value)).await;
            assert_eq!(back, value, "{ty}");
            let as_text =
                ask_one(&session, &format!("SELECT $1::{ty}::text"), std::slice::from_ref(&value)).await;
            assert_eq!(as_text, text.into(), "{ty}");
            let null = ask_one(&session, &format!("SELECT $1::{ty}"), &[Value::Null]).await;
            assert_eq!(null, Value::Null, "{ty}");
        }
    });
}

#[test]
fn what_is_not_the_type_is_read_as_it_where_nothing_is_lost() {
    let server = Server::start();
    server.in_all_modes(async |_, session| {
        for (ty, value, expected) in [
            ("text", Value::Int(42), "42"),
            ("int4", "42".into(), "42"),
            ("numeric", Value::Float(0.1), "0.1"),
            ("timestamptz", "2026-01-02T04:04:05+01:00".into(), "2026-01-02 03:04:05+00"),
            ("uuid", "01234567-89AB-cdef-0123-456789abcdef".into(), "01234567-89ab-cdef-0123-456789abcdef"),
            ("jsonb", Value::Int(7), "7"),
            ("bytea", "ab".into(), "\\x6162"),
        ] {
            let text = ask_one(&session, &format!("SELECT $1::{ty}::text"), &[value]).await;
            assert_eq!(text, expected.into(), "{ty}");
        }
    });
}

#[test]
fn a_bad_parameter_is_told_by_number_value_and_type_and_sends_nothing() {
    let server = Server::start();
    server.in_all_modes(async |_, session| {
        for (sql, params, message) in [
            (
                "SELECT $1::int2, $2::int2",
                vec![Value::Int(1), Value::Int(40_000)],
                "test: parameter $2 must be int2, but `40000` (int) is out of range for int2 (-32768 to 32767)",
            ),
            (
                "SELECT $1::uuid",
                vec!["nonsense".into()],
                "test: parameter $1 must be uuid, but `nonsense` (text) is not a uuid",
            ),
            ("SELECT $1::int4", vec![], "test: the SQL has 1 parameters, but 0 values were given"),
        ] {
            let reply = session.run(&plain(sql), &params).await;
            assert_eq!((reply.outcome, reply.class_name()), (Outcome::Error, Some("bad_parameter")));
            assert_eq!(why(&reply), message);
            assert_eq!(reply.bytes_sent, 0);
        }
        // The session goes on as if nothing had been.
        assert_eq!(ask_one(&session, "SELECT 1", &[]).await, Value::Int(1));
    });
}

#[test]
fn types_that_users_made_travel_and_others_are_named() {
    let server = Server::start();
    server.in_all_modes(async |_, session| {
        batch(
            &session,
            "DROP SCHEMA IF EXISTS app CASCADE; CREATE SCHEMA app;
             CREATE TYPE app.mood AS ENUM ('sad', 'glad');
             CREATE DOMAIN app.positive AS int4 CHECK (value > 0);
             CREATE DOMAIN app.moods AS app.mood[];
             CREATE TYPE app.pair AS (a int4, b int4);
             CREATE TABLE app.t (m app.mood, p app.positive, ms app.mood[], d app.moods)",
        )
        .await;
        let insert = "INSERT INTO app.t VALUES ($1, $2, $3, $4)";
        ask(&session, insert, &["glad".into(), 7.into(), vec!["sad"].into(), vec!["glad"].into()]).await;
        let reply = ask(&session, "SELECT m, p, ms, d FROM app.t", &[]).await;
        let row = reply.rows.first().unwrap();
        let values: Vec<_> = (0..4).map(|index| row.value(index).unwrap()).collect();
        assert_eq!(values, ["glad".into(), 7.into(), vec!["sad"].into(), vec!["glad"].into()]);

        for (sql, params, message) in [
            (
                "SELECT '::1'::inet AS address",
                vec![],
                "test: column `address` has the type inet, which is not supported: cast it to text in the SQL \
                 (address::text)",
            ),
            (
                "SELECT ($1::app.pair).a",
                vec!["(1,2)".into()],
                "test: parameter $1 has the type \"app\".\"pair\", which is not supported: cast it to text in \
                 the SQL ($1::text::\"app\".\"pair\")",
            ),
        ] {
            let reply = session.run(&plain(sql), &params).await;
            assert_eq!((reply.outcome, reply.class_name()), (Outcome::Error, Some("unsupported_type")));
            assert_eq!(why(&reply), message);
        }
        let advised = ask_one(&session, "SELECT ($1::text::app.pair).b", &["(1,2)".into()]).await;
        assert_eq!(advised, Value::Int(2));
    });
}

#[test]
fn rows_come_in_any_number_and_size() {
    let server = Server::start();
    server.in_all_modes(async |_, session| {
        let reply = ask(
            &session,
            "SELECT n, repeat('x', $1) FROM generate_series(1, $2) AS n",
            &[1000.into(), 5000.into()],
        )
        .await;
        assert_eq!((reply.rows.len(), reply.affected), (5000, 5000));
        assert!(reply.bytes_received > 5_000_000, "{}", reply.bytes_received);
        for (index, row) in reply.rows.iter().enumerate() {
            assert_eq!(row.int(0), Some(index as i64 + 1));
            assert_eq!(row.text(1).map(str::len), Some(1000));
        }
        let big = "y".repeat(3_000_000);
        let length = ask_one(&session, "SELECT length($1)", &[big.as_str().into()]).await;
        assert_eq!(length, Value::Int(3_000_000));
        assert_eq!(ask_one(&session, "SELECT $1::text", &[big.as_str().into()]).await, big.into());
    });
}
