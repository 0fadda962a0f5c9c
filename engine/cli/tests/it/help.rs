//! What every command says about itself.

use crate::support::Place;

fn help(command: &str) -> String {
    let place = Place::new();
    let words: Vec<&str> = command.split_whitespace().chain(["--help"]).collect();
    let ended = place.run(words).expect(0);
    assert_eq!(ended.stderr, "");
    ended.stdout
}

macro_rules! help_of {
    ($($name:ident: $command:literal),*) => {
        $(
            #[test]
            fn $name() {
                insta::assert_snapshot!(help($command));
            }
        )*
    };
}

help_of! {
    all: "",
    run: "run",
    scale: "scale",
    check: "check",
    check_store: "check-store",
    inspect: "inspect",
    list: "list",
    new: "new",
    profile: "profile",
    report: "report",
    trace: "trace",
    reset: "reset",
    up: "up",
    docs: "docs",
    completions: "completions"
}

#[test]
fn nothing_typed_is_wrong_usage_and_shows_the_help() {
    let ended = Place::new().run([""; 0]).expect(104);
    assert!(ended.stderr.contains("Usage: snapbench"), "{}", ended.stderr);
    assert_eq!(ended.stdout, "");
}

#[test]
fn the_version_is_a_result() {
    let ended = Place::new().run(["--version"]).expect(0);
    assert_eq!(ended.stdout, format!("snapbench {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn an_unknown_flag_and_an_unknown_command_are_wrong_usage() {
    let place = Place::new();
    let flag = place.run(["run", "x.rhai", "--duratoin", "1s"]).expect(104);
    assert!(flag.stderr.contains("--duration"), "{}", flag.stderr);
    let command = place.run(["reprot"]).expect(104);
    assert!(command.stderr.contains("'report'"), "{}", command.stderr);
}
