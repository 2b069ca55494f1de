//! One call for all, `mqttrs_publish_once` and its kin, in a C program: with Mosquitto, over other
//! ways than TCP, and with a broker that does what the test says.

#![allow(
    dead_code,
    clippy::undocumented_unsafe_blocks,
    reason = "C is called all over; what tests stand on is used in part by each"
)]

#[path = "programs/broker.rs"]
mod broker;
mod built;
#[path = "support/certificates.rs"]
mod certificates;
#[path = "c/mosquitto.rs"]
mod mosquitto;
#[path = "c/program.rs"]
mod program;
#[path = "transport_support/real_proxy.rs"]
mod real_proxy;
mod support;

use std::thread;

use broker::HeldPort;
use built::Scratch;
use certificates::certificates;
use mosquitto::Mosquitto;
use program::Program;
use real_proxy::{RealProxy, PASSWORD, USER};
use support::{
    ack, connack, connect, puback, pubcomp, publish, pubrec, pubrel, suback, subscribe, Broker,
    Peer, Version, DISCONNECT,
};

#[test]
fn messages_of_every_qos_are_published_and_received_in_one_call_from_anywhere() {
    let broker = Mosquitto::start("oneshot");
    let port = broker.port().to_string();
    let program = Program::build("oneshot", "oneshot");
    program.run(&[&port, "everything"]);
    program.run_under_valgrind(&[&port, "everything"]);
    // And where the process has so many clients that these have no poll of their own.
    program.behind(16).run(&[&port, "everything"]);
}

#[test]
fn more_messages_than_a_client_has_in_flight_go_out_and_come_in_order() {
    let broker = Mosquitto::start("oneshot-many");
    let program = Program::build("oneshot", "oneshot-many");
    program.run(&[&broker.port().to_string(), "many"]);
}

/// Runs the program on a broker that does what `script` says, by itself and under Valgrind.
fn scripted(trial: &str, argument: &str, script: impl Fn(&Broker) + Sync) {
    let program = Program::build("oneshot", &format!("oneshot-{trial}-{argument}"));
    for valgrind in [false, true] {
        let broker = Broker::start();
        let port = broker.port().to_string();
        thread::scope(|scope| {
            let player = scope.spawn(|| script(&broker));
            let arguments = [&port, trial, argument];
            match valgrind {
                true => program.run_under_valgrind(&arguments),
                false => program.run(&arguments),
            }
            player.join().unwrap();
            assert!(broker.try_accept().is_none(), "one more connection");
        });
    }
}

const V311: Version = Version::V311;

/// The next connection, accepted.
fn accepted(broker: &Broker, version: Version) -> Peer {
    let mut peer = broker.accept();
    peer.expect(&connect(version, "").bytes());
    peer.send(&connack(version, false, 0, &[]));
    peer
}

/// It ends as it should.
fn expect_goodbye(mut peer: Peer) {
    peer.expect(&DISCONNECT);
    peer.expect_close();
}

#[test]
fn qos_0_is_handed_to_the_network_before_the_disconnect() {
    scripted("lost", "0", |broker| {
        let mut peer = accepted(broker, V311);
        peer.expect(&publish("a", b"1").bytes(V311));
        peer.expect(&publish("b", b"2").bytes(V311));
        expect_goodbye(peer);
    });
}

#[test]
fn a_message_that_was_lost_with_its_connection_is_sent_again_on_the_next() {
    scripted("lost", "1", |broker| {
        let mut peer = accepted(broker, V311);
        peer.expect(&publish("a", b"1").qos(1, 1).bytes(V311));
        peer.expect(&publish("b", b"2").qos(1, 2).bytes(V311));
        peer.close();
        let mut peer = accepted(broker, V311);
        peer.expect(&publish("a", b"1").qos(1, 1).bytes(V311));
        peer.expect(&publish("b", b"2").qos(1, 2).bytes(V311));
        peer.send(&puback(1));
        peer.close();
        let mut peer = accepted(broker, V311);
        peer.expect(&publish("b", b"2").qos(1, 2).bytes(V311));
        peer.send(&puback(2));
        expect_goodbye(peer);
    });
}

#[test]
fn qos_2_is_done_with_its_last_acknowledgement() {
    scripted("lost", "2", |broker| {
        let mut peer = accepted(broker, V311);
        for (mid, (topic, payload)) in [(1, ("a", b"1")), (2, ("b", b"2"))] {
            peer.expect(&publish(topic, payload).qos(2, mid).bytes(V311));
        }
        for mid in [1, 2] {
            peer.send(&pubrec(mid));
            peer.expect(&pubrel(mid));
        }
        assert!(!peer.has_bytes());
        peer.send(&pubcomp(2));
        peer.send(&pubcomp(1));
        expect_goodbye(peer);
    });
}

#[test]
fn a_server_that_loses_every_connection_is_given_up_after_three() {
    scripted("hopeless", "-", |broker| {
        for _ in 0..3 {
            let mut peer = accepted(broker, V311);
            peer.expect(&publish("a", b"1").qos(1, 1).bytes(V311));
            peer.close();
        }
    });
}

