//! Object stores: one list of tests, run through both clients against a real store, and another against
//! servers that misbehave.

pub(crate) mod canned;
mod chain;
mod conditions;
mod faults;
mod listings;
mod many;
mod operations;
mod parts;
mod ranges;
mod requests;
mod server;
pub(crate) mod tls;

use std::future::Future;

use drivers::s3::{ClientKind, S3Reply, S3Settings, Store};
use embed::store::Backend;
use model::outcome::Outcome;
use tokio::task::LocalSet;

use canned::{Answer, Canned};
use server::Server;

const ACCESS_KEY: &str = "test-key";
const SECRET_KEY: &str = "test-secret";

/// Runs a test as the engine runs operations: on one thread, in its runtime.
pub(crate) fn on_a_core<T>(test: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    LocalSet::new().block_on(&runtime, test)
}

/// Settings that reach `endpoint` through `client`.
fn settings(endpoint: &str, client: ClientKind) -> S3Settings {
    S3Settings {
        endpoint: Some(endpoint.to_owned()),
        bucket: Some("snapbench-test".to_owned()),
        access_key: Some(ACCESS_KEY.to_owned()),
        secret_key: Some(SECRET_KEY.to_owned()),
        client: Some(client.to_string()),
        ..S3Settings::default()
    }
}

fn open(settings: &S3Settings) -> Store {
    Store::open(&settings.check().unwrap()).unwrap()
}

/// A server that answers so, and a client of it that waits at most `timeout`.
async fn against(client: ClientKind, timeout: &str, answers: Vec<Answer>) -> (Canned, Store) {
    let server = Canned::start(answers).await;
    let settings = S3Settings { timeout: Some(timeout.to_owned()), ..settings(&server.endpoint(), client) };
    let store = open(&settings);
    (server, store)
}

/// A store with its bucket. The server lives as long as what is returned.
async fn with_bucket(client: ClientKind) -> (Server, Store) {
    with_bucket_of(Backend::Ordered, client).await
}

async fn with_bucket_of(backend: Backend, client: ClientKind) -> (Server, Store) {
    let server = Server::with(backend);
    let store = open(&settings(&server.endpoint(), client));
    assert_ok(&store.create_bucket().await);
    (server, store)
}

#[track_caller]
fn assert_ok(reply: &S3Reply) {
    assert!(reply.is_ok(), "{reply:#?}");
    assert_eq!((&reply.class, &reply.message), (&None, &None));
}

/// How each ended: its outcome and its class.
#[track_caller]
fn assert_ended(replies: &[S3Reply], outcomes: &[Outcome], class: &str) {
    let ends: Vec<_> = replies.iter().map(|reply| (reply.outcome, reply.class.as_deref())).collect();
    let wanted: Vec<_> = outcomes.iter().map(|outcome| (*outcome, Some(class))).collect();
    assert_eq!(ends, wanted, "{replies:#?}");
}

/// The keys of a listing.
fn keys(reply: &S3Reply) -> Vec<&str> {
    reply.listing.objects.iter().map(|object| object.key.as_str()).collect()
}

/// Makes two tests of each function: one a client.
macro_rules! through_both_clients {
    ($($test:ident)*) => {
        mod lean {
            $(#[test] fn $test() { crate::s3::on_a_core(super::$test(drivers::s3::ClientKind::Lean)); })*
        }
        mod sdk {
            $(#[test] fn $test() { crate::s3::on_a_core(super::$test(drivers::s3::ClientKind::Sdk)); })*
        }
    };
}
use through_both_clients;
