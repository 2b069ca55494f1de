//! A SOCKS5 server: RFC 1928, with user name and password of RFC 1929.

use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, Shutdown, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;
use std::time::Duration;

use socket2::Socket;

use super::listen::{Place, Server};
use super::settings::Login;
use super::Gate;

/// What a proxy is asked to connect to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    pub host: AddressKind,
    pub port: u16,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AddressKind {
    V4(Ipv4Addr),
    Name(String),
    V6(Ipv6Addr),
}

/// What one client said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SocksRequest {
    /// The methods it offered.
    pub methods: Vec<u8>,
    /// Its user name and password, if asked.
    pub login: Option<(String, String)>,
    pub address: Address,
}

/// How a proxy behaves.
#[derive(Clone, Default)]
pub struct SocksRules {
    /// Who may pass; everyone without.
    pub login: Option<Login>,
    /// The reply code instead of passing.
    pub refusal: Option<u8>,
    /// Only the first client is refused.
    pub first_only: bool,
    /// Which kind of address the reply names.
    pub bound: Bound,
    /// Sends its answers byte by byte.
    pub slowly: bool,
    /// Between the greeting and its answer.
    pub greeting_gate: Option<Gate>,
    /// Between the request and its answer.
    pub request_gate: Option<Gate>,
}

/// The address type in a reply.
#[derive(Debug, Clone, Copy, Default)]
pub enum Bound {
    #[default]
    V4,
    V6,
    Name,
}

/// The running proxy.
pub struct Socks5 {
    server: Server,
    requests: Arc<Mutex<Vec<SocksRequest>>>,
}

impl Socks5 {
    pub fn start(rules: SocksRules) -> Socks5 {
        let requests = Arc::new(Mutex::new(Vec::new()));
        let server = Server::start(Place::V4, {
            let requests = Arc::clone(&requests);
            // Failures are the client's to notice.
            move |socket| drop(serve(socket, &rules, &requests))
        });
        Socks5 { server, requests }
    }

    pub fn port(&self) -> u16 {
        self.server.port()
    }

    /// What was asked so far.
    pub fn requests(&self) -> MutexGuard<'_, Vec<SocksRequest>> {
        self.requests.lock().unwrap()
    }
}

impl Address {
    /// From `host:port`, where an IPv6 address stands in brackets.
    pub fn from_authority(authority: &str) -> Address {
        let (host, port) = authority.rsplit_once(':').expect("a port");
        let inner = host.strip_prefix('[').and_then(|h| h.strip_suffix(']'));
        let host = match inner {
            Some(inner) => AddressKind::V6(inner.parse().unwrap()),
            None => match host.parse() {
                Ok(address) => AddressKind::V4(address),
                Err(_) => AddressKind::Name(host.to_owned()),
            },
        };
        let port = port.parse().unwrap();
        Address { host, port }
    }
}

/// Connects to where a client wants to go; every name is this host.
pub fn connect_to(address: &Address) -> io::Result<TcpStream> {
    let host = match address.host {
        AddressKind::V4(address) => IpAddr::V4(address),
        AddressKind::V6(address) => IpAddr::V6(address),
        AddressKind::Name(_) => IpAddr::V4(Ipv4Addr::LOCALHOST),
    };
    TcpStream::connect((host, address.port))
}

/// Forwards bytes both ways until both sides have closed.
pub fn relay(client: Socket, server: TcpStream) -> io::Result<()> {
    // What the client says may be a long time coming from now on.
    client.set_read_timeout(None)?;
    server.set_nodelay(true)?;
    let (client, server): (&Socket, &TcpStream) = (&client, &server);
    thread::scope(|scope| {
        scope.spawn(move || {
            let _ = io::copy(&mut &*client, &mut &*server);
            let _ = server.shutdown(Shutdown::Write);
        });
        let _ = io::copy(&mut &*server, &mut &*client);
        let _ = client.shutdown(Shutdown::Write);
    });
    Ok(())
}

