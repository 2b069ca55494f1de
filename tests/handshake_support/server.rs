//! A server whose answers go wrong on their way as the test says.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::mpsc::{channel, Receiver, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use socket2::SockRef;

use super::super::support::DEADLINE;
use super::layers::{Layer, Piece};
use super::unread::wait_until_read;
use super::Handshake;

/// How long a server whose answer was altered waits for a client that may wait for more.
const PATIENCE: Duration = Duration::from_millis(30);

/// What happens to the server's part of a handshake; places count its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trick {
    Nothing,
    /// So many bytes arrive, then the end.
    Cut(usize),
    /// So many bytes arrive, then a reset.
    Reset(usize),
    /// So many bytes arrive, and the rest once the client has read these.
    Split(usize),
    /// Each byte arrives once the client has read the one before.
    Bytewise,
    /// The byte at this place is another one.
    Edit(usize, Edit),
    /// So many bytes arrive, and nothing more.
    Silent(usize),
    /// These bytes arrive in place of the first answer, and nothing more.
    Instead(Vec<u8>),
    /// The first bytes arrive in place of the first answer, the second again and again.
    Endless(Vec<u8>, Vec<u8>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edit {
    Replace(u8),
    /// Bits are turned over.
    Flip(u8),
    Remove,
    Insert(u8),
}

/// What the server saw of one connection.
#[derive(Debug, Default)]
pub struct Report {
    /// The client's port.
    pub client: u16,
    /// The server's part of the handshake as it should have been, as far as it got.
    pub handshake: Vec<u8>,
    /// Whether the trick was played: the handshake was long enough for it.
    pub tricked: bool,
    /// What the client sent, as it travelled.
    pub raw: Vec<u8>,
    /// What the client sent to the MQTT server.
    pub mqtt: Vec<u8>,
    /// How many bytes the client was sent.
    pub sent: usize,
    /// What the server had against the client's handshake.
    pub complaint: Option<String>,
}

pub struct Server {
    port: u16,
    /// None when told to end.
    tricks: Option<Sender<Trick>>,
    /// The place where a trick leaves the client waiting was reached.
    silences: Receiver<()>,
    reports: Receiver<Report>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Listens on a free port of 127.0.0.1; serves one connection for each trick.
    pub fn start(handshake: Handshake) -> Server {
        Server::start_with(move || handshake.server())
    }

    pub fn start_with(layers: impl Fn() -> Box<dyn Layer> + Send + 'static) -> Server {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let (tricks, next_trick) = channel();
        let (silence, silences) = channel();
        let (report, reports) = channel();
        let thread = thread::spawn(move || {
            while let Ok(trick) = next_trick.recv() {
                let Ok((stream, _)) = listener.accept() else {
                    return;
                };
                let visit = Visit::new(stream, layers(), trick, &silence);
                // Fails when the test has failed.
                let _ = report.send(visit.serve());
            }
        });
        Server {
            port,
            tricks: Some(tricks),
            silences,
            reports,
            thread: Some(thread),
        }
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// What the next connection will meet.
    pub fn play(&self, trick: Trick) {
        let tricks = self.tricks.as_ref().expect("a running server");
        tricks.send(trick).expect("a running server");
    }

    /// Waits until the client was left without an answer.
    pub fn wait_for_silence(&self) {
        self.silences.recv_timeout(DEADLINE).expect("a silence");
    }

    /// Whether the client was left without an answer, once for each time it was.
    pub fn is_silent(&self) -> bool {
        self.silences.try_recv().is_ok()
    }

    /// What was seen of the next connection, after its end.
    pub fn report(&self) -> Report {
        self.reports
            .recv_timeout(DEADLINE)
            .expect("the connection's end")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.tricks = None;
        if thread::panicking() {
            return; // it may wait for a connection that does not come
        }
        if let Some(thread) = self.thread.take() {
            thread.join().expect("the server");
        }
    }
}

/// One connection.
struct Visit<'a> {
    stream: TcpStream,
    layers: Box<dyn Layer>,
    trick: Trick,
    silence: &'a Sender<()>,
    report: Report,
}

/// The server is through with the connection.
struct Over;

impl Visit<'_> {
    fn new(
        stream: TcpStream,
        layers: Box<dyn Layer>,
        trick: Trick,
        silence: &Sender<()>,
    ) -> Visit<'_> {
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(3 * DEADLINE)).unwrap();
        stream.set_write_timeout(Some(3 * DEADLINE)).unwrap();
        Visit {
            layers,
            trick,
            silence,
            report: Report {
                client: stream.peer_addr().map_or(0, |client| client.port()),
                ..Report::default()
            },
            stream,
        }
    }

    fn serve(mut self) -> Report {
        while self.turn().is_ok() {}
        self.report.mqtt = self.layers.mqtt().received.clone();
        self.report
    }

    /// Takes what the client sent, and answers.
    fn turn(&mut self) -> Result<(), Over> {
        let bytes = self.read()?;
        match &self.trick {
            Trick::Instead(answer) => {
                let answer = answer.clone();
                return self.send_altered(&answer);
            }
            Trick::Endless(first, again) => {
                let (first, again) = (first.clone(), again.clone());
                self.report.tricked = true;
                self.send(&first)?;
                loop {
                    self.send(&again)?;
                }
            }
            _ => {}
        }
        match self.layers.input(&bytes) {
            Ok(pieces) => pieces.iter().try_for_each(|piece| self.answer(piece)),
            Err(complaint) => {
                self.report.complaint = Some(complaint);
                Err(Over)
            }
        }
    }

    fn read(&mut self) -> Result<Vec<u8>, Over> {
        let mut buffer = [0; 16384];
        match self.stream.read(&mut buffer) {
            Ok(count) if count > 0 => {
                self.report.raw.extend(&buffer[..count]);
                Ok(buffer[..count].to_vec())
            }
            // Also when its patience is over.
            _ => Err(Over),
        }
    }

    fn answer(&mut self, piece: &Piece) -> Result<(), Over> {
        if !piece.handshake {
            return self.send(&piece.bytes);
        }
        let start = self.report.handshake.len();
        let bytes = &piece.bytes;
        self.report.handshake.extend(bytes);
        let inside = |place: usize| (start..start + bytes.len()).contains(&place);
        match self.trick {
            Trick::Cut(place) if inside(place) => {
                self.report.tricked = true;
                self.send(&bytes[..place - start])?;
                self.end()
            }
            Trick::Reset(place) if inside(place) => {
                self.report.tricked = true;
                self.send(&bytes[..place - start])?;
                // Bytes that were not read are lost with a reset.
                wait_until_read(self.stream.peer_addr().map_err(|_| Over)?);
                SockRef::from(&self.stream)
                    .set_linger(Some(Duration::ZERO))
                    .map_err(|_| Over)?;
                Err(Over)
            }
            Trick::Split(place) if inside(place) && place > start => {
                self.report.tricked = true;
                let (now, later) = bytes.split_at(place - start);
                self.send_and_wait(now)?;
                self.send(later)
            }
            Trick::Bytewise => {
                self.report.tricked = true;
                bytes
                    .chunks(1)
                    .try_for_each(|byte| self.send_and_wait(byte))
            }
            Trick::Edit(place, edit) if inside(place) => {
                let mut bytes = bytes.clone();
                edit.apply(&mut bytes, place - start);
                self.send_altered(&bytes)
            }
            Trick::Silent(place) if inside(place) => {
                self.report.tricked = true;
                self.send_and_wait(&bytes[..place - start])?;
                let _ = self.silence.send(());
                while self.read().is_ok() {}
                Err(Over)
            }
            _ => self.send(bytes),
        }
    }

    /// From here on nobody knows who waits for whom.
    fn send_altered(&mut self, bytes: &[u8]) -> Result<(), Over> {
        self.report.tricked = true;
        self.trick = Trick::Nothing;
        self.stream
            .set_read_timeout(Some(PATIENCE))
            .map_err(|_| Over)?;
        self.send(bytes)
    }

    fn send(&mut self, bytes: &[u8]) -> Result<(), Over> {
        self.stream.write_all(bytes).map_err(|_| Over)?;
        self.report.sent += bytes.len();
        Ok(())
    }

    fn send_and_wait(&mut self, bytes: &[u8]) -> Result<(), Over> {
        self.send(bytes)?;
        wait_until_read(self.stream.peer_addr().map_err(|_| Over)?);
        Ok(())
    }

    /// An end in order, behind all that was sent.
    fn end(&mut self) -> Result<(), Over> {
        let _ = self.stream.shutdown(Shutdown::Write);
        while self.read().is_ok() {}
        Err(Over)
    }
}

impl Edit {
    pub fn apply(self, bytes: &mut Vec<u8>, place: usize) {
        match self {
            Edit::Replace(byte) => bytes[place] = byte,
            Edit::Flip(bits) => bytes[place] ^= bits,
            Edit::Remove => drop(bytes.remove(place)),
            Edit::Insert(byte) => bytes.insert(place, byte),
        }
    }
}
