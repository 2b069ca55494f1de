//! MQTT 3.1.1: PUBLISH and its acknowledgements, packet identifiers, order and repetition
//! (sections 2.3, 3.3, 4.3 to 4.6).

mod conformance_support;
mod session_support;
mod support;

use std::collections::BTreeSet;

use conformance_support::read::{packet_id, PublishFields};
use conformance_support::*;
use mqttrs::types::{QoS, ReasonCode};
use session_support::*;
use support::*;
use Version::V311;

fn bytes(qos: u8, mid: u16, payload: &[u8]) -> Vec<u8> {
    publish("a", payload).qos(qos, mid).bytes(V311)
}

fn again(qos: u8, mid: u16, payload: &[u8]) -> Vec<u8> {
    publish("a", payload).qos(qos, mid).dup().bytes(V311)
}

/// The connection breaks, and the next one finds the session kept.
fn connect_again(bench: &mut Bench) {
    bench.seen();
    bench.lose();
    bench.reconnect(true, &[]);
}

/// One packet was sent: this PUBLISH.
fn sent_publish(bench: &mut Bench) -> PublishFields {
    let sent = bench.sent();
    assert_eq!(sent.len(), 1, "{sent:02x?}");
    PublishFields::read(&sent[0], false).expect("a PUBLISH")
}

#[test]
fn qos_0_is_sent_once_without_dup_and_packet_identifier() {
    let mut bench = Bench::open(V311);
    for payload in [&b""[..], b"1", b"\0\x01\0\0"] {
        bench.publish("a", payload, 0).unwrap();
        let sent = bench.sent();
        let plain = [publish("a", payload).bytes(V311)];
        proves!(V311, "MQTT-2.3.1-5", sent == plain, "{sent:02x?}");
        let fields = PublishFields::read(&sent[0], false).unwrap();
        proves!(V311, "MQTT-3.3.1-2", !fields.dup, "{fields:?}");
        proves!(
            V311,
            "MQTT-4.3.1-1",
            !fields.dup && fields.qos == 0,
            "{fields:?}"
        );
    }
    // Never again, also not on the next connection.
    connect_again(&mut bench);
    let sent = bench.sent();
    proves!(V311, "MQTT-3.3.1-2", sent.is_empty(), "{sent:02x?}");
    proves!(V311, "MQTT-4.3.1-1", sent.is_empty(), "{sent:02x?}");
}

#[test]
fn qos_0_from_a_server_has_its_payload_right_behind_the_topic() {
    let mut bench = Bench::open(V311);
    bench.accept_input(&packet(0x30, b"\0\x01a\x12\x34"));
    let seen = bench.seen();
    let whole = [received("a", b"\x12\x34", 0, 0)];
    proves!(V311, "MQTT-2.3.1-5", seen == whole, "{seen:?}");
}

#[test]
fn qos_0_with_dup_closes_the_connection() {
    let mut bench = Bench::open(V311);
    let wrong = publish("a", b"x").dup().bytes(V311);
    proves!(V311, "MQTT-3.3.1-2", refuses(&mut bench, &wrong, 0));
    bench.expect_seen(&[]);
}

#[test]
fn qos_3_is_not_sent() {
    proves!(V311, "MQTT-3.3.1-4", QoS::new(3).is_none());
    let mut w = Wire::open(V311);
    for qos in [3, 4, -1] {
        let code = raw::publish(*w.client, b"a", qos);
        proves!(
            V311,
            "MQTT-3.3.1-4",
            code == MOSQ_ERR_INVAL,
            "{qos}: {code}"
        );
    }
    w.expect_silence();
}

#[test]
fn qos_3_closes_the_connection() {
    for flags in [0x06, 0x07, 0x0E, 0x0F] {
        let mut bench = Bench::open(V311);
        let mut wrong = bytes(2, 5, b"x");
        wrong[0] = 0x30 | flags;
        proves!(
            V311,
            "MQTT-3.3.1-4",
            refuses(&mut bench, &wrong, 0),
            "{wrong:02x?}"
        );
        bench.expect_seen(&[]);
    }
}

