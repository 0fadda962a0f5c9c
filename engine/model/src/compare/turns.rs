//! Who is on when: `A B B A`, then `B A A B`, and so on.

/// The order in which `sides` take turns over `rounds`, as indices of sides. In each round every side is on twice, the
/// second time in reverse order, so that a drift that is straight over the round meets all alike; every other round
/// begins with the other end, so that none is always the first after a pause.
pub fn turns(sides: usize, rounds: usize) -> Vec<usize> {
    let there = 0..sides;
    let round = |round: usize| {
        let back = there.clone().rev();
        let order: Vec<usize> = if round.is_multiple_of(2) {
            there.clone().chain(back).collect()
        } else {
            back.chain(there.clone()).collect()
        };
        order
    };
    (0..rounds).flat_map(round).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn two_sides_go_there_and_back() {
        assert_eq!(turns(2, 3), [0, 1, 1, 0, 1, 0, 0, 1, 0, 1, 1, 0]);
        assert_eq!(turns(3, 1), [0, 1, 2, 2, 1, 0]);
    }

    proptest! {
        #[test]
        fn in_each_round_all_are_on_twice_at_the_same_mean_time(sides in 1usize..6, rounds in 0usize..6) {
            let order = turns(sides, rounds);
            prop_assert_eq!(order.len(), 2 * sides * rounds);
            for round in order.chunks(2 * sides) {
                for side in 0..sides {
                    let at: Vec<usize> = (0..round.len()).filter(|n| round[*n] == side).collect();
                    prop_assert_eq!(at.len(), 2);
                    prop_assert_eq!(at[0] + at[1], 2 * sides - 1);
                }
            }
        }
    }
}
