//! Names to addresses. A look-up may take as long as it likes, so it never runs on a
//! loop thread and never under a lock.

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use socket2::SockAddr;

use super::{look_up_timed_out, Layers, Proxy};
#[cfg(feature = "srv")]
use super::{lookup_srv, Service, SrvTarget};
use crate::error::{Error, Result};

/// How many of a domain's servers an attempt tries; the next one begins with others.
const MOST_SERVERS: usize = 8;

/// How long the look-ups of a domain's other servers may take once one has its addresses.
const LOOK_UP_GRACE: Duration = Duration::from_secs(1);

/// Where to connect to, and how.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// The server.
    pub server: Server,
    /// The proxy to go through. Unix sockets are reached without.
    pub proxy: Option<Proxy>,
    /// Local address to connect from.
    pub bind_address: Option<String>,
    /// Switch Nagle's algorithm off.
    pub nodelay: bool,
    /// What lies between the socket and MQTT.
    pub layers: Layers,
}

/// How the server is named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Server {
    /// By host name or address and TCP port; by the path of a Unix socket with port 0.
    Host {
        /// Name, address or path.
        host: String,
        /// Port or 0.
        port: u16,
    },
    /// By the SRV records of a domain.
    Domain {
        /// The domain's name.
        domain: String,
        /// Ask for the service with TLS.
        secure: bool,
        /// How many of the servers found are left for last, since they failed before.
        skip: usize,
    },
}

/// A server, and where a connection to it, or to the proxy that leads to it, may be made.
#[derive(Debug)]
pub(super) struct Candidate {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) addresses: VecDeque<SockAddr>,
}

impl Endpoint {
    /// Whether [`super::Dial::new`] would have to ask a name server.
    pub fn needs_look_up(&self) -> bool {
        let is_name = |host: &str| literal(host, 0).is_none();
        let (direct, by_name) = match &self.server {
            Server::Host { host, port } => (*port == 0, is_name(host)),
            Server::Domain { .. } => (false, true),
        };
        let target = match &self.proxy {
            Some(proxy) => is_name(&proxy.host) || matches!(self.server, Server::Domain { .. }),
            None => by_name,
        };
        !direct && target || self.bind_address.as_deref().is_some_and(is_name)
    }
}

/// The servers in the order to try them, at least one. Blocks where
/// [`Endpoint::needs_look_up`] says so.
pub(super) fn candidates(
    server: Server,
    proxy: Option<&Proxy>,
    deadline: Instant,
) -> Result<VecDeque<Candidate>> {
    let servers = match server {
        Server::Host { host, port: 0 } => {
            let path = SockAddr::unix(&host)
                .map_err(|_| Error::invalid("the path is too long for a Unix socket"))?;
            return Ok(one(host, 0, VecDeque::from([path])));
        }
        Server::Host { host, port } => {
            let (name, at) = match proxy {
                Some(proxy) => (&proxy.host, proxy.port),
                None => (&host, port),
            };
            let addresses = interleaved(resolve(name, at)?);
            return Ok(one(host, port, addresses));
        }
        Server::Domain {
            domain,
            secure,
            skip,
        } => {
            let mut servers = service_servers(&domain, secure, deadline)?;
            let skip = skip % servers.len().max(1);
            servers.rotate_left(skip);
            servers
        }
    };
    let Some(proxy) = proxy else {
        return resolve_servers(servers, deadline);
    };
    let addresses = interleaved(resolve(&proxy.host, proxy.port)?);
    let by_proxy = |(host, port)| Candidate {
        host,
        port,
        addresses: addresses.clone(),
    };
    Ok(servers.into_iter().map(by_proxy).collect())
}

fn one(host: String, port: u16, addresses: VecDeque<SockAddr>) -> VecDeque<Candidate> {
    VecDeque::from([Candidate {
        host,
        port,
        addresses,
    }])
}

/// Those of the servers that have an address, at least one. Each is looked up on a thread
/// of its own: one whose name server is silent must not hold up the others.
fn resolve_servers(
    mut servers: Vec<(String, u16)>,
    deadline: Instant,
) -> Result<VecDeque<Candidate>> {
    if let [(host, port)] = &servers[..] {
        let addresses = interleaved(resolve(host, *port)?);
        return Ok(one(host.clone(), *port, addresses));
    }
    servers.truncate(MOST_SERVERS);
    let results = Arc::new(Results::default());
    for (index, (host, port)) in servers.iter().cloned().enumerate() {
        let results = Arc::clone(&results);
        resolve_in_background(Box::new(move || {
            results.put((index, resolve(&host, port)));
        }))?;
    }
    let mut found: Vec<Option<VecDeque<SockAddr>>> = vec![None; servers.len()];
    let mut failure = look_up_timed_out();
    let mut until = deadline;
    for _ in 0..servers.len() {
        let Some((index, outcome)) = results.wait(until) else {
            break;
        };
        match outcome {
            Ok(addresses) => {
                found[index] = Some(interleaved(addresses));
                until = until.min(Instant::now() + LOOK_UP_GRACE);
            }
            Err(error) => failure = error,
        }
    }
    let candidates: VecDeque<Candidate> = servers
        .into_iter()
        .zip(found)
        .filter_map(|((host, port), addresses)| {
            addresses.map(|addresses| Candidate {
                host,
                port,
                addresses,
            })
        })
        .collect();
    match candidates.is_empty() {
        true => Err(failure),
        false => Ok(candidates),
    }
}

