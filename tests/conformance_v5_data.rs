//! MQTT 5.0: strings, variable byte integers, fixed headers, packet identifiers and the
//! property length (sections 1.5 and 2).

mod conformance_support;
mod session_support;
mod support;

use std::collections::HashSet;
use std::ffi::{c_int, CString};
use std::ptr;
use std::time::Duration;

use conformance_support::*;
use mqttrs::types::ReasonCode;
use session_support::*;
use support::prop::*;
use support::*;
use Version::V5;

const MALFORMED: u8 = 0x81;

/// Each string property, with a packet of a server that may carry it, `text` being the
/// value, and whether that packet comes instead of CONNACK.
fn packets_with(text: &[u8]) -> Vec<(&'static str, Vec<u8>, bool)> {
    let string = |id: u8| [&[id], &binary(text)[..]].concat();
    let pair = |name: &[u8], value: &[u8]| [&[38], &binary(name)[..], &binary(value)].concat();
    let with = |first: u8, start: &[u8], props: Vec<u8>, end: &[u8]| {
        packet(first, &[start, &varint(props.len()), &props, end].concat())
    };
    let topic = binary(b"a");
    vec![
        (
            "topic name",
            packet(0x30, &[&binary(text)[..], &[0]].concat()),
            false,
        ),
        ("content type", with(0x30, &topic, string(3), b""), false),
        ("response topic", with(0x30, &topic, string(8), b""), false),
        ("name", with(0x30, &topic, pair(text, b"x"), b""), false),
        ("value", with(0x30, &topic, pair(b"x", text), b""), false),
        ("PUBACK", with(0x40, &[0, 1, 0], string(31), b""), false),
        ("PUBREC", with(0x50, &[0, 2, 0], string(31), b""), false),
        ("PUBREL", with(0x62, &[0, 9, 0], string(31), b""), false),
        ("SUBACK", with(0x90, &[0, 3], string(31), &[0]), false),
        ("UNSUBACK", with(0xB0, &[0, 4], string(31), &[0]), false),
        ("DISCONNECT", with(0xE0, &[0x8B], string(31), b""), false),
        ("reference", with(0xE0, &[0x9C], string(28), b""), false),
        ("CONNACK", with(0x20, &[0, 0], string(31), b""), true),
        ("assigned id", with(0x20, &[0, 0], string(18), b""), true),
        (
            "response information",
            with(0x20, &[0, 0], string(26), b""),
            true,
        ),
        ("name", with(0x20, &[0, 0], pair(text, b""), b""), true),
        ("value", with(0x20, &[0, 0], pair(b"", text), b""), true),
    ]
}

/// A session to which each packet of [`packets_with`] is due.
fn expecting(connecting: bool) -> Bench {
    let mut bench = Bench::new(V5);
    bench.connect();
    if !connecting {
        bench.accept(false, &[]);
        assert_eq!(bench.publish("a", b"x", 1), Ok(1));
        assert_eq!(bench.publish("a", b"x", 2), Ok(2));
        assert_eq!(bench.subscribe("a", 0), Ok(3));
        assert_eq!(bench.unsubscribe("a"), Ok(4));
        bench.accept_input(&publish("a", b"x").qos(2, 9).bytes(V5));
        bench.sent();
        bench.seen();
    }
    bench
}

#[test]
fn strings_that_are_not_utf_8_are_not_sent() {
    let mut w = Wire::open(V5);
    for text in raw::ILL_FORMED {
        let client = *w.client;
        let codes = [
            raw::publish(client, text, 0),
            raw::subscribe(client, text, 0),
            raw::unsubscribe(client, text),
            raw::will(client, text, 0),
            raw::username(client, text),
        ];
        proves!(
            V5,
            "MQTT-1.5.4-1",
            codes == [MOSQ_ERR_MALFORMED_UTF8; 5],
            "{text:02x?}: {codes:?}"
        );
        let taken = raw::takes_client_id(text);
        proves!(V5, "MQTT-1.5.4-1", !taken, "client identifier {text:02x?}");
    }
    w.expect_silence();
    w.finish();
}

