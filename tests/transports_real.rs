//! Every transport over real proxies to a real Mosquitto.
//!
//! Needs Debian's packages `mosquitto`, `microsocks`, `dante-server`, `tinyproxy-bin` and
//! `squid`.

#![cfg(all(feature = "tls", feature = "websocket"))]
#![allow(
    dead_code,
    clippy::undocumented_unsafe_blocks,
    reason = "the broker's other half serves other tests; a process is told to end"
)]

#[path = "programs/broker.rs"]
mod broker;
#[path = "transport_support/real_proxy.rs"]
mod real_proxy;
mod support;
mod transport_support;

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use broker::{Broker, HeldPort};
use real_proxy::{RealProxy, PASSWORD, USER};
use support::{Client, Drive, Event, Handle, Message, Version, MOSQ_ERR_AUTH, MOSQ_ERR_SUCCESS};
use transport_support::certificates::certificates;
use transport_support::settings::Login;
use transport_support::{Link, Settings};

/// Mosquitto with a listener for each transport.
struct Mosquitto {
    broker: Broker,
    tls: HeldPort,
    ws: HeldPort,
    wss: HeldPort,
    dir: TemporaryDir,
}

impl Mosquitto {
    fn start() -> Mosquitto {
        let dir = TemporaryDir::new();
        let (tls, ws, wss) = (HeldPort::new(), HeldPort::new(), HeldPort::new());
        let file = |name| certificates().text(name);
        let certificate = format!(
            "certfile {}\nkeyfile {}",
            file("server.crt"),
            file("server.key")
        );
        let settings = [
            format!("listener {} 127.0.0.1\n{certificate}", tls.number()),
            format!("listener {} 127.0.0.1\nprotocol websockets", ws.number()),
            format!(
                "listener {} 127.0.0.1\nprotocol websockets\n{certificate}",
                wss.number()
            ),
            format!("listener 0 {}", dir.0.join("mosquitto.sock").display()),
        ];
        let broker = Broker::start(&dir.0, &settings, &[]);
        Mosquitto {
            broker,
            tls,
            ws,
            wss,
            dir,
        }
    }

    fn port(&self, link: Link) -> u16 {
        match link {
            Link::Tcp => self.broker.port(),
            Link::Tls => self.tls.number(),
            Link::Ws => self.ws.number(),
            Link::Wss => self.wss.number(),
        }
    }

    fn socket(&self) -> String {
        let path = self.dir.0.join("mosquitto.sock");
        path.to_str().unwrap().to_owned()
    }
}

/// A conversation with the broker over each transport, driven in each way.
fn check(mosquitto: &Mosquitto, links: &[Link], host: &str, set_proxy: impl Fn(&Handle)) {
    for &link in links {
        for (drive, version, blocking) in [
            (Drive::Loop, Version::V311, true),
            (Drive::Foreign, Version::V5, false),
            (Drive::Thread, Version::V5, false),
        ] {
            let mut client = Client::new(version, None, true);
            client.drive = drive;
            if link.has_tls() {
                client.tls(&certificates().text("ca.crt"));
            }
            if link.has_websocket() {
                client.websocket("/mqtt");
            }
            set_proxy(&client);
            let port = match host.starts_with('/') {
                true => 0,
                false => mosquitto.port(link),
            };
            let code = match blocking {
                true => client.connect_to(host, port, 60, &[]),
                false => client.connect_async_to(host, port, 60),
            };
            assert_eq!(code, MOSQ_ERR_SUCCESS, "{}", client.last_error());
            if drive == Drive::Thread {
                client.loop_start().unwrap();
            }
            // Mosquitto sends some 4 kB each tenth of a second over WebSocket.
            let large = if link.has_websocket() { 5000 } else { 1 << 20 };
            converse(&mut client, large);
        }
    }
}

/// Sends messages to itself.
fn converse(client: &mut Client, large: usize) {
    static TOPIC: AtomicU32 = AtomicU32::new(0);
    let topic = format!("own/{}", TOPIC.fetch_add(1, Ordering::Relaxed));
    let event = client.next_event();
    let told = client.last_error();
    assert!(
        matches!(event, Event::ConnectV5(0, 0, _)),
        "{event:?} {told}"
    );
    client.subscribe(&topic, 2).unwrap();
    let event = client.next_event();
    assert!(matches!(event, Event::SubscribeV5(..)), "{event:?}");
    for (size, qos) in [(10, 0), (10, 1), (10, 2), (large, 1)] {
        let payload: Vec<u8> = (0..size).map(|at| (at * 7 + at / 251) as u8).collect();
        client.publish(&topic, &payload, qos).unwrap();
        let (mut published, mut received) = (false, false);
        // The broker may answer before it sends, or after.
        while !(published && received) {
            match client.next_event() {
                Event::PublishV5(_, 0, _) => published = true,
                Event::MessageV5(message, _) => {
                    let mid = u16::try_from(message.mid).unwrap();
                    let expected = Message::new(&topic, &payload).qos(qos, mid);
                    assert!(message == expected, "{size} bytes with QoS {qos}");
                    received = true;
                }
                event => panic!("{event:?}"),
            }
        }
    }
    client.disconnect().unwrap();
    let event = client.next_event();
    assert!(matches!(event, Event::DisconnectV5(0, _)), "{event:?}");
}

