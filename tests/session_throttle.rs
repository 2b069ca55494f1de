//! Limits of speed for what is sent, with a clock that the test moves.

mod session_support;
mod support;

use std::time::{Duration, Instant};

use mqttrs::error::{CallerError, Error};
use mqttrs::session::{Excess, Outcome, Overflow, QueueOptions, SessionEvent, ThrottleOptions};
use session_support::*;
use support::packet::Version::{V311, V5};
use support::packet::{puback, publish};
use support::prop::Prop;

const SECOND: Duration = Duration::from_secs(1);
const REFUSED: Error = Error::Caller(CallerError::Throttled);

fn messages(rate: f64, burst: u32, excess: Excess) -> ThrottleOptions {
    ThrottleOptions {
        messages_per_second: rate,
        bytes_per_second: 0.0,
        burst_messages: burst,
        burst_bytes: 0,
        excess,
    }
}

fn bytes(rate: f64, burst: usize) -> ThrottleOptions {
    ThrottleOptions {
        messages_per_second: 0.0,
        bytes_per_second: rate,
        burst_messages: 0,
        burst_bytes: burst,
        excess: Excess::Wait,
    }
}

/// Connected, without keep alive, so that every timer is one of a limit.
fn open() -> Bench {
    let setup = Options {
        keep_alive: 0,
        ..Options::default()
    };
    let mut bench = Bench::open_with(V311, setup, &[]);
    bench.session.set_outcomes(true);
    bench
}

fn limit(bench: &mut Bench, filter: Option<&str>, options: ThrottleOptions) {
    let now = bench.now;
    bench.session.set_throttle(filter, Some(&options), now);
}

fn unlimit(bench: &mut Bench, filter: Option<&str>) {
    let now = bench.now;
    bench.session.set_throttle(filter, None, now);
}

/// A message that was sent: when, its QoS, topic, payload and size.
#[derive(Debug, Clone)]
struct Sent {
    at: Duration,
    topic: String,
    payload: Vec<u8>,
    size: usize,
}

/// The PUBLISH packets sent since the last call; those of QoS 1 are acknowledged.
fn collect(bench: &mut Bench, begin: Instant, into: &mut Vec<Sent>) {
    loop {
        let packets = bench.sent();
        if packets.is_empty() {
            return;
        }
        for packet in packets.iter().filter(|packet| packet[0] >> 4 == 3) {
            let header = 1 + packet[1..].iter().take_while(|byte| **byte >= 128).count() + 1;
            let len = usize::from(packet[header]) << 8 | usize::from(packet[header + 1]);
            let topic = header + 2..header + 2 + len;
            let mut payload = topic.end;
            if packet[0] & 6 != 0 {
                let id = u16::from_be_bytes([packet[payload], packet[payload + 1]]);
                payload += 2;
                bench.accept_input(&puback(id));
            }
            into.push(Sent {
                at: bench.now - begin,
                topic: String::from_utf8(packet[topic].to_vec()).unwrap(),
                payload: packet[payload..].to_vec(),
                size: packet.len(),
            });
        }
    }
}

/// Lets time pass, from timer to timer, and gives what was sent.
fn run(bench: &mut Bench, span: Duration) -> Vec<Sent> {
    let (begin, end) = (bench.now, bench.now + span);
    let mut all = Vec::new();
    collect(bench, begin, &mut all);
    while let Some(due) = bench.session.poll_timeout().filter(|due| *due <= end) {
        let step = due.saturating_duration_since(bench.now);
        bench.pass(step).unwrap();
        collect(bench, begin, &mut all);
    }
    bench.now = end;
    all
}

fn payloads(sent: &[Sent]) -> Vec<u8> {
    sent.iter().map(|sent| sent.payload[0]).collect()
}

fn outcomes(bench: &mut Bench) -> Vec<(u16, Outcome)> {
    let seen = bench.seen().into_iter();
    seen.filter_map(|seen| match seen {
        Seen::Event(SessionEvent::Outcome {
            packet_id, outcome, ..
        }) => Some((packet_id.number(), outcome)),
        _ => None,
    })
    .collect()
}

/// Within 5 %, and where the number is small, by one.
#[track_caller]
fn assert_about(found: f64, expected: f64, what: &str) {
    let tolerance = (expected * 0.05).max(1.0);
    assert!(
        (found - expected).abs() <= tolerance,
        "{what}: {found} instead of {expected}"
    );
}

