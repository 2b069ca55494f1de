//! A limit for what is received: what is beyond it is not taken, or dropped. With a clock that
//! the test moves.

mod session_support;
mod support;

use std::time::{Duration, Instant};

use mqttrs::session::{Excess, State, ThrottleOptions};
use session_support::*;
use support::packet::Version::V311;
use support::packet::{puback, publish, pubrec, pubrel};

const SECOND: Duration = Duration::from_secs(1);

fn limit(messages: f64, bytes: f64, burst: u32, excess: Excess) -> ThrottleOptions {
    ThrottleOptions {
        messages_per_second: messages,
        bytes_per_second: bytes,
        burst_messages: burst,
        burst_bytes: 0,
        excess,
    }
}

fn open(keep_alive: u16, options: ThrottleOptions) -> Bench {
    let setup = Options {
        keep_alive,
        ..Options::default()
    };
    let mut bench = Bench::open_with(V311, setup, &[]);
    let now = bench.now;
    bench.session.set_receive_throttle(Some(&options), now);
    bench
}

/// What a server has sent and the session has not taken, as a driver treats it.
struct Input {
    bytes: Vec<u8>,
    at: usize,
}

impl Input {
    fn new(packets: &[Vec<u8>]) -> Input {
        Input {
            bytes: packets.concat(),
            at: 0,
        }
    }

    fn left(&self) -> usize {
        self.bytes.len() - self.at
    }

    /// Has the session take what it takes now; gives the number of messages for the program.
    fn take(&mut self, bench: &mut Bench) -> usize {
        let mut messages = 0;
        loop {
            bench.pump();
            let rest = &self.bytes[self.at..];
            match bench.session.handle_input(rest, bench.now).unwrap() {
                Some(step) => {
                    self.at += step.consumed;
                    messages += usize::from(step.delivery.is_some());
                }
                None => break,
            }
        }
        bench.pump();
        let held = bench.session.input_held_until();
        assert_eq!(
            held.is_some(),
            self.left() > 0,
            "held while something waits"
        );
        messages
    }

    /// The same from timer to timer; the times at which messages came.
    fn run(&mut self, bench: &mut Bench, span: Duration) -> Vec<Duration> {
        let (begin, end) = (bench.now, bench.now + span);
        let mut times = Vec::new();
        loop {
            if bench.session.resume_input(bench.now) || bench.now == begin {
                let count = self.take(bench);
                times.extend((0..count).map(|_| bench.now - begin));
            }
            match bench.session.poll_timeout().filter(|due| *due <= end) {
                Some(due) => bench.now = bench.now.max(due),
                None => break,
            }
            bench.session.handle_timeout(bench.now).unwrap();
            bench.pump();
        }
        bench.now = end;
        times
    }
}

#[track_caller]
fn assert_about(found: usize, expected: f64, what: &str) {
    let tolerance = (expected * 0.05).max(1.0);
    let found = found as f64;
    assert!(
        (found - expected).abs() <= tolerance,
        "{what}: {found} instead of {expected}"
    );
}

#[test]
fn in_ten_seconds_as_many_messages_come_as_the_limit_says() {
    for qos in [0, 1] {
        for rate in [0.5, 7.0, 100.0, 1000.0] {
            for burst in [0, 30] {
                let mut bench = open(0, limit(rate, 0.0, burst, Excess::Wait));
                let expected = f64::from(burst.max(1)) + 10.0 * rate;
                let number = (1.2 * expected) as usize + 3;
                let packets: Vec<_> = (1..=number)
                    .map(|n| {
                        publish("t", b"x")
                            .qos(qos, (qos * n as u8).into())
                            .bytes(V311)
                    })
                    .map(|mut packet| {
                        if qos > 0 {
                            packet[5..7].copy_from_slice(&[1, 1]);
                        }
                        packet
                    })
                    .collect();
                let mut input = Input::new(&packets);
                let times = input.run(&mut bench, 10 * SECOND);
                let case = format!("QoS {qos}, {rate}/s, burst {burst}");
                assert_about(times.len(), expected, &case);
                assert!(times.is_sorted());
            }
        }
    }
}

#[test]
fn in_ten_seconds_as_many_bytes_come_as_the_limit_says() {
    let packet = publish("t", &[0; 91]).bytes(V311);
    let size = packet.len() as f64;
    let mut bench = open(0, limit(0.0, 5000.0, 0, Excess::Wait));
    let mut input = Input::new(&vec![packet; 1000]);
    let times = input.run(&mut bench, 10 * SECOND);
    assert_about(times.len(), 55_000.0 / size, "messages");
}

