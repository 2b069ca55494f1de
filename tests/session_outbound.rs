//! Messages of the program: flows, windows, order, resending, expiry, topic aliases.

mod session_support;
mod support;

use std::collections::HashSet;
use std::time::Duration;

use mqttrs::error::{CallerError, Error, PeerError};
use mqttrs::types::ReasonCode;
use session_support::*;
use support::prop::*;
use support::*;
use Version::{V31, V311, V5};

const SECOND: Duration = Duration::from_secs(1);

each_version!(
    qos_0_is_reported_when_it_is_written_out,
    qos_0_half_written_when_the_connection_breaks_is_never_reported,
    qos_1_ends_with_puback,
    qos_2_ends_with_pubcomp,
    the_window_holds_messages_back_in_order,
    an_unlimited_window_sends_everything,
    acknowledgements_may_come_in_any_order,
    an_acknowledgement_of_the_wrong_kind_is_a_protocol_error,
    what_was_not_acknowledged_is_sent_again_in_order_with_dup,
    what_was_never_sent_is_sent_without_dup,
    a_large_message_is_sent_again_as_it_was,
    an_acknowledgement_nobody_waits_for_changes_nothing,
    a_released_message_whose_session_is_lost_ends,
    identifiers_run_from_1_to_65535_and_around,
);

fn qos_0_is_reported_when_it_is_written_out(v: Version) {
    let mut bench = Bench::open(v);
    let mid = bench.publish("a", b"0", 0).unwrap();
    assert!(!bench.session.has_events(), "reported before it is written");
    bench.expect(&[publish("a", b"0").bytes(v)]);
    bench.expect_seen(&[published(mid, ReasonCode::SUCCESS)]);
}

fn qos_0_half_written_when_the_connection_breaks_is_never_reported(v: Version) {
    let mut bench = Bench::open(v);
    let first = bench.publish("a", b"0", 0).unwrap();
    bench.publish("a", b"1", 0).unwrap();
    let mut out = mqttrs::session::TransmitBuf::default();
    bench.session.poll_transmit(&mut out);
    // The whole first message, and all of the second but a byte.
    bench.session.transmitted(out.len() - 1, bench.now);
    bench.lose();
    bench.expect_seen(&[published(first, ReasonCode::SUCCESS)]);
    bench.reconnect(true, &[]);
    bench.expect(&[]);
    bench.expect_seen(&[]);
}

fn qos_1_ends_with_puback(v: Version) {
    let mut bench = Bench::open(v);
    let mid = bench.publish("a", b"1", 1).unwrap();
    bench.expect(&[publish("a", b"1").qos(1, mid).bytes(v)]);
    bench.expect_seen(&[]);
    bench.accept_input(&puback(mid));
    bench.expect_seen(&[published(mid, ReasonCode::SUCCESS)]);
    bench.expect(&[]);
}

fn qos_2_ends_with_pubcomp(v: Version) {
    let mut bench = Bench::open(v);
    let mid = bench.publish("a", b"2", 2).unwrap();
    bench.expect(&[publish("a", b"2").qos(2, mid).bytes(v)]);
    bench.accept_input(&pubrec(mid));
    bench.expect(&[pubrel(mid)]);
    bench.expect_seen(&[]);
    // A server that repeats itself is answered again.
    bench.accept_input(&pubrec(mid));
    bench.expect(&[pubrel(mid)]);
    bench.accept_input(&pubcomp(mid));
    bench.expect_seen(&[published(mid, ReasonCode::SUCCESS)]);
    bench.expect(&[]);
}

fn the_window_holds_messages_back_in_order(v: Version) {
    let mut bench = Bench::new(v);
    bench.session.set_send_maximum(3, bench.now);
    let mids: Vec<u16> = (0..7)
        .map(|n| bench.publish("a", &[n], 1 + n % 2).unwrap())
        .collect();
    bench.connect();
    bench.accept(false, &[]);
    let message = |n: usize| {
        let qos = 1 + n as u8 % 2;
        publish("a", &[n as u8]).qos(qos, mids[n]).bytes(v)
    };
    bench.expect(&[message(0), message(1), message(2)]);
    // PUBREC makes no room, PUBCOMP does.
    bench.accept_input(&pubrec(mids[1]));
    bench.expect(&[pubrel(mids[1])]);
    bench.accept_input(&pubcomp(mids[1]));
    bench.expect(&[message(3)]);
    bench.accept_input(&puback(mids[0]));
    bench.expect(&[message(4)]);
    // A wider window is used at once.
    bench.session.set_send_maximum(5, bench.now);
    bench.expect(&[message(5), message(6)]);
}

