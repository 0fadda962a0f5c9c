//! "Did you mean …?": the nearest of the words that would have been right.
//!
//! Deliberately does not know what the words are for.

/// The candidate nearest to `word`, or nothing when none is near enough to be what was meant.
///
/// Nearness is the Damerau-Levenshtein distance without regard to case: at most one slip for every three
/// characters, so that `constnt-vus` finds `constant-vus` and `banana` finds nothing. A candidate that
/// `word` is the beginning of also counts, as in `iter` for `iterations`.
pub fn did_you_mean<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = word.to_lowercase();
    if lower.is_empty() {
        return None;
    }
    let tolerance = (lower.chars().count() / 3).max(1);
    let mut nearest: Option<(usize, &'a str)> = None;
    for candidate in candidates {
        let other = candidate.to_lowercase();
        // A one-letter word is within one slip of every other one-letter word: that is no hint.
        let slips = strsim::damerau_levenshtein(&lower, &other);
        let is_prefix = lower.chars().count() >= 3 && other.starts_with(&lower);
        let near = slips <= tolerance && slips < other.chars().count().max(lower.chars().count());
        let rank = if is_prefix && !near { tolerance + 1 } else { slips };
        if (near || is_prefix) && nearest.is_none_or(|(best, _)| rank < best) {
            nearest = Some((rank, candidate));
        }
    }
    nearest.map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXECUTORS: [&str; 4] = ["constant-vus", "ramping-vus", "shared-iterations", "arrival-rate"];

    #[test]
    fn a_slip_finds_its_word() {
        assert_eq!(did_you_mean("constnt-vus", EXECUTORS), Some("constant-vus"));
        assert_eq!(did_you_mean("Ramping_VUs", EXECUTORS), Some("ramping-vus"));
        assert_eq!(did_you_mean("arival-rate", EXECUTORS), Some("arrival-rate"));
    }

    #[test]
    fn a_beginning_finds_the_whole() {
        assert_eq!(did_you_mean("shared", EXECUTORS), Some("shared-iterations"));
    }

    #[test]
    fn nothing_near_means_no_hint() {
        assert_eq!(did_you_mean("banana", EXECUTORS), None);
        assert_eq!(did_you_mean("", EXECUTORS), None);
        assert_eq!(did_you_mean("x", ["s", "m"]), None);
    }

    #[test]
    fn the_nearest_wins_and_the_first_wins_a_tie() {
        assert_eq!(did_you_mean("pus", ["pop", "push"]), Some("push"));
        assert_eq!(did_you_mean("mxn", ["min", "max"]), Some("min"));
    }
}
