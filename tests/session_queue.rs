//! Limits of the outgoing queue, and what became of each message.

mod session_support;
mod support;

use mqttrs::error::{CallerError, Error};
use mqttrs::session::{Outcome, Overflow, QueueOptions, SessionEvent, TransmitBuf};
use mqttrs::types::ReasonCode;
use session_support::*;
use support::packet::Version::{V311, V5};
use support::packet::{puback, publish, pubrec};
use support::prop::Prop;

const FULL: Error = Error::Caller(CallerError::QueueFull);

fn limits(max_messages: usize, max_bytes: usize, overflow: Overflow) -> QueueOptions {
    QueueOptions {
        max_messages,
        max_bytes,
        overflow,
        keep_at_most_once: true,
        wait: std::time::Duration::ZERO,
    }
}

fn bench(options: QueueOptions) -> Bench {
    let mut bench = Bench::new(V311);
    bench.session.set_queue(Some(options));
    bench.session.set_outcomes(true);
    bench
}

/// The outcomes told since the last call.
fn outcomes(bench: &mut Bench) -> Vec<(u16, Outcome, u8)> {
    let seen = bench.seen().into_iter();
    seen.filter_map(|seen| match seen {
        Seen::Event(SessionEvent::Outcome {
            packet_id,
            outcome,
            reason,
            ..
        }) => Some((packet_id.number(), outcome, reason.value())),
        _ => None,
    })
    .collect()
}

#[test]
fn a_message_too_many_is_refused_and_accepted_when_there_is_room() {
    let mut bench = bench(limits(2, 0, Overflow::Refuse));
    let first = bench.publish("a", b"1", 1).unwrap();
    bench.publish("a", b"2", 2).unwrap();
    assert_eq!(bench.publish("a", b"3", 1), Err(FULL));
    assert_eq!(bench.publish("a", b"3", 0), Err(FULL));
    bench.connect();
    bench.accept(false, &[]);
    assert_eq!(bench.publish("a", b"3", 1), Err(FULL));
    bench.accept_input(&puback(first));
    bench.publish("a", b"3", 1).unwrap();
    assert_eq!(bench.session.queued_messages().0, 2);
}

#[test]
fn bytes_are_limited_as_they_are_sent() {
    // Topic with its length, packet identifier, payload.
    let mut bench = bench(limits(0, 2 * (3 + 2 + 10), Overflow::Refuse));
    bench.publish("a", &[0; 10], 1).unwrap();
    bench.publish("a", &[0; 10], 1).unwrap();
    assert_eq!(bench.session.queued_messages(), (2, 30));
    assert_eq!(bench.publish("a", b"", 1), Err(FULL));
    bench.session.clear_queue();
    assert_eq!(bench.session.queued_messages(), (0, 0));
    assert_eq!(bench.publish("a", &[0; 26], 1), Err(FULL));
    bench.publish("a", &[0; 25], 1).unwrap();
}

#[test]
fn the_oldest_that_was_never_sent_makes_room() {
    let mut bench = bench(limits(3, 0, Overflow::DropOldest));
    bench.connect();
    bench.accept(false, &[]);
    let sent = bench.publish("a", b"sent", 1).unwrap();
    bench.expect(&[publish("a", b"sent").qos(1, sent).bytes(V311)]);
    bench.lose();
    let mids: Vec<u16> = (0..5u8)
        .map(|n| bench.publish("a", &[n], n % 2).unwrap())
        .collect();
    let dropped: Vec<_> = mids[..3]
        .iter()
        .map(|mid| (*mid, Outcome::Overflow, 0))
        .collect();
    assert_eq!(outcomes(&mut bench), dropped);
    bench.reconnect(true, &[]);
    bench.expect(&[
        publish("a", b"sent").qos(1, sent).dup().bytes(V311),
        publish("a", &[3]).qos(1, mids[3]).bytes(V311),
        publish("a", &[4]).bytes(V311),
    ]);
    bench.accept_input(&[puback(sent), puback(mids[3])].concat());
    assert_eq!(
        outcomes(&mut bench),
        [
            (mids[4], Outcome::Sent, 0),
            (sent, Outcome::Acknowledged, 0),
            (mids[3], Outcome::Acknowledged, 0)
        ]
    );
}

#[test]
fn qos_0_makes_room_first() {
    let mut bench = bench(limits(3, 0, Overflow::DropAtMostOnce));
    let kept = bench.publish("a", b"", 1).unwrap();
    let first = bench.publish("a", b"", 0).unwrap();
    let second = bench.publish("a", b"", 0).unwrap();
    for _ in 0..2 {
        bench.publish("a", b"", 1).unwrap();
    }
    let overflow = |mid| (mid, Outcome::Overflow, 0);
    assert_eq!(outcomes(&mut bench), [overflow(first), overflow(second)]);
    bench.publish("a", b"", 1).unwrap();
    assert_eq!(outcomes(&mut bench), [overflow(kept)]);
}

