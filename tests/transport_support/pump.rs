//! Bytes between a client and the broker, both ways, until both have closed.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::fd::{AsRawFd, RawFd};
use std::sync::Mutex;

use socket2::Socket;

use super::carrier::Carrier;
use super::frames::Frames;
use super::Gate;

const CHUNK: usize = 256 * 1024;

/// The client's connection, after all handshakes.
pub enum Outer {
    Bytes(Bytes),
    Frames(Box<Frames>),
}

/// A connection without frames.
pub struct Bytes {
    carrier: Carrier,
    unsent: Vec<u8>,
}

/// Forwards until both sides have closed, or one is gone. Takes all that the broker sends, so
/// that a broker never waits for the client. Before each step it has to pass `gate`.
pub fn pump(
    mut outer: Outer,
    inner: &TcpStream,
    pongs: &Mutex<usize>,
    gate: &Gate,
) -> io::Result<()> {
    outer.socket().set_nonblocking(true)?;
    inner.set_nonblocking(true)?;
    inner.set_nodelay(true)?;
    let mut inner = inner;
    let mut unsent: Vec<u8> = Vec::new(); // what the broker did not take yet
    let (mut outer_ended, mut outer_shut) = (false, false);
    let (mut inner_ended, mut inner_shut) = (false, false);
    let mut chunk = vec![0; CHUNK];
    loop {
        let mut progress = false;
        gate.pass();
        if !outer_ended {
            if let Some(bytes) = would_block(ended(outer.read(&mut chunk, pongs)))? {
                outer_ended = bytes.is_empty();
                unsent.extend(bytes);
                progress = true;
            }
        }
        if !unsent.is_empty() {
            if let Some(count) = would_block(inner.write(&unsent))? {
                unsent.drain(..count);
                progress = true;
            }
        }
        if outer_ended && unsent.is_empty() && !inner_shut {
            inner.shutdown(Shutdown::Write)?;
            inner_shut = true;
        }
        if !inner_ended {
            if let Some(count) = would_block(inner.read(&mut chunk))? {
                inner_ended = count == 0;
                if count > 0 && !outer_shut {
                    outer_shut = outer.write(&chunk[..count]).is_err();
                }
                progress = true;
            }
        }
        // A client that has closed is not there to be written to, but to be read to its end.
        if outer.has_unsent() && !outer_shut {
            outer_shut = outer.flush().is_err();
        }
        if inner_ended && !outer.has_unsent() && !outer_shut {
            outer.shut_down();
            outer_shut = true;
        }
        if outer_shut && inner_shut {
            return Ok(());
        }
        if !progress {
            wait(
                (
                    outer.socket().as_raw_fd(),
                    !outer_ended,
                    outer.has_unsent() && !outer_shut,
                ),
                (inner.as_raw_fd(), !inner_ended, !unsent.is_empty()),
            );
        }
    }
}

impl Outer {
    pub fn bytes(carrier: Carrier) -> Outer {
        Outer::Bytes(Bytes {
            carrier,
            unsent: Vec::new(),
        })
    }

    fn socket(&self) -> &Socket {
        match self {
            Outer::Bytes(bytes) => bytes.carrier.socket(),
            Outer::Frames(frames) => frames.socket(),
        }
    }

    /// Empty at the end.
    fn read(&mut self, chunk: &mut [u8], pongs: &Mutex<usize>) -> io::Result<Vec<u8>> {
        match self {
            Outer::Bytes(bytes) => {
                let count = bytes.carrier.read(chunk)?;
                Ok(chunk[..count].to_vec())
            }
            Outer::Frames(frames) => frames.read(pongs),
        }
    }

    /// Takes all, and sends what goes.
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Outer::Bytes(out) => {
                out.unsent.extend(bytes);
                out.flush()
            }
            Outer::Frames(frames) => frames.write(bytes),
        }
    }

    fn has_unsent(&self) -> bool {
        match self {
            Outer::Bytes(bytes) => !bytes.unsent.is_empty() || bytes.carrier.has_unsent(),
            Outer::Frames(frames) => frames.has_unsent(),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Outer::Bytes(bytes) => bytes.flush(),
            Outer::Frames(frames) => frames.flush(),
        }
    }

    fn shut_down(&mut self) {
        match self {
            Outer::Bytes(bytes) => bytes.carrier.shut_down(),
            Outer::Frames(frames) => frames.shut_down(),
        }
    }
}

impl Bytes {
    fn flush(&mut self) -> io::Result<()> {
        while !self.unsent.is_empty() {
            match would_block(self.carrier.write(&self.unsent))? {
                Some(count) => drop(self.unsent.drain(..count)),
                None => return Ok(()),
            }
        }
        would_block(self.carrier.flush()).map(drop)
    }
}

/// A close with bytes unread arrives as a reset.
fn ended(outcome: io::Result<Vec<u8>>) -> io::Result<Vec<u8>> {
    match outcome {
        Err(error) if error.kind() == io::ErrorKind::ConnectionReset => Ok(Vec::new()),
        outcome => outcome,
    }
}

/// `None` for "not now".
fn would_block<T>(outcome: io::Result<T>) -> io::Result<Option<T>> {
    match outcome {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
        Err(error) => Err(error),
    }
}

/// Waits until one can be read or written; each is its descriptor and what is of interest.
fn wait(outer: (RawFd, bool, bool), inner: (RawFd, bool, bool)) {
    let watch = |(fd, read, write): (RawFd, bool, bool)| libc::pollfd {
        // A closed connection that nobody asks about would be reported for ever.
        fd: if read || write { fd } else { -1 },
        events: if read { libc::POLLIN } else { 0 } | if write { libc::POLLOUT } else { 0 },
        revents: 0,
    };
    let mut polls = [watch(outer), watch(inner)];
    unsafe { libc::poll(polls.as_mut_ptr(), 2, -1) };
}
