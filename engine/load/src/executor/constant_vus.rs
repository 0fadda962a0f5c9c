//! `constant-vus`: a fixed number of VUs, each running one iteration after the other for a given time.

use crate::plan::{ScenarioProblem, check};

/// Options of `constant-vus`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConstantVus {
    /// How many VUs.
    pub vus: u32,
    /// For how long.
    pub duration_ns: u64,
}

impl ConstantVus {
    pub(super) fn problems(&self, found: &mut Vec<ScenarioProblem>) {
        check::vus("vus", self.vus, found);
        check::time("duration", self.duration_ns, found);
    }
}

#[cfg(test)]
mod tests {
    use model::recorder::WindowKind;

    use super::*;
    use crate::{
        control::Order,
        number::{BLOCK_BITS, WARM_UP_BIT},
        phase::Phase,
        testing::{Act, MS, S, plan, play, play_with_orders, settle_ns},
    };

    fn two_vus_for_10_s() -> ConstantVus {
        ConstantVus { vus: 2, duration_ns: 10 * S }
    }

    #[test]
    fn each_vu_runs_one_iteration_after_the_other_until_time_is_up() {
        let played = play(plan(two_vus_for_10_s()), 1, |_, vu| Act::Sleep((vu + 1) * S));
        assert_eq!(
            (played.measured().done, played.measured().lags),
            (10 + 5, 0),
            "a closed loop has no plan"
        );
        assert_eq!(played.running_at(5 * S), 2);
        assert!(played.seen.iter().all(|seen| seen.started_ns < 10 * S));
        assert_eq!(played.phases, [(Phase::Measure, 0), (Phase::Drain, 10 * S), (Phase::Over, 10 * S)]);
    }

    #[test]
    fn numbers_come_from_the_block_of_the_vu_on_any_number_of_cores() {
        let numbers = |cores| {
            let plan = plan(ConstantVus { vus: 3, duration_ns: 4 * S });
            let played = play(plan, cores, |_, _| Act::Sleep(S));
            played.schedule().into_iter().map(|(number, _)| number).collect::<Vec<_>>()
        };
        let expected: Vec<u64> = (0..3u64).flat_map(|vu| (0..4).map(move |k| vu << BLOCK_BITS | k)).collect();
        assert_eq!(numbers(1), expected);
        assert_eq!(numbers(2), expected);
    }

    #[test]
    fn vus_are_dealt_out_to_cores_and_segments() {
        let mut plan = plan(ConstantVus { vus: 7, duration_ns: S });
        let mut vus = Vec::new();
        for index in 1..=2 {
            plan.segment.index = index;
            plan.segment.count = 2;
            let played = play(plan.clone(), 2, |_, _| Act::Sleep(S));
            vus.extend(played.hired.iter().map(|who| who.number));
        }
        vus.sort_unstable();
        assert_eq!(vus, [0, 1, 2, 3, 4, 5, 6]);
    }

    #[test]
    fn the_grace_lets_iterations_end_and_then_cuts_them_off() {
        let mut plan = plan(two_vus_for_10_s());
        plan.scenarios[0].graceful_stop_ns = 5 * S;
        let played = play(plan, 1, |_, vu| if vu == 0 { Act::Sleep(6 * S) } else { Act::Hang });
        assert_eq!((played.measured().done, played.measured().interrupted), (2, 1));
        assert_eq!(played.ended_ns, 15 * S, "6 + 6 s lie within the grace, the other is cut at its end");
        assert_eq!(played.marks.last().map(|mark| mark.0), Some(15 * S), "{:?}", played.marks);
    }

    #[test]
    fn the_warm_up_is_numbered_and_counted_apart() {
        let mut plan = plan(two_vus_for_10_s());
        plan.warm_up_ns = 3 * S;
        let played = play(plan, 1, |_, _| Act::Sleep(S));
        assert_eq!((played.warm_up().done, played.measured().done), (6, 20));
        let warm: Vec<_> = played.seen.iter().filter(|seen| seen.window == WindowKind::WarmUp).collect();
        assert!(warm.iter().all(|seen| seen.number & WARM_UP_BIT != 0 && seen.started_ns < 3 * S));
        let measured = played.schedule().into_iter().map(|(number, _)| number).find(|n| n & WARM_UP_BIT == 0);
        assert_eq!(measured, Some(0), "a warm-up uses up no number");
        assert_eq!(played.hired.len(), 2, "the VUs of the warm-up are those that are measured");
        let phases =
            [(Phase::WarmUp, 0), (Phase::Measure, 3 * S), (Phase::Drain, 13 * S), (Phase::Over, 13 * S)];
        assert_eq!(played.phases, phases);
    }

    #[test]
    fn a_scenario_that_begins_later_stands_still_between_warm_up_and_start() {
        let mut plan = plan(two_vus_for_10_s());
        plan.warm_up_ns = 3 * S;
        plan.scenarios[0].start_ns = 4 * S;
        let played = play(plan, 1, |_, _| Act::Sleep(S));
        assert_eq!((played.warm_up().done, played.measured().done), (6, 20));
        assert_eq!(played.running_at(5 * S), 0);
        assert_eq!(played.running_at(7 * S), 2);
    }

