//! Connections are counted by what they do, for whom, and what they wait for.

use std::time::Duration;

use drivers::pg::Isolation;
use drivers::probe::PgPart;

use super::world::{World, alone, expect, look, value};
use crate::pg::server::{ask, batch, run};

#[test]
fn connections_are_counted_by_what_they_do() {
    alone(states);
}

pub(crate) fn states(world: &World<'_>) {
    run(async {
        let named = |name: &str| world.session_as(&world.config().with_application_name(name));
        let set_up = world.session();
        batch(&set_up, "CREATE TABLE t (id int)").await;
        let (idle, open, waiter) = (named("the load"), named("the load"), named("waiter"));
        ask(&idle, "SELECT 1", &[]).await;
        assert!(open.begin(Isolation::Default).await.is_ok());
        ask(&open, "LOCK TABLE t IN ACCESS EXCLUSIVE MODE", &[]).await;
        let mut probe = world.probe(PgPart::Activity, &[]);
        let waiting = async {
            batch(&waiter, "SELECT count(*) FROM t").await;
        };
        let looking = async {
            loop {
                let harvest = look(&mut probe).await;
                if value(&harvest, "postgres.waits.Lock") == Some(1.0) {
                    break harvest;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let harvest = async {
            let harvest = looking.await;
            assert!(open.commit().await.is_ok());
            harvest
        };
        let ((), harvest) = tokio::join!(waiting, harvest);
        // One that made the table, two of the load, one that waits; the probe does not count itself.
        assert_eq!(expect(&harvest, "postgres.connections"), 4.0);
        assert_eq!(expect(&harvest, "postgres.active"), 1.0);
        assert_eq!(expect(&harvest, "postgres.waiting"), 1.0);
        assert_eq!(expect(&harvest, "postgres.idle"), 2.0);
        assert_eq!(expect(&harvest, "postgres.idle_in_transaction"), 1.0);
        assert_eq!(expect(&harvest, "postgres.wait.Lock.relation"), 1.0);
        assert_eq!(expect(&harvest, "postgres.clients.the_load"), 2.0);
        assert_eq!(expect(&harvest, "postgres.clients.waiter"), 1.0);
        assert_eq!(value(&harvest, "postgres.clients.snapbench_probe"), None);
        assert!(expect(&harvest, "postgres.longest_transaction_s") > 0.0);
        let harvest = look(&mut probe).await;
        assert_eq!(expect(&harvest, "postgres.waits.Lock"), 0.0);
        assert_eq!(expect(&harvest, "postgres.longest_transaction_s"), 0.0);
    });
}
