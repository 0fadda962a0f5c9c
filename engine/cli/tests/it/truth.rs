//! Server-side truth in a run: figures that agree with the server's own, verdicts that follow from them, faults that
//! take hold, and probes that fail without ending anything.

use std::path::Path;

use drivers::pg::{PgConfig, PgOptions, PoolMode, Postgres, Rule, Statement};
use model::runfile::{FaultRecord, RunFile, SeriesSummary};
use rustix::process::Signal;

use crate::support::{Place, signal, wait, wait_until};

fn scenario(name: &str) -> String {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap();
    repository.join("scenarios").join(name).display().to_string()
}

fn series<'a>(run: &'a RunFile, name: &str) -> &'a SeriesSummary {
    let names = || run.series.iter().map(|series| series.name.as_str()).collect::<Vec<_>>();
    run.series
        .iter()
        .find(|series| series.name == name)
        .unwrap_or_else(|| panic!("no {name} in {:?}", names()))
}

/// One number from the server itself, over a connection that has nothing to do with the run.
fn ask(url: &str, sql: &str) -> f64 {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build_local(Default::default()).unwrap();
    runtime.block_on(async {
        let config = PgConfig::parse(url, &|_| None).unwrap();
        let postgres = Postgres::new(config, PoolMode::Dedicated, PgOptions::default()).unwrap();
        let reply = postgres.session().run(&Statement::new("ask", sql, Rule::Plain), &[]).await;
        assert!(reply.is_ok(), "{sql}: {:?}", reply.error);
        reply.rows.first().unwrap().text(0).unwrap().parse().unwrap()
    })
}

#[test]
fn the_figures_of_a_head_row_are_those_the_server_has() {
    // Nothing may clean up between the last look and ours: neither autovacuum, nor the ledger, whose reading prunes.
    let options = embed::postgres::PgOptions {
        durability: embed::Durability::Off,
        settings: vec![("autovacuum".to_owned(), "off".to_owned())],
        ..Default::default()
    };
    let server = embed::postgres::start(options).unwrap();
    let (place, url) = (Place::new(), server.url());
    let a0 = scenario("a0_head_row.rhai");
    let flags = [
        "-p",
        "active=3000",
        "-p",
        "keep=true",
        "-p",
        "ledger=false",
        "-p",
        "sample=500ms",
        "--duration",
        "3s",
        "--warm-up",
        "0s",
    ];
    let ended = place
        .run(["run", &a0, "--postgres-url", &url, "--yes", "--no-thresholds"].iter().chain(&flags))
        .expect(0);
    let run = place.run_file();
    let last = |name: &str| series(&run, &format!("snapbench_run_head.{name}")).last;
    let table = "'snapbench_run_head'::regclass";
    assert_eq!(last("heap_bytes"), ask(&url, &format!("SELECT pg_relation_size({table})::text")));
    assert_eq!(last("index_bytes"), ask(&url, &format!("SELECT pg_indexes_size({table})::text")));
    let dead = ask(&url, "SELECT dead_tuple_percent::text FROM pgstattuple('snapbench_run_head')");
    assert!((last("dead_percent") - dead).abs() < 0.02, "{} {dead}", last("dead_percent"));
    let live = "SELECT n_live_tup::text FROM pg_stat_user_tables WHERE relname = 'snapbench_run_head'";
    let total = ask(&url, &format!("SELECT pg_total_relation_size({table})::text"));
    assert!(
        (last("size_per_row") / (total / ask(&url, live)) - 1.0).abs() < 0.02,
        "{}",
        last("size_per_row")
    );
    let hot = "SELECT (n_tup_hot_upd::float8 / n_tup_upd)::text FROM pg_stat_user_tables WHERE relname = 'snapbench_run_head'";
    // Ours counts from the first look on, the server's from the first update.
    let (ours, theirs) = (last("hot_ratio_overall"), ask(&url, hot));
    assert!((ours - theirs).abs() < 0.05, "{ours} {theirs}");
    assert_eq!(last("autovacuum_count"), 0.0);
    for word in ["hot_ratio", "heap_bytes", "dead_percent", "size_per_row", "head.cas"] {
        assert!(ended.stdout.contains(word), "no {word} in {}", ended.stdout);
    }
}

/// The HOT share of a short run with this fillfactor.
fn hot_share(fillfactor: u32) -> f64 {
    let place = Place::new();
    let chosen = format!("fillfactor={fillfactor}");
    let a0 = scenario("a0_head_row.rhai");
    let flags = ["-p", &chosen, "-p", "active=20000", "-p", "sample=1s", "--durability", "off"];
    place.run(["run", &a0, "--duration", "3s", "--no-thresholds"].iter().chain(&flags)).expect(0);
    place.assert_nothing_is_left();
    series(&place.run_file(), "snapbench_run_head.hot_ratio_overall").last
}

