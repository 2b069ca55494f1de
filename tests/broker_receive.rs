//! Messages of the broker: the flows of QoS 0, 1 and 2 and what reaches on_message.

#![allow(
    clippy::undocumented_unsafe_blocks,
    reason = "the C API is called with arguments that live through the call"
)]

mod support;

use std::time::Duration;

use support::prop::*;
use support::*;
use Version::{V311, V5};

fn message(topic: &str, payload: &[u8]) -> Event {
    Event::MessageV5(Message::new(topic, payload), vec![])
}

fn message_qos(topic: &str, payload: &[u8], qos: i32, mid: u16) -> Event {
    Event::MessageV5(Message::new(topic, payload).qos(qos, mid), vec![])
}

fn a_qos_0_message_is_delivered_without_an_answer(v: Version) {
    let mut w = Wire::open(v);
    w.send(&publish("a/b", b"hello").bytes(v));
    w.event(message("a/b", b"hello"));
    w.finish();
}

fn a_qos_1_message_is_delivered_and_acknowledged(v: Version) {
    let mut w = Wire::open(v);
    w.send(&publish("a/b", b"hello").qos(1, 258).bytes(v));
    w.event(message_qos("a/b", b"hello", 1, 258));
    w.expect(&puback(258));
    w.finish();
}

fn a_qos_2_message_is_delivered_once_over_four_packets(v: Version) {
    let mut w = Wire::open(v);
    w.send(&publish("a/b", b"hello").qos(2, 258).bytes(v));
    w.expect(&pubrec(258));
    w.send(&pubrel(258));
    w.expect(&pubcomp(258));
    w.event(message_qos("a/b", b"hello", 2, 258));
    w.finish();
}

fn a_qos_2_message_is_delivered_when_its_publish_arrives(v: Version) {
    let mut w = Wire::open(v);
    w.send(&publish("a/b", b"hello").qos(2, 5).bytes(v));
    w.event(message_qos("a/b", b"hello", 2, 5));
}

fn a_repeated_qos_2_message_is_acknowledged_and_not_delivered_again(v: Version) {
    let mut w = Wire::open(v);
    w.send(&publish("a", b"x").qos(2, 5).bytes(v));
    w.expect(&pubrec(5));
    w.send(&publish("a", b"x").qos(2, 5).dup().bytes(v));
    w.expect(&pubrec(5));
    w.send(&pubrel(5));
    w.expect(&pubcomp(5));
    w.event(message_qos("a", b"x", 2, 5));
    w.finish();
}

fn an_identifier_released_by_pubrel_may_carry_a_new_message(v: Version) {
    let mut w = Wire::open(v);
    for payload in [b"one", b"two"] {
        w.send(&publish("a", payload).qos(2, 5).bytes(v));
        w.expect(&pubrec(5));
        w.send(&pubrel(5));
        w.expect(&pubcomp(5));
        w.event(message_qos("a", payload, 2, 5));
    }
    w.finish();
}

fn a_repeated_pubrel_is_answered_again(v: Version) {
    let mut w = Wire::open(v);
    w.send(&publish("a", b"x").qos(2, 5).bytes(v));
    w.expect(&pubrec(5));
    w.event(message_qos("a", b"x", 2, 5));
    w.send(&pubrel(5));
    w.expect(&pubcomp(5));
    w.send(&pubrel(5));
    let again = w.take_packet();
    // MQTT 5 has a reason code for it: Packet Identifier not found.
    let known = if v.is_v5() {
        vec![0x70, 3, 0, 5, 0x92]
    } else {
        pubcomp(5)
    };
    assert_eq!(again, known);
    w.finish();
}

fn a_repeated_qos_1_message_is_delivered_again(v: Version) {
    let mut w = Wire::open(v);
    w.send(&publish("a", b"x").qos(1, 5).bytes(v));
    w.expect(&puback(5));
    w.send(&publish("a", b"x").qos(1, 5).dup().bytes(v));
    w.expect(&puback(5));
    w.event(message_qos("a", b"x", 1, 5));
    w.event(message_qos("a", b"x", 1, 5));
    w.finish();
}

