use super::*;
use crate::ledger::Fate::{self, Acknowledged, Ambiguous, Failed};

const MS: u64 = 1_000_000;
const POP: Taking = Taking::Pop;
const LEASE: Taking = Taking::Claim { lease_ns: 100 * MS };

/// From one millisecond to another.
fn ms(began: u64, ended: u64) -> Span {
    Span { began_ns: began * MS, ended_ns: ended * MS }
}

/// Keys 1 to `count`, pushed one after the other, each in a millisecond.
fn pushed(count: u64) -> QueueLedger {
    let mut ledger = QueueLedger::new();
    (1..=count).for_each(|key| ledger.push(key, 0, 0, ms(2 * key, 2 * key + 1), Acknowledged));
    ledger
}

fn pop(ledger: &mut QueueLedger, keys: &[u64], span: Span) {
    ledger.take(keys, 0, 10, POP, span, Acknowledged);
}

/// What is left is told, and judged: lost, twice, early, invented, order.
fn findings(mut ledger: QueueLedger, remaining: &[u64]) -> ([u64; 5], QueueVerdict) {
    remaining.iter().for_each(|key| ledger.remains(Some(*key)));
    ledger.all_told();
    let verdict = ledger.judge(true);
    let found = [verdict.lost(), verdict.twice(), verdict.early(), verdict.invented(), verdict.order()];
    (found, verdict)
}

#[test]
fn what_is_taken_or_left_is_accounted_for() {
    let mut ledger = pushed(3);
    pop(&mut ledger, &[1, 2], ms(20, 30));
    let (found, verdict) = findings(ledger, &[3]);
    assert_eq!(found, [0; 5], "{verdict:?}");
    let figures = verdict.figures();
    assert_eq!((figures["pushed"], figures["taken"], figures["remaining"]), (3, 2, 1));
    let waits = verdict.record("q").waits;
    assert_eq!((waits[0].name.as_str(), waits[0].count), ("age", 2));
    assert!(waits[0].max_us.abs_diff(27_000) < 30, "{waits:?}");
}

#[test]
fn a_push_that_is_nowhere_is_lost_and_named() {
    let (found, verdict) = findings(pushed(1), &[]);
    assert_eq!(found, [1, 0, 0, 0, 0]);
    assert_eq!(
        verdict.examples(),
        ["key 1 (priority 0): pushed at 0.002000s, never taken, and not there at the end"]
    );
}

#[test]
fn nothing_is_lost_where_nobody_told_what_remains() {
    let figures = pushed(2).judge(false).figures();
    assert_eq!(figures["untaken"], 2);
    assert!(["lost", "remaining", "order"].iter().all(|name| !figures.contains_key(*name)), "{figures:?}");
}

#[test]
fn pops_without_an_answer_explain_as_many_as_they_asked_for() {
    let mut ledger = pushed(3);
    ledger.take(&[], 0, 2, POP, ms(10, 20), Ambiguous);
    let (found, verdict) = findings(ledger, &[]);
    assert_eq!((found, verdict.in_doubt), ([1, 0, 0, 0, 0], 2));
    assert!(verdict.examples()[0].contains("which explain 2"), "{:?}", verdict.examples());
    let mut claims = pushed(1);
    claims.take(&[], 0, 2, LEASE, ms(10, 20), Ambiguous);
    assert_eq!(findings(claims, &[]).0, [1, 0, 0, 0, 0], "a claim removes nothing");
}

#[test]
fn two_pops_of_one_item_are_one_too_many() {
    let mut ledger = pushed(1);
    pop(&mut ledger, &[1], ms(10, 11));
    pop(&mut ledger, &[1], ms(20, 21));
    let (found, verdict) = findings(ledger, &[1]);
    assert_eq!(found, [0, 2, 0, 0, 0]);
    assert_eq!(
        verdict.examples(),
        [
            "key 1: taken at 0.010000s, and again at 0.020000s",
            "key 1: taken at 0.010000s, and still there at the end"
        ]
    );
}

fn claimed_twice(second: Span, completed: Option<(Span, Fate)>) -> ([u64; 5], QueueVerdict) {
    let mut ledger = pushed(1);
    ledger.take(&[1], 0, 1, LEASE, ms(10, 12), Acknowledged);
    ledger.take(&[1], 0, 1, LEASE, second, Acknowledged);
    if let Some((span, fate)) = completed {
        ledger.complete(&[1], span, fate);
    }
    findings(ledger, if completed.is_none() { &[1] } else { &[] })
}

