//! Messages of the server that the program acknowledges: order, window, reconnects.

mod session_support;
mod support;

use std::collections::VecDeque;

use mqttrs::error::{CallerError, Error, PeerError};
use mqttrs::session::{AckMode, Logging};
use mqttrs::types::ReasonCode;
use session_support::rng::Rng;
use session_support::*;
use support::*;
use Version::{V31, V311, V5};

each_version!(
    nothing_is_acknowledged_before_the_program_does,
    acknowledgements_leave_in_the_order_of_the_messages_whatever_order_they_are_given_in,
    qos_1_and_qos_2_do_not_hold_each_other_back,
    an_identifier_that_awaits_nothing_is_not_found,
    messages_keep_the_mode_they_came_with,
    what_comes_again_on_the_same_connection_is_not_delivered_again,
    a_message_without_dup_takes_the_place_of_an_older_one,
    a_message_that_comes_again_after_a_reconnect_is_not_delivered_again,
    an_acknowledgement_without_a_connection_is_sent_when_the_message_comes_again,
    the_order_is_that_of_the_new_connection,
    another_message_with_dup_and_an_old_identifier_is_a_new_one,
    nothing_is_acknowledged_behind_disconnect,
    a_released_message_awaits_nothing,
    acknowledgements_in_any_order_over_any_connections_leave_in_order,
);

trait Acknowledge {
    fn ack(&mut self, mid: u16) -> Result<(), Error>;
    fn refuse(&mut self, mid: u16, reason: u8) -> Result<(), Error>;
}

impl Acknowledge for Bench {
    fn ack(&mut self, mid: u16) -> Result<(), Error> {
        self.refuse(mid, 0)
    }

    fn refuse(&mut self, mid: u16, reason: u8) -> Result<(), Error> {
        self.session.acknowledge(id(mid), ReasonCode(reason))
    }
}

fn manual(v: Version) -> Bench {
    let mut bench = Bench::open(v);
    bench.session.set_ack_mode(AckMode::Manual);
    bench
}

/// The network fails; what the program had heard is of no interest.
#[track_caller]
fn lose(bench: &mut Bench) {
    bench.seen();
    bench.lose();
}

fn is_not_found(outcome: Result<(), Error>) -> bool {
    matches!(outcome, Err(Error::Caller(CallerError::NotFound(_))))
}

fn nothing_is_acknowledged_before_the_program_does(v: Version) {
    for mode in [AckMode::Manual, AckMode::AfterCallback] {
        let mut bench = Bench::open(v);
        bench.session.set_ack_mode(mode);
        bench.accept_input(&publish("a", b"0").bytes(v));
        bench.accept_input(&publish("a", b"1").qos(1, 7).bytes(v));
        bench.accept_input(&publish("a", b"2").qos(2, 8).bytes(v));
        bench.expect_seen(&[
            received("a", b"0", 0, 0),
            received("a", b"1", 1, 7),
            received("a", b"2", 2, 8),
        ]);
        bench.expect(&[]);
        bench.ack(8).unwrap();
        bench.expect(&[pubrec(8)]);
        bench.accept_input(&pubrel(8));
        bench.expect(&[pubcomp(8)]);
        bench.ack(7).unwrap();
        bench.expect(&[puback(7)]);
    }
}

fn acknowledgements_leave_in_the_order_of_the_messages_whatever_order_they_are_given_in(
    v: Version,
) {
    for (qos, answer) in [(1, puback as fn(u16) -> Vec<u8>), (2, pubrec)] {
        let mut bench = manual(v);
        for mid in [5, 3, 9, 1] {
            bench.accept_input(&publish("a", b"").qos(qos, mid).bytes(v));
        }
        bench.ack(1).unwrap();
        bench.ack(3).unwrap();
        bench.expect(&[]);
        bench.ack(5).unwrap();
        bench.expect(&[answer(5), answer(3)]);
        bench.ack(9).unwrap();
        bench.expect(&[answer(9), answer(1)]);
    }
}

fn qos_1_and_qos_2_do_not_hold_each_other_back(v: Version) {
    let mut bench = manual(v);
    bench.accept_input(&publish("a", b"").qos(1, 1).bytes(v));
    bench.accept_input(&publish("a", b"").qos(2, 2).bytes(v));
    bench.accept_input(&publish("a", b"").qos(1, 3).bytes(v));
    bench.ack(2).unwrap();
    bench.expect(&[pubrec(2)]);
    bench.ack(1).unwrap();
    bench.expect(&[puback(1)]);
}

