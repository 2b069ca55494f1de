//! How a connection begins and ends, on the protocol machine alone.

mod session_support;
mod support;

use std::time::Duration;

use mqttrs::codec::{Properties, SubscriptionOptions, Will};
use mqttrs::error::{CallerError, Error, PeerError};
use mqttrs::session::{ConnectRequest, SessionEvent, State};
use mqttrs::types::{QoS, ReasonCode};
use session_support::*;
use support::prop::*;
use support::*;
use Version::{V31, V311, V5};

each_version!(
    connect_carries_every_field,
    nothing_is_sent_before_connect,
    a_second_connack_is_a_protocol_error,
    connack_in_pieces_is_taken_when_it_is_whole,
    a_refusal_is_told_and_ends_the_connection,
    what_waits_goes_out_before_disconnect,
    nothing_is_taken_after_disconnect,
    calls_that_need_a_connection_fail_without_one,
    an_answer_to_no_request_is_a_protocol_error,
    a_request_of_a_lost_connection_is_forgotten,
    messages_wait_for_the_program_to_hear_of_the_connection,
);

fn connect_carries_every_field(v: Version) {
    let mut bench = Bench::new(v);
    let properties = buf(&[]);
    let will = Will {
        topic: "gone",
        payload: b"bye",
        qos: QoS::ExactlyOnce,
        retain: true,
        properties: properties.as_properties(),
    };
    bench
        .session
        .connect(
            &ConnectRequest {
                version: protocol(v),
                clean_start: true,
                keep_alive: 300,
                properties: &properties,
                will: Some(will),
                username: Some("me"),
                password: Some(b"secret"),
                receive_maximum: 7,
            },
            bench.now,
        )
        .unwrap();
    let expected = connect(v, "t")
        .keep_alive(300)
        .will("gone", b"bye", 2, true)
        .username("me")
        .password(b"secret")
        .receive_maximum(Some(7));
    bench.expect(&[expected.bytes()]);
    assert_eq!(bench.session.state(), State::Connecting);
}

fn nothing_is_sent_before_connect(v: Version) {
    let mut bench = Bench::new(v);
    bench.publish("a", b"1", 1).unwrap();
    bench.publish("a", b"2", 2).unwrap();
    bench.pass(Duration::from_secs(100_000)).unwrap();
    bench.expect(&[]);
    assert_eq!(bench.session.poll_timeout(), None);
}

fn a_second_connack_is_a_protocol_error(v: Version) {
    let mut bench = Bench::open(v);
    let error = bench.receive(&connack(v, false, 0, &[])).unwrap_err();
    assert!(
        matches!(error, Error::Peer(PeerError::Protocol(_))),
        "{error:?}"
    );
    assert_eq!(bench.session.state(), State::Closing);
    bench.expect(&goodbye(v, 0x82));
}

/// What an MQTT 5 client says before it closes.
fn goodbye(v: Version, reason: u8) -> Vec<Vec<u8>> {
    if v.is_v5() {
        vec![disconnect_reason(reason)]
    } else {
        Vec::new()
    }
}

fn connack_in_pieces_is_taken_when_it_is_whole(v: Version) {
    let mut bench = Bench::new(v);
    bench.connect();
    let bytes = connack(v, false, 0, &[]);
    for end in 0..bytes.len() {
        let step = bench.session.handle_input(&bytes[..end], bench.now);
        assert_eq!(step, Ok(None), "{end} bytes");
    }
    bench.accept(false, &[]);
}

fn a_refusal_is_told_and_ends_the_connection(v: Version) {
    let code = if v.is_v5() { 0x87 } else { 5 };
    let mut bench = Bench::new(v);
    bench.publish("a", b"1", 1).unwrap();
    bench.connect();
    let error = bench.receive(&connack(v, false, code, &[])).unwrap_err();
    assert_eq!(error, Error::Peer(PeerError::ConnectionRefused(code)));
    bench.expect_seen(&[Seen::Event(SessionEvent::Connected {
        code,
        session_present: false,
        properties: buf(&[]),
    })]);
    // A server that refused is not written to.
    bench.expect(&[]);
    assert_eq!(bench.session.state(), State::Closing);
}

