//! MQTT 5 properties of messages, both ways.

mod support;

use support::prop::*;
use support::*;
use Version::V5;

/// Everything a program may put into a PUBLISH, in an order of its own.
fn all_of_publish() -> Vec<Prop> {
    vec![
        user("z", "last"),
        text(CONTENT_TYPE, "text/plain"),
        Prop::U32(MESSAGE_EXPIRY_INTERVAL, 4_000_000_000),
        user("a", ""),
        Prop::Binary(CORRELATION_DATA, vec![0, 255, 1]),
        text(RESPONSE_TOPIC, "answers/1"),
        Prop::Byte(PAYLOAD_FORMAT_INDICATOR, 1),
        user("z", "again"),
    ]
}

fn check_sent(qos: u8, props: &[Prop]) {
    let mut w = Wire::open(V5);
    let mid = w.client.publish_v5("a", b"x", qos.into(), props).unwrap();
    w.expect(&publish("a", b"x").qos(qos, mid).props(props).bytes(V5));
}

#[test]
fn qos_0_properties_go_out_in_the_order_they_were_added() {
    check_sent(0, &all_of_publish());
}

#[test]
fn qos_1_properties_go_out_in_the_order_they_were_added() {
    check_sent(1, &all_of_publish());
}

#[test]
fn qos_2_properties_go_out_in_the_order_they_were_added() {
    check_sent(2, &all_of_publish());
}

#[test]
fn an_empty_string_and_empty_data_are_sent() {
    check_sent(
        0,
        &[
            text(CONTENT_TYPE, ""),
            Prop::Binary(CORRELATION_DATA, vec![]),
        ],
    );
}

#[test]
fn properties_of_more_than_127_bytes_have_a_longer_length() {
    check_sent(0, &[user("name", &"v".repeat(200))]);
    check_sent(1, &[user("name", &"v".repeat(20_000))]);
}

#[test]
fn a_string_of_65535_bytes_is_sent_whole() {
    check_sent(1, &[text(CONTENT_TYPE, &"c".repeat(65_535))]);
}

#[test]
fn all_properties_of_a_message_are_handed_out_in_their_order() {
    let mut props = all_of_publish();
    props.push(Prop::VarInt(SUBSCRIPTION_IDENTIFIER, 1));
    props.push(Prop::VarInt(SUBSCRIPTION_IDENTIFIER, 268_435_455));
    let mut w = Wire::open(V5);
    w.send(&publish("a", b"x").props(&props).bytes(V5));
    w.event(Event::MessageV5(Message::new("a", b"x"), props));
    w.finish();
}

#[test]
fn properties_of_qos_1_and_2_messages_are_handed_out() {
    for qos in 1..3 {
        let mut w = Wire::open(V5);
        let props = all_of_publish();
        w.send(&publish("a", b"x").qos(qos, 3).props(&props).bytes(V5));
        let message = Message::new("a", b"x").qos(qos.into(), 3);
        w.event(Event::MessageV5(message, props));
    }
}

#[test]
fn empty_values_are_handed_out() {
    let props = [
        text(CONTENT_TYPE, ""),
        Prop::Binary(CORRELATION_DATA, vec![]),
        user("", ""),
    ];
    let mut w = Wire::open(V5);
    w.send(&publish("a", b"x").props(&props).bytes(V5));
    w.event(Event::MessageV5(Message::new("a", b"x"), props.to_vec()));
}

#[test]
fn a_plain_callback_gets_messages_with_properties_too() {
    let mut w = Wire::open(V5);
    w.client.v5_callbacks(false);
    w.client.plain_callbacks(true);
    w.send(&publish("a", b"x").props(&all_of_publish()).bytes(V5));
    w.event(Event::Message(Message::new("a", b"x")));
}

fn check_refused(props: &[Prop], code: i32) {
    for qos in 0..3 {
        let w = Wire::open(V5);
        assert_eq!(w.client.publish_v5("a", b"x", qos, props), Err(code));
        w.finish();
    }
}

#[test]
fn a_property_that_publish_may_not_carry_is_refused() {
    check_refused(&[Prop::U32(SESSION_EXPIRY_INTERVAL, 1)], MOSQ_ERR_PROTOCOL);
    check_refused(&[text(REASON_STRING, "x")], MOSQ_ERR_PROTOCOL);
}

/// Only a broker may send one (MQTT-3.3.4-6).
#[test]
fn a_subscription_identifier_in_a_published_message_is_refused() {
    check_refused(
        &[Prop::VarInt(SUBSCRIPTION_IDENTIFIER, 1)],
        MOSQ_ERR_PROTOCOL,
    );
}

#[test]
fn a_property_given_twice_is_refused() {
    let twice = text(CONTENT_TYPE, "x");
    check_refused(&[twice.clone(), twice], MOSQ_ERR_DUPLICATE_PROPERTY);
}

#[test]
fn a_payload_format_above_1_is_refused() {
    check_refused(
        &[Prop::Byte(PAYLOAD_FORMAT_INDICATOR, 2)],
        MOSQ_ERR_PROTOCOL,
    );
}

/// A client whose broker takes `maximum` topic aliases.
fn with_aliases(maximum: u16) -> Wire {
    Setup::new(V5)
        .connack_props(&[Prop::U16(TOPIC_ALIAS_MAXIMUM, maximum)])
        .open()
}

fn alias(number: u16) -> [Prop; 1] {
    [Prop::U16(TOPIC_ALIAS, number)]
}

#[test]
fn a_topic_alias_is_introduced_with_its_topic_and_then_stands_for_it() {
    let mut w = with_aliases(5);
    w.client
        .publish_v5("long/topic", b"1", 0, &alias(5))
        .unwrap();
    w.expect(&publish("long/topic", b"1").props(&alias(5)).bytes(V5));
    w.client.publish_v5("", b"2", 0, &alias(5)).unwrap();
    w.expect(&publish("", b"2").props(&alias(5)).bytes(V5));
}

#[test]
fn a_message_without_topic_and_alias_is_refused() {
    let w = with_aliases(5);
    assert_eq!(w.client.publish_v5("", b"x", 0, &[]), Err(MOSQ_ERR_INVAL));
    assert_eq!(
        w.client.publish_v5("", b"x", 1, &[user("a", "b")]),
        Err(MOSQ_ERR_INVAL)
    );
    w.finish();
}

#[test]
fn a_topic_alias_of_0_is_refused() {
    let w = with_aliases(5);
    let refused = w.client.publish_v5("a", b"x", 0, &alias(0));
    assert!(refused.is_err());
    w.finish();
}

/// What a broker has forgotten with the connection must be introduced again.
#[test]
fn a_repeated_message_names_its_topic_again() {
    let mut w = Setup::new(V5)
        .clean(false)
        .props(&[Prop::U32(SESSION_EXPIRY_INTERVAL, 100)])
        .connack_props(&[Prop::U16(TOPIC_ALIAS_MAXIMUM, 5)])
        .open();
    w.client.publish_v5("topic", b"1", 0, &alias(2)).unwrap();
    w.expect(&publish("topic", b"1").props(&alias(2)).bytes(V5));
    w.event(Event::PublishV5(1, 0, vec![]));
    let mid = w.client.publish_v5("", b"2", 1, &alias(2)).unwrap();
    w.expect(&publish("", b"2").qos(1, mid).props(&alias(2)).bytes(V5));
    w.lose();
    w.reconnect();
    // This time the broker takes no aliases at all.
    w.accept_session(true, &[]);
    w.expect(&publish("topic", b"2").qos(1, mid).dup().bytes(V5));
}
