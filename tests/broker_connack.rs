//! CONNACK: what the client makes of it, and of anything else in its place.

#![allow(
    clippy::undocumented_unsafe_blocks,
    reason = "the C API is called with arguments that live through the call"
)]

mod support;

use support::prop::*;
use support::*;
use Version::{V311, V5};

/// A client that has sent CONNECT and had no answer yet.
fn connecting(v: Version) -> Wire {
    Setup::new(v).connecting()
}

fn an_accepting_connack_calls_on_connect(v: Version) {
    let mut w = connecting(v);
    w.send(&connack(v, false, 0, &[]));
    w.event(Event::ConnectV5(0, 0, vec![]));
    w.finish();
}

fn all_three_kinds_of_on_connect_are_called(v: Version) {
    let mut w = Setup::new(v)
        .configure(|client| {
            client.plain_callbacks(true);
            client.connect_with_flags_callback();
        })
        .connecting();
    w.send(&connack(v, false, 0, &[]));
    w.event(Event::Connect(0));
    w.event(Event::ConnectFlags(0, 0));
    w.event(Event::ConnectV5(0, 0, vec![]));
}

fn a_connack_may_come_byte_by_byte(v: Version) {
    let mut w = connecting(v);
    for byte in connack(v, false, 0, &[]) {
        assert_eq!(w.client.try_event(), None);
        w.send(&[byte]);
        w.client.step(std::time::Duration::from_millis(50));
    }
    w.event(Event::ConnectV5(0, 0, vec![]));
    w.finish();
}

fn a_second_connack_is_a_protocol_error(v: Version) {
    let mut w = Wire::open(v);
    w.send(&connack(v, false, 0, &[]));
    w.expect_failure(MOSQ_ERR_PROTOCOL, 0x82);
}

fn a_message_before_connack_is_a_protocol_error(v: Version) {
    let mut w = connecting(v);
    w.send(&publish("a", b"too early").bytes(v));
    w.expect_failure(MOSQ_ERR_PROTOCOL, 0x82);
}

fn a_pingresp_before_connack_is_a_protocol_error(v: Version) {
    let mut w = connecting(v);
    w.send(&PINGRESP);
    w.expect_failure(MOSQ_ERR_PROTOCOL, 0x82);
}

fn a_connack_of_one_byte_is_malformed(v: Version) {
    let mut w = connecting(v);
    w.send(&[0x20, 0x01, 0x00]);
    w.expect_failure(MOSQ_ERR_MALFORMED_PACKET, 0x81);
}

fn bytes_behind_a_connack_s_fields_are_malformed(v: Version) {
    let mut w = connecting(v);
    let mut packet = connack(v, false, 0, &[]);
    packet[1] += 1;
    packet.push(0);
    w.send(&packet);
    w.expect_failure(MOSQ_ERR_MALFORMED_PACKET, 0x81);
}

fn a_connection_closed_instead_of_connack_is_lost(v: Version) {
    let mut w = connecting(v);
    w.lose();
    assert_eq!(w.client.socket(), -1);
}

each_version!(
    an_accepting_connack_calls_on_connect,
    all_three_kinds_of_on_connect_are_called,
    a_connack_may_come_byte_by_byte,
    a_second_connack_is_a_protocol_error,
    a_message_before_connack_is_a_protocol_error,
    a_pingresp_before_connack_is_a_protocol_error,
    a_connack_of_one_byte_is_malformed,
    bytes_behind_a_connack_s_fields_are_malformed,
    a_connection_closed_instead_of_connack_is_lost,
);

/// A refusal: on_connect and on_disconnect are told, and the client says no more.
fn check_refusal(v: Version, code: u8, ends_with: i32) {
    let mut w = connecting(v);
    w.send(&connack(v, false, code, &[]));
    w.event(Event::ConnectV5(code.into(), 0, vec![]));
    w.expect_close();
    w.event(Event::DisconnectV5(ends_with, vec![]));
    assert_eq!(w.client.run_until_error(), ends_with);
    assert_eq!(w.client.socket(), -1);
    assert_eq!(w.client.try_event(), None);
}

