//! The guides of `snapbench docs`: what they name is what the readers of options know, and their examples are good.

use std::path::Path;

use script::{Program, docs, evaluate};

use crate::tools::{complaints, inputs};

/// Nothing that any reader knows or takes for a slip.
const NONSENSE: &str = "qqqqqqqqqqqq";

/// The words of "it has a, b, c" and "there are a, b, c" in complaints.
fn listed(told: &str) -> Vec<&str> {
    let lists = told.lines().filter_map(|line| {
        let (_, list) = line.split_once("(it has ").or_else(|| line.split_once("there are "))?;
        Some(list.trim_end_matches(')').split(", "))
    });
    lists.flatten().collect()
}

#[test]
fn every_key_that_options_know_is_told_in_their_guide() {
    let guide = docs::render(Some("options")).unwrap();
    let unknown = format!(
        "fn options() {{ #{{ {NONSENSE}: 1, scenarios: #{{ a: #{{ executor: \"{NONSENSE}\" }} }},
            probes: #{{ p: #{{ {NONSENSE}: 1 }} }}, postgres: #{{ {NONSENSE}: 1 }}, store: #{{ {NONSENSE}: 1 }},
            http: #{{ {NONSENSE}: 1 }}, needs: [\"{NONSENSE}\"],
            comparisons: #{{ c: #{{ {NONSENSE}: 1 }} }}, sweep: #{{ {NONSENSE}: 1 }} }} }}"
    );
    let told = complaints(&unknown, &[]);
    let mut known: Vec<String> = listed(&told).into_iter().map(str::to_owned).collect();
    let executors: Vec<String> = known.iter().filter(|word| word.contains('-')).cloned().collect();
    assert!(executors.len() > 5 && known.iter().any(|word| word == "durability"), "{told}");
    for executor in executors {
        let script = format!(
            "fn options() {{ #{{ scenarios: #{{ a: #{{ executor: \"{executor}\", {NONSENSE}: 1 }} }} }} }} fn a() {{}}"
        );
        let told = complaints(&script, &[]);
        let of_executor = listed(&told);
        assert!(of_executor.contains(&"graceful_stop"), "{told}");
        known.extend(of_executor.into_iter().map(str::to_owned));
    }
    for word in known {
        assert!(guide.contains(&format!("`{word}`")), "`{word}` is missing in the guide to options");
    }
}

#[test]
fn every_key_of_a_threshold_is_told_in_its_guide() {
    let guide = docs::render(Some("thresholds")).unwrap();
    let script = format!(
        "fn options() {{ #{{ scenarios: #{{ a: #{{ executor: \"constant-vus\", duration: \"1s\" }} }},
            thresholds: #{{ errors: #{{ threshold: \"rate < 1%\", {NONSENSE}: 1 }} }} }} }} fn a() {{}}"
    );
    let told = complaints(&script, &[]);
    assert!(listed(&told).contains(&"delay_abort"), "{told}");
    for word in listed(&told).into_iter().chain(model::threshold::BUILT_IN_METRICS) {
        assert!(guide.contains(word), "`{word}` is missing in the guide to thresholds");
    }
}

#[test]
fn the_complete_example_is_in_order() {
    let guide = docs::render(Some("options")).unwrap();
    let example = guide.split("```rhai\n").nth(1).unwrap().split("```").next().unwrap();
    let program = Program::from_text(Path::new("example.rhai"), example, None).unwrap();
    let options = evaluate(&program, &inputs(&[])).unwrap().options;
    assert_eq!((options.scenarios.len(), options.thresholds.len(), options.probes.scripts.len()), (2, 5, 1));
}

