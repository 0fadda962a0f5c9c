//! How a load came through a fault, in a few words.

use model::healing::{FaultCourse, Healing};
use model::units::{format_count, format_latency_us};

use crate::words::seconds;

/// `2.7s`, `never left calm`: known to a second, from a begin that is known better.
pub(crate) fn healing(healing: Healing) -> String {
    let time = |s: f64| seconds((s * 10.0).round() / 10.0);
    match healing {
        Healing::NeverLeft => "never left calm".to_owned(),
        Healing::After { s } => time(s),
        Healing::TooShort => "too short to tell".to_owned(),
        Healing::NotBack { s } => format!("not back in {}", time(s)),
        Healing::NoCalm => "no calm before it".to_owned(),
    }
}

/// `1.02s`, `none`.
pub(crate) fn outage(course: &FaultCourse) -> String {
    if course.has_outage() { format_latency_us(course.outage_s * 1e6) } else { "none".to_owned() }
}

/// `30 (57P01 28, timeout 2)`, the most frequent first.
pub(crate) fn errors(course: &FaultCourse) -> String {
    let mut classes: Vec<(&String, &u64)> = course.error_classes.iter().collect();
    classes.sort_by(|a, b| b.1.cmp(a.1).then(a.0.cmp(b.0)));
    let words: Vec<String> =
        classes.iter().map(|(class, count)| format!("{class} {}", format_count(**count))).collect();
    let count = format_count(course.errors);
    if words.is_empty() { count } else { format!("{count} ({})", words.join(", ")) }
}

/// The whole course as one sentence without its end.
pub(crate) fn course(course: &FaultCourse) -> String {
    let calm = course.calm_gap_s.map_or(String::new(), |calm_s| {
        format!(" (in calm nothing ended for {} at most)", format_latency_us(calm_s * 1e6))
    });
    let errors = match course.errors {
        0 => "no errors".to_owned(),
        _ => format!("errors: {}", errors(course)),
    };
    format!(
        "outage: {}{calm}; {errors}; recovery of errors: {}, of response p95: {}",
        outage(course),
        healing(course.errors_back),
        healing(course.response_back)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_course_is_told_in_one_sentence() {
        let told = course(&FaultCourse {
            outage_s: 1.0214,
            calm_gap_s: Some(0.011),
            errors: 1_030,
            error_classes: [("57P01".to_owned(), 30), ("refused".to_owned(), 1_000)].into(),
            errors_back: Healing::After { s: 2.7 },
            response_back: Healing::NotBack { s: 39.5 },
        });
        assert_eq!(
            told,
            "outage: 1.02s (in calm nothing ended for 11ms at most); errors: 1,030 (refused 1,000, 57P01 30); \
             recovery of errors: 2.7s, of response p95: not back in 39.5s"
        );
        let nothing = FaultCourse { outage_s: 0.011, calm_gap_s: Some(0.011), ..FaultCourse::default() };
        assert_eq!(
            course(&nothing),
            "outage: none (in calm nothing ended for 11ms at most); no errors; recovery of errors: no calm before it, of \
             response p95: no calm before it"
        );
    }
}