#[test]
fn the_topic_name_comes_first_in_the_variable_header() {
    let mut bench = Bench::open(V311);
    for qos in 0..3 {
        bench.publish("ü/名", b"x", qos).unwrap();
        let sent = bench.sent();
        let head = b"\0\x06\xC3\xBC/\xE5\x90\x8D";
        proves!(
            V311,
            "MQTT-3.3.2-1",
            sent[0][2..].starts_with(head),
            "{sent:02x?}"
        );
    }
    bench.seen();
    bench.accept_input(&publish("ü/名", b"x").bytes(V311));
    let seen = bench.seen();
    proves!(
        V311,
        "MQTT-3.3.2-1",
        seen == [received("ü/名", b"x", 0, 0)],
        "{seen:?}"
    );

    // A PUBLISH whose topic is not there, or not all of it.
    for body in [&b""[..], b"\0", b"\0\x02a", b"\xFF\xFFabc"] {
        let mut bench = Bench::open(V311);
        let refused = refuses(&mut bench, &packet(0x30, body), 0);
        proves!(V311, "MQTT-3.3.2-1", refused, "{body:02x?}");
    }
}

#[test]
fn packets_that_are_answered_carry_an_identifier_other_than_0() {
    let mut bench = Bench::open(V311);
    let mut identifiers = BTreeSet::new();
    for round in 0..70_000_u32 {
        match round % 4 {
            0 => bench.subscribe("s", 0),
            1 => bench.unsubscribe("s"),
            qos => bench.publish("a", b"x", qos as u8 - 1),
        }
        .unwrap();
        let sent = bench.sent();
        let id = match round % 4 {
            0 | 1 => packet_id(&sent[0]),
            _ => PublishFields::read(&sent[0], false)
                .unwrap()
                .packet_id
                .unwrap(),
        };
        proves!(V311, "MQTT-2.3.1-1", id != 0, "{sent:02x?}");
        identifiers.insert(id);
        match round % 4 {
            0 => bench.accept_input(&suback(V311, id, &[], &[0])),
            1 => bench.accept_input(&unsuback(V311, id, &[], &[])),
            2 => bench.accept_input(&puback(id)),
            _ => {
                bench.accept_input(&pubrec(id));
                bench.accept_input(&pubcomp(id));
            }
        }
        bench.seen();
        bench.sent();
    }
    // All of them came up, so the numbers went around.
    assert_eq!(identifiers.len(), 65535);
}

#[test]
fn an_identifier_0_closes_the_connection() {
    for qos in [1, 2] {
        let mut bench = Bench::open(V311);
        let refused = refuses(&mut bench, &bytes(qos, 0, b"x"), 0);
        proves!(V311, "MQTT-2.3.1-1", refused, "QoS {qos}");
        bench.expect_seen(&[]);
    }
}

#[test]
fn an_identifier_in_use_is_not_given_to_another_packet() {
    let mut bench = Bench::open(V311);
    assert_eq!(bench.publish("a", b"1", 1), Ok(1));
    assert_eq!(bench.publish("a", b"2", 2), Ok(2));
    assert_eq!(bench.publish("a", b"3", 2), Ok(3));
    bench.accept_input(&pubrec(3));
    assert_eq!(bench.subscribe("s", 0), Ok(4));
    assert_eq!(bench.unsubscribe("s"), Ok(5));
    bench.sent();

    let in_use = 1..=5;
    for _ in 0..65535 + 10 {
        let id = bench.publish("a", b"x", 1).unwrap();
        proves!(
            V311,
            "MQTT-2.3.1-2",
            !in_use.contains(&id),
            "{id} is in use"
        );
        bench.accept_input(&puback(id));
        bench.seen();
        bench.sent();
    }
    // Each is free again with the last answer to it.
    bench.accept_input(&puback(1));
    bench.accept_input(&pubrec(2));
    bench.accept_input(&pubcomp(2));
    bench.accept_input(&pubcomp(3));
    bench.accept_input(&suback(V311, 4, &[], &[0]));
    bench.accept_input(&unsuback(V311, 5, &[], &[]));
    let mut seen_again = BTreeSet::new();
    for _ in 0..65535 {
        let id = bench.publish("a", b"x", 1).unwrap();
        bench.accept_input(&puback(id));
        bench.seen();
        bench.sent();
        if in_use.contains(&id) {
            seen_again.insert(id);
        }
    }
    let all = seen_again.iter().copied().eq(in_use);
    proves!(V311, "MQTT-2.3.1-3", all, "{seen_again:?}");
}

