//! Messages of the client: the flows of QoS 0, 1 and 2 and what is refused.

#![allow(
    clippy::undocumented_unsafe_blocks,
    reason = "the C API is called with arguments that live through the call"
)]

mod support;

use std::ffi::CString;
use std::ptr;

use support::prop::*;
use support::*;
use Version::{V311, V5};

fn published(mid: u16) -> Event {
    Event::PublishV5(mid.into(), 0, vec![])
}

fn a_qos_0_message_is_written_and_then_reported(v: Version) {
    let mut w = Wire::open(v);
    let mid = w.client.publish("a/b", b"hello", 0).unwrap();
    w.expect(&publish("a/b", b"hello").bytes(v));
    w.event(published(mid));
    w.finish();
}

fn the_retain_flag_is_sent(v: Version) {
    let mut w = Wire::open(v);
    w.client.publish_retain("a/b", b"keep", 0, true).unwrap();
    w.expect(&publish("a/b", b"keep").retain().bytes(v));
}

fn a_payload_may_hold_any_byte(v: Version) {
    let payload: Vec<u8> = (0..=255).collect();
    let mut w = Wire::open(v);
    w.client.publish("bytes", &payload, 0).unwrap();
    w.expect(&publish("bytes", &payload).bytes(v));
}

fn an_empty_message_may_have_a_null_payload(v: Version) {
    let mut w = Wire::open(v);
    let topic = CString::new("empty").unwrap();
    let rc = unsafe {
        mosquitto_publish(
            w.client.0,
            ptr::null_mut(),
            topic.as_ptr(),
            0,
            ptr::null(),
            0,
            true,
        )
    };
    assert_eq!(rc, MOSQ_ERR_SUCCESS);
    w.expect(&publish("empty", b"").retain().bytes(v));
}

fn the_mid_pointer_may_be_null(v: Version) {
    let mut w = Wire::open(v);
    let topic = CString::new("t").unwrap();
    let rc = unsafe {
        mosquitto_publish(
            w.client.0,
            ptr::null_mut(),
            topic.as_ptr(),
            1,
            b"x".as_ptr().cast(),
            1,
            false,
        )
    };
    assert_eq!(rc, MOSQ_ERR_SUCCESS);
    w.expect(&publish("t", b"x").qos(1, 1).bytes(v));
}

/// Bodies around the sizes where the remaining length grows by a byte.
fn the_remaining_length_grows_with_the_message(v: Version) {
    let mut w = Wire::open(v);
    let overhead = 3 + usize::from(v.is_v5());
    for body in [127, 128, 16_383, 16_384, 2_097_151, 2_097_152] {
        let payload = vec![b'x'; body - overhead];
        let mid = w.client.publish("t", &payload, 0).unwrap();
        w.expect(&publish("t", &payload).bytes(v));
        w.event(published(mid));
    }
    w.finish();
}

fn a_qos_1_message_is_reported_on_puback(v: Version) {
    let mut w = Wire::open(v);
    let mid = w.client.publish("a/b", b"hello", 1).unwrap();
    w.expect(&publish("a/b", b"hello").qos(1, mid).bytes(v));
    w.expect_silence();
    w.send(&puback(mid));
    w.event(published(mid));
    w.finish();
}

fn a_qos_2_message_is_released_and_reported_on_pubcomp(v: Version) {
    let mut w = Wire::open(v);
    let mid = w.client.publish("a/b", b"hello", 2).unwrap();
    w.expect(&publish("a/b", b"hello").qos(2, mid).bytes(v));
    w.send(&pubrec(mid));
    w.expect(&pubrel(mid));
    w.expect_silence();
    w.send(&pubcomp(mid));
    w.event(published(mid));
    w.finish();
}

fn a_retained_qos_2_message_keeps_its_flags(v: Version) {
    let mut w = Wire::open(v);
    let mid = w.client.publish_retain("a", b"x", 2, true).unwrap();
    w.expect(&publish("a", b"x").qos(2, mid).retain().bytes(v));
}

fn both_kinds_of_on_publish_are_called(v: Version) {
    let mut w = Setup::new(v)
        .configure(|client| client.plain_callbacks(true))
        .connecting();
    w.send(&connack(v, false, 0, &[]));
    w.event(Event::Connect(0));
    w.event(Event::ConnectV5(0, 0, vec![]));
    let mid = w.client.publish("a", b"x", 1).unwrap();
    w.expect(&publish("a", b"x").qos(1, mid).bytes(v));
    w.send(&puback(mid));
    w.event(Event::Publish(mid.into()));
    w.event(published(mid));
}

