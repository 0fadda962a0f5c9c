//! What is broken on purpose, and how the load comes through it, through the real binary.

use embed::{Durability, postgres::PgOptions};
use model::{
    healing::Healing,
    runfile::{FaultRecord, RunFile},
};

use crate::support::{Place, ended};

/// A closed loop that advances heads and goes on after errors; a ledger watches. `beside` are more options.
fn heads(duration: &str, beside: &str) -> String {
    let script = r#"// Heads that are disturbed
// Question: is anything lost, and how soon is it well again?
fn options() {
    #{
        scenarios: #{ swap: #{ executor: "constant-vus", vus: 4, duration: "DURATION", exec: "swap" } },
        BESIDE
    }
}
fn setup() {
    pg::batch(`DROP TABLE IF EXISTS snapbench_heads;
        CREATE TABLE snapbench_heads (id bigint PRIMARY KEY, seq bigint NOT NULL)`);
    let head = pg::table("snapbench_heads", #{ key: "id", version: "seq", op: "head", ledger: true });
    for id in 0..10 { head.insert(#{ id: id, seq: 0 }); }
    #{ head: head }
}
fn swap(vu) {
    try {
        let id = vu.rng.below(10);
        vu.shared.head.cas(id, vu.shared.head.get(id).row.seq);
    } catch { sleep("20ms"); }
    sleep("2ms");
}
"#;
    script.replace("DURATION", duration).replace("BESIDE", beside)
}

fn nothing_was_lost(run: &RunFile) {
    assert_eq!(run.ledgers.len(), 1);
    assert!(run.ledgers[0].passed, "{:?}", run.ledgers);
}

pub(crate) fn fault<'a>(run: &'a RunFile, kind: &str) -> &'a FaultRecord {
    run.faults
        .iter()
        .find(|fault| fault.kind == kind)
        .unwrap_or_else(|| panic!("no {kind}: {:?}", run.faults))
}

