//! The stack of threads that callbacks run on.

use std::mem::MaybeUninit;

use crate::reactor::set_stack_size;

/// Threads that begin from now on have the stack that `pthread_create` gives by default, which
/// is what programs' callbacks have been written for; the program may have changed it.
pub(super) fn follow_system() {
    let mut attributes = MaybeUninit::<libc::pthread_attr_t>::uninit();
    let mut size = 0;
    // SAFETY: initialised first, read and destroyed only if that succeeded.
    unsafe {
        if libc::pthread_attr_init(attributes.as_mut_ptr()) == 0 {
            // A size that was not told is 0, and then Rust's default holds.
            libc::pthread_attr_getstacksize(attributes.as_ptr(), &mut size);
            libc::pthread_attr_destroy(attributes.as_mut_ptr());
        }
    }
    set_stack_size(size);
}
