//! A session whose journal is kept, and the process that takes it up again.

mod session_support;
mod support;

use std::time::{Duration, Instant};

use mqttrs::session::{Journal, Replay, Session, WallClock};
use mqttrs::types::ReasonCode;
use session_support::*;
use support::prop::*;
use support::*;
use Version::V5;

each_version!(
    what_was_sent_is_sent_again_with_dup_and_what_waited_without,
    a_released_message_is_released_again_and_not_sent,
    a_message_received_before_the_end_of_the_process_is_not_delivered_again,
    what_was_acknowledged_does_not_come_back,
    a_message_is_not_sent_before_it_is_accepted,
    a_message_refused_leaves_nothing,
    a_snapshot_says_the_same_as_the_whole_journal,
    a_lost_session_is_lost_for_the_next_process_too,
);

const UNIX_MS: u64 = 1_700_000_000_000;

/// A bench whose session is stored in memory.
struct Stored {
    bench: Bench,
    log: Vec<Vec<u8>>,
}

impl Stored {
    fn new(v: Version) -> Stored {
        Stored::after(v, &[], UNIX_MS)
    }

    /// A process that finds this log, at this time of day.
    fn after(v: Version, log: &[Vec<u8>], unix_ms: u64) -> Stored {
        let mut bench = Bench::new(v);
        bench.session.set_version(protocol(v));
        let mut replay = Replay::default();
        for part in log {
            replay.apply(part).unwrap();
        }
        assert_eq!(replay.client_id(), (!log.is_empty()).then_some("t"));
        let wall = WallClock {
            instant: bench.now,
            unix_ms,
        };
        bench
            .session
            .restore(replay, Journal::new(wall, 10_000))
            .unwrap();
        let mut stored = Stored {
            bench,
            log: log.to_vec(),
        };
        stored.write();
        stored
    }

    /// The host stores the journal; gives the number of its last operation.
    fn write(&mut self) -> u64 {
        let session = &mut self.bench.session;
        let (operations, number) = session.unwritten();
        if !operations.is_empty() {
            self.log.push(operations.to_vec());
        }
        session.written();
        session.stored(number);
        assert!(!session.must_store());
        number
    }

    fn publish(&mut self, payload: &[u8], qos: u8) -> u16 {
        let mid = self.bench.publish("a", payload, qos).unwrap();
        let number = self.write();
        self.bench.session.accept(number, self.bench.now);
        self.write();
        mid
    }

    /// The process dies, and another one takes its place.
    fn dies(self, v: Version) -> Stored {
        Stored::after(v, &self.log, UNIX_MS)
    }
}

fn what_was_sent_is_sent_again_with_dup_and_what_waited_without(v: Version) {
    let mut first = Stored::new(v);
    first.bench.session.set_send_maximum(2, first.bench.now);
    first.bench.reconnect(false, &[]);
    let mids = [(b"1", 1), (b"2", 2), (b"3", 1)].map(|(text, qos)| first.publish(text, qos));
    first.bench.sent();
    let mut next = first.dies(v);
    next.bench.reconnect(true, &[]);
    next.bench.expect(&[
        publish("a", b"1").qos(1, mids[0]).dup().bytes(v),
        publish("a", b"2").qos(2, mids[1]).dup().bytes(v),
        publish("a", b"3").qos(1, mids[2]).bytes(v),
    ]);
    assert!(
        next.bench.session.must_store(),
        "that it was sent is to be stored first"
    );
    // Identifiers in use are not given to others.
    assert!(!mids.contains(&next.publish(b"4", 1)));
}

fn a_released_message_is_released_again_and_not_sent(v: Version) {
    let mut first = Stored::new(v);
    first.bench.reconnect(false, &[]);
    let mids = [b"1", b"2"].map(|text| first.publish(text, 2));
    // Released the other way round, and so it stays.
    first.bench.accept_input(&pubrec(mids[1]));
    assert!(
        first.bench.session.must_store(),
        "PUBREL waits for the store"
    );
    first.bench.accept_input(&pubrec(mids[0]));
    first.write();
    let mut next = first.dies(v);
    next.bench.reconnect(true, &[]);
    next.bench.expect(&[pubrel(mids[1]), pubrel(mids[0])]);
    next.bench.accept_input(&pubcomp(mids[0]));
    next.bench
        .expect_seen(&[published(mids[0], ReasonCode::SUCCESS)]);
}

fn a_message_received_before_the_end_of_the_process_is_not_delivered_again(v: Version) {
    let mut first = Stored::new(v);
    first.bench.reconnect(false, &[]);
    let message = publish("a", b"in").qos(2, 7).bytes(v);
    first.bench.accept_input(&message);
    assert!(
        first.bench.session.must_store(),
        "PUBREC waits for the store"
    );
    first.write();
    first.bench.expect_seen(&[received("a", b"in", 2, 7)]);
    let mut next = first.dies(v);
    next.bench.reconnect(true, &[]);
    next.bench
        .accept_input(&publish("a", b"in").qos(2, 7).dup().bytes(v));
    next.bench.expect_seen(&[]);
    next.bench.accept_input(&pubrel(7));
    assert!(
        next.bench.session.must_store(),
        "PUBCOMP waits for the store"
    );
    next.write();
    let mut last = next.dies(v);
    last.bench.reconnect(true, &[]);
    last.bench.accept_input(&message);
    last.bench.expect_seen(&[received("a", b"in", 2, 7)]);
}

