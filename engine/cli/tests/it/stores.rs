//! The scenarios of object stores, on both embedded backends: what their tables hold, and how stores are compared.

use model::runfile::{ReportTable, RunFile};

use crate::{
    catalogue::{assert_sound, repository, run},
    support::Place,
};

fn scenario(name: &str, flags: &[&str]) -> RunFile {
    let script = repository().join("scenarios").join(name);
    let run = run(&script, flags);
    assert_sound(&run, &script);
    run
}

/// A column of a table, as text.
fn column<'a>(table: &'a ReportTable, name: &str) -> Vec<&'a str> {
    let at = table.columns.iter().position(|column| column == name).unwrap();
    table.rows.iter().map(|row| row[at].as_str()).collect()
}

fn numbers(table: &ReportTable, name: &str) -> Vec<f64> {
    column(table, name).into_iter().map(|cell| cell.replace(',', "").parse().unwrap()).collect()
}

#[test]
fn puts_are_measured_by_size_and_concurrency() {
    let flags =
        ["--duration", "3s", "-p", "sizes_kb=1,16", "-p", "concurrency=1,8", "-p", "compressible=0.5"];
    let run = scenario("b1_put.rhai", &flags);
    let table = &run.tables[0];
    assert_eq!(
        (column(table, "KB"), column(table, "VUs")),
        (vec!["1", "1", "16", "16"], vec!["1", "8", "1", "8"])
    );
    assert_eq!(column(table, "throttled"), ["0"; 4]);
    // A table's rate is that of the step, not of the run.
    let steps = &run.summary.as_ref().unwrap().scenarios;
    assert_eq!(steps.len(), 4);
    let (rates, megabytes) = (numbers(table, "PUT/s"), numbers(table, "MB/s"));
    for (n, name) in ["1KB x1", "1KB x8", "16KB x1", "16KB x8"].iter().enumerate() {
        let step = steps.iter().find(|step| step.name == *name).unwrap();
        // Four steps of 4 s with pauses of 0.2 s between them, in 3 s; the last iteration may end a little later.
        let per_s = step.done as f64 / (4.0 * 3.0 / 16.6);
        assert!(rates[n] <= per_s + 0.5 && rates[n] > per_s / 2.0, "{name}: {} and {per_s}", rates[n]);
        let bytes = if n < 2 { 1024.0 } else { 16384.0 };
        assert!((megabytes[n] - rates[n] * bytes / 1e6).abs() < 0.11, "{table:?}");
    }
}

#[test]
fn batches_cost_less_and_make_the_oldest_wait() {
    let run =
        scenario("b2_batching.rhai", &["--duration", "6s", "-p", "writers=8", "-p", "snapshots_per_s=200"]);
    let table = &run.tables[0];
    assert_eq!(column(table, "PUTs"), ["10,000", "1,000", "500", "200"]);
    // A thousand million snapshots: as many PUTs at 0.005 $ a thousand, and a tenth, a twentieth, a fiftieth of it.
    assert_eq!(column(table, "$ a month"), ["5,000", "500", "250", "100"]);
    let waits = numbers(table, "oldest waits p50 ms");
    // 9, 19 and 49 arrivals of 5 ms each lie between the oldest and the newest.
    for (wait, least) in waits[1..].iter().zip([20.0, 50.0, 150.0]) {
        assert!(*wait > least, "{waits:?}");
    }
    assert!(waits[3] > waits[1], "{waits:?}");
    assert!(
        table.notes[2].contains("Amazon S3 Standard") && table.notes[2].contains("as of 2024-"),
        "{table:?}"
    );
}

#[test]
fn a_run_is_brought_back_from_its_bodies_on_either_backend() {
    for target in ["embedded", "embedded-fs"] {
        let flags = ["--duration", "5s", "-p", "objects=10,1500", "-p", "runs=1", "-p", "object_bytes=100"];
        let run = scenario("b3_cold_reads.rhai", &[&flags[..], &["--target", target]].concat());
        let table = &run.tables[0];
        assert_eq!(column(table, "objects"), ["10", "10", "10", "1,500", "1,500", "1,500"]);
        // 1,500 keys are two pages, and those since the middle one.
        assert_eq!(column(table, "requests"), ["1", "1", "10", "2", "1", "1,500"], "{target}");
        assert!(run.servers[0].kind.contains(if target == "embedded" { "ordered" } else { "fs" }));
    }
}

const QUICK: [&str; 14] = [
    "-p",
    "rounds=3",
    "-p",
    "turn=100ms",
    "-p",
    "objects=40",
    "-p",
    "workers=4",
    "-p",
    "readers=2",
    "-p",
    "object_bytes=500",
    "-p",
    "rest=100ms",
];

