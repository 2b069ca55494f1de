//! One attempt to connect: the servers one after the other, and the addresses of each
//! against each other (RFC 8305, "happy eyeballs").

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::os::fd::{AsRawFd, RawFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};
use socket2::{SockAddr, Socket};

use super::resolve::{candidates, resolve, Candidate, Results};
use super::{resolve_in_background, socket, Endpoint, Layers, Proxy, Stream, Tunnel};
use crate::error::{Error, IoError, Result};

/// How long an attempt may take unless the program says otherwise.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);

/// How long an address has to answer before the next one is tried beside it (RFC 8305
/// section 5).
const ATTEMPT_DELAY: Duration = Duration::from_millis(250);

/// A connection attempt that is going on.
#[derive(Debug)]
pub struct Dial {
    /// Servers that were not tried yet.
    candidates: VecDeque<Candidate>,
    race: Option<Race>,
    bind: Vec<SocketAddr>,
    nodelay: bool,
    proxy: Option<Proxy>,
    layers: Layers,
    deadline: Instant,
    last_error: Option<Error>,
    /// Counts the descriptors that [`Dial::fd`] has had.
    descriptors: u64,
}

/// The addresses of one server, of which the first to answer wins. Dropping it closes
/// the others.
#[derive(Debug)]
struct Race {
    host: String,
    port: u16,
    waiting: VecDeque<SockAddr>,
    pending: Vec<(Socket, SockAddr)>,
    /// Stands for all that is pending; absent where there is but one address.
    poll: Option<Poll>,
    /// When the next address gets its chance.
    next: Instant,
    /// When the next server gets its chance.
    deadline: Instant,
}

impl Dial {
    /// Resolves the endpoint, which blocks where [`Endpoint::needs_look_up`] says so.
    pub fn new(endpoint: Endpoint, deadline: Instant) -> Result<Self> {
        let bind = match &endpoint.bind_address {
            Some(local) => resolve(local, 0)?,
            None => Vec::new(),
        };
        Ok(Dial {
            candidates: candidates(endpoint.server, endpoint.proxy.as_ref(), deadline)?,
            race: None,
            bind,
            nodelay: endpoint.nodelay,
            proxy: endpoint.proxy,
            layers: endpoint.layers,
            deadline,
            last_error: None,
            descriptors: 0,
        })
    }

    /// Connects, waiting for name resolution and the network. Proxy and handshakes are the
    /// loop's: what fails there is told there, as programs know it from libmosquitto.
    pub fn connect(endpoint: Endpoint, deadline: Instant) -> Result<Stream> {
        let mut dial = if endpoint.needs_look_up() {
            resolve_until(endpoint, deadline)?
        } else {
            Dial::new(endpoint, deadline)?
        };
        dial.wait()
    }

    /// The descriptor that becomes readable or writable when the attempt can be advanced.
    /// While several addresses are tried it stands for all of them.
    pub fn fd(&self) -> Option<RawFd> {
        let race = self.race.as_ref()?;
        match (&race.poll, race.pending.first()) {
            (Some(poll), _) => Some(poll.as_raw_fd()),
            (None, Some((socket, _))) => Some(socket.as_raw_fd()),
            (None, None) => None,
        }
    }

    /// Changes whenever the descriptor is another one.
    pub const fn descriptors(&self) -> u64 {
        self.descriptors
    }

    /// When [`Dial::advance`] has to be called at the latest.
    pub fn deadline(&self) -> Option<Instant> {
        let race = self.race.as_ref()?;
        match race.waiting.is_empty() {
            true => Some(race.deadline),
            false => Some(race.deadline.min(race.next)),
        }
    }