/// Sends all at once, or byte by byte, with a moment between two.
pub fn trickle(socket: &mut Socket, bytes: &[u8], slowly: bool) -> io::Result<()> {
    if !slowly {
        return socket.write_all(bytes);
    }
    for byte in bytes {
        socket.write_all(&[*byte])?;
        // So that most of them arrive alone; nothing depends on it.
        thread::sleep(Duration::from_millis(1));
    }
    Ok(())
}

fn serve(
    mut socket: Socket,
    rules: &SocksRules,
    requests: &Mutex<Vec<SocksRequest>>,
) -> io::Result<()> {
    let [version, count] = read(&mut socket)?;
    assert_eq!(version, 5, "the version of SOCKS");
    let methods = read_bytes(&mut socket, count.into())?;
    if let Some(gate) = &rules.greeting_gate {
        gate.pass();
    }
    let method = if rules.login.is_some() { 2 } else { 0 };
    if !methods.contains(&method) {
        trickle(&mut socket, &[5, 0xFF], rules.slowly)?;
        return wait_for_end(socket);
    }
    trickle(&mut socket, &[5, method], rules.slowly)?;
    let mut login = None;
    if let Some(expected) = &rules.login {
        let [version] = read(&mut socket)?;
        assert_eq!(version, 1, "the version of the authentication");
        let name = read_text(&mut socket)?;
        let password = read_text(&mut socket)?;
        let good = name == expected.name && password == expected.password;
        login = Some((name, password));
        trickle(&mut socket, &[1, u8::from(!good)], rules.slowly)?;
        if !good {
            return wait_for_end(socket);
        }
    }
    let [version, command, reserved, kind] = read(&mut socket)?;
    assert_eq!(
        (version, command, reserved),
        (5, 1, 0),
        "a request to connect"
    );
    let host = match kind {
        1 => AddressKind::V4(Ipv4Addr::from(read::<4>(&mut socket)?)),
        3 => AddressKind::Name(read_text(&mut socket)?),
        4 => AddressKind::V6(Ipv6Addr::from(read::<16>(&mut socket)?)),
        kind => panic!("address type {kind}"),
    };
    let port = u16::from_be_bytes(read(&mut socket)?);
    let address = Address { host, port };
    let count = {
        let mut requests = requests.lock().unwrap();
        requests.push(SocksRequest {
            methods,
            login,
            address: address.clone(),
        });
        requests.len()
    };
    let refusal = rules.refusal.filter(|_| count == 1 || !rules.first_only);
    if let Some(gate) = &rules.request_gate {
        gate.pass();
    }
    let mut answer = vec![5, refusal.unwrap_or(0), 0];
    match rules.bound {
        Bound::V4 => answer.extend([1, 127, 0, 0, 1]),
        Bound::V6 => {
            answer.push(4);
            answer.extend(Ipv6Addr::LOCALHOST.octets());
        }
        Bound::Name => answer.extend(b"\x03\x0dproxy.example"),
    }
    answer.extend([0x12, 0x34]);
    if refusal.is_some() {
        trickle(&mut socket, &answer, rules.slowly)?;
        return wait_for_end(socket);
    }
    let server = connect_to(&address)?;
    trickle(&mut socket, &answer, rules.slowly)?;
    relay(socket, server)
}

/// The client has to go by itself.
fn wait_for_end(mut socket: Socket) -> io::Result<()> {
    io::copy(&mut socket, &mut io::sink()).map(drop)
}

fn read<const N: usize>(socket: &mut Socket) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    socket.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn read_bytes(socket: &mut Socket, count: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; count];
    socket.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// A text behind its length in one byte.
fn read_text(socket: &mut Socket) -> io::Result<String> {
    let [length] = read(socket)?;
    String::from_utf8(read_bytes(socket, length.into())?).map_err(io::Error::other)
}
