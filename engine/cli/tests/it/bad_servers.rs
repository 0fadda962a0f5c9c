//! Servers that are down, refuse us, or go away in mid-run.

use std::net::TcpListener;

use embed::postgres::{PgOptions, Postgres, TcpAccess};
use model::outcome::Outcome;
use rustix::process::Signal;

use crate::support::{HEADS, Place, signal, wait, wait_until};

/// A Postgres that asks TCP clients for a password.
fn postgres() -> Postgres {
    let tcp = Some(TcpAccess { port: 0, password: Some("s3cr3t-right".to_owned()) });
    embed::postgres::start(PgOptions { tcp, ..PgOptions::default() }).unwrap()
}

/// A port on which nobody listens.
fn silent_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}

#[test]
fn a_postgres_that_is_down() {
    let place = Place::new();
    place.file("s.rhai", HEADS);
    let port = silent_port();
    let ended = place
        .run(["run", "s.rhai", "--postgres-url", &format!("postgresql://u@127.0.0.1:{port}/d")])
        .expect(1);
    assert!(place.run_dirs().is_empty());
    insta::assert_snapshot!(ended.shown(&place).replace(&port.to_string(), "[PORT]"));
}

#[test]
fn a_postgres_that_refuses_the_password() {
    let (place, server) = (Place::new(), postgres());
    place.file("s.rhai", HEADS);
    let port = server.port();
    let url = format!("postgresql://postgres:s3cr3t-wrong@127.0.0.1:{port}/postgres");
    let ended = place.run(["run", "s.rhai", "--postgres-url", &url]).expect(1);
    assert!(place.run_dirs().is_empty());
    let shown = ended.shown(&place).replace(&port.to_string(), "[PORT]");
    assert!(!shown.contains("s3cr3t"), "the password stays out of sight: {shown}");
    insta::assert_snapshot!(shown);
}

#[test]
fn a_password_from_the_environment_is_right_and_is_nowhere_in_the_results() {
    let (place, server) = (Place::new(), postgres());
    place.file("s.rhai", HEADS);
    let url = format!("postgresql://postgres@127.0.0.1:{}/postgres", server.port());
    let mut command = place.command(["run", "s.rhai", "--postgres-url", &url, "--yes", "--duration", "1s"]);
    let ended = crate::support::ended(command.env("PGPASSWORD", "s3cr3t-right").output().unwrap()).expect(0);
    assert!(!ended.stdout.contains("s3cr3t"));
    for entry in std::fs::read_dir(place.run_dir()).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        assert!(!text.contains("s3cr3t"), "{text}");
    }
    let server = &place.run_file().servers[0];
    assert!(!server.embedded);
    assert_eq!(server.version, postgres_version(&server.version));
}

/// The version is a number, whoever packaged the server.
fn postgres_version(version: &str) -> String {
    version.chars().take_while(|c| c.is_ascii_digit() || *c == '.').collect()
}

#[test]
fn a_url_that_makes_no_sense() {
    let place = Place::new();
    place.file("s.rhai", HEADS);
    let ended = place.run(["run", "s.rhai", "--postgres-url", "postgresql://u:hush@h:99999/d?sslmod=x"]);
    assert!(!ended.stderr.contains("hush"), "{}", ended.stderr);
    insta::assert_snapshot!(ended.shown(&place));
}

#[test]
fn a_store_that_is_down() {
    let place = Place::new();
    place.file("s.rhai", PUTS);
    let port = silent_port();
    let mut command = place.command(["run", "s.rhai", "--s3-endpoint", &format!("http://127.0.0.1:{port}")]);
    command.env("AWS_ACCESS_KEY_ID", "key").env("AWS_SECRET_ACCESS_KEY", "hush");
    let ended = crate::support::ended(command.output().unwrap()).expect(1);
    insta::assert_snapshot!(ended.shown(&place).replace(&port.to_string(), "[PORT]"));
}

#[test]
fn a_store_that_nobody_gives_keys_for() {
    let place = Place::new();
    place.file("s.rhai", PUTS);
    let mut command = place.command(["run", "s.rhai", "--s3-endpoint", "http://127.0.0.1:1"]);
    let ended = crate::support::ended(command.env("AWS_EC2_METADATA_DISABLED", "true").output().unwrap());
    insta::assert_snapshot!(ended.expect(1).shown(&place));
}

#[test]
fn a_store_whose_settings_make_no_sense() {
    let place = Place::new();
    place.file("s.rhai", PUTS);
    let args = [
        "run",
        "s.rhai",
        "--s3-endpoint",
        "localhost:9000",
        "--s3-bucket",
        "Bad_Bucket",
        "--s3-client",
        "leen",
    ];
    insta::assert_snapshot!(place.run(args).expect(104).shown(&place));
}

const PUTS: &str = r#"
fn options() {
    #{
        scenarios: #{ main: #{ executor: "per-vu-iterations", vus: 2, iterations: 3, exec: "work" } },
        thresholds: #{ errors: ["rate < 1%"] },
    }
}
fn work(vu) { let put = s3::put(`k${vu.iteration}`, "x"); }
"#;

#[test]
fn a_bucket_that_does_not_exist_is_an_error_of_every_operation() {
    let place = Place::new();
    place.file("s.rhai", PUTS);
    let ended = place.run(["run", "s.rhai"]).expect(99);
    let run = place.run_file();
    let summary = run.summary.unwrap();
    let put = &summary.ops[0];
    assert_eq!((put.name.as_str(), put.outcome, put.latency.count), ("put", Outcome::Error, 6));
    assert_eq!(put.classes.get("NoSuchBucket"), Some(&6), "{:?}", put.classes);
    let failure = &summary.failures[0];
    assert!(failure.message.contains("bucket"), "{failure:?}");
    assert!(ended.stdout.contains("FAILURES"), "{}", ended.stdout);
    place.assert_nothing_is_left();
}

#[test]
fn a_postgres_that_drops_its_connections_in_mid_run_is_met_again() {
    let (place, server) = (Place::new(), embed::postgres::start(PgOptions::default()).unwrap());
    place.file("s.rhai", HEADS.replace("duration: \"2s\"", "duration: \"120s\""));
    let run = place.spawn(["run", "s.rhai", "--postgres-url", &server.url(), "--yes", "--warm-up", "0s"]);
    let good_swaps = || {
        let timeline = place.run_dirs().first().and_then(|dir| std::fs::read(dir.join("timeline.csv")).ok());
        let rows = timeline.map(|bytes| report::timeline::read(&bytes).records).unwrap_or_default();
        rows.iter().filter(|row| row.name == "head.cas" && row.outcome == Some(Outcome::Ok)).count()
    };
    wait_until("the run measures", || good_swaps() > 0);
    server.kill9().unwrap();
    server.restart().unwrap();
    let before = good_swaps();
    wait_until("it goes on by itself", || good_swaps() > before + 1);
    signal(&run, Signal::INT);
    wait(run).expect(105);
    let run = place.run_file();
    let summary = run.summary.unwrap();
    assert!(summary.errors > 0, "the outage was seen: {:?}", summary.ops);
    // Fates that nobody knew were settled by reading the server: nothing acknowledged was lost.
    assert!(run.ledgers[0].passed, "{:?}", run.ledgers);
}