    /// Goes as far as possible without blocking: the stream once there is a connection,
    /// `None` while that is open, the last error when no address is left.
    pub fn advance(&mut self, now: Instant) -> Result<Option<Stream>> {
        loop {
            let Some(race) = &mut self.race else {
                self.next_race(now)?;
                continue;
            };
            if let Some(socket) = race.settle(&mut self.last_error, now) {
                return self.finish(socket);
            }
            if race.deadline <= now {
                self.last_error = Some(timed_out(race));
                self.race = None;
                continue;
            }
            while race.is_due(now) {
                let Some(address) = race.waiting.pop_front() else {
                    break;
                };
                match race.begin(address, &self.bind, self.nodelay, now) {
                    Ok(Some(socket)) => return self.finish(socket),
                    Ok(None) if race.poll.is_none() => self.descriptors += 1,
                    Ok(None) => {}
                    Err(error) => self.last_error = Some(error),
                }
            }
            if !race.pending.is_empty() {
                return Ok(None);
            }
            self.race = None;
        }
    }

    /// Turns to the next server's addresses.
    fn next_race(&mut self, now: Instant) -> Result<()> {
        let Some(candidate) = self.candidates.pop_front() else {
            let error = self.last_error.take();
            return Err(error.unwrap_or_else(|| Error::Resolver("no address".to_owned())));
        };
        // Each server that is left gets its share of the time.
        let left = self.deadline.saturating_duration_since(now);
        let share = left / u32::try_from(self.candidates.len() + 1).unwrap_or(u32::MAX);
        let mut poll = None;
        if candidate.addresses.len() > 1 {
            poll = Some(Poll::new().map_err(|error| Error::io("connect", &error))?);
            self.descriptors += 1;
        }
        self.race = Some(Race {
            host: candidate.host,
            port: candidate.port,
            waiting: candidate.addresses,
            pending: Vec::new(),
            poll,
            next: now,
            deadline: now + share,
        });
        Ok(())
    }

    /// There is a connection.
    fn finish(&mut self, socket: Socket) -> Result<Option<Stream>> {
        let Some(race) = self.race.take() else {
            return Ok(None);
        };
        if race.poll.is_some() {
            self.descriptors += 1;
        }
        match &self.proxy {
            Some(proxy) if race.port != 0 => {
                Tunnel::new(socket, proxy, &self.layers, &race.host, race.port)
                    .map(|tunnel| Some(Stream::Tunnel(Box::new(tunnel))))
            }
            _ => self.layers.wrap(socket, &race.host, race.port).map(Some),
        }
    }

    /// As [`Dial::advance`], waiting for the outcome.
    fn wait(&mut self) -> Result<Stream> {
        loop {
            if let Some(stream) = self.advance(Instant::now())? {
                return Ok(stream);
            }
            if let (Some(fd), Some(deadline)) = (self.fd(), self.deadline()) {
                let interest = Interest::READABLE | Interest::WRITABLE;
                // At the deadline the attempt is advanced.
                if let Err(error) = socket::wait_for(fd, interest, deadline) {
                    if error.raw_os_error() != Some(socket::ETIMEDOUT) {
                        return Err(Error::io("connect", &error));
                    }
                }
            }
        }
    }
}

impl Race {
    /// Takes out what has failed, and the connection if there is one.
    fn settle(&mut self, last_error: &mut Option<Error>, now: Instant) -> Option<Socket> {
        if let Some(poll) = &mut self.poll {
            // What it says is forgotten: there are few sockets, and all are looked at.
            let _ = poll.poll(&mut Events::with_capacity(8), Some(Duration::ZERO));
        }
        let mut index = 0;
        while let Some((socket, address)) = self.pending.get(index) {
            match socket::finish_connect(socket, address) {
                Ok(Some(())) => {
                    let (socket, _) = self.pending.swap_remove(index);
                    if let Some(poll) = &self.poll {
                        // Who polls for the connection does it elsewhere.
                        let _ = poll
                            .registry()
                            .deregister(&mut SourceFd(&socket.as_raw_fd()));
                    }
                    return Some(socket);
                }
                Ok(None) => index += 1,
                Err(error) => {
                    *last_error = Some(failed(address, &error));
                    self.pending.remove(index);
                    self.next = now;
                }
            }
        }
        None
    }

    fn is_due(&self, now: Instant) -> bool {
        self.pending.is_empty() || self.next <= now
    }