#[test]
fn an_identifier_is_in_use_until_the_last_acknowledgement() {
    // 65534 messages in flight leave one identifier: that of the message in question.
    let mut bench = Bench::new(V311);
    for _ in 0..65534 {
        bench.publish("w", b"x", 1).unwrap();
    }
    let last = bench.publish("a", b"2", 2).unwrap();
    bench.session.set_send_maximum(u16::MAX, bench.now);
    bench.connect();
    bench.accept(false, &[]);
    bench.sent();
    let free = |bench: &mut Bench| bench.subscribe("s", 0).ok();
    for packet in [pubrec(last), pubrec(last)] {
        proves!(V311, "MQTT-2.3.1-3", free(&mut bench).is_none());
        bench.accept_input(&packet);
        bench.sent();
    }
    proves!(V311, "MQTT-2.3.1-2", free(&mut bench).is_none());
    bench.accept_input(&pubcomp(last));
    let id = free(&mut bench);
    proves!(V311, "MQTT-2.3.1-3", id == Some(last), "{id:?}");
    proves!(V311, "MQTT-2.3.1-2", free(&mut bench).is_none());
    // The same for the answers to requests and to QoS 1.
    bench.accept_input(&suback(V311, last, &[], &[0]));
    let id = bench.unsubscribe("s").ok();
    proves!(V311, "MQTT-2.3.1-3", id == Some(last), "{id:?}");
    bench.accept_input(&unsuback(V311, last, &[], &[]));
    bench.accept_input(&puback(7));
    let ids = [free(&mut bench), free(&mut bench), free(&mut bench)];
    let both = BTreeSet::from(ids) == BTreeSet::from([None, Some(7), Some(last)]);
    proves!(V311, "MQTT-2.3.1-3", both, "{ids:?}");
}

#[test]
fn what_is_sent_again_keeps_its_identifier_and_sets_dup() {
    let mut bench = Bench::open(V311);
    bench.publish("a", b"1", 1).unwrap();
    bench.publish("a", b"2", 2).unwrap();
    bench.publish("a", b"3", 2).unwrap();
    let first = bench.sent();
    let plain = [bytes(1, 1, b"1"), bytes(2, 2, b"2"), bytes(2, 3, b"3")];
    proves!(V311, "MQTT-3.3.1-1", first == plain, "{first:02x?}");
    proves!(V311, "MQTT-4.3.2-1", first[0] == plain[0], "{first:02x?}");
    proves!(
        V311,
        "MQTT-4.3.3-1",
        first[1..] == plain[1..],
        "{first:02x?}"
    );
    bench.accept_input(&pubrec(3));
    let released = bench.sent();
    proves!(
        V311,
        "MQTT-4.3.3-1",
        released == [pubrel(3)],
        "{released:02x?}"
    );

    for round in 0..3 {
        connect_again(&mut bench);
        let sent = bench.sent();
        let rest = [again(1, 1, b"1"), again(2, 2, b"2"), pubrel(3)];
        proves!(V311, "MQTT-2.3.1-3", sent == rest, "{round}: {sent:02x?}");
        proves!(V311, "MQTT-3.3.1-1", sent == rest, "{round}: {sent:02x?}");
        proves!(
            V311,
            "MQTT-4.3.2-1",
            sent[0] == rest[0],
            "{round}: {sent:02x?}"
        );
        proves!(
            V311,
            "MQTT-4.3.3-1",
            sent[1..] == rest[1..],
            "{round}: {sent:02x?}"
        );
        proves!(V311, "MQTT-4.4.0-1", sent == rest, "{round}: {sent:02x?}");
    }
    // Acknowledged, nothing of it comes again.
    bench.accept_input(&puback(1));
    bench.accept_input(&pubrec(2));
    bench.accept_input(&pubcomp(3));
    bench.sent();
    connect_again(&mut bench);
    let sent = bench.sent();
    proves!(V311, "MQTT-4.3.2-1", sent == [pubrel(2)], "{sent:02x?}");
    proves!(
        V311,
        "MQTT-4.3.3-1",
        sent == [pubrel(2)],
        "no PUBLISH: {sent:02x?}"
    );
    bench.accept_input(&pubcomp(2));
    connect_again(&mut bench);
    let sent = bench.sent();
    proves!(V311, "MQTT-4.4.0-1", sent.is_empty(), "{sent:02x?}");
}

