//! How many messages are under way at once, and their packet identifiers.

mod support;

use std::collections::HashSet;

use support::prop::*;
use support::*;
use Version::{V311, V5};

fn published(mid: u16) -> Event {
    Event::PublishV5(mid.into(), 0, vec![])
}

fn message(v: Version, qos: u8, mid: u16) -> Vec<u8> {
    publish("t", &mid.to_be_bytes()).qos(qos, mid).bytes(v)
}

/// Publishes `count` messages whose payload is their identifier, 1 being the first.
fn publish_many(w: &Wire, qos: i32, mids: std::ops::RangeInclusive<u16>) {
    for mid in mids {
        assert_eq!(w.client.publish("t", &mid.to_be_bytes(), qos), Ok(mid));
    }
}

fn with_inflight(v: Version, maximum: u32) -> Wire {
    Setup::new(v)
        .configure(move |client| client.inflight_maximum(maximum))
        .open()
}

fn expect_messages(w: &mut Wire, qos: u8, mids: std::ops::RangeInclusive<u16>) {
    for mid in mids {
        let packet = message(w.version, qos, mid);
        w.expect(&packet);
    }
}

fn a_window_of_1_sends_the_next_message_after_puback(v: Version) {
    let mut w = with_inflight(v, 1);
    publish_many(&w, 1, 1..=3);
    for mid in 1..=3 {
        w.expect(&message(v, 1, mid));
        w.expect_silence();
        w.send(&puback(mid));
        w.event(published(mid));
    }
    w.finish();
}

fn a_window_of_1_sends_the_next_qos_2_message_after_pubcomp(v: Version) {
    let mut w = with_inflight(v, 1);
    publish_many(&w, 2, 1..=2);
    for mid in 1..=2 {
        w.expect(&message(v, 2, mid));
        w.send(&pubrec(mid));
        w.expect(&pubrel(mid));
        w.expect_silence();
        w.send(&pubcomp(mid));
        w.event(published(mid));
    }
    w.finish();
}

fn twenty_messages_are_under_way_by_default(v: Version) {
    let mut w = Wire::open(v);
    publish_many(&w, 1, 1..=25);
    expect_messages(&mut w, 1, 1..=20);
    w.expect_silence();
    for mid in 1..=5 {
        w.send(&puback(mid));
        w.event(published(mid));
        w.expect(&message(v, 1, mid + 20));
    }
    w.expect_silence();
}

fn a_window_of_0_has_no_limit(v: Version) {
    let mut w = with_inflight(v, 0);
    publish_many(&w, 1, 1..=500);
    expect_messages(&mut w, 1, 1..=500);
}

fn qos_0_passes_a_full_window(v: Version) {
    let mut w = with_inflight(v, 1);
    publish_many(&w, 1, 1..=2);
    let passing = w.client.publish("passing", b"", 0).unwrap();
    w.expect(&message(v, 1, 1));
    w.expect(&publish("passing", b"").bytes(v));
    w.event(published(passing));
    w.expect_silence();
}

fn qos_1_and_2_share_the_window_and_keep_their_order(v: Version) {
    let mut w = with_inflight(v, 2);
    for (mid, qos) in [(1, 2), (2, 1), (3, 2), (4, 1)] {
        assert_eq!(w.client.publish("t", &u16::to_be_bytes(mid), qos), Ok(mid));
    }
    w.expect(&message(v, 2, 1));
    w.expect(&message(v, 1, 2));
    w.send(&puback(2));
    w.event(published(2));
    w.expect(&message(v, 2, 3));
    w.send(&pubrec(1));
    w.expect(&pubrel(1));
    w.expect_silence();
    w.send(&pubcomp(1));
    w.event(published(1));
    w.expect(&message(v, 1, 4));
    w.expect_silence();
}

fn acknowledgements_may_come_in_any_order(v: Version) {
    let mut w = Wire::open(v);
    publish_many(&w, 1, 1..=4);
    expect_messages(&mut w, 1, 1..=4);
    for mid in [3, 1, 4, 2] {
        w.send(&puback(mid));
        w.event(published(mid));
    }
    w.finish();
}

fn a_wider_window_lets_waiting_messages_go(v: Version) {
    let mut w = with_inflight(v, 1);
    publish_many(&w, 1, 1..=3);
    w.expect(&message(v, 1, 1));
    w.expect_silence();
    w.client.inflight_maximum(3);
    // Any acknowledgement at the latest makes the client look again.
    w.send(&puback(1));
    w.event(published(1));
    expect_messages(&mut w, 1, 2..=3);
}

fn an_identifier_under_way_is_not_handed_out_again(v: Version) {
    let mut w = Wire::open(v);
    assert_eq!(w.client.publish("held", b"", 1), Ok(1));
    w.expect(&publish("held", b"").qos(1, 1).bytes(v));
    let mut seen = HashSet::new();
    let one = publish("t", b"").bytes(v);
    for _ in 0..656 {
        let mut expected = Vec::new();
        for _ in 0..100 {
            let mid = w.client.publish("t", b"", 0).unwrap();
            assert_ne!(mid, 1);
            assert_ne!(mid, 0);
            seen.insert(mid);
            expected.extend(&one);
        }
        w.expect(&expected);
    }
    // Every other identifier came, and then the first of them again.
    assert_eq!(seen.len(), 65534);
}

