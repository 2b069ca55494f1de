//! CONNECT, byte for byte.

#![allow(
    clippy::undocumented_unsafe_blocks,
    reason = "the C API is called with arguments that live through the call"
)]

mod support;

use std::ffi::c_int;
use std::time::Duration;

use support::prop::*;
use support::*;
use Version::{V31, V311, V5};

extern "C" {
    fn mqttrs_clean_start_set(mosq: *mut mosquitto, on: bool) -> c_int;
}

const STEP: Duration = Duration::from_millis(2);

/// Configures a client and connects it; the CONNECT it sent must be `expected`.
fn check(
    version: Version,
    id: Option<&str>,
    clean: bool,
    configure: impl FnOnce(&Client),
    expected: &Connect,
) {
    check_with(version, id, clean, configure, &[], &expected.bytes());
}

fn check_with(
    version: Version,
    id: Option<&str>,
    clean: bool,
    configure: impl FnOnce(&Client),
    props: &[Prop],
    expected: &[u8],
) {
    let broker = Broker::start();
    let mut client = Client::new(version, id, clean);
    configure(&client);
    if props.is_empty() {
        client.connect(broker.port(), 60).unwrap();
    } else {
        client.connect_props(broker.port(), 60, props).unwrap();
    }
    let mut peer = broker.accept();
    peer.expect_while(expected, |_| client.step(STEP));
    // And not a byte between it and DISCONNECT.
    peer.send(&connack(version, false, 0, &[]));
    client.expect_event(Event::ConnectV5(0, 0, vec![]));
    client.disconnect().unwrap();
    peer.expect_while(&DISCONNECT, |_| client.step(STEP));
}

fn connect_carries_protocol_name_level_and_client_id(v: Version) {
    check(v, Some("client"), true, |_| (), &connect(v, "client"));
}

fn a_persistent_session_clears_the_clean_flag(v: Version) {
    check(
        v,
        Some("client"),
        false,
        |_| (),
        &connect(v, "client").clean(false),
    );
}

fn the_clean_flag_can_be_another_for_the_next_connection(v: Version) {
    let broker = Broker::start();
    let client = Client::new(v, Some("client"), true);
    for clean in [true, false, true] {
        assert_eq!(unsafe { mqttrs_clean_start_set(client.0, clean) }, 0);
        client.connect(broker.port(), 60).unwrap();
        let mut peer = broker.accept();
        peer.expect_while(&connect(v, "client").clean(clean).bytes(), |_| ());
    }
}

fn a_client_id_may_be_long_and_not_ascii(v: Version) {
    let id = format!("gerät-{}", "x".repeat(300));
    check(v, Some(&id), true, |_| (), &connect(v, &id));
}

fn a_user_name_may_come_without_a_password(v: Version) {
    check(
        v,
        Some("c"),
        true,
        |client| client.username_password(Some("ada"), None).unwrap(),
        &connect(v, "c").username("ada"),
    );
}

fn user_name_and_password_follow_the_client_id(v: Version) {
    check(
        v,
        Some("c"),
        true,
        |client| {
            client
                .username_password(Some("ada"), Some("s3cret"))
                .unwrap()
        },
        &connect(v, "c").username("ada").password(b"s3cret"),
    );
}

fn an_empty_user_name_and_password_are_sent_as_such(v: Version) {
    check(
        v,
        Some("c"),
        true,
        |client| client.username_password(Some(""), Some("")).unwrap(),
        &connect(v, "c").username("").password(b""),
    );
}

fn a_null_user_name_takes_the_credentials_back(v: Version) {
    check(
        v,
        Some("c"),
        true,
        |client| {
            client
                .username_password(Some("ada"), Some("s3cret"))
                .unwrap();
            client.username_password(None, None).unwrap();
        },
        &connect(v, "c"),
    );
}

fn a_will_with_qos_0_sets_the_will_flag(v: Version) {
    check(
        v,
        Some("c"),
        true,
        |client| client.will("will/topic", b"gone", 0, false).unwrap(),
        &connect(v, "c").will("will/topic", b"gone", 0, false),
    );
}

