//! A service that behaves: what is sent, what comes back, and what is kept for the next request.

use bytes::Bytes;
use drivers::http::{HttpRequest, HttpRules, HttpSettings, HttpTarget, HttpTemplate, Method, header};
use model::outcome::Outcome;

use super::server::Server;
use super::{against, ask, end, get, open, post, settings};
use crate::s3::canned::{Answer, http};
use crate::s3::on_a_core;

#[test]
fn a_request_arrives_as_it_was_written_and_its_reply_comes_whole() {
    on_a_core(async {
        let server = Server::of_http1().await;
        let client = open(&HttpSettings {
            headers: vec![("x-of-all".into(), "a".into()), ("x-both".into(), "of all".into())],
            ..settings(&format!("{}/echo/", server.url()))
        });
        let own = [header("X-Both", "of this").unwrap()];
        let request = HttpRequest {
            method: &Method::PATCH,
            target: HttpTemplate::parse("/v1/{}?max=2").unwrap().fill(["a/b ä"]),
            headers: &own,
            content_type: Some("application/json"),
            body: Bytes::from_static(b"[1]"),
            timeout: None,
            rules: &HttpRules::default(),
        };
        let reply = client.send(request).await;
        assert_eq!(end(&reply), (Outcome::Ok, None, Some(200)), "{reply:#?}");
        let echo = String::from_utf8(reply.body.to_vec()).unwrap();
        let mut lines: Vec<&str> = echo.lines().collect();
        assert_eq!(lines.remove(0), "PATCH /echo/v1/a%2Fb%20%C3%A4?max=2");
        assert_eq!(lines.pop(), Some("[1]"));
        lines.sort_unstable();
        let agent = concat!("user-agent: snapbench/", env!("CARGO_PKG_VERSION"));
        let host = format!("host: 127.0.0.1:{}", server.port);
        let wanted = [
            "content-length: 3",
            "content-type: application/json",
            &host,
            agent,
            "x-both: of this",
            "x-of-all: a",
        ];
        assert_eq!(lines, wanted);
        assert_eq!((reply.bytes_sent, reply.bytes_received), (3, echo.len() as u64));
        assert_eq!((reply.header("X-Said"), reply.header("nothing")), (Some("yes"), None));
        assert!(reply.connect_wait_ns > 0 && reply.service_ns > 0 && reply.fate_is_known());
    });
}

#[test]
fn what_a_status_means_is_in_the_reply() {
    on_a_core(async {
        let server = Server::of_http1().await;
        let client = open(&settings(&server.url()));
        for (status, of_get, of_post) in [
            (204, Outcome::Ok, Outcome::Ok),
            (304, Outcome::Error, Outcome::Error),
            (404, Outcome::Rejected, Outcome::Rejected),
            (408, Outcome::Timeout, Outcome::Timeout),
            (409, Outcome::Conflict, Outcome::Conflict),
            (429, Outcome::Throttled, Outcome::Throttled),
            (500, Outcome::Error, Outcome::Error),
            (502, Outcome::Error, Outcome::Ambiguous),
            (503, Outcome::Throttled, Outcome::Throttled),
        ] {
            let target = format!("/status/{status}");
            let (get, post) = (get(&client, &target).await, post(&client, &target).await);
            let class = (of_get != Outcome::Ok).then(|| status.to_string());
            assert_eq!(end(&get), (of_get, class.as_deref(), Some(status)));
            assert_eq!(end(&post), (of_post, class.as_deref(), Some(status)));
            // Whoever fails at a change may have made it before.
            assert_eq!(
                post.fate_is_known(),
                ![Outcome::Ambiguous, Outcome::Error].contains(&of_post),
                "{status}"
            );
            assert_eq!(get.message.is_some(), of_get != Outcome::Ok);
        }
        let mut rules = HttpRules::default();
        rules.set(404, Outcome::Empty);
        let target = HttpTarget::parse("/status/404").unwrap();
        let request = HttpRequest {
            method: &Method::GET,
            target,
            headers: &[],
            content_type: None,
            body: Bytes::new(),
            timeout: None,
            rules: &rules,
        };
        assert_eq!(end(&client.send(request).await), (Outcome::Empty, Some("404"), Some(404)));
        // Not one of them cost its connection.
        assert_eq!(server.connections(), 1);
    });
}

