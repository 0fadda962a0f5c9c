//! HTTP/2: many requests at once on one connection, and what becomes of them when it goes away.

use std::time::Duration;

use drivers::http::{HttpSettings, Method};
use futures_util::future::join_all;
use model::outcome::Outcome;

use super::server::Server;
use super::{ask_within, end, get, open, post, settings};
use crate::s3::canned::{Answer, Canned};
use crate::s3::on_a_core;

fn of_http2(url: &str) -> HttpSettings {
    HttpSettings { http2: Some(true), ..settings(url) }
}

#[test]
fn many_requests_at_once_share_one_connection() {
    on_a_core(async {
        let server = Server::of_http2().await;
        let client = open(&of_http2(&server.url()));
        let replies = join_all((0..50).map(|_| post(&client, "/echo/x?y=1"))).await;
        for reply in &replies {
            assert_eq!(end(reply), (Outcome::Ok, None, Some(200)), "{reply:#?}");
            assert!(reply.body.starts_with(b"POST /echo/x?y=1\n") && reply.body.ends_with(b"\nx"));
            // All of them waited for the one that opened it.
            assert!(reply.connect_wait_ns > 0);
        }
        assert!(server.most_open() > 10, "{}", server.most_open());
        let again = get(&client, "/echo").await;
        assert_eq!((again.outcome, again.connect_wait_ns), (Outcome::Ok, 0));
        let used = client.connections().unwrap();
        assert_eq!((server.connections(), used.opened, used.reused, used.idle), (1, 1, 50, 1));
    });
}

#[test]
fn requests_take_turns_on_as_many_connections_as_there_are_to_be() {
    on_a_core(async {
        let server = Server::of_http2().await;
        let client = open(&HttpSettings { connections: Some("3".into()), ..of_http2(&server.url()) });
        let replies = join_all((0..30).map(|_| get(&client, "/bytes/100000"))).await;
        assert!(replies.iter().all(|reply| reply.body.len() == 100_000), "{replies:?}");
        assert_eq!((server.connections(), client.connections().unwrap().idle), (3, 3));
    });
}

#[test]
fn a_connection_that_was_closed_is_replaced_without_a_word() {
    on_a_core(async {
        let server = Server::of_http2().await;
        let client = open(&of_http2(&server.url()));
        client.reach().await.unwrap();
        assert!(get(&client, "/echo").await.is_ok());
        server.hang_up().await;
        // Whoever drives the connection has to see it first.
        while client.connections().unwrap().idle > 0 {
            tokio::task::yield_now().await;
        }
        assert!(post(&client, "/echo").await.is_ok());
        assert_eq!(server.connections(), 2);
    });
}

#[test]
fn a_connection_that_is_lost_leaves_its_changes_open() {
    on_a_core(async {
        let server = Server::of_http2().await;
        let client = open(&of_http2(&server.url()));
        assert!(get(&client, "/echo").await.is_ok());
        let hang_up = async {
            while server.most_open() < 2 {
                tokio::task::yield_now().await;
            }
            server.hang_up().await;
        };
        let (got, posted, ()) = tokio::join!(get(&client, "/never"), post(&client, "/never"), hang_up);
        assert_eq!(
            (got.outcome, posted.outcome),
            (Outcome::Error, Outcome::Ambiguous),
            "{got:#?} {posted:#?}"
        );
        assert_eq!(got.class, posted.class);
        assert_eq!(posted.class.as_deref(), Some("unexpected_eof"), "{posted:#?}");
    });
}

#[test]
fn a_request_that_is_given_up_does_not_disturb_the_others() {
    on_a_core(async {
        let server = Server::of_http2().await;
        let client = open(&of_http2(&server.url()));
        let shortly = Some(Duration::from_millis(50));
        let (slow, changed) = tokio::join!(
            ask_within(&client, Method::GET, "/never", "", shortly),
            ask_within(&client, Method::PUT, "/never", "x", shortly)
        );
        assert_eq!((slow.outcome, changed.outcome), (Outcome::Timeout, Outcome::Ambiguous));
        assert!(get(&client, "/echo").await.is_ok());
        assert_eq!(server.connections(), 1);
    });
}

#[test]
fn a_service_of_http_1_says_what_to_leave_out() {
    on_a_core(async {
        let server = Server::of_http1().await;
        let words = "HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n";
        let other = Canned::start_at_once(Answer::SayAndClose(words.to_owned())).await;
        for url in [server.url(), other.endpoint()] {
            let client = open(&of_http2(&url));
            let reply = get(&client, "/echo").await;
            assert_eq!(end(&reply), (Outcome::Error, Some("http2"), None), "{reply:#?}");
            let message = reply.message.unwrap();
            assert!(message.contains("leave `http2` out"), "{message}");
        }
    });
}

#[test]
fn a_reply_larger_than_the_limit_is_refused() {
    on_a_core(async {
        let server = Server::of_http2().await;
        let reply = get(&open(&of_http2(&server.url())), "/bytes/70000000").await;
        assert_eq!(end(&reply), (Outcome::Error, Some("too_large"), None));
    });
}
