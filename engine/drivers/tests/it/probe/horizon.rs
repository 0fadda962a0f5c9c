//! Whoever holds the xmin horizon back is found and named.

use drivers::pg::{Isolation, Session};
use drivers::probe::{PgPart, PgPlan, PgProbe};

use super::world::{World, alone, expect, look, number, the, value};
use crate::pg::server::{ask, batch, run};

/// Uses up transaction ids, as a load does.
async fn burn(session: &Session, transactions: u32) {
    for _ in 0..transactions {
        ask(session, "SELECT txid_current()", &[]).await;
    }
}

fn probe(world: &World<'_>) -> PgProbe {
    let plan = PgPlan { horizon_max_xids: 30, ..PgPlan::default() };
    PgProbe::new(world.config(), PgPart::Horizon, plan)
}

#[test]
fn a_transaction_that_holds_the_horizon_is_named() {
    alone(holder);
}

pub(crate) fn holder(world: &World<'_>) {
    run(async {
        let session = world.session();
        let mut probe = probe(world);
        let age = "SELECT max(age(datfrozenxid)) FROM pg_database";
        let younger = number(&session, age).await;
        let harvest = look(&mut probe).await;
        let older = number(&session, age).await;
        assert!((younger..=older).contains(&expect(&harvest, "postgres.xid_age")));
        assert_eq!(value(&harvest, "postgres.oldest_prepared_s"), None);
        let open = world.session_as(&world.config().with_application_name("forgotten"));
        assert!(open.begin(Isolation::RepeatableRead).await.is_ok());
        ask(&open, "SELECT 1", &[]).await;
        burn(&session, 20).await;
        let harvest = look(&mut probe).await;
        assert!(expect(&harvest, "postgres.xmin_age") >= 20.0);
        assert!(expect(&harvest, "postgres.xmin_age_s") > 0.0);
        assert_eq!(harvest.marks, Vec::<String>::new());
        burn(&session, 20).await;
        let harvest = look(&mut probe).await;
        let pid = number(&open, "pg_backend_pid()").await;
        let mark = the(&harvest.marks, "holds the xmin horizon back");
        assert!(
            mark.starts_with(&format!("pid {pid} (application `forgotten`, idle in transaction")),
            "{mark}"
        );
        assert_eq!(look(&mut probe).await.marks, Vec::<String>::new());
        assert!(open.rollback().await.is_ok());
        assert!(expect(&look(&mut probe).await, "postgres.xmin_age") < 20.0);
    });
}

#[test]
fn a_prepared_transaction_that_was_forgotten_holds_it_too() {
    alone(forgotten);
}

pub(crate) fn forgotten(world: &World<'_>) {
    run(async {
        let session = world.session();
        batch(&session, "CREATE TABLE t (id int)").await;
        batch(&session, "BEGIN; INSERT INTO t VALUES (1); PREPARE TRANSACTION 'left behind'").await;
        burn(&session, 40).await;
        let mut probe = probe(world);
        let harvest = look(&mut probe).await;
        assert!(expect(&harvest, "postgres.xmin_age") >= 40.0);
        assert_eq!(expect(&harvest, "postgres.prepared_transactions"), 1.0);
        assert!(expect(&harvest, "postgres.oldest_prepared_s") > 0.0);
        the(&harvest.marks, "prepared transaction left behind (for ");
        batch(&session, "ROLLBACK PREPARED 'left behind'").await;
        let harvest = look(&mut probe).await;
        assert!(expect(&harvest, "postgres.xmin_age") < 40.0);
        assert_eq!(expect(&harvest, "postgres.prepared_transactions"), 0.0);
    });
}
