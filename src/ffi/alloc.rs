//! Memory that C owns, now or later: it comes from the C allocator, so that `free` fits.

use std::ffi::{c_char, c_void};
use std::ptr::NonNull;

/// Zeroed memory for a `T`; `None` when memory ran out.
pub(super) fn zeroed<T>() -> Option<NonNull<T>> {
    zeroed_array(1)
}

/// Zeroed memory for `count` values; `None` when memory ran out.
pub(super) fn zeroed_array<T>(count: usize) -> Option<NonNull<T>> {
    const { assert!(size_of::<T>() > 0 && align_of::<T>() <= align_of::<libc::max_align_t>()) };
    #[cfg(test)]
    if shortage::strikes() {
        return None;
    }
    NonNull::new(allocate(count, size_of::<T>()).cast())
}

/// A copy of `bytes` with a NUL behind them; `None` when memory ran out.
pub(super) fn copy_with_nul(bytes: &[u8]) -> Option<NonNull<c_char>> {
    let copy = zeroed_array::<u8>(bytes.len() + 1)?;
    // SAFETY: the copy is new and one byte longer than `bytes`.
    unsafe {
        copy.as_ptr()
            .copy_from_nonoverlapping(bytes.as_ptr(), bytes.len())
    };
    Some(copy.cast())
}

/// The only call for memory that C owns: by its place in the code a test tells it from Rust's
/// own calls of the same function and lets it fail.
#[inline(never)]
fn allocate(count: usize, size: usize) -> *mut c_void {
    // SAFETY: calloc takes any numbers and checks their product.
    let memory = unsafe { libc::calloc(count, size) };
    // Something to do behind the call, which would be a jump otherwise, without a place to return to.
    std::hint::black_box(memory)
}

/// Frees memory of the C allocator.
///
/// # Safety
/// `memory` is NULL, or came from the C allocator and is not used again.
pub(super) unsafe fn free<T>(memory: *mut T) {
    // SAFETY: the caller's promise.
    unsafe { libc::free(memory.cast()) };
}

/// Makes allocations fail, to test what happens then.
#[cfg(test)]
pub(super) mod shortage {
    use std::cell::Cell;

    thread_local! {
        static REMAINING: Cell<Option<usize>> = const { Cell::new(None) };
    }

    /// Runs `f` with memory for `allocations` on this thread, the next one failing.
    pub(in crate::ffi) fn after<R>(allocations: usize, f: impl FnOnce() -> R) -> R {
        REMAINING.set(Some(allocations));
        let result = f();
        REMAINING.set(None);
        result
    }

    pub(super) fn strikes() -> bool {
        match REMAINING.get() {
            None => false,
            Some(0) => true,
            Some(count) => {
                REMAINING.set(Some(count - 1));
                false
            }
        }
    }
}
