//! Non-blocking byte pipes, and how they come about: name resolution on its own
//! thread, then a [`Dial`] that tries one address after the other.

mod dial;
mod resolve;
mod socket;
#[cfg(feature = "websocket")]
mod websocket;

pub use dial::{Dial, Endpoint, CONNECT_TIMEOUT};
pub use resolve::{resolve, resolve_in_background};

use std::io::{self, IoSlice, Read};
use std::net::Shutdown;
use std::os::fd::{AsRawFd, RawFd};

use socket2::Socket;

#[cfg(feature = "websocket")]
pub use websocket::{WebSocketRequest, WebSocketStream};

/// A connected byte pipe. Every operation returns at once.
#[derive(Debug)]
pub enum Stream {
    /// A stream socket: TCP or Unix.
    Socket(Socket),
    /// WebSocket on a stream socket.
    #[cfg(feature = "websocket")]
    WebSocket(Box<WebSocketStream>),
}

impl Stream {
    /// The descriptor that becomes readable when bytes arrive.
    pub fn fd(&self) -> RawFd {
        match self {
            Stream::Socket(socket) => socket.as_raw_fd(),
            #[cfg(feature = "websocket")]
            Stream::WebSocket(stream) => stream.fd(),
        }
    }

    /// Whether bytes may wait inside, between the socket and us, in either direction. Then
    /// only `WouldBlock` says that everything that arrived was read.
    pub const fn buffers(&self) -> bool {
        !matches!(self, Stream::Socket(_))
    }

    /// Whether bytes that were taken still have to reach the socket, by [`Stream::flush`].
    pub fn has_unsent(&self) -> bool {
        match self {
            Stream::Socket(_) => false,
            #[cfg(feature = "websocket")]
            Stream::WebSocket(stream) => stream.has_unsent(),
        }
    }

    /// Reads what is there; 0 means that the peer has closed.
    pub fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Stream::Socket(socket) => socket.read(buffer),
            #[cfg(feature = "websocket")]
            Stream::WebSocket(stream) => stream.read(buffer),
        }
    }

    /// Writes what fits. A closed connection is an error, never a signal.
    pub fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        match self {
            Stream::Socket(socket) => socket::send_vectored(socket, slices),
            #[cfg(feature = "websocket")]
            Stream::WebSocket(stream) => stream.write_vectored(slices),
        }
    }

    /// Sends what [`Stream::has_unsent`] speaks of.
    pub fn flush(&mut self) -> io::Result<()> {
        match self {
            Stream::Socket(_) => Ok(()),
            #[cfg(feature = "websocket")]
            Stream::WebSocket(stream) => stream.flush(),
        }
    }

    /// Closes so that what was written still arrives: the writing side first, then
    /// unread input is taken, since closing with input unread resets the connection.
    pub fn close(self) {
        match self {
            Stream::Socket(mut socket) => {
                // Fails when the peer is gone already, which is as good.
                let _ = socket.shutdown(Shutdown::Write);
                let mut discarded = [0; 4096];
                for _ in 0..64 {
                    match socket.read(&mut discarded) {
                        Ok(count) if count > 0 => {}
                        _ => break,
                    }
                }
            }
            #[cfg(feature = "websocket")]
            Stream::WebSocket(stream) => stream.close(),
        }
    }
}
