//! MQTT 3.1.1: strings, fixed headers, topic names and topic filters (sections 1.5, 2.2, 4.7).

mod conformance_support;
mod session_support;
mod support;

use std::time::Duration;

use conformance_support::*;
use session_support::*;
use support::*;
use Version::V311;

type StringCall = Box<dyn Fn(&[u8]) -> i32>;

/// The calls by which a program hands in strings, besides `mosquitto_new`.
fn string_calls(client: Handle) -> [(&'static str, StringCall); 5] {
    [
        (
            "publish",
            Box::new(move |text| raw::publish(client, text, 0)),
        ),
        (
            "subscribe",
            Box::new(move |text| raw::subscribe(client, text, 0)),
        ),
        (
            "unsubscribe",
            Box::new(move |text| raw::unsubscribe(client, text)),
        ),
        ("will", Box::new(move |text| raw::will(client, text, 0))),
        (
            "username",
            Box::new(move |text| raw::username(client, text)),
        ),
    ]
}

#[test]
fn strings_that_are_not_utf_8_are_not_sent() {
    let mut w = Wire::open(V311);
    for text in raw::ILL_FORMED {
        for (name, call) in string_calls(*w.client) {
            let code = call(text);
            proves!(
                V311,
                "MQTT-1.5.3-1",
                code == MOSQ_ERR_MALFORMED_UTF8,
                "{name} of {text:02x?} gave {code}"
            );
        }
        proves!(
            V311,
            "MQTT-1.5.3-1",
            !raw::takes_client_id(text),
            "{text:02x?}"
        );
    }
    w.expect_silence();
    w.finish();
}

#[test]
fn a_topic_name_that_is_not_utf_8_closes_the_connection() {
    for text in raw::ILL_FORMED {
        let mut bench = Bench::open(V311);
        let packet = publish("", b"x").raw_topic(text).bytes(V311);
        proves!(
            V311,
            "MQTT-1.5.3-1",
            refuses(&mut bench, &packet, 0),
            "{text:02x?}"
        );
        bench.expect_seen(&[]);
    }
}

#[test]
fn u_0000_is_not_sent() {
    let mut bench = Bench::open(V311);
    for text in ["\0", "a\0", "a/\0/b"] {
        let outcomes = [
            bench.publish(text, b"x", 0),
            bench.publish(text, b"x", 1),
            bench.subscribe(text, 0),
            bench.unsubscribe(text),
        ];
        proves!(
            V311,
            "MQTT-1.5.3-2",
            outcomes.iter().all(Result::is_err),
            "{text:?}: {outcomes:?}"
        );
        proves!(
            V311,
            "MQTT-4.7.3-2",
            outcomes.iter().all(Result::is_err),
            "{text:?}: {outcomes:?}"
        );
    }
    bench.expect(&[]);
}

#[test]
fn u_0000_from_a_server_closes_the_connection() {
    for topic in [&b"\0"[..], b"a\0", b"a/\0/b"] {
        let mut bench = Bench::open(V311);
        let packet = publish("", b"x").raw_topic(topic).bytes(V311);
        let refused = refuses(&mut bench, &packet, 0);
        proves!(V311, "MQTT-1.5.3-2", refused, "{topic:02x?}");
        proves!(V311, "MQTT-4.7.3-2", refused, "{topic:02x?}");
        bench.expect_seen(&[]);
    }
}

#[test]
fn a_byte_order_mark_stays_in_a_string() {
    let topic = "\u{FEFF}a\u{FEFF}";
    assert_eq!(topic.as_bytes()[..3], [0xEF, 0xBB, 0xBF]);

    let mut bench = Bench::open(V311);
    bench.accept_input(&publish(topic, b"x").bytes(V311));
    let seen = bench.seen();
    proves!(
        V311,
        "MQTT-1.5.3-3",
        seen == [received(topic, b"x", 0, 0)],
        "{seen:?}"
    );

    // And as a C program gets and gives it.
    let mut w = Wire::open(V311);
    w.send(&publish(topic, b"x").bytes(V311));
    let event = w.client.next_event();
    proves!(
        V311,
        "MQTT-1.5.3-3",
        event == Event::MessageV5(Message::new(topic, b"x"), Vec::new()),
        "{event:?}"
    );
    w.client.publish(topic, b"y", 0).unwrap();
    let sent = w.take_packet();
    proves!(
        V311,
        "MQTT-1.5.3-3",
        sent == publish(topic, b"y").bytes(V311),
        "{sent:02x?}"
    );
}

#[test]
fn the_first_byte_of_every_packet_sent_is_the_tabulated_one() {
    let mut bench = Bench::open(V311);
    // CONNECT was compared byte for byte; here it is again.
    bench.lose();
    bench.connect();
    bench.accept(true, &[]);
    bench.publish("a", b"2", 2).unwrap();
    bench.accept_input(&pubrec(1));
    bench.accept_input(&publish("a", b"x").qos(1, 7).bytes(V311));
    bench.accept_input(&publish("a", b"x").qos(2, 8).bytes(V311));
    bench.accept_input(&pubrel(8));
    bench.subscribe("a", 1).unwrap();
    bench.unsubscribe("a").unwrap();
    let sent = bench.sent();
    let firsts: Vec<_> = sent.iter().map(|packet| packet[0]).collect();
    let ordered = [0x34, 0x62, 0x40, 0x50, 0x70, 0x82, 0xA2];
    proves!(V311, "MQTT-2.2.2-1", firsts == ordered, "{firsts:02x?}");
    proves!(
        V311,
        "MQTT-3.6.1-1",
        firsts[1] == 0x62,
        "PUBREL {firsts:02x?}"
    );
    proves!(
        V311,
        "MQTT-3.8.1-1",
        firsts[5] == 0x82,
        "SUBSCRIBE {firsts:02x?}"
    );
    proves!(
        V311,
        "MQTT-3.10.1-1",
        firsts[6] == 0xA2,
        "UNSUBSCRIBE {firsts:02x?}"
    );

    bench.pass(Duration::from_secs(60)).unwrap();
    bench
        .disconnect(mqttrs::types::ReasonCode::SUCCESS, &[])
        .unwrap();
    let sent = bench.sent();
    proves!(
        V311,
        "MQTT-2.2.2-1",
        sent == [PINGREQ, DISCONNECT],
        "{sent:02x?}"
    );

    bench.session.handle_closed(None);
    bench.begin().unwrap();
    let sent = bench.sent();
    proves!(V311, "MQTT-2.2.2-1", sent[0][0] == 0x10, "{sent:02x?}");
}

#[test]
fn other_flags_in_a_fixed_header_close_the_connection() {
    // All that a server sends but PUBLISH, whose flags mean something.
    let packets = [
        (connack(V311, false, 0, &[]), true),
        (puback(1), false),
        (pubrec(1), false),
        (pubrel(9), false),
        (pubcomp(1), false),
        (suback(V311, 2, &[], &[0]), false),
        (unsuback(V311, 3, &[], &[]), false),
        (PINGRESP.to_vec(), false),
    ];
    for (packet, connecting) in packets {
        for flags in (0..16).filter(|flags| *flags != packet[0] & 0x0F) {
            let mut bench = Bench::new(V311);
            bench.connect();
            if !connecting {
                bench.accept(false, &[]);
                // So that each of the packets would be expected.
                let qos = if packet[0] == 0x40 { 1 } else { 2 };
                bench.publish("a", b"x", qos).unwrap();
                if packet[0] == 0x70 {
                    bench.accept_input(&pubrec(1));
                }
                bench.subscribe("a", 0).unwrap();
                bench.unsubscribe("a").unwrap();
                bench.accept_input(&publish("a", b"x").qos(2, 9).bytes(V311));
                bench.sent();
            }
            let mut wrong = packet.clone();
            wrong[0] = wrong[0] & 0xF0 | flags;
            let refused = refuses(&mut bench, &wrong, 0);
            proves!(V311, "MQTT-2.2.2-2", refused, "{wrong:02x?}");
            if packet[0] == 0x62 {
                proves!(V311, "MQTT-3.6.1-1", refused, "{wrong:02x?}");
            }
        }
    }
}

#[test]
fn the_same_packets_with_their_own_flags_are_taken() {
    let mut bench = Bench::open(V311);
    for (qos, mid) in [(1, 1), (2, 2)] {
        assert_eq!(bench.publish("a", b"x", qos), Ok(mid));
    }
    assert_eq!(bench.subscribe("a", 0), Ok(3));
    assert_eq!(bench.unsubscribe("a"), Ok(4));
    bench.accept_input(&publish("a", b"x").qos(2, 9).bytes(V311));
    for packet in [
        puback(1),
        pubrec(2),
        pubrel(9),
        pubcomp(2),
        suback(V311, 3, &[], &[0]),
        unsuback(V311, 4, &[], &[]),
        PINGRESP.to_vec(),
    ] {
        let outcome = bench.receive(&packet);
        proves!(
            V311,
            "MQTT-2.2.2-2",
            outcome.is_ok(),
            "{packet:02x?}: {outcome:?}"
        );
    }
}

#[test]
fn requests_of_a_client_close_the_connection_when_a_server_sends_them() {
    for flags in 0..16 {
        let mut bench = Bench::open(V311);
        let mut packet = subscribe(V311, 1, &[], &[("a", 0)]);
        packet[0] = 0x80 | flags;
        let refused = refuses(&mut bench, &packet, 0);
        proves!(V311, "MQTT-3.8.1-1", refused, "{packet:02x?}");

        let mut bench = Bench::open(V311);
        let mut packet = unsubscribe(V311, 1, &[], &["a"]);
        packet[0] = 0xA0 | flags;
        let refused = refuses(&mut bench, &packet, 0);
        proves!(V311, "MQTT-3.10.1-1", refused, "{packet:02x?}");
    }
}

#[test]
fn wildcards_stand_in_filters_and_not_in_names() {
    let mut bench = Bench::open(V311);
    for text in ["+", "#", "a/+", "a/#", "+/b", "a/+/#"] {
        let names = [bench.publish(text, b"x", 0), bench.publish(text, b"x", 2)];
        proves!(
            V311,
            "MQTT-4.7.1-1",
            names.iter().all(Result::is_err),
            "{text}"
        );
        proves!(
            V311,
            "MQTT-3.3.2-2",
            names.iter().all(Result::is_err),
            "{text}"
        );
        bench.expect(&[]);
        let mid = bench.subscribe(text, 1).unwrap();
        let sent = bench.sent();
        proves!(
            V311,
            "MQTT-4.7.1-1",
            sent == [subscribe(V311, mid, &[], &[(text, 1)])],
            "{sent:02x?}"
        );
        let mid = bench.unsubscribe(text).unwrap();
        let sent = bench.sent();
        proves!(
            V311,
            "MQTT-4.7.1-1",
            sent == [unsubscribe(V311, mid, &[], &[text])],
            "{sent:02x?}"
        );
    }
    let client = Client::new(V311, Some("t"), true);
    for text in ["+", "#", "a/+", "a/#", "a+", "#a"] {
        let codes = [
            raw::publish(*client, text.as_bytes(), 1),
            raw::will(*client, text.as_bytes(), 0),
        ];
        proves!(
            V311,
            "MQTT-4.7.1-1",
            codes == [MOSQ_ERR_INVAL; 2],
            "{codes:?}"
        );
    }
}

#[test]
fn a_topic_name_with_wildcards_closes_the_connection() {
    for topic in ["+", "#", "a/+", "a/#", "a+b", "a#"] {
        for qos in 0..3 {
            let mut bench = Bench::open(V311);
            let packet = publish(topic, b"x").qos(qos, 5).bytes(V311);
            let refused = refuses(&mut bench, &packet, 0);
            proves!(V311, "MQTT-3.3.2-2", refused, "{topic} QoS {qos}");
            proves!(V311, "MQTT-4.7.1-1", refused, "{topic} QoS {qos}");
            bench.expect_seen(&[]);
        }
    }
}

/// Filters, and whether they are well formed as far as `wildcard` goes.
const HASHES: [(&str, bool); 12] = [
    ("#", true),
    ("/#", true),
    ("a/#", true),
    ("a/b/#", true),
    ("$SYS/#", true),
    ("a#", false),
    ("#a", false),
    ("a/b#", false),
    ("a/#b", false),
    ("#/", false),
    ("#/a", false),
    ("a/#/b", false),
];
const PLUSES: [(&str, bool); 14] = [
    ("+", true),
    ("/+", true),
    ("+/", true),
    ("+/+", true),
    ("a/+", true),
    ("+/b", true),
    ("a/+/c", true),
    ("+/b/#", true),
    ("a+", false),
    ("+a", false),
    ("++", false),
    ("a/b+", false),
    ("a/+b/c", false),
    ("a/+#", false),
];

/// Whether both requests go out with this filter (or both not).
fn is_sent(bench: &mut Bench, filter: &str) -> bool {
    let outcomes = [bench.subscribe(filter, 2), bench.unsubscribe(filter)];
    let sent = bench.sent();
    match outcomes {
        [Ok(one), Ok(other)] => {
            let wanted = [
                subscribe(V311, one, &[], &[(filter, 2)]),
                unsubscribe(V311, other, &[], &[filter]),
            ];
            assert_eq!(sent, wanted);
            true
        }
        [Err(_), Err(_)] => {
            assert!(sent.is_empty(), "{sent:02x?}");
            false
        }
        other => panic!("{filter}: {other:?}"),
    }
}

#[test]
fn a_number_sign_stands_alone_at_the_end_of_a_filter() {
    let mut bench = Bench::open(V311);
    for (filter, good) in HASHES {
        proves!(
            V311,
            "MQTT-4.7.1-2",
            is_sent(&mut bench, filter) == good,
            "{filter}"
        );
    }
    let w = Wire::open(V311);
    for (filter, _) in HASHES.iter().filter(|(_, good)| !good) {
        let code = raw::subscribe(*w.client, filter.as_bytes(), 0);
        proves!(
            V311,
            "MQTT-4.7.1-2",
            code == MOSQ_ERR_INVAL,
            "{filter}: {code}"
        );
    }
}

#[test]
fn a_plus_sign_fills_a_whole_level_of_a_filter() {
    let mut bench = Bench::open(V311);
    for (filter, good) in PLUSES {
        proves!(
            V311,
            "MQTT-4.7.1-3",
            is_sent(&mut bench, filter) == good,
            "{filter}"
        );
    }
    let w = Wire::open(V311);
    for (filter, _) in PLUSES.iter().filter(|(_, good)| !good) {
        let code = raw::subscribe(*w.client, filter.as_bytes(), 0);
        proves!(
            V311,
            "MQTT-4.7.1-3",
            code == MOSQ_ERR_INVAL,
            "{filter}: {code}"
        );
    }
}

#[test]
fn empty_topic_names_and_filters_are_not_sent() {
    let mut bench = Bench::open(V311);
    let outcomes = [
        bench.publish("", b"x", 0),
        bench.publish("", b"x", 1),
        bench.publish("", b"x", 2),
        bench.subscribe("", 0),
        bench.unsubscribe(""),
    ];
    proves!(
        V311,
        "MQTT-4.7.3-1",
        outcomes.iter().all(Result::is_err),
        "{outcomes:?}"
    );
    bench.expect(&[]);

    let mut w = Wire::open(V311);
    let codes = [
        raw::publish(*w.client, b"", 0),
        raw::subscribe(*w.client, b"", 0),
        raw::unsubscribe(*w.client, b""),
        raw::will(*w.client, b"", 0),
    ];
    proves!(
        V311,
        "MQTT-4.7.3-1",
        codes == [MOSQ_ERR_INVAL; 4],
        "{codes:?}"
    );
    w.expect_silence();
}

#[test]
fn an_empty_topic_name_closes_the_connection() {
    for qos in 0..3 {
        let mut bench = Bench::open(V311);
        let packet = publish("", b"x").qos(qos, 5).bytes(V311);
        proves!(
            V311,
            "MQTT-4.7.3-1",
            refuses(&mut bench, &packet, 0),
            "QoS {qos}"
        );
    }
}

#[test]
fn topics_have_at_most_65535_bytes() {
    let longest = "é".repeat(32767) + "x";
    assert_eq!(longest.len(), 65535);
    let mut bench = Bench::open(V311);
    bench.accept_input(&publish(&longest, b"x").bytes(V311));
    let seen = bench.seen();
    proves!(
        V311,
        "MQTT-4.7.3-3",
        seen == [received(&longest, b"x", 0, 0)]
    );

    bench.publish(&longest, b"x", 0).unwrap();
    let sent = bench.sent();
    proves!(
        V311,
        "MQTT-4.7.3-3",
        sent == [publish(&longest, b"x").bytes(V311)],
        "{} packets",
        sent.len()
    );
    proves!(V311, "MQTT-4.7.3-3", is_sent(&mut bench, &longest));

    // 32768 characters, but 65536 bytes.
    let too_long = "é".repeat(32768);
    for qos in 0..3 {
        let outcome = bench.publish(&too_long, b"x", qos);
        proves!(V311, "MQTT-4.7.3-3", outcome.is_err(), "QoS {qos}");
    }
    proves!(V311, "MQTT-4.7.3-3", !is_sent(&mut bench, &too_long));
    bench.expect(&[]);
}