macro_rules! refusals {
    ($($name:ident: $version:ident $code:literal => $ends_with:ident;)*) => {
        $(#[test]
        fn $name() {
            check_refusal(Version::$version, $code, $ends_with);
        })*
    };
}

refusals! {
    mqtt_3_1_refusal_1_protocol_version: V31 1 => MOSQ_ERR_CONN_REFUSED;
    mqtt_3_1_refusal_2_identifier_rejected: V31 2 => MOSQ_ERR_CONN_REFUSED;
    mqtt_3_1_refusal_3_server_unavailable: V31 3 => MOSQ_ERR_CONN_REFUSED;
    mqtt_3_1_refusal_4_bad_user_name_or_password: V31 4 => MOSQ_ERR_CONN_REFUSED;
    mqtt_3_1_refusal_5_not_authorized: V31 5 => MOSQ_ERR_CONN_REFUSED;
    mqtt_3_1_1_refusal_1_protocol_version: V311 1 => MOSQ_ERR_CONN_REFUSED;
    mqtt_3_1_1_refusal_2_identifier_rejected: V311 2 => MOSQ_ERR_CONN_REFUSED;
    mqtt_3_1_1_refusal_3_server_unavailable: V311 3 => MOSQ_ERR_CONN_REFUSED;
    mqtt_3_1_1_refusal_4_bad_user_name_or_password: V311 4 => MOSQ_ERR_CONN_REFUSED;
    mqtt_3_1_1_refusal_5_not_authorized: V311 5 => MOSQ_ERR_CONN_REFUSED;
    mqtt_3_1_1_refusal_with_an_unknown_code: V311 6 => MOSQ_ERR_PROTOCOL;
    mqtt_5_refusal_0x80_unspecified: V5 0x80 => MOSQ_ERR_PROTOCOL;
    mqtt_5_refusal_0x81_malformed_packet: V5 0x81 => MOSQ_ERR_PROTOCOL;
    mqtt_5_refusal_0x85_client_id_not_valid: V5 0x85 => MOSQ_ERR_PROTOCOL;
    mqtt_5_refusal_0x86_bad_user_name_or_password: V5 0x86 => MOSQ_ERR_PROTOCOL;
    mqtt_5_refusal_0x87_not_authorized: V5 0x87 => MOSQ_ERR_PROTOCOL;
    mqtt_5_refusal_0x89_server_busy: V5 0x89 => MOSQ_ERR_PROTOCOL;
    mqtt_5_refusal_0x95_packet_too_large: V5 0x95 => MOSQ_ERR_PROTOCOL;
    mqtt_5_refusal_0x9f_connection_rate_exceeded: V5 0x9f => MOSQ_ERR_PROTOCOL;
}

#[test]
fn a_refusal_in_mqtt_5_hands_out_its_properties() {
    let mut w = connecting(V5);
    let props = [
        text(REASON_STRING, "go away"),
        text(SERVER_REFERENCE, "other:1883"),
    ];
    w.send(&connack(V5, false, 0x9C, &props));
    w.event(Event::ConnectV5(0x9C, 0, props.to_vec()));
    w.expect_close();
}

/// Such a broker answers with two bytes and return code 1.
#[test]
fn a_broker_that_does_not_know_mqtt_5_is_reported_as_unsupported_version() {
    let mut w = connecting(V5);
    w.send(&[0x20, 0x02, 0x00, 0x01]);
    w.event(Event::ConnectV5(0x84, 0, vec![]));
    w.expect_close();
    w.event(Event::DisconnectV5(MOSQ_ERR_PROTOCOL, vec![]));
    assert_eq!(w.client.run_until_error(), MOSQ_ERR_PROTOCOL);
}

