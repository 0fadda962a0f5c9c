//! Any text as a threshold: never a panic, always a place; and what is understood reads back the same.

use model::threshold::{Comparison, Method, MetricKey, Threshold};
use proptest::prelude::*;

fn method() -> impl Strategy<Value = Method> {
    prop_oneof![
        Just(Method::Avg),
        Just(Method::Min),
        Just(Method::Max),
        Just(Method::Med),
        (0.0..=100.0f64).prop_map(Method::Percentile),
        Just(Method::Count),
        Just(Method::Rate),
        Just(Method::Value),
        Just(Method::Slope),
        Just(Method::Plateau),
    ]
}

/// Text made of the grammar's own pieces, in any order.
fn nearly() -> impl Strategy<Value = String> {
    let token = prop_oneof![
        Just("p("),
        Just("p"),
        Just("95"),
        Just("99.9"),
        Just(")"),
        Just("avg"),
        Just("rate"),
        Just("recovery"),
        Just("<"),
        Just(">="),
        Just("=="),
        Just("ms"),
        Just("%"),
        Just("µs"),
        Just("/"),
        Just("min"),
        Just(" "),
        Just("-"),
        Just("1e"),
        Just("e9"),
        Just("_"),
        Just("."),
        Just("GiB"),
        Just("&&"),
        Just("é"),
        Just("{"),
    ];
    prop::collection::vec(token, 0..9).prop_map(|tokens| tokens.concat())
}

fn holds_together(metric: &str, text: &str) {
    match Threshold::parse(metric, text) {
        Ok(threshold) => assert_eq!(threshold.source_text, text),
        Err(error) => {
            assert!(error.offset <= error.text.len() && error.text.is_char_boundary(error.offset), "{error}");
            assert!(!error.problem.is_empty() && !error.remedy.is_empty());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn no_text_panics(metric in ".{0,20}", text in ".{0,30}") {
        holds_together(&metric, &text);
    }

    #[test]
    fn no_text_of_its_own_pieces_panics(text in nearly(), errors: bool) {
        holds_together(if errors { "errors" } else { "push{outcome:ok}" }, &text);
    }

    #[test]
    fn what_is_written_regularly_reads_back(method in method(), value in -1e9..1e9f64, unit in 0usize..6, op in 0usize..6) {
        let unit = ["", "ms", "us", "%", "KiB", "min"][unit];
        let op = [
            Comparison::Below, Comparison::AtMost, Comparison::Above, Comparison::AtLeast, Comparison::Equal,
            Comparison::Unequal,
        ][op];
        let text = format!("{method} {op} {value}{unit}");
        let threshold = Threshold::parse("anything", &text).unwrap();
        prop_assert_eq!(threshold.to_string(), text);
        let bound = threshold.bound.unwrap();
        prop_assert_eq!((threshold.method, bound.op, bound.value), (method, op, value));
    }

    #[test]
    fn a_metric_reads_back(name in "[a-z][a-z0-9_.]{0,12}", outcome in 0usize..9) {
        let outcome = model::outcome::Outcome::ALL.get(outcome).copied();
        let key = MetricKey { outcome, ..MetricKey::plain(&format!("op_{name}")) };
        prop_assert_eq!(MetricKey::parse(&key.to_string()), Ok(key));
    }
}
