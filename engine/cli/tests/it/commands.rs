//! The commands beside `run`.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    process::Stdio,
};

use rustix::process::Signal;

use crate::support::{HEADS, IDLE, Place, signal, wait};

#[test]
fn check_is_good_or_tells_everything() {
    let place = Place::new();
    place
        .file("good.rhai", HEADS)
        .file("bad.rhai", IDLE.replace("vus: 2", "vuus: 2").replace("work\"", "wrok\""));
    let good = place.run(["check", "good.rhai"]).expect(0);
    assert_eq!(good.stdout, "good.rhai: good (1 scenario, 2 thresholds, 2s, postgres (embedded))\n");
    assert_eq!(good.stderr, "");
    let bad = place.run(["check", "bad.rhai"]).expect(104);
    assert_eq!(bad.stdout, "");
    assert!(bad.stderr.contains("2 problems"), "{}", bad.stderr);
    let bad = place.run(["check", "bad.rhai", "--json"]).expect(104);
    let told: serde_json::Value = serde_json::from_str(&bad.stdout).unwrap();
    assert_eq!(told["good"], false);
    assert_eq!(told["problems"].as_array().unwrap().len(), 2);
    assert_eq!(told["problems"][0]["line"], 3);
    let good = place.run(["check", "good.rhai", "--json"]).expect(0);
    let told: serde_json::Value = serde_json::from_str(&good.stdout).unwrap();
    assert_eq!((&told["good"], &told["thresholds"]), (&true.into(), &2.into()));
}

#[test]
fn inspect_shows_the_whole_plan() {
    let place = Place::new();
    let script = r#"// S · A burst
// Question: what does it cost?
import "shape" as shape;
fn options() {
    let high = param("high", 100, #{ help: "rate of the burst", unit: "/s", min: 1 });
    let form = param("form", "square", #{ one_of: ["square", "sine"] });
    #{
        scenarios: #{
            burst: #{ executor: "arrival-rate", rate: shape::square(#{ high: high, high_for: "10s", low: 10, low_for: "10s", total: "60s" }), max_vus: 50, exec: "work" },
            late: #{ executor: "shared-iterations", vus: 4, iterations: 2000, start_time: "30s", exec: "work" },
        },
        probes: #{ depth: #{ every: "500ms", exec: "depth" } },
        thresholds: #{ errors: [#{ threshold: "rate < 1%", abort_on_fail: true }], iterations: ["count > 10"] },
    }
}
fn setup() { let rows = param("rows", 10); let more = param("more", rows + 1); }
fn work() { let reply = pg::query("SELECT 1", []); let put = s3::put("k", "v"); }
fn depth() { 1 }
"#;
    place.file("s.rhai", script);
    let args =
        ["inspect", "s.rhai", "-p", "high=200", "--duration", "30s", "--cores", "2", "--s3-bucket", "mine"];
    let shown = place.run(args).expect(0);
    insta::assert_snapshot!(shown.shown(&place));
    let json = place.run(args.iter().chain(&["--json"])).expect(0);
    let value: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(value["parameters"][1]["from"], "flag -p");
    assert_eq!(value["scenarios"][0]["duration_s"], 30.0);
    assert_eq!(value["scenarios"][0]["curve"].as_array().unwrap().len(), 400);
    place.assert_nothing_is_left();
}

#[test]
fn inspect_names_the_flag_that_set_the_length() {
    let place = Place::new();
    place.file("s.rhai", IDLE);
    let from = |args: &[&str]| {
        let shown = place.run(["inspect", "s.rhai", "--json"].iter().chain(args)).expect(0);
        let value: serde_json::Value = serde_json::from_str(&shown.stdout).unwrap();
        let settings = value["settings"].as_array().unwrap();
        settings.iter().find(|setting| setting["name"] == "duration").unwrap()["from"].clone()
    };
    assert_eq!(from(&[]), "script");
    assert_eq!(from(&["--stage", "1s:2"]), "flag --stage");
    assert_eq!(from(&["--stage", "1s:2", "--duration", "3s"]), "flag --duration");
}

