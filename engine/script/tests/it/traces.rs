//! What single iterations leave behind: what they did in its order, and what they failed with.

use drivers::pg::PoolMode;
use model::{
    outcome::Outcome,
    recorder::{Ending, WindowKind},
    trace::{Trace, Traces},
};

use crate::{
    servers::wired,
    tools::{call_with, play, program, wiring},
};

/// Plays a script without a server.
fn traces(text: &str) -> Traces {
    let program = program(text);
    let wiring = wiring(&program);
    play(&program, &wiring, None, 1);
    wiring.findings.take_traces()
}

/// Plays a script on Postgres, after its set-up.
fn traces_on_postgres(text: &str) -> Traces {
    let program = program(text);
    let wiring = wired(&program, PoolMode::Dedicated);
    call_with(wiring.clone(), &program, "setup").expect("set-up ends well");
    play(&program, &wiring, None, 1);
    wiring.findings.take_traces()
}

fn of_ending(traces: &Traces, ending: Ending) -> Vec<&Trace> {
    traces.kept.iter().filter(|trace| trace.ending == ending).collect()
}

const ACCOUNTS: &str = r#"
fn options() { #{ scenarios: #{ pay: #{ executor: "per-vu-iterations", vus: 1, iterations: 20, exec: "pay" } } } }
fn setup() {
    pg::batch(`DROP TABLE IF EXISTS t_traces; CREATE TABLE t_traces (id int PRIMARY KEY, amount int CHECK (amount >= 0));
        INSERT INTO t_traces VALUES (1, 5)`);
}
fn pay(vu) {
    group("payment", || {
        pg::query("SELECT pg_sleep(0.005)", []);
        sleep("20ms");
        pg::execute("UPDATE t_traces SET amount = amount - 1 WHERE id = $1", [1]);
    });
}
"#;

#[test]
fn a_failing_iteration_leaves_a_trace_with_its_spans_in_order_and_its_sqlstate() {
    let traces = traces_on_postgres(ACCOUNTS);
    assert_eq!(traces.counts.failed, 5, "the first of a kind: {:?}", traces.counts);
    assert_eq!(traces.counts.failed_left_out, 10, "5 of 20 went well");
    let first = of_ending(&traces, Ending::Failed)[0];
    assert_eq!((first.iteration, first.scenario.as_str(), first.vu), (5, "pay", 0));
    assert_eq!(first.lag_ms, None, "a closed loop has no plan");
    let ops: Vec<_> = first.spans.iter().map(|span| (span.op.as_str(), span.outcome)).collect();
    assert_eq!(ops, [("payment::query", Outcome::Ok), ("payment::execute", Outcome::Rejected)]);
    let error = first.error.as_ref().expect("it says what it failed with");
    assert_eq!(error.class, "23514");
    assert!(error.message.starts_with("execute ended as rejected(23514)"), "{error:?}");
    assert!(error.position.starts_with("story.rhai:11:"), "{error:?}");
    assert_eq!(first.spans[1].class.as_deref(), Some("23514"));
    let said = first.spans[1].message.as_deref().expect("the server said why");
    assert!(said.contains("t_traces_amount_check"), "{said}");
}

#[test]
fn spans_lie_where_they_were_and_the_sleep_between_them_is_a_gap() {
    let traces = traces_on_postgres(&ACCOUNTS.replace("t_traces", "t_traces_places"));
    for trace in &traces.kept {
        let [query, execute] = trace.spans.as_slice() else { panic!("{trace:?}") };
        assert!(query.service_ms >= 5.0, "{trace:?}");
        assert!(execute.at_ms - query.end_ms() >= 19.0, "the sleep: {trace:?}");
        assert!(execute.end_ms() <= trace.duration_ms, "{trace:?}");
        assert!(
            query.wait_ms.is_none() || trace.iteration == 0,
            "only the first opens a connection: {trace:?}"
        );
    }
    let slow = of_ending(&traces, Ending::Done);
    assert_eq!(slow.len(), 3, "the slowest of those that went well");
    assert!(slow.iter().all(|trace| trace.error.is_none()));
}

#[test]
fn the_slowest_are_traced_wherever_they_come_and_failures_by_their_kind() {
    let traces = traces(
        r#"
fn options() { #{ scenarios: #{ work: #{ executor: "per-vu-iterations", vus: 1, iterations: 40, exec: "work" } } } }
fn work(vu) {
    noop(0);
    if vu.iteration == 11 { sleep("30ms"); }
    if vu.iteration == 23 { sleep("60ms"); }
    if vu.iteration == 31 { fail("no more"); }
    if vu.iteration == 32 { throw_up(); }
}
"#,
    );
    let mut slow: Vec<_> = of_ending(&traces, Ending::Done);
    slow.sort_by(|a, b| b.duration_ms.total_cmp(&a.duration_ms));
    assert_eq!((slow[0].iteration, slow[1].iteration, slow.len()), (23, 11, 3));
    assert!(slow.iter().all(|trace| trace.spans.len() == 1));
    let failed = of_ending(&traces, Ending::Failed);
    let classes: Vec<_> =
        failed.iter().map(|trace| (trace.iteration, trace.error.as_ref().unwrap().class.as_str())).collect();
    assert_eq!(classes, [(31, "fail"), (32, "script")]);
    let numbers: Vec<_> = traces.kept.iter().map(|trace| trace.number).collect();
    assert_eq!(numbers, [1, 2, 3, 4, 5], "in the order in which they began");
}

#[test]
fn the_warm_up_leaves_errors_and_is_never_slow() {
    let traces = traces(
        r#"
fn options() { #{
    warm_up: "300ms",
    scenarios: #{ work: #{ executor: "constant-arrival-rate", rate: 50, duration: "300ms", max_vus: 5, exec: "work" } },
} }
fn work(vu) {
    let first_of_warm_up = 4611686018427387904;
    if vu.iteration >= first_of_warm_up { sleep("50ms"); }
    if vu.iteration == first_of_warm_up { fail("too early"); }
}
"#,
    );
    let failed = of_ending(&traces, Ending::Failed);
    assert_eq!((failed.len(), failed[0].iteration, failed[0].window), (1, 0, WindowKind::WarmUp));
    let slow = of_ending(&traces, Ending::Done);
    assert_eq!(slow.len(), 3);
    assert!(slow.iter().all(|trace| trace.at_s >= 0.3 && trace.window == WindowKind::Measure), "{slow:#?}");
    assert!(slow.iter().all(|trace| trace.lag_ms.is_some()), "an arrival has a plan: {slow:#?}");
}

#[test]
fn what_is_cut_off_leaves_what_it_did_until_then() {
    let traces = traces(
        r#"
fn options() { #{ scenarios: #{ work: #{
    executor: "constant-vus", vus: 30, duration: "100ms", graceful_stop: "50ms", exec: "work"
} } } }
fn work(vu) { noop(0); sleep("30s"); }
"#,
    );
    let cut = of_ending(&traces, Ending::Interrupted);
    assert_eq!((cut.len(), traces.counts.interrupted_left_out), (10, 20));
    for trace in cut {
        assert_eq!(trace.spans[0].op, "noop");
        assert!(trace.duration_ms >= 140.0 && trace.duration_ms < 10_000.0, "{trace:?}");
    }
}
