//! MQTT 5.0: what a server's CONNACK forbids, and flow control (sections 3.2.2.3, 3.3.4
//! and 4.9).

mod conformance_support;
mod session_support;
mod support;

use conformance_support::read::{packet_type, PublishFields};
use conformance_support::*;
use mqttrs::codec::{Properties, SubscriptionOptions};
use mqttrs::error::{CallerError, Error};
use mqttrs::session::Publication;
use mqttrs::types::{QoS, ReasonCode};
use session_support::*;
use support::prop::*;
use support::*;
use Version::V5;

/// Connected to a server with these limits.
fn limited(connack_props: &[Prop]) -> Bench {
    Bench::open_with(V5, Options::default(), connack_props)
}

/// What PUBLISH packets these are.
fn publishes(sent: &[Vec<u8>]) -> Vec<PublishFields> {
    sent.iter()
        .filter_map(|packet| PublishFields::read(packet, true))
        .collect()
}

fn publish_retained(bench: &mut Bench, qos: u8) {
    let message = Publication {
        topic: "a",
        payload: b"x",
        qos: QoS::new(qos).unwrap(),
        retain: true,
        properties: Properties::EMPTY,
    };
    bench.session.publish(&message, bench.now, |_| ()).unwrap();
}

#[test]
fn no_message_has_a_qos_above_the_servers_maximum() {
    for maximum in 0..2u8 {
        let mut bench = limited(&[Prop::Byte(MAXIMUM_QOS, maximum)]);
        for qos in 0..3 {
            let outcome = bench.publish("a", b"x", qos);
            let sent = publishes(&bench.sent());
            let kept = outcome.is_ok() == (qos <= maximum)
                && sent.iter().all(|publish| publish.qos == qos)
                && sent.len() == usize::from(qos <= maximum);
            proves!(
                V5,
                "MQTT-3.2.2-11",
                kept,
                "QoS {qos}: {outcome:?}, {sent:?}"
            );
            if qos > maximum {
                assert_eq!(outcome, Err(Error::Caller(CallerError::QosNotSupported)));
            }
        }
    }
    // Nor has one that was accepted before the server said so, in flight or not.
    let mut bench = Bench::open(V5);
    bench.publish("a", b"2", 2).unwrap();
    bench.publish("a", b"1", 1).unwrap();
    bench.lose();
    bench.publish("a", b"2", 2).unwrap();
    bench.publish("a", b"1", 1).unwrap();
    bench.sent();
    bench.reconnect(true, &[Prop::Byte(MAXIMUM_QOS, 1)]);
    let sent = publishes(&bench.sent());
    let kept = sent.len() == 2 && sent.iter().all(|publish| publish.qos == 1);
    proves!(V5, "MQTT-3.2.2-11", kept, "{sent:?}");
}

#[test]
fn nothing_is_retained_on_a_server_that_does_not_retain() {
    let mut bench = Bench::new(V5);
    publish_retained(&mut bench, 1);
    publish_retained(&mut bench, 2);
    bench.connect();
    bench.accept(false, &[Prop::Byte(RETAIN_AVAILABLE, 0)]);
    for qos in 0..3 {
        publish_retained(&mut bench, qos);
    }
    let sent = publishes(&bench.sent());
    let none = sent.len() == 5 && sent.iter().all(|publish| !publish.retain);
    proves!(V5, "MQTT-3.2.2-14", none, "{sent:?}");
    // Nor when they are sent again.
    bench.seen();
    bench.lose();
    bench.reconnect(true, &[Prop::Byte(RETAIN_AVAILABLE, 0)]);
    let sent = publishes(&bench.sent());
    let none = sent.len() == 4 && sent.iter().all(|publish| !publish.retain);
    proves!(V5, "MQTT-3.2.2-14", none, "{sent:?}");
    // A server that does retain gets the flag.
    let mut bench = limited(&[Prop::Byte(RETAIN_AVAILABLE, 1)]);
    publish_retained(&mut bench, 0);
    let sent = publishes(&bench.sent());
    proves!(V5, "MQTT-3.2.2-14", sent[0].retain, "{sent:?}");
}

