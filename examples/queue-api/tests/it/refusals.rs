//! Requests that are wrong: each is told what, where, and all of it at once.

use serde_json::{Value, json};

use crate::client::{Answer, request, send};
use crate::world::World;

/// The problems of a refused request, as `field: message`.
fn problems(answer: &Answer, status: u16) -> Vec<String> {
    let body = answer.expect(status);
    let problems = body["problems"].as_array().expect("a list").clone();
    let count = match problems.len() {
        1 => "1 problem".to_owned(),
        n => format!("{n} problems"),
    };
    assert_eq!(body["error"], format!("the request has {count}"));
    let text = |problem: &Value, key: &str| problem[key].as_str().expect("text").to_owned();
    problems.iter().map(|p| format!("{}: {}", text(p, "field"), text(p, "message"))).collect()
}

#[test]
fn values_that_are_wrong() {
    let world = World::new();
    let object = "it is a JSON object such as {\"order\": 17}";
    let nul = "item holds the character U+0000, which Postgres cannot keep; leave it out";
    let cases = [
        ("items", json!({}), format!("item: item is missing; {object}")),
        ("items", json!({ "item": "x" }), format!("item: item is \"x\"; {object}")),
        ("items", json!({ "item": [1] }), format!("item: item is a list; {object}")),
        ("items", json!({ "item": null }), format!("item: item is null; {object}")),
        ("items", json!({ "item": { "a": ["\u{0}"] } }), format!("item: {nul}")),
        ("items", json!({ "item": { "\u{0}": 1 } }), format!("item: {nul}")),
        (
            "items",
            json!({ "item": {}, "priority": -1 }),
            "priority: priority is -1; it is a whole number of 0 or more".into(),
        ),
        (
            "items",
            json!({ "item": {}, "priority": 0.5 }),
            "priority: priority is 0.5; it is a whole number of 0 or more".into(),
        ),
        (
            "items",
            json!({ "item": {}, "priority": "1" }),
            "priority: priority is \"1\"; it is a whole number of 0 or more".into(),
        ),
        (
            "items",
            json!({ "item": {}, "priority": 2147483648_i64 }),
            "priority: priority is 2147483648; it is at most 2147483647".into(),
        ),
        (
            "items",
            json!({ "item": {}, "delay_ms": -5 }),
            "delay_ms: delay_ms is -5; it is a whole number of 0 or more".into(),
        ),
        (
            "items",
            json!({ "item": {}, "delay_ms": u64::MAX }),
            format!("delay_ms: delay_ms is {}; it is at most 31536000000", u64::MAX),
        ),
        (
            "items",
            json!({ "item": {}, "prio": 1 }),
            "prio: prio is unknown; there are: item, priority, delay_ms".into(),
        ),
        (
            "items",
            json!({ "item": {}, "delay": 1 }),
            "delay: delay is unknown; there are: item, priority, delay_ms".into(),
        ),
        (
            "items",
            json!({ "item": {}, "priorty": 1 }),
            "priorty: priorty is unknown; did you mean `priority`?".into(),
        ),
        ("items", json!([1]), "body: body is a list; it is an object with: item, priority, delay_ms".into()),
        ("pop", json!({ "depth": 0 }), "depth: depth is 0; it is a whole number from 1 to 100".into()),
        ("pop", json!({ "depth": 101 }), "depth: depth is 101; it is a whole number from 1 to 100".into()),
        ("pop", json!({ "dept": 1 }), "dept: dept is unknown; did you mean `depth`?".into()),
        (
            "claim",
            json!({ "batch": 1 }),
            "lease_ms: lease_ms is missing; it is a whole number from 1 to 86400000".into(),
        ),
        (
            "claim",
            json!({ "batch": 1001, "lease_ms": 1 }),
            "batch: batch is 1001; it is a whole number from 1 to 1000".into(),
        ),
        (
            "claim",
            json!({ "lease_ms": 0 }),
            "lease_ms: lease_ms is 0; it is a whole number from 1 to 86400000".into(),
        ),
        ("complete", json!({}), "tasks: tasks is missing; it is a list of 1 to 1000 objects".into()),
        (
            "complete",
            json!({ "tasks": [] }),
            "tasks: tasks has 0 elements; it is a list of 1 to 1000 objects".into(),
        ),
        (
            "complete",
            json!({ "tasks": [{ "id": 1 }] }),
            "tasks[0].attempt: tasks[0].attempt is missing; it is a whole number of 1 or more".into(),
        ),
        (
            "complete",
            json!({ "tasks": [1] }),
            "tasks[0]: tasks[0] is 1; it is an object with: id, attempt".into(),
        ),
        (
            "batch",
            json!({ "items": {} }),
            "items: items is an object; it is a list of 1 to 1000 objects".into(),
        ),
        (
            "batch",
            json!({ "items": vec![json!({ "item": {} }); 1001] }),
            "items: items has 1001 elements; it is a list of 1 to 1000 objects".into(),
        ),
    ];
    for (operation, body, expected) in cases {
        let answer = world.ask("POST", &format!("/v1/queues/q/{operation}"), &body);
        assert_eq!(problems(&answer, 400), [expected], "{operation} {body}");
    }
    assert_eq!(world.depth("q"), (0, 0), "none of it was done");
}