    #[test]
    fn one_that_begins_later_without_a_warm_up_hires_when_it_begins() {
        let mut plan = plan(two_vus_for_10_s());
        plan.scenarios[0].start_ns = 4 * S;
        plan.scenarios[0].warm_up = false;
        // Whoever was there from the start would have settled by 4 s.
        settle_ns(S);
        let played = play(plan, 2, |_, _| Act::Sleep(S));
        settle_ns(0);
        assert_eq!(played.hired.len(), 2);
        assert_eq!(played.seen.iter().map(|seen| seen.started_ns).min(), Some(5 * S));
        assert_eq!((played.measured().done, played.ended_ns), (18, 14 * S));
    }

    #[test]
    fn an_iteration_that_holds_the_core_gives_it_away_between_turns() {
        // Nobody sleeps, so without slices the first VU would keep the second from ever beginning.
        let played = play(plan(ConstantVus { vus: 2, duration_ns: 10 * MS }), 1, |_, _| Act::Hold(100_000));
        let first_of = |vu| played.seen.iter().find(|seen| seen.vu == vu).map(|seen| seen.started_ns);
        assert_eq!(first_of(0), Some(0));
        assert_eq!(first_of(1), Some(500_000), "after one time slice");
        assert_eq!(played.measured().done, 100);
    }

    #[test]
    fn a_panic_ends_one_vu_and_its_place_is_filled_again() {
        let played =
            play(
                plan(two_vus_for_10_s()),
                1,
                |turn, _| {
                    if turn.number == 2 { Act::Panic } else { Act::Sleep(S) }
                },
            );
        assert_eq!(played.measured().failed, 1);
        assert_eq!(played.panics, [(0, "the fake VU 0 panics".to_owned())]);
        assert_eq!(played.failures.values().sum::<u64>(), 1);
        assert_eq!(played.hired.iter().filter(|who| who.number == 0).count(), 2);
        // 0, 1, the panic, and then from 2.01 s on, with the numbers that follow.
        let of_vu_0: Vec<_> = played.seen.iter().filter(|seen| seen.vu == 0).collect();
        assert_eq!(of_vu_0.len(), 11);
        assert_eq!((of_vu_0[3].number, of_vu_0[3].started_ns), (3, 2 * S + 10 * MS));
    }

    #[test]
    fn a_vu_that_always_panics_does_not_spin() {
        let played = play(plan(ConstantVus { vus: 1, duration_ns: S }), 1, |_, _| Act::Panic);
        assert_eq!(played.measured().failed, 100, "one every 10 ms");
        assert_eq!(played.panics.len(), 1, "the same message is told once");
        assert_eq!(played.failures.values().sum::<u64>(), 100, "and counted every time");
    }

    #[test]
    fn who_resigns_is_not_replaced() {
        let played =
            play(plan(two_vus_for_10_s()), 1, |_, vu| if vu == 0 { Act::Resign } else { Act::Sleep(S) });
        assert_eq!(played.measured().done, 1 + 10);
        let all_resign = play(plan(two_vus_for_10_s()), 1, |_, _| Act::Resign);
        assert_eq!(all_resign.ended_ns, 0, "with nobody left it is over");
    }

    #[test]
    fn a_stop_drains_and_an_abort_does_not() {
        let stopped =
            play_with_orders(plan(two_vus_for_10_s()), 2, &[(2_500 * MS, Order::Stop)], |_, _| Act::Sleep(S));
        assert_eq!((stopped.measured().done, stopped.measured().interrupted), (6, 0));
        assert_eq!(stopped.phases[1..], [(Phase::Drain, 2_500 * MS), (Phase::Over, 3 * S)]);
        let aborted = play_with_orders(plan(two_vus_for_10_s()), 2, &[(2_500 * MS, Order::Abort)], |_, _| {
            Act::Sleep(S)
        });
        assert_eq!((aborted.measured().done, aborted.measured().interrupted), (4, 2));
        assert_eq!(aborted.ended_ns, 2_500 * MS);
    }

    #[test]
    fn an_abort_while_draining_leaves_at_once() {
        let orders = [(2 * S, Order::Stop), (3 * S, Order::Abort)];
        let played = play_with_orders(plan(two_vus_for_10_s()), 1, &orders, |_, _| Act::Hang);
        assert_eq!((played.measured().interrupted, played.ended_ns), (2, 3 * S));
    }

    #[test]
    fn a_failed_iteration_is_counted_as_such() {
        let played = play(plan(ConstantVus { vus: 1, duration_ns: 4 * S }), 1, |turn, _| {
            if turn.number % 2 == 0 { Act::Sleep(S) } else { Act::Fail(S) }
        });
        assert_eq!((played.measured().done, played.measured().failed), (2, 2));
    }
}
