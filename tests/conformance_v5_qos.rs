//! MQTT 5.0: the promises of each QoS, what is sent again, and in which order
//! (sections 4.3 to 4.6).

mod conformance_support;
mod session_support;
mod support;

use std::collections::HashSet;
use std::time::Duration;

use conformance_support::read::PublishFields;
use conformance_support::*;
use mqttrs::types::ReasonCode;
use session_support::*;
use support::prop::*;
use support::*;
use Version::V5;

const HOUR: Duration = Duration::from_secs(3600);

fn fields(sent: &[Vec<u8>]) -> Vec<PublishFields> {
    sent.iter()
        .filter_map(|packet| PublishFields::read(packet, true))
        .collect()
}

/// The payloads of the messages the program got.
fn payloads(seen: &[Seen]) -> Vec<Vec<u8>> {
    seen.iter()
        .filter_map(|seen| match seen {
            Seen::Message(message) => Some(message.payload.clone()),
            Seen::Event(_) => None,
        })
        .collect()
}

/// Time passes, with a server that answers each ping; the other packets sent.
fn pass(bench: &mut Bench, time: Duration) -> Vec<Vec<u8>> {
    let end = bench.now + time;
    let mut sent = Vec::new();
    while bench.now < end {
        bench.pass(Duration::from_secs(60)).unwrap();
        sent.extend(bench.sent());
        bench.accept_input(&PINGRESP);
    }
    sent.retain(|packet| *packet != PINGREQ);
    sent
}

#[test]
fn a_qos_0_message_is_sent_once_with_qos_0_and_without_dup() {
    let mut bench = Bench::open(V5);
    bench.publish("a", b"x", 0).unwrap();
    let sent = bench.sent();
    let right = sent == [publish("a", b"x").bytes(V5)];
    proves!(
        V5,
        "MQTT-4.3.1-1",
        right && sent[0][0] == 0x30,
        "{sent:02x?}"
    );
}

#[test]
fn each_new_message_gets_an_identifier_of_its_own() {
    let mut bench = Bench::open(V5);
    bench.session.set_send_maximum(0, bench.now);
    let mut used = HashSet::new();
    for round in 0..1000 {
        let (one, two) = (
            bench.publish("a", b"same", 1).unwrap(),
            bench.publish("a", b"same", 2).unwrap(),
        );
        let ids: Vec<_> = fields(&bench.sent())
            .iter()
            .map(|publish| publish.packet_id)
            .collect();
        let sent = ids == [Some(one), Some(two)];
        let new = used.insert(one);
        proves!(V5, "MQTT-4.3.2-1", sent && new, "{round}: {ids:?}");
        let new = used.insert(two);
        proves!(V5, "MQTT-4.3.3-1", sent && new, "{round}: {ids:?}");
    }
}

#[test]
fn the_first_publish_has_the_identifier_the_qos_and_no_dup() {
    let mut bench = Bench::open(V5);
    let one = bench.publish("a", b"x", 1).unwrap();
    let sent = bench.sent();
    let right = sent == [publish("a", b"x").qos(1, one).bytes(V5)];
    proves!(
        V5,
        "MQTT-4.3.2-2",
        right && sent[0][0] == 0x32,
        "{sent:02x?}"
    );
    let two = bench.publish("a", b"x", 2).unwrap();
    let sent = bench.sent();
    let right = sent == [publish("a", b"x").qos(2, two).bytes(V5)];
    proves!(
        V5,
        "MQTT-4.3.3-2",
        right && sent[0][0] == 0x34,
        "{sent:02x?}"
    );
}

#[test]
fn a_qos_1_message_is_unacknowledged_until_puback() {
    let mut bench = Bench::open(V5);
    let mid = bench.publish("a", b"x", 1).unwrap();
    bench.sent();
    for _ in 0..3 {
        // Other packets, with other identifiers or for other things, do not end it.
        bench.accept_input(&puback(mid + 1));
        bench.accept_input(&publish("a", b"y").qos(1, mid).bytes(V5));
        bench.sent();
        let seen = bench.seen();
        let open = !seen.contains(&published(mid, ReasonCode::SUCCESS));
        proves!(V5, "MQTT-4.3.2-3", open, "{seen:?}");
        bench.lose();
        bench.reconnect(true, &[]);
        let sent = bench.sent();
        let again = sent == [publish("a", b"x").qos(1, mid).dup().bytes(V5)];
        proves!(V5, "MQTT-4.3.2-3", again, "{sent:02x?}");
    }
    bench.accept_input(&puback(mid));
    let seen = bench.seen();
    let ended = seen == [published(mid, ReasonCode::SUCCESS)];
    proves!(V5, "MQTT-4.3.2-3", ended, "{seen:?}");
    bench.lose();
    bench.reconnect(true, &[]);
    let sent = bench.sent();
    proves!(V5, "MQTT-4.3.2-3", sent.is_empty(), "{sent:02x?}");
    // PUBREC and PUBCOMP are no answers to it.
    for wrong in [pubrec(1), pubcomp(1)] {
        let mut bench = Bench::open(V5);
        assert_eq!(bench.publish("a", b"x", 1), Ok(1));
        bench.sent();
        let refused = refuses(&mut bench, &wrong, 0x82);
        proves!(V5, "MQTT-4.3.2-3", refused, "{wrong:02x?}");
    }
}

