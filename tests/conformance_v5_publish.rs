//! MQTT 5.0: PUBLISH and its acknowledgements (sections 3.3 to 3.7).

mod conformance_support;
mod session_support;
mod support;

use conformance_support::read::PublishFields;
use conformance_support::*;
use mqttrs::types::ReasonCode;
use session_support::*;
use support::prop::*;
use support::*;
use Version::V5;

const MALFORMED: u8 = 0x81;
const PROTOCOL: u8 = 0x82;
const TOPIC_ALIAS_INVALID: u8 = 0x94;

fn fields(sent: &[Vec<u8>]) -> Vec<PublishFields> {
    sent.iter()
        .map(|packet| PublishFields::read(packet, true).expect("a PUBLISH"))
        .collect()
}

/// Connected with the Topic Alias Maximum of each side.
fn with_aliases(ours: u16, servers: u16) -> Bench {
    let setup = Options {
        props: vec![Prop::U16(TOPIC_ALIAS_MAXIMUM, ours)],
        ..Options::default()
    };
    Bench::open_with(V5, setup, &[Prop::U16(TOPIC_ALIAS_MAXIMUM, servers)])
}

fn alias(number: u16) -> [Prop; 1] {
    [Prop::U16(TOPIC_ALIAS, number)]
}

/// The topics of the messages.
fn topics(seen: &[Seen]) -> Vec<&str> {
    seen.iter()
        .filter_map(|seen| match seen {
            Seen::Message(message) => Some(&*message.topic),
            Seen::Event(_) => None,
        })
        .collect()
}

#[test]
fn dup_is_set_when_a_message_is_sent_again_and_only_then() {
    let mut bench = Bench::open(V5);
    for qos in [1, 2, 1, 2] {
        bench.publish("a", b"x", qos).unwrap();
    }
    let first = fields(&bench.sent());
    let none = first.iter().all(|publish| !publish.dup);
    assert!(none && first.len() == 4, "{first:?}");
    for _ in 0..3 {
        bench.lose();
        bench.reconnect(true, &[]);
        let again = fields(&bench.sent());
        let all = again.len() == 4 && again.iter().all(|publish| publish.dup);
        proves!(V5, "MQTT-3.3.1-1", all, "{again:?}");
    }
    // A server's message may come with it as well.
    bench.accept_input(&publish("a", b"x").qos(1, 7).dup().bytes(V5));
    let seen = bench.seen();
    let dup = matches!(&seen[..], [Seen::Message(message)] if message.dup);
    proves!(V5, "MQTT-3.3.1-1", dup, "{seen:?}");
}

#[test]
fn dup_is_clear_on_every_message_of_qos_0() {
    let mut bench = Bench::open(V5);
    for _ in 0..3 {
        for payload in [&b""[..], b"x"] {
            bench.publish("a", payload, 0).unwrap();
        }
        let sent = fields(&bench.sent());
        let clear = sent.len() == 2 && sent.iter().all(|publish| !publish.dup);
        proves!(V5, "MQTT-3.3.1-2", clear, "{sent:?}");
        proves!(V5, "MQTT-4.3.1-1", clear && sent.iter().all(|p| p.qos == 0));
        bench.seen();
        bench.lose();
        bench.reconnect(true, &[]);
        let again = bench.sent();
        proves!(V5, "MQTT-3.3.1-2", again.is_empty(), "{again:02x?}");
    }
    let wrong = publish("a", b"x").dup().bytes(V5);
    let refused = refuses(&mut bench, &wrong, MALFORMED);
    proves!(V5, "MQTT-3.3.1-2", refused);
    proves!(V5, "MQTT-4.3.1-1", refused);
}

#[test]
fn qos_3_is_neither_sent_nor_taken() {
    let mut w = Wire::open(V5);
    for qos in [3, 4, -1] {
        let code = raw::publish(*w.client, b"a", qos);
        proves!(V5, "MQTT-3.3.1-4", code == MOSQ_ERR_INVAL, "{qos}: {code}");
    }
    w.expect_silence();
    for first in [0x36, 0x37, 0x3E, 0x3F] {
        let mut bench = Bench::open(V5);
        let wrong = packet(first, &[0, 1, b'a', 0, 7, 0, b'x']);
        let refused = refuses(&mut bench, &wrong, MALFORMED);
        proves!(V5, "MQTT-3.3.1-4", refused, "{first:#x}");
        bench.expect_seen(&[]);
    }
}