#[test]
fn a_new_message_of_qos_1_or_2_has_a_fresh_identifier_and_no_dup() {
    let mut bench = Bench::open(V311);
    bench.session.set_send_maximum(0, bench.now);
    let mut used = BTreeSet::new();
    for round in 0..200 {
        let qos = 1 + round % 2;
        bench.publish("a", b"x", qos).unwrap();
        let fields = sent_publish(&mut bench);
        let fresh = used.insert(fields.packet_id.unwrap());
        let right = fresh && !fields.dup && fields.qos == qos;
        if qos == 1 {
            proves!(V311, "MQTT-4.3.2-1", right, "{fields:?}");
        } else {
            proves!(V311, "MQTT-4.3.3-1", right, "{fields:?}");
        }
    }
}

#[test]
fn a_message_is_unacknowledged_until_its_own_acknowledgement() {
    let mut bench = Bench::open(V311);
    bench.publish("a", b"1", 1).unwrap();
    bench.publish("a", b"2", 2).unwrap();
    bench.sent();
    // Acknowledgements of other messages end neither.
    bench.accept_input(&puback(9));
    bench.accept_input(&pubcomp(9));
    let seen = bench.seen();
    proves!(V311, "MQTT-4.3.2-1", seen.is_empty(), "{seen:?}");
    proves!(V311, "MQTT-4.3.3-1", seen.is_empty(), "{seen:?}");
    // PUBREC does not end the second, though it is not published again.
    bench.accept_input(&pubrec(2));
    let seen = bench.seen();
    proves!(V311, "MQTT-4.3.3-1", seen.is_empty(), "{seen:?}");
    bench.accept_input(&pubcomp(2));
    let seen = bench.seen();
    let ended = [published(2, ReasonCode::SUCCESS)];
    proves!(V311, "MQTT-4.3.3-1", seen == ended, "{seen:?}");
    bench.accept_input(&puback(1));
    let seen = bench.seen();
    let ended = [published(1, ReasonCode::SUCCESS)];
    proves!(V311, "MQTT-4.3.2-1", seen == ended, "{seen:?}");
}

#[test]
fn the_acknowledgement_of_another_qos_closes_the_connection() {
    for (qos, wrong) in [
        (1, pubrec(1)),
        (1, pubcomp(1)),
        (2, puback(1)),
        (2, pubcomp(1)),
    ] {
        let mut bench = Bench::open(V311);
        bench.publish("a", b"x", qos).unwrap();
        bench.sent();
        let refused = refuses(&mut bench, &wrong, 0);
        if qos == 1 {
            proves!(V311, "MQTT-4.3.2-1", refused, "{wrong:02x?}");
        } else {
            proves!(V311, "MQTT-4.3.3-1", refused, "{wrong:02x?}");
        }
        bench.expect_seen(&[]);
    }
}

#[test]
fn each_qos_is_answered_in_its_own_way() {
    let mut bench = Bench::open(V311);
    bench.accept_input(&publish("a", b"0").bytes(V311));
    let sent = bench.sent();
    proves!(V311, "MQTT-3.3.4-1", sent.is_empty(), "{sent:02x?}");
    for id in [1, 0x1234, 65535] {
        bench.accept_input(&bytes(1, id, b"1"));
        let sent = bench.sent();
        proves!(V311, "MQTT-3.3.4-1", sent == [puback(id)], "{sent:02x?}");
        proves!(V311, "MQTT-2.3.1-6", sent == [puback(id)], "{sent:02x?}");
        proves!(V311, "MQTT-4.3.2-2", sent == [puback(id)], "{sent:02x?}");

        bench.accept_input(&bytes(2, id, b"2"));
        let sent = bench.sent();
        proves!(V311, "MQTT-3.3.4-1", sent == [pubrec(id)], "{sent:02x?}");
        proves!(V311, "MQTT-2.3.1-6", sent == [pubrec(id)], "{sent:02x?}");
        proves!(V311, "MQTT-4.3.3-2", sent == [pubrec(id)], "{sent:02x?}");

        bench.accept_input(&pubrel(id));
        let sent = bench.sent();
        proves!(V311, "MQTT-4.3.3-2", sent == [pubcomp(id)], "{sent:02x?}");
    }
}

#[test]
fn pubrel_has_the_identifier_of_its_publish() {
    let mut bench = Bench::open(V311);
    for _ in 0..300 {
        let id = bench.publish("a", b"x", 2).unwrap();
        bench.sent();
        bench.accept_input(&pubrec(id));
        let sent = bench.sent();
        proves!(V311, "MQTT-2.3.1-6", sent == [pubrel(id)], "{sent:02x?}");
        bench.accept_input(&pubcomp(id));
    }
}

