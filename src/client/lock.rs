//! Taking the mutex of a client.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::PoisonError;
use std::thread;

use super::{Client, Guard};
use crate::session::Logging;

/// How often a lock is tried before the thread sleeps.
const SPINS: u32 = 40;
/// The same on a single core.
const YIELDS: u32 = 8;

/// Found out once, or twice where two threads ask at the same time: nobody waits for the other, which
/// a fork may leave behind.
pub(super) fn is_single_core() -> bool {
    static CORES: AtomicUsize = AtomicUsize::new(0);
    let mut cores = CORES.load(Ordering::Relaxed);
    if cores == 0 {
        cores = thread::available_parallelism().map_or(usize::MAX, usize::from);
        CORES.store(cores, Ordering::Relaxed);
    }
    cores == 1
}

impl Client {
    #[inline(always)]
    pub(super) fn lock(&self) -> Guard<'_> {
        let st = match self.state.try_lock() {
            Ok(st) => st,
            Err(_) => self.lock_contended(),
        };
        if st.logging.is_on() {
            return self.mind_log_handler(st);
        }
        st
    }

    /// Most locks are held for less time than it takes to fall asleep. On a single core whoever
    /// holds one waits for this thread to make way, and woke it up too early if it slept.
    #[cold]
    fn lock_contended(&self) -> Guard<'_> {
        let alone = is_single_core();
        for round in 0..if alone { YIELDS } else { SPINS } {
            if alone {
                thread::yield_now();
            } else {
                (0..1 << round.min(5)).for_each(|_| std::hint::spin_loop());
            }
            if let Ok(st) = self.state.try_lock() {
                return st;
            }
        }
        match self.state.lock() {
            Ok(st) => st,
            Err(poisoned) => self.recover(poisoned),
        }
    }

    /// What a log handler does is not logged: its lines would come back to it for ever.
    #[inline(never)]
    pub(super) fn mind_log_handler<'a>(&self, mut st: Guard<'a>) -> Guard<'a> {
        let logging = match self.is_in_log_handler() {
            true => Logging::Off,
            false => st.logging,
        };
        st.session.set_logging(logging);
        st
    }

    /// A panic while the mutex was held is a bug that was reported to its caller; the others
    /// go on with what there is rather than panic too.
    #[cold]
    fn recover<'a>(&self, poisoned: PoisonError<Guard<'a>>) -> Guard<'a> {
        self.state.clear_poison();
        let mut st = poisoned.into_inner();
        st.dispatcher = None;
        st
    }
}