#[test]
fn the_topic_name_leads_the_packet_as_utf_8() {
    let topic = "grüße/Ω";
    let length = topic.len() as u8;
    let mut bench = Bench::open(V5);
    for qos in 0..3 {
        let props = [user("n", "v")];
        bench.publish_props(topic, b"x", qos, &props).unwrap();
        let sent = bench.sent();
        let wanted = [&[0, length], topic.as_bytes()].concat();
        let leads = sent[0][2..].starts_with(&wanted);
        proves!(V5, "MQTT-3.3.2-1", leads, "{sent:02x?}");
    }
    bench.seen();
    bench.accept_input(&publish(topic, b"x").bytes(V5));
    let seen = bench.seen();
    let taken = seen == [received(topic, b"x", 0, 0)];
    proves!(V5, "MQTT-3.3.2-1", taken, "{seen:?}");
}

#[test]
fn wildcards_in_a_topic_name_are_neither_sent_nor_taken() {
    for topic in ["+", "#", "a/+", "a/#", "+/b", "a+b", "a#", "a/+/#"] {
        for qos in 0..3 {
            let mut bench = with_aliases(5, 5);
            let outcomes = [
                bench.publish(topic, b"x", qos),
                bench.publish_props(topic, b"x", qos, &alias(1)),
            ];
            let kept = outcomes.iter().all(Result::is_err) && bench.sent().is_empty();
            proves!(V5, "MQTT-3.3.2-2", kept, "{topic}: {outcomes:?}");
            proves!(V5, "MQTT-4.7.0-1", kept, "{topic}: {outcomes:?}");

            let wrong = publish(topic, b"x").qos(qos, 7);
            let packet = wrong.bytes(V5);
            let reasons = [MALFORMED, 0x90];
            let refused = refuses_with_one_of(&mut bench, &packet, &reasons);
            proves!(V5, "MQTT-3.3.2-2", refused, "{topic}, QoS {qos}");
            proves!(V5, "MQTT-4.7.0-1", refused, "{topic}, QoS {qos}");

            let mut bench = with_aliases(5, 5);
            let packet = wrong.props(&alias(1)).bytes(V5);
            let refused = refuses_with_one_of(&mut bench, &packet, &reasons);
            proves!(V5, "MQTT-3.3.2-2", refused, "{topic}, QoS {qos}, by alias");
            bench.expect_seen(&[]);
        }
        let client = Client::new(V5, Some("t"), true);
        let code = raw::will(*client, topic.as_bytes(), 0);
        proves!(
            V5,
            "MQTT-4.7.0-1",
            code == MOSQ_ERR_INVAL,
            "{topic}: {code}"
        );
    }
}

#[test]
fn topic_aliases_die_with_their_connection() {
    for session_present in [true, false] {
        let mut bench = with_aliases(5, 5);
        // The server's.
        let introduce = publish("s", b"x").props(&alias(1)).bytes(V5);
        let by_alias = publish("", b"x").props(&alias(1)).bytes(V5);
        bench.accept_input(&introduce);
        bench.accept_input(&by_alias);
        let seen = bench.seen();
        assert_eq!(topics(&seen), ["s", "s"]);
        // Ours.
        bench.publish_props("c", b"x", 0, &alias(2)).unwrap();
        bench.publish_props("", b"x", 0, &alias(2)).unwrap();
        let sent = fields(&bench.sent());
        assert_eq!((&*sent[0].topic, &*sent[1].topic), (&b"c"[..], &b""[..]));
        bench.seen();

        bench.lose();
        bench.reconnect(session_present, &[Prop::U16(TOPIC_ALIAS_MAXIMUM, 5)]);
        bench.publish_props("", b"x", 0, &alias(2)).unwrap();
        let sent = fields(&bench.sent());
        // The server does not know the alias, so the topic is with it again.
        let anew = sent[0].topic == b"c";
        proves!(V5, "MQTT-3.3.2-7", anew, "{sent:?}");
        let refused = refuses_with_one_of(&mut bench, &by_alias, &[PROTOCOL, TOPIC_ALIAS_INVALID]);
        proves!(V5, "MQTT-3.3.2-7", refused);
    }
}

#[test]
fn a_topic_alias_of_0_is_neither_sent_nor_taken() {
    for qos in 0..3 {
        let mut bench = with_aliases(5, 5);
        for topic in ["a", ""] {
            let outcome = bench.publish_props(topic, b"x", qos, &alias(0));
            let kept = outcome.is_err() && bench.sent().is_empty();
            proves!(V5, "MQTT-3.3.2-8", kept, "{topic:?}: {outcome:?}");
        }
        let wrong = publish("a", b"x").qos(qos, 7).props(&alias(0)).bytes(V5);
        let refused = refuses(&mut bench, &wrong, TOPIC_ALIAS_INVALID);
        proves!(V5, "MQTT-3.3.2-8", refused, "QoS {qos}");
        bench.expect_seen(&[]);
    }
}

