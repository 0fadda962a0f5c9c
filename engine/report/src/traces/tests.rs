use model::{
    outcome::Outcome,
    recorder::WindowKind,
    trace::{Span, TraceCounts, TraceError},
};

use super::*;
use crate::page::Page;

fn span(op: &str, at_ms: f64, wait_ms: Option<f64>, service_ms: f64) -> Span {
    let (class, message) = (None, None);
    Span { op: op.to_owned(), at_ms, wait_ms, service_ms, outcome: Outcome::Ok, class, message }
}

/// A payment: it opens a connection, reads, sleeps, loses a race, and is refused.
fn payment() -> Trace {
    let lost = Span {
        outcome: Outcome::Conflict,
        class: Some("40001".to_owned()),
        ..span("pay.lock", 40.0, None, 3.0)
    };
    let refused = "new row violates check constraint \"amount\"";
    Trace {
        number: 1,
        scenario: "payments".to_owned(),
        iteration: 1_234,
        vu: 7,
        window: WindowKind::Measure,
        at_s: 12.5,
        lag_ms: Some(0.12),
        duration_ms: 60.0,
        ending: Ending::Failed,
        error: Some(TraceError {
            class: "23514".to_owned(),
            message: format!("pay.take ended as error(23514): {refused}"),
            position: "pay.rhai:12:9".to_owned(),
        }),
        spans: vec![
            span("pay.get", 0.1, Some(5.9), 4.0),
            Span { message: Some("could not serialize access".to_owned()), ..lost },
            Span {
                outcome: Outcome::Error,
                class: Some("23514".to_owned()),
                message: Some(refused.to_owned()),
                ..span("pay.take", 43.0, None, 17.0)
            },
        ],
        spans_left_out: 0,
    }
}

fn idle() -> Trace {
    let slow = Trace { number: 2, scenario: "idle".to_owned(), iteration: 3, lag_ms: None, ..payment() };
    Trace { ending: Ending::Done, error: None, spans: Vec::new(), at_s: 0.25, duration_ms: 1_500.0, ..slow }
}

fn cut_off() -> Trace {
    let (spans, window) = (vec![span("noop", 0.0, None, 0.0)], WindowKind::WarmUp);
    Trace { number: 3, window, ending: Ending::Interrupted, error: None, spans, ..payment() }
}

fn page() -> Page<'static> {
    Page::plain("results/x")
}

#[test]
fn the_list_tells_why_each_is_there_and_what_left_none() {
    let (payment, idle, cut_off) = (payment(), idle(), cut_off());
    let counts =
        TraceCounts { failed: 1, slow: 1, interrupted: 1, failed_left_out: 12_340, interrupted_left_out: 1 };
    insta::assert_snapshot!(list(&[&payment, &idle, &cut_off], Some(counts), &page()));
    assert!(list(&[], None, &page()).contains("no iteration failed"));
    assert!(list(&[], Some(counts), &page()).contains("none of the 3 traces of this run is one of those"));
}

#[test]
fn a_failed_iteration_span_by_span() {
    insta::assert_snapshot!(one(&payment(), 3, &page()));
}

#[test]
fn one_without_operations_and_one_that_was_cut_off() {
    insta::assert_snapshot!(format!("{}{}", one(&idle(), 3, &page()), one(&cut_off(), 3, &page())));
}

#[test]
fn what_was_left_out_stands_where_it_is_missing() {
    let spans = (0..3).map(|n| span("step", f64::from(n) * 20.0, None, 15.0)).collect();
    let long = Trace { spans, spans_left_out: 4_000, error: None, ..payment() };
    insta::assert_snapshot!(one(&long, 3, &page()));
}

#[test]
fn parts_that_overlap_are_no_gaps_and_names_cannot_move_the_cursor() {
    let spans = vec![
        span("all\x1b[2J", 0.0, None, 60.0),
        span("each", 1.0, None, 9.0),
        span("each", 1.0, None, 30.0),
    ];
    let many = Trace { spans, error: None, ending: Ending::Done, ..payment() };
    let text = one(&many, 1, &page());
    assert!(text.contains("0s in the script or asleep"), "{text}");
    assert!(!text.contains('\x1b') && text.lines().filter(|line| line.contains('│')).count() == 3, "{text}");
}

#[test]
fn many_messages_are_told_in_part() {
    let each = Span { message: Some("busy".to_owned()), ..span("try", 1.0, None, 0.1) };
    let text = one(&Trace { spans: vec![each; 30], ..payment() }, 1, &page());
    assert!(text.contains("20 more messages are in traces.ndjson"), "{text}");
}

#[test]
fn the_file_reads_back_up_to_where_it_was_torn() {
    let mut lines = write(&[payment(), idle()]);
    assert_eq!(read(&lines).records, [payment(), idle()]);
    lines.truncate(lines.len() - 1);
    let torn = read(&lines);
    assert_eq!((torn.records.len(), torn.cut_off), (1, true));
}

#[test]
fn a_choice_is_by_scenario_and_by_why_there_is_a_trace() {
    let all = [payment(), idle(), cut_off()];
    let chosen = |choice: Choice| -> Vec<u64> {
        all.iter().filter(|trace| choice.admits(trace)).map(|trace| trace.number).collect()
    };
    assert_eq!(chosen(Choice::default()), [1, 2, 3]);
    assert_eq!(chosen(Choice { failed: true, ..Choice::default() }), [1]);
    assert_eq!(chosen(Choice { slow: true, ..Choice::default() }), [2]);
    assert_eq!(chosen(Choice { slow: true, failed: true, ..Choice::default() }), [1, 2]);
    let payments = Some("payments".to_owned());
    assert_eq!(chosen(Choice { scenario: payments.clone(), ..Choice::default() }), [1, 3]);
    assert_eq!(chosen(Choice { scenario: payments, slow: true, failed: false }), [0; 0]);
}