#[test]
fn room_on_the_page_makes_updates_hot() {
    let (roomy, full) = (hot_share(70), hot_share(100));
    assert!(roomy > full, "fillfactor 70: {roomy}, 100: {full}");
}

fn soak(place: &Place, hold: bool, code: i32) -> RunFile {
    let d = scenario("d_soak.rhai");
    let hold = format!("hold_xmin={hold}");
    let flags = [
        "-p",
        &hold,
        "-p",
        "active=3000",
        "-p",
        "dead_at_most=45",
        "-p",
        "sample=500ms",
        "-p",
        "naptime=1s",
        "--duration",
        "12s",
    ];
    place.run(["run", &d].iter().chain(&flags)).expect(code);
    place.run_file()
}

#[test]
fn a_snapshot_held_open_turns_the_verdict_of_a_soak() {
    let place = Place::new();
    let calm = soak(&place, false, 0);
    assert_eq!(calm.gates[0].passed, Some(true), "{:?}", calm.gates);
    let place = Place::new();
    let held = soak(&place, true, 99);
    assert_eq!(held.gates[0].passed, Some(false), "{:?}", held.gates);
    assert_eq!(held.faults[0].took_hold, Some(true), "{:?}", held.faults);
    let dead = |run: &RunFile| series(run, "snapbench_soak_head.dead_percent").max;
    assert!(dead(&held) > 2.0 * dead(&calm), "held {}, calm {}", dead(&held), dead(&calm));
    assert!(held.ledgers.iter().all(|ledger| ledger.passed), "nothing is lost by it: {:?}", held.ledgers);
}

/// Everything that can go wrong under a probe, one after the other.
const TROUBLE: &str = r#"// Trouble
// Question: does a probe that fails end anything?
fn options() {
    #{
        scenarios: #{
            work: #{ executor: "constant-vus", vus: 2, duration: "4s", exec: "work" },
            drop: #{ executor: "per-vu-iterations", start_time: "1s", exec: "drop" },
        },
        probes: #{ postgres: #{ every: "200ms", tables: ["snapbench_kept", "snapbench_gone", "snapbench_never"], tuples: "200ms" }, host: #{} },
        faults: [
            #{ at: "500ms", fault: "lock", table: "snapbench_kept", lasts: "300ms" },
            #{ at: "1s", fault: "kill_backends", at_most: 1 },
            #{ at: "2s", fault: "restart" },
        ],
    }
}
fn setup() {
    pg::batch(`CREATE TABLE snapbench_kept (id int PRIMARY KEY, n int); INSERT INTO snapbench_kept SELECT n, 0 FROM generate_series(0, 99) n;
        CREATE TABLE snapbench_gone (id int PRIMARY KEY)`);
}
fn work(vu) {
    try { pg::execute("UPDATE snapbench_kept SET n = n + 1 WHERE id = $1", [vu.rng.below(100)]); } catch { sleep("10ms"); }
}
fn drop() { pg::execute("DROP TABLE snapbench_gone", []); }
fn report(r) { #{ title: "Of my own", columns: ["what", "much"], rows: [["updates", r.ops.execute.ok.count]] } }
"#;

#[test]
fn a_probe_that_fails_ends_nothing_and_is_seen() {
    let place = Place::new();
    place.file("s.rhai", TROUBLE);
    let ended = place.run(["run", "s.rhai", "--durability", "off"]).expect(0);
    place.assert_nothing_is_left();
    let run = place.run_file();
    let tables = run.probes.iter().find(|probe| probe.name == "postgres.tables").unwrap();
    assert!(tables.looks > 5 && tables.failures > 0, "{tables:?}");
    assert!(series(&run, "snapbench_kept.heap_bytes").samples > 5);
    let told = run.warnings.join("\n");
    assert!(told.contains("snapbench_never") && told.contains("postgres.tables"), "{told}");
    let took_hold: Vec<_> =
        run.faults.iter().map(|fault: &FaultRecord| (fault.kind.as_str(), fault.took_hold)).collect();
    for fault in [("lock", Some(true)), ("kill_backends", Some(true)), ("restart", Some(true))] {
        assert!(took_hold.contains(&fault), "{fault:?} of {took_hold:?}");
    }
    assert!(ended.stdout.contains("Of my own"), "{}", ended.stdout);
    let report = std::fs::read_to_string(place.run_dir().join("report.md")).unwrap();
    for word in ["snapbench_never", "Of my own", "restart", "postgres.tables"] {
        assert!(report.contains(word), "no {word} in {report}");
    }
}

/// A gate that everything would open, beside this.
fn gated(beside: &str) -> String {
    format!(
        r#"// Gated
// Question: what decides?
fn options() {{
    #{{
        scenarios: #{{ work: #{{ executor: "constant-vus", vus: 2, duration: "3s", exec: "work" }} }},
        gates: #{{ it: #{{ thresholds: #{{ errors: "rate < 1%" }}, go: "it holds", no_go: "it does not" }} }},
        {beside}
    }}
}}
fn work() {{ pg::query("SELECT 1", []); }}
"#
    )
}