fn an_identifier_that_awaits_nothing_is_not_found(v: Version) {
    let mut bench = Bench::open(v);
    assert!(is_not_found(bench.ack(1)));
    bench.accept_input(&publish("a", b"").qos(1, 1).bytes(v));
    bench.expect(&[puback(1)]);
    assert!(is_not_found(bench.ack(1)), "acknowledged automatically");
    bench.session.set_ack_mode(AckMode::Manual);
    for qos in [1, 2] {
        bench.accept_input(&publish("a", b"").qos(qos, 2).bytes(v));
        assert!(is_not_found(bench.ack(1)));
        bench.ack(2).unwrap();
        assert!(is_not_found(bench.ack(2)), "acknowledged twice");
    }
    bench.expect(&[puback(2), pubrec(2)]);
    // Also one whose acknowledgement is held.
    for mid in [4, 5] {
        bench.accept_input(&publish("a", b"").qos(1, mid).bytes(v));
    }
    bench.ack(5).unwrap();
    assert!(is_not_found(bench.ack(5)));
    bench.expect(&[]);
}

fn messages_keep_the_mode_they_came_with(v: Version) {
    let mut bench = manual(v);
    bench.accept_input(&publish("a", b"").qos(1, 1).bytes(v));
    bench.session.set_ack_mode(AckMode::Automatic);
    bench.accept_input(&publish("a", b"").qos(1, 2).bytes(v));
    bench.accept_input(&publish("a", b"").qos(2, 3).bytes(v));
    // Its own turn comes behind that of the first.
    bench.expect(&[pubrec(3)]);
    bench.session.set_ack_mode(AckMode::Manual);
    bench.accept_input(&publish("a", b"").qos(1, 4).bytes(v));
    bench.session.set_ack_mode(AckMode::Automatic);
    assert!(is_not_found(bench.ack(2)));
    bench.ack(4).unwrap();
    bench.ack(1).unwrap();
    bench.expect(&[puback(1), puback(2), puback(4)]);
    bench.accept_input(&publish("a", b"").qos(1, 5).bytes(v));
    bench.expect(&[puback(5)]);
}

fn what_comes_again_on_the_same_connection_is_not_delivered_again(v: Version) {
    for (qos, answer) in [(1, puback as fn(u16) -> Vec<u8>), (2, pubrec)] {
        let mut bench = manual(v);
        let message = publish("a", b"x").qos(qos, 1);
        bench.accept_input(&message.bytes(v));
        bench.seen();
        bench.accept_input(&publish("a", b"x").qos(qos, 1).dup().bytes(v));
        bench.expect_seen(&[]);
        bench.expect(&[]);
        bench.ack(1).unwrap();
        bench.expect(&[answer(1)]);
    }
}

fn a_message_without_dup_takes_the_place_of_an_older_one(v: Version) {
    for lost in [false, true] {
        let mut bench = manual(v);
        for mid in [1, 2] {
            bench.accept_input(&publish("a", b"old").qos(1, mid).bytes(v));
        }
        bench.ack(2).unwrap();
        if lost {
            lose(&mut bench);
            bench.reconnect(true, &[]);
        }
        bench.seen();
        bench.sent();
        for mid in [1, 2] {
            bench.accept_input(&publish("a", b"old").qos(1, mid).bytes(v));
        }
        bench.expect_seen(&[received("a", b"old", 1, 1), received("a", b"old", 1, 2)]);
        bench.expect(&[]);
        bench.ack(2).unwrap();
        bench.ack(1).unwrap();
        bench.expect(&[puback(1), puback(2)]);
    }
}

fn a_message_that_comes_again_after_a_reconnect_is_not_delivered_again(v: Version) {
    for (qos, answer) in [(1, puback as fn(u16) -> Vec<u8>), (2, pubrec)] {
        let mut bench = manual(v);
        bench.accept_input(&publish("a", b"x").qos(qos, 1).bytes(v));
        bench.seen();
        for _ in 0..3 {
            lose(&mut bench);
            bench.reconnect(true, &[]);
            bench.accept_input(&publish("a", b"x").qos(qos, 1).dup().bytes(v));
            bench.expect_seen(&[]);
            bench.expect(&[]);
        }
        bench.ack(1).unwrap();
        bench.expect(&[answer(1)]);
        // Should that be lost, QoS 1 delivers it again and QoS 2 does not.
        lose(&mut bench);
        bench.reconnect(true, &[]);
        bench.accept_input(&publish("a", b"x").qos(qos, 1).dup().bytes(v));
        assert_eq!(bench.seen().len(), usize::from(qos == 1));
        let expected = if qos == 1 { vec![] } else { vec![pubrec(1)] };
        bench.expect(&expected);
    }
}

