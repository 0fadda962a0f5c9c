//! `ledger`: what a script says so that the end can prove that its queue lost nothing.
//!
//! A call announces what the next operation does; the ledger hears how that ends by itself (see `ledger::queue`).

mod making;
mod told;

use std::sync::Arc;

use model::ledger::queue::Taking;
use rhai::{Array, Dynamic, ImmutableString, Map, NativeCallContext, plugin::*};

use self::told::{asked_of, item_key, items_of, nanoseconds, priority_of};
use super::{payload::Payload, pg::outside_of_iterations};
use crate::{
    context::{self, Context, failure, placed},
    engine::EvalError,
    ledger::queue::{Deed, Items, QueueBook, announce},
    settings::Settings,
};

/// A queue's ledger; one that is not kept has no book.
#[derive(Clone)]
pub(crate) struct QueueLedgerHandle(Option<Arc<QueueBook>>);

impl std::fmt::Debug for QueueLedgerHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.0 {
            Some(book) => write!(f, "ledger of the queue {}", book.name),
            None => f.write_str("ledger of a queue that is not kept"),
        }
    }
}

impl QueueLedgerHandle {
    /// Announces what `deed` makes, when the ledger is kept.
    fn announce(&self, deed: impl FnOnce() -> Result<Deed, EvalError>) -> Result<(), EvalError> {
        let Some(book) = &self.0 else { return Ok(()) };
        let deed = deed()?;
        context::required("a ledger", |c| announce(c, book, deed))
    }

    /// Does something to the log of this core, when the ledger is kept.
    fn tell(
        &self,
        tell: impl FnOnce(&Context, &QueueBook) -> Result<(), EvalError>,
    ) -> Result<(), EvalError> {
        let Some(book) = &self.0 else { return Ok(()) };
        context::required("a ledger", |c| tell(c, book))
    }
}

/// Ledgers of queues: proof that every item pushed is taken once, or still there. Those of tables and object stores need no
/// calls: see `snapbench docs ledgers`.
#[export_module]
pub(crate) mod ledger_api {
    /// The ledger of a queue, by its name: all handles of one name are one ledger. Make it in `setup()` and return it.
    #[rhai_fn(name = "queue", return_raw)]
    pub fn queue_plain(call: NativeCallContext<'_>, name: &str) -> Result<QueueLedgerHandle, EvalError> {
        queue_with(call, name, Map::new())
    }

    /// A ledger with settings: `order: true` (the queue promises the highest priority first, 0 before 1, and inside of a
    /// priority first in, first out), `remaining` (a SELECT whose first column is the key of every item that is still
    /// there; it is read after `verify()` over a connection of its own), `keep: false` (no ledger: only `item` does
    /// anything).
    ///
    /// A ledger takes 32 bytes of memory for each push, and 24 for each item taken or completed.
    ///
    /// ```rhai
    /// fn setup() {
    ///     #{
    ///         book: ledger::queue("jobs", #{ order: true, remaining: "SELECT (item->>'k')::bigint FROM snapbench_jobs" }),
    ///         push: pg::statement("push", "INSERT INTO snapbench_jobs (priority, item) VALUES ($1, $2)"),
    ///     }
    /// }
    /// fn work(vu) {
    ///     let book = vu.shared.book;
    ///     let item = book.item(256);
    ///     book.push(item, 0, 0);
    ///     vu.shared.push.run([0, item]);
    /// }
    /// ```
    #[rhai_fn(name = "queue", return_raw)]
    pub fn queue_with(
        call: NativeCallContext<'_>,
        name: &str,
        settings: Map,
    ) -> Result<QueueLedgerHandle, EvalError> {
        placed(&call, || {
            let mut settings = Settings::new("ledger::queue", &settings, &["order", "remaining", "keep"]);
            let promises_order = settings.flag("order").unwrap_or(false);
            let remaining = settings.text("remaining");
            let is_kept = settings.flag("keep").unwrap_or(true);
            settings.done()?;
            outside_of_iterations("ledger::queue")?;
            if !is_kept {
                return Ok(QueueLedgerHandle(None));
            }
            context::required("ledger::queue", |c| {
                if remaining.is_some() && c.core.postgres.is_none() {
                    return Err(failure(
                        "ledger::queue has `remaining`, a query, and this run has no Postgres: tell what remains in \
                         verify(), by book.remains(keys) and book.all_told()",
                    ));
                }
                let book = c.core.wiring.findings.queues.of(name, promises_order, remaining);
                let book = book.ok_or_else(|| {
                    failure(&format!(
                        "there is a ledger of `{name}` with other settings: give each queue one name"
                    ))
                })?;
                Ok(QueueLedgerHandle(Some(book)))
            })
        })
    }
}

/// What `ledger::queue` returns. `push`, `pop`, `claim` and `complete` announce what the next operation of this virtual user
/// does, and are called right before it. Its reply says how that ended and which items came: for Postgres the column
/// `item` of the rows, of type jsonb, json or text (or `items`, an array of them), each an object with a number `k`.
/// Inside `pg::transaction` an announcement stands in the closure, and counts when the transaction is committed.
#[export_module]
pub(crate) mod queue_ledger_api {
    /// A JSON object of so many bytes (at least 64), as a payload that a `jsonb` column takes: `k` is its key, which no
    /// other item has on any core, `at` is now in µs on the run's clock, `body` is text. The key and the text repeat with
    /// the seed.
    #[rhai_fn(pure, return_raw)]
    pub fn item(_book: &mut QueueLedgerHandle, bytes: i64) -> Result<Payload, EvalError> {
        let bytes = making::bytes_of(bytes, "book.item(bytes)")?;
        context::required("book.item", |c| Ok(making::item(c, bytes)))
    }

