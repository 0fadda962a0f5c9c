//! https: who is believed, who is not, and what both sides agree to speak.

use drivers::TrustError;
use drivers::http::{Http, HttpSettings};
use model::outcome::Outcome;

use super::server::Server;
use super::{get, open, settings};
use crate::s3::on_a_core;
use crate::s3::tls::{Front, front_of};

const HTTP1: &[u8] = b"http/1.1";
const HTTP2: &[u8] = b"h2";

fn through(front: &Front) -> HttpSettings {
    HttpSettings {
        ca_file: Some(front.ca_file.clone()),
        ..settings(&format!("https://localhost:{}", front.port))
    }
}

#[test]
fn a_service_behind_tls_is_believed_by_its_authority() {
    on_a_core(async {
        let server = Server::of_http1().await;
        for protocols in [&[][..], &[HTTP1], &[HTTP2, HTTP1]] {
            let front = front_of("localhost", server.port, protocols).await;
            let client = open(&through(&front));
            assert_eq!(client.reach().await, Ok(()));
            let reply = get(&client, "/bytes/100000").await;
            assert_eq!((reply.outcome, reply.body.len()), (Outcome::Ok, 100_000), "{reply:#?}");
        }
    });
}

#[test]
fn a_certificate_that_nobody_vouches_for_is_refused_unless_any_will_do() {
    on_a_core(async {
        let server = Server::of_http1().await;
        let front = front_of("other.example", server.port, &[]).await;
        let refused = [HttpSettings { ca_file: None, ..through(&front) }, through(&front)];
        for (settings, why) in refused.iter().zip(["UnknownIssuer", "other.example"]) {
            let client = open(settings);
            let reply = get(&client, "/echo").await;
            assert_eq!((reply.outcome, reply.class.as_deref()), (Outcome::Error, Some("tls")), "{reply:#?}");
            let message = reply.message.unwrap();
            assert!(message.contains(why) && message.contains("`ca_file:`"), "{message}");
            assert_eq!(client.reach().await, Err(message));
        }
        let anybody = HttpSettings { ca_file: None, insecure: Some(true), ..through(&front) };
        assert!(anybody.check().unwrap().is_insecure());
        assert!(get(&open(&anybody), "/echo").await.is_ok());
        // That is said about the service, not about whoever a URL names.
        let elsewhere = front_of("other.example", server.port, &[]).await;
        let reply = get(&open(&anybody), &format!("https://localhost:{}/echo", elsewhere.port)).await;
        assert_eq!(reply.class.as_deref(), Some("tls"), "{reply:#?}");
    });
}

#[test]
fn http_2_is_agreed_on_or_told_to_be_left_out() {
    on_a_core(async {
        let server = Server::of_http2().await;
        let front = front_of("localhost", server.port, &[HTTP2, HTTP1]).await;
        let client = open(&HttpSettings { http2: Some(true), ..through(&front) });
        let (first, second) = tokio::join!(get(&client, "/bytes/100000"), get(&client, "/echo"));
        assert!(first.is_ok() && second.is_ok(), "{first:#?} {second:#?}");
        assert_eq!(server.connections(), 1);
        let front = front_of("localhost", server.port, &[]).await;
        let reply = get(&open(&HttpSettings { http2: Some(true), ..through(&front) }), "/echo").await;
        assert_eq!((reply.outcome, reply.class.as_deref()), (Outcome::Error, Some("not_http")), "{reply:#?}");
        assert!(reply.message.unwrap().contains("leave `http2` out"));
    });
}

#[test]
fn a_ca_file_must_hold_a_certificate() {
    let folder = tempfile::tempdir().unwrap();
    let empty = folder.path().join("empty.pem");
    std::fs::write(&empty, "nothing here").unwrap();
    for path in [empty, folder.path().join("missing.pem")] {
        for url in [Some("https://localhost:1".to_owned()), None] {
            let settings = HttpSettings { url, ca_file: Some(path.clone()), ..HttpSettings::default() };
            let error = Http::open(&settings.check().unwrap()).unwrap_err();
            assert!(matches!(error, TrustError::CaFile { .. }), "{error}");
            assert!(error.to_string().contains("name a PEM file"), "{error}");
        }
    }
}
