//! The end of a connection that one side asked for.

mod support;

use support::prop::*;
use support::*;
use Version::{V311, V5};

fn published(mid: u16) -> Event {
    Event::PublishV5(mid.into(), 0, vec![])
}

fn disconnect_is_two_bytes_and_then_the_close(v: Version) {
    let mut w = Wire::open(v);
    w.client.disconnect().unwrap();
    w.expect(&[0xE0, 0x00]);
    w.expect_close();
    w.event(Event::DisconnectV5(0, vec![]));
    assert_eq!(w.client.socket(), -1);
}

/// The broker never closes its side here.
fn on_disconnect_does_not_wait_for_the_broker_to_close(v: Version) {
    let mut w = Wire::open(v);
    w.client.disconnect().unwrap();
    w.event(Event::DisconnectV5(0, vec![]));
    w.expect(&DISCONNECT);
}

fn both_kinds_of_on_disconnect_are_called(v: Version) {
    let mut w = Wire::open(v);
    w.client.plain_callbacks(true);
    w.client.disconnect().unwrap();
    w.event(Event::Disconnect(0));
    w.event(Event::DisconnectV5(0, vec![]));
}

fn the_loop_has_no_connection_after_disconnect(v: Version) {
    let mut w = Wire::open(v);
    w.client.disconnect().unwrap();
    w.event(Event::DisconnectV5(0, vec![]));
    assert_eq!(w.client.run_until_error(), MOSQ_ERR_NO_CONN);
}

fn disconnecting_needs_a_connection(v: Version) {
    let client = Client::new(v, Some("t"), true);
    assert_eq!(client.disconnect(), Err(MOSQ_ERR_NO_CONN));
    assert_eq!(client.try_event(), None);
}

fn messages_published_before_disconnect_are_written_before_it(v: Version) {
    let mut w = Wire::open(v);
    let mut expected = Vec::new();
    for qos in [0, 1, 2, 0] {
        let mid = w.client.publish("last", b"words", qos.into()).unwrap();
        expected.push(publish("last", b"words").qos(qos, mid).bytes(v));
    }
    w.client.disconnect().unwrap();
    expected.push(DISCONNECT.to_vec());
    w.expect_all(&expected);
    w.expect_close();
}

fn messages_behind_the_window_are_not_written_before_disconnect(v: Version) {
    let mut w = Setup::new(v)
        .configure(|client| client.inflight_maximum(1))
        .open();
    w.client.publish("a", b"1", 1).unwrap();
    w.client.publish("a", b"2", 1).unwrap();
    w.client.disconnect().unwrap();
    w.expect(&publish("a", b"1").qos(1, 1).bytes(v));
    w.expect(&DISCONNECT);
    w.expect_close();
}

fn a_disconnect_before_connack_follows_the_messages_that_fit_the_window(v: Version) {
    let mut w = Setup::new(v)
        .configure(|client| client.inflight_maximum(2))
        .connecting();
    for payload in [b"1", b"2", b"3"] {
        w.client.publish("a", payload, 1).unwrap();
    }
    w.client.disconnect().unwrap();
    w.expect(&publish("a", b"1").qos(1, 1).bytes(v));
    w.expect(&publish("a", b"2").qos(1, 2).bytes(v));
    w.expect(&DISCONNECT);
    w.expect_close();
    w.event(Event::DisconnectV5(0, vec![]));
}

fn disconnecting_inside_on_connect_works(v: Version) {
    let mut w = Setup::new(v).connecting();
    w.client.on_event(|handle, event| {
        if matches!(event, Event::ConnectV5(..)) {
            handle.disconnect().unwrap();
        }
    });
    w.accept_session(false, &[]);
    w.expect(&DISCONNECT);
    w.expect_close();
    w.event(Event::DisconnectV5(0, vec![]));
}

fn disconnecting_inside_on_message_acknowledges_first(v: Version) {
    let mut w = Wire::open(v);
    w.client.on_event(|handle, event| {
        if matches!(event, Event::MessageV5(..)) {
            handle.disconnect().unwrap();
        }
    });
    w.send(&publish("a", b"enough").qos(1, 4).bytes(v));
    w.expect(&puback(4));
    w.expect(&DISCONNECT);
    w.expect_close();
    w.event(Event::MessageV5(
        Message::new("a", b"enough").qos(1, 4),
        vec![],
    ));
    w.event(Event::DisconnectV5(0, vec![]));
}

/// So that the broker forgets the will.
fn a_disconnect_goes_out_though_the_client_is_destroyed_at_once(v: Version) {
    for drive in [Drive::Loop, Drive::Foreign, Drive::Thread] {
        let mut w = Setup::new(v).drive(drive).open();
        let mid = w.client.publish("last", b"words", 1).unwrap();
        w.client.disconnect().unwrap();
        destroy(*w.client);
        w.expect(&publish("last", b"words").qos(1, mid).bytes(v));
        w.expect(&DISCONNECT);
        w.peer.expect_close();
    }
}

