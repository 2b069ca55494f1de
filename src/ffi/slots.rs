//! Slots for handles that C may use after it destroyed them.
//!
//! A C program holds a bare address, and nothing stops it from passing that address
//! after it destroyed the handle, from another thread while it does, or from inside a
//! callback. So the memory an address leads to is never given back: a [`Slot`] belongs
//! to its [`Pool`] for the life of the process, and its state word tells whether a
//! handle lives in it. A destroyed handle's slot waits behind at least
//! [`QUARANTINE`] others before a new handle moves in, so an address that is used a
//! little too late meets a dead slot and not somebody else's handle.
//!
//! Entering a call is one atomic addition and leaving it one subtraction. Destroying only marks the
//! slot; whoever leaves last drops the contents.
//!
//! States of a slot, in its state word (the low bits count the calls inside):
//!
//! | state | bits | next |
//! |---|---|---|
//! | empty | none | live, when [`Pool::open`] moves something in |
//! | live | `LIVE` | closing, on [`Entered::close`] |
//! | closing | `CLOSING` | empty, when the last call has left; the contents are dropped |
//! | disowned | `DISOWNED` | none: after a fork, the contents are the parent's |

use std::cell::UnsafeCell;
use std::collections::VecDeque;
use std::ops::Deref;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::guard::guard;

/// How many slots wait at least before one is used again.
pub(super) const QUARANTINE: usize = 64;

const LIVE: usize = 1 << (usize::BITS - 1);
const CLOSING: usize = 1 << (usize::BITS - 2);
const DISOWNED: usize = 1 << (usize::BITS - 3);

/// All slots there ever were; they stay reachable from here.
pub(super) struct Pool<T: 'static> {
    slots: Mutex<Slots<T>>,
}

struct Slots<T: 'static> {
    /// Empty slots, the longest dead first.
    empty: VecDeque<&'static Slot<T>>,
    /// Every slot, so that none is ever unreachable, also while it is in use.
    all: Vec<&'static Slot<T>>,
}

/// A pool while its slots are neither taken nor given back.
pub(super) struct FrozenPool<T: 'static> {
    slots: MutexGuard<'static, Slots<T>>,
    live: Vec<Entered<T>>,
    /// Counted in for a moment only, but leaving may take the lock.
    others: Vec<Entered<T>>,
}

/// A place that is empty or holds one `T`.
pub(super) struct Slot<T: 'static> {
    state: AtomicUsize,
    /// Written only while the slot is empty or by the one who empties it; read by those
    /// who entered while it was live, and they keep it from being emptied.
    contents: UnsafeCell<Option<T>>,
    pool: &'static Pool<T>,
}

// SAFETY: `contents` is shared by reference between threads (hence T: Sync) and dropped by
// whichever leaves last (hence T: Send); `state` keeps writing and reading apart.
unsafe impl<T: Send + Sync> Sync for Slot<T> {}

/// A call inside a live slot; the contents stay until it is dropped.
pub(super) struct Entered<T: 'static> {
    slot: &'static Slot<T>,
}

impl<T: 'static> Pool<T> {
    /// A pool without slots.
    pub(super) const fn new() -> Self {
        Pool {
            slots: Mutex::new(Slots {
                empty: VecDeque::new(),
                all: Vec::new(),
            }),
        }
    }

    /// Moves what `make` makes, told its place, into an empty slot.
    pub(super) fn open(
        &'static self,
        make: impl FnOnce(&'static Slot<T>) -> T,
    ) -> &'static Slot<T> {
        let slot = self.empty_slot();
        let contents = make(slot);
        // SAFETY: the slot is empty and no longer in the queue: nobody else writes to it,
        // and nobody reads before the live bit is set below.
        unsafe { *slot.contents.get() = Some(contents) };
        // Latecomers with an old address may be counted in at this moment; they stay counted.
        slot.state.fetch_or(LIVE, Ordering::Release);
        slot
    }

    /// Keeps the pool as it is.
    pub(super) fn freeze(&'static self) -> FrozenPool<T> {
        let slots = self.lock();
        let (mut live, mut others) = (Vec::new(), Vec::new());
        for slot in &slots.all {
            let before = slot.state.fetch_add(1, Ordering::Acquire);
            let list = if before & LIVE != 0 {
                &mut live
            } else {
                &mut others
            };
            list.push(Entered { slot });
        }
        FrozenPool {
            slots,
            live,
            others,
        }
    }

    fn empty_slot(&'static self) -> &'static Slot<T> {
        let mut slots = self.lock();
        if slots.empty.len() > QUARANTINE {
            if let Some(slot) = slots.empty.pop_front() {
                return slot;
            }
        }
        let slot: &'static Slot<T> = Box::leak(Box::new(Slot {
            state: AtomicUsize::new(0),
            contents: UnsafeCell::new(None),
            pool: self,
        }));
        slots.all.push(slot);
        slot
    }

    fn lock(&self) -> MutexGuard<'_, Slots<T>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: 'static> FrozenPool<T> {
    /// The live slots, once.
    pub(super) fn take_live(&mut self) -> impl Iterator<Item = Entered<T>> {
        std::mem::take(&mut self.live).into_iter()
    }

    /// The pool may change again; gives what is to be dropped from now on.
    pub(super) fn unlock(self) -> Vec<Entered<T>> {
        drop(self.slots);
        self.others
    }
}

