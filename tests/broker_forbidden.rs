//! Packets that a broker may not send, or not like this, or not now: the client ends
//! the connection with the fitting code, in MQTT 5 after saying why.

mod support;

use support::prop::*;
use support::*;
use Version::{V31, V311, V5};

/// Sends `bytes` to a connected client, which must end the connection with `code`, in
/// MQTT 5 after a DISCONNECT with `reason`.
#[track_caller]
fn check(v: Version, bytes: &[u8], code: i32, reason: u8) {
    let mut w = Wire::open(v);
    w.send(bytes);
    w.expect_failure(code, reason);
}

#[track_caller]
fn protocol_error(v: Version, bytes: &[u8]) {
    check(v, bytes, MOSQ_ERR_PROTOCOL, 0x82);
}

#[track_caller]
fn malformed(v: Version, bytes: &[u8]) {
    check(v, bytes, MOSQ_ERR_MALFORMED_PACKET, 0x81);
}

fn connect_from_a_broker_is_a_protocol_error(v: Version) {
    protocol_error(v, &connect(v, "x").bytes());
}

fn subscribe_from_a_broker_is_a_protocol_error(v: Version) {
    protocol_error(v, &subscribe(v, 1, &[], &[("a", 0)]));
}

fn unsubscribe_from_a_broker_is_a_protocol_error(v: Version) {
    protocol_error(v, &unsubscribe(v, 1, &[], &["a"]));
}

fn pingreq_from_a_broker_is_a_protocol_error(v: Version) {
    protocol_error(v, &PINGREQ);
}

fn packet_type_0_is_malformed(v: Version) {
    malformed(v, &[0x00, 0x00]);
}

fn a_remaining_length_of_five_bytes_is_malformed(v: Version) {
    malformed(v, &[0x30, 0x80, 0x80, 0x80, 0x80, 0x01]);
}

fn a_remaining_length_with_a_needless_byte_is_malformed(v: Version) {
    malformed(v, &[0xD0, 0x80, 0x00]);
}

fn a_message_with_qos_3_is_malformed(v: Version) {
    let mut packet = publish("a", b"x").qos(2, 1).bytes(v);
    packet[0] |= 0x06;
    malformed(v, &packet);
}

fn a_message_with_packet_identifier_0_is_malformed(v: Version) {
    malformed(v, &publish("a", b"x").qos(1, 0).bytes(v));
}

fn a_message_shorter_than_its_topic_is_malformed(v: Version) {
    malformed(v, &[0x30, 0x04, 0x00, 0x09, b'a', b'b']);
}

fn a_message_without_room_for_its_identifier_is_malformed(v: Version) {
    malformed(v, &[0x32, 0x04, 0x00, 0x01, b'a', 0x00]);
}

fn a_topic_with_a_wildcard_ends_the_connection(v: Version) {
    for topic in ["a/#", "+/b"] {
        let mut w = Wire::open(v);
        w.send(&publish(topic, b"x").bytes(v));
        w.expect_close_with(&[0x90, 0x81, 0x82]);
    }
}

fn a_topic_that_is_not_utf_8_is_malformed(v: Version) {
    for topic in [&b"a\xff"[..], b"\xed\xa0\x80", b"\xc0\x80"] {
        let packet = publish("", b"x").raw_topic(topic).bytes(v);
        check(v, &packet, MOSQ_ERR_MALFORMED_UTF8, 0x81);
    }
}

fn a_topic_with_a_nul_is_malformed(v: Version) {
    let packet = publish("", b"x").raw_topic(b"a\0b").bytes(v);
    check(v, &packet, MOSQ_ERR_MALFORMED_UTF8, 0x81);
}

fn an_empty_topic_is_a_protocol_error(v: Version) {
    protocol_error(v, &publish("", b"x").bytes(v));
}

fn a_puback_of_one_byte_is_malformed(v: Version) {
    malformed(v, &[0x40, 0x01, 0x00]);
}

fn a_puback_with_identifier_0_is_malformed(v: Version) {
    malformed(v, &[0x40, 0x02, 0x00, 0x00]);
}

fn a_pubrec_of_one_byte_is_malformed(v: Version) {
    malformed(v, &[0x50, 0x01, 0x00]);
}

fn a_pubrel_of_one_byte_is_malformed(v: Version) {
    malformed(v, &[0x62, 0x01, 0x00]);
}

fn a_pubcomp_of_one_byte_is_malformed(v: Version) {
    malformed(v, &[0x70, 0x01, 0x00]);
}

