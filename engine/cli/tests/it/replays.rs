//! Replays through the binary: what the trace says is what is done.

use crate::support::Place;

const TRACE: &str = "time,key,operation\n0,a,add\n0.05,b,add\n0.1,a,add\n0.12,c,skip\n0.3,a,add\n";

const SCRIPT: &str = r#"// Replay
// Question: is what was recorded done again?
fn options() {
    #{ scenarios: #{ again: #{ executor: "replay", file: "trace.csv", max_vus: 5, exec: "again" } } }
}
fn setup() { pg::batch("CREATE TABLE seen (iteration bigint, key text, planned double precision)"); }
fn again(vu) {
    if vu.entry.operation == "skip" { return; }
    pg::execute("INSERT INTO seen VALUES ($1, $2, $3)", [vu.iteration, vu.entry.key, vu.entry.time_s]);
}
fn verify(shared) {
    let rows = pg::query("SELECT string_agg(iteration || key || planned, ' ' ORDER BY iteration) AS all FROM seen", []);
    if rows[0].all != "0a0 1b0.05 2a0.1 4a0.3" { fail(rows[0].all); }
}
"#;

#[test]
fn a_trace_is_done_again_entry_by_entry() {
    let place = Place::new();
    place.file("s.rhai", SCRIPT).file("trace.csv", TRACE);
    // The keys are looked at in the table, by verify().
    place.run(["run", "s.rhai", "--durability", "off"]).expect(0);
    let run = place.run_file();
    let again = &run.summary.as_ref().unwrap().scenarios[0];
    assert_eq!((again.planned, again.done, again.dropped), (5, 5, 0));
    assert_eq!((run.loads[0].executor.as_str(), run.loads[0].iterations), ("replay", Some(5)));
    assert!(
        (run.duration_s.unwrap() - 0.375).abs() < 1e-9,
        "{:?}: a mean gap behind the last",
        run.duration_s
    );
    assert!(run.phases.iter().all(|phase| phase.name != "warm_up"), "nothing comes before what was recorded");
}

#[test]
fn a_trace_is_checked_before_anything_connects() {
    let place = Place::new();
    place.file("s.rhai", SCRIPT).file("trace.csv", "time,key\n1,a\nsoon,b\n0.5,c\n");
    let ended = place.run(["run", "s.rhai"]).expect(104);
    insta::assert_snapshot!(ended.shown(&place));
    place.assert_nothing_is_left();
}
