//! Non-blocking byte pipes, and how they come about: name resolution on its own
//! thread, then a [`Dial`] that races the addresses, then perhaps a [`Tunnel`] through
//! a proxy, and the [`Layers`] above.

mod dial;
mod layers;
mod proxy;
mod resolve;
mod socket;
#[cfg(feature = "srv")]
mod srv;
#[cfg(feature = "tls")]
mod tls;
mod tls_settings;
#[cfg(feature = "websocket")]
mod websocket;

pub use dial::{handshake_timed_out, look_up_timed_out, Dial, CONNECT_TIMEOUT};
pub use layers::Layers;
pub use proxy::{Proxy, ProxyKind, Tunnel};
pub use resolve::{resolve_in_background, Endpoint, Server};
pub use socket::close_inherited;
pub use socket::lock_file;

#[cfg(feature = "tls")]
use std::io::Write;
use std::io::{self, IoSlice, Read};
use std::net::Shutdown;
use std::os::fd::{AsRawFd, RawFd};

use socket2::Socket;

use crate::error::{Error, PeerError};

#[cfg(all(feature = "srv", fuzzing))]
pub use srv::judge_message as judge_srv_message;
#[cfg(feature = "srv")]
pub use srv::{check_domain, lookup as lookup_srv, Service, SrvTarget};
#[cfg(feature = "tls")]
pub use tls::{client_config, KeyPassword, TlsConfig, TlsStream};
pub use tls_settings::{appendable, readable, TlsFiles, TlsPart, TlsSettings};
#[cfg(feature = "websocket")]
pub use websocket::{check_header, WebSocketOptions, WebSocketStream};

/// While there is one, nobody else is inside what the connections of a process share.
#[derive(Debug)]
pub struct Shared {
    #[cfg(feature = "tls")]
    configurations: tls::Configurations,
}

/// Keeps what connections share for this thread.
pub fn hold_shared() -> Shared {
    Shared {
        #[cfg(feature = "tls")]
        configurations: tls::hold_configurations(),
    }
}

impl Shared {
    /// Connections to come share nothing with those so far.
    pub fn forget(&mut self) {
        #[cfg(feature = "tls")]
        self.configurations.clear();
    }
}

/// A connected byte pipe. Every operation returns at once.
#[derive(Debug)]
pub enum Stream {
    /// A stream socket: TCP or Unix.
    Socket(Socket),
    /// A connection to a proxy that has still to lead further. Next: any other.
    Tunnel(Box<Tunnel>),
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
            Stream::Tunnel(tunnel) => tunnel.fd(),
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

    /// Reports the descriptor as readable when so many bytes have come, at least one, or there
    /// will be no more; not where bytes wait inside.
    pub fn set_low_water(&self, bytes: i32) {
        if let Stream::Socket(socket) = self {
            socket::set_low_water(socket, bytes);
        }
    }

    /// While `held`, reads bring only what waits inside, as if nothing more had arrived.
    pub fn hold(&mut self, held: bool) {
        match self {
            Stream::Socket(_) | Stream::Tunnel(_) => {}
            #[cfg(feature = "tls")]
            Stream::Tls(stream) => stream.hold(held),
            #[cfg(feature = "websocket")]
            Stream::WebSocket(stream) => stream.hold(held),
        }
        let _ = held; // without layers
    }

    /// The address at the other end of the socket, which may be a proxy's; empty for a Unix socket.
    pub fn peer(&self) -> String {
        let address = socket::peer(self.fd());
        address.map_or_else(String::new, |address| address.to_string())
    }

    /// The version of TLS and the cipher suite that were agreed, by its IANA name.
    pub fn tls(&self) -> Option<(&'static str, &'static str)> {
        match self {
            #[cfg(feature = "tls")]
            Stream::Tls(stream) => stream.agreed(),
            #[cfg(all(feature = "tls", feature = "websocket"))]
            Stream::WebSocket(stream) => stream.agreed(),
            _ => None,
        }
    }

    /// Whether a proxy or a layer is still being talked to before bytes can flow.
    pub fn is_handshaking(&self) -> bool {
        match self {
            Stream::Socket(_) => false,
            Stream::Tunnel(_) => true,
            #[cfg(feature = "tls")]
            Stream::Tls(stream) => stream.is_handshaking(),
            #[cfg(feature = "websocket")]
            Stream::WebSocket(stream) => stream.is_handshaking(),
        }
    }

    /// Whether it is for the socket to take bytes, not for the peer to send some, that the
    /// stream waits.
    pub fn wants_write(&self) -> bool {
        match self {
            Stream::Socket(_) => false,
            Stream::Tunnel(tunnel) => tunnel.wants_write(),
            #[cfg(feature = "tls")]
            Stream::Tls(stream) => stream.wants_write(),
            #[cfg(feature = "websocket")]
            Stream::WebSocket(stream) => stream.wants_write(),
        }
    }

    /// Whether the socket is closed already, because a handshake failed.
    pub fn is_gone(&self) -> bool {
        #[cfg(feature = "websocket")]
        if let Stream::WebSocket(stream) = self {
            return stream.is_gone();
        }
        false
    }

    /// Whether bytes that were taken, or a handshake, still have to reach the socket, by
    /// [`Stream::flush`].
    pub fn has_unsent(&self) -> bool {
        match self {
            Stream::Socket(_) => false,
            Stream::Tunnel(_) => true,
            #[cfg(feature = "tls")]
            Stream::Tls(stream) => stream.has_unsent(),
            #[cfg(feature = "websocket")]
            Stream::WebSocket(stream) => stream.has_unsent(),
        }
    }

    /// Reads what is there; 0 means that the peer has closed.
    pub fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Stream::Socket(socket) => socket.read(buffer),
            Stream::Tunnel(_) => self.through_tunnel().and_then(|()| self.read(buffer)),
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
            Stream::Tunnel(_) => self
                .through_tunnel()
                .and_then(|()| self.write_vectored(slices)),
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
            Stream::Tunnel(_) => self.through_tunnel().and_then(|()| self.flush()),
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
            Stream::Tunnel(tunnel) => tunnel.close(),
            #[cfg(feature = "tls")]
            Stream::Tls(stream) => stream.close(),
            #[cfg(feature = "websocket")]
            Stream::WebSocket(stream) => stream.close(),
        }
    }

    /// Becomes the stream behind the proxy; `WouldBlock` as long as the way is not open.
    fn through_tunnel(&mut self) -> io::Result<()> {
        if let Stream::Tunnel(tunnel) = self {
            *self = tunnel.open()?;
        }
        Ok(())
    }
}

/// An error of ours that has to pass through an interface of `std::io`.
fn refused(error: Error) -> io::Error {
    io::Error::other(error)
}

/// A read or a write that failed. Where it was a layer that failed, that is named.
pub fn stream_error(operation: &'static str, error: &io::Error) -> Error {
    #[cfg(feature = "tls")]
    if let Some(error) = tls::refusal(error) {
        return error;
    }
    let ours = error.get_ref().and_then(|inner| inner.downcast_ref());
    if let Some(error) = ours {
        return Error::clone(error);
    }
    match error.kind() {
        // How a network says "lost"; anything else keeps its errno.
        io::ErrorKind::ConnectionReset
        | io::ErrorKind::BrokenPipe
        | io::ErrorKind::ConnectionAborted => Error::Peer(PeerError::ConnectionLost),
        _ => Error::io(operation, error),
    }
}
