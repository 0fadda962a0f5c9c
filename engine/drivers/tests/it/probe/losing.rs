//! A server that goes away fails a look and ends nothing.

use drivers::pg::{PgConfig, Session};
use drivers::probe::{PgPart, PgProbe};

use super::world::{World, alone, expect, flush_counts, look, plan, value};
use crate::pg::server::{batch, run};

/// A table of 100 rows, and a probe of each part that has looked at it once.
async fn of_one_table(world: &World<'_>) -> (Session, Vec<PgProbe>) {
    let session = world.session();
    batch(&session, "CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t SELECT generate_series(1, 100)")
        .await;
    flush_counts(&session).await;
    let mut probes: Vec<PgProbe> = PgPart::ALL.into_iter().map(|part| world.probe(part, &["t"])).collect();
    for probe in &mut probes {
        look(probe).await;
    }
    (session, probes)
}

#[test]
fn a_restart_between_two_looks_goes_unnoticed() {
    alone(restarted);
}

pub(crate) fn restarted(world: &World<'_>) {
    run(async {
        let (_session, mut probes) = of_one_table(world).await;
        world.server.embedded().restart().expect("it comes up again");
        for probe in &mut probes {
            let harvest = look(probe).await;
            assert!(probe.part() != PgPart::Tables || expect(&harvest, "t.live_rows") == 100.0);
        }
    });
}

#[test]
fn a_server_that_is_killed_fails_looks_until_it_is_back() {
    alone(killed);
}

pub(crate) fn killed(world: &World<'_>) {
    run(async {
        let (session, mut probes) = of_one_table(world).await;
        // What the probes have made (extensions) survives.
        batch(&session, "CHECKPOINT").await;
        world.server.embedded().kill9().expect("it runs");
        for probe in &mut probes {
            let harvest = probe.sample().await;
            assert!(harvest.failure.is_some() && harvest.samples.is_empty(), "{:?}", probe.part());
            assert!(harvest.lacks.is_empty(), "to be down is no lack");
        }
        world.server.embedded().restart().expect("it recovers");
        for probe in &mut probes {
            let harvest = look(probe).await;
            if probe.part() == PgPart::Tables {
                // A crash loses the statistics: a small step back, not a leap.
                assert_eq!(expect(&harvest, "t.inserts_per_s"), 0.0);
            }
        }
    });
}

#[test]
fn a_server_that_is_not_there_is_a_failure_with_its_place() {
    run(async {
        let config = PgConfig::parse("postgres://nobody@127.0.0.1:1/none", &|_| None).expect("a good URL");
        for part in PgPart::ALL {
            let harvest = PgProbe::new(config.clone(), part, plan(&["t"])).sample().await;
            let failure = harvest.failure.as_deref().expect("there is nobody");
            assert!(
                failure.starts_with("cannot connect to ") && failure.contains("127.0.0.1:1"),
                "{failure}"
            );
            assert!(failure.len() < 130, "nine parts tell it: {failure}");
            assert_eq!(value(&harvest, "t.live_rows"), None);
        }
    });
}
