//! A broker that agrees to everything: it authenticates in one step whoever wants to,
//! acknowledges, and sends messages to `echo/...` back.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

/// Speaks MQTT 5 with any number of clients; it ends when this is dropped.
pub(crate) struct Loopback {
    port: u16,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Loopback {
    pub(crate) fn start() -> Loopback {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let stop = Arc::new(AtomicBool::new(false));
        let thread = thread::spawn({
            let stop = stop.clone();
            move || accept(&listener, &stop)
        });
        Loopback {
            port,
            stop,
            thread: Some(thread),
        }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }
}

impl Drop for Loopback {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        // Moves the thread that accepts.
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn accept(listener: &TcpListener, stop: &AtomicBool) {
    let mut connections: Vec<(TcpStream, JoinHandle<()>)> = Vec::new();
    for stream in listener.incoming() {
        if stop.load(Ordering::SeqCst) {
            break;
        }
        let stream = stream.unwrap();
        let ours = stream.try_clone().unwrap();
        let thread = thread::spawn(move || {
            let mut peer = Peer {
                stream: ours,
                method: Vec::new(),
                next_id: 0,
            };
            // Ends with the connection, however that ends.
            while peer.serve().is_some() {}
            let _ = peer.stream.shutdown(Shutdown::Both);
        });
        connections.push((stream, thread));
        // Those that have ended need not keep their descriptors.
        let (ended, open): (Vec<_>, Vec<_>) = connections
            .into_iter()
            .partition(|(_, thread)| thread.is_finished());
        connections = open;
        ended.into_iter().for_each(end);
    }
    connections.into_iter().for_each(end);
}

fn end((stream, thread): (TcpStream, JoinHandle<()>)) {
    // Fails only when the client has gone.
    let _ = stream.shutdown(Shutdown::Both);
    thread.join().expect("the broker understands its client");
}

struct Peer {
    stream: TcpStream,
    /// The Authentication Method property as CONNECT had it.
    method: Vec<u8>,
    next_id: u16,
}

impl Peer {
    /// Takes one packet and answers it; `None` at the end of the connection.
    fn serve(&mut self) -> Option<()> {
        let (first, body) = self.packet()?;
        let id = body.get(..2);
        match first >> 4 {
            1 => {
                self.method = authentication_method(&body);
                if self.method.is_empty() {
                    self.send(0x20, &[0, 0, 0])
                } else {
                    self.send(0xf0, &self.with_method(&[0x18]))
                }
            }
            15 if body[0] == 0x18 => self.send(0x20, &self.with_method(&[0, 0])),
            15 => self.send(0xf0, &self.with_method(&[0])),
            3 => self.published(first, &body),
            5 => self.send(0x62, id?),
            6 => self.send(0x70, id?),
            8 => self.send(0x90, &granted(id?, subscriptions(&body))),
            10 => self.send(0xb0, &granted(id?, unsubscriptions(&body))),
            12 => self.send(0xd0, &[]),
            4 | 7 => Some(()),
            14 => None,
            other => panic!("packet type {other}"),
        }
    }

    fn published(&mut self, first: u8, body: &[u8]) -> Option<()> {
        let qos = (first >> 1) & 3;
        let topic_end = 2 + usize::from(u16::from_be_bytes([body[0], body[1]]));
        let (topic, mut rest) = body.split_at(topic_end);
        if qos > 0 {
            let (id, behind) = rest.split_at(2);
            rest = behind;
            self.send(if qos == 1 { 0x40 } else { 0x50 }, id)?;
        }
        if !topic[2..].starts_with(b"echo/") {
            return Some(());
        }
        let mut message = topic.to_vec();
        if qos > 0 {
            self.next_id = self.next_id.checked_add(1).unwrap_or(1);
            message.extend(self.next_id.to_be_bytes());
        }
        message.extend(rest);
        self.send(0x30 | (qos << 1), &message)
    }

    /// `start` and a property list of the authentication method alone.
    fn with_method(&self, start: &[u8]) -> Vec<u8> {
        let mut body = start.to_vec();
        body.push(self.method.len() as u8);
        body.extend(&self.method);
        body
    }

    fn send(&self, first: u8, body: &[u8]) -> Option<()> {
        let mut packet = vec![first];
        let mut len = body.len();
        while len > 127 {
            packet.push((len % 128) as u8 | 0x80);
            len /= 128;
        }
        packet.push(len as u8);
        packet.extend(body);
        (&self.stream).write_all(&packet).ok()
    }

    /// The next packet: its first byte and its body.
    fn packet(&self) -> Option<(u8, Vec<u8>)> {
        let mut stream = &self.stream;
        let mut byte = [0];
        stream.read_exact(&mut byte).ok()?;
        let first = byte[0];
        let (mut len, mut shift) = (0, 0);
        loop {
            stream.read_exact(&mut byte).ok()?;
            len |= usize::from(byte[0] & 0x7f) << shift;
            shift += 7;
            if byte[0] & 0x80 == 0 {
                break;
            }
        }
        let mut body = vec![0; len];
        stream.read_exact(&mut body).ok()?;
        Some((first, body))
    }
}

/// The answer to a request for `count` filters: QoS 0 or success for each.
fn granted(id: &[u8], count: usize) -> Vec<u8> {
    let mut body = id.to_vec();
    body.push(0);
    body.extend(vec![0; count]);
    body
}

/// How many filters a SUBSCRIBE has; its properties have less than 128 bytes.
fn subscriptions(body: &[u8]) -> usize {
    count_filters(&body[3 + usize::from(body[2])..], 1)
}

fn unsubscriptions(body: &[u8]) -> usize {
    count_filters(&body[3 + usize::from(body[2])..], 0)
}

fn count_filters(mut filters: &[u8], behind_each: usize) -> usize {
    let mut count = 0;
    while filters.len() > 2 {
        let len = usize::from(u16::from_be_bytes([filters[0], filters[1]]));
        filters = &filters[2 + len + behind_each..];
        count += 1;
    }
    count
}

/// The Authentication Method of a CONNECT, identifier and length included; empty without.
fn authentication_method(connect: &[u8]) -> Vec<u8> {
    // Protocol name, level, flags, keep alive; the properties have less than 128 bytes.
    let len = usize::from(connect[10]);
    let mut properties = &connect[11..11 + len];
    while let Some(&id) = properties.first() {
        let text =
            |at: usize| 2 + usize::from(u16::from_be_bytes([properties[at], properties[at + 1]]));
        let size = match id {
            0x15 => return properties[..1 + text(1)].to_vec(),
            0x16 => 1 + text(1),
            0x26 => 1 + text(1) + text(1 + text(1)),
            0x17 | 0x19 => 2,
            0x21 | 0x22 => 3,
            0x11 | 0x27 => 5,
            other => panic!("property {other:#x} in CONNECT"),
        };
        properties = &properties[size..];
    }
    Vec::new()
}