fn a_pingresp_with_a_body_is_malformed(v: Version) {
    malformed(v, &[0xD0, 0x01, 0x00]);
}

fn a_suback_of_one_byte_is_malformed(v: Version) {
    malformed(v, &[0x90, 0x01, 0x00]);
}

fn an_unsuback_of_one_byte_is_malformed(v: Version) {
    malformed(v, &[0xB0, 0x01, 0x00]);
}

fn a_suback_nobody_waits_for_is_a_protocol_error(v: Version) {
    protocol_error(v, &suback(v, 42, &[], &[0]));
}

fn an_unsuback_nobody_waits_for_is_a_protocol_error(v: Version) {
    protocol_error(v, &unsuback(v, 42, &[], &[0]));
}

fn a_suback_without_a_code_is_a_protocol_error(v: Version) {
    let mut w = Wire::open(v);
    let mid = w.client.subscribe("a", 0).unwrap();
    w.expect(&subscribe(v, mid, &[], &[("a", 0)]));
    w.send(&suback(v, mid, &[], &[]));
    w.expect_failure(MOSQ_ERR_PROTOCOL, 0x82);
}

fn a_suback_with_too_few_codes_is_a_protocol_error(v: Version) {
    let mut w = Wire::open(v);
    let mid = w.client.subscribe_multiple(&["a", "b"], 0, 0, &[]).unwrap();
    w.expect(&subscribe(v, mid, &[], &[("a", 0), ("b", 0)]));
    w.send(&suback(v, mid, &[], &[0]));
    w.expect_failure(MOSQ_ERR_PROTOCOL, 0x82);
}

fn a_suback_with_too_many_codes_is_a_protocol_error(v: Version) {
    let mut w = Wire::open(v);
    let mid = w.client.subscribe("a", 0).unwrap();
    w.expect(&subscribe(v, mid, &[], &[("a", 0)]));
    w.send(&suback(v, mid, &[], &[0, 0]));
    w.expect_failure(MOSQ_ERR_PROTOCOL, 0x82);
}

fn a_suback_with_a_reserved_code_is_a_protocol_error(v: Version) {
    let mut w = Wire::open(v);
    let mid = w.client.subscribe("a", 0).unwrap();
    w.expect(&subscribe(v, mid, &[], &[("a", 0)]));
    w.send(&suback(v, mid, &[], &[3]));
    w.expect_failure(MOSQ_ERR_PROTOCOL, 0x82);
}

fn a_suback_for_an_unsubscribe_is_a_protocol_error(v: Version) {
    let mut w = Wire::open(v);
    let mid = w.client.unsubscribe("a").unwrap();
    w.expect(&unsubscribe(v, mid, &[], &["a"]));
    w.send(&suback(v, mid, &[], &[0]));
    w.expect_failure(MOSQ_ERR_PROTOCOL, 0x82);
}

fn an_unsuback_for_a_subscribe_is_a_protocol_error(v: Version) {
    let mut w = Wire::open(v);
    let mid = w.client.subscribe("a", 0).unwrap();
    w.expect(&subscribe(v, mid, &[], &[("a", 0)]));
    w.send(&unsuback(v, mid, &[], &[0]));
    w.expect_failure(MOSQ_ERR_PROTOCOL, 0x82);
}

fn a_second_suback_is_a_protocol_error(v: Version) {
    let mut w = Wire::open(v);
    let mid = w.client.subscribe("a", 0).unwrap();
    w.expect(&subscribe(v, mid, &[], &[("a", 0)]));
    w.send(&suback(v, mid, &[], &[0]));
    w.event(Event::SubscribeV5(mid.into(), vec![0], vec![]));
    w.send(&suback(v, mid, &[], &[0]));
    w.expect_failure(MOSQ_ERR_PROTOCOL, 0x82);
}

/// What was complete before the forbidden packet still counts.
fn messages_in_front_of_a_forbidden_packet_are_delivered(v: Version) {
    let mut w = Wire::open(v);
    w.send(&[publish("a", b"fine").bytes(v), PINGREQ.to_vec()].concat());
    w.event(Event::MessageV5(Message::new("a", b"fine"), vec![]));
    w.expect_failure(MOSQ_ERR_PROTOCOL, 0x82);
}

fn nothing_behind_a_forbidden_packet_is_delivered(v: Version) {
    let mut w = Wire::open(v);
    w.send(&[PINGREQ.to_vec(), publish("a", b"late").bytes(v)].concat());
    w.expect_failure(MOSQ_ERR_PROTOCOL, 0x82);
}

