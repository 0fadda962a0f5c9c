//! The workflow engine: its report agrees with itself, its roles run in processes of their own, and workers that are lost
//! lose nothing.

use embed::{Durability, postgres::PgOptions};
use model::{outcome::Outcome, runfile::RunFile};

use crate::{
    catalogue::{assert_sound, repository, run},
    support::Place,
};

/// Small, and nothing of it is about speed.
const SMALL: [&str; 13] = [
    "-p",
    "rate=40",
    "-p",
    "workers=4",
    "-p",
    "injectors=4",
    "-p",
    "shards=16",
    "-p",
    "timer_ms=50",
    "--warm-up",
    "0s",
    "--no-thresholds",
];

fn script() -> String {
    repository().join("scenarios/w1_workflow.rhai").display().to_string()
}

/// A cell of the report as a number: row by its first cell, column by its name.
#[track_caller]
fn number(run: &RunFile, table: &str, row: &str, column: &str) -> u64 {
    let found = run.tables.iter().find(|it| it.title == table);
    let found = found.unwrap_or_else(|| panic!("no table `{table}`"));
    let n = found.columns.iter().position(|name| name == column);
    let n = n.unwrap_or_else(|| panic!("no column `{column}` in {found:?}"));
    let cells = found.rows.iter().find(|cells| cells[0] == row);
    let cell = &cells.unwrap_or_else(|| panic!("no row `{row}` in {found:?}"))[n];
    cell.replace(',', "").parse().unwrap_or_else(|_| panic!("`{cell}` of {table}"))
}

/// A whole column's sum.
fn sum(run: &RunFile, table: &str, column: &str) -> u64 {
    let found = run.tables.iter().find(|it| it.title == table).unwrap();
    let n = found.columns.iter().position(|name| name == column).unwrap();
    found.rows.iter().map(|cells| cells[n].replace(',', "").parse::<u64>().unwrap()).sum()
}

/// Every count of the report that says the same thing says the same number.
#[track_caller]
fn assert_consistent(run: &RunFile) {
    let state = |name: &str| number(run, "Workflows by state", name, "workflows");
    let event = |kind: &str| number(run, "History events by type", kind, "events");
    let (created, completed, failed) = (state("created"), state("2 completed"), state("3 failed"));
    assert_eq!(created, state("1 running") + completed + failed);
    assert_eq!((event("1"), event("2"), event("3") + event("11")), (created, completed, failed));
    assert_eq!(event("4"), number(run, "Tasks by state", "activity", "all"));
    assert_eq!(event("5") + event("6"), number(run, "Tasks by state", "activity", "done"));
    assert_eq!(event("7"), number(run, "Tasks by state", "timer", "all"));
    assert_eq!(event("10"), number(run, "Tasks by state", "cancel", "done"));
    let buckets = |column| sum(run, "Throughput in buckets of 10 s", column);
    assert_eq!((buckets("created"), buckets("completed"), buckets("failed")), (created, completed, failed));
    assert_eq!(sum(run, "From creation to completion, as a histogram", "completed"), completed);
    assert_eq!(number(run, "Events of a workflow", "all", "workflows"), created);
    assert_eq!(sum(run, "Shard ownership", "shards"), 16);
}

#[test]
fn what_a_combined_run_reports_agrees_with_itself() {
    let script = repository().join("scenarios/w1_workflow.rhai");
    let run =
        run(&script, &[&SMALL[..], &["--duration", "4s", "-p", "drain=60s", "-p", "timer=50"]].concat());
    assert_sound(&run, &script);
    assert_consistent(&run);
    let titles: Vec<&str> = run.tables.iter().map(|table| table.title.as_str()).collect();
    assert_eq!(
        titles,
        [
            "Workflows overall",
            "Workflows by state",
            "Tasks by state",
            "History events by type",
            "Throughput in buckets of 10 s",
            "From creation to completion",
            "From creation to completion, as a histogram",
            "Events of a workflow",
            "Workflows per shard",
            "Shard ownership",
            "Operations of the engine",
            "Connection pool",
            "Connections by state and client",
            "Backends at the end",
            "Wait events",
            "Locks",
            "Table I/O (pg_statio_user_tables)",
            "Tables and their sizes",
            "Index use",
            "Tables that are read whole (sequential scans)",
            "Generator",
        ]
    );
    let injected = run.summary.as_ref().unwrap().ops.iter().find(|op| op.name == "inject").unwrap();
    assert_eq!(number(&run, "Workflows by state", "created", "workflows"), injected.latency.count);
    assert_eq!(number(&run, "Connection pool", "inject", "acquires"), injected.latency.count);
    assert_eq!(number(&run, "Tables and their sizes", "snapbench_w1_shard", "live rows"), 16);
    for figure in ["in_use", "acquires_per_s", "empty_acquires_per_s", "cancelled_acquires_per_s"] {
        assert!(run.series.iter().any(|series| series.name == format!("pool.{figure}")), "{figure}");
    }
}