/// Calls that send one packet each, of 60 bytes when given `fill`.
type Call = fn(&mut Bench, &str) -> mqttrs::error::Result<()>;

fn calls() -> Vec<(&'static str, usize, Call)> {
    vec![
        ("PUBLISH QoS 0", 52, |bench, fill| {
            bench.publish("topic", &fill.as_bytes()[2..], 0).map(drop)
        }),
        ("PUBLISH QoS 1", 52, |bench, fill| {
            bench.publish("topic", &fill.as_bytes()[4..], 1).map(drop)
        }),
        ("PUBLISH QoS 2", 52, |bench, fill| {
            bench.publish("topic", &fill.as_bytes()[4..], 2).map(drop)
        }),
        ("PUBLISH with a property", 52, |bench, fill| {
            let props = [user("", &fill[7..])];
            bench.publish_props("topic", b"", 0, &props).map(drop)
        }),
        ("SUBSCRIBE", 52, |bench, fill| {
            let options = SubscriptionOptions::new(0).unwrap();
            let filters = [(fill, options)];
            let outcome = bench.session.subscribe(&filters, Properties::EMPTY, |_| ());
            outcome.map(drop)
        }),
        ("UNSUBSCRIBE", 53, |bench, fill| {
            bench.unsubscribe(fill).map(drop)
        }),
        ("AUTH", 48, |bench, fill| {
            let data = Some(fill.as_bytes());
            let outcome = bench.session.authenticate("m", data, Properties::EMPTY);
            outcome.map(drop)
        }),
        ("DISCONNECT with a reason string", 53, |bench, fill| {
            bench.disconnect(ReasonCode(4), &[prop::text(REASON_STRING, fill)])
        }),
        ("DISCONNECT with a user property", 51, |bench, fill| {
            bench.disconnect(ReasonCode(4), &[user("", fill)])
        }),
    ]
}

fn authenticated(maximum: u32) -> Bench {
    let method = prop::text(AUTHENTICATION_METHOD, "m");
    let setup = Options {
        props: vec![method.clone()],
        ..Options::default()
    };
    let mut bench = Bench::with(V5, setup);
    bench.connect();
    bench.accept(false, &[method, Prop::U32(MAXIMUM_PACKET_SIZE, maximum)]);
    bench
}

#[test]
fn no_packet_is_larger_than_the_servers_maximum() {
    for (name, _, call) in calls() {
        // The size of each packet, where nothing limits it.
        let fill = "f".repeat(50);
        let mut bench = authenticated(u32::MAX);
        call(&mut bench, &fill).unwrap();
        let sent = bench.sent();
        assert_eq!(sent.len(), 1, "{name}: {sent:02x?}");
        let size = sent[0].len();

        let mut bench = authenticated(size as u32);
        let outcome = call(&mut bench, &fill);
        let fits = outcome.is_ok() && bench.sent() == sent;
        proves!(V5, "MQTT-3.2.2-15", fits, "{name}: {outcome:?}");
        let mut bench = authenticated(size as u32 - 1);
        let outcome = call(&mut bench, &fill);
        let refused = outcome == Err(Error::Caller(CallerError::OversizePacket));
        let sent = bench.sent();
        let kept = refused && sent.is_empty();
        proves!(
            V5,
            "MQTT-3.2.2-15",
            kept,
            "{name}: {outcome:?}, {sent:02x?}"
        );
        match name {
            "DISCONNECT with a reason string" => {
                proves!(V5, "MQTT-3.14.2-3", kept, "{outcome:?}, {sent:02x?}");
            }
            "DISCONNECT with a user property" => {
                proves!(V5, "MQTT-3.14.2-4", kept, "{outcome:?}, {sent:02x?}");
            }
            _ => {}
        }
    }
}

