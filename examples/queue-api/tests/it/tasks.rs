//! Claiming under a lease, and completing.

use std::collections::BTreeMap;
use std::sync::Mutex;

use serde_json::{Value, json};

use crate::world::{World, all, eventually};

fn push(world: &World, count: usize) {
    let items: Vec<Value> = (0..count).map(|n| json!({ "item": { "n": n } })).collect();
    world.ask("POST", "/v1/queues/q/batch", &json!({ "items": items })).expect(201);
}

fn complete(world: &World, tasks: &[(i64, i64)]) -> Value {
    let tasks: Vec<Value> =
        tasks.iter().map(|(id, attempt)| json!({ "id": id, "attempt": attempt })).collect();
    world.ask("POST", "/v1/queues/q/complete", &json!({ "tasks": tasks })).expect(200)
}

#[test]
fn a_claimed_item_is_hidden_until_it_is_completed() {
    let world = World::new();
    push(&world, 3);
    let claimed =
        world.ask("POST", "/v1/queues/q/claim", &json!({ "batch": 2, "lease_ms": 60_000 })).expect(200);
    assert_eq!(claimed["items"][1], json!({ "id": 2, "priority": 0, "attempt": 1, "item": { "n": 1 } }));
    assert_eq!(world.depth("q"), (1, 2));
    let popped = world.ask("POST", "/v1/queues/q/pop", &json!({ "depth": 10 })).expect(200);
    assert_eq!(all(&popped["items"], "id"), [3]);
    assert_eq!(complete(&world, &[(1, 1), (2, 1)]), json!({ "completed": 2, "lost": [] }));
    assert_eq!(world.depth("q"), (0, 0));
    assert_eq!(complete(&world, &[(1, 1)]), json!({ "completed": 0, "lost": [1] }), "once is enough");
}

#[test]
fn a_lease_that_is_over_gives_the_item_to_the_next_and_only_that_one_completes_it() {
    let world = World::new();
    push(&world, 1);
    world.ask("POST", "/v1/queues/q/claim", &json!({ "lease_ms": 1 })).expect(200);
    eventually("it can be claimed again", || {
        let answer = world.ask("POST", "/v1/queues/q/claim", &json!({ "lease_ms": 3_600_000 }));
        answer.status == 200 && answer.json()["items"][0]["attempt"] == 2
    });
    assert_eq!(complete(&world, &[(1, 1)]), json!({ "completed": 0, "lost": [1] }));
    assert_eq!(world.depth("q"), (0, 1), "the second still has it");
    assert_eq!(
        complete(&world, &[(1, 2), (1, 2)]),
        json!({ "completed": 1, "lost": [] }),
        "said twice is said once"
    );
}

#[test]
fn a_late_worker_completes_what_nobody_else_has_claimed() {
    let world = World::new();
    push(&world, 2);
    world.ask("POST", "/v1/queues/q/claim", &json!({ "batch": 2, "lease_ms": 1 })).expect(200);
    eventually("the leases are over", || world.depth("q") == (2, 0));
    assert_eq!(complete(&world, &[(2, 1)]), json!({ "completed": 1, "lost": [] }));
    world.ask("POST", "/v1/queues/q/pop", &json!({})).expect(200);
    assert_eq!(complete(&world, &[(1, 1)]), json!({ "completed": 0, "lost": [1] }), "it was popped");
}

#[test]
fn an_item_of_another_queue_cannot_be_completed() {
    let world = World::new();
    push(&world, 1);
    world.ask("POST", "/v1/queues/q/claim", &json!({ "lease_ms": 60_000 })).expect(200);
    let tasks = json!({ "tasks": [{ "id": 1, "attempt": 1 }] });
    let answer = world.ask("POST", "/v1/queues/neighbour/complete", &tasks).expect(200);
    assert_eq!(answer, json!({ "completed": 0, "lost": [1] }));
    assert_eq!(world.depth("q"), (0, 1));
}

#[test]
fn of_many_workers_with_leases_that_end_early_each_task_is_completed_by_one() {
    let world = World::new();
    push(&world, 300);
    let completed = Mutex::new(BTreeMap::<i64, u32>::new());
    std::thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| {
                while world.depth("q") != (0, 0) {
                    // So short that many are over before the work is done.
                    let claim = json!({ "batch": 20, "lease_ms": 5 });
                    let answer = world.ask("POST", "/v1/queues/q/claim", &claim);
                    if answer.status == 204 {
                        continue;
                    }
                    let items = answer.expect(200)["items"].clone();
                    // Each in an order of its own: those that ask for the same must not deadlock.
                    let mut tasks: Vec<(i64, i64)> =
                        all(&items, "id").into_iter().zip(all(&items, "attempt")).collect();
                    tasks.reverse();
                    let answer = complete(&world, &tasks);
                    let lost: Vec<i64> = serde_json::from_value(answer["lost"].clone()).unwrap();
                    assert_eq!(answer["completed"], tasks.len() - lost.len());
                    let mut completed = completed.lock().unwrap();
                    let done = tasks.iter().map(|(id, _)| *id).filter(|id| !lost.contains(id));
                    done.for_each(|id| *completed.entry(id).or_default() += 1);
                }
            });
        }
    });
    let completed = completed.into_inner().unwrap();
    assert_eq!(completed.len(), 300);
    assert!(completed.values().all(|times| *times == 1), "{completed:?}");
}
