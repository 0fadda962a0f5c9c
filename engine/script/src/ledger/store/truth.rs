//! The truth that a store's ledger is judged by: what the store lists at the end, and what it holds of a sample, asked
//! through a client of its own.
//!
//! Here, and only here, an operation that fails is tried again: it is not the load, and its answer is wanted.

use std::{future::Future, time::Duration};

use drivers::s3::{ListRequest, S3Reply, Store};
use futures_util::{StreamExt, stream};
use model::{
    ledger::{
        StoreJudge,
        store::{Content, ListingCall, Seen},
    },
    outcome::Outcome,
    runfile::LedgerRecord,
};

use super::{StoreLog, StoreLogs};
use crate::{diagnostic::Diagnostic, findings::Findings, stage::STAGE_TIMEOUT};

/// Objects whose content is read, beside those that are in doubt.
const SAMPLE: usize = 1_000;

/// Keys of one piece of a listing.
const PIECE: u64 = 10_000;

/// Requests on their way at once.
const IN_FLIGHT: usize = 32;

/// Objects above this size are read one at a time, and above the second not at all: they are asked for their size.
const SMALL_BYTES: u64 = 8 << 20;
const LARGE_BYTES: u64 = 512 << 20;

/// How often an operation is tried, and how long it is waited before the second time; then twice as long each time.
const TRIES: u32 = 6;
const PAUSE: Duration = Duration::from_millis(100);

/// Reads the truth of every store's ledger and judges: what was found, and what could not be read (the bucket is gone, or
/// the server). Of a ledger whose truth cannot be read there is a record only when the load itself has proved something
/// wrong. The seed chooses which objects are read.
pub async fn settle_stores(
    logs: StoreLogs,
    seed: u64,
    findings: &Findings,
) -> (Vec<LedgerRecord>, Vec<Diagnostic>) {
    let (mut records, mut complaints) = (Vec::new(), Vec::new());
    for StoreLog { name, config, ledger } in logs.0 {
        let mut judge = ledger.judge();
        // Not the time limit of the load's operations: what is slow now is still there.
        let settled = match Store::open(&config.with_timeout(STAGE_TIMEOUT)) {
            Err(error) => Err(Diagnostic::usage(error.to_string())),
            Ok(store) => {
                let truth = Truth { what: format!("ledger of {name}"), store, findings };
                let settled = truth.settle(&mut judge, seed).await;
                findings.set_progress(&truth.what, 0, 0);
                settled
            }
        };
        let record = judge.record(&name);
        if settled.is_ok() || !record.passed {
            records.push(record);
        }
        complaints.extend(settled.err());
    }
    (records, complaints)
}

struct Truth<'a> {
    what: String,
    store: Store,
    findings: &'a Findings,
}

