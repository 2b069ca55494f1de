//! MQTT over WebSocket (MQTT 5.0 section 6): the stream's bytes travel as the payload
//! of binary messages, cut anywhere.

use std::fmt;
use std::io::{self, IoSlice, Read, Write};
use std::net::Shutdown;
use std::os::fd::{AsRawFd, RawFd};

use tungstenite::client::{client_with_config, ClientRequestBuilder};
use tungstenite::handshake::client::ClientHandshake;
use tungstenite::handshake::{HandshakeError, MidHandshake};
use tungstenite::http::Uri;
use tungstenite::protocol::WebSocketConfig;
use tungstenite::{Bytes, Error, Message, WebSocket};

use super::socket::Quiet;

/// What one message gathers at most.
const MESSAGE: usize = 64 * 1024;
/// The largest message taken: a little more than the largest MQTT packet.
const LARGEST_MESSAGE: usize = 129 * 1024 * 1024;

/// Which resource to ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebSocketRequest {
    /// Host name or address, for the Host header.
    pub host: String,
    /// Port.
    pub port: u16,
    /// Path, beginning with a slash.
    pub path: String,
    /// Over TLS.
    pub secure: bool,
}

/// A WebSocket connection, or one being made.
pub struct WebSocketStream {
    fd: RawFd,
    phase: Phase,
    /// A received message, and how much of it was read.
    message: Bytes,
    taken: usize,
    /// Frames wait inside, not all written to the socket.
    unsent: bool,
}

enum Phase {
    /// The HTTP upgrade is going on. Next: `Open`, or `Failed`.
    Handshake(MidHandshake<ClientHandshake<Carrier>>),
    /// Frames flow. Next: dropped with the connection.
    Open(Box<WebSocket<Carrier>>),
    /// The upgrade was refused; the error was reported. Also while a handshake is
    /// being advanced.
    Failed,
}

impl WebSocketStream {
    /// Begins the upgrade on a connection.
    pub(super) fn new(carrier: Carrier, request: &WebSocketRequest) -> io::Result<Self> {
        let fd = carrier.fd();
        let host = match request.host.contains(':') {
            true => format!("[{}]", request.host), // an IPv6 address
            false => request.host.clone(),
        };
        let scheme = if request.secure { "wss" } else { "ws" };
        let uri: Uri = format!("{scheme}://{host}:{}{}", request.port, request.path)
            .parse()
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
        let request = ClientRequestBuilder::new(uri).with_sub_protocol("mqtt");
        let config = WebSocketConfig::default()
            .max_message_size(Some(LARGEST_MESSAGE))
            .max_frame_size(Some(LARGEST_MESSAGE));
        let mut stream = WebSocketStream {
            fd,
            phase: Phase::Failed,
            message: Bytes::new(),
            taken: 0,
            unsent: false,
        };
        let begun = client_with_config(request, carrier, Some(config));
        stream.note_handshake(begun.map(|(open, _)| open))?;
        Ok(stream)
    }

    /// The socket's descriptor.
    pub fn fd(&self) -> RawFd {
        self.fd
    }

    /// Whether bytes accepted by [`WebSocketStream::write_vectored`] still have to reach
    /// the socket: [`WebSocketStream::flush`] goes on with them.
    pub fn has_unsent(&self) -> bool {
        self.unsent || matches!(self.phase, Phase::Handshake(_))
    }