#[test]
fn a_lease_keeps_its_item_until_it_may_have_run_out() {
    assert_eq!(claimed_twice(ms(50, 109), None).0, [0, 1, 0, 0, 0]);
    let (found, verdict) = claimed_twice(ms(50, 110), None);
    assert_eq!((found, verdict.redelivered), ([0; 5], 1), "it may have run out at that moment");
    let done = claimed_twice(ms(200, 210), Some((ms(20, 30), Acknowledged)));
    assert_eq!(done.0, [0, 1, 0, 0, 0]);
    assert!(done.1.examples()[0].contains("completion was acknowledged"), "{:?}", done.1.examples());
}

#[test]
fn claimed_items_are_gone_when_somebody_may_have_completed_them() {
    let (found, verdict) = claimed_twice(ms(200, 210), Some((ms(220, 230), Ambiguous)));
    assert_eq!((found, verdict.in_doubt), ([0; 5], 1));
    let (found, verdict) = claimed_twice(ms(200, 210), Some((ms(400, 401), Acknowledged)));
    assert_eq!((found, verdict.late), ([0; 5], 1));
    let (found, verdict) = claimed_twice(ms(200, 210), Some((ms(220, 230), Failed)));
    assert_eq!(found, [1, 0, 0, 0, 0]);
    assert!(verdict.examples()[0].contains("completed by nobody"), "{:?}", verdict.examples());
}

#[test]
fn a_delay_is_over_when_it_is_over() {
    let take_at = |ended| {
        let mut ledger = QueueLedger::new();
        ledger.push(1, 0, 100 * MS, ms(0, 5), Acknowledged);
        pop(&mut ledger, &[1], ms(50, ended));
        findings(ledger, &[])
    };
    assert_eq!(take_at(99).0, [0, 0, 1, 0, 0]);
    let (found, verdict) = take_at(130);
    assert_eq!(found, [0; 5]);
    let lateness = verdict.record("q").waits.pop().unwrap();
    assert!(lateness.name == "lateness" && lateness.max_us.abs_diff(25_000) < 30, "{lateness:?}");
}

#[test]
fn what_nobody_pushed_is_invented() {
    let mut ledger = pushed(1);
    ledger.push(7, 0, 0, ms(1, 2), Failed);
    pop(&mut ledger, &[1, 7], ms(20, 21));
    ledger.take(&[], 1, 1, POP, ms(30, 31), Acknowledged);
    ledger.remains(None);
    let (found, verdict) = findings(ledger, &[9]);
    assert_eq!(found, [0, 0, 0, 4, 0], "{verdict:?}");
    let mut doubtful = pushed(0);
    doubtful.push(7, 0, 0, ms(1, 2), Ambiguous);
    assert_eq!(findings(doubtful, &[7]).0, [0; 5], "it may have been pushed");
}

#[test]
fn an_item_that_is_put_back_may_be_taken_as_often_as_it_was_pushed() {
    let mut ledger = pushed(1);
    pop(&mut ledger, &[1], ms(10, 11));
    ledger.push(1, 0, 0, ms(20, 21), Acknowledged);
    pop(&mut ledger, &[1], ms(30, 31));
    assert_eq!(findings(ledger.clone(), &[]).0, [0; 5]);
    pop(&mut ledger, &[1], ms(40, 41));
    assert_eq!(findings(ledger, &[]).0, [0, 1, 0, 0, 0]);
}

#[test]
fn the_first_in_order_is_taken_first() {
    let overtaken = |first: &[u64], second: &[u64]| {
        let mut ledger = pushed(3);
        pop(&mut ledger, first, ms(20, 21));
        pop(&mut ledger, second, ms(30, 31));
        findings(ledger, &[])
    };
    assert_eq!(overtaken(&[1, 2], &[3]).0, [0; 5]);
    assert_eq!(overtaken(&[3], &[1, 2]).0, [0, 0, 0, 0, 2]);
    let (found, verdict) = overtaken(&[2, 1], &[3]);
    assert_eq!(found, [0, 0, 0, 0, 1], "in one reply the place decides");
    assert!(verdict.examples()[0].contains("key 2 (priority 0, pushed at 0.004000s)"));
    let mut starved = pushed(2);
    pop(&mut starved, &[2], ms(20, 21));
    let (found, verdict) = findings(starved, &[1]);
    assert_eq!(found, [0, 0, 0, 0, 1]);
    assert!(verdict.examples()[0].ends_with("and never itself"), "{:?}", verdict.examples());
}

