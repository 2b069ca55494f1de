//! Messages of the server: delivery once, acknowledgements, limits, topic aliases.

mod session_support;
mod support;

use mqttrs::error::{Error, PeerError};
use mqttrs::session::{State, TransmitBuf, DEFAULT_MAXIMUM_PACKET_SIZE};
use session_support::*;
use support::prop::*;
use support::*;
use Version::{V31, V311, V5};

each_version!(
    messages_of_each_qos_are_delivered_and_acknowledged,
    a_qos_1_message_that_comes_twice_is_delivered_twice,
    a_qos_2_message_that_comes_again_is_delivered_once,
    a_qos_2_message_is_delivered_once_over_reconnects,
    a_released_identifier_may_carry_a_new_message,
    pubrel_for_nothing_is_answered,
    a_packet_cut_anywhere_waits_for_its_rest,
    a_packet_of_the_default_limit_is_waited_for_and_a_larger_one_refused,
    many_packets_in_one_piece_are_taken_in_order,
);

fn messages_of_each_qos_are_delivered_and_acknowledged(v: Version) {
    let mut bench = Bench::open(v);
    bench.accept_input(&publish("t/0", b"zero").retain().bytes(v));
    bench.expect(&[]);
    bench.accept_input(&publish("t/1", b"one").qos(1, 0x1234).bytes(v));
    bench.expect(&[puback(0x1234)]);
    bench.accept_input(&publish("t/2", b"").qos(2, 0x1234).dup().bytes(v));
    bench.expect(&[pubrec(0x1234)]);
    bench.accept_input(&pubrel(0x1234));
    bench.expect(&[pubcomp(0x1234)]);
    let seen = bench.seen();
    let expected = [
        ("t/0", &b"zero"[..], 0, 0, true, false),
        ("t/1", b"one", 1, 0x1234, false, false),
        ("t/2", b"", 2, 0x1234, false, true),
    ]
    .map(|(topic, payload, qos, mid, retain, dup)| {
        Seen::Message(Received {
            topic: topic.into(),
            payload: payload.into(),
            qos,
            mid,
            retain,
            dup,
            properties: Vec::new(),
        })
    });
    assert_eq!(seen, expected);
}

fn a_qos_1_message_that_comes_twice_is_delivered_twice(v: Version) {
    let mut bench = Bench::open(v);
    let message = publish("a", b"1").qos(1, 9).bytes(v);
    bench.accept_input(&message);
    bench.accept_input(&message);
    bench.expect(&[puback(9), puback(9)]);
    assert_eq!(bench.seen().len(), 2);
}

fn a_qos_2_message_that_comes_again_is_delivered_once(v: Version) {
    let mut bench = Bench::open(v);
    bench.accept_input(&publish("a", b"2").qos(2, 9).bytes(v));
    bench.accept_input(&publish("a", b"2").qos(2, 9).dup().bytes(v));
    bench.expect(&[pubrec(9), pubrec(9)]);
    bench.expect_seen(&[received("a", b"2", 2, 9)]);
}

fn a_qos_2_message_is_delivered_once_over_reconnects(v: Version) {
    let mut bench = Bench::open(v);
    bench.accept_input(&publish("a", b"2").qos(2, 9).bytes(v));
    bench.expect_seen(&[received("a", b"2", 2, 9)]);
    bench.sent();
    for _ in 0..3 {
        bench.lose();
        bench.reconnect(true, &[]);
        bench.accept_input(&publish("a", b"2").qos(2, 9).dup().bytes(v));
        bench.expect(&[pubrec(9)]);
        bench.expect_seen(&[]);
    }
    bench.accept_input(&pubrel(9));
    bench.lose();
    bench.reconnect(true, &[]);
    bench.sent();
    // A PUBREL that comes again is answered again.
    bench.accept_input(&pubrel(9));
    assert_eq!(bench.sent().len(), 1);
    bench.accept_input(&publish("a", b"new").qos(2, 9).bytes(v));
    bench.expect_seen(&[received("a", b"new", 2, 9)]);
}

