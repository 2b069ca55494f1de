//! Hours of keep alive, and exchanges of authentication, in no time.

mod session_support;
mod support;

use std::time::Duration;

use mqttrs::codec::Properties;
use mqttrs::error::{CallerError, Error, PeerError};
use mqttrs::session::SessionEvent;
use mqttrs::types::ReasonCode;
use session_support::*;
use support::prop::*;
use support::*;
use Version::V5;

const SECOND: Duration = Duration::from_secs(1);
const TIMEOUT: Error = Error::Peer(PeerError::KeepAliveTimeout);

each_version!(
    an_idle_day_is_a_ping_a_minute,
    a_missing_pingresp_ends_the_connection_after_one_interval,
    a_keep_alive_of_0_never_pings,
    the_longest_keep_alive_is_kept_to_the_second,
    a_subscriber_that_only_receives_pings_all_the_same,
    a_publisher_that_hears_nothing_pings_all_the_same,
    traffic_both_ways_makes_pings_needless,
    a_connack_that_does_not_come_ends_the_attempt,
    nothing_is_due_while_offline,
);

fn keeping_alive(v: Version, seconds: u16) -> Bench {
    let setup = Options {
        keep_alive: seconds,
        ..Options::default()
    };
    Bench::open_with(v, setup, &[])
}

fn an_idle_day_is_a_ping_a_minute(v: Version) {
    let mut bench = keeping_alive(v, 60);
    for minute in 1..=24 * 60 {
        bench.pass(59 * SECOND).unwrap();
        bench.expect(&[]);
        bench.pass(SECOND).unwrap();
        assert_eq!(bench.sent(), [PINGREQ], "minute {minute}");
        bench.accept_input(&PINGRESP);
    }
    bench.expect_seen(&[]);
}

fn a_missing_pingresp_ends_the_connection_after_one_interval(v: Version) {
    let mut bench = keeping_alive(v, 10);
    bench.pass(19 * SECOND).unwrap();
    bench.expect(&[PINGREQ.to_vec()]);
    assert_eq!(bench.pass(SECOND), Err(TIMEOUT));
    let goodbye = if v.is_v5() {
        vec![disconnect_reason(0x8D)]
    } else {
        Vec::new()
    };
    bench.expect(&goodbye);
}

fn a_keep_alive_of_0_never_pings(v: Version) {
    let mut bench = keeping_alive(v, 0);
    assert_eq!(bench.session.poll_timeout(), None);
    bench.now += 1_000_000 * SECOND;
    bench.session.handle_timeout(bench.now).unwrap();
    bench.expect(&[]);
}

fn the_longest_keep_alive_is_kept_to_the_second(v: Version) {
    let mut bench = keeping_alive(v, 65535);
    bench.pass(65534 * SECOND).unwrap();
    bench.expect(&[]);
    bench.pass(SECOND).unwrap();
    bench.expect(&[PINGREQ.to_vec()]);
    bench.pass(65534 * SECOND).unwrap();
    assert_eq!(bench.pass(SECOND), Err(TIMEOUT));
}

fn a_subscriber_that_only_receives_pings_all_the_same(v: Version) {
    // MQTT-3.1.2-23: it is sending that counts for the server.
    let mut bench = keeping_alive(v, 10);
    for _ in 0..9 {
        bench.pass(SECOND).unwrap();
        bench.accept_input(&publish("a", b"").bytes(v));
    }
    bench.expect(&[]);
    bench.pass(SECOND).unwrap();
    bench.expect(&[PINGREQ.to_vec()]);
}

fn a_publisher_that_hears_nothing_pings_all_the_same(v: Version) {
    let mut bench = keeping_alive(v, 10);
    for _ in 0..9 {
        bench.pass(SECOND).unwrap();
        bench.publish("a", b"", 0).unwrap();
        bench.sent();
    }
    bench.pass(SECOND).unwrap();
    bench.expect(&[PINGREQ.to_vec()]);
}