#[test]
fn list_names_scripts_with_their_questions() {
    let place = Place::new();
    std::fs::create_dir(place.path("scenarios")).unwrap();
    place.file("scenarios/b.rhai", HEADS).file("scenarios/a.rhai", IDLE).file("lone.rhai", "fn options() {}");
    let usual = place.run(["list"]).expect(0);
    assert_eq!(usual.stdout, "  scenarios/a.rhai  does anything move?\n  scenarios/b.rhai  do heads move?\n");
    let json = place.run(["list", "--json", "."]).expect(0);
    let value: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(value[0]["path"], "./lone.rhai");
    let none = place.run(["list", "nowhere"]).expect(104);
    assert!(none.stderr.contains("cannot list nowhere"), "{}", none.stderr);
}

#[test]
fn new_writes_a_script_that_runs_and_never_overwrites_one() {
    let place = Place::new();
    let written = place.run(["new", "my-queue"]).expect(0);
    assert!(written.stdout.starts_with("wrote my-queue.rhai\n"), "{}", written.stdout);
    place.run(["check", "my-queue.rhai"]).expect(0);
    // Its threshold on a time is for the user's machine.
    place.run(["run", "my-queue.rhai", "--duration", "2s", "--no-thresholds"]).expect(0);
    let run = place.run_file();
    assert_eq!(run.scenario.name, "my-queue");
    assert!(run.ledgers[0].passed && run.ledgers[0].figures["acknowledged"] > 0, "{:?}", run.ledgers);
    place.assert_nothing_is_left();
    let again = place.run(["new", "my-queue"]).expect(104);
    assert!(again.stderr.contains("choose another name"), "{}", again.stderr);
    place.run(["new", "nowhere/x"]).expect(104);
    place.run(["new", "2fast"]).expect(104);
}

#[test]
fn report_says_what_it_misses() {
    let place = Place::new();
    let none = place.run(["report", "nothing"]).expect(104);
    assert!(none.stderr.contains("there is no run at nothing"), "{}", none.stderr);
    place.file("s.rhai", IDLE);
    place.run(["run", "s.rhai"]).expect(0);
    let above = place.run(["report", "results"]).expect(104);
    assert!(above.stderr.contains("the newest run in it is results/"), "{}", above.stderr);
    let dir = place.run_dir();
    let whole = place.run(["report", dir.to_str().unwrap()]).expect(0);
    let written = std::fs::read_to_string(dir.join("report.md")).unwrap();
    assert_eq!(whole.stdout.lines().next(), written.lines().next());
}

#[test]
fn docs_print_the_api_by_topic() {
    let place = Place::new();
    let all = place.run(["docs"]).expect(0).stdout;
    for topic in place.run(["docs", "topics"]).expect(0).stdout.lines() {
        let one = place.run(["docs", topic]).expect(0).stdout;
        assert!(!one.is_empty() && all.contains(one.trim_end()), "{topic}");
    }
    let wrong = place.run(["docs", "pgg"]).expect(104);
    assert!(wrong.stderr.contains("did you mean `pg`?"), "{}", wrong.stderr);
}

#[test]
fn the_complete_example_of_the_docs_plays() {
    let place = Place::new();
    let guide = place.run(["docs", "options"]).expect(0).stdout;
    let example = guide.split("```rhai\n").nth(1).unwrap().split("```").next().unwrap();
    place.file("example.rhai", example);
    // Its thresholds on times are for the user's machine.
    place.run(["run", "example.rhai", "--duration", "2s", "--warm-up", "0s", "--no-thresholds"]).expect(0);
    let run = place.run_file();
    assert!(run.ledgers[0].passed && run.ledgers[0].figures["acknowledged"] > 0, "{:?}", run.ledgers);
    place.assert_nothing_is_left();
}

