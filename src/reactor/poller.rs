//! Waits for one client's socket, and is woken up.
//!
//! The first few pollers of a process have a `mio::Poll` each, where an event comes by the
//! shortest way; every further one has a seat in the [`hub`](super::hub), so that many
//! clients need one descriptor each.

use std::io;
use std::ops::BitOrAssign;
use std::os::fd::RawFd;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;
use std::time::{Duration, Instant};

use mio::event::Event;
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Registry, Token};

use super::hub::{Place, Seat, HUBS};
use crate::client::{Wait, Wake};
use crate::error::{Error, Result};

/// Names what failed in errors from here.
pub(super) const OPERATION: &str = "poll";

/// How many pollers with a poll of their own there are at most at the same time. A program
/// with a few clients is to have the least latency; beside thousands of clients with one
/// descriptor the two more of these few do not count.
const OWN_LIMIT: usize = 16;

/// How many there are.
static OWN: AtomicUsize = AtomicUsize::new(0);

/// After a fork: those that there are belong to the parent.
pub(super) fn forget_all() {
    OWN.store(0, Ordering::Relaxed);
}

/// Polls for the descriptor of a client's present connection.
#[derive(Debug)]
pub(super) struct Poller {
    kind: Kind,
    /// The connection that is registered.
    registered: Option<u64>,
}

#[derive(Debug)]
enum Kind {
    Own(OwnPoll),
    Seat(Seat),
}

/// Ends a wait from another thread.
#[derive(Debug)]
pub(super) enum Waker {
    Own(mio::Waker),
    Seat(Arc<Place>),
}

/// What the connection is, since the last wait.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Ready {
    pub(super) readable: bool,
    pub(super) writable: bool,
    /// The peer ended its side, or the connection failed.
    pub(super) read_closed: bool,
}

impl Poller {
    pub(super) fn new() -> Result<Self> {
        let kind = match OwnPlace::take() {
            Some(place) => OwnPoll::new(place).map(Kind::Own),
            None => HUBS.seat().map(Kind::Seat),
        };
        Ok(Poller {
            kind: kind.map_err(failed)?,
            registered: None,
        })
    }

    pub(super) fn waker(&self) -> Result<Waker> {
        match &self.kind {
            Kind::Own(own) => mio::Waker::new(own.poll.registry(), WAKE)
                .map(Waker::Own)
                .map_err(failed),
            Kind::Seat(seat) => Ok(Waker::Seat(seat.place())),
        }
    }

    /// Waits as `wait` says, at most `timeout`.
    pub(super) fn wait(&mut self, wait: &Wait, timeout: Option<Duration>) -> Result<Ready> {
        let connection = wait.fd.map(|(_, number)| number);
        if self.registered != connection {
            let fd = wait.fd.map(|(fd, _)| fd);
            if let Err(error) = self.register(fd) {
                return unregistered(error);
            }
            self.registered = connection;
        }
        let until_deadline = wait
            .deadline
            .map(|deadline| deadline.saturating_duration_since(Instant::now()));
        let timeout = if wait.ready {
            Some(Duration::ZERO)
        } else {
            [timeout, until_deadline].into_iter().flatten().min()
        };
        match &mut self.kind {
            Kind::Own(own) => own.wait(timeout),
            Kind::Seat(seat) => seat.wait(timeout),
        }
        .map_err(failed)
    }

    fn register(&mut self, fd: Option<RawFd>) -> io::Result<()> {
        match &mut self.kind {
            Kind::Own(own) => own.register(fd),
            Kind::Seat(seat) => seat.claim(fd),
        }
    }
}

impl Waker {
    /// Ends the wait; one that has not begun yet ends at once.
    pub(super) fn wake_now(&self) {
        match self {
            // Fails only when the counter is full, and then the wait ends anyway.
            Waker::Own(waker) => {
                let _ = waker.wake();
            }
            Waker::Seat(place) => place.wake(),
        }
    }
}

impl Wake for Waker {
    fn wake(&self) {
        self.wake_now();
    }
}

impl Ready {
    pub(super) fn of(event: &Event) -> Self {
        Ready {
            // A connection that failed is found out by reading from it.
            readable: event.is_readable(),
            read_closed: event.is_read_closed() || event.is_error(),
            writable: event.is_writable() || event.is_write_closed(),
        }
    }
}

impl BitOrAssign for Ready {
    fn bitor_assign(&mut self, other: Self) {
        self.readable |= other.readable;
        self.read_closed |= other.read_closed;
        self.writable |= other.writable;
    }
}

/// Registers a descriptor for whatever happens to it; its present state is reported first.
/// One that is registered stays so under the new token.
pub(super) fn add_or_modify(registry: &Registry, fd: RawFd, token: Token) -> io::Result<()> {
    let interest = Interest::READABLE | Interest::WRITABLE;
    match registry.register(&mut SourceFd(&fd), token, interest) {
        // The number of a descriptor that is still registered: the same socket, once
        // connecting, now connected.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            registry.reregister(&mut SourceFd(&fd), token, interest)
        }
        outcome => outcome,
    }
}

/// What a descriptor that cannot be polled means to the client.
fn unregistered(error: io::Error) -> Result<Ready> {
    match error.kind() {
        // The system has no room for one more.
        io::ErrorKind::StorageFull | io::ErrorKind::OutOfMemory => Err(failed(error)),
        // Another thread has replaced the connection meanwhile and the descriptor is closed
        // or something else, which the client knows by now; or else it finds out by reading.
        _ => Ok(Ready {
            readable: true,
            writable: true,
            read_closed: false,
        }),
    }
}

fn failed(error: io::Error) -> Error {
    Error::io(OPERATION, &error)
}

const WAKE: Token = Token(usize::MAX);

/// A poll for one client.
#[derive(Debug)]
struct OwnPoll {
    poll: Poll,
    events: Events,
    /// That of the present registration. A closed descriptor leaves the poll by itself.
    token: Token,
    _place: OwnPlace,
}

impl OwnPoll {
    fn new(place: OwnPlace) -> io::Result<Self> {
        Ok(OwnPoll {
            poll: Poll::new()?,
            events: Events::with_capacity(8),
            token: Token(0),
            _place: place,
        })
    }

    fn register(&mut self, fd: Option<RawFd>) -> io::Result<()> {
        // A report of the connection before is none of the present one.
        self.token = Token(self.token.0.wrapping_add(1) & (usize::MAX >> 1));
        match fd {
            Some(fd) => add_or_modify(self.poll.registry(), fd, self.token),
            None => Ok(()),
        }
    }

    fn wait(&mut self, timeout: Option<Duration>) -> io::Result<Ready> {
        match self.poll.poll(&mut self.events, timeout) {
            Ok(()) => {}
            // A signal's handler may have changed what there is to do.
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(Ready::default()),
            Err(error) => return Err(error),
        }
        let mut ready = Ready::default();
        for event in &self.events {
            if event.token() == self.token {
                ready |= Ready::of(event);
            }
        }
        Ok(ready)
    }
}

/// One of the few; given back when dropped.
#[derive(Debug)]
struct OwnPlace;

impl OwnPlace {
    fn take() -> Option<Self> {
        OWN.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |alive| {
            (alive < OWN_LIMIT).then_some(alive + 1)
        })
        .ok()
        .map(|_| OwnPlace)
    }
}

impl Drop for OwnPlace {
    fn drop(&mut self) {
        OWN.fetch_sub(1, Ordering::Relaxed);
    }
}
