//! One `mio::Poll` for one client, and its wake-up.

use std::io;
use std::time::{Duration, Instant};

use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};

use crate::client::{Wait, Wake};
use crate::error::{Error, Result};

/// Names what failed in errors from here.
pub(super) const OPERATION: &str = "poll";

const WAKE: Token = Token(usize::MAX);

/// Polls for the descriptor of a client's present connection.
#[derive(Debug)]
pub(super) struct Poller {
    poll: Poll,
    events: Events,
    /// The connection that is registered. A closed descriptor leaves the poll by itself.
    registered: Option<u64>,
}

/// Ends a wait from another thread.
#[derive(Debug)]
pub(super) struct Waker(mio::Waker);

/// What the connection is, since the last wait.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Ready {
    pub(super) readable: bool,
    pub(super) writable: bool,
    /// The peer ended its side, or the connection failed.
    pub(super) read_closed: bool,
}

impl Poller {
    pub(super) fn new() -> Result<Self> {
        Ok(Poller {
            poll: Poll::new().map_err(failed)?,
            events: Events::with_capacity(8),
            registered: None,
        })
    }

    pub(super) fn waker(&self) -> Result<Waker> {
        mio::Waker::new(self.poll.registry(), WAKE)
            .map(Waker)
            .map_err(failed)
    }

    /// Waits as `wait` says, at most `timeout`.
    pub(super) fn wait(&mut self, wait: &Wait, timeout: Option<Duration>) -> Result<Ready> {
        self.register(wait)?;
        let until_deadline = wait
            .deadline
            .map(|deadline| deadline.saturating_duration_since(Instant::now()));
        let timeout = if wait.ready {
            Some(Duration::ZERO)
        } else {
            [timeout, until_deadline].into_iter().flatten().min()
        };
        match self.poll.poll(&mut self.events, timeout) {
            Ok(()) => {}
            // A signal's handler may have changed what there is to do.
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(Ready::default()),
            Err(error) => return Err(failed(error)),
        }
        let mut ready = Ready::default();
        for event in &self.events {
            if Some(event.token()) != self.registered.map(token) {
                continue;
            }
            // A connection that failed is found out by reading from it.
            ready.readable |= event.is_readable();
            ready.read_closed |= event.is_read_closed() || event.is_error();
            ready.writable |= event.is_writable() || event.is_write_closed();
        }
        Ok(ready)
    }

    fn register(&mut self, wait: &Wait) -> Result<()> {
        let connection = wait.fd.map(|(_, number)| number);
        if self.registered == connection {
            return Ok(());
        }
        self.registered = connection;
        let Some((fd, number)) = wait.fd else {
            return Ok(());
        };
        let interest = Interest::READABLE | Interest::WRITABLE;
        let registry = self.poll.registry();
        match registry.register(&mut SourceFd(&fd), token(number), interest) {
            // The number of a descriptor that is still registered: the same socket, once
            // connecting, now connected.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => registry
                .reregister(&mut SourceFd(&fd), token(number), interest)
                .map_err(failed),
            outcome => outcome.map_err(failed),
        }
    }
}

impl Waker {
    /// Ends the wait; one that has not begun yet ends at once.
    pub(super) fn wake_now(&self) {
        // Fails only when the counter is full, and then the wait ends anyway.
        let _ = self.0.wake();
    }
}

impl Wake for Waker {
    fn wake(&self) {
        self.wake_now();
    }
}

fn token(connection: u64) -> Token {
    Token(connection as usize)
}

fn failed(error: io::Error) -> Error {
    Error::io(OPERATION, &error)
}
