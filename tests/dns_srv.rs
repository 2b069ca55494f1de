//! `mosquitto_connect_srv`, from the name server to the broker: a process with a network of
//! its own, in which the domain is the test's.

#![cfg(feature = "srv")]
#![allow(clippy::undocumented_unsafe_blocks, reason = "C is called all over")]

mod dns_support;
mod support;

#[path = "support/dns.rs"]
mod dns;

use std::ffi::{c_char, c_int, CString};
use std::io::Read;
use std::net::{Ipv4Addr, TcpListener};
use std::ptr;
use std::time::{Duration, Instant};

use dns::{Answer, Dns, Query};
use dns_support::in_own_network;
use support::*;

extern "C" {
    fn mosquitto_connect_srv(
        mosq: *mut mosquitto,
        host: *const c_char,
        keepalive: c_int,
        bind_address: *const c_char,
    ) -> c_int;
    fn mqttrs_last_error(mosq: *mut mosquitto, buffer: *mut c_char, size: usize) -> usize;
}

const V: Version = Version::V311;

/// How long the client may work or wait inside one step.
const STEP: Duration = Duration::from_millis(5);

/// A name server for which every host is at 127.0.0.1 and `records` knows the services.
fn domain(records: impl Fn(&Query) -> Option<Answer> + Send + 'static) -> Dns {
    Dns::start_at_port_53(move |query| {
        let answer = match query.kind {
            dns::SRV => records(query).unwrap_or_else(|| query.answer().code(3)),
            dns::A => query.address(Ipv4Addr::LOCALHOST),
            _ => query.answer(),
        };
        answer.alone()
    })
}

/// `mqtt.example.com` with these ports in this order.
fn ports(ports: &[u16]) -> Dns {
    let ports = ports.to_vec();
    domain(move |query| {
        let records: Vec<_> = (0..).zip(&ports).map(|(n, port)| (n, 0, *port)).collect();
        let hosts: Vec<_> = (0..ports.len())
            .map(|n| format!("host-{n}.example.com"))
            .collect();
        let servers: Vec<_> = records
            .iter()
            .zip(&hosts)
            .map(|((priority, weight, port), host)| (*priority, *weight, *port, host.as_str()))
            .collect();
        (query.name == "_mqtt._tcp.mqtt.example.com").then(|| query.servers(&servers))
    })
}

/// A port at which nobody listens: nobody else is in this network.
fn closed_port() -> u16 {
    Broker::start().port()
}

fn connect_srv(client: Handle, domain: &str, bind_address: Option<&str>) -> c_int {
    let domain = CString::new(domain).unwrap();
    let local = bind_address.map(|address| CString::new(address).unwrap());
    let local = local.as_ref().map_or(ptr::null(), |text| text.as_ptr());
    unsafe { mosquitto_connect_srv(client.0, domain.as_ptr(), 60, local) }
}

fn last_error(client: &Client) -> String {
    let mut buffer = [0u8; 500];
    let len = unsafe { mqttrs_last_error(client.0, buffer.as_mut_ptr().cast(), buffer.len()) };
    std::str::from_utf8(&buffer[..len]).unwrap().to_owned()
}

fn client(drive: Drive) -> Client {
    let mut client = Client::new(V, Some("t"), true);
    client.drive = drive;
    if drive == Drive::Thread {
        client.loop_start().unwrap();
    }
    client
}

/// The client's next connection to `broker`, with CONNECT read.
#[track_caller]
fn connection(client: &mut Client, broker: &Broker) -> Peer {
    let end = Instant::now() + DEADLINE;
    let mut peer = loop {
        if let Some(peer) = broker.try_accept() {
            break peer;
        }
        assert!(Instant::now() < end, "no connection arrived");
        client.step(STEP);
    };
    peer.expect_while(&connect(V, "t").bytes(), |_| client.step(STEP));
    peer
}

fn accept(client: &mut Client, peer: &mut Peer) {
    peer.send(&connack(V, false, 0, &[]));
    client.expect_event(Event::ConnectV5(0, 0, Vec::new()));
}

/// Runs the test named, in a network of its own.
fn isolated(test: &str, body: impl FnOnce()) {
    in_own_network(test, body);
}

