//! The same conversation over every way to a broker, driven in every way.
//!
//! A line of the table is what carries MQTT and what it goes through; each is driven by
//! `mosquitto_loop`, by a program's own event loop, and by `loop_start`, with the broker's host
//! given as an IPv4 address, as a name, and as an IPv6 address.

#![cfg(all(feature = "tls", feature = "websocket"))]

mod support;
mod transport_support;

use std::ffi::{c_int, c_uint};
use std::mem::size_of;
use std::ptr;

use rustls::version::{TLS12, TLS13};
use rustls::SupportedProtocolVersion;

use support::{
    mosquitto, publish, Client, Drive, Event, Message, Version, MOSQ_ERR_CONN_LOST,
    MOSQ_ERR_SUCCESS, PINGREQ, PINGRESP,
};
use transport_support::certificates::certificates;
use transport_support::script::{
    check, converse, open, open_again, open_client, open_with_keep_alive,
};
use transport_support::{Host, Link, Route, Rules, Settings, Through, TlsSide};
use Link::{Tcp, Tls, Ws, Wss};
use Through::{Http, HttpPassword, Nothing, Socks5, Socks5Password};

const HOSTS: &[Host] = &[Host::V4, Host::Name, Host::V6];
const UNIX: &[Host] = &[Host::Unix];

macro_rules! routes {
    ($($name:ident = $link:expr, $through:expr, $hosts:expr;)*) => {
        $(mod $name {
            use super::*;

            #[test]
            fn driven_by_mosquitto_loop() {
                check($link, $through, $hosts, Drive::Loop);
            }

            #[test]
            fn driven_by_a_foreign_loop() {
                check($link, $through, $hosts, Drive::Foreign);
            }

            #[test]
            fn driven_by_loop_start() {
                check($link, $through, $hosts, Drive::Thread);
            }
        })*
    };
}

routes! {
    tcp = Tcp, Nothing, HOSTS;
    tcp_over_socks5 = Tcp, Socks5, HOSTS;
    tcp_over_socks5_with_password = Tcp, Socks5Password, HOSTS;
    tcp_over_http = Tcp, Http, HOSTS;
    tcp_over_http_with_password = Tcp, HttpPassword, HOSTS;
    tls = Tls, Nothing, HOSTS;
    tls_over_socks5 = Tls, Socks5, HOSTS;
    tls_over_socks5_with_password = Tls, Socks5Password, HOSTS;
    tls_over_http = Tls, Http, HOSTS;
    tls_over_http_with_password = Tls, HttpPassword, HOSTS;
    websocket = Ws, Nothing, HOSTS;
    websocket_over_socks5 = Ws, Socks5, HOSTS;
    websocket_over_socks5_with_password = Ws, Socks5Password, HOSTS;
    websocket_over_http = Ws, Http, HOSTS;
    websocket_over_http_with_password = Ws, HttpPassword, HOSTS;
    secure_websocket = Wss, Nothing, HOSTS;
    secure_websocket_over_socks5 = Wss, Socks5, HOSTS;
    secure_websocket_over_socks5_with_password = Wss, Socks5Password, HOSTS;
    secure_websocket_over_http = Wss, Http, HOSTS;
    secure_websocket_over_http_with_password = Wss, HttpPassword, HOSTS;
    unix_socket = Tcp, Nothing, UNIX;
    tls_on_a_unix_socket = Tls, Nothing, UNIX;
    websocket_on_a_unix_socket = Ws, Nothing, UNIX;
    secure_websocket_on_a_unix_socket = Wss, Nothing, UNIX;
}

/// The server wants a certificate, a protocol and a version: all of it gets there.
fn check_tls(link: Link, through: Through, version: &'static SupportedProtocolVersion) {
    for drive in [Drive::Loop, Drive::Foreign, Drive::Thread] {
        let tls = TlsSide {
            versions: vec![version],
            alpn: vec![b"h2".to_vec(), b"mqtt".to_vec()],
            client_certificates: true,
            ..TlsSide::default()
        };
        let rules = Rules {
            tls,
            ..Rules::default()
        };
        let path = Route::new(link, through, Host::Name).start_with(rules);
        let client = Client::new(Version::V5, Some("t"), true);
        path.configure(&client);
        let file = |name| certificates().text(name);
        client.tls_with_certificate(&file("ca.crt"), &file("client.crt"), &file("client.key"));
        client.alpn("mqtt");
        let (path, mut w) = open_client(path, client, Version::V5, drive, false, 60);
        converse(&mut w, false);
        w.end();
        path.check();
        let visits = path.front.visits();
        assert_eq!(visits[0].alpn.as_deref(), Some(&b"mqtt"[..]));
        assert_eq!(visits[0].client_certificates, 1);
    }
}

#[test]
fn certificate_and_alpn_of_the_client_get_to_the_server_with_tls_1_2() {
    check_tls(Tls, Nothing, &TLS12);
    check_tls(Wss, Socks5, &TLS12);
}

#[test]
fn certificate_and_alpn_of_the_client_get_to_the_server_with_tls_1_3() {
    check_tls(Tls, HttpPassword, &TLS13);
    check_tls(Wss, Nothing, &TLS13);
}

