//! The bridge between a synchronous script and asynchronous operations. Nothing else knows how it works.
//!
//! A [`Fiber`] runs a closure on a stack of its own. Inside, [`wait_for`] takes a future, pins it on that stack and
//! suspends; the fiber's own `poll` then polls the future on the thread's main stack and resumes the closure with
//! the result. Nothing is allocated, and TLS or Postgres code never eats a script's stack.
//!
//! ```text
//!   runtime ── poll ──▶ Fiber::poll ──── resume ───▶ closure … wait_for(future)
//!                          ▲  polls the asked future ◀── suspend(&mut future) ──┘
//! ```
//!
//! States of a fiber, and what happens to each:
//!
//! | state     | poll                                   | drop                                        |
//! |-----------|----------------------------------------|---------------------------------------------|
//! | fresh     | closure starts                         | closure is dropped, unrun                   |
//! | waiting   | asked future is polled; resume if ready| closure is resumed with [`Cancelled`] until it returns |
//! | done      | (not polled again)                     | stack goes back to its pool                 |
//!
//! A closure that keeps on waiting after it was told that it is cancelled is left for good: its stack and what
//! lives on it leak. Unwinding it by force instead would run `Drop` code behind the interpreter's back.
//!
//! Deliberately absent: Rhai, virtual users, schedules.

use std::{
    cell::Cell,
    future::Future,
    mem::ManuallyDrop,
    pin::{Pin, pin},
    ptr::NonNull,
    task::{Context, Poll},
};

use corosensei::{Coroutine, CoroutineResult, Yielder};

use crate::stack::{PooledStack, StackPool};

/// What a suspended closure asks for: a future pinned on its stack.
type Asked = NonNull<dyn Future<Output = ()>>;

/// How a suspended closure is resumed.
#[derive(Clone, Copy)]
enum Resume {
    /// The future it asked for is ready (or, at the start, there was none).
    Ready,
    /// The fiber is being dropped.
    Cancel,
}

/// The wait was given up because the fiber is being dropped. It stays so: every later wait ends like this at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cancelled;

/// Bytes kept free at the bottom of a stack for native code that the interpreter calls between two checks.
const STACK_RESERVE_BYTES: usize = if cfg!(debug_assertions) { 256 << 10 } else { 24 << 10 };

/// After this many refused waits a cancelled closure is given up.
const CANCELS_AT_MOST: usize = 1_000;

thread_local! {
    /// The fiber that runs on this thread at this moment. Null outside of `Fiber::resume`.
    static RUNNING: Cell<Running> = const { Cell::new(Running::NOBODY) };
}

#[derive(Clone, Copy)]
struct Running {
    yielder: *const Yielder<Resume, Asked>,
    stack_floor: usize,
    cancelled: bool,
}

impl Running {
    const NOBODY: Self = Self { yielder: std::ptr::null(), stack_floor: 0, cancelled: false };
}

/// A closure on a stack of its own, as a future. See the module's table of states.
pub(crate) struct Fiber {
    coroutine: ManuallyDrop<Coroutine<Resume, Asked, (), PooledStack>>,
    /// What this fiber's closure sees of itself while it runs; kept here while it does not.
    running: Running,
    asked: Option<Asked>,
}

// `Fiber` has no field that must stay in place: its coroutine's frames live on the pooled stack.
impl Unpin for Fiber {}

impl Fiber {
    /// A fiber that will run `body` when it is first polled.
    ///
    /// # Errors
    /// When no stack can be mapped.
    pub(crate) fn new(pool: &StackPool, body: impl FnOnce() + 'static) -> Result<Self, rustix::io::Errno> {
        let stack = pool.take()?;
        let stack_floor = stack.floor() + STACK_RESERVE_BYTES;
        let coroutine = Coroutine::with_stack(stack, move |yielder: &Yielder<Resume, Asked>, _first| {
            RUNNING.set(Running { yielder, ..RUNNING.get() });
            body();
        });
        Ok(Self {
            coroutine: ManuallyDrop::new(coroutine),
            running: Running { stack_floor, ..Running::NOBODY },
            asked: None,
        })
    }

