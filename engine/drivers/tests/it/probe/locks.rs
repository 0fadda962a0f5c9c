//! Who blocks whom is told while it lasts.

use std::time::Duration;

use drivers::pg::Isolation;
use drivers::probe::PgPart;

use super::world::{World, alone, expect, look, number, the};
use crate::pg::server::{ask, batch, run};

#[test]
fn a_blocker_is_named_with_what_it_blocks() {
    alone(blocks);
}

pub(crate) fn blocks(world: &World<'_>) {
    run(async {
        let (blocker, first, second) = (world.session(), world.session(), world.session());
        batch(&blocker, "CREATE TABLE t (id int)").await;
        let mut probe = world.probe(PgPart::Locks, &[]);
        let harvest = look(&mut probe).await;
        for nothing in ["locks_not_granted", "blocked", "longest_block_s"] {
            assert_eq!(expect(&harvest, &format!("postgres.{nothing}")), 0.0, "{nothing}");
        }
        assert!(blocker.begin(Isolation::Default).await.is_ok());
        ask(&blocker, "LOCK TABLE t IN ACCESS EXCLUSIVE MODE", &[]).await;
        let pid = number(&blocker, "pg_backend_pid()").await;
        let look_and_release = async {
            let mut marks = Vec::new();
            let harvest = loop {
                let harvest = look(&mut probe).await;
                marks.extend(harvest.marks.clone());
                if expect(&harvest, "postgres.blocked") == 2.0 && !marks.is_empty() {
                    break harvest;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            };
            assert!(expect(&harvest, "postgres.longest_block_s") >= 1.0);
            assert_eq!(expect(&harvest, "postgres.locks_not_granted"), 2.0);
            assert!(expect(&harvest, "postgres.locks") > 2.0);
            // It is told once, however long it lasts.
            assert_eq!(look(&mut probe).await.marks, Vec::<String>::new());
            assert!(blocker.commit().await.is_ok());
            marks
        };
        let waiting = async {
            tokio::join!(batch(&first, "SELECT count(*) FROM t"), batch(&second, "SELECT count(*) FROM t"));
        };
        let (marks, ()) = tokio::join!(look_and_release, waiting);
        let mark = the(&marks, "blocks 2");
        assert!(
            mark.starts_with(&format!("pid {pid} (idle in transaction, `SELECT (pg_backend_pid())")),
            "{mark}"
        );
        assert_eq!(expect(&look(&mut probe).await, "postgres.blocked"), 0.0);
    });
}