    /// Begins to connect to one more address; the connection, if that succeeds at once.
    fn begin(
        &mut self,
        address: SockAddr,
        bind: &[SocketAddr],
        nodelay: bool,
        now: Instant,
    ) -> Result<Option<Socket>> {
        let begun = socket::begin_connect(&address, bind, nodelay);
        let (socket, connected) = begun.map_err(|error| failed(&address, &error))?;
        // Inside a machine the answer is there at once.
        let settled = || {
            let settled = socket::finish_connect(&socket, &address);
            settled.map_err(|error| failed(&address, &error))
        };
        if connected || settled()?.is_some() {
            return Ok(Some(socket));
        }
        if let Some(poll) = &self.poll {
            let interest = Interest::READABLE | Interest::WRITABLE;
            poll.registry()
                .register(&mut SourceFd(&socket.as_raw_fd()), Token(0), interest)
                .map_err(|error| failed(&address, &error))?;
        }
        self.pending.push((socket, address));
        self.next = now + ATTEMPT_DELAY;
        Ok(None)
    }
}

/// [`Dial::new`] on a thread of its own, since nobody knows how long a look-up takes.
fn resolve_until(endpoint: Endpoint, deadline: Instant) -> Result<Dial> {
    let results = Arc::new(Results::default());
    let result = Arc::clone(&results);
    resolve_in_background(Box::new(move || result.put(Dial::new(endpoint, deadline))))?;
    let dial = results.wait(deadline);
    dial.unwrap_or_else(|| Err(look_up_timed_out()))
}

/// Nothing was heard from the name servers.
pub fn look_up_timed_out() -> Error {
    Error::Resolver("no answer from the name servers".to_owned())
}

/// Nothing was heard from the proxy or the server while a handshake was going on.
pub fn handshake_timed_out() -> Error {
    Error::Io(IoError {
        operation: "handshake",
        errno: socket::ETIMEDOUT,
        message: "timed out".to_owned(),
    })
}

fn failed(address: &SockAddr, error: &std::io::Error) -> Error {
    Error::Io(IoError {
        operation: "connect",
        errno: error.raw_os_error().unwrap_or(0),
        message: match address.as_socket() {
            Some(address) => format!("{address}: {error}"),
            None => error.to_string(),
        },
    })
}

