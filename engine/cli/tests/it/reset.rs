//! `reset`, and `run --reset`: what a script left behind is removed, where that is permitted.

use embed::postgres::{PgOptions, Postgres};

use crate::support::{HEADS, IDLE, Place};

/// A script whose tables outlive its runs.
fn keeper() -> String {
    let kept = HEADS
        .replace("DROP TABLE IF EXISTS snapbench_heads;", "")
        .replace("    pg::batch(\"DROP TABLE snapbench_heads\");\n", "");
    kept + "fn reset() { pg::batch(\"DROP TABLE IF EXISTS snapbench_heads\"); [\"table snapbench_heads\"] }\n"
}

fn postgres() -> Postgres {
    embed::postgres::start(PgOptions { durability: embed::Durability::Off, ..PgOptions::default() }).unwrap()
}

/// What was printed, without where the server is.
fn shown(place: &Place, server: &Postgres, ended: &crate::support::Ended) -> String {
    let host = server.url().split("host=").nth(1).unwrap().split('&').next().unwrap().to_owned();
    let text = ended.shown(place).replace(&host, "[HOST]");
    text.replace(&server.port().to_string(), "[PORT]")
}

#[test]
fn what_stands_in_the_way_is_told_at_once() {
    let place = Place::new();
    place.file("s.rhai", HEADS);
    let elsewhere = ["--postgres-url", "postgresql://u@127.0.0.1:1/d"];
    let ended = place.run(["reset", "s.rhai"].iter().chain(&elsewhere)).expect(104);
    insta::assert_snapshot!(ended.shown(&place));
    let run = place.run(["run", "s.rhai", "--reset"].iter().chain(&elsewhere)).expect(104);
    assert_eq!(run.stderr, ended.stderr);
    assert!(place.run_dirs().is_empty());
}

#[test]
fn on_embedded_servers_there_is_nothing_to_reset() {
    let place = Place::new();
    place.file("s.rhai", keeper()).file("idle.rhai", IDLE.to_owned() + "fn reset() {}\n");
    insta::assert_snapshot!(place.run(["reset", "s.rhai"]).expect(0).shown(&place));
    place.run(["reset", "idle.rhai"]).expect(0);
    place.assert_nothing_is_left();
}

#[test]
fn what_was_removed_is_printed_and_is_gone() {
    let (place, server) = (Place::new(), postgres());
    place.file("s.rhai", keeper());
    let url = server.url();
    let target = ["--postgres-url", &url, "--yes"];
    let run = ["run", "s.rhai", "--duration", "1s"];
    place.run(run.iter().chain(&target)).expect(0);
    // Its table is in the way of the next run, which says so.
    let second = place.run(run.iter().chain(&target)).expect(1);
    assert!(second.stderr.contains("already exists"), "{}", second.stderr);
    let reset = place.run(["reset", "s.rhai"].iter().chain(&target)).expect(0);
    insta::assert_snapshot!(shown(&place, &server, &reset));
    place.run(run.iter().chain(&target)).expect(0);
    let third = place.run(run.iter().chain(&target).chain(&["--reset"])).expect(0);
    assert!(third.stderr.contains("reset() removed table snapbench_heads"), "{}", third.stderr);
    let again = place.run_dirs().iter().any(|dir| {
        let text = std::fs::read_to_string(dir.join("run.json")).unwrap();
        model::runfile::RunFile::parse(&text).unwrap().command.contains(&"--reset".to_owned())
    });
    assert!(again, "the command that makes the run again says --reset");
}

#[test]
fn a_reset_that_fails_ends_with_the_code_of_its_failure() {
    let (place, server) = (Place::new(), postgres());
    let url = server.url();
    for (body, code, said) in [
        ("pg::batch(\"DROP TABLE snapbench_nothing\")", 1, "snapbench_nothing"),
        ("let x = nothing_there", 107, "nothing_there"),
        ("fail(\"not today\")", 107, "reset() failed: not today"),
        ("abort(\"not at all\")", 108, "not at all"),
    ] {
        place.file("s.rhai", HEADS.to_owned() + &format!("fn reset() {{ {body}; }}\n"));
        let ended = place.run(["reset", "s.rhai", "--postgres-url", &url, "--yes"]).expect(code);
        assert!(ended.stderr.contains(said), "{body}: {}", ended.stderr);
        let run = place.run(["run", "s.rhai", "--postgres-url", &url, "--yes", "--reset"]).expect(code);
        assert!(run.stderr.contains(said), "{body}: {}", run.stderr);
        assert!(!run.stderr.contains("phase: setup"), "nothing is set up behind it: {}", run.stderr);
    }
}
