//! A Postgres from nothing, and nothing after it.

use embed::postgres::{self, PgOptions};
use std::process::Command;

fn psql(url: &str, sql: &str) -> String {
    let output = Command::new("psql").args([url, "-XAtc", sql]).output().expect("psql is installed");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

#[test]
fn starts_answers_and_is_gone() {
    let begun = std::time::Instant::now();
    let server = postgres::start(PgOptions::default()).unwrap();
    eprintln!("started in {:?}", begun.elapsed());
    let url = server.url();
    assert_eq!(psql(&url, "SELECT 41 + 1"), "42");
    psql(&url, "CREATE TABLE t AS SELECT 7 AS v");
    server.kill9().unwrap();
    eprintln!("restarted in {:?}", server.restart().unwrap());
    assert_eq!(psql(&url, "SELECT v FROM t"), "7");
    eprintln!("restarted in {:?}", server.restart().unwrap());
    let begun = std::time::Instant::now();
    let folder = server.socket_dir().to_owned();
    server.stop();
    eprintln!("stopped in {:?}", begun.elapsed());
    assert!(!folder.exists());
}
