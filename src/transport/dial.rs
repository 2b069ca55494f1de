//! One attempt to connect: the addresses of an endpoint, one after the other.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::os::fd::{AsRawFd, RawFd};
use std::time::{Duration, Instant};

use socket2::{SockAddr, Socket};

use super::{resolve, socket, Layers, Stream};
use crate::error::{Error, IoError, Result};

/// How long one address may take to answer.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);

/// Where to connect to, and how.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// Host name or address; a path where `port` is 0.
    pub host: String,
    /// TCP port, 0 for a Unix socket.
    pub port: u16,
    /// Local address to connect from.
    pub bind_address: Option<String>,
    /// Switch Nagle's algorithm off.
    pub nodelay: bool,
    /// What lies between the socket and MQTT.
    pub layers: Layers,
}

/// A connection attempt that is going on.
#[derive(Debug)]
pub struct Dial {
    waiting: VecDeque<SockAddr>,
    bind: Vec<SocketAddr>,
    endpoint: Endpoint,
    current: Option<(Socket, Instant)>,
    last_error: Option<Error>,
    sockets: u64,
}

impl Endpoint {
    /// Whether [`Dial::new`] would have to ask a name server.
    pub fn needs_look_up(&self) -> bool {
        let is_name = |host: &str| resolve::literal(host, 0).is_none();
        self.port != 0 && is_name(&self.host) || self.bind_address.as_deref().is_some_and(is_name)
    }

    fn stream(&self, socket: Socket) -> Result<Stream> {
        self.layers.wrap(socket, &self.host, self.port)
    }
}

impl Dial {
    /// Resolves the endpoint, which blocks where [`Endpoint::needs_look_up`] says so.
    pub fn new(endpoint: &Endpoint) -> Result<Self> {
        let bind = match &endpoint.bind_address {
            Some(local) => resolve(local, 0)?,
            None => Vec::new(),
        };
        let waiting = if endpoint.port == 0 {
            let address =
                SockAddr::unix(&endpoint.host).map_err(|error| Error::io("connect", &error))?;
            VecDeque::from([address])
        } else {
            resolve(&endpoint.host, endpoint.port)?
                .into_iter()
                .map(SockAddr::from)
                .collect()
        };
        Ok(Dial {
            waiting,
            bind,
            endpoint: endpoint.clone(),
            current: None,
            last_error: None,
            sockets: 0,
        })
    }

    /// The descriptor that becomes writable when the attempt can be advanced.
    pub fn fd(&self) -> Option<RawFd> {
        self.current.as_ref().map(|(socket, _)| socket.as_raw_fd())
    }

    /// How many sockets were tried so far: when it changes, so did the descriptor.
    pub const fn sockets(&self) -> u64 {
        self.sockets
    }

    /// When [`Dial::advance`] has to be called at the latest.
    pub fn deadline(&self) -> Option<Instant> {
        self.current.as_ref().map(|(_, deadline)| *deadline)
    }

    /// Goes as far as possible without blocking: the stream once it is connected,
    /// `None` while that is open, the last address's error when none is left.
    pub fn advance(&mut self, now: Instant) -> Result<Option<Stream>> {
        loop {
            if let Some((socket, deadline)) = self.current.take() {
                match socket::finish_connect(&socket) {
                    Ok(Some(())) => return self.endpoint.stream(socket).map(Some),
                    Ok(None) if now < deadline => {
                        self.current = Some((socket, deadline));
                        return Ok(None);
                    }
                    Ok(None) => self.last_error = Some(timed_out()),
                    Err(error) => self.last_error = Some(Error::io("connect", &error)),
                }
            }
            let Some(address) = self.waiting.pop_front() else {
                return Err(self
                    .last_error
                    .take()
                    .unwrap_or_else(|| Error::Resolver("no address".to_owned())));
            };
            self.sockets += 1;
            match socket::begin_connect(&address, &self.bind, self.endpoint.nodelay) {
                Ok((socket, true)) => return self.endpoint.stream(socket).map(Some),
                Ok((socket, false)) => self.current = Some((socket, now + CONNECT_TIMEOUT)),
                Err(error) => self.last_error = Some(Error::io("connect", &error)),
            }
        }
    }

    /// As [`Dial::advance`], waiting for the outcome.
    pub fn wait(&mut self) -> Result<Stream> {
        loop {
            if let Some(mut stream) = self.advance(Instant::now())? {
                socket::wait_handshake(&mut stream, CONNECT_TIMEOUT)
                    .map_err(|error| super::stream_error("handshake", &error))?;
                return Ok(stream);
            }
            if let Some((socket, _)) = &self.current {
                if let Err(error) = socket::wait_connected(socket, CONNECT_TIMEOUT) {
                    self.last_error = Some(Error::io("connect", &error));
                    self.current = None;
                }
            }
        }
    }
}

fn timed_out() -> Error {
    Error::Io(IoError {
        operation: "connect",
        errno: socket::ETIMEDOUT,
        message: "connection timed out".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    fn endpoint(port: u16) -> Endpoint {
        Endpoint {
            host: "127.0.0.1".into(),
            port,
            bind_address: None,
            nodelay: true,
            layers: Layers::default(),
        }
    }

    #[test]
    fn a_listening_port_is_reached() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        assert!(Dial::new(&endpoint(port)).unwrap().wait().is_ok());
    }

    #[test]
    fn a_refusal_keeps_its_errno() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        match Dial::new(&endpoint(port)).unwrap().wait() {
            Err(Error::Io(error)) => assert_eq!(error.errno, socket::ECONNREFUSED),
            other => panic!("{other:?}"),
        }
    }
}
