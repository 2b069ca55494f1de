//! The TLS layer of a server in memory.

use std::io::{ErrorKind, Read, Write};
use std::sync::Arc;

use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::NoServerSessionStorage;
use rustls::{ServerConfig, ServerConnection, SupportedProtocolVersion};

use super::certificates::certificates;
use super::layers::{Answer, Layer, Mqtt, Piece};

/// With the certificate of this name; every handshake is a full one unless there are tickets.
pub fn config(
    certificate: &str,
    versions: &[&'static SupportedProtocolVersion],
    tickets: usize,
) -> Arc<ServerConfig> {
    let chain = certificates().path(&format!("{certificate}.crt"));
    let chain = CertificateDer::pem_file_iter(chain).unwrap();
    let key = certificates().path(&format!("{certificate}.key"));
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(versions)
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            chain.map(|certificate| certificate.unwrap()).collect(),
            PrivateKeyDer::from_pem_file(key).unwrap(),
        )
        .unwrap();
    config.send_tls13_tickets = tickets;
    if tickets == 0 {
        config.session_storage = Arc::new(NoServerSessionStorage {});
    }
    Arc::new(config)
}

pub struct Tls {
    connection: ServerConnection,
    inner: Box<dyn Layer>,
}

impl Tls {
    pub fn new(config: Arc<ServerConfig>, inner: Box<dyn Layer>) -> Tls {
        Tls {
            connection: ServerConnection::new(config).unwrap(),
            inner,
        }
    }

    /// What waits to be sent.
    fn output(&mut self, handshake: bool, pieces: &mut Vec<Piece>) {
        let mut bytes = Vec::new();
        while self.connection.wants_write() {
            self.connection.write_tls(&mut bytes).unwrap();
        }
        if !bytes.is_empty() {
            pieces.push(Piece { handshake, bytes });
        }
    }
}

impl Layer for Tls {
    fn input(&mut self, mut bytes: &[u8]) -> Answer {
        let mut pieces = Vec::new();
        while !bytes.is_empty() {
            self.connection.read_tls(&mut bytes).unwrap();
            self.connection
                .process_new_packets()
                .map_err(|error| error.to_string())?;
            self.output(true, &mut pieces);
            let mut plain = Vec::new();
            match self.connection.reader().read_to_end(&mut plain) {
                Err(error) if error.kind() != ErrorKind::WouldBlock => {
                    return Err(error.to_string())
                }
                _ => {}
            }
            if plain.is_empty() {
                continue;
            }
            for piece in self.inner.input(&plain)? {
                self.connection.writer().write_all(&piece.bytes).unwrap();
                self.output(piece.handshake, &mut pieces);
            }
        }
        Ok(pieces)
    }

    fn mqtt(&self) -> &Mqtt {
        self.inner.mqtt()
    }
}
