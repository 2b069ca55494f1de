//! Proxies: a conversation on the fresh socket, after which it leads to the server.

mod http_connect;
mod socks5;

use std::fmt;
use std::io::{self, IoSlice, Read};
use std::net::Shutdown;
use std::os::fd::{AsRawFd, RawFd};

use socket2::Socket;

use super::socket::send_vectored;
use super::{Layers, Stream};
use crate::error::{Error, PeerError, Result};

/// A proxy to connect through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proxy {
    /// The language it speaks.
    pub kind: ProxyKind,
    /// Host name or address of the proxy.
    pub host: String,
    /// Port of the proxy.
    pub port: u16,
    /// User name and password for the proxy.
    pub credentials: Option<(String, String)>,
}

/// The language a proxy speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProxyKind {
    /// SOCKS5 (RFC 1928), with user name and password (RFC 1929).
    Socks5,
    /// HTTP's CONNECT (RFC 9110 section 9.3.6), with basic authentication.
    HttpConnect,
}

/// A connection to a proxy that is being asked for one to the server.
pub struct Tunnel {
    fd: RawFd,
    /// Taken away once the way is open.
    socket: Option<Socket>,
    conversation: Box<dyn Conversation>,
    /// What is being sent, and how much of it is out.
    output: Vec<u8>,
    sent: usize,
    /// What follows once the way is open.
    layers: Layers,
    host: String,
    port: u16,
}

/// What is said to a proxy and what its answers mean; without the socket, so that the
/// bytes can come cut anywhere.
trait Conversation: Send {
    /// How many bytes of input are surely still the proxy's and not yet the server's.
    fn wanted(&self) -> usize;

    /// Takes input, at most as much as was wanted.
    fn input(&mut self, bytes: &[u8]) -> Result<Progress>;
}

/// What comes after a piece of input.
#[derive(Debug, PartialEq, Eq)]
enum Progress {
    /// More input.
    Wait,
    /// These bytes have to be sent, then more input.
    Send(Vec<u8>),
    /// The way to the server is open.
    Open,
}

impl Tunnel {
    /// Begins to ask the proxy at the other end of `socket` for a connection to `host`.
    pub(super) fn new(
        socket: Socket,
        proxy: &Proxy,
        layers: &Layers,
        host: &str,
        port: u16,
    ) -> Result<Self> {
        let credentials = proxy.credentials.as_ref();
        let (conversation, output): (Box<dyn Conversation>, _) = match proxy.kind {
            ProxyKind::Socks5 => {
                let (conversation, greeting) = socks5::begin(credentials, host, port)?;
                (Box::new(conversation), greeting)
            }
            ProxyKind::HttpConnect => {
                let (conversation, request) = http_connect::begin(credentials, host, port)?;
                (Box::new(conversation), request)
            }
        };
        Ok(Tunnel {
            fd: socket.as_raw_fd(),
            socket: Some(socket),
            conversation,
            output,
            sent: 0,
            layers: layers.clone(),
            host: host.to_owned(),
            port,
        })
    }

    /// The socket's descriptor.
    pub fn fd(&self) -> RawFd {
        self.fd
    }

    /// Whether bytes wait for the socket to take them.
    pub fn wants_write(&self) -> bool {
        self.sent < self.output.len()
    }

    /// Goes on with the conversation: the stream that goes through the proxy once the way
    /// is open, `WouldBlock` before.
    pub(super) fn open(&mut self) -> io::Result<Stream> {
        while !self.negotiate()? {}
        let socket = self.socket.take().ok_or(io::ErrorKind::NotConnected)?;
        self.layers
            .wrap(socket, &self.host, self.port)
            .map_err(super::refused)
    }

    /// Gives up.
    pub fn close(self) {
        if let Some(socket) = self.socket {
            // Fails when the peer is gone already, which is as good.
            let _ = socket.shutdown(Shutdown::Both);
        }
    }

    /// One step of the conversation; whether the way is open.
    fn negotiate(&mut self) -> io::Result<bool> {
        let socket = self.socket.as_mut().ok_or(io::ErrorKind::NotConnected)?;
        while self.sent < self.output.len() {
            let output = IoSlice::new(&self.output[self.sent..]);
            self.sent += send_vectored(socket, &[output])?;
        }
        let mut buffer = [0; 512];
        let wanted = self.conversation.wanted().min(buffer.len());
        let count = socket.read(&mut buffer[..wanted])?;
        if count == 0 {
            return Err(super::refused(Error::Peer(PeerError::ConnectionLost)));
        }
        let progress = self.conversation.input(&buffer[..count]);
        match progress.map_err(super::refused)? {
            Progress::Wait => Ok(false),
            Progress::Send(output) => {
                (self.output, self.sent) = (output, 0);
                Ok(false)
            }
            Progress::Open => Ok(true),
        }
    }
}

impl fmt::Debug for Tunnel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tunnel")
            .field("fd", &self.fd())
            .finish_non_exhaustive()
    }
}
