//! Where MQTT 3.1 differs from 3.1.1; `conformance/mqtt31.tsv` lists these tests.

mod conformance_support;
mod session_support;
mod support;

use conformance_support::read::ConnectFields;
use conformance_support::*;
use mqttrs::error::{Error, PeerError};
use mqttrs::session::{ConnectRequest, SessionEvent};
use session_support::*;
use support::*;
use Version::{V31, V311};

/// The CONNECT of a C program that gave no client identifier, and its client.
fn connect_without_id(version: Version) -> (Client, Broker, ConnectFields) {
    let broker = Broker::start();
    let mut client = Client::new(version, None, true);
    client.connect(broker.port(), 60).unwrap();
    let fields = read_connect(&mut client, &broker);
    (client, broker, fields)
}

fn read_connect(client: &mut Client, broker: &Broker) -> ConnectFields {
    let mut peer = broker.accept();
    let packet = peer.take_packet_while(|_| client.step(std::time::Duration::from_millis(1)));
    ConnectFields::read(&packet).expect("a CONNECT")
}

#[test]
fn the_protocol_is_called_mqisdp_and_has_level_3() {
    for (version, name, level) in [(V31, &b"MQIsdp"[..], 3), (V311, b"MQTT", 4)] {
        let mut bench = Bench::new(version);
        bench.begin().unwrap();
        let fields = ConnectFields::read(&bench.sent()[0]).unwrap();
        assert_eq!((&*fields.name, fields.level), (name, level));
    }
}

#[test]
fn a_client_identifier_is_made_up_where_none_is_given() {
    let (_, _, fields) = connect_without_id(V31);
    let id = String::from_utf8(fields.client_id).unwrap();
    assert_eq!(id.len(), 23, "{id}");
    let rest = id.strip_prefix("mosq-").expect("libmosquitto's prefix");
    assert!(rest.chars().all(|c| c.is_ascii_alphanumeric()), "{id}");

    let (_, _, other) = connect_without_id(V31);
    assert_ne!(id.as_bytes(), other.client_id);
    // MQTT 3.1.1 leaves it to the server.
    let (_, _, fields) = connect_without_id(V311);
    assert_eq!(fields.client_id, b"");
}

#[test]
fn a_made_up_client_identifier_stays_with_its_client() {
    let (mut client, broker, first) = connect_without_id(V31);
    client.reconnect().unwrap();
    let second = read_connect(&mut client, &broker);
    assert_eq!(first.client_id, second.client_id);
}

#[test]
fn a_client_identifier_of_more_than_23_characters_is_for_the_server_to_judge() {
    let long = "a-client-identifier-of-36-characters";
    let broker = Broker::start();
    let mut client = Client::new(V31, Some(long), true);
    client.connect(broker.port(), 60).unwrap();
    let mut peer = broker.accept();
    let step = std::time::Duration::from_millis(1);
    let packet = peer.take_packet_while(|_| client.step(step));
    assert_eq!(packet, connect(V31, long).bytes());
    // Identifier rejected.
    peer.send(&connack(V31, false, 2, &[]));
    client.expect_event(Event::ConnectV5(2, 0, Vec::new()));
    peer.expect_close_while(|_| client.step(step));
}

#[test]
fn connack_does_not_tell_whether_the_session_is_present() {
    for reserved in [0x00, 0x01, 0xFF] {
        let mut bench = Bench::new(V31);
        bench.setup.clean = true;
        bench.connect();
        bench.accept_input(&packet(0x20, &[reserved, 0]));
        let seen = bench.seen();
        let Some(Seen::Event(SessionEvent::Connected {
            session_present, ..
        })) = seen.first()
        else {
            panic!("{seen:?}");
        };
        assert!(!session_present);
    }
    // The same bytes in MQTT 3.1.1.
    for reserved in [0x01, 0xFF] {
        let mut bench = Bench::new(V311);
        bench.setup.clean = true;
        bench.connect();
        assert!(refuses(&mut bench, &packet(0x20, &[reserved, 0]), 0));
    }
}

#[test]
fn a_session_that_was_not_to_be_cleaned_is_taken_to_be_there() {
    for (version, repeated) in [(V31, true), (V311, false)] {
        let mut bench = Bench::open(version);
        bench.publish("a", b"1", 1).unwrap();
        bench.publish("a", b"2", 2).unwrap();
        bench.accept_input(&pubrec(2));
        bench.accept_input(&publish("b", b"x").qos(2, 9).bytes(version));
        bench.sent();
        bench.seen();
        bench.lose();
        bench.connect();
        bench.accept(false, &[]);
        let mut expected = vec![publish("a", b"1").qos(1, 1).dup_if(repeated).bytes(version)];
        if repeated {
            expected.push(pubrel(2));
        }
        bench.expect(&expected);
        bench.seen();
        bench.accept_input(&publish("b", b"x").qos(2, 9).dup().bytes(version));
        assert_eq!(bench.seen().is_empty(), repeated);
    }
}

