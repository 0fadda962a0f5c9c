//! Sweeps: which scenarios become steps, what an iteration of a step sees, and what is refused.

use std::sync::Arc;

use model::{recorder::WindowKind, sweep::Value};
use script::{Inputs, SweepInputs, evaluate};

use crate::tools::{call_with, complaints, inputs, play, program, wiring};

const CLAIMERS: &str = r#"
fn options() {
    let claimers = param("claimers", 8, #{ min: 1, max: 64 });
    #{
        scenarios: #{
            feed: #{ executor: "constant-vus", vus: claimers, duration: "80ms", exec: "feed", sweep: false },
            claim: #{ executor: "constant-vus", vus: claimers, duration: "80ms", exec: "claim" },
        },
        sweep: #{ param: "claimers", values: "1..4*2", step: "10s", rest: "1s", measure: "claim", settle: "2s" },
    }
}
fn setup() { param("claimers", 8) }
fn feed(vu) { metric::counter(`feed ${vu.step} ${param("claimers", 8)}`, 1); vu.stop(); }
fn claim(vu) { metric::counter(`claim ${vu.step} ${param("claimers", 8)} ${param("other", 3)}`, 1); vu.stop(); }
"#;

fn flags(of: Option<(&str, &str)>) -> Arc<Inputs> {
    let of = of.map(|(param, values)| (param.to_owned(), values.to_owned()));
    Arc::new(Inputs { sweep: SweepInputs { of, ..SweepInputs::default() }, ..Inputs::default() })
}

/// Names of scenarios with their virtual users.
fn played(inputs: &Arc<Inputs>) -> String {
    let options = evaluate(&program(CLAIMERS), inputs).unwrap().options;
    let scenarios = options.scenarios.iter().map(|one| format!("{}: {}", one.name, one.executor.max_vus()));
    scenarios.collect::<Vec<_>>().join(", ")
}

#[test]
fn options_are_evaluated_for_each_value_and_what_is_not_swept_keeps_the_base() {
    assert_eq!(
        played(&inputs(&[])),
        "feed: 8, claim claimers=1: 1, claim claimers=2: 2, claim claimers=4: 4"
    );
    let of_base = played(&inputs(&[("claimers", "16")]));
    assert!(of_base.starts_with("feed: 16, claim claimers=1: 1,"), "{of_base}");
    let sweep = evaluate(&program(CLAIMERS), &inputs(&[])).unwrap().options.sweep.unwrap();
    assert_eq!(sweep.values, [Value::Int(1), Value::Int(2), Value::Int(4)]);
    assert_eq!((sweep.step.unwrap().as_secs(), sweep.rest.as_secs(), sweep.settle), (10, 1, 0.2));
    assert_eq!((sweep.measure.as_deref(), sweep.margin), (Some("claim"), 0.05));
}

#[test]
fn a_flag_replaces_parameter_and_values_and_the_rest_stays() {
    assert_eq!(
        played(&flags(Some(("claimers", "3,5")))),
        "feed: 8, claim claimers=3: 3, claim claimers=5: 5"
    );
    let sweep = evaluate(&program(CLAIMERS), &flags(Some(("other", "1,2")))).unwrap().options.sweep.unwrap();
    assert_eq!((sweep.param.as_str(), sweep.step.unwrap().as_secs()), ("other", 10));
}

#[test]
fn an_iteration_of_a_step_sees_its_value_and_everybody_else_the_base() {
    let program = program(CLAIMERS);
    let options = evaluate(&program, &inputs(&[])).unwrap().options;
    let mut wiring = wiring(&program);
    for (wired, scenario) in wiring.scenarios.iter_mut().zip(&options.scenarios) {
        wired.step = scenario.step.as_ref().map(|step| (step.param.clone(), step.value.clone()));
    }
    let totals = play(&program, &wiring, None, 1);
    let metrics = &totals.window(WindowKind::Measure).metrics;
    let names: Vec<&str> = metrics.keys().map(AsRef::as_ref).collect();
    assert_eq!(names, ["claim 1 1 3", "claim 2 2 3", "claim 4 4 3", "feed  8"]);
    assert_eq!(call_with(wiring, &program, "setup").unwrap(), 8);
}

