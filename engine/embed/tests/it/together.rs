//! Both servers at once, and runs beside each other.

use embed::postgres::PgOptions;
use embed::store::StoreOptions;
use embed::{EmbedError, Faults, Servers, Wanted};

use crate::s3_client::Client;
use crate::world::psql;

fn both() -> Servers {
    let wanted =
        Wanted { postgres: Some(PgOptions::default()), stores: vec![StoreOptions::default()], service: None };
    embed::start(wanted).expect("both start")
}

#[test]
fn two_runs_do_not_meet() {
    let (first, second) = std::thread::scope(|scope| {
        let first = scope.spawn(both);
        let second = scope.spawn(both);
        (first.join().expect("it starts"), second.join().expect("it starts"))
    });
    for (servers, value) in [(&first, "1"), (&second, "2")] {
        let url = servers.postgres.as_ref().expect("wanted").url();
        psql(&url, &format!("CREATE TABLE t AS SELECT {value} AS v"));
        let mut client = Client::of(&servers.stores[0]);
        client.send("PUT", "/bkt", &[], b"");
        client.send("PUT", "/bkt/k", &[], value.as_bytes());
    }
    drop(first);
    let url = second.postgres.as_ref().expect("wanted").url();
    assert_eq!(psql(&url, "SELECT v FROM t"), "2");
    let mut client = Client::of(&second.stores[0]);
    assert_eq!(client.send("GET", "/bkt/k", &[], b"").text(), "2");
}

#[test]
fn when_one_cannot_start_the_other_is_stopped() {
    let holder = std::net::TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let port = holder.local_addr().expect("it is bound").port();
    let wanted = Wanted {
        postgres: Some(PgOptions::default()),
        stores: vec![StoreOptions { port, ..StoreOptions::default() }],
        service: None,
    };
    assert!(matches!(embed::start(wanted), Err(EmbedError::PortInUse { .. })));
}

#[test]
fn faults_are_the_same_words_for_both() {
    let servers = both();
    let all: [&dyn Faults; 2] = [servers.postgres.as_ref().expect("wanted"), &servers.stores[0]];
    for server in all {
        server.pause().expect("it runs");
        server.pause().expect("pausing twice is pausing");
        server.resume().expect("it runs");
        server.resume().expect("a running one goes on running");
        server.pause().expect("it runs");
        server.restart().expect("a paused one can be restarted");
        server.pause().expect("it runs");
        server.kill9().expect("a paused one can be killed");
        for refused in [server.kill9(), server.pause(), server.resume()] {
            let error = refused.expect_err("it is down");
            assert!(error.to_string().contains("is not running"), "{error}");
        }
        server.restart().expect("a killed one can be restarted");
    }
    assert_eq!(psql(&servers.postgres.as_ref().expect("wanted").url(), "SELECT 1"), "1");
}