fn identifiers_count_up_from_1_whatever_the_qos(v: Version) {
    let mut w = Wire::open(v);
    let mids: Vec<_> = [0, 1, 2, 0, 1]
        .iter()
        .map(|&qos| w.client.publish("t", b"", qos).unwrap())
        .collect();
    assert_eq!(mids, [1, 2, 3, 4, 5]);
    w.expect_all(&[
        publish("t", b"").bytes(v),
        publish("t", b"").qos(1, 2).bytes(v),
        publish("t", b"").qos(2, 3).bytes(v),
        publish("t", b"").bytes(v),
        publish("t", b"").qos(1, 5).bytes(v),
    ]);
}

fn messages_go_out_in_the_order_they_were_published(v: Version) {
    let mut w = Wire::open(v);
    let mut expected = Vec::new();
    for number in 0..15 {
        let payload = format!("message {number}");
        let qos = number % 3;
        let mid = w
            .client
            .publish("t", payload.as_bytes(), qos.into())
            .unwrap();
        expected.push(publish("t", payload.as_bytes()).qos(qos, mid).bytes(v));
    }
    w.expect_all(&expected);
}

fn a_second_pubrec_is_answered_by_pubrel_again(v: Version) {
    let mut w = Wire::open(v);
    let mid = w.client.publish("t", b"x", 2).unwrap();
    w.expect(&publish("t", b"x").qos(2, mid).bytes(v));
    w.send(&pubrec(mid));
    w.expect(&pubrel(mid));
    w.send(&pubrec(mid));
    w.expect(&pubrel(mid));
    w.send(&pubcomp(mid));
    w.event(published(mid));
    w.finish();
}

fn a_puback_for_no_message_is_ignored(v: Version) {
    let mut w = Wire::open(v);
    w.send(&puback(77));
    w.expect_silence();
    w.finish();
}

fn a_puback_for_a_qos_2_message_is_a_protocol_error(v: Version) {
    let mut w = Wire::open(v);
    let mid = w.client.publish("t", b"x", 2).unwrap();
    w.expect(&publish("t", b"x").qos(2, mid).bytes(v));
    w.send(&puback(mid));
    w.expect_failure(MOSQ_ERR_PROTOCOL, 0x82);
}

fn a_pubrec_for_a_qos_1_message_is_a_protocol_error(v: Version) {
    let mut w = Wire::open(v);
    let mid = w.client.publish("t", b"x", 1).unwrap();
    w.expect(&publish("t", b"x").qos(1, mid).bytes(v));
    w.send(&pubrec(mid));
    w.expect_failure(MOSQ_ERR_PROTOCOL, 0x82);
}

fn a_qos_0_message_without_a_connection_is_refused(v: Version) {
    let client = Client::new(v, Some("t"), true);
    assert_eq!(client.publish("t", b"x", 0), Err(MOSQ_ERR_NO_CONN));
}

fn messages_published_before_connect_are_sent_after_connack(v: Version) {
    let mut w = Setup::new(v)
        .configure(|client| {
            assert_eq!(client.publish("one", b"1", 1), Ok(1));
            assert_eq!(client.publish("two", b"2", 2), Ok(2));
        })
        .connecting();
    w.accept_session(false, &[]);
    w.expect(&publish("one", b"1").qos(1, 1).bytes(v));
    w.expect(&publish("two", b"2").qos(2, 2).bytes(v));
}

fn a_qos_0_message_before_connack_follows_connect(v: Version) {
    let mut w = Setup::new(v).connecting();
    let mid = w.client.publish("t", b"early", 0).unwrap();
    w.expect(&publish("t", b"early").bytes(v));
    w.event(published(mid));
    w.accept_session(false, &[]);
    w.finish();
}

fn a_qos_1_message_before_connack_waits_for_it(v: Version) {
    let mut w = Setup::new(v).connecting();
    let held = w.client.publish("t", b"held", 1).unwrap();
    // QoS 0 passes it, so that the wait is seen and not guessed.
    let passing = w.client.publish("t", b"passing", 0).unwrap();
    w.expect(&publish("t", b"passing").bytes(v));
    w.event(published(passing));
    w.accept_session(false, &[]);
    w.expect(&publish("t", b"held").qos(1, held).bytes(v));
    w.send(&puback(held));
    w.event(published(held));
    w.finish();
}