fn what_was_acknowledged_does_not_come_back(v: Version) {
    let mut first = Stored::new(v);
    first.bench.reconnect(false, &[]);
    let mid = first.publish(b"1", 1);
    first.bench.accept_input(&puback(mid));
    assert!(!first.bench.session.must_store(), "nothing waits for that");
    first.write();
    let mut next = first.dies(v);
    assert!(!next.bench.session.has_messages());
    next.bench.reconnect(true, &[]);
    next.bench.expect(&[]);
}

fn a_message_is_not_sent_before_it_is_accepted(v: Version) {
    let mut stored = Stored::new(v);
    stored.bench.reconnect(false, &[]);
    let mid = stored.bench.publish("a", b"1", 1).unwrap();
    stored.bench.expect(&[]);
    let number = stored.write();
    stored.bench.session.accept(number, stored.bench.now);
    stored
        .bench
        .expect(&[publish("a", b"1").qos(1, mid).bytes(v)]);
}

fn a_message_refused_leaves_nothing(v: Version) {
    let mut first = Stored::new(v);
    first.bench.reconnect(false, &[]);
    first.publish(b"1", 1);
    let size = first.bench.session.stored_size();
    first.bench.sent();
    first.bench.publish("a", b"2", 2).unwrap();
    let (_, number) = first.bench.session.unwritten();
    first.bench.session.refuse(number);
    assert_eq!(first.bench.session.stored_size(), size);
    assert!(first.bench.session.unwritten().0.is_empty());
    let third = first.publish(b"3", 1);
    first
        .bench
        .expect(&[publish("a", b"3").qos(1, third).bytes(v)]);
    let full = first.bench.publish("a", &[0; 10_000], 1).unwrap_err();
    assert!(full.to_string().contains("most that was allowed"), "{full}");
}

fn a_snapshot_says_the_same_as_the_whole_journal(v: Version) {
    let mut first = Stored::new(v);
    first.bench.session.set_send_maximum(3, first.bench.now);
    first.bench.reconnect(false, &[]);
    for number in 0..6 {
        first.publish(&[number; 3], 1 + number % 2);
    }
    first.bench.accept_input(&puback(1));
    first.bench.accept_input(&pubrec(2));
    first
        .bench
        .accept_input(&publish("a", b"in").qos(2, 9).bytes(v));
    first.write();
    let snapshot = snapshot(&first.bench.session);
    let from_snapshot = Stored::after(v, std::slice::from_ref(&snapshot), UNIX_MS);
    let size = first.bench.session.stored_size();
    let from_journal = first.dies(v);
    for mut next in [from_snapshot, from_journal] {
        assert_eq!(next.bench.session.stored_size(), size);
        assert_eq!(self::snapshot(&next.bench.session), snapshot);
        next.bench.reconnect(true, &[]);
        next.bench
            .accept_input(&publish("a", b"in").qos(2, 9).dup().bytes(v));
        next.bench.expect_seen(&[]);
    }
}

fn a_lost_session_is_lost_for_the_next_process_too(v: Version) {
    let mut first = Stored::new(v);
    first.bench.setup.clean = true;
    first.bench.reconnect(false, &[]);
    let mids = [b"1", b"2"].map(|text| first.publish(text, 2));
    first.bench.accept_input(&pubrec(mids[1]));
    first
        .bench
        .accept_input(&publish("a", b"in").qos(2, 9).bytes(v));
    first.bench.expect_seen(&[received("a", b"in", 2, 9)]);
    first.bench.lose();
    first.bench.connect();
    first.bench.accept(false, &[]);
    assert!(first.bench.session.must_store());
    first.write();
    let text = snapshot(&first.bench.session);
    assert_eq!(snapshot(&first.dies(v).bench.session), text);
}

fn snapshot(session: &Session) -> Vec<u8> {
    let mut all = Vec::new();
    let mut write = |part: &[u8]| {
        all.extend_from_slice(part);
        Ok(())
    };
    session.snapshot(&mut write).unwrap();
    all
}

#[test]
fn an_expiry_interval_runs_on_while_there_is_no_process() {
    let mut first = Stored::new(V5);
    let interval = Prop::U32(2, 100);
    for text in [b"1", b"2"] {
        let props = [interval.clone()];
        first.bench.publish_props("a", text, 1, &props).unwrap();
        let number = first.write();
        first.bench.session.accept(number, Instant::now());
    }
    let mut next = Stored::after(V5, &first.log, UNIX_MS + 40_000);
    next.bench.reconnect(true, &[]);
    let left = |text: &[u8], mid| {
        publish("a", text)
            .qos(1, mid)
            .props(&[Prop::U32(2, 60)])
            .bytes(V5)
    };
    next.bench.expect(&[left(b"1", 1), left(b"2", 2)]);
    let mut late = Stored::after(V5, &first.log, UNIX_MS + 200_000);
    late.bench.pass(Duration::from_secs(1)).unwrap();
    late.bench.reconnect(true, &[]);
    late.bench.expect(&[]);
}