impl Truth<'_> {
    async fn settle(&self, judge: &mut StoreJudge, seed: u64) -> Result<(), Diagnostic> {
        let prefixes = judge.prefixes();
        let mut alone = Vec::new();
        if prefixes.len() as u64 > 100 + judge.keys() / 10 {
            // Too many prefixes for the keys below them.
            alone = prefixes
                .iter()
                .flat_map(|prefix| judge.keys_behind(prefix, None))
                .map(str::to_owned)
                .collect();
        } else {
            let mut done = 0;
            for prefix in &prefixes {
                alone.extend(self.list(judge, prefix, &mut done).await?);
            }
        }
        self.look_at(judge, alone).await?;
        let mut keys = judge.take_doubts();
        keys.extend(judge.sample(SAMPLE, seed));
        keys.sort_unstable();
        keys.dedup();
        self.read(judge, keys).await
    }

    /// Lists everything below a prefix, unless it is mostly not ours: then gives the keys that were not reached.
    async fn list(
        &self,
        judge: &mut StoreJudge,
        prefix: &str,
        done: &mut u64,
    ) -> Result<Vec<String>, Diagnostic> {
        let known = judge.keys_behind(prefix, None).count() as u64;
        let (mut after, mut listed): (Option<String>, u64) = (None, 0);
        loop {
            let start_after = after.as_deref();
            let request = ListRequest { start_after, limit: Some(PIECE), ..ListRequest::under(prefix) };
            let reply = self.until_known(|| self.store.list(&request)).await?;
            let listing = &reply.listing;
            let mut keys: Vec<(&str, u64)> =
                listing.objects.iter().map(|object| (object.key.as_str(), object.size_bytes)).collect();
            keys.sort_unstable();
            let until = keys.last().map(|(key, _)| *key).filter(|_| listing.is_truncated);
            judge.listed(&ListingCall { prefix, start_after, until, ..ListingCall::default() }, &keys);
            listed += keys.len() as u64;
            *done += keys.len() as u64;
            self.findings.set_progress(&self.what, (*done).min(judge.keys()), judge.keys() + 1);
            let Some(until) = until else { return Ok(Vec::new()) };
            if listed > 10 * (known + PIECE) {
                return Ok(judge.keys_behind(prefix, Some(until)).map(str::to_owned).collect());
            }
            after = Some(until.to_owned());
        }
    }

    /// Asks for keys one by one whether they are there.
    async fn look_at(&self, judge: &mut StoreJudge, keys: Vec<String>) -> Result<(), Diagnostic> {
        let total = keys.len() as u64;
        let mut asking = stream::iter(keys)
            .map(|key| async move {
                let reply = self.until_known(|| self.store.head(&key)).await;
                reply.map(|reply| (key, reply))
            })
            .buffer_unordered(IN_FLIGHT);
        let mut done = 0;
        while let Some(asked) = asking.next().await {
            let (key, reply) = asked?;
            judge.looked_at(&key, size_of(&reply));
            done += 1;
            self.findings.set_progress(&self.what, done, total + 1);
        }
        Ok(())
    }

    /// Reads objects.
    async fn read(&self, judge: &mut StoreJudge, keys: Vec<String>) -> Result<(), Diagnostic> {
        let total = keys.len() as u64;
        let (small, large): (Vec<_>, Vec<_>) =
            keys.into_iter().partition(|key| judge.largest_bytes(key) <= SMALL_BYTES);
        let (judge, mut done) = (std::cell::RefCell::new(judge), 0);
        for (keys, in_flight) in [(small, IN_FLIGHT), (large, 1)] {
            let judge = &judge;
            let mut reading = stream::iter(keys)
                .map(|key| async move {
                    let is_huge = judge.borrow().largest_bytes(&key) > LARGE_BYTES;
                    let reply = self.until_known(|| self.get(&key, is_huge)).await;
                    reply.map(|reply| (key, if is_huge { size_of(&reply) } else { content_of(&reply) }))
                })
                .buffer_unordered(in_flight);
            while let Some(read) = reading.next().await {
                let (key, seen) = read?;
                judge.borrow_mut().read(&key, seen);
                done += 1;
                self.findings.set_progress(&self.what, done, total + 1);
            }
        }
        Ok(())
    }

    async fn get(&self, key: &str, is_huge: bool) -> S3Reply {
        if is_huge { self.store.head(key).await } else { self.store.get(key).await }
    }

    /// Asks until there is an answer.
    async fn until_known<F: Future<Output = S3Reply>>(
        &self,
        ask: impl Fn() -> F,
    ) -> Result<S3Reply, Diagnostic> {
        let mut pause = PAUSE;
        for _ in 1..TRIES {
            let reply = ask().await;
            if matches!(reply.outcome, Outcome::Ok | Outcome::Empty) {
                return Ok(reply);
            }
            tokio::time::sleep(pause).await;
            pause *= 2;
        }
        let reply = ask().await;
        if matches!(reply.outcome, Outcome::Ok | Outcome::Empty) {
            return Ok(reply);
        }
        let why = reply.message.as_deref().unwrap_or("it gives no answer");
        let help =
            "its objects must still be there after the load: delete them in teardown(), which comes later";
        Err(Diagnostic::usage(format!("the {} cannot read its store: {why}", self.what)).help(help))
    }
}

fn size_of(reply: &S3Reply) -> Seen {
    match reply.outcome {
        Outcome::Ok => reply.size_bytes.map_or(Seen::Present, Seen::Sized),
        _ => Seen::Absent,
    }
}

fn content_of(reply: &S3Reply) -> Seen {
    match reply.outcome {
        Outcome::Ok => Seen::Whole(Content::of(&reply.body)),
        _ => Seen::Absent,
    }
}