fn session_present_sets_the_flag(v: Version) {
    Setup::new(v).clean(false).session_present().open().finish();
}

fn session_present_after_a_clean_start_is_a_protocol_error(v: Version) {
    let mut w = connecting(v);
    w.send(&connack(v, true, 0, &[]));
    w.expect_failure(MOSQ_ERR_PROTOCOL, 0x82);
}

fn reserved_connack_flags_are_malformed(v: Version) {
    let mut w = connecting(v);
    let mut packet = connack(v, false, 0, &[]);
    packet[2] = 0x02;
    w.send(&packet);
    w.expect_failure(MOSQ_ERR_MALFORMED_PACKET, 0x81);
}

fn reserved_header_flags_of_connack_are_malformed(v: Version) {
    let mut w = connecting(v);
    let mut packet = connack(v, false, 0, &[]);
    packet[0] = 0x21;
    w.send(&packet);
    w.expect_failure(MOSQ_ERR_MALFORMED_PACKET, 0x81);
}

macro_rules! since_3_1_1 {
    ($($name:ident),* $(,)?) => {
        $(mod $name {
            #[test]
            fn mqtt_3_1_1() {
                super::$name(super::V311);
            }
            #[test]
            fn mqtt_5() {
                super::$name(super::V5);
            }
        })*
    };
}

since_3_1_1!(
    session_present_sets_the_flag,
    session_present_after_a_clean_start_is_a_protocol_error,
    reserved_connack_flags_are_malformed,
    reserved_header_flags_of_connack_are_malformed,
);

#[test]
fn connack_properties_reach_on_connect_in_their_order() {
    let props = [
        user("z", "1"),
        Prop::U32(SESSION_EXPIRY_INTERVAL, 10),
        Prop::U16(RECEIVE_MAXIMUM, 10),
        Prop::Byte(MAXIMUM_QOS, 1),
        Prop::Byte(RETAIN_AVAILABLE, 0),
        Prop::U32(MAXIMUM_PACKET_SIZE, 1000),
        text(ASSIGNED_CLIENT_IDENTIFIER, "assigned"),
        Prop::U16(TOPIC_ALIAS_MAXIMUM, 4),
        text(REASON_STRING, "hello"),
        Prop::Byte(WILDCARD_SUB_AVAILABLE, 1),
        Prop::Byte(SUBSCRIPTION_ID_AVAILABLE, 1),
        Prop::Byte(SHARED_SUB_AVAILABLE, 0),
        Prop::U16(SERVER_KEEP_ALIVE, 20),
        text(RESPONSE_INFORMATION, "answers/"),
        text(SERVER_REFERENCE, "other:1883"),
        user("a", "2"),
    ];
    Setup::new(V5).connack_props(&props).open().finish();
}

/// A CONNACK with properties that may not be there.
fn check_connack_property(props: &[Prop], code: i32, reason: u8) {
    let mut w = connecting(V5);
    w.send(&connack(V5, false, 0, props));
    w.expect_failure(code, reason);
}

#[test]
fn a_connack_property_of_another_packet_is_a_protocol_error() {
    check_connack_property(&[Prop::U16(TOPIC_ALIAS, 1)], MOSQ_ERR_PROTOCOL, 0x82);
}

#[test]
fn a_connack_property_given_twice_is_a_protocol_error() {
    let twice = Prop::U16(RECEIVE_MAXIMUM, 5);
    check_connack_property(&[twice.clone(), twice], MOSQ_ERR_PROTOCOL, 0x82);
}

#[test]
fn a_receive_maximum_of_0_is_a_protocol_error() {
    check_connack_property(&[Prop::U16(RECEIVE_MAXIMUM, 0)], MOSQ_ERR_PROTOCOL, 0x82);
}

#[test]
fn a_maximum_packet_size_of_0_is_a_protocol_error() {
    check_connack_property(
        &[Prop::U32(MAXIMUM_PACKET_SIZE, 0)],
        MOSQ_ERR_PROTOCOL,
        0x82,
    );
}

