//! A script that goes wrong ends with an error that names the limit; the process, and its neighbours, go on.

use crate::tools::call;

fn ends_with(text: &str, wanted: &str) {
    let told = call(text, "setup").expect_err("the script is stopped");
    assert!(told.contains(wanted), "expected `{wanted}` in: {told}");
}

#[test]
fn recursion_without_end() {
    ends_with(
        "fn setup() { deeper(0) }\nfn deeper(n) { 1 + deeper(n + 1) }",
        "call each other too deeply (limit: 32",
    );
}

#[test]
fn a_string_that_grows_for_ever() {
    ends_with("fn setup() { let s = \"xxxxxxxx\"; loop { s += s; } }", "grew beyond its limit");
}

#[test]
fn options_without_end() {
    let told = crate::tools::complaints("fn options() { loop { } }", &[]);
    assert!(told.contains("without coming to an end (limit: operations a call)"), "{told}");
}

#[test]
fn an_array_that_grows_for_ever() {
    ends_with("fn setup() { let a = []; loop { a.push(1); } }", "grew beyond its limit");
}

#[test]
fn arrays_and_maps_that_nest_for_ever() {
    ends_with("fn setup() { let a = []; loop { a = [a]; } }", "grew beyond its limit");
    ends_with("fn setup() { let a = #{}; loop { a = #{ a: a }; } }", "grew beyond its limit");
}

#[test]
fn an_expression_without_end_is_refused_when_it_is_read() {
    let deep = format!("fn setup() {{ {}1{} }}", "(".repeat(100), ")".repeat(100));
    let told = script::Program::from_text(std::path::Path::new("deep.rhai"), &deep, None).unwrap_err();
    assert!(told[0].help.as_ref().is_some_and(|h| h.contains("nest 64 deep")), "{}", told[0]);
}

#[test]
fn a_loop_without_end_is_sliced_so_that_others_run_and_then_stopped_by_who_waits_for_it() {
    use std::time::Duration;
    let program = crate::tools::program("fn setup() { loop { } }");
    let wiring = crate::tools::wiring(&program);
    crate::tools::on_core(async {
        let stage = script::Stage::new(&program, wiring, None).unwrap();
        let neighbour = tokio::time::sleep(Duration::from_millis(50));
        tokio::select! {
            ended = stage.call("setup") => panic!("it cannot have ended: {ended:?}"),
            () = neighbour => {}
        }
    });
}
