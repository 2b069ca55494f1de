//! MQTT 3.1.1: errors and the network (sections 4.8, 6 and 7).

mod conformance_support;
mod session_support;
mod support;

use conformance_support::*;
use mqttrs::error::{Error, PeerError};
use mqttrs::session::State;
use session_support::*;
use support::*;
use Version::V311;

/// Whatever a server may not send to a client that is connected and waits for nothing.
fn violations() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("packet type 0", vec![0x00, 0x00]),
        ("packet type 15", vec![0xF0, 0x00]),
        ("CONNECT", connect(V311, "t").bytes()),
        ("a second CONNACK", connack(V311, false, 0, &[])),
        ("SUBSCRIBE", subscribe(V311, 1, &[], &[("a", 0)])),
        ("UNSUBSCRIBE", unsubscribe(V311, 1, &[], &["a"])),
        ("PINGREQ", PINGREQ.to_vec()),
        ("DISCONNECT", DISCONNECT.to_vec()),
        ("SUBACK to no request", suback(V311, 7, &[], &[0])),
        ("UNSUBACK to no request", unsuback(V311, 7, &[], &[])),
        ("PUBLISH with QoS 3", vec![0x36, 0x05, 0, 1, b'a', 0, 1]),
        (
            "a length of five bytes",
            vec![0x30, 0xFF, 0xFF, 0xFF, 0xFF, 1],
        ),
        ("PUBACK that is too short", packet(0x40, &[0])),
        ("PUBACK that is too long", packet(0x40, &[0, 1, 0])),
        ("PINGRESP with a body", packet(0xD0, &[0])),
        ("CONNACK that is too short", packet(0x20, &[0])),
    ]
}

#[test]
fn a_protocol_violation_closes_the_network_connection() {
    for (name, bytes) in violations() {
        let mut w = Wire::open(V311);
        w.send(&bytes);
        // Fails unless the end of the stream comes, and before another byte.
        w.expect_close();
        let event = w.client.next_event();
        let is_error = matches!(event, Event::DisconnectV5(code, _) if code != 0);
        proves!(V311, "MQTT-4.8.0-1", is_error, "{name}: {event:?}");
        let open = w.client.socket() != -1;
        proves!(V311, "MQTT-4.8.0-1", !open, "{name}");
    }
}

#[test]
fn a_violation_instead_of_connack_closes_the_network_connection() {
    let early = [
        ("PUBLISH", publish("a", b"x").bytes(V311)),
        ("SUBACK", suback(V311, 1, &[], &[0])),
        ("PINGRESP", PINGRESP.to_vec()),
        ("reserved flags", packet(0x20, &[2, 0])),
        ("CONNACK with more", packet(0x20, &[0, 0, 0])),
    ];
    for (name, bytes) in early {
        let mut w = Setup::new(V311).connecting();
        w.send(&bytes);
        w.expect_close();
        let event = w.client.next_event();
        let is_error = matches!(event, Event::DisconnectV5(code, _) if code != 0);
        proves!(V311, "MQTT-4.8.0-1", is_error, "{name}: {event:?}");
    }
}

#[test]
fn an_acknowledgement_that_fits_no_request_closes_the_connection() {
    let mut bench = Bench::open(V311);
    bench.subscribe("a", 0).unwrap();
    bench.sent();
    // One filter, two codes.
    let wrong = suback(V311, 1, &[], &[0, 0]);
    proves!(V311, "MQTT-4.8.0-1", refuses(&mut bench, &wrong, 0));
    let mut bench = Bench::open(V311);
    bench.subscribe("a", 0).unwrap();
    bench.sent();
    let wrong = unsuback(V311, 1, &[], &[]);
    proves!(V311, "MQTT-4.8.0-1", refuses(&mut bench, &wrong, 0));
}

#[test]
fn a_packet_beyond_the_client_s_means_closes_its_connection_and_no_other() {
    // The largest length there is: more than the client takes in, which is no violation
    // but a want of room. Only the header is sent.
    let header = [0x30, 0xFF, 0xFF, 0xFF, 0x7F];
    let mut bench = Bench::open(V311);
    let outcome = bench.receive(&header);
    assert_eq!(outcome, Err(Error::Peer(PeerError::PacketTooLarge)));
    let closing = bench.session.state() == State::Closing;
    proves!(V311, "MQTT-4.8.0-2", closing);

    let mut other = Wire::open(V311);
    let mut w = Wire::open(V311);
    w.send(&header);
    w.expect_close();
    let event = w.client.next_event();
    let is_error = matches!(event, Event::DisconnectV5(code, _) if code != 0);
    proves!(V311, "MQTT-4.8.0-2", is_error, "{event:?}");
    // The state of the connection is gone, the client is not.
    w.client.last = MOSQ_ERR_SUCCESS;
    w.reconnect();
    w.accept_session(false, &[]);
    w.expect_silence();
    other.expect_silence();
}

