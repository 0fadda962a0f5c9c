//! Runs that go as they should, and what they leave.

use std::collections::BTreeSet;

use model::{outcome::Outcome, runfile::RunState};

use crate::support::{HEADS, IDLE, Place};

#[test]
fn a_good_run_leaves_a_complete_directory_and_nothing_else() {
    let place = Place::new();
    place.file("s.rhai", HEADS);
    let ended = place.run(["run", "s.rhai", "--tag", "build=7", "--seed", "5"]).expect(0);
    place.assert_nothing_is_left();
    assert!(ended.stdout.contains("PASSED"), "{}", ended.stdout);
    assert!(ended.stderr.contains("torn down"), "what the script logs is seen: {}", ended.stderr);

    let run = place.run_file();
    assert_eq!((run.state, run.exit_code, run.seed), (RunState::Finished, Some(0), 5));
    assert_eq!(run.parameters["tag.build"].value, "7");
    let names: Vec<&str> = run.phases.iter().map(|phase| phase.name.as_str()).collect();
    assert_eq!(names, ["start", "setup", "warm_up", "measure", "drain", "teardown"]);
    assert!(run.phases[1].start_s < 0.0, "set-up lies before the clock's zero");
    assert!((run.phases[3].start_s - 0.2).abs() < 1e-6, "a tenth of 2 s is warm-up: {:?}", run.phases);

    let summary = run.summary.unwrap();
    let swap = &summary.scenarios[0];
    assert_eq!(swap.planned, 100, "50 a second for 2 s");
    assert_eq!(swap.done + swap.failed + swap.interrupted + swap.dropped, 100);
    let acknowledged = run.ledgers[0].figures["acknowledged"];
    let warm_up = 10;
    assert_eq!(run.ledgers[0].figures["steps"], acknowledged);
    assert!(acknowledged <= 100 + warm_up);
    assert!(run.label.shape_only[0].contains("postgres is embedded"));

    let mut files: Vec<String> = std::fs::read_dir(place.run_dir())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    files.sort();
    let expected =
        ["events.ndjson", "histograms.hlog", "report.md", "run.json", "timeline.csv", "traces.ndjson"];
    assert_eq!(files, expected);
    let listed: Vec<&String> = run.files.keys().collect();
    assert_eq!(listed, files.iter().collect::<Vec<_>>());
}

#[test]
fn a_missed_threshold_is_99_and_none_with_no_thresholds() {
    let place = Place::new();
    let script = IDLE.replace("} } }", "} }, thresholds: #{ iterations: [\"count < 1\"] } }");
    place.file("s.rhai", script);
    let ended = place.run(["run", "s.rhai"]).expect(99);
    assert!(ended.stdout.contains("✗ count < 1"), "{}", ended.stdout);
    let ended = place.run(["run", "s.rhai", "--no-thresholds"]).expect(0);
    assert!(!ended.stdout.contains("THRESHOLDS"), "{}", ended.stdout);
}

#[test]
fn a_threshold_on_what_never_happened_is_no_pass() {
    let place = Place::new();
    place.file("s.rhai", IDLE.replace("} } }", "} }, thresholds: #{ push: [\"p(95) < 1s\"] } }"));
    let ended = place.run(["run", "s.rhai"]).expect(99);
    assert!(ended.stdout.contains("there is no metric `push`"), "{}", ended.stdout);
}

#[test]
fn a_threshold_that_may_ends_the_run_early() {
    let place = Place::new();
    let thresholds = "thresholds: #{ iterations: [#{ threshold: \"count < 5\", abort_on_fail: true }] }";
    place.file(
        "s.rhai",
        IDLE.replace("\"1s\"", "\"60s\"").replace("} } }", &format!("}} }}, {thresholds} }}")),
    );
    let ended = place.run(["run", "s.rhai", "--warm-up", "0s"]).expect(99);
    let run = place.run_file();
    assert_eq!(run.state, RunState::Aborted);
    assert!(run.summary.unwrap().window_s < 30.0);
    assert!(
        ended.stderr.contains("stopping: threshold iterations count < 5 does not hold"),
        "{}",
        ended.stderr
    );
}

#[test]
fn a_script_error_in_an_iteration_is_107_and_has_its_place() {
    let place = Place::new();
    place.file("s.rhai", IDLE.replace("sleep(\"5ms\")", "let n = 1; n.wobble(2)"));
    let ended = place.run(["run", "s.rhai", "--duration", "1s"]).expect(107);
    assert!(ended.stderr.contains("[s.rhai:4:"), "{}", ended.stderr);
    assert!(ended.stderr.contains("wobble"), "{}", ended.stderr);
    let run = place.run_file();
    let failure = &run.summary.unwrap().failures[0];
    assert!(failure.count > 1 && failure.position.starts_with("s.rhai:4:"), "{failure:?}");
}