#[test]
fn in_ten_seconds_as_many_messages_go_as_the_limit_says() {
    for filter in [None, Some("t/+")] {
        for qos in [0, 1] {
            for rate in [0.5, 3.0, 10.0, 33.3, 100.0, 1000.0] {
                for burst in [0, 1, 20] {
                    let mut bench = open();
                    limit(&mut bench, filter, messages(rate, burst, Excess::Wait));
                    let expected = f64::from(burst.max(1)) + 10.0 * rate;
                    for _ in 0..(1.2 * expected) as usize + 3 {
                        bench.publish("t/x", b"payload", qos).unwrap();
                    }
                    let sent = run(&mut bench, 10 * SECOND);
                    let case = format!("{filter:?}, QoS {qos}, {rate}/s, burst {burst}");
                    assert_about(sent.len() as f64, expected, &case);
                    let at_once = sent.iter().filter(|sent| sent.at.is_zero()).count();
                    assert_eq!(at_once, burst.max(1) as usize, "{case}");
                }
            }
        }
    }
}

#[test]
fn in_ten_seconds_as_many_bytes_go_as_the_limit_says() {
    for filter in [None, Some("#")] {
        for (rate, burst, len) in [(1000.0, 100, 30), (1e6, 0, 700), (5000.0, 200, 900)] {
            let mut bench = open();
            limit(&mut bench, filter, bytes(rate, burst));
            let first = if burst == 0 {
                rate
            } else {
                (burst as f64).max(len as f64)
            };
            let expected = first + 10.0 * rate;
            for _ in 0..(1.2 * expected) as usize / len {
                bench.publish("t", &vec![0; len], 1).unwrap();
            }
            let sent = run(&mut bench, 10 * SECOND);
            let total: usize = sent.iter().map(|sent| sent.size).sum();
            assert_about(
                total as f64,
                expected,
                &format!("{filter:?} {rate} {burst} {len}"),
            );
        }
    }
}

#[test]
fn of_two_limits_the_tighter_one_counts() {
    let mut bench = open();
    limit(&mut bench, None, messages(10.0, 1, Excess::Wait));
    limit(&mut bench, Some("a/#"), messages(4.0, 1, Excess::Wait));
    limit(&mut bench, Some("b"), messages(100.0, 1, Excess::Wait));
    for _ in 0..200 {
        bench.publish("a/x", b"1", 1).unwrap();
        bench.publish("b", b"2", 0).unwrap();
    }
    let sent = run(&mut bench, 10 * SECOND);
    assert_about(sent.len() as f64, 101.0, "all");
    let of_a = sent.iter().filter(|sent| sent.topic == "a/x").count();
    assert_about(of_a as f64, 41.0, "of a");
}

#[test]
fn a_message_that_two_filters_match_keeps_to_both_limits() {
    let mut bench = open();
    limit(&mut bench, Some("a/+"), messages(10.0, 1, Excess::Wait));
    limit(&mut bench, Some("+/x"), messages(2.0, 1, Excess::Wait));
    for _ in 0..100 {
        bench.publish("a/x", b"1", 1).unwrap();
        bench.publish("b/x", b"2", 1).unwrap();
    }
    let sent = run(&mut bench, 10 * SECOND);
    assert_about(
        sent.len() as f64,
        21.0,
        "those that the second filter matches",
    );
}

#[test]
fn a_limited_topic_holds_up_no_other_and_its_messages_keep_their_order() {
    let mut bench = open();
    limit(&mut bench, Some("slow/#"), messages(1.0, 1, Excess::Wait));
    for number in 0..10 {
        bench.publish("slow/x", &[number], number % 2).unwrap();
        bench.publish("fast", &[number], (number + 1) % 2).unwrap();
    }
    let now = run(&mut bench, Duration::ZERO);
    let of = |sent: &[Sent], topic: &str| {
        let sent: Vec<_> = sent
            .iter()
            .filter(|sent| sent.topic == topic)
            .cloned()
            .collect();
        payloads(&sent)
    };
    let all: Vec<u8> = (0..10).collect();
    assert_eq!(of(&now, "fast"), all);
    assert_eq!(of(&now, "slow/x"), [0]);
    let later = run(&mut bench, 20 * SECOND);
    assert_eq!(payloads(&later), all[1..]);
    let times: Vec<u64> = later.iter().map(|sent| sent.at.as_secs()).collect();
    assert_eq!(times, (1..10).collect::<Vec<_>>());
}