fn after_a_forbidden_packet_the_client_can_reconnect(v: Version) {
    let mut w = Wire::open(v);
    w.send(&PINGREQ);
    assert_eq!(w.client.run_until_error(), MOSQ_ERR_PROTOCOL);
    w.event(Event::DisconnectV5(MOSQ_ERR_PROTOCOL, vec![]));
    w.reconnect();
    w.accept_session(false, &[]);
    w.finish();
}

each_version!(
    connect_from_a_broker_is_a_protocol_error,
    subscribe_from_a_broker_is_a_protocol_error,
    unsubscribe_from_a_broker_is_a_protocol_error,
    pingreq_from_a_broker_is_a_protocol_error,
    packet_type_0_is_malformed,
    a_remaining_length_of_five_bytes_is_malformed,
    a_remaining_length_with_a_needless_byte_is_malformed,
    a_message_with_qos_3_is_malformed,
    a_message_with_packet_identifier_0_is_malformed,
    a_message_shorter_than_its_topic_is_malformed,
    a_message_without_room_for_its_identifier_is_malformed,
    a_topic_with_a_wildcard_ends_the_connection,
    a_topic_that_is_not_utf_8_is_malformed,
    a_topic_with_a_nul_is_malformed,
    an_empty_topic_is_a_protocol_error,
    a_puback_of_one_byte_is_malformed,
    a_puback_with_identifier_0_is_malformed,
    a_pubrec_of_one_byte_is_malformed,
    a_pubrel_of_one_byte_is_malformed,
    a_pubcomp_of_one_byte_is_malformed,
    a_pingresp_with_a_body_is_malformed,
    a_suback_of_one_byte_is_malformed,
    an_unsuback_of_one_byte_is_malformed,
    a_suback_nobody_waits_for_is_a_protocol_error,
    an_unsuback_nobody_waits_for_is_a_protocol_error,
    a_suback_without_a_code_is_a_protocol_error,
    a_suback_with_too_few_codes_is_a_protocol_error,
    a_suback_with_too_many_codes_is_a_protocol_error,
    a_suback_with_a_reserved_code_is_a_protocol_error,
    a_suback_for_an_unsubscribe_is_a_protocol_error,
    an_unsuback_for_a_subscribe_is_a_protocol_error,
    a_second_suback_is_a_protocol_error,
    messages_in_front_of_a_forbidden_packet_are_delivered,
    nothing_behind_a_forbidden_packet_is_delivered,
    after_a_forbidden_packet_the_client_can_reconnect,
);

/// Reserved flags of the fixed header; MQTT 3.1 did not fix them.
macro_rules! reserved_flags {
    ($($name:ident: $packet:expr;)*) => {
        $(mod $name {
            use super::*;

            #[test]
            fn mqtt_3_1_1() {
                malformed(V311, &$packet);
            }

            #[test]
            fn mqtt_5() {
                malformed(V5, &$packet);
            }
        })*
    };
}

reserved_flags! {
    a_puback_with_reserved_flags_is_malformed: [0x41, 0x02, 0x00, 0x01];
    a_pubrec_with_reserved_flags_is_malformed: [0x58, 0x02, 0x00, 0x01];
    a_pubrel_without_its_flag_is_malformed: [0x60, 0x02, 0x00, 0x01];
    a_pubrel_with_other_flags_is_malformed: [0x6A, 0x02, 0x00, 0x01];
    a_pubcomp_with_reserved_flags_is_malformed: [0x72, 0x02, 0x00, 0x01];
    a_pingresp_with_reserved_flags_is_malformed: [0xD1, 0x00];
    a_qos_0_message_with_dup_is_malformed: publish("a", b"").dup().bytes(V311);
}

#[test]
fn auth_below_mqtt_5_is_a_protocol_error() {
    protocol_error(V311, &[0xF0, 0x00]);
    protocol_error(V31, &[0xF0, 0x00]);
}

#[test]
fn disconnect_from_a_broker_below_mqtt_5_is_a_protocol_error() {
    protocol_error(V311, &DISCONNECT);
    protocol_error(V31, &DISCONNECT);
}

#[test]
fn a_puback_with_a_reason_code_below_mqtt_5_is_malformed() {
    malformed(V311, &[0x40, 0x03, 0x00, 0x01, 0x00]);
    malformed(V31, &[0x40, 0x03, 0x00, 0x01, 0x00]);
}

