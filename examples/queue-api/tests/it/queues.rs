//! Queues and what lies in them: made, filled, counted, listed, removed.

use serde_json::{Value, json};

use crate::world::{World, all};

#[test]
fn making_a_queue_twice_is_making_it_once() {
    let world = World::new();
    assert_eq!(world.ask("PUT", "/v1/queues/q", &Value::Null).expect(201), json!({ "queue": "q" }));
    world.ask("PUT", "/v1/queues/q", &Value::Null).expect(200);
    world.ask("PUT", "/v1/queues/Q.2_-", &Value::Null).expect(201);
    world.ask("DELETE", "/v1/queues/q", &Value::Null).expect(200);
    world.ask("PUT", "/v1/queues/q", &Value::Null).expect(201);
}

#[test]
fn a_queue_that_nobody_made_is_an_empty_one() {
    let world = World::new();
    assert_eq!(world.depth("none"), (0, 0));
    world.ask("POST", "/v1/queues/none/pop", &json!({})).expect(204);
    world.ask("POST", "/v1/queues/none/claim", &json!({ "lease_ms": 1000 })).expect(204);
    let listed = world.get("/v1/queues/none/items").expect(200);
    assert_eq!(listed, json!({ "items": [], "next": null }));
    let removed = world.ask("DELETE", "/v1/queues/none", &Value::Null).expect(200);
    assert_eq!(removed, json!({ "deleted": 0 }));
}

#[test]
fn an_item_comes_back_as_it_was_given() {
    let world = World::new();
    let item = json!({ "text": "ä \"quoted\" 日本 \u{1}", "n": [0, -1.5, 9007199254740993_i64, null, true], "": {} });
    let id = world.ask("POST", "/v1/queues/q/items", &json!({ "item": item, "priority": 2 })).expect(201);
    let popped = world.ask("POST", "/v1/queues/q/pop", &json!({})).expect(200);
    assert_eq!(popped, json!({ "items": [{ "id": id["id"], "priority": 2, "item": item }] }));
    world.ask("POST", "/v1/queues/q/pop", &json!({})).expect(204);
}

#[test]
fn a_batch_is_kept_in_its_order_and_whole_or_not_at_all() {
    let world = World::new();
    let items: Vec<Value> = (0..1000).map(|n| json!({ "item": { "n": n } })).collect();
    let ids = all_ids(&world.ask("POST", "/v1/queues/q/batch", &json!({ "items": items })).expect(201));
    assert_eq!(ids.len(), 1000);
    assert!(ids.is_sorted());
    let popped = world.ask("POST", "/v1/queues/q/pop", &json!({ "depth": 100 })).expect(200);
    assert_eq!(all(&popped["items"], "id"), ids[..100]);
    let numbers: Vec<&Value> = popped["items"].as_array().unwrap().iter().map(|i| &i["item"]["n"]).collect();
    assert_eq!(numbers, (0..100).collect::<Vec<_>>(), "the ids belong to the items");

    // One that Postgres refuses after others went in: a constraint stands in for a disk that fills up.
    world.psql("ALTER TABLE snapbench_queue_api_item ADD CHECK (item <> '{\"bad\": 1}')");
    let items = json!({ "items": [{ "item": { "good": 1 } }, { "item": { "bad": 1 } }] });
    let refused = world.ask("POST", "/v1/queues/other/batch", &items).expect(500);
    let error = refused["error"].as_str().unwrap();
    assert_eq!(error, "Postgres refused the statement (SQLSTATE 23514); the log says more");
    assert_eq!(world.depth("other"), (0, 0));
}

#[test]
fn pages_list_all_there_is_whether_ready_or_not() {
    let world = World::new();
    let items: Vec<Value> = (0..25)
        .map(|n| json!({ "item": { "n": n }, "priority": 25 - n, "delay_ms": n % 2 * 60_000 }))
        .collect();
    let ids = all_ids(&world.ask("POST", "/v1/queues/q/batch", &json!({ "items": items })).expect(201));
    world.ask("POST", "/v1/queues/neighbour/items", &json!({ "item": {} })).expect(201);
    for limit in [1, 7, 24, 25, 1000] {
        let (mut seen, mut after) = (Vec::new(), json!(0));
        while !after.is_null() {
            let page = world.get(&format!("/v1/queues/q/items?after={after}&limit={limit}")).expect(200);
            assert!(page["items"].as_array().unwrap().len() <= limit);
            seen.extend(all(&page["items"], "id"));
            after = page["next"].clone();
        }
        assert_eq!(seen, ids, "pages of {limit}");
    }
    let first = world.get("/v1/queues/q/items").expect(200);
    assert_eq!(first["items"][24], json!({ "id": ids[24], "priority": 1, "item": { "n": 24 } }));
}

#[test]
fn removing_a_queue_removes_all_of_it_and_nothing_else() {
    let world = World::new();
    // More than one portion, some under a lease.
    world.psql(
        "INSERT INTO snapbench_queue_api_item (queue, priority, visible_at, item)
         SELECT 'q', 0, now() + n % 2 * interval '1 h', '{}' FROM generate_series(1, 45000) AS n",
    );
    world.ask("POST", "/v1/queues/neighbour/items", &json!({ "item": {} })).expect(201);
    assert_eq!(world.depth("q"), (22_500, 22_500));
    let removed = world.ask("DELETE", "/v1/queues/q", &Value::Null).expect(200);
    assert_eq!(removed, json!({ "deleted": 45_000 }));
    assert_eq!((world.depth("q"), world.depth("neighbour")), ((0, 0), (1, 0)));
}

#[test]
fn two_services_make_the_tables_at_once() {
    let postgres = crate::world::postgres();
    let start = || crate::world::Running::start(crate::world::config_for(&postgres));
    std::thread::scope(|scope| {
        let all: Vec<_> = (0..6).map(|_| scope.spawn(start)).collect();
        all.into_iter().for_each(|one| drop(one.join().expect("it opens")));
    });
}

fn all_ids(answer: &Value) -> Vec<i64> {
    answer["ids"].as_array().unwrap().iter().map(|id| id.as_i64().unwrap()).collect()
}
