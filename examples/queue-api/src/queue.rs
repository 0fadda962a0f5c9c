//! The statements: what each operation asks of Postgres, one statement an operation, so that each is one transaction.
//!
//! Deliberately absent: HTTP.

use serde_json::{Value, json};
use tokio_postgres::Row;

use crate::error::ApiError;
use crate::pool::Connections;
use crate::requests::{Claim, Page, Push, Task};

/// Items that one statement removes with their queue: a statement that removed millions would outlast its time limit.
const REMOVED_AT_ONCE: i64 = 20_000;

/// The next `$2` items of queue `$1`, locked. The order is priority, then when they became visible, then id.
///
/// `level` yields the priorities of the queue, lowest first, each by one descent of the index; the items of a level
/// are read from its head until there are enough. Both are lazy: a level is looked for only when the ones before it
/// have not given enough, and no item is locked that is not taken. The inner limit holds the loop to that order (a
/// lateral query with a limit cannot be joined in any other way).
///
/// `SKIP LOCKED` lets many take at once, each other items. An item that another has taken since this statement
/// began is looked at again once it is locked, and left out when it is no longer due.
macro_rules! take {
    () => {
        "WITH RECURSIVE level (priority) AS (
             (SELECT priority FROM snapbench_queue_api_item WHERE queue = $1 ORDER BY priority LIMIT 1)
             UNION ALL
             SELECT (SELECT higher.priority FROM snapbench_queue_api_item AS higher
                     WHERE higher.queue = $1 AND higher.priority > level.priority
                     ORDER BY higher.priority LIMIT 1)
             FROM level WHERE level.priority IS NOT NULL
         ),
         taken AS MATERIALIZED (
             SELECT due.place, due.priority, due.visible_at, due.id
             FROM level CROSS JOIN LATERAL (
                 SELECT ctid AS place, priority, visible_at, id FROM snapbench_queue_api_item
                 WHERE queue = $1 AND priority = level.priority AND visible_at <= now()
                 ORDER BY visible_at, id LIMIT $2 FOR UPDATE SKIP LOCKED
             ) AS due LIMIT $2
         )"
    };
}

/// A taken item is found again by where it lies (`ctid`), which cannot change while it is locked.
const POP: &str = concat!(
    take!(),
    ", gone AS (
         DELETE FROM snapbench_queue_api_item AS item USING taken WHERE item.ctid = taken.place
         RETURNING taken.visible_at, item.id, item.priority, item.item
     )
     SELECT id, priority, item FROM gone ORDER BY priority, visible_at, id"
);

/// An item under a lease becomes visible when the lease is over: nobody has to put it back.
const CLAIM: &str = concat!(
    take!(),
    ", leased AS (
         UPDATE snapbench_queue_api_item AS item
         SET visible_at = now() + $3::float8 * interval '1 millisecond', attempt = item.attempt + 1
         FROM taken WHERE item.ctid = taken.place
         RETURNING taken.visible_at, item.id, item.priority, item.attempt, item.item
     )
     SELECT id, priority, item, attempt FROM leased ORDER BY priority, visible_at, id"
);

/// Only the claim that was the last may complete: the attempt is the fencing token. Each item is found by the primary
/// key (a lateral query with a limit leaves the planner no other way), and locked in the order of ids, so that two that
/// complete the same items wait for each other and do not deadlock.
const COMPLETE: &str = "
    WITH held AS MATERIALIZED (
        SELECT found.place
        FROM (SELECT id, attempt FROM unnest($2::bigint[], $3::int[]) AS task (id, attempt) ORDER BY id) AS asked
        CROSS JOIN LATERAL (
            SELECT ctid AS place FROM snapbench_queue_api_item
            WHERE queue = $1 AND id = asked.id AND attempt = asked.attempt LIMIT 1 FOR UPDATE
        ) AS found
    )
    DELETE FROM snapbench_queue_api_item AS item USING held WHERE item.ctid = held.place
    RETURNING item.id, item.attempt";

const PUSH: &str = "
    INSERT INTO snapbench_queue_api_item (queue, priority, visible_at, item)
    VALUES ($1, $2, now() + $3::float8 * interval '1 millisecond', $4) RETURNING id";

/// Ids are given in the order of the list.
const PUSH_ALL: &str = "
    INSERT INTO snapbench_queue_api_item (queue, priority, visible_at, item)
    SELECT $1, priority, now() + delay_ms * interval '1 millisecond', item
    FROM unnest($2::int[], $3::float8[], $4::jsonb[]) WITH ORDINALITY AS asked (priority, delay_ms, item, place)
    ORDER BY place RETURNING id";

const CREATE: &str =
    "INSERT INTO snapbench_queue_api_queue (queue) VALUES ($1) ON CONFLICT DO NOTHING RETURNING queue";

const FORGET: &str = "DELETE FROM snapbench_queue_api_queue WHERE queue = $1";

const REMOVE: &str = "
    WITH held AS MATERIALIZED (
        SELECT ctid AS place FROM snapbench_queue_api_item WHERE queue = $1 ORDER BY id LIMIT $2 FOR UPDATE
    ),
    gone AS (
        DELETE FROM snapbench_queue_api_item AS item USING held WHERE item.ctid = held.place RETURNING 1
    )
    SELECT count(*) FROM gone";

/// Reads the index alone, but all of the queue: the one operation whose cost grows with depth.
const DEPTH: &str = "
    SELECT count(*) FILTER (WHERE visible_at <= now()), count(*) FILTER (WHERE visible_at > now())
    FROM snapbench_queue_api_item WHERE queue = $1";

