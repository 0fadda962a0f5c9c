//! `ramping-vus`: a number of VUs that follows stages, each running one iteration after the other.
//!
//! The number wanted at time t is a line through the targets of the stages. VU `v` (from 0) comes when the line
//! rises to `v + 1` and is asked to go when it falls to `v`, so a stage from a to b of length d has its i-th step
//! at `d * i / |b - a|` and reaches its target at its end. Who is asked to go finishes the iteration it is in, for
//! which it has the graceful ramp-down; who is wanted again before it has gone stays.

use model::segment::Stride;

use super::closed_loop::{Step, Wish};
use crate::plan::{ScenarioProblem, check};

/// Options of `ramping-vus`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RampingVus {
    /// How many VUs there are at the start (and in the warm-up).
    pub start_vus: u32,
    /// What follows.
    pub stages: Vec<Stage>,
    /// How long a VU that is asked to go may finish its iteration.
    pub graceful_ramp_down_ns: u64,
}

/// One stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stage {
    /// Its length. 0 jumps to the target.
    pub duration_ns: u64,
    /// The number of VUs at its end.
    pub target: u32,
}

impl RampingVus {
    /// The length of all stages together.
    pub fn duration_ns(&self) -> u64 {
        self.stages.iter().fold(0, |sum: u64, stage| sum.saturating_add(stage.duration_ns))
    }

    pub(super) fn problems(&self, found: &mut Vec<ScenarioProblem>) {
        check::most_vus("start_vus", self.start_vus, found);
        for stage in &self.stages {
            check::most_vus("target", stage.target, found);
        }
        if self.stages.is_empty() {
            found.push(ScenarioProblem::NoStages);
        } else {
            check::time("duration", self.duration_ns(), found);
            if self.start_vus == 0 && self.stages.iter().all(|stage| stage.target == 0) {
                found.push(ScenarioProblem::Zero { option: "target" });
            }
        }
    }

    /// The steps of the VUs that `lane` owns, in the order of time, which counts from `at_ns` on.
    pub(super) fn steps(&self, lane: Stride, mut at_ns: u64) -> impl Iterator<Item = Step> + use<> {
        let mut from = u64::from(self.start_vus);
        let mut stages = Vec::with_capacity(self.stages.len());
        for stage in &self.stages {
            let target = u64::from(stage.target);
            stages.push(Slope { at_ns, duration_ns: stage.duration_ns, from, to: target });
            (at_ns, from) = (at_ns.saturating_add(stage.duration_ns), target);
        }
        stages.into_iter().flat_map(move |slope| slope.steps(lane))
    }
}

/// A stage with the place it starts from.
#[derive(Clone, Copy)]
struct Slope {
    at_ns: u64,
    duration_ns: u64,
    from: u64,
    to: u64,
}