fn publishing_inside_on_connect_works(v: Version) {
    let mut w = Setup::new(v)
        .configure(|client| {
            client.on_event(|handle, event| {
                if matches!(event, Event::ConnectV5(..)) {
                    handle.publish("hello", b"from a callback", 1).unwrap();
                }
            });
        })
        .open();
    w.expect(&publish("hello", b"from a callback").qos(1, 1).bytes(v));
    w.send(&puback(1));
    w.event(published(1));
    w.finish();
}

fn publishing_inside_on_publish_works(v: Version) {
    let mut w = Setup::new(v)
        .configure(|client| {
            client.on_event(|handle, event| {
                if matches!(event, Event::PublishV5(1, ..)) {
                    handle.publish("second", b"2", 2).unwrap();
                }
            });
        })
        .open();
    w.client.publish("first", b"1", 0).unwrap();
    w.expect(&publish("first", b"1").bytes(v));
    w.event(published(1));
    w.expect(&publish("second", b"2").qos(2, 2).bytes(v));
}

/// Calls `mosquitto_publish` with raw arguments on a connected client.
fn raw_publish(v: Version, topic: Option<&[u8]>, len: i32, payload: *const u8, qos: i32) -> i32 {
    let w = Wire::open(v);
    let topic = topic.map(|topic| CString::new(topic).unwrap());
    let topic = topic.as_ref().map_or(ptr::null(), |topic| topic.as_ptr());
    let rc = unsafe {
        mosquitto_publish(
            w.client.0,
            ptr::null_mut(),
            topic,
            len,
            payload.cast(),
            qos,
            false,
        )
    };
    // A refused message leaves nothing behind.
    w.finish();
    rc
}

fn wildcards_in_a_topic_are_refused(v: Version) {
    for topic in [&b"a/+"[..], b"#", b"+/b", b"a/#", b"a+b"] {
        assert_eq!(
            raw_publish(v, Some(topic), 0, ptr::null(), 0),
            MOSQ_ERR_INVAL
        );
    }
}

fn an_empty_or_missing_topic_is_refused(v: Version) {
    assert_eq!(raw_publish(v, Some(b""), 0, ptr::null(), 0), MOSQ_ERR_INVAL);
    assert_eq!(raw_publish(v, None, 0, ptr::null(), 0), MOSQ_ERR_INVAL);
}

fn a_topic_that_is_not_utf_8_is_refused(v: Version) {
    for topic in [&b"a\xff"[..], b"\xc3", b"\xed\xa0\x80"] {
        let rc = raw_publish(v, Some(topic), 0, ptr::null(), 0);
        assert_eq!(rc, MOSQ_ERR_MALFORMED_UTF8, "{topic:?}");
    }
}

fn a_qos_outside_0_to_2_is_refused(v: Version) {
    for qos in [-1, 3, i32::MAX] {
        assert_eq!(
            raw_publish(v, Some(b"t"), 0, ptr::null(), qos),
            MOSQ_ERR_INVAL
        );
    }
}

fn a_payload_length_outside_its_range_is_refused(v: Version) {
    // The bytes are never looked at.
    let byte = [0u8];
    for len in [-1, 268_435_456, i32::MAX, i32::MIN] {
        let rc = raw_publish(v, Some(b"t"), len, byte.as_ptr(), 0);
        assert_eq!(rc, MOSQ_ERR_PAYLOAD_SIZE, "{len}");
    }
}

fn a_second_puback_is_ignored(v: Version) {
    let mut w = Wire::open(v);
    let mid = w.client.publish("t", b"x", 1).unwrap();
    w.expect(&publish("t", b"x").qos(1, mid).bytes(v));
    w.send(&[puback(mid), puback(mid)].concat());
    w.event(published(mid));
    w.expect_silence();
    w.finish();
}

fn a_puback_does_not_end_a_message_that_was_not_sent_yet(v: Version) {
    let mut w = Setup::new(v)
        .configure(|client| client.inflight_maximum(1))
        .open();
    w.client.publish("t", b"1", 1).unwrap();
    w.client.publish("t", b"2", 1).unwrap();
    w.expect(&publish("t", b"1").qos(1, 1).bytes(v));
    w.send(&puback(2));
    w.expect_silence();
    w.send(&puback(1));
    w.event(published(1));
    w.expect(&publish("t", b"2").qos(1, 2).bytes(v));
    w.send(&puback(2));
    w.event(published(2));
    w.finish();
}

