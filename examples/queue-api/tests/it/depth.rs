//! What a take costs does not depend on how many items stand in the queue, ready or waiting.
//!
//! Counted in index blocks that Postgres touched, not in time.

use embed::postgres::Postgres;
use serde_json::json;

use crate::world::{World, all, eventually, psql};

/// Items of each kind. An index on them has some 500 blocks.
const MANY: u32 = 100_000;
const ROUNDS: i64 = 20;

/// Index blocks touched so far by those who have left: a connection counts at its end at the latest.
fn blocks(postgres: &Postgres, still_there: u32) -> i64 {
    eventually("the others have left", || {
        let others = "SELECT count(*) FROM pg_stat_activity
                      WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()";
        psql(postgres, others) == still_there.to_string()
    });
    let touched = "SELECT sum(idx_blks_hit + idx_blks_read) FROM pg_statio_user_indexes";
    psql(postgres, touched).parse().expect("a number")
}

/// Takes for good and for a time, and completes.
fn take(world: &World) {
    for _ in 0..ROUNDS {
        world.ask("POST", "/v1/queues/q/pop", &json!({ "depth": 10 })).expect(200);
        let claimed =
            world.ask("POST", "/v1/queues/q/claim", &json!({ "batch": 10, "lease_ms": 60_000 })).expect(200);
        let tasks: Vec<_> =
            all(&claimed["items"], "id").into_iter().map(|id| json!({ "id": id, "attempt": 1 })).collect();
        let done = world.ask("POST", "/v1/queues/q/complete", &json!({ "tasks": tasks })).expect(200);
        assert_eq!(done["completed"], 10);
    }
}

#[test]
fn a_take_touches_few_blocks_however_many_items_wait() {
    let world = World::with(|config| queue_api::Config { connections: 1, ..config });
    // Planned on an empty table, as after the start of a new service.
    world.ask("POST", "/v1/queues/q/pop", &json!({})).expect(204);
    world.ask("POST", "/v1/queues/q/claim", &json!({ "lease_ms": 1 })).expect(204);
    world.ask("POST", "/v1/queues/q/complete", &json!({ "tasks": [{ "id": 1, "attempt": 1 }] })).expect(200);
    // In front those that wait, behind them those that are ready, behind these a neighbour.
    for (queue, priority, wait) in [("q", 0, "1 h"), ("q", 1, "0"), ("q", 2, "1 h"), ("r", 0, "0")] {
        world.psql(&format!(
            "INSERT INTO snapbench_queue_api_item (queue, priority, visible_at, item)
             SELECT '{queue}', {priority}, now() + interval '{wait}', '{{}}' FROM generate_series(1, {MANY})"
        ));
    }
    let before = blocks(&world.postgres, 1);
    take(&world);
    let World { service, postgres } = world;
    drop(service);
    let touched = (blocks(&postgres, 0) - before) / ROUNDS;
    // A round is about 20 descents to take, 20 to find again, 10 to lease; a walk over those that wait is 500.
    assert!((50..400).contains(&touched), "{touched} blocks a round");
}