#[test]
fn a_restart_is_survived_and_how_long_it_took_is_reported() {
    let place = Place::new();
    let beside = r#"
        faults: [#{ at: "7s", fault: "restart" }],
        thresholds: #{ faults: ["outage < 10min", "recovery < 1ms", "count == 1"] },
    "#;
    place.file("s.rhai", heads("16s", beside));
    let ended = place.run(["run", "s.rhai", "--durability", "off", "--warm-up", "0s"]).expect(99);
    place.assert_nothing_is_left();
    let run = place.run_file();
    nothing_was_lost(&run);
    let restart = fault(&run, "restart");
    assert_eq!(restart.took_hold, Some(true), "{restart:?}");
    let course = restart.recovery.as_ref().unwrap();
    assert!(course.has_outage() && course.outage_s > 0.0, "{course:?}");
    assert!(
        course.calm_gap_s.is_some_and(|gap_s| gap_s < 6.0),
        "something ended well in the calm: {course:?}"
    );
    assert!(course.errors > 0 && !course.error_classes.is_empty(), "{course:?}");
    assert!(course.errors_back > Healing::NeverLeft && course.errors_back < Healing::NoCalm, "{course:?}");
    let passed: Vec<_> = run.thresholds.iter().map(|threshold| threshold.passed).collect();
    assert_eq!((passed[0], passed[2]), (Some(true), Some(true)), "{:?}", run.thresholds);
    assert_ne!(passed[1], Some(true), "{:?}", run.thresholds);
    assert!(ended.stdout.contains("outage: "), "{}", ended.stdout);
    let report = std::fs::read_to_string(place.run_dir().join("report.md")).unwrap();
    assert!(report.contains("recovery (errors)"), "{report}");
}

#[test]
fn a_fault_that_breaks_nothing_leaves_the_calm_alone() {
    let place = Place::new();
    place.file("s.rhai", heads("14s", r#"faults: [#{ at: "6s", fault: "hold_xmin", lasts: "1s" }],"#));
    place.run(["run", "s.rhai", "--durability", "off", "--warm-up", "0s"]).expect(0);
    let run = place.run_file();
    nothing_was_lost(&run);
    let course = fault(&run, "hold_xmin").recovery.as_ref().unwrap();
    assert_eq!((course.errors_back, course.errors), (Healing::NeverLeft, 0), "{course:?}");
}

#[test]
fn a_cut_is_survived_and_the_load_says_that_it_went_through_a_proxy() {
    let place = Place::new();
    let beside = r#"
        faults: [
            #{ at: "6s", fault: "cut", lasts: "1s" },
            #{ at: "8s", fault: "latency", delay: "20ms", jitter: "4ms", lasts: "1s" },
            #{ at: "10s", fault: "bandwidth", bytes_per_s: "20KB", lasts: "1s" },
            #{ at: "12s", fault: "reset" },
        ],
        thresholds: #{ faults: ["outage >= 900ms"] },
    "#;
    place.file("s.rhai", heads("14s", beside));
    let ended = place.run(["run", "s.rhai", "--durability", "off", "--warm-up", "0s"]).expect(0);
    place.assert_nothing_is_left();
    let run = place.run_file();
    nothing_was_lost(&run);
    let seen =
        [("cut", "held back"), ("latency", "delayed"), ("bandwidth", "narrow link"), ("reset", "reset")];
    for (kind, finding) in seen {
        let fault = fault(&run, kind);
        assert_eq!(fault.took_hold, Some(true), "{fault:?}");
        assert!(fault.finding.contains(finding), "{fault:?}");
        assert!(fault.recovery.is_some(), "{fault:?}");
    }
    let cut = fault(&run, "cut").recovery.as_ref().unwrap();
    assert!(cut.has_outage() && cut.outage_s >= 0.9, "{cut:?}");
    let proxy = "the load reaches postgres through a proxy";
    assert!(run.warnings.iter().any(|warning| warning.contains(proxy)), "{:?}", run.warnings);
    assert!(ended.stdout.contains(proxy), "{}", ended.stdout);
}

/// A load on a store, with a fault on the wire.
const OBJECTS: &str = r#"// Objects behind a bad link
// Question: is anything lost?
fn options() {
    #{
        scenarios: #{ put: #{ executor: "constant-vus", vus: 2, duration: "3s", exec: "put" } },
        store: #{ ledger: true },
        faults: [
            #{ at: "500ms", fault: "cut", server: "store", lasts: "300ms" },
            #{ at: "1500ms", fault: "reset", server: "store", lasts: "200ms" },
        ],
    }
}
fn setup() { s3::create_bucket(); }
fn put(vu) {
    try { s3::put(`k${vu.id}-${vu.iteration}`, "body"); } catch { sleep("20ms"); }
    sleep("2ms");
}
"#;

#[test]
fn a_store_is_disturbed_on_the_wire_as_well() {
    let place = Place::new();
    place.file("s.rhai", OBJECTS);
    place.run(["run", "s.rhai", "--durability", "off", "--warm-up", "0s"]).expect(0);
    place.assert_nothing_is_left();
    let run = place.run_file();
    nothing_was_lost(&run);
    assert!(
        run.faults.len() == 2 && run.faults.iter().all(|fault| fault.took_hold == Some(true)),
        "{:?}",
        run.faults
    );
    assert!(
        fault(&run, "reset").recovery.as_ref().is_some_and(|course| course.errors > 0),
        "{:?}",
        run.faults
    );
}

/// A server that is not the run's own, and a target that says how to break it.
fn external(place: &Place, commands: &str) -> embed::postgres::Postgres {
    let server =
        embed::postgres::start(PgOptions { durability: Durability::Off, ..PgOptions::default() }).unwrap();
    let pid = server.pid().unwrap();
    // All processes of the server, as an administrator's script would.
    let signal =
        format!("#!/bin/sh\nkill -$1 {pid} $(cat /proc/{pid}/task/{pid}/children)\necho signal $1 is sent\n");
    place.file("signal.sh", signal);
    let url = server.url();
    place.file(
        "targets.yaml",
        format!(
            "targets:\n  ours:\n    postgres: {{ url: \"{url}\" }}\n    allow_destructive: true\n    faults:\n      \
             postgres: {{ {commands} }}\n"
        ),
    );
    server
}

#[test]
fn a_server_that_is_not_ours_is_broken_by_the_commands_of_its_target() {
    let place = Place::new();
    let _server =
        external(&place, "pause: sh signal.sh STOP, resume: sh signal.sh CONT, restart: \"echo no; exit 3\"");
    let faults =
        r#"faults: [#{ at: "1s", fault: "pause", lasts: "800ms" }, #{ at: "2s", fault: "restart" }],"#;
    place.file("s.rhai", heads("4s", faults));
    let ended = place.run(["run", "s.rhai", "--target", "ours", "--warm-up", "0s"]).expect(0);
    let run = place.run_file();
    nothing_was_lost(&run);
    let pause = fault(&run, "pause");
    assert_eq!(pause.took_hold, Some(true), "{pause:?}");
    assert!(
        pause.finding.contains("signal STOP is sent") && pause.finding.contains("signal CONT is sent"),
        "{pause:?}"
    );
    assert!(pause.recovery.as_ref().is_some_and(|course| (0.7..3.9).contains(&course.outage_s)), "{pause:?}");
    let restart = fault(&run, "restart");
    assert_eq!(restart.took_hold, Some(false), "{restart:?}");
    assert!(restart.finding.contains("exit status: 3") && restart.finding.ends_with(": no"), "{restart:?}");
    assert!(ended.stdout.contains("exit status: 3"), "{}", ended.stdout);
}

#[test]
fn a_command_that_nobody_named_is_asked_for_before_anything_connects() {
    let place = Place::new();
    place.file(
        "targets.yaml",
        "targets:\n  far:\n    postgres: { url: postgresql://u@localhost:1/d }\n    store: { endpoint: \"http://localhost:1\", \
         bucket: bench, client: sdk, access_key_env: KEY, secret_key_env: KEY }\n    faults: { postgres: { restart: \"true\" } }\n",
    );
    let faults = r#"faults: [
        #{ at: "1s", fault: "restart" },
        #{ at: "1s", fault: "kill", lasts: "1s" },
        #{ at: "1s", fault: "pause", server: "store", lasts: "1s" },
        #{ at: "1s", fault: "cut", server: "store", lasts: "1s" },
    ],"#;
    let script = heads("4s", faults).replace("sleep(\"2ms\");", "s3::put(\"k\", \"v\");");
    place.file("s.rhai", script);
    let checked = |args: &[&str]| {
        let mut command = place.command(["check", "s.rhai"].iter().chain(args));
        ended(command.env("KEY", "hush").output().unwrap())
    };
    insta::assert_snapshot!(checked(&["--target", "far"]).expect(104).shown(&place));
    // Another server than the target's is none of the commands' business.
    let other = checked(&["--target", "far", "--postgres-url", "postgresql://u@elsewhere/d"]).expect(104);
    assert!(other.stderr.contains("names no command to restart it"), "{}", other.stderr);
}

#[test]
fn everything_wrong_with_faults_is_told_at_once() {
    let place = Place::new();
    let faults = r#"faults: [
        #{ at: "1s", fault: "latency", lasts: "1s" },
        #{ at: "1s", fault: "latency", delay: 0, lasts: "1s" },
        #{ at: "1s", fault: "latency", delay: "1ms", jitter: "2ms", lasts: "1s" },
        #{ at: "1s", fault: "bandwidth", bytes_per_s: "some", lasts: "1s" },
        #{ at: "1s", fault: "bandwidth", bytes_per_s: 0, lasts: "1s" },
        #{ at: "1s", fault: "cut", delay: "1s" },
        #{ at: "1s", fault: "reset", server: "http", lasts: 0 },
    ], thresholds: #{ faults: ["outage < 10", "p(95) < 1s"], "head.cas": "outage < 1s" },"#;
    place.file("s.rhai", heads("4s", faults));
    insta::assert_snapshot!(place.run(["check", "s.rhai"]).expect(104).shown(&place));
    place.file(
        "s.rhai",
        heads("4s", r#"faults: [#{ at: "1s", fault: "cut", server: "store", lasts: "1s" }],"#),
    );
    insta::assert_snapshot!(place.run(["check", "s.rhai"]).expect(104).shown(&place));
    place.file(
        "targets.yaml",
        "targets:\n  far:\n    postgres: { url: postgresql://u@h/d }\n    faults:\n      postgres: { pause: a, kil: b, restart: \" \", timeout: soon }\n      \
         store: { restart: c }\n      http: 3\n",
    );
    insta::assert_snapshot!(place.run(["check", "s.rhai", "--target", "far"]).expect(104).shown(&place));
}