fn the_retain_flag_is_handed_out(v: Version) {
    let mut w = Wire::open(v);
    w.send(&publish("a", b"old").retain().bytes(v));
    w.event(Event::MessageV5(
        Message::new("a", b"old").retained(),
        vec![],
    ));
}

fn an_empty_payload_is_a_null_pointer(v: Version) {
    let mut w = Wire::open(v);
    w.send(&publish("a", b"").bytes(v));
    let event = w.client.next_event();
    let Event::MessageV5(message, _) = event else {
        panic!("{event:?}")
    };
    assert_eq!(message.payload, None);
}

fn a_nul_stands_behind_payload_and_topic(v: Version) {
    let mut w = Wire::open(v);
    // The next packet's bytes lie where a missing NUL would be noticed.
    let two = [
        publish("topic", b"one").bytes(v),
        publish("topic/2", b"two").bytes(v),
    ]
    .concat();
    w.send(&two);
    for (topic, payload) in [("topic", b"one"), ("topic/2", b"two")] {
        let event = w.client.next_event();
        let Event::MessageV5(message, _) = event else {
            panic!("{event:?}")
        };
        assert_eq!(message.topic, topic);
        assert_eq!(message.payload.as_deref(), Some(&payload[..]));
        assert_eq!(message.behind, Some(0));
    }
}

fn a_payload_may_hold_any_byte(v: Version) {
    let payload: Vec<u8> = (0..=255).collect();
    let mut w = Wire::open(v);
    w.send(&publish("a", &payload).bytes(v));
    w.event(message("a", &payload));
}

fn a_message_may_arrive_byte_by_byte(v: Version) {
    let mut w = Wire::open(v);
    let packet = publish("a/b", b"slow").qos(1, 9).bytes(v);
    for byte in packet {
        assert_eq!(w.client.try_event(), None);
        w.send(&[byte]);
        w.client.step(Duration::from_millis(50));
    }
    w.event(message_qos("a/b", b"slow", 1, 9));
    w.expect(&puback(9));
    w.finish();
}

fn a_message_may_be_split_anywhere(v: Version) {
    let mut w = Wire::open(v);
    let packet = publish("a/b", b"in two").qos(2, 9).bytes(v);
    for at in 1..packet.len() {
        w.send(&packet[..at]);
        w.client.step(Duration::from_millis(50));
        assert_eq!(w.client.try_event(), None);
        w.send(&packet[at..]);
        w.expect(&pubrec(9));
        w.event(message_qos("a/b", b"in two", 2, 9));
        w.send(&pubrel(9));
        w.expect(&pubcomp(9));
    }
    w.finish();
}

fn many_messages_in_one_segment_are_delivered_in_order(v: Version) {
    let mut w = Wire::open(v);
    let texts: Vec<_> = (0..200).map(|number| format!("number {number}")).collect();
    let bytes: Vec<_> = texts
        .iter()
        .flat_map(|text| publish("a", text.as_bytes()).bytes(v))
        .collect();
    w.send(&bytes);
    for text in &texts {
        w.event(message("a", text.as_bytes()));
    }
    w.finish();
}

fn a_message_of_a_mebibyte_is_delivered_whole(v: Version) {
    let mut w = Setup::new(v).drive(Drive::Thread).open();
    let payload: Vec<u8> = (0..1 << 20).map(|n: u32| (n % 251) as u8).collect();
    w.send(&publish("big", &payload).qos(1, 1).bytes(v));
    w.expect(&puback(1));
    w.event(message_qos("big", &payload, 1, 1));
}

