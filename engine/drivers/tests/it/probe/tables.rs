//! Sizes, rows and changes of tables are the server's own figures.

use std::time::Duration;

use drivers::pg::{Isolation, Session};
use drivers::probe::PgPart;

use super::world::{World, alone, expect, flush_counts, look, look_until, number, shared, the, value};
use crate::pg::server::{ask, batch, run};

/// A table of 1,000 rows on half-full pages.
async fn run_head(session: &Session) {
    batch(
        session,
        "CREATE TABLE run_head (run_id text PRIMARY KEY, seq bigint NOT NULL) WITH (fillfactor = 50, \
         autovacuum_enabled = off); \
         INSERT INTO run_head SELECT i::text, 0 FROM generate_series(1, 1000) AS i",
    )
    .await;
    flush_counts(session).await;
}

/// 200 rows stay on their page; 100 change their key and cannot be HOT; 10 go and 30 come.
async fn change(session: &Session) {
    batch(
        session,
        "UPDATE run_head SET seq = seq + 1 WHERE run_id::int <= 200; \
         UPDATE run_head SET run_id = 'x' || run_id WHERE run_id::int > 900; \
         DELETE FROM run_head WHERE run_id LIKE 'x9_1'; \
         INSERT INTO run_head SELECT 'y' || i, 0 FROM generate_series(1, 30) AS i; \
         SELECT count(*) FROM run_head",
    )
    .await;
    flush_counts(session).await;
}

const STATISTICS: &str = "FROM pg_stat_user_tables WHERE relname = 'run_head'";

#[test]
fn figures_are_what_direct_sql_says() {
    shared(figures);
}

pub(crate) fn figures(world: &World<'_>) {
    run(async {
        let session = world.session();
        run_head(&session).await;
        let statistic = async |what: &str| number(&session, &format!("SELECT {what} {STATISTICS}")).await;
        let scans = [statistic("seq_scan").await, statistic("idx_scan").await];
        let mut probe = world.probe(PgPart::Tables, &["run_head"]);
        look(&mut probe).await;
        change(&session).await;
        let age = "SELECT age(relfrozenxid) FROM pg_class WHERE relname = 'run_head'";
        let younger = number(&session, age).await;
        let harvest = look(&mut probe).await;
        let ours = |what: &str| expect(&harvest, &format!("run_head.{what}"));
        for (what, sql) in [
            ("heap_bytes", "pg_relation_size('run_head')"),
            ("index_bytes", "pg_indexes_size('run_head')"),
            ("total_bytes", "pg_total_relation_size('run_head')"),
        ] {
            assert_eq!(ours(what), number(&session, sql).await, "{what}");
        }
        for (what, theirs) in [
            ("live_rows", "n_live_tup"),
            ("dead_rows", "n_dead_tup"),
            ("hot_ratio", "n_tup_hot_upd::float8 / n_tup_upd"),
            ("size_per_row", "pg_total_relation_size('run_head')::float8 / n_live_tup"),
        ] {
            assert_eq!(ours(what), statistic(theirs).await, "{what}");
        }
        assert_eq!(ours("seq_scans"), statistic("seq_scan").await - scans[0]);
        assert_eq!(ours("index_scans"), statistic("idx_scan").await - scans[1]);
        // Neighbours on the same server use transaction ids as well.
        assert!((younger..=number(&session, age).await).contains(&ours("xid_age")));
    });
}

#[test]
fn ratios_and_rates_are_of_what_happened_between_two_looks() {
    shared(rates);
}

