//! Operations on a store, from before their request leaves to what their reply says.
//!
//! A change that is never settled (its user was cut off) is one whose fate nobody knows; a read that is never settled
//! says nothing.

use drivers::s3::{ListRequest, Listing, S3Reply};
use model::{
    ledger::{
        Fate, StoreLedger,
        store::{Content, ListingCall, Seen},
    },
    outcome::Outcome,
};

use super::{PARTS, StoreBook, lock, part_of};

impl StoreBook {
    /// A put is about to leave.
    pub(crate) fn put<'b>(&'b self, key: &'b str, body: &[u8], if_absent: bool) -> ChangeClaim<'b> {
        let content = Content::of(body);
        let began_ns = self.begin();
        self.of_key(key).put(key, content, if_absent, began_ns);
        ChangeClaim { book: self, began_ns, of: Changed::Key(key), fate: Fate::Ambiguous }
    }

    /// A deletion is about to leave.
    pub(crate) fn delete<'b>(&'b self, key: &'b str) -> ChangeClaim<'b> {
        let began_ns = self.begin();
        self.of_key(key).delete(key, began_ns);
        ChangeClaim { book: self, began_ns, of: Changed::Key(key), fate: Fate::Ambiguous }
    }

    /// A deletion of several objects is about to leave.
    pub(crate) fn delete_many<'b>(&'b self, keys: &[&'b str]) -> ChangeClaim<'b> {
        let began_ns = self.begin();
        let mut keys = keys.to_vec();
        keys.sort_unstable();
        keys.dedup();
        keys.iter().for_each(|key| self.of_key(key).delete(key, began_ns));
        ChangeClaim { book: self, began_ns, of: Changed::Keys(keys), fate: Fate::Ambiguous }
    }

    /// A deletion of all that begins so is about to leave.
    pub(crate) fn delete_prefix<'b>(&'b self, prefix: &'b str) -> ChangeClaim<'b> {
        let began_ns = self.begin();
        self.parts.iter().for_each(|part| lock(part).sweep(prefix, began_ns));
        ChangeClaim { book: self, began_ns, of: Changed::Prefix(prefix), fate: Fate::Ambiguous }
    }

    /// A read of that name is about to leave.
    pub(crate) fn read<'b>(&'b self, key: &'b str, operation: &'static str) -> ReadClaim<'b> {
        ReadClaim { book: self, began_ns: self.begin(), key, operation }
    }

    /// A listing is about to leave.
    pub(crate) fn list(&self) -> ListClaim<'_> {
        ListClaim { book: self, began_ns: self.begin() }
    }
}

/// What is changed.
enum Changed<'b> {
    Key(&'b str),
    /// Each once.
    Keys(Vec<&'b str>),
    Prefix(&'b str),
}

/// A change on its way.
pub(crate) struct ChangeClaim<'b> {
    book: &'b StoreBook,
    began_ns: u64,
    of: Changed<'b>,
    fate: Fate,
}

impl ChangeClaim<'_> {
    /// The reply is here, or that there will be none.
    pub(crate) fn settle(mut self, reply: &S3Reply) {
        self.fate = match self.of {
            Changed::Key(_) => fate_of(reply),
            // Some of it may have been done before it failed.
            Changed::Keys(_) | Changed::Prefix(_) => match fate_of(reply) {
                Fate::Acknowledged => Fate::Acknowledged,
                Fate::Failed if reply.status.is_none() && reply.items == 0 => Fate::Failed,
                _ => Fate::Ambiguous,
            },
        };
    }
}

impl Drop for ChangeClaim<'_> {
    fn drop(&mut self) {
        let Self { book, began_ns, fate, .. } = *self;
        let (ended_ns, oldest_ns) = book.stamp();
        match &self.of {
            Changed::Key(key) => book.of_key(key).settle(key, began_ns, fate, ended_ns, oldest_ns),
            Changed::Keys(keys) => {
                keys.iter().for_each(|key| book.of_key(key).settle(key, began_ns, fate, ended_ns, oldest_ns));
            }
            Changed::Prefix(prefix) => {
                let end = |part: &mut StoreLedger| part.swept(prefix, began_ns, fate, ended_ns, oldest_ns);
                book.parts.iter().for_each(|part| end(&mut lock(part)));
            }
        }
        book.done(began_ns);
    }
}

