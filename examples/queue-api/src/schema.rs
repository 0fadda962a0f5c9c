//! The tables, and why they have these indexes.
//!
//! **`PRIMARY KEY (queue, id)`** is how one item is found again (`complete`) and how all of a queue are listed in pages.
//! The queue comes first, so that a page of a small queue does not walk over the items of a large one.
//!
//! **`…_take (queue, priority, visible_at, id)`** is the order in which items are taken. A take goes down the tree to the
//! head of a priority and reads as many entries as it takes: its cost does not depend on how many items stand behind.
//! Items that wait (delayed, or under a lease) have a `visible_at` in the future, so inside their priority they stand
//! *behind* all that are ready and are not met either. Between priorities they would be: 100,000 leased items of
//! priority 0 stand in front of a ready one of priority 1. That is why a take goes from priority to priority
//! (`queue::TAKE`), and not along the whole queue.
//!
//! The price: `visible_at` is part of an index, so that a claim writes a new entry into every index (no HOT update), and
//! entries of items that are gone stay until they are vacuumed. A take steps over those once and marks them as dead, unless
//! a transaction that was left open keeps them alive; then takes get slower for as long as it is open.
//!
//! Deliberately absent: migrations. There is one version of these tables.

use crate::error::ApiError;
use crate::pool::Connections;

/// Makes what is not there. One at a time: `IF NOT EXISTS` alone fails when two services start at once.
///
/// Where commits need not reach the disk (`synchronous_commit = off`) a crash may lose the last items, as agreed; the tables
/// must not be among what is lost, since nobody would make them again.
///
/// The queue's name is compared byte by byte (`COLLATE "C"`): nobody sorts by it, and every descent compares it.
const TABLES: &str = r#"
BEGIN;
SET LOCAL synchronous_commit = on;
SELECT pg_advisory_xact_lock(hashtext('snapbench_queue_api'));
CREATE TABLE IF NOT EXISTS snapbench_queue_api_queue (
    queue text COLLATE "C" PRIMARY KEY
);
CREATE TABLE IF NOT EXISTS snapbench_queue_api_item (
    queue text COLLATE "C" NOT NULL,
    priority int NOT NULL,
    visible_at timestamptz NOT NULL,
    id bigint GENERATED ALWAYS AS IDENTITY,
    attempt int NOT NULL DEFAULT 0,
    item jsonb NOT NULL,
    PRIMARY KEY (queue, id)
);
CREATE INDEX IF NOT EXISTS snapbench_queue_api_item_take
    ON snapbench_queue_api_item (queue, priority, visible_at, id);
COMMIT;
"#;

/// Makes the tables when they are not there.
///
/// # Errors
/// Postgres cannot be reached, or refuses.
pub(crate) async fn make(connections: &Connections) -> Result<(), ApiError> {
    connections.batch(TABLES).await
}