fn timed_out(race: &Race) -> Error {
    Error::Io(IoError {
        operation: "connect",
        errno: socket::ETIMEDOUT,
        message: format!("{} port {}: connection timed out", race.host, race.port),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::Server;
    use std::net::TcpListener;

    fn endpoint(port: u16) -> Endpoint {
        Endpoint {
            server: Server::Host {
                host: "127.0.0.1".to_owned(),
                port,
            },
            proxy: None,
            bind_address: None,
            nodelay: true,
            layers: Layers::default(),
        }
    }

    fn deadline() -> Instant {
        Instant::now() + CONNECT_TIMEOUT
    }

    fn dial(candidates: Vec<Vec<SocketAddr>>, timeout: Duration) -> Dial {
        let mut dial = Dial::new(endpoint(1), Instant::now() + timeout).unwrap();
        dial.candidates = candidates
            .into_iter()
            .map(|addresses| Candidate {
                host: "test".to_owned(),
                port: addresses[0].port(),
                addresses: addresses.into_iter().map(SockAddr::from).collect(),
            })
            .collect();
        dial
    }

    fn listener() -> (TcpListener, SocketAddr) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        (listener, address)
    }

    /// An address that refuses, as long as nobody else takes its port.
    fn refusing() -> SocketAddr {
        listener().1
    }

    /// An address that never answers: its queue of connections is full, and Linux then
    /// drops what arrives.
    fn silent() -> (Vec<Socket>, SocketAddr) {
        let listener = Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
        let any: SocketAddr = "127.0.0.1:0".parse().unwrap();
        listener.bind(&any.into()).unwrap();
        listener.listen(0).unwrap();
        let address = listener.local_addr().unwrap();
        let mut sockets = vec![listener];
        for _ in 0..4 {
            let (socket, _) = socket::begin_connect(&address, &[], false).unwrap();
            sockets.push(socket);
        }
        (sockets, address.as_socket().unwrap())
    }

    fn peer(stream: &Stream) -> SocketAddr {
        match stream {
            Stream::Socket(socket) => socket.peer_addr().unwrap().as_socket().unwrap(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_listening_port_is_reached() {
        let (_listener, address) = listener();
        assert!(Dial::connect(endpoint(address.port()), deadline()).is_ok());
    }

    #[test]
    fn a_refusal_keeps_its_errno_and_names_the_address() {
        let address = refusing();
        match Dial::connect(endpoint(address.port()), deadline()) {
            Err(Error::Io(error)) => {
                assert_eq!(error.errno, socket::ECONNREFUSED);
                assert!(error.message.contains(&address.to_string()), "{error:?}");
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_address_that_refuses_gives_way_at_once() {
        let (_listener, good) = listener();
        let addresses = vec![refusing(), refusing(), good];
        let mut dial = dial(vec![addresses], CONNECT_TIMEOUT);
        // No time passes for this attempt, so only refusals move it on.
        let now = Instant::now();
        let stream = loop {
            if let Some(stream) = dial.advance(now).unwrap() {
                break stream;
            }
        };
        assert_eq!(peer(&stream), good);
    }

    #[test]
    fn an_address_that_is_silent_is_overtaken_after_the_attempt_delay() {
        let (_sockets, silent) = silent();
        let (_listener, good) = listener();
        let mut dial = dial(vec![vec![silent, good]], CONNECT_TIMEOUT);
        let now = Instant::now();
        assert!(dial.advance(now).unwrap().is_none());
        assert_eq!(dial.deadline(), Some(now + ATTEMPT_DELAY));
        let almost = now + ATTEMPT_DELAY - Duration::from_millis(1);
        assert!(dial.advance(almost).unwrap().is_none());
        assert_eq!(dial.race.as_ref().unwrap().pending.len(), 1);
        assert_eq!(peer(&dial.wait().unwrap()), good);
    }

    #[test]
    fn the_next_server_gets_its_turn_when_one_fails_or_has_had_its_share() {
        let (_sockets, silent) = silent();
        let (_listener, good) = listener();
        let servers = vec![vec![refusing()], vec![silent], vec![good]];
        let mut dial = dial(servers, Duration::from_secs(9));
        let now = Instant::now();
        while dial.candidates.len() > 1 {
            assert!(dial.advance(now).unwrap().is_none());
        }
        let share = dial.deadline().unwrap();
        assert!(share < dial.deadline, "{share:?}");
        let stream = loop {
            if let Some(stream) = dial.advance(share).unwrap() {
                break stream;
            }
        };
        assert_eq!(peer(&stream), good);
    }

    #[test]
    fn silence_ends_at_the_deadline() {
        let (_sockets, silent) = silent();
        let mut dial = dial(vec![vec![silent]], Duration::from_secs(9));
        let now = Instant::now();
        assert!(dial.advance(now).unwrap().is_none());
        match dial.advance(now + Duration::from_secs(9)) {
            Err(Error::Io(error)) => assert_eq!(error.errno, socket::ETIMEDOUT),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn one_descriptor_stands_for_all_addresses_of_a_server() {
        let (sockets, silent) = silent();
        let mut dial = dial(vec![vec![silent, silent]], CONNECT_TIMEOUT);
        let now = Instant::now();
        assert!(dial.advance(now).unwrap().is_none());
        let (fd, count) = (dial.fd(), dial.descriptors());
        assert!(dial.advance(now + ATTEMPT_DELAY).unwrap().is_none());
        assert_eq!((dial.fd(), dial.descriptors()), (fd, count));
        // What answers makes it readable, as a program with a loop of its own sees it. With
        // its queue emptied the server answers when Linux asks again, after a second.
        sockets[0].accept().unwrap();
        socket::wait_for(
            fd.unwrap(),
            Interest::READABLE,
            now + Duration::from_secs(20),
        )
        .unwrap();
    }
}