/// What the functions that add a string property to a list say to `text`.
fn property_codes(text: &[u8]) -> Vec<(&'static str, c_int)> {
    let text = CString::new(text).unwrap();
    let mut list = List(ptr::null_mut());
    let list = &mut list.0;
    let mut codes = Vec::new();
    for (name, id) in [
        ("content type", CONTENT_TYPE),
        ("response topic", RESPONSE_TOPIC),
        ("reason string", REASON_STRING),
        ("authentication method", AUTHENTICATION_METHOD),
    ] {
        // SAFETY: a list and a C string.
        let code = unsafe { mosquitto_property_add_string(list, id.into(), text.as_ptr()) };
        codes.push((name, code));
    }
    codes
}

/// The same for the name and for the value of a user property.
fn pair_codes(text: &[u8]) -> [c_int; 2] {
    let text = CString::new(text).unwrap();
    let mut list = List(ptr::null_mut());
    let mut add = |name: *const _, value: *const _| {
        // SAFETY: a list and C strings.
        unsafe {
            mosquitto_property_add_string_pair(&mut list.0, USER_PROPERTY.into(), name, value)
        }
    };
    [
        add(text.as_ptr(), c"x".as_ptr()),
        add(c"x".as_ptr(), text.as_ptr()),
    ]
}

#[test]
fn properties_that_are_not_utf_8_are_not_sent() {
    for text in raw::ILL_FORMED {
        for (name, code) in property_codes(text) {
            let refused = code == MOSQ_ERR_MALFORMED_UTF8;
            proves!(V5, "MQTT-1.5.4-1", refused, "{name} {text:02x?}: {code}");
            if name == "response topic" {
                proves!(V5, "MQTT-3.3.2-13", refused, "{text:02x?}: {code}");
            }
            if name == "content type" {
                proves!(V5, "MQTT-3.3.2-19", refused, "{text:02x?}: {code}");
            }
        }
        let codes = pair_codes(text);
        proves!(
            V5,
            "MQTT-1.5.7-1",
            codes == [MOSQ_ERR_MALFORMED_UTF8; 2],
            "{text:02x?}: {codes:?}"
        );
    }
    // And what is UTF-8 passes, so that it is the text that was refused.
    let codes = property_codes("é/Ω".as_bytes());
    assert!(codes.iter().all(|(_, code)| *code == 0), "{codes:?}");
    assert_eq!(pair_codes("é/Ω".as_bytes()), [0; 2]);
}

#[test]
fn a_string_that_is_not_utf_8_is_a_malformed_packet_wherever_it_stands() {
    for text in raw::ILL_FORMED {
        for (name, packet, connecting) in packets_with(text) {
            let mut bench = expecting(connecting);
            let refused = refuses(&mut bench, &packet, MALFORMED);
            proves!(V5, "MQTT-1.5.4-1", refused, "{name} {text:02x?}");
            match name {
                "topic name" => proves!(V5, "MQTT-3.3.2-1", refused, "{text:02x?}"),
                "response topic" => proves!(V5, "MQTT-3.3.2-13", refused, "{text:02x?}"),
                "content type" => proves!(V5, "MQTT-3.3.2-19", refused, "{text:02x?}"),
                "name" | "value" => proves!(V5, "MQTT-1.5.7-1", refused, "{name} {text:02x?}"),
                _ => {}
            }
            bench.expect_seen(&[]);
        }
    }
}

#[test]
fn the_same_packets_with_utf_8_are_taken() {
    for (name, packet, connecting) in packets_with("a\u{e9}\u{3a9}".as_bytes()) {
        let mut bench = expecting(connecting);
        let outcome = bench.receive(&packet);
        let goodbye = packet[0] == 0xE0;
        proves!(
            V5,
            "MQTT-1.5.4-1",
            outcome.is_ok() != goodbye && bench.sent().iter().all(|sent| sent[0] != 0xE0),
            "{name}: {outcome:?}"
        );
    }
}

#[test]
fn u_0000_is_not_sent() {
    let mut bench = Bench::open(V5);
    for text in ["\0", "a\0", "a/\0/b"] {
        let outcomes = [
            bench.publish(text, b"x", 0),
            bench.publish(text, b"x", 1),
            bench.subscribe(text, 0),
            bench.unsubscribe(text),
        ];
        let refused = outcomes.iter().all(Result::is_err);
        proves!(V5, "MQTT-1.5.4-2", refused, "{text:?}: {outcomes:?}");
        proves!(V5, "MQTT-4.7.3-2", refused, "{text:?}: {outcomes:?}");
    }
    bench.expect(&[]);
}