impl Slope {
    /// Those of the lane's VUs whose number the line crosses, in the order of time.
    fn steps(self, lane: Stride) -> impl Iterator<Item = Step> {
        let (low, high) = (self.from.min(self.to), self.from.max(self.to));
        let (first, last) = (lane.count_below(low), lane.count_below(high));
        let rises = self.to > self.from;
        (0..last - first).map(move |k| {
            let place = if rises { first + k } else { last - 1 - k };
            let vu = lane.nth(place);
            let crossed = if rises { vu + 1 - low } else { high - vu };
            // The product needs more than 64 bits; the quotient is at most the duration.
            let into_ns = u128::from(self.duration_ns) * u128::from(crossed) / u128::from(high - low);
            Step {
                at_ns: self.at_ns.saturating_add(u64::try_from(into_ns).unwrap_or(self.duration_ns)),
                place: usize::try_from(place).expect("VUs of a core are countable"),
                wish: if rises { Wish::Come } else { Wish::Go },
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        control::Order,
        testing::{Act, MS, Played, S, linger_ns, plan, play, play_with_orders},
    };

    fn stages(start_vus: u32, stages: &[(u64, u32)]) -> RampingVus {
        let stages = stages.iter().map(|&(s, target)| Stage { duration_ns: s * S, target }).collect();
        RampingVus { start_vus, stages, graceful_ramp_down_ns: 30 * S }
    }

    /// (time in s, place, whether it comes)
    fn steps(options: &RampingVus, lane: Stride) -> Vec<(f64, usize, bool)> {
        let in_s = |step: Step| (step.at_ns as f64 / 1e9, step.place, step.wish == Wish::Come);
        options.steps(lane, 0).map(in_s).collect()
    }

    #[test]
    fn the_target_is_reached_at_the_end_of_its_stage() {
        let up_and_down = stages(0, &[(4, 4), (2, 2)]);
        let expected =
            [(1., 0, true), (2., 1, true), (3., 2, true), (4., 3, true), (5., 3, false), (6., 2, false)];
        assert_eq!(steps(&up_and_down, Stride::ALL), expected);
    }

    #[test]
    fn a_stage_of_no_length_jumps() {
        let jump = stages(1, &[(0, 3), (1, 3), (0, 0)]);
        let expected = [(0., 1, true), (0., 2, true), (1., 2, false), (1., 1, false), (1., 0, false)];
        assert_eq!(steps(&jump, Stride::ALL), expected);
    }

    proptest! {
        #[test]
        fn lanes_together_take_every_step_once(
            start in 0u32..40,
            targets in prop::collection::vec((0u64..5, 0u32..40), 1..5),
            cores in 1usize..5,
        ) {
            let options = stages(start, &targets);
            let whole = steps(&options, Stride::ALL);
            let mut lanes = Vec::new();
            for core in 0..cores {
                let lane = Stride::ALL.lane(core, cores);
                let own = steps(&options, lane);
                prop_assert!(own.windows(2).all(|pair| pair[0].0 <= pair[1].0), "in the order of time");
                lanes.extend(own.into_iter().map(|(at, place, comes)| (at, lane.nth(place as u64) as usize, comes)));
            }
            let by_time = |steps: &mut Vec<(f64, usize, bool)>| steps.sort_by(|a, b| a.partial_cmp(b).expect("no NaN"));
            let mut whole_sorted = whole.clone();
            by_time(&mut whole_sorted);
            by_time(&mut lanes);
            prop_assert_eq!(lanes, whole_sorted);
            let net: i64 = whole.iter().map(|&(_, _, comes)| if comes { 1 } else { -1 }).sum();
            let last = targets.last().map_or(start, |&(_, target)| target);
            prop_assert_eq!(i64::from(start) + net, i64::from(last));
        }
    }

    fn vus_at(played: &Played, at_s: u64) -> usize {
        played.running_at(at_s * S + S / 2)
    }

    #[test]
    fn vus_follow_the_stages_on_any_number_of_cores() {
        for cores in [1, 2] {
            let options = stages(1, &[(4, 5), (2, 5), (4, 1)]);
            let played = play(plan(options), cores, |_, _| Act::Sleep(100 * MS));
            let counts: Vec<usize> = (0..10).map(|at_s| vus_at(&played, at_s)).collect();
            assert_eq!(counts, [1, 2, 3, 4, 5, 5, 5, 4, 3, 2]);
            assert_eq!(played.measured().interrupted, 0);
            assert_eq!(played.ended_ns, 10 * S);
        }
    }

    #[test]
    fn the_warm_up_runs_the_vus_of_the_start() {
        let mut plan = plan(stages(2, &[(0, 6), (2, 6)]));
        plan.warm_up_ns = 3 * S;
        let played = play(plan, 1, |_, _| Act::Sleep(500 * MS));
        assert_eq!((vus_at(&played, 1), vus_at(&played, 3)), (2, 6));
        assert_eq!((played.warm_up().done, played.measured().done), (2 * 6, 6 * 4));
    }

    #[test]
    fn who_is_asked_to_go_may_finish_within_the_ramp_down() {
        let mut options = stages(2, &[(1, 2), (0, 0), (9, 0)]);
        options.graceful_ramp_down_ns = 4 * S;
        let played = play(plan(options), 1, |_, vu| Act::Sleep(if vu == 0 { 4 * S } else { 6 * S }));
        assert_eq!((played.measured().done, played.measured().interrupted), (1, 1));
        assert_eq!(played.seen.len(), 2, "neither begins another");
        assert_eq!(
            played.ended_ns,
            5 * S,
            "the other is cut; with nobody left and nobody to come it is over"
        );
    }

    #[test]
    fn who_is_wanted_again_before_it_has_gone_stays() {
        // Asked to go at 1 s in the middle of an iteration that ends at 4 s; wanted again at 2 s.
        let options = stages(1, &[(1, 0), (1, 1), (6, 1)]);
        let played = play(plan(options), 1, |_, _| Act::Sleep(4 * S));
        assert_eq!((played.hired.len(), played.measured().done), (1, 2));
    }

    #[test]
    fn who_has_gone_is_hired_anew_and_goes_on_numbering() {
        // Leaves at 1 s (after the second iteration, at 1.4 s), comes again at 3 s.
        let options = stages(1, &[(1, 0), (1, 0), (1, 1), (3, 1)]);
        let played = play(plan(options), 1, |_, _| Act::Sleep(700 * MS));
        assert_eq!(played.hired.len(), 2);
        let numbers: Vec<u64> = played.seen.iter().map(|seen| seen.number).collect();
        assert_eq!(numbers, [0, 1, 2, 3, 4, 5, 6]);
        assert_eq!((played.seen[1].started_ns, played.seen[2].started_ns), (700 * MS, 3 * S));
    }

    #[test]
    fn who_is_cut_off_at_the_ramp_down_is_hired_again_when_wanted() {
        let mut options = stages(1, &[(1, 0), (2, 0), (0, 1), (5, 1)]);
        options.graceful_ramp_down_ns = S;
        let played = play(plan(options), 1, |_, _| Act::Sleep(4 * S));
        // Cut at 2 s; hired again at 3 s.
        let started: Vec<u64> = played.seen.iter().map(|seen| seen.started_ns / S).collect();
        assert_eq!(started, [0, 3, 7]);
        assert_eq!((played.measured().done, played.measured().interrupted), (2, 1));
    }

    #[test]
    fn who_comes_back_while_its_vu_is_on_its_way_out_is_hired_when_that_has_gone() {
        linger_ns(2 * S);
        // Told at 1.4 s, away at 3.4 s; wanted again at 2 s.
        let options = stages(1, &[(1, 1), (0, 0), (1, 0), (0, 1), (4, 1)]);
        let played = play(plan(options), 1, |_, _| Act::Sleep(700 * MS));
        assert_eq!(played.hired.len(), 2);
        assert_eq!((played.seen[1].started_ns, played.seen[2].started_ns), (700 * MS, 3_400 * MS));
    }

    #[test]
    fn a_panic_while_going_is_not_replaced() {
        let options = stages(1, &[(1, 0), (9, 0)]);
        let played = play(plan(options), 1, |_, _| Act::Panic);
        // Every 10 ms until it is asked to go at 1 s.
        assert_eq!(played.measured().failed, 100);
    }

    #[test]
    fn a_stop_is_no_ramp_down() {
        let played =
            play_with_orders(plan(stages(0, &[(10, 10)])), 2, &[(5_500 * MS, Order::Stop)], |_, _| {
                Act::Sleep(S)
            });
        assert_eq!(played.ended_ns, 6 * S);
        assert_eq!(played.measured().done, 5 + 4 + 3 + 2 + 1);
    }
}
