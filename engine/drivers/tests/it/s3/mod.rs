//! Object stores: one list of tests, run through both clients against a real store, and another against
//! servers that misbehave.

mod canned;
mod faults;
mod operations;
mod requests;
mod server;
mod tls;

use std::future::Future;

use drivers::s3::{ClientKind, S3Settings, Store};
use tokio::task::LocalSet;

const ACCESS_KEY: &str = "test-key";
const SECRET_KEY: &str = "test-secret";

/// Runs a test as the engine runs operations: on one thread, in its runtime.
fn on_a_core<T>(test: impl Future<Output = T>) -> T {
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
