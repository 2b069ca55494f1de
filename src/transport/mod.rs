//! Non-blocking byte pipes, and how they come about: name resolution on its own
//! thread, then a [`Dial`] that tries one address after the other.

mod dial;
mod resolve;
mod socket;

pub use dial::{Dial, Endpoint, CONNECT_TIMEOUT};
pub use resolve::{resolve, resolve_in_background};

use std::io::{self, IoSlice, Read};
use std::net::Shutdown;
use std::os::fd::{AsRawFd, RawFd};

use socket2::Socket;

/// A connected byte pipe. Every operation returns at once.
#[derive(Debug)]
pub enum Stream {
    /// A stream socket: TCP or Unix.
    Socket(Socket),
}

impl Stream {
    /// The descriptor that becomes readable when bytes arrive.
    pub fn fd(&self) -> RawFd {
        match self {
            Stream::Socket(socket) => socket.as_raw_fd(),
        }
    }

    /// Reads what is there; 0 means that the peer has closed.
    pub fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Stream::Socket(socket) => socket.read(buffer),
        }
    }

    /// Writes what fits. A closed connection is an error, never a signal.
    pub fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        match self {
            Stream::Socket(socket) => socket::send_vectored(socket, slices),
        }
    }

    /// Closes so that what was written still arrives: the writing side first, then
    /// unread input is taken, since closing with input unread resets the connection.
    pub fn close(mut self) {
        let Stream::Socket(socket) = &self;
        // Fails when the peer is gone already, which is as good.
        let _ = socket.shutdown(Shutdown::Write);
        let mut discarded = [0; 4096];
        for _ in 0..64 {
            match self.read(&mut discarded) {
                Ok(count) if count > 0 => {}
                _ => break,
            }
        }
    }
}