#[test]
fn a_qos_1_message_received_is_answered_by_puback_with_its_identifier() {
    let mut bench = Bench::open(V5);
    for mid in [1, 7, 65_535] {
        bench.accept_input(&publish("a", b"x").qos(1, mid).bytes(V5));
        let (seen, sent) = (bench.seen(), bench.sent());
        let taken = seen == [received("a", b"x", 1, mid)] && sent == [puback(mid)];
        proves!(V5, "MQTT-4.3.2-4", taken, "{seen:?}, {sent:02x?}");
    }
}

#[test]
fn a_qos_1_message_with_an_acknowledged_identifier_is_a_new_one_whatever_its_dup() {
    let mut bench = Bench::open(V5);
    for (round, dup) in [false, true, true, false].into_iter().enumerate() {
        let payload = [b'0' + round as u8];
        let packet = publish("a", &payload).qos(1, 7).dup_if(dup).bytes(V5);
        bench.accept_input(&packet);
        let (seen, sent) = (bench.seen(), bench.sent());
        let new = payloads(&seen) == [payload] && sent == [puback(7)];
        proves!(V5, "MQTT-4.3.2-5", new, "DUP {dup}: {seen:?}, {sent:02x?}");
    }
}

#[test]
fn a_qos_2_message_is_unacknowledged_until_pubrec() {
    let mut bench = Bench::open(V5);
    let mid = bench.publish("a", b"x", 2).unwrap();
    bench.sent();
    for _ in 0..3 {
        bench.accept_input(&publish("a", b"y").qos(2, mid).bytes(V5));
        bench.accept_input(&pubrel(mid));
        bench.sent();
        let seen = bench.seen();
        let open = !seen.contains(&published(mid, ReasonCode::SUCCESS));
        proves!(V5, "MQTT-4.3.3-3", open, "{seen:?}");
        bench.lose();
        bench.reconnect(true, &[]);
        let sent = bench.sent();
        let again = sent == [publish("a", b"x").qos(2, mid).dup().bytes(V5)];
        proves!(V5, "MQTT-4.3.3-3", again, "{sent:02x?}");
    }
    bench.accept_input(&pubrec(mid));
    bench.sent();
    bench.lose();
    bench.reconnect(true, &[]);
    let sent = fields(&bench.sent());
    proves!(V5, "MQTT-4.3.3-3", sent.is_empty(), "{sent:?}");
    // PUBACK and PUBCOMP are no answers to it.
    for wrong in [puback(1), pubcomp(1)] {
        let mut bench = Bench::open(V5);
        assert_eq!(bench.publish("a", b"x", 2), Ok(1));
        bench.sent();
        let refused = refuses(&mut bench, &wrong, 0x82);
        proves!(V5, "MQTT-4.3.3-3", refused, "{wrong:02x?}");
    }
}

#[test]
fn pubrec_is_answered_by_pubrel_unless_it_refuses() {
    for code in [0, 0x10] {
        for mid in [1, 2, 3] {
            let mut bench = Bench::open(V5);
            for _ in 0..3 {
                bench.publish("a", b"x", 2).unwrap();
            }
            bench.sent();
            bench.accept_input(&ack(0x50, mid, code, &[]));
            let sent = bench.sent();
            proves!(V5, "MQTT-4.3.3-4", sent == [pubrel(mid)], "{sent:02x?}");
        }
    }
    for code in [0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99] {
        let mut bench = Bench::open(V5);
        let mid = bench.publish("a", b"x", 2).unwrap();
        bench.sent();
        bench.accept_input(&ack(0x50, mid, code, &[]));
        let sent = bench.sent();
        proves!(
            V5,
            "MQTT-4.3.3-4",
            sent.is_empty(),
            "{code:#x}: {sent:02x?}"
        );
    }
}

