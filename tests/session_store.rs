//! A session whose journal is kept, and the process that takes it up again.

mod session_support;
mod support;

use std::time::{Duration, Instant};

use mqttrs::session::{AckMode, Journal, Replay, WallClock};
use mqttrs::types::ReasonCode;
use session_support::*;
use support::prop::*;
use support::*;
use Version::V5;

each_version!(
    what_was_sent_is_sent_again_with_dup_and_what_waited_without,
    a_released_message_is_released_again_and_not_sent,
    a_message_received_before_the_end_of_the_process_is_not_delivered_again,
    a_message_that_was_not_acknowledged_is_delivered_to_the_next_process,
    what_was_acknowledged_does_not_come_back,
    a_message_is_not_sent_before_it_is_accepted,
    a_message_refused_leaves_nothing,
    what_is_kept_of_a_journal_says_the_same_as_the_whole,
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

fn a_message_that_was_not_acknowledged_is_delivered_to_the_next_process(v: Version) {
    let mut first = Stored::new(v);
    first.bench.session.set_ack_mode(AckMode::Manual);
    first.bench.reconnect(false, &[]);
    first.write();
    for mid in [7, 8, 9] {
        first
            .bench
            .accept_input(&publish("a", b"in").qos(2, mid).bytes(v));
    }
    assert!(!first.bench.session.must_store());
    let acknowledge = |stored: &mut Stored, mid| {
        let outcome = stored
            .bench
            .session
            .acknowledge(id(mid), ReasonCode::SUCCESS);
        outcome.unwrap();
    };
    acknowledge(&mut first, 8);
    assert!(
        first.bench.session.must_store(),
        "the program is done with it, though PUBREC has to wait"
    );
    first.write();
    let mut next = first.dies(v);
    next.bench.session.set_ack_mode(AckMode::Manual);
    next.bench.reconnect(true, &[]);
    for mid in [7, 8, 9] {
        next.bench
            .accept_input(&publish("a", b"in").qos(2, mid).dup().bytes(v));
    }
    next.bench
        .expect_seen(&[received_again("a", b"in", 7), received_again("a", b"in", 9)]);
    next.bench.expect(&[]);
    acknowledge(&mut next, 7);
    next.write();
    next.bench.expect(&[pubrec(7), pubrec(8)]);
    next.bench.accept_input(&pubrel(7));
    next.bench.accept_input(&pubrel(8));
    next.write();
    // Both identifiers are free now, and the third message is still to be acknowledged.
    let mut last = next.dies(v);
    last.bench.reconnect(true, &[]);
    last.bench
        .accept_input(&publish("a", b"new").qos(2, 7).bytes(v));
    last.bench
        .accept_input(&publish("a", b"in").qos(2, 9).dup().bytes(v));
    last.bench
        .expect_seen(&[received("a", b"new", 2, 7), received_again("a", b"in", 9)]);
}

/// A message of QoS 2 with DUP.
fn received_again(topic: &str, payload: &[u8], mid: u16) -> Seen {
    match received(topic, payload, 2, mid) {
        Seen::Message(message) => Seen::Message(Received {
            dup: true,
            ..message
        }),
        event => event,
    }
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

fn what_is_kept_of_a_journal_says_the_same_as_the_whole(v: Version) {
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
    let size = first.bench.session.stored_size();
    let kept = kept(&first.log);
    let whole: usize = first.log.iter().map(Vec::len).sum();
    assert!(kept.len() < whole);
    let from_kept = Stored::after(v, &[kept], UNIX_MS);
    let from_journal = first.dies(v);
    let [kept, whole] = [from_kept, from_journal].map(|mut next| {
        assert_eq!(next.bench.session.stored_size(), size);
        next.bench.reconnect(true, &[]);
        next.bench
            .accept_input(&publish("a", b"in").qos(2, 9).dup().bytes(v));
        next.bench.expect_seen(&[]);
        next.bench.sent()
    });
    assert_eq!(kept, whole);
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
    let mut next = first.dies(v);
    next.bench.setup.clean = true;
    assert!(
        next.bench.session.has_messages(),
        "what was not released stays"
    );
    next.bench.reconnect(false, &[]);
    next.bench
        .expect(&[publish("a", b"1").qos(2, mids[0]).bytes(v)]);
    // With the session went what the server had sent in it.
    next.bench
        .accept_input(&publish("a", b"in").qos(2, 9).bytes(v));
    next.bench.expect_seen(&[received("a", b"in", 2, 9)]);
}

/// What is needed of a journal.
fn kept(log: &[Vec<u8>]) -> Vec<u8> {
    let mut replay = Replay::without_bodies();
    for part in log {
        replay.apply(part).unwrap();
    }
    let mut kept = Vec::new();
    for part in log {
        replay.keep(part, &mut kept).unwrap();
    }
    kept
}

/// Numbers that look like chance and are the same in each run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (self.0 >> 33) as usize % limit
    }
}

