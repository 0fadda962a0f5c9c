//! The control port: a run that is seen, changed, paused and stopped from outside.

use std::{
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
};

use model::runfile::RunState;

use crate::support::{IDLE, Place, wait, wait_until};

const SCRIPT: &str = r#"// Steered
// Question: do users come and go as they are told?
fn options() { #{ scenarios: #{ users: #{ executor: "externally-controlled", vus: 1, max_vus: 4, exec: "work" } } } }
fn work(vu) { metric::counter(`user ${vu.id}`, 1); sleep("5ms"); }
"#;

/// A port that was free a moment ago.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Code and body of one exchange, as anybody with HTTP has it.
fn exchange(port: u16, method: &str, path: &str, body: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let length = body.len();
    write!(stream, "{method} {path} HTTP/1.1\r\nhost: here\r\ncontent-length: {length}\r\n\r\n{body}")
        .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let code = answer.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap();
    (code, answer.split("\r\n\r\n").nth(1).unwrap().to_owned())
}

#[test]
fn a_run_does_what_it_is_told_and_ends_when_it_is_stopped() {
    let place = Place::new();
    place.file("s.rhai", SCRIPT);
    let port = free_port();
    let address = port.to_string();
    let child = place.spawn(["run", "s.rhai", "--control", &address]);
    let scale = |flags: &[&str]| {
        let flags = ["scale", "--address", &address].into_iter().chain(flags.iter().copied());
        place.run(flags)
    };
    wait_until("the run measures", || scale(&[]).stdout.contains("measure"));
    assert_eq!(
        scale(&["--vus", "3"]).expect(0).stdout,
        "  phase    measure\n  vus      3 of 4 at most\n  paused   no\n  stopped  no\n"
    );
    let refused = scale(&["--vus", "5"]).expect(1);
    assert!(
        refused.stderr.contains("5 virtual users are more than the scenario's `max_vus` (4)"),
        "{}",
        refused.stderr
    );

    // As k6 says it, and plainly.
    let of_k6 =
        r#"{"data":{"attributes":{"vus":2,"paused":true,"stopped":false},"type":"status","id":"default"}}"#;
    let (code, body) = exchange(port, "PATCH", "/v1/status", of_k6);
    assert_eq!(code, 200, "{body}");
    let status: serde_json::Value = serde_json::from_str(&body).unwrap();
    let attributes = &status["data"]["attributes"];
    assert_eq!(
        (&attributes["vus"], &attributes["vus-max"], &attributes["paused"]),
        (&2.into(), &4.into(), &true.into())
    );
    let (code, _) = exchange(port, "PATCH", "/v1/status", r#"{"vus": 4}"#);
    assert_eq!(code, 200);
    let (code, body) = exchange(port, "PATCH", "/v1/status", r#"{"vus": 40}"#);
    assert!(code == 400 && body.contains("`max_vus` (4)"), "{code} {body}");
    assert_eq!(exchange(port, "PATCH", "/v1/status", "20").0, 400);
    assert_eq!(exchange(port, "GET", "/v1/metrics", "").0, 404);
    assert_eq!(exchange(port, "POST", "/v1/status", "").0, 405);

    assert!(scale(&["--resume"]).expect(0).stdout.contains("paused   no"));
    let events = || std::fs::read_to_string(place.run_dir().join("events.ndjson")).unwrap_or_default();
    wait_until("the last change is an event", || events().matches("scenario users: 4 VUs\"").count() == 1);
    // Whoever has come has something to do before the run ends.
    let has_all = || {
        std::fs::read_to_string(place.run_dir().join("timeline.csv")).unwrap_or_default().contains("user 3")
    };
    wait_until("the fourth user works", has_all);
    scale(&["--stop"]).expect(0);
    let ended = wait(child).expect(0);
    assert!(ended.stderr.contains("stopping: told to through the control port"), "{}", ended.stderr);
    let run = place.run_file();
    assert_eq!((run.state, run.duration_s), (RunState::Finished, None));
    for told in [
        "scenario users: 3 VUs\"",
        "scenario users: 2 VUs, paused",
        "scenario users: 4 VUs, paused",
        "scenario users: 4 VUs\"",
    ] {
        assert_eq!(events().matches(told).count(), 1, "{told}: {}", events());
    }
    place.assert_nothing_is_left();
    assert!(scale(&[]).expect(1).stderr.contains("no run can be reached"));
}

#[test]
fn a_duration_ends_it_as_well_and_a_flag_gives_one() {
    let place = Place::new();
    place.file("s.rhai", SCRIPT);
    place.run(["run", "s.rhai", "--control", &free_port().to_string(), "--duration", "300ms"]).expect(0);
    let run = place.run_file();
    assert_eq!((run.duration_s, run.loads[0].executor.as_str()), (Some(0.3), "externally-controlled"));
}

#[test]
fn without_a_control_port_it_is_refused_before_anything_starts() {
    let place = Place::new();
    place.file("s.rhai", SCRIPT);
    insta::assert_snapshot!(place.run(["run", "s.rhai"]).expect(104).shown(&place));
    assert!(place.run_dirs().is_empty());
    let shown = place.run(["inspect", "s.rhai"]).expect(0).stdout;
    assert!(shown.contains("externally-controlled calls work(), until it is stopped"), "{shown}");
}

#[test]
fn a_control_port_in_use_is_told_before_the_load() {
    let place = Place::new();
    place.file("s.rhai", IDLE);
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = other.local_addr().unwrap().port().to_string();
    let ended = place.run(["run", "s.rhai", "--control", &port]).expect(1);
    insta::assert_snapshot!(ended.shown(&place).replace(&port, "PORT"));
    assert!(place.run_dirs().is_empty());
}

#[test]
fn any_run_can_be_stopped_through_its_port() {
    let place = Place::new();
    place.file("s.rhai", IDLE.replace("\"1s\"", "\"120s\""));
    let address = free_port().to_string();
    let child = place.spawn(["run", "s.rhai", "--control", &address, "--warm-up", "0s"]);
    wait_until("the run measures", || {
        place.run(["scale", "--address", &address]).stdout == "  phase    measure\n  stopped  no\n"
    });
    let refused = place.run(["scale", "--address", &address, "--pause"]).expect(1);
    assert!(
        refused.stderr.contains("no scenario of this run is externally-controlled"),
        "{}",
        refused.stderr
    );
    place.run(["scale", "--address", &address, "--stop"]).expect(0);
    wait(child).expect(0);
    assert_eq!(place.run_file().state, RunState::Finished);
}