#[test]
fn a_message_of_qos_0_that_the_network_took_in_part_is_sent_again_as_a_whole() {
    scripted("large", "-", |broker| {
        broker.narrow();
        let mut peer = accepted(broker, V311);
        // Part of it has come, of which nothing is read, so that the rest has no room.
        peer.wait(support::DEADLINE);
        peer.reset();
        let mut peer = accepted(broker, V311);
        let packet = peer.take_packet();
        assert_eq!(packet, publish("large", &vec![0; 16 << 20]).bytes(V311));
        expect_goodbye(peer);
    });
}

#[test]
fn subscriptions_are_made_again_on_the_next_connection() {
    scripted("received_anew", "-", |broker| {
        for payload in [b"1", b"2"] {
            let mut peer = accepted(broker, V311);
            let packet = peer.take_packet();
            let mid = u16::from_be_bytes([packet[2], packet[3]]);
            assert_eq!(packet, subscribe(V311, mid, &[], &[("t", 0)]));
            peer.send(&suback(V311, mid, &[], &[0]));
            peer.send(&publish("t", payload).bytes(V311));
            match payload {
                b"1" => peer.close(),
                _ => return expect_goodbye(peer),
            }
        }
    });
}

#[test]
fn a_refused_connection_is_the_result_of_all_messages() {
    for (version, code) in [(Version::V31, 5), (V311, 2), (Version::V5, 0x87)] {
        scripted("refused", &version.level().to_string(), move |broker| {
            for _ in 0..2 {
                let mut peer = broker.accept();
                peer.take_packet();
                peer.send(&connack(version, false, code, &[]));
                peer.expect_close();
            }
        });
    }
}

#[test]
fn a_server_that_says_nothing_is_left_when_the_time_is_over() {
    scripted("silent", "-", |broker| {
        let mut peer = broker.accept();
        peer.expect(&connect(V311, "").bytes());
        expect_goodbye(peer);
        let mut peer = accepted(broker, V311);
        peer.expect(&publish("t", b"1").qos(1, 1).bytes(V311));
        expect_goodbye(peer);
        for _ in 0..2 {
            let mut peer = accepted(broker, V311);
            peer.expect(&subscribe(V311, 1, &[], &[("t", 1)]));
            expect_goodbye(peer);
        }
    });
}

#[test]
fn each_message_has_its_own_result_and_a_subscription_its_refusal() {
    scripted("partly", "-", |broker| {
        let mut peer = accepted(broker, Version::V5);
        peer.expect(&publish("a", b"1").qos(1, 1).bytes(Version::V5));
        peer.expect(&publish("b", b"2").qos(2, 2).bytes(Version::V5));
        peer.expect(&publish("c", b"3").qos(1, 3).bytes(Version::V5));
        peer.send(&puback(1));
        peer.send(&ack(0x50, 2, 0x97, &[]));
        peer.send(&puback(3));
        expect_goodbye(peer);
        let mut peer = accepted(broker, Version::V5);
        peer.expect(&subscribe(Version::V5, 1, &[], &[("a", 1), ("b", 0)]));
        peer.send(&suback(Version::V5, 1, &[], &[1, 0x87]));
        expect_goodbye(peer);
    });
}

#[test]
fn a_port_where_nobody_listens_is_told_at_once_with_errno_and_in_words() {
    let port = HeldPort::new();
    let program = Program::build("oneshot", "oneshot-nobody");
    program.run_under_valgrind(&[&port.number().to_string(), "nobody"]);
}

/// The ways that a description can name.
#[test]
fn tls_with_a_client_certificate_websocket_and_proxies_are_ways_to_the_server() {
    let scratch = Scratch::new("oneshot-ways");
    let file = |name: &str| certificates().text(name);
    let tls = format!(
        "certfile {}\nkeyfile {}\ncafile {}\nrequire_certificate true",
        file("server.crt"),
        file("server.key"),
        file("ca.crt")
    );
    let (secure, websocket, both) = (HeldPort::new(), HeldPort::new(), HeldPort::new());
    let settings = [
        format!("listener {} 127.0.0.1\n{tls}", secure.number()),
        format!(
            "listener {} 127.0.0.1\nprotocol websockets",
            websocket.number()
        ),
        format!(
            "listener {} 127.0.0.1\nprotocol websockets\n{tls}",
            both.number()
        ),
    ];
    let broker = broker::Broker::start(&scratch.path(""), &settings, &[]);
    let (socks5, http) = (
        RealProxy::microsocks(true),
        RealProxy::tinyproxy(&scratch.path(""), true),
    );
    let program = Program::build("oneshot", "oneshot-ways");
    let (ca, cert, key) = (file("ca.crt"), file("client.crt"), file("client.key"));
    let plain = ["-", "-", "-"];
    let certificate = [ca.as_str(), &cert, &key];
    let no_proxy = ("0", 0);
    for (port, transport, proxy, tls) in [
        (broker.port(), "0", ("1", socks5.port()), plain),
        (secure.number(), "1", no_proxy, certificate),
        (websocket.number(), "2", ("2", http.port()), plain),
        (both.number(), "2", ("1", socks5.port()), certificate),
    ] {
        let (port, proxy_port) = (port.to_string(), proxy.1.to_string());
        let way = [
            &port,
            "route",
            transport,
            proxy.0,
            &proxy_port,
            USER,
            PASSWORD,
        ];
        let arguments = [&way[..], &tls[..]].concat();
        program.run(&arguments);
        // Valgrind does not know what ring's machine code has written.
        if tls == plain {
            program.run_under_valgrind(&arguments);
        }
    }
}
