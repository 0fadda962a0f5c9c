//! Comparisons: whose turn it is, what that turn does, and what is refused.

use script::{TurnKind, evaluate};

use crate::tools::{complaints, inputs, play, program, wiring};

const TWO_SIDES: &str = r#"
fn options() {
    #{
        comparisons: #{
            race: #{ exec: "work", sides: ["a", "b"], vus: 3, rounds: 3, turn: "80ms", rest: "20ms", calibrate: "none" },
        },
    }
}
fn work(vu) { metric::counter(`${vu.side} ${vu.rng.below(1000)}`, 1); if vu.iteration % 2 == 1 { vu.stop(); } }
"#;

#[test]
fn sides_are_woken_and_take_turns_there_and_back_behind_a_calibration() {
    let options = evaluate(&program(TWO_SIDES), &inputs(&[])).unwrap().options;
    let turns: Vec<_> = options.scenarios.iter().map(|s| (s.start, s.turn.clone().unwrap())).collect();
    let sides: String = turns.iter().map(|(_, turn)| turn.side.chars().next().unwrap()).collect();
    assert_eq!(sides, "nab nabba nbaab nabba".replace(' ', ""));
    assert!(turns[..3].iter().all(|(_, turn)| turn.counts == TurnKind::Waking));
    let counts = |n: usize| turns[n].1.counts;
    assert!([3, 8, 13].iter().all(|n| counts(*n) == TurnKind::Calibration));
    assert_eq!(
        (counts(4), counts(9), counts(17)),
        (TurnKind::Round(0), TurnKind::Round(1), TurnKind::Round(2))
    );
    assert!(turns.windows(2).all(|two| (two[1].0 - two[0].0).as_millis() == 100));
}

#[test]
fn both_turns_of_a_pair_do_the_same_work_and_other_pairs_do_not() {
    let options = evaluate(&program(TWO_SIDES), &inputs(&[])).unwrap().options;
    let turns = options.scenarios.iter().map(|s| s.turn.clone().unwrap());
    let counting = turns.filter(|turn| matches!(turn.counts, TurnKind::Round(_)));
    let of_rounds: Vec<String> = counting.map(|turn| turn.seed_name).collect();
    assert!(of_rounds.chunks(2).all(|pair| pair[0] == pair[1]), "{of_rounds:?}");
    let mut distinct = of_rounds.to_vec();
    distinct.dedup();
    assert_eq!(distinct.len(), 6);
}

#[test]
fn an_iteration_knows_whose_turn_it_is() {
    let program = program(TWO_SIDES);
    let options = evaluate(&program, &inputs(&[])).unwrap().options;
    let mut wiring = wiring(&program);
    for (wired, scenario) in wiring.scenarios.iter_mut().zip(&options.scenarios) {
        let turn = scenario.turn.clone().unwrap();
        (wired.side, wired.seed_name) = (Some(turn.side), turn.seed_name);
    }
    let totals = play(&program, &wiring, None, 2);
    let measured = totals.window(model::recorder::WindowKind::Measure);
    let names_of = |side: &str| -> Vec<String> {
        let names = measured.metrics.keys().filter_map(|name| name.strip_prefix(side)).map(str::to_owned);
        names.collect()
    };
    assert!(!names_of("a ").is_empty() && !names_of("none ").is_empty());
    // A turn may be cut short anywhere, but what was drawn is drawn from the same: by chance two in a hundred would be.
    let (of_a, of_b) = (names_of("a "), names_of("b "));
    let of_both = of_a.iter().filter(|name| of_b.contains(name)).count();
    assert!(2 * of_both > of_a.len().min(of_b.len()), "{of_a:?} and {of_b:?}");
}

#[test]
fn everything_wrong_with_a_comparison_is_told_at_once() {
    let told = complaints(
        r#"
fn options() {
    #{
        comparisons: #{
            one: #{ exec: "blind", sides: ["a"], vus: 0, rounds: 2, turn: "0s", margin: 2, decide_by: "p59", tunr: 1 },
            two: #{ exec: "wrok", sides: ["a", "a"] },
            main: #{ exec: "work", sides: ["a", "b"] },
            none: #{ exec: "work", sides: [] },
            three: 3,
        },
        scenarios: #{ main: #{ executor: "constant-vus", duration: "1s", exec: "work" } },
    }
}
fn blind() {}
fn work(vu) {}
"#,
        &[],
    );
    insta::assert_snapshot!(told);
}

#[test]
fn stores_are_targets_by_name() {
    let with = |stores: &str| {
        format!(
            "fn options() {{ #{{ scenarios: #{{ m: #{{ executor: \"constant-vus\", duration: \"1s\" }} }}, stores: {stores} }} }} \
             fn m() {{}}"
        )
    };
    let stores = |text: &str| evaluate(&program(&with(text)), &inputs(&[])).unwrap().options.stores;
    let names: Vec<_> =
        stores("[\"b\", \"a\"]").into_iter().map(|store| (store.name, store.target)).collect();
    assert_eq!(names, [("b".to_owned(), "b".to_owned()), ("a".to_owned(), "a".to_owned())]);
    let named = stores("#{ near: \"a\", far: #{ target: \"b\", client: \"sdk\", bucket: \"bodies\" } }");
    assert_eq!((named[0].name.as_str(), named[0].target.as_str(), &named[0].bucket), ("near", "a", &None));
    assert_eq!((named[1].target.as_str(), named[1].bucket.as_deref()), ("b", Some("bodies")));
    let wrong = ["[1, \"a\", \"a\"]", "7", "#{ x: #{ traget: \"a\" }, y: 5 }"];
    let told: Vec<String> = wrong.iter().map(|text| complaints(&with(text), &[])).collect();
    insta::assert_snapshot!(told.join("\n---\n"));
}
