//! What the scenarios of one core share: its clock, its recorder, its counts, and how it divides its time.

use std::{
    cell::{Cell, RefCell},
    collections::HashSet,
    rc::Rc,
    sync::Arc,
};

use model::recorder::Recorder;

use crate::{bell::Bell, time::RealTime};

/// How long a VU may hold its core before the others get their turn, when it is alone in wanting more.
pub const SLICE_NS: u64 = 500_000;

/// How many tasks a core polls before it looks at its timers and sockets again.
///
/// Many VUs that want more share one slice between two looks: each yields after its part of [`SLICE_NS`]. A look
/// costs about half a microsecond.
pub const POLLS_BETWEEN_LOOKS: u32 = 16;

/// Distinct panic messages that a core reports as events.
const MAX_PANIC_MESSAGES: usize = 100;

/// What a core's crew is made from. Created on the core's own thread.
#[derive(Clone, Debug)]
pub struct CoreContext<T = RealTime> {
    /// Which core, from 0.
    pub core: usize,
    /// How many there are.
    pub cores: usize,
    /// The core's recorder.
    pub recorder: Rc<RefCell<Recorder>>,
    /// The core's clock.
    pub time: T,
}

impl<T> CoreContext<T> {
    /// A core with an empty recorder.
    pub fn new(core: usize, cores: usize, time: T) -> Self {
        Self { core, cores, recorder: Rc::new(RefCell::new(Recorder::new())), time }
    }
}

/// The inner state of one core.
#[derive(Debug)]
pub(crate) struct Core<T> {
    pub(crate) context: CoreContext<T>,
    /// VUs inside a turn.
    pub(crate) busy: Cell<u64>,
    /// The most at once since an interval was sent.
    pub(crate) busy_most: Cell<u64>,
    /// VUs that exist.
    pub(crate) live: Cell<u64>,
    /// The most at once since an interval was sent.
    pub(crate) live_most: Cell<u64>,
    /// Rings when the last VU that was hired so far has been made.
    pub(crate) all_made: Arc<Bell>,
    unmade: Cell<u64>,
    yielding: Cell<u64>,
    slice_ns: Cell<u64>,
    panic_messages: RefCell<HashSet<String>>,
}

impl<T> Core<T> {
    pub(crate) fn new(context: CoreContext<T>) -> Rc<Self> {
        Rc::new(Self {
            context,
            busy: Cell::new(0),
            busy_most: Cell::new(0),
            live: Cell::new(0),
            live_most: Cell::new(0),
            all_made: Arc::default(),
            unmade: Cell::new(0),
            yielding: Cell::new(0),
            slice_ns: Cell::new(SLICE_NS),
            panic_messages: RefCell::default(),
        })
    }

    /// A VU was hired and is not made yet.
    pub(crate) fn hired(&self) {
        self.live.set(self.live.get() + 1);
        self.live_most.set(self.live_most.get().max(self.live.get()));
        self.unmade.set(self.unmade.get() + 1);
    }

    /// A VU was made (or died of it).
    pub(crate) fn made(&self) {
        self.unmade.set(self.unmade.get() - 1);
        if self.unmade.get() == 0 {
            self.all_made.ring();
        }
    }

    pub(crate) fn has_unmade(&self) -> bool {
        self.unmade.get() > 0
    }

    /// For how long a VU may hold this core now.
    #[inline]
    pub(crate) fn slice_ns(&self) -> u64 {
        self.slice_ns.get()
    }

    /// One VU more has given the core away although it could go on.
    pub(crate) fn yields(&self) {
        self.set_yielding(self.yielding.get() + 1);
    }

    /// One of them goes on, or has ended.
    pub(crate) fn resumes(&self) {
        self.set_yielding(self.yielding.get() - 1);
    }

    fn set_yielding(&self, yielding: u64) {
        self.yielding.set(yielding);
        // The one that is about to run, and those that wait to.
        let sharing = (yielding + 1).min(u64::from(POLLS_BETWEEN_LOOKS));
        self.slice_ns.set(SLICE_NS / sharing);
    }

    /// Whether this panic is to be reported: the first of its message, as long as there are not too many.
    pub(crate) fn is_new_panic(&self, message: &str) -> bool {
        let mut messages = self.panic_messages.borrow_mut();
        messages.len() < MAX_PANIC_MESSAGES && messages.insert(message.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::HeldTime;

    #[test]
    fn those_who_want_more_share_one_slice() {
        let core = Core::new(CoreContext::new(0, 1, HeldTime::new()));
        assert_eq!(core.slice_ns(), SLICE_NS);
        core.yields();
        assert_eq!(core.slice_ns(), SLICE_NS / 2);
        (0..100).for_each(|_| core.yields());
        assert_eq!(core.slice_ns(), SLICE_NS / u64::from(POLLS_BETWEEN_LOOKS));
        (0..101).for_each(|_| core.resumes());
        assert_eq!(core.slice_ns(), SLICE_NS);
    }

    #[test]
    fn a_panic_is_news_once() {
        let core = Core::new(CoreContext::new(0, 1, HeldTime::new()));
        assert!(core.is_new_panic("one"));
        assert!(!core.is_new_panic("one"));
        let others = (0..1_000).filter(|n| core.is_new_panic(&n.to_string())).count();
        assert_eq!(others, MAX_PANIC_MESSAGES - 1);
    }
}
