//! Scripts and flags that are wrong: every complaint has its place, its remedy and its exit code, and nothing is
//! started.

use crate::support::{IDLE, Place};

/// Runs a script whose `options()` returns this map, with further arguments.
fn complaint(options: &str, args: &[&str]) -> String {
    let place = Place::new();
    place.file(
        "s.rhai",
        format!("fn options() {{\n    #{{\n{options}\n    }}\n}}\nfn work() {{ sleep(\"5ms\"); }}\n"),
    );
    shown(&place, "s.rhai", args)
}

fn shown(place: &Place, script: &str, args: &[&str]) -> String {
    let ended = place.run(["run", script].iter().chain(args));
    assert!(place.run_dirs().is_empty(), "nothing was begun, so nothing is left: {:?}", place.run_dirs());
    assert!(!ended.stderr.contains("panicked"), "{}", ended.stderr);
    place.assert_nothing_is_left();
    ended.shown(place)
}

const SCENARIOS: &str =
    r#"        scenarios: #{ main: #{ executor: "constant-vus", vus: 1, duration: "1s", exec: "work" } },"#;

fn with_scenario(scenario: &str) -> String {
    complaint(&format!("        scenarios: #{{ main: #{{ {scenario} }} }},"), &[])
}

#[test]
fn an_unknown_option_key() {
    insta::assert_snapshot!(complaint(&format!("{SCENARIOS}\n        treshold: #{{}},"), &[]));
}

#[test]
fn an_unknown_scenario_key() {
    insta::assert_snapshot!(with_scenario(
        r#"executor: "constant-vus", vuus: 1, duration: "1s", exec: "work""#
    ));
}

#[test]
fn a_misspelt_threshold() {
    insta::assert_snapshot!(complaint(
        &format!("{SCENARIOS}\n        thresholds: #{{ errors: [\"rte < 1%\"] }},"),
        &[]
    ));
}

#[test]
fn a_misspelt_unit() {
    let thresholds = "        thresholds: #{ iteration_duration: [\"p(95) < 50mss\"] },";
    insta::assert_snapshot!(complaint(&format!("{SCENARIOS}\n{thresholds}"), &[]));
}

#[test]
fn a_misspelt_duration() {
    insta::assert_snapshot!(with_scenario(
        r#"executor: "constant-vus", vus: 1, duration: "1 minutee", exec: "work""#
    ));
}

#[test]
fn a_negative_rate() {
    insta::assert_snapshot!(with_scenario(
        r#"executor: "constant-arrival-rate", rate: -5, duration: "1s", exec: "work""#
    ));
}

