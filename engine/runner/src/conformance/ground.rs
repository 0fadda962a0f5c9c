//! What a rule works with: clients, keys of its own, and comparisons that say what came instead.

use std::{cell::RefCell, collections::BTreeSet, rc::Rc};

use drivers::s3::{ListRequest, Listing, PutCondition, S3OpenError, S3Reply, S3Settings, Store};
use model::outcome::Outcome;

/// Everything that rules write is below this prefix.
const FOLDER: &str = "snapbench-check/";

/// Why a rule was not found to hold.
#[derive(Debug)]
pub(super) enum Flaw {
    /// Something else came than should.
    Broken { expected: String, came: String },
    /// The store says that it does not know this.
    NotSupported { said: String },
}

pub(super) fn broken(expected: impl Into<String>, came: impl Into<String>) -> Flaw {
    Flaw::Broken { expected: expected.into(), came: came.into() }
}

/// A bucket to try rules on, as one rule sees it.
#[derive(Debug)]
pub(super) struct Ground {
    /// The client that does most of it.
    pub(super) store: Store,
    /// Another with connections of its own: what the first one wrote it must see.
    pub(super) other: Store,
    /// How to reach the store, for rules about other keys and buckets.
    pub(super) words: S3Settings,
    /// Ends with a slash.
    pub(super) prefix: String,
    /// Every key that was ever written, so that all can be removed even when listings are not to be trusted.
    written: Rc<RefCell<BTreeSet<String>>>,
}

impl Ground {
    /// A bucket under a prefix that nobody else has.
    pub(super) fn new(store: Store, other: Store, words: S3Settings, id: &str) -> Self {
        let prefix = format!("{FOLDER}{id}/");
        Ground { store, other, words, prefix, written: Rc::default() }
    }

    /// The same bucket, under a prefix within this one.
    pub(super) fn of_rule(&self, name: &str) -> Self {
        Ground {
            store: self.store.clone(),
            other: self.other.clone(),
            words: self.words.clone(),
            prefix: format!("{}{name}/", self.prefix),
            written: Rc::clone(&self.written),
        }
    }

