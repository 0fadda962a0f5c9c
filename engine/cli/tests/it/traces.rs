//! Single iterations of a run, looked at afterwards.

use std::fs;

use model::{recorder::Ending, trace::Trace};

use crate::support::{IDLE, Place};

/// Three payments go well, the rest is refused by the table.
const PAYMENTS: &str = r#"// Payments
// Question: what does a refused payment leave?
fn options() { #{ scenarios: #{ pay: #{ executor: "per-vu-iterations", vus: 1, iterations: 12, exec: "pay" } } } }
fn setup() {
    pg::batch(`CREATE TABLE account (id int PRIMARY KEY, amount int CHECK (amount >= 0));
        INSERT INTO account VALUES (1, 3)`);
    #{
        read: pg::statement("account.read", "SELECT amount FROM account WHERE id = $1"),
        take: pg::statement("account.take", "UPDATE account SET amount = amount - 1 WHERE id = $1"),
    }
}
fn pay(vu) {
    vu.shared.read.run([1]);
    sleep("50ms");
    vu.shared.take.run([1]);
}
"#;

/// What differs from run to run: names of runs, times, what is drawn from them, and gaps, which have a row when they are long
/// enough.
const FILTERS: [(&str, &str); 5] = [
    (r"results/\S+", "results/[RUN]"),
    (r"│[^│\n]*│", "[BAR]"),
    (r"\d+(\.\d+)?(ns|µs|ms|s)\b", "[TIME]"),
    (r" {2,}", "  "),
    (r"\n +\[TIME\]  \[TIME\]  \[BAR\]", ""),
];

fn file(place: &Place) -> std::path::PathBuf {
    place.run_dir().join("traces.ndjson")
}

#[test]
fn refused_payments_can_be_looked_at_one_by_one() {
    let place = Place::new();
    place.file("s.rhai", PAYMENTS);
    let ended = place.run(["run", "s.rhai"]).expect(0);
    let run = place.run_dir().strip_prefix(place.path("")).unwrap().display().to_string();
    let told = ended.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    let sentence =
        format!("5 traces of failed iterations, 3 of the slowest; snapbench trace {run} lists them");
    assert!(told.contains(&sentence), "{}", ended.stdout);
    assert!(fs::read_to_string(place.run_dir().join("report.md")).unwrap().contains("`snapbench trace "));
    assert!(place.run_file().files.contains_key("traces.ndjson"));

    let list = place.run(["trace", &run]).expect(0);
    let failed = place.run(["trace", &run, "4"]).expect(0);
    insta::with_settings!({ filters => FILTERS }, {
        insta::assert_snapshot!("the_list", list.stdout);
        insta::assert_snapshot!("a_refused_payment", failed.stdout);
    });

    assert!(failed.stdout.contains("···"), "the sleep is a gap: {}", failed.stdout);

    let lines = fs::read_to_string(file(&place)).unwrap();
    let traces: Vec<Trace> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(traces.len(), 8);
    let first = &traces[0];
    assert!(first.spans[0].wait_ms.is_some(), "the first operation opens the connection: {first:?}");
    assert!(first.spans[1].at_ms - first.spans[0].end_ms() >= 49.0, "it slept: {first:?}");
    let errors = traces.iter().filter(|trace| trace.ending == Ending::Failed);
    let classes: Vec<&str> = errors.map(|trace| trace.error.as_ref().unwrap().class.as_str()).collect();
    assert_eq!(classes, ["23514"; 5]);
}

#[test]
fn flags_choose_among_traces_and_json_has_all_of_each() {
    let place = Place::new();
    place.file(
        "s.rhai",
        IDLE.replace("sleep(\"5ms\")", "sleep(\"5ms\"); if vu.iteration == 3 { fail(\"no\") }")
            .replace("work()", "work(vu)"),
    );
    place.run(["run", "s.rhai", "--vus", "1", "--warm-up", "0s"]).expect(0);
    let run = place.run_dir().display().to_string();
    let chosen = |flags: &[&str]| -> Vec<Ending> {
        let args = ["trace", &run, "--json"].into_iter().chain(flags.iter().copied());
        let traces: Vec<Trace> = serde_json::from_str(&place.run(args).expect(0).stdout).unwrap();
        traces.iter().map(|trace| trace.ending).collect()
    };
    let of = |ending: Ending, endings: &[Ending]| endings.iter().filter(|one| **one == ending).count();
    let all = chosen(&[]);
    assert_eq!(of(Ending::Failed, &all), 1, "{all:?}");
    assert!(of(Ending::Done, &all) >= 3, "the slowest of each core: {all:?}");
    assert_eq!(chosen(&["--errors"]), [Ending::Failed]);
    assert_eq!(chosen(&["--slow"]).len(), of(Ending::Done, &all));
    assert_eq!(chosen(&["--scenario", "idle", "--errors"]), [Ending::Failed]);
    let one = place.run(["trace", &run, "1", "--json"]).expect(0);
    assert_eq!(serde_json::from_str::<Trace>(&one.stdout).unwrap().number, 1);
}

#[test]
fn what_cannot_be_shown_is_told_with_its_remedy() {
    let place = Place::new();
    let complaint = |args: &[&str]| place.settled(&place.run(args).expect(104).stderr);
    assert!(complaint(&["trace", "nowhere"]).contains("there is no run at nowhere"));

    place.file("s.rhai", IDLE);
    place.run(["run", "s.rhai", "--vus", "1", "--warm-up", "0s"]).expect(0);
    let run = place.run_dir().display().to_string();
    assert!(complaint(&["trace", "results"]).contains("the newest run in it is results/"));
    let number = complaint(&["trace", &run, "99"]);
    assert!(number.contains("there is no trace 99") && number.contains("this run has 1 to"), "{number}");
    let name = complaint(&["trace", &run, "--scenario", "idel"]);
    assert!(name.contains("there is no scenario `idel`") && name.contains("`idle`?"), "{name}");

    let whole = fs::read(file(&place)).unwrap();
    fs::write(file(&place), &whole[..whole.len() - 7]).unwrap();
    let torn = place.run(["trace", &run]).expect(0);
    assert!(torn.stderr.contains("traces.ndjson ends in the middle of a line"), "{}", torn.stderr);
    let rows = |text: &str| text.lines().filter(|line| line.ends_with("slow")).count();
    assert_eq!(rows(&torn.stdout) + 1, whole.split_inclusive(|byte| *byte == b'\n').count());

    fs::remove_file(file(&place)).unwrap();
    let gone = complaint(&["trace", &run]);
    assert!(gone.contains("has no traces.ndjson: the file was removed"), "{gone}");
}