#[test]
fn pubrel_is_unacknowledged_until_pubcomp_and_publish_is_not_sent_again() {
    let mut bench = Bench::open(V5);
    let mid = bench.publish("a", b"x", 2).unwrap();
    bench.accept_input(&pubrec(mid));
    bench.sent();
    for _ in 0..3 {
        let seen = bench.seen();
        let open = !seen.contains(&published(mid, ReasonCode::SUCCESS));
        proves!(V5, "MQTT-4.3.3-5", open, "{seen:?}");
        bench.lose();
        bench.reconnect(true, &[]);
        let sent = bench.sent();
        proves!(V5, "MQTT-4.3.3-5", sent == [pubrel(mid)], "{sent:02x?}");
        proves!(V5, "MQTT-4.3.3-6", fields(&sent).is_empty(), "{sent:02x?}");
        // Not even when PUBREC comes again.
        bench.accept_input(&pubrec(mid));
        let sent = bench.sent();
        proves!(V5, "MQTT-4.3.3-6", sent == [pubrel(mid)], "{sent:02x?}");
    }
    bench.accept_input(&pubcomp(mid));
    let seen = bench.seen();
    let ended = seen == [published(mid, ReasonCode::SUCCESS)];
    proves!(V5, "MQTT-4.3.3-5", ended, "{seen:?}");
    bench.lose();
    bench.reconnect(true, &[]);
    let sent = bench.sent();
    proves!(V5, "MQTT-4.3.3-5", sent.is_empty(), "{sent:02x?}");
}

#[test]
fn a_message_that_was_sent_does_not_expire() {
    let expiry = [Prop::U32(MESSAGE_EXPIRY_INTERVAL, 10)];
    let mut bench = Bench::open(V5);
    let sent_one = bench.publish_props("a", b"x", 2, &expiry).unwrap();
    let released = bench.publish_props("a", b"y", 2, &expiry).unwrap();
    bench.accept_input(&pubrec(released));
    bench.sent();
    bench.lose();
    bench.pass(HOUR).unwrap();
    bench.reconnect(true, &[]);
    let sent = bench.sent();
    let again = fields(&sent);
    let kept = again.len() == 1
        && again[0].packet_id == Some(sent_one)
        && again[0].dup
        && again[0].payload == b"x"
        && sent.last() == Some(&pubrel(released));
    proves!(V5, "MQTT-4.3.3-7", kept, "{sent:02x?}");
    // And it is finished, however late.
    bench.accept_input(&pubrec(sent_one));
    bench.expect(&[pubrel(sent_one)]);
    assert!(pass(&mut bench, HOUR).is_empty());
    bench.accept_input(&pubcomp(sent_one));
    let seen = bench.seen();
    let ended = seen == [published(sent_one, ReasonCode::SUCCESS)];
    proves!(V5, "MQTT-4.3.3-7", ended, "{seen:?}");
    // While one that was never sent does.
    bench.lose();
    let never = bench.publish_props("a", b"z", 2, &expiry).unwrap();
    bench.pass(HOUR).unwrap();
    bench.reconnect(true, &[]);
    let sent = fields(&bench.sent());
    assert!(sent.iter().all(|p| p.packet_id != Some(never)), "{sent:?}");
}

#[test]
fn a_qos_2_message_received_is_taken_once_until_it_is_released() {
    for over_reconnects in [false, true] {
        let mut bench = Bench::open(V5);
        bench.accept_input(&publish("a", b"x").qos(2, 7).bytes(V5));
        let (seen, sent) = (bench.seen(), bench.sent());
        let taken = seen == [received("a", b"x", 2, 7)] && sent == [pubrec(7)];
        proves!(V5, "MQTT-4.3.3-8", taken, "{seen:?}, {sent:02x?}");
        for dup in [true, false, true] {
            if over_reconnects {
                bench.lose();
                bench.reconnect(true, &[]);
            }
            bench.accept_input(&publish("a", b"x").qos(2, 7).dup_if(dup).bytes(V5));
            let (seen, sent) = (bench.seen(), bench.sent());
            let once = seen.is_empty() && sent == [pubrec(7)];
            proves!(V5, "MQTT-4.3.3-10", once, "{seen:?}, {sent:02x?}");
        }
        bench.accept_input(&pubrel(7));
        let sent = bench.sent();
        proves!(V5, "MQTT-4.3.3-11", sent == [pubcomp(7)], "{sent:02x?}");
        bench.accept_input(&publish("a", b"new").qos(2, 7).dup().bytes(V5));
        let (seen, sent) = (bench.seen(), bench.sent());
        let new = payloads(&seen) == [b"new"] && sent == [pubrec(7)];
        proves!(V5, "MQTT-4.3.3-12", new, "{seen:?}, {sent:02x?}");
    }
}

