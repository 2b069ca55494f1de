//! A wire between a client and a broker that keeps every packet it carries.
//!
//! It carries whole packets, notes each one before it passes it on, and can be
//! cut: at once, or in place of the next packet of some type from the broker.
//! So the notes are in an order that both ends could have seen, and a scenario
//! can wait for what is on the wire and not only for what the API tells.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// Packet types, as in the upper half of a packet's first byte.
pub const PUBLISH: u8 = 3;
pub const PUBACK: u8 = 4;
pub const PUBREC: u8 = 5;
pub const PUBREL: u8 = 6;
pub const PUBCOMP: u8 = 7;
pub const PINGRESP: u8 = 13;
pub const DISCONNECT: u8 = 14;

/// How much of a packet is kept: enough for its properties.
const KEPT: usize = 256;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum From {
    Client,
    Broker,
}

/// A packet that came by.
#[derive(Debug, Clone)]
pub struct Packet {
    pub from: From,
    /// Its first bytes.
    pub bytes: Vec<u8>,
    /// Its whole length.
    pub len: usize,
}

impl Packet {
    pub fn kind(&self) -> u8 {
        self.bytes[0] >> 4
    }

    pub fn qos(&self) -> u8 {
        (self.bytes[0] >> 1) & 3
    }

    /// The fixed header's length.
    pub fn header(&self) -> usize {
        1 + self.bytes[1..].iter().take_while(|b| **b >= 0x80).count() + 1
    }
}

impl std::fmt::Display for Packet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let who = match self.from {
            From::Client => "client",
            From::Broker => "broker",
        };
        write!(f, "{who}:")?;
        for byte in self.bytes.iter().take(48) {
            write!(f, " {byte:02x}")?;
        }
        if self.len > 48 {
            write!(f, " ... ({} bytes)", self.len)?;
        }
        Ok(())
    }
}

/// What came over one tap.
#[derive(Default)]
pub struct Notes {
    packets: Mutex<Vec<Packet>>,
    sockets: Mutex<Vec<TcpStream>>,
    /// The threads that read from the client.
    from_client: Mutex<Vec<JoinHandle<()>>>,
    /// Connections that the broker has not closed.
    open: Mutex<usize>,
    closed: Condvar,
    /// The packet type from the broker that ends the connection.
    cut_at: Mutex<Option<u8>>,
    ending: AtomicBool,
}

impl Notes {
    pub fn packets(&self) -> Vec<Packet> {
        self.packets.lock().expect("no holder panics").clone()
    }

    fn cut(&self) {
        for socket in self.sockets.lock().expect("no holder panics").drain(..) {
            // Fails when it is closed already.
            let _ = socket.shutdown(Shutdown::Both);
        }
    }
}

/// The wire. To be dropped after its client: what that sent last is still
/// delivered.
pub struct Tap {
    port: u16,
    notes: Arc<Notes>,
    acceptor: Option<JoinHandle<()>>,
}

