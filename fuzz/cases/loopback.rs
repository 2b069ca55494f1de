//! A connection of the library's to a peer in the same thread, which answers with any bytes.

use std::io::{ErrorKind, IoSlice, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use mqttrs::transport::{Dial, Endpoint, Layers, Proxy, Server, Stream};
use socket2::SockRef;

/// Far longer than anything takes here.
const TIME: Duration = Duration::from_secs(60);

/// Both ends, and what passed between them.
pub struct Conversation {
    stream: Stream,
    peer: TcpStream,
    /// All that the stream yielded once its handshakes were through.
    pub read: Vec<u8>,
    pub open: bool,
}

/// The stream failed, or ended.
pub struct End;

thread_local! {
    static LISTENER: TcpListener = TcpListener::bind("127.0.0.1:0").unwrap();
}

/// The port where the peer listens.
pub fn port() -> u16 {
    LISTENER.with(|listener| listener.local_addr().unwrap().port())
}

impl Conversation {
    /// A connection to `host`, or to the peer directly where there is no proxy; the handshakes
    /// are yet to begin. `None` where the settings are refused.
    pub fn start(host: &str, proxy: Option<Proxy>, layers: Layers) -> Option<Conversation> {
        let endpoint = Endpoint {
            server: Server::Host {
                host: host.to_owned(),
                port: port(),
            },
            proxy,
            bind_address: None,
            nodelay: true,
            layers,
        };
        let mut dial = Dial::new(endpoint, Instant::now() + TIME).unwrap();
        let mut outcome = dial.advance(Instant::now());
        // The connection is the peer's to take, whatever became of it here.
        let (peer, _) = LISTENER.with(|listener| listener.accept().unwrap());
        // A reset at the end: nothing waits in the system for later.
        SockRef::from(&peer)
            .set_linger(Some(Duration::ZERO))
            .unwrap();
        peer.set_nodelay(true).unwrap();
        peer.set_read_timeout(Some(TIME)).unwrap();
        let stream = loop {
            match outcome {
                Ok(Some(stream)) => break stream,
                Ok(None) => outcome = dial.advance(Instant::now()),
                Err(_) => return None,
            }
        };
        Some(Conversation {
            stream,
            peer,
            read: Vec::new(),
            open: false,
        })
    }

    /// Lets the stream do what it can.
    pub fn turn(&mut self) -> Result<(), End> {
        self.flush()?;
        let mut buffer = [0; 4096];
        loop {
            match self.stream.read(&mut buffer) {
                Ok(0) => return Err(End),
                Ok(count) => self.read.extend(&buffer[..count]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(_) => return Err(End),
            }
        }
        self.open = !self.stream.is_handshaking();
        self.flush()
    }

    fn flush(&mut self) -> Result<(), End> {
        match self.stream.flush() {
            Err(error) if error.kind() != ErrorKind::WouldBlock => Err(End),
            _ => Ok(()),
        }
    }

    /// The peer sends this, in pieces of `size`.
    pub fn answer(&mut self, bytes: &[u8], size: usize) -> Result<(), End> {
        for piece in bytes.chunks(size.max(1)) {
            self.peer.write_all(piece).map_err(|_| End)?;
            self.turn()?;
        }
        Ok(())
    }

    /// The stream sends this, which is little.
    pub fn write(&mut self, bytes: &[u8]) {
        let count = self.stream.write_vectored(&[IoSlice::new(bytes)]).unwrap();
        assert_eq!(count, bytes.len());
        self.stream.flush().unwrap();
    }

    /// Goes on until the stream's handshakes are through; what was answered may still be on its way.
    pub fn until_open(&mut self) -> Result<(), End> {
        let end = Instant::now() + TIME;
        while !self.open {
            assert!(Instant::now() < end, "it does not open");
            self.turn()?;
        }
        Ok(())
    }

    /// What the stream sent, as soon as it is `whole`.
    pub fn sent(&mut self, whole: impl Fn(&[u8]) -> bool) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut buffer = [0; 4096];
        while !whole(&bytes) {
            let count = self.peer.read(&mut buffer).unwrap();
            assert_ne!(count, 0, "it ends after {bytes:02x?}");
            bytes.extend_from_slice(&buffer[..count]);
        }
        bytes
    }

    /// Both ends are closed.
    pub fn end(self) {
        self.stream.close();
    }
}
