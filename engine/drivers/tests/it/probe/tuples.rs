//! Dead and free space is what pgstattuple finds, or what statistics say where it may not be called.

use drivers::probe::{PgPart, PgPlan, PgProbe};

use super::world::{World, expect, flush_counts, look, number, plan, shared, the, value};
use crate::pg::server::{ask, batch, run};

const TABLE: &str = "CREATE TABLE t (id int PRIMARY KEY, body text) WITH (autovacuum_enabled = off); \
                     INSERT INTO t SELECT i, repeat('x', 100) FROM generate_series(1, 2000) AS i; \
                     DELETE FROM t WHERE id % 4 = 0";

#[test]
fn space_is_what_pgstattuple_finds() {
    shared(exact);
}

pub(crate) fn exact(world: &World<'_>) {
    run(async {
        let session = world.session();
        batch(&session, TABLE).await;
        // The extension is not there yet: the probe makes it.
        let mut probe = world.probe(PgPart::Tuples, &["t"]);
        let harvest = look(&mut probe).await;
        assert_eq!(harvest.marks, ["dead_percent of t by pgstattuple"]);
        for (what, column) in [
            ("dead_percent", "dead_tuple_percent"),
            ("free_percent", "free_percent"),
            ("live_percent", "tuple_percent"),
        ] {
            let theirs = number(&session, &format!("SELECT {column} FROM pgstattuple('t')")).await;
            let ours = expect(&harvest, &format!("t.{what}"));
            // Theirs is rounded.
            assert!((ours - theirs).abs() <= 0.005, "{what}: {ours} and {theirs}");
        }
        let dead = number(&session, "SELECT dead_tuple_len FROM pgstattuple('t')").await;
        assert_eq!(expect(&harvest, "t.dead_tuple_bytes"), dead);
        assert!(dead > 0.0);
        assert_eq!(look(&mut probe).await.marks, [""; 0], "told once");
    });
}

#[test]
fn a_large_table_is_estimated() {
    shared(approximate);
}

pub(crate) fn approximate(world: &World<'_>) {
    run(async {
        let session = world.session();
        batch(&session, TABLE).await;
        let estimate = PgPlan { tuples_max_exact_bytes: 8192, ..plan(&["t"]) };
        let mut probe = PgProbe::new(world.config(), PgPart::Tuples, estimate);
        let harvest = look(&mut probe).await;
        the(&harvest.marks, "dead_percent of t by pgstattuple_approx");
        let sql = "SELECT 100.0 * approx_tuple_len / table_len FROM pgstattuple_approx('t')";
        let theirs = number(&session, sql).await;
        assert!((expect(&harvest, "t.live_percent") - theirs).abs() < 1e-9);
        // The estimate counts free space by the map, which does not know line pointers: another figure.
        let exact = number(&session, "SELECT 100.0 * free_space / table_len FROM pgstattuple('t')").await;
        let sql = "SELECT 100.0 * approx_free_space / table_len FROM pgstattuple_approx('t')";
        let estimated = number(&session, sql).await;
        let ours = expect(&harvest, "t.free_percent");
        assert!((ours - estimated).abs() < 1e-9, "{ours}, {estimated} and exactly {exact}");
    });
}

#[test]
fn leaves_are_read_together() {
    shared(partitions);
}

pub(crate) fn partitions(world: &World<'_>) {
    run(async {
        let session = world.session();
        batch(
            &session,
            "CREATE TABLE part (id int) PARTITION BY RANGE (id); \
             CREATE TABLE clean PARTITION OF part FOR VALUES FROM (0) TO (1000); \
             CREATE TABLE dirty PARTITION OF part FOR VALUES FROM (1000) TO (2000); \
             CREATE TABLE empty PARTITION OF part FOR VALUES FROM (2000) TO (3000); \
             INSERT INTO part SELECT generate_series(0, 1999); DELETE FROM part WHERE id >= 1000",
        )
        .await;
        let mut probe = world.probe(PgPart::Tuples, &["part"]);
        let harvest = look(&mut probe).await;
        let sql = "SELECT 100.0 * d.dead_tuple_len / (c.table_len + d.table_len) \
                   FROM pgstattuple('clean') AS c, pgstattuple('dirty') AS d";
        assert!((expect(&harvest, "part.dead_percent") - number(&session, sql).await).abs() < 1e-9);
    });
}

#[test]
fn without_the_right_statistics_have_to_do() {
    shared(rights);
}

pub(crate) fn rights(world: &World<'_>) {
    run(async {
        let session = world.session();
        batch(&session, TABLE).await;
        flush_counts(&session).await;
        let role = format!("reader_of_{}", world.database);
        let config = world.config_of(&role).await;
        let mut probe = PgProbe::new(config.clone(), PgPart::Tuples, plan(&["t"]));
        let harvest = probe.sample().await;
        assert_eq!(harvest.failure, None);
        // 500 of 2,000 rows are dead.
        assert_eq!(expect(&harvest, "t.dead_percent"), 25.0);
        assert_eq!(value(&harvest, "t.free_percent"), None);
        let lack = the(&harvest.lacks, "pgstattuple");
        for part in ["cannot be created", "permission denied", "dead_percent comes from statistics"] {
            assert!(lack.contains(part), "{part} is missing in: {lack}");
        }
        assert!(lack.contains(&format!(
            "CREATE EXTENSION pgstattuple as a superuser in the database `{}`",
            world.database
        )));
        assert_eq!(probe.sample().await.lacks, Vec::<String>::new(), "once is enough");
        // Somebody helps, but not all the way; then all the way; then takes it back.
        batch(&session, "CREATE EXTENSION pgstattuple").await;
        let harvest = probe.sample().await;
        assert!(the(&harvest.lacks, "may not be called").contains("GRANT pg_stat_scan_tables"));
        assert_eq!(expect(&harvest, "t.dead_percent"), 25.0);
        batch(&session, &format!("GRANT pg_stat_scan_tables TO {role}")).await;
        assert!(value(&look(&mut probe).await, "t.free_percent").is_some());
        batch(&session, &format!("REVOKE pg_stat_scan_tables FROM {role}")).await;
        let harvest = look(&mut probe).await;
        assert_eq!(value(&harvest, "t.free_percent"), None);
        assert_eq!(expect(&harvest, "t.dead_percent"), 25.0);
    });
}

#[test]
fn an_extension_that_is_dropped_is_missed_once() {
    shared(dropped_extension);
}

pub(crate) fn dropped_extension(world: &World<'_>) {
    run(async {
        let session = world.session();
        batch(&session, TABLE).await;
        flush_counts(&session).await;
        batch(&session, "CREATE SCHEMA ext; CREATE EXTENSION pgstattuple SCHEMA ext").await;
        let mut probe = world.probe(PgPart::Tuples, &["t"]);
        assert!(value(&look(&mut probe).await, "t.free_percent").is_some());
        // Made again by the probe, in another schema; the second time somebody means it.
        ask(&session, "DROP EXTENSION pgstattuple", &[]).await;
        assert!(value(&look(&mut probe).await, "t.free_percent").is_some());
        ask(&session, "DROP EXTENSION pgstattuple", &[]).await;
        let harvest = probe.sample().await;
        assert_eq!(harvest.failure, None);
        the(&harvest.lacks, "it was there and is gone");
        assert_eq!(expect(&harvest, "t.dead_percent"), 25.0);
        look(&mut probe).await;
    });
}
