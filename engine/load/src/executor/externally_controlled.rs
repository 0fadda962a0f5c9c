//! `externally-controlled`: VUs in closed loops, as many as somebody outside says while they run.
//!
//! Begins with `vus`. More come at once when they are wished for; who is asked to go finishes the iteration it is in, for
//! which it has the graceful stop. While it is paused nobody begins an iteration, and nobody goes for it. See [`crate::dial`].

use model::segment::Segment;

use crate::plan::{ScenarioProblem, check};

/// Options of `externally-controlled`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExternallyControlled {
    /// How many VUs there are at the start.
    pub vus: u32,
    /// How many there may be.
    pub max_vus: u32,
    /// For how long; [`ENDLESS_NS`] until it is stopped.
    pub duration_ns: u64,
}

/// A duration without an end.
pub const ENDLESS_NS: u64 = u64::MAX;

impl ExternallyControlled {
    pub(super) fn problems(&self, segment: Segment, found: &mut Vec<ScenarioProblem>) {
        check::vus("max_vus", self.max_vus, found);
        check::enough_for(segment, "max_vus", self.max_vus, found);
        check::time("duration", self.duration_ns, found);
        if self.vus > self.max_vus && self.max_vus > 0 {
            found.push(ScenarioProblem::VusAboveMax { vus: self.vus, max_vus: self.max_vus });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        control::Order,
        testing::{Act, MS, Played, S, Told, plan, play_told},
    };

    fn controlled(vus: u32, duration_ns: u64) -> ExternallyControlled {
        ExternallyControlled { vus, max_vus: 10, duration_ns }
    }

    fn vus(at_ns: u64, vus: u32) -> (u64, Told) {
        (at_ns, Told::Dial(Some(vus), None))
    }

    fn paused(at_ns: u64, is_paused: bool) -> (u64, Told) {
        (at_ns, Told::Dial(None, Some(is_paused)))
    }

    /// How many iterations run in the middle of each second.
    fn running(played: &Played, seconds: u64) -> Vec<usize> {
        (0..seconds).map(|at_s| played.running_at(at_s * S + S / 2)).collect()
    }

    #[test]
    fn vus_come_and_go_as_they_are_told_on_any_number_of_cores() {
        let told = [vus(2_100 * MS, 5), vus(4_050 * MS, 0), vus(6_100 * MS, 3), vus(7_100 * MS, 10)];
        for cores in [1, 2, 3] {
            let played = play_told(plan(controlled(1, 9 * S)), cores, &told, |_, _| Act::Sleep(250 * MS));
            assert_eq!(running(&played, 9), [1, 1, 5, 5, 0, 0, 3, 10, 10], "on {cores} cores");
            assert_eq!((played.measured().interrupted, played.ended_ns), (0, 9_100 * MS));
            assert_eq!(played.measured().done, 17 + 4 * 8 + 3 * 12 + 7 * 8);
        }
    }

    #[test]
    fn each_change_is_a_mark_once() {
        let told = [vus(2 * S, 5), paused(3 * S, true), vus(3 * S, 5), paused(4 * S, false)];
        let played = play_told(plan(controlled(1, 6 * S)), 3, &told, |_, _| Act::Sleep(250 * MS));
        let marks: Vec<_> = played.marks.iter().map(|(at_ns, text)| (at_ns / S, text.as_str())).collect();
        let expected = [
            (0, "scenario a begins"),
            (2, "scenario a: 5 VUs"),
            (3, "scenario a: 5 VUs, paused"),
            (4, "scenario a: 5 VUs"),
            (6, "scenario a ends"),
        ];
        assert_eq!(marks, expected);
    }

    #[test]
    fn a_pause_lets_iterations_end_and_keeps_the_vus() {
        let told = [paused(1_500 * MS, true), paused(4 * S, false)];
        let played = play_told(plan(controlled(2, 6 * S)), 2, &told, |_, _| Act::Sleep(S));
        let mut starts: Vec<u64> = played.seen.iter().map(|seen| seen.started_ns / S).collect();
        starts.sort_unstable();
        assert_eq!(starts, [0, 0, 1, 1, 4, 4, 5, 5]);
        assert_eq!(played.hired.len(), 2);
    }

    #[test]
    fn who_is_told_to_come_during_a_pause_begins_after_it() {
        let told = [paused(S, true), vus(2 * S, 4), vus(3 * S, 3), paused(5 * S, false)];
        let played = play_told(plan(controlled(1, 7 * S)), 1, &told, |_, _| Act::Sleep(500 * MS));
        assert_eq!(running(&played, 7), [1, 0, 0, 0, 0, 3, 3]);
    }

    #[test]
    fn who_takes_too_long_to_go_is_cut_off() {
        let mut plan = plan(controlled(2, 20 * S));
        plan.scenarios[0].graceful_stop_ns = 2 * S;
        let played = play_told(plan, 1, &[vus(3 * S, 1)], |_, _| Act::Sleep(100 * S));
        let ends: Vec<_> = played.seen.iter().map(|seen| seen.vu).collect();
        assert_eq!((ends, played.measured().interrupted), (vec![0, 1], 2));
        // The one that was told to go at 5 s, the other at the end.
        assert_eq!(played.ended_ns, 22 * S);
        let live_at = |s: u64| played.ticks.iter().find(|tick| tick.2 == s * S).map(|tick| tick.5);
        assert_eq!((live_at(5), live_at(7)), (Some(2), Some(1)));
    }

    #[test]
    fn without_a_duration_it_ends_when_it_is_stopped_even_with_nobody_there() {
        for vus_at_start in [0, 3] {
            let told = [vus(2_500 * MS, 0), vus(500 * S, 2), (999_500 * MS, Told::Order(Order::Stop))];
            let played =
                play_told(plan(controlled(vus_at_start, ENDLESS_NS)), 2, &told, |_, _| Act::Sleep(S));
            assert_eq!((running(&played, 1), played.ended_ns), (vec![vus_at_start as usize], 1_000 * S));
            assert_eq!(played.running_at(700 * S), 2);
        }
    }

    #[test]
    fn a_stop_ends_a_pause() {
        let told = [paused(900 * MS, true), (9 * S, Told::Order(Order::Stop))];
        let played = play_told(plan(controlled(3, ENDLESS_NS)), 2, &told, |_, _| Act::Sleep(S));
        assert_eq!((played.measured().done, played.ended_ns), (3, 9 * S));
    }

    #[test]
    fn segments_have_their_share_of_every_number() {
        let mut plan = plan(controlled(1, 4 * S));
        plan.segment.count = 3;
        let mut sums = vec![0; 4];
        for index in 1..=3 {
            plan.segment.index = index;
            let played = play_told(plan.clone(), 2, &[vus(S, 7), vus(2 * S, 2)], |_, _| Act::Sleep(200 * MS));
            running(&played, 4).into_iter().zip(&mut sums).for_each(|(count, sum)| *sum += count);
        }
        assert_eq!(sums, [1, 7, 2, 2]);
    }

    #[test]
    fn numbers_that_make_no_sense_and_a_second_one_are_refused() {
        let mut plan = plan(ExternallyControlled { vus: 11, max_vus: 10, duration_ns: 0 });
        plan.scenarios.push(crate::testing::scenario("b", controlled(1, S)));
        let problems = plan.validate().expect_err("it is wrong").to_string();
        let expected = "scenario a: `duration` is 0; give it a time such as \"30s\"\n\
            scenario a: `vus` is 11, more than `max_vus` (10); raise the second or lower the first\n\
            scenario b: another scenario is externally controlled already; a run has one control port, and that speaks to one";
        assert_eq!(problems, expected);
    }
}
