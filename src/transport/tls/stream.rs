//! A TLS connection as a byte pipe that never blocks.

use std::fmt;
use std::io::{self, IoSlice, Read, Write};
use std::os::fd::{AsRawFd, RawFd};
use std::sync::Arc;

use rustls::pki_types::ServerName;
use rustls::ClientConnection;
use socket2::Socket;

use super::super::refused;
use super::super::socket::Quiet;
use super::{reason, TlsConfig};
use crate::error::{Error, Result};

/// A TLS connection on a connected socket, or one whose handshake is going on.
pub struct TlsStream {
    socket: Quiet,
    connection: ClientConnection,
    config: TlsConfig,
}

impl TlsStream {
    /// Begins the handshake with `host` on a connected socket.
    pub fn new(socket: Socket, config: &TlsConfig, host: &str) -> Result<Self> {
        let name = ServerName::try_from(host.to_owned())
            .map_err(|_| Error::Tls(format!("{host} is no name a certificate can have")))?;
        let connection = ClientConnection::new(Arc::clone(&config.rustls), name)
            .map_err(|error| Error::Tls(error.to_string()))?;
        Ok(TlsStream {
            socket: Quiet::new(socket),
            connection,
            config: Arc::clone(config),
        })
    }

    /// The socket's descriptor.
    pub fn fd(&self) -> RawFd {
        self.socket.as_raw_fd()
    }

    /// Whether bytes that were taken still have to reach the socket.
    pub fn has_unsent(&self) -> bool {
        self.connection.wants_write() || self.connection.is_handshaking()
    }

    /// Whether the handshake is still going on.
    pub fn is_handshaking(&self) -> bool {
        self.connection.is_handshaking()
    }

    /// Whether bytes wait for the socket to take them.
    pub fn wants_write(&self) -> bool {
        self.connection.wants_write()
    }

    /// See [`super::super::Stream::hold`].
    pub fn hold(&mut self, held: bool) {
        self.socket.hold(held);
    }

    /// Goes on with the handshake; whether it is through.
    pub fn handshake(&mut self) -> io::Result<bool> {
        loop {
            let outcome = match self.flush() {
                Ok(()) => return Ok(true),
                Err(error) if error.kind() != io::ErrorKind::WouldBlock => Err(error),
                Err(_) => self.read_socket(),
            };
            match outcome {
                Ok(_) => self.process()?,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(error),
            }
        }
    }

    /// Takes bytes to send, and sends what the socket takes.
    pub fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let count = self.connection.writer().write_vectored(slices)?;
        match self.flush() {
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => Err(error),
            // Its buffer is full and the socket takes nothing.
            outcome if count == 0 => outcome
                .map(|()| 0)
                .and(Err(io::ErrorKind::WouldBlock.into())),
            _ => Ok(count),
        }
    }

    /// Ends our side, as far as that is possible without waiting.
    pub fn shut_down(&mut self) {
        self.connection.send_close_notify();
        // Fails when the peer is gone already, which is as good.
        let _ = self.flush();
        self.socket.shut_down();
    }

    /// Says goodbye as far as that is possible without waiting.
    pub fn close(mut self) {
        self.shut_down();
        let mut discarded = [0; 4096];
        for _ in 0..64 {
            match self.socket.read(&mut discarded) {
                Ok(count) if count > 0 => {}
                _ => break,
            }
        }
    }

    /// Reads what is there; 0 means that the peer has closed, which is an error while the
    /// handshake is going on.
    fn read_socket(&mut self) -> io::Result<usize> {
        let outcome = self.connection.read_tls(&mut self.socket);
        let ended = match &outcome {
            Ok(count) => *count == 0,
            Err(error) => error.kind() == io::ErrorKind::ConnectionReset,
        };
        match ended && self.connection.is_handshaking() {
            true => Err(refused(Error::TlsCut)),
            false => outcome,
        }
    }

    /// Lets rustls judge what it was given; should it refuse, the peer is told why.
    fn process(&mut self) -> io::Result<()> {
        let was_handshaking = self.connection.is_handshaking();
        self.connection
            .process_new_packets()
            .map(drop)
            .map_err(|error| {
                let why = reason::text(
                    &error,
                    reason::Connection {
                        certificate: self.config.certificate.as_deref(),
                        answered: self.connection.protocol_version().is_some(),
                    },
                );
                // The alert is a courtesy.
                let _ = self.connection.write_tls(&mut self.socket);
                refused(match was_handshaking {
                    true => Error::Tls(why),
                    false => Error::TlsRefused(why),
                })
            })
    }
}

impl Read for TlsStream {
    /// Decrypted bytes; 0 means that the peer has closed.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.connection.reader().read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                // Without close_notify: many servers do so, and MQTT packets say
                // themselves whether they are whole.
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(0),
                outcome => return outcome,
            }
            if self.read_socket()? == 0 {
                return Ok(0);
            }
            self.process()?;
            if self.connection.wants_write() {
                match self.flush() {
                    Err(error) if error.kind() != io::ErrorKind::WouldBlock => return Err(error),
                    _ => {}
                }
            }
        }
    }
}

impl Write for TlsStream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_vectored(&[IoSlice::new(bytes)])
    }

    /// Sends what was taken; `WouldBlock` while some of it, or the handshake, waits.
    fn flush(&mut self) -> io::Result<()> {
        while self.connection.wants_write() {
            self.connection.write_tls(&mut self.socket)?;
        }
        if self.connection.is_handshaking() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        Ok(())
    }
}

impl fmt::Debug for TlsStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsStream")
            .field("fd", &self.fd())
            .finish_non_exhaustive()
    }
}