fn interleaved_qos_2_messages_are_kept_apart(v: Version) {
    let mut w = Wire::open(v);
    for mid in 1..=3 {
        w.send(&publish("a", &[mid as u8]).qos(2, mid).bytes(v));
        w.expect(&pubrec(mid));
        w.event(message_qos("a", &[mid as u8], 2, mid));
    }
    for mid in [2, 3, 1] {
        w.send(&pubrel(mid));
        w.expect(&pubcomp(mid));
    }
    w.finish();
}

fn both_directions_may_use_the_same_identifier(v: Version) {
    let mut w = Wire::open(v);
    let mid = w.client.publish("out", b"x", 2).unwrap();
    w.expect(&publish("out", b"x").qos(2, mid).bytes(v));
    w.send(&publish("in", b"y").qos(2, mid).bytes(v));
    w.expect(&pubrec(mid));
    w.event(message_qos("in", b"y", 2, mid));
    w.send(&pubrec(mid));
    w.expect(&pubrel(mid));
    w.send(&pubrel(mid));
    w.expect(&pubcomp(mid));
    w.send(&pubcomp(mid));
    w.event(Event::PublishV5(mid.into(), 0, vec![]));
    w.finish();
}

fn both_kinds_of_on_message_are_called(v: Version) {
    let mut w = Wire::open(v);
    w.client.plain_callbacks(true);
    w.send(&publish("a", b"x").bytes(v));
    w.event(Event::Message(Message::new("a", b"x")));
    w.event(message("a", b"x"));
}

fn a_callback_removed_between_messages_is_not_called_again(v: Version) {
    let mut w = Wire::open(v);
    w.client.plain_callbacks(true);
    w.send(&publish("a", b"1").bytes(v));
    w.event(Event::Message(Message::new("a", b"1")));
    w.event(message("a", b"1"));
    w.client.v5_callbacks(false);
    w.send(&publish("a", b"2").bytes(v));
    w.event(Event::Message(Message::new("a", b"2")));
    w.send(&publish("a", b"3").bytes(v));
    w.event(Event::Message(Message::new("a", b"3")));
}

fn a_callback_may_remove_itself(v: Version) {
    let mut w = Wire::open(v);
    w.client.on_event(|handle, _| unsafe {
        mosquitto_message_v5_callback_set(handle.0, None);
    });
    w.send(
        &[
            publish("a", b"1").bytes(v),
            publish("a", b"2").qos(1, 3).bytes(v),
        ]
        .concat(),
    );
    w.event(message("a", b"1"));
    // Acknowledged all the same.
    w.expect(&puback(3));
    w.finish();
}

fn an_answer_published_inside_on_message_goes_out(v: Version) {
    let mut w = Wire::open(v);
    w.client.on_event(|handle, event| {
        if let Event::MessageV5(message, _) = event {
            let payload = message.payload.clone().unwrap();
            handle.publish("answer", &payload, 0).unwrap();
        }
    });
    for payload in [b"ping 1", b"ping 2"] {
        w.send(&publish("question", payload).bytes(v));
        w.expect(&publish("answer", payload).bytes(v));
        w.event(message("question", payload));
        let event = w.client.next_event();
        assert!(matches!(event, Event::PublishV5(_, 0, _)), "{event:?}");
    }
    w.finish();
}

/// The first copy may have been lost with an older connection.
fn a_message_with_dup_that_never_came_before_is_delivered(v: Version) {
    let mut w = Wire::open(v);
    for qos in 1..3 {
        w.send(&publish("a", b"x").qos(qos, 5).dup().bytes(v));
        w.event(message_qos("a", b"x", qos.into(), 5));
        w.expect(&if qos == 1 { puback(5) } else { pubrec(5) });
    }
}

fn topics_of_every_shape_are_delivered(v: Version) {
    let mut w = Wire::open(v);
    let long = "x/".repeat(30_000);
    for topic in [
        "/",
        "//",
        "$SYS/x",
        "with space",
        "grüße/€/😀",
        long.as_str(),
    ] {
        w.send(&publish(topic, b"x").bytes(v));
        w.event(message(topic, b"x"));
    }
    w.finish();
}

