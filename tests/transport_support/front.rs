//! A server that ends TLS and WebSocket, and forwards what is inside to the scripted broker.

use std::io;
use std::net::{Ipv4Addr, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard};

use rustls::ServerConfig;
use socket2::Socket;

use super::carrier::{Carrier, TlsSide};
use super::frames::WebSocketSide;
use super::listen::{Place, Server};
use super::pump::{pump, Outer};
use super::{Gate, HttpRequest};

/// The running server.
pub struct Front {
    server: Server,
    seen: Arc<Seen>,
    /// Where all traffic behind the handshakes passes; open from the start.
    pub gate: Gate,
}

/// What is between the socket and MQTT.
#[derive(Clone, Default)]
pub struct Sides {
    pub tls: Option<TlsSide>,
    pub websocket: Option<WebSocketSide>,
}

/// What a client said in its handshakes, as far as they were made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Visit {
    pub server_name: Option<String>,
    pub alpn: Option<Vec<u8>>,
    pub client_certificates: usize,
    pub request: Option<HttpRequest>,
}

#[derive(Default)]
struct Seen {
    visits: Mutex<Vec<Visit>>,
    pongs: Mutex<usize>,
}

impl Front {
    /// Listens for clients of the broker at `broker`.
    pub fn start(place: Place, sides: Sides, broker: u16) -> Front {
        let seen = Arc::new(Seen::default());
        let config = sides.tls.as_ref().map(TlsSide::config);
        let gate = Gate::new_open();
        let server = Server::start(place, {
            let (seen, gate) = (Arc::clone(&seen), gate.clone());
            // Failures are the client's to notice.
            move |socket| drop(serve(socket, &sides, config.clone(), broker, &seen, &gate))
        });
        Front { server, seen, gate }
    }

    pub fn server(&self) -> &Server {
        &self.server
    }

    pub fn port(&self) -> u16 {
        self.server.port()
    }

    /// All connections whose handshakes have come to an end, in either way.
    pub fn visits(&self) -> MutexGuard<'_, Vec<Visit>> {
        self.seen.visits.lock().unwrap()
    }

    /// How many pongs came.
    pub fn pongs(&self) -> usize {
        *self.seen.pongs.lock().unwrap()
    }
}

fn serve(
    socket: Socket,
    sides: &Sides,
    config: Option<Arc<ServerConfig>>,
    broker: u16,
    seen: &Seen,
    gate: &Gate,
) -> io::Result<()> {
    let mut visit = Visit::default();
    let carrier = match (&sides.tls, config) {
        (Some(tls), Some(config)) => {
            if let Some(gate) = &tls.gate {
                socket.peek(&mut [std::mem::MaybeUninit::uninit()])?;
                gate.pass();
            }
            let carrier = Carrier::accept_tls(socket, config)?;
            if let Carrier::Tls(stream) = &carrier {
                visit.server_name = stream.conn.server_name().map(str::to_owned);
                visit.alpn = stream.conn.alpn_protocol().map(<[u8]>::to_vec);
                let certificates = stream.conn.peer_certificates();
                visit.client_certificates = certificates.map_or(0, <[_]>::len);
            }
            carrier
        }
        _ => Carrier::Plain(socket),
    };
    let outer = if let Some(websocket) = &sides.websocket {
        let frames = websocket.accept(carrier, |request| {
            visit.request = Some(request);
            seen.visits.lock().unwrap().push(visit);
        })?;
        let Some(frames) = frames else {
            return Ok(());
        };
        Outer::Frames(Box::new(frames))
    } else {
        seen.visits.lock().unwrap().push(visit);
        Outer::bytes(carrier)
    };
    let inner = TcpStream::connect((Ipv4Addr::LOCALHOST, broker))?;
    pump(outer, &inner, &seen.pongs, gate)
}