fn a_will_with_qos_1_and_retain_sets_their_bits(v: Version) {
    check(
        v,
        Some("c"),
        true,
        |client| client.will("will/topic", b"gone", 1, true).unwrap(),
        &connect(v, "c").will("will/topic", b"gone", 1, true),
    );
}

fn a_will_with_qos_2_sets_its_bits(v: Version) {
    check(
        v,
        Some("c"),
        true,
        |client| client.will("will/topic", b"gone", 2, false).unwrap(),
        &connect(v, "c").will("will/topic", b"gone", 2, false),
    );
}

fn a_will_may_be_empty(v: Version) {
    check(
        v,
        Some("c"),
        true,
        |client| client.will("will/topic", b"", 0, true).unwrap(),
        &connect(v, "c").will("will/topic", b"", 0, true),
    );
}

fn the_last_will_set_counts(v: Version) {
    check(
        v,
        Some("c"),
        true,
        |client| {
            client.will("first", b"1", 2, true).unwrap();
            client.will("second", b"2", 0, false).unwrap();
        },
        &connect(v, "c").will("second", b"2", 0, false),
    );
}

fn a_cleared_will_is_not_sent(v: Version) {
    check(
        v,
        Some("c"),
        true,
        |client| {
            client.will("will/topic", b"gone", 1, true).unwrap();
            client.will_clear().unwrap();
        },
        &connect(v, "c"),
    );
}

fn will_and_credentials_stand_in_the_order_of_the_specification(v: Version) {
    check(
        v,
        Some("c"),
        false,
        |client| {
            client
                .username_password(Some("ada"), Some("s3cret"))
                .unwrap();
            client.will("w", b"\x00\xff", 2, true).unwrap();
        },
        &connect(v, "c")
            .clean(false)
            .will("w", b"\x00\xff", 2, true)
            .username("ada")
            .password(b"s3cret"),
    );
}

fn keep_alive_stands_as_two_bytes(v: Version) {
    for seconds in [0, 2, 300, 65535] {
        Setup::new(v).keep_alive(seconds).open().finish();
    }
}

each_version!(
    connect_carries_protocol_name_level_and_client_id,
    a_persistent_session_clears_the_clean_flag,
    the_clean_flag_can_be_another_for_the_next_connection,
    a_client_id_may_be_long_and_not_ascii,
    a_user_name_may_come_without_a_password,
    user_name_and_password_follow_the_client_id,
    an_empty_user_name_and_password_are_sent_as_such,
    a_null_user_name_takes_the_credentials_back,
    a_will_with_qos_0_sets_the_will_flag,
    a_will_with_qos_1_and_retain_sets_their_bits,
    a_will_with_qos_2_sets_its_bits,
    a_will_may_be_empty,
    the_last_will_set_counts,
    a_cleared_will_is_not_sent,
    will_and_credentials_stand_in_the_order_of_the_specification,
    keep_alive_stands_as_two_bytes,
);

/// The bytes of one CONNECT written out, so that the builder used elsewhere is judged too.
#[test]
fn mqtt_3_1_1_connect_is_these_bytes() {
    let expected = [
        &[0x10, 0x10, 0x00, 0x04][..],
        b"MQTT",
        &[0x04, 0x02, 0x00, 0x3C, 0x00, 0x04],
        b"abcd",
    ];
    check_with(V311, Some("abcd"), true, |_| (), &[], &expected.concat());
}

#[test]
fn mqtt_3_1_connect_is_these_bytes() {
    let expected = [
        &[0x10, 0x12, 0x00, 0x06][..],
        b"MQIsdp",
        &[0x03, 0x02, 0x00, 0x3C, 0x00, 0x04],
        b"abcd",
    ];
    check_with(V31, Some("abcd"), true, |_| (), &[], &expected.concat());
}

#[test]
fn mqtt_5_connect_is_these_bytes() {
    let expected = [
        &[0x10, 0x14, 0x00, 0x04][..],
        b"MQTT",
        &[0x05, 0x02, 0x00, 0x3C, 0x03, 0x21, 0x00, 0x14, 0x00, 0x04],
        b"abcd",
    ];
    check_with(V5, Some("abcd"), true, |_| (), &[], &expected.concat());
}

