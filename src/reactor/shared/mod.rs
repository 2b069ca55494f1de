//! One loop for any number of clients.
//!
//! Its work is in proportion to what happens, not to how many clients there are: a client
//! without news is not looked at. [`Members`] has the clients and who of them has news,
//! [`Run`] is the thread that serves them.
//!
//! The mutex of the members is held for moments, never while a client is called. A client
//! that is called may hold its own mutex and ring its bell, so the order is: a client's mutex
//! first, that of the members second.

mod members;
mod run;

use std::cell::Cell;
use std::io;
use std::os::fd::RawFd;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use mio::unix::SourceFd;
use mio::{Registry, Token};

use super::{threads, Runner, Shared};
use crate::client::{Client, Wake};
use crate::error::{Error, Result};
use members::{Members, NEVER};
use run::{Run, Turn};

/// The token that stands for the waker.
const WAKE: Token = Token(usize::MAX);

/// A loop that drives and reconnects the clients in it. All methods may be called from any
/// thread and from any callback.
#[derive(Debug)]
pub struct SharedLoop {
    core: Arc<Core>,
    thread: Mutex<Option<LoopThread>>,
}

/// A loop thread, and which run of the loop is its.
#[derive(Debug)]
struct LoopThread {
    run: u64,
    handle: JoinHandle<()>,
}

/// What the loop, its members and its thread share.
#[derive(Debug)]
pub(super) struct Core {
    members: Mutex<Members>,
    /// Signalled, if somebody waits, when a run has ended and when a client was served.
    changed: Condvar,
    waker: mio::Waker,
    registry: Registry,
    /// The poll's descriptor.
    fd: RawFd,
    /// Deadlines are kept as nanoseconds since then.
    epoch: Instant,
}

/// A client's place in the loop, and the way to say that it has news.
#[derive(Debug)]
pub(super) struct Bell {
    core: Arc<Core>,
    index: u32,
}

thread_local! {
    /// This thread runs a shared loop.
    static RUNS_A_LOOP: Cell<bool> = const { Cell::new(false) };
}

/// Whether this thread runs a shared loop.
pub(super) fn runs_a_loop() -> bool {
    RUNS_A_LOOP.get()
}

/// While there is one, nobody else is inside the loop.
pub struct FrozenLoop<'a>(MutexGuard<'a, Members>);

impl FrozenLoop<'_> {
    /// To be called in the child of a fork: the loop is the parent's. Who is inside a callback of
    /// it comes back to a loop that was destroyed.
    pub fn inherit(&mut self) {
        self.0.closed = true;
        self.0.stop = true;
    }
}

impl SharedLoop {
    /// A loop without clients, which nobody runs yet.
    pub fn new() -> Result<SharedLoop> {
        let core = Turn::new().and_then(|turn| {
            let registry = turn.registry().try_clone()?;
            Ok(Core {
                waker: mio::Waker::new(&registry, WAKE)?,
                registry,
                fd: turn.fd(),
                members: Mutex::new(Members::new(turn)),
                changed: Condvar::new(),
                epoch: Instant::now(),
            })
        });
        Ok(SharedLoop {
            core: Arc::new(core.map_err(failed)?),
            thread: Mutex::new(None),
        })
    }

    /// The loop drives this client from now on, and reconnects it.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` if the client is in a loop, or its own loop runs.
    pub fn add(&self, runner: &Runner) -> Result<()> {
        runner.shared.join(&self.core)
    }

    /// The loop drives this client no longer. Outside the client's callbacks: none of them
    /// runs when this returns.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` if the client is not in this loop.
    pub fn remove(&self, runner: &Runner) -> Result<()> {
        runner.shared.leave(Some(&self.core))
    }

    /// Runs the loop in this thread until [`SharedLoop::stop`].
    ///
    /// # Errors
    ///
    /// `InvalidArgument` if it runs already; an I/O error if polling fails.
    pub fn run(&self) -> Result<()> {
        Run::begin(&self.core)?.until_stopped()
    }

    /// Waits for the network at most `timeout` and does what there is to do, for each
    /// client a share.
    ///
    /// # Errors
    ///
    /// As for [`SharedLoop::run`].
    pub fn run_once(&self, timeout: Option<Duration>) -> Result<()> {
        Run::begin(&self.core)?.turn(timeout)
    }

    /// Runs the loop in a thread of its own.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` if it runs already, an I/O error if there can be no thread.
    pub fn start(&self) -> Result<()> {
        let mut thread = self.lock_thread();
        // From now on, not from when the thread gets to run: a stop is not lost.
        let run = Run::begin(&self.core)?;
        let number = run.number();
        let work = Box::new(move || {
            // Nobody is there to be told that polling failed; the loop can be run again.
            let _ = run.until_stopped();
        });
        let handle = threads::spawn("mqttrs-loop", work)
            .map_err(|error| Error::io("start of the loop thread", &error))?;
        // An older thread has ended its run.
        *thread = Some(LoopThread {
            run: number,
            handle,
        });
        Ok(())
    }