#[test]
fn after_puback_the_same_identifier_is_a_new_message() {
    let mut bench = Bench::open(V311);
    for (payload, packet) in [
        (b"1", bytes(1, 5, b"1")),
        (b"2", bytes(1, 5, b"2")),
        // Whatever DUP says.
        (b"2", again(1, 5, b"2")),
    ] {
        bench.accept_input(&packet);
        let sent = bench.sent();
        proves!(V311, "MQTT-4.3.2-2", sent == [puback(5)], "{sent:02x?}");
        let seen = bench.seen();
        let is_told = matches!(&seen[..], [Seen::Message(m)] if m.payload == payload && m.mid == 5);
        proves!(V311, "MQTT-4.3.2-2", is_told, "{seen:?}");
    }
}

#[test]
fn qos_2_is_told_once_until_pubrel_and_then_the_identifier_is_new() {
    let mut bench = Bench::open(V311);
    for payload in [b"1", b"2"] {
        bench.accept_input(&bytes(2, 5, payload));
        let seen = bench.seen();
        let told = [received("a", payload, 2, 5)];
        proves!(V311, "MQTT-4.3.3-2", seen == told, "{seen:?}");
        bench.expect(&[pubrec(5)]);
        // Again, with DUP or without, on this connection or the next.
        for connection in 0..3 {
            for packet in [again(2, 5, payload), bytes(2, 5, payload)] {
                bench.accept_input(&packet);
                let seen = bench.seen();
                proves!(
                    V311,
                    "MQTT-4.3.3-2",
                    seen.is_empty(),
                    "{connection}: {seen:?}"
                );
                let sent = bench.sent();
                proves!(
                    V311,
                    "MQTT-4.3.3-2",
                    sent == [pubrec(5)],
                    "{connection}: {sent:02x?}"
                );
            }
            connect_again(&mut bench);
        }
        for _ in 0..2 {
            bench.accept_input(&pubrel(5));
            let sent = bench.sent();
            proves!(V311, "MQTT-4.3.3-2", sent == [pubcomp(5)], "{sent:02x?}");
        }
    }
}

#[test]
fn a_lost_session_is_not_continued() {
    // The server says it has no session: what was sent is not repeated but sent anew.
    let mut bench = Bench::open(V311);
    bench.publish("a", b"1", 1).unwrap();
    bench.publish("a", b"2", 2).unwrap();
    bench.publish("a", b"3", 2).unwrap();
    bench.accept_input(&pubrec(3));
    bench.sent();
    bench.lose();
    bench.reconnect(false, &[]);
    let sent = bench.sent();
    let anew = [bytes(1, 1, b"1"), bytes(2, 2, b"2")];
    proves!(V311, "MQTT-4.4.0-1", sent == anew, "{sent:02x?}");
    proves!(V311, "MQTT-3.3.1-1", sent == anew, "{sent:02x?}");
}

#[test]
fn messages_nobody_wants_are_acknowledged() {
    // A program without a callback for messages, and without a subscription.
    let mut w = Wire::open(V311);
    w.client.v5_callbacks(false);
    w.send(&bytes(0, 0, b"0"));
    w.send(&bytes(1, 5, b"1"));
    let sent = w.take_packet();
    proves!(V311, "MQTT-4.5.0-2", sent == puback(5), "{sent:02x?}");
    w.send(&bytes(2, 6, b"2"));
    let sent = w.take_packet();
    proves!(V311, "MQTT-4.5.0-2", sent == pubrec(6), "{sent:02x?}");
    w.send(&pubrel(6));
    let sent = w.take_packet();
    proves!(V311, "MQTT-4.5.0-2", sent == pubcomp(6), "{sent:02x?}");
    let event = w.client.try_event();
    proves!(V311, "MQTT-4.5.0-2", event.is_none(), "{event:?}");
}

/// Ten messages sent, the odd ones of QoS 1.
fn ten_messages(bench: &mut Bench) {
    for number in 1..=10 {
        let mid = bench.publish("a", &[number], 2 - number % 2).unwrap();
        assert_eq!(mid, u16::from(number));
    }
    bench.sent();
}

#[test]
fn messages_are_sent_again_in_their_order() {
    let mut bench = Bench::open(V311);
    ten_messages(&mut bench);
    // Some end, in another order than they began.
    for packet in [puback(7), pubrec(4), puback(3), pubcomp(4)] {
        bench.accept_input(&packet);
    }
    bench.sent();
    for round in 0..3 {
        connect_again(&mut bench);
        let sent = bench.sent();
        let rest: Vec<_> = [1, 2, 5, 6, 8, 9, 10]
            .map(|number: u8| again(2 - number % 2, u16::from(number), &[number]))
            .to_vec();
        proves!(V311, "MQTT-4.6.0-1", sent == rest, "{round}: {sent:02x?}");
    }
}

