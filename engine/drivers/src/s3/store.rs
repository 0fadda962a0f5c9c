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
use super::lean::Lean;
use super::meaning::{LARGEST_PUT_BYTES, Place};
use super::reply::S3Reply;
use super::request::{ByteRange, ListRequest, PageRequest, PutCondition};
use super::sdk::Sdk;
use super::trust::S3OpenError;
use super::walk::{Step, Walk};
use super::xml::listing::Page;
use crate::net::ConnectionUse;

/// A bucket of an object store. Belongs to the thread, and to the runtime, that use it; clones share its
/// connections.
#[derive(Clone)]
pub struct Store(pub(super) Rc<Inner>);

pub(super) struct Inner {
    pub(super) config: S3Config,
    pub(super) client: Client,
    /// What administers the bucket when the load goes through another client; made when first needed.
    administrator: OnceCell<Sdk>,
}

pub(super) enum Client {
    Lean(Box<Lean>),
    Sdk(Box<Sdk>),
}

impl Store {
    /// Makes the client. Connects to nothing yet, unless nobody named keys: then it blocks while AWS's own places
    /// are asked for them, once for all clones of a configuration.
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
        if let Some(refusal) = self.bad_put(key, &body) {
            return refusal;
        }
        match &self.0.client {
            Client::Lean(lean) => lean.put(key, body).await,
            Client::Sdk(sdk) => Box::pin(sdk.put(key, body)).await,
        }
    }

    /// Stores an object if the condition holds; a `conflict` when it does not.
    pub async fn put_if(&self, key: &str, body: Bytes, condition: PutCondition<'_>) -> S3Reply {
        if let Some(refusal) = self.bad_put(key, &body).or_else(|| self.bad_condition(condition)) {
            return refusal;
        }
        match &self.0.client {
            Client::Lean(lean) => lean.put_if(key, body, condition).await,
            Client::Sdk(sdk) => Box::pin(sdk.put_if(key, body, condition)).await,
        }
    }

    /// Reads a part of an object into memory; `rejected` when it has no such bytes, `empty` when there is no object.
    pub async fn get_range(&self, key: &str, range: ByteRange) -> S3Reply {
        let bad_range = || range.is_empty().then(|| self.place().bad_range());
        if let Some(refusal) = self.bad_key(key).or_else(bad_range) {
            return refusal;
        }
        match &self.0.client {
            Client::Lean(lean) => lean.get_range(key, range).await,
            Client::Sdk(sdk) => Box::pin(sdk.get_range(key, range)).await,
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

    pub(super) async fn page(&self, page: &PageRequest<'_>) -> (S3Reply, Page) {
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
        let first = PageRequest { max_keys: Some(1), ..PageRequest::default() };
        let (mut reply, _) = self.page(&first).await;
        if reply.class.as_deref() == Some("NoSuchBucket") {
            reply.outcome = Outcome::Empty;
        }
        reply.items = u64::from(reply.is_ok());
        reply
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

    pub(super) fn bad_key(&self, key: &str) -> Option<S3Reply> {
        key.is_empty().then(|| self.place().bad_key("is empty"))
    }

    fn bad_put(&self, key: &str, body: &Bytes) -> Option<S3Reply> {
        let size_bytes = body.len() as u64;
        let too_large =
            || (size_bytes > LARGEST_PUT_BYTES).then(|| self.place().too_large_to_put(size_bytes));
        self.bad_key(key).or_else(too_large)
    }

    fn bad_condition(&self, condition: PutCondition<'_>) -> Option<S3Reply> {
        let PutCondition::ETag(etag) = condition else { return None };
        let is_sendable = !etag.is_empty() && etag.bytes().all(|b| b.is_ascii_graphic());
        (!is_sendable).then(|| self.place().bad_etag(etag))
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