#[test]
fn whatever_happened_what_is_kept_of_a_journal_leads_to_the_same_session() {
    for seed in 0..300 {
        let mut numbers = Numbers(seed);
        let mut first = Stored::new(V5);
        first.bench.session.set_send_maximum(4, first.bench.now);
        first.bench.reconnect(false, &[]);
        let mut flows: Vec<(u16, u8)> = Vec::new();
        for step in 0..60u8 {
            match numbers.below(12) {
                0 => {
                    let present = numbers.below(3) > 0;
                    first.bench.setup.clean = !present;
                    first.bench.lose();
                    first.bench.connect();
                    first.bench.accept(present, &[]);
                }
                1..5 => {
                    let qos = 1 + numbers.below(2) as u8;
                    flows.push((first.publish(&[step; 5], qos), qos));
                }
                5 => {
                    let id = 1 + numbers.below(3) as u16;
                    let packet = publish("a", b"in").qos(2, id).bytes(V5);
                    first.bench.receive(&packet).unwrap();
                }
                6 => {
                    let id = 1 + numbers.below(3) as u16;
                    first.bench.receive(&pubrel(id)).unwrap();
                }
                _ if flows.is_empty() => {}
                _ => {
                    let (id, qos) = flows[numbers.below(flows.len())];
                    let packet = match (qos, numbers.below(2)) {
                        (1, _) => puback(id),
                        (_, 0) => pubrec(id),
                        _ => pubcomp(id),
                    };
                    // What was not sent yet cannot be acknowledged; the connection ends then.
                    if first.bench.receive(&packet).is_err() {
                        first.bench.setup.clean = false;
                        first.bench.lose();
                        first.bench.connect();
                        first.bench.accept(true, &[]);
                    }
                }
            }
            first.bench.sent();
            first.bench.seen();
            first.write();
        }
        let once = kept(&first.log);
        assert!(once.len() <= first.log.iter().map(Vec::len).sum());
        for present in [true, false] {
            let logs = [
                first.log.clone(),
                vec![once.clone()],
                vec![kept(std::slice::from_ref(&once))],
            ];
            let [whole, once, twice] = logs.map(|log| {
                let mut next = Stored::after(V5, &log, UNIX_MS);
                let size = next.bench.session.stored_size();
                next.bench.setup.clean = !present;
                next.bench.reconnect(present, &[]);
                let mut said = next.bench.sent();
                for id in 1..=3 {
                    let packet = publish("a", b"in").qos(2, id).bytes(V5);
                    next.bench.accept_input(&packet);
                }
                said.extend(next.bench.sent());
                (size, said, next.bench.seen())
            });
            assert_eq!(whole, once, "seed {seed}");
            assert_eq!(whole, twice, "seed {seed}");
        }
    }
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

#[test]
fn a_count_that_no_client_reaches_is_damage() {
    let released = |count: u64| {
        let mut record = vec![1, 2 | 2 << 3, 4, 0, 1];
        record.extend_from_slice(&count.to_be_bytes());
        record.extend_from_slice(&[0; 4]);
        Replay::default().apply(&record)
    };
    assert!(released(7).is_ok());
    assert!(released(u64::MAX).is_err());
    assert!(released(u64::MAX >> 1).is_ok());
}