#[test]
fn stores_are_compared_by_what_each_does_in_its_turns() {
    let run = scenario("c_backends.rhai", &QUICK);
    let names: Vec<&str> = run.servers.iter().map(|server| server.name.as_str()).collect();
    assert_eq!(names, ["embedded", "embedded-fs", "nothing"]);
    let names: Vec<&str> = run.comparisons.iter().map(|comparison| comparison.name.as_str()).collect();
    assert_eq!(names, ["list", "get", "put", "write_read_list"]);
    for comparison in &run.comparisons {
        assert!((comparison.confidence - 0.9875).abs() < 1e-9, "four decisions share 95 %");
        let [a, b] = &comparison.sides[..] else { panic!("{comparison:?}") };
        for side in [a, b] {
            // On a busy machine a turn may pass without an iteration that ends.
            assert!((3..=6).contains(&side.turns.len()) && side.failed == 0, "{side:?}");
            assert_eq!(side.iterations, side.turns.iter().map(|turn| turn.iterations).sum::<u64>());
            assert!(side.ceiling_share.unwrap() > 0.0);
        }
    }
    let summary = run.summary.unwrap();
    assert!(summary.scenarios.is_empty(), "turns stand with their comparisons");
    for name in ["put@embedded", "put@embedded-fs", "put@nothing", "list@embedded"] {
        assert!(summary.ops.iter().any(|op| op.name == name), "{name}");
    }
}

#[test]
fn a_store_can_be_compared_with_itself() {
    let flags =
        [&QUICK[..], &["--only", "put", "-p", "stores=embedded, embedded", "-p", "calibrate=false"]].concat();
    let run = scenario("c_backends.rhai", &flags);
    let [a, b] = &run.servers[..] else { panic!("{:?}", run.servers) };
    assert_eq!(
        (a.name.as_str(), b.name.as_str(), a.endpoint == b.endpoint),
        ("embedded", "embedded-2", true)
    );
    assert_eq!((run.comparisons.len(), run.comparisons[0].ceiling.as_ref()), (1, None));
}

#[test]
fn nonsense_is_told_with_the_parameter_it_is_in() {
    let place = Place::new();
    let told = |scenario: &str, parameter: &str| {
        let script = repository().join("scenarios").join(scenario);
        let ended = place.run(["check", script.to_str().unwrap(), "-p", parameter]);
        assert_ne!(ended.code, 0, "{parameter}: {}", ended.stdout);
        ended.stderr
    };
    for (scenario, parameter, expected) in [
        ("b1_put.rhai", "sizes_kb=x", "-p sizes_kb=x: \"x\" is no whole number"),
        ("b1_put.rhai", "sizes_kb=-1", "-1 is not from 0 to 65536"),
        ("b1_put.rhai", "concurrency=4,4", "4 stands there twice"),
        ("b2_batching.rhai", "batches=0", "0 is not from 1 to"),
        ("b3_cold_reads.rhai", "objects=", "name at least one number"),
        ("c_backends.rhai", "stores=", "wants two targets or more"),
        ("c_backends.rhai", "stores=embedded", "wants two targets or more"),
        ("c_backends.rhai", "stores=nothing,embedded", "`nothing` is the name"),
    ] {
        let told = told(scenario, parameter);
        assert!(told.contains(expected), "{parameter}: {told}");
    }
}

#[test]
fn a_ledger_of_a_store_that_keeps_nothing_is_refused() {
    let script = repository().join("scenarios/b4_consistency.rhai");
    let told =
        Place::new().run(["check", script.to_str().unwrap(), "--target", "embedded-noop"]).expect(104).stderr;
    assert!(told.contains("the store keeps nothing that it could be judged by"), "{told}");
}

#[test]
fn what_is_wrong_with_stores_is_told_before_anything_starts() {
    let place = Place::new();
    let script = |stores: &str, faults: &str| {
        format!(
            "fn options() {{ #{{ scenarios: #{{ m: #{{ executor: \"constant-vus\", duration: \"1s\" }} }}, stores: {stores}, \
             faults: {faults} }} }}\nfn m() {{ s3::put(\"k\", \"v\", #{{ store: \"a\" }}); }}\n"
        )
    };
    let told = |text: &str| {
        place.file("s.rhai", text);
        place.run(["check", "s.rhai"]).expect(104).stderr
    };
    let unknown = told(&script("#{ a: \"embedded\", b: \"embeded-fs\" }", "[]"));
    assert!(unknown.contains("there is no target `embeded-fs`"), "{unknown}");
    assert!(unknown.contains("did you mean `embedded-fs`?"), "{unknown}");
    let faults = "[#{ at: \"100ms\", fault: \"kill\", server: \"store\", lasts: \"100ms\" }]";
    let several = told(&script("#{ a: \"embedded\", b: \"embedded-fs\" }", faults));
    assert!(several.contains("this run has several stores of its own"), "{several}");
}

#[test]
fn the_targets_that_are_shown_are_in_order() {
    let place = Place::new();
    place.file("targets.yaml", std::fs::read(repository().join("examples/targets.yaml")).unwrap());
    let script = repository().join("scenarios/b1_put.rhai");
    for target in ["garage", "minio", "seaweedfs", "aws"] {
        let variables = [
            "GARAGE_KEY_ID",
            "GARAGE_SECRET",
            "MINIO_ROOT_USER",
            "MINIO_ROOT_PASSWORD",
            "SEAWEEDFS_ACCESS_KEY",
            "SEAWEEDFS_SECRET_KEY",
            "AWS_ACCESS_KEY_ID",
            "AWS_SECRET_ACCESS_KEY",
        ];
        let mut command = place.command(["check", script.to_str().unwrap(), "--target", target]);
        command.envs(variables.map(|name| (name, "k")));
        let ended = command.output().unwrap();
        assert!(ended.status.success(), "{target}: {}", String::from_utf8_lossy(&ended.stderr));
    }
}
