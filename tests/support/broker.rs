//! A broker that does what the test says, byte by byte.

use std::fmt::Write as _;
use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsRawFd, RawFd};
use std::time::{Duration, Instant};

/// How long anything may take before the test fails.
pub const DEADLINE: Duration = Duration::from_secs(10);

/// A listening socket on 127.0.0.1.
pub struct Broker {
    listener: TcpListener,
    address: SocketAddr,
}

impl Broker {
    /// Listens on a free port.
    pub fn start() -> Broker {
        Broker::start_on(0)
    }

    /// Listens on this port, where another broker of this test listened before.
    pub fn start_on(port: u16) -> Broker {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        Broker { listener, address }
    }

    /// Connections from now on hold few bytes that the test has not read.
    pub fn narrow(&self) {
        socket2::SockRef::from(&self.listener)
            .set_recv_buffer_size(32 * 1024)
            .unwrap();
    }

    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// The next connection, waiting for it.
    pub fn accept(&self) -> Peer {
        let end = Instant::now() + DEADLINE;
        loop {
            if let Some(peer) = self.try_accept() {
                return peer;
            }
            assert!(Instant::now() < end, "no connection arrived");
            wait_readable(self.listener.as_raw_fd(), Duration::from_millis(100));
        }
    }

    /// The next connection if it is there.
    pub fn try_accept(&self) -> Option<Peer> {
        match self.listener.accept() {
            Ok((stream, _)) => Some(Peer::new(stream)),
            Err(error) if error.kind() == ErrorKind::WouldBlock => None,
            Err(error) => panic!("accept: {error}"),
        }
    }
}

/// The broker's end of one connection.
pub struct Peer {
    /// None once closed by the test.
    stream: Option<TcpStream>,
    /// What arrived and was not looked at yet.
    inbox: Vec<u8>,
    closed: bool,
}

impl Peer {
    fn new(stream: TcpStream) -> Peer {
        stream.set_nonblocking(true).unwrap();
        stream.set_nodelay(true).unwrap();
        Peer {
            stream: Some(stream),
            inbox: Vec::new(),
            closed: false,
        }
    }

    /// Sends all of `bytes`.
    pub fn send(&mut self, bytes: &[u8]) {
        let stream = self.stream();
        stream.set_nonblocking(false).unwrap();
        stream.set_write_timeout(Some(DEADLINE)).unwrap();
        stream.write_all(bytes).unwrap();
        stream.set_nonblocking(true).unwrap();
    }

    /// Sends `bytes` again and again, until the client has taken nothing for a while, or the
    /// connection is gone, or this was done so many times; the number of bytes.
    pub fn flood(&mut self, bytes: &[u8], most: usize) -> usize {
        const WHILE: Duration = Duration::from_millis(500);
        let stream = self.stream();
        stream.set_nonblocking(false).unwrap();
        stream.set_write_timeout(Some(WHILE)).unwrap();
        let mut sent = 0;
        while sent < most * bytes.len() {
            match stream.write(&bytes[sent % bytes.len()..]) {
                Ok(count) => sent += count,
                Err(_) => break,
            }
        }
        stream.set_nonblocking(true).unwrap();
        sent
    }

    /// Sends `bytes` to a client that may close meanwhile.
    pub fn send_lossy(&mut self, bytes: &[u8]) {
        match self.stream().write(bytes) {
            Ok(written) => assert_eq!(written, bytes.len()),
            Err(error) => assert!(
                matches!(
                    error.kind(),
                    ErrorKind::BrokenPipe | ErrorKind::ConnectionReset
                ),
                "{error}"
            ),
        }
    }

    /// Where the client connected from.
    pub fn address(&mut self) -> SocketAddr {
        self.stream().peer_addr().unwrap()
    }

    /// Waits until the client sent `expected`, and nothing else before it.
    pub fn expect(&mut self, expected: &[u8]) {
        self.expect_while(expected, |peer| peer.wait(Duration::from_millis(100)));
    }

    /// Like [`Peer::expect`], calling `step` each time more bytes are needed.
    pub fn expect_while(&mut self, expected: &[u8], mut step: impl FnMut(&mut Peer)) {
        let end = Instant::now() + DEADLINE;
        loop {
            self.fill();
            let have = self.inbox.len().min(expected.len());
            if self.inbox[..have] != expected[..have] {
                panic!(
                    "{}",
                    difference("the client sent other bytes", expected, &self.inbox)
                );
            }
            if have == expected.len() {
                self.inbox.drain(..have);
                return;
            }
            if self.closed {
                panic!(
                    "{}",
                    difference("the client closed early", expected, &self.inbox)
                );
            }
            if Instant::now() >= end {
                panic!(
                    "{}",
                    difference("the bytes did not come", expected, &self.inbox)
                );
            }
            step(self);
        }
    }