#[test]
fn an_unsuback_with_codes_below_mqtt_5_is_malformed() {
    let mut w = Wire::open(V311);
    let mid = w.client.unsubscribe("a").unwrap();
    w.expect(&unsubscribe(V311, mid, &[], &["a"]));
    w.send(&packet(0xB0, &[0, mid as u8, 0]));
    w.expect_failure(MOSQ_ERR_MALFORMED_PACKET, 0x81);
}

#[test]
fn auth_without_an_authentication_method_is_a_protocol_error() {
    protocol_error(V5, &auth(0x18, &[text(AUTHENTICATION_METHOD, "SCRAM")]));
}

#[test]
fn a_reason_code_of_another_packet_is_a_protocol_error() {
    // Session taken over, in a PUBACK.
    protocol_error(V5, &ack(0x40, 1, 0x8E, &[]));
    // Packet identifier not found, in a PUBREC.
    protocol_error(V5, &ack(0x50, 1, 0x92, &[]));
    // Quota exceeded, in a PUBREL.
    protocol_error(V5, &ack(0x62, 1, 0x97, &[]));
    // Bad user name or password, in a DISCONNECT.
    protocol_error(V5, &disconnect_reason(0x86));
}

#[test]
fn an_unsuback_without_a_code_is_a_protocol_error_in_mqtt_5() {
    let mut w = Wire::open(V5);
    let mid = w.client.unsubscribe("a").unwrap();
    w.expect(&unsubscribe(V5, mid, &[], &["a"]));
    w.send(&unsuback(V5, mid, &[], &[]));
    w.expect_failure(MOSQ_ERR_PROTOCOL, 0x82);
}

#[test]
fn an_unsuback_with_the_wrong_number_of_codes_is_a_protocol_error() {
    for codes in [&[0u8][..], &[0, 0, 0]] {
        let mut w = Wire::open(V5);
        let mid = w.client.unsubscribe_multiple(&["a", "b"], &[]).unwrap();
        w.expect(&unsubscribe(V5, mid, &[], &["a", "b"]));
        w.send(&unsuback(V5, mid, &[], codes));
        w.expect_failure(MOSQ_ERR_PROTOCOL, 0x82);
    }
}

/// A message with these properties.
fn message(props: &[Prop]) -> Vec<u8> {
    publish("a", b"x").props(props).bytes(V5)
}

#[test]
fn a_message_property_of_another_packet_is_a_protocol_error() {
    protocol_error(V5, &message(&[text(REASON_STRING, "no")]));
    protocol_error(V5, &message(&[Prop::U16(SERVER_KEEP_ALIVE, 1)]));
}

#[test]
fn a_message_property_given_twice_is_a_protocol_error() {
    let twice = text(CONTENT_TYPE, "x");
    protocol_error(V5, &message(&[twice.clone(), twice]));
}

#[test]
fn an_unknown_message_property_is_malformed() {
    malformed(V5, &message(&[Prop::Byte(0x7F, 1)]));
}

#[test]
fn a_payload_format_other_than_0_or_1_is_a_protocol_error() {
    protocol_error(V5, &message(&[Prop::Byte(PAYLOAD_FORMAT_INDICATOR, 2)]));
}

#[test]
fn a_subscription_identifier_of_0_is_a_protocol_error() {
    protocol_error(V5, &message(&[Prop::VarInt(SUBSCRIPTION_IDENTIFIER, 0)]));
}

#[test]
fn a_property_cut_off_by_its_length_is_malformed() {
    malformed(V5, &[0x30, 0x06, 0x00, 0x01, b'a', 0x02, 0x02, 0x00]);
}

#[test]
fn a_property_string_that_is_not_utf_8_is_malformed() {
    let mut packet = message(&[user("name", "value")]);
    let at = packet.len() - 2;
    packet[at] = 0xFF;
    check(V5, &packet, MOSQ_ERR_MALFORMED_UTF8, 0x81);
}

#[test]
fn a_disconnect_with_bytes_behind_it_is_malformed() {
    malformed(V5, &[0xE0, 0x03, 0x00, 0x00, 0x00]);
}

#[test]
fn a_response_topic_with_a_wildcard_is_a_protocol_error() {
    protocol_error(V5, &message(&[text(RESPONSE_TOPIC, "a/#")]));
}

#[test]
fn a_re_authentication_nobody_asked_for_is_a_protocol_error() {
    let method = text(AUTHENTICATION_METHOD, "SCRAM");
    let mut w = Setup::new(V5)
        .props(std::slice::from_ref(&method))
        .connack_props(std::slice::from_ref(&method))
        .open();
    w.send(&auth(0x19, &[method]));
    w.expect_failure(MOSQ_ERR_PROTOCOL, 0x82);
}
