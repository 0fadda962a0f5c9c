//! A real store for one test: the embedded one, a process of its own that goes with the test.

use std::ops::Deref;

use embed::Durability;
use embed::store::{Backend, Keys, ObjectStore, StoreOptions};

use super::{ACCESS_KEY, SECRET_KEY};

pub(super) struct Server(ObjectStore);

impl Server {
    pub(super) fn start() -> Self {
        Self::with(Backend::Ordered)
    }

    pub(super) fn with(backend: Backend) -> Self {
        let keys = Keys { access_key: ACCESS_KEY.to_owned(), secret_key: SECRET_KEY.to_owned() };
        // What is tested here is the client: the store need not wait for the disk.
        let options = StoreOptions {
            backend,
            keys: Some(keys),
            durability: Durability::Off,
            ..StoreOptions::default()
        };
        Server(embed::store::start(options).expect("an object store can be started"))
    }
}

impl Deref for Server {
    type Target = ObjectStore;

    fn deref(&self) -> &ObjectStore {
        &self.0
    }
}
