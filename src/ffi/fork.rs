//! What happens to clients when the process forks.
//!
//! Of the threads of a process only the one that called `fork` exists in the child, where locks
//! that others held stay locked for ever. So that thread takes all of the library's
//! locks before, and lets go of them afterwards, in both processes. The child closes its copies
//! of the connections at once; the handles of these clients let nobody in from then on, and
//! their memory stays, as threads that are gone may have been using it.

use std::cell::RefCell;
use std::sync::{Arc, MutexGuard, Once};

use super::filter_callbacks::Table;
use super::guard::guard;
use super::handle::{Contents, HANDLES};
use super::mqttrs::completion::TOKENS;
use super::mqttrs::loops::LOOPS;
use super::slots::{Entered, FrozenPool};
use super::waiters::{freeze_ends, FrozenWaiters, Pending};
use crate::reactor::{FrozenLoop, FrozenProcess, FrozenRunner, SharedLoop};

/// From now on, forks are prepared for.
pub(super) fn prepare_for_forks() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // SAFETY: functions that may be called at any time. Where there is no memory to note
        // them, a fork is what it is without.
        unsafe { libc::pthread_atfork(Some(before), Some(in_parent), Some(in_child)) };
    });
}

type FrozenClient = (
    FrozenRunner<'static>,
    MutexGuard<'static, Table>,
    FrozenWaiters<'static>,
);

/// Everything that is locked during a fork.
struct Held {
    runners: Vec<(FrozenClient, Entered<Contents>)>,
    loops: Vec<(FrozenLoop<'static>, Entered<SharedLoop>)>,
    process: FrozenProcess,
    handles: FrozenPool<Contents>,
    all_loops: FrozenPool<SharedLoop>,
    tokens: FrozenPool<Arc<Pending>>,
    ends: MutexGuard<'static, ()>,
}

thread_local! {
    static HELD: RefCell<Option<Held>> = const { RefCell::new(None) };
}

unsafe extern "C" fn before() {
    guard((), || {
        // A second thread that forks waits here, with nothing locked.
        let mut handles = HANDLES.freeze();
        let runners = handles.take_live().map(|inside| {
            // SAFETY: `Held` lets go of the lock before it leaves the slot.
            let contents = unsafe { inside.lasting() };
            let client = (
                contents.runner.freeze(),
                contents.callbacks.filters.freeze(),
                contents.callbacks.waiters.freeze(),
            );
            (client, inside)
        });
        let runners = runners.collect();
        let mut all_loops = LOOPS.freeze();
        let loops = all_loops.take_live().map(|inside| {
            // SAFETY: as above.
            let shared = unsafe { inside.lasting() };
            (shared.freeze(), inside)
        });
        let held = Held {
            runners,
            loops: loops.collect(),
            process: FrozenProcess::freeze(),
            handles,
            all_loops,
            tokens: TOKENS.freeze(),
            ends: freeze_ends(),
        };
        HELD.set(Some(held));
    })
}

unsafe extern "C" fn in_parent() {
    guard((), release)
}

unsafe extern "C" fn in_child() {
    guard((), || {
        HELD.with_borrow_mut(|held| {
            let Some(held) = held else { return };
            held.process.inherit();
            for ((runner, ..), inside) in &mut held.runners {
                if !runner.inherit() {
                    inside.disown();
                }
            }
            for (frozen, inside) in &mut held.loops {
                frozen.inherit();
                inside.disown();
            }
        });
        release();
    })
}

/// Lets go of all locks, and only then leaves the slots, which may free a client.
fn release() {
    if let Some(held) = HELD.take() {
        drop((held.process, held.ends));
        let (locked_loops, loops): (Vec<_>, Vec<_>) = held.loops.into_iter().unzip();
        drop(locked_loops);
        let (locked_runners, runners): (Vec<_>, Vec<_>) = held.runners.into_iter().unzip();
        drop(locked_runners);
        let mut tokens = held.tokens;
        let live_tokens: Vec<_> = tokens.take_live().collect();
        let dead = (
            held.handles.unlock(),
            held.all_loops.unlock(),
            tokens.unlock(),
        );
        drop((loops, runners, live_tokens, dead));
    }
}
