//! The host and the processes on it.

use drivers::probe::{Harvest, HostPlan, HostProbe};

use super::world::{World, alone, expect, value};
use crate::pg::server::{batch, run};

fn plan(world: &World<'_>) -> HostPlan {
    let pid = world.server.embedded().pid().expect("it runs");
    HostPlan { processes: vec![("postgres".to_owned(), pid)] }
}

/// Keeps a processor at work until the kernel has counted it.
fn work_until(mut is_seen: impl FnMut() -> bool) {
    let patience = std::time::Instant::now() + std::time::Duration::from_secs(60);
    let mut sum = 0u64;
    while !is_seen() {
        for number in 0..10_000_000u64 {
            sum = std::hint::black_box(sum.wrapping_add(number));
        }
        assert!(std::time::Instant::now() < patience, "the work was not seen");
    }
}

fn is_fine(harvest: &Harvest) {
    assert_eq!(harvest.failure, None);
    assert_eq!(harvest.marks, Vec::<String>::new());
}

#[test]
#[cfg(target_os = "linux")]
fn the_machine_and_this_process_are_measured() {
    let mut probe = HostProbe::new(HostPlan::default());
    let first = probe.sample();
    is_fine(&first);
    for at_once in
        ["host.load1", "host.memory_used_bytes", "host.memory_available_bytes", "generator.rss_bytes"]
    {
        assert!(expect(&first, at_once) >= 0.0, "{at_once}");
    }
    assert!(expect(&first, "generator.threads") >= 1.0);
    for later in ["host.cpu_percent", "generator.cpu_percent"] {
        assert_eq!(value(&first, later), None, "{later} at the first look");
    }
    work_until(|| {
        let harvest = probe.sample();
        is_fine(&harvest);
        assert_eq!(harvest.lacks, Vec::<String>::new(), "once is enough");
        value(&harvest, "host.cpu_percent").is_some_and(|percent| percent > 0.0 && percent <= 100.0)
            && expect(&harvest, "generator.cpu_percent") > 0.0
    });
}

#[test]
#[cfg(target_os = "linux")]
fn a_tree_of_processes_is_one() {
    alone(tree);
}

#[cfg(target_os = "linux")]
fn tree(world: &World<'_>) {
    let mut probe = HostProbe::new(plan(world));
    let first = probe.sample();
    is_fine(&first);
    assert!(expect(&first, "postgres.processes") >= 4.0, "postmaster, checkpointer, writers, launcher");
    let bytes = expect(&first, "postgres.rss_bytes");
    // Ten backends that read the same cached table share it.
    run(async {
        let sessions: Vec<_> = (0..10).map(|_| world.session()).collect();
        batch(
            &sessions[0],
            "CREATE TABLE t AS SELECT repeat('x', 1000) AS body FROM generate_series(1, 20000)",
        )
        .await;
        for session in &sessions {
            batch(session, "SELECT count(body) FROM t").await;
        }
        let harvest = probe.sample();
        is_fine(&harvest);
        assert!(expect(&harvest, "postgres.processes") >= 14.0);
        let grown = expect(&harvest, "postgres.rss_bytes") - bytes;
        // 23 MB of pages once, and some private memory for each backend; not ten times the pages.
        assert!(grown > 10e6 && grown < 150e6, "{grown}");
        work_until_seen(&mut probe, &sessions[0]).await;
    });
    restarted(world, &mut probe);
}

#[cfg(target_os = "linux")]
async fn work_until_seen(probe: &mut HostProbe, session: &drivers::pg::Session) {
    let patience = std::time::Instant::now() + std::time::Duration::from_secs(60);
    loop {
        batch(session, "SELECT sum(i) FROM generate_series(1, 300000) AS i").await;
        let harvest = probe.sample();
        is_fine(&harvest);
        if value(&harvest, "postgres.cpu_percent").is_some_and(|percent| percent > 0.0) {
            return;
        }
        assert!(std::time::Instant::now() < patience, "the server's work was not seen");
    }
}

#[cfg(target_os = "linux")]
fn restarted(world: &World<'_>, probe: &mut HostProbe) {
    world.server.embedded().kill9().expect("it runs");
    let harvest = probe.sample();
    let failure = harvest.failure.as_deref().expect("it is gone");
    assert!(failure.contains("there is no process postgres (pid "), "{failure}");
    assert_eq!(expect(&harvest, "postgres.processes"), 0.0);
    assert!(value(&harvest, "host.load1").is_some(), "the rest is measured all the same");
    world.server.embedded().restart().expect("it comes up again");
    probe.set_process("postgres", world.server.embedded().pid().expect("it runs"));
    let harvest = probe.sample();
    is_fine(&harvest);
    assert!(expect(&harvest, "postgres.processes") >= 4.0);
    // Another process: how much it has worked since the last look is not known.
    assert_eq!(value(&harvest, "postgres.cpu_percent"), None);
}
