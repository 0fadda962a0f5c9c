//! What a sweep found, in one sentence.

use model::{
    sweep::{Found, Knee},
    units::format_rate,
};
use report::number;

/// "knee at 8 (4 to 16), plateau 1,234/s (1,200/s to 1,260/s); falls behind 64".
pub(super) fn of(found: &Found) -> String {
    match &found.knee {
        Knee::NotDecided(reason) => format!("not decided: {reason}"),
        Knee::StillRising { last, unless } => {
            let mut text = format!("no knee: still rising at {}", number(*last));
            if let Some(value) = unless {
                text.push_str(&format!(" (one at {} is not ruled out)", number(*value)));
            }
            text
        }
        Knee::At { at, low, high } => {
            let high = high.map_or_else(|| "beyond the last".to_owned(), number);
            let mut text = format!("knee at {} ({} to {high})", number(*at), number(*low));
            if let Some(level) = found.plateau {
                let (value, low, high) = (level.value, level.low, level.high);
                let [value, low, high] = [value, low, high].map(format_rate);
                text.push_str(&format!(", plateau {value} ({low} to {high})"));
            }
            if let Some(value) = found.falls_behind {
                text.push_str(&format!("; falls behind {}", number(value)));
            }
            text
        }
    }
}
