//! How threads begin that run for longer than a call.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};

/// What Rust gives a thread, and the least that one of these gets.
const LEAST_STACK: usize = 2 * 1024 * 1024;

static STACK: AtomicUsize = AtomicUsize::new(LEAST_STACK);

/// Threads that begin from now on have a stack of so many bytes, or of 2 MiB if that is more.
/// Callbacks are the program's, which counts on what the system gives threads.
pub fn set_stack_size(bytes: usize) {
    STACK.store(bytes.max(LEAST_STACK), Ordering::Relaxed);
}

/// Begins a thread. The work is boxed so that the code for beginning one is there once.
pub(super) fn spawn(name: &str, work: Box<dyn FnOnce() + Send>) -> io::Result<JoinHandle<()>> {
    thread::Builder::new()
        .name(name.to_owned())
        .stack_size(STACK.load(Ordering::Relaxed))
        .spawn(work)
}