#[test]
fn u_0000_from_a_server_is_a_malformed_packet_wherever_it_stands() {
    for text in [&b"\0"[..], b"a\0", b"a/\0/b"] {
        for (name, packet, connecting) in packets_with(text) {
            let mut bench = expecting(connecting);
            let refused = refuses(&mut bench, &packet, MALFORMED);
            proves!(V5, "MQTT-1.5.4-2", refused, "{name} {text:02x?}");
            match name {
                "topic name" => proves!(V5, "MQTT-4.7.3-2", refused, "{text:02x?}"),
                "name" | "value" => proves!(V5, "MQTT-1.5.7-1", refused, "{name} {text:02x?}"),
                _ => {}
            }
            bench.expect_seen(&[]);
        }
    }
}

#[test]
fn a_byte_order_mark_stays_in_a_string() {
    let text = "\u{FEFF}a\u{FEFF}";
    assert_eq!(text.as_bytes()[..3], [0xEF, 0xBB, 0xBF]);
    let props = [
        prop::text(CONTENT_TYPE, text),
        prop::text(RESPONSE_TOPIC, text),
        user(text, text),
    ];
    let packet = publish(text, b"x").props(&props).bytes(V5);

    let mut bench = Bench::open(V5);
    bench.accept_input(&packet);
    let seen = bench.seen();
    let Some(Seen::Message(message)) = seen.first() else {
        panic!("{seen:?}");
    };
    proves!(V5, "MQTT-1.5.4-3", message.topic == text, "{message:?}");
    proves!(
        V5,
        "MQTT-1.5.4-3",
        message.properties == encode(&props)[1..],
        "{message:?}"
    );

    // And as a C program gets and gives it.
    let mut w = Wire::open(V5);
    w.send(&packet);
    let event = w.client.next_event();
    proves!(
        V5,
        "MQTT-1.5.4-3",
        event == Event::MessageV5(Message::new(text, b"x"), props.to_vec()),
        "{event:?}"
    );
    w.client.publish_v5(text, b"x", 0, &props).unwrap();
    let sent = w.take_packet();
    proves!(V5, "MQTT-1.5.4-3", sent == packet, "{sent:02x?}");
}

#[test]
fn variable_byte_integers_are_sent_in_their_shortest_form() {
    // Around each border, as remaining length (of a topic of one byte, 4 bytes in all), as
    // property length and as subscription identifier.
    for value in [127, 128, 16_383, 16_384, 2_097_151, 2_097_152] {
        let mut bench = Bench::open(V5);
        bench.publish("a", &vec![b'x'; value - 4], 0).unwrap();
        let sent = bench.sent();
        let length = varint(value);
        proves!(
            V5,
            "MQTT-1.5.5-1",
            sent[0][1..=length.len()] == length && sent[0].len() == 1 + length.len() + value,
            "{value}: {:02x?}",
            &sent[0][..8]
        );
    }
    for (value, length) in [(127, 1), (128, 2), (16_383, 2), (16_384, 3)] {
        let mut bench = Bench::open(V5);
        let props = [user("a", &"v".repeat(value - 6))];
        bench.publish_props("a", b"", 0, &props).unwrap();
        let sent = bench.sent();
        let at = sent[0].len() - value - length;
        proves!(
            V5,
            "MQTT-1.5.5-1",
            sent[0][at..at + length] == varint(value) && sent[0][at - 3..at] == [0, 1, b'a'],
            "{value}: {:02x?}",
            &sent[0][..12]
        );
    }
    for (value, bytes) in [
        (1, &[1][..]),
        (127, &[0x7F]),
        (128, &[0x80, 1]),
        (16_384, &[0x80, 0x80, 1]),
        (268_435_455, &[0xFF, 0xFF, 0xFF, 0x7F]),
    ] {
        let mut w = Wire::open(V5);
        let props = [Prop::VarInt(SUBSCRIPTION_IDENTIFIER, value)];
        w.client.subscribe_v5("a", 0, 0, &props).unwrap();
        let sent = w.take_packet();
        let wanted = [&[1 + bytes.len() as u8, 11], bytes].concat();
        proves!(
            V5,
            "MQTT-1.5.5-1",
            sent[4..4 + wanted.len()] == wanted,
            "{value}: {sent:02x?}"
        );
    }
}