fn what_waits_goes_out_before_disconnect(v: Version) {
    let mut bench = Bench::new(v);
    let first = bench.publish("a", b"1", 1).unwrap();
    bench.connect();
    let second = bench.publish("b", b"2", 2).unwrap();
    bench.disconnect(ReasonCode::SUCCESS, &[]).unwrap();
    bench.expect(&[
        publish("a", b"1").qos(1, first).bytes(v),
        publish("b", b"2").qos(2, second).bytes(v),
        DISCONNECT.to_vec(),
    ]);
    assert_eq!(bench.session.state(), State::Closing);
}

fn nothing_is_taken_after_disconnect(v: Version) {
    let mut bench = Bench::open(v);
    bench.disconnect(ReasonCode::SUCCESS, &[]).unwrap();
    bench.expect(&[DISCONNECT.to_vec()]);
    bench.accept_input(&publish("a", b"late").qos(1, 1).bytes(v));
    bench.accept_input(&[0x00, 0xff, 0xff]);
    bench.expect(&[]);
    bench.expect_seen(&[]);
}

fn calls_that_need_a_connection_fail_without_one(v: Version) {
    let no_connection = Error::Caller(CallerError::NotConnected);
    let mut bench = Bench::new(v);
    assert_eq!(bench.publish("a", b"", 0), Err(no_connection.clone()));
    assert_eq!(bench.subscribe("a", 0), Err(no_connection.clone()));
    assert_eq!(bench.unsubscribe("a"), Err(no_connection.clone()));
    assert_eq!(
        bench.disconnect(ReasonCode::SUCCESS, &[]),
        Err(no_connection)
    );
    bench.expect_seen(&[]);
}

fn an_answer_to_no_request_is_a_protocol_error(v: Version) {
    let codes: &[u8] = if v.is_v5() { &[0] } else { &[] };
    let mut other = Bench::open(v);
    let mid = other.subscribe("a", 0).unwrap();
    for bytes in [
        suback(v, 1, &[], &[0]),
        unsuback(v, 1, &[], codes),
        // The right packet identifier, the wrong kind.
        unsuback(v, mid, &[], codes),
        // Two codes for one filter.
        suback(v, mid, &[], &[0, 0]),
    ] {
        let mut bench = Bench::open(v);
        if bytes[3] == mid as u8 && bytes != suback(v, 1, &[], &[0]) {
            assert_eq!(bench.subscribe("a", 0), Ok(mid));
        }
        let error = bench.receive(&bytes).unwrap_err();
        assert!(
            matches!(error, Error::Peer(PeerError::Protocol(_))),
            "{bytes:02x?}: {error:?}"
        );
    }
}

fn a_request_of_a_lost_connection_is_forgotten(v: Version) {
    let mut bench = Bench::open(v);
    let mid = bench.subscribe("a", 0).unwrap();
    bench.expect(&[subscribe(v, mid, &[], &[("a", 0)])]);
    bench.lose();
    bench.reconnect(true, &[]);
    let error = bench.receive(&suback(v, mid, &[], &[0])).unwrap_err();
    assert!(
        matches!(error, Error::Peer(PeerError::Protocol(_))),
        "{error:?}"
    );
}

fn messages_wait_for_the_program_to_hear_of_the_connection(v: Version) {
    let mut bench = Bench::new(v);
    let mid = bench.publish("a", b"1", 1).unwrap();
    bench.connect();
    let accepting = connack(v, false, 0, &[]);
    bench
        .session
        .handle_input(&accepting, bench.now)
        .unwrap()
        .unwrap();
    assert!(
        !bench.session.has_transmit(),
        "sent before the program knows"
    );
    let event = bench.session.poll_event(bench.now);
    assert!(matches!(event, Some(SessionEvent::Connected { .. })));
    // What the program does when it hears of the connection comes first.
    let subscription = bench.subscribe("s", 1).unwrap();
    bench.expect(&[
        subscribe(v, subscription, &[], &[("s", 1)]),
        publish("a", b"1").qos(1, mid).bytes(v),
    ]);
}

