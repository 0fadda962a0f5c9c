//! A bucket, as whoever puts load on it sees it: the operations, whatever client carries them out.
//!
//! Deliberately does not know what a client is made of; it adds what both share, such as walking the pages
//! of a listing.

use std::cell::OnceCell;
use std::fmt;
use std::rc::Rc;

use bytes::Bytes;
use model::outcome::Outcome;

use super::config::{ClientKind, S3Config};
use super::lean::{ConnectionUse, Lean};
use super::meaning::Place;
use super::reply::S3Reply;
use super::request::{ListRequest, PageRequest};
use super::sdk::Sdk;
use super::trust::S3OpenError;
use super::walk::{Step, Walk};
use super::xml::Page;

/// A bucket of an object store. Belongs to the thread, and to the runtime, that use it; clones share its
/// connections.
#[derive(Clone)]
pub struct Store(Rc<Inner>);

struct Inner {
    config: S3Config,
    client: Client,
    /// What administers the bucket when the load goes through another client; made when first needed.
    administrator: OnceCell<Sdk>,
}

enum Client {
    Lean(Box<Lean>),
    Sdk(Box<Sdk>),
}

impl Store {
    /// Makes the client. Connects to nothing yet.
    pub fn open(config: &S3Config) -> Result<Self, S3OpenError> {
        let client = match config.client() {
            ClientKind::Lean => Client::Lean(Box::new(Lean::new(config)?)),
            ClientKind::Sdk => Client::Sdk(Box::new(Sdk::new(config)?)),
        };
        Ok(Store(Rc::new(Inner { config: config.clone(), client, administrator: OnceCell::new() })))
    }

    /// What it was made from.
    pub fn config(&self) -> &S3Config {
        &self.0.config
    }

    /// How connections were used so far; nothing through the SDK, which does not tell.
    pub fn connections(&self) -> Option<ConnectionUse> {
        match &self.0.client {
            Client::Lean(lean) => Some(lean.usage()),
            Client::Sdk(_) => None,
        }
    }

    /// Stores an object. Its bytes are not copied.
    pub async fn put(&self, key: &str, body: Bytes) -> S3Reply {
        if let Some(refusal) = self.bad_key(key) {
            return refusal;
        }
        match &self.0.client {
            Client::Lean(lean) => lean.put(key, body).await,
            Client::Sdk(sdk) => Box::pin(sdk.put(key, body)).await,
        }
    }

    /// Reads an object into memory; `empty` when there is none.
    pub async fn get(&self, key: &str) -> S3Reply {
        if let Some(refusal) = self.bad_key(key) {
            return refusal;
        }
        match &self.0.client {
            Client::Lean(lean) => lean.get(key).await,
            Client::Sdk(sdk) => Box::pin(sdk.get(key)).await,
        }
    }

    /// Asks for an object's size; `empty` when there is none (or no bucket: a reply to HEAD cannot say which).
    pub async fn head(&self, key: &str) -> S3Reply {
        if let Some(refusal) = self.bad_key(key) {
            return refusal;
        }
        match &self.0.client {
            Client::Lean(lean) => lean.head(key).await,
            Client::Sdk(sdk) => Box::pin(sdk.head(key)).await,
        }
    }

    /// Deletes an object; `ok` also when there was none, as S3 has it.
    pub async fn delete(&self, key: &str) -> S3Reply {
        if let Some(refusal) = self.bad_key(key) {
            return refusal;
        }
        match &self.0.client {
            Client::Lean(lean) => lean.delete(key).await,
            Client::Sdk(sdk) => Box::pin(sdk.delete(key)).await,
        }
    }

    /// Lists objects, page after page, until the end or the limit. When a page fails, the reply is that
    /// page's, and what was found before it is in the listing.
    pub async fn list(&self, request: &ListRequest<'_>) -> S3Reply {
        let mut walk = Walk::new(request);
        loop {
            let (reply, page) = self.page(&walk.next_page()).await;
            if let Step::Done(reply) = walk.take(reply, page, &self.0.config) {
                return *reply;
            }
        }
    }

    async fn page(&self, page: &PageRequest<'_>) -> (S3Reply, Page) {
        match &self.0.client {
            Client::Lean(lean) => lean.page(page).await,
            Client::Sdk(sdk) => Box::pin(sdk.page(page)).await,
        }
    }

    /// Creates the bucket; `conflict` when there is one of that name already.
    pub async fn create_bucket(&self) -> S3Reply {
        match self.administrator() {
            Ok(sdk) => Box::pin(sdk.create_bucket()).await,
            Err(error) => self.place().unusable(&error.to_string()),
        }
    }

    /// Whether the bucket is there and may be listed: `ok`, or `empty` when there is none. Asked through the
    /// client that carries the load, so that an endpoint which is no store, or does not accept the keys, is
    /// found out before the load starts.
    pub async fn bucket_exists(&self) -> S3Reply {
        let first = PageRequest { prefix: "", start_after: None, max_keys: Some(1), token: None };
        let (mut reply, _) = self.page(&first).await;
        if reply.class.as_deref() == Some("NoSuchBucket") {
            reply.outcome = Outcome::Empty;
        }
        reply.items = u64::from(reply.is_ok());
        reply
    }

    /// Deletes every object whose key begins with `prefix`, a thousand a request.
    pub async fn delete_prefix(&self, prefix: &str) -> S3Reply {
        match self.administrator() {
            Ok(sdk) => Box::pin(sdk.delete_prefix(prefix)).await,
            Err(error) => self.place().unusable(&error.to_string()),
        }
    }

    fn administrator(&self) -> Result<&Sdk, S3OpenError> {
        match &self.0.client {
            Client::Sdk(sdk) => Ok(sdk),
            Client::Lean(_) => {
                if self.0.administrator.get().is_none() {
                    // Nothing runs in between on this thread, so the cell is still empty.
                    let _ = self.0.administrator.set(Sdk::new(&self.0.config)?);
                }
                Ok(self.0.administrator.get().expect("it was filled above"))
            }
        }
    }

    fn bad_key(&self, key: &str) -> Option<S3Reply> {
        key.is_empty().then(|| self.place().bad_key("is empty"))
    }

    fn place(&self) -> Place {
        self.0.config.place()
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("config", &self.0.config).finish_non_exhaustive()
    }
}