fn a_pubcomp_for_no_message_is_ignored(v: Version) {
    let mut w = Wire::open(v);
    w.send(&pubcomp(77));
    w.expect_silence();
    w.finish();
}

fn a_pubcomp_before_pubrec_is_a_protocol_error(v: Version) {
    let mut w = Wire::open(v);
    let mid = w.client.publish("t", b"x", 2).unwrap();
    w.expect(&publish("t", b"x").qos(2, mid).bytes(v));
    w.send(&pubcomp(mid));
    w.expect_failure(MOSQ_ERR_PROTOCOL, 0x82);
}

fn a_pubcomp_for_a_qos_1_message_is_a_protocol_error(v: Version) {
    let mut w = Wire::open(v);
    let mid = w.client.publish("t", b"x", 1).unwrap();
    w.expect(&publish("t", b"x").qos(1, mid).bytes(v));
    w.send(&pubcomp(mid));
    w.expect_failure(MOSQ_ERR_PROTOCOL, 0x82);
}

/// So that the broker can let go of it.
fn a_pubrec_for_no_message_is_answered_by_pubrel(v: Version) {
    let mut w = Wire::open(v);
    w.send(&pubrec(77));
    // MQTT 5 has a reason code for it: Packet Identifier not found.
    let answer = if v.is_v5() {
        vec![0x62, 3, 0, 77, 0x92]
    } else {
        pubrel(77)
    };
    w.expect(&answer);
    w.send(&pubcomp(77));
    w.expect_silence();
    w.finish();
}

each_version!(
    a_qos_0_message_is_written_and_then_reported,
    the_retain_flag_is_sent,
    a_payload_may_hold_any_byte,
    an_empty_message_may_have_a_null_payload,
    the_mid_pointer_may_be_null,
    the_remaining_length_grows_with_the_message,
    a_qos_1_message_is_reported_on_puback,
    a_qos_2_message_is_released_and_reported_on_pubcomp,
    a_retained_qos_2_message_keeps_its_flags,
    both_kinds_of_on_publish_are_called,
    identifiers_count_up_from_1_whatever_the_qos,
    messages_go_out_in_the_order_they_were_published,
    a_second_pubrec_is_answered_by_pubrel_again,
    a_puback_for_no_message_is_ignored,
    a_puback_for_a_qos_2_message_is_a_protocol_error,
    a_pubrec_for_a_qos_1_message_is_a_protocol_error,
    a_qos_0_message_without_a_connection_is_refused,
    messages_published_before_connect_are_sent_after_connack,
    a_qos_0_message_before_connack_follows_connect,
    a_qos_1_message_before_connack_waits_for_it,
    publishing_inside_on_connect_works,
    publishing_inside_on_publish_works,
    wildcards_in_a_topic_are_refused,
    an_empty_or_missing_topic_is_refused,
    a_topic_that_is_not_utf_8_is_refused,
    a_qos_outside_0_to_2_is_refused,
    a_payload_length_outside_its_range_is_refused,
    a_second_puback_is_ignored,
    a_puback_does_not_end_a_message_that_was_not_sent_yet,
    a_pubcomp_for_no_message_is_ignored,
    a_pubcomp_before_pubrec_is_a_protocol_error,
    a_pubcomp_for_a_qos_1_message_is_a_protocol_error,
    a_pubrec_for_no_message_is_answered_by_pubrel,
);

#[test]
fn puback_hands_out_reason_code_and_properties() {
    let mut w = Wire::open(V5);
    let mid = w.client.publish("t", b"x", 1).unwrap();
    w.expect(&publish("t", b"x").qos(1, mid).bytes(V5));
    let props = [text(REASON_STRING, "no"), user("a", "b")];
    w.send(&ack(0x40, mid, 0x97, &props));
    w.event(Event::PublishV5(mid.into(), 0x97, props.to_vec()));
    w.finish();
}

#[test]
fn a_puback_with_a_reason_and_no_properties_is_understood() {
    let mut w = Wire::open(V5);
    let mid = w.client.publish("t", b"x", 1).unwrap();
    w.expect(&publish("t", b"x").qos(1, mid).bytes(V5));
    w.send(&[0x40, 0x03, 0x00, mid as u8, 0x10]);
    w.event(Event::PublishV5(mid.into(), 0x10, vec![]));
    w.finish();
}