#[test]
fn tcp_carries_a_connection_in_both_directions_in_order() {
    let mut w = Wire::open(V311);
    // More than a socket takes at once.
    let large: Vec<u8> = (0..3_000_000u32).map(|n| ((n * 7) >> 3) as u8).collect();
    w.client.publish("up", &large, 1).unwrap();
    w.client.publish("up", b"end", 1).unwrap();
    let sent = w.take_packet();
    let whole = sent == publish("up", &large).qos(1, 1).bytes(V311);
    proves!(V311, "MQTT-7.1.2-1", whole, "{} bytes", sent.len());
    let sent = w.take_packet();
    let whole = sent == publish("up", b"end").qos(1, 2).bytes(V311);
    proves!(V311, "MQTT-7.1.2-1", whole, "{sent:02x?}");

    // The server's bytes in small and odd pieces.
    let down: Vec<_> = (0..2000u16)
        .map(|n| publish("down", &n.to_be_bytes()).bytes(V311))
        .collect();
    for piece in down.concat().chunks(997) {
        w.send(piece);
    }
    for n in 0..2000u16 {
        let event = w.client.next_event();
        let next = Event::MessageV5(Message::new("down", &n.to_be_bytes()), Vec::new());
        proves!(V311, "MQTT-7.1.2-1", event == next, "{n}: {event:?}");
    }
}

#[test]
fn all_works_with_the_packets_of_the_standard_alone() {
    // A server that knows nothing but the specification's packets, byte for byte, and a
    // client that is content with them.
    let mut w = Setup::new(V311).keep_alive(2).connecting();
    let connect = b"\x10\x0D\0\x04MQTT\x04\x02\0\x02\0\x01t";
    proves!(
        V311,
        "MQTT-7.0.0-2",
        w.connect == connect,
        "{:02x?}",
        w.connect
    );
    w.accept_session(false, &[]);

    w.client.subscribe("a/#", 2).unwrap();
    let sent = w.take_packet();
    let standard = b"\x82\x08\0\x01\0\x03a/#\x02";
    proves!(V311, "MQTT-7.0.0-2", sent == standard, "{sent:02x?}");
    w.send(b"\x90\x03\0\x01\x02");
    w.event(Event::SubscribeV5(1, vec![2], Vec::new()));

    w.client.publish("a", b"2", 2).unwrap();
    let sent = w.take_packet();
    let standard = b"\x34\x06\0\x01a\0\x022";
    proves!(V311, "MQTT-7.0.0-2", sent == standard, "{sent:02x?}");
    w.send(b"\x50\x02\0\x02");
    let sent = w.take_packet();
    proves!(
        V311,
        "MQTT-7.0.0-2",
        sent == b"\x62\x02\0\x02",
        "{sent:02x?}"
    );
    w.send(b"\x70\x02\0\x02");
    w.event(Event::PublishV5(2, 0, Vec::new()));

    w.send(b"\x34\x06\0\x01a\0\x092");
    w.event(Event::MessageV5(
        Message::new("a", b"2").qos(2, 9),
        Vec::new(),
    ));
    let sent = w.take_packet();
    proves!(
        V311,
        "MQTT-7.0.0-2",
        sent == b"\x50\x02\0\x09",
        "{sent:02x?}"
    );
    w.send(b"\x62\x02\0\x09");
    let sent = w.take_packet();
    proves!(
        V311,
        "MQTT-7.0.0-2",
        sent == b"\x70\x02\0\x09",
        "{sent:02x?}"
    );

    let sent = w.take_packet();
    proves!(V311, "MQTT-7.0.0-2", sent == b"\xC0\0", "{sent:02x?}");
    w.send(b"\xD0\0");

    w.client.unsubscribe("a/#").unwrap();
    let sent = w.take_packet();
    let standard = b"\xA2\x07\0\x03\0\x03a/#";
    proves!(V311, "MQTT-7.0.0-2", sent == standard, "{sent:02x?}");
    w.send(b"\xB0\x02\0\x03");
    w.event(Event::UnsubscribeV5(3, Vec::new()));

    w.client.disconnect().unwrap();
    let sent = w.take_packet();
    proves!(V311, "MQTT-7.0.0-2", sent == b"\xE0\0", "{sent:02x?}");
    w.expect_close();
}
