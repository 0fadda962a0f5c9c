//! The `http` binding against a real service: bodies both ways, what statuses mean, prepared requests.

use drivers::http::{HttpConfig, HttpSettings};
use insta::assert_snapshot;
use model::{outcome::Outcome, recorder::WindowKind};
use script::Wiring;
use serde_json::{Value, json};

use crate::{
    tools::{call_with, complaints, play, program, wiring},
    web::{Came, Web},
};

fn config(url: &str) -> HttpConfig {
    HttpSettings { url: Some(url.to_owned()), ..HttpSettings::default() }
        .check()
        .expect("the service's address")
}

/// Calls `setup` of a script that talks to the service.
fn setup(web: &Web, body: &str) -> Result<Value, String> {
    let program = program(&format!("fn setup() {{ {body} }}"));
    call_with(Wiring { http: Some(config(&web.url)), ..wiring(&program) }, &program, "setup")
}

/// A service that gives back what came, as JSON.
fn echo() -> Web {
    Web::start(|came: &Came| {
        let kind = came.headers.get("content-type").cloned();
        let body =
            json!({ "line": came.line, "kind": kind, "body": came.body, "own": came.headers.get("x-own") });
        (200, "content-type: application/json\r\netag: \"7\"\r\n", body.to_string())
    })
}

/// A service that answers with the status at the end of the path.
fn statuses() -> Web {
    Web::start(|came: &Came| {
        let status = came.line.rsplit('/').next().unwrap().parse().unwrap();
        (status, "", if status == 204 { String::new() } else { format!("said {status}") })
    })
}

