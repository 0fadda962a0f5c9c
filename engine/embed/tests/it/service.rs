//! The queue service as a server of ours: it answers, it can be broken, it comes back where it was.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Command, Stdio};
use std::time::Duration;

use embed::postgres::{PgOptions, Postgres, TcpAccess};
use embed::service::{self, Service, ServiceOptions};
use embed::{Durability, EmbedError, Faults, Servers, Wanted};

use crate::world::{eventually, is_alive, is_stopped, psql};

fn postgres() -> PgOptions {
    PgOptions { durability: Durability::Off, ..PgOptions::default() }
}

/// Postgres and the service in front of it.
fn start() -> Servers {
    let service = Some(ServiceOptions::default());
    embed::start(Wanted { postgres: Some(postgres()), service, stores: Vec::new() }).expect("both start")
}

fn both(servers: &Servers) -> (&Service, &Postgres) {
    (servers.service.as_ref().expect("wanted"), servers.postgres.as_ref().expect("wanted"))
}

fn address(service: &Service) -> SocketAddr {
    service.url().strip_prefix("http://").expect("HTTP").parse().expect("an address")
}

/// Asks once, on a connection of its own: the status and the body. 0 when there is nobody.
fn ask(service: &Service, line: &str, body: &str) -> (u16, String) {
    let asked = || {
        let mut stream = TcpStream::connect(address(service))?;
        let head = "host: test\r\nconnection: close\r\ncontent-type: application/json";
        write!(stream, "{line} HTTP/1.1\r\n{head}\r\ncontent-length: {}\r\n\r\n{body}", body.len())?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).map(|_| answer)
    };
    let answer: String = asked().unwrap_or_else(|_: std::io::Error| String::new());
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    let body = answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned());
    (status, body.unwrap_or_default())
}

fn push(service: &Service) -> u16 {
    ask(service, "POST /v1/queues/q/items", "{\"item\": {}}").0
}

#[test]
fn it_keeps_its_items_in_the_postgres_beside_it() {
    let servers = start();
    let (service, postgres) = both(&servers);
    assert!(service.url().starts_with("http://127.0.0.1:"));
    assert_eq!(push(service), 201);
    assert_eq!(psql(&postgres.url(), "SELECT queue, item FROM snapbench_queue_api_item"), "q|{}");
    assert_eq!(
        ask(service, "POST /v1/queues/q/pop", "{}").1,
        "{\"items\":[{\"id\":1,\"priority\":0,\"item\":{}}]}"
    );
}

#[test]
fn killed_and_restarted_it_is_found_where_it_was() {
    let servers = start();
    let service = servers.service.as_ref().expect("wanted");
    let (url, pid) = (service.url(), service.pid().expect("it runs"));
    assert_eq!(push(service), 201);
    service.kill9().expect("it runs");
    assert!(!is_alive(pid));
    assert_eq!((service.pid(), push(service)), (None, 0), "nobody listens");
    assert!(matches!(service.kill9(), Err(EmbedError::NotRunning { .. })));
    service.restart().expect("it starts");
    assert_eq!((service.url(), push(service)), (url.clone(), 201));
    assert_ne!(service.pid(), Some(pid));
    service.restart().expect("one that runs can be restarted too");
    assert_eq!((service.url(), push(service)), (url, 201));
    assert_eq!(ask(service, "GET /v1/queues/q", "").1, "{\"ready\":3,\"waiting\":0}");
    assert_eq!(Faults::server(service), "service");
}