    /// Takes one whole packet, whatever it is, calling `step` until it is there.
    pub fn take_packet_while(&mut self, mut step: impl FnMut(&mut Peer)) -> Vec<u8> {
        let end = Instant::now() + DEADLINE;
        loop {
            self.fill();
            if let Some(len) = packet_len(&self.inbox) {
                return self.inbox.drain(..len).collect();
            }
            assert!(
                !self.closed,
                "the client closed early, after {:02x?}",
                self.inbox
            );
            assert!(
                Instant::now() < end,
                "no whole packet came, only {:02x?}",
                self.inbox
            );
            step(self);
        }
    }

    /// Takes one whole packet, whatever it is.
    pub fn take_packet(&mut self) -> Vec<u8> {
        self.take_packet_while(|peer| peer.wait(Duration::from_millis(100)))
    }

    /// Waits until the client closed the connection, without another byte.
    pub fn expect_close(&mut self) {
        self.expect_close_while(|peer| peer.wait(Duration::from_millis(100)));
    }

    /// Like [`Peer::expect_close`], calling `step` while the connection is open.
    pub fn expect_close_while(&mut self, mut step: impl FnMut(&mut Peer)) {
        let end = Instant::now() + DEADLINE;
        loop {
            self.fill();
            if !self.inbox.is_empty() {
                panic!(
                    "{}",
                    difference("bytes instead of a close", &[], &self.inbox)
                );
            }
            if self.closed {
                return;
            }
            assert!(Instant::now() < end, "the client did not close");
            step(self);
        }
    }

    /// Whether bytes arrived that no `expect` has taken.
    pub fn has_bytes(&mut self) -> bool {
        self.fill();
        !self.inbox.is_empty()
    }

    /// Closes in order: what arrived is read first, so that the client sees an end and
    /// no reset.
    pub fn close(&mut self) {
        self.fill();
        self.stream = None;
    }

    /// Closes with a reset.
    pub fn reset(&mut self) {
        socket2::SockRef::from(&*self.stream())
            .set_linger(Some(Duration::ZERO))
            .unwrap();
        self.stream = None;
    }

    /// Waits a little for bytes or the end.
    pub fn wait(&mut self, time: Duration) {
        wait_readable(self.stream().as_raw_fd(), time);
    }

    fn stream(&mut self) -> &mut TcpStream {
        self.stream
            .as_mut()
            .expect("the test closed this connection")
    }

    /// Takes in what has arrived.
    fn fill(&mut self) {
        let mut chunk = [0; 65536];
        while !self.closed {
            match self.stream().read(&mut chunk) {
                Ok(0) => self.closed = true,
                Ok(n) => self.inbox.extend(&chunk[..n]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                // A close with bytes unread arrives as a reset.
                Err(error) if error.kind() == ErrorKind::ConnectionReset => self.closed = true,
                Err(error) => panic!("reading from the client: {error}"),
            }
        }
    }
}

/// Waits until `fd` is readable, or `time` has passed.
pub fn wait_readable(fd: RawFd, time: Duration) {
    let mut poll = libc::pollfd {
        fd,
        events: libc::POLLIN,
        revents: 0,
    };
    unsafe { libc::poll(&mut poll, 1, time.as_millis() as i32) };
}

/// The length of the packet at the start of `bytes`, if all of it is there.
fn packet_len(bytes: &[u8]) -> Option<usize> {
    let mut body = 0;
    for index in 1..5 {
        let byte = *bytes.get(index)?;
        body |= usize::from(byte & 0x7f) << (7 * (index - 1));
        if byte & 0x80 == 0 {
            let len = index + 1 + body;
            return (bytes.len() >= len).then_some(len);
        }
    }
    panic!("remaining length is longer than four bytes: {bytes:02x?}");
}

/// Both byte strings, sixteen a line, with the first difference marked.
fn difference(what: &str, expected: &[u8], got: &[u8]) -> String {
    let same = expected.iter().zip(got).take_while(|(a, b)| a == b).count();
    let mut out = format!(
        "{what}: {} bytes expected, {} there, first difference at byte {same}\n",
        expected.len(),
        got.len()
    );
    // Long payloads: only the lines around the difference.
    let first = (same / 16).saturating_sub(2) * 16;
    let last = first + 16 * 12;
    for (name, bytes) in [("expected", expected), ("got", got)] {
        writeln!(out, "{name}:").unwrap();
        let shown = &bytes[first.min(bytes.len())..last.min(bytes.len())];
        for (index, line) in shown.chunks(16).enumerate() {
            let at = first + index * 16;
            let hex: Vec<_> = line.iter().map(|byte| format!("{byte:02x}")).collect();
            let ascii: String = line
                .iter()
                .map(|&byte| {
                    if (0x20..0x7f).contains(&byte) {
                        byte as char
                    } else {
                        '.'
                    }
                })
                .collect();
            let mark = if (at..at + 16).contains(&same) {
                '>'
            } else {
                ' '
            };
            writeln!(out, "{mark}{at:06x}  {:<47}  {ascii}", hex.join(" ")).unwrap();
        }
    }
    out
}