#[test]
fn an_abort_is_108_wherever_it_happens() {
    for script in [
        IDLE.replace("sleep(\"5ms\")", "abort(\"no point\")").replace("\"1s\"", "\"60s\""),
        format!("{IDLE}fn setup() {{ abort(\"no point\"); }}"),
    ] {
        let place = Place::new();
        place.file("s.rhai", &script);
        let ended = place.run(["run", "s.rhai"]).expect(108);
        assert!(ended.stderr.contains("no point"), "{}", ended.stderr);
        assert_eq!(place.run_file().state, RunState::Aborted);
    }
}

#[test]
fn a_set_up_that_a_server_refuses_is_no_fault_of_the_script() {
    let place = Place::new();
    place.file("s.rhai", HEADS.replace("CREATE TABLE snapbench_heads", "CREATE TABEL snapbench_heads"));
    let ended = place.run(["run", "s.rhai"]).expect(1);
    assert!(ended.stderr.contains("setup() failed") && ended.stderr.contains("42601"), "{}", ended.stderr);
    place.assert_nothing_is_left();
}

#[test]
fn a_set_up_that_fails_is_107_and_nothing_is_measured() {
    let place = Place::new();
    place.file(
        "s.rhai",
        format!("{IDLE}fn setup() {{ let x = [1][5]; }}\nfn teardown(s) {{ log::info(\"torn down\"); }}"),
    );
    let ended = place.run(["run", "s.rhai"]).expect(107);
    assert!(
        ended.stderr.contains("setup() failed") && ended.stderr.contains("[s.rhai:5:"),
        "{}",
        ended.stderr
    );
    assert!(!ended.stderr.contains("phase: teardown"), "there was nothing to hand to teardown");
    let run = place.run_file();
    assert_eq!((run.state, run.exit_code), (RunState::Failed, Some(107)));
    assert_eq!(run.summary, None);
}

#[test]
fn a_parameter_that_is_met_in_set_up_is_checked_there() {
    let place = Place::new();
    let script = format!("{IDLE}fn setup() {{ let rows = param(\"rows\", 10, #{{ min: 1 }}); }}");
    place.file("s.rhai", script);
    let ended = place.run(["run", "s.rhai", "-p", "rows=many"]).expect(104);
    assert!(ended.stderr.contains("parameter `rows` is an int, not `many`"), "{}", ended.stderr);
}

#[test]
fn hooks_run_in_their_order_and_teardown_runs_after_a_failed_verify() {
    let place = Place::new();
    let hooks = "fn setup() { log::info(\"1 setup\"); 7 }\n\
                 fn verify(shared) { log::info(`2 verify ${shared}`); throw \"not as it should be\"; }\n\
                 fn teardown(shared) { log::info(`3 teardown ${shared}`); }\n";
    place.file("s.rhai", format!("{IDLE}{hooks}"));
    let ended = place.run(["run", "s.rhai"]).expect(99);
    let places = ["1 setup", "2 verify 7", "3 teardown 7"]
        .map(|word| ended.stderr.find(word).unwrap_or_else(|| panic!("no {word} in {}", ended.stderr)));
    assert!(places.is_sorted(), "{}", ended.stderr);
    assert!(ended.stderr.contains("verify() failed: not as it should be"), "{}", ended.stderr);
}

#[test]
fn json_is_the_run_file_and_nothing_else_is_on_standard_output() {
    let place = Place::new();
    place.file("s.rhai", IDLE);
    let ended = place.run(["run", "s.rhai", "--json"]).expect(0);
    let printed: model::runfile::RunFile = model::runfile::RunFile::parse(&ended.stdout).unwrap();
    assert_eq!(printed, place.run_file());
    assert!(ended.stderr.contains("phase: measure"), "{}", ended.stderr);
}

#[test]
fn quiet_shows_no_progress() {
    let place = Place::new();
    place.file("s.rhai", IDLE);
    let ended = place.run(["run", "s.rhai", "--quiet"]).expect(0);
    assert_eq!(ended.stderr, "");
    assert!(ended.stdout.contains("TOTAL RESULTS"));
}