#[test]
fn auth_with_properties_the_server_cannot_take_is_not_sent() {
    let props = |prop: Prop| buf(&[prop]);
    for reason in [true, false] {
        let extra = if reason {
            props(prop::text(REASON_STRING, "why"))
        } else {
            props(user("a", "bc"))
        };
        let call = |maximum: u32| {
            let mut bench = authenticated(maximum);
            let outcome = bench.session.authenticate("m", None, extra.as_properties());
            (outcome, bench.sent())
        };
        let (outcome, sent) = call(u32::MAX);
        outcome.unwrap();
        let size = sent[0].len() as u32;
        let (fits, larger) = (call(size), call(size - 1));
        let kept = fits.1 == sent && larger.0.is_err() && larger.1.is_empty();
        if reason {
            proves!(V5, "MQTT-3.15.2-2", kept, "{fits:02x?}, {larger:02x?}");
        } else {
            proves!(V5, "MQTT-3.15.2-3", kept, "{fits:02x?}, {larger:02x?}");
        }
    }
}

#[test]
fn what_waited_and_is_too_large_for_the_server_is_not_sent() {
    let large = [b'x'; 100];
    let mut bench = Bench::open(V5);
    // Sent to a server that took it, and accepted while there was none.
    let in_flight = bench.publish("a", &large, 1).unwrap();
    bench.sent();
    bench.lose();
    let waiting = bench.publish("a", &large, 2).unwrap();
    let small = bench.publish("a", b"x", 1).unwrap();
    let limit = [Prop::U32(MAXIMUM_PACKET_SIZE, 50)];
    bench.reconnect(true, &limit);
    let sent = bench.sent();
    let wanted = publish("a", b"x").qos(1, small).bytes(V5);
    proves!(V5, "MQTT-3.2.2-15", sent == [wanted], "{sent:02x?}");
    // The program hears of both.
    let seen = bench.seen();
    let told = [in_flight, waiting].map(|mid| published(mid, ReasonCode::PACKET_TOO_LARGE));
    assert_eq!(seen, told);
}

/// Everything a session sends of itself, to a server with this limit: `None` if nothing
/// was too large.
fn too_large(maximum: u32) -> Option<Vec<u8>> {
    let limit = [Prop::U32(MAXIMUM_PACKET_SIZE, maximum)];
    let inputs = [
        publish("a", b"x").qos(1, 7).bytes(V5),
        publish("a", b"x").qos(2, 7).bytes(V5),
        // Unknown identifiers are answered with a reason code.
        pubrel(9),
        pubrec(9),
        // A protocol error, and a malformed packet.
        connack(V5, false, 0, &[]),
        vec![0xD1, 0],
    ];
    for input in inputs {
        let mut bench = Bench::new(V5);
        bench.connect();
        // Where the limit leaves no room for an acknowledgement, the client may leave.
        let stays = bench.receive(&connack(V5, false, 0, &limit)).is_ok();
        assert_eq!(stays, maximum >= 5);
        let _ = bench.receive(&input);
        let sent = bench.sent();
        if let Some(packet) = sent.into_iter().find(|p| p.len() > maximum as usize) {
            return Some(packet);
        }
    }
    None
}

#[test]
fn what_the_session_answers_by_itself_is_no_larger_than_the_servers_maximum() {
    for maximum in 1..8 {
        let packet = too_large(maximum);
        let kept = packet.is_none();
        proves!(V5, "MQTT-3.2.2-15", kept, "{maximum}: {packet:02x?}");
    }
}