pub(crate) fn rates(world: &World<'_>) {
    run(async {
        let session = world.session();
        run_head(&session).await;
        let mut probe = world.probe(PgPart::Tables, &["run_head"]);
        let first = look(&mut probe).await;
        for absent in ["hot_ratio", "hot_ratio_overall", "updates_per_s", "inserts_per_s", "toast_bytes"] {
            assert_eq!(value(&first, &format!("run_head.{absent}")), None, "{absent} at the first look");
        }
        change(&session).await;
        let second = look(&mut probe).await;
        let ours = |what: &str| expect(&second, &format!("run_head.{what}"));
        assert_eq!((ours("hot_ratio"), ours("hot_ratio_overall")), (200.0 / 300.0, 200.0 / 300.0));
        assert_eq!(ours("live_rows"), 1020.0);
        let (inserts, updates, deletes) =
            (ours("inserts_per_s"), ours("updates_per_s"), ours("deletes_per_s"));
        assert!(updates > 0.0);
        assert!((updates / deletes - 30.0).abs() < 1e-9 && (updates / inserts - 10.0).abs() < 1e-9);
        assert!((0.0..=1.0).contains(&ours("heap_cache_hit_ratio")));
        // Nothing has happened since: no ratio, no change, the same overall.
        let third = look(&mut probe).await;
        assert_eq!(value(&third, "run_head.hot_ratio"), None);
        assert_eq!(expect(&third, "run_head.updates_per_s"), 0.0);
        assert_eq!(expect(&third, "run_head.hot_ratio_overall"), 200.0 / 300.0);
    });
}

#[test]
fn cumulative_figures_count_from_the_measured_window() {
    shared(window);
}

pub(crate) fn window(world: &World<'_>) {
    run(async {
        let session = world.session();
        batch(
            &session,
            "CREATE TABLE t (id int PRIMARY KEY, n int) WITH (fillfactor = 50, autovacuum_enabled = off); \
             INSERT INTO t SELECT i, 0 FROM generate_series(1, 100) AS i",
        )
        .await;
        flush_counts(&session).await;
        let mut probe = world.probe(PgPart::Tables, &["t"]);
        look(&mut probe).await;
        // Not HOT, and vacuumed: before the window.
        batch(&session, "UPDATE t SET id = id + 1000").await;
        batch(&session, "VACUUM t").await;
        flush_counts(&session).await;
        let warm = look(&mut probe).await;
        assert_eq!(expect(&warm, "t.hot_ratio_overall"), 0.0);
        assert_eq!(expect(&warm, "t.vacuum_count"), 1.0);
        assert_eq!(warm.marks, ["vacuum of t (the 1st)"]);
        // Changed after the last look of the warm-up: told, and no figure of the window.
        batch(&session, "UPDATE t SET id = id + 1000 WHERE id <= 1050").await;
        batch(&session, "VACUUM t").await;
        flush_counts(&session).await;
        probe.measured_from_now();
        let begin = look(&mut probe).await;
        assert_eq!(begin.marks, ["vacuum of t (before the measured window)"]);
        assert_eq!(expect(&begin, "t.vacuum_count"), 0.0);
        assert_eq!(expect(&begin, "t.live_rows"), 100.0);
        for of_warm_up in ["hot_ratio", "hot_ratio_overall", "updates_per_s", "heap_cache_hit_ratio"] {
            assert_eq!(value(&begin, &format!("t.{of_warm_up}")), None, "{of_warm_up}");
        }
        batch(&session, "UPDATE t SET n = 1 WHERE id <= 1090").await;
        batch(&session, "VACUUM ANALYZE t").await;
        flush_counts(&session).await;
        let measured = look(&mut probe).await;
        assert_eq!(expect(&measured, "t.hot_ratio"), 1.0);
        assert!(expect(&measured, "t.updates_per_s") > 0.0);
        assert_eq!(expect(&measured, "t.hot_ratio_overall"), 1.0);
        assert_eq!(expect(&measured, "t.vacuum_count"), 1.0);
        assert_eq!(measured.marks, ["vacuum of t (the 1st)", "analyze of t (the 1st)"]);
    });
}

#[test]
fn autovacuum_is_marked_when_it_comes() {
    shared(autovacuum);
}

pub(crate) fn autovacuum(world: &World<'_>) {
    run(async {
        let session = world.session();
        batch(
            &session,
            "CREATE TABLE busy (id int PRIMARY KEY) WITH (autovacuum_vacuum_threshold = 10, \
             autovacuum_vacuum_scale_factor = 0, autovacuum_analyze_threshold = 10, \
             autovacuum_analyze_scale_factor = 0, autovacuum_enabled = off)",
        )
        .await;
        let mut probe = world.probe(PgPart::Tables, &["busy"]);
        look(&mut probe).await;
        batch(
            &session,
            "INSERT INTO busy SELECT generate_series(1, 500); DELETE FROM busy; \
             ALTER TABLE busy SET (autovacuum_enabled = on)",
        )
        .await;
        flush_counts(&session).await;
        let mut marks = Vec::new();
        let harvest = look_until(&mut probe, |harvest| {
            marks.extend(harvest.marks.clone());
            let counted = |what: &str| value(harvest, &format!("busy.{what}")).unwrap_or_default() >= 1.0;
            counted("autovacuum_count") && counted("autoanalyze_count")
        })
        .await;
        assert_eq!(harvest.failure, None);
        the(&marks, "autovacuum of busy (the 1st)");
        the(&marks, "autoanalyze of busy (the 1st)");
    });
}