#[test]
fn without_an_id_mqtt_3_1_sends_a_generated_one() {
    let broker = Broker::start();
    let mut client = Client::new(V31, None, true);
    client.connect(broker.port(), 60).unwrap();
    let mut peer = broker.accept();
    let packet = peer.take_packet_while(|_| client.step(STEP));
    let id = std::str::from_utf8(&packet[16..]).unwrap();
    assert_eq!(packet, connect(V31, id).bytes());
    let random = id.strip_prefix("mosq-").expect(id);
    assert_eq!(random.len(), 18);
    assert!(
        random.bytes().all(|byte| byte.is_ascii_alphanumeric()),
        "{id}"
    );
}

#[test]
fn generated_ids_differ() {
    let broker = Broker::start();
    let packets = [(); 2].map(|()| {
        let mut client = Client::new(V31, None, true);
        client.connect(broker.port(), 60).unwrap();
        broker.accept().take_packet_while(|_| client.step(STEP))
    });
    assert_ne!(packets[0], packets[1]);
}

#[test]
fn without_an_id_mqtt_3_1_1_sends_an_empty_one() {
    check(V311, None, true, |_| (), &connect(V311, ""));
}

#[test]
fn without_an_id_mqtt_5_sends_an_empty_one() {
    check(V5, None, true, |_| (), &connect(V5, ""));
}

#[test]
fn mqtt_5_may_send_a_password_without_a_user_name() {
    check(
        V5,
        Some("c"),
        true,
        |client| client.username_password(None, Some("token")).unwrap(),
        &connect(V5, "c").password(b"token"),
    );
}

#[test]
fn properties_go_out_in_the_order_given_and_receive_maximum_last() {
    let props = [
        user("first", "1"),
        Prop::U32(SESSION_EXPIRY_INTERVAL, 3600),
        Prop::Byte(REQUEST_RESPONSE_INFORMATION, 1),
        user("second", "2"),
        Prop::U16(TOPIC_ALIAS_MAXIMUM, 7),
        Prop::Byte(REQUEST_PROBLEM_INFORMATION, 0),
        Prop::U32(MAXIMUM_PACKET_SIZE, 100_000),
        user("first", "again"),
    ];
    check_with(
        V5,
        Some("c"),
        true,
        |_| (),
        &props,
        &connect(V5, "c").props(&props).bytes(),
    );
}

#[test]
fn receive_maximum_is_the_option_s_value() {
    check(
        V5,
        Some("c"),
        true,
        |client| client.int_option(MOSQ_OPT_RECEIVE_MAXIMUM, 3).unwrap(),
        &connect(V5, "c").receive_maximum(Some(3)),
    );
}

#[test]
fn a_receive_maximum_among_the_properties_is_not_sent_twice() {
    let props = [Prop::U16(RECEIVE_MAXIMUM, 5), user("behind", "it")];
    let expected = connect(V5, "c").props(&props).receive_maximum(None);
    check_with(V5, Some("c"), true, |_| (), &props, &expected.bytes());
}

#[test]
fn the_send_maximum_does_not_change_connect() {
    check(
        V5,
        Some("c"),
        true,
        |client| client.int_option(MOSQ_OPT_SEND_MAXIMUM, 3).unwrap(),
        &connect(V5, "c"),
    );
}

#[test]
fn will_properties_go_out_in_the_order_given() {
    let props = [
        text(CONTENT_TYPE, "text/plain"),
        Prop::U32(WILL_DELAY_INTERVAL, 30),
        Prop::Byte(PAYLOAD_FORMAT_INDICATOR, 1),
        user("a", "b"),
        Prop::U32(MESSAGE_EXPIRY_INTERVAL, 60),
        text(RESPONSE_TOPIC, "answer/here"),
        Prop::Binary(CORRELATION_DATA, vec![0, 1, 2]),
        user("a", "c"),
    ];
    check(
        V5,
        Some("c"),
        true,
        {
            let props = props.clone();
            move |client| client.will_v5("w", b"gone", 1, &props).unwrap()
        },
        &connect(V5, "c")
            .will("w", b"gone", 1, false)
            .will_props(&props),
    );
}