#[test]
fn acknowledgements_carry_no_properties_a_server_could_find_too_large() {
    // The least a server can allow that still takes acknowledgements with a reason code.
    let mut bench = limited(&[Prop::U32(MAXIMUM_PACKET_SIZE, 5)]);
    bench.accept_input(&publish("a", b"x").qos(1, 7).bytes(V5));
    let sent = bench.sent();
    proves!(V5, "MQTT-3.4.2-2", sent == [puback(7)], "{sent:02x?}");
    proves!(V5, "MQTT-3.4.2-3", sent == [puback(7)], "{sent:02x?}");
    bench.accept_input(&publish("a", b"x").qos(2, 8).bytes(V5));
    let sent = bench.sent();
    proves!(V5, "MQTT-3.5.2-2", sent == [pubrec(8)], "{sent:02x?}");
    proves!(V5, "MQTT-3.5.2-3", sent == [pubrec(8)], "{sent:02x?}");
    // One that says that something is wrong neither.
    bench.accept_input(&pubrec(9));
    let sent = bench.sent();
    let bare = sent == [[0x62, 3, 0, 9, 0x92]];
    proves!(V5, "MQTT-3.6.2-2", bare, "{sent:02x?}");
    proves!(V5, "MQTT-3.6.2-3", bare, "{sent:02x?}");
    bench.accept_input(&pubrel(9));
    let sent = bench.sent();
    let bare = sent == [[0x70, 3, 0, 9, 0x92]];
    proves!(V5, "MQTT-3.7.2-2", bare, "{sent:02x?}");
    proves!(V5, "MQTT-3.7.2-3", bare, "{sent:02x?}");
    // Nor the DISCONNECT of an error.
    let refused = refuses(&mut bench, &[0xD1, 0], 0x81);
    proves!(V5, "MQTT-3.14.2-3", refused);
    proves!(V5, "MQTT-3.14.2-4", refused);
}

#[test]
fn properties_that_make_a_packet_larger_than_the_clients_maximum_are_refused() {
    let open = |maximum: u32| {
        let method = prop::text(AUTHENTICATION_METHOD, "m");
        let setup = Options {
            props: vec![method.clone(), Prop::U32(MAXIMUM_PACKET_SIZE, maximum)],
            ..Options::default()
        };
        let mut bench = Bench::with(V5, setup);
        bench.connect();
        bench.accept(false, std::slice::from_ref(&method));
        // So that each of the packets is due.
        assert_eq!(bench.publish("a", b"", 1), Ok(1));
        assert_eq!(bench.publish("a", b"", 2), Ok(2));
        assert_eq!(bench.publish("a", b"", 2), Ok(3));
        bench.accept_input(&pubrec(3));
        bench.accept_input(&publish("a", b"").qos(2, 9).bytes(V5));
        let again = bench.session.authenticate("m", None, Properties::EMPTY);
        again.unwrap();
        bench.sent();
        bench
    };
    for (reason, props) in [
        (true, [prop::text(REASON_STRING, &"why".repeat(10))]),
        (false, [user("name", &"value".repeat(10))]),
    ] {
        let method = prop::text(AUTHENTICATION_METHOD, "m");
        for packet in [
            ack(0x40, 1, 0, &props),
            ack(0x50, 2, 0, &props),
            ack(0x62, 9, 0, &props),
            ack(0x70, 3, 0, &props),
            disconnect_props(0x8B, &props),
            auth(0x18, &[method, props[0].clone()]),
        ] {
            let size = packet.len() as u32;
            let fits = open(size).receive(&packet);
            let taken = fits.is_ok() || packet[0] == 0xE0;
            let refused = refuses(&mut open(size - 1), &packet, 0x95);
            let kept = taken && refused;
            match (packet[0], reason) {
                (0x40, true) => proves!(V5, "MQTT-3.4.2-2", kept, "{fits:?}"),
                (0x40, false) => proves!(V5, "MQTT-3.4.2-3", kept, "{fits:?}"),
                (0x50, true) => proves!(V5, "MQTT-3.5.2-2", kept, "{fits:?}"),
                (0x50, false) => proves!(V5, "MQTT-3.5.2-3", kept, "{fits:?}"),
                (0x62, true) => proves!(V5, "MQTT-3.6.2-2", kept, "{fits:?}"),
                (0x62, false) => proves!(V5, "MQTT-3.6.2-3", kept, "{fits:?}"),
                (0x70, true) => proves!(V5, "MQTT-3.7.2-2", kept, "{fits:?}"),
                (0x70, false) => proves!(V5, "MQTT-3.7.2-3", kept, "{fits:?}"),
                (0xE0, true) => proves!(V5, "MQTT-3.14.2-3", kept, "{fits:?}"),
                (0xE0, false) => proves!(V5, "MQTT-3.14.2-4", kept, "{fits:?}"),
                (_, true) => proves!(V5, "MQTT-3.15.2-2", kept, "{fits:?}"),
                (_, false) => proves!(V5, "MQTT-3.15.2-3", kept, "{fits:?}"),
            }
        }
    }
}