    /// A key of this rule.
    pub(super) fn key(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    /// A client to which the same words apply, but for those that `change` changes.
    pub(super) fn client_with(&self, change: impl FnOnce(&mut S3Settings)) -> Result<Store, Flaw> {
        let mut words = self.words.clone();
        change(&mut words);
        let config = words.check().map_err(|error| broken("a client with other words", error.to_string()))?;
        Store::open(&config).map_err(|error: S3OpenError| broken("another client", error.to_string()))
    }

    /// Writes an object.
    pub(super) async fn put(&self, key: &str, body: impl Into<Vec<u8>>) -> Result<S3Reply, Flaw> {
        self.note(key);
        ended(&format!("PUT {}", self.short(key)), self.store.put(key, body.into().into()).await, Outcome::Ok)
    }

    /// Writes an object under a condition, which must end so.
    pub(super) async fn put_if(
        &self,
        key: &str,
        body: &str,
        condition: PutCondition<'_>,
        wanted: Outcome,
    ) -> Result<S3Reply, Flaw> {
        self.note(key);
        let reply = self.store.put_if(key, body.to_owned().into(), condition).await;
        ended(&format!("conditional PUT {}", self.short(key)), reply, wanted)
    }

    /// Writes small objects whose content is their name; returns their keys.
    pub(super) async fn put_all(&self, names: &[&str]) -> Result<Vec<String>, Flaw> {
        let keys: Vec<String> = names.iter().map(|name| self.key(name)).collect();
        for (key, name) in keys.iter().zip(names) {
            self.put(key, *name).await?;
        }
        Ok(keys)
    }

    /// Reads an object, which must be there and have this content.
    pub(super) async fn reads(&self, key: &str, body: &[u8]) -> Result<S3Reply, Flaw> {
        self.reads_through(&self.store, key, body).await
    }

    /// The same through another client.
    pub(super) async fn reads_through(&self, store: &Store, key: &str, body: &[u8]) -> Result<S3Reply, Flaw> {
        let what = format!("GET {}", self.short(key));
        let reply = ended(&what, store.get(key).await, Outcome::Ok)?;
        content(&what, body, &reply.body)?;
        same(&format!("{what}: size"), Some(body.len() as u64), reply.size_bytes)?;
        Ok(reply)
    }

    /// Fails unless the key has no object, for GET and HEAD.
    pub(super) async fn has_none(&self, key: &str) -> Result<(), Flaw> {
        ended(&format!("GET {}", self.short(key)), self.store.get(key).await, Outcome::Empty)?;
        ended(&format!("HEAD {}", self.short(key)), self.store.head(key).await, Outcome::Empty)?;
        Ok(())
    }

    /// Deletes an object.
    pub(super) async fn delete(&self, key: &str) -> Result<(), Flaw> {
        ended(&format!("DELETE {}", self.short(key)), self.store.delete(key).await, Outcome::Ok).map(drop)
    }

    /// Lists, to the end.
    pub(super) async fn list(&self, request: &ListRequest<'_>) -> Result<Listing, Flaw> {
        let reply = self.store.list(request).await;
        let what = if request.prefix == self.prefix {
            "LIST".to_owned()
        } else {
            format!("LIST {}", self.short(request.prefix))
        };
        ended(&what, reply, Outcome::Ok).map(|reply| reply.listing)
    }

    /// Fails unless these are the keys of the whole prefix, in this order.
    pub(super) async fn lists(&self, expected: &[String]) -> Result<Listing, Flaw> {
        let listing = self.list(&ListRequest::under(&self.prefix)).await?;
        self.same_keys("LIST", expected, &keys(&listing))?;
        Ok(listing)
    }

    /// Fails unless both are the same keys in the same order; says only where they begin to differ.
    pub(super) fn same_keys(&self, what: &str, expected: &[String], came: &[String]) -> Result<(), Flaw> {
        if expected == came {
            return Ok(());
        }
        let at = expected.iter().zip(came).take_while(|(one, other)| one == other).count();
        let name = |keys: &[String]| match keys.get(at) {
            Some(key) => format!("number {} is {}", at + 1, self.short(key)),
            None => "no more".to_owned(),
        };
        Err(broken(
            format!("{what}: {}, {}", of_keys(expected.len()), name(expected)),
            format!("{}, {}", of_keys(came.len()), name(came)),
        ))
    }

    /// A key as it is told: without what all keys of the rule begin with, and as text on one line.
    pub(super) fn short(&self, key: &str) -> String {
        let (slash, rest) = key.strip_prefix('/').map_or(("", key), |rest| ("/", rest));
        let name = rest.strip_prefix(&self.prefix).unwrap_or(rest);
        let shown: String = name.chars().take(40).collect();
        let more = if shown.len() < name.len() { "…" } else { "" };
        format!("`{slash}{}{more}`", shown.escape_debug())
    }

    /// Remembers a key that is written other than by [`Ground::put`].
    pub(super) fn note(&self, key: &str) {
        self.written.borrow_mut().insert(key.to_owned());
    }

    /// Everything that was written.
    pub(super) fn written(&self) -> Vec<String> {
        self.written.borrow().iter().cloned().collect()
    }
}

/// `1 key`, `2 keys`.
pub(super) fn of_keys(count: usize) -> String {
    format!("{count} {}", if count == 1 { "key" } else { "keys" })
}

/// The keys of a listing.
pub(super) fn keys(listing: &Listing) -> Vec<String> {
    listing.objects.iter().map(|object| object.key.clone()).collect()
}

/// Fails unless an operation ended so.
pub(super) fn ended(what: &str, reply: S3Reply, wanted: Outcome) -> Result<S3Reply, Flaw> {
    if reply.outcome == wanted {
        return Ok(reply);
    }
    if reply.status == Some(501)
        || matches!(reply.class.as_deref(), Some("NotImplemented" | "MethodNotAllowed"))
    {
        return Err(Flaw::NotSupported { said: said(&reply) });
    }
    Err(broken(format!("{what}: {wanted}"), said(&reply)))
}

/// How an operation ended, in a few words.
pub(super) fn said(reply: &S3Reply) -> String {
    let words = [reply.class.as_deref().map(str::to_owned), reply.status.map(|status| status.to_string())];
    // A bare status is its own class.
    let mut words: Vec<String> = words.into_iter().flatten().collect();
    words.dedup();
    if words.is_empty() {
        reply.outcome.to_string()
    } else {
        format!("{} ({})", reply.outcome, words.join(", "))
    }
}

/// Fails unless both are the same.
pub(super) fn same<T: PartialEq + std::fmt::Debug>(what: &str, expected: T, came: T) -> Result<(), Flaw> {
    if expected == came {
        return Ok(());
    }
    Err(broken(format!("{what}: {expected:?}"), format!("{came:?}")))
}

/// Fails unless both are the same bytes; says how many there are and where they begin to differ.
pub(super) fn content(what: &str, expected: &[u8], came: &[u8]) -> Result<(), Flaw> {
    if expected == came {
        return Ok(());
    }
    let at = expected.iter().zip(came).take_while(|(one, other)| one == other).count();
    let came = match came.len() {
        length if at == length => format!("the first {length} of them"),
        length => format!("{length} bytes, others from byte {at} on"),
    };
    Err(broken(format!("{what}: the {} bytes that were put", expected.len()), came))
}
