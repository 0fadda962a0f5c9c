//! https: who is believed, who is not, and what is said when one side speaks TLS and the other does not.

use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;

use bytes::Bytes;
use drivers::TrustError;
use drivers::s3::{ClientKind, ListRequest, S3OpenError, S3Settings, Store};
use drivers::wire::{Proxy, Upstream};
use model::outcome::Outcome;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use super::canned::{Answer, Canned};
use super::server::Server;
use super::{open, settings, through_both_clients};

through_both_clients! {
    a_store_behind_tls_works_with_its_authority
    a_certificate_of_nobody_we_trust_is_refused
    a_certificate_for_another_name_is_refused
    tls_against_a_plain_port_says_so
    plain_against_a_tls_port_says_so
    a_ca_file_must_hold_a_certificate
}

/// TLS in front of a plain port.
pub(crate) struct Front {
    pub(crate) port: u16,
    /// The certificate to trust, in a folder that goes with this.
    pub(crate) ca_file: PathBuf,
    _folder: tempfile::TempDir,
}

/// Accepts TLS for `name` and passes what comes on to `plain_port`.
async fn front(name: &str, plain_port: u16) -> Front {
    front_of(name, plain_port, &[]).await
}

/// The same, agreeing to these protocols.
pub(crate) async fn front_of(name: &str, plain_port: u16, protocols: &[&[u8]]) -> Front {
    let made = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let ca_file = folder.path().join("ca.pem");
    std::fs::write(&ca_file, made.cert.pem()).unwrap();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let certificate = CertificateDer::from(made.cert.der().to_vec());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut tls = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    tls.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
    let acceptor = Rc::new(TlsAcceptor::from(Arc::new(tls)));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::task::spawn_local(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = Rc::clone(&acceptor);
            tokio::task::spawn_local(async move {
                // A client that does not believe us leaves here.
                let Ok(mut outside) = acceptor.accept(stream).await else { return };
                let mut inside = TcpStream::connect(("127.0.0.1", plain_port)).await.unwrap();
                let _ = tokio::io::copy_bidirectional(&mut outside, &mut inside).await;
            });
        }
    });
    Front { port, ca_file, _folder: folder }
}

fn through(front: &Front, client: ClientKind) -> S3Settings {
    S3Settings {
        ca_file: Some(front.ca_file.clone()),
        ..settings(&format!("https://localhost:{}", front.port), client)
    }
}

async fn a_store_behind_tls_works_with_its_authority(client: ClientKind) {
    let server = Server::start();
    let front = front("localhost", server.port()).await;
    let store = open(&through(&front, client));
    for reply in [
        store.create_bucket().await,
        store.put("k", Bytes::from(vec![7; 100_000])).await,
        store.get("k").await,
        store.list(&ListRequest::default()).await,
        store.delete_prefix("").await,
    ] {
        assert!(reply.is_ok(), "{reply:#?}");
    }
}

#[test]
fn by_way_of_a_proxy_the_name_is_still_that_of_the_store() {
    crate::pg::server::run(async {
        let server = Server::start();
        for (name, is_believed) in [("localhost", true), ("store.example", false)] {
            let front = front(name, server.port()).await;
            let proxy = Proxy::start(Upstream::Tcp("127.0.0.1".to_owned(), front.port)).unwrap();
            let config = through(&front, ClientKind::Lean).check().unwrap();
            let store = Store::open(&config.with_detour(Some(proxy.address()))).unwrap();
            // Buckets are administered by the SDK, which goes straight.
            assert_eq!(store.create_bucket().await.is_ok(), is_believed);
            assert_eq!(proxy.open(), 0);
            let reply = store.put("k", Bytes::from_static(b"x")).await;
            assert_eq!(reply.is_ok(), is_believed, "{reply:#?}");
            if is_believed {
                assert_eq!(proxy.open(), 1, "it went past the proxy");
            } else {
                assert!(reply.message.unwrap().contains("store.example"));
            }
        }
    });
}

async fn a_certificate_of_nobody_we_trust_is_refused(client: ClientKind) {
    let front = front("localhost", 1).await;
    let store = open(&S3Settings { ca_file: None, ..through(&front, client) });
    let reply = store.put("k", Bytes::from_static(b"x")).await;
    assert_eq!((reply.outcome, reply.class.as_deref()), (Outcome::Error, Some("tls")), "{reply:#?}");
    let message = reply.message.unwrap();
    assert!(message.contains("UnknownIssuer") && message.contains("`ca_file:`"), "{message}");
}

async fn a_certificate_for_another_name_is_refused(client: ClientKind) {
    let front = front("store.example", 1).await;
    let reply = open(&through(&front, client)).get("k").await;
    assert_eq!((reply.outcome, reply.class.as_deref()), (Outcome::Error, Some("tls")), "{reply:#?}");
    assert!(reply.message.unwrap().contains("store.example"));
}

async fn tls_against_a_plain_port_says_so(client: ClientKind) {
    let words = Answer::SayAndClose("HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n".to_owned());
    let server = Canned::start_at_once(words).await;
    let store = open(&settings(&format!("https://localhost:{}", server.port()), client));
    let reply = store.get("k").await;
    assert_eq!((reply.outcome, reply.class.as_deref()), (Outcome::Error, Some("tls")), "{reply:#?}");
    assert!(reply.message.unwrap().contains("check https against http"));
}

async fn plain_against_a_tls_port_says_so(client: ClientKind) {
    let front = front("localhost", 1).await;
    let store: Store = open(&settings(&format!("http://localhost:{}", front.port), client));
    let reply = store.get("k").await;
    assert_eq!((reply.outcome, reply.class.as_deref()), (Outcome::Error, Some("not_http")), "{reply:#?}");
    assert!(reply.message.unwrap().contains("http against https"));
}

async fn a_ca_file_must_hold_a_certificate(client: ClientKind) {
    let folder = tempfile::tempdir().unwrap();
    let empty = folder.path().join("empty.pem");
    std::fs::write(&empty, "nothing here").unwrap();
    for path in [empty, folder.path().join("missing.pem")] {
        let settings = S3Settings { ca_file: Some(path), ..settings("https://localhost:1", client) };
        let error = Store::open(&settings.check().unwrap()).unwrap_err();
        assert!(matches!(error, S3OpenError::Trust(TrustError::CaFile { .. })), "{error}");
        assert!(error.to_string().contains("name a PEM file"), "{error}");
    }
}