    /// Goes on with the upgrade; whether it is through.
    pub fn handshake(&mut self) -> io::Result<bool> {
        match self.open() {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Reads bytes of messages; 0 means that the peer has closed.
    pub fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.taken == self.message.len() {
            match self.open()?.read() {
                Ok(Message::Binary(message)) => {
                    self.message = message;
                    self.taken = 0;
                }
                // Answered inside; the answer goes out with the next flush.
                Ok(Message::Ping(_)) => self.unsent = true,
                Ok(Message::Pong(_) | Message::Frame(_)) => {}
                Ok(Message::Close(_)) => return Ok(0),
                // MQTT-6.0.0-1
                Ok(Message::Text(_)) => return Err(invalid("text frame")),
                Err(error) => return end_or_error(error),
            }
        }
        let count = buffer.len().min(self.message.len() - self.taken);
        buffer[..count].copy_from_slice(&self.message[self.taken..self.taken + count]);
        self.taken += count;
        if self.taken == self.message.len() {
            self.message = Bytes::new();
            self.taken = 0;
        }
        Ok(count)
    }

    /// Takes bytes as one message; while an older one is not all out it takes none.
    pub fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        self.flush()?;
        let total: usize = slices.iter().map(|slice| slice.len()).sum();
        let mut message = Vec::with_capacity(total.min(MESSAGE));
        for slice in slices {
            let room = MESSAGE - message.len();
            message.extend_from_slice(&slice[..slice.len().min(room)]);
        }
        let count = message.len();
        self.unsent = true;
        match self.open()?.write(Message::Binary(message.into())) {
            Ok(()) => {}
            // It is kept inside all the same.
            Err(Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(to_io(error)),
        }
        match self.flush() {
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => Err(error),
            _ => Ok(count),
        }
    }

    /// Goes on with the handshake and with what was taken.
    pub fn flush(&mut self) -> io::Result<()> {
        let open = self.open()?;
        open.flush().map_err(to_io)?;
        self.unsent = false;
        Ok(())
    }

    /// Says goodbye as far as that is possible without waiting.
    pub fn close(mut self) {
        if let Phase::Open(open) = &mut self.phase {
            // Fails when the peer is gone already, which is as good.
            let _ = open.close(None);
            let _ = open.flush();
            open.get_ref().shut_down();
        }
    }

    /// The open connection; advances the handshake if there is none yet.
    fn open(&mut self) -> io::Result<&mut WebSocket<Carrier>> {
        if let Phase::Handshake(_) = &self.phase {
            if let Phase::Handshake(mid) = std::mem::replace(&mut self.phase, Phase::Failed) {
                self.note_handshake(mid.handshake().map(|(open, _)| open))?;
            }
        }
        match &mut self.phase {
            Phase::Open(open) => Ok(open),
            Phase::Handshake(_) => Err(io::ErrorKind::WouldBlock.into()),
            Phase::Failed => Err(invalid("handshake failed")),
        }
    }

    fn note_handshake(
        &mut self,
        outcome: Result<WebSocket<Carrier>, HandshakeError<ClientHandshake<Carrier>>>,
    ) -> io::Result<()> {
        self.phase = match outcome {
            Ok(open) => Phase::Open(Box::new(open)),
            Err(HandshakeError::Interrupted(mid)) => Phase::Handshake(mid),
            Err(HandshakeError::Failure(error)) => return Err(to_io(error)),
        };
        Ok(())
    }
}

impl fmt::Debug for WebSocketStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebSocketStream")
            .field("fd", &self.fd)
            .finish_non_exhaustive()
    }
}

/// What the frames travel in.
#[derive(Debug)]
pub(super) enum Carrier {
    Socket(Quiet),
    #[cfg(feature = "tls")]
    Tls(Box<super::TlsStream>),
}

impl Carrier {
    fn fd(&self) -> RawFd {
        match self {
            Carrier::Socket(socket) => socket.0.as_raw_fd(),
            #[cfg(feature = "tls")]
            Carrier::Tls(stream) => stream.fd(),
        }
    }

    fn shut_down(&self) {
        match self {
            // Fails when the peer is gone already, which is as good.
            Carrier::Socket(socket) => drop(socket.0.shutdown(Shutdown::Write)),
            #[cfg(feature = "tls")]
            Carrier::Tls(_) => {}
        }
    }
}

impl Read for Carrier {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Carrier::Socket(socket) => socket.read(buffer),
            #[cfg(feature = "tls")]
            Carrier::Tls(stream) => stream.read(buffer),
        }
    }
}

impl Write for Carrier {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Carrier::Socket(socket) => socket.write(bytes),
            #[cfg(feature = "tls")]
            Carrier::Tls(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Carrier::Socket(_) => Ok(()),
            #[cfg(feature = "tls")]
            Carrier::Tls(stream) => stream.flush(),
        }
    }
}

/// The end of the connection, as a read reports it.
fn end_or_error(error: Error) -> io::Result<usize> {
    use tungstenite::error::ProtocolError;
    match error {
        Error::ConnectionClosed
        | Error::AlreadyClosed
        | Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => Ok(0),
        error => Err(to_io(error)),
    }
}

fn to_io(error: Error) -> io::Error {
    match error {
        Error::Io(error) => error,
        Error::Http(response) => invalid_owned(format!(
            "the server answers {} to the upgrade",
            response.status()
        )),
        error => invalid_owned(error.to_string()),
    }
}

fn invalid(what: &str) -> io::Error {
    invalid_owned(what.to_owned())
}

fn invalid_owned(what: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("WebSocket: {what}"))
}