#[test]
fn a_pubrec_with_an_error_ends_the_flow() {
    let mut w = Wire::open(V5);
    let mid = w.client.publish("t", b"x", 2).unwrap();
    w.expect(&publish("t", b"x").qos(2, mid).bytes(V5));
    let props = [text(REASON_STRING, "full")];
    w.send(&ack(0x50, mid, 0x97, &props));
    w.event(Event::PublishV5(mid.into(), 0x97, props.to_vec()));
    w.expect_silence();
    w.finish();
}

#[test]
fn a_pubrec_without_matching_subscribers_goes_on_to_pubrel() {
    let mut w = Wire::open(V5);
    let mid = w.client.publish("t", b"x", 2).unwrap();
    w.expect(&publish("t", b"x").qos(2, mid).bytes(V5));
    w.send(&ack(0x50, mid, 0x10, &[]));
    w.expect(&pubrel(mid));
    w.send(&pubcomp(mid));
    w.event(published(mid));
    w.finish();
}

#[test]
fn pubcomp_hands_out_reason_code_and_properties() {
    let mut w = Wire::open(V5);
    let mid = w.client.publish("t", b"x", 2).unwrap();
    w.expect(&publish("t", b"x").qos(2, mid).bytes(V5));
    w.send(&pubrec(mid));
    w.expect(&pubrel(mid));
    let props = [user("a", "b")];
    w.send(&ack(0x70, mid, 0x92, &props));
    w.event(Event::PublishV5(mid.into(), 0x92, props.to_vec()));
    w.finish();
}

#[test]
fn retain_is_dropped_where_the_broker_has_no_retained_messages() {
    let mut w = Setup::new(V5)
        .connack_props(&[Prop::Byte(RETAIN_AVAILABLE, 0)])
        .open();
    w.client.publish_retain("t", b"x", 1, true).unwrap();
    w.expect(&publish("t", b"x").qos(1, 1).bytes(V5));
}

#[test]
fn retain_stays_where_the_broker_says_it_is_available() {
    let mut w = Setup::new(V5)
        .connack_props(&[Prop::Byte(RETAIN_AVAILABLE, 1)])
        .open();
    w.client.publish_retain("t", b"x", 1, true).unwrap();
    w.expect(&publish("t", b"x").qos(1, 1).retain().bytes(V5));
}

#[test]
fn a_qos_above_the_broker_s_maximum_is_refused() {
    let w = Setup::new(V5)
        .connack_props(&[Prop::Byte(MAXIMUM_QOS, 1)])
        .open();
    assert_eq!(
        w.client.publish("t", b"x", 2),
        Err(MOSQ_ERR_QOS_NOT_SUPPORTED)
    );
    w.finish();
}

#[test]
fn a_maximum_qos_of_0_leaves_only_qos_0() {
    let mut w = Setup::new(V5)
        .connack_props(&[Prop::Byte(MAXIMUM_QOS, 0)])
        .open();
    assert_eq!(
        w.client.publish("t", b"x", 1),
        Err(MOSQ_ERR_QOS_NOT_SUPPORTED)
    );
    let mid = w.client.publish("t", b"x", 0).unwrap();
    w.expect(&publish("t", b"x").bytes(V5));
    w.event(published(mid));
    w.finish();
}

/// The fixed header counts: PUBLISH of QoS 0 to `t` with n bytes is n + 6 long.
#[test]
fn a_packet_of_exactly_the_maximum_packet_size_is_sent() {
    let mut w = Setup::new(V5)
        .connack_props(&[Prop::U32(MAXIMUM_PACKET_SIZE, 100)])
        .open();
    let packet = publish("t", &[b'x'; 94]).bytes(V5);
    assert_eq!(packet.len(), 100);
    w.client.publish("t", &[b'x'; 94], 0).unwrap();
    w.expect(&packet);
}

#[test]
fn a_packet_one_byte_above_the_maximum_packet_size_is_refused() {
    for qos in 0..3 {
        let w = Setup::new(V5)
            .connack_props(&[Prop::U32(MAXIMUM_PACKET_SIZE, 100)])
            .open();
        let len = if qos == 0 { 95 } else { 93 };
        let refused = w.client.publish("t", &vec![b'x'; len], qos);
        assert_eq!(refused, Err(MOSQ_ERR_OVERSIZE_PACKET), "QoS {qos}");
        w.finish();
    }
}

#[test]
fn properties_of_a_message_need_mqtt_5() {
    let w = Wire::open(V311);
    let refused = w.client.publish_v5("t", b"x", 0, &[user("a", "b")]);
    assert_eq!(refused, Err(MOSQ_ERR_NOT_SUPPORTED));
    w.finish();
}