fn an_unlimited_window_sends_everything(v: Version) {
    let mut bench = Bench::open(v);
    bench.session.set_send_maximum(0, bench.now);
    for _ in 0..1000 {
        bench.publish("a", b"", 1).unwrap();
    }
    assert_eq!(bench.sent().len(), 1000);
}

fn acknowledgements_may_come_in_any_order(v: Version) {
    let mut bench = Bench::open(v);
    let mids: Vec<u16> = (0..10)
        .map(|_| bench.publish("a", b"", 1).unwrap())
        .collect();
    bench.sent();
    for n in [3, 9, 0, 5, 1, 2, 8, 7, 6, 4] {
        bench.accept_input(&puback(mids[n]));
        bench.expect_seen(&[published(mids[n], ReasonCode::SUCCESS)]);
    }
    bench.lose();
    bench.reconnect(true, &[]);
    bench.expect(&[]);
}

fn an_acknowledgement_of_the_wrong_kind_is_a_protocol_error(v: Version) {
    for (qos, kind) in [
        (1, pubrec as fn(u16) -> Vec<u8>),
        (1, pubcomp),
        (2, puback),
        (2, pubcomp),
    ] {
        let mut bench = Bench::open(v);
        let mid = bench.publish("a", b"", qos).unwrap();
        bench.sent();
        let error = bench.receive(&kind(mid)).unwrap_err();
        assert!(
            matches!(error, Error::Peer(PeerError::Protocol(_))),
            "{error:?}"
        );
        bench.expect_seen(&[]);
    }
}

fn what_was_not_acknowledged_is_sent_again_in_order_with_dup(v: Version) {
    let mut bench = Bench::open(v);
    let mids: Vec<u16> = (0..6)
        .map(|n| bench.publish("a", &[n], 1 + n % 2).unwrap())
        .collect();
    bench.sent();
    bench.accept_input(&puback(mids[2]));
    bench.accept_input(&pubrec(mids[3]));
    bench.seen();
    let again = |n: usize| {
        let qos = 1 + n as u8 % 2;
        publish("a", &[n as u8]).qos(qos, mids[n]).dup().bytes(v)
    };
    for _ in 0..2 {
        bench.lose();
        bench.reconnect(true, &[]);
        bench.expect(&[again(0), again(1), pubrel(mids[3]), again(4), again(5)]);
    }
    bench.expect_seen(&[]);
}

fn what_was_never_sent_is_sent_without_dup(v: Version) {
    let mut bench = Bench::open(v);
    bench.session.set_send_maximum(1, bench.now);
    let first = bench.publish("a", b"1", 1).unwrap();
    let second = bench.publish("a", b"2", 1).unwrap();
    bench.sent();
    bench.lose();
    bench.reconnect(true, &[]);
    bench.expect(&[publish("a", b"1").qos(1, first).dup().bytes(v)]);
    bench.accept_input(&puback(first));
    bench.expect(&[publish("a", b"2").qos(1, second).bytes(v)]);
}

fn a_large_message_is_sent_again_as_it_was(v: Version) {
    let payload: Vec<u8> = (0..300_000u32).map(|n| (n / 7) as u8).collect();
    let mut bench = Bench::open(v);
    let mid = bench.publish("large", &payload, 1).unwrap();
    bench.expect(&[publish("large", &payload).qos(1, mid).bytes(v)]);
    bench.lose();
    bench.reconnect(true, &[]);
    bench.expect(&[publish("large", &payload).qos(1, mid).dup().bytes(v)]);
    let small = bench.publish("large", &payload, 0).unwrap();
    bench.expect(&[publish("large", &payload).bytes(v)]);
    bench.expect_seen(&[published(small, ReasonCode::SUCCESS)]);
}

fn an_acknowledgement_nobody_waits_for_changes_nothing(v: Version) {
    let mut bench = Bench::open(v);
    bench.accept_input(&puback(77));
    bench.accept_input(&pubcomp(77));
    bench.expect(&[]);
    // A PUBREC has to be answered all the same (MQTT 5.0 section 4.3.3).
    bench.accept_input(&pubrec(77));
    let answer = if v.is_v5() {
        packet(0x62, &[0, 77, 0x92])
    } else {
        pubrel(77)
    };
    bench.expect(&[answer]);
    bench.expect_seen(&[]);
}