    /// Runs the closure until it asks for something or returns. True when it has returned.
    fn resume(&mut self, how: Resume) -> bool {
        /// Puts back who ran before, also when the closure panics.
        struct Restore(Running);
        impl Drop for Restore {
            fn drop(&mut self) {
                RUNNING.set(self.0);
            }
        }
        let outer = Restore(RUNNING.replace(self.running));
        let result = self.coroutine.resume(how);
        self.running = RUNNING.get();
        drop(outer);
        match result {
            CoroutineResult::Yield(asked) => {
                self.asked = Some(asked);
                false
            }
            CoroutineResult::Return(()) => true,
        }
    }
}

impl Future for Fiber {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            if let Some(mut asked) = self.asked {
                // SAFETY: `asked` points to a future pinned on the closure's stack by `wait_for`, which cannot
                // return (and so cannot move or drop it) before this fiber resumes it; and it is polled from
                // here alone, so the borrow is exclusive.
                let future = unsafe { Pin::new_unchecked(asked.as_mut()) };
                std::task::ready!(future.poll(cx));
                self.asked = None;
            }
            if self.resume(Resume::Ready) {
                return Poll::Ready(());
            }
        }
    }
}

impl Drop for Fiber {
    fn drop(&mut self) {
        if !self.coroutine.done() && self.coroutine.started() {
            self.running.cancelled = true;
            let mut refusals = 0;
            while !self.coroutine.done() {
                refusals += 1;
                if refusals > CANCELS_AT_MOST {
                    return; // Left for good, stack and all: see the module's opening.
                }
                self.resume(Resume::Cancel);
            }
        }
        // SAFETY: dropped here alone, and the coroutine is either done or was never started, so dropping it
        // frees the closure and gives the stack back without unwinding anything.
        unsafe { ManuallyDrop::drop(&mut self.coroutine) };
    }
}

/// Runs `future` to its end while the calling fiber is suspended, and returns its output.
///
/// # Errors
/// [`Cancelled`] when the fiber is dropped meanwhile (or was before); the future is then dropped unfinished.
///
/// # Panics
/// Outside of a fiber: callers check [`in_fiber`] where a script can get there.
pub(crate) fn wait_for<F: Future>(future: F) -> Result<F::Output, Cancelled> {
    let running = RUNNING.get();
    assert!(!running.yielder.is_null(), "wait_for is called inside a fiber");
    if running.cancelled {
        return Err(Cancelled);
    }
    let mut output = None;
    let how = {
        let mut filling = pin!(async { output = Some(future.await) });
        let erased: Pin<&mut dyn Future<Output = ()>> = filling.as_mut();
        // SAFETY: the pointee is not moved through the pointer: `Fiber::poll` re-pins it. Only the lifetime is
        // erased; the future outlives its use because this frame is suspended for as long as it is polled.
        let asked: Asked = unsafe {
            let pinned = NonNull::from(Pin::into_inner_unchecked(erased));
            std::mem::transmute::<NonNull<dyn Future<Output = ()> + '_>, Asked>(pinned)
        };
        // SAFETY: the yielder lives at the root of this very stack for as long as the closure runs.
        unsafe { &*running.yielder }.suspend(asked)
    };
    match how {
        Resume::Ready => Ok(output.expect("a fiber is resumed as ready when its future has completed")),
        Resume::Cancel => Err(Cancelled),
    }
}

