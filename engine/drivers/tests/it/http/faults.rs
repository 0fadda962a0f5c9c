//! Services that are down, slow, rude, or no service at all: every end is data, with the right outcome and a sentence
//! that helps.

use std::time::Duration;

use drivers::http::{HttpSettings, Method};
use model::outcome::Outcome;

use super::server::Server;
use super::{against, ask_within, end, get, open, post, settings};
use crate::s3::canned::{Answer, Canned, http};
use crate::s3::on_a_core;

#[test]
fn a_service_that_is_down_is_refused_and_nothing_was_sent() {
    on_a_core(async {
        let url = Canned::start(vec![Answer::Close]).await.endpoint();
        tokio::task::yield_now().await;
        let client = open(&settings(&url));
        for reply in [get(&client, "/x").await, post(&client, "/x").await] {
            assert_eq!(end(&reply), (Outcome::Error, Some("connection_refused"), None));
            let message = reply.message.as_deref().unwrap();
            assert!(message.starts_with(&format!("cannot connect to {url}: ")), "{message}");
            assert!(message.contains("check that the service is running"), "{message}");
            assert_eq!((reply.bytes_sent, reply.service_ns), (0, 0));
        }
        assert!(client.reach().await.unwrap_err().starts_with("cannot connect to"));
    });
}

#[test]
fn a_kept_connection_that_was_closed_is_replaced_without_a_word() {
    on_a_core(async {
        let server = Server::of_http1().await;
        let client = open(&settings(&server.url()));
        assert!(get(&client, "/echo").await.is_ok());
        server.hang_up().await;
        let reply = post(&client, "/echo").await;
        assert_eq!(end(&reply), (Outcome::Ok, None, Some(200)), "{reply:#?}");
        assert_eq!(server.connections(), 2);
    });
}

#[test]
fn a_connection_that_is_lost_leaves_a_change_open_and_is_not_tried_again() {
    on_a_core(async {
        for (answer, class) in [(Answer::Close, "unexpected_eof"), (Answer::Reset, "connection_reset")] {
            // The first answer is good, so that the connection is a kept one when it is lost.
            let (server, client) = against(vec![Answer::Say(http("200 OK", "", "")), answer]).await;
            assert!(get(&client, "/").await.is_ok());
            assert_eq!(end(&post(&client, "/").await), (Outcome::Ambiguous, Some(class), None));
            assert_eq!(end(&get(&client, "/").await), (Outcome::Error, Some(class), None));
            assert_eq!(server.requests().len(), 3);
        }
    });
}

#[test]
fn a_body_that_is_cut_short_leaves_a_change_open() {
    on_a_core(async {
        let half = "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf";
        let (_server, client) = against(vec![Answer::SayAndClose(half.into())]).await;
        let (got, posted) = (get(&client, "/").await, post(&client, "/").await);
        assert_eq!(end(&got), (Outcome::Error, Some("unexpected_eof"), None));
        assert_eq!(end(&posted), (Outcome::Ambiguous, Some("unexpected_eof"), None));
        assert!(!posted.fate_is_known() && posted.message.unwrap().contains("after the request was sent"));
    });
}

#[test]
fn an_answer_that_never_comes_is_a_timeout_or_leaves_a_change_open() {
    on_a_core(async {
        let stops = "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf";
        for answer in [Answer::Nothing, Answer::Say(stops.into())] {
            let (_server, client) = against(vec![answer]).await;
            let shortly = Some(Duration::from_millis(50));
            let got = ask_within(&client, Method::GET, "/", "", shortly).await;
            assert_eq!(end(&got), (Outcome::Timeout, Some("timeout"), None));
            assert!(got.service_ns >= 45_000_000 && got.message.unwrap().contains("within 0.05 s"));
            let changed = ask_within(&client, Method::DELETE, "/", "", shortly).await;
            assert_eq!(end(&changed), (Outcome::Ambiguous, Some("timeout"), None));
        }
        let server = Server::of_http1().await;
        let client = open(&HttpSettings { timeout: Some("30ms".into()), ..settings(&server.url()) });
        assert_eq!(get(&client, "/never").await.outcome, Outcome::Timeout);
    });
}

#[test]
fn what_is_not_http_says_so() {
    on_a_core(async {
        let words = Answer::SayAndClose("SSH-2.0-OpenSSH_9.6\r\nwhat do you want\r\n\r\n".into());
        let (_server, client) = against(vec![words]).await;
        let (got, posted) = (get(&client, "/").await, post(&client, "/").await);
        assert_eq!(end(&got), (Outcome::Error, Some("not_http"), None));
        assert_eq!(end(&posted), (Outcome::Ambiguous, Some("not_http"), None));
        assert!(got.message.unwrap().contains("check the port"));
    });
}

#[test]
fn a_refusal_is_quoted_on_one_line_with_what_to_do() {
    on_a_core(async {
        let page = "<!DOCTYPE html>\n<html>\n <title>Bad\u{7} Gateway</title> and a long story about it that goes on and on";
        let html = "content-type: text/html\r\n";
        let to = "location: https://elsewhere.example/login?token=hush\r\n";
        let answers = [
            http("502 Bad Gateway", html, page),
            http("401 Unauthorized", "", ""),
            http("302 Found", to, ""),
            http("307 Temporary Redirect", "", ""),
        ];
        let (server, client) = against(answers.into_iter().map(Answer::Say).collect()).await;
        let mut told = Vec::new();
        for _ in 0..4 {
            told.push(get(&client, "/a/path").await.message.unwrap().replace(&server.endpoint(), "[URL]"));
        }
        assert_eq!(
            told,
            [
                "[URL] answered 502 Bad Gateway (`<!DOCTYPE html> <html> <title>Bad Gateway</title> and a long story about it that`)",
                "[URL] answered 401 Unauthorized; give what it asks for in `headers` of the call, or `headers_env` of the target",
                "[URL] answered 302 Found and points to https://elsewhere.example/login; redirects are not followed: ask there",
                "[URL] answered 307 Temporary Redirect and points to elsewhere; redirects are not followed: ask there",
            ]
        );
    });
}

#[test]
fn a_reply_larger_than_the_limit_is_refused_whether_it_says_so_or_not() {
    on_a_core(async {
        let announced = "HTTP/1.1 200 OK\r\ncontent-length: 9000000000\r\n\r\n";
        let (_server, client) = against(vec![Answer::Say(announced.into())]).await;
        let (got, posted) = (get(&client, "/").await, post(&client, "/").await);
        assert_eq!(end(&got), (Outcome::Error, Some("too_large"), None));
        assert_eq!(end(&posted), (Outcome::Ambiguous, Some("too_large"), None));
        assert!(got.message.unwrap().contains("64 MiB"), "the limit is named");
        let server = Server::of_http1().await;
        let reply = get(&open(&settings(&server.url())), "/bytes/70000000").await;
        assert_eq!(reply.class.as_deref(), Some("too_large"));
    });
}
