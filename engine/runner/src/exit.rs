//! The exit codes of the program, and which one wins when several apply.

/// A code with which the program ends. From 99 on they are k6's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum ExitCode {
    /// Everything went as it should.
    Good = 0,
    /// Something that has no code of its own: a server that cannot be reached, a disk that is full.
    Other = 1,
    /// A threshold was missed.
    ThresholdMissed = 99,
    /// Wrong configuration, wrong flags, wrong options in the script.
    Usage = 104,
    /// Somebody pressed Ctrl-C.
    Interrupted = 105,
    /// The script is wrong.
    ScriptError = 107,
    /// The script said `abort(…)`.
    Aborted = 108,
}

/// From the one that wins to the one that yields to all others. An abort wins over a missed threshold, as in k6:
/// most thresholds are missed by a run that was cut short.
const PRECEDENCE: [ExitCode; 7] = [
    ExitCode::Interrupted,
    ExitCode::ScriptError,
    ExitCode::Usage,
    ExitCode::Aborted,
    ExitCode::ThresholdMissed,
    ExitCode::Other,
    ExitCode::Good,
];

impl ExitCode {
    /// The number that the shell sees.
    #[must_use]
    pub fn code(self) -> u8 {
        self as u8
    }

    /// The code for a run to which all of these apply.
    #[must_use]
    pub fn of(applying: &[ExitCode]) -> ExitCode {
        PRECEDENCE.into_iter().find(|code| applying.contains(code)).unwrap_or(ExitCode::Good)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stronger_code_wins() {
        use ExitCode::{Aborted, Good, Interrupted, Other, ScriptError, ThresholdMissed, Usage};
        assert_eq!(ExitCode::of(&[]), Good);
        assert_eq!(ExitCode::of(&[ThresholdMissed, Interrupted]), Interrupted);
        assert_eq!(ExitCode::of(&[ThresholdMissed, ScriptError]), ScriptError);
        assert_eq!(ExitCode::of(&[ThresholdMissed, Usage]), Usage);
        assert_eq!(ExitCode::of(&[Other, ThresholdMissed, Aborted]), Aborted);
        assert_eq!(ExitCode::of(&[Good, Other]), Other);
        assert_eq!(ScriptError.code(), 107);
    }
}