#[test]
fn no_timer_runs_while_nothing_waits() {
    let mut bench = open();
    limit(&mut bench, None, messages(1.0, 1, Excess::Wait));
    limit(&mut bench, Some("a"), bytes(10.0, 10));
    let now = bench.now;
    let received = messages(1.0, 1, Excess::Wait);
    bench.session.set_receive_throttle(Some(&received), now);
    assert_eq!(bench.session.poll_timeout(), None);
    bench.publish("a", b"1", 1).unwrap();
    assert_eq!(run(&mut bench, Duration::ZERO).len(), 1);
    assert_eq!(
        bench.session.poll_timeout(),
        None,
        "the bucket is not full, which is nobody's affair"
    );
    bench.publish("b", b"2", 1).unwrap();
    assert_eq!(bench.session.poll_timeout(), Some(now + SECOND));
    assert_eq!(run(&mut bench, SECOND).len(), 1);
    assert_eq!(bench.session.poll_timeout(), None);
}

#[test]
fn what_waits_for_the_network_or_the_window_has_no_timer() {
    let mut bench = open();
    let now = bench.now;
    bench.session.set_send_maximum(1, now);
    limit(&mut bench, None, messages(10.0, 1, Excess::Wait));
    limit(&mut bench, Some("a"), messages(10.0, 2, Excess::Wait));
    let first = bench.publish("a", b"1", 1).unwrap();
    bench.publish("a", b"2", 1).unwrap();
    bench.publish("b", b"3", 1).unwrap();
    assert_eq!(bench.sent().len(), 1);
    assert_eq!(bench.session.poll_timeout(), None, "the window is full");
    bench.accept_input(&puback(first));
    assert!(bench.session.poll_timeout().is_some());
    bench.lose();
    assert_eq!(bench.session.poll_timeout(), None, "there is no connection");
}

#[test]
fn a_lane_does_not_gather_behind_a_full_window_what_it_would_send_at_once_then() {
    let mut bench = open();
    let now = bench.now;
    bench.session.set_send_maximum(1, now);
    limit(&mut bench, Some("a"), messages(10.0, 1, Excess::Wait));
    let blocker = bench.publish("b", b"0", 1).unwrap();
    assert_eq!(bench.sent().len(), 1);
    for number in 1..50 {
        bench.publish("a", &[number], 1).unwrap();
    }
    bench.pass(10 * SECOND).unwrap();
    assert!(bench.sent().is_empty());
    bench.accept_input(&puback(blocker));
    let sent = run(&mut bench, SECOND);
    assert!(sent.len() <= 13, "{} in a second", sent.len());
}

#[test]
fn beyond_the_limit_a_message_is_refused_and_accepted_again_later() {
    for filter in [None, Some("a")] {
        let mut bench = open();
        limit(&mut bench, filter, messages(1.0, 2, Excess::Refuse));
        for qos in [0, 1] {
            bench.publish("a", b"", qos).unwrap();
        }
        for qos in [0, 1, 2] {
            assert_eq!(bench.publish("a", b"", qos), Err(REFUSED), "{filter:?}");
        }
        let other = bench.publish("b", b"", 0);
        assert_eq!(other.is_ok(), filter.is_some());
        assert_eq!(bench.session.poll_timeout(), None, "nothing waits");
        bench.pass(SECOND).unwrap();
        bench.publish("a", b"", 0).unwrap();
        assert_eq!(bench.publish("a", b"", 0), Err(REFUSED));
    }
}

#[test]
fn beyond_the_limit_a_message_is_accepted_and_dropped() {
    for filter in [None, Some("a")] {
        let mut bench = open();
        limit(&mut bench, filter, messages(1.0, 1, Excess::Drop));
        let first = bench.publish("a", b"1", 1).unwrap();
        let second = bench.publish("a", b"2", 1).unwrap();
        let third = bench.publish("a", b"3", 0).unwrap();
        let sent = run(&mut bench, 10 * SECOND);
        assert_eq!(payloads(&sent), [1 + b'0']);
        assert_eq!(
            outcomes(&mut bench),
            [
                (second, Outcome::Overflow),
                (third, Outcome::Overflow),
                (first, Outcome::Acknowledged)
            ]
        );
        assert_eq!(bench.session.stats().dropped[3], 2);
        assert_eq!(bench.session.queued_messages(), (0, 0));
        bench.publish("a", b"4", 1).unwrap();
        assert_eq!(payloads(&run(&mut bench, SECOND)), [b'4']);
    }
}