#[test]
fn a_fault_that_was_not_done_decides_nothing() {
    let place = Place::new();
    place.file(
        "s.rhai",
        gated("faults: [#{ at: \"1s\", fault: \"lock\", table: \"snapbench_nowhere\", lasts: \"1s\" }],"),
    );
    let ended = place.run(["run", "s.rhai"]).expect(99);
    let run = place.run_file();
    assert_eq!((run.gates[0].passed, run.faults[0].took_hold), (None, Some(false)), "{:?}", run.gates);
    assert!(ended.stdout.contains("snapbench_nowhere"), "{}", ended.stdout);
    place.file("late.rhai", gated("faults: [#{ at: \"9s\", fault: \"hold_xmin\", lasts: \"1s\" }],"));
    let ended = place.run(["run", "late.rhai"]).expect(104);
    assert!(ended.stderr.contains("begins at 9s, and the run lasts 3s"), "{}", ended.stderr);
    place.file("pause.rhai", gated("faults: [#{ at: \"1s\", fault: \"pause\", lasts: \"1s\" }],"));
    let ended = place
        .run(["run", "pause.rhai", "--postgres-url", "postgresql://x@localhost:1/x", "--yes"])
        .expect(104);
    assert!(ended.stderr.contains("starts no postgres"), "{}", ended.stderr);
}

#[test]
fn faults_on_a_target_that_does_not_permit_them_are_refused() {
    let place = Place::new();
    place.file("s.rhai", gated("faults: [#{ at: \"1s\", fault: \"kill_backends\" }],"));
    let ended = place.run(["run", "s.rhai", "--postgres-url", "postgresql://x@localhost:1/x"]).expect(104);
    assert!(ended.stderr.contains("does not permit to break anything"), "{}", ended.stderr);
}

#[test]
fn a_run_that_somebody_ended_decides_nothing_and_wakes_what_stands_still() {
    let place = Place::new();
    let script =
        gated("faults: [#{ at: \"500ms\", fault: \"pause\", lasts: \"10m\" }],").replace("\"3s\"", "\"30m\"");
    place.file("s.rhai", script);
    let child = place.spawn(["run", "s.rhai", "--warm-up", "0s"]);
    let events =
        || place.run_dirs().first().and_then(|dir| std::fs::read_to_string(dir.join("events.ndjson")).ok());
    wait_until("the server stands still", || events().is_some_and(|text| text.contains("stands still")));
    signal(&child, Signal::INT);
    let ended = wait(child);
    assert_eq!(ended.code, 105, "{ended:?}");
    place.assert_nothing_is_left();
    let run = place.run_file();
    assert_eq!(run.gates[0].passed, None, "{:?}", run.gates);
    assert!(run.gates[0].reasons[0].contains("the user ended the run"), "{:?}", run.gates);
    assert_eq!(run.faults[0].took_hold, Some(true), "{:?}", run.faults);
}

#[test]
fn faults_of_servers_that_are_not_ours_are_refused_before_anything_connects() {
    let place = Place::new();
    place.file("s.rhai", TROUBLE);
    let ended =
        place.run(["run", "s.rhai", "--postgres-url", "postgresql://nobody@localhost:1/x"]).expect(104);
    assert!(ended.stderr.contains("starts no postgres of its own"), "{}", ended.stderr);
}

#[test]
fn partitions_are_dropped_and_rows_deleted_while_others_are_created() {
    for method in ["method=drop", "method=delete"] {
        let place = Place::new();
        let a1 = scenario("a1_partitions.rhai");
        let flags = [
            "-p",
            method,
            "-p",
            "rows=20000",
            "-p",
            "naptime=1s",
            "-p",
            "insert_p99_ms=60000",
            "--durability",
            "off",
        ];
        let ended = place.run(["run", &a1, "--duration", "9s"].iter().chain(&flags));
        place.assert_nothing_is_left();
        let run = place.run_file();
        // How many arrivals find no free user is a matter of the machine's speed; all else must hold.
        let missed =
            run.thresholds.iter().filter(|it| it.passed != Some(true) && it.metric != "dropped_iterations");
        assert_eq!(missed.count(), 0, "{}", ended.stdout);
        let cells = &run.tables[0].rows[0];
        let (moved, retired): (f64, f64) =
            (cells[0].replace(',', "").parse().unwrap(), cells[2].replace(',', "").parse().unwrap());
        assert!(moved > 0.0 && moved + retired == 5000.0, "{cells:?}");
        assert!(ended.stdout.contains("Inserts meanwhile"), "{}", ended.stdout);
    }
}