fn traffic_both_ways_makes_pings_needless(v: Version) {
    let mut bench = keeping_alive(v, 10);
    for _ in 0..1000 {
        bench.pass(9 * SECOND).unwrap();
        let mid = bench.publish("a", b"", 1).unwrap();
        bench.expect(&[publish("a", b"").qos(1, mid).bytes(v)]);
        bench.accept_input(&puback(mid));
    }
    bench.expect(&[]);
}

fn a_connack_that_does_not_come_ends_the_attempt(v: Version) {
    let mut bench = Bench::new(v);
    bench.connect();
    bench.pass(59 * SECOND).unwrap();
    assert_eq!(bench.pass(SECOND), Err(TIMEOUT));
}

fn nothing_is_due_while_offline(v: Version) {
    let mut bench = keeping_alive(v, 10);
    bench.lose();
    assert_eq!(bench.session.poll_timeout(), None);
    bench.now += 3600 * SECOND;
    bench.session.handle_timeout(bench.now).unwrap();
    // The silence of that hour is not held against the next connection.
    bench.reconnect(true, &[]);
    bench.pass(9 * SECOND).unwrap();
    bench.expect(&[]);
    bench.expect_seen(&[]);
}

#[test]
fn a_peer_that_does_not_take_the_goodbye_is_left_after_ten_seconds() {
    let mut bench = keeping_alive(V5, 0);
    bench.disconnect(ReasonCode::SUCCESS, &[]).unwrap();
    let due = bench.now + 10 * SECOND;
    assert_eq!(bench.session.poll_timeout(), Some(due));
    // Each byte it takes gives it more time.
    let later = bench.now + 7 * SECOND;
    bench.session.transmitted(1, later);
    assert_eq!(bench.session.handle_timeout(due), Ok(()));
    assert_eq!(
        bench.session.handle_timeout(later + 10 * SECOND),
        Err(Error::Peer(PeerError::ConnectionLost))
    );
}

#[test]
fn the_servers_keep_alive_replaces_ours() {
    let seconds = |seconds| [Prop::U16(SERVER_KEEP_ALIVE, seconds)];
    let mut bench = Bench::open_with(V5, Options::default(), &seconds(5));
    bench.pass(4 * SECOND).unwrap();
    bench.expect(&[]);
    bench.pass(SECOND).unwrap();
    bench.expect(&[PINGREQ.to_vec()]);
    bench.lose();
    // It is the server's for one connection.
    bench.reconnect(false, &seconds(0));
    assert_eq!(bench.session.poll_timeout(), None);
    bench.lose();
    bench.reconnect(false, &[]);
    assert_eq!(bench.session.poll_timeout(), Some(bench.now + 60 * SECOND));
}

fn method(name: &str) -> Prop {
    text(AUTHENTICATION_METHOD, name)
}

fn data(bytes: &[u8]) -> Prop {
    Prop::Binary(AUTHENTICATION_DATA, bytes.into())
}

fn authenticating() -> Bench {
    let setup = Options {
        props: vec![method("M")],
        ..Options::default()
    };
    let mut bench = Bench::with(V5, setup);
    bench.connect();
    bench
}

fn asked(bytes: &[u8]) -> Seen {
    Seen::Event(SessionEvent::Authenticate {
        method: "M".into(),
        data: Some(bytes.into()),
        properties: buf(&[method("M"), data(bytes)]),
    })
}

fn answer(bench: &mut Bench, bytes: &[u8]) {
    bench
        .session
        .authenticate("M", Some(bytes), Properties::EMPTY)
        .unwrap();
}

#[test]
fn authentication_goes_to_and_fro_until_connack() {
    let mut bench = authenticating();
    for round in 0..3 {
        bench.accept_input(&auth(0x18, &[method("M"), data(&[round])]));
        bench.expect_seen(&[asked(&[round])]);
        answer(&mut bench, &[round, round]);
        bench.expect(&[auth(0x18, &[method("M"), data(&[round, round])])]);
    }
    bench.accept(false, &[method("M"), data(b"end")]);
}