#[test]
fn variable_byte_integers_longer_than_needed_are_malformed() {
    let topic = binary(b"a");
    let packets = [
        ("remaining length", vec![0xD0, 0x80, 0x00]),
        ("remaining length", vec![0x30, 0x84, 0x00, 0, 1, b'a', 0]),
        (
            "remaining length of five bytes",
            vec![0x30, 0x80, 0x80, 0x80, 0x80, 0x01],
        ),
        ("property length", packet(0x30, &[0, 1, b'a', 0x80, 0x00])),
        (
            "property length",
            packet(0x30, &[&topic[..], &[0x82, 0x00, 1, 0]].concat()),
        ),
        (
            "property identifier",
            packet(0x30, &[&topic[..], &[3, 0x81, 0x00, 0]].concat()),
        ),
        (
            "subscription identifier",
            packet(0x30, &[&topic[..], &[3, 11, 0x81, 0x00]].concat()),
        ),
        (
            "subscription identifier",
            packet(
                0x30,
                &[&topic[..], &[5, 11, 0x80, 0x80, 0x80, 0x00]].concat(),
            ),
        ),
    ];
    for (what, packet) in packets {
        let mut bench = Bench::open(V5);
        let refused = refuses(&mut bench, &packet, MALFORMED);
        proves!(V5, "MQTT-1.5.5-1", refused, "{what}");
    }
}

#[test]
fn the_first_byte_of_every_packet_sent_is_the_tabulated_one() {
    let mut bench = Bench::with(
        V5,
        Options {
            props: vec![prop::text(AUTHENTICATION_METHOD, "m")],
            ..Options::default()
        },
    );
    bench.begin().unwrap();
    let sent = bench.sent();
    proves!(V5, "MQTT-2.1.3-1", sent[0][0] == 0x10, "{sent:02x?}");
    bench.accept(false, &[prop::text(AUTHENTICATION_METHOD, "m")]);
    bench.publish("a", b"2", 2).unwrap();
    bench.accept_input(&pubrec(1));
    bench.accept_input(&publish("a", b"x").qos(1, 7).bytes(V5));
    bench.accept_input(&publish("a", b"x").qos(2, 8).bytes(V5));
    bench.accept_input(&pubrel(8));
    bench.subscribe("a", 1).unwrap();
    bench.unsubscribe("a").unwrap();
    bench
        .session
        .authenticate("m", None, mqttrs::codec::Properties::EMPTY)
        .unwrap();
    bench.pass(Duration::from_secs(60)).unwrap();
    bench.disconnect(ReasonCode(4), &[]).unwrap();
    let sent = bench.sent();
    let firsts: Vec<_> = sent.iter().map(|packet| packet[0]).collect();
    let tabulated = [0x34, 0x62, 0x40, 0x50, 0x70, 0x82, 0xA2, 0xF0, 0xC0, 0xE0];
    proves!(V5, "MQTT-2.1.3-1", firsts == tabulated, "{firsts:02x?}");
    proves!(V5, "MQTT-3.6.1-1", firsts[1] == 0x62, "{firsts:02x?}");
    proves!(V5, "MQTT-3.8.1-1", firsts[5] == 0x82, "{firsts:02x?}");
    proves!(V5, "MQTT-3.10.1-1", firsts[6] == 0xA2, "{firsts:02x?}");
    proves!(V5, "MQTT-3.15.1-1", firsts[7] == 0xF0, "{firsts:02x?}");
    proves!(V5, "MQTT-3.14.1-1", firsts[9] == 0xE0, "{firsts:02x?}");
}