const LIST: &str = "
    SELECT id, priority, item FROM snapbench_queue_api_item
    WHERE queue = $1 AND id > $2 ORDER BY id LIMIT $3";

/// An item as it is kept.
pub(crate) struct Kept {
    id: i64,
    priority: i32,
    item: Value,
}

impl Kept {
    fn from_row(row: &Row) -> Kept {
        Kept { id: row.get(0), priority: row.get(1), item: row.get(2) }
    }

    pub(crate) fn as_json(&self) -> Value {
        json!({ "id": self.id, "priority": self.priority, "item": self.item })
    }
}

/// An item under a lease; `attempt` is what completes it.
pub(crate) struct Leased {
    kept: Kept,
    attempt: i32,
}

impl Leased {
    pub(crate) fn as_json(&self) -> Value {
        let Kept { id, priority, item } = &self.kept;
        json!({ "id": id, "priority": priority, "attempt": self.attempt, "item": item })
    }
}

/// Whether Postgres answers.
pub(crate) async fn answers(connections: &Connections) -> Result<(), ApiError> {
    connections.query("SELECT 1", &[]).await.map(drop)
}

/// Notes the queue's name; whether it is new. Nothing else asks for it: a queue that nobody made is an empty one.
pub(crate) async fn create(connections: &Connections, queue: &str) -> Result<bool, ApiError> {
    Ok(!connections.query(CREATE, &[&queue]).await?.is_empty())
}

/// Removes the queue and all its items, in portions; how many there were. What is pushed meanwhile may stay.
pub(crate) async fn remove(connections: &Connections, queue: &str) -> Result<i64, ApiError> {
    connections.query(FORGET, &[&queue]).await?;
    let mut removed = 0;
    loop {
        let rows = connections.query(REMOVE, &[&queue, &REMOVED_AT_ONCE]).await?;
        let portion: i64 = rows.first().map_or(0, |row| row.get(0));
        removed += portion;
        if portion < REMOVED_AT_ONCE {
            return Ok(removed);
        }
    }
}

/// How many could be taken now, and how many are delayed or under a lease.
pub(crate) async fn depth(connections: &Connections, queue: &str) -> Result<(i64, i64), ApiError> {
    let rows = connections.query(DEPTH, &[&queue]).await?;
    Ok(rows.first().map_or((0, 0), |row| (row.get(0), row.get(1))))
}

/// Keeps an item; its id.
pub(crate) async fn push(connections: &Connections, queue: &str, push: &Push) -> Result<i64, ApiError> {
    let delay_ms = push.delay_ms as f64;
    let rows = connections.query(PUSH, &[&queue, &push.priority, &delay_ms, &push.item]).await?;
    Ok(rows.first().expect("an INSERT of one row returns one").get(0))
}

/// Keeps all items or none; their ids, in the same order.
pub(crate) async fn push_all(
    connections: &Connections,
    queue: &str,
    pushes: Vec<Push>,
) -> Result<Vec<i64>, ApiError> {
    let priorities: Vec<i32> = pushes.iter().map(|push| push.priority).collect();
    let delays_ms: Vec<f64> = pushes.iter().map(|push| push.delay_ms as f64).collect();
    let items: Vec<Value> = pushes.into_iter().map(|push| push.item).collect();
    let rows = connections.query(PUSH_ALL, &[&queue, &priorities, &delays_ms, &items]).await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// Takes the next items for good, in order.
pub(crate) async fn pop(connections: &Connections, queue: &str, depth: i64) -> Result<Vec<Kept>, ApiError> {
    let rows = connections.query(POP, &[&queue, &depth]).await?;
    Ok(rows.iter().map(Kept::from_row).collect())
}

/// Takes the next items for the time of a lease, in order.
pub(crate) async fn claim(
    connections: &Connections,
    queue: &str,
    claim: &Claim,
) -> Result<Vec<Leased>, ApiError> {
    let lease_ms = claim.lease_ms as f64;
    let rows = connections.query(CLAIM, &[&queue, &claim.batch, &lease_ms]).await?;
    Ok(rows.iter().map(|row| Leased { kept: Kept::from_row(row), attempt: row.get(3) }).collect())
}

/// Removes claimed items whose work is done: how many, and the ids of those that were another's or gone.
pub(crate) async fn complete(
    connections: &Connections,
    queue: &str,
    tasks: &[Task],
) -> Result<(usize, Vec<i64>), ApiError> {
    let mut asked = tasks.to_vec();
    asked.sort_unstable();
    asked.dedup();
    let ids: Vec<i64> = asked.iter().map(|task| task.id).collect();
    let attempts: Vec<i32> = asked.iter().map(|task| task.attempt).collect();
    let rows = connections.query(COMPLETE, &[&queue, &ids, &attempts]).await?;
    let mut done: Vec<Task> = rows.iter().map(|row| Task { id: row.get(0), attempt: row.get(1) }).collect();
    done.sort_unstable();
    let lost = asked.iter().filter(|task| done.binary_search(task).is_err()).map(|task| task.id);
    Ok((done.len(), lost.collect()))
}

/// A page of all there is, in the order of ids, and the id after which the next page begins.
pub(crate) async fn list(
    connections: &Connections,
    queue: &str,
    page: &Page,
) -> Result<(Vec<Kept>, Option<i64>), ApiError> {
    // One more than wanted shows whether there is a next page.
    let rows = connections.query(LIST, &[&queue, &page.after, &(page.limit + 1)]).await?;
    let wanted = usize::try_from(page.limit).expect("its range ends at 1000");
    let items: Vec<Kept> = rows.iter().take(wanted).map(Kept::from_row).collect();
    let next = items.last().filter(|_| rows.len() > wanted).map(|last| last.id);
    Ok((items, next))
}
