//! SUBSCRIBE and UNSUBSCRIBE, and what their answers become.

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

fn subscribed(mid: u16, codes: &[i32]) -> Event {
    Event::SubscribeV5(mid.into(), codes.to_vec(), vec![])
}

fn unsubscribed(mid: u16) -> Event {
    Event::UnsubscribeV5(mid.into(), vec![])
}

fn a_subscription_carries_its_qos(v: Version) {
    let mut w = Wire::open(v);
    for qos in 0..3 {
        let mid = w.client.subscribe("a/b", qos.into()).unwrap();
        w.expect(&subscribe(v, mid, &[], &[("a/b", qos)]));
        w.send(&suback(v, mid, &[], &[qos]));
        w.event(subscribed(mid, &[qos.into()]));
    }
    w.finish();
}

fn wildcards_are_sent_as_they_are(v: Version) {
    let mut w = Wire::open(v);
    for filter in ["#", "+", "+/+", "/#", "a/+/c/#", "$SYS/#", "/"] {
        let mid = w.client.subscribe(filter, 0).unwrap();
        w.expect(&subscribe(v, mid, &[], &[(filter, 0)]));
        w.send(&suback(v, mid, &[], &[0]));
        w.event(subscribed(mid, &[0]));
    }
    w.finish();
}

fn a_lower_qos_granted_is_handed_out(v: Version) {
    let mut w = Wire::open(v);
    let mid = w.client.subscribe("a", 2).unwrap();
    w.expect(&subscribe(v, mid, &[], &[("a", 2)]));
    w.send(&suback(v, mid, &[], &[0]));
    w.event(subscribed(mid, &[0]));
    w.finish();
}

fn a_refused_subscription_is_handed_out(v: Version) {
    let mut w = Wire::open(v);
    let mid = w.client.subscribe("a", 2).unwrap();
    w.expect(&subscribe(v, mid, &[], &[("a", 2)]));
    w.send(&suback(v, mid, &[], &[0x80]));
    w.event(subscribed(mid, &[0x80]));
    w.finish();
}

fn several_filters_go_in_one_packet(v: Version) {
    let mut w = Wire::open(v);
    let mid = w
        .client
        .subscribe_multiple(&["a", "b/#", "c/+"], 1, 0, &[])
        .unwrap();
    w.expect(&subscribe(v, mid, &[], &[("a", 1), ("b/#", 1), ("c/+", 1)]));
    w.send(&suback(v, mid, &[], &[1, 0x80, 0]));
    w.event(subscribed(mid, &[1, 0x80, 0]));
    w.finish();
}

fn both_kinds_of_on_subscribe_are_called(v: Version) {
    let mut w = Wire::open(v);
    w.client.plain_callbacks(true);
    let mid = w.client.subscribe("a", 1).unwrap();
    w.expect(&subscribe(v, mid, &[], &[("a", 1)]));
    w.send(&suback(v, mid, &[], &[1]));
    w.event(Event::Subscribe(mid.into(), vec![1]));
    w.event(subscribed(mid, &[1]));
}

fn answers_may_come_in_another_order(v: Version) {
    let mut w = Wire::open(v);
    let first = w.client.subscribe("a", 1).unwrap();
    let second = w.client.subscribe("b", 2).unwrap();
    let third = w.client.unsubscribe("c").unwrap();
    w.expect(&subscribe(v, first, &[], &[("a", 1)]));
    w.expect(&subscribe(v, second, &[], &[("b", 2)]));
    w.expect(&unsubscribe(v, third, &[], &["c"]));
    w.send(&unsuback(v, third, &[], &[0]));
    w.event(unsubscribed(third));
    w.send(&suback(v, second, &[], &[2]));
    w.event(subscribed(second, &[2]));
    w.send(&suback(v, first, &[], &[1]));
    w.event(subscribed(first, &[1]));
    w.finish();
}