fn an_acknowledgement_without_a_connection_is_sent_when_the_message_comes_again(v: Version) {
    for (qos, answer) in [(1, puback as fn(u16) -> Vec<u8>), (2, pubrec)] {
        let mut bench = manual(v);
        bench.accept_input(&publish("a", b"x").qos(qos, 1).bytes(v));
        bench.seen();
        lose(&mut bench);
        bench.ack(1).unwrap();
        assert!(is_not_found(bench.ack(1)));
        bench.reconnect(true, &[]);
        bench.expect(&[]);
        bench.accept_input(&publish("a", b"x").qos(qos, 1).dup().bytes(v));
        bench.expect_seen(&[]);
        bench.expect(&[answer(1)]);
    }
}

fn the_order_is_that_of_the_new_connection(v: Version) {
    let mut bench = manual(v);
    for mid in [1, 2, 3] {
        bench.accept_input(&publish("a", &[mid]).qos(1, mid.into()).bytes(v));
    }
    lose(&mut bench);
    bench.ack(1).unwrap();
    bench.reconnect(true, &[]);
    bench.seen();
    bench.accept_input(&publish("a", &[3]).qos(1, 3).dup().bytes(v));
    bench.accept_input(&publish("a", &[1]).qos(1, 1).dup().bytes(v));
    bench.accept_input(&publish("a", b"new").qos(1, 4).bytes(v));
    bench.accept_input(&publish("a", &[2]).qos(1, 2).dup().bytes(v));
    bench.expect_seen(&[received("a", b"new", 1, 4)]);
    bench.expect(&[]);
    bench.ack(2).unwrap();
    bench.ack(3).unwrap();
    bench.expect(&[puback(3), puback(1)]);
    bench.ack(4).unwrap();
    bench.expect(&[puback(4), puback(2)]);
}

/// There are servers that count identifiers anew on each connection.
fn another_message_with_dup_and_an_old_identifier_is_a_new_one(v: Version) {
    let others = [("a", &b"other"[..]), ("b", b"one")];
    for (topic, payload) in others {
        let mut bench = manual(v);
        bench.accept_input(&publish("a", b"one").qos(1, 1).bytes(v));
        lose(&mut bench);
        bench.ack(1).unwrap();
        bench.reconnect(true, &[]);
        bench.seen();
        bench.accept_input(&publish(topic, payload).qos(1, 1).dup().bytes(v));
        assert_eq!(bench.seen().len(), 1);
        bench.expect(&[]);
        bench.ack(1).unwrap();
        bench.expect(&[puback(1)]);
    }
}

fn nothing_is_acknowledged_behind_disconnect(v: Version) {
    let mut bench = manual(v);
    for mid in [1, 2] {
        bench.accept_input(&publish("a", &[1]).qos(1, mid).bytes(v));
    }
    bench.disconnect(ReasonCode::SUCCESS, &[]).unwrap();
    bench.expect(&[packet(0xe0, &[])]);
    bench.ack(1).unwrap();
    bench.expect(&[]);
    bench.session.handle_closed(None);
    bench.seen();
    bench.reconnect(true, &[]);
    bench.accept_input(&publish("a", &[1]).qos(1, 1).dup().bytes(v));
    bench.accept_input(&publish("a", &[1]).qos(1, 2).dup().bytes(v));
    bench.expect_seen(&[]);
    bench.expect(&[puback(1)]);
}

fn a_released_message_awaits_nothing(v: Version) {
    let mut bench = manual(v);
    for mid in [1, 2] {
        bench.accept_input(&publish("a", b"").qos(2, mid).bytes(v));
    }
    bench.accept_input(&pubrel(2));
    bench.expect(&[pubcomp(2)]);
    assert!(is_not_found(bench.ack(2)));
    // However often, it has one place in the order.
    for _ in 0..3 {
        bench.seen();
        bench.accept_input(&publish("a", b"new").qos(2, 2).bytes(v));
        bench.expect_seen(&[received("a", b"new", 2, 2)]);
        bench.accept_input(&pubrel(2));
        bench.expect(&[pubcomp(2)]);
    }
    bench.ack(1).unwrap();
    bench.expect(&[pubrec(1)]);
    bench.accept_input(&publish("a", b"new").qos(2, 2).bytes(v));
    bench.ack(2).unwrap();
    bench.expect(&[pubrec(2)]);
}