#[test]
fn every_topic_alias_up_to_the_clients_maximum_is_accepted() {
    for maximum in [1, 2, 10, 1000, 65_535u16] {
        let mut bench = with_aliases(maximum, 0);
        for number in 1..=maximum {
            let topic = format!("t/{number}");
            bench.accept_input(&publish(&topic, b"x").props(&alias(number)).bytes(V5));
        }
        bench.seen();
        for number in [1, 2, maximum / 2, maximum] {
            if number == 0 || number > maximum {
                continue;
            }
            bench.accept_input(&publish("", b"y").props(&alias(number)).bytes(V5));
            let seen = bench.seen();
            let known = topics(&seen) == [format!("t/{number}")];
            proves!(V5, "MQTT-3.3.2-10", known, "{number}: {seen:?}");
        }
        if maximum < u16::MAX {
            let above = publish("a", b"x").props(&alias(maximum + 1)).bytes(V5);
            let refused = refuses(&mut bench, &above, TOPIC_ALIAS_INVALID);
            proves!(V5, "MQTT-3.3.2-10", refused, "one above {maximum}");
        }
    }
}

#[test]
fn response_topic_and_content_type_are_sent_and_taken_as_utf_8() {
    let props = [
        prop::text(RESPONSE_TOPIC, "grüße/Ω"),
        prop::text(CONTENT_TYPE, "Ω"),
    ];
    let mut bench = Bench::open(V5);
    for qos in 0..3 {
        bench.publish_props("a", b"x", qos, &props).unwrap();
        let sent = fields(&bench.sent());
        let whole = sent[0].properties == encode(&props)[1..];
        proves!(V5, "MQTT-3.3.2-13", whole, "{sent:?}");
        proves!(V5, "MQTT-3.3.2-19", whole, "{sent:?}");
    }
    bench.seen();
    bench.accept_input(&publish("a", b"x").props(&props).bytes(V5));
    let seen = bench.seen();
    let Some(Seen::Message(message)) = seen.first() else {
        panic!("{seen:?}");
    };
    let whole = message.properties == encode(&props)[1..];
    proves!(V5, "MQTT-3.3.2-13", whole, "{message:?}");
    proves!(V5, "MQTT-3.3.2-19", whole, "{message:?}");
}

#[test]
fn a_response_topic_with_wildcards_is_neither_sent_nor_taken() {
    for topic in ["+", "#", "a/+", "a/#", "a+b", "a#"] {
        let props = [prop::text(RESPONSE_TOPIC, topic)];
        for qos in 0..3 {
            let mut bench = Bench::open(V5);
            let outcome = bench.publish_props("a", b"x", qos, &props);
            let kept = outcome.is_err() && bench.sent().is_empty();
            proves!(V5, "MQTT-3.3.2-14", kept, "{topic}: {outcome:?}");
            let wrong = publish("a", b"x").qos(qos, 7).props(&props).bytes(V5);
            let refused = refuses(&mut bench, &wrong, PROTOCOL);
            proves!(V5, "MQTT-3.3.2-14", refused, "{topic}, QoS {qos}");
            bench.expect_seen(&[]);
        }
        // Nor in a will.
        let client = Client::new(V5, Some("t"), true);
        let outcome = client.will_v5("gone", b"x", 0, &props);
        let kept = outcome.is_err();
        proves!(V5, "MQTT-3.3.2-14", kept, "{topic}: {outcome:?}");
    }
}

#[test]
fn a_message_is_answered_as_its_qos_wants() {
    for (qos, answer) in [(0, vec![]), (1, vec![puback(7)]), (2, vec![pubrec(7)])] {
        for retain in [false, true] {
            let mut bench = Bench::open(V5);
            let mut message = publish("a", b"x").qos(qos, 7);
            if retain {
                message = message.retain();
            }
            bench.accept_input(&message.bytes(V5));
            let sent = bench.sent();
            proves!(V5, "MQTT-3.3.4-1", sent == answer, "QoS {qos}: {sent:02x?}");
        }
    }
}

#[test]
fn a_client_sends_no_subscription_identifier_with_a_message() {
    let props = [Prop::VarInt(SUBSCRIPTION_IDENTIFIER, 5)];
    let mut bench = Bench::open(V5);
    for qos in 0..3 {
        let outcome = bench.publish_props("a", b"x", qos, &props);
        let kept = outcome.is_err() && bench.sent().is_empty();
        proves!(V5, "MQTT-3.3.4-6", kept, "{outcome:?}");
    }
    let mut w = Wire::open(V5);
    let outcome = w.client.publish_v5("a", b"x", 1, &props);
    proves!(V5, "MQTT-3.3.4-6", outcome.is_err(), "{outcome:?}");
    w.expect_silence();
    w.finish();
}

