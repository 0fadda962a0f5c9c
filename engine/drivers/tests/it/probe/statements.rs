//! The statements that take the time come to the top under a stable name.

use drivers::Value;
use drivers::probe::PgPart;

use super::world::{World, expect, look, shared, start, the};
use crate::pg::server::{ask, batch, run};

#[test]
fn the_load_comes_to_the_top_and_the_probe_does_not() {
    shared(top);
}

pub(crate) fn top(world: &World<'_>) {
    run(async {
        let session = world.session();
        batch(&session, "CREATE TABLE t (id int PRIMARY KEY, n int); INSERT INTO t VALUES (1, 0)").await;
        let mut probe = world.probe(PgPart::Statements, &[]);
        assert_eq!(look(&mut probe).await.samples, []);
        let load = async || {
            for n in 0..20 {
                let sql = "UPDATE t SET n = n + $1::int4 WHERE id = 1 AND 'secret' <> 'x'";
                ask(&session, sql, &[Value::Int(n)]).await;
            }
        };
        load().await;
        let harvest = look(&mut probe).await;
        let mark = the(&harvest.marks, "UPDATE t SET n = n + $1");
        let name = mark.strip_prefix("statement ").and_then(|rest| rest.split(':').next()).expect("a name");
        assert_eq!(name.len(), 6, "{mark}");
        assert!(!mark.contains("secret"), "{mark}");
        assert!(expect(&harvest, &format!("postgres.statement.{name}.calls_per_s")) > 0.0);
        assert!(expect(&harvest, &format!("postgres.statement.{name}.mean_ms")) > 0.0);
        assert!(harvest.samples.len() <= 20);
        // Later looks know it; what is not called is not there; the probe's own statements never are.
        let harvest = look(&mut probe).await;
        assert!(harvest.samples.iter().all(|sample| !sample.series.contains(name)));
        load().await;
        load().await;
        // What was called in the warm-up is not told in the window.
        probe.measured_from_now();
        assert_eq!(look(&mut probe).await.samples, []);
        ask(&session, "SELECT pg_stat_statements_reset()", &[]).await;
        load().await;
        let harvest = look(&mut probe).await;
        assert!(expect(&harvest, &format!("postgres.statement.{name}.calls_per_s")) > 0.0);
        for mark in harvest.marks {
            assert!(!mark.contains("snapbench probe") && !mark.contains("UPDATE t"), "{mark}");
        }
    });
}

#[test]
fn a_server_that_does_not_load_it_is_told_how_to() {
    let server = start(None, &[("shared_preload_libraries", "")]);
    let world = World::on(&server);
    run(async {
        let mut probe = world.probe(PgPart::Statements, &[]);
        let harvest = probe.sample().await;
        assert_eq!(harvest.failure, None);
        the(&harvest.lacks, "add it to shared_preload_libraries and restart the server");
        assert_eq!(look(&mut probe).await.samples, []);
    });
}
