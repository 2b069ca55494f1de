//! A DNS server on 127.0.0.1, over UDP and TCP, that answers as a test says. The messages
//! are made and read here by hand, not by what is tested.

#![allow(
    dead_code,
    missing_docs,
    unreachable_pub,
    reason = "each test uses its own part"
)]

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// How long a question may take to come before the test fails.
const DEADLINE: Duration = Duration::from_secs(10);

pub const A: u16 = 1;
pub const CNAME: u16 = 5;
pub const AAAA: u16 = 28;
pub const SRV: u16 = 33;

/// What was asked.
#[derive(Debug, Clone)]
pub struct Query {
    pub id: u16,
    /// Without the dot at its end.
    pub name: String,
    pub kind: u16,
    pub edns: bool,
    pub tcp: bool,
    pub from: SocketAddr,
    /// The question section as it came.
    pub question: Vec<u8>,
}

/// Makes the messages that answer a query; over TCP each gets its length in front.
type Script = Box<dyn FnMut(&Query) -> Vec<Vec<u8>> + Send>;

/// The running server; it ends when this is dropped.
pub struct Dns {
    address: SocketAddr,
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

struct Shared {
    script: Mutex<Script>,
    queries: Mutex<Vec<Query>>,
    asked: Condvar,
    stop: AtomicBool,
}

impl Dns {
    /// Answers at a port that is free for UDP and for TCP.
    pub fn start(script: impl FnMut(&Query) -> Vec<Vec<u8>> + Send + 'static) -> Dns {
        loop {
            let tcp = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
            // The same number may be taken by somebody else for UDP.
            match UdpSocket::bind(tcp.local_addr().unwrap()) {
                Ok(udp) => return Dns::serve(udp, tcp, script),
                Err(error) => assert_eq!(error.kind(), ErrorKind::AddrInUse),
            }
        }
    }

    /// Answers at the port where programs look for a name server.
    pub fn start_at_port_53(script: impl FnMut(&Query) -> Vec<Vec<u8>> + Send + 'static) -> Dns {
        let address = (Ipv4Addr::LOCALHOST, 53);
        let tcp = TcpListener::bind(address).unwrap();
        Dns::serve(UdpSocket::bind(address).unwrap(), tcp, script)
    }

    fn serve(
        udp: UdpSocket,
        tcp: TcpListener,
        script: impl FnMut(&Query) -> Vec<Vec<u8>> + Send + 'static,
    ) -> Dns {
        let shared = Arc::new(Shared {
            script: Mutex::new(Box::new(script)),
            queries: Mutex::default(),
            asked: Condvar::new(),
            stop: AtomicBool::new(false),
        });
        let address = udp.local_addr().unwrap();
        let threads = vec![
            thread::spawn({
                let shared = shared.clone();
                move || shared.serve_udp(&udp)
            }),
            thread::spawn({
                let shared = shared.clone();
                move || shared.serve_tcp(&tcp)
            }),
        ];
        Dns {
            address,
            shared,
            threads,
        }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What was asked so far.
    pub fn queries(&self) -> Vec<Query> {
        self.shared.queries.lock().unwrap().clone()
    }

    /// Waits until somebody has asked for `name`.
    pub fn wait_for_query(&self, name: &str) {
        let queries = self.shared.queries.lock().unwrap();
        let missing = |queries: &mut Vec<Query>| queries.iter().all(|query| query.name != name);
        let (_queries, outcome) = self
            .shared
            .asked
            .wait_timeout_while(queries, DEADLINE, missing)
            .unwrap();
        assert!(!outcome.timed_out(), "nobody asked for {name}");
    }
}

impl Drop for Dns {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::SeqCst);
        // Moves the threads that wait.
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        socket.send_to(&[], self.address).unwrap();
        drop(TcpStream::connect(self.address));
        for thread in self.threads.drain(..) {
            let outcome = thread.join();
            if !thread::panicking() {
                outcome.expect("the name server understands what it is asked");
            }
        }
    }
}

impl Shared {
    fn serve_udp(&self, socket: &UdpSocket) {
        let mut buffer = [0; 2048];
        loop {
            let (len, peer) = socket.recv_from(&mut buffer).unwrap();
            if self.stop.load(Ordering::SeqCst) {
                return;
            }
            for message in self.answer(&buffer[..len], peer, false) {
                // Fails when whoever asked has gone.
                let _ = socket.send_to(&message, peer);
            }
        }
    }

