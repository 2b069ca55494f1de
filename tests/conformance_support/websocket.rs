//! The server's end of a WebSocket connection (RFC 6455), frame by frame.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::fd::AsRawFd;

use tungstenite::handshake::derive_accept_key;

use super::super::session_support::packet_len;
use super::super::support::broker::{wait_readable, DEADLINE};
use super::super::support::packet::{connack, Version};
use super::super::support::{Client, Event, MOSQ_OPT_TRANSPORT};

pub const CONTINUATION: u8 = 0;
pub const TEXT: u8 = 1;
pub const BINARY: u8 = 2;
pub const CLOSE: u8 = 8;
pub const PING: u8 = 9;
pub const PONG: u8 = 10;

/// `MOSQ_T_WEBSOCKETS`.
const WEBSOCKETS: i32 = 2;

/// A frame of the client.
#[derive(Debug, PartialEq, Eq)]
pub struct Frame {
    pub fin: bool,
    pub opcode: u8,
    pub masked: bool,
    pub payload: Vec<u8>,
}

/// A client connecting over WebSocket with its own thread, and the server's end.
pub struct WebSocket {
    pub version: Version,
    pub client: Client,
    /// The lines of the client's upgrade request.
    pub request: Vec<String>,
    /// All frames of the client so far.
    pub frames: Vec<Frame>,
    stream: TcpStream,
    /// What data frames brought and no packet was made of.
    unread: Vec<u8>,
}

impl WebSocket {
    /// After the upgrade, before CONNECT is read.
    pub fn upgraded(version: Version) -> WebSocket {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let client = Client::new(version, Some("t"), true);
        client.int_option(MOSQ_OPT_TRANSPORT, WEBSOCKETS).unwrap();
        // Not at once when the server closes: that is told first.
        client.reconnect_delay(1000, 1000);
        client
            .connect_async(listener.local_addr().unwrap().port(), 60)
            .unwrap();
        client.loop_start().unwrap();
        listener.set_nonblocking(true).unwrap();
        wait_readable(listener.as_raw_fd(), DEADLINE);
        let (mut stream, _) = listener.accept().expect("a connection in time");
        stream.set_nonblocking(false).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        stream.set_write_timeout(Some(DEADLINE)).unwrap();
        let request = read_request(&mut stream);
        let key = header(&request, "Sec-WebSocket-Key").expect("a key");
        let answer = format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Accept: {}\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n",
            derive_accept_key(key.as_bytes())
        );
        stream.write_all(answer.as_bytes()).unwrap();
        WebSocket {
            version,
            client,
            request,
            frames: Vec::new(),
            stream,
            unread: Vec::new(),
        }
    }

    /// Connected, with on_connect.
    pub fn open(version: Version) -> WebSocket {
        let mut socket = WebSocket::upgraded(version);
        let connect = socket.take_packet();
        assert_eq!(connect[0], 0x10, "CONNECT");
        socket.send(true, BINARY, &connack(version, false, 0, &[]));
        let event = socket.client.next_event();
        assert_eq!(event, Event::ConnectV5(0, 0, Vec::new()));
        socket
    }

    /// The value of a header of the upgrade request.
    pub fn header(&self, name: &str) -> Option<&str> {
        header(&self.request, name)
    }

    /// The next MQTT packet, over as many frames as it takes.
    pub fn take_packet(&mut self) -> Vec<u8> {
        loop {
            if let Some(len) = packet_len(&self.unread) {
                return self.unread.drain(..len).collect();
            }
            assert!(self.read_frame(), "the client closed early");
        }
    }

    /// Reads until the client has closed. Whatever it says before that stays in `frames`.
    pub fn await_close(&mut self) {
        while self.read_frame() {}
    }

    /// Sends a frame.
    pub fn send(&mut self, fin: bool, opcode: u8, payload: &[u8]) {
        let frame = frame(fin, opcode, payload);
        self.stream.write_all(&frame).unwrap();
    }

    /// Takes one frame in; `false` at the end of the stream.
    fn read_frame(&mut self) -> bool {
        let mut head = [0; 2];
        if !read_or_end(&mut self.stream, &mut head) {
            return false;
        }
        let mut len = u64::from(head[1] & 0x7F);
        if len == 126 {
            let mut bytes = [0; 2];
            self.stream.read_exact(&mut bytes).unwrap();
            len = u16::from_be_bytes(bytes).into();
        } else if len == 127 {
            let mut bytes = [0; 8];
            self.stream.read_exact(&mut bytes).unwrap();
            len = u64::from_be_bytes(bytes);
        }
        let masked = head[1] & 0x80 != 0;
        let mut mask = [0; 4];
        if masked {
            self.stream.read_exact(&mut mask).unwrap();
        }
        let mut payload = vec![0; usize::try_from(len).unwrap()];
        self.stream.read_exact(&mut payload).unwrap();
        for (byte, mask) in payload.iter_mut().zip(mask.iter().cycle()) {
            *byte ^= mask;
        }
        let frame = Frame {
            fin: head[0] & 0x80 != 0,
            opcode: head[0] & 0x0F,
            masked,
            payload,
        };
        if frame.opcode < CLOSE {
            self.unread.extend(&frame.payload);
        }
        self.frames.push(frame);
        true
    }
}

/// A frame of a server: without a mask.
pub fn frame(fin: bool, opcode: u8, payload: &[u8]) -> Vec<u8> {
    let mut out = vec![u8::from(fin) << 7 | opcode];
    match payload.len() {
        len @ 0..126 => out.push(len as u8),
        len @ 126..65536 => {
            out.push(126);
            out.extend((len as u16).to_be_bytes());
        }
        len => {
            out.push(127);
            out.extend((len as u64).to_be_bytes());
        }
    }
    out.extend(payload);
    out
}

fn read_request(stream: &mut TcpStream) -> Vec<String> {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        request.extend(byte);
    }
    let request = String::from_utf8(request).unwrap();
    request
        .trim_end()
        .split("\r\n")
        .map(str::to_owned)
        .collect()
}

fn header<'a>(request: &'a [String], name: &str) -> Option<&'a str> {
    request.iter().skip(1).find_map(|line| {
        let (found, value) = line.split_once(':')?;
        found.eq_ignore_ascii_case(name).then_some(value.trim())
    })
}

/// Fills `buffer`; `false` if the stream ended before its first byte.
fn read_or_end(stream: &mut TcpStream, buffer: &mut [u8]) -> bool {
    use std::io::ErrorKind::ConnectionReset;
    match stream.read(buffer) {
        Ok(0) => false,
        Ok(count) => {
            stream.read_exact(&mut buffer[count..]).unwrap();
            true
        }
        // A close with bytes unread arrives as a reset.
        Err(error) if error.kind() == ConnectionReset => false,
        Err(error) => panic!("the client neither sends nor closes: {error}"),
    }
}