fn a_released_message_whose_session_is_lost_ends(v: Version) {
    // MQTT 3.1 knows no session present: only a clean session is surely gone.
    let mut bench = Bench::open(v);
    let mid = bench.publish("a", b"2", 2).unwrap();
    let other = bench.publish("a", b"1", 1).unwrap();
    bench.accept_input(&pubrec(mid));
    bench.sent();
    bench.lose();
    bench.setup.clean = true;
    bench.connect();
    bench.accept(false, &[]);
    // The server may have the one; the other is a new message to a new session.
    bench.expect_seen(&[published(mid, ReasonCode::SUCCESS)]);
    bench.expect(&[publish("a", b"1").qos(1, other).bytes(v)]);
}

fn identifiers_run_from_1_to_65535_and_around(v: Version) {
    let mut bench = Bench::open(v);
    for expected in (1..=65535).chain(1..100) {
        let mid = bench.publish("a", b"", (expected % 3) as u8).unwrap();
        assert_eq!(mid, expected);
        match expected % 3 {
            1 => bench.accept_input(&puback(mid)),
            2 => {
                bench.accept_input(&pubrec(mid));
                bench.accept_input(&pubcomp(mid));
            }
            _ => bench.pump(),
        }
    }
}

#[test]
fn a_lost_session_makes_new_messages_of_those_in_flight() {
    for v in [V311, V5] {
        let mut bench = Bench::open(v);
        let first = bench.publish("a", b"1", 1).unwrap();
        let second = bench.publish("a", b"2", 2).unwrap();
        bench.sent();
        bench.lose();
        bench.reconnect(false, &[]);
        bench.expect(&[
            publish("a", b"1").qos(1, first).bytes(v),
            publish("a", b"2").qos(2, second).bytes(v),
        ]);
        bench.expect_seen(&[]);
    }
}

#[test]
fn mqtt_3_1_assumes_a_session_that_was_asked_for() {
    let mut bench = Bench::open(V31);
    let mid = bench.publish("a", b"2", 2).unwrap();
    bench.sent();
    bench.lose();
    bench.reconnect(false, &[]);
    bench.expect(&[publish("a", b"2").qos(2, mid).dup().bytes(V31)]);
}

#[test]
fn a_refused_message_ends_with_the_reason() {
    let mut bench = Bench::open(V5);
    let first = bench.publish("a", b"1", 1).unwrap();
    let second = bench.publish("a", b"2", 2).unwrap();
    bench.sent();
    bench.accept_input(&ack(0x40, first, 0x87, &[]));
    bench.accept_input(&ack(0x50, second, 0x97, &[]));
    bench.expect_seen(&[
        published(first, ReasonCode::NOT_AUTHORIZED),
        published(second, ReasonCode::QUOTA_EXCEEDED),
    ]);
    // A refusing PUBREC ends the flow: no PUBREL.
    bench.expect(&[]);
    bench.lose();
    bench.reconnect(true, &[]);
    bench.expect(&[]);
}

#[test]
fn the_servers_receive_maximum_narrows_the_window_of_each_connection() {
    let mut bench = Bench::open_with(V5, Options::default(), &[Prop::U16(RECEIVE_MAXIMUM, 2)]);
    for _ in 0..5 {
        bench.publish("a", b"", 2).unwrap();
    }
    assert_eq!(bench.sent().len(), 2);
    bench.lose();
    bench.reconnect(true, &[Prop::U16(RECEIVE_MAXIMUM, 1)]);
    assert_eq!(bench.sent().len(), 1);
    bench.lose();
    bench.reconnect(true, &[]);
    assert_eq!(bench.sent().len(), 5);
}

#[test]
fn a_server_with_less_gets_nothing_it_cannot_take() {
    let mut bench = Bench::new(V5);
    // Accepted when nobody knew better.
    let too_high = bench.publish("a", b"2", 2).unwrap();
    let too_large = bench.publish("a", &[0; 100], 1).unwrap();
    let fits = bench.publish("a", b"1", 1).unwrap();
    bench.connect();
    bench.accept(
        false,
        &[
            Prop::Byte(MAXIMUM_QOS, 1),
            Prop::U32(MAXIMUM_PACKET_SIZE, 50),
        ],
    );
    bench.expect(&[publish("a", b"1").qos(1, fits).bytes(V5)]);
    bench.expect_seen(&[
        published(too_high, ReasonCode::QOS_NOT_SUPPORTED),
        published(too_large, ReasonCode::PACKET_TOO_LARGE),
    ]);
    assert_eq!(
        bench.publish("a", b"", 2),
        Err(Error::Caller(CallerError::QosNotSupported))
    );
}