#[test]
fn an_event_of_an_older_connection_does_not_release_what_waits_for_the_next() {
    let mut bench = Bench::new(V311);
    bench.publish("a", b"1", 2).unwrap();
    bench.connect();
    let accepting = connack(V311, false, 0, &[]);
    bench
        .session
        .handle_input(&accepting, bench.now)
        .unwrap()
        .unwrap();
    // Neither the CONNACK nor the loss is polled before the next attempt begins.
    bench
        .session
        .handle_closed(Some(Error::Peer(PeerError::ConnectionLost)));
    bench.begin().unwrap();
    assert_eq!(bench.seen().len(), 2);
    bench.expect(&[connect(V311, "t").clean(false).bytes()]);
    assert_eq!(bench.session.state(), State::Connecting);
}

#[test]
fn session_present_after_a_clean_start_is_a_protocol_error() {
    for v in [V311, V5] {
        let setup = Options {
            clean: true,
            ..Options::default()
        };
        let mut bench = Bench::with(v, setup);
        bench.connect();
        let error = bench.receive(&connack(v, true, 0, &[])).unwrap_err();
        assert!(
            matches!(error, Error::Peer(PeerError::Protocol(_))),
            "{error:?}"
        );
        bench.expect_seen(&[]);
    }
}

#[test]
fn the_server_assigns_a_client_identifier_that_later_connections_use() {
    let mut bench = Bench::new(V5);
    bench.session.set_client_id(None);
    bench.setup.clean = true;
    bench.begin().unwrap();
    bench.expect(&[connect(V5, "").bytes()]);
    bench.accept(false, &[text(ASSIGNED_CLIENT_IDENTIFIER, "t")]);
    assert_eq!(bench.session.client_id(), Some("t"));
    bench.lose();
    bench.connect();
}

#[test]
fn a_server_of_an_older_version_refuses_mqtt_5_in_its_own_words() {
    let mut bench = Bench::new(V5);
    bench.connect();
    let error = bench.receive(&[0x20, 2, 0, 1]).unwrap_err();
    assert_eq!(error, Error::Peer(PeerError::ConnectionRefused(0x84)));
}

#[test]
fn properties_below_mqtt_5_are_refused() {
    for v in [V31, V311] {
        let setup = Options {
            props: vec![user("a", "b")],
            ..Options::default()
        };
        let error = Bench::with(v, setup).begin().unwrap_err();
        assert!(matches!(error, Error::Caller(CallerError::NotSupported(_))));
        let mut bench = Bench::open(v);
        let error = bench
            .publish_props("a", b"", 1, &[user("a", "b")])
            .unwrap_err();
        assert!(matches!(error, Error::Caller(CallerError::NotSupported(_))));
    }
}

#[test]
fn a_password_without_a_user_name_needs_mqtt_5() {
    for (v, allowed) in [(V311, false), (V5, true)] {
        let mut bench = Bench::new(v);
        let outcome = bench.session.connect(
            &ConnectRequest {
                version: protocol(v),
                clean_start: true,
                keep_alive: 60,
                properties: &buf(&[]),
                will: None,
                username: None,
                password: Some(b"secret"),
                receive_maximum: 20,
            },
            bench.now,
        );
        assert_eq!(outcome.is_ok(), allowed, "{v:?}");
        assert_eq!(bench.session.has_transmit(), allowed);
    }
}

#[test]
fn a_session_cannot_be_asked_for_in_disconnect_when_connect_declined_it() {
    let expiry = Prop::U32(SESSION_EXPIRY_INTERVAL, 60);
    // The server may have a longer interval in mind; CONNECT's is what counts.
    let assigned = Prop::U32(SESSION_EXPIRY_INTERVAL, 30);
    let mut bench = Bench::open_with(V5, Options::default(), &[assigned]);
    let error = bench
        .disconnect(ReasonCode::SUCCESS, std::slice::from_ref(&expiry))
        .unwrap_err();
    assert!(
        matches!(error, Error::Caller(CallerError::InvalidProperty(_))),
        "{error:?}"
    );
    assert_eq!(bench.session.state(), State::Connected);

    let setup = Options {
        props: vec![Prop::U32(SESSION_EXPIRY_INTERVAL, 10)],
        ..Options::default()
    };
    let mut bench = Bench::open_with(V5, setup, &[Prop::U32(SESSION_EXPIRY_INTERVAL, 0)]);
    bench
        .disconnect(ReasonCode::SUCCESS, std::slice::from_ref(&expiry))
        .unwrap();
    bench.expect(&[disconnect_props(0, &[expiry])]);
}

