//! Arrivals that find it hard: too many at once, and virtual users that go.

use model::shape::Stage;

use super::{
    tests::{US, assert_nothing_skipped, every, shaped},
    *,
};
use crate::testing::{Act, Counts, MS, Played, S, play};

#[test]
fn a_vu_that_panics_makes_room_for_another() {
    let played =
        play(
            every(100 * MS, S, 1),
            1,
            |turn, _| {
                if turn.number % 2 == 0 { Act::Panic } else { Act::Sleep(MS) }
            },
        );
    assert_eq!((played.measured().done, played.measured().failed, played.measured().dropped), (5, 5, 0));
    assert_nothing_skipped(&played);
}

#[test]
fn a_vu_that_resigns_makes_room_for_another() {
    let played = play(every(100 * MS, S, 1), 2, |_, _| Act::Resign);
    assert_eq!((played.measured().done, played.hired.len()), (10, 10));
}

#[test]
fn nothing_is_handed_to_a_place_whose_vu_went_at_the_same_time() {
    // While VU 2 holds core 0 from 45 to 120 ms, VUs 1 and 3 of core 1 end, the one busy, the other idle; then core 0
    // lends itself the idle one, and one arrival more stands in its line when core 1 sees both off.
    let played = play(every(10 * MS, 200 * MS, 4), 2, |turn, _| match turn.number {
        0 => Act::Hang,
        1 => Act::PanicAfter(35 * MS),
        3 => Act::ResignAfter(20 * MS),
        4 => Act::Hold(75 * MS),
        _ => Act::Sleep(MS),
    });
    assert_eq!((played.measured().planned, played.measured().interrupted), (20, 1));
    assert_nothing_skipped(&played);
}

#[test]
fn a_vu_that_leaves_takes_nobody_with_it_from_the_line() {
    // Each takes so long that the next arrival stands in line when it ends.
    let played = play(every(MS, 20 * MS, 1), 1, |_, _| Act::ResignAfter(1_020 * US));
    let Counts { planned, done, dropped, .. } = played.measured();
    assert_eq!((planned, done + dropped), (20, 20));
    assert_eq!(played.hired.len() as u64, done, "one turn each");
    assert!(done >= 15, "{:?}", played.measured());
    assert_nothing_skipped(&played);
}

/// The first turn holds the core while so many arrivals fall due, 10 to a microsecond.
fn flood(arrivals: u64, act: impl Fn(u64) -> Act + 'static) -> Played {
    let length_ns = arrivals * 100;
    play(
        every(100, length_ns, 1),
        1,
        move |turn, _| {
            if turn.number == 0 { Act::Hold(length_ns) } else { act(turn.number) }
        },
    )
}

#[test]
fn a_flood_leaves_the_core_to_others_in_between() {
    let played = flood(200_000, |_| Act::Stop);
    let Counts { planned, dropped, done, .. } = played.measured();
    assert!(planned < 5_000, "the stop was obeyed only after {planned} arrivals");
    assert_eq!(planned, done + dropped);
    let told = &played.marks.iter().find(|(_, text)| text.contains("behind")).expect("it is said").1;
    assert!(told.contains("core 0 was 19 ms behind"), "{told}");
}

#[test]
fn a_flood_is_counted_to_its_last_arrival() {
    // More than may stand in line, and those in line wait in vain.
    let played = flood(120_000, |_| Act::Hang);
    assert_eq!((played.measured().planned, played.measured().dropped), (120_000, 119_998));
    assert_nothing_skipped(&played);
}

#[test]
fn a_rate_that_no_machine_reaches_is_refused() {
    let problem = |shape| {
        let problems = shaped(shape, S, 1).validate().err()?;
        Some(problems.to_string())
    };
    assert_eq!(problem(Shape::Constant { rate: 1e7 }), None);
    assert_eq!(
        problem(Shape::Constant { rate: 1e8 }).as_deref(),
        Some(
            "scenario a: rate: rate: it reaches 100000000 iterations a second, more than any machine can start; \
             at most 10000000 are possible"
        )
    );
    let stages = vec![Stage { target: 1e9, duration_s: 1.0 }];
    let told = problem(Shape::Stages { start: 0.0, stages }).expect("it ends at a billion");
    assert!(told.starts_with("scenario a: rate: stages: it reaches"), "{told}");
}