#[test]
fn every_kind_of_body_goes_as_what_it_is() {
    let web = echo();
    let said = setup(
        &web,
        r#"
        let said = [];
        let blob = blob(2, 65);
        for body in [#{ a: 1, b: [true, (), 1.5, "x"] }, [1, 2], "text", blob, ()] {
            let came = http::post("/echo", body).json;
            said.push([came.kind, came.body]);
        }
        said
        "#,
    );
    assert_eq!(
        said.unwrap(),
        json!([
            ["application/json", r#"{"a":1,"b":[true,null,1.5,"x"]}"#],
            ["application/json", "[1,2]"],
            ["text/plain; charset=utf-8", "text"],
            ["application/octet-stream", "AA"],
            [null, ""]
        ])
    );
}

#[test]
fn what_is_generated_stands_in_json_as_it_is() {
    let web = echo();
    let program = program(
        r#"
fn options() { #{ scenarios: #{ one: #{ executor: "shared-iterations", vus: 1, iterations: 1, exec: "work" } } } }
fn work(vu) {
    let item = vu.rng.item(256);
    http::post("/echo", #{ item: item, priority: 0 });
    http::post("/echo", item);
    try { http::post("/echo", #{ item: vu.rng.payload(8) }); } catch (e) { http::get("/" + e.to_string()); }
}
"#,
    );
    let wiring = Wiring { http: Some(config(&web.url)), ..wiring(&program) };
    play(&program, &wiring, None, 1);
    assert!(wiring.findings.complaints().is_empty(), "{:?}", wiring.findings.complaints());
    let came = web.came();
    assert_eq!(came[1].body.len(), 256);
    let embedded: Value = serde_json::from_str(&came[0].body).unwrap();
    assert_eq!(embedded["item"], serde_json::from_str::<Value>(&came[1].body).unwrap());
    assert_eq!(came[0].body, format!(r#"{{"item":{},"priority":0}}"#, came[1].body));
    assert!(came[2].line.contains("body.item%20is%20a%20payload%20of%20bytes"), "{}", came[2].line);
}

#[test]
fn every_verb_is_sent_as_it_is_called() {
    let web = echo();
    let said = setup(
        &web,
        r#"
        let own = #{ headers: #{ "x-own": "mine" } };
        http::get("/a?x=1"); http::delete("/a"); http::head("/a b");
        http::put("/a", "1"); http::patch("/a", "2"); http::post("/a");
        http::request("PURGE", "/a"); http::request("POST", "/a", "3");
        [http::get("/a", own).json.own, http::delete("/a", own).json.own, http::put("/a", "", own).json.own,
            http::patch("/a", "", own).json.own, http::post("/a", "", own).json.own,
            http::request("GET", "/a", (), own).json.own, http::head("/a", own).size_bytes]
        "#,
    );
    let mine = "mine";
    assert_eq!(said.unwrap(), json!([mine, mine, mine, mine, mine, mine, 0]));
    let lines =
        ["GET /a?x=1", "DELETE /a", "HEAD /a%20b", "PUT /a", "PATCH /a", "POST /a", "PURGE /a", "POST /a"];
    assert_eq!(web.lines()[..8], lines);
}

#[test]
fn a_reply_has_status_headers_text_and_json() {
    let web = Web::start(|came: &Came| match came.line.as_str() {
        "GET /json" => (
            200,
            "content-type: application/json\r\nETag: \"7\"\r\n",
            r#"{"n": 9007199254740993, "f": 1.5, "list": [1, {"deep": null}], "text": "ä"}"#.to_owned(),
        ),
        "GET /none" => (204, "", String::new()),
        _ => (200, "", "<html>\nno".to_owned()),
    });
    let said = setup(
        &web,
        r#"
        let r = http::get("/json");
        let said = [r.status, r.ok, r.outcome, r.class, r.header("etag"), r.header("none"), r.size_bytes];
        said += [r.json.n, r.json.f, r.json.list[1].deep, r.json.text, r.json.n + 1, r.text.len(), r.body == r.text];
        let none = http::get("/none");
        said += [none.json, none.text, none.size_bytes, none.status];
        try { http::get("/html").json } catch (e) { said.push(e.to_string()); }
        try { http::get("/html").keys } catch (e) { said.push(e.to_string()); }
        said
        "#,
    );
    let first = json!([200, true, "ok", "", "\"7\"", "", 76, 9007199254740993i64, 1.5, null, "ä"]);
    let said = said.unwrap();
    let said = said.as_array().unwrap();
    assert_eq!(said[..11], *first.as_array().unwrap());
    assert_eq!(
        said[11..18],
        [json!(9007199254740994i64), json!(75), json!(true), json!(null), json!(""), json!(0), json!(204)]
    );
    assert_eq!(
        said[18..],
        [
            json!("the reply is no JSON (expected value at line 1 column 1): it begins with `<html>no`"),
            json!("keys and bodies come from an object store; this reply is not of one")
        ]
    );
}

#[test]
fn a_status_means_what_is_said_of_it_and_errors_are_thrown() {
    let web = statuses();
    let said = setup(
        &web,
        r#"
        let said = [];
        said.push(http::get("/409").conflict);
        said.push(http::get("/404", #{ empty: [204, 404] }).empty);
        said.push(http::get("/204", #{ empty: [204, 404] }).empty);
        said.push(http::post("/410", "", #{ conflict: 410 }).outcome);
        said.push(http::get("/304", #{ ok: 304 }).ok);
        said.push(http::post("/422", "", #{ expect: "rejected" }).class);
        said.push(http::post("/200", "", #{ rejected: 200, expect: "rejected" }).outcome);
        for status in [302, 404, 429, 500, 502] {
            try { http::post(`/${status}`); } catch (e) { said.push(`${e.outcome} ${e.class} ${e.status}`); }
        }
        said
        "#,
    );
    assert_eq!(
        said.unwrap(),
        json!([
            true,
            true,
            true,
            "conflict",
            true,
            "422",
            "rejected",
            "error 302 302",
            "rejected 404 404",
            "throttled 429 429",
            "error 500 500",
            "ambiguous 502 502"
        ])
    );
    let told = setup(&web, "http::get(\"/404\")").unwrap_err();
    assert!(told.contains("GET ended as rejected(404)") && told.contains("(`said 404`)"), "{told}");
}

const QUEUE: &str = r#"
fn options() { #{ scenarios: #{ one: #{ executor: "shared-iterations", vus: 2, iterations: 6, exec: "work" } } } }
fn setup() {
    #{
        push: http::operation("push", #{ method: "POST", path: "/v1/queues/{}/items", headers: #{ "x-own": "a" } }),
        pop: http::operation("pop", #{ method: "POST", path: "/v1/queues/{}/pop", empty: 204, timeout: "5s" }),
        list: http::operation("list", #{ path: "/v1/queues" }),
    }
}
fn work(vu) {
    vu.shared.push.send(["a/b"], #{ n: vu.iteration });
    vu.shared.pop.send([7]);
    vu.shared.list.send();
    http::get("/v1/queues/1"); http::get("/v1/queues/2", #{ op: "look" }); http::request("PURGE", "/v1/queues");
}
"#;

#[test]
fn an_operation_is_made_once_shared_and_recorded_by_its_name() {
    let web = Web::start(|came: &Came| match came.line.as_str() {
        line if line.ends_with("/pop") => (204, "", String::new()),
        _ => (200, "", "{}".to_owned()),
    });
    let program = program(QUEUE);
    let wiring = Wiring { http: Some(config(&web.url)), ..wiring(&program) };
    let shared = crate::tools::on_core(async {
        let stage = script::Stage::new(&program, wiring.clone(), None).unwrap();
        stage.call("setup").await.unwrap()
    });
    let totals = play(&program, &wiring, Some(shared.into()), 2);
    assert!(wiring.findings.complaints().is_empty(), "{:?}", wiring.findings.complaints());
    let ops = &totals.window(WindowKind::Measure).ops;
    let count = |op: &str, outcome| ops.get(&(op.into(), outcome)).map_or(0, |of| of.latency.count());
    let counts = [
        count("push", Outcome::Ok),
        count("pop", Outcome::Empty),
        count("list", Outcome::Ok),
        count("GET", Outcome::Ok),
        count("look", Outcome::Ok),
        count("PURGE", Outcome::Ok),
    ];
    assert_eq!(counts, [6; 6]);
    let came = web.came();
    let pushed: Vec<&Came> = came.iter().filter(|came| came.line == "POST /v1/queues/a%2Fb/items").collect();
    assert_eq!(pushed.len(), 6);
    assert!(pushed.iter().all(|came| came.headers["x-own"] == "a" && came.body.starts_with("{\"n\":")));
    assert_eq!(came.iter().filter(|came| came.line == "POST /v1/queues/7/pop").count(), 6);
}

#[test]
fn everything_wrong_with_a_request_is_told_at_once() {
    let web = statuses();
    let mut told = Vec::new();
    for wrong in [
        r#"http::get("/200", #{ nam: "x", expect: "reject", timeout: 0, headers: #{ host: "h", n: 1 }, empty: 99, ok: 404, conflict: [404] })"#,
        r#"http::get("200")"#,
        r#"http::post("/200", 7)"#,
        r#"http::request("post", "/200")"#,
        r#"http::operation("x", #{ method: "get", timeout: "soon" })"#,
        r#"http::operation("x", #{ path: "x", op: "y" })"#,
        r#"http::operation("x", #{ path: "/{}/{}" }).send(["a"])"#,
        r#"http::operation("x", #{ path: "/{}" }).send("a")"#,
        r#"http::operation("x", #{ path: "/{}" }).send([#{}])"#,
        r#"http::operations(#{ a: http::operation("x", #{ path: "/" }), b: 7, c: "push" })"#,
        r#"http::operations(#{ push: http::operation("x", #{ path: "/" }), pop: http::operation("y", #{ path: "/" }) }).send("pul", [])"#,
    ] {
        told.push(setup(&web, wrong).expect_err(wrong));
    }
    assert_snapshot!(told.join("\n"));
    assert_eq!(web.lines(), Vec::<String>::new());
}

#[test]
fn an_operation_is_made_in_setup_and_not_in_every_iteration() {
    let web = statuses();
    let program = program(
        r#"
fn options() { #{ scenarios: #{ one: #{ executor: "shared-iterations", vus: 1, iterations: 2, exec: "work" } } } }
fn work() { http::operation("ask", #{ path: "/200" }); }
"#,
    );
    let wiring = Wiring { http: Some(config(&web.url)), ..wiring(&program) };
    play(&program, &wiring, None, 1);
    let told = wiring.findings.complaints();
    assert!(told.len() == 1 && told[0].message.contains("http::operation is for setup()"), "{told:?}");
    assert_eq!(web.lines(), Vec::<String>::new());
}

#[test]
fn a_run_without_a_service_says_so_and_a_whole_url_needs_none() {
    let program = program("fn setup() { http::get(\"/x\") }");
    let told = call_with(wiring(&program), &program, "setup").unwrap_err();
    assert!(told.contains("this run has no HTTP service"), "{told}");
    let web = statuses();
    let program = crate::tools::program(&format!("fn setup() {{ http::get(\"{}/201\").status }}", web.url));
    let anywhere = HttpSettings::default().check().unwrap();
    let said = call_with(Wiring { http: Some(anywhere), ..wiring(&program) }, &program, "setup");
    assert_eq!(said.unwrap(), json!(201));
}

#[test]
fn what_is_asked_for_is_seen_in_the_code() {
    let seen = |text: &str| {
        let facts = crate::tools::program(text).facts().clone();
        let requests = facts.requests;
        (facts.uses_http, [requests.by_path, requests.by_url, requests.unknown], requests.need_service())
    };
    assert_eq!(seen("fn f() { 1 }"), (false, [0, 0, 0], false));
    assert_eq!(seen("fn f() { http::get(\"/x\"); http::get(\"http://h/x\") }"), (true, [1, 1, 0], true));
    assert_eq!(seen("fn f(n) { http::get(`/x/${n}`) }"), (true, [1, 0, 0], true));
    assert_eq!(seen("fn f(n) { http::get(`https://h/${n}`) }"), (true, [0, 1, 0], false));
    assert_eq!(seen("fn f(x) { http::post(x) }"), (true, [0, 0, 1], true));
    assert_eq!(seen("fn f(x) { http::post(x); http::get(\"http://h\") }"), (true, [0, 1, 1], false));
    assert_eq!(seen("fn f() { http::request(\"GET\", \"/x\") }"), (true, [1, 0, 0], true));
    assert_eq!(
        seen("fn f() { http::operation(\"a\", #{ path: \"http://h/{}\" }) }"),
        (true, [0, 1, 0], false)
    );
    assert_eq!(
        seen("fn f(x) { http::operation(\"a\", #{ method: x, path: \"/{}\" }) }"),
        (true, [1, 0, 0], true)
    );
}

#[test]
fn everything_wrong_with_its_options_is_told_at_its_key() {
    let told = complaints(
        r#"
fn options() {
    #{
        scenarios: #{ a: #{ executor: "constant-vus", duration: "1s" } },
        http: #{
            http2: "yes",
            conections: 2,
            timeout: "0s",
            service: "queue-ap",
            headers: #{ "x-a": 1 },
        },
        needs: ["postgress", "http", "mysql"],
    }
}
fn a() {}
"#,
        &[],
    );
    assert_snapshot!(told);
}