#[test]
fn where_the_session_is_lost_everything_is_forgotten() {
    for v in [V31, V311, V5] {
        for qos in [1, 2] {
            let mut bench = manual(v);
            for mid in [1, 2] {
                bench.accept_input(&publish("a", b"x").qos(qos, mid).bytes(v));
            }
            bench.ack(2).unwrap();
            lose(&mut bench);
            bench.setup.clean = v == V31; // its server cannot say that it has no session
            bench.reconnect(false, &[]);
            bench.seen();
            assert!(is_not_found(bench.ack(1)));
            bench.accept_input(&publish("a", b"x").qos(qos, 2).dup().bytes(v));
            assert_eq!(bench.seen().len(), 1);
            bench.expect(&[]);
            bench.ack(2).unwrap();
            assert_eq!(bench.sent().len(), 1);
        }
    }
}

#[test]
fn a_reason_code_reaches_an_mqtt_5_server() {
    let mut bench = manual(V5);
    bench.accept_input(&publish("a", b"").qos(1, 1).bytes(V5));
    bench.refuse(1, 0x99).unwrap();
    bench.expect(&[packet(0x40, &[0, 1, 0x99])]);
    bench.accept_input(&publish("a", b"").qos(2, 2).bytes(V5));
    bench.refuse(2, 0x87).unwrap();
    bench.expect(&[packet(0x50, &[0, 2, 0x87])]);
    bench.seen();
    // That was the end of it: the identifier is free (MQTT-4.3.3-9).
    bench.accept_input(&publish("a", b"new").qos(2, 2).bytes(V5));
    bench.expect_seen(&[received("a", b"new", 2, 2)]);
    bench.refuse(2, 0x10).unwrap();
    bench.accept_input(&publish("a", b"new").qos(2, 2).dup().bytes(V5));
    bench.expect_seen(&[]);
}

#[test]
fn a_reason_code_that_cannot_be_sent_is_refused_and_the_message_still_awaits() {
    for (v, reason) in [(V31, 0x80), (V311, 0x80), (V5, 1), (V5, 0x92), (V5, 0xff)] {
        let mut bench = manual(v);
        bench.accept_input(&publish("a", b"").qos(1, 1).bytes(v));
        let outcome = bench.refuse(1, reason);
        assert!(
            matches!(outcome, Err(Error::Caller(CallerError::InvalidArgument(_)))),
            "{reason:#x}"
        );
        bench.ack(1).unwrap();
        bench.expect(&[puback(1)]);
    }
}

#[test]
fn a_refused_message_of_qos_2_that_waits_for_its_turn_is_refused_when_it_comes_again() {
    let mut bench = manual(V5);
    for mid in [1, 2] {
        bench.accept_input(&publish("a", b"").qos(2, mid).bytes(V5));
    }
    bench.refuse(2, 0x80).unwrap();
    lose(&mut bench);
    bench.reconnect(true, &[]);
    bench.seen();
    bench.accept_input(&publish("a", b"").qos(2, 2).dup().bytes(V5));
    bench.expect_seen(&[]);
    bench.expect(&[packet(0x50, &[0, 2, 0x80])]);
}

fn open_receiving(maximum: u16) -> Bench {
    let setup = Options {
        receive_maximum: maximum,
        ..Options::default()
    };
    let mut bench = Bench::open_with(V5, setup, &[]);
    bench.session.set_ack_mode(AckMode::Manual);
    bench
}

/// As Mosquitto does, which answers an acknowledgement with several messages.
#[test]
fn a_server_that_sends_more_than_the_receive_maximum_is_borne_with() {
    let mut bench = open_receiving(2);
    for mid in 1..=6 {
        let qos = 1 + (mid % 2) as u8;
        bench.accept_input(&publish("a", b"").qos(qos, mid).bytes(V5));
    }
    assert_eq!(bench.seen().len(), 6);
    for mid in (1..=6).rev() {
        bench.ack(mid).unwrap();
    }
    assert_eq!(bench.sent().len(), 6);
}

#[test]
fn quota_is_right_when_the_session_acknowledges_by_itself_again() {
    let mut bench = open_receiving(2);
    for mid in [1, 2] {
        bench.accept_input(&publish("a", b"").qos(1, mid).bytes(V5));
    }
    for mid in [3, 4] {
        bench.accept_input(&publish("a", b"").qos(2, mid).bytes(V5));
    }
    bench.session.set_ack_mode(AckMode::Automatic);
    for mid in [1, 2, 4] {
        bench.ack(mid).unwrap();
    }
    bench.refuse(3, 0x80).unwrap();
    // One of QoS 2 is left that was not released.
    bench.accept_input(&publish("a", b"").qos(2, 5).bytes(V5));
    let error = bench
        .receive(&publish("a", b"").qos(2, 6).bytes(V5))
        .unwrap_err();
    assert_eq!(error, Error::Peer(PeerError::ReceiveMaximumExceeded));
}