#[test]
fn pubrel_is_answered_by_pubcomp_with_its_identifier() {
    let mut bench = Bench::open(V5);
    for mid in [1, 255, 65_535] {
        bench.accept_input(&publish("a", b"x").qos(2, mid).bytes(V5));
    }
    bench.sent();
    for mid in [255, 65_535, 1] {
        bench.accept_input(&pubrel(mid));
        let sent = bench.sent();
        proves!(V5, "MQTT-4.3.3-11", sent == [pubcomp(mid)], "{sent:02x?}");
    }
}

#[test]
fn a_message_received_that_expires_is_acknowledged_all_the_same() {
    let expiry = [Prop::U32(MESSAGE_EXPIRY_INTERVAL, 1)];
    let packet = publish("a", b"x").qos(2, 7).props(&expiry);
    let mut bench = Bench::open(V5);
    bench.accept_input(&packet.bytes(V5));
    bench.expect(&[pubrec(7)]);
    assert!(pass(&mut bench, HOUR).is_empty());
    bench.accept_input(&packet.dup().bytes(V5));
    let sent = bench.sent();
    proves!(V5, "MQTT-4.3.3-13", sent == [pubrec(7)], "{sent:02x?}");
    assert!(pass(&mut bench, HOUR).is_empty());
    bench.accept_input(&pubrel(7));
    let sent = bench.sent();
    proves!(V5, "MQTT-4.3.3-13", sent == [pubcomp(7)], "{sent:02x?}");
    let seen = bench.seen();
    assert_eq!(payloads(&seen).len(), 1, "{seen:?}");
}

/// Messages of each kind in flight: 1 (QoS 1), 2 (QoS 2), 3 (past PUBREC), 4 (QoS 1).
fn in_flight() -> Bench {
    let mut bench = Bench::open(V5);
    for (qos, mid) in [(1, 1), (2, 2), (2, 3), (1, 4)] {
        assert_eq!(bench.publish("a", b"x", qos), Ok(mid));
    }
    bench.accept_input(&pubrec(3));
    bench.sent();
    bench
}

#[test]
fn a_session_that_goes_on_sends_again_what_was_not_acknowledged() {
    let mut bench = in_flight();
    for _ in 0..3 {
        bench.lose();
        bench.connect();
        // Not before the server says that it has the session.
        let early = bench.sent();
        bench.accept(true, &[]);
        let sent = bench.sent();
        let resent = [
            publish("a", b"x").qos(1, 1).dup().bytes(V5),
            publish("a", b"x").qos(2, 2).dup().bytes(V5),
            pubrel(3),
            publish("a", b"x").qos(1, 4).dup().bytes(V5),
        ];
        let right = early.is_empty() && sent == resent;
        proves!(V5, "MQTT-4.4.0-1", right, "{early:02x?}, {sent:02x?}");
    }
}

#[test]
fn nothing_is_sent_again_at_any_other_time() {
    // Not for lack of an answer, however long.
    let mut bench = in_flight();
    let sent = pass(&mut bench, 24 * HOUR);
    proves!(V5, "MQTT-4.4.0-1", sent.is_empty(), "{sent:02x?}");
    // Nor to a server that has lost the session: what it gets are new messages.
    bench.lose();
    bench.reconnect(false, &[]);
    let sent = bench.sent();
    let new = fields(&sent);
    let none = new.len() == sent.len() && new.iter().all(|publish| !publish.dup);
    proves!(V5, "MQTT-4.4.0-1", none, "{sent:02x?}");
}

#[test]
fn an_acknowledgement_that_refuses_is_one() {
    for code in [0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99] {
        let mut bench = Bench::open(V5);
        assert_eq!(bench.publish("a", b"x", 1), Ok(1));
        assert_eq!(bench.publish("a", b"x", 2), Ok(2));
        bench.sent();
        bench.accept_input(&ack(0x40, 1, code, &[]));
        bench.accept_input(&ack(0x50, 2, code, &[]));
        let seen = bench.seen();
        let ended = [1, 2].map(|mid| published(mid, ReasonCode(code)));
        proves!(V5, "MQTT-4.4.0-2", seen == ended, "{seen:?}");
        bench.lose();
        bench.reconnect(true, &[]);
        let sent = bench.sent();
        proves!(V5, "MQTT-4.4.0-2", sent.is_empty(), "{sent:02x?}");
    }
}

