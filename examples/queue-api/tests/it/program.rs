//! The program around the service: arguments, signals, exit codes.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use serde_json::json;

use crate::client::{request, send};

fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_queue-api"));
    command.env_remove("RUST_LOG").env_remove("QUEUE_API_POSTGRES_URL").stderr(Stdio::piped());
    command
}

/// Ends the program with the test, however that ends.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It has ended by itself when all went well.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn it_serves_until_it_is_told_to_end() {
    let postgres = crate::world::postgres();
    let mut command = program();
    command.args(["--listen", "127.0.0.1:0"]).env("QUEUE_API_POSTGRES_URL", postgres.url());
    let mut running = Running(command.spawn().expect("it starts"));
    let mut log = BufReader::new(running.0.stderr.take().expect("it is piped")).lines();
    let line = log.next().expect("it says something").expect("in text");
    let address = line.rsplit("http://").next().expect("its address").parse().expect("an address");
    let push = request("POST", "/v1/queues/q/items", Some("application/json"), b"{\"item\": {}}");
    assert_eq!(send(address, &push).expect(201), json!({ "id": 1 }));
    let pid = running.0.id().to_string();
    assert!(Command::new("kill").arg(&pid).status().expect("kill is everywhere").success());
    assert!(running.0.wait().expect("it is our child").success(), "ended in good order");
}

#[test]
fn what_stops_it_from_serving_is_said_in_one_line() {
    let ended = |args: &[&str]| {
        let output = program().args(args).output().expect("it runs");
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (code, said) = ended(&["--postgres-url", "nonsense"]);
    assert_eq!(code, Some(1));
    assert!(said.contains("the Postgres URL cannot be used") && said.lines().count() == 1, "{said}");
    let (code, said) = ended(&["--postgres-url", "postgresql://h/d", "--connections", "0"]);
    assert_eq!(code, Some(2));
    assert!(said.contains("--connections"), "{said}");
}
