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
use super::{ciphers, reason, TlsConfig};
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

    /// See [`super::super::Stream::tls`].
    pub fn agreed(&self) -> Option<(&'static str, &'static str)> {
        let suite = self.connection.negotiated_cipher_suite()?;
        let version = match suite.tls13() {
            Some(_) => "TLSv1.3",
            None => "TLSv1.2",
        };
        Some((version, ciphers::name(suite)))
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

    /// Takes bytes to send, and sends what the socket takes. `WouldBlock` says that the
    /// socket takes nothing, or that the handshake waits for the server.
    pub fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        // During the handshake bytes are taken all the same: then they leave together with
        // its last message.
        if !self.connection.is_handshaking() {
            self.flush()?;
        }
        let count = self.connection.writer().write_vectored(slices)?;
        match self.flush() {
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => Err(error),
            _ if count == 0 => Err(io::ErrorKind::WouldBlock.into()),
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

#[cfg(test)]
mod tests {
    use super::super::super::TlsSettings;
    use super::super::client_config;
    use super::super::testing::*;
    use super::*;
    use rustls::ServerConnection;

    /// A stream and the server at the other end, after their handshake.
    fn connected() -> (TlsStream, Socket, ServerConnection) {
        let ca = ca("CA");
        let pair = Pair::for_host("localhost", &ca);
        let settings = TlsSettings {
            enabled: true,
            no_verification: true,
            ..TlsSettings::default()
        };
        let config = client_config(&settings, &|| None).unwrap();
        let (ours, mut theirs) = Socket::pair(socket2::Domain::UNIX, socket2::Type::STREAM, None)
            .expect("a pair of sockets");
        ours.set_nonblocking(true).unwrap();
        theirs.set_nonblocking(true).unwrap();
        let mut stream = TlsStream::new(ours, &config, "localhost").unwrap();
        let server = server(&pair, rustls::ALL_VERSIONS);
        let mut server = ServerConnection::new(server).unwrap();
        while !stream.handshake().unwrap() || server.is_handshaking() {
            drain(&mut theirs, &mut server);
        }
        (stream, theirs, server)
    }

    /// The server takes all there is; how many bytes of ours that were.
    fn drain(socket: &mut Socket, server: &mut ServerConnection) -> usize {
        let mut taken = 0;
        let mut bytes = vec![0; 64 * 1024];
        loop {
            while server.wants_write() {
                server.write_tls(socket).unwrap();
            }
            match server.read_tls(socket) {
                Ok(count) => assert!(count > 0, "the client is gone"),
                Err(_) => return taken,
            }
            server.process_new_packets().unwrap();
            while let Ok(count) = server.reader().read(&mut bytes) {
                taken += count;
            }
        }
    }

    #[test]
    fn a_write_that_was_blocked_goes_on_when_the_peer_has_taken_everything() {
        let (mut stream, mut socket, mut server) = connected();
        let bytes = vec![7; 48 * 1024];
        let mut written = 0;
        let mut taken = 0;
        for _ in 0..3 {
            let blocked = loop {
                match stream.write_vectored(&[IoSlice::new(&bytes)]) {
                    Ok(count) => written += count,
                    Err(error) => break error,
                }
            };
            assert_eq!(blocked.kind(), io::ErrorKind::WouldBlock);
            assert!(stream.wants_write(), "blocked with nothing left to send");
            taken += drain(&mut socket, &mut server);
            // The socket has room now and will not say so again.
            written += stream.write_vectored(&[IoSlice::new(&bytes)]).unwrap();
        }
        while stream.wants_write() {
            let _ = stream.flush();
            taken += drain(&mut socket, &mut server);
        }
        taken += drain(&mut socket, &mut server);
        assert_eq!(taken, written);
    }
}