each_version!(
    a_qos_0_message_is_delivered_without_an_answer,
    a_qos_1_message_is_delivered_and_acknowledged,
    a_qos_2_message_is_delivered_once_over_four_packets,
    a_qos_2_message_is_delivered_when_its_publish_arrives,
    a_repeated_qos_2_message_is_acknowledged_and_not_delivered_again,
    an_identifier_released_by_pubrel_may_carry_a_new_message,
    a_repeated_pubrel_is_answered_again,
    a_repeated_qos_1_message_is_delivered_again,
    the_retain_flag_is_handed_out,
    an_empty_payload_is_a_null_pointer,
    a_nul_stands_behind_payload_and_topic,
    a_payload_may_hold_any_byte,
    a_message_may_arrive_byte_by_byte,
    a_message_may_be_split_anywhere,
    many_messages_in_one_segment_are_delivered_in_order,
    a_message_of_a_mebibyte_is_delivered_whole,
    interleaved_qos_2_messages_are_kept_apart,
    both_directions_may_use_the_same_identifier,
    both_kinds_of_on_message_are_called,
    a_callback_removed_between_messages_is_not_called_again,
    a_callback_may_remove_itself,
    an_answer_published_inside_on_message_goes_out,
    a_message_with_dup_that_never_came_before_is_delivered,
    topics_of_every_shape_are_delivered,
);

/// An MQTT 5 client that allows the broker `maximum` topic aliases.
fn with_aliases(maximum: u16) -> Wire {
    Setup::new(V5)
        .props(&[Prop::U16(TOPIC_ALIAS_MAXIMUM, maximum)])
        .open()
}

fn aliased(topic: &str, payload: &[u8], alias: u16) -> Vec<u8> {
    publish(topic, payload)
        .props(&[Prop::U16(TOPIC_ALIAS, alias)])
        .bytes(V5)
}

#[track_caller]
fn expect_topic(w: &mut Wire, topic: &str, payload: &[u8]) {
    let event = w.client.next_event();
    let Event::MessageV5(message, _) = event else {
        panic!("{event:?}")
    };
    assert_eq!(message, Message::new(topic, payload));
}

#[test]
fn a_topic_alias_stands_for_the_topic_it_came_with() {
    let mut w = with_aliases(5);
    w.send(&aliased("long/topic", b"1", 5));
    expect_topic(&mut w, "long/topic", b"1");
    w.send(&aliased("", b"2", 5));
    expect_topic(&mut w, "long/topic", b"2");
    w.finish();
}

#[test]
fn a_topic_alias_may_be_given_to_another_topic() {
    let mut w = with_aliases(5);
    for topic in ["first", "second"] {
        w.send(&aliased(topic, b"1", 2));
        expect_topic(&mut w, topic, b"1");
        w.send(&aliased("", b"2", 2));
        expect_topic(&mut w, topic, b"2");
    }
    w.finish();
}

#[test]
fn topic_aliases_do_not_outlive_the_connection() {
    let mut w = with_aliases(5);
    w.send(&aliased("topic", b"1", 1));
    expect_topic(&mut w, "topic", b"1");
    w.lose();
    w.reconnect();
    w.accept_session(false, &[]);
    w.send(&aliased("", b"2", 1));
    w.expect_failure(MOSQ_ERR_PROTOCOL, 0x82);
}

#[test]
fn a_topic_alias_of_0_is_invalid() {
    let mut w = with_aliases(5);
    w.send(&aliased("topic", b"", 0));
    w.expect_failure(MOSQ_ERR_TOPIC_ALIAS_INVALID, 0x94);
}

#[test]
fn a_topic_alias_above_the_maximum_is_invalid() {
    let mut w = with_aliases(5);
    w.send(&aliased("topic", b"", 6));
    w.expect_failure(MOSQ_ERR_TOPIC_ALIAS_INVALID, 0x94);
}