#[test]
fn a_message_by_topic_alias_is_known_again_by_its_topic() {
    let setup = Options {
        props: vec![Prop::U16(34, 5)],
        ..Options::default()
    };
    let alias = [Prop::U16(35, 1)];
    let mut bench = Bench::open_with(V5, setup, &[]);
    bench.session.set_ack_mode(AckMode::Manual);
    bench.accept_input(&publish("a", b"").props(&alias).bytes(V5));
    bench.accept_input(&publish("", b"x").qos(1, 1).props(&alias).bytes(V5));
    lose(&mut bench);
    bench.reconnect(true, &[]);
    bench.seen();
    bench.accept_input(&publish("a", b"x").qos(1, 1).dup().bytes(V5));
    bench.expect_seen(&[]);
    bench.ack(1).unwrap();
    bench.expect(&[puback(1)]);
}

/// A server and a program that do anything, each by chance.
fn acknowledgements_in_any_order_over_any_connections_leave_in_order(v: Version) {
    for seed in 0..300 {
        let mut rng = Rng::new(seed);
        let setup = Options {
            receive_maximum: 1000,
            ..Options::default()
        };
        let mut bench = Bench::open_with(v, setup, &[]);
        bench.session.set_ack_mode(AckMode::Manual);
        // What the server has sent on this connection without an answer, and what it has for the
        // next one; what the program has.
        let (mut sent, mut again) = (VecDeque::new(), VecDeque::new());
        let mut unacknowledged: Vec<u16> = Vec::new();
        let mut delivered = 0;
        let mut next_mid = 0u16;
        for _ in 0..200 {
            match rng.below(8) {
                0..=2 if again.is_empty() => {
                    next_mid += 1;
                    let message = publish("a", &next_mid.to_be_bytes());
                    let qos = 1 + (next_mid % 2) as u8;
                    bench.accept_input(&message.qos(qos, next_mid).bytes(v));
                    sent.push_back(next_mid);
                }
                0..=4 => {
                    // In any order: the server may have it so.
                    if let Some(mid) = again.remove(rng.below(again.len().max(1))) {
                        let message = publish("a", &u16::to_be_bytes(mid)).dup();
                        let qos = 1 + (mid % 2) as u8;
                        bench.accept_input(&message.qos(qos, mid).bytes(v));
                        sent.push_back(mid);
                    }
                }
                5 if rng.once_in(5) => {
                    bench.lose();
                    again.append(&mut sent);
                    if rng.once_in(2) && !unacknowledged.is_empty() {
                        let mid = unacknowledged.swap_remove(rng.below(unacknowledged.len()));
                        bench.ack(mid).unwrap();
                    }
                    bench.reconnect(true, &[]);
                }
                _ if !unacknowledged.is_empty() => {
                    let mid = unacknowledged.swap_remove(rng.below(unacknowledged.len()));
                    bench.ack(mid).unwrap();
                }
                _ => {}
            }
            for seen in bench.seen() {
                if let Seen::Message(message) = seen {
                    unacknowledged.push(message.mid);
                    delivered += 1;
                }
            }
            for answer in bench.sent() {
                let mid = u16::from_be_bytes([answer[2], answer[3]]);
                let first = sent.iter().find(|other| *other % 2 == mid % 2);
                assert_eq!(first, Some(&mid), "seed {seed}: out of order");
                assert!(!unacknowledged.contains(&mid), "seed {seed}: too early");
                sent.retain(|other| *other != mid);
            }
        }
        assert_eq!(delivered, next_mid, "seed {seed}: each is delivered once");
        // In the end all are acknowledged and nothing is held.
        for mid in std::mem::take(&mut again) {
            let message = publish("a", &u16::to_be_bytes(mid)).dup();
            bench.accept_input(&message.qos(1 + (mid % 2) as u8, mid).bytes(v));
            sent.push_back(mid);
        }
        for mid in unacknowledged {
            bench.ack(mid).unwrap();
        }
        let answers = bench.sent().len();
        assert_eq!(answers, sent.len(), "seed {seed}");
    }
}

#[test]
fn log_lines_say_when_an_acknowledgement_is_sent() {
    let mut bench = manual(V5);
    bench.session.set_logging(Logging::Lines);
    bench.accept_input(&publish("a", b"").qos(1, 1).bytes(V5));
    assert!(!format!("{:?}", bench.seen()).contains("PUBACK"));
    bench.refuse(1, 0x80).unwrap();
    assert!(format!("{:?}", bench.seen()).contains("Client t sending PUBACK (m1, rc128)"));
}
