//! The catalogue's queues, tasks and ingestion: each scenario once, at a small scale, and what its row must show.
//!
//! Nothing here is about speed: thresholds on times are left out, counts and ledgers are not.

use std::path::PathBuf;

use model::{
    outcome::Outcome,
    runfile::{LedgerRecord, RunFile},
};

use crate::{
    catalogue::{assert_sound, repository, run},
    support::Place,
};

const SMALL: [&str; 5] = ["--duration", "2s", "--scale", "0.1", "--no-thresholds"];

fn scenario(name: &str) -> PathBuf {
    repository().join("scenarios").join(name).with_extension("rhai")
}

/// Runs a scenario at a small scale with parameters, to a good end.
fn small(name: &str, parameters: &[&str]) -> RunFile {
    let parameters = parameters.iter().flat_map(|it| ["-p", *it]);
    let flags: Vec<&str> = SMALL.into_iter().chain(parameters).collect();
    let found = run(&scenario(name), &flags);
    assert_sound(&found, &scenario(name));
    found
}

fn ledger(run: &RunFile) -> &LedgerRecord {
    let [ledger] = &run.ledgers[..] else { panic!("one queue, one ledger: {:?}", run.ledgers) };
    assert!(ledger.passed, "{ledger:?}");
    ledger
}

fn count(run: &RunFile, op: &str, outcome: Outcome) -> u64 {
    let ops = &run.summary.as_ref().unwrap().ops;
    ops.iter().find(|it| it.name == op && it.outcome == outcome).map_or(0, |it| it.latency.count)
}

#[test]
fn pushes_alone_are_all_there_at_the_end() {
    for (variant, backend) in [("a", "table"), ("b", "document"), ("c", "http")] {
        let run = small("s1_push_only", &[&format!("variant={variant}"), &format!("backend={backend}")]);
        let figures = &ledger(&run).figures;
        assert!(figures["pushed"] > 10 && figures["remaining"] == figures["pushed"], "{figures:?}");
        let bands = run.tables.iter().find(|table| table.title == "Push latency against rate");
        assert_eq!(bands.is_some(), variant == "a", "a ramp has latency against rate");
    }
}

#[test]
fn pops_alone_take_what_was_filled_in_until_nothing_is_left() {
    for backend in ["table", "document", "http"] {
        let run = small("s2_pop_only", &["variant=c", "items=250", &format!("backend={backend}")]);
        let figures = &ledger(&run).figures;
        // 2 a second for 2 s, 100 each.
        assert_eq!((figures["pushed"], figures["taken"], figures["remaining"]), (250, 250, 0), "{backend}");
        assert!(count(&run, "pop", Outcome::Empty) > 0, "{backend}: and then it is empty");
        assert!(
            run.tables[0].rows.iter().any(|row| row[0] == "the queue ran empty" && row[1] != "it did not")
        );
    }
}

#[test]
fn pushes_and_pops_balance_on_every_backend() {
    for (variant, backend) in [("d", "table"), ("b", "document"), ("e", "http")] {
        let run = small("s3_mixed", &[&format!("variant={variant}"), &format!("backend={backend}")]);
        let figures = &ledger(&run).figures;
        assert_eq!(figures["pushed"], figures["taken"] + figures["remaining"], "{figures:?}");
        assert!(run.series.iter().any(|series| series.name == "depth"));
    }
}

#[test]
fn many_queues_lose_nothing() {
    let run = small("s4_concurrent", &["variant=c"]);
    let figures = &ledger(&run).figures;
    assert_eq!(figures["pushed"], figures["taken"] + figures["remaining"], "{figures:?}");
    assert!(run.tables[0].title.starts_with("50 queues"), "{}", run.tables[0].title);
}

#[test]
fn a_depth_stays_what_it_is() {
    for backend in ["table", "document"] {
        let run = small("s5_queue_depth", &["variant=b", &format!("backend={backend}")]);
        let figures = &ledger(&run).figures;
        assert_eq!((figures["remaining"], figures["ambiguous"]), (100, 0), "{backend}: as many as before");
        assert!(figures["taken"] >= 10, "{figures:?}");
    }
}

