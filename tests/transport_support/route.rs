//! A way from a client to the scripted broker: what carries MQTT, and through what.

use std::time::{Duration, Instant};

use super::super::support::*;
use super::certificates::certificates;
use super::cut::{Damage, Wire};
use super::front::{Front, Sides};
use super::http_proxy::{HttpProxy, HttpRules};
use super::listen::Place;
use super::settings::{Login, Settings};
use super::socks5::{Address, AddressKind, Socks5, SocksRules};
use super::{TlsSide, WebSocketSide};

/// What carries MQTT.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Link {
    Tcp,
    Tls,
    Ws,
    Wss,
}

/// What the connection goes through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Through {
    Nothing,
    Socks5,
    Socks5Password,
    Http,
    HttpPassword,
}

/// How the program names the broker's host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Host {
    /// 127.0.0.1.
    V4,
    /// ::1.
    V6,
    /// localhost.
    Name,
    /// The path of a socket.
    Unix,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Route {
    pub link: Link,
    pub through: Through,
    pub host: Host,
}

/// All servers of a route, running.
pub struct Path {
    pub route: Route,
    pub broker: Broker,
    pub front: Front,
    pub socks5: Option<Socks5>,
    pub http_proxy: Option<HttpProxy>,
    /// A detour to the first server on the way.
    pub wire: Option<Wire>,
    /// What the program calls the broker.
    pub host: String,
    pub port: u16,
}

/// How the servers of a route behave.
#[derive(Clone, Default)]
pub struct Rules {
    pub tls: TlsSide,
    pub websocket: WebSocketSide,
    pub socks5: SocksRules,
    pub http_proxy: HttpRules,
}

/// Path and query of the WebSocket endpoint.
pub const HTTP_PATH: &str = "/broker/mqtt?room=1";

/// Who may use the proxies that ask for a password.
pub fn login() -> Login {
    Login::new("proxy user", "pass:word, \u{e9}")
}

impl Link {
    pub fn has_tls(self) -> bool {
        matches!(self, Link::Tls | Link::Wss)
    }

    pub fn has_websocket(self) -> bool {
        matches!(self, Link::Ws | Link::Wss)
    }
}

impl Route {
    pub fn new(link: Link, through: Through, host: Host) -> Route {
        Route {
            link,
            through,
            host,
        }
    }

    /// Starts the servers, all well-behaved.
    pub fn start(self) -> Path {
        self.start_with(Rules::default())
    }

    /// Starts the servers.
    pub fn start_with(self, mut rules: Rules) -> Path {
        let broker = Broker::start();
        let place = match self.host {
            Host::V4 | Host::Name => Place::V4,
            Host::V6 => Place::V6,
            Host::Unix => Place::Unix,
        };
        let sides = Sides {
            tls: self.link.has_tls().then_some(rules.tls),
            websocket: self.link.has_websocket().then_some(rules.websocket),
        };
        let front = Front::start(place, sides, broker.port());
        if self.through == Through::Socks5Password {
            rules.socks5.login = Some(login());
        }
        if self.through == Through::HttpPassword {
            rules.http_proxy.login = Some(login());
        }
        let (mut socks5, mut http_proxy) = (None, None);
        match self.through {
            Through::Nothing => {}
            Through::Socks5 | Through::Socks5Password => {
                socks5 = Some(Socks5::start(rules.socks5));
            }
            Through::Http | Through::HttpPassword => {
                http_proxy = Some(HttpProxy::start(rules.http_proxy));
            }
        }
        let host = match self.host {
            Host::V4 => "127.0.0.1",
            Host::V6 => "::1",
            Host::Name => "localhost",
            Host::Unix => front.server().path().unwrap(),
        };
        Path {
            route: self,
            broker,
            host: host.to_owned(),
            port: front.port(),
            front,
            socks5,
            http_proxy,
            wire: None,
        }
    }
}

impl Path {
    /// Sets a client up for this way.
    pub fn configure(&self, client: &Client) {
        if self.route.link.has_tls() {
            client.tls(&certificates().text("ca.crt"));
        }
        if self.route.link.has_websocket() {
            client.websocket(HTTP_PATH);
            client.websocket_header("Authorization", "Bearer token");
            client.websocket_header("X-Twice", "one");
            client.websocket_header("X-Twice", "two");
        }
        let login = login();
        match self.route.through {
            Through::Nothing => {}
            Through::Socks5 => client.socks5(self.proxy_port(), None),
            Through::Socks5Password => client.socks5(self.proxy_port(), Some(&login)),
            Through::Http => client.http_proxy(self.proxy_port(), None),
            Through::HttpPassword => client.http_proxy(self.proxy_port(), Some(&login)),
        }
    }