#[test]
fn properties_of_connect_need_mqtt_5() {
    let broker = Broker::start();
    let client = Client::new(V311, Some("c"), true);
    assert_eq!(
        client.connect_props(broker.port(), 60, &[user("a", "b")]),
        Err(MOSQ_ERR_NOT_SUPPORTED)
    );
    assert!(broker.try_accept().is_none());
}

#[test]
fn a_property_that_connect_may_not_carry_is_refused() {
    let broker = Broker::start();
    let client = Client::new(V5, Some("c"), true);
    let props = [Prop::U16(TOPIC_ALIAS, 1)];
    assert_eq!(
        client.connect_props(broker.port(), 60, &props),
        Err(MOSQ_ERR_PROTOCOL)
    );
    assert!(broker.try_accept().is_none());
}

#[test]
fn a_property_given_twice_is_refused() {
    let broker = Broker::start();
    let client = Client::new(V5, Some("c"), true);
    let twice = Prop::U32(SESSION_EXPIRY_INTERVAL, 1);
    assert_eq!(
        client.connect_props(broker.port(), 60, &[twice.clone(), twice]),
        Err(MOSQ_ERR_DUPLICATE_PROPERTY)
    );
    assert!(broker.try_accept().is_none());
}

#[test]
fn pre_connect_may_set_the_credentials_of_this_connect() {
    let broker = Broker::start();
    let mut client = Client::new(V311, Some("c"), true);
    client.pre_connect_callback();
    client.on_event(|handle, event| {
        if *event == Event::PreConnect {
            handle
                .username_password(Some("just"), Some("in time"))
                .unwrap();
        }
    });
    client.connect(broker.port(), 60).unwrap();
    let expected = connect(V311, "c")
        .username("just")
        .password(b"in time")
        .bytes();
    broker
        .accept()
        .expect_while(&expected, |_| client.step(STEP));
    client.expect_event(Event::PreConnect);
}

/// A port of 127.0.0.1 where nobody listens.
fn closed_port() -> u16 {
    Broker::start().port()
}

#[test]
fn a_refused_tcp_connection_is_an_errno() {
    let client = Client::new(V311, Some("c"), true);
    assert_eq!(client.connect(closed_port(), 60), Err(MOSQ_ERR_ERRNO));
    let errno = std::io::Error::last_os_error();
    assert_eq!(errno.raw_os_error(), Some(libc::ECONNREFUSED));
    assert_eq!(client.socket(), -1);
}

fn call_connect(host: Option<&str>, port: i32, keep_alive: i32) -> i32 {
    let client = Client::new(V311, Some("c"), true);
    let host = host.map(|host| std::ffi::CString::new(host).unwrap());
    let pointer = host.as_ref().map_or(std::ptr::null(), |host| host.as_ptr());
    unsafe { mosquitto_connect(client.0, pointer, port, keep_alive) }
}

#[test]
fn keep_alive_outside_0_and_2_to_65535_is_refused() {
    for keep_alive in [-1, 1, 65536, i32::MIN, i32::MAX] {
        assert_eq!(
            call_connect(Some("127.0.0.1"), 1883, keep_alive),
            MOSQ_ERR_INVAL
        );
    }
}

#[test]
fn a_port_outside_its_range_is_refused() {
    for port in [-1, 65536, i32::MIN, i32::MAX] {
        assert_eq!(call_connect(Some("127.0.0.1"), port, 60), MOSQ_ERR_INVAL);
    }
}

#[test]
fn connecting_needs_a_host() {
    assert_eq!(call_connect(None, 1883, 60), MOSQ_ERR_INVAL);
}

#[test]
fn an_unknown_host_is_a_resolver_error() {
    assert_eq!(
        call_connect(Some("no-such-host.invalid"), 1883, 60),
        MOSQ_ERR_EAI
    );
}

#[test]
fn reconnect_before_any_connect_is_invalid() {
    let client = Client::new(V311, Some("c"), true);
    assert_eq!(client.reconnect(), Err(MOSQ_ERR_INVAL));
    assert_eq!(client.reconnect_async(), Err(MOSQ_ERR_INVAL));
}