#[test]
fn every_problem_is_told_at_once() {
    let world = World::new();
    let body = json!({ "item": 1, "priority": -1, "delay_ms": 1.5, "x": 1 });
    let told = problems(&world.ask("POST", "/v1/queues/a%20b/items", &body), 400);
    let fields: Vec<&str> = told.iter().map(|problem| problem.split(':').next().unwrap()).collect();
    assert_eq!(fields, ["queue", "x", "item", "priority", "delay_ms"]);

    let batch = json!({ "items": [{ "item": {} }, { "item": 2 }, { "item": {}, "priority": -3, "x": 1 }] });
    let told = problems(&world.ask("POST", "/v1/queues/q/batch", &batch), 400);
    let fields: Vec<&str> = told.iter().map(|problem| problem.split(':').next().unwrap()).collect();
    assert_eq!(fields, ["items[1].item", "items[2].x", "items[2].priority"]);
    assert_eq!(world.depth("q"), (0, 0), "the good one is not kept either");

    let many = json!({ "items": vec![json!({ "x": 1 }); 1000] });
    let answer = world.ask("POST", "/v1/queues/q/batch", &many).expect(400);
    assert_eq!(answer["error"], "the request has 2000 problems; the first 100 are listed");
    assert_eq!(answer["problems"].as_array().unwrap().len(), 100);
}

#[test]
fn bodies_that_are_no_json() {
    let world = World::new();
    let ask = |body: &[u8]| problems(&world.ask_with("POST", "/v1/queues/q/items", body), 400);
    assert_eq!(
        ask(b"{\"item\": {},\n \"priority\": }"),
        ["body: the body is no JSON: expected value at line 2 column 14"]
    );
    assert_eq!(ask(b"{} {}"), ["body: the body is no JSON: trailing characters at line 1 column 4"]);
    assert_eq!(
        ask(b"{\"item\": {\"a\": \"\xff\"}}"),
        ["body: the body is no JSON: invalid unicode code point at line 1 column 17"]
    );
    let deep = format!("{{\"item\": {}", "{\"a\":".repeat(200_000));
    assert_eq!(
        ask(deep.as_bytes()),
        ["body: the body is no JSON: recursion limit exceeded at line 1 column 640"]
    );
    for empty in [&b""[..], b" \n"] {
        assert_eq!(ask(empty), ["body: the body is empty; it is a JSON object, {} at least"]);
    }
}

#[test]
fn queues_that_cannot_be_named_so() {
    let world = World::new();
    let right = "it has 1 to 100 of the characters A-Z, a-z, 0-9, `_`, `.` and `-`";
    for (path, shown) in [("a%20b", "a b"), ("a%2Fb", "a/b"), ("%C3%A4", "ä"), ("a%00", "a\0")] {
        for method in ["PUT", "DELETE", "GET"] {
            let answer = world.ask(method, &format!("/v1/queues/{path}"), &Value::Null);
            assert_eq!(problems(&answer, 400), [format!("queue: the queue's name is `{shown}`; {right}")]);
        }
    }
    world.ask("PUT", &format!("/v1/queues/{}", "x".repeat(100)), &Value::Null).expect(201);
    let long = world.ask("PUT", &format!("/v1/queues/{}", "x".repeat(101)), &Value::Null);
    assert_eq!(problems(&long, 400).len(), 1);
    assert_eq!(
        problems(&world.get("/v1/queues//items"), 400),
        [format!("queue: the queue's name is ``; {right}")]
    );
    let no_text = world.get("/v1/queues/%FF");
    assert_eq!(problems(&no_text, 400), ["queue: the queue's name is no text: Invalid UTF-8 in `queue`"]);
}

#[test]
fn pages_that_cannot_be() {
    let world = World::new();
    let answer = world.get("/v1/queues/q/items?after=-1&limit=1001&limt=2");
    assert_eq!(
        problems(&answer, 400),
        [
            "after: after is `-1`; it is a whole number of 0 or more",
            "limit: limit is `1001`; it is a whole number from 1 to 1000",
            "limt: limt is unknown; did you mean `limit`?",
        ]
    );
    assert_eq!(problems(&world.get("/v1/queues/q/items?after=1.0"), 400).len(), 1);
}

#[test]
fn http_that_is_wrong_is_answered_in_json_too() {
    let world = World::new();
    let unknown = problems(&world.get("/v1/queue/q"), 404);
    assert!(
        unknown[0].starts_with("path: there is nothing at /v1/queue/q; there are /health"),
        "{unknown:?}"
    );
    problems(&world.get("/"), 404);

    let method = world.ask("PATCH", "/v1/queues/q/items", &json!({}));
    assert_eq!(
        problems(&method, 405),
        ["method: PATCH means nothing here; the header `Allow` says what does"]
    );
    let mut allowed: Vec<&str> = method.header("allow").expect("it says what is").split(',').collect();
    allowed.sort_unstable();
    assert_eq!(allowed, ["GET", "HEAD", "POST"]);

    let typed = |content_type| {
        let bytes = request("POST", "/v1/queues/q/items", content_type, b"{\"item\": {}}");
        send(world.service.address, &bytes)
    };
    assert_eq!(
        problems(&typed(None), 415),
        ["content-type: the content-type is missing; it is `application/json`"]
    );
    assert_eq!(
        problems(&typed(Some("text/plain")), 415),
        ["content-type: the content-type is `text/plain`; it is `application/json`"]
    );
    for right in ["application/json; charset=utf-8", "Application/JSON", "application/problem+json"] {
        typed(Some(right)).expect(201);
    }
}

#[test]
fn a_body_may_have_two_mebibytes_and_not_one_byte_more() {
    let world = World::new();
    let around = "{\"item\": {\"text\": \"\"}}";
    let fill = "x".repeat((2 << 20) - around.len());
    let fits = around.replacen("\"\"", &format!("\"{fill}\""), 1);
    world.ask_with("POST", "/v1/queues/q/items", fits.as_bytes()).expect(201);
    let answer = world.ask_with("POST", "/v1/queues/q/items", format!("{fits} ").as_bytes());
    assert_eq!(problems(&answer, 413), ["body: the body is longer than 2097152 bytes; send less at once"]);
    assert_eq!(world.depth("q"), (1, 0));
}