#[test]
fn names_are_taken_as_they_are() {
    shared(names);
}

pub(crate) fn names(world: &World<'_>) {
    run(async {
        let session = world.session();
        batch(
            &session,
            r#"CREATE SCHEMA "odd.schema"; CREATE SCHEMA other;
               CREATE TABLE "odd.schema"."Ta""ble; --" (id int PRIMARY KEY);
               CREATE TABLE public.twice (id int); CREATE TABLE other.twice (id int);
               INSERT INTO "odd.schema"."Ta""ble; --" SELECT generate_series(1, 10);
               INSERT INTO other.twice SELECT generate_series(1, 20);"#,
        )
        .await;
        flush_counts(&session).await;
        let odd = r#""odd.schema"."Ta""ble; --""#;
        let mut probe = world.probe(PgPart::Tables, &[odd, "twice", "other.twice"]);
        let harvest = look(&mut probe).await;
        assert_eq!(expect(&harvest, &format!("{odd}.live_rows")), 10.0);
        assert_eq!(expect(&harvest, "twice.live_rows"), 0.0);
        assert_eq!(expect(&harvest, "other.twice.live_rows"), 20.0);
        // Case counts: this is another table, which is not there; the rest is read all the same.
        let mut probe = world.probe(PgPart::Tables, &["Twice", "other.twice", "missing.twice"]);
        let harvest = probe.sample().await;
        assert_eq!(expect(&harvest, "other.twice.live_rows"), 20.0);
        let failure = harvest.failure.expect("two are missing");
        assert!(
            failure.contains("no table `Twice`") && failure.contains("no table `missing.twice`"),
            "{failure}"
        );
    });
}

#[test]
fn a_partitioned_table_is_the_sum_of_its_leaves() {
    shared(partitions);
}

pub(crate) fn partitions(world: &World<'_>) {
    run(async {
        let session = world.session();
        batch(
            &session,
            "CREATE TABLE part (id int PRIMARY KEY, body text) PARTITION BY RANGE (id); \
             CREATE TABLE part_1 PARTITION OF part FOR VALUES FROM (0) TO (100) WITH (autovacuum_enabled = off); \
             CREATE TABLE part_2 PARTITION OF part FOR VALUES FROM (100) TO (300) PARTITION BY RANGE (id); \
             CREATE TABLE part_2a PARTITION OF part_2 FOR VALUES FROM (100) TO (200) \
               WITH (autovacuum_enabled = off); \
             CREATE TABLE later (id int PRIMARY KEY, body text) WITH (autovacuum_enabled = off); \
             ALTER TABLE part_1 ALTER body SET STORAGE EXTERNAL; \
             INSERT INTO part SELECT i, CASE i WHEN 5 THEN repeat('x', 10000) END FROM generate_series(0, 199) AS i; \
             INSERT INTO later SELECT generate_series(200, 299)",
        )
        .await;
        flush_counts(&session).await;
        let mut probe = world.probe(PgPart::Tables, &["part"]);
        let harvest = look(&mut probe).await;
        assert_eq!(expect(&harvest, "part.live_rows"), 200.0);
        let sizes = "pg_total_relation_size('part_1') + pg_total_relation_size('part_2a')";
        assert_eq!(expect(&harvest, "part.total_bytes"), number(&session, sizes).await);
        let toast = "SELECT pg_total_relation_size(reltoastrelid) FROM pg_class WHERE relname = 'part_1'";
        assert_eq!(expect(&harvest, "part.toast_bytes"), number(&session, toast).await);
        // A table that is attached with its rows brings no inserts with it; one that leaves takes none away.
        batch(
            &session,
            "ALTER TABLE part_2 ATTACH PARTITION later FOR VALUES FROM (200) TO (300); \
             ALTER TABLE part DETACH PARTITION part_1; UPDATE part SET body = 'y' WHERE id = 150",
        )
        .await;
        flush_counts(&session).await;
        let harvest = look(&mut probe).await;
        assert_eq!(expect(&harvest, "part.live_rows"), 200.0);
        assert_eq!(expect(&harvest, "part.inserts_per_s"), 0.0);
        assert!(expect(&harvest, "part.updates_per_s") > 0.0);
        assert_eq!(value(&harvest, "part.toast_bytes"), None);
        assert_eq!(harvest.marks, Vec::<String>::new());
    });
}