#[test]
fn a_restart_in_good_order_answers_what_was_asked_before() {
    let patient = ServiceOptions { patience: Duration::from_secs(60), ..ServiceOptions::default() };
    let wanted = Wanted { postgres: Some(postgres()), service: Some(patient), stores: Vec::new() };
    let servers = embed::start(wanted).expect("both start");
    let (service, postgres) = both(&servers);
    // Somebody holds the table, so that the request is held while the service is told to end.
    let mut holder = Command::new("psql");
    holder.args([&postgres.url(), "-XAqt"]).stdin(Stdio::piped()).stdout(Stdio::null());
    let mut holder = holder.spawn().expect("psql is installed");
    let input = holder.stdin.as_mut().expect("it is piped");
    input.write_all(b"BEGIN; LOCK TABLE snapbench_queue_api_item;\n").expect("it listens");
    let count = |sql: &str| psql(&postgres.url(), sql);
    eventually("the lock is held", || {
        count("SELECT count(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND granted") == "1"
    });
    std::thread::scope(|scope| {
        let asked = scope.spawn(|| push(service));
        eventually("the request waits for the lock", || {
            count("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'") == "1"
        });
        let restarted = scope.spawn(|| service.restart());
        eventually("nobody new is let in", || {
            let refused = TcpStream::connect(address(service)).map(drop);
            refused.is_err_and(|error| error.kind() == ErrorKind::ConnectionRefused)
        });
        // psql ends at the end of its input, and with it the transaction.
        drop(holder.stdin.take());
        holder.wait().expect("it ends");
        assert_eq!(asked.join().expect("it is answered"), 201);
        restarted.join().expect("no panic").expect("it starts");
    });
    assert_eq!(push(service), 201);
}

#[test]
fn paused_it_keeps_whom_it_has_and_answers_later() {
    let servers = start();
    let service = servers.service.as_ref().expect("wanted");
    let pid = service.pid().expect("it runs");
    service.pause().expect("it runs");
    assert!(is_stopped(pid));
    let mut stream = TcpStream::connect(address(service)).expect("the kernel still lets in");
    stream.write_all(b"GET /health HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n").expect("and takes");
    stream.set_read_timeout(Some(Duration::from_millis(50))).expect("a time above 0");
    let silence = stream.read(&mut [0; 1]).expect_err("nobody answers");
    assert!(matches!(silence.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut), "{silence}");
    service.resume().expect("it runs");
    stream.set_read_timeout(None).expect("no time at all");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it answers");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[test]
fn when_its_postgres_is_away_it_says_so_and_goes_on_when_it_is_back() {
    let servers = start();
    let (service, postgres) = both(&servers);
    assert_eq!(push(service), 201);
    postgres.kill9().expect("it runs");
    eventually("the loss is seen", || ask(service, "GET /health", "").0 == 503);
    postgres.restart().expect("it starts");
    eventually("it goes on", || push(service) == 201);
}

#[test]
fn over_tcp_its_password_is_seen_nowhere() {
    let tcp = Some(TcpAccess { port: 0, password: Some("top secret".to_owned()) });
    let postgres = embed::postgres::start(PgOptions { tcp, ..postgres() }).expect("it starts");
    let postgres_url = postgres.tcp_url().expect("wanted");
    let options = ServiceOptions { postgres_url, ..ServiceOptions::default() };
    assert!(!format!("{options:?}").contains("secret"));
    let service = service::start(options).expect("it starts");
    assert_eq!(push(&service), 201);
    let pid = service.pid().expect("it runs");
    for file in ["cmdline", "environ"] {
        let text = std::fs::read(format!("/proc/{pid}/{file}")).expect("it is ours");
        let text = String::from_utf8_lossy(&text);
        assert!(!text.contains("secret"), "{file}: {text}");
    }
}

#[test]
fn what_keeps_it_from_starting_is_said() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let port = nobody.local_addr().expect("it is bound").port();
    let taken =
        service::start(ServiceOptions { port, ..ServiceOptions::default() }).expect_err("the port is taken");
    assert!(matches!(taken, EmbedError::PortInUse { server: "the queue service", .. }), "{taken}");
    drop(nobody);
    let postgres_url = format!("postgresql://postgres:secret@127.0.0.1:{port}/postgres");
    let options = ServiceOptions { postgres_url, ..ServiceOptions::default() };
    let refused = service::start(options).expect_err("no Postgres is there").to_string();
    assert!(
        refused.starts_with("the queue service did not start: the tables could not be made ready"),
        "{refused}"
    );
    assert!(refused.contains("Connection refused") && !refused.contains("secret"), "{refused}");
    let nowhere = service::start(ServiceOptions::default()).expect_err("it names none").to_string();
    assert!(nowhere.contains("it names no host"), "{nowhere}");
}
