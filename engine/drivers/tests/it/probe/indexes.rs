//! Indexes are as dense as pgstatindex finds them.

use drivers::Value;
use drivers::probe::{PgPart, PgPlan, PgProbe};

use super::world::{World, expect, flush_counts, look, number, plan, shared, the, value};
use crate::pg::server::{ask, batch, run};

#[test]
fn density_is_what_pgstatindex_finds() {
    shared(density);
}

pub(crate) fn density(world: &World<'_>) {
    run(async {
        let session = world.session();
        batch(
            &session,
            r#"CREATE TABLE t (id int PRIMARY KEY, n int); CREATE INDEX "Odd ""index" ON t (n);
               CREATE INDEX by_hash ON t USING hash (n); CREATE INDEX nothing ON t (n) WHERE n < 0;
               INSERT INTO t SELECT i, (i * 7919) % 5000 FROM generate_series(1, 5000) AS i"#,
        )
        .await;
        flush_counts(&session).await;
        let mut probe = world.probe(PgPart::Indexes, &["t"]);
        let harvest = look(&mut probe).await;
        for (name, quoted) in [("t_pkey", "t_pkey"), (r#"Odd "index"#, r#""Odd ""index""#)] {
            for (what, column) in [
                ("leaf_density_percent", "avg_leaf_density"),
                ("fragmentation_percent", "leaf_fragmentation"),
            ] {
                let theirs = number(&session, &format!("SELECT {column} FROM pgstatindex('{quoted}')")).await;
                assert_eq!(expect(&harvest, &format!("{name}.{what}")), theirs, "{name} {what}");
            }
            let bytes = number(&session, &format!("pg_relation_size('{quoted}')")).await;
            assert_eq!(expect(&harvest, &format!("{name}.bytes")), bytes);
        }
        // A hash has no leaves, and an empty btree has no density.
        assert!(expect(&harvest, "by_hash.bytes") > 0.0);
        for absent in ["by_hash.leaf_density_percent", "nothing.leaf_density_percent"] {
            assert_eq!(value(&harvest, absent), None);
        }
        batch(
            &session,
            "SET enable_seqscan = off; SELECT * FROM t WHERE id = 5; SELECT * FROM t WHERE id = 6",
        )
        .await;
        flush_counts(&session).await;
        assert_eq!(expect(&look(&mut probe).await, "t_pkey.scans"), 2.0);
    });
}

#[test]
fn an_index_that_is_too_large_is_not_read() {
    shared(too_large);
}

pub(crate) fn too_large(world: &World<'_>) {
    run(async {
        let session = world.session();
        batch(&session, "CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t SELECT generate_series(1, 2000)")
            .await;
        let small = PgPlan { index_max_bytes: 8192, ..plan(&["t"]) };
        let mut probe = PgProbe::new(world.config(), PgPart::Indexes, small);
        let harvest = probe.sample().await;
        assert_eq!(
            (harvest.failure.as_deref(), value(&harvest, "t_pkey.leaf_density_percent")),
            (None, None)
        );
        assert!(expect(&harvest, "t_pkey.bytes") > 8192.0);
        assert!(the(&harvest.lacks, "t_pkey is larger than 8192 bytes").contains("raise index_max_bytes"));
        look(&mut probe).await;
    });
}

#[test]
fn an_index_of_partitions_is_one() {
    shared(partitions);
}

pub(crate) fn partitions(world: &World<'_>) {
    run(async {
        let session = world.session();
        batch(
            &session,
            "CREATE TABLE part (id int PRIMARY KEY) PARTITION BY RANGE (id); \
             CREATE TABLE part_1 PARTITION OF part FOR VALUES FROM (0) TO (3000); \
             CREATE TABLE part_2 PARTITION OF part FOR VALUES FROM (3000) TO (9000); \
             CREATE INDEX own ON part_2 (id); \
             INSERT INTO part SELECT generate_series(0, 8999); \
             CREATE SCHEMA other; CREATE TABLE other.part (id int PRIMARY KEY)",
        )
        .await;
        // Twice under two names, and once a leaf by itself.
        let mut probe = world.probe(PgPart::Indexes, &["part", "public.part", "part", "part_1"]);
        let harvest = look(&mut probe).await;
        let bytes =
            number(&session, "pg_relation_size('part_1_pkey') + pg_relation_size('part_2_pkey')").await;
        assert_eq!(expect(&harvest, "part_pkey.bytes"), bytes);
        let sql = "SELECT (a.avg_leaf_density * a.leaf_pages + b.avg_leaf_density * b.leaf_pages) \
                   / (a.leaf_pages + b.leaf_pages) \
                   FROM pgstatindex('part_1_pkey') AS a, pgstatindex('part_2_pkey') AS b";
        let theirs = number(&session, sql).await;
        assert!((expect(&harvest, "part_pkey.leaf_density_percent") - theirs).abs() < 1e-9);
        // A leaf's own index, and a leaf that was planned by itself.
        assert!(expect(&harvest, "own.bytes") > 0.0);
        let leaf = number(&session, "pg_relation_size('part_1_pkey')").await;
        assert_eq!(expect(&harvest, "part_1_pkey.bytes"), leaf);
        let mut probe = world.probe(PgPart::Indexes, &["part", "other.part"]);
        let harvest = look(&mut probe).await;
        assert_eq!(expect(&harvest, "public.part_pkey.bytes"), bytes);
        assert_eq!(expect(&harvest, "other.part_pkey.bytes"), 8192.0);
    });
}

#[test]
fn without_the_right_sizes_and_scans_remain() {
    shared(rights);
}

pub(crate) fn rights(world: &World<'_>) {
    run(async {
        let session = world.session();
        batch(&session, "CREATE TABLE t (id int PRIMARY KEY); CREATE EXTENSION pgstattuple").await;
        let config = world.config_of(&format!("scanner_of_{}", world.database)).await;
        let mut probe = PgProbe::new(config, PgPart::Indexes, plan(&["t"]));
        ask(&session, "INSERT INTO t SELECT generate_series(1, $1::int4)", &[Value::Int(500)]).await;
        let harvest = probe.sample().await;
        assert_eq!(harvest.failure, None);
        assert!(the(&harvest.lacks, "pgstatindex may not be called").contains("GRANT pg_stat_scan_tables"));
        assert!(expect(&harvest, "t_pkey.bytes") > 0.0 && value(&harvest, "t_pkey.scans").is_some());
        assert_eq!(value(&harvest, "t_pkey.leaf_density_percent"), None);
        look(&mut probe).await;
    });
}