fn a_released_identifier_may_carry_a_new_message(v: Version) {
    let mut bench = Bench::open(v);
    for n in 0..100 {
        bench.accept_input(&publish("a", &[n]).qos(2, 1).bytes(v));
        bench.accept_input(&pubrel(1));
        bench.expect_seen(&[received("a", &[n], 2, 1)]);
        bench.expect(&[pubrec(1), pubcomp(1)]);
    }
}

fn pubrel_for_nothing_is_answered(v: Version) {
    let mut bench = Bench::open(v);
    bench.accept_input(&pubrel(500));
    let answer = if v.is_v5() {
        packet(0x70, &[1, 0xF4, 0x92])
    } else {
        pubcomp(500)
    };
    bench.expect(&[answer]);
}

fn a_packet_cut_anywhere_waits_for_its_rest(v: Version) {
    let props: &[Prop] = if v.is_v5() {
        &[user("a", "b"), Prop::U32(MESSAGE_EXPIRY_INTERVAL, 7)]
    } else {
        &[]
    };
    let bytes = publish("topic", &[7; 200])
        .qos(2, 300)
        .props(props)
        .bytes(v);
    let mut bench = Bench::open(v);
    for end in 0..bytes.len() {
        assert_eq!(
            bench.session.handle_input(&bytes[..end], bench.now),
            Ok(None),
            "cut after {end} bytes"
        );
    }
    bench.accept_input(&bytes);
    assert_eq!(bench.seen().len(), 1);
    bench.expect(&[pubrec(300)]);
}

fn a_packet_of_the_default_limit_is_waited_for_and_a_larger_one_refused(v: Version) {
    // 5 bytes of fixed header.
    let limit = DEFAULT_MAXIMUM_PACKET_SIZE;
    assert_eq!(limit, 128 * 1024 * 1024);
    for (len, fits) in [(limit, true), (limit + 1, false), (268_435_455 + 5, false)] {
        let mut bench = Bench::open(v);
        let mut header = vec![0x30];
        header.extend(varint(len - 5));
        let outcome = bench.session.handle_input(&header, bench.now);
        if fits {
            assert_eq!(outcome, Ok(None));
        } else {
            assert_eq!(outcome, Err(Error::Peer(PeerError::PacketTooLarge)));
            assert_eq!(bench.session.state(), State::Closing);
        }
    }
}

