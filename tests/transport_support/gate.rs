//! A place where a server waits until the test lets it go on.

use std::sync::{Arc, Condvar, Mutex};

use super::super::support::DEADLINE;

/// Closed when new; clones are the same gate.
#[derive(Clone, Default)]
pub struct Gate {
    inner: Arc<(Mutex<State>, Condvar)>,
}

#[derive(Default)]
struct State {
    reached: bool,
    open: bool,
}

impl Gate {
    pub fn new() -> Gate {
        Gate::default()
    }

    pub fn new_open() -> Gate {
        let gate = Gate::new();
        gate.open();
        gate
    }

    /// Lets the server, and all that come after it, pass.
    pub fn open(&self) {
        let (state, changed) = &*self.inner;
        state.lock().unwrap().open = true;
        changed.notify_all();
    }

    /// Lets nobody pass any more.
    pub fn close(&self) {
        self.inner.0.lock().unwrap().open = false;
    }

    /// Whether a server stands here, or has passed.
    pub fn is_reached(&self) -> bool {
        self.inner.0.lock().unwrap().reached
    }

    /// The server's side: waits until the gate is open.
    pub fn pass(&self) {
        let (state, changed) = &*self.inner;
        let mut state = state.lock().unwrap();
        state.reached = true;
        let closed = |state: &mut State| !state.open;
        // A test that fails never opens it; then the thread ends all the same.
        drop(
            changed
                .wait_timeout_while(state, 3 * DEADLINE, closed)
                .unwrap(),
        );
    }
}
