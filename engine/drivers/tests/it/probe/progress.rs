//! A vacuum that takes its time is seen on its way.

use drivers::probe::PgPart;

use super::world::{World, alone, expect, look_until, number, the, value};
use crate::pg::server::{ask, batch, plain, run};

#[test]
fn a_vacuum_is_told_when_it_begins_and_when_it_is_over() {
    alone(vacuum);
}

pub(crate) fn vacuum(world: &World<'_>) {
    run(async {
        let (session, other) = (world.session(), world.session());
        batch(
            &session,
            "CREATE TABLE slow (id int, body text) WITH (autovacuum_enabled = off); \
             INSERT INTO slow SELECT i, repeat('x', 500) FROM generate_series(1, 5000) AS i; DELETE FROM slow",
        )
        .await;
        // Each page costs a pause: it does not end by itself.
        batch(&session, "SET vacuum_cost_delay = 100").await;
        batch(&session, "SET vacuum_cost_limit = 1").await;
        let pid = number(&session, "pg_backend_pid()").await;
        let mut probe = world.probe(PgPart::Progress, &["slow"]);
        let statement = plain("VACUUM slow");
        let vacuuming = session.run(&statement, &[]);
        let looking = async {
            let mut marks = Vec::new();
            let harvest = look_until(&mut probe, |harvest| {
                marks.extend(harvest.marks.clone());
                value(harvest, "postgres.progress.vacuum_percent").is_some_and(|percent| percent > 0.0)
            })
            .await;
            assert!(expect(&harvest, "postgres.progress.vacuum_percent") < 100.0);
            assert!(the(&marks, "vacuum of slow: ").len() > "vacuum of slow: ".len());
            ask(&other, &format!("SELECT pg_cancel_backend({pid})"), &[]).await;
            let harvest = look_until(&mut probe, |harvest| !harvest.marks.is_empty()).await;
            the(&harvest.marks, "vacuum of slow is over (last seen: ");
            assert_eq!(value(&harvest, "postgres.progress.vacuum_percent"), None);
        };
        let (reply, ()) = tokio::join!(vacuuming, looking);
        assert_eq!(reply.class_name(), Some("57014"));
    });
}
