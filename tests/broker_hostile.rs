//! A hostile broker: packets cut off, oversized, or changed at random, in every state.
//! The client ends the connection with an error code of its own and can connect again.

mod support;

use support::prop::*;
use support::*;
use Version::{V311, V5};

/// What the client may end with because of bytes: never an errno, never out of memory.
fn is_peer_s_fault(code: i32) -> bool {
    matches!(
        code,
        MOSQ_ERR_PROTOCOL
            | MOSQ_ERR_CONN_REFUSED
            | MOSQ_ERR_CONN_LOST
            | MOSQ_ERR_MALFORMED_UTF8
            | MOSQ_ERR_MALFORMED_PACKET
            | MOSQ_ERR_OVERSIZE_PACKET
            | 128..=162
    )
}

/// Numbers that are the same in every run (xorshift).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound as u64) as usize
    }

    /// `bytes` with one to four changes.
    fn mutate(&mut self, mut bytes: Vec<u8>) -> Vec<u8> {
        for _ in 0..=self.below(4) {
            let at = self.below(bytes.len().max(1));
            match self.below(6) {
                _ if bytes.is_empty() => bytes.push(self.below(256) as u8),
                0 => bytes[at] = self.below(256) as u8,
                1 => bytes[at] ^= 1 << self.below(8),
                2 => drop(bytes.remove(at)),
                3 => bytes.insert(at, self.below(256) as u8),
                4 => bytes.truncate(at),
                _ => bytes.extend_from_within(at..),
            }
        }
        bytes
    }
}

/// One packet of each kind a broker sends, as an answer to what [`Stage`] asked.
fn packets(v: Version) -> Vec<Vec<u8>> {
    let all: &[Prop] = &[
        text(REASON_STRING, "because"),
        user("name", "value"),
        user("name", "other"),
    ];
    let props = if v.is_v5() { all } else { &[] };
    let message: &[Prop] = &[
        Prop::Byte(PAYLOAD_FORMAT_INDICATOR, 1),
        Prop::VarInt(SUBSCRIPTION_IDENTIFIER, 300),
        Prop::Binary(CORRELATION_DATA, vec![1, 2, 3]),
        Prop::U16(TOPIC_ALIAS, 2),
        user("a", "b"),
    ];
    let mut packets = vec![
        connack(v, false, 0, props),
        connack(
            v,
            false,
            0,
            &[
                text(ASSIGNED_CLIENT_IDENTIFIER, "you"),
                Prop::U16(RECEIVE_MAXIMUM, 3),
            ],
        ),
        publish("a/b", b"payload").bytes(v),
        publish("a/b", b"payload").qos(1, 7).props(message).bytes(v),
        publish("a/b", b"payload").qos(2, 8).props(message).bytes(v),
        pubrel(8),
        puback(1),
        pubrec(2),
        pubcomp(2),
        suback(v, 3, props, &[0, 1]),
        unsuback(v, 4, props, &[0]),
        PINGRESP.to_vec(),
    ];
    if v.is_v5() {
        packets.extend([
            ack(0x40, 1, 0x10, props),
            ack(0x50, 2, 0x87, props),
            ack(0x62, 8, 0x92, props),
            ack(0x70, 2, 0, props),
            auth(0x18, &[text(AUTHENTICATION_METHOD, "x")]),
            disconnect_props(0x8B, props),
        ]);
    }
    packets
}

/// Where the connection stands when the hostile bytes come.
#[derive(Clone, Copy)]
enum Stage {
    Connecting,
    /// With messages of QoS 1 and 2, a SUBSCRIBE and an UNSUBSCRIBE under way.
    Busy,
}