#[test]
fn the_same_seed_does_the_same_on_one_core_and_on_two_and_in_segments() {
    let script = r#"
fn options() { #{ scenarios: #{ main: #{ executor: "constant-arrival-rate", rate: 100, duration: "1s", max_vus: 20, exec: "work" } } } }
fn work(vu) { log::info(`did ${vu.iteration} ${vu.rng.below(1000000)}`); }
"#;
    let done = |args: &[&str]| -> BTreeSet<String> {
        let place = Place::new();
        place.file("s.rhai", script);
        let ended = place.run(["run", "s.rhai", "--warm-up", "0s"].iter().chain(args)).expect(0);
        assert_eq!(place.run_file().summary.unwrap().scenarios[0].dropped, 0);
        let lines = ended.stderr.lines().filter_map(|line| line.split_once("did "));
        lines.map(|(_, rest)| rest.to_owned()).collect()
    };
    let one = done(&["--cores", "1"]);
    assert_eq!(one.len(), 100, "{one:?}");
    assert_eq!(done(&["--cores", "2"]), one);
    let (first, second) = (done(&["--segment", "1/2"]), done(&["--execution-segment", "1/2:1"]));
    assert_eq!((first.len(), second.len()), (50, 50));
    assert_eq!(first.union(&second).cloned().collect::<BTreeSet<_>>(), one);
    assert_ne!(done(&["--seed", "2"]), one);
}

#[test]
fn probes_are_sampled_judged_and_kept() {
    let place = Place::new();
    let script = IDLE.replace("} } }", "} }, probes: #{ depth: #{ every: \"100ms\", exec: \"depth\" } }, thresholds: #{ depth: [\"max < 10\", \"count > 2\"] } }");
    place.file("s.rhai", format!("{script}fn depth() {{ 7 }}"));
    let ended = place.run(["run", "s.rhai"]).expect(0);
    let rows = std::fs::read_to_string(place.run_dir().join("probes.csv")).unwrap();
    assert!(
        rows.lines().skip(1).all(|row| row.ends_with(",depth,7.0")) && rows.lines().count() > 3,
        "{rows}"
    );
    assert!(ended.stdout.contains("✓ max < 10"), "{}", ended.stdout);
}

#[test]
fn a_store_works_through_both_clients() {
    let script = r#"
fn options() { #{ scenarios: #{ main: #{ executor: "per-vu-iterations", vus: 2, iterations: 5, exec: "work" } } } }
fn setup() { let made = s3::create_bucket(); }
fn work(vu) {
    let key = `k/${vu.iteration}`;
    let put = s3::put(key, "hello");
    check(s3::get(key).ok, "read");
    let gone = s3::delete(key);
}
"#;
    for client in ["lean", "sdk"] {
        let place = Place::new();
        place.file("s.rhai", script);
        place.run(["run", "s.rhai", "--s3-client", client]).expect(0);
        let run = place.run_file();
        assert_eq!((run.servers[0].client.as_str(), run.servers[0].embedded), (client, true));
        let summary = run.summary.unwrap();
        let counts: Vec<_> =
            summary.ops.iter().map(|op| (op.name.as_str(), op.outcome, op.latency.count)).collect();
        assert_eq!(counts, [("delete", Outcome::Ok, 10), ("get", Outcome::Ok, 10), ("put", Outcome::Ok, 10)]);
        assert_eq!((summary.checks[0].passed, summary.checks[0].failed), (10, 0));
        place.assert_nothing_is_left();
    }
}

#[test]
fn two_runs_at_once_do_not_meet() {
    let place = Place::new();
    place.file("s.rhai", HEADS);
    let (one, two) = (place.spawn(["run", "s.rhai"]), place.spawn(["run", "s.rhai"]));
    crate::support::wait(one).expect(0);
    crate::support::wait(two).expect(0);
    assert_eq!(place.run_dirs().len(), 2);
    place.assert_nothing_is_left();
}

#[test]
fn iterations_that_fail_can_be_judged() {
    let place = Place::new();
    let script = IDLE
        .replace("sleep(\"5ms\")", "sleep(\"5ms\"); throw \"on purpose\"")
        .replace("} } }", "} }, thresholds: #{ failed_iterations: [\"rate < 1%\"] } }");
    place.file("s.rhai", script);
    let ended = place.run(["run", "s.rhai"]).expect(99);
    assert!(ended.stdout.contains("✗ rate < 1%  100%"), "{}", ended.stdout);
}

#[test]
fn what_verify_throws_and_what_a_probe_says_is_in_the_summary_and_the_report() {
    let place = Place::new();
    let script = IDLE.replace("} } }", "} }, probes: #{ deep: #{ every: \"200ms\", exec: \"deep\" } } }")
        + "fn verify() { throw \"two are missing\"; }\nfn deep() { throw \"no depth\"; }\n";
    place.file("s.rhai", script);
    let ended = place.run(["run", "s.rhai"]).expect(99);
    let report = place.run(["report", place.run_dir().to_str().unwrap()]).expect(0).stdout;
    for text in [&ended.stdout, &report] {
        for words in ["verify() found a fault", "two are missing", "no depth"] {
            assert!(text.contains(words), "no `{words}` in {text}");
        }
    }
}

#[test]
fn what_set_up_throws_is_the_scripts_end() {
    for body in ["throw \"boo\"", "fail(\"boo\")"] {
        let place = Place::new();
        place.file("s.rhai", format!("{IDLE}fn setup() {{ {body}; }}\n"));
        let ended = place.run(["run", "s.rhai"]).expect(107);
        assert!(ended.stderr.contains("setup() failed: boo"), "{}", ended.stderr);
    }
}

#[test]
fn a_result_that_cannot_be_written_is_no_good_end() {
    let place = Place::new();
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let ended = crate::support::ended(place.command(["docs"]).stdout(full).output().unwrap()).expect(1);
    assert!(ended.stderr.contains("cannot write to standard output"), "{}", ended.stderr);
}