#[test]
fn completions_are_printed_for_every_shell() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let ended = Place::new().run(["completions", shell]).expect(0);
        assert!(ended.stdout.contains("snapbench") && ended.stdout.contains("inspect"), "{shell}");
    }
}

#[test]
fn a_reader_that_goes_away_is_no_panic() {
    let place = Place::new();
    let mut child = place.spawn(["docs"]);
    drop(child.stdout.take());
    let ended = wait(child);
    assert_eq!(ended.stderr, "");
    assert_eq!(ended.code, 0);
}

#[test]
fn up_says_how_to_connect_and_ends_with_ctrl_c() {
    let place = Place::new();
    let mut command = place.command(["up", "--json"]);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut printed = String::new();
    let mut reader = BufReader::new(child.stdout.take().unwrap());
    while serde_json::from_str::<serde_json::Value>(&printed).is_err() {
        assert!(reader.read_line(&mut printed).unwrap() > 0, "it ended: {printed}");
    }
    let value: serde_json::Value = serde_json::from_str(&printed).unwrap();
    let port = value["postgres"]["port"].as_u64().unwrap();
    std::net::TcpStream::connect(("127.0.0.1", u16::try_from(port).unwrap())).unwrap();
    let store = &value["store"];
    assert_eq!((&store["backend"], &store["durability"]), (&"ordered".into(), &"on".into()));
    // What it prints is enough for a run against it.
    place.file("s.rhai", HEADS);
    let url = value["postgres"]["socket_url"].as_str().unwrap();
    place.run(["run", "s.rhai", "--duration", "1s", "--postgres-url", url, "--yes"]).expect(0);
    assert!(place.run_file().label.shape_only[0].contains("does not say"), "{:?}", place.run_file().label);
    signal(&child, Signal::INT);
    assert!(child.wait().unwrap().success());
    let mut rest = String::new();
    reader.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "");
    place.assert_nothing_is_left();
}

#[test]
fn up_starts_the_queue_service_when_it_is_asked_to() {
    let place = Place::new();
    let mut child = place.spawn(["up", "--service", "--json"]);
    let mut reader = BufReader::new(child.stdout.take().unwrap());
    let mut printed = String::new();
    while serde_json::from_str::<serde_json::Value>(&printed).is_err() {
        assert!(reader.read_line(&mut printed).unwrap() > 0, "it ended: {printed}");
    }
    let value: serde_json::Value = serde_json::from_str(&printed).unwrap();
    let port = u16::try_from(value["service"]["port"].as_u64().unwrap()).unwrap();
    assert_eq!(value["service"]["url"], format!("http://127.0.0.1:{port}"));
    let mut stream = std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.write_all(b"GET /health HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    signal(&child, Signal::INT);
    assert!(child.wait().unwrap().success());
    place.assert_nothing_is_left();

    let alone = place.run(["up", "--service-port", "8080"]).expect(104);
    assert!(alone.stderr.contains("--service"), "{}", alone.stderr);
}

#[test]
fn up_keeps_objects_in_what_it_is_told_and_says_what_that_promises() {
    for (backend, said) in [
        ("ordered", "Object store (S3), backend ordered, durability on"),
        ("fs", "Object store (S3), backend fs, durability off"),
        ("noop", "Object store (S3), backend noop, durability off"),
    ] {
        let place = Place::new();
        let mut child = place.spawn(["up", "--store-backend", backend]);
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        assert!(lines.any(|line| line == said), "{backend}");
        signal(&child, Signal::INT);
        assert!(child.wait().unwrap().success());
        place.assert_nothing_is_left();
    }
    let wrong = Place::new().run(["up", "--store-backend", "minio"]).expect(104);
    assert!(wrong.stderr.contains("ordered, fs, noop"), "{}", wrong.stderr);
}
