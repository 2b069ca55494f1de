//! One question to one name server, over UDP and where need be over TCP.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, UdpSocket};
use std::time::Instant;

use super::message::{Question, Reply, DATAGRAM};
use super::time_left;

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Failure {
    /// Nothing came in time.
    TimedOut,
    /// What the system said.
    Io(SocketAddr, String),
    /// What came is no DNS message.
    Malformed(SocketAddr),
    /// The server's code.
    Refused(String),
    /// One alias leads to the next without end.
    Aliases,
}

/// `Records`, `Alias` or `NoSuchName`.
pub(super) fn ask(
    server: SocketAddr,
    question: &Question<'_>,
    until: Instant,
) -> Result<Reply, Failure> {
    let failed = |error: io::Error| match error.kind() {
        // The first is how a system says that the time-out of a socket is over.
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => Failure::TimedOut,
        _ => Failure::Io(server, error.to_string()),
    };
    let query = question.to_bytes().ok_or(Failure::Malformed(server))?;
    let mut reply = over_udp(server, question, &query, until).map_err(failed)?;
    if reply == Reply::Truncated {
        reply = over_tcp(server, question, &query, until).map_err(failed)?;
    }
    match reply {
        Reply::Records(_) | Reply::Alias(_) | Reply::NoSuchName => Ok(reply),
        Reply::Refused(code) => Err(Failure::Refused(format!(
            "name server {server} says {code}"
        ))),
        Reply::Foreign | Reply::Malformed | Reply::Truncated => Err(Failure::Malformed(server)),
    }
}

/// Anything but `Foreign`.
fn over_udp(
    server: SocketAddr,
    question: &Question<'_>,
    query: &[u8],
    until: Instant,
) -> io::Result<Reply> {
    let local = match server {
        SocketAddr::V4(_) => SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)),
        SocketAddr::V6(_) => SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0)),
    };
    // A new port for each question, which whoever forges an answer has to guess; and
    // connected, so that only the server's answers arrive, and its refusals too.
    let socket = UdpSocket::bind(local)?;
    socket.connect(server)?;
    socket.send(query)?;
    let mut buffer = [0; DATAGRAM as usize];
    loop {
        let left = time_left(until).ok_or(io::ErrorKind::TimedOut)?;
        socket.set_read_timeout(Some(left))?;
        match socket.recv(&mut buffer) {
            Ok(len) => match question.judge(&buffer[..len]) {
                Reply::Foreign => {}
                reply => return Ok(reply),
            },
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

fn over_tcp(
    server: SocketAddr,
    question: &Question<'_>,
    query: &[u8],
    until: Instant,
) -> io::Result<Reply> {
    let left = time_left(until).ok_or(io::ErrorKind::TimedOut)?;
    let mut stream = TcpStream::connect_timeout(&server, left)?;
    stream.set_write_timeout(Some(left))?;
    let len = u16::try_from(query.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
    stream.write_all(&[&len.to_be_bytes(), query].concat())?;
    let mut len = Vec::new();
    read_until(&mut stream, &mut len, 2, until)?;
    let len = usize::from(u16::from_be_bytes([len[0], len[1]]));
    let mut message = Vec::new();
    read_until(&mut stream, &mut message, len, until)?;
    Ok(question.judge(&message))
}

/// Reads `len` bytes, however slowly they come, but not past `until`.
fn read_until(
    stream: &mut TcpStream,
    bytes: &mut Vec<u8>,
    len: usize,
    until: Instant,
) -> io::Result<()> {
    let mut buffer = [0; 4096];
    while bytes.len() < len {
        let left = time_left(until).ok_or(io::ErrorKind::TimedOut)?;
        stream.set_read_timeout(Some(left))?;
        let most = buffer.len().min(len - bytes.len());
        match stream.read(&mut buffer[..most]) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(count) => bytes.extend_from_slice(&buffer[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::TimedOut => f.write_str("no name server answered in time"),
            Failure::Io(server, error) => write!(f, "name server {server}: {error}"),
            Failure::Malformed(server) => write!(f, "malformed answer of name server {server}"),
            Failure::Refused(code) => f.write_str(code),
            Failure::Aliases => f.write_str("too many aliases"),
        }
    }
}
