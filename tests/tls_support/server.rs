//! A server that shakes hands, accepts CONNECT, and tells what it saw.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{channel, Receiver};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{
    AlertDescription, Error, HandshakeKind, RootCertStore, ServerConfig, ServerConnection, Stream,
};

use super::pki::{Ca, Pair};

/// What the server saw of a connection that got as far as CONNECT.
#[derive(Debug)]
pub struct Visit {
    /// How many certificates the client showed.
    pub certificates: usize,
    /// The application protocol agreed on.
    pub alpn: Vec<u8>,
    /// Whether a session was resumed.
    pub resumed: bool,
}

/// Listens on 127.0.0.1 until the process ends.
pub struct Server {
    port: u16,
    results: Receiver<Result<Visit, Error>>,
}

impl Server {
    pub fn start(pair: &Pair) -> Server {
        Server::with(pair, None)
    }

    /// Takes clients with a certificate of this authority's only.
    pub fn demanding_certificates(ca: &Ca) -> Server {
        Server::with(&Pair::server(ca), Some(ca))
    }

    fn with(pair: &Pair, clients: Option<&Ca>) -> Server {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .unwrap();
        let builder = match clients {
            None => builder.with_no_client_auth(),
            Some(ca) => {
                let mut roots = RootCertStore::empty();
                roots.add(CertificateDer::from(ca.der())).unwrap();
                let roots = Arc::new(roots);
                let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider);
                builder.with_client_cert_verifier(verifier.build().unwrap())
            }
        };
        let key = PrivatePkcs8KeyDer::from(pair.key_der());
        let chain = vec![CertificateDer::from(pair.cert_der())];
        let mut config = builder.with_single_cert(chain, key.into()).unwrap();
        config.alpn_protocols = vec![b"mqtt".to_vec()];
        let config = Arc::new(config);

        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (sender, results) = channel();
        thread::spawn(move || {
            for socket in listener.incoming() {
                if sender.send(serve(socket.unwrap(), &config)).is_err() {
                    break;
                }
            }
        });
        Server { port, results }
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// What became of the oldest connection that was not asked about.
    pub fn result(&self) -> Result<Visit, Error> {
        let longest = Duration::from_secs(30);
        self.results.recv_timeout(longest).expect("no connection")
    }

    /// The client ended the handshake with this alert.
    pub fn expect_alert(&self, alert: AlertDescription) {
        assert_eq!(self.result().unwrap_err(), Error::AlertReceived(alert));
    }
}

fn serve(mut socket: TcpStream, config: &Arc<ServerConfig>) -> Result<Visit, Error> {
    let mut connection = ServerConnection::new(Arc::clone(config)).unwrap();
    let mut stream = Stream::new(&mut connection, &mut socket);
    let mut packet = [0; 1024];
    match stream.read(&mut packet) {
        Ok(count) => assert!(count > 0 && packet[0] == 0x10, "no CONNECT"),
        Err(error) => {
            let _ = connection.write_tls(&mut socket); // the alert
                                                       // Closing with input unread would take the alert back.
            let _ = socket.shutdown(std::net::Shutdown::Write);
            let _ = socket.read_to_end(&mut Vec::new());
            let error = error.into_inner().expect("an error of TLS");
            return Err(error
                .downcast_ref::<Error>()
                .expect("an error of TLS")
                .clone());
        }
    }
    stream.write_all(&[0x20, 2, 0, 0]).unwrap();
    // Until the client has left.
    let _ = stream.read_to_end(&mut Vec::new());
    Ok(Visit {
        certificates: connection.peer_certificates().map_or(0, <[_]>::len),
        alpn: connection.alpn_protocol().unwrap_or_default().to_vec(),
        resumed: connection.handshake_kind() == Some(HandshakeKind::Resumed),
    })
}
