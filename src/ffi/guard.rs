//! The wall between Rust and C: a panic stops here, and so does what the work of a function that
//! succeeds has left in `errno`.

use std::ffi::{c_int, c_uint};
use std::panic::{catch_unwind, AssertUnwindSafe};

use super::errno::{errno, set_errno};

/// Runs the body of an exported function and returns what it returns, or `on_panic`
/// when it panicked.
///
/// A panic is always a defect of this library. It must neither unwind into C, which is
/// undefined behaviour, nor abort a host program that could have carried on; so it
/// becomes the error value of the function that met it.
///
/// A function that succeeds leaves `errno` as it was: on its way a socket may have been busy or a
/// file not there, which is nothing to programs. Some, as wrappers made by ctypes, take any
/// `errno` for a failure where a function returns nothing that says so.
pub(super) fn guard<R: Answer>(on_panic: R, f: impl FnOnce() -> R) -> R {
    let before = errno();
    let answer = guard_panic(on_panic, f);
    if answer.is_success() {
        set_errno(before);
    }
    answer
}

/// As [`guard`], for functions that run for each message: where these succeed, only a connection that
/// is busy changes `errno`, and to keep it would show among the instructions of a message.
#[inline(always)]
pub(super) fn guard_panic<R>(on_panic: R, f: impl FnOnce() -> R) -> R {
    match catch_unwind(AssertUnwindSafe(f)) {
        Ok(value) => value,
        Err(payload) => {
            // A payload may panic again while it is dropped; leaking it is the safe end.
            std::mem::forget(payload);
            on_panic
        }
    }
}

/// What exported functions return.
pub(super) trait Answer {
    /// Whether it says nothing of a failure that `errno` may be about.
    fn is_success(&self) -> bool;
}

impl Answer for c_int {
    fn is_success(&self) -> bool {
        *self == 0
    }
}

impl<T> Answer for *mut T {
    fn is_success(&self) -> bool {
        !self.is_null()
    }
}

impl<T> Answer for *const T {
    fn is_success(&self) -> bool {
        !self.is_null()
    }
}

macro_rules! tell_of_no_failure {
    ($($answer:ty),*) => {
        $(impl Answer for $answer {
            fn is_success(&self) -> bool {
                true
            }
        })*
    };
}

tell_of_no_failure!((), bool, c_uint, u8, u16, usize);

#[cfg(test)]
mod tests {
    use super::guard;
    use crate::ffi::errno::{errno, set_errno};

    /// What errno is after the body of a function has set it to 11 and returned this.
    fn errno_after<R: super::Answer>(answer: R, on_panic: R) -> i32 {
        set_errno(5);
        guard(on_panic, || {
            set_errno(11);
            answer
        });
        errno()
    }

    #[test]
    fn errno_is_left_alone_by_success_and_not_by_failure() {
        assert_eq!(errno_after(0, 1), 5);
        assert_eq!(errno_after((), ()), 5);
        assert_eq!(errno_after(true, false), 5);
        assert_eq!(errno_after("text".as_ptr(), std::ptr::null()), 5);
        assert_eq!(errno_after(1, 1), 11);
        assert_eq!(
            errno_after(std::ptr::null_mut::<u8>(), std::ptr::null_mut()),
            11
        );
    }

    #[test]
    fn value_of_the_body_is_returned() {
        assert_eq!(guard(1, || 2), 2);
    }

    #[test]
    fn panic_becomes_the_error_value() {
        struct PanicsWhenDropped;
        impl Drop for PanicsWhenDropped {
            fn drop(&mut self) {
                panic!("second panic");
            }
        }
        assert_eq!(guard(7, || std::panic::resume_unwind(Box::new("first"))), 7);
        assert_eq!(
            guard(7, || std::panic::resume_unwind(Box::new(PanicsWhenDropped))),
            7
        );
    }
}
