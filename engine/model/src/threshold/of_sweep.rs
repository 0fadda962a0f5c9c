//! Judging what a sweep found: its plateau and its knee.

use super::Method;
use super::Threshold;
use super::figures::Figure;
use super::judge::{Judgement, decided, undecided};

/// What a sweep found, each figure or why there is none.
#[derive(Debug, Clone, PartialEq)]
pub struct SweepFigures {
    /// The rate of the plateau.
    pub plateau: Result<f64, String>,
    /// The value of the knee.
    pub knee: Result<f64, String>,
    /// Both with their intervals, in one sentence.
    pub sentence: String,
}

impl SweepFigures {
    /// There is neither, for this reason.
    pub fn none(reason: &str) -> Self {
        SweepFigures {
            plateau: Err(reason.to_owned()),
            knee: Err(reason.to_owned()),
            sentence: String::new(),
        }
    }
}

/// By the estimate; what was not decided is not judged.
pub(super) fn judge_sweep(threshold: &Threshold, figure: &Figure<'_>, found: &SweepFigures) -> Judgement {
    let value = if threshold.method == Method::Knee { &found.knee } else { &found.plateau };
    match value {
        Err(why) => undecided(why.clone()),
        Ok(value) => Judgement { reason: found.sentence.clone(), ..decided(threshold, figure, *value) },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recorder::WindowTotals;
    use crate::threshold::{Measured, judge};

    fn told(text: &str) -> String {
        let error = Threshold::parse("sweep", text).unwrap_err();
        format!("{} {}; {}", error.offset, error.problem, error.remedy)
    }

    #[test]
    fn plateau_and_knee_are_all_that_can_be_asked_of_a_sweep() {
        for text in ["plateau > 1000/s", "plateau", "knee >= 8", "knee", "plateau<=2e6"] {
            assert!(Threshold::parse("sweep", text).is_ok(), "{text}");
        }
        assert_eq!(told("rate > 5/s"), "0 `sweep` has no rate; it has plateau or knee");
        assert_eq!(told("count > 5"), "0 `sweep` has no count; it has plateau or knee");
        assert_eq!(told("knne >= 8"), "0 there is no method `knne`; did you mean knee?");
        assert_eq!(told("plateau > 5ms"), "10 plateau of `sweep` is not measured in ms; write a bare number");
        assert_eq!(told("knee > 5%"), "7 knee of `sweep` is not measured in %; write a bare number");
        assert!(told("plateau > 5/min").contains("`/min` does not fit plateau"));
        assert!(told("knee > 5/s").contains("`/s` does not fit knee"));
        let of_others = Threshold::parse("errors", "knee > 5").unwrap_err();
        assert_eq!(of_others.problem, "`errors` has no knee");
        assert!(Threshold::parse("depth", "plateau > 5/s").is_err(), "only a sweep's plateau is a rate");
    }

    #[test]
    fn a_sweep_is_judged_by_its_estimates_and_no_sweep_is_no_pass() {
        let totals = WindowTotals::default();
        let judged =
            |measured: &Measured<'_>, text: &str| judge(&Threshold::parse("sweep", text).unwrap(), measured);
        let none = Measured::new(&totals, (0, 1));
        let found = judged(&none, "knee >= 8");
        assert_eq!((found.passed, found.value), (None, None));
        assert!(found.reason.contains("this run has no sweep"), "{}", found.reason);
        let rising = "no knee: still rising at 512".to_owned();
        let figures = SweepFigures {
            plateau: Ok(1234.5),
            knee: Err(rising.clone()),
            sentence: "plateau of so much".into(),
        };
        let swept = Measured::new(&totals, (0, 1)).with_sweep(&figures);
        let found = judged(&swept, "plateau > 1000/s");
        assert_eq!((found.passed, found.value, found.shown.as_str()), (Some(true), Some(1234.5), "1,235/s"));
        assert_eq!(found.reason, "plateau of so much");
        assert_eq!(judged(&swept, "plateau > 2000/s").passed, Some(false));
        assert_eq!(judged(&swept, "plateau").passed, Some(true));
        assert_eq!((judged(&swept, "knee").passed, judged(&swept, "knee").reason), (None, rising));
    }
}