fn expiring(seconds: u32) -> [Prop; 1] {
    [Prop::U32(MESSAGE_EXPIRY_INTERVAL, seconds)]
}

#[test]
fn the_expiry_interval_runs_down_while_a_message_waits() {
    let mut bench = Bench::new(V5);
    bench.connect();
    bench.accept(false, &[]);
    bench.lose();
    let mid = bench.publish_props("a", b"1", 1, &expiring(7200)).unwrap();
    bench.pass(3600 * SECOND).unwrap();
    bench.reconnect(false, &[]);
    let message = publish("a", b"1").qos(1, mid);
    bench.expect(&[message.clone().props(&expiring(3600)).bytes(V5)]);
    // And while it waits for its acknowledgement.
    bench.lose();
    bench.pass(100 * SECOND).unwrap();
    bench.reconnect(true, &[]);
    bench.expect(&[message.dup().props(&expiring(3500)).bytes(V5)]);
}

#[test]
fn a_message_that_expired_while_it_waited_is_dropped_and_reported() {
    let mut bench = Bench::open(V5);
    bench.session.set_send_maximum(1, bench.now);
    let first = bench.publish("a", b"1", 1).unwrap();
    let expired = bench.publish_props("a", b"2", 2, &expiring(10)).unwrap();
    let alive = bench.publish_props("a", b"3", 1, &expiring(60)).unwrap();
    bench.sent();
    bench.now += 11 * SECOND;
    bench.accept_input(&puback(first));
    bench.expect_seen(&[
        published(first, ReasonCode::SUCCESS),
        published(expired, ReasonCode::IMPLEMENTATION_SPECIFIC),
    ]);
    let message = publish("a", b"3").qos(1, alive).props(&expiring(49));
    bench.expect(&[message.bytes(V5)]);
}

#[test]
fn a_message_in_flight_is_sent_again_though_it_expired() {
    // MQTT-4.4.0-1 makes no exception.
    let mut bench = Bench::open(V5);
    let mid = bench.publish_props("a", b"1", 1, &expiring(10)).unwrap();
    bench.sent();
    bench.lose();
    bench.pass(60 * SECOND).unwrap();
    bench.reconnect(true, &[]);
    let message = publish("a", b"1").qos(1, mid).dup().props(&expiring(0));
    bench.expect(&[message.bytes(V5)]);
}

#[test]
fn a_message_with_an_expiry_interval_of_0_is_sent_if_it_need_not_wait() {
    let mut bench = Bench::open(V5);
    bench.session.set_send_maximum(1, bench.now);
    let mid = bench.publish_props("a", b"1", 1, &expiring(0)).unwrap();
    let late = bench.publish_props("a", b"2", 1, &expiring(0)).unwrap();
    let message = publish("a", b"1").qos(1, mid).props(&expiring(0));
    bench.expect(&[message.bytes(V5)]);
    bench.now += Duration::from_millis(1);
    bench.accept_input(&puback(mid));
    bench.expect_seen(&[
        published(mid, ReasonCode::SUCCESS),
        published(late, ReasonCode::IMPLEMENTATION_SPECIFIC),
    ]);
}

fn alias(number: u16) -> [Prop; 1] {
    [Prop::U16(TOPIC_ALIAS, number)]
}

/// Connected to a server that takes this many aliases.
fn open_with_aliases(maximum: u16) -> Bench {
    let props = [Prop::U16(TOPIC_ALIAS_MAXIMUM, maximum)];
    Bench::open_with(V5, Options::default(), &props)
}

#[test]
fn an_alias_the_server_knows_stands_for_the_topic() {
    let mut bench = open_with_aliases(5);
    bench.publish_props("topic", b"1", 0, &alias(5)).unwrap();
    bench.publish_props("", b"2", 0, &alias(5)).unwrap();
    let mid = bench.publish_props("", b"3", 1, &alias(5)).unwrap();
    bench.expect(&[
        publish("topic", b"1").props(&alias(5)).bytes(V5),
        publish("", b"2").props(&alias(5)).bytes(V5),
        publish("", b"3").qos(1, mid).props(&alias(5)).bytes(V5),
    ]);
}