fn a_message_may_come_before_the_suback(v: Version) {
    let mut w = Wire::open(v);
    let mid = w.client.subscribe("a", 1).unwrap();
    w.expect(&subscribe(v, mid, &[], &[("a", 1)]));
    let both = [
        publish("a", b"kept").retain().bytes(v),
        suback(v, mid, &[], &[1]),
    ]
    .concat();
    w.send(&both);
    w.event(Event::MessageV5(
        Message::new("a", b"kept").retained(),
        vec![],
    ));
    w.event(subscribed(mid, &[1]));
    w.finish();
}

fn subscribing_inside_on_connect_works(v: Version) {
    let mut w = Setup::new(v)
        .configure(|client| {
            client.on_event(|handle, event| {
                if matches!(event, Event::ConnectV5(..)) {
                    handle.subscribe("a", 1).unwrap();
                }
            });
        })
        .open();
    w.expect(&subscribe(v, 1, &[], &[("a", 1)]));
    w.send(&suback(v, 1, &[], &[1]));
    w.event(subscribed(1, &[1]));
    w.finish();
}

fn a_subscription_before_connack_follows_connect(v: Version) {
    let mut w = Setup::new(v).connecting();
    let mid = w.client.subscribe("a", 1).unwrap();
    w.expect(&subscribe(v, mid, &[], &[("a", 1)]));
    w.accept_session(false, &[]);
    w.send(&suback(v, mid, &[], &[1]));
    w.event(subscribed(mid, &[1]));
    w.finish();
}

fn an_unsubscription_is_sent_and_reported(v: Version) {
    let mut w = Wire::open(v);
    let mid = w.client.unsubscribe("a/#").unwrap();
    w.expect(&unsubscribe(v, mid, &[], &["a/#"]));
    w.send(&unsuback(v, mid, &[], &[0]));
    w.event(unsubscribed(mid));
    w.finish();
}

fn several_filters_are_unsubscribed_in_one_packet(v: Version) {
    let mut w = Wire::open(v);
    let mid = w
        .client
        .unsubscribe_multiple(&["a", "b/#", "c"], &[])
        .unwrap();
    w.expect(&unsubscribe(v, mid, &[], &["a", "b/#", "c"]));
    w.send(&unsuback(v, mid, &[], &[0, 0x11, 0]));
    w.event(unsubscribed(mid));
    w.finish();
}

fn both_kinds_of_on_unsubscribe_are_called(v: Version) {
    let mut w = Wire::open(v);
    w.client.plain_callbacks(true);
    let mid = w.client.unsubscribe("a").unwrap();
    w.expect(&unsubscribe(v, mid, &[], &["a"]));
    w.send(&unsuback(v, mid, &[], &[0]));
    w.event(Event::Unsubscribe(mid.into()));
    w.event(unsubscribed(mid));
}

fn subscriptions_need_a_connection(v: Version) {
    let client = Client::new(v, Some("t"), true);
    assert_eq!(client.subscribe("a", 0), Err(MOSQ_ERR_NO_CONN));
    assert_eq!(client.unsubscribe("a"), Err(MOSQ_ERR_NO_CONN));
}

fn malformed_filters_are_refused(v: Version) {
    let w = Wire::open(v);
    for filter in ["", "a/#/b", "#a", "a#", "a+", "+a/b", "a/b+/c", "##"] {
        assert_eq!(
            w.client.subscribe(filter, 0),
            Err(MOSQ_ERR_INVAL),
            "{filter}"
        );
        assert_eq!(
            w.client.unsubscribe(filter),
            Err(MOSQ_ERR_INVAL),
            "{filter}"
        );
        let both = ["fine", filter];
        let refused = w.client.subscribe_multiple(&both, 0, 0, &[]);
        assert_eq!(refused, Err(MOSQ_ERR_INVAL), "{filter}");
        let refused = w.client.unsubscribe_multiple(&both, &[]);
        assert_eq!(refused, Err(MOSQ_ERR_INVAL), "{filter}");
    }
    w.finish();
}