#[test]
fn a_topic_alias_without_a_maximum_is_invalid() {
    let mut w = Wire::open(V5);
    w.send(&aliased("topic", b"", 1));
    w.expect_failure(MOSQ_ERR_TOPIC_ALIAS_INVALID, 0x94);
}

/// MQTT 5.0 section 3.3.4 names this reason code, not Topic Alias invalid.
#[test]
fn a_topic_alias_never_introduced_is_a_protocol_error() {
    let mut w = with_aliases(5);
    w.send(&aliased("", b"", 3));
    w.expect_failure(MOSQ_ERR_PROTOCOL, 0x82);
}

#[test]
fn the_receive_maximum_bounds_what_the_broker_has_under_way() {
    let mut w = Setup::new(V5)
        .configure(|client| client.int_option(MOSQ_OPT_RECEIVE_MAXIMUM, 2).unwrap())
        .receive_maximum(Some(2))
        .open();
    for mid in 1..=2 {
        w.send(&publish("a", b"").qos(2, mid).bytes(V5));
        w.expect(&pubrec(mid));
        w.event(message_qos("a", b"", 2, mid));
    }
    w.send(&publish("a", b"").qos(2, 3).bytes(V5));
    w.expect_failure(MOSQ_ERR_RECEIVE_MAXIMUM_EXCEEDED, 0x93);
}

#[test]
fn a_pubrel_makes_room_in_the_receive_maximum() {
    let mut w = Setup::new(V5)
        .configure(|client| client.int_option(MOSQ_OPT_RECEIVE_MAXIMUM, 1).unwrap())
        .receive_maximum(Some(1))
        .open();
    for mid in 1..=3 {
        w.send(&publish("a", b"").qos(2, mid).bytes(V5));
        w.expect(&pubrec(mid));
        w.event(message_qos("a", b"", 2, mid));
        w.send(&pubrel(mid));
        w.expect(&pubcomp(mid));
    }
    w.finish();
}

#[test]
fn the_receive_maximum_among_the_connect_properties_counts() {
    let mut w = Setup::new(V5)
        .props(&[Prop::U16(RECEIVE_MAXIMUM, 1)])
        .receive_maximum(None)
        .open();
    w.send(&publish("a", b"").qos(2, 1).bytes(V5));
    w.expect(&pubrec(1));
    w.event(message_qos("a", b"", 2, 1));
    w.send(&publish("a", b"").qos(2, 2).bytes(V5));
    w.expect_failure(MOSQ_ERR_RECEIVE_MAXIMUM_EXCEEDED, 0x93);
}

#[test]
fn a_packet_of_exactly_our_maximum_packet_size_is_delivered() {
    let mut w = Setup::new(V5)
        .props(&[Prop::U32(MAXIMUM_PACKET_SIZE, 100)])
        .open();
    let packet = publish("t", &[b'x'; 94]).bytes(V5);
    assert_eq!(packet.len(), 100);
    w.send(&packet);
    w.event(message("t", &[b'x'; 94]));
    w.finish();
}

#[test]
fn a_packet_above_our_maximum_packet_size_is_too_large() {
    let mut w = Setup::new(V5)
        .props(&[Prop::U32(MAXIMUM_PACKET_SIZE, 100)])
        .open();
    // The header alone says so.
    w.send(&publish("t", &[b'x'; 95]).bytes(V5)[..2]);
    w.expect_failure(MOSQ_ERR_OVERSIZE_PACKET, 0x95);
}

#[test]
fn a_qos_1_message_without_a_callback_is_acknowledged() {
    let mut w = Setup::new(V311)
        .configure(|client| client.v5_callbacks(false))
        .connecting();
    w.send(&connack(V311, false, 0, &[]));
    w.send(&publish("a", b"x").qos(1, 9).bytes(V311));
    w.expect(&puback(9));
}