#[test]
fn an_alias_above_the_servers_maximum_is_left_out() {
    let mut bench = open_with_aliases(4);
    bench.publish_props("topic", b"1", 0, &alias(5)).unwrap();
    bench.publish_props("", b"2", 0, &alias(5)).unwrap();
    let mid = bench.publish_props("", b"3", 2, &alias(5)).unwrap();
    bench.expect(&[
        publish("topic", b"1").bytes(V5),
        publish("topic", b"2").bytes(V5),
        publish("topic", b"3").qos(2, mid).bytes(V5),
    ]);
}

#[test]
fn an_alias_is_introduced_again_on_the_next_connection() {
    let mut bench = open_with_aliases(5);
    let first = bench.publish_props("topic", b"1", 1, &alias(1)).unwrap();
    let second = bench.publish_props("", b"2", 1, &alias(1)).unwrap();
    bench.sent();
    bench.accept_input(&puback(first));
    bench.expect_seen(&[published(first, ReasonCode::SUCCESS)]);
    bench.lose();
    bench.reconnect(true, &[Prop::U16(TOPIC_ALIAS_MAXIMUM, 1)]);
    let message = publish("topic", b"2").qos(1, second).dup();
    bench.expect(&[message.clone().props(&alias(1)).bytes(V5)]);
    let third = bench.publish_props("", b"3", 0, &alias(1)).unwrap();
    bench.expect(&[publish("", b"3").props(&alias(1)).bytes(V5)]);
    bench.expect_seen(&[published(third, ReasonCode::SUCCESS)]);
    // A server without aliases gets the topic.
    bench.lose();
    bench.reconnect(true, &[]);
    bench.expect(&[message.bytes(V5)]);
}

#[test]
fn an_alias_may_be_given_to_another_topic() {
    let mut bench = open_with_aliases(1);
    bench.session.set_send_maximum(1, bench.now);
    let first = bench.publish_props("one", b"1", 1, &alias(1)).unwrap();
    let second = bench.publish_props("", b"2", 1, &alias(1)).unwrap();
    // Overtakes the message that waits for the window.
    bench.publish_props("two", b"3", 0, &alias(1)).unwrap();
    bench.accept_input(&puback(first));
    bench.publish_props("", b"4", 0, &alias(1)).unwrap();
    bench.expect(&[
        publish("one", b"1")
            .qos(1, first)
            .props(&alias(1))
            .bytes(V5),
        publish("two", b"3").props(&alias(1)).bytes(V5),
        publish("one", b"2")
            .qos(1, second)
            .props(&alias(1))
            .bytes(V5),
        publish("two", b"4").props(&alias(1)).bytes(V5),
    ]);
}

#[test]
fn an_alias_without_a_topic_has_to_be_known() {
    let mut bench = open_with_aliases(5);
    for qos in 0..3 {
        let error = bench.publish_props("", b"1", qos, &alias(1)).unwrap_err();
        assert!(
            matches!(error, Error::Caller(CallerError::InvalidArgument(_))),
            "{error:?}"
        );
        assert!(bench.publish_props("a", b"1", qos, &alias(0)).is_err());
    }
    bench.expect(&[]);
}

#[test]
fn a_topic_put_in_for_an_alias_counts_for_the_servers_packet_size() {
    let topic = "t".repeat(60);
    let mut bench = Bench::open_with(
        V5,
        Options::default(),
        &[
            Prop::U32(MAXIMUM_PACKET_SIZE, 50),
            Prop::U16(TOPIC_ALIAS_MAXIMUM, 1),
        ],
    );
    let too_large = Error::Caller(CallerError::OversizePacket);
    for number in [1, 2] {
        // Refused; the alias is never introduced to the server.
        assert_eq!(
            bench.publish_props(&topic, b"", 0, &alias(number)),
            Err(too_large.clone())
        );
        for qos in 0..2 {
            let outcome = bench.publish_props("", b"", qos, &alias(number));
            assert!(outcome.is_err(), "alias {number}, QoS {qos}");
        }
    }
    bench.expect(&[]);
}