fn identifiers_of_waiting_messages_are_not_handed_out_again(v: Version) {
    let mut w = with_inflight(v, 1);
    publish_many(&w, 1, 1..=3);
    w.expect(&message(v, 1, 1));
    let one = publish("t", b"").bytes(v);
    for _ in 0..66 {
        let mut expected = Vec::new();
        for _ in 0..1000 {
            let mid = w.client.publish("t", b"", 0).unwrap();
            assert!(mid > 3, "{mid} is taken");
            expected.extend(&one);
        }
        w.expect(&expected);
    }
}

fn the_identifier_of_an_unanswered_subscribe_is_not_handed_out_again(v: Version) {
    let mut w = Wire::open(v);
    assert_eq!(w.client.subscribe("a", 0), Ok(1));
    assert_eq!(w.client.unsubscribe("a"), Ok(2));
    w.expect(&subscribe(v, 1, &[], &[("a", 0)]));
    w.expect(&unsubscribe(v, 2, &[], &["a"]));
    let one = publish("t", b"").bytes(v);
    for _ in 0..66 {
        let mut expected = Vec::new();
        for _ in 0..1000 {
            let mid = w.client.publish("t", b"", 0).unwrap();
            assert!(mid > 2, "{mid} is taken");
            expected.extend(&one);
        }
        w.expect(&expected);
    }
}

each_version!(
    a_window_of_1_sends_the_next_message_after_puback,
    a_window_of_1_sends_the_next_qos_2_message_after_pubcomp,
    twenty_messages_are_under_way_by_default,
    a_window_of_0_has_no_limit,
    qos_0_passes_a_full_window,
    qos_1_and_2_share_the_window_and_keep_their_order,
    acknowledgements_may_come_in_any_order,
    a_wider_window_lets_waiting_messages_go,
    an_identifier_under_way_is_not_handed_out_again,
    identifiers_of_waiting_messages_are_not_handed_out_again,
    the_identifier_of_an_unanswered_subscribe_is_not_handed_out_again,
);

#[test]
fn the_send_maximum_option_is_the_same_window() {
    let mut w = Setup::new(V311)
        .configure(|client| client.int_option(MOSQ_OPT_SEND_MAXIMUM, 2).unwrap())
        .open();
    publish_many(&w, 1, 1..=3);
    expect_messages(&mut w, 1, 1..=2);
    w.expect_silence();
}

#[test]
fn the_broker_s_receive_maximum_lowers_the_window() {
    let mut w = Setup::new(V5)
        .connack_props(&[Prop::U16(RECEIVE_MAXIMUM, 2)])
        .open();
    publish_many(&w, 1, 1..=4);
    expect_messages(&mut w, 1, 1..=2);
    w.expect_silence();
    w.send(&puback(2));
    w.event(published(2));
    w.expect(&message(V5, 1, 3));
    w.expect_silence();
}

#[test]
fn the_broker_s_receive_maximum_bounds_a_window_without_limit() {
    let mut w = Setup::new(V5)
        .configure(|client| client.inflight_maximum(0))
        .connack_props(&[Prop::U16(RECEIVE_MAXIMUM, 3)])
        .open();
    publish_many(&w, 2, 1..=5);
    expect_messages(&mut w, 2, 1..=3);
    w.expect_silence();
}

#[test]
fn a_larger_receive_maximum_does_not_widen_the_window() {
    let mut w = Setup::new(V5)
        .configure(|client| client.inflight_maximum(2))
        .connack_props(&[Prop::U16(RECEIVE_MAXIMUM, 100)])
        .open();
    publish_many(&w, 1, 1..=4);
    expect_messages(&mut w, 1, 1..=2);
    w.expect_silence();
}

#[test]
fn messages_kept_before_connack_obey_the_receive_maximum_in_it() {
    let mut w = Setup::new(V5).connecting();
    publish_many(&w, 1, 1..=5);
    w.accept_session(false, &[Prop::U16(RECEIVE_MAXIMUM, 3)]);
    expect_messages(&mut w, 1, 1..=3);
    w.expect_silence();
}

#[test]
fn a_pubrec_with_an_error_frees_its_place_in_the_window() {
    let mut w = Setup::new(V5)
        .configure(|client| client.inflight_maximum(1))
        .open();
    publish_many(&w, 2, 1..=2);
    w.expect(&message(V5, 2, 1));
    w.send(&ack(0x50, 1, 0x97, &[]));
    w.event(Event::PublishV5(1, 0x97, vec![]));
    w.expect(&message(V5, 2, 2));
}

#[test]
fn a_puback_with_an_error_frees_its_place_in_the_window() {
    let mut w = Setup::new(V5)
        .configure(|client| client.inflight_maximum(1))
        .open();
    publish_many(&w, 1, 1..=2);
    w.expect(&message(V5, 1, 1));
    w.send(&ack(0x40, 1, 0x80, &[]));
    w.event(Event::PublishV5(1, 0x80, vec![]));
    w.expect(&message(V5, 1, 2));
}
