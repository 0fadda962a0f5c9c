//! `vu.rng`: whole numbers are numbers, and what cannot be drawn is refused by its real name.

use insta::assert_snapshot;

use crate::tools::{play, program, wiring};

/// What the calls complain about, a line each; nothing of those that give something.
fn refusals(calls: &[&str]) -> String {
    let told = calls.iter().flat_map(|call| {
        let program = program(&format!(
            "fn options() {{ #{{ scenarios: #{{ work: #{{ executor: \"shared-iterations\" }} }} }} }}
             fn work(vu) {{ {call}; }}"
        ));
        let wiring = wiring(&program);
        play(&program, &wiring, None, 1);
        wiring.findings.complaints()
    });
    told.map(|complaint| complaint.message).collect::<Vec<_>>().join("\n")
}

#[test]
fn whole_numbers_are_taken_where_numbers_are() {
    let calls = [
        "vu.rng.chance(1)",
        "vu.rng.chance(0)",
        "vu.rng.exponential(3)",
        "vu.rng.zipf(10, 1)",
        "vu.rng.normal(0, 1)",
        "vu.rng.normal(0.5, 1)",
        "vu.rng.normal(0, 0.5)",
        "if vu.rng.chance(0) || !vu.rng.chance(1) { throw \"neither never nor always\" }",
        "if vu.rng.item(35).len != 35 { throw \"not the size\" }",
        "vu.rng.int(5, 5)",
        "if vu.rng.payload(1000, #{ compressible: 0.5 }).len != 1000 { throw \"not the size\" }",
        "if vu.rng.payload(9, #{ compressible: 1 }).len != 9 { throw \"not the size\" }",
    ];
    assert_eq!(refusals(&calls), "");
}

#[test]
fn what_cannot_be_drawn_is_refused_by_its_real_name() {
    let calls = [
        "vu.rng.int(5, 3)",
        "vu.rng.int(-9223372036854775807, 9223372036854775807)",
        "vu.rng.exponential(-1.0)",
        "vu.rng.exponential(0)",
        "vu.rng.normal(0, -1)",
        "vu.rng.zipf(10, -1)",
        "vu.rng.zipf(0, 1)",
        "vu.rng.chance(50)",
        "vu.rng.item(3)",
        "vu.rng.payload(-1)",
        "vu.rng.payload(10, #{ compressible: 7, comprss: 1 })",
        "vu.rng.size(#{ median: 10 })",
        "vu.rng.size(#{ median: \"10 miles\", p99: 5 })",
        "vu.rng.size(#{ median: 10, p99: 5 })",
        "vu.rng.size(#{ median: 10, p99: 50, min: 7, max: 6 })",
    ];
    assert_snapshot!(refusals(&calls));
}

#[test]
fn sizes_are_drawn_as_they_were_asked_for() {
    let program = program(
        r#"
        fn options() { #{ scenarios: #{ work: #{ executor: "shared-iterations", iterations: 20000 } } } }
        fn work(vu) {
            let bytes = vu.rng.size(#{ median: "4KB", p99: 40000, min: 1000, max: "64KB" });
            if bytes < 1000 || bytes > 64000 { throw `${bytes} is out of bounds`; }
            metric::trend("bytes", bytes);
        }
        "#,
    );
    let wiring = wiring(&program);
    let totals = play(&program, &wiring, None, 1);
    assert_eq!(wiring.findings.complaints(), []);
    let summary = model::runfile::Summary::from_totals(&totals, 1.0);
    let value = |name: &str| serde_json::to_value(&summary.metrics["bytes"]).unwrap()[name].as_f64().unwrap();
    // The seed is fixed: what is drawn here is what is always drawn.
    assert!((3_800.0..4_200.0).contains(&value("p50")), "{:?}", summary.metrics["bytes"]);
    assert!((36_000.0..44_000.0).contains(&value("p99")), "{:?}", summary.metrics["bytes"]);
}