/// Lets everybody else on this core run, then goes on.
pub(crate) fn step_aside() -> Result<(), Cancelled> {
    let mut yielded = false;
    wait_for(std::future::poll_fn(move |cx| {
        if std::mem::replace(&mut yielded, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }))
}

/// Whether the caller runs inside a fiber, so that it may wait.
pub(crate) fn in_fiber() -> bool {
    !RUNNING.get().yielder.is_null()
}

/// Whether the running fiber has been told to end.
pub(crate) fn is_cancelled() -> bool {
    RUNNING.get().cancelled
}

/// Whether the running fiber has used up its stack but for the reserve. Always false outside of a fiber.
pub(crate) fn stack_is_exhausted() -> bool {
    let here = 0u8;
    (&raw const here as usize) < RUNNING.get().stack_floor
}

#[cfg(test)]
mod tests {
    use std::{cell::RefCell, rc::Rc, task::Waker};

    use super::*;

    fn poll_once(fiber: &mut Fiber) -> Poll<()> {
        Pin::new(fiber).poll(&mut Context::from_waker(Waker::noop()))
    }

    fn fiber(body: impl FnOnce() + 'static) -> Fiber {
        Fiber::new(&StackPool::default(), body).unwrap()
    }

    #[test]
    fn a_ready_future_comes_back_within_one_poll() {
        let seen = Rc::new(Cell::new(0));
        let inside = seen.clone();
        let mut fiber = fiber(move || {
            for n in 1..=3 {
                inside.set(inside.get() + wait_for(std::future::ready(n)).unwrap());
            }
        });
        assert!(poll_once(&mut fiber).is_ready());
        assert_eq!(seen.get(), 6);
    }

    #[test]
    fn a_waiting_fiber_is_resumed_when_its_future_is_ready() {
        let gate = Rc::new(Cell::new(false));
        let inside = gate.clone();
        let mut fiber = fiber(move || {
            let open =
                std::future::poll_fn(move |_| if inside.get() { Poll::Ready(7) } else { Poll::Pending });
            assert_eq!(wait_for(open), Ok(7));
        });
        assert!(poll_once(&mut fiber).is_pending());
        assert!(poll_once(&mut fiber).is_pending());
        gate.set(true);
        assert!(poll_once(&mut fiber).is_ready());
    }

    #[test]
    fn a_dropped_fiber_runs_to_its_end_and_every_wait_is_refused() {
        let story = Rc::new(RefCell::new(Vec::new()));
        let inside = story.clone();
        let mut fiber = fiber(move || {
            struct Last(Rc<RefCell<Vec<String>>>);
            impl Drop for Last {
                fn drop(&mut self) {
                    self.0.borrow_mut().push("what lives on the stack is dropped".to_owned());
                }
            }
            let _last = Last(inside.clone());
            for _ in 0..2 {
                let end = wait_for(std::future::pending::<()>());
                inside.borrow_mut().push(format!("{end:?} {}", is_cancelled()));
            }
        });
        assert!(poll_once(&mut fiber).is_pending());
        drop(fiber);
        assert_eq!(
            *story.borrow(),
            ["Err(Cancelled) true", "Err(Cancelled) true", "what lives on the stack is dropped"]
        );
    }

    #[test]
    fn a_fiber_that_was_never_polled_drops_its_closure_unrun() {
        let held = Rc::new(());
        let inside = held.clone();
        drop(fiber(move || drop(inside)));
        assert_eq!(Rc::strong_count(&held), 1);
    }

    #[test]
    fn a_panic_inside_reaches_the_poll_and_leaves_the_thread_in_order() {
        let mut broken = fiber(|| panic!("on purpose"));
        let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| poll_once(&mut broken)));
        assert!(caught.is_err());
        drop(broken);
        assert!(!in_fiber());
        assert!(poll_once(&mut fiber(|| assert!(in_fiber()))).is_ready());
    }

    #[test]
    fn a_panic_in_the_asked_future_reaches_the_poll_and_the_fiber_is_then_cancelled() {
        let ended = Rc::new(Cell::new(None));
        let inside = ended.clone();
        let mut fiber = fiber(move || {
            inside.set(Some(wait_for(std::future::poll_fn(|_| -> Poll<()> { panic!("in the driver") }))))
        });
        assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| poll_once(&mut fiber))).is_err());
        drop(fiber);
        assert_eq!(ended.get(), Some(Err(Cancelled)));
    }

    #[test]
    fn stepping_aside_gives_the_thread_away_once() {
        let mut fiber = fiber(|| step_aside().unwrap());
        assert!(poll_once(&mut fiber).is_pending());
        assert!(poll_once(&mut fiber).is_ready());
    }

    #[test]
    fn a_fiber_inside_a_fiber_gives_the_outer_one_its_own_back() {
        let mut outer = fiber(|| {
            let mut inner = fiber(|| assert_eq!(wait_for(std::future::ready(1)), Ok(1)));
            assert!(poll_once(&mut inner).is_ready());
            assert_eq!(wait_for(std::future::ready(2)), Ok(2));
        });
        assert!(poll_once(&mut outer).is_ready());
    }
}