/// One client meets a hundred hostile connections and then a good one.
fn survives(v: Version, stage: Stage, seed: u64) {
    let mut numbers = Numbers(seed);
    let broker = Broker::start();
    let mut client = Client::new(v, Some("t"), true);
    let packets = packets(v);
    for round in 0..100 {
        connect_somehow(&mut client, &broker);
        let mut peer = broker.accept();
        client.last = MOSQ_ERR_SUCCESS;
        if matches!(stage, Stage::Busy) {
            peer.send(&connack(v, false, 0, &[]));
            // What was under way before comes back; more of it changes nothing.
            let _ = client.publish("out", b"1", 1);
            let _ = client.publish("out", b"2", 2);
            let _ = client.subscribe_multiple(&["a", "b"], 1, 0, &[]);
            let _ = client.unsubscribe("c");
        }
        let mut bytes = Vec::new();
        for _ in 0..=numbers.below(3) {
            bytes.extend(&packets[numbers.below(packets.len())]);
        }
        let bytes = numbers.mutate(bytes);
        peer.send_lossy(&bytes);
        peer.close();
        let code = client.run_until_error();
        assert!(
            is_peer_s_fault(code),
            "round {round}: {code} after {bytes:02x?}"
        );
        assert_eq!(client.socket(), -1);
        while client.try_event().is_some() {}
    }
    connect_somehow(&mut client, &broker);
    client.last = MOSQ_ERR_SUCCESS;
    let mut peer = broker.accept();
    let packet = peer.take_packet_while(|_| client.step(std::time::Duration::from_millis(2)));
    assert_eq!(packet[0], 0x10);
    peer.send(&connack(v, false, 0, &[]));
    let event = client.next_event();
    assert!(matches!(event, Event::ConnectV5(0, 0, _)), "{event:?}");
}

fn connect_somehow(client: &mut Client, broker: &Broker) {
    let props = [Prop::U16(TOPIC_ALIAS_MAXIMUM, 3)];
    let v5 = client.connect_props(broker.port(), 60, &props);
    if v5 == Err(MOSQ_ERR_NOT_SUPPORTED) {
        client.connect(broker.port(), 60).unwrap();
    } else {
        v5.unwrap();
    }
}

fn changed_packets_instead_of_connack_are_survived(v: Version) {
    for seed in 1..=5 {
        survives(v, Stage::Connecting, seed * 0x9E37_79B9);
    }
}

fn changed_packets_on_a_busy_connection_are_survived(v: Version) {
    for seed in 1..=5 {
        survives(v, Stage::Busy, seed * 0x85EB_CA6B);
    }
}

fn every_packet_may_be_cut_off_anywhere(v: Version) {
    for packet in packets(v) {
        for len in 0..packet.len() {
            let mut w = Wire::open(v);
            w.send(&packet[..len]);
            w.peer.close();
            let code = w.client.run_until_error();
            assert!(
                is_peer_s_fault(code),
                "{code} after {:02x?}",
                &packet[..len]
            );
            assert_eq!(w.client.socket(), -1);
        }
    }
}

/// No more than 128 MiB, whatever the broker announces; no byte of it is waited for.
fn a_packet_above_the_default_limit_is_too_large(v: Version) {
    for header in [
        [0x30, 0xff, 0xff, 0xff, 0x7f],
        [0x30, 0x80, 0x80, 0x80, 0x40],
    ] {
        let mut w = Wire::open(v);
        w.send(&header);
        w.expect_failure(MOSQ_ERR_OVERSIZE_PACKET, 0x95);
    }
}

fn a_large_packet_that_never_comes_does_no_harm(v: Version) {
    let mut w = Wire::open(v);
    // 100 MiB announced, which is allowed.
    w.send(&[0x30, 0x80, 0x80, 0x80, 0x32, 0x00, 0x01, b'a']);
    w.client.step(std::time::Duration::from_millis(50));
    w.lose();
}

each_version!(
    changed_packets_instead_of_connack_are_survived,
    changed_packets_on_a_busy_connection_are_survived,
    every_packet_may_be_cut_off_anywhere,
    a_packet_above_the_default_limit_is_too_large,
    a_large_packet_that_never_comes_does_no_harm,
);

/// Announced lengths of a property list that reach beyond the packet.
#[test]
fn a_property_list_longer_than_its_packet_is_malformed() {
    for length in [&[0x7F][..], &[0xFF, 0x7F], &[0xFF, 0xFF, 0xFF, 0x7F]] {
        let body = [&[0x00, 0x01, b'a'][..], length, b"x"].concat();
        let mut w = Wire::open(V5);
        w.send(&packet(0x30, &body));
        w.expect_failure(MOSQ_ERR_MALFORMED_PACKET, 0x81);
    }
}

#[test]
fn bytes_of_another_protocol_are_survived() {
    for bytes in [
        &b"HTTP/1.1 400 Bad Request\r\n\r\n"[..],
        b"\x16\x03\x03\x00\x31",
        b"SSH-2.0-OpenSSH\r\n",
        &[0xFF; 64],
        &[0x00; 64],
    ] {
        let mut w = Setup::new(V311).connecting();
        w.send(bytes);
        w.peer.close();
        let code = w.client.run_until_error();
        assert!(is_peer_s_fault(code), "{code}");
    }
}