#[test]
fn each_role_runs_in_a_process_of_its_own() {
    let options = PgOptions { durability: Durability::Off, ..PgOptions::default() };
    let server = embed::postgres::start(options).unwrap();
    let (script, url) = (script(), server.url());
    let role = |words: &[&str]| {
        let place = Place::new();
        let all = [&["run", &script, "--postgres-url", &url], &SMALL[..], words].concat();
        place.run(all).expect(0);
        place.run_file()
    };
    let injected = role(&["--only", "inject", "--duration", "2s"]);
    let created = number(&injected, "Workflows by state", "created", "workflows");
    let done = injected.summary.as_ref().unwrap().scenarios[0].done;
    assert_eq!((created, number(&injected, "Workflows by state", "1 running", "workflows")), (done, done));
    assert!(created > 0);
    assert_eq!(number(&injected, "Tasks by state", "activity", "done"), 0);
    // Half of the work is done by others at the same time.
    let worked = std::thread::scope(|scope| {
        let other = scope.spawn(|| role(&["--only", "work", "--duration", "4s"]));
        (role(&["--only", "work", "--duration", "4s"]), other.join().unwrap())
    });
    let last = role(&["--only", "work", "--duration", "2s"]);
    assert_consistent(&last);
    assert_eq!(number(&last, "Workflows by state", "created", "workflows"), created);
    let completions = |run: &RunFile| {
        let ops = &run.summary.as_ref().unwrap().ops;
        ops.iter()
            .filter(|op| op.name == "task.complete" && op.outcome == Outcome::Ok)
            .map(|op| op.latency.count)
            .sum::<u64>()
    };
    let done = completions(&worked.0) + completions(&worked.1) + completions(&last);
    assert_eq!(done, number(&last, "Tasks by state", "all", "done"), "each task was done once");

    let place = Place::new();
    let refused = place.run(["run", &script, "--postgres-url", &url, "-p", "shards=8"]).expect(107);
    assert!(refused.stderr.contains("have 16 shards, not 8: say -p shards=16"), "{}", refused.stderr);
    let reset = place.run(["reset", &script, "--postgres-url", &url, "--yes"]).expect(0);
    assert!(reset.stdout.contains("  table snapbench_w1_history_event\n"), "{}", reset.stdout);
    assert_eq!(reset.stdout.lines().count(), 7, "a server and six tables: {}", reset.stdout);
    let again = place.run(["reset", &script, "--postgres-url", &url, "--yes"]).expect(0);
    assert!(again.stdout.contains("nothing"), "{}", again.stdout);
}

/// Workers that stand still for longer than their lease, at one batch in five.
const STALLS: [&str; 8] =
    ["-p", "chaos=stall", "-p", "lease_s=0.5", "-p", "chaos_share=20", "--duration", "6s"];

#[test]
fn a_worker_that_lost_its_lease_is_kept_from_what_others_do() {
    let script = repository().join("scenarios/w1_workflow.rhai");
    let run = run(&script, &[&SMALL[..], &STALLS].concat());
    assert_sound(&run, &script);
    assert_consistent(&run);
    let ops = &run.summary.as_ref().unwrap().ops;
    let refused = ops.iter().find(|op| op.name == "task.complete" && op.outcome == Outcome::Conflict);
    assert!(refused.is_some(), "nobody came too late: {ops:?}");
    assert!(number(&run, "Tasks by state", "all", "claimed more than once") > 0);
}

#[test]
fn without_the_fence_tasks_are_done_twice_and_that_is_found_out() {
    let (place, script) = (Place::new(), script());
    let all = [&["run", &script, "--durability", "off", "-p", "broken=true"], &SMALL[..], &STALLS].concat();
    let ended = place.run(all).expect(99);
    assert!(ended.stderr.contains("verify() failed: "), "{}", ended.stderr);
    assert!(ended.stderr.contains("done or scheduled twice"), "{}", ended.stderr);
}

#[test]
fn a_role_is_judged_by_what_it_does() {
    let (place, script) = (Place::new(), script());
    let thresholds = |words: &[&str]| {
        let checked = place.run([&["check", &script, "--json"], words].concat()).expect(0);
        let told: serde_json::Value = serde_json::from_str(&checked.stdout).unwrap();
        told["thresholds"].as_u64().unwrap()
    };
    // Errors and dropped arrivals; errors, claims and the backlog; all of them.
    assert_eq!(thresholds(&["--only", "inject"]), 2);
    assert_eq!(thresholds(&["--only", "work"]), 3);
    assert_eq!(thresholds(&[]), 4);
    assert_eq!(thresholds(&["--duration", "5s"]), 3, "a short run cannot tell whether the backlog grows");
}
