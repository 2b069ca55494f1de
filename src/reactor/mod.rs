//! Polling with `mio`: who calls the pump, and when.
//!
//! A [`Runner`] drives one client: for one turn (`mosquitto_loop`), until it is done
//! (`mosquitto_loop_forever`), or on a thread of its own (`mosquitto_loop_start`). A
//! [`SharedLoop`] drives many on one thread.

mod drain;
mod fork;
mod hub;
mod poller;
mod shared;
mod threads;
mod usage;

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use once_cell::sync::OnceCell;

use crate::client::{Client, PAUSE};
use crate::error::{CallerError, Error, Result};
pub use fork::{FrozenProcess, FrozenRunner};
use poller::{Poller, Waker};
pub use shared::{FrozenLoop, SharedLoop};
pub use threads::set_stack_size;
use usage::{Usage, Using};

/// How long a loop thread that was told to stop goes on sending what was queued
/// before a DISCONNECT.
pub const STOP_FLUSH_LIMIT: Duration = Duration::from_secs(10);

/// How long a call of the loop waits at most while another thread is at it.
const BUSY_WAIT: Duration = Duration::from_millis(100);

/// Drives one client. All methods may be called from any thread; where they may not be
/// called inside an event handler, they say so with `InvalidArgument`.
#[derive(Debug)]
pub struct Runner {
    shared: Arc<Shared>,
    thread: Mutex<Option<LoopThread>>,
}

#[derive(Debug)]
struct Shared {
    client: Arc<Client>,
    /// Absent while a thread uses it, and until first needed: a client in a foreign event
    /// loop has no use for it.
    poller: Mutex<Option<Poller>>,
    /// Signalled when the poller is back, and when a thread that waits for it is to stop.
    returned: Condvar,
    /// How many threads wait for that; changed only by who has the lock of the poller.
    awaiting: AtomicUsize,
    waker: OnceCell<Arc<Waker>>,
    /// How many threads run the client's loop for good, or are about to.
    hosts: Mutex<usize>,
    /// Whether these run it, or a shared loop.
    usage: Mutex<Usage>,
}

#[derive(Debug)]
struct LoopThread {
    stop: Arc<StopRequest>,
    handle: JoinHandle<()>,
}

/// What [`Runner::stop`] told a loop thread.
#[derive(Debug, Default)]
struct StopRequest {
    asked: AtomicBool,
    /// Also when the program has not disconnected.
    forced: AtomicBool,
}

impl Runner {
    /// A runner for this client.
    pub fn new(client: Arc<Client>) -> Runner {
        Runner {
            shared: Arc::new(Shared {
                client,
                poller: Mutex::new(None),
                returned: Condvar::new(),
                awaiting: AtomicUsize::new(0),
                waker: OnceCell::new(),
                hosts: Mutex::new(0),
                usage: Mutex::default(),
            }),
            thread: Mutex::new(None),
        }
    }

    /// The client.
    pub fn client(&self) -> &Arc<Client> {
        &self.shared.client
    }

    /// Waits for the network at most `timeout` and does what there is to do.
    ///
    /// # Errors
    ///
    /// Why the connection ended, once; `NotConnected` without one; `InvalidArgument` inside
    /// an event handler, and for a client in a shared loop.
    pub fn run_once(&self, timeout: Option<Duration>) -> Result<()> {
        self.shared.check_not_in_handler()?;
        let _using = Using::begin(&self.shared)?;
        match self.shared.try_poller()? {
            Some(mut poller) => self.shared.turn(poller.get()?, timeout, false),
            None => {
                // Another thread runs the loop and does the work; this call only
                // takes its time, so that a program that calls it in turn does not spin.
                thread::sleep(timeout.unwrap_or(BUSY_WAIT).min(BUSY_WAIT));
                Ok(())
            }
        }
    }

