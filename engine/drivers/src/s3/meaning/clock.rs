//! How far this machine's clock and a server's are apart, as far as a reply's `Date` header tells.
//!
//! A signature holds for some minutes around the time it names, so a clock that is wrong looks like a key that
//! is. Deliberately reads no clock.

use std::time::{Duration, SystemTime};

use jiff::fmt::rfc2822::DateTimeParser;
use model::units::format_duration;

/// What S3 bears with.
const BORNE_S: u64 = 15 * 60;

/// This machine's clock beside a server's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Skew {
    /// How far ours is ahead, in seconds; negative when it is behind.
    ahead_s: i64,
}

impl Skew {
    /// From the `Date` header of a reply that came at `now`; nothing when it is no date.
    pub(super) fn of(date: &str, now: SystemTime) -> Option<Self> {
        let theirs = DateTimeParser::new().parse_timestamp(date.trim()).ok()?.as_second();
        let ours = now.duration_since(SystemTime::UNIX_EPOCH).ok()?.as_secs();
        Some(Skew { ahead_s: i64::try_from(ours).ok()? - theirs })
    }

    /// Whether a store will refuse what is signed with a clock like this.
    pub(super) fn is_too_far(self) -> bool {
        self.ahead_s.unsigned_abs() > BORNE_S
    }

    /// What to do about it.
    pub(super) fn remedy(self) -> String {
        let apart = format_duration(Duration::from_secs(self.ahead_s.unsigned_abs()));
        let side = if self.ahead_s < 0 { "behind" } else { "ahead of" };
        format!(
            "this machine's clock is {apart} {side} the server's, and both clients sign with this machine's \
             clock: set it right"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(date: &str, now_s: u64) -> Option<Skew> {
        Skew::of(date, SystemTime::UNIX_EPOCH + Duration::from_secs(now_s))
    }

    #[test]
    fn a_date_header_tells_how_far_the_clocks_are_apart() {
        // 2015-10-21 07:28:00 UTC
        let (date, moment_s) = ("Wed, 21 Oct 2015 07:28:00 GMT", 1_445_412_480);
        assert_eq!(at(date, moment_s), Some(Skew { ahead_s: 0 }));
        let (ahead, behind) = (at(date, moment_s + 5400).unwrap(), at(date, moment_s - 7200).unwrap());
        assert!(
            ahead.remedy().starts_with("this machine's clock is 1h30m ahead of the server's"),
            "{ahead:?}"
        );
        assert!(behind.remedy().contains(" 2h behind the server's"), "{}", behind.remedy());
        assert!(ahead.is_too_far() && behind.is_too_far());
        assert!(
            !at(date, moment_s + 900).unwrap().is_too_far() && at(date, moment_s - 901).unwrap().is_too_far()
        );
        for odd in ["", "yesterday", "2015-10-21"] {
            assert_eq!(at(odd, moment_s), None, "{odd}");
        }
    }
}