#[test]
fn a_message_accepted_under_one_version_is_sent_under_another() {
    let mut bench = Bench::open(V5);
    bench.lose();
    let first = bench
        .publish_props("a", b"1", 1, &[user("a", "b")])
        .unwrap();
    let second = bench.publish_props("a", b"2", 2, &expiring(100)).unwrap();
    bench.version = V311;
    bench.reconnect(false, &[]);
    bench.expect(&[
        publish("a", b"1").qos(1, first).bytes(V311),
        publish("a", b"2").qos(2, second).bytes(V311),
    ]);
    bench.lose();
    bench.version = V5;
    bench.reconnect(false, &[]);
    bench.expect(&[
        publish("a", b"1").qos(1, first).bytes(V5),
        publish("a", b"2").qos(2, second).bytes(V5),
    ]);
}

#[test]
fn more_messages_than_identifiers_share_them_but_never_in_flight() {
    const COUNT: usize = 200_000;
    let mut bench = Bench::new(V311);
    let mut waiting = std::collections::VecDeque::new();
    for n in 0..COUNT {
        let mid = bench.publish("a", &(n as u32).to_be_bytes(), 1).unwrap();
        waiting.push_back(mid);
    }
    bench.session.set_send_maximum(0, bench.now);
    bench.connect();
    bench.accept(false, &[]);
    let mut in_flight = HashSet::new();
    let mut order = Vec::new();
    let mut next = 0u32;
    while next < COUNT as u32 || !in_flight.is_empty() {
        for packet in bench.sent() {
            let mid = u16::from_be_bytes([packet[5], packet[6]]);
            assert!(in_flight.insert(mid), "{mid} is in flight twice");
            assert_eq!(packet[7..], next.to_be_bytes());
            assert_eq!(waiting.pop_front(), Some(mid));
            order.push(mid);
            next += 1;
        }
        assert!(!order.is_empty(), "nothing in flight, and nothing is sent");
        for mid in order.drain(..) {
            in_flight.remove(&mid);
            bench.accept_input(&puback(mid));
            bench.expect_seen(&[published(mid, ReasonCode::SUCCESS)]);
        }
    }
    assert_eq!(next, COUNT as u32);
    // Every identifier is free again.
    assert_eq!(bench.subscribe("a", 0).map(|mid| mid > 0), Ok(true));
}

#[test]
fn a_request_gets_an_identifier_that_no_message_has_in_flight() {
    // More messages than identifiers: some wait under one that an older one has.
    let mut bench = Bench::new(V311);
    for _ in 0..65_535 + 30 {
        bench.publish("a", b"", 1).unwrap();
    }
    bench.connect();
    bench.accept(false, &[]);
    let mut in_flight: Vec<u16> = Vec::new();
    // Until those that share identifiers are in flight.
    for _ in 0..65_535 {
        for packet in bench.sent() {
            in_flight.push(u16::from_be_bytes([packet[5], packet[6]]));
        }
        bench.accept_input(&puback(in_flight.remove(0)));
    }
    for packet in bench.sent() {
        in_flight.push(u16::from_be_bytes([packet[5], packet[6]]));
    }
    assert_eq!(in_flight.len(), 20);
    for _ in 0..65_535 - 20 {
        match bench.subscribe("a", 0) {
            Ok(mid) => assert!(!in_flight.contains(&mid), "{mid} is in flight"),
            Err(error) => {
                assert_eq!(error, Error::Caller(CallerError::NoPacketIds));
                break;
            }
        }
    }
}

#[test]
fn a_program_with_every_identifier_waiting_can_still_subscribe() {
    let mut bench = Bench::new(V311);
    for _ in 0..65_535 {
        bench.publish("a", b"", 1).unwrap();
    }
    bench.connect();
    bench.accept(false, &[]);
    let sent = bench.sent();
    assert_eq!(sent.len(), 20);
    let mid = bench.subscribe("s", 1).unwrap();
    assert!(
        sent.iter().all(|packet| packet[5..7] != mid.to_be_bytes()),
        "{mid} is in flight"
    );
    bench.expect(&[subscribe(V311, mid, &[], &[("s", 1)])]);
    // The message that shares the identifier waits for the answer, and all behind it.
    let mut sent: std::collections::VecDeque<_> = sent.into();
    let mut last = 0;
    while let Some(packet) = sent.pop_front() {
        last = u16::from_be_bytes([packet[5], packet[6]]);
        assert_ne!(last, mid);
        bench.accept_input(&puback(last));
        sent.extend(bench.sent());
    }
    assert_eq!(last + 1, mid);
    bench.accept_input(&suback(V311, mid, &[], &[1]));
    assert_eq!(bench.sent()[0][5..7], mid.to_be_bytes());
}