    /// Runs until the program disconnects, reconnecting after errors that may pass.
    ///
    /// # Errors
    ///
    /// The error that cannot get better; `NotConnected` if no connection was asked for;
    /// `InvalidArgument` inside an event handler, and for a client in a shared loop.
    pub fn run_forever(&self) -> Result<()> {
        let shared = &self.shared;
        shared.check_not_in_handler()?;
        let _using = Using::begin(shared)?;
        let Some(mut poller) = shared.try_poller()? else {
            return Err(Error::invalid("another thread runs the loop"));
        };
        if !shared.client.is_wanted() && shared.client.is_idle() {
            // A program may disconnect before its loop begins, which is no error.
            return match shared.client.is_ended() {
                true => Ok(()),
                false => Err(CallerError::NotConnected.into()),
            };
        }
        let _host = Hosting::begin(shared);
        loop {
            let outcome = shared.turn(poller.get()?, None, true);
            if shared.client.is_closed() {
                return Ok(());
            }
            if !shared.client.is_wanted() && shared.client.is_idle() {
                return match outcome {
                    Err(Error::Caller(CallerError::NotConnected)) => Ok(()),
                    outcome => outcome,
                };
            }
        }
    }

    /// Starts a thread that runs the loop until [`Runner::stop`], also over disconnects and
    /// new connections.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` if it was started before, and for a client in a shared loop; an I/O
    /// error if there can be no thread.
    pub fn start(&self) -> Result<()> {
        let mut thread = self.lock_thread();
        if thread.is_some() {
            return Err(Error::invalid("the loop thread was started before"));
        }
        let using = Using::begin(&self.shared)?;
        // Made here, so that a failure is the caller's to see.
        drop(self.shared.waker()?);
        let stop = Arc::new(StopRequest::default());
        // From now on, not from when the thread gets to run: an attempt that the program asks
        // for next is the thread's to make.
        self.shared.begin_hosting();
        let work = Box::new({
            let shared = Arc::clone(&self.shared);
            let stop = Arc::clone(&stop);
            move || {
                let _using = using;
                shared.run_thread(&stop);
            }
        });
        let handle = threads::spawn("mqttrs-loop", work).map_err(|error| {
            self.shared.end_hosting();
            Error::io("start of the loop thread", &error)
        })?;
        *thread = Some(LoopThread { stop, handle });
        Ok(())
    }

    /// Stops the thread and waits until it has ended.
    ///
    /// With `force` that takes at most as long as the callback it is in. Without, the
    /// thread first runs until the program disconnects: programs do that in a callback,
    /// when the last of their messages is acknowledged, and join the thread meanwhile.
    /// Then it has [`STOP_FLUSH_LIMIT`] for what was queued before the DISCONNECT.
    ///
    /// Inside a callback it does not wait, whatever thread that is on: the loop thread may
    /// be waiting for the callback to return.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` if it was not started.
    pub fn stop(&self, force: bool) -> Result<()> {
        let Some(thread) = self.lock_thread().take() else {
            return Err(Error::invalid("the loop thread was not started"));
        };
        thread.stop.forced.store(force, Ordering::SeqCst);
        thread.stop.asked.store(true, Ordering::SeqCst);
        if let Some(waker) = self.shared.waker.get() {
            waker.wake_now();
        }
        // A thread that waits for the poller has nothing to bring to an end.
        drop(self.shared.lock_poller());
        self.shared.returned.notify_all();
        if !self.shared.client.is_in_handler() {
            // A loop thread that panicked has ended too.
            let _ = thread.handle.join();
        }
        Ok(())
    }

    /// Stops the thread, if there is one, and closes the client.
    pub fn shut_down(&self) {
        self.shared.client.close();
        self.halt();
    }

    /// Whoever runs the loop for the client for good stops doing so.
    pub fn halt(&self) {
        // Without a thread there is nothing to stop, without a shared loop nothing to leave.
        let _ = self.stop(true);
        let _ = self.shared.leave(None);
    }

    fn lock_thread(&self) -> MutexGuard<'_, Option<LoopThread>> {
        self.thread.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shared {
    fn check_not_in_handler(&self) -> Result<()> {
        if self.client.is_in_handler() {
            return Err(Error::invalid("the loop cannot run inside a callback"));
        }
        Ok(())
    }

    /// The poller, `None` while another thread uses it.
    fn try_poller(&self) -> Result<Option<PollerGuard<'_>>> {
        self.waker()?;
        Ok(self.lock_poller().take().map(|poller| PollerGuard {
            shared: self,
            poller: Some(poller),
        }))
    }