#[test]
fn what_waits_is_not_acknowledged() {
    let mut bench = open(0, limit(1.0, 0.0, 1, Excess::Wait));
    let packets: Vec<_> = (1..=3)
        .map(|id| publish("t", b"x").qos(1, id).bytes(V311))
        .collect();
    let mut input = Input::new(&packets);
    assert_eq!(input.take(&mut bench), 1);
    bench.expect(&[puback(1)]);
    assert_eq!(bench.session.poll_timeout(), Some(bench.now + SECOND));
    input.run(&mut bench, SECOND);
    bench.expect(&[puback(2)]);
}

#[test]
fn beyond_the_limit_qos_0_is_dropped_and_counted_and_the_others_wait() {
    let mut bench = open(0, limit(1.0, 0.0, 1, Excess::Drop));
    let packet = |qos, id| publish("t", b"x").qos(qos, id).bytes(V311);
    let mut input = Input::new(&[
        packet(0, 0),
        packet(0, 0),
        packet(0, 0),
        packet(1, 7),
        packet(0, 0),
        packet(2, 8),
    ]);
    assert_eq!(input.take(&mut bench), 1);
    assert_eq!(bench.session.stats().dropped_received, 2);
    let times = input.run(&mut bench, 10 * SECOND);
    assert_eq!(times, [SECOND, 2 * SECOND], "QoS 1 and QoS 2");
    assert_eq!(bench.session.stats().dropped_received, 3);
    assert_eq!(bench.session.stats().received[0].messages, 4);
    bench.expect(&[puback(7), pubrec(8)]);
}

#[test]
fn the_server_is_not_given_up_while_its_sign_of_life_may_be_behind_what_waits() {
    let mut bench = open(10, limit(0.001, 0.0, 1, Excess::Wait));
    let packet = publish("t", b"x").bytes(V311);
    let pingresp = vec![0xd0, 0];
    let mut input = Input::new(&[packet.clone(), packet.clone(), pingresp, packet]);
    let times = input.run(&mut bench, 900 * SECOND);
    assert_eq!(times.len(), 1);
    assert_eq!(bench.session.state(), State::Connected);
    let sent = bench.sent();
    assert!(sent.iter().all(|packet| *packet == [0xc0, 0]));
    assert!((80..=95).contains(&sent.len()), "{} PINGREQs", sent.len());
    let times = input.run(&mut bench, 1105 * SECOND);
    assert_eq!(times.len(), 2, "every thousand seconds");
}

#[test]
fn a_server_that_is_silent_while_nothing_waits_is_given_up_as_ever() {
    let mut bench = open(10, limit(1.0, 0.0, 1, Excess::Wait));
    let packet = publish("t", b"x").bytes(V311);
    let mut input = Input::new(&[packet.clone(), packet]);
    assert_eq!(input.run(&mut bench, 2 * SECOND).len(), 2);
    assert!(bench.pass(30 * SECOND).is_err());
}

#[test]
fn without_the_limit_what_waits_is_taken_at_once() {
    let mut bench = open(0, limit(0.001, 0.0, 1, Excess::Wait));
    let mut input = Input::new(&vec![publish("t", b"x").bytes(V311); 5]);
    assert_eq!(input.take(&mut bench), 1);
    let now = bench.now;
    bench.session.set_receive_throttle(None, now);
    assert_eq!(bench.session.poll_timeout(), Some(now));
    assert_eq!(input.run(&mut bench, Duration::ZERO).len(), 4);
    assert_eq!(bench.session.poll_timeout(), None);
    assert!(!bench.session.is_throttled());
}

#[test]
fn a_connection_that_ends_takes_the_wait_along() {
    let mut bench = open(0, limit(1.0, 0.0, 1, Excess::Wait));
    let mut input = Input::new(&vec![publish("t", b"x").bytes(V311); 5]);
    assert_eq!(input.take(&mut bench), 1);
    bench.lose();
    assert_eq!(bench.session.poll_timeout(), None);
    assert_eq!(bench.session.input_held_until(), None::<Instant>);
    bench.reconnect(true, &[]);
    assert_eq!(bench.session.input_held_until(), None);
}

#[test]
fn other_packets_do_not_count() {
    let mut bench = open(0, limit(0.001, 0.0, 1, Excess::Wait));
    let mut input = Input::new(&[
        publish("t", b"x").qos(2, 1).bytes(V311),
        pubrel(1),
        vec![0xd0, 0],
        pubrel(1),
    ]);
    assert_eq!(input.take(&mut bench), 1);
    assert_eq!(input.left(), 0);
}
