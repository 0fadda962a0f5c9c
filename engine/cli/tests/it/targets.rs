//! `targets.yaml`, flags and environment: which wins, what is refused, what is allowed to be destroyed.

use embed::postgres::PgOptions;

use crate::support::{HEADS, IDLE, Place, ended};

#[test]
fn a_wrong_file_is_told_with_all_its_places() {
    let place = Place::new();
    place.file("s.rhai", HEADS).file(
        "targets.yaml",
        "targets:\n  staging:\n    postgres:\n      urll: postgresql://u@h/d\n      password: hush\n    store:\n      path_style: maybe\n  other: 7\n",
    );
    insta::assert_snapshot!(place.run(["run", "s.rhai", "--target", "staging"]).expect(104).shown(&place));
}

#[test]
fn a_target_that_is_not_there_has_a_near_one() {
    let place = Place::new();
    place
        .file("s.rhai", HEADS)
        .file("targets.yaml", "targets:\n  staging:\n    postgres: {url: postgresql://u@h/d}\n");
    let ended = place.run(["check", "s.rhai", "--target", "stagin"]).expect(104);
    assert!(ended.stderr.contains("did you mean `staging`?"), "{}", ended.stderr);
    let lacks = IDLE.replace("sleep(\"5ms\");", "let put = s3::put(\"k\", \"v\");");
    place.file("s.rhai", lacks);
    let ended = place.run(["check", "s.rhai", "--target", "staging"]).expect(104);
    assert!(ended.stderr.contains("target `staging` has none"), "{}", ended.stderr);
}

#[test]
fn a_flag_wins_over_the_environment_and_that_over_the_file() {
    let place = Place::new();
    place.file("s.rhai", HEADS).file(
        "targets.yaml",
        "default: staging\ntargets:\n  staging:\n    postgres:\n      url: postgresql://u@file/d\n",
    );
    let origin = |args: &[&str], variable: Option<&str>| {
        let mut command = place.command(["inspect", "s.rhai", "--json"].iter().chain(args));
        if let Some(url) = variable {
            command.env("SNAPBENCH_POSTGRES_URL", url);
        }
        let shown = ended(command.output().unwrap()).expect(0).stdout;
        let value: serde_json::Value = serde_json::from_str(&shown).unwrap();
        let settings = value["settings"].as_array().unwrap().clone();
        let postgres = settings.iter().find(|setting| setting["name"] == "postgres").unwrap().clone();
        (postgres["value"].as_str().unwrap().to_owned(), postgres["from"].as_str().unwrap().to_owned())
    };
    let at = |host: &str| format!("database `d` as user `u` at {host}:5432");
    assert_eq!(origin(&[], None), (at("file"), "targets.yaml:5".to_owned()));
    let variable = Some("postgresql://u@env/d");
    assert_eq!(origin(&[], variable), (at("env"), "environment SNAPBENCH_POSTGRES_URL".to_owned()));
    let flag = ["--postgres-url", "postgresql://u@flag/d"];
    assert_eq!(origin(&flag, variable), (at("flag"), "flag --postgres-url".to_owned()));
    assert_eq!(origin(&["--target", "embedded"], None).0, "embedded");
}

#[test]
fn nothing_is_dropped_on_a_target_that_does_not_allow_it() {
    let (place, server) = (Place::new(), embed::postgres::start(PgOptions::default()).unwrap());
    place.file("s.rhai", HEADS);
    let target = |allows: bool| {
        format!(
            "targets:\n  mine:\n    postgres:\n      url: \"{}\"\n    allow_destructive: {allows}\n",
            server.url()
        )
    };
    place.file("targets.yaml", target(false));
    let refused = place.run(["run", "s.rhai", "--target", "mine", "--duration", "1s"]);
    assert_ne!(refused.code, 0, "{}", refused.stdout);
    assert!(
        refused.stderr.contains("allow_destructive") && refused.stderr.contains("--yes"),
        "{}",
        refused.stderr
    );
    place.run(["run", "s.rhai", "--target", "mine", "--duration", "1s", "--yes"]).expect(0);
    place.file("targets.yaml", target(true));
    place.run(["run", "s.rhai", "--target", "mine", "--duration", "1s"]).expect(0);
}

#[test]
fn a_secret_is_named_by_its_variable() {
    let place = Place::new();
    place.file("s.rhai", HEADS).file(
        "targets.yaml",
        "targets:\n  mine:\n    postgres:\n      url: postgresql://u@127.0.0.1:1/d\n      password_env: MY_PASSWORD\n",
    );
    let missing = place.run(["check", "s.rhai", "--target", "mine"]).expect(104);
    assert!(missing.stderr.contains("the variable MY_PASSWORD is not set"), "{}", missing.stderr);
    let mut command = place.command(["inspect", "s.rhai", "--target", "mine"]);
    let shown = ended(command.env("MY_PASSWORD", "hush").output().unwrap()).expect(0);
    assert!(!shown.stdout.contains("hush"), "{}", shown.stdout);
}

#[test]
fn every_key_of_a_target_is_told_in_the_guide_to_targets() {
    let place = Place::new();
    let key = "qqqqqqqqqqqq";
    place.file("s.rhai", HEADS).file(
        "targets.yaml",
        format!(
            "targets:\n  mine:\n    {key}: 1\n    postgres: {{url: x, {key}: 1}}\n    store: {{{key}: 1}}\n    http: {{url: x, {key}: 1}}\n"
        ),
    );
    let told = place.run(["check", "s.rhai", "--target", "mine", "--json"]).expect(104).stdout;
    let told: serde_json::Value = serde_json::from_str(&told).unwrap();
    let helps = told["problems"].as_array().unwrap().iter().filter_map(|problem| problem["help"].as_str());
    let known: Vec<&str> =
        helps.filter_map(|help| help.strip_prefix("it has ")).flat_map(|list| list.split(", ")).collect();
    assert!(
        known.contains(&"representative") && known.contains(&"url") && known.contains(&"ca_file"),
        "{told}"
    );
    let guide = place.run(["docs", "targets"]).expect(0).stdout;
    for word in known {
        assert!(guide.contains(&format!("`{word}`")), "`{word}` is missing in the guide to targets");
    }
    // Its example is in order.
    let example = guide.split("```yaml\n").nth(1).unwrap().split("```").next().unwrap();
    place.file("targets.yaml", example);
    let mut command = place.command(["check", "s.rhai"]);
    for variable in
        ["STAGING_PG_PASSWORD", "STAGING_S3_KEY", "STAGING_S3_SECRET", "STAGING_QUEUES_AUTHORIZATION"]
    {
        command.env(variable, "hush");
    }
    ended(command.output().unwrap()).expect(0);
}
