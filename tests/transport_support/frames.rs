//! The server's end of WebSocket.

use std::io::{self, Read, Write};
use std::sync::{Arc, Mutex};

use socket2::Socket;
use tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tungstenite::handshake::HandshakeError;
use tungstenite::protocol::frame::coding::{Data, OpCode};
use tungstenite::protocol::frame::Frame;
use tungstenite::{accept_hdr, Error, Message, WebSocket};

use super::carrier::Carrier;
use super::http_proxy::read_head;
use super::{Gate, HttpRequest};

/// How a server speaks WebSocket.
#[derive(Clone, Default)]
pub struct WebSocketSide {
    pub framing: Framing,
    pub answer: Answer,
    /// After its goodbye the server waits for the client to close.
    pub waits_for_close: bool,
    /// Between the client's request and the answer.
    pub gate: Option<Gate>,
}

/// How the broker's bytes are put into frames. Nothing set: all that came at once is one
/// message of one frame.
#[derive(Debug, Clone, Copy, Default)]
pub struct Framing {
    /// At most so many bytes a frame.
    pub frame: Option<usize>,
    /// The frames of what came at once are parts of one message.
    pub continuation: bool,
    /// A ping stands before each frame.
    pub pings: bool,
}

/// The answer to the upgrade request.
#[derive(Clone, Default)]
pub enum Answer {
    /// 101, with the subprotocol `mqtt`.
    #[default]
    Upgrade,
    /// 101, without a subprotocol.
    NoSubprotocol,
    /// These bytes, and the end.
    Raw(Vec<u8>),
}

/// An open WebSocket connection.
pub struct Frames {
    socket: WebSocket<Carrier>,
    framing: Framing,
    waits_for_close: bool,
    unsent: bool,
}

impl WebSocketSide {
    /// Answers the upgrade; `None` where it was refused. Gives the request to `seen` before
    /// the answer.
    pub fn accept(
        &self,
        mut carrier: Carrier,
        seen: impl FnOnce(HttpRequest),
    ) -> io::Result<Option<Frames>> {
        if let Answer::Raw(answer) = &self.answer {
            let head = read_head(&mut carrier)?;
            seen(HttpRequest::parse(&head));
            self.pass();
            carrier.write_all(answer)?;
            carrier.flush()?;
            carrier.shut_down();
            // Until the client is gone: closing first would be a reset for it.
            let _ = io::copy(&mut carrier, &mut io::sink());
            return Ok(None);
        }
        #[allow(
            clippy::result_large_err,
            reason = "the type that tungstenite asks for"
        )]
        let callback = |request: &Request, mut response: Response| {
            seen(HttpRequest::from_request(request));
            self.pass();
            if !matches!(self.answer, Answer::NoSubprotocol) {
                let headers = response.headers_mut();
                headers.insert("Sec-WebSocket-Protocol", "mqtt".parse().unwrap());
            }
            Ok::<_, ErrorResponse>(response)
        };
        match accept_hdr(carrier, callback) {
            Ok(socket) => Ok(Some(Frames {
                socket,
                framing: self.framing,
                waits_for_close: self.waits_for_close,
                unsent: false,
            })),
            Err(HandshakeError::Failure(error)) => Err(to_io(error)),
            Err(HandshakeError::Interrupted(_)) => Err(io::ErrorKind::TimedOut.into()),
        }
    }

    fn pass(&self) {
        if let Some(gate) = &self.gate {
            gate.pass();
        }
    }
}

impl Frames {
    pub fn socket(&self) -> &Socket {
        self.socket.get_ref().socket()
    }

    /// One message's bytes; empty at the end. Counts pongs.
    pub fn read(&mut self, pongs: &Mutex<usize>) -> io::Result<Vec<u8>> {
        loop {
            match self.socket.read() {
                Ok(Message::Binary(bytes)) if bytes.is_empty() => {}
                Ok(Message::Binary(bytes)) => return Ok(bytes.to_vec()),
                Ok(Message::Pong(_)) => *pongs.lock().unwrap() += 1,
                Ok(Message::Close(_)) => return Ok(Vec::new()),
                Ok(message) => panic!("the client sent {message:?}"),
                Err(error) => match to_io(error) {
                    error if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(Vec::new()),
                    error => return Err(error),
                },
            }
        }
    }

    /// Takes all of `bytes`, and sends what goes.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let chunks = bytes.chunks(self.framing.frame.unwrap_or(bytes.len()));
        let last = chunks.len() - 1;
        for (index, chunk) in chunks.enumerate() {
            if self.framing.pings {
                self.queue(Message::Ping("are you there".into()))?;
            }
            let continuation = self.framing.continuation;
            let kind = match continuation && index > 0 {
                true => Data::Continue,
                false => Data::Binary,
            };
            let is_final = !continuation || index == last;
            let frame = Frame::message(chunk.to_vec(), OpCode::Data(kind), is_final);
            self.queue(Message::Frame(frame))?;
        }
        self.flush()
    }

    pub fn has_unsent(&self) -> bool {
        self.unsent || self.socket.get_ref().has_unsent()
    }

    pub fn flush(&mut self) -> io::Result<()> {
        match self.socket.flush().map_err(to_io) {
            Ok(()) => self.unsent = false,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.unsent = true,
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// Says goodbye and ends our side.
    pub fn shut_down(&mut self) {
        // Fail when the client has closed, which is as good.
        let _ = self.socket.close(None);
        let _ = self.socket.flush();
        if !self.waits_for_close {
            self.socket.get_mut().shut_down();
        }
    }

    fn queue(&mut self, message: Message) -> io::Result<()> {
        match self.socket.write(message).map_err(to_io) {
            // It is kept inside.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
            outcome => outcome,
        }
    }
}

/// All ends of a connection are `UnexpectedEof`.
fn to_io(error: Error) -> io::Error {
    match error {
        Error::Io(error) => error,
        Error::ConnectionClosed | Error::AlreadyClosed | Error::Protocol(_) => {
            io::Error::new(io::ErrorKind::UnexpectedEof, error)
        }
        error => io::Error::other(error),
    }
}