#[test]
fn a_message_nobody_looks_at_is_acknowledged_as_its_qos_wants() {
    let mut w = Wire::open(V5);
    // No callback at all is left to take a message.
    w.client.v5_callbacks(false);
    w.send(&publish("a", b"x").bytes(V5));
    w.send(&publish("a", b"x").qos(1, 7).bytes(V5));
    w.send(&publish("a", b"x").qos(2, 8).bytes(V5));
    let sent = [w.take_packet(), w.take_packet()];
    let right = sent == [puback(7), pubrec(8)];
    proves!(V5, "MQTT-4.5.0-2", right, "{sent:02x?}");
    w.send(&pubrel(8));
    let sent = w.take_packet();
    proves!(V5, "MQTT-4.5.0-2", sent == pubcomp(8), "{sent:02x?}");
    assert_eq!(w.client.try_event(), None);
}

#[test]
fn messages_are_sent_again_in_their_original_order() {
    let mut bench = Bench::open(V5);
    let order = [1, 2, 2, 1, 2, 1, 1, 2];
    for (payload, qos) in (0..).zip(order) {
        bench.publish("a", &[payload], qos).unwrap();
    }
    let sent = |bench: &mut Bench| -> Vec<_> {
        let sent = fields(&bench.sent());
        sent.iter().map(|publish| publish.payload[0]).collect()
    };
    assert_eq!(sent(&mut bench), [0, 1, 2, 3, 4, 5, 6, 7]);
    for _ in 0..2 {
        bench.lose();
        bench.reconnect(true, &[]);
        let again = sent(&mut bench);
        let same = again == [0, 1, 2, 3, 4, 5, 6, 7];
        proves!(V5, "MQTT-4.6.0-1", same, "{again:?}");
    }
    // Those in the middle are acknowledged first.
    bench.accept_input(&puback(4));
    bench.accept_input(&ack(0x50, 3, 0x80, &[]));
    bench.sent();
    bench.seen();
    bench.lose();
    bench.publish("a", &[8], 1).unwrap();
    bench.reconnect(true, &[]);
    let again = sent(&mut bench);
    let same = again == [0, 1, 4, 5, 6, 7, 8];
    proves!(V5, "MQTT-4.6.0-1", same, "{again:?}");
}

#[test]
fn acknowledgements_go_out_in_the_order_the_messages_came() {
    let mids = [5, 3, 9, 1, 65_535, 2];
    let all = |qos: u8| -> Vec<u8> {
        mids.iter()
            .flat_map(|mid| publish("a", b"x").qos(qos, *mid).bytes(V5))
            .collect()
    };
    let mut bench = Bench::open(V5);
    bench.accept_input(&all(1));
    let sent = bench.sent();
    proves!(V5, "MQTT-4.6.0-2", sent == mids.map(puback), "{sent:02x?}");
    bench.accept_input(&all(2));
    let sent = bench.sent();
    proves!(V5, "MQTT-4.6.0-3", sent == mids.map(pubrec), "{sent:02x?}");
    // Mixed with each other, too.
    let mixed: Vec<u8> = [(1, 11), (2, 12), (2, 10), (1, 8)]
        .iter()
        .flat_map(|(qos, mid)| publish("a", b"x").qos(*qos, *mid).bytes(V5))
        .collect();
    bench.accept_input(&mixed);
    let sent = bench.sent();
    let order = sent == [puback(11), pubrec(12), pubrec(10), puback(8)];
    proves!(V5, "MQTT-4.6.0-2", order, "{sent:02x?}");
    proves!(V5, "MQTT-4.6.0-3", order, "{sent:02x?}");
}

#[test]
fn pubrels_go_out_in_the_order_the_pubrecs_came() {
    let mut bench = Bench::open(V5);
    for mid in 1..=5 {
        assert_eq!(bench.publish("a", b"x", 2), Ok(mid));
    }
    bench.sent();
    let order = [3, 1, 5, 2, 4];
    let pubrecs: Vec<u8> = order.iter().flat_map(|mid| pubrec(*mid)).collect();
    bench.accept_input(&pubrecs);
    let sent = bench.sent();
    proves!(V5, "MQTT-4.6.0-4", sent == order.map(pubrel), "{sent:02x?}");
    // Also when they are sent again.
    for _ in 0..2 {
        bench.lose();
        bench.reconnect(true, &[]);
        let sent = bench.sent();
        proves!(V5, "MQTT-4.6.0-4", sent == order.map(pubrel), "{sent:02x?}");
    }
}