fn the_next_target_is_tried(drive: Drive) {
    let broker = Broker::start();
    let _dns = ports(&[closed_port(), broker.port(), closed_port()]);
    let mut client = client(drive);
    assert_eq!(
        connect_srv(*client, "mqtt.example.com", None),
        MOSQ_ERR_SUCCESS
    );
    let mut peer = connection(&mut client, &broker);
    accept(&mut client, &mut peer);
}

#[test]
fn mosquitto_loop_goes_on_to_the_next_target_when_one_refuses() {
    isolated(
        "mosquitto_loop_goes_on_to_the_next_target_when_one_refuses",
        || {
            the_next_target_is_tried(Drive::Loop);
        },
    );
}

#[test]
fn a_foreign_loop_goes_on_to_the_next_target_when_one_refuses() {
    isolated(
        "a_foreign_loop_goes_on_to_the_next_target_when_one_refuses",
        || {
            the_next_target_is_tried(Drive::Foreign);
        },
    );
}

#[test]
fn a_loop_thread_goes_on_to_the_next_target_when_one_refuses() {
    isolated(
        "a_loop_thread_goes_on_to_the_next_target_when_one_refuses",
        || {
            the_next_target_is_tried(Drive::Thread);
        },
    );
}

#[test]
fn after_a_connection_was_lost_the_first_target_comes_first_again() {
    isolated(
        "after_a_connection_was_lost_the_first_target_comes_first_again",
        || {
            let (first, second) = (Broker::start(), Broker::start());
            let dns = ports(&[first.port(), second.port()]);
            let mut client = client(Drive::Loop);
            assert_eq!(
                connect_srv(*client, "mqtt.example.com", None),
                MOSQ_ERR_SUCCESS
            );
            for round in 1..=3 {
                let mut peer = connection(&mut client, &first);
                accept(&mut client, &mut peer);
                assert!(second.try_accept().is_none());
                // Records may have changed meanwhile.
                let srv = |query: &&Query| query.kind == dns::SRV;
                assert_eq!(dns.queries().iter().filter(srv).count(), round);
                peer.close();
                assert_eq!(client.run_until_error(), MOSQ_ERR_CONN_LOST);
                client.expect_event(Event::DisconnectV5(MOSQ_ERR_CONN_LOST, Vec::new()));
                client.last = MOSQ_ERR_SUCCESS;
                client.reconnect_async().unwrap();
            }
        },
    );
}

#[test]
fn a_target_that_refuses_the_client_is_followed_by_the_next_one() {
    isolated(
        "a_target_that_refuses_the_client_is_followed_by_the_next_one",
        || {
            let (first, second) = (Broker::start(), Broker::start());
            let _dns = ports(&[first.port(), second.port()]);
            let mut client = client(Drive::Loop);
            assert_eq!(
                connect_srv(*client, "mqtt.example.com", None),
                MOSQ_ERR_SUCCESS
            );
            let mut peer = connection(&mut client, &first);
            // Return code 3: the server is unavailable.
            peer.send(&connack(V, false, 3, &[]));
            client.expect_event(Event::ConnectV5(3, 0, Vec::new()));
            assert_ne!(client.run_until_error(), MOSQ_ERR_SUCCESS);
            client.last = MOSQ_ERR_SUCCESS;
            client.reconnect_async().unwrap();
            let mut peer = connection(&mut client, &second);
            while let Some(event) = client.try_event() {
                assert!(matches!(event, Event::DisconnectV5(..)), "{event:?}");
            }
            accept(&mut client, &mut peer);
        },
    );
}

#[test]
#[cfg(feature = "tls")]
fn with_tls_the_secure_service_is_asked_for_and_its_host_is_named_to_it() {
    isolated(
        "with_tls_the_secure_service_is_asked_for_and_its_host_is_named_to_it",
        || {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
            let port = listener.local_addr().unwrap().port();
            let _dns = domain(move |query| {
                (query.name == "_secure-mqtt._tcp.mqtt.example.com")
                    .then(|| query.servers(&[(0, 0, port, "secure-host.example.com")]))
            });
            let client = client(Drive::Thread);
            client.int_option(MOSQ_OPT_TLS_USE_OS_CERTS, 1).unwrap();
            assert_eq!(
                connect_srv(*client, "mqtt.example.com", None),
                MOSQ_ERR_SUCCESS
            );
            let (mut stream, _) = listener.accept().unwrap();
            stream.set_read_timeout(Some(DEADLINE)).unwrap();
            let mut header = [0; 5];
            stream.read_exact(&mut header).unwrap();
            assert_eq!(header[0], 22, "a handshake record");
            let mut hello = vec![0; usize::from(u16::from_be_bytes([header[3], header[4]]))];
            stream.read_exact(&mut hello).unwrap();
            let name = b"secure-host.example.com";
            assert!(hello.windows(name.len()).any(|bytes| bytes == name));
        },
    );
}

