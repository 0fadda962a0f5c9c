//! `shared-iterations`: a given number of iterations, taken by whichever VU is free.
//!
//! The VUs of all cores draw from one counter, so a quick VU runs more of them than a slow one and none is idle
//! while another has work left. Segments share the numbers out beforehand.

use model::segment::Segment;

use crate::plan::{ScenarioProblem, check};

/// Options of `shared-iterations`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SharedIterations {
    /// How many VUs.
    pub vus: u32,
    /// How many iterations they run in all.
    pub iterations: u64,
    /// After this time no further iteration is started.
    pub max_duration_ns: u64,
}

impl SharedIterations {
    pub(super) fn problems(&self, segment: Segment, found: &mut Vec<ScenarioProblem>) {
        check::vus("vus", self.vus, found);
        check::enough_for(segment, "vus", self.vus, found);
        check::iterations(self.iterations, found);
        check::time("max_duration", self.max_duration_ns, found);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Act, S, plan, play};

    fn ten_for_three() -> SharedIterations {
        SharedIterations { vus: 3, iterations: 10, max_duration_ns: 60 * S }
    }

    #[test]
    fn a_quick_vu_runs_more_of_them_than_a_slow_one() {
        for cores in [1, 2] {
            let played =
                play(plan(ten_for_three()), cores, |_, vu| Act::Sleep(if vu == 0 { S } else { 3 * S }));
            let numbers: Vec<u64> = played.schedule().into_iter().map(|(number, _)| number).collect();
            assert_eq!(numbers, (0..10).collect::<Vec<_>>(), "each once, on {cores} cores");
            let of_vu = |vu| played.seen.iter().filter(|seen| seen.vu == vu).count();
            assert_eq!((of_vu(0), of_vu(1), of_vu(2)), (6, 2, 2));
        }
    }

    #[test]
    fn segments_share_the_numbers_out() {
        let mut plan = plan(ten_for_three());
        plan.segment.count = 3;
        let mut all = Vec::new();
        for index in 1..=3 {
            plan.segment.index = index;
            let played = play(plan.clone(), 2, |_, _| Act::Sleep(S));
            all.extend(played.schedule().into_iter().map(|(number, _)| number));
        }
        all.sort_unstable();
        assert_eq!(all, (0..10).collect::<Vec<_>>());
    }

    #[test]
    fn what_is_not_begun_within_the_max_duration_is_left() {
        let options = SharedIterations { vus: 2, iterations: 10, max_duration_ns: 3 * S };
        let played = play(plan(options), 1, |_, _| Act::Sleep(2 * S));
        assert_eq!((played.measured().done, played.ended_ns), (4, 4 * S));
    }

    #[test]
    fn fewer_vus_than_segments_are_refused() {
        let mut plan = plan(ten_for_three());
        (plan.segment.index, plan.segment.count) = (1, 4);
        let problems = plan.validate().expect_err("a segment would be idle and its iterations lost");
        assert!(problems.to_string().contains("too few for 4 segments"), "{problems}");
    }
}