fn a_subscription_qos_outside_0_to_2_is_refused(v: Version) {
    let w = Wire::open(v);
    for qos in [-1, 3, 4] {
        assert_eq!(w.client.subscribe("a", qos), Err(MOSQ_ERR_INVAL));
    }
    w.finish();
}

fn a_filter_that_is_not_utf_8_is_refused(v: Version) {
    let w = Wire::open(v);
    let filter = CString::new(&b"a\xff"[..]).unwrap();
    let (m, none) = (w.client.0, ptr::null_mut());
    unsafe {
        assert_eq!(
            mosquitto_subscribe(m, none, filter.as_ptr(), 0),
            MOSQ_ERR_MALFORMED_UTF8
        );
        assert_eq!(
            mosquitto_unsubscribe(m, none, filter.as_ptr()),
            MOSQ_ERR_MALFORMED_UTF8
        );
    }
    w.finish();
}

fn a_list_without_filters_is_refused(v: Version) {
    let w = Wire::open(v);
    assert_eq!(
        w.client.subscribe_multiple(&[], 0, 0, &[]),
        Err(MOSQ_ERR_INVAL)
    );
    assert_eq!(w.client.unsubscribe_multiple(&[], &[]), Err(MOSQ_ERR_INVAL));
    w.finish();
}

/// The program subscribes anew itself, usually in on_connect.
fn subscriptions_are_not_repeated_after_a_reconnect(v: Version) {
    let mut w = Wire::open(v);
    let mid = w.client.subscribe("a", 1).unwrap();
    w.expect(&subscribe(v, mid, &[], &[("a", 1)]));
    w.send(&suback(v, mid, &[], &[1]));
    w.event(subscribed(mid, &[1]));
    w.lose();
    w.reconnect();
    w.accept_session(false, &[]);
    w.finish();
}

each_version!(
    a_subscription_carries_its_qos,
    wildcards_are_sent_as_they_are,
    a_lower_qos_granted_is_handed_out,
    a_refused_subscription_is_handed_out,
    several_filters_go_in_one_packet,
    both_kinds_of_on_subscribe_are_called,
    answers_may_come_in_another_order,
    a_message_may_come_before_the_suback,
    subscribing_inside_on_connect_works,
    a_subscription_before_connack_follows_connect,
    an_unsubscription_is_sent_and_reported,
    several_filters_are_unsubscribed_in_one_packet,
    both_kinds_of_on_unsubscribe_are_called,
    subscriptions_need_a_connection,
    malformed_filters_are_refused,
    a_subscription_qos_outside_0_to_2_is_refused,
    a_filter_that_is_not_utf_8_is_refused,
    a_list_without_filters_is_refused,
    subscriptions_are_not_repeated_after_a_reconnect,
);

#[test]
fn subscription_options_stand_beside_the_qos() {
    let mut w = Wire::open(V5);
    for options in [
        MQTT_SUB_OPT_NO_LOCAL,
        MQTT_SUB_OPT_RETAIN_AS_PUBLISHED,
        MQTT_SUB_OPT_SEND_RETAIN_NEW,
        MQTT_SUB_OPT_SEND_RETAIN_NEVER,
        MQTT_SUB_OPT_NO_LOCAL | MQTT_SUB_OPT_RETAIN_AS_PUBLISHED | MQTT_SUB_OPT_SEND_RETAIN_NEW,
    ] {
        let mid = w.client.subscribe_v5("a", 2, options, &[]).unwrap();
        w.expect(&subscribe(V5, mid, &[], &[("a", options as u8 | 2)]));
    }
}

#[test]
fn options_of_several_filters_are_the_same_for_each() {
    let mut w = Wire::open(V5);
    let mid = w
        .client
        .subscribe_multiple(&["a", "b"], 1, MQTT_SUB_OPT_NO_LOCAL, &[])
        .unwrap();
    w.expect(&subscribe(V5, mid, &[], &[("a", 5), ("b", 5)]));
}