#[test]
fn a_connection_is_kept_and_a_second_request_at_once_has_its_own() {
    on_a_core(async {
        let server = Server::of_http1().await;
        let client = open(&settings(&server.url()));
        for _ in 0..5 {
            let reply = ask(&client, Method::HEAD, "/echo", "").await;
            assert_eq!((end(&reply), reply.body.len()), ((Outcome::Ok, None, Some(200)), 0));
        }
        let used = client.connections().unwrap();
        assert_eq!((used.opened, used.reused, used.idle, server.connections()), (1, 4, 1, 1));
        let _ = tokio::join!(get(&client, "/echo"), get(&client, "/echo"));
        assert_eq!(server.connections(), 2);
        assert_eq!(client.connections().unwrap().idle, 2);
    });
}

#[test]
fn bodies_come_in_pieces_with_a_length_or_up_to_the_end() {
    on_a_core(async {
        let server = Server::of_http1().await;
        let client = open(&settings(&server.url()));
        let large = get(&client, "/bytes/1000000").await;
        assert_eq!((large.body.len(), large.bytes_received), (1_000_000, 1_000_000));
        let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
        let (server, client) = against(vec![
            Answer::Say(chunked.into()),
            Answer::SayAndClose("HTTP/1.1 200 OK\r\n\r\nto the end".into()),
        ])
        .await;
        assert_eq!(&get(&client, "/").await.body[..], b"abcde");
        assert_eq!(&get(&client, "/").await.body[..], b"to the end");
        assert_eq!(server.connections(), 1);
        assert_eq!(client.connections().unwrap().idle, 0);
    });
}

#[test]
fn a_change_without_a_body_says_how_long_it_is() {
    on_a_core(async {
        let (server, client) = against(vec![Answer::Say(http("200 OK", "", ""))]).await;
        for (method, says) in
            [(Method::POST, true), (Method::PUT, true), (Method::GET, false), (Method::DELETE, false)]
        {
            ask(&client, method.clone(), "/", "").await;
            let head = server.requests().pop().unwrap();
            assert_eq!(head.contains("content-length: 0"), says, "{head}");
        }
    });
}

#[test]
fn a_whole_url_is_asked_for_and_is_not_shown_the_keys_of_the_service() {
    on_a_core(async {
        let (service, client) = against(vec![Answer::Say(http("200 OK", "", "service"))]).await;
        drop(client);
        let (other, _) = against(vec![Answer::Say(http("200 OK", "", "other"))]).await;
        let client = open(&HttpSettings {
            headers: vec![("authorization".into(), "hush".into())],
            ..settings(&format!("{}/prefix", service.endpoint()))
        });
        assert_eq!(&get(&client, &format!("{}/x", other.endpoint())).await.body[..], b"other");
        assert_eq!(&get(&client, &other.endpoint()).await.body[..], b"other");
        assert_eq!(&get(&client, &format!("{}/x", service.endpoint())).await.body[..], b"service");
        assert_eq!(&get(&client, "/x").await.body[..], b"service");
        let first = |head: &String| head.lines().next().unwrap().to_owned();
        assert_eq!(
            other.requests().iter().map(first).collect::<Vec<_>>(),
            ["GET /x HTTP/1.1", "GET / HTTP/1.1"]
        );
        assert!(other.requests().iter().all(|head| !head.contains("hush")));
        // Its own URL is the service, without the prefix.
        let heads = service.requests();
        assert_eq!(
            heads.iter().map(first).collect::<Vec<_>>(),
            ["GET /x HTTP/1.1", "GET /prefix/x HTTP/1.1"]
        );
        assert!(heads.iter().all(|head| head.contains("authorization: hush")));
        assert_eq!((other.connections(), service.connections()), (1, 1));
        assert!(!format!("{client:?}").contains("hush"));
    });
}

#[test]
fn a_path_without_a_service_is_told_what_it_lacks() {
    on_a_core(async {
        let client = open(&HttpSettings::default());
        let reply = get(&client, "/x").await;
        assert_eq!(end(&reply), (Outcome::Error, Some("client"), None));
        assert!(reply.message.unwrap().contains("--http-url"));
        let server = Server::of_http1().await;
        assert!(get(&client, &format!("{}/echo", server.url())).await.is_ok());
        assert_eq!((client.connections(), client.reach().await), (None, Ok(())));
    });
}