    fn serve_tcp(&self, listener: &TcpListener) {
        for stream in listener.incoming() {
            if self.stop.load(Ordering::SeqCst) {
                return;
            }
            let mut stream = stream.unwrap();
            let peer = stream.peer_addr().unwrap();
            let mut len = [0; 2];
            stream.read_exact(&mut len).unwrap();
            let mut message = vec![0; usize::from(u16::from_be_bytes(len))];
            stream.read_exact(&mut message).unwrap();
            for message in self.answer(&message, peer, true) {
                let _ = stream.write_all(&(message.len() as u16).to_be_bytes());
                let _ = stream.write_all(&message);
            }
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    fn answer(&self, message: &[u8], from: SocketAddr, tcp: bool) -> Vec<Vec<u8>> {
        let query = read(message, from, tcp);
        self.queries.lock().unwrap().push(query.clone());
        self.asked.notify_all();
        (self.script.lock().unwrap())(&query)
    }
}

fn read(message: &[u8], from: SocketAddr, tcp: bool) -> Query {
    let word = |at: usize| u16::from_be_bytes([message[at], message[at + 1]]);
    assert_eq!(word(2) & 0xfb00, 0x0100, "a query that wants recursion");
    assert_eq!((word(4), word(6), word(8)), (1, 0, 0), "one question");
    let (mut at, mut name) = (12, String::new());
    while message[at] != 0 {
        let label = &message[at + 1..][..usize::from(message[at])];
        if !name.is_empty() {
            name.push('.');
        }
        name.push_str(std::str::from_utf8(label).unwrap());
        at += 1 + label.len();
    }
    assert_eq!(word(at + 3), 1, "the class of the Internet");
    let end = at + 5;
    // An OPT record: the root, its type, the size of datagram that may come.
    let edns = message.get(end..end + 3) == Some(&[0, 0, 41]);
    assert_eq!(word(10), u16::from(edns));
    Query {
        id: word(0),
        name,
        kind: word(at + 1),
        edns,
        tcp,
        from,
        question: message[12..end].to_vec(),
    }
}

/// An answer in the making.
#[derive(Debug, Clone)]
pub struct Answer {
    id: u16,
    flags: u16,
    question: Vec<u8>,
    records: Vec<u8>,
    count: u16,
}

impl Query {
    /// An answer without records.
    pub fn answer(&self) -> Answer {
        Answer {
            id: self.id,
            flags: 0x8180,
            question: self.question.clone(),
            records: Vec::new(),
            count: 0,
        }
    }

    /// SRV records of the name that was asked for: priority, weight, port, target.
    pub fn servers(&self, servers: &[(u16, u16, u16, &str)]) -> Answer {
        servers
            .iter()
            .fold(self.answer(), |answer, (priority, weight, port, target)| {
                answer.srv(&self.name, *priority, *weight, *port, target)
            })
    }

    /// The address of the name that was asked for.
    pub fn address(&self, address: Ipv4Addr) -> Answer {
        self.answer().record(&self.name, A, &address.octets())
    }
}

impl Answer {
    /// A response code.
    pub fn code(mut self, code: u16) -> Answer {
        self.flags |= code;
        self
    }

    pub fn truncated(mut self) -> Answer {
        self.flags |= 0x0200;
        self
    }

    /// From a server that knows its own names only, and this is none of them.
    pub fn without_recursion(mut self) -> Answer {
        self.flags &= !0x0080;
        self
    }

    pub fn id(mut self, id: u16) -> Answer {
        self.id = id;
        self
    }

    pub fn question(mut self, name: &str, kind: u16) -> Answer {
        self.question = wire_name(name);
        self.question.extend(kind.to_be_bytes());
        self.question.extend(1u16.to_be_bytes());
        self
    }

    pub fn record(mut self, name: &str, kind: u16, data: &[u8]) -> Answer {
        self.records.extend(wire_name(name));
        self.records.extend(kind.to_be_bytes());
        self.records.extend(1u16.to_be_bytes());
        self.records.extend(60u32.to_be_bytes());
        self.records.extend((data.len() as u16).to_be_bytes());
        self.records.extend(data);
        self.count += 1;
        self
    }

    pub fn srv(self, name: &str, priority: u16, weight: u16, port: u16, target: &str) -> Answer {
        let mut data = [priority, weight, port].map(u16::to_be_bytes).concat();
        data.extend(wire_name(target));
        self.record(name, SRV, &data)
    }

    pub fn cname(self, name: &str, target: &str) -> Answer {
        self.record(name, CNAME, &wire_name(target))
    }

    pub fn bytes(&self) -> Vec<u8> {
        let words = [self.id, self.flags, 1, self.count, 0, 0];
        let header = words.map(u16::to_be_bytes).concat();
        [header, self.question.clone(), self.records.clone()].concat()
    }

    /// As the only message.
    pub fn alone(&self) -> Vec<Vec<u8>> {
        vec![self.bytes()]
    }
}

/// A name as messages have it; the root is empty.
pub fn wire_name(name: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for label in name.split('.').filter(|label| !label.is_empty()) {
        bytes.push(u8::try_from(label.len()).unwrap());
        bytes.extend(label.as_bytes());
    }
    bytes.push(0);
    bytes
}