#[test]
fn a_clean_session_forgets_the_one_before() {
    let mut bench = Bench::open(V31);
    bench.publish("a", b"1", 1).unwrap();
    bench.accept_input(&publish("b", b"x").qos(2, 9).bytes(V31));
    bench.sent();
    bench.seen();
    bench.lose();
    bench.setup.clean = true;
    bench.connect();
    bench.accept(false, &[]);
    bench.expect(&[publish("a", b"1").qos(1, 1).bytes(V31)]);
    bench.accept_input(&publish("b", b"y").qos(2, 9).bytes(V31));
    bench.expect_seen(&[received("b", b"y", 2, 9)]);
}

#[test]
fn dup_on_a_qos_0_message_means_nothing() {
    let packet = publish("a", b"x").dup().bytes(V31);
    let mut bench = Bench::open(V31);
    bench.accept_input(&packet);
    let seen = bench.seen();
    assert!(
        matches!(&seen[..], [Seen::Message(m)] if m.payload == b"x" && m.qos == 0),
        "{seen:?}"
    );
    let mut bench = Bench::open(V311);
    assert!(refuses(&mut bench, &packet, 0));
}

#[test]
fn unused_flags_of_the_fixed_header_mean_nothing() {
    for flags in 0..16 {
        let mut bench = Bench::open(V31);
        bench.publish("a", b"1", 1).unwrap();
        bench.publish("a", b"2", 2).unwrap();
        bench.subscribe("a", 0).unwrap();
        bench.unsubscribe("a").unwrap();
        bench.accept_input(&publish("a", b"x").qos(2, 9).bytes(V31));
        bench.sent();
        for mut packet in [
            puback(1),
            pubrec(2),
            pubcomp(2),
            pubrel(9),
            suback(V31, 3, &[], &[0]),
            unsuback(V31, 4, &[], &[]),
            PINGRESP.to_vec(),
        ] {
            packet[0] = packet[0] & 0xF0 | flags;
            assert_eq!(bench.receive(&packet), Ok(()), "{packet:02x?}");
        }
        bench.expect(&[pubrel(2), pubcomp(9)]);
    }
}

#[test]
fn a_repeated_pubrel_is_taken_with_dup_and_sent_without() {
    let mut bench = Bench::open(V31);
    bench.accept_input(&publish("a", b"x").qos(2, 9).bytes(V31));
    bench.sent();
    bench.accept_input(&packet(0x6A, &[0, 9]));
    bench.expect(&[pubcomp(9)]);

    bench.publish("a", b"2", 2).unwrap();
    bench.accept_input(&pubrec(1));
    bench.sent();
    bench.seen();
    bench.lose();
    bench.reconnect(true, &[]);
    bench.expect(&[pubrel(1)]);
}

#[test]
fn a_subscription_refused_with_0x80_is_told_as_such() {
    // MQTT 3.1 has no such code, but servers of today send it all the same.
    let mut w = Wire::open(V31);
    w.client.subscribe("a", 1).unwrap();
    w.expect(&subscribe(V31, 1, &[], &[("a", 1)]));
    w.send(&suback(V31, 1, &[], &[0x80]));
    w.event(Event::SubscribeV5(1, vec![0x80], Vec::new()));
    w.finish();
}

#[test]
fn a_password_needs_a_user_name() {
    for version in [V31, V311] {
        let mut bench = Bench::new(version);
        let properties = buf(&[]);
        let request = ConnectRequest {
            version: protocol(version),
            clean_start: true,
            keep_alive: 60,
            properties: &properties,
            will: None,
            username: None,
            password: Some(b"secret"),
            receive_maximum: 20,
        };
        let outcome = bench.session.connect(&request, bench.now);
        assert!(outcome.is_err(), "{outcome:?}");
        bench.expect(&[]);
    }
}

#[test]
fn refusals_of_connect_have_the_same_codes() {
    for code in 1..=5 {
        for version in [V31, V311] {
            let mut bench = Bench::new(version);
            bench.connect();
            let outcome = bench.receive(&connack(version, false, code, &[]));
            let refused = Error::Peer(PeerError::ConnectionRefused(code));
            assert_eq!(outcome, Err(refused));
        }
    }
}