/// The reason codes of PUBACK and PUBREC, of PUBREL and PUBCOMP.
const OF_PUBACK: [u8; 9] = [0, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99];
const OF_PUBREL: [u8; 2] = [0, 0x92];

/// Whether the session takes `first`, an acknowledgement, with each of the codes and no
/// other; a session to which it is due with this identifier comes from `open`.
fn takes_only(codes: &[u8], first: u8, mid: u16, open: fn() -> Bench) -> bool {
    (0..=255).all(|code| {
        let mut bench = open();
        let packet = ack(first, mid, code, &[]);
        let short = packet[..packet.len() - 1].to_vec();
        let short = [&[short[0], 3], &short[2..]].concat();
        if codes.contains(&code) {
            let mut other = open();
            bench.receive(&packet).is_ok() && other.receive(&short).is_ok()
        } else {
            let mut other = open();
            refuses(&mut bench, &packet, PROTOCOL) && refuses(&mut other, &short, PROTOCOL)
        }
    })
}

/// Message 1 of this QoS is in flight.
fn in_flight(qos: u8) -> Bench {
    let mut bench = Bench::open(V5);
    assert_eq!(bench.publish("a", b"x", qos), Ok(1));
    bench.sent();
    bench
}

#[test]
fn puback_has_one_of_its_reason_codes() {
    let taken = takes_only(&OF_PUBACK, 0x40, 1, || in_flight(1));
    proves!(V5, "MQTT-3.4.2-1", taken);
    // The short form that we send stands for success.
    let mut bench = Bench::open(V5);
    bench.accept_input(&publish("a", b"x").qos(1, 7).bytes(V5));
    let sent = bench.sent();
    proves!(V5, "MQTT-3.4.2-1", sent == [[0x40, 2, 0, 7]], "{sent:02x?}");
    // Each code reaches the program as it is.
    for code in OF_PUBACK {
        let mut bench = in_flight(1);
        bench.accept_input(&ack(0x40, 1, code, &[]));
        let seen = bench.seen();
        let told = seen == [published(1, ReasonCode(code))];
        proves!(V5, "MQTT-3.4.2-1", told, "{seen:?}");
    }
}

#[test]
fn pubrec_has_one_of_its_reason_codes() {
    let taken = takes_only(&OF_PUBACK, 0x50, 1, || in_flight(2));
    proves!(V5, "MQTT-3.5.2-1", taken);
    let mut bench = Bench::open(V5);
    for _ in 0..2 {
        bench.accept_input(&publish("a", b"x").qos(2, 7).bytes(V5));
        let sent = bench.sent();
        proves!(V5, "MQTT-3.5.2-1", sent == [[0x50, 2, 0, 7]], "{sent:02x?}");
    }
}

#[test]
fn pubrel_has_one_of_its_reason_codes() {
    let taken = takes_only(&OF_PUBREL, 0x62, 7, || {
        let mut bench = Bench::open(V5);
        bench.accept_input(&publish("a", b"x").qos(2, 7).bytes(V5));
        bench.sent();
        bench
    });
    proves!(V5, "MQTT-3.6.2-1", taken);
    let mut bench = in_flight(2);
    bench.accept_input(&pubrec(1));
    let sent = bench.sent();
    proves!(V5, "MQTT-3.6.2-1", sent == [[0x62, 2, 0, 1]], "{sent:02x?}");
    bench.accept_input(&pubrec(9));
    let sent = bench.sent();
    let not_found = sent == [[0x62, 3, 0, 9, 0x92]];
    proves!(V5, "MQTT-3.6.2-1", not_found, "{sent:02x?}");
}

#[test]
fn pubcomp_has_one_of_its_reason_codes() {
    let taken = takes_only(&OF_PUBREL, 0x70, 1, || {
        let mut bench = in_flight(2);
        bench.accept_input(&pubrec(1));
        bench.sent();
        bench
    });
    proves!(V5, "MQTT-3.7.2-1", taken);
    let mut bench = Bench::open(V5);
    bench.accept_input(&publish("a", b"x").qos(2, 7).bytes(V5));
    bench.sent();
    bench.accept_input(&pubrel(7));
    let sent = bench.sent();
    proves!(V5, "MQTT-3.7.2-1", sent == [[0x70, 2, 0, 7]], "{sent:02x?}");
    bench.accept_input(&pubrel(7));
    let sent = bench.sent();
    let not_found = sent == [[0x70, 3, 0, 7, 0x92]];
    proves!(V5, "MQTT-3.7.2-1", not_found, "{sent:02x?}");
}