    /// An array of `count` such objects, to be pushed at once.
    ///
    /// ```rhai
    /// let book = vu.shared.book;
    /// let items = book.items(8, 128);
    /// book.push(items, 0, 0);
    /// vu.shared.push_many.run([0, items]);
    /// ```
    #[rhai_fn(pure, return_raw)]
    pub fn items(_book: &mut QueueLedgerHandle, count: i64, bytes: i64) -> Result<Array, EvalError> {
        let count = making::count_of(count)?;
        let bytes = making::bytes_of(bytes, "book.items(count, bytes)")?;
        context::required("book.items", |c| {
            Ok((0..count).map(|_| Dynamic::from(making::item(c, bytes))).collect())
        })
    }

    /// The next operation pushes this item (what `item` gave, a map or JSON text with `k`, or the key alone); an array
    /// when it pushes several. Priority 0 is the highest. It may not be taken before `delay_ms` are over.
    ///
    /// An INSERT that changes no row has pushed nothing; one that changes fewer rows than there are items, nobody knows
    /// which.
    #[rhai_fn(pure, return_raw)]
    pub fn push(
        book: &mut QueueLedgerHandle,
        item: Dynamic,
        priority: i64,
        delay_ms: Dynamic,
    ) -> Result<(), EvalError> {
        book.announce(|| {
            let (priority, delay_ns) = (priority_of(priority)?, nanoseconds(&delay_ms, "a delay")?);
            Ok(match item.as_array_ref() {
                Ok(items) => {
                    let keys = items.iter().map(item_key).collect::<Result<_, _>>()?;
                    Deed::PushMany { keys, priority, delay_ns }
                }
                Err(_) => Deed::Push { key: item_key(&item)?, priority, delay_ns },
            })
        })
    }

    /// The next operation takes up to `depth` items for good.
    ///
    /// ```rhai
    /// vu.shared.book.pop(10);
    /// vu.shared.pop.run([10]);
    /// ```
    #[rhai_fn(pure, return_raw)]
    pub fn pop(book: &mut QueueLedgerHandle, depth: i64) -> Result<(), EvalError> {
        book.announce(|| Ok(Deed::Take { asked: asked_of(depth, "book.pop")?, taking: Taking::Pop }))
    }

    /// The next operation takes up to `batch` items for as long as `lease_ms`, or until they are completed.
    #[rhai_fn(pure, return_raw)]
    pub fn claim(book: &mut QueueLedgerHandle, batch: i64, lease_ms: Dynamic) -> Result<(), EvalError> {
        book.announce(|| {
            let lease_ns = nanoseconds(&lease_ms, "a lease")?;
            Ok(Deed::Take { asked: asked_of(batch, "book.claim")?, taking: Taking::Claim { lease_ns } })
        })
    }

    /// The next operation completes the items that a claim's reply holds (or an array of items or keys); nothing is
    /// announced when it holds none. A statement that changes no row has completed nothing (the leases had run out); of
    /// one that changes fewer rows than there are items, nobody knows which.
    ///
    /// ```rhai
    /// let book = vu.shared.book;
    /// book.claim(5, 30000);
    /// let claimed = vu.shared.claim.run([5]);
    /// if claimed.empty { return; }
    /// book.complete(claimed);
    /// vu.shared.complete.run([claimed.rows.map(|row| row.id)]);
    /// ```
    #[rhai_fn(pure, return_raw)]
    pub fn complete(book: &mut QueueLedgerHandle, claimed: Dynamic) -> Result<(), EvalError> {
        if book.0.is_none() {
            return Ok(());
        }
        let Items { keys, .. } = items_of(&claimed)?;
        if keys.is_empty() {
            return Ok(());
        }
        book.announce(|| Ok(Deed::Complete { keys }))
    }

    /// Items 0 to `count` - 1 are there: each has its number as its key, and the rest of it by `priorities` as its
    /// priority. They count as pushed now.
    #[rhai_fn(pure, return_raw)]
    pub fn prefilled(book: &mut QueueLedgerHandle, count: i64, priorities: i64) -> Result<(), EvalError> {
        book.tell(|c, book| {
            let known = u64::try_from(count).ok().zip(u32::try_from(priorities).ok().filter(|it| *it > 0));
            let (count, priorities) = known.ok_or_else(|| {
                failure(&format!(
                    "book.prefilled takes a count of 0 or more and 1 or more priorities, not {count} and {priorities}"
                ))
            })?;
            let now_ns = c.core.wiring.findings.queues.now_ns();
            c.core.queues.borrow_mut().prefilled(book, count, priorities, now_ns);
            Ok(())
        })
    }

    /// For `verify()`, where no `remaining` says it: these items are still there (a reply, or an array of items or keys).
    /// It may be called for one page after the other.
    #[rhai_fn(pure, return_raw)]
    pub fn remains(book: &mut QueueLedgerHandle, items: Dynamic) -> Result<(), EvalError> {
        book.tell(|c, book| {
            if book.remaining.is_some() {
                return Err(failure(
                    "this ledger reads what remains by itself: leave out `remaining`, or this call",
                ));
            }
            let Items { keys, nameless } = items_of(&items)?;
            c.core.queues.borrow_mut().remains(book, &keys, nameless);
            Ok(())
        })
    }

    /// For `verify()`: all that is still there has been told. Without it nothing can be called lost.
    #[rhai_fn(pure, return_raw)]
    pub fn all_told(book: &mut QueueLedgerHandle) -> Result<(), EvalError> {
        book.tell(|c, book| {
            c.core.queues.borrow_mut().all_told(book);
            Ok(())
        })
    }

    /// A description.
    #[rhai_fn(pure)]
    pub fn to_string(book: &mut QueueLedgerHandle) -> ImmutableString {
        format!("{book:?}").into()
    }
}
