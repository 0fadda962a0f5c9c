//! The phases of a run as load knows them. Set-up, verification and teardown are the runner's.

/// Where a run stands. A run only moves forwards; stopping it early skips what lies between.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Phase {
    /// VUs are being made; the clock stands at 0.
    Starting,
    /// Turns are planned, and kept out of the figures.
    WarmUp,
    /// The measured window.
    Measure,
    /// Nothing is started any more; what runs may end within its scenario's graceful stop.
    Drain,
    /// Every VU has ended.
    Over,
}

impl Phase {
    const ALL: [Phase; 5] = [Phase::Starting, Phase::WarmUp, Phase::Measure, Phase::Drain, Phase::Over];

    pub(crate) fn from_u8(number: u8) -> Self {
        Self::ALL[usize::from(number).min(Self::ALL.len() - 1)]
    }

    /// The name for users: `warm-up`.
    pub fn as_str(self) -> &'static str {
        match self {
            Phase::Starting => "starting",
            Phase::WarmUp => "warm-up",
            Phase::Measure => "measure",
            Phase::Drain => "drain",
            Phase::Over => "over",
        }
    }
}
