//! Non-blocking byte pipes, and how they come about: name resolution on its own
//! thread, then a [`Dial`] that tries one address after the other.

mod dial;
mod layers;
mod resolve;
mod socket;
#[cfg(feature = "srv")]
mod srv;
#[cfg(feature = "tls")]
mod tls;
mod tls_settings;
#[cfg(feature = "websocket")]
mod websocket;

pub use dial::{Dial, Endpoint, CONNECT_TIMEOUT};
pub use layers::Layers;
pub use resolve::{resolve, resolve_in_background};

#[cfg(feature = "tls")]
use std::io::Write;
use std::io::{self, IoSlice, Read};
use std::net::Shutdown;
use std::os::fd::{AsRawFd, RawFd};

use socket2::Socket;

use crate::error::{Error, PeerError};

#[cfg(feature = "srv")]
pub use srv::{lookup as lookup_srv, Service, SrvTarget};
#[cfg(feature = "tls")]
pub use tls::{client_config, KeyPassword, TlsConfig, TlsStream};
pub use tls_settings::TlsSettings;
#[cfg(feature = "websocket")]
pub use websocket::{WebSocketRequest, WebSocketStream};

/// A connected byte pipe. Every operation returns at once.
#[derive(Debug)]
pub enum Stream {
    /// A stream socket: TCP or Unix.
    Socket(Socket),
    /// TLS on a stream socket.
    #[cfg(feature = "tls")]
    Tls(Box<TlsStream>),
    /// WebSocket on a stream socket or on TLS.
    #[cfg(feature = "websocket")]
    WebSocket(Box<WebSocketStream>),
}

impl Stream {
    /// The descriptor that becomes readable when bytes arrive.
    pub fn fd(&self) -> RawFd {
        match self {
            Stream::Socket(socket) => socket.as_raw_fd(),
            #[cfg(feature = "tls")]
            Stream::Tls(stream) => stream.fd(),
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
            #[cfg(feature = "tls")]
            Stream::Tls(stream) => stream.has_unsent(),
            #[cfg(feature = "websocket")]
            Stream::WebSocket(stream) => stream.has_unsent(),
        }
    }

    /// Goes on with the handshakes of the layers; whether they are through.
    pub fn handshake(&mut self) -> io::Result<bool> {
        match self {
            Stream::Socket(_) => Ok(true),
            #[cfg(feature = "tls")]
            Stream::Tls(stream) => stream.handshake(),
            #[cfg(feature = "websocket")]
            Stream::WebSocket(stream) => stream.handshake(),
        }
    }

    /// Reads what is there; 0 means that the peer has closed.
    pub fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Stream::Socket(socket) => socket.read(buffer),
            #[cfg(feature = "tls")]
            Stream::Tls(stream) => stream.read(buffer),
            #[cfg(feature = "websocket")]
            Stream::WebSocket(stream) => stream.read(buffer),
        }
    }

    /// Writes what fits. A closed connection is an error, never a signal.
    pub fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        match self {
            Stream::Socket(socket) => socket::send_vectored(socket, slices),
            #[cfg(feature = "tls")]
            Stream::Tls(stream) => stream.write_vectored(slices),
            #[cfg(feature = "websocket")]
            Stream::WebSocket(stream) => stream.write_vectored(slices),
        }
    }

    /// Sends what [`Stream::has_unsent`] speaks of.
    pub fn flush(&mut self) -> io::Result<()> {
        match self {
            Stream::Socket(_) => Ok(()),
            #[cfg(feature = "tls")]
            Stream::Tls(stream) => stream.flush(),
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
            #[cfg(feature = "tls")]
            Stream::Tls(stream) => stream.close(),
            #[cfg(feature = "websocket")]
            Stream::WebSocket(stream) => stream.close(),
        }
    }
}

/// A read or a write that failed. Where it was a layer that failed, that is named.
pub fn stream_error(operation: &'static str, error: &io::Error) -> Error {
    #[cfg(feature = "tls")]
    if let Some(error) = tls::refusal(error) {
        return error;
    }
    match error.kind() {
        // How a network says "lost"; anything else keeps its errno.
        io::ErrorKind::ConnectionReset
        | io::ErrorKind::BrokenPipe
        | io::ErrorKind::ConnectionAborted => Error::Peer(PeerError::ConnectionLost),
        _ => Error::io(operation, error),
    }
}