impl<T: 'static> Slot<T> {
    /// Whether what lives here is another process's.
    pub(super) fn is_disowned(&self) -> bool {
        self.state.load(Ordering::Relaxed) & DISOWNED != 0
    }

    /// Enters a call, unless nothing lives here.
    #[inline]
    pub(super) fn enter(&'static self) -> Option<Entered<T>> {
        let before = self.state.fetch_add(1, Ordering::Acquire);
        // Counted in either way, so that leaving is the same for all.
        let entered = Entered { slot: self };
        (before & LIVE != 0).then_some(entered)
    }

    #[inline(always)]
    fn leave(&self, slot: &'static Slot<T>) {
        let before = self.state.fetch_sub(1, Ordering::AcqRel);
        if before == CLOSING | 1 {
            slot.empty();
        }
    }

    #[cold]
    fn empty(&'static self) {
        // A latecomer may have been counted in meanwhile; then it empties the slot when it leaves.
        let emptied = self
            .state
            .compare_exchange(CLOSING, 0, Ordering::AcqRel, Ordering::Relaxed);
        if emptied.is_err() {
            return;
        }
        // SAFETY: the exchange succeeds for one thread alone; the live bit is gone and those
        // who entered under it have left.
        let contents = unsafe { (*self.contents.get()).take() };
        // Dropping runs much code; this may run while a panic unwinds.
        guard((), || drop(contents));
        self.pool.lock().empty.push_back(self);
    }
}

impl<T: 'static> Entered<T> {
    /// Marks the contents as destroyed: nobody enters any more, and the last to leave
    /// drops them. Returns whether this call did it, `false` when another was first.
    pub(super) fn close(&self) -> bool {
        let closing = |state: usize| (state & LIVE != 0).then_some((state & !LIVE) | CLOSING);
        self.slot
            .state
            .fetch_update(Ordering::AcqRel, Ordering::Relaxed, closing)
            .is_ok()
    }
}

impl<T: 'static> Entered<T> {
    /// Nobody enters any more, and the contents stay for ever.
    pub(super) fn disown(&self) {
        self.slot.state.fetch_or(DISOWNED, Ordering::Relaxed);
        self.slot.state.fetch_and(!LIVE, Ordering::Relaxed);
    }

    /// The contents, for longer than this is borrowed.
    ///
    /// # Safety
    /// They are not used after this was dropped.
    pub(super) unsafe fn lasting(&self) -> &'static T {
        // SAFETY: the caller's promise.
        unsafe { &*std::ptr::from_ref(&**self) }
    }
}

impl<T: 'static> Deref for Entered<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: an `Entered` in anyone's hands was made while the slot was live, and its count
        // keeps the contents; they were written before the live bit was set.
        match unsafe { &*self.slot.contents.get() } {
            Some(contents) => contents,
            None => unreachable!("a live slot has contents"),
        }
    }
}

impl<T: 'static> Drop for Entered<T> {
    #[inline(always)]
    fn drop(&mut self) {
        self.slot.leave(self.slot);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicU32;
    use std::sync::{Arc, Barrier};

    struct CountsDrops(Arc<AtomicU32>);

    impl Drop for CountsDrops {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    fn pool<T>() -> &'static Pool<T> {
        Box::leak(Box::new(Pool::new()))
    }

    #[test]
    fn a_destroyed_slot_cannot_be_entered() {
        let slot = pool().open(|_| 7);
        assert_eq!(slot.enter().as_deref(), Some(&7));
        assert!(slot.enter().unwrap().close());
        assert!(slot.enter().is_none());
        assert!(slot.enter().is_none());
    }

    #[test]
    fn contents_live_until_the_last_call_leaves() {
        let drops = Arc::new(AtomicU32::new(0));
        let slot = pool().open(|_| CountsDrops(drops.clone()));
        let inside = slot.enter().unwrap();
        let destroyer = slot.enter().unwrap();
        assert!(destroyer.close());
        assert!(!inside.close(), "only one destroys");
        drop(destroyer);
        assert!(slot.enter().is_none());
        assert_eq!(drops.load(Ordering::SeqCst), 0);
        assert_eq!(inside.0.load(Ordering::SeqCst), 0);
        drop(inside);
        assert_eq!(drops.load(Ordering::SeqCst), 1);
    }

    #[test]
    fn a_slot_waits_behind_the_quarantine_before_it_is_used_again() {
        let pool = pool();
        let first = pool.open(|_| 0);
        first.enter().unwrap().close();
        for n in 1..=QUARANTINE {
            let slot = pool.open(|_| n);
            assert!(!std::ptr::eq(slot, first));
            slot.enter().unwrap().close();
            assert!(first.enter().is_none());
        }
        let reused = pool.open(|_| 99);
        assert!(
            std::ptr::eq(reused, first),
            "the longest dead slot comes first"
        );
        assert_eq!(first.enter().as_deref(), Some(&99));
    }

    #[test]
    fn contents_that_panic_when_dropped_free_their_slot() {
        struct Panics;
        impl Drop for Panics {
            fn drop(&mut self) {
                std::panic::resume_unwind(Box::new("drop"));
            }
        }
        let pool = pool();
        let slot = pool.open(|_| Panics);
        slot.enter().unwrap().close();
        assert_eq!(pool.lock().empty.len(), 1);
    }

    #[test]
    fn racing_calls_and_one_destroyer_drop_the_contents_once() {
        let drops = Arc::new(AtomicU32::new(0));
        let pool = pool();
        for round in 1..=200 {
            let slot = pool.open(|_| CountsDrops(drops.clone()));
            let start = Barrier::new(4);
            std::thread::scope(|scope| {
                for _ in 0..3 {
                    scope.spawn(|| {
                        start.wait();
                        while let Some(inside) = slot.enter() {
                            assert!(inside.0.load(Ordering::SeqCst) < round);
                        }
                    });
                }
                start.wait();
                assert!(slot.enter().unwrap().close());
            });
            assert_eq!(drops.load(Ordering::SeqCst), round);
        }
        assert!(pool.lock().all.len() <= QUARANTINE + 1);
    }
}
