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
    ];
    assert_snapshot!(refusals(&calls));
}
