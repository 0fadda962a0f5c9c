//! A role that may do next to nothing gets what can be read, and is told once what cannot.

use std::time::Duration;

use drivers::pg::Isolation;
use drivers::probe::{Harvest, PgPart, PgProbe};

use super::world::{World, alone, expect, flush_counts, plan, the, value};
use crate::pg::server::{ask, batch, run};

#[test]
fn every_part_gives_what_an_unprivileged_role_may_read() {
    alone(unprivileged);
}

pub(crate) fn unprivileged(world: &World<'_>) {
    run(async {
        let session = world.session();
        batch(
            &session,
            "CREATE TABLE t (id int PRIMARY KEY, n int); INSERT INTO t SELECT i, 0 FROM generate_series(1, 500) AS i",
        )
        .await;
        flush_counts(&session).await;
        let role = format!("nobody_of_{}", world.database);
        let config = world.config_of(&role).await;
        batch(&session, &format!("GRANT SELECT ON t TO {role}")).await;
        // Something of another role's to look at: an open transaction that holds the horizon and blocks.
        let (blocker, blocked) = (world.session(), world.session());
        assert!(blocker.begin(Isolation::RepeatableRead).await.is_ok());
        ask(&blocker, "LOCK TABLE t IN EXCLUSIVE MODE", &[]).await;
        let looking = async {
            tokio::time::sleep(Duration::from_millis(1100)).await;
            for part in PgPart::ALL {
                let mut probe = PgProbe::new(config.clone(), part, plan(&["t"]));
                let first = probe.sample().await;
                judge(part, &role, &first);
                let second = probe.sample().await;
                assert_eq!((second.failure, second.lacks), (None, vec![]), "{part:?}: once is enough");
            }
            assert!(blocker.rollback().await.is_ok());
        };
        tokio::join!(looking, batch(&blocked, "UPDATE t SET n = 1 WHERE id = 1"));
    });
}

fn judge(part: PgPart, role: &str, harvest: &Harvest) {
    assert_eq!(harvest.failure, None, "{part:?}");
    let is_told = |what: &str| assert!(the(&harvest.lacks, what).contains(role), "{:?}", harvest.lacks);
    match part {
        PgPart::Tables => {
            assert_eq!(expect(harvest, "t.live_rows"), 500.0);
            assert!(harvest.lacks.is_empty());
        }
        PgPart::Tuples => {
            assert_eq!(expect(harvest, "t.dead_percent"), 0.0);
            the(&harvest.lacks, "dead_percent comes from statistics");
        }
        PgPart::Indexes => {
            assert!(expect(harvest, "t_pkey.bytes") > 0.0);
            the(&harvest.lacks, "leaf_density_percent and fragmentation_percent of indexes are missing");
        }
        PgPart::Activity => {
            // Set-up, blocker and blocked, whose states are not ours to know.
            assert_eq!(expect(harvest, "postgres.connections"), 3.0);
            assert_eq!(expect(harvest, "postgres.active"), 0.0);
            is_told("states and waits of other roles' connections are hidden");
        }
        PgPart::Locks => {
            assert_eq!(expect(harvest, "postgres.blocked"), 1.0);
            assert!(expect(harvest, "postgres.longest_block_s") >= 1.0);
            assert!(the(&harvest.marks, "blocks 1, the longest for 1.").starts_with("pid "));
            is_told("what a blocker does is hidden");
        }
        PgPart::Wal => {
            assert_eq!(expect(harvest, "postgres.deadlocks"), 0.0);
            assert!(harvest.lacks.is_empty());
        }
        PgPart::Horizon => {
            assert!(value(harvest, "postgres.xmin_age").is_some());
            assert!(expect(harvest, "postgres.xid_age") > 0.0);
            is_told("how long another role's transaction lasts is hidden");
        }
        PgPart::Statements => {
            the(
                &harvest.lacks,
                "pg_stat_statements is not installed and cannot be created (permission denied",
            );
        }
        PgPart::Progress => assert_eq!((harvest.samples.len(), harvest.lacks.len()), (0, 0)),
    }
}

#[test]
fn what_every_role_may_read_can_be_taken_away() {
    alone(taken_away);
}

pub(crate) fn taken_away(world: &World<'_>) {
    run(async {
        let session = world.session();
        let role = format!("barred_from_{}", world.database);
        let config = world.config_of(&role).await;
        let mut probe = PgProbe::new(config, PgPart::Activity, plan(&[]));
        assert_eq!(probe.sample().await.failure, None);
        batch(&session, "REVOKE SELECT ON pg_stat_activity FROM PUBLIC").await;
        let harvest = probe.sample().await;
        let failure = harvest.failure.expect("nothing can be read");
        assert!(failure.contains("permission denied for view pg_stat_activity"), "{failure}");
        assert!(the(&harvest.lacks, "activity cannot be read by role").contains("GRANT pg_monitor"));
        let harvest = probe.sample().await;
        assert!(harvest.failure.is_some() && harvest.lacks.is_empty());
        batch(&session, "GRANT SELECT ON pg_stat_activity TO PUBLIC").await;
        assert_eq!(probe.sample().await.failure, None);
    });
}