const ALL: &[Link] = &[Link::Tcp, Link::Tls, Link::Ws, Link::Wss];
const HOST: &str = "127.0.0.1";

fn login() -> Login {
    Login::new(USER, PASSWORD)
}

/// The proxy lets nobody in who has another password.
fn check_refusal(mosquitto: &Mosquitto, set_proxy: impl Fn(&Handle)) {
    let mut client = Client::new(Version::V5, None, true);
    set_proxy(&client);
    let mut code = client.connect_to(HOST, mosquitto.port(Link::Tcp), 60, &[]);
    if code == MOSQ_ERR_SUCCESS {
        code = client.run_until_error();
    }
    assert_eq!(code, MOSQ_ERR_AUTH, "{}", client.last_error());
}

#[test]
fn mosquitto_is_reached_without_a_proxy() {
    let mosquitto = Mosquitto::start();
    check(&mosquitto, ALL, HOST, |_| ());
    check(&mosquitto, &[Link::Tcp], &mosquitto.socket(), |_| ());
}

#[test]
fn mosquitto_is_reached_over_microsocks() {
    let mosquitto = Mosquitto::start();
    let proxy = RealProxy::microsocks(false);
    check(&mosquitto, ALL, HOST, |client| {
        client.socks5(proxy.port(), None)
    });
}

#[test]
fn mosquitto_is_reached_over_microsocks_with_password() {
    let mosquitto = Mosquitto::start();
    let proxy = RealProxy::microsocks(true);
    check(&mosquitto, ALL, HOST, |client| {
        client.socks5(proxy.port(), Some(&login()));
    });
    check_refusal(&mosquitto, |client| {
        client.socks5(proxy.port(), Some(&Login::new(USER, "guessed")));
    });
}

#[test]
fn mosquitto_is_reached_over_dante() {
    let mosquitto = Mosquitto::start();
    let proxy = RealProxy::dante(&mosquitto.dir.0);
    check(&mosquitto, ALL, HOST, |client| {
        client.socks5(proxy.port(), None)
    });
}

#[test]
fn mosquitto_is_reached_over_tinyproxy() {
    let mosquitto = Mosquitto::start();
    let proxy = RealProxy::tinyproxy(&mosquitto.dir.0, false);
    check(&mosquitto, ALL, HOST, |client| {
        client.http_proxy(proxy.port(), None);
    });
}

#[test]
fn mosquitto_is_reached_over_tinyproxy_with_password() {
    let mosquitto = Mosquitto::start();
    let proxy = RealProxy::tinyproxy(&mosquitto.dir.0, true);
    check(&mosquitto, ALL, HOST, |client| {
        client.http_proxy(proxy.port(), Some(&login()));
    });
    check_refusal(&mosquitto, |client| {
        client.http_proxy(proxy.port(), Some(&Login::new(USER, "guessed")));
    });
}

#[test]
fn mosquitto_is_reached_over_squid() {
    let mosquitto = Mosquitto::start();
    let proxy = RealProxy::squid(&mosquitto.dir.0, false);
    check(&mosquitto, ALL, HOST, |client| {
        client.http_proxy(proxy.port(), None);
    });
}

#[test]
fn mosquitto_is_reached_over_squid_with_password() {
    let mosquitto = Mosquitto::start();
    let proxy = RealProxy::squid(&mosquitto.dir.0, true);
    check(&mosquitto, ALL, HOST, |client| {
        client.http_proxy(proxy.port(), Some(&login()));
    });
    check_refusal(&mosquitto, |client| client.http_proxy(proxy.port(), None));
}

/// Removed when dropped.
struct TemporaryDir(PathBuf);

impl TemporaryDir {
    fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("mqttrs-transports-{}-{count}", std::process::id());
        let path = std::env::temp_dir().join(name);
        // A folder of this name can only be left from a process that is gone.
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).expect("a temporary folder");
        Self(path)
    }
}

impl Drop for TemporaryDir {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
