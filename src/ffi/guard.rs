//! The wall between Rust and C: a panic stops here.

use std::panic::{catch_unwind, AssertUnwindSafe};

/// Runs the body of an exported function and returns what it returns, or `on_panic`
/// when it panicked.
///
/// A panic is always a defect of this library. It must neither unwind into C, which is
/// undefined behaviour, nor abort a host program that could have carried on; so it
/// becomes the error value of the function that met it.
pub(super) fn guard<R>(on_panic: R, f: impl FnOnce() -> R) -> R {
    match catch_unwind(AssertUnwindSafe(f)) {
        Ok(value) => value,
        Err(payload) => {
            // A payload may panic again while it is dropped; leaking it is the safe end.
            std::mem::forget(payload);
            on_panic
        }
    }
}

#[cfg(test)]
mod tests {
    use super::guard;

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