    /// Ends the run, in whichever thread, and waits until it has ended, unless this thread
    /// is inside a callback of a shared loop. What was accepted and the network takes at once is
    /// written before.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` if nobody runs the loop.
    pub fn stop(&self) -> Result<()> {
        let mut members = self.core.lock();
        if !members.is_running() {
            return Err(Error::invalid("the loop does not run"));
        }
        members.stop = true;
        let run = members.run;
        self.core.rouse(members);
        if RUNS_A_LOOP.get() {
            return Ok(());
        }
        self.core
            .wait_while(|members| members.is_running() && members.run == run);
        self.join(run);
        Ok(())
    }

    /// The descriptor that is readable when [`SharedLoop::run_once`] has something to do.
    pub fn fd(&self) -> RawFd {
        let mut members = self.core.lock();
        members.watched = true;
        if !members.is_running() {
            self.core.watch(&mut members);
        }
        self.core.fd
    }

    /// How long [`SharedLoop::run_once`] has nothing to do unless the descriptor says so.
    pub fn timeout(&self) -> Option<Duration> {
        let members = self.core.lock();
        if members.has_work() {
            return Some(Duration::ZERO);
        }
        let due = members.next_deadline;
        (due != NEVER).then(|| Duration::from_nanos(due.saturating_sub(self.core.now())))
    }

    /// Waits until nobody is inside, and keeps everybody out; to be called after
    /// [`Runner::freeze`].
    pub fn freeze(&self) -> FrozenLoop<'_> {
        FrozenLoop(self.core.lock())
    }

    /// Ends the run and lets go of the clients.
    pub fn shut_down(&self) {
        self.core.lock().closed = true;
        // Fails where nobody runs it.
        let _ = self.stop();
        let clients = self.core.lock().clients();
        for client in clients {
            // Another thread may have been first.
            let _ = client.leave(Some(&self.core));
        }
        if !RUNS_A_LOOP.get() {
            let run = self.core.lock().run;
            self.join(run);
        }
    }

    /// Waits for the thread whose run, this one, has ended.
    fn join(&self, run: u64) {
        let thread = {
            let mut thread = self.lock_thread();
            thread.take_if(|thread| thread.run == run)
        };
        if let Some(thread) = thread {
            // A thread that panicked has ended too.
            let _ = thread.handle.join();
        }
    }

    fn lock_thread(&self) -> MutexGuard<'_, Option<LoopThread>> {
        self.thread.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Core {
    /// Takes a client in; it is served when its bell has rung.
    pub(super) fn admit(self: &Arc<Self>, client: &Arc<Shared>) -> Result<Arc<Bell>> {
        self.lock().admit(client, |index| {
            Arc::new(Bell {
                core: Arc::clone(self),
                index,
            })
        })
    }

    /// Forgets a client that has another wake already, and waits until the loop has let
    /// go of it.
    pub(super) fn dismiss(&self, bell: &Arc<Bell>, client: &Client) {
        // Inside its callback, that is what the loop would wait for.
        if !self.is_run_by_this_thread() && !client.is_in_handler() {
            self.wait_while(|members| members.serves(bell));
        }
        let member = self.lock().dismiss(bell);
        if let Some(number) = member.as_ref().and_then(|member| member.connection()) {
            client.forget_fd(number, |fd| {
                // Fails only for a descriptor that is polled for no longer.
                let _ = self.registry.deregister(&mut SourceFd(&fd));
            });
        }
    }

    fn is_run_by_this_thread(&self) -> bool {
        self.lock().runner == Some(this_thread())
    }

    /// Ends the wait of the thread that runs the loop, or of a foreign loop.
    fn rouse(&self, mut members: MutexGuard<'_, Members>) {
        let sleeping = std::mem::take(&mut members.sleeping);
        drop(members);
        if sleeping {
            // Fails only when the counter is full, and then the wait ends anyway.
            let _ = self.waker.wake();
        }
    }

    /// Nobody runs the loop, but its descriptor is watched: from now on that tells of news.
    fn watch(&self, members: &mut Members) {
        members.sleeping = !members.has_work();
        if !members.sleeping {
            let _ = self.waker.wake();
        }
    }

    fn now(&self) -> u64 {
        self.time(Instant::now())
    }

    fn time(&self, instant: Instant) -> u64 {
        let since = instant.saturating_duration_since(self.epoch);
        u64::try_from(since.as_nanos()).unwrap_or(NEVER)
    }

    fn lock(&self) -> MutexGuard<'_, Members> {
        self.members.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait_while(&self, mut condition: impl FnMut(&Members) -> bool) {
        let mut members = self.lock();
        while condition(&members) {
            members.waiting += 1;
            members = self
                .changed
                .wait(members)
                .unwrap_or_else(PoisonError::into_inner);
            members.waiting -= 1;
        }
    }
}

impl Bell {
    pub(super) fn core(&self) -> &Arc<Core> {
        &self.core
    }
}

impl Wake for Bell {
    fn wake(&self) {
        let mut members = self.core.lock();
        if members.ring(self.index) {
            self.core.rouse(members);
        }
    }
}

/// A number that differs between threads alive at the same time.
fn this_thread() -> usize {
    RUNS_A_LOOP.with(|mark| std::ptr::from_ref(mark) as usize)
}

fn failed(error: io::Error) -> Error {
    Error::io(super::poller::OPERATION, &error)
}