fn many_packets_in_one_piece_are_taken_in_order(v: Version) {
    let mut bytes = Vec::new();
    for n in 0..100u8 {
        bytes.extend(publish("a", &[n]).qos(n % 3, 1 + u16::from(n)).bytes(v));
        if n % 3 == 2 {
            bytes.extend(pubrel(1 + u16::from(n)));
        }
    }
    let mut bench = Bench::open(v);
    bench.accept_input(&bytes);
    let payloads: Vec<u8> = bench
        .seen()
        .iter()
        .map(|seen| match seen {
            Seen::Message(message) => message.payload[0],
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(payloads, (0..100).collect::<Vec<u8>>());
    let answers: Vec<u8> = bench.sent().iter().map(|packet| packet[0]).collect();
    assert_eq!(answers.len(), 33 + 2 * 33);
    assert_eq!(answers[..3], [0x40, 0x50, 0x70]);
}

#[test]
fn a_lost_session_forgets_what_was_delivered() {
    for v in [V311, V5] {
        let mut bench = Bench::open(v);
        bench.accept_input(&publish("a", b"2").qos(2, 9).bytes(v));
        bench.seen();
        bench.lose();
        bench.reconnect(false, &[]);
        bench.accept_input(&publish("a", b"other").qos(2, 9).bytes(v));
        bench.expect_seen(&[received("a", b"other", 2, 9)]);
    }
}

#[test]
fn mqtt_3_1_keeps_what_was_delivered_unless_the_session_is_clean() {
    let mut bench = Bench::open(V31);
    bench.accept_input(&publish("a", b"2").qos(2, 9).bytes(V31));
    bench.seen();
    bench.lose();
    bench.setup.clean = true;
    bench.reconnect(false, &[]);
    bench.accept_input(&publish("a", b"other").qos(2, 9).bytes(V31));
    bench.expect_seen(&[received("a", b"other", 2, 9)]);
}

#[test]
fn properties_reach_the_program_as_they_were_sent() {
    let props = [
        user("b", "1"),
        text(CONTENT_TYPE, "x"),
        user("a", "2"),
        Prop::VarInt(SUBSCRIPTION_IDENTIFIER, 300),
        Prop::VarInt(SUBSCRIPTION_IDENTIFIER, 4),
    ];
    let mut bench = Bench::open(V5);
    bench.accept_input(&publish("a", b"x").props(&props).bytes(V5));
    match &bench.seen()[..] {
        [Seen::Message(message)] => assert_eq!(message.properties, encode(&props)[1..]),
        other => panic!("{other:?}"),
    }
}

/// Connected, having announced this Receive Maximum.
fn open_receiving(maximum: u16) -> Bench {
    let setup = Options {
        receive_maximum: maximum,
        ..Options::default()
    };
    Bench::open_with(V5, setup, &[])
}

#[test]
fn more_unacknowledged_messages_than_the_receive_maximum_are_an_error() {
    for last_qos in [1, 2] {
        let mut bench = open_receiving(3);
        for mid in 1..=3 {
            bench.accept_input(&publish("a", b"").qos(2, mid).bytes(V5));
        }
        // One that comes again counts once; QoS 0 does not count.
        bench.accept_input(&publish("a", b"").qos(2, 2).dup().bytes(V5));
        bench.accept_input(&publish("a", b"").bytes(V5));
        bench.sent();
        let error = bench
            .receive(&publish("a", b"").qos(last_qos, 4).bytes(V5))
            .unwrap_err();
        assert_eq!(error, Error::Peer(PeerError::ReceiveMaximumExceeded));
        bench.expect(&[disconnect_reason(0x93)]);
    }
}

#[test]
fn a_completed_message_makes_room_for_another() {
    let mut bench = open_receiving(1);
    for mid in 1..50 {
        bench.accept_input(&publish("a", b"").qos(2, mid).bytes(V5));
        bench.accept_input(&pubrel(mid));
        bench.accept_input(&publish("a", b"").qos(1, mid).bytes(V5));
    }
    assert_eq!(bench.seen().len(), 2 * 49);
}

#[test]
fn the_receive_maximum_counts_anew_on_each_connection() {
    // MQTT 5.0 section 4.9: the quota is not preserved across network connections.
    let mut bench = open_receiving(1);
    bench.accept_input(&publish("a", b"1").qos(2, 1).bytes(V5));
    bench.lose();
    bench.seen();
    bench.reconnect(true, &[]);
    bench.accept_input(&publish("a", b"2").qos(2, 2).bytes(V5));
    bench.expect_seen(&[received("a", b"2", 2, 2)]);
    bench.sent();
    // What is sent again does not count: there are servers that send it all at once.
    for mid in [1, 3, 4] {
        bench.accept_input(&publish("a", b"1").qos(2, mid).dup().bytes(V5));
    }
    let error = bench
        .receive(&publish("a", b"1").qos(2, 5).bytes(V5))
        .unwrap_err();
    assert_eq!(error, Error::Peer(PeerError::ReceiveMaximumExceeded));
}

#[test]
fn each_pubcomp_gives_quota_back_also_that_of_an_earlier_connection() {
    let mut bench = open_receiving(2);
    for mid in [1, 2] {
        bench.accept_input(&publish("a", b"").qos(2, mid).bytes(V5));
    }
    bench.lose();
    bench.seen();
    bench.reconnect(true, &[]);
    for mid in [3, 4] {
        bench.accept_input(&publish("a", b"").qos(2, mid).bytes(V5));
    }
    bench.accept_input(&pubrel(1));
    bench.accept_input(&publish("a", b"").qos(2, 5).bytes(V5));
    assert!(bench
        .receive(&publish("a", b"").qos(2, 6).bytes(V5))
        .is_err());
}

#[test]
fn quota_that_is_given_back_before_any_is_used_is_not_forgotten() {
    let mut bench = open_receiving(2);
    for mid in [1, 2] {
        bench.accept_input(&publish("a", b"").qos(2, mid).bytes(V5));
    }
    bench.lose();
    bench.seen();
    bench.reconnect(true, &[]);
    for mid in [1, 2, 3] {
        bench.accept_input(&publish("a", b"").qos(2, mid).dup().bytes(V5));
    }
    bench.accept_input(&pubrel(1));
    for mid in [4, 5, 6] {
        bench.accept_input(&publish("a", b"").qos(2, mid).bytes(V5));
    }
    assert!(bench
        .receive(&publish("a", b"").qos(2, 7).bytes(V5))
        .is_err());
}

#[test]
fn answers_that_nobody_takes_are_many_at_some_time_and_gone_when_they_are_taken() {
    let mut bench = Bench::open(V311);
    let message = publish("a", b"").qos(2, 1).dup().bytes(V311);
    let mut count = 0;
    while !bench.session.owes_much() {
        bench.session.handle_input(&message, bench.now).unwrap();
        count += 1;
        assert!(count < 1_000_000);
    }
    assert!(count > 100_000);
    assert_eq!(bench.sent().len(), count);
    assert!(!bench.session.owes_much());
}

#[test]
fn own_messages_that_always_wait_do_not_make_answers_many() {
    let mut bench = Bench::open(V311);
    let message = publish("a", b"").qos(2, 1).dup().bytes(V311);
    let mut waiting = TransmitBuf::default();
    for _ in 0..1_000_000 / 10 {
        for _ in 0..10 {
            bench.session.handle_input(&message, bench.now).unwrap();
        }
        // What was queued in the round before is taken, never all.
        let taken = waiting.len();
        bench.publish("a", b"", 0).unwrap();
        bench.session.poll_transmit(&mut waiting);
        waiting.advance(taken);
        bench.session.transmitted(taken, bench.now);
        assert!(!bench.session.owes_much());
    }
}

#[test]
fn the_receive_maximum_of_the_programs_properties_is_the_one_that_counts() {
    let setup = Options {
        props: vec![Prop::U16(RECEIVE_MAXIMUM, 2)],
        ..Options::default()
    };
    let mut bench = Bench::open_with(V5, setup, &[]);
    bench.accept_input(&publish("a", b"").qos(2, 1).bytes(V5));
    bench.accept_input(&publish("a", b"").qos(2, 2).bytes(V5));
    assert!(bench
        .receive(&publish("a", b"").qos(2, 3).bytes(V5))
        .is_err());
}

#[test]
fn below_mqtt_5_there_is_no_receive_maximum() {
    for v in [V31, V311] {
        let mut bench = Bench::open(v);
        for mid in 1..=u16::MAX {
            bench.accept_input(&publish("a", b"").qos(2, mid).bytes(v));
        }
        assert_eq!(bench.seen().len(), 65535);
    }
}

#[test]
fn the_maximum_packet_size_that_was_announced_holds_to_the_byte() {
    let setup = Options {
        props: vec![Prop::U32(MAXIMUM_PACKET_SIZE, 40)],
        ..Options::default()
    };
    let mut bench = Bench::open_with(V5, setup.clone(), &[]);
    let fits = publish("a", &[0; 34]).bytes(V5);
    assert_eq!(fits.len(), 40);
    bench.accept_input(&fits);
    let too_large = publish("a", &[0; 35]).bytes(V5);
    // Known from the fixed header, before the body is there.
    let error = bench
        .session
        .handle_input(&too_large[..2], bench.now)
        .unwrap_err();
    assert_eq!(error, Error::Peer(PeerError::PacketTooLarge));
    bench.expect(&[disconnect_reason(0x95)]);

    // A connection that announces nothing has the default again.
    bench.session.handle_closed(Some(error));
    assert_eq!(bench.seen().len(), 2);
    bench.setup = Options::default();
    bench.reconnect(true, &[]);
    bench.accept_input(&too_large);
}

/// Connected, having announced this Topic Alias Maximum.
fn open_with_aliases(maximum: u16) -> Bench {
    let setup = Options {
        props: vec![Prop::U16(TOPIC_ALIAS_MAXIMUM, maximum)],
        ..Options::default()
    };
    Bench::open_with(V5, setup, &[])
}

fn aliased(topic: &str, alias: u16) -> Vec<u8> {
    publish(topic, b"x")
        .props(&[Prop::U16(TOPIC_ALIAS, alias)])
        .bytes(V5)
}

fn topics(seen: &[Seen]) -> Vec<&str> {
    seen.iter()
        .map(|seen| match seen {
            Seen::Message(message) => &message.topic[..],
            other => panic!("{other:?}"),
        })
        .collect()
}

#[test]
fn an_alias_stands_for_its_topic_until_it_gets_another() {
    let mut bench = open_with_aliases(2);
    for (topic, alias) in [("one", 1), ("", 1), ("two", 2), ("", 1), ("three", 1)] {
        bench.accept_input(&aliased(topic, alias));
    }
    bench.accept_input(&aliased("", 1));
    bench.accept_input(&aliased("", 2));
    let seen = bench.seen();
    assert_eq!(
        topics(&seen),
        ["one", "one", "two", "one", "three", "three", "two"]
    );
}

#[test]
fn an_alias_out_of_range_is_invalid() {
    for (maximum, alias) in [(0, 1), (2, 3), (2, 0), (2, 65535)] {
        let mut bench = open_with_aliases(maximum);
        let error = bench.receive(&aliased("a", alias)).unwrap_err();
        assert_eq!(
            error,
            Error::Peer(PeerError::TopicAliasInvalid),
            "{alias} of {maximum}"
        );
        bench.expect(&[disconnect_reason(0x94)]);
        bench.expect_seen(&[]);
    }
}

#[test]
fn an_alias_that_was_never_introduced_is_a_protocol_error() {
    let mut bench = open_with_aliases(2);
    bench.accept_input(&aliased("a", 1));
    let error = bench.receive(&aliased("", 2)).unwrap_err();
    assert!(
        matches!(error, Error::Peer(PeerError::Protocol(_))),
        "{error:?}"
    );
    bench.expect(&[disconnect_reason(0x82)]);
}

#[test]
fn aliases_end_with_their_connection() {
    let mut bench = open_with_aliases(2);
    bench.accept_input(&aliased("a", 1));
    bench.seen();
    bench.lose();
    bench.reconnect(true, &[]);
    let error = bench.receive(&aliased("", 1)).unwrap_err();
    assert!(
        matches!(error, Error::Peer(PeerError::Protocol(_))),
        "{error:?}"
    );
}

#[test]
fn an_alias_of_a_message_delivered_before_is_learnt_all_the_same() {
    let mut bench = open_with_aliases(2);
    let message = publish("a", b"2")
        .qos(2, 9)
        .props(&[Prop::U16(TOPIC_ALIAS, 1)]);
    bench.accept_input(&message.bytes(V5));
    bench.lose();
    bench.seen();
    bench.reconnect(true, &[]);
    bench.accept_input(&message.dup().bytes(V5));
    bench.accept_input(&aliased("", 1));
    let seen = bench.seen();
    assert_eq!(topics(&seen), ["a"]);
}