/// Does something with each way at the same time.
fn with_every_way(act: impl Fn(Route) + Sync) {
    let act = &act;
    std::thread::scope(|scope| {
        for link in [Tcp, Tls, Ws, Wss] {
            for through in [Nothing, Socks5, Socks5Password, Http, HttpPassword] {
                scope.spawn(move || act(Route::new(link, through, Host::V4)));
            }
            scope.spawn(move || act(Route::new(link, Nothing, Host::Unix)));
        }
    });
}

/// PINGREQ after the second that the broker asks for, over every way.
fn check_pings(drive: Drive) {
    with_every_way(|route| {
        let (_path, mut w) = open_with_keep_alive(route.start(), drive);
        for _ in 0..2 {
            w.expect(&PINGREQ);
            w.send(&PINGRESP);
        }
        w.end();
    });
}

#[test]
fn pings_keep_every_connection_alive_driven_by_mosquitto_loop() {
    check_pings(Drive::Loop);
}

#[test]
fn pings_keep_every_connection_alive_driven_by_a_foreign_loop() {
    check_pings(Drive::Foreign);
}

#[test]
fn pings_keep_every_connection_alive_driven_by_loop_start() {
    check_pings(Drive::Thread);
}

/// The broker closes; the next connection takes the same way.
fn check_reconnect(drive: Drive) {
    with_every_way(|route| {
        let (path, mut w) = open(route.start(), Version::V5, drive, false, 60);
        w.lose();
        if drive != Drive::Thread {
            assert_eq!(w.client.socket(), -1);
            w.client.reconnect().unwrap();
        }
        open_again(&path, &mut w);
        converse(&mut w, false);
        w.end();
    });
}

#[test]
fn reconnecting_takes_the_same_way_driven_by_mosquitto_loop() {
    check_reconnect(Drive::Loop);
}

#[test]
fn reconnecting_takes_the_same_way_driven_by_a_foreign_loop() {
    check_reconnect(Drive::Foreign);
}

#[test]
fn reconnecting_takes_the_same_way_driven_by_loop_start() {
    check_reconnect(Drive::Thread);
}

/// A reset in place of a goodbye.
#[test]
fn a_broken_connection_is_noticed_over_every_way() {
    for drive in [Drive::Loop, Drive::Foreign] {
        with_every_way(|route| {
            let (_path, mut w) = open(route.start(), Version::V5, drive, false, 60);
            w.peer.reset();
            w.event(Event::DisconnectV5(MOSQ_ERR_CONN_LOST, vec![]));
            assert_eq!(w.client.run_until_error(), MOSQ_ERR_CONN_LOST);
            assert_eq!(w.client.socket(), -1);
        });
    }
}

/// WebSocket's goodbye alone ends the connection: the server does not close it below.
#[test]
fn a_close_frame_is_the_end() {
    for link in [Ws, Wss] {
        for drive in [Drive::Loop, Drive::Foreign, Drive::Thread] {
            let mut rules = Rules::default();
            rules.websocket.waits_for_close = true;
            let path = Route::new(link, Nothing, Host::V4).start_with(rules);
            let (_path, mut w) = open(path, Version::V5, drive, false, 60);
            w.lose();
        }
    }
}

#[repr(C)]
struct Throttle {
    size: usize,
    messages_per_second: f64,
    bytes_per_second: f64,
    burst_messages: c_uint,
    burst_bytes: usize,
    excess: c_int,
}

extern "C" {
    fn mqttrs_receive_throttle_set(mosq: *mut mosquitto, throttle: *const Throttle) -> c_int;
}

/// Messages beyond the limit stay where they are, in a TLS record or a WebSocket frame that was
/// begun too, and come when it is lifted, though nothing new comes from the network then. Sending
/// goes on meanwhile.
#[test]
fn a_limit_of_speed_holds_back_what_came_over_every_way() {
    const BURST: usize = 5;
    let three_an_hour = Throttle {
        size: size_of::<Throttle>(),
        messages_per_second: 3.0 / 3600.0,
        bytes_per_second: 0.0,
        burst_messages: BURST as c_uint,
        burst_bytes: 0,
        excess: 0,
    };
    for drive in [Drive::Loop, Drive::Foreign, Drive::Thread] {
        with_every_way(|route| {
            let (_path, mut w) = open(route.start(), Version::V5, drive, false, 60);
            // SAFETY: the handle is alive, the structure has its size.
            let code = unsafe { mqttrs_receive_throttle_set(w.client.0, &three_an_hour) };
            assert_eq!(code, MOSQ_ERR_SUCCESS);
            let payloads: Vec<Vec<u8>> = (0..20).map(|number| vec![number; 100]).collect();
            let packets = payloads.iter();
            w.send(
                &packets
                    .flat_map(|p| publish("in", p).bytes(Version::V5))
                    .collect::<Vec<_>>(),
            );
            let message = |at: usize| Event::MessageV5(Message::new("in", &payloads[at]), vec![]);
            for at in 0..BURST {
                w.event(message(at));
            }
            let mid = w.client.publish("out", b"x", 0).unwrap();
            w.expect(&publish("out", b"x").bytes(Version::V5));
            w.event(Event::PublishV5(mid.into(), 0, vec![]));
            // SAFETY: the handle is alive.
            let code = unsafe { mqttrs_receive_throttle_set(w.client.0, ptr::null()) };
            assert_eq!(code, MOSQ_ERR_SUCCESS);
            for at in BURST..payloads.len() {
                w.event(message(at));
            }
            w.end();
        });
    }
}
