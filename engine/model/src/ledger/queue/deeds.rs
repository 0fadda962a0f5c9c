//! What can be done to a queue, in a few words of memory each.

/// The last priority that is told apart.
pub(super) const PRIORITY_AT_MOST: u32 = (1 << 31) - 1;

/// When a deed happened, on the ledger's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// Not before this.
    pub began_ns: u64,
    /// Not after this, if the server answered.
    pub ended_ns: u64,
}

/// How items are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taking {
    /// For good.
    Pop,
    /// For as long as a lease holds, or until it is completed.
    Claim {
        /// How long the server keeps the item from others.
        lease_ns: u64,
    },
}

/// The longest span that is kept as it is, in µs; one that is longer (71 minutes) has no end.
const ENDLESS: u32 = u32::MAX;

/// A span in 12 bytes: its end is rounded up to the next µs after its beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(Rust, packed(4))]
pub(super) struct Kept {
    began_ns: u64,
    took_us: u32,
}

impl From<Span> for Kept {
    fn from(span: Span) -> Self {
        let took_us = span.ended_ns.saturating_sub(span.began_ns).div_ceil(1000);
        Kept { began_ns: span.began_ns, took_us: u32::try_from(took_us).unwrap_or(ENDLESS) }
    }
}

impl Kept {
    pub(super) fn began_ns(self) -> u64 {
        self.began_ns
    }

    pub(super) fn ended_ns(self) -> u64 {
        match self.took_us {
            ENDLESS => u64::MAX,
            took_us => self.began_ns.saturating_add(u64::from(took_us) * 1000),
        }
    }
}

/// A push that was done, or may have been.
#[derive(Debug, Clone, Copy)]
pub(super) struct Push {
    pub(super) key: u64,
    pub(super) delay_ns: u64,
    pub(super) span: Kept,
    /// Twice the priority; one more when the push was acknowledged.
    rank: u32,
}

impl Push {
    pub(super) fn new(key: u64, priority: u32, delay_ns: u64, span: Span, is_known: bool) -> Self {
        let rank = priority.min(PRIORITY_AT_MOST) << 1 | u32::from(is_known);
        Push { key, delay_ns, span: span.into(), rank }
    }

    pub(super) fn priority(self) -> u32 {
        self.rank >> 1
    }

    /// Whether it was acknowledged.
    pub(super) fn is_known(self) -> bool {
        self.rank & 1 == 1
    }

    /// When it was there to be taken at the latest; for an acknowledged one.
    pub(super) fn visible_ns(self) -> u64 {
        self.span.ended_ns().saturating_add(self.delay_ns)
    }

    /// When it was there to be taken at the earliest.
    pub(super) fn visible_from_ns(self) -> u64 {
        self.span.began_ns().saturating_add(self.delay_ns)
    }
}

/// An item that was taken for certain.
#[derive(Debug, Clone, Copy)]
pub(super) struct Take {
    pub(super) key: u64,
    pub(super) span: Kept,
    /// Twice the place of its lease, 0 for a pop; one more when it came in the same reply as the one before.
    how: u32,
}

impl Take {
    pub(super) fn new(key: u64, span: Span, lease: u32, continues: bool) -> Self {
        Take { key, span: span.into(), how: lease << 1 | u32::from(continues) }
    }

    /// The same under another place of its lease.
    pub(super) fn with_lease(self, lease: u32) -> Self {
        Take { how: lease << 1 | u32::from(self.continues()), ..self }
    }

    /// Whether it came in the same reply as the one that was noted before it.
    pub(super) fn continues(self) -> bool {
        self.how & 1 == 1
    }

    /// The place of its lease, from 1; 0 for a pop.
    pub(super) fn lease(self) -> usize {
        (self.how >> 1) as usize
    }
}

/// A completion of one item.
#[derive(Debug, Clone, Copy)]
pub(super) struct Completion {
    pub(super) key: u64,
    pub(super) span: Kept,
    pub(super) is_known: bool,
}

/// A take that nobody knows the outcome of, or that came to nothing, and may have held items meanwhile.
#[derive(Debug, Clone, Copy)]
pub(super) struct OpenTake {
    pub(super) span: Span,
    pub(super) asked: u32,
    pub(super) is_pop: bool,
    /// Whether it certainly came to nothing.
    pub(super) is_undone: bool,
}