#[test]
fn other_flags_in_a_fixed_header_are_malformed() {
    // All that a server sends but PUBLISH, whose flags mean something.
    let packets = [
        (connack(V5, false, 0, &[]), true),
        (auth(0x18, &[prop::text(AUTHENTICATION_METHOD, "m")]), true),
        (puback(1), false),
        (pubrec(2), false),
        (pubrel(9), false),
        (suback(V5, 3, &[], &[0]), false),
        (unsuback(V5, 4, &[], &[0]), false),
        (PINGRESP.to_vec(), false),
        (disconnect_reason(0x8B), false),
        // Nothing a server may send, whatever its flags.
        (subscribe(V5, 1, &[], &[("a", 0)]), false),
        (unsubscribe(V5, 1, &[], &["a"]), false),
    ];
    for (packet, connecting) in packets {
        for flags in (0..16).filter(|flags| *flags != packet[0] & 0x0F) {
            let mut bench = expecting(connecting);
            let mut wrong = packet.clone();
            wrong[0] = wrong[0] & 0xF0 | flags;
            let refused = refuses(&mut bench, &wrong, MALFORMED);
            proves!(V5, "MQTT-2.1.3-1", refused, "{wrong:02x?}");
            match packet[0] {
                0x62 => proves!(V5, "MQTT-3.6.1-1", refused, "{wrong:02x?}"),
                0x82 => proves!(V5, "MQTT-3.8.1-1", refused, "{wrong:02x?}"),
                0xA2 => proves!(V5, "MQTT-3.10.1-1", refused, "{wrong:02x?}"),
                0xE0 => proves!(V5, "MQTT-3.14.1-1", refused, "{wrong:02x?}"),
                0xF0 => proves!(V5, "MQTT-3.15.1-1", refused, "{wrong:02x?}"),
                _ => {}
            }
        }
    }
    let mut bench = expecting(false);
    assert_eq!(bench.publish("a", b"x", 2), Ok(5));
    bench.accept_input(&pubrec(5));
    bench.sent();
    let refused = refuses(&mut bench, &[0x71, 2, 0, 5], MALFORMED);
    proves!(V5, "MQTT-2.1.3-1", refused, "PUBCOMP");
}

#[test]
fn a_qos_0_message_has_no_packet_identifier() {
    let mut bench = Bench::open(V5);
    bench.publish("a", b"xyz", 0).unwrap();
    let sent = bench.sent();
    proves!(
        V5,
        "MQTT-2.2.1-2",
        sent == [[0x30, 7, 0, 1, b'a', 0, b'x', b'y', b'z']],
        "{sent:02x?}"
    );
    // Nor is one looked for in a message received.
    bench.accept_input(&[0x30, 7, 0, 1, b'a', 0, b'x', b'y', b'z']);
    let seen = bench.seen();
    proves!(
        V5,
        "MQTT-2.2.1-2",
        seen.last() == Some(&received("a", b"xyz", 0, 0)),
        "{seen:?}"
    );
    bench.expect(&[]);
}

#[test]
fn new_packets_get_an_identifier_that_nothing_has_in_use() {
    let mut bench = Bench::open(V5);
    // In use for good: a message of each QoS, at each stage, and two requests.
    let mut used: HashSet<u16> = HashSet::new();
    used.insert(bench.publish("a", b"1", 1).unwrap());
    used.insert(bench.publish("a", b"2", 2).unwrap());
    let released = bench.publish("a", b"2", 2).unwrap();
    bench.accept_input(&pubrec(released));
    used.insert(released);
    used.insert(bench.subscribe("a", 0).unwrap());
    used.insert(bench.unsubscribe("a").unwrap());
    proves!(V5, "MQTT-2.2.1-3", used.len() == 5, "{used:?}");
    bench.sent();
    // More than all identifiers are handed out meanwhile, by all kinds of packets.
    let mut seen = HashSet::new();
    for round in 0..70_000u32 {
        let mid = match round % 4 {
            0 => bench.publish("a", b"1", 1).unwrap(),
            1 => bench.publish("a", b"2", 2).unwrap(),
            2 => bench.subscribe("a", 0).unwrap(),
            _ => bench.unsubscribe("a").unwrap(),
        };
        let sent = bench.sent();
        let on_the_wire = match round % 4 {
            0 | 1 => read::PublishFields::read(&sent[0], true).and_then(|p| p.packet_id),
            _ => Some(read::packet_id(&sent[0])),
        };
        proves!(
            V5,
            "MQTT-2.2.1-3",
            on_the_wire == Some(mid) && mid != 0 && !used.contains(&mid),
            "{on_the_wire:?}, in use {used:?}"
        );
        seen.insert(mid);
        match round % 4 {
            0 => bench.accept_input(&puback(mid)),
            1 => {
                bench.accept_input(&pubrec(mid));
                bench.accept_input(&pubcomp(mid));
                bench.sent();
            }
            2 => bench.accept_input(&suback(V5, mid, &[], &[0])),
            _ => bench.accept_input(&unsuback(V5, mid, &[], &[0])),
        }
        bench.seen();
    }
    assert_eq!(seen.len(), 65_535 - used.len());
}