/// The thread of `mosquitto_loop_start`, wherever it is just then.
fn a_disconnect_goes_out_though_a_thread_is_reading_and_writing(v: Version) {
    let burst = publish("a", &[b'.'; 100]).bytes(v).repeat(1000);
    for messages in 0..50 {
        let mut w = Setup::new(v).drive(Drive::Thread).open();
        w.send(&burst);
        for _ in 0..messages {
            w.client.publish("last", b"words", 0).unwrap();
        }
        w.client.disconnect().unwrap();
        destroy(*w.client);
        for _ in 0..messages {
            w.expect(&publish("last", b"words").bytes(v));
        }
        w.expect(&DISCONNECT);
        w.peer.expect_close();
    }
}

fn a_disconnect_goes_out_though_the_client_is_destroyed_in_its_callback(v: Version) {
    for drive in [Drive::Loop, Drive::Foreign, Drive::Thread] {
        let mut w = Setup::new(v).drive(drive).open();
        w.client.on_event(|handle, event| {
            if matches!(event, Event::MessageV5(..)) {
                handle.disconnect().unwrap();
                destroy(handle);
            }
        });
        w.send(&publish("a", b"enough").bytes(v));
        w.event(Event::MessageV5(Message::new("a", b"enough"), vec![]));
        w.expect(&DISCONNECT);
        w.peer.expect_close();
    }
}

fn destroy(handle: Handle) {
    // SAFETY: it was not destroyed before.
    unsafe { mosquitto_destroy(handle.0) };
}

fn disconnecting_inside_on_publish_works(v: Version) {
    let mut w = Wire::open(v);
    w.client.on_event(|handle, event| {
        if matches!(event, Event::PublishV5(..)) {
            handle.disconnect().unwrap();
        }
    });
    let mid = w.client.publish("a", b"only one", 0).unwrap();
    w.expect(&publish("a", b"only one").bytes(v));
    w.expect(&DISCONNECT);
    w.expect_close();
    w.event(published(mid));
    w.event(Event::DisconnectV5(0, vec![]));
}

fn the_client_can_connect_again_after_disconnect(v: Version) {
    let mut w = Wire::open(v);
    w.client.disconnect().unwrap();
    w.expect(&DISCONNECT);
    w.event(Event::DisconnectV5(0, vec![]));
    w.reconnect();
    w.accept_session(false, &[]);
    w.finish();
}

fn a_close_by_the_broker_is_a_lost_connection(v: Version) {
    let mut w = Wire::open(v);
    w.peer.close();
    assert_eq!(w.client.run_until_error(), MOSQ_ERR_CONN_LOST);
    w.event(Event::DisconnectV5(MOSQ_ERR_CONN_LOST, vec![]));
    assert_eq!(w.client.socket(), -1);
    assert_eq!(w.client.try_event(), None);
}

fn a_reset_by_the_broker_is_a_lost_connection(v: Version) {
    let mut w = Wire::open(v);
    w.peer.reset();
    assert_eq!(w.client.run_until_error(), MOSQ_ERR_CONN_LOST);
    w.event(Event::DisconnectV5(MOSQ_ERR_CONN_LOST, vec![]));
    assert_eq!(w.client.try_event(), None);
}

fn messages_in_front_of_a_close_are_delivered(v: Version) {
    let mut w = Wire::open(v);
    w.send(&[publish("a", b"1").bytes(v), publish("a", b"2").bytes(v)].concat());
    w.peer.close();
    w.event(Event::MessageV5(Message::new("a", b"1"), vec![]));
    w.event(Event::MessageV5(Message::new("a", b"2"), vec![]));
    w.event(Event::DisconnectV5(MOSQ_ERR_CONN_LOST, vec![]));
}

fn a_close_inside_a_packet_is_a_lost_connection(v: Version) {
    let mut w = Wire::open(v);
    w.send(&publish("a", b"half").bytes(v)[..5]);
    w.peer.close();
    w.event(Event::DisconnectV5(MOSQ_ERR_CONN_LOST, vec![]));
}

each_version!(
    disconnect_is_two_bytes_and_then_the_close,
    on_disconnect_does_not_wait_for_the_broker_to_close,
    both_kinds_of_on_disconnect_are_called,
    the_loop_has_no_connection_after_disconnect,
    disconnecting_needs_a_connection,
    messages_published_before_disconnect_are_written_before_it,
    messages_behind_the_window_are_not_written_before_disconnect,
    a_disconnect_before_connack_follows_the_messages_that_fit_the_window,
    disconnecting_inside_on_connect_works,
    disconnecting_inside_on_message_acknowledges_first,
    a_disconnect_goes_out_though_the_client_is_destroyed_at_once,
    a_disconnect_goes_out_though_a_thread_is_reading_and_writing,
    a_disconnect_goes_out_though_the_client_is_destroyed_in_its_callback,
    disconnecting_inside_on_publish_works,
    the_client_can_connect_again_after_disconnect,
    a_close_by_the_broker_is_a_lost_connection,
    a_reset_by_the_broker_is_a_lost_connection,
    messages_in_front_of_a_close_are_delivered,
    a_close_inside_a_packet_is_a_lost_connection,
);