#[test]
fn the_conditions_of_the_thresholds_guide_are_in_order() {
    let guide = docs::render(Some("thresholds")).unwrap();
    let example = guide.split("```rhai\n").nth(1).unwrap().split("```").next().unwrap();
    let script = format!(
        "fn options() {{ #{{ scenarios: #{{ readers: #{{ executor: \"constant-vus\", duration: \"1s\" }} }}, {example} }} }}
         fn readers() {{}}"
    );
    let program = Program::from_text(Path::new("example.rhai"), &script, None).unwrap();
    assert_eq!(evaluate(&program, &inputs(&[])).unwrap().options.thresholds.len(), 12);
}

/// The part of a guide below a heading, up to the next.
fn section<'g>(guide: &'g str, heading: &str) -> &'g str {
    guide.split(&format!("\n## {heading}\n")).nth(1).unwrap().split("\n## ").next().unwrap()
}

#[test]
fn every_figure_of_a_ledger_is_told_in_its_guide() {
    let guide = docs::render(Some("ledgers")).unwrap();
    let tables = model::ledger::CasLedger::new().judge().finish().record("").figures;
    let stores = model::ledger::StoreLedger::default().judge().record("").figures;
    let mut told = model::ledger::QueueLedger::new();
    told.all_told();
    let mut queues = told.judge(true).figures();
    queues.extend(model::ledger::QueueLedger::new().judge(false).figures());
    for (heading, figures) in [("Tables", tables), ("Queues", queues), ("Object stores", stores)] {
        let told = section(&guide, heading);
        for figure in figures.keys() {
            assert!(told.contains(&format!("`{figure}`")), "`{figure}` is missing in the guide to ledgers");
        }
    }
}

#[test]
fn the_examples_of_the_ledgers_guide_are_in_order() {
    let guide = docs::render(Some("ledgers")).unwrap();
    let options_of = |heading| {
        let told = section(&guide, heading);
        let example = told.split("```rhai\n").nth(1).unwrap().split("```").next().unwrap();
        let program = Program::from_text(Path::new("example.rhai"), example, None).unwrap();
        evaluate(&program, &inputs(&[])).unwrap().options
    };
    let stores = options_of("Object stores");
    assert!(stores.store.keeps_ledger && stores.thresholds.len() == 2);
    let queues = options_of("Queues");
    assert!(queues.scenarios.len() == 2 && queues.thresholds.len() == 1);
}

#[test]
fn every_example_of_object_stores_and_of_services_compiles() {
    let topic = ["s3", "vu.rng", "http", "http operation", "http reply"]
        .map(|name| docs::render(Some(name)).unwrap())
        .concat();
    let examples: Vec<&str> =
        topic.split("```rhai\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    assert!(examples.len() > 8, "{}", examples.len());
    for example in examples {
        let is_whole = example.contains("fn ");
        let script = if is_whole { example.to_owned() } else { format!("fn work(vu) {{ {example} }}") };
        let told = Program::from_text(Path::new("example.rhai"), &script, None);
        assert!(told.is_ok(), "{example}: {:?}", told.err());
    }
}

#[test]
fn guides_come_first_and_leave_no_figure_open() {
    let all = docs::render(None).unwrap();
    assert!(all.starts_with("# options: "), "{}", &all[..80]);
    assert_eq!(docs::topic_names()[..5], ["options", "thresholds", "ledgers", "values", "targets"]);
    let limits = docs::render(Some("options")).unwrap();
    assert!(limits.contains("| 32 levels |") && limits.contains("| 200,000,000 |"), "{limits}");
    assert!(!limits.contains("_MIB}") && !limits.contains("{STEPS") && !limits.contains("{MAP"));
}

#[test]
fn what_debug_says_is_told_where_log_lines_are() {
    let log = docs::render(Some("log")).unwrap();
    assert!(log.contains("`debug(value)`") && !log.contains("log::debug"), "{log}");
}

#[test]
fn functions_that_differ_in_types_alone_are_told_once() {
    let rng = docs::render(Some("vu.rng")).unwrap();
    assert_eq!(rng.matches("## `normal(").count(), 1, "{rng}");
    assert!(rng.contains("A number from a normal distribution"), "{rng}");
}