#[test]
fn reserved_subscription_options_are_refused() {
    let w = Wire::open(V5);
    for options in [0x30, 0x40, 0x80] {
        assert_eq!(
            w.client.subscribe_v5("a", 0, options, &[]),
            Err(MOSQ_ERR_INVAL)
        );
    }
    w.finish();
}

#[test]
fn subscribe_carries_its_properties() {
    let mut w = Wire::open(V5);
    let props = [
        Prop::VarInt(SUBSCRIPTION_IDENTIFIER, 268_435_455),
        user("a", "b"),
    ];
    let mid = w.client.subscribe_v5("a", 1, 0, &props).unwrap();
    w.expect(&subscribe(V5, mid, &props, &[("a", 1)]));
}

#[test]
fn suback_hands_out_its_codes_and_properties() {
    let mut w = Wire::open(V5);
    let mid = w
        .client
        .subscribe_multiple(&["a", "b", "c"], 2, 0, &[])
        .unwrap();
    w.expect(&subscribe(V5, mid, &[], &[("a", 2), ("b", 2), ("c", 2)]));
    let props = [text(REASON_STRING, "partly"), user("a", "b")];
    w.send(&suback(V5, mid, &props, &[2, 0x87, 0xA2]));
    w.event(Event::SubscribeV5(
        mid.into(),
        vec![2, 0x87, 0xA2],
        props.to_vec(),
    ));
    w.finish();
}

#[test]
fn unsubscribe_carries_its_properties() {
    let mut w = Wire::open(V5);
    let props = [user("why", "enough"), user("why", "really")];
    let mid = w.client.unsubscribe_v5("a", &props).unwrap();
    w.expect(&unsubscribe(V5, mid, &props, &["a"]));
}

#[test]
fn unsuback_hands_out_its_codes_and_properties() {
    let mut w = Wire::open(V5);
    w.client.unsubscribe2_callback();
    let mid = w.client.unsubscribe_multiple(&["a", "b"], &[]).unwrap();
    w.expect(&unsubscribe(V5, mid, &[], &["a", "b"]));
    let props = [text(REASON_STRING, "partly")];
    w.send(&unsuback(V5, mid, &props, &[0, 0x11]));
    w.event(Event::UnsubscribeV5(mid.into(), props.to_vec()));
    w.event(Event::Unsubscribe2(
        mid.into(),
        vec![0, 0x11],
        props.to_vec(),
    ));
    w.finish();
}

#[test]
fn properties_of_subscriptions_need_mqtt_5() {
    let w = Wire::open(V311);
    let props = [user("a", "b")];
    assert_eq!(
        w.client.subscribe_v5("a", 0, 0, &props),
        Err(MOSQ_ERR_NOT_SUPPORTED)
    );
    assert_eq!(
        w.client.unsubscribe_v5("a", &props),
        Err(MOSQ_ERR_NOT_SUPPORTED)
    );
    w.finish();
}

#[test]
fn a_property_that_subscribe_may_not_carry_is_refused() {
    let w = Wire::open(V5);
    let props = [text(CONTENT_TYPE, "x")];
    assert_eq!(
        w.client.subscribe_v5("a", 0, 0, &props),
        Err(MOSQ_ERR_PROTOCOL)
    );
    assert_eq!(w.client.unsubscribe_v5("a", &props), Err(MOSQ_ERR_PROTOCOL));
    w.finish();
}

#[test]
fn a_subscription_above_the_maximum_packet_size_is_refused() {
    let w = Setup::new(V5)
        .connack_props(&[Prop::U32(MAXIMUM_PACKET_SIZE, 50)])
        .open();
    let filter = "x".repeat(60);
    assert_eq!(
        w.client.subscribe(&filter, 0),
        Err(MOSQ_ERR_OVERSIZE_PACKET)
    );
    assert_eq!(w.client.unsubscribe(&filter), Err(MOSQ_ERR_OVERSIZE_PACKET));
    w.finish();
}
