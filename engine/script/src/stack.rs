//! Stacks for virtual users: carved from large lazily backed mappings, handed out and taken back.
//!
//! A stack costs address space until it is touched, so fifty thousand of them fit on a laptop. The lowest page
//! of each is a guard page for as long as the kernel's limit on mappings allows it (a guard splits a mapping in
//! two); beyond that the interpreter's own check of the stack pointer is the only fence, and it is always there.
//!
//! Deliberately absent: what runs on a stack (see `bridge`).

use std::{
    cell::RefCell,
    num::NonZeroUsize,
    ptr,
    rc::Rc,
    sync::atomic::{AtomicUsize, Ordering},
};

use corosensei::stack::{Stack, StackPointer};
use rustix::mm::{Advice, MapFlags, MprotectFlags, ProtFlags, madvise, mmap_anonymous, mprotect, munmap};

/// Bytes of one stack: address space, not memory. It must hold the drop of the deepest value that `limits` permits;
/// unoptimised frames are several times larger than optimised ones.
pub(crate) const STACK_BYTES: usize = if cfg!(debug_assertions) { 32 << 20 } else { 8 << 20 };

/// Stacks in one mapping.
const SLAB_STACKS: usize = 64;

/// The kernel allows some 65,000 mappings a process and a guarded stack takes two.
const GUARDED_AT_MOST: usize = 30_000;

static GUARDED: AtomicUsize = AtomicUsize::new(0);

/// The stacks of one core. Clones share one store.
#[derive(Clone, Default)]
pub(crate) struct StackPool(Rc<RefCell<Store>>);

#[derive(Default)]
struct Store {
    free: Vec<NonZeroUsize>,
    slabs: Vec<Slab>,
}

/// One mapping of `SLAB_STACKS` stacks; unmapped when the last user of the pool is gone.
struct Slab {
    start: *mut core::ffi::c_void,
    guards: usize,
}

impl Drop for Slab {
    fn drop(&mut self) {
        GUARDED.fetch_sub(self.guards, Ordering::Relaxed);
        // SAFETY: the mapping was made by `Store::grow` with this length, and every `PooledStack` holds the
        // pool (and so this slab) alive; when a slab is dropped no stack on it exists.
        let unmapped = unsafe { munmap(self.start, SLAB_STACKS * STACK_BYTES) };
        debug_assert!(unmapped.is_ok(), "a slab is unmapped once, with its own address and length");
    }
}

impl StackPool {
    /// A free stack, or the kernel's refusal to map more address space.
    pub(crate) fn take(&self) -> Result<PooledStack, rustix::io::Errno> {
        let mut store = self.0.borrow_mut();
        if store.free.is_empty() {
            store.grow()?;
        }
        let top = store.free.pop().expect("grow adds stacks or fails");
        Ok(PooledStack { top, pool: self.clone() })
    }
}

impl Store {
    fn grow(&mut self) -> Result<(), rustix::io::Errno> {
        let length = SLAB_STACKS * STACK_BYTES;
        // SAFETY: an anonymous private mapping at an address of the kernel's choosing aliases nothing.
        let start = unsafe {
            mmap_anonymous(
                ptr::null_mut(),
                length,
                ProtFlags::READ | ProtFlags::WRITE,
                MapFlags::PRIVATE | MapFlags::NORESERVE,
            )?
        };
        let mut slab = Slab { start, guards: 0 };
        // A huge page would back 2 MiB for a user that touches 12 KiB. Where the advice is unknown nothing is lost
        // but memory.
        #[cfg(target_os = "linux")]
        // SAFETY: the range is the mapping made above.
        let _ = unsafe { madvise(start, length, Advice::LinuxNoHugepage) };
        for n in (0..SLAB_STACKS).rev() {
            let low = start as usize + n * STACK_BYTES;
            if GUARDED.load(Ordering::Relaxed) < GUARDED_AT_MOST {
                // SAFETY: the page lies inside the mapping made above and nothing uses it yet.
                if unsafe { mprotect(low as *mut _, page_bytes(), MprotectFlags::empty()) }.is_ok() {
                    GUARDED.fetch_add(1, Ordering::Relaxed);
                    slab.guards += 1;
                }
            }
            self.free.push(NonZeroUsize::new(low + STACK_BYTES).expect("a mapping is never at address 0"));
        }
        self.slabs.push(slab);
        Ok(())
    }
}

fn page_bytes() -> usize {
    rustix::param::page_size()
}

/// One stack on loan; it goes back to its pool when dropped.
pub(crate) struct PooledStack {
    top: NonZeroUsize,
    pool: StackPool,
}

impl PooledStack {
    /// Lowest address a script may reach: above the guard page.
    pub(crate) fn floor(&self) -> usize {
        self.top.get() - STACK_BYTES + page_bytes()
    }
}

impl Drop for PooledStack {
    fn drop(&mut self) {
        self.pool.0.borrow_mut().free.push(self.top);
    }
}

// SAFETY: the memory between `limit` and `base` is mapped, writable (but for the guard page), aligned, and lent to
// this value alone until it is dropped. Where the guard page had to be left out (see the module's opening), the
// interpreter's check of the stack pointer takes its place.
unsafe impl Stack for PooledStack {
    fn base(&self) -> StackPointer {
        self.top
    }

    fn limit(&self) -> StackPointer {
        NonZeroUsize::new(self.top.get() - STACK_BYTES).expect("a mapping is never at address 0")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_returned_stack_is_the_next_one_lent() {
        let pool = StackPool::default();
        let first = pool.take().unwrap();
        let base = first.base();
        drop(first);
        assert_eq!(pool.take().unwrap().base(), base);
    }

    #[test]
    fn stacks_do_not_overlap() {
        let pool = StackPool::default();
        let mut bases: Vec<_> = (0..SLAB_STACKS + 3).map(|_| pool.take().unwrap()).collect();
        bases.sort_by_key(Stack::base);
        assert!(bases.windows(2).all(|w| w[0].base() <= w[1].limit()));
    }
}
