//! MQTT over WebSocket (MQTT 5.0 section 6): the stream's bytes travel as the payload
//! of binary messages, cut anywhere.

use std::fmt;
use std::io::{self, IoSlice, Read, Write};
use std::os::fd::{AsRawFd, RawFd};

use socket2::Socket;
use tungstenite::client::IntoClientRequest;
use tungstenite::handshake::client::{ClientHandshake, Request};
use tungstenite::handshake::{HandshakeError, MidHandshake};
use tungstenite::http::header::{HeaderName, HeaderValue, CONNECTION, HOST, UPGRADE};
use tungstenite::http::header::{SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION};
use tungstenite::protocol::WebSocketConfig;
use tungstenite::{Bytes, Message, WebSocket};

use super::socket::Quiet;
use crate::error::{Error, Result};

/// What one message gathers at most.
const MESSAGE: usize = 64 * 1024;
/// The largest message taken: a little more than the largest MQTT packet.
const LARGEST_MESSAGE: usize = 129 * 1024 * 1024;

/// Which resource to ask for, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebSocketOptions {
    /// Path and query of the endpoint, beginning with a slash.
    pub path: String,
    /// Header fields for the upgrade request. `Host` and `Sec-WebSocket-Protocol` take the
    /// place of ours.
    pub headers: Vec<(String, String)>,
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
    /// Begins the upgrade on a connection to `host`.
    pub(super) fn new(
        carrier: Carrier,
        options: &WebSocketOptions,
        host: &str,
        port: u16,
    ) -> Result<Self> {
        let fd = carrier.fd();
        let request = request(options, carrier.is_secure(), host, port)?;
        let config = WebSocketConfig::default()
            .max_message_size(Some(LARGEST_MESSAGE))
            .max_frame_size(Some(LARGEST_MESSAGE));
        // Nothing is sent or read yet: a fast refusal comes to pass where a slow one does.
        let begun = ClientHandshake::start(carrier, request, Some(config))
            .map_err(|error| super::stream_error("WebSocket upgrade", &to_io(error)))?;
        Ok(WebSocketStream {
            fd,
            phase: Phase::Handshake(begun),
            message: Bytes::new(),
            taken: 0,
            unsent: false,
        })
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

    /// Whether the upgrade, or TLS below it, is still going on.
    pub fn is_handshaking(&self) -> bool {
        matches!(self.phase, Phase::Handshake(_))
    }

    /// Whether the socket is closed already: a failed upgrade keeps nothing.
    pub fn is_gone(&self) -> bool {
        matches!(self.phase, Phase::Failed)
    }

    /// Whether bytes wait for the socket to take them.
    pub fn wants_write(&self) -> bool {
        match &self.phase {
            Phase::Handshake(mid) => mid.get_ref().get_ref().wants_write(),
            Phase::Open(_) => self.unsent,
            Phase::Failed => false,
        }
    }

    /// See [`super::Stream::tls`].
    #[cfg(feature = "tls")]
    pub(super) fn agreed(&self) -> Option<(&'static str, &'static str)> {
        match &self.phase {
            Phase::Open(open) => match &open.get_ref().pipe {
                Pipe::Tls(stream) => stream.agreed(),
                Pipe::Socket(_) => None,
            },
            _ => None,
        }
    }

    /// See [`super::Stream::hold`].
    pub fn hold(&mut self, held: bool) {
        if let Phase::Open(open) = &mut self.phase {
            open.get_mut().hold(held);
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
                Ok(Message::Text(_)) => return Err(refused("the server sent a text frame")),
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
            Err(tungstenite::Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => {}
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
            open.get_mut().shut_down();
        }
    }

    /// The open connection; advances the handshake if there is none yet.
    fn open(&mut self) -> io::Result<&mut WebSocket<Carrier>> {
        if let Phase::Handshake(mid) = &mut self.phase {
            // The machine of the upgrade writes before it reads, and TLS has to do both.
            if !mid.get_mut().get_mut().handshake()? {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            if let Phase::Handshake(mid) = std::mem::replace(&mut self.phase, Phase::Failed) {
                self.note_handshake(mid.handshake().map(|(open, _)| open))?;
            }
        }
        match &mut self.phase {
            Phase::Open(open) => Ok(open),
            Phase::Handshake(_) => Err(io::ErrorKind::WouldBlock.into()),
            Phase::Failed => Err(refused("the upgrade has failed before")),
        }
    }

    fn note_handshake(
        &mut self,
        outcome: std::result::Result<WebSocket<Carrier>, HandshakeError<ClientHandshake<Carrier>>>,
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
pub(super) struct Carrier {
    pipe: Pipe,
    /// The pipe took no more when it was last written to.
    blocked: bool,
}

#[derive(Debug)]
enum Pipe {
    Socket(Quiet),
    #[cfg(feature = "tls")]
    Tls(Box<super::TlsStream>),
}

impl Carrier {
    pub(super) fn socket(socket: Socket) -> Self {
        Carrier {
            pipe: Pipe::Socket(Quiet::new(socket)),
            blocked: false,
        }
    }

    #[cfg(feature = "tls")]
    pub(super) fn tls(stream: super::TlsStream) -> Self {
        Carrier {
            pipe: Pipe::Tls(Box::new(stream)),
            blocked: false,
        }
    }

    fn fd(&self) -> RawFd {
        match &self.pipe {
            Pipe::Socket(socket) => socket.as_raw_fd(),
            #[cfg(feature = "tls")]
            Pipe::Tls(stream) => stream.fd(),
        }
    }

    fn is_secure(&self) -> bool {
        !matches!(self.pipe, Pipe::Socket(_))
    }

    fn wants_write(&self) -> bool {
        match &self.pipe {
            Pipe::Socket(_) => self.blocked,
            #[cfg(feature = "tls")]
            Pipe::Tls(stream) => stream.wants_write(),
        }
    }

    fn hold(&mut self, held: bool) {
        match &mut self.pipe {
            Pipe::Socket(socket) => socket.hold(held),
            #[cfg(feature = "tls")]
            Pipe::Tls(stream) => stream.hold(held),
        }
    }

    /// Goes on with the handshake of TLS; whether it is through.
    fn handshake(&mut self) -> io::Result<bool> {
        match &mut self.pipe {
            Pipe::Socket(_) => Ok(true),
            #[cfg(feature = "tls")]
            Pipe::Tls(stream) => stream.handshake(),
        }
    }

    fn shut_down(&mut self) {
        match &mut self.pipe {
            Pipe::Socket(socket) => socket.shut_down(),
            #[cfg(feature = "tls")]
            Pipe::Tls(stream) => stream.shut_down(),
        }
    }
}

impl Read for Carrier {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match &mut self.pipe {
            Pipe::Socket(socket) => socket.read(buffer),
            #[cfg(feature = "tls")]
            Pipe::Tls(stream) => stream.read(buffer),
        }
    }
}

impl Write for Carrier {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let outcome = match &mut self.pipe {
            Pipe::Socket(socket) => socket.write(bytes),
            #[cfg(feature = "tls")]
            Pipe::Tls(stream) => stream.write(bytes),
        };
        self.blocked = outcome.is_err();
        outcome
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.pipe {
            Pipe::Socket(_) => Ok(()),
            #[cfg(feature = "tls")]
            Pipe::Tls(stream) => stream.flush(),
        }
    }
}

/// Whether a program may have this header field in its upgrade requests.
pub fn check_header(name: &str, value: &str) -> Result<()> {
    let (name, _) = header(name, value)?;
    let ours = [
        CONNECTION,
        UPGRADE,
        SEC_WEBSOCKET_KEY,
        SEC_WEBSOCKET_VERSION,
    ];
    match ours.contains(&name) {
        true => Err(Error::invalid("a header field that the upgrade needs")),
        false => Ok(()),
    }
}

fn header(name: &str, value: &str) -> Result<(HeaderName, HeaderValue)> {
    let name = HeaderName::try_from(name).ok();
    name.zip(HeaderValue::from_str(value).ok())
        .ok_or(Error::invalid("a header field that HTTP does not allow"))
}

/// The upgrade request (RFC 6455 section 4.1).
fn request(options: &WebSocketOptions, secure: bool, host: &str, port: u16) -> Result<Request> {
    let scheme = if secure { "wss" } else { "ws" };
    let host = match host.contains(':') {
        true => format!("[{host}]"), // an IPv6 address
        false => host.to_owned(),
    };
    // For a Unix socket there is no name to ask for.
    let authority = match port {
        0 => "localhost".to_owned(),
        port => format!("{host}:{port}"),
    };
    let slash = if options.path.starts_with('/') {
        ""
    } else {
        "/"
    };
    let mut request = format!("{scheme}://{authority}{slash}{}", options.path)
        .into_client_request()
        .map_err(|error| failed(&format!("path {:?}: {error}", options.path)))?;
    let headers = request.headers_mut();
    headers.insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static("mqtt"));
    for (name, value) in &options.headers {
        let (name, value) = header(name, value)?;
        if name == HOST || name == SEC_WEBSOCKET_PROTOCOL {
            headers.insert(name, value);
        } else {
            headers.append(name, value);
        }
    }
    Ok(request)
}

/// The end of the connection, as a read reports it.
fn end_or_error(error: tungstenite::Error) -> io::Result<usize> {
    use tungstenite::error::ProtocolError;
    use tungstenite::Error;
    match error {
        Error::ConnectionClosed
        | Error::AlreadyClosed
        | Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => Ok(0),
        error => Err(to_io(error)),
    }
}

fn to_io(error: tungstenite::Error) -> io::Error {
    use tungstenite::Error;
    match error {
        Error::Io(error) => error,
        Error::Http(response) => refused(&format!(
            "the server answers the upgrade with {}",
            response.status()
        )),
        error => refused(&error.to_string()),
    }
}

fn refused(what: &str) -> io::Error {
    super::refused(failed(what))
}

fn failed(what: &str) -> Error {
    Error::WebSocket(what.to_owned())
}