#[test]
fn disconnect_carries_its_reason_in_mqtt_5() {
    let mut bench = Bench::open(V5);
    bench
        .disconnect(
            ReasonCode::DISCONNECT_WITH_WILL,
            &[text(REASON_STRING, "x")],
        )
        .unwrap();
    bench.expect(&[disconnect_props(4, &[text(REASON_STRING, "x")])]);
    bench.session.handle_closed(None);
    bench.expect_seen(&[Seen::Event(SessionEvent::Disconnected {
        error: None,
        properties: buf(&[]),
    })]);
}

#[test]
fn a_server_disconnect_is_told_with_its_reason_and_properties() {
    let mut bench = Bench::open(V5);
    let props = [text(SERVER_REFERENCE, "other"), user("a", "b")];
    let error = bench.receive(&disconnect_props(0x9C, &props)).unwrap_err();
    let expected = Error::Peer(PeerError::Disconnected(ReasonCode::USE_ANOTHER_SERVER));
    assert_eq!(error, expected);
    // A server that said goodbye gets no answer.
    bench.expect(&[]);
    bench.session.handle_closed(Some(error));
    bench.expect_seen(&[Seen::Event(SessionEvent::Disconnected {
        error: Some(expected),
        properties: buf(&props),
    })]);
    assert_eq!(bench.session.state(), State::Offline);
}

#[test]
fn what_is_larger_than_the_server_takes_is_not_sent() {
    let limit = [Prop::U32(MAXIMUM_PACKET_SIZE, 30)];
    let mut bench = Bench::open_with(V5, Options::default(), &limit);
    let too_large = Error::Caller(CallerError::OversizePacket);
    let long = "x".repeat(40);
    assert_eq!(bench.subscribe(&long, 0), Err(too_large.clone()));
    assert_eq!(bench.unsubscribe(&long), Err(too_large.clone()));
    assert_eq!(
        bench.publish("a", long.as_bytes(), 0),
        Err(too_large.clone())
    );
    assert_eq!(
        bench.publish("a", long.as_bytes(), 1),
        Err(too_large.clone())
    );
    let reason = text(REASON_STRING, &long);
    assert_eq!(
        bench.disconnect(ReasonCode::SUCCESS, &[reason]),
        Err(too_large)
    );
    bench.expect(&[]);
    // Exactly 30 bytes: fixed header, topic, no properties.
    bench.publish("a", &[b'x'; 24], 0).unwrap();
    assert_eq!(bench.sent()[0].len(), 30);
    assert!(bench.publish("a", &[b'x'; 25], 0).is_err());
}

#[test]
fn options_of_mqtt_5_are_left_out_below_it() {
    let options = SubscriptionOptions::new(0x2E).unwrap();
    for (v, byte) in [(V31, 2), (V311, 2), (V5, 0x2E)] {
        let mut bench = Bench::open(v);
        let mid = bench
            .session
            .subscribe(&[("a", options)], Properties::EMPTY, |_| ())
            .unwrap();
        bench.expect(&[subscribe(v, mid.number(), &[], &[("a", byte)])]);
    }
}

#[test]
fn a_request_longer_than_any_packet_is_refused() {
    let filter = "f".repeat(65_000);
    let too_large = Error::Caller(CallerError::OversizePacket);
    let mut bench = Bench::open(V5);
    let options = SubscriptionOptions::new(0).unwrap();
    let filters = vec![(&filter[..], options); 4_200];
    let outcome = bench.session.subscribe(&filters, Properties::EMPTY, |_| ());
    assert_eq!(outcome, Err(too_large.clone()));
    let filters = vec![&filter[..]; 4_200];
    let outcome = bench
        .session
        .unsubscribe(&filters, Properties::EMPTY, |_| ());
    assert_eq!(outcome, Err(too_large));
    bench.expect(&[]);
}