    /// Lets the bytes that the client gets suffer.
    pub fn damage(&mut self, damage: Damage) {
        self.wire = None;
        if self.route.through == Through::Nothing {
            let wire = Wire::start(self.front.port(), damage);
            self.port = wire.port();
            self.wire = Some(wire);
        } else {
            self.wire = Some(Wire::start(self.proxy_port(), damage));
        }
    }

    fn proxy_port(&self) -> u16 {
        if let Some(wire) = &self.wire {
            return wire.port();
        }
        let socks5 = self.socks5.as_ref().map(Socks5::port);
        let http_proxy = self.http_proxy.as_ref().map(HttpProxy::port);
        socks5.or(http_proxy).expect("a proxy")
    }

    /// The broker's end of the connection that `client` is making.
    pub fn accept(&self, client: &mut Client) -> Peer {
        accept(&self.broker, client)
    }

    /// Checks what the servers on the way were told by the one client that connected.
    pub fn check(&self) {
        self.check_front();
        let authority = match self.route.host {
            Host::V6 => format!("[::1]:{}", self.port),
            _ => format!("{}:{}", self.host, self.port),
        };
        let with_password = matches!(
            self.route.through,
            Through::Socks5Password | Through::HttpPassword
        );
        if let Some(proxy) = &self.socks5 {
            let requests = proxy.requests();
            let [request] = &requests[..] else {
                panic!("{requests:?}");
            };
            // A name is the proxy's to resolve.
            assert_eq!(request.address, Address::from_authority(&authority));
            assert_eq!(request.address.port, self.port);
            let login = login();
            let expected = with_password.then_some((login.name, login.password));
            assert_eq!(request.login, expected);
        }
        if let Some(proxy) = &self.http_proxy {
            let requests = proxy.requests();
            let [request] = &requests[..] else {
                panic!("{requests:?}");
            };
            assert_eq!(request.method, "CONNECT");
            assert_eq!(request.target, authority);
            assert_eq!(request.version, "HTTP/1.1");
            assert_eq!(request.header("host"), [authority]);
            let basic = login().basic();
            let expected: &[String] = if with_password { &[basic] } else { &[] };
            assert_eq!(request.header("proxy-authorization"), expected);
            // What is meant for the broker is not told to the proxy.
            assert!(request.header("authorization").is_empty(), "{request:?}");
        }
    }

    fn check_front(&self) {
        let visits = self.front.visits();
        let [visit] = &visits[..] else {
            panic!("{visits:?}");
        };
        let has_name = matches!(self.route.host, Host::Name | Host::Unix);
        let named = self.route.link.has_tls() && has_name;
        let name = named.then(|| "localhost".to_owned());
        assert_eq!(visit.server_name, name);
        let Some(request) = &visit.request else {
            assert!(!self.route.link.has_websocket());
            return;
        };
        assert_eq!(request.method, "GET");
        assert_eq!(request.target, HTTP_PATH);
        let host = match self.route.host {
            Host::V4 => format!("127.0.0.1:{}", self.port),
            Host::V6 => format!("[::1]:{}", self.port),
            Host::Name => format!("localhost:{}", self.port),
            Host::Unix => "localhost".to_owned(),
        };
        assert_eq!(request.header("host"), [host]);
        assert_eq!(request.header("sec-websocket-protocol"), ["mqtt"]);
        assert_eq!(request.header("authorization"), ["Bearer token"]);
        assert_eq!(request.header("x-twice"), ["one", "two"]);
        // What is meant for the proxy is not told to the broker.
        assert!(request.header("proxy-authorization").is_empty());
    }
}

/// The broker's end of the connection that `client` is making.
pub fn accept(broker: &Broker, client: &mut Client) -> Peer {
    let end = Instant::now() + DEADLINE;
    loop {
        if let Some(peer) = broker.try_accept() {
            return peer;
        }
        assert_eq!(client.last, MOSQ_ERR_SUCCESS, "{}", client.last_error());
        assert!(Instant::now() < end, "no connection arrived");
        client.step(Duration::from_millis(2));
    }
}
