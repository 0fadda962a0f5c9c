//! The order in which items are taken, by one and by many.

use std::collections::BTreeMap;
use std::sync::Mutex;

use serde_json::{Value, json};

use crate::world::{World, all, eventually};

#[test]
fn the_lowest_priority_number_comes_first_and_inside_of_it_the_oldest() {
    let world = World::new();
    for (n, priority) in [2, 0, 1, 0, 2, 1, 2_147_483_647].into_iter().enumerate() {
        world
            .ask("POST", "/v1/queues/q/items", &json!({ "item": { "n": n }, "priority": priority }))
            .expect(201);
    }
    world.ask("POST", "/v1/queues/neighbour/items", &json!({ "item": { "n": 99 } })).expect(201);
    let mut taken = Vec::new();
    for (depth, expected) in [(1, 1), (3, 3), (100, 3)] {
        let popped = world.ask("POST", "/v1/queues/q/pop", &json!({ "depth": depth })).expect(200);
        let items = popped["items"].as_array().unwrap();
        assert_eq!(items.len(), expected);
        taken.extend(items.iter().map(|item| item["item"]["n"].as_i64().unwrap()));
    }
    assert_eq!(taken, [1, 3, 2, 5, 0, 4, 6]);
}

#[test]
fn a_delayed_item_waits_and_then_stands_behind_those_that_were_ready_before() {
    let world = World::new();
    let delayed = json!({ "item": { "n": 1 }, "delay_ms": 3_600_000 });
    world.ask("POST", "/v1/queues/q/items", &delayed).expect(201);
    world.ask("POST", "/v1/queues/q/pop", &json!({})).expect(204);
    world.ask("POST", "/v1/queues/q/claim", &json!({ "lease_ms": 1000 })).expect(204);
    assert_eq!(world.depth("q"), (0, 1));
    let left =
        world.psql("SELECT visible_at - now() BETWEEN '30 min' AND '60 min' FROM snapbench_queue_api_item");
    assert_eq!(left, "t");

    world.ask("POST", "/v1/queues/q/items", &json!({ "item": { "n": 2 } })).expect(201);
    // An hour goes by, and nobody does anything.
    world.psql("UPDATE snapbench_queue_api_item SET visible_at = visible_at - interval '1 h'");
    assert_eq!(world.depth("q"), (2, 0));
    let popped = world.ask("POST", "/v1/queues/q/pop", &json!({ "depth": 10 })).expect(200);
    assert_eq!((&popped["items"][0]["item"]["n"], &popped["items"][1]["item"]["n"]), (&json!(2), &json!(1)));
}

#[test]
fn a_short_delay_ends_by_itself() {
    let world = World::new();
    world.ask("POST", "/v1/queues/q/items", &json!({ "item": {}, "delay_ms": 50 })).expect(201);
    eventually("the item is popped", || world.ask("POST", "/v1/queues/q/pop", &json!({})).status == 200);
}

#[test]
fn many_that_pop_at_once_never_get_one_item_twice() {
    let world = World::new();
    for _ in 0..4 {
        let items: Vec<Value> = (0..500).map(|n| json!({ "item": {}, "priority": n % 3 })).collect();
        world.ask("POST", "/v1/queues/q/batch", &json!({ "items": items })).expect(201);
    }
    let taken = Mutex::new(BTreeMap::<i64, u32>::new());
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                // Nothing may be free while others hold what is left: then look again.
                while world.depth("q") != (0, 0) {
                    let answer = world.ask("POST", "/v1/queues/q/pop", &json!({ "depth": 7 }));
                    if answer.status == 204 {
                        continue;
                    }
                    let items = answer.expect(200)["items"].clone();
                    let order: Vec<(i64, i64)> =
                        all(&items, "priority").into_iter().zip(all(&items, "id")).collect();
                    assert!(order.is_sorted(), "{order:?}");
                    let mut taken = taken.lock().unwrap();
                    all(&items, "id").into_iter().for_each(|id| *taken.entry(id).or_default() += 1);
                }
            });
        }
    });
    let taken = taken.into_inner().unwrap();
    assert_eq!(taken.len(), 2000, "all of them");
    assert!(taken.values().all(|times| *times == 1), "{taken:?}");
}