impl Tap {
    /// A wire to the broker at `to`, a port of 127.0.0.1.
    pub fn new(to: u16) -> Tap {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let port = listener.local_addr().expect("just bound").port();
        let notes = Arc::new(Notes::default());
        let acceptor = thread::spawn({
            let notes = notes.clone();
            move || {
                for client in listener.incoming() {
                    if notes.ending.load(Ordering::SeqCst) {
                        return;
                    }
                    // Without a broker the client sees its connection closed.
                    if let (Ok(client), Ok(broker)) =
                        (client, TcpStream::connect(("127.0.0.1", to)))
                    {
                        carry(&notes, client, broker);
                    }
                }
            }
        });
        Tap {
            port,
            notes,
            acceptor: Some(acceptor),
        }
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn notes(&self) -> Arc<Notes> {
        self.notes.clone()
    }

    /// The packets of one kind from one side.
    pub fn packets(&self, from: From, kind: u8) -> Vec<Packet> {
        let mut packets = self.notes.packets();
        packets.retain(|p| p.from == from && p.kind() == kind);
        packets
    }

    /// Waits until the broker has closed its end, the client having closed its
    /// own. A broker that never does is not waited for for ever.
    pub fn wait_until_closed(&self) {
        let open = self.notes.open.lock().expect("no holder panics");
        let patience = Duration::from_secs(5);
        let waited = self
            .notes
            .closed
            .wait_timeout_while(open, patience, |open| *open > 0);
        drop(waited.expect("no holder panics"));
    }

    /// Ends the connection without a word of MQTT.
    pub fn cut(&self) {
        self.notes.cut();
    }

    /// Ends the connection when the broker sends a packet of type `kind`,
    /// which the client does not get. Works once.
    pub fn cut_at(&self, kind: u8) {
        *self.notes.cut_at.lock().expect("no holder panics") = Some(kind);
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        self.notes.ending.store(true, Ordering::SeqCst);
        // Wakes the acceptor, which then sees that it is over.
        drop(TcpStream::connect(("127.0.0.1", self.port)));
        if let Some(acceptor) = self.acceptor.take() {
            let _ = acceptor.join();
        }
        let readers =
            std::mem::take(&mut *self.notes.from_client.lock().expect("no holder panics"));
        for reader in readers {
            let _ = reader.join();
        }
    }
}

/// Starts to carry packets between the two, in both directions.
fn carry(notes: &Arc<Notes>, client: TcpStream, broker: TcpStream) {
    for socket in [&client, &broker] {
        let _ = socket.set_nodelay(true);
    }
    let (Ok(client_in), Ok(broker_in)) = (client.try_clone(), broker.try_clone()) else {
        return;
    };
    let mut sockets = notes.sockets.lock().expect("no holder panics");
    for socket in [&client, &broker] {
        sockets.extend(socket.try_clone());
    }
    drop(sockets);
    *notes.open.lock().expect("no holder panics") += 1;
    for (from, input, output) in [
        (From::Client, client_in, broker),
        (From::Broker, broker_in, client),
    ] {
        let thread = thread::spawn({
            let notes = notes.clone();
            move || {
                one_way(&notes, from, input, output);
                if from == From::Broker {
                    *notes.open.lock().expect("no holder panics") -= 1;
                    notes.closed.notify_all();
                }
            }
        });
        // The other thread ends when the broker closes.
        if from == From::Client {
            notes
                .from_client
                .lock()
                .expect("no holder panics")
                .push(thread);
        }
    }
}

fn one_way(notes: &Notes, from: From, mut input: TcpStream, mut output: TcpStream) {
    while let Some(packet) = read_packet(&mut input) {
        notes
            .packets
            .lock()
            .expect("no holder panics")
            .push(Packet {
                from,
                bytes: packet[..packet.len().min(KEPT)].to_vec(),
                len: packet.len(),
            });
        if from == From::Broker {
            let mut cut_at = notes.cut_at.lock().expect("no holder panics");
            if *cut_at == Some(packet[0] >> 4) {
                *cut_at = None;
                drop(cut_at);
                notes.cut();
                return;
            }
        }
        if output.write_all(&packet).is_err() {
            break;
        }
    }
    let _ = output.shutdown(Shutdown::Write);
    // The other direction goes on, unless that side has gone too.
    let _ = input.shutdown(Shutdown::Read);
}

/// One packet, or `None` at the end.
fn read_packet(input: &mut TcpStream) -> Option<Vec<u8>> {
    let mut packet = vec![0; 2];
    input.read_exact(&mut packet).ok()?;
    let mut length = usize::from(packet[1] & 0x7f);
    let mut shift = 7;
    while packet[packet.len() - 1] >= 0x80 && packet.len() < 5 {
        let mut byte = [0];
        input.read_exact(&mut byte).ok()?;
        packet.push(byte[0]);
        length |= usize::from(byte[0] & 0x7f) << shift;
        shift += 7;
    }
    let header = packet.len();
    packet.resize(header + length, 0);
    input.read_exact(&mut packet[header..]).ok()?;
    Some(packet)
}