#[test]
fn disconnect_carries_its_reason_code() {
    let mut w = Wire::open(V5);
    w.client.disconnect_v5(0x04, &[]).unwrap();
    w.expect(&[0xE0, 0x01, 0x04]);
    w.expect_close();
    w.event(Event::DisconnectV5(0, vec![]));
}

#[test]
fn disconnect_carries_its_properties() {
    let mut w = Setup::new(V5)
        .props(&[Prop::U32(SESSION_EXPIRY_INTERVAL, 5)])
        .open();
    let props = [
        user("z", "1"),
        Prop::U32(SESSION_EXPIRY_INTERVAL, 60),
        text(REASON_STRING, "bye"),
        user("a", "2"),
    ];
    w.client.disconnect_v5(0, &props).unwrap();
    w.expect(&disconnect_props(0, &props));
    w.expect_close();
}

/// MQTT 5.0 section 3.14.2.2.2.
#[test]
fn a_session_that_ends_with_its_connection_cannot_be_prolonged_at_its_end() {
    let w = Wire::open(V5);
    let refused = w
        .client
        .disconnect_v5(0, &[Prop::U32(SESSION_EXPIRY_INTERVAL, 60)]);
    assert_eq!(refused, Err(MOSQ_ERR_PROTOCOL));
    w.finish();
}

#[test]
fn a_property_that_disconnect_may_not_carry_is_refused() {
    let w = Wire::open(V5);
    let refused = w.client.disconnect_v5(0, &[text(CONTENT_TYPE, "x")]);
    assert_eq!(refused, Err(MOSQ_ERR_PROTOCOL));
    w.finish();
}

#[test]
fn a_reason_code_outside_a_byte_is_refused() {
    let w = Wire::open(V5);
    for reason in [-1, 256] {
        assert_eq!(w.client.disconnect_v5(reason, &[]), Err(MOSQ_ERR_INVAL));
    }
    w.finish();
}

#[test]
fn disconnect_properties_need_mqtt_5() {
    let w = Wire::open(V311);
    let refused = w.client.disconnect_v5(0, &[user("a", "b")]);
    assert_eq!(refused, Err(MOSQ_ERR_NOT_SUPPORTED));
    w.finish();
}

/// The broker's DISCONNECT: on_disconnect gets its reason code, the client sends no more.
fn check_broker_disconnect(packet: &[u8], reported: i32, props: &[Prop]) {
    let mut w = Wire::open(V5);
    w.send(packet);
    w.event(Event::DisconnectV5(reported, props.to_vec()));
    w.expect_close();
    assert_ne!(w.client.run_until_error(), MOSQ_ERR_SUCCESS);
    assert_eq!(w.client.try_event(), None);
}

#[test]
fn a_broker_s_disconnect_0x8b_server_shutting_down_is_reported() {
    check_broker_disconnect(&disconnect_reason(0x8B), 0x8B, &[]);
}

#[test]
fn a_broker_s_disconnect_0x8d_keep_alive_timeout_is_reported() {
    check_broker_disconnect(&disconnect_reason(0x8D), 0x8D, &[]);
}

#[test]
fn a_broker_s_disconnect_0x8e_session_taken_over_is_reported() {
    check_broker_disconnect(&disconnect_reason(0x8E), 0x8E, &[]);
}

#[test]
fn a_broker_s_disconnect_0x98_administrative_action_is_reported() {
    check_broker_disconnect(&disconnect_reason(0x98), 0x98, &[]);
}

#[test]
fn a_broker_s_disconnect_with_properties_hands_them_out() {
    let props = [
        text(REASON_STRING, "moving"),
        text(SERVER_REFERENCE, "other:1883"),
        user("a", "b"),
    ];
    check_broker_disconnect(&disconnect_props(0x9D, &props), 0x9D, &props);
}

/// Somebody else's wish, so no success.
#[test]
fn a_broker_s_disconnect_without_a_reason_is_a_lost_connection() {
    check_broker_disconnect(&DISCONNECT, MOSQ_ERR_CONN_LOST, &[]);
}

#[test]
fn nothing_behind_a_broker_s_disconnect_is_delivered() {
    let packets = [disconnect_reason(0x8B), publish("a", b"late").bytes(V5)].concat();
    check_broker_disconnect(&packets, 0x8B, &[]);
}