/// What a reply says about the fate of a change. What a server said while it was in trouble may have been carried out
/// all the same; what timed out was not sent (else it is ambiguous), and what was refused was not done.
fn fate_of(reply: &S3Reply) -> Fate {
    match reply.outcome {
        Outcome::Ok => Fate::Acknowledged,
        Outcome::Conflict | Outcome::Empty => Fate::Conflict,
        Outcome::Ambiguous => Fate::Ambiguous,
        Outcome::Error if reply.status.is_some_and(|status| status >= 500) => Fate::Ambiguous,
        // A bare 503 may be a gateway's, which lost its server after the request had reached it.
        Outcome::Throttled if !is_code_of_s3(reply) => Fate::Ambiguous,
        Outcome::Timeout | Outcome::Rejected | Outcome::Throttled | Outcome::Error => Fate::Failed,
    }
}

/// Whether the store itself said why, by a code of S3 such as `SlowDown`, and not by a bare HTTP status.
fn is_code_of_s3(reply: &S3Reply) -> bool {
    reply.class.as_deref().is_some_and(|class| class.starts_with(|c: char| c.is_ascii_alphabetic()))
}

/// A read on its way.
pub(crate) struct ReadClaim<'b> {
    book: &'b StoreBook,
    began_ns: u64,
    key: &'b str,
    operation: &'static str,
}

impl ReadClaim<'_> {
    /// The reply brings the whole object, or that there is none.
    pub(crate) fn settle_whole(self, reply: &S3Reply) {
        if reply.is_ok() {
            self.saw(Seen::Whole(Content::of(&reply.body)));
        } else {
            self.settle_size(reply);
        }
    }

    /// The reply brings the object's size, or that there is none.
    pub(crate) fn settle_size(self, reply: &S3Reply) {
        match reply.outcome {
            Outcome::Ok => self.saw(reply.size_bytes.map_or(Seen::Present, Seen::Sized)),
            Outcome::Empty => self.saw(Seen::Absent),
            _ => {}
        }
    }

    fn saw(&self, seen: Seen) {
        self.book.of_key(self.key).read(self.key, self.operation, seen, self.began_ns);
    }
}

impl Drop for ReadClaim<'_> {
    fn drop(&mut self) {
        self.book.done(self.began_ns);
    }
}

/// A listing on its way.
pub(crate) struct ListClaim<'b> {
    book: &'b StoreBook,
    began_ns: u64,
}

impl ListClaim<'_> {
    /// The reply is here.
    pub(crate) fn settle(self, request: &ListRequest<'_>, reply: &S3Reply) {
        if !reply.is_ok() {
            return;
        }
        let Listing { objects, common_prefixes, is_truncated, .. } = &reply.listing;
        let mut parts: [Vec<(&str, u64)>; PARTS] = Default::default();
        for object in objects {
            parts[part_of(&object.key)].push((&object.key, object.size_bytes));
        }
        let mut prefixes: Vec<&str> = common_prefixes.iter().map(String::as_str).collect();
        let is_in_order = objects.is_sorted_by(|a, b| a.key < b.key) && prefixes.is_sorted();
        if !is_in_order {
            if *is_truncated {
                // Nobody can say how far it reaches.
                return;
            }
            prefixes.sort_unstable();
            parts.iter_mut().for_each(|keys| keys.sort_unstable());
        }
        let last_key = objects.last().map(|object| object.key.as_str());
        let call = ListingCall {
            prefix: request.prefix,
            start_after: request.start_after,
            delimiter: request.delimiter,
            common_prefixes: &prefixes,
            // Of nothing at all that was cut off, nothing is known.
            until: is_truncated.then(|| last_key.max(prefixes.last().copied()).unwrap_or_default()),
            began_ns: self.began_ns,
        };
        for (mine, keys) in self.book.parts.iter().zip(&parts) {
            lock(mine).listed(&call, keys);
        }
        lock(&self.book.parts[0]).count_listing();
    }
}

impl Drop for ListClaim<'_> {
    fn drop(&mut self) {
        self.book.done(self.began_ns);
    }
}