#[test]
fn a_table_that_is_dropped_and_made_anew_starts_again() {
    shared(dropped);
}

pub(crate) fn dropped(world: &World<'_>) {
    run(async {
        let session = world.session();
        let mut probe = world.probe(PgPart::Tables, &["gone"]);
        let harvest = probe.sample().await;
        assert!(harvest.failure.is_some_and(|failure| failure.contains("no table `gone`")));
        batch(&session, "CREATE TABLE gone (id int); INSERT INTO gone SELECT generate_series(1, 900)").await;
        flush_counts(&session).await;
        look(&mut probe).await;
        batch(&session, "INSERT INTO gone VALUES (1)").await;
        flush_counts(&session).await;
        assert!(expect(&look(&mut probe).await, "gone.inserts_per_s") > 0.0);
        ask(&session, "DROP TABLE gone", &[]).await;
        let harvest = probe.sample().await;
        assert!(harvest.failure.is_some_and(|failure| failure.contains("no table `gone`")));
        assert_eq!(harvest.samples, []);
        batch(&session, "CREATE TABLE gone (id int); INSERT INTO gone SELECT generate_series(1, 300)").await;
        flush_counts(&session).await;
        let anew = look(&mut probe).await;
        assert_eq!(expect(&anew, "gone.live_rows"), 300.0);
        assert_eq!(value(&anew, "gone.inserts_per_s"), None);
    });
}

#[test]
fn a_reset_of_statistics_is_marked_and_makes_no_jump() {
    shared(reset);
}

pub(crate) fn reset(world: &World<'_>) {
    run(async {
        let session = world.session();
        batch(
            &session,
            "CREATE TABLE t (id int PRIMARY KEY, n int) WITH (fillfactor = 50, autovacuum_enabled = off); \
             INSERT INTO t SELECT i, 0 FROM generate_series(1, 100) AS i; UPDATE t SET n = 1",
        )
        .await;
        flush_counts(&session).await;
        let mut probe = world.probe(PgPart::Tables, &["t"]);
        look(&mut probe).await;
        ask(&session, "SELECT pg_stat_reset()", &[]).await;
        batch(&session, "UPDATE t SET n = 2 WHERE id <= 10").await;
        flush_counts(&session).await;
        let harvest = look(&mut probe).await;
        assert_eq!(harvest.marks, ["the statistics of t were reset"]);
        assert_eq!(expect(&harvest, "t.hot_ratio_overall"), 1.0);
        assert_eq!(expect(&harvest, "t.inserts_per_s"), 0.0);
        assert!(expect(&harvest, "t.updates_per_s") > 0.0);
    });
}

#[test]
fn a_table_that_is_locked_away_fails_this_look_and_not_the_next() {
    alone(locked);
}

fn locked(world: &World<'_>) {
    run(async {
        let session = world.session();
        batch(&session, "CREATE TABLE t (id int)").await;
        let mut probe = world.probe(PgPart::Tables, &["t"]);
        look(&mut probe).await;
        let blocker = world.session();
        assert!(blocker.begin(Isolation::default()).await.is_ok());
        ask(&blocker, "LOCK TABLE t IN ACCESS EXCLUSIVE MODE", &[]).await;
        let harvest = probe.sample().await;
        let failure = harvest.failure.expect("its size cannot be read");
        assert!(failure.contains("lock timeout"), "{failure}");
        // Who asks may also lose patience first.
        let given_up = tokio::time::timeout(Duration::from_millis(50), probe.sample()).await;
        assert!(given_up.is_err(), "it waits for the lock");
        assert!(blocker.rollback().await.is_ok());
        look(&mut probe).await;
    });
}