fn alias(number: u16) -> [Prop; 1] {
    [Prop::U16(TOPIC_ALIAS, number)]
}

#[test]
fn no_topic_alias_is_above_the_servers_maximum() {
    for maximum in [1, 2, 10, 65_535u16] {
        let mut bench = limited(&[Prop::U16(TOPIC_ALIAS_MAXIMUM, maximum)]);
        for qos in 0..3 {
            for number in [1, 2, 3, 10, 11, 65_535u16] {
                bench.publish_props("t", b"x", qos, &alias(number)).unwrap();
                let sent = publishes(&bench.sent());
                let wanted = if number <= maximum {
                    encode(&alias(number))[1..].to_vec()
                } else {
                    Vec::new()
                };
                let kept = sent.len() == 1 && sent[0].topic == b"t" && sent[0].properties == wanted;
                proves!(V5, "MQTT-3.2.2-17", kept, "{number} of {maximum}: {sent:?}");
                proves!(V5, "MQTT-3.3.2-9", kept, "{number} of {maximum}: {sent:?}");
            }
        }
    }
}

#[test]
fn a_server_that_announces_no_topic_aliases_gets_none() {
    for props in [&[][..], &[Prop::U16(TOPIC_ALIAS_MAXIMUM, 0)]] {
        let mut bench = Bench::open(V5);
        bench.lose();
        bench.publish_props("t", b"early", 1, &alias(1)).unwrap();
        bench.reconnect(true, props);
        for qos in 0..3 {
            bench.publish_props("t", b"x", qos, &alias(1)).unwrap();
            // With the topic left to the alias, the topic is put in.
            bench.publish_props("", b"x", qos, &alias(1)).unwrap();
        }
        let sent = publishes(&bench.sent());
        let none = sent.len() == 7
            && sent
                .iter()
                .all(|publish| publish.topic == b"t" && publish.properties.is_empty());
        proves!(V5, "MQTT-3.2.2-18", none, "{sent:?}");
        proves!(V5, "MQTT-3.3.2-9", none, "{sent:?}");
    }
    // Nor before CONNACK, when nobody knows what the server takes.
    let mut bench = Bench::new(V5);
    bench.connect();
    bench.publish_props("t", b"x", 0, &alias(1)).unwrap();
    let sent = publishes(&bench.sent());
    let none = sent[0].properties.is_empty() && sent[0].topic == b"t";
    proves!(V5, "MQTT-3.2.2-18", none, "{sent:?}");
}

/// Publishes `count` messages, of QoS 1 and 2 in turn; the identifiers.
fn publish_many(bench: &mut Bench, count: u8) -> Vec<u16> {
    (0..count)
        .map(|n| bench.publish("a", &[n], 1 + n % 2).unwrap())
        .collect()
}

