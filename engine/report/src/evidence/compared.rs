//! Comparisons in words and figures, the same for terminal and page.

use model::compare::{Figure, Interval};
use model::runfile::{ComparisonRecord, PairRecord, RunFile, Server, SideRecord};
use model::units::{format_count, format_latency_us, format_percent, format_rate};

use crate::style::Tone;

/// How a comparison was made: "32 VUs, 6 rounds in which each side is on twice for 2 s, decided by rate".
pub(crate) fn manner(record: &ComparisonRecord) -> String {
    format!(
        "{}() with {} VUs, {} rounds in which each side is on twice for {} s; decided by {}, {} confidence each, \
         margin {}",
        record.exec,
        record.vus,
        record.rounds,
        crate::number(record.turn_s),
        record.decide_by.as_str(),
        format_percent(record.confidence),
        format_percent(record.margin)
    )
}

/// The rows of the table side by side: what it is, and each side's figure.
pub(crate) fn rows(record: &ComparisonRecord) -> Vec<(String, Vec<String>)> {
    let each = |of: &dyn Fn(&SideRecord) -> String| record.sides.iter().map(of).collect::<Vec<String>>();
    let mut rows = vec![
        ("rate".to_owned(), each(&|side| figure(side.per_s, &format_rate))),
        ("p50".to_owned(), each(&|side| figure(side.p50_ms, &time))),
        ("p99".to_owned(), each(&|side| figure(side.p99_ms, &time))),
        ("iterations".to_owned(), each(&|side| format_count(side.iterations))),
    ];
    if record.sides.iter().any(|side| side.failed > 0) {
        rows.push(("failed".to_owned(), each(&|side| format_count(side.failed))));
    }
    if let Some(ceiling) = &record.ceiling {
        let share = |side: &SideRecord| side.ceiling_share.map_or_else(|| "-".to_owned(), format_percent);
        rows.push((format!("of the ceiling ({})", format_rate(ceiling.per_s)), each(&share)));
    }
    rows
}

/// The server and the client of each side, where sides are servers.
pub(crate) fn servers(run: &RunFile, record: &ComparisonRecord) -> Vec<(String, Vec<String>)> {
    let servers: Vec<Option<&Server>> =
        record.sides.iter().map(|side| run.servers.iter().find(|server| server.name == side.name)).collect();
    if servers.iter().all(Option::is_none) {
        return Vec::new();
    }
    let each = |of: &dyn Fn(&Server) -> String| {
        servers.iter().map(|server| server.map_or_else(|| "-".to_owned(), of)).collect()
    };
    let server = each(&|server| format!("{} {}", server.kind, server.version).trim_end().to_owned());
    vec![("server".to_owned(), server), ("client".to_owned(), each(&|server| server.client.clone()))]
}

/// The mark and tone of a decision.
pub(crate) fn pair_mark(pair: &PairRecord) -> (&'static str, Tone) {
    if pair.decided { ("✓ decided", Tone::Good) } else { ("? not decided", Tone::Warn) }
}

/// The sentence of a decision, without the words that its mark says.
pub(crate) fn pair_sentence(record: &ComparisonRecord, pair: &PairRecord) -> String {
    let sentence = pair.sentence.trim_start_matches("not decided: ");
    if record.sides.len() > 2 && !pair.decided {
        format!("{} and {}: {sentence}", pair.first, pair.second)
    } else {
        sentence.to_owned()
    }
}

/// "4,120/s ±3 %".
fn figure(interval: Option<Interval>, format: &dyn Fn(f64) -> String) -> String {
    let Some(interval) = interval else { return "-".to_owned() };
    // Of a geometric mean: as far up as down in ratio.
    let spread = (interval.high / interval.low).sqrt() - 1.0;
    format!("{} ±{}", format(interval.value), format_percent(spread))
}

fn time(ms: f64) -> String {
    format_latency_us(ms * 1000.0)
}

/// Whether a figure is one of those that decide; the others are there to be read.
pub(crate) fn decides(record: &ComparisonRecord, row: &str) -> bool {
    Figure::ALL.iter().any(|figure| figure.as_str() == row && *figure == record.decide_by)
}
