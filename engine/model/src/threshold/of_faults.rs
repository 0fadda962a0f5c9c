//! Judging what the load made of its faults: the worst of them all.

use super::Threshold;
use super::figures::Figure;
use super::judge::{Judgement, decided, undecided};
use crate::healing::{FaultCourse, FaultFigure, Healing};
use crate::threshold::Method;
use crate::units::format_latency_us;

/// Faults that were not done, or did not take hold, leave open how the load would have come through them.
pub(super) fn judge_faults(threshold: &Threshold, figure: &Figure<'_>, faults: &[FaultFigure]) -> Judgement {
    if let Some(fault) = faults.iter().find(|fault| fault.took_hold != Some(true)) {
        let what = if fault.took_hold.is_none() { "was not done" } else { "did not take hold" };
        return undecided(format!("fault {} {what}: there is nothing to recover from", fault.kind));
    }
    let known: Vec<(&str, &FaultCourse)> =
        faults.iter().filter_map(|fault| Some((fault.kind.as_str(), fault.course.as_ref()?))).collect();
    if known.len() < faults.len() {
        return undecided("it is known when the load is over".into());
    }
    match threshold.method {
        Method::Outage => judge_outage(threshold, figure, &known),
        _ => judge_healing(threshold, figure, &known),
    }
}

fn judge_outage(threshold: &Threshold, figure: &Figure<'_>, known: &[(&str, &FaultCourse)]) -> Judgement {
    let worst = known.iter().max_by(|(_, a), (_, b)| a.outage_s.total_cmp(&b.outage_s));
    let Some((kind, course)) = worst else { return undecided(no_fault()) };
    let mut judgement = decided(threshold, figure, course.outage_s * 1e3);
    judgement.reason = format!("nothing ended well for {}, around fault {kind}", judgement.shown);
    judgement
}

fn judge_healing(threshold: &Threshold, figure: &Figure<'_>, known: &[(&str, &FaultCourse)]) -> Judgement {
    let worst = known.iter().map(|(kind, course)| (*kind, course.worst()));
    let worst = worst.reduce(|worst, one| if one.1 > worst.1 { one } else { worst });
    let Some((kind, healing)) = worst else { return undecided(no_fault()) };
    match healing {
        Healing::NoCalm => undecided(format!("too little before fault {kind} to know calm")),
        Healing::TooShort => {
            undecided(format!("too short to tell: watching fault {kind} ended before calm had lasted"))
        }
        Healing::NotBack { s } => Judgement {
            passed: Some(false),
            value: Some(s * 1e3),
            shown: format!("> {}", format_latency_us(s * 1e6)),
            reason: format!("not back to calm within {} of fault {kind}", format_latency_us(s * 1e6)),
        },
        Healing::NeverLeft => {
            let mut judgement = decided(threshold, figure, 0.0);
            judgement.reason = "errors and response times never left their calm".to_owned();
            judgement
        }
        Healing::After { s } => {
            let mut judgement = decided(threshold, figure, s * 1e3);
            judgement.reason = format!(
                "back to calm {} after fault {kind} began, the longest of {}",
                judgement.shown,
                known.len()
            );
            judgement
        }
    }
}

fn no_fault() -> String {
    "there was no fault to recover from".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recorder::Totals;
    use crate::recorder::WindowKind::Measure;
    use crate::threshold::{Measured, judge};

    fn fault(kind: &str, outage_s: f64, response_back: Healing) -> FaultFigure {
        let course = FaultCourse {
            outage_s,
            errors_back: Healing::NeverLeft,
            response_back,
            ..FaultCourse::default()
        };
        FaultFigure { kind: kind.to_owned(), took_hold: Some(true), course: Some(course) }
    }

    fn judged(text: &str, faults: &[FaultFigure]) -> (Option<bool>, String, String) {
        let threshold = Threshold::parse("faults", text).unwrap();
        let totals = Totals::new();
        let figures = Measured::new(totals.window(Measure), (0, 60_000_000_000)).with_faults(faults);
        let Judgement { passed, shown, reason, .. } = judge(&threshold, &figures);
        (passed, shown, reason)
    }

    #[test]
    fn the_worst_of_all_faults_is_judged() {
        let faults =
            [fault("kill", 1.25, Healing::After { s: 4.5 }), fault("pause", 3.0, Healing::After { s: 3.5 })];
        let (passed, shown, reason) = judged("recovery < 4s", &faults);
        assert_eq!((passed, shown.as_str()), (Some(false), "4.5s"));
        assert_eq!(reason, "back to calm 4.5s after fault kill began, the longest of 2");
        assert_eq!(judged("recovery < 5s", &faults).0, Some(true));
        let (passed, shown, reason) = judged("outage <= 2500ms", &faults);
        assert_eq!((passed, shown.as_str()), (Some(false), "3s"));
        assert_eq!(reason, "nothing ended well for 3s, around fault pause");
        assert_eq!(judged("outage <= 3s", &faults).0, Some(true));
        assert_eq!(judged("count == 2", &faults).0, Some(true));
        assert_eq!(judged("recovery < 1s", &[fault("lock", 0.0, Healing::NeverLeft)]).0, Some(true));
    }

    #[test]
    fn what_cannot_be_told_is_no_pass() {
        let good = fault("kill", 0.1, Healing::After { s: 1.0 });
        let with = |other: FaultFigure| judged("recovery < 1h", &[good.clone(), other]);
        let (passed, shown, reason) = with(fault("pause", 0.1, Healing::NotBack { s: 40.0 }));
        assert_eq!((passed, shown.as_str()), (Some(false), "> 40s"));
        assert_eq!(reason, "not back to calm within 40s of fault pause");
        assert_eq!(with(fault("pause", 0.1, Healing::TooShort)).0, None);
        assert_eq!(
            with(fault("pause", 0.1, Healing::NoCalm)).2,
            "too little before fault pause to know calm"
        );
        let undone = FaultFigure { took_hold: Some(false), ..good.clone() };
        assert_eq!(with(undone).2, "fault kill did not take hold: there is nothing to recover from");
        let running = FaultFigure { course: None, ..good.clone() };
        assert_eq!(with(running).2, "it is known when the load is over");
        assert_eq!(judged("outage < 1s", &[]).2, "there was no fault to recover from");
    }

    #[test]
    fn only_faults_have_outages_and_they_are_times() {
        let told = |metric: &str, text: &str| {
            let error = Threshold::parse(metric, text).unwrap_err();
            format!("{}; {}", error.problem, error.remedy)
        };
        assert_eq!(told("faults", "p(95) < 1s"), "`faults` has no p(95); it has recovery, outage or count");
        assert_eq!(
            told("faults", "outage < 10"),
            "outage is a time and needs its unit; write for example 10s"
        );
        assert_eq!(told("faults", "outge < 10s"), "there is no method `outge`; did you mean outage?");
        assert!(told("iteration_duration", "outage < 1s").starts_with("`iteration_duration` has no outage"));
        assert!(told("faults{outcome:ok}", "outage < 1s").starts_with("`faults` cannot be narrowed"));
    }
}