#[test]
fn of_what_waits_for_the_limit_only_the_newest_is_kept() {
    for filter in [None, Some("a")] {
        for qos in [0, 1] {
            let mut bench = open();
            limit(&mut bench, filter, messages(1.0, 1, Excess::DropOldest));
            let mids: Vec<_> = (0..5)
                .map(|number| bench.publish("a", &[number], qos).unwrap())
                .collect();
            let sent = run(&mut bench, 10 * SECOND);
            assert_eq!(payloads(&sent), [0, 4], "{filter:?} {qos}");
            assert_eq!(sent[1].at, SECOND);
            let told = outcomes(&mut bench);
            let dropped = told
                .iter()
                .filter(|(_, outcome)| *outcome == Outcome::Overflow);
            let dropped: Vec<_> = dropped.map(|(mid, _)| *mid).collect();
            assert_eq!(dropped, mids[1..4]);
            assert_eq!(told.len(), 5);
        }
    }
}

#[test]
fn while_there_is_no_connection_nothing_is_refused_or_dropped_but_the_newest_kept() {
    for (excess, left) in [
        (Excess::Wait, 5),
        (Excess::Refuse, 5),
        (Excess::Drop, 5),
        (Excess::DropOldest, 1),
    ] {
        for filter in [None, Some("a")] {
            let mut bench = open();
            limit(&mut bench, filter, messages(1.0, 1, excess));
            bench.lose();
            for number in 0..5 {
                bench.publish("a", &[number], 1).unwrap();
            }
            bench.pass(100 * SECOND).unwrap();
            assert_eq!(
                bench.session.queued_messages().0,
                left,
                "{filter:?} {excess:?}"
            );
            outcomes(&mut bench);
            bench.reconnect(true, &[]);
            let sent = run(&mut bench, 10 * SECOND);
            let expected: Vec<u8> = (5 - left as u8..5).collect();
            assert_eq!(payloads(&sent), expected);
            let times: Vec<u64> = sent.iter().map(|sent| sent.at.as_secs()).collect();
            assert_eq!(
                times,
                (0..left as u64).collect::<Vec<_>>(),
                "at the limit's speed"
            );
        }
    }
}

#[test]
fn what_is_sent_again_counts_against_the_limit_of_all() {
    let mut bench = open();
    limit(&mut bench, None, messages(1.0, 3, Excess::Wait));
    for number in 0..6 {
        bench.publish("a", &[number], 1).unwrap();
    }
    assert_eq!(bench.sent().len(), 3);
    bench.lose();
    bench.reconnect(true, &[]);
    assert!(
        bench.sent().is_empty(),
        "a new connection brings no new burst"
    );
    let sent = run(&mut bench, 10 * SECOND);
    assert_eq!(payloads(&sent), [0, 1, 2, 3, 4, 5]);
    assert_eq!(sent[5].at, 6 * SECOND);
}

#[test]
fn without_the_limit_what_waited_goes_at_once_and_in_order() {
    let mut bench = open();
    limit(&mut bench, None, messages(1.0, 1, Excess::Wait));
    limit(&mut bench, Some("a"), messages(1.0, 1, Excess::Wait));
    limit(&mut bench, Some("#"), messages(1000.0, 1000, Excess::Wait));
    for number in 0..6 {
        bench.publish("a", &[number], number % 2).unwrap();
    }
    let mut all = run(&mut bench, Duration::ZERO);
    unlimit(&mut bench, Some("a"));
    all.extend(run(&mut bench, Duration::ZERO));
    assert_eq!(payloads(&all), [0], "the limit for all still holds");
    unlimit(&mut bench, None);
    all.extend(run(&mut bench, Duration::ZERO));
    assert_eq!(payloads(&all), [0, 1, 2, 3, 4, 5]);
    unlimit(&mut bench, Some("#"));
    bench.publish("a", &[6], 0).unwrap();
    assert_eq!(payloads(&run(&mut bench, Duration::ZERO)), [6]);
}

