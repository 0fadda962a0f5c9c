//! An object store on one core: the driver's operations, each told to the store's ledger where one is kept.
//!
//! Deliberately absent: what scripts say (see `asked`), and recording (see `call`).

use std::{net::SocketAddr, sync::Arc};

use bytes::Bytes;
use drivers::s3::{ByteRange, ListRequest, Multipart, PutCondition, S3Reply, Store};

use crate::{
    core::OpName, diagnostic::Diagnostic, findings::Findings, ledger::store::StoreBook, wiring::StoreWiring,
};

/// An object store on one core.
pub(crate) struct StoreOnCore {
    pub(crate) name: Option<String>,
    /// What its operations are recorded under.
    pub(crate) words: StoreWords,
    store: Store,
    /// Where they are noted, when it keeps a ledger.
    book: Option<Arc<StoreBook>>,
}

/// Names the operations are recorded under when the script gives none.
pub(crate) struct StoreWords {
    pub(crate) put: Arc<OpName>,
    pub(crate) put_many: Arc<OpName>,
    pub(crate) put_multipart: Arc<OpName>,
    pub(crate) get: Arc<OpName>,
    pub(crate) get_many: Arc<OpName>,
    pub(crate) head: Arc<OpName>,
    pub(crate) list: Arc<OpName>,
    pub(crate) delete: Arc<OpName>,
    pub(crate) delete_many: Arc<OpName>,
    pub(crate) bucket: Arc<OpName>,
}

impl StoreWords {
    /// Those of a store of that name: `put@garage`.
    fn of(store: Option<&str>) -> Self {
        let word = |name: &str| match store {
            None => OpName::new(name),
            Some(store) => OpName::new(&format!("{name}@{store}")),
        };
        Self {
            put: word("put"),
            put_many: word("put_many"),
            put_multipart: word("put_multipart"),
            get: word("get"),
            get_many: word("get_many"),
            head: word("head"),
            list: word("list"),
            delete: word("delete"),
            delete_many: word("delete_many"),
            bucket: word("bucket"),
        }
    }
}

impl StoreOnCore {
    /// # Errors
    /// When the store's settings make no client.
    pub(crate) fn open(
        wiring: &StoreWiring,
        detour: Option<SocketAddr>,
        findings: &Findings,
    ) -> Result<Self, Diagnostic> {
        let StoreWiring { name, config, keeps_ledger } = wiring;
        let name = name.as_deref();
        // The book keeps the straight way, by which the truth is read.
        let store =
            Store::open(&config.clone().with_detour(detour)).map_err(|e| Diagnostic::usage(e.to_string()))?;
        let book = keeps_ledger.then(|| findings.stores.of(name, config));
        Ok(Self { name: name.map(str::to_owned), words: StoreWords::of(name), store, book })
    }

    pub(super) async fn put(&self, key: &str, body: Bytes, condition: PutCondition<'_>) -> S3Reply {
        let if_absent = condition == PutCondition::Absent;
        let claim = self.book.as_ref().map(|book| book.put(key, &body, if_absent));
        let reply = match condition {
            PutCondition::None => self.store.put(key, body).await,
            condition => self.store.put_if(key, body, condition).await,
        };
        if let Some(claim) = claim {
            claim.settle(&reply);
        }
        reply
    }

    pub(super) async fn put_multipart(&self, key: &str, body: Bytes, how: Multipart) -> S3Reply {
        let claim = self.book.as_ref().map(|book| book.put(key, &body, false));
        let reply = self.store.put_multipart(key, body, how).await;
        if let Some(claim) = claim {
            claim.settle(&reply);
        }
        reply
    }

    pub(super) async fn get(&self, key: &str) -> S3Reply {
        let claim = self.book.as_ref().map(|book| book.read(key, "get"));
        let reply = self.store.get(key).await;
        if let Some(claim) = claim {
            claim.settle_whole(&reply);
        }
        reply
    }

    pub(super) async fn get_range(&self, key: &str, range: ByteRange) -> S3Reply {
        let claim = self.book.as_ref().map(|book| book.read(key, "get of a range"));
        let reply = self.store.get_range(key, range).await;
        if let Some(claim) = claim {
            claim.settle_size(&reply);
        }
        reply
    }

    pub(super) async fn head(&self, key: &str) -> S3Reply {
        let claim = self.book.as_ref().map(|book| book.read(key, "head"));
        let reply = self.store.head(key).await;
        if let Some(claim) = claim {
            claim.settle_size(&reply);
        }
        reply
    }

    pub(super) async fn list(&self, request: &ListRequest<'_>) -> S3Reply {
        let claim = self.book.as_ref().map(|book| book.list());
        let reply = self.store.list(request).await;
        if let Some(claim) = claim {
            claim.settle(request, &reply);
        }
        reply
    }

    pub(super) async fn delete(&self, key: &str) -> S3Reply {
        let claim = self.book.as_ref().map(|book| book.delete(key));
        let reply = self.store.delete(key).await;
        if let Some(claim) = claim {
            claim.settle(&reply);
        }
        reply
    }

    pub(super) async fn delete_many(&self, keys: &[&str]) -> S3Reply {
        let claim = self.book.as_ref().map(|book| book.delete_many(keys));
        let reply = self.store.delete_many(keys).await;
        if let Some(claim) = claim {
            claim.settle(&reply);
        }
        reply
    }

    pub(super) async fn delete_prefix(&self, prefix: &str) -> S3Reply {
        let claim = self.book.as_ref().map(|book| book.delete_prefix(prefix));
        let reply = self.store.delete_prefix(prefix).await;
        if let Some(claim) = claim {
            claim.settle(&reply);
        }
        reply
    }

    pub(super) async fn create_bucket(&self) -> S3Reply {
        self.store.create_bucket().await
    }
}