#[test]
fn a_higher_priority_goes_first_once_its_delay_is_over() {
    let taken_after = |at: u64| {
        let mut ledger = QueueLedger::new();
        ledger.push(1, 5, 0, ms(0, 1), Acknowledged);
        ledger.push(2, 0, 100 * MS, ms(2, 3), Acknowledged);
        pop(&mut ledger, &[1], ms(at, at + 1));
        pop(&mut ledger, &[2], ms(300, 301));
        findings(ledger, &[]).0
    };
    assert_eq!(taken_after(103), [0; 5]);
    assert_eq!(taken_after(104), [0, 0, 0, 0, 1]);
}

#[test]
fn takes_that_may_have_held_an_item_excuse_its_delay() {
    let with = |open: &[(Span, u32, Fate)]| {
        let mut ledger = pushed(3);
        open.iter().for_each(|(span, asked, fate)| ledger.take(&[], 0, *asked, POP, *span, *fate));
        pop(&mut ledger, &[3], ms(20, 21));
        pop(&mut ledger, &[1, 2], ms(30, 31));
        findings(ledger, &[]).0[4]
    };
    assert_eq!(with(&[(ms(15, 16), 1, Failed)]), 0, "it holds them for a moment longer");
    assert_eq!(with(&[(ms(25, 26), 1, Failed)]), 2, "it began too late");
    assert_eq!(with(&[(ms(1, 2), 1, Ambiguous)]), 1, "it holds one at most");
    assert_eq!(with(&[(ms(1, 2), 2, Ambiguous)]), 0);
    assert_eq!(with(&[(ms(22, 23), 2, Ambiguous)]), 2);
}

#[test]
fn the_first_take_of_an_item_is_not_another_that_began_with_it() {
    let mut ledger = pushed(2);
    ledger.take(&[1], 0, 1, Taking::Claim { lease_ns: 0 }, ms(10, 11), Acknowledged);
    // It came back at once, and may be given behind what is new.
    pop(&mut ledger, &[2, 1], ms(10, 20));
    let (found, verdict) = findings(ledger, &[]);
    assert_eq!((found, verdict.redelivered), ([0; 5], 1), "{verdict:?}");
}

#[test]
fn logs_of_several_cores_are_one() {
    const SHORT: Taking = Taking::Claim { lease_ns: MS };
    // One item is claimed again when its short lease is over, another long before its long one is. Each core has met the two
    // lengths in another order, so a take that is merged under the wrong one accuses the sound and acquits the spoilt.
    let claimed = |ledger: &mut QueueLedger, key: u64, lease: Taking| {
        for began in [20, 30] {
            ledger.take(&[key], 0, 1, lease, ms(began, began + 1), Acknowledged);
        }
    };
    let mut one = pushed(4);
    claimed(&mut one, 1, SHORT);
    claimed(&mut one, 2, LEASE);
    let mut other = QueueLedger::new();
    claimed(&mut other, 3, LEASE);
    claimed(&mut other, 4, SHORT);
    // A pop has no length of a lease, on whichever side it is merged.
    pop(&mut other, &[4], ms(40, 41));
    for (mut first, second) in [(one.clone(), other.clone()), (other, one)] {
        first.merge(second);
        let (found, verdict) = findings(first, &[1, 2, 3]);
        assert_eq!((found, verdict.redelivered), ([0, 2, 0, 0, 0], 3), "{verdict:?}");
        let mut told = verdict.examples().to_vec();
        told.sort();
        let twice = |key: u64| format!("key {key}: claimed at 0.020000s for 100ms, and again at 0.030000s");
        assert_eq!(told, [twice(2), twice(3)]);
    }
}

#[test]
fn an_item_takes_a_few_words_of_memory() {
    let mut ledger = QueueLedger::new();
    ledger.pushes.reserve_exact(10_000);
    ledger.takes.reserve_exact(10_000);
    for key in 0..10_000 {
        ledger.push(key, 0, 0, ms(key, key + 1), Acknowledged);
        pop(&mut ledger, &[key], ms(key + 2, key + 3));
    }
    assert_eq!(ledger.bytes() / 10_000, 56);
}