#[test]
fn nothing_is_dropped_for_a_message_that_finds_no_room_all_the_same() {
    let mut bench = bench(limits(2, 100, Overflow::DropOldest));
    bench.publish("a", &[0; 20], 1).unwrap();
    assert_eq!(bench.publish("a", &[0; 100], 1), Err(FULL));
    assert_eq!(bench.session.queued_messages().0, 1);
    assert_eq!(outcomes(&mut bench), []);
}

#[test]
fn qos_0_without_a_connection_is_refused_unless_it_may_wait() {
    let mut bench = bench(QueueOptions {
        keep_at_most_once: false,
        ..limits(0, 0, Overflow::Refuse)
    });
    let refused = bench.publish("a", b"", 0);
    assert_eq!(refused, Err(Error::Caller(CallerError::NotConnected)));
}

#[test]
fn a_network_that_takes_nothing_does_not_make_qos_0_grow_without_bound() {
    let mut bench = bench(limits(0, 1_000_000, Overflow::DropOldest));
    bench.connect();
    bench.accept(false, &[]);
    for _ in 0..100_000 {
        bench.publish("a", &[0; 100], 0).unwrap();
    }
    let (_, bytes) = bench.session.queued_messages();
    assert!((900_000..=1_000_000).contains(&bytes), "{bytes}");
    let mut out = TransmitBuf::default();
    bench.session.poll_transmit(&mut out);
    assert!(out.len() < 66_000, "{}", out.len());
    // The rest follows as that is taken.
    bench.session.transmitted(out.len(), bench.now);
    bench.pump();
    assert_eq!(bench.session.queued_messages(), (0, 0));
    let told = outcomes(&mut bench);
    assert_eq!(told.len(), 100_000);
    let sent = told.iter().filter(|told| told.1 == Outcome::Sent).count();
    assert!(sent > 8_000 && sent < 10_000, "{sent}");
}

#[test]
fn each_way_to_end_is_told() {
    let mut bench = Bench::new(V5);
    bench.session.set_outcomes(true);
    bench.connect();
    bench.accept(false, &[]);
    let sent = bench.publish("a", b"", 0).unwrap();
    bench.pump();
    let refused = bench.publish("a", b"", 1).unwrap();
    let taken_over = bench.publish("a", b"", 2).unwrap();
    bench.pump();
    bench.accept_input(&[0x40, 3, 0, refused as u8, 0x87]);
    bench.accept_input(&pubrec(taken_over));
    assert_eq!(
        outcomes(&mut bench),
        [
            (sent, Outcome::Sent, 0),
            (
                refused,
                Outcome::Acknowledged,
                ReasonCode::NOT_AUTHORIZED.value()
            )
        ]
    );
    let lost = bench.publish("a", b"", 0).unwrap();
    let mut out = TransmitBuf::default();
    bench.session.poll_transmit(&mut out);
    bench.lose();
    let mut told = outcomes(&mut bench);
    let expired = bench
        .publish_props("a", b"", 1, &[Prop::U32(2, 0)])
        .unwrap();
    bench.now += std::time::Duration::from_secs(1);
    let large = bench.publish("a", &[0; 100], 1).unwrap();
    let high = bench.publish("a", b"", 2).unwrap();
    bench.reconnect(false, &[Prop::U32(39, 60), Prop::Byte(36, 1)]);
    told.extend(outcomes(&mut bench));
    bench.lose();
    let cleared = bench.publish("a", b"", 1).unwrap();
    bench.session.clear_queue();
    told.extend(outcomes(&mut bench));
    for expected in [
        (lost, Outcome::ConnectionLost, 0),
        (taken_over, Outcome::SessionLost, 0),
        (cleared, Outcome::Cleared, 0),
        (
            expired,
            Outcome::Expired,
            ReasonCode::IMPLEMENTATION_SPECIFIC.value(),
        ),
        (
            large,
            Outcome::TooLarge,
            ReasonCode::PACKET_TOO_LARGE.value(),
        ),
        (
            high,
            Outcome::QosNotSupported,
            ReasonCode::QOS_NOT_SUPPORTED.value(),
        ),
    ] {
        assert!(told.contains(&expected), "{expected:?} in {told:?}");
    }
    let mut ids: Vec<u16> = told.iter().map(|told| told.0).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), told.len(), "one outcome each: {told:?}");
    assert!(bench.session.take_all().is_empty());
}

#[test]
fn without_outcomes_nothing_is_told_but_what_always_was() {
    let mut bench = Bench::new(V311);
    bench
        .session
        .set_queue(Some(limits(1, 0, Overflow::DropOldest)));
    bench.publish("a", b"", 1).unwrap();
    let second = bench.publish("a", b"", 1).unwrap();
    bench.expect_seen(&[]);
    bench.connect();
    bench.accept(false, &[]);
    bench.pump();
    bench.accept_input(&puback(second));
    bench.expect_seen(&[published(second, ReasonCode::SUCCESS)]);
}
