//! Names and queries as series and marks show them.

use std::collections::{BTreeMap, BTreeSet};

/// Characters of a query that a mark shows.
const QUERY_CHARS: usize = 80;

/// A name that others chose, as a part of a series' name: letters, digits, `-` and `_`.
pub(super) fn as_series_part(name: &str) -> String {
    let part: String =
        name.chars().map(|c| if c.is_alphanumeric() || c == '-' { c } else { '_' }).take(60).collect();
    if part.is_empty() { "unnamed".to_owned() } else { part }
}

/// 1st, 2nd, 3rd, 4th, 11th, 21st.
pub(super) fn ordinal(number: i64) -> String {
    let ending = match (number % 10, number % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{number}{ending}")
}

/// The beginning of a query in one line. Literals are left out: they may be secrets, and say little.
pub(super) fn shown_query(query: &str) -> String {
    let mut shown = String::new();
    let mut is_quoted = false;
    for c in query.split_whitespace().collect::<Vec<_>>().join(" ").chars() {
        match c {
            '\'' if is_quoted => shown.push_str("…'"),
            _ if is_quoted => {}
            other => shown.push(other),
        }
        is_quoted ^= c == '\'';
    }
    if is_quoted {
        shown.push('…');
    }
    match shown.char_indices().nth(QUERY_CHARS) {
        Some((end, _)) => format!("{}…", &shown[..end]),
        None => shown,
    }
}

/// A rough time: `0.4 s`, `35 s`, `12 min`.
pub(super) fn shown_seconds(seconds: f64) -> String {
    match seconds {
        s if s < 10.0 => format!("{s:.1} s"),
        s if s < 120.0 => format!("{s:.0} s"),
        s => format!("{:.0} min", s / 60.0),
    }
}

/// Names that become series, as many as there may be. Those that come later are counted together.
#[derive(Debug)]
pub(super) struct Bounded {
    at_most: usize,
    known: BTreeSet<String>,
    overflows: bool,
}

impl Bounded {
    pub(super) fn new(at_most: usize) -> Bounded {
        Bounded { at_most, known: BTreeSet::new(), overflows: false }
    }

    /// A value for each name that was ever let in (zero when it is not there now), the most frequent of the
    /// newcomers let in first, and the sum of all others as `other`.
    pub(super) fn spread(&mut self, mut counts: BTreeMap<String, f64>) -> Vec<(String, f64)> {
        let mut newcomers: Vec<(&String, f64)> =
            counts.iter().filter(|(name, _)| !self.known.contains(*name)).map(|(n, c)| (n, *c)).collect();
        newcomers.sort_by(|(_, a), (_, b)| b.total_cmp(a));
        let room = self.at_most.saturating_sub(self.known.len());
        self.overflows |= newcomers.len() > room;
        self.known.extend(newcomers.into_iter().take(room).map(|(name, _)| name.clone()));
        let mut spread: Vec<(String, f64)> =
            self.known.iter().map(|name| (name.clone(), counts.remove(name).unwrap_or_default())).collect();
        if self.overflows {
            // Not `sum`: that of nothing is -0.
            spread.push(("other".to_owned(), counts.into_values().fold(0.0, |sum, count| sum + count)));
        }
        spread
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_names_fit_into_a_series() {
        assert_eq!(as_series_part("PostgreSQL JDBC Driver"), "PostgreSQL_JDBC_Driver");
        assert_eq!(as_series_part("a.b,\"c\"\n"), "a_b__c__");
        assert_eq!(as_series_part(""), "unnamed");
        assert_eq!(as_series_part(&"x".repeat(100)).len(), 60);
    }

    #[test]
    fn ordinals_are_english() {
        let words = [1, 2, 3, 4, 11, 12, 13, 21, 102, 111].map(ordinal);
        assert_eq!(words, ["1st", "2nd", "3rd", "4th", "11th", "12th", "13th", "21st", "102nd", "111th"]);
    }

    #[test]
    fn a_query_shows_its_shape_and_no_literal() {
        let query = "ALTER ROLE x\n  PASSWORD 'hunter2' VALID UNTIL 'it''s'";
        let shown = shown_query(query);
        assert_eq!(shown, "ALTER ROLE x PASSWORD '…' VALID UNTIL '…''…'");
        assert_eq!(shown_query("SELECT 'never closed"), "SELECT '…");
        let long = shown_query(&"x".repeat(200));
        assert_eq!(long.chars().count(), QUERY_CHARS + 1);
    }

    #[test]
    fn names_are_bounded_and_stay() {
        let counts = |pairs: &[(&str, f64)]| pairs.iter().map(|(n, c)| ((*n).to_owned(), *c)).collect();
        let mut names = Bounded::new(2);
        let spread = |names: &mut Bounded, pairs: &[(&str, f64)]| {
            let spread = names.spread(counts(pairs));
            spread.iter().map(|(name, count)| format!("{name}={count}")).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(spread(&mut names, &[("a", 1.0)]), "a=1");
        assert_eq!(spread(&mut names, &[("b", 1.0), ("c", 5.0), ("d", 2.0)]), "a=0 c=5 other=3");
        assert_eq!(spread(&mut names, &[("b", 9.0)]), "a=0 c=0 other=9");
        assert_eq!(spread(&mut names, &[]), "a=0 c=0 other=0");
    }
}
