//! When what was written is on the medium: one call of the system serves all who wait.

use std::fs::File;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::Durability;
use crate::error::{Error, Result};

/// Synchronises a log. It has no part in the store's own state, so that threads can wait here
/// while others go on writing.
#[derive(Debug)]
pub struct Syncer {
    state: Mutex<State>,
    changed: Condvar,
    thread: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Debug)]
struct State {
    log: Arc<File>,
    /// The number of the last operation written, and of the last on the medium.
    written: u64,
    synced: u64,
    /// Somebody is at it.
    busy: bool,
    stopped: bool,
    /// After a failure nobody knows what is on the medium.
    error: Option<Error>,
}

impl Syncer {
    pub(super) fn start(log: &Arc<File>, durability: Durability) -> Arc<Syncer> {
        let syncer = Arc::new(Syncer {
            state: Mutex::new(State {
                log: Arc::clone(log),
                written: 0,
                synced: 0,
                busy: false,
                stopped: false,
                error: None,
            }),
            changed: Condvar::new(),
            thread: Mutex::new(None),
        });
        if let Durability::SyncGroups(interval) = durability {
            let own = Arc::clone(&syncer);
            // Boxed, so that the code for beginning a thread is there once.
            let work: Box<dyn FnOnce() + Send> = Box::new(move || own.run(interval));
            let started = thread::Builder::new()
                .name("mqttrs-store".to_owned())
                .spawn(work);
            match started {
                Ok(thread) => {
                    *syncer.thread.lock().unwrap_or_else(PoisonError::into_inner) = Some(thread)
                }
                Err(error) => syncer.lock().error = Some(Error::io("store", &error)),
            }
        }
        syncer
    }

    /// Waits until everything up to operation `number` is on the medium.
    pub fn sync(&self, number: u64) -> Result<()> {
        let mut state = self.lock();
        loop {
            if let Some(error) = &state.error {
                return Err(error.clone());
            }
            if state.synced >= number {
                return Ok(());
            }
            state = match state.busy {
                true => self.wait(state, None),
                false => self.sync_now(state),
            };
        }
    }

    /// What went wrong, after which nothing can be stored any more.
    pub(super) fn error(&self) -> Option<Error> {
        self.lock().error.clone()
    }

    /// Everything up to operation `number` was written.
    pub(super) fn wrote(&self, number: u64) {
        let mut state = self.lock();
        let first = state.written == state.synced;
        state.written = number;
        if first {
            self.changed.notify_all();
        }
    }

    /// Another file took the place of the log, with everything up to `number` on the medium.
    pub(super) fn replaced(&self, log: &Arc<File>, number: u64) {
        let mut state = self.lock();
        state.log = Arc::clone(log);
        state.written = number;
        state.synced = number;
        self.changed.notify_all();
    }

    /// Ends the thread, which synchronises what is left.
    pub(super) fn stop(&self) {
        self.lock().stopped = true;
        self.changed.notify_all();
        let thread = self
            .thread
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(thread) = thread {
            let _ = thread.join();
        }
    }

    /// In the child of a fork there is no thread to end, and the state may be locked for ever.
    pub(super) fn inherit(&self) {
        let thread = self
            .thread
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        std::mem::forget(thread);
    }

    fn run(&self, interval: Duration) {
        let mut state = self.lock();
        loop {
            while state.written == state.synced && !state.stopped {
                state = self.wait(state, None);
            }
            let due = Instant::now() + interval;
            while !state.stopped && Instant::now() < due {
                state = self.wait(state, Some(due.saturating_duration_since(Instant::now())));
            }
            if state.written > state.synced && state.error.is_none() {
                state = self.sync_now(state);
            }
            if state.stopped || state.error.is_some() {
                return;
            }
        }
    }

    fn sync_now<'a>(&'a self, mut state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        state.busy = true;
        let (log, written) = (Arc::clone(&state.log), state.written);
        drop(state);
        let outcome: io::Result<()> = log.sync_data();
        let mut state = self.lock();
        state.busy = false;
        match outcome {
            Ok(()) => state.synced = state.synced.max(written),
            Err(error) => state.error = Some(Error::io("store", &error)),
        }
        self.changed.notify_all();
        state
    }

    fn wait<'a>(
        &self,
        state: MutexGuard<'a, State>,
        limit: Option<Duration>,
    ) -> MutexGuard<'a, State> {
        let limit = limit.unwrap_or(Duration::from_secs(3600));
        let waited = self.changed.wait_timeout(state, limit);
        waited.unwrap_or_else(PoisonError::into_inner).0
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