#[test]
fn a_maximum_qos_of_2_is_a_protocol_error() {
    check_connack_property(&[Prop::Byte(MAXIMUM_QOS, 2)], MOSQ_ERR_PROTOCOL, 0x82);
}

#[test]
fn an_unknown_connack_property_is_malformed() {
    check_connack_property(&[Prop::Byte(0x7E, 0)], MOSQ_ERR_MALFORMED_PACKET, 0x81);
}

#[test]
fn a_property_length_beyond_the_packet_is_malformed() {
    let mut w = connecting(V5);
    w.send(&[0x20, 0x03, 0x00, 0x00, 0x05]);
    w.expect_failure(MOSQ_ERR_MALFORMED_PACKET, 0x81);
}

#[test]
fn a_connack_without_a_property_length_is_malformed_in_mqtt_5() {
    let mut w = connecting(V5);
    w.send(&[0x20, 0x02, 0x00, 0x00]);
    w.expect_failure(MOSQ_ERR_MALFORMED_PACKET, 0x81);
}

#[test]
fn an_assigned_client_identifier_is_used_for_the_next_connection() {
    let broker = Broker::start();
    let mut client = Client::new(V5, None, true);
    let step = std::time::Duration::from_millis(2);
    client.connect(broker.port(), 60).unwrap();
    let mut peer = broker.accept();
    peer.expect_while(&connect(V5, "").bytes(), |_| client.step(step));
    let props = [text(ASSIGNED_CLIENT_IDENTIFIER, "named-by-broker")];
    peer.send(&connack(V5, false, 0, &props));
    client.expect_event(Event::ConnectV5(0, 0, props.to_vec()));
    peer.close();
    assert_eq!(client.run_until_error(), MOSQ_ERR_CONN_LOST);
    client.reconnect().unwrap();
    client.last = MOSQ_ERR_SUCCESS;
    let expected = connect(V5, "named-by-broker").bytes();
    broker
        .accept()
        .expect_while(&expected, |_| client.step(step));
}

#[test]
fn enhanced_authentication_exchanges_auth_packets_before_connack() {
    let method = text(AUTHENTICATION_METHOD, "SCRAM");
    let data = |bytes: &[u8]| Prop::Binary(AUTHENTICATION_DATA, bytes.to_vec());
    let mut w = Setup::new(V5)
        .props(&[method.clone(), data(b"client first")])
        .configure(|client| {
            client.ext_auth_callback();
            client.on_event(|handle, event| {
                if let Event::ExtAuth(method, _, _) = event {
                    let method = std::ffi::CString::new(method.as_str()).unwrap();
                    let answer = b"client final";
                    let rc = unsafe {
                        mosquitto_ext_auth_continue(
                            handle.0,
                            method.as_ptr(),
                            answer.len() as u16,
                            answer.as_ptr().cast(),
                            std::ptr::null(),
                        )
                    };
                    assert_eq!(rc, MOSQ_ERR_SUCCESS);
                }
            });
        })
        .connecting();
    w.send(&auth(0x18, &[method.clone(), data(b"server first")]));
    let event = w.client.next_event();
    let Event::ExtAuth(name, bytes, _) = event else {
        panic!("{event:?}")
    };
    assert_eq!(
        (name.as_str(), bytes.as_slice()),
        ("SCRAM", &b"server first"[..])
    );
    w.expect(&auth(0x18, &[method.clone(), data(b"client final")]));
    w.accept_session(false, &[method]);
    w.finish();
}

#[test]
fn auth_without_an_authentication_method_in_connect_is_a_protocol_error() {
    let mut w = connecting(V5);
    w.send(&auth(0x18, &[text(AUTHENTICATION_METHOD, "SCRAM")]));
    w.expect_failure(MOSQ_ERR_PROTOCOL, 0x82);
}
