//! Where in its iteration something lies, drawn in one line of characters.

/// What a stretch of a bar stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stretch {
    Wait,
    Service,
    Script,
}

impl Stretch {
    const fn mark(self) -> char {
        match self {
            Stretch::Wait => '░',
            Stretch::Service => '█',
            Stretch::Script => '·',
        }
    }
}

/// A bar of so many columns between two edges, from 0 to `whole_ms`. What is shorter than a column fills one.
pub(super) fn bar(columns: usize, whole_ms: f64, stretches: &[(Stretch, f64, f64)]) -> String {
    let mut cells = vec![' '; columns];
    let last = columns.saturating_sub(1);
    let per_column = whole_ms / columns as f64;
    // A whole of no length has everything at its begin.
    let column = |at_ms: f64| if per_column > 0.0 { ((at_ms / per_column) as usize).min(last) } else { 0 };
    for (stretch, from_ms, to_ms) in stretches {
        let from = column(*from_ms);
        // What ends just where a column begins has no part of it.
        let to = if per_column > 0.0 { (to_ms / per_column).ceil() as usize } else { 0 };
        cells[from..to.clamp(from + 1, columns)].fill(stretch.mark());
    }
    format!("│{}│", cells.into_iter().collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_shows_what_lies_where_and_nothing_vanishes() {
        let drawn = |stretches: &[(Stretch, f64, f64)]| bar(10, 100.0, stretches);
        assert_eq!(drawn(&[(Stretch::Wait, 0.0, 20.0), (Stretch::Service, 20.0, 50.0)]), "│░░███     │");
        assert_eq!(drawn(&[(Stretch::Script, 50.0, 100.0)]), "│     ·····│");
        assert_eq!(drawn(&[(Stretch::Service, 55.0, 55.001)]), "│     █    │");
        assert_eq!(drawn(&[(Stretch::Service, 100.0, 100.0)]), "│         █│");
        assert_eq!(drawn(&[(Stretch::Service, 90.0, 250.0)]), "│         █│", "it ends with its iteration");
        assert_eq!(bar(4, 0.0, &[(Stretch::Service, 0.0, 0.0)]), "│█   │");
    }
}