#[test]
fn while_authentication_goes_on_only_auth_and_disconnect_are_sent() {
    // MQTT-3.1.2-30
    let no_connection = Error::Caller(CallerError::NotConnected);
    let mut bench = authenticating();
    assert_eq!(bench.publish("a", b"", 0), Err(no_connection.clone()));
    assert_eq!(bench.subscribe("a", 0), Err(no_connection.clone()));
    assert_eq!(bench.unsubscribe("a"), Err(no_connection));
    let mid = bench.publish("a", b"1", 1).unwrap();
    bench.expect(&[]);
    bench.disconnect(ReasonCode::SUCCESS, &[]).unwrap();
    bench.expect(&[DISCONNECT.to_vec()]);
    bench.session.handle_closed(None);
    bench.seen();
    bench.connect();
    bench.accept(false, &[method("M")]);
    bench.expect(&[publish("a", b"1").qos(1, mid).bytes(V5)]);
}

#[test]
fn a_slow_exchange_is_no_silence() {
    let mut bench = authenticating();
    for round in 0..5 {
        bench.pass(50 * SECOND).unwrap();
        bench.accept_input(&auth(0x18, &[method("M"), data(&[round])]));
        answer(&mut bench, b"x");
    }
    bench.pass(59 * SECOND).unwrap();
    assert_eq!(bench.pass(SECOND), Err(TIMEOUT));
}

#[test]
fn the_program_may_authenticate_again() {
    let mut bench = authenticating();
    bench.accept(false, &[method("M")]);
    for _ in 0..2 {
        answer(&mut bench, b"again");
        bench.expect(&[auth(0x19, &[method("M"), data(b"again")])]);
        bench.accept_input(&auth(0x18, &[method("M"), data(b"?")]));
        bench.expect_seen(&[asked(b"?")]);
        answer(&mut bench, b"!");
        bench.expect(&[auth(0x18, &[method("M"), data(b"!")])]);
        // Traffic goes on meanwhile.
        bench.accept_input(&publish("a", b"").qos(1, 1).bytes(V5));
        bench.expect(&[puback(1)]);
        bench.seen();
        bench.accept_input(&auth(0, &[method("M")]));
    }
    bench.expect_seen(&[]);
    // It is over: the server may not go on.
    let error = bench
        .receive(&auth(0x18, &[method("M"), data(b"?")]))
        .unwrap_err();
    assert!(
        matches!(error, Error::Peer(PeerError::Protocol(_))),
        "{error:?}"
    );
}

#[test]
fn auth_that_does_not_fit_is_a_protocol_error() {
    for bytes in [
        auth(0x18, &[method("other")]),
        auth(0x18, &[data(b"no method")]),
        // Only a client asks for this.
        auth(0x19, &[method("M")]),
        // CONNACK ends the first exchange, not AUTH.
        auth(0, &[method("M")]),
        vec![0xF0, 0],
    ] {
        let mut bench = authenticating();
        let error = bench.receive(&bytes).unwrap_err();
        assert!(
            matches!(error, Error::Peer(PeerError::Protocol(_))),
            "{bytes:02x?}: {error:?}"
        );
        bench.expect(&[disconnect_reason(0x82)]);
        bench.expect_seen(&[]);
    }
}

#[test]
fn a_program_without_a_method_cannot_authenticate() {
    let mut bench = Bench::open(V5);
    let outcome = bench
        .session
        .authenticate("M", Some(b"x"), Properties::EMPTY);
    assert!(
        matches!(outcome, Err(Error::Caller(CallerError::InvalidArgument(_)))),
        "{outcome:?}"
    );
    bench.expect(&[]);
}