#[test]
fn a_domain_without_the_service_is_an_error_that_names_the_record() {
    isolated(
        "a_domain_without_the_service_is_an_error_that_names_the_record",
        || {
            let _dns = ports(&[]);
            let mut client = client(Drive::Loop);
            assert_eq!(
                connect_srv(*client, "nobody.example.com", None),
                MOSQ_ERR_SUCCESS
            );
            assert_eq!(client.run_until_error(), MOSQ_ERR_EAI);
            let text = last_error(&client);
            assert!(
                text.contains("no SRV record _mqtt._tcp.nobody.example.com"),
                "{text}"
            );
        },
    );
}

#[test]
fn a_callback_may_turn_to_another_domain() {
    isolated("a_callback_may_turn_to_another_domain", || {
        let (first, second) = (Broker::start(), Broker::start());
        let (from, to) = (first.port(), second.port());
        let _dns = domain(move |query| {
            let port = match query.name.as_str() {
                "_mqtt._tcp.one.example.com" => from,
                "_mqtt._tcp.two.example.com" => to,
                _ => return None,
            };
            Some(query.servers(&[(0, 0, port, "host.example.com")]))
        });
        let mut client = client(Drive::Thread);
        client.on_event(|handle, event| {
            if matches!(event, Event::ConnectV5(3, ..)) {
                let outcome = connect_srv(handle, "two.example.com", None);
                assert_eq!(outcome, MOSQ_ERR_SUCCESS);
            }
        });
        let outcome = connect_srv(*client, "one.example.com", None);
        assert_eq!(outcome, MOSQ_ERR_SUCCESS);
        let mut peer = connection(&mut client, &first);
        peer.send(&connack(V, false, 3, &[]));
        client.expect_event(Event::ConnectV5(3, 0, Vec::new()));
        let mut peer = connection(&mut client, &second);
        while let Some(event) = client.try_event() {
            assert!(matches!(event, Event::DisconnectV5(..)), "{event:?}");
        }
        accept(&mut client, &mut peer);
    });
}

#[test]
fn what_is_no_domain_is_refused_at_once() {
    let client = client(Drive::Loop);
    for host in ["", "a b", "a..b", "ä.example"] {
        assert_eq!(connect_srv(*client, host, None), MOSQ_ERR_INVAL, "{host}");
    }
}

#[test]
fn targets_are_connected_to_from_the_bind_address() {
    isolated("targets_are_connected_to_from_the_bind_address", || {
        let broker = Broker::start();
        let _dns = ports(&[broker.port()]);
        let mut client = client(Drive::Loop);
        let outcome = connect_srv(*client, "mqtt.example.com", Some("127.0.0.77"));
        assert_eq!(outcome, MOSQ_ERR_SUCCESS);
        let mut peer = connection(&mut client, &broker);
        assert_eq!(peer.address().ip(), Ipv4Addr::new(127, 0, 0, 77));
        accept(&mut client, &mut peer);
    });
}

#[test]
fn a_target_whose_name_is_never_answered_holds_up_no_other() {
    isolated(
        "a_target_whose_name_is_never_answered_holds_up_no_other",
        || {
            let broker = Broker::start();
            let port = broker.port();
            let _dns = Dns::start_at_port_53(move |query| {
                let answer = match (query.kind, query.name.as_str()) {
                    (_, "silent.example.com") => return Vec::new(),
                    (dns::SRV, _) => query.servers(&[
                        (0, 0, port, "silent.example.com"),
                        (1, 0, port, "host.example.com"),
                        (2, 0, port, "silent.example.com"),
                    ]),
                    (dns::A, _) => query.address(Ipv4Addr::LOCALHOST),
                    _ => query.answer(),
                };
                answer.alone()
            });
            let mut client = client(Drive::Thread);
            assert_eq!(
                connect_srv(*client, "mqtt.example.com", None),
                MOSQ_ERR_SUCCESS
            );
            let mut peer = connection(&mut client, &broker);
            accept(&mut client, &mut peer);
        },
    );
}
