//! Values that are held: what `feedback` makes of its settings, and what cannot be held is told before anything connects.

use load::executor::{Executor, Feedback};
use model::control::Direction;
use script::{HeldValue, Inputs, evaluate};

use crate::tools::{complaints, program};

fn holding(settings: &str, probes: &str) -> String {
    format!(
        "fn options() {{\n    #{{\n        scenarios: #{{ push: #{{ executor: \"feedback\", {settings} }} }},\n        \
         probes: #{{ {probes} }},\n    }}\n}}\nfn push() {{ }}\nfn depth() {{ #{{ all: 1, due: 0 }} }}\n"
    )
}

const DEPTH: &str = r#"depth: #{ every: "2s", exec: "depth" }"#;

fn held(settings: &str, scale: f64) -> (Feedback, HeldValue) {
    let inputs = Inputs { scale, ..Inputs::default() };
    let options =
        evaluate(&program(&holding(settings, DEPTH)), &inputs.into()).expect("good options").options;
    let Executor::Feedback(feedback) = &options.scenarios[0].executor else { panic!("no feedback") };
    (feedback.clone(), options.scenarios[0].held.clone().expect("it holds something"))
}

#[test]
fn a_value_is_held_by_a_rate() {
    let settings = r#"probe: "depth.due", target: 1000, start_rate: 50, max_rate: 5000, duration: "5m""#;
    let (feedback, value) = held(settings, 1.0);
    let expected = Feedback {
        target: 1000.0,
        direction: Direction::Up,
        gain: 1.0,
        start_rate: 50.0,
        min_rate: 0.0,
        max_rate: 5000.0,
        every_ns: 1_000_000_000,
        sampled_every_ns: 2_000_000_000,
        duration_ns: 300_000_000_000,
        pre_allocated_vus: 0,
        max_vus: 100,
    };
    assert_eq!(feedback, expected);
    assert_eq!(value, HeldValue { probe: "depth".to_owned(), series: "depth.due".to_owned() });
    assert_eq!(feedback.law().gains.kp, 0.25, "half of an error in the time between two samples");
}

#[test]
fn a_scale_is_one_of_rates_and_not_of_what_is_held() {
    let settings = r#"probe: "depth", target: 10, start_rate: 5, min_rate: 1, max_rate: 50, duration: "1m",
        every: "500ms", gain: 2, direction: "down", max_vus: 7"#;
    let (feedback, value) = held(settings, 2.0);
    let rates = (feedback.start_rate, feedback.min_rate, feedback.max_rate);
    assert_eq!((rates, feedback.target), ((10.0, 2.0, 100.0), 10.0));
    let others = (feedback.every_ns, feedback.gain, feedback.direction, feedback.max_vus);
    assert_eq!(others, (500_000_000, 2.0, Direction::Down, 7));
    assert_eq!(value.series, "depth");
}

#[test]
fn what_cannot_be_held_is_told_at_once() {
    let whole = r#"target: 10, start_rate: 5, max_rate: 50, duration: "1m""#;
    let wrong = r#"probe: "dpeth.all", target: 10, start_rate: 60, min_rate: 1, max_rate: 50, duration: "1m", every: "1ms",
        gain: 0, direction: "upp", rate: 5"#;
    let all = [
        complaints(&holding(wrong, DEPTH), &[]),
        complaints(&holding("target: 10", DEPTH), &[]),
        complaints(&holding(&format!("probe: \"host.cpu\", {whole}"), r#"host: #{ every: "1s" }"#), &[]),
        complaints(&holding(&format!("probe: \"cpu\", {whole}"), DEPTH), &[]),
        complaints(&holding(&format!("probe: \"push\", {whole}"), r#"push: #{ exec: "depth" }"#), &[]),
        complaints(&holding(&format!("probe: \"depth\", {whole}"), r#"depth: #{ exec: "dept" }"#), &[]),
    ];
    insta::assert_snapshot!(all.join("\n\n"));
}
