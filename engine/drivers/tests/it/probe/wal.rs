//! WAL, checkpoints and transactions are counted since the last look.

use drivers::probe::PgPart;

use super::world::{World, alone, expect, flush_counts, look, look_until, number, the, value};
use crate::pg::server::{ask, batch, run};

#[test]
fn wal_and_checkpoints_are_counted() {
    alone(counted);
}

pub(crate) fn counted(world: &World<'_>) {
    run(async {
        let session = world.session();
        batch(&session, "CREATE TABLE t (id int, body text)").await;
        batch(&session, "CHECKPOINT").await;
        let mut probe = world.probe(PgPart::Wal, &[]);
        let first = look(&mut probe).await;
        assert_eq!(value(&first, "postgres.wal_bytes_per_s"), None);
        assert_eq!(expect(&first, "postgres.checkpoints_requested"), 0.0);
        let before = number(&session, "SELECT wal_bytes FROM pg_stat_wal").await;
        let begun = std::time::Instant::now();
        batch(&session, "INSERT INTO t SELECT i, repeat('x', 500) FROM generate_series(1, 5000) AS i").await;
        batch(&session, "CHECKPOINT").await;
        flush_counts(&session).await;
        let mut marks = Vec::new();
        let (mut wal, mut commits, mut buffers) = (0.0f64, 0.0f64, 0.0f64);
        let harvest = look_until(&mut probe, |harvest| {
            marks.extend(harvest.marks.clone());
            wal = wal.max(expect(harvest, "postgres.wal_bytes_per_s"));
            commits = commits.max(expect(harvest, "postgres.commits_per_s"));
            buffers = buffers.max(expect(harvest, "postgres.buffers_written_per_s"));
            expect(harvest, "postgres.checkpoints_requested") == 1.0
        })
        .await;
        assert_eq!((harvest.failure, harvest.lacks), (None, vec![]));
        // The whole growth, over at most the time that has passed since the first look.
        let written = number(&session, "SELECT wal_bytes FROM pg_stat_wal").await - before;
        assert!(written > 2.5e6, "{written}");
        assert!(wal * begun.elapsed().as_secs_f64() > 0.5 * written, "{wal} bytes/s of {written} bytes");
        assert!(commits > 0.0 && buffers > 0.0, "{commits} commits/s, {buffers} buffers/s");
        the(&marks, "checkpoint (requested");
        assert_eq!(expect(&look(&mut probe).await, "postgres.deadlocks"), 0.0);
        probe.measured_from_now();
        let begin = look(&mut probe).await;
        let rates = begin.samples.iter().map(|sample| sample.series.as_str());
        let of_warm_up: Vec<&str> =
            rates.filter(|name| name.ends_with("_per_s") || name.ends_with("_ratio")).collect();
        assert_eq!(of_warm_up, [""; 0]);
        assert_eq!(expect(&begin, "postgres.checkpoints_requested"), 0.0);
        assert!(expect(&look(&mut probe).await, "postgres.commits_per_s") >= 0.0);
    });
}

#[test]
fn a_reset_of_what_is_shared_makes_no_jump() {
    alone(reset);
}

pub(crate) fn reset(world: &World<'_>) {
    run(async {
        let session = world.session();
        batch(&session, "CREATE TABLE t AS SELECT repeat('x', 500) AS body FROM generate_series(1, 20000)")
            .await;
        flush_counts(&session).await;
        let mut probe = world.probe(PgPart::Wal, &[]);
        look(&mut probe).await;
        ask(&session, "SELECT pg_stat_reset_shared('wal')", &[]).await;
        ask(&session, "SELECT pg_stat_reset_shared('bgwriter')", &[]).await;
        ask(&session, "SELECT pg_stat_reset()", &[]).await;
        let harvest = look(&mut probe).await;
        the(&harvest.marks, "the statistics of the database were reset");
        for rate in ["wal_bytes_per_s", "wal_records_per_s", "buffers_written_per_s", "commits_per_s"] {
            assert!(expect(&harvest, &format!("postgres.{rate}")) >= 0.0, "{rate}");
        }
    });
}
