//! Many deletions as one operation.
//!
//! Deliberately does not know which client carries the requests out, nor what they look like.

use model::outcome::Outcome;

use super::reply::{S3Reply, Spent};
use super::request::PageRequest;
use super::store::{Client, Store};
use super::xml::deletion::can_hold;

/// Most objects that S3 deletes in one request.
const LARGEST_REQUEST: usize = 1000;

impl Store {
    /// Deletes objects, a thousand a request, and those one by one whose keys a request cannot hold; `ok` also
    /// for those that were not there. `items` says how many are gone. Stops at the first request after which an
    /// object is still there, and the reply is about that object.
    pub async fn delete_many(&self, keys: &[&str]) -> S3Reply {
        if let Some(refusal) = keys.iter().find_map(|key| self.bad_key(key)) {
            return refusal;
        }
        let mut spent = Spent::default();
        let reply = self.delete_all(keys, &mut spent).await;
        spent.into_reply(reply)
    }

    /// Deletes every object whose key begins with `prefix`, a thousand a request. Lists again after each page of
    /// deletions, from after the last key, so that objects which arrive meanwhile do not keep it busy for ever.
    pub async fn delete_prefix(&self, prefix: &str) -> S3Reply {
        let mut spent = Spent::default();
        let mut deleted = 0;
        let mut after: Option<String> = None;
        let reply = loop {
            let request = PageRequest { prefix, start_after: after.as_deref(), ..PageRequest::default() };
            let (mut listed, mut page) = self.page(&request).await;
            spent.add(&listed);
            let Some(last) = page.keys.pop() else {
                listed.items = 0;
                break listed;
            };
            let keys: Vec<&str> = page.keys.iter().chain([&last]).map(|object| object.key.as_str()).collect();
            let reply = self.delete_all(&keys, &mut spent).await;
            deleted += reply.items;
            if !reply.is_ok() || page.next.is_none() {
                break S3Reply { items: 0, ..reply };
            }
            after = Some(last.key);
        };
        S3Reply { items: deleted, ..spent.into_reply(reply) }
    }

    /// Deletes until something is left; the reply's items are all that are gone.
    async fn delete_all(&self, keys: &[&str], spent: &mut Spent) -> S3Reply {
        let (together, alone): (Vec<&str>, Vec<&str>) = keys.iter().partition(|key| can_hold(key));
        let mut deleted = 0;
        let mut reply = S3Reply::new(Outcome::Ok);
        for key in alone {
            reply = self.delete(key).await;
            spent.add(&reply);
            deleted += reply.items;
            if !reply.is_ok() {
                return S3Reply { items: deleted, ..reply };
            }
        }
        for some in together.chunks(LARGEST_REQUEST) {
            reply = match &self.0.client {
                Client::Lean(lean) => lean.delete_together(some).await,
                Client::Sdk(sdk) => Box::pin(sdk.delete_together(some)).await,
            };
            spent.add(&reply);
            deleted += reply.items;
            if !reply.is_ok() {
                break;
            }
        }
        S3Reply { items: deleted, ..reply }
    }
}