#[test]
fn acknowledgements_echo_the_packet_identifier_of_the_message() {
    for mid in [1, 2, 255, 256, 0x1234, 65_534, 65_535] {
        let mut bench = Bench::open(V5);
        bench.accept_input(&publish("a", b"x").qos(1, mid).bytes(V5));
        let sent = bench.sent();
        proves!(V5, "MQTT-2.2.1-5", sent == [puback(mid)], "{sent:02x?}");
        bench.accept_input(&publish("a", b"x").qos(2, mid).bytes(V5));
        let sent = bench.sent();
        proves!(V5, "MQTT-2.2.1-5", sent == [pubrec(mid)], "{sent:02x?}");
        bench.accept_input(&pubrel(mid));
        let sent = bench.sent();
        proves!(V5, "MQTT-2.2.1-5", sent == [pubcomp(mid)], "{sent:02x?}");
    }
    let mut bench = Bench::open(V5);
    for mid in 1..=300 {
        assert_eq!(bench.publish("a", b"x", 2), Ok(mid));
        bench.sent();
        bench.accept_input(&pubrec(mid));
        let sent = bench.sent();
        proves!(V5, "MQTT-2.2.1-5", sent == [pubrel(mid)], "{sent:02x?}");
        bench.accept_input(&pubcomp(mid));
    }
}

#[test]
fn a_packet_without_properties_says_so_with_a_length_of_0() {
    // Nothing but the will's own fields stands behind its property length.
    let broker = Broker::start();
    let client = Client::new(V5, Some("t"), true);
    client.will("w", b"", 0, false).unwrap();
    client.connect(broker.port(), 60).unwrap();
    let sent = broker.accept().take_packet();
    proves!(
        V5,
        "MQTT-2.2.2-1",
        sent.ends_with(&[0, 1, b't', 0, 0, 1, b'w', 0, 0]),
        "CONNECT {sent:02x?}"
    );

    let mut w = Wire::open(V5);
    w.client.publish("a", b"x", 0).unwrap();
    let sent = w.take_packet();
    proves!(
        V5,
        "MQTT-2.2.2-1",
        sent == [0x30, 5, 0, 1, b'a', 0, b'x'],
        "PUBLISH {sent:02x?}"
    );
    let mid = w.client.subscribe("a", 1).unwrap() as u8;
    let sent = w.take_packet();
    proves!(
        V5,
        "MQTT-2.2.2-1",
        sent == [0x82, 7, 0, mid, 0, 0, 1, b'a', 1],
        "SUBSCRIBE {sent:02x?}"
    );
    let mid = w.client.unsubscribe("a").unwrap() as u8;
    let sent = w.take_packet();
    proves!(
        V5,
        "MQTT-2.2.2-1",
        sent == [0xA2, 6, 0, mid, 0, 0, 1, b'a'],
        "UNSUBSCRIBE {sent:02x?}"
    );
}

#[test]
fn a_packet_that_lacks_its_property_length_is_malformed() {
    for (name, packet, connecting) in [
        ("CONNACK", packet(0x20, &[0, 0]), true),
        ("PUBLISH", packet(0x30, &[0, 1, b'a']), false),
        ("SUBACK", packet(0x90, &[0, 3]), false),
        ("UNSUBACK", packet(0xB0, &[0, 4]), false),
    ] {
        let mut bench = expecting(connecting);
        let refused = refuses(&mut bench, &packet, MALFORMED);
        proves!(V5, "MQTT-2.2.2-1", refused, "{name}");
    }
}
