//! What the session logs: records with fields, lines without, or nothing.

mod session_support;
mod support;

use std::time::Duration;

use mqttrs::session::{LogRecord, Logging, Overflow, QueueOptions, SessionEvent};
use session_support::*;
use support::packet::Version::{V311, V5};

/// What was logged since the last call.
fn logged(bench: &mut Bench) -> Vec<LogRecord> {
    let seen = bench.seen().into_iter();
    seen.filter_map(|seen| match seen {
        Seen::Event(SessionEvent::Log(record)) => Some(record),
        _ => None,
    })
    .collect()
}

/// The same, as event and fields.
fn records(bench: &mut Bench) -> Vec<String> {
    let shown = |record: &LogRecord| {
        let fields = record.fields();
        let fields = fields.map(|(key, value)| format!(" {key}={value}"));
        record.event().name().to_owned() + &fields.collect::<String>()
    };
    logged(bench).iter().map(shown).collect()
}

fn bench_with_room_for_one() -> Bench {
    let mut bench = Bench::new(V311);
    bench.session.set_queue(Some(QueueOptions {
        max_messages: 1,
        max_bytes: 0,
        overflow: Overflow::DropOldest,
        keep_at_most_once: true,
        wait: Duration::ZERO,
    }));
    bench
}

#[test]
fn nothing_is_logged_unless_somebody_asks() {
    let mut bench = Bench::open(V5);
    bench.subscribe("a", 1).unwrap();
    assert_eq!(logged(&mut bench), []);
}

#[test]
fn messages_that_are_dropped_are_logged_with_the_reason() {
    let mut bench = bench_with_room_for_one();
    bench.session.set_logging(Logging::Records);
    let first = bench.publish("a", b"1", 1).unwrap();
    let second = bench.publish("a", b"2", 1).unwrap();
    bench.session.clear_queue();
    assert_eq!(
        records(&mut bench),
        [
            format!("message.dropped mid={first} reason=overflow"),
            format!("message.dropped mid={second} reason=cleared"),
        ]
    );
}

#[test]
fn each_message_that_a_connection_takes_with_it_is_logged() {
    let mut bench = Bench::open(V5);
    bench.session.set_logging(Logging::Records);
    let mid = bench.publish("a", b"", 0).unwrap();
    // Nobody has taken its bytes.
    bench.session.handle_closed(None);
    assert_eq!(
        records(&mut bench),
        [
            format!("publish.sent dup=0 qos=0 retain=0 mid={mid} topic=a payload_len=0"),
            format!("message.dropped mid={mid} reason=connection_lost"),
        ]
    );
}

#[test]
fn lines_have_no_fields_and_are_libmosquittos_alone() {
    let mut bench = bench_with_room_for_one();
    bench.session.set_logging(Logging::Lines);
    bench.publish("a", b"1", 1).unwrap();
    bench.publish("a", b"2", 1).unwrap();
    assert_eq!(logged(&mut bench), []);
    bench.begin().unwrap();
    let lines = logged(&mut bench);
    assert_eq!(lines.len(), 1);
    assert_eq!(lines[0].text(), "Client t sending CONNECT");
    assert_eq!(lines[0].fields().count(), 0);
}

#[test]
fn a_record_has_the_words_of_its_line() {
    let mut bench = Bench::open(V311);
    for (logging, fields) in [(Logging::Lines, 0), (Logging::Records, 4)] {
        bench.session.set_logging(logging);
        let mid = bench.subscribe("a/+", 2).unwrap();
        let lines = logged(&mut bench);
        assert_eq!(lines.len(), 1);
        let expected =
            format!("Client t sending SUBSCRIBE (Mid: {mid}, Topic: a/+, QoS: 2, Options: 0x00)");
        assert_eq!(lines[0].text(), expected);
        assert_eq!(lines[0].fields().count(), fields);
    }
}

#[test]
fn the_answer_to_a_ping_is_logged_with_its_time() {
    let mut bench = Bench::open(V311);
    bench.session.set_logging(Logging::Records);
    bench.pass(Duration::from_secs(60)).unwrap();
    bench.now += Duration::from_micros(1500);
    bench.accept_input(&[0xd0, 0]);
    assert_eq!(
        records(&mut bench),
        ["pingreq.sent", "pingresp.received round_trip_us=1500"]
    );
}

#[test]
fn what_an_mqtt_5_server_is_told_of_its_errors_is_a_record_and_no_line() {
    for (logging, expected) in [
        (Logging::Records, &["disconnect.sent reason_code=130"][..]),
        (Logging::Lines, &[]),
    ] {
        let mut bench = Bench::open(V5);
        bench.session.set_logging(logging);
        // A second CONNACK.
        let refused = bench.receive(&[0x20, 3, 0, 0, 0]);
        assert!(refused.is_err());
        assert_eq!(records(&mut bench), expected);
    }
}
