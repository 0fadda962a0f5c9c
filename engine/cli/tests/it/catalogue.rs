//! What users copy: every example and every scenario of the repository, run as it stands.
//!
//! Nothing here is about speed: thresholds on times are left out, counts and ledgers are not.

use std::path::{Path, PathBuf};

use model::{outcome::Outcome, runfile::RunFile};

use crate::support::Place;

/// Scripts of a folder of the repository, in the order of their names.
fn scripts(folder: &str) -> Vec<PathBuf> {
    let folder = repository().join(folder);
    let entries = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    let mut scripts: Vec<_> =
        entries.filter(|path| path.extension().is_some_and(|end| end == "rhai")).collect();
    scripts.sort();
    scripts
}

pub(crate) fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap().to_path_buf()
}

/// Runs a script to a good end and gives its run file.
pub(crate) fn run(script: &Path, flags: &[&str]) -> RunFile {
    let place = Place::new();
    let mut command = vec!["run", script.to_str().unwrap(), "--durability", "off"];
    command.extend(flags);
    place.run(command).expect(0);
    place.assert_nothing_is_left();
    place.run_file()
}

/// What no run may have, whatever it does.
pub(crate) fn assert_sound(run: &RunFile, script: &Path) {
    let summary = run.summary.as_ref().unwrap();
    assert!(summary.operations > 0, "{} did something", script.display());
    assert_eq!(
        (summary.errors, summary.failures.len()),
        (0, 0),
        "{}: {:?}",
        script.display(),
        summary.failures
    );
    assert!(
        summary.checks.iter().all(|check| check.failed == 0),
        "{}: {:?}",
        script.display(),
        summary.checks
    );
    assert!(run.ledgers.iter().all(|ledger| ledger.passed), "{}: {:?}", script.display(), run.ledgers);
    for scenario in &summary.scenarios {
        assert_eq!(scenario.failed, 0);
        if scenario.planned > 0 {
            let ended = scenario.done + scenario.dropped + scenario.interrupted;
            assert_eq!(scenario.planned, ended, "{}: every arrival is accounted for", script.display());
        }
    }
}

#[test]
fn every_example_runs() {
    let scripts = scripts("examples");
    assert!(scripts.len() >= 5);
    for script in &scripts {
        let has_length = !std::fs::read_to_string(script).unwrap().contains("per-vu-iterations");
        let flags: &[&str] =
            if has_length { &["--no-thresholds", "--duration", "2s"] } else { &["--no-thresholds"] };
        assert_sound(&run(script, flags), script);
    }
}

#[test]
fn every_script_is_checked_inspected_and_listed() {
    let place = Place::new();
    for script in scripts("examples").iter().chain(&scripts("scenarios")) {
        let script = script.to_str().unwrap();
        place.run(["check", script]).expect(0);
        let shown = place.run(["inspect", script]).expect(0).stdout;
        assert!(shown.contains("\nscenario ") || shown.contains("\ncomparison "), "{shown}");
    }
    let list = place.run(["list", repository().join("scenarios").to_str().unwrap()]).expect(0).stdout;
    for script in scripts("scenarios") {
        let name = script.file_stem().unwrap().to_str().unwrap();
        assert!(list.contains(name), "no {name} in {list}");
        assert!(std::fs::read_to_string(&script).unwrap().contains("// Question: "), "{name} asks something");
    }
}

#[test]
fn a_burst_of_each_form_follows_its_plan() {
    let script = repository().join("scenarios/s6_burst.rhai");
    for (variant, planned) in [("a", 315), ("b", 315), ("c", 375)] {
        let chosen = format!("variant={variant}");
        let run = run(&script, &["-p", &chosen, "--duration", "3s", "--no-thresholds"]);
        assert_sound(&run, &script);
        assert_eq!(run.parameters["variant"].value, variant);
        assert_eq!(run.parameters["item_bytes"].value, 256, "declared in setup()");
        assert_eq!(run.summary.unwrap().scenarios[0].planned, planned, "variant {variant}");
    }
}

#[test]
fn a_race_for_a_head_row_is_won_once_a_step() {
    let script = repository().join("scenarios/a2_cas.rhai");
    let run = run(&script, &["-p", "writers=16", "-p", "steps=5000"]);
    assert_sound(&run, &script);
    let figures = &run.ledgers[0].figures;
    let found = ["acknowledged", "duplicates", "gaps", "lost", "forks"].map(|name| figures[name]);
    assert_eq!(found, [5000, 0, 0, 0, 0]);
    assert!(run.thresholds.iter().all(|threshold| threshold.passed == Some(true)), "{:?}", run.thresholds);
}

#[test]
fn a_lease_that_runs_out_in_mid_transition_does_not_make_two_winners() {
    let script = repository().join("scenarios/a2_cas.rhai");
    let run = run(&script, &["-p", "steps=400", "-p", "lease=expiring"]);
    assert_sound(&run, &script);
    assert_eq!(run.gates[0].passed, Some(true), "{:?}", run.gates);
    let op = |name: &str, outcome| {
        let ops = &run.summary.as_ref().unwrap().ops;
        ops.iter().find(|op| op.name == name && op.outcome == outcome).map_or(0, |op| op.latency.count)
    };
    let (ran_out, found_lost) = (op("lease.expire", Outcome::Ok), op("lease.release", Outcome::Conflict));
    // Its owner may take it again before anybody else does; most often somebody else does.
    assert!(ran_out > 0 && found_lost > 0 && found_lost <= ran_out, "{found_lost} of {ran_out}");
    assert_eq!(run.ledgers[0].figures["acknowledged"], 400);
}

#[test]
fn a_race_without_the_compare_is_found_out() {
    let place = Place::new();
    let script = repository().join("scenarios/a2_cas.rhai");
    let ended =
        place.run(["run", script.to_str().unwrap(), "-p", "broken=true", "--durability", "off"]).expect(99);
    assert!(ended.stdout.contains("✗ FAIL  head (cas)"), "{}", ended.stdout);
    let figures = &place.run_file().ledgers[0].figures;
    assert!(figures["duplicates"] > 0, "{figures:?}");
}

#[test]
fn an_object_that_was_acknowledged_is_read_and_listed_at_once() {
    let script = repository().join("scenarios/b4_consistency.rhai");
    let run = run(&script, &["--duration", "2s"]);
    assert_sound(&run, &script);
    let figures = &run.ledgers[0].figures;
    assert!(figures["reads_checked"] > 20 && figures["lists_checked"] > 20, "{figures:?}");
    assert!(figures["keys_at_end"] > 8 && figures["read_at_end"] > 8, "{figures:?}");
    let names: Vec<_> = run.thresholds.iter().map(|it| (it.metric.as_str(), it.passed)).collect();
    assert!(names.contains(&("ledger.read_after_write", Some(true))), "{names:?}");
}
