//! What is wrong, where, and what to do: all problems at once, before anything runs.

use insta::assert_snapshot;

use crate::tools::{call, complaints};

#[test]
fn a_syntax_error_points_at_its_place() {
    assert_snapshot!(complaints("fn options() {\n    #{ scenarios: #{ }\n}\n", &[]));
}

#[test]
fn a_script_without_options_is_told_how_to_write_them() {
    assert_snapshot!(complaints("fn work() { }", &[]));
}

#[test]
fn every_wrong_option_is_told_at_its_key() {
    let script = r#"
fn options() {
    #{
        scenarois: #{ },
        seed: "many",
        scenarios: #{
            one: #{ executor: "constant-vu", vus: 1 },
            two: #{ executor: "constant-vus", vuss: 10, duration: "5 parsecs", exec: "wrok" },
            three: #{ executor: "ramping-arrival-rate", stages: [], exec: "work" },
            four: #{ executor: "constant-arrival-rate", rate: -5, duration: "1s", exec: "work" },
        },
        thresholds: #{
            errors: ["rate < 1 %%"],
            pop: ["p(95) < 50mss", "p95 < 3ms", #{ threshold: "count > 1", abort_on_fial: true }],
        },
        probes: #{ depth: #{ every: "1s", exec: "dept" } },
        postgres: #{ pool: "shared" },
    }
}
fn work() { }
fn depth(s) { 1 }
"#;
    assert_snapshot!(complaints(script, &[]));
}

#[test]
fn parameters_are_checked_against_their_declaration() {
    let script = r#"
fn options() {
    let vus = param("vus", 3, #{ min: 1, max: 10, hlep: "how many" });
    let kind = param("kind", "a", #{ one_of: ["a", "b"] });
    #{ scenarios: #{ main: #{ executor: "constant-vus", vus: vus, duration: "1s", exec: "work" } } }
}
fn work() { }
"#;
    assert_snapshot!(complaints(script, &[("vus", "many"), ("kind", "c"), ("knid", "a")]));
    assert_snapshot!(complaints(script, &[("vus", "11")]));
}

#[test]
fn a_missing_function_gets_the_nearest_one() {
    let script = "fn setup() {\n    let x = 1;\n    vlue(x)\n}\nfn value(x) { x }\n";
    assert_snapshot!(call(script, "setup").unwrap_err());
}

#[test]
fn a_wrong_type_to_a_binding_names_what_it_takes() {
    assert_snapshot!(call("fn setup() { metric::counter(1, 2) }", "setup").unwrap_err());
    assert_snapshot!(call("fn setup() { metric::counter(\"n\", \"two\") }", "setup").unwrap_err());
    assert_snapshot!(call("fn setup() { sleep(\"5 parsecs\") }", "setup").unwrap_err());
}

#[test]
fn a_failure_inside_a_called_function_is_shown_where_it_happened() {
    let script = "fn setup() {\n    outer()\n}\nfn outer() {\n    let a = [1];\n    a[5]\n}\n";
    assert_snapshot!(call(script, "setup").unwrap_err());
}

#[test]
fn servers_are_not_there_in_options() {
    let script = "fn options() { pg::query(\"select 1\", []); #{} }";
    assert_snapshot!(complaints(script, &[]));
}

#[test]
fn a_variable_is_spelt_as_it_was_declared() {
    assert_snapshot!(complaints("fn options() { let scenarios = #{}; #{ scenarios: scenaros } }", &[]));
}

#[test]
fn what_cannot_be_shared_is_named() {
    assert_snapshot!(call("fn setup() { #{ a: [1, || 2] } }", "setup").unwrap_err());
}

#[test]
fn calls_of_bindings_are_checked_before_anything_runs() {
    let script = r#"
fn options() { #{ scenarios: #{ work: #{ executor: "constant-vus", duration: "1s" } } } }
fn work(vu) {
    pg::query("SELECT 1");
    let rows = pg::querry("SELECT 1", []).rows;
    if true { s3::putt("key", "body"); }
    log::inform("here");
    [1].map(|n| metric::counter("n"));
    pg::frobnicate();
    pg::query("SELECT 1", []);
}
"#;
    assert_snapshot!(complaints(script, &[]));
}

#[test]
fn options_that_want_something_are_told_that_they_get_nothing() {
    assert_snapshot!(complaints("// Question: why?\nfn options(vus) { #{ } }\n", &[]));
}