#[test]
fn an_empty_list_of_stages() {
    insta::assert_snapshot!(with_scenario(r#"executor: "ramping-vus", stages: [], exec: "work""#));
}

#[test]
fn an_executor_that_does_not_exist() {
    insta::assert_snapshot!(with_scenario(
        r#"executor: "constant-vu", vus: 1, duration: "1s", exec: "work""#
    ));
}

#[test]
fn a_function_that_does_not_exist() {
    insta::assert_snapshot!(with_scenario(
        r#"executor: "constant-vus", vus: 1, duration: "1s", exec: "wrok""#
    ));
}

#[test]
fn every_problem_at_once() {
    let options = "        scenarios: #{\n            one: #{ executor: \"constant-vu\", exec: \"work\" },\n            two: #{ executor: \"constant-vus\", vus: 1, duration: \"1x\", exec: \"wrok\" },\n        },\n        thresholds: #{ errors: [\"rate << 1%\"] },\n        sead: 3,";
    insta::assert_snapshot!(complaint(options, &[]));
}

const PARAMETERS: &str = r#"fn options() {
    let rate = param("rate", 50, #{ help: "iterations a second", min: 1 });
    let variant = param("variant", "a", #{ one_of: ["a", "b"] });
    #{ scenarios: #{ main: #{ executor: "constant-vus", vus: 1, duration: "1s", exec: "work" } } }
}
fn work() { sleep("5ms"); }
"#;

#[test]
fn a_parameter_of_the_wrong_type() {
    let place = Place::new();
    place.file("s.rhai", PARAMETERS);
    insta::assert_snapshot!(shown(&place, "s.rhai", &["-p", "rate=fast"]));
}

#[test]
fn a_parameter_outside_of_what_is_permitted() {
    let place = Place::new();
    place.file("s.rhai", PARAMETERS);
    insta::assert_snapshot!(shown(&place, "s.rhai", &["-p", "variant=c", "-p", "rate=0", "-p", "varaint=b"]));
}

#[test]
fn a_parameter_that_is_declared_in_setup_is_checked_before_anything_starts() {
    let place = Place::new();
    let script = r#"fn options() { #{ scenarios: #{ one: #{ executor: "constant-vus", vus: 1, duration: "1s", exec: "work" } } } }
fn setup() { #{ bytes: param("bytes", 256, #{ min: 40 }) } }
fn work() { pg::query("SELECT 1", []); }
"#;
    place.file("s.rhai", script);
    insta::assert_snapshot!(shown(&place, "s.rhai", &["-p", "bytes=3"]));
}

#[test]
fn a_script_that_is_a_directory() {
    let place = Place::new();
    std::fs::create_dir(place.path("scenarios")).unwrap();
    insta::assert_snapshot!(shown(&place, "scenarios", &[]));
}

#[test]
fn a_script_that_is_missing() {
    let place = Place::new();
    place.file("idle.rhai", IDLE);
    insta::assert_snapshot!(shown(&place, "idel.rhai", &[]));
}

#[test]
fn a_script_that_is_binary() {
    let place = Place::new();
    place.file("s.rhai", [0x7f, b'E', b'L', b'F', 0, 0xff, 0xfe]);
    insta::assert_snapshot!(shown(&place, "s.rhai", &[]));
}

#[test]
fn a_script_of_ten_megabytes() {
    let place = Place::new();
    place.file("s.rhai", "// ".to_owned() + &"x".repeat(10 << 20));
    insta::assert_snapshot!(shown(&place, "s.rhai", &[]));
}

#[test]
fn a_script_with_a_syntax_error() {
    let place = Place::new();
    place.file("s.rhai", "fn options() {\n    #{ scenarios: #{ }\n}\n");
    insta::assert_snapshot!(shown(&place, "s.rhai", &[]));
}

#[test]
fn a_script_without_options() {
    let place = Place::new();
    place.file("s.rhai", "fn work() { 1 }\n");
    insta::assert_snapshot!(shown(&place, "s.rhai", &[]));
}

#[test]
fn wrong_calls_of_bindings() {
    let place = Place::new();
    let work = "pg::query(\"SELECT 1\");\n    s3::putt(\"k\", \"v\");";
    place.file("s.rhai", IDLE.replace("sleep(\"5ms\");", work));
    let checked = place.run(["check", "s.rhai"]);
    assert_eq!(checked.shown(&place), shown(&place, "s.rhai", &[]));
    insta::assert_snapshot!(checked.shown(&place));
}

#[test]
fn a_segment_that_does_not_exist() {
    let place = Place::new();
    place.file("s.rhai", IDLE);
    insta::assert_snapshot!(shown(&place, "s.rhai", &["--segment", "3/2"]));
}

#[test]
fn many_wrong_flags_are_told_at_once() {
    let place = Place::new();
    place.file("s.rhai", IDLE);
    let args = [
        "--segment",
        "0/2",
        "--duration",
        "5x",
        "--warm-up",
        "soon",
        "--vus",
        "0",
        "--stage",
        "30s",
        "--seed",
        "-1",
        "--cores",
        "none",
        "--scale",
        "0",
        "-p",
        "rate",
        "--tag",
        "=x",
        "--stdlib",
        "nowhere",
    ];
    insta::assert_snapshot!(shown(&place, "s.rhai", &args));
}

#[test]
fn flags_that_do_not_fit_the_script() {
    let place = Place::new();
    place.file("s.rhai", IDLE);
    let flags = ["--only", "idel", "--durability", "off"];
    insta::assert_snapshot!(shown(&place, "s.rhai", &flags[..2]));
    insta::assert_snapshot!(shown(&place, "s.rhai", &flags[2..]));
}

#[test]
fn both_ways_to_say_a_segment() {
    let place = Place::new();
    place.file("s.rhai", IDLE);
    insta::assert_snapshot!(shown(&place, "s.rhai", &["--segment", "1/2", "--execution-segment", "0:1/2"]));
}
