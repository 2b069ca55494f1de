//! The server's end of a connection, plain or in TLS.

use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::sync::Arc;

use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};
use rustls::{SupportedProtocolVersion, ALL_VERSIONS};
use socket2::Socket;

use super::certificates::certificates;
use super::Gate;

/// How a server speaks TLS: with the certificate `server` for localhost, unless said otherwise.
#[derive(Clone)]
pub struct TlsSide {
    pub certificate: &'static str,
    pub versions: Vec<&'static SupportedProtocolVersion>,
    pub alpn: Vec<Vec<u8>>,
    /// Clients need a certificate by `ca`.
    pub client_certificates: bool,
    /// Between the client's first bytes and the answer.
    pub gate: Option<Gate>,
}

impl Default for TlsSide {
    fn default() -> Self {
        TlsSide {
            certificate: "server",
            versions: ALL_VERSIONS.to_vec(),
            alpn: Vec::new(),
            client_certificates: false,
            gate: None,
        }
    }
}

impl TlsSide {
    pub fn config(&self) -> Arc<ServerConfig> {
        let provider = Arc::new(ring::default_provider());
        let builder = ServerConfig::builder_with_provider(provider.clone())
            .with_protocol_versions(&self.versions)
            .unwrap();
        let builder = if self.client_certificates {
            let mut roots = RootCertStore::empty();
            for certificate in read_certificates("ca") {
                roots.add(certificate).unwrap();
            }
            let verifier =
                WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
            builder.with_client_cert_verifier(verifier.unwrap())
        } else {
            builder.with_no_client_auth()
        };
        let key = certificates().path(&format!("{}.key", self.certificate));
        let key = PrivateKeyDer::from_pem_file(key).unwrap();
        let mut config = builder
            .with_single_cert(read_certificates(self.certificate), key)
            .unwrap();
        config.alpn_protocols = self.alpn.clone();
        Arc::new(config)
    }
}

fn read_certificates(name: &str) -> Vec<CertificateDer<'static>> {
    let path = certificates().path(&format!("{name}.crt"));
    let all = CertificateDer::pem_file_iter(path).unwrap();
    all.map(|certificate| certificate.unwrap()).collect()
}

/// A connection, blocking or not as its socket is.
pub enum Carrier {
    Plain(Socket),
    Tls(Box<StreamOwned<ServerConnection, Socket>>),
}

impl Carrier {
    /// Ends TLS on a blocking socket.
    pub fn accept_tls(mut socket: Socket, config: Arc<ServerConfig>) -> io::Result<Carrier> {
        let mut connection = ServerConnection::new(config).unwrap();
        // What is to be sent stays inside until the client takes it.
        connection.set_buffer_limit(None);
        while connection.is_handshaking() {
            connection.complete_io(&mut socket)?;
        }
        // Tickets, and what the client sends with its last message of the handshake.
        while connection.wants_write() {
            connection.write_tls(&mut socket)?;
        }
        Ok(Carrier::Tls(Box::new(StreamOwned::new(connection, socket))))
    }

    pub fn socket(&self) -> &Socket {
        match self {
            Carrier::Plain(socket) => socket,
            Carrier::Tls(stream) => &stream.sock,
        }
    }

    /// Whether bytes taken by `write` wait for the socket.
    pub fn has_unsent(&self) -> bool {
        match self {
            Carrier::Plain(_) => false,
            Carrier::Tls(stream) => stream.conn.wants_write(),
        }
    }

    /// Ends our side.
    pub fn shut_down(&mut self) {
        if let Carrier::Tls(stream) = self {
            stream.conn.send_close_notify();
            let _ = stream.conn.write_tls(&mut stream.sock);
        }
        // Fails when the client has closed, which is as good.
        let _ = self.socket().shutdown(Shutdown::Write);
    }
}

impl Read for Carrier {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Carrier::Plain(socket) => socket.read(buffer),
            Carrier::Tls(stream) => read_tls(stream, buffer),
        }
    }
}

/// Reads without writing: what a client said before it closed can be read when nothing can be
/// written to it any more.
fn read_tls(
    stream: &mut StreamOwned<ServerConnection, Socket>,
    buffer: &mut [u8],
) -> io::Result<usize> {
    loop {
        match stream.conn.reader().read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            // Closed without close_notify.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(0),
            outcome => return outcome,
        }
        stream.conn.read_tls(&mut stream.sock)?;
        let processed = stream.conn.process_new_packets();
        processed.map_err(io::Error::other)?;
    }
}

impl Write for Carrier {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Carrier::Plain(socket) => socket.send_with_flags(bytes, libc::MSG_NOSIGNAL),
            Carrier::Tls(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Carrier::Plain(_) => Ok(()),
            Carrier::Tls(stream) => stream.flush(),
        }
    }
}
