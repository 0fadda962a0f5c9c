use super::*;
use crate::outcome::{Expect, Outcome};
use crate::recorder::{Recorder, Sample, WindowKind};
use crate::series::Series;

const S: u64 = 1_000_000_000;
const MS: u64 = 1_000_000;

/// A load of a hundred operations a second for a minute, whose response times are 10 ms. Within `down` (ms) nothing ends;
/// in the seconds of `failing` a tenth fails, and in those of `slow` it takes 80 ms.
struct Load {
    down: std::ops::Range<u64>,
    failing: Vec<u64>,
    slow: std::ops::Range<u64>,
}

impl Load {
    fn calm() -> Self {
        Load { down: 0..0, failing: Vec::new(), slow: 0..0 }
    }

    fn watched(&self) -> (LoadWatch, Series) {
        let (mut watch, mut response) = (LoadWatch::new(), Series::new());
        let mut recorder = Recorder::new();
        let op = recorder.op("push");
        for second in 0..60 {
            let mut ended = 0;
            for n in 0..100 {
                let at_ms = second * 1000 + n * 10;
                if self.down.contains(&at_ms) {
                    continue;
                }
                let fails = self.failing.contains(&second) && n % 10 == 0;
                let outcome = if fails { Outcome::Error } else { Outcome::Ok };
                let sample = Sample {
                    outcome,
                    class: fails.then_some("57P01"),
                    expect: Expect::Normal,
                    service_ns: MS,
                    pool_wait_ns: None,
                    bytes_sent: 0,
                    bytes_received: 0,
                    items: 0,
                };
                recorder.record(WindowKind::Measure, op, &sample);
                if !fails {
                    recorder.ended_well(at_ms * MS);
                }
                ended += 1;
            }
            for interval in recorder.take(0, second * S, (second + 1) * S) {
                watch.add(&interval);
            }
            if ended > 0 {
                let wobble = if second % 2 == 0 { 0.1 } else { -0.1 };
                let ms = if self.slow.contains(&second) { 80.0 } else { 10.0 + wobble };
                response.push(second * S + S / 2, ms);
            }
        }
        (watch, response)
    }

    fn courses(&self, faults_ms: &[(u64, u64)], others_s: &[(u64, u64)]) -> Vec<FaultCourse> {
        let (watch, response) = self.watched();
        let faults_ns: Vec<_> = faults_ms.iter().map(|(from, to)| (from * MS, to * MS)).collect();
        let others_ns: Vec<_> = others_s.iter().map(|(from, to)| (from * S, to * S)).collect();
        let faulted = Faulted { window_ns: (0, 60 * S), faults_ns: &faults_ns, others_ns: &others_ns };
        watch.courses(Some(&response), faulted)
    }

    fn course(&self, fault_ms: (u64, u64)) -> FaultCourse {
        self.courses(&[fault_ms], &[]).remove(0)
    }
}

#[test]
fn a_fault_that_nobody_notices_left_the_calm_alone() {
    let course = Load::calm().course((20_300, 25_000));
    assert_eq!((course.errors_back, course.response_back), (Healing::NeverLeft, Healing::NeverLeft));
    assert_eq!((course.outage_s, course.calm_gap_s, course.errors), (0.01, Some(0.01), 0));
    assert!(!course.has_outage());
}

#[test]
fn errors_and_response_times_recover_each_in_their_own_time() {
    let load = Load { failing: vec![20, 21, 22], slow: 20..31, ..Load::calm() };
    let course = load.course((20_300, 22_000));
    assert_eq!(course.errors_back, Healing::After { s: 2.7 }, "to the second 23");
    assert_eq!(course.response_back, Healing::After { s: 10.7 }, "to the second 31");
    assert_eq!(course.worst(), Healing::After { s: 10.7 });
    assert_eq!(course.errors, 30);
    assert_eq!(course.error_classes, [("57P01".to_owned(), 30)].into());
}

#[test]
fn an_outage_is_known_to_the_millisecond_and_its_silent_seconds_are_no_calm() {
    let load = Load { down: 20_310..23_450, ..Load::calm() };
    let course = load.course((20_305, 23_400));
    assert_eq!(course.outage_s, 3.15, "from the end at 20.30 to that at 23.45");
    assert!(course.has_outage());
    assert_eq!(course.errors_back, Healing::After { s: 2.695 }, "nothing ended in 21 and 22");
    assert_eq!(course.response_back, Healing::After { s: 2.695 });
}