#[test]
fn messages_waiting_for_the_window_follow_those_sent_again() {
    let mut bench = Bench::open(V311);
    bench.session.set_send_maximum(3, bench.now);
    for number in 1..=5 {
        bench.publish("a", &[number], 1).unwrap();
    }
    bench.sent();
    connect_again(&mut bench);
    for number in 1..=5 {
        bench.accept_input(&puback(number));
    }
    let sent = bench.sent();
    let ordered = [
        again(1, 1, &[1]),
        again(1, 2, &[2]),
        again(1, 3, &[3]),
        bytes(1, 4, &[4]),
        bytes(1, 5, &[5]),
    ];
    proves!(V311, "MQTT-4.6.0-1", sent == ordered, "{sent:02x?}");
}

#[test]
fn acknowledgements_follow_the_order_of_arrival() {
    // In one read, and one by one.
    for at_once in [true, false] {
        let mut bench = Bench::open(V311);
        let ids = [9, 3, 65535, 1, 20, 4];
        for (qos, ack) in [(1, puback as fn(u16) -> Vec<u8>), (2, pubrec)] {
            let input: Vec<_> = ids.iter().map(|id| bytes(qos, *id, b"x")).collect();
            if at_once {
                bench.accept_input(&input.concat());
            } else {
                input.iter().for_each(|packet| bench.accept_input(packet));
            }
            let sent = bench.sent();
            let ordered: Vec<_> = ids.iter().map(|id| ack(*id)).collect();
            if qos == 1 {
                proves!(V311, "MQTT-4.6.0-2", sent == ordered, "{sent:02x?}");
            } else {
                proves!(V311, "MQTT-4.6.0-3", sent == ordered, "{sent:02x?}");
            }
        }
        // Both kinds mixed.
        let mixed = [
            bytes(2, 30, b"x"),
            bytes(1, 31, b"x"),
            bytes(2, 32, b"x"),
            bytes(1, 33, b"x"),
        ];
        bench.accept_input(&mixed.concat());
        let sent = bench.sent();
        let ordered = [pubrec(30), puback(31), pubrec(32), puback(33)];
        proves!(V311, "MQTT-4.6.0-2", sent == ordered, "{sent:02x?}");
        proves!(V311, "MQTT-4.6.0-3", sent == ordered, "{sent:02x?}");
    }
}

#[test]
fn pubrels_follow_the_order_of_pubrecs() {
    let mut bench = Bench::open(V311);
    for number in 1..=6 {
        bench.publish("a", &[number], 2).unwrap();
    }
    bench.sent();
    // A server may mix them up; the answers follow it.
    let order = [4, 1, 6, 2];
    let input: Vec<_> = order.iter().map(|id| pubrec(*id)).collect();
    bench.accept_input(&input.concat());
    let sent = bench.sent();
    let ordered: Vec<_> = order.iter().map(|id| pubrel(*id)).collect();
    proves!(V311, "MQTT-4.6.0-4", sent == ordered, "{sent:02x?}");

    // Also when they are sent again.
    for round in 0..3 {
        connect_again(&mut bench);
        let sent = bench.sent();
        let pubrels: Vec<_> = sent.iter().filter(|p| p[0] == 0x62).cloned().collect();
        proves!(
            V311,
            "MQTT-4.6.0-4",
            pubrels == ordered,
            "{round}: {sent:02x?}"
        );
        let publishes: Vec<_> = sent.iter().filter(|p| p[0] != 0x62).cloned().collect();
        let rest = [again(2, 3, &[3]), again(2, 5, &[5])];
        proves!(
            V311,
            "MQTT-4.6.0-1",
            publishes == rest,
            "{round}: {sent:02x?}"
        );
    }
    bench.accept_input(&pubcomp(6));
    bench.accept_input(&pubrec(5));
    bench.sent();
    connect_again(&mut bench);
    let sent = bench.sent();
    let pubrels: Vec<_> = sent.iter().filter(|p| p[0] == 0x62).cloned().collect();
    let ordered = [pubrel(4), pubrel(1), pubrel(2), pubrel(5)];
    proves!(V311, "MQTT-4.6.0-4", pubrels == ordered, "{sent:02x?}");
}