    /// The poller, once no other thread uses it; `None` if this one is to stop before that.
    fn wait_for_poller(&self, stop: &StopRequest) -> Option<PollerGuard<'_>> {
        let mut poller = self.lock_poller();
        loop {
            if let Some(poller) = poller.take() {
                return Some(PollerGuard {
                    shared: self,
                    poller: Some(poller),
                });
            }
            if stop.asked.load(Ordering::SeqCst) {
                return None;
            }
            self.awaiting.fetch_add(1, Ordering::Relaxed);
            poller = self
                .returned
                .wait(poller)
                .unwrap_or_else(PoisonError::into_inner);
            self.awaiting.fetch_sub(1, Ordering::Relaxed);
        }
    }

    fn begin_hosting(&self) {
        let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        *hosts += 1;
        self.client.set_hosted(true);
    }

    fn end_hosting(&self) {
        let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        *hosts -= 1;
        if *hosts == 0 {
            self.client.set_hosted(false);
        }
    }

    fn lock_poller(&self) -> MutexGuard<'_, Option<Poller>> {
        self.poller.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes poller and waker where there are none.
    fn waker(&self) -> Result<Arc<Waker>> {
        self.waker
            .get_or_try_init(|| {
                let poller = Poller::new()?;
                let waker = Arc::new(poller.waker()?);
                *self.lock_poller() = Some(poller);
                self.client.set_wake(Some(waker.clone()));
                Ok(waker)
            })
            .cloned()
    }

    /// Waits for the network at most `timeout`, and does what there is to do. Without a
    /// connection or the prospect of one it waits only if `patient`.
    fn turn(&self, poller: &mut Poller, timeout: Option<Duration>, patient: bool) -> Result<()> {
        let wait = self.client.prepare_wait();
        if wait.idle && !patient {
            return self.client.handle_ready(false, false, false);
        }
        if wait.gathers {
            std::thread::sleep(PAUSE);
        }
        let ready = poller.wait(&wait, timeout)?;
        self.client
            .handle_ready(ready.readable, ready.writable, ready.read_closed)
    }

    fn run_thread(&self, stop: &StopRequest) {
        // Begun by whoever started the thread.
        let hosting = Hosting(self);
        // Another thread may be inside `run_once`, or be a loop thread on its way out.
        let Some(mut guard) = self.wait_for_poller(stop) else {
            return;
        };
        let Ok(poller) = guard.get() else {
            return;
        };
        let mut flush_until = None;
        loop {
            let ends = stop.asked.load(Ordering::SeqCst)
                && (stop.forced.load(Ordering::SeqCst) || !self.client.is_wanted());
            if ends {
                let now = Instant::now();
                let until = *flush_until.get_or_insert(now + STOP_FLUSH_LIMIT);
                let forced = stop.forced.load(Ordering::SeqCst);
                if forced || !self.client.is_closing() || now >= until {
                    break;
                }
            }
            let limit = flush_until.map(|until| until.saturating_duration_since(Instant::now()));
            // What went wrong was an event, and the client has planned what follows.
            if let Err(Error::Io(error)) = self.turn(poller, limit, true) {
                if error.operation == poller::OPERATION {
                    break; // no polling, no loop
                }
            }
            if self.client.is_closed() {
                break;
            }
        }
        drop(hosting);
        // Nothing accepted before the stop is left unsent, nothing that happened untold.
        let _ = self.client.handle_ready(false, true, false);
    }
}

/// The poller while this thread uses it.
struct PollerGuard<'a> {
    shared: &'a Shared,
    /// Present until the guard is dropped.
    poller: Option<Poller>,
}

impl PollerGuard<'_> {
    fn get(&mut self) -> Result<&mut Poller> {
        self.poller.as_mut().ok_or(Error::invalid("no poller"))
    }
}

impl Drop for PollerGuard<'_> {
    fn drop(&mut self) {
        let mut poller = self.shared.lock_poller();
        *poller = self.poller.take();
        // A system call that mostly nobody waits for.
        if self.shared.awaiting.load(Ordering::Relaxed) > 0 {
            self.shared.returned.notify_all();
        }
    }
}

/// Says that somebody runs the client's loop for good.
struct Hosting<'a>(&'a Shared);

impl<'a> Hosting<'a> {
    fn begin(shared: &'a Shared) -> Self {
        shared.begin_hosting();
        Hosting(shared)
    }
}

impl Drop for Hosting<'_> {
    fn drop(&mut self) {
        self.0.end_hosting();
    }
}