#[test]
fn a_relapse_within_the_hold_is_no_recovery_and_one_after_it_another_story() {
    let relapse = |second| Load { failing: vec![20, second], ..Load::calm() }.course((20_000, 20_000));
    assert_eq!(relapse(24).errors_back, Healing::After { s: 5.0 });
    assert_eq!(relapse(30).errors_back, Healing::After { s: 1.0 });
    assert_eq!(relapse(30).errors, 10, "of the time up to the end of the hold");
}

#[test]
fn what_comes_late_in_a_long_fault_counts_as_well() {
    let load = Load { failing: vec![34], ..Load::calm() };
    assert_eq!(load.course((20_000, 40_000)).errors_back, Healing::After { s: 15.0 });
}

#[test]
fn never_back_too_short_and_no_calm_are_told_apart() {
    let forever = Load { slow: 20..60, ..Load::calm() };
    assert_eq!(forever.course((20_500, 21_000)).response_back, Healing::NotBack { s: 39.5 });
    let late = Load { slow: 20..57, ..Load::calm() };
    assert_eq!(late.course((20_000, 21_000)).response_back, Healing::TooShort);
    assert_eq!(Load::calm().course((58_000, 59_000)).response_back, Healing::TooShort);
    let early = Load::calm().course((4_900, 5_000));
    assert_eq!((early.errors_back, early.worst()), (Healing::NoCalm, Healing::NoCalm));
    assert_eq!(
        Load::calm().course((5_000, 5_100)).errors_back,
        Healing::NeverLeft,
        "five seconds are enough"
    );
}

#[test]
fn calm_that_knows_errors_is_measured_by_its_worst_second() {
    let load = Load { failing: vec![3, 11, 20, 21], ..Load::calm() };
    assert_eq!(load.course((20_000, 20_000)).errors_back, Healing::NeverLeft);
}

#[test]
fn the_calm_of_a_later_fault_leaves_out_what_an_earlier_one_disturbed() {
    // Slow for most of the time before the second fault: taken for calm, its slowness would be none.
    let load = Load { slow: 10..30, ..Load::calm() };
    let courses = load.courses(&[(40_000, 40_100), (10_000, 11_000)], &[]);
    assert_eq!(courses[1].response_back, Healing::After { s: 20.0 });
    assert_eq!(courses[0].response_back, Healing::NeverLeft);
    let again = Load { slow: 10..45, ..Load::calm() };
    let courses = again.courses(&[(10_000, 10_100), (40_000, 40_100)], &[]);
    assert_eq!(courses[0].response_back, Healing::NotBack { s: 30.0 }, "the next one begins");
    assert_eq!(courses[1].response_back, Healing::After { s: 5.0 });
}

#[test]
fn errors_of_the_next_fault_are_not_counted_twice() {
    let load = Load { failing: vec![20, 22], ..Load::calm() };
    let errors: Vec<u64> =
        load.courses(&[(20_000, 20_100), (22_500, 22_500)], &[]).iter().map(|course| course.errors).collect();
    assert_eq!(errors, [10, 10]);
}

#[test]
fn bursts_are_no_calm_and_end_what_can_be_watched() {
    let load = Load { slow: 5..20, ..Load::calm() };
    let courses = load.courses(&[(30_000, 30_000)], &[(5, 20)]);
    assert_eq!(courses[0].response_back, Healing::NeverLeft);
    let courses = Load::calm().courses(&[(30_000, 30_000)], &[(33, 40)]);
    assert_eq!(courses[0].response_back, Healing::TooShort);
    let slow = Load { slow: 30..50, ..Load::calm() };
    let courses = slow.courses(&[(30_000, 31_000)], &[(31, 40)]);
    assert_eq!(courses[0].response_back, Healing::After { s: 20.0 }, "what touches is one");
}

#[test]
fn a_load_that_is_often_silent_is_not_out_of_its_calm_by_silence() {
    // One operation in every third second.
    let mut watch = LoadWatch::new();
    let mut recorder = Recorder::new();
    let op = recorder.op("push");
    for second in (0..60).step_by(3) {
        let sample = Sample {
            outcome: Outcome::Ok,
            class: None,
            expect: Expect::Normal,
            service_ns: MS,
            pool_wait_ns: None,
            bytes_sent: 0,
            bytes_received: 0,
            items: 0,
        };
        recorder.record(WindowKind::Measure, op, &sample);
        recorder.ended_well(second * S);
        recorder.take(0, second * S, (second + 1) * S).iter().for_each(|interval| watch.add(interval));
    }
    let faulted = Faulted { window_ns: (0, 60 * S), faults_ns: &[(30 * S, 31 * S)], others_ns: &[] };
    let course = watch.courses(None, faulted).remove(0);
    assert_eq!((course.errors_back, course.response_back), (Healing::NeverLeft, Healing::NoCalm));
    assert!(!course.has_outage(), "{course:?}");
}