/// The addresses of `host` as the system orders them. Blocks unless `host` is an
/// address itself.
pub(super) fn resolve(host: &str, port: u16) -> Result<Vec<SocketAddr>> {
    if let Some(address) = literal(host, port) {
        return Ok(vec![address]);
    }
    let addresses: Vec<SocketAddr> = (host, port)
        .to_socket_addrs()
        .map_err(|error| Error::Resolver(format!("{host}: {error}")))?
        .collect();
    if addresses.is_empty() {
        return Err(Error::Resolver(format!("{host}: no address")));
    }
    Ok(addresses)
}

/// Runs `work`, which resolves names, on a thread of its own.
pub fn resolve_in_background(work: Box<dyn FnOnce() + Send>) -> Result<()> {
    thread::Builder::new()
        .name("mqttrs-resolve".to_owned())
        .spawn(work)
        .map(drop)
        .map_err(|error| Error::io("start of the resolver thread", &error))
}

/// What threads that work leave for one that waits, which may have given up.
#[derive(Debug)]
pub(super) struct Results<T> {
    left: Mutex<Vec<T>>,
    changed: Condvar,
}

impl<T> Default for Results<T> {
    fn default() -> Self {
        Results {
            left: Mutex::new(Vec::new()),
            changed: Condvar::new(),
        }
    }
}

impl<T> Results<T> {
    pub(super) fn put(&self, result: T) {
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        left.push(result);
        drop(left);
        self.changed.notify_one();
    }

    /// One result, once there is one; `None` when the time is over.
    pub(super) fn wait(&self, until: Instant) -> Option<T> {
        let left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        let time = until.saturating_duration_since(Instant::now());
        let waited = self
            .changed
            .wait_timeout_while(left, time, |left| left.is_empty());
        let (mut left, _) = waited.unwrap_or_else(PoisonError::into_inner);
        left.pop()
    }
}

/// The address that `host` is, if it is one.
fn literal(host: &str, port: u16) -> Option<SocketAddr> {
    let address: IpAddr = host.parse().ok()?;
    Some(SocketAddr::new(address, port))
}

/// Takes turns between the address families, beginning with that of the first address
/// (RFC 8305 section 4).
fn interleaved(addresses: Vec<SocketAddr>) -> VecDeque<SockAddr> {
    if let [only] = addresses[..] {
        return VecDeque::from([SockAddr::from(only)]);
    }
    let first_is_v6 = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let (mut ours, mut others): (VecDeque<_>, VecDeque<_>) = addresses
        .into_iter()
        .partition(|address| address.is_ipv6() == first_is_v6);
    let mut order = VecDeque::with_capacity(ours.len() + others.len());
    while !(ours.is_empty() && others.is_empty()) {
        order.extend(ours.pop_front().map(SockAddr::from));
        order.extend(others.pop_front().map(SockAddr::from));
    }
    order
}

/// What the SRV records of a domain name.
#[cfg(feature = "srv")]
fn service_servers(domain: &str, secure: bool, deadline: Instant) -> Result<Vec<(String, u16)>> {
    let service = match secure {
        true => Service::SecureMqtt,
        false => Service::Mqtt,
    };
    let targets = lookup_srv(domain, service, deadline)?;
    let named = |target: SrvTarget| (target.host, target.port);
    Ok(targets.into_iter().map(named).collect())
}

#[cfg(not(feature = "srv"))]
fn service_servers(_: &str, _: bool, _: Instant) -> Result<Vec<(String, u16)>> {
    let what = "DNS SRV look-up, in this build";
    Err(crate::error::CallerError::NotSupported(what).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_need_no_look_up() {
        assert_eq!(
            resolve("127.0.0.1", 7).unwrap(),
            ["127.0.0.1:7".parse().unwrap()]
        );
        assert_eq!(resolve("::1", 7).unwrap(), ["[::1]:7".parse().unwrap()]);
    }

    #[test]
    fn an_unknown_name_is_a_resolver_error() {
        assert!(matches!(
            resolve("no-such-host.invalid", 1),
            Err(Error::Resolver(_))
        ));
    }

    #[test]
    fn families_take_turns_beginning_with_the_systems_choice() {
        let addresses = ["[::1]:1", "[::2]:1", "[::3]:1", "1.1.1.1:1", "1.1.1.2:1"]
            .map(|address| address.parse().unwrap());
        let order: Vec<_> = interleaved(addresses.to_vec())
            .into_iter()
            .map(|address| address.as_socket().unwrap().ip().to_string())
            .collect();
        assert_eq!(order, ["::1", "1.1.1.1", "::2", "1.1.1.2", "::3"]);
    }

    #[test]
    fn a_proxy_is_what_is_resolved() {
        let mut endpoint = Endpoint {
            server: Server::Host {
                host: "no-such-host.invalid".to_owned(),
                port: 1883,
            },
            proxy: None,
            bind_address: None,
            nodelay: false,
            layers: Layers::default(),
        };
        assert!(endpoint.needs_look_up());
        endpoint.proxy = Some(Proxy {
            kind: super::super::ProxyKind::Socks5,
            host: "127.0.0.1".to_owned(),
            port: 1080,
            credentials: None,
        });
        assert!(!endpoint.needs_look_up());
        let proxy = endpoint.proxy.as_ref();
        let candidates = candidates(endpoint.server, proxy, Instant::now()).unwrap();
        let address = candidates[0].addresses[0].as_socket().unwrap();
        assert_eq!(address, "127.0.0.1:1080".parse().unwrap());
        assert_eq!(candidates[0].host, "no-such-host.invalid");
    }
}