#[test]
fn the_limits_of_the_queue_reach_messages_that_wait_for_their_limit() {
    let options = |overflow| QueueOptions {
        max_messages: 3,
        max_bytes: 0,
        overflow,
        keep_at_most_once: true,
        wait: Duration::ZERO,
    };
    for overflow in [Overflow::DropOldest, Overflow::DropAtMostOnce] {
        let mut bench = open();
        bench.session.set_queue(Some(options(overflow)));
        limit(&mut bench, Some("a"), messages(1.0, 1, Excess::Wait));
        bench.lose();
        let mids: Vec<_> = [("a", 1), ("a", 0), ("b", 1), ("b", 0), ("a", 1)]
            .map(|(topic, qos)| bench.publish(topic, b"x", qos).unwrap())
            .into();
        let expected = match overflow {
            Overflow::DropOldest => [mids[0], mids[1]],
            _ => [mids[1], mids[3]],
        };
        let told = outcomes(&mut bench);
        assert_eq!(told, expected.map(|mid| (mid, Outcome::Overflow)));
        assert_eq!(bench.session.queued_messages().0, 3);
        bench.session.clear_queue();
        assert_eq!(outcomes(&mut bench).len(), 3);
        assert_eq!(bench.session.queued_messages(), (0, 0));
    }
}

#[test]
fn the_queue_is_drained_when_those_that_wait_for_a_limit_have_gone() {
    let mut bench = open();
    limit(&mut bench, Some("a"), messages(1.0, 1, Excess::Wait));
    for _ in 0..3 {
        bench.publish("a", b"x", 1).unwrap();
    }
    let mut mark = bench.session.drain_mark();
    for _ in 0..3 {
        bench.publish("a", b"later", 1).unwrap();
    }
    run(&mut bench, SECOND);
    assert!(!bench.session.is_drained(&mut mark));
    run(&mut bench, SECOND);
    bench.seen();
    assert!(bench.session.is_drained(&mut mark));
    assert_eq!(bench.session.queued_messages().0, 3, "those accepted later");
}

#[test]
fn an_expired_message_takes_nothing_from_its_limit() {
    let mut bench = Bench::open(V5);
    bench.session.set_outcomes(true);
    limit(&mut bench, Some("a"), messages(0.1, 1, Excess::Wait));
    bench.publish("a", b"0", 0).unwrap();
    let expires = [Prop::U32(2, 5)];
    for _ in 0..10 {
        bench.publish_props("a", b"x", 0, &expires).unwrap();
    }
    bench.publish("a", b"1", 0).unwrap();
    bench.sent();
    bench.pass(Duration::from_secs(11)).unwrap();
    let sent = bench.sent();
    let publishes = sent.iter().filter(|packet| packet[0] >> 4 == 3).count();
    assert_eq!(publishes, 1);
    let expired = outcomes(&mut bench);
    let expired = expired
        .iter()
        .filter(|(_, outcome)| *outcome == Outcome::Expired);
    assert_eq!(expired.count(), 10);
}

#[test]
fn messages_that_wait_are_converted_to_another_version() {
    let mut bench = Bench::new(V311);
    limit(&mut bench, Some("a"), messages(1.0, 1, Excess::Wait));
    let mid = bench.publish("a", b"x", 1).unwrap();
    bench.version = V5;
    bench.connect();
    bench.accept(false, &[]);
    bench.expect(&[publish("a", b"x").qos(1, mid).bytes(V5)]);
}

#[test]
fn messages_of_qos_0_need_a_connection_as_without_a_limit() {
    let mut bench = open();
    limit(&mut bench, None, messages(1.0, 1, Excess::Wait));
    bench.lose();
    let refused = bench.publish("a", b"x", 0);
    assert_eq!(refused, Err(Error::Caller(CallerError::NotConnected)));
}

#[test]
fn the_host_is_told_once_that_it_has_to_wake_up_earlier() {
    let mut bench = open();
    limit(&mut bench, None, messages(1.0, 1, Excess::Wait));
    bench.publish("a", b"x", 0).unwrap();
    assert!(!bench.session.has_earlier_timeout());
    bench.publish("a", b"x", 0).unwrap();
    assert!(bench.session.has_earlier_timeout());
    bench.publish("a", b"x", 0).unwrap();
    assert!(!bench.session.has_earlier_timeout());
}
