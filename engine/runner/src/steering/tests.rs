use serde_json::json;

use super::*;

fn read(value: serde_json::Value) -> Result<Wish, String> {
    Wish::of_json(&value)
}

#[test]
fn a_wish_is_said_as_k6_says_it_or_plainly() {
    let of_k6 = json!({ "data": { "type": "status", "id": "default", "attributes": {
        "status": 0, "paused": null, "vus": 20, "vus-max": null, "stopped": false, "running": false, "tainted": false
    } } });
    assert_eq!(read(of_k6), Ok(Wish { vus: Some(20), paused: None, stopped: Some(false) }));
    assert_eq!(read(json!({ "paused": true })), Ok(Wish { paused: Some(true), ..Wish::default() }));
    let wish = Wish { vus: Some(3), paused: Some(false), stopped: None };
    assert_eq!(read(wish.to_json()), Ok(wish));
}

#[test]
fn a_wish_that_makes_no_sense_says_what_does() {
    let wrong = [
        json!({}),
        json!([20]),
        json!({ "data": 1 }),
        json!({ "vus": -1 }),
        json!({ "vus": 1.5 }),
        json!({ "vus": "many" }),
        json!({ "vuss": 5 }),
        json!({ "paused": 1 }),
    ];
    let told: Vec<String> =
        wrong.iter().map(|wrong| Wish::of_json(wrong).expect_err("it is wrong")).collect();
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn a_status_reads_back_as_it_was_said() {
    let status =
        Status { phase: "measure".to_owned(), vus: Some(3), max_vus: Some(10), paused: true, stopped: false };
    assert_eq!(Status::of_json(&status.to_json()), Some(status.clone()));
    let without = Status { vus: None, max_vus: None, ..status };
    assert_eq!(Status::of_json(&without.to_json()), Some(without));
}

#[test]
fn a_run_without_a_dial_can_be_stopped_and_nothing_else() {
    let steered = Steered { control: Control::new(), dial: None, is_stopped: Arc::default() };
    assert!(steered.fulfil(Wish { vus: Some(1), stopped: Some(true), ..Wish::default() }).is_err());
    assert!(!steered.status().stopped, "what is refused is refused whole");
    let stopped = steered.fulfil(Wish { stopped: Some(true), ..Wish::default() });
    assert!(stopped.is_ok_and(|status| status.stopped));
}

#[test]
fn a_port_alone_is_one_of_the_loopback() {
    for (typed, meant) in [
        ("6565", "127.0.0.1:6565"),
        (":0", "127.0.0.1:0"),
        ("localhost:7000", "localhost:7000"),
        ("0.0.0.0:1", "0.0.0.0:1"),
    ] {
        assert_eq!(address(typed), meant);
    }
}