#[test]
fn values_have_the_type_of_their_parameter() {
    let script = |default: &str, values: &str| {
        format!(
            "fn options() {{ let p = param(\"p\", {default}); #{{ scenarios: #{{ m: #{{ executor: \"constant-vus\", \
             duration: \"1s\" }} }}, sweep: #{{ param: \"p\", values: {values} }} }} }} fn m() {{}}"
        )
    };
    let values = |default: &str, values: &str| {
        evaluate(&program(&script(default, values)), &inputs(&[])).unwrap().options.sweep.unwrap().values
    };
    assert_eq!(values("1.5", "[1, 2.5]"), [Value::Float(1.0), Value::Float(2.5)]);
    assert_eq!(values("\"a\"", "\"a, b\""), [Value::Word("a".into()), Value::Word("b".into())]);
    assert_eq!(values("true", "[true, false]"), [Value::Flag(true), Value::Flag(false)]);
}

/// A script whose options have this sweep, and this beside it.
fn with(sweep: &str, beside: &str) -> String {
    format!(
        r#"
fn options() {{
    let claimers = param("claimers", 8, #{{ min: 1, max: 64 }});
    #{{
        scenarios: #{{ claim: #{{ executor: "constant-vus", vus: claimers, duration: "1s", exec: "claim" }} }},
        {beside}
        sweep: {sweep},
    }}
}}
fn claim(vu) {{}}
"#
    )
}

#[test]
fn everything_wrong_with_a_sweep_is_told() {
    let told = |sweep: &str, beside: &str| complaints(&with(sweep, beside), &[]);
    let wrong = [
        told(r#"#{ parm: "claimers", values: "1..x", step: "0s", margin: 2, rest: "1 minutee" }"#, ""),
        told(r#"#{ param: ["claimers", "other"], values: 5 }"#, ""),
        told(r#"[#{ param: "claimers", values: "1,2" }]"#, ""),
        told(r#"#{ param: "claimers", values: "1,2", step: "1s", settle: "1s" }"#, ""),
        told(r#"#{ param: "claimer", values: "1,2" }"#, ""),
        told(r#"#{ param: "claimers", values: [0, 1, 100, "x"] }"#, ""),
        told(
            r#"#{ param: "claimers", values: [1, 2] }"#,
            r#"comparisons: #{ c: #{ exec: "claim", sides: ["a", "b"] } },"#,
        ),
    ];
    insta::assert_snapshot!(wrong.join("\n---\n"));
}

#[test]
fn what_cannot_be_a_step_is_refused() {
    let script = |scenario: &str| {
        format!(
            "fn options() {{ let n = param(\"n\", 1); #{{ scenarios: #{{ m: #{{ {scenario} }} }}, sweep: #{{ param: \"n\", \
             values: \"1,2\" }} }} }} fn m() {{}}"
        )
    };
    let told = [
        "executor: \"shared-iterations\", iterations: 10",
        "executor: \"constant-vus\", duration: \"1s\", sweep: false",
        "executor: \"constant-vus\", duration: \"1s\", vus: if n == 2 { 0 } else { n }",
    ]
    .map(|scenario| complaints(&script(scenario), &[]));
    insta::assert_snapshot!(told.join("\n---\n"));
}

#[test]
fn flags_that_make_no_sense_are_told() {
    let told = |text: &str, sweep: SweepInputs| {
        let inputs = Arc::new(Inputs { sweep, ..Inputs::default() });
        let told = evaluate(&program(text), &inputs).unwrap_err();
        told.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    };
    let plain = "fn options() { #{ scenarios: #{ m: #{ executor: \"constant-vus\", duration: \"1s\" } } } } fn m() {}";
    let second = Some(std::time::Duration::from_secs(1));
    let of = |param: &str, values: &str| Some((param.to_owned(), values.to_owned()));
    let told = [
        told(plain, SweepInputs { step: second, rest: second, of: None }),
        told(plain, SweepInputs { of: of("vus", "1,2"), ..SweepInputs::default() }),
        told(CLAIMERS, SweepInputs { of: of("claimers", "8..1"), ..SweepInputs::default() }),
        told(CLAIMERS, SweepInputs { of: of("claimers", "64..256*2,a"), ..SweepInputs::default() }),
    ];
    insta::assert_snapshot!(told.join("\n---\n"));
}