#[test]
fn bad_requests_are_refused_with_the_field_named_and_none_is_accepted() {
    for (variant, backend, op) in [
        ("a", "table", "bad_push"),
        ("b", "http", "bad_push"),
        ("c", "http", "bad_pop"),
        ("a", "http", "bad_push"),
    ] {
        let run = small("s7_failure", &[&format!("variant={variant}"), &format!("backend={backend}")]);
        assert!(count(&run, op, Outcome::Rejected) > 0, "{variant} on {backend}");
        assert_eq!(count(&run, op, Outcome::Ok), 0, "{variant} on {backend}");
        let checks = &run.summary.as_ref().unwrap().checks;
        assert!(checks.iter().any(|check| check.name.starts_with("the refusal names") && check.passed > 0));
        assert!(ledger(&run).figures["pushed"] > 0, "good traffic goes on");
    }
}

#[test]
fn a_server_that_restarts_is_an_outage_and_no_loss() {
    for (variant, backend, server) in [
        ("d", "table", "postgres"),
        ("d", "http", "postgres"),
        ("e", "http", "service"),
        ("e", "table", "store"),
    ] {
        let (variant, backend) = (format!("variant={variant}"), format!("backend={backend}"));
        let flags = ["--duration", "6s", "--no-thresholds", "-p", &variant, "-p", &backend];
        let run = run(&scenario("s7_failure"), &flags);
        let [fault] = &run.faults[..] else { panic!("{:?}", run.faults) };
        assert_eq!(
            (fault.kind.as_str(), fault.took_hold),
            ("restart", Some(true)),
            "{server}: {}",
            fault.finding
        );
        assert!(fault.recovery.is_some(), "{server}: {fault:?}");
        let figures = &ledger(&run).figures;
        assert!(figures["pushed"] > 50, "{server}: {figures:?}");
    }
}

#[test]
fn tasks_are_claimed_and_completed_once() {
    for (name, parameters) in [
        ("q1_sustained", &["workers=20"][..]),
        ("q3_many_workers", &["backend=http", "workers=100"]),
        ("q5_priorities", &[]),
    ] {
        let run = small(name, parameters);
        let figures = &ledger(&run).figures;
        assert!(figures["completed"] > 0, "{name}: {figures:?}");
        assert_eq!(figures["pushed"], figures["completed"] + figures["remaining"], "{name}: {figures:?}");
        if name == "q5_priorities" {
            let waits: Vec<&str> = ledger(&run).waits.iter().map(|wait| wait.name.as_str()).collect();
            assert!(waits.contains(&"age_priority_0") && waits.contains(&"age_priority_2"), "{waits:?}");
        }
    }
}

#[test]
fn a_burst_is_drained() {
    let run = run(
        &scenario("q2_burst_drain"),
        &["--duration", "12s", "-p", "tasks=1000", "--no-thresholds", "-p", "workers=4"],
    );
    let figures = &ledger(&run).figures;
    assert_eq!((figures["remaining"], figures["completed"]), (0, figures["pushed"]), "{figures:?}");
    assert_eq!(run.tables[0].title, "Burst and drain");
}

#[test]
fn a_queue_that_is_filled_tells_its_size() {
    let run = small("q4_prefill", &["tasks=2000"]);
    assert_eq!(ledger(&run).figures["pushed"], 2000);
    let table = &run.tables[0];
    assert!(table.rows.iter().any(|row| row[0] == "tasks a second"), "{table:?}");
    assert!(table.rows.iter().any(|row| row[0] == "both, a task"), "{table:?}");
}

#[test]
fn no_delayed_task_comes_early_and_its_lateness_is_told() {
    let run = small("q6_delayed", &["rate=300"]);
    let found = ledger(&run);
    assert_eq!(found.figures["early"], 0);
    let lateness = found.waits.iter().find(|wait| wait.name == "lateness");
    assert!(lateness.is_some_and(|lateness| lateness.count > 0), "{:?}", found.waits);
}

#[test]
fn sweeps_of_the_catalogue_have_a_row_for_each_step() {
    for (name, steps, parameters) in [
        ("q7_full_cycle", 5, &["backend=table"][..]),
        ("q8_saturation", 10, &["connections=16"]),
        ("t1_ingestion", 10, &[]),
    ] {
        let place = Place::new();
        let script = scenario(name);
        let mut command = vec!["run", script.to_str().unwrap(), "--durability", "off", "--duration", "5s"];
        command.extend(["--scale", "0.1", "--no-thresholds"]);
        command.extend(parameters.iter().flat_map(|it| ["-p", it]));
        place.run(command).expect(0);
        let run = place.run_file();
        assert_eq!(run.sweeps[0].steps.len(), steps, "{name}");
        assert_eq!(run.summary.as_ref().unwrap().errors, 0, "{name}");
        assert!(run.ledgers.iter().all(|ledger| ledger.passed), "{name}: {:?}", run.ledgers);
    }
}
