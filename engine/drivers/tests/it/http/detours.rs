//! A service that is reached through a proxy: it is still the one that its URL names, and what happens on the wire shows.

use std::time::Duration;

use drivers::http::{Http, HttpSettings, Method};
use drivers::wire::{Proxy, Upstream, WireFault};
use model::outcome::Outcome;

use super::server::Server;
use super::{ask_within, end, get, post, settings};
use crate::s3::on_a_core;
use crate::s3::tls::front_of;

/// A name that nobody resolves: who asked for it would not come far.
const NAME: &str = "service.invalid";

fn before(port: u16) -> Proxy {
    Proxy::start(Upstream::Tcp("127.0.0.1".to_owned(), port)).unwrap()
}

fn through(proxy: &Proxy, settings: &HttpSettings) -> Http {
    Http::open(&settings.check().unwrap().with_detour(Some(proxy.address()))).unwrap()
}

#[test]
fn a_detour_changes_neither_host_nor_path() {
    on_a_core(async {
        for http2 in [false, true] {
            let server = if http2 { Server::of_http2().await } else { Server::of_http1().await };
            let proxy = before(server.port);
            let url = format!("http://{NAME}:8080/echo");
            let client = through(&proxy, &HttpSettings { http2: Some(http2), ..settings(&url) });
            assert_eq!(client.config().dialled(), Some((NAME.to_owned(), 8080)));
            client.reach().await.unwrap();
            let replies = [post(&client, "/x?y=1").await, get(&client, &format!("{url}/whole")).await];
            for (reply, line) in replies.iter().zip(["POST /echo/x?y=1\n", "GET /echo/whole\n"]) {
                assert_eq!(end(reply), (Outcome::Ok, None, Some(200)), "{reply:#?}");
                let said = String::from_utf8_lossy(&reply.body);
                assert!(said.starts_with(line) && said.contains(&format!(": {NAME}:8080\n")), "{said}");
            }
            assert_eq!((proxy.open(), server.connections()), (1, 1), "one connection, by way of the proxy");
        }
    });
}

#[test]
fn the_name_in_the_certificate_is_still_that_of_the_service() {
    on_a_core(async {
        for (http2, protocol) in [(false, &b"http/1.1"[..]), (true, b"h2")] {
            let server = if http2 { Server::of_http2().await } else { Server::of_http1().await };
            for (certified, is_believed) in [(NAME, true), ("localhost", false)] {
                let front = front_of(certified, server.port, &[protocol]).await;
                let proxy = before(front.port);
                let client = through(
                    &proxy,
                    &HttpSettings {
                        http2: Some(http2),
                        ca_file: Some(front.ca_file.clone()),
                        ..settings(&format!("https://{NAME}"))
                    },
                );
                let reply = get(&client, "/echo").await;
                assert_eq!(reply.is_ok(), is_believed, "{reply:#?}");
                if is_believed {
                    let said = String::from_utf8_lossy(&reply.body);
                    assert!(said.contains(&format!(": {NAME}\n")), "{said}");
                    assert_eq!(proxy.open(), 1, "it went past the proxy");
                } else {
                    assert_eq!(reply.class.as_deref(), Some("tls"), "{reply:#?}");
                    assert!(reply.message.unwrap().contains(NAME));
                }
            }
        }
    });
}

#[test]
fn whole_urls_that_go_elsewhere_go_straight() {
    on_a_core(async {
        let (service, other) = (Server::of_http1().await, Server::of_http1().await);
        let proxy = before(service.port);
        let client = through(&proxy, &settings(&service.url()));
        let _cut = proxy.impose(WireFault::Cut);
        assert!(get(&client, &format!("{}/echo", other.url())).await.is_ok());
        assert_eq!((proxy.open(), other.connections()), (0, 1));
    });
}

#[test]
fn what_happens_on_the_wire_shows_in_the_service_time() {
    on_a_core(async {
        for http2 in [false, true] {
            let server = if http2 { Server::of_http2().await } else { Server::of_http1().await };
            let proxy = before(server.port);
            let client = through(&proxy, &HttpSettings { http2: Some(http2), ..settings(&server.url()) });
            assert!(get(&client, "/echo").await.is_ok());
            let delay = Duration::from_millis(50);
            let latency = proxy.impose(WireFault::Latency { delay, jitter: Duration::ZERO });
            let delayed = get(&client, "/echo").await;
            assert!(delayed.is_ok() && u128::from(delayed.service_ns) >= delay.as_nanos(), "{delayed:#?}");
            drop(latency);
            let cut = proxy.impose(WireFault::Cut);
            let held =
                ask_within(&client, Method::POST, "/echo", "x", Some(Duration::from_millis(100))).await;
            assert_eq!(end(&held), (Outcome::Ambiguous, Some("timeout"), None), "nobody knows its fate");
            drop(cut);
            let reset = proxy.impose(WireFault::Reset);
            let lost = get(&client, "/echo").await;
            assert_eq!(lost.outcome, Outcome::Error, "{lost:#?}");
            drop(reset);
            while !get(&client, "/echo").await.is_ok() {}
            assert_eq!(end(&post(&client, "/echo").await), (Outcome::Ok, None, Some(200)));
        }
    });
}