#[test]
fn unacknowledged_messages_stay_within_the_servers_receive_maximum() {
    for maximum in [1, 2, 5, 19] {
        let limit = [Prop::U16(RECEIVE_MAXIMUM, maximum)];
        let mut bench = limited(&limit);
        let mids = publish_many(&mut bench, 30);
        let sent = publishes(&bench.sent());
        let kept = sent.len() == usize::from(maximum);
        proves!(V5, "MQTT-3.3.4-7", kept, "{maximum}: {sent:?}");
        proves!(V5, "MQTT-4.9.0-1", kept, "{maximum}: {sent:?}");
        proves!(V5, "MQTT-4.9.0-2", kept, "{maximum}: {sent:?}");

        // PUBREC that accepts does not make room, all that ends a message does.
        for (index, mid) in mids.iter().enumerate() {
            match index % 4 {
                0 | 2 => bench.accept_input(&puback(*mid)),
                1 => bench.accept_input(&ack(0x50, *mid, 0x97, &[])),
                _ => {
                    bench.accept_input(&pubrec(*mid));
                    let sent = bench.sent();
                    let full = sent == [pubrel(*mid)];
                    proves!(V5, "MQTT-3.3.4-7", full, "{sent:02x?}");
                    proves!(V5, "MQTT-4.9.0-2", full, "{sent:02x?}");
                    bench.accept_input(&pubcomp(*mid));
                }
            }
            let sent = publishes(&bench.sent());
            let waited = index + usize::from(maximum) < mids.len();
            let one = sent.len() == usize::from(waited);
            proves!(V5, "MQTT-4.9.0-2", one, "after {index}: {sent:?}");
        }
    }
    // Each connection begins with a quota of its own, for what is sent again as well.
    let mut bench = limited(&[Prop::U16(RECEIVE_MAXIMUM, 10)]);
    publish_many(&mut bench, 10);
    bench.sent();
    bench.lose();
    bench.reconnect(true, &[Prop::U16(RECEIVE_MAXIMUM, 3)]);
    let sent = publishes(&bench.sent());
    let kept = sent.len() == 3 && sent.iter().all(|publish| publish.dup);
    proves!(V5, "MQTT-4.9.0-1", kept, "{sent:?}");
    proves!(V5, "MQTT-3.3.4-7", kept, "{sent:?}");
}

#[test]
fn a_server_without_a_receive_maximum_gets_at_most_65535_messages() {
    let mut bench = limited(&[]);
    bench.session.set_send_maximum(u16::MAX, bench.now);
    for _ in 0..65_535 {
        bench.publish("a", b"", 1).unwrap();
    }
    let sent = bench.sent().len();
    proves!(V5, "MQTT-4.9.0-1", sent == 65_535, "{sent}");
    let outcome = bench.publish("a", b"", 1);
    let sent = bench.sent();
    proves!(
        V5,
        "MQTT-4.9.0-2",
        sent.is_empty(),
        "{outcome:?}, {sent:02x?}"
    );
}

#[test]
fn an_exhausted_quota_holds_back_nothing_but_messages_of_qos_1_and_2() {
    let mut bench = limited(&[Prop::U16(RECEIVE_MAXIMUM, 1)]);
    publish_many(&mut bench, 3);
    assert_eq!(publishes(&bench.sent()).len(), 1);

    bench.publish("a", b"0", 0).unwrap();
    bench.subscribe("a", 0).unwrap();
    bench.unsubscribe("a").unwrap();
    bench.accept_input(&publish("s", b"1").qos(1, 1).bytes(V5));
    bench.accept_input(&publish("s", b"2").qos(2, 2).bytes(V5));
    bench.accept_input(&pubrel(2));
    bench.accept_input(&pubrec(9));
    let types: Vec<_> = bench.sent().iter().map(|p| packet_type(p)).collect();
    let all = types == [3, 8, 10, 4, 5, 7, 6];
    proves!(V5, "MQTT-3.3.4-8", all, "{types:?}");
    proves!(V5, "MQTT-4.9.0-3", all, "{types:?}");
    bench.pass(std::time::Duration::from_secs(60)).unwrap();
    let sent = bench.sent();
    proves!(V5, "MQTT-3.3.4-8", sent == [PINGREQ], "{sent:02x?}");
    // What came meanwhile was taken as well.
    bench.accept_input(&suback(V5, 4 + 1, &[], &[0]));
    let seen = bench.seen();
    let messages = seen
        .iter()
        .filter(|seen| matches!(seen, Seen::Message(_)))
        .count();
    proves!(V5, "MQTT-4.9.0-3", messages == 2, "{seen:?}");
    bench.disconnect(ReasonCode::SUCCESS, &[]).unwrap();
    let sent = bench.sent();
    proves!(V5, "MQTT-3.3.4-8", sent == [DISCONNECT], "{sent:02x?}");
}
