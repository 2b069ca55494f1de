//! `mqttrs_stats`: what a client counts, over a connection to a scripted broker.

#![allow(
    clippy::undocumented_unsafe_blocks,
    reason = "the C API is called with arguments that live through the call"
)]

mod support;

use std::ffi::c_int;

use support::*;
use Version::{V311, V5};

/// As the header has it.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default)]
struct Stats {
    size: usize,
    messages_sent: [u64; 3],
    message_bytes_sent: [u64; 3],
    messages_received: [u64; 3],
    message_bytes_received: [u64; 3],
    packets_sent: u64,
    packets_received: u64,
    bytes_sent: u64,
    bytes_received: u64,
    connect_attempts: u64,
    connections: u64,
    reconnects: u64,
    disconnects: u64,
    queued_messages: u64,
    queued_bytes: u64,
    in_flight: u64,
    dropped_expired: u64,
    dropped_qos: u64,
    dropped_size: u64,
    dropped_overflow: u64,
    dropped_connection: u64,
    round_trips: u64,
    round_trip_last: u64,
    round_trip_minimum: u64,
    round_trip_smoothed: u64,
    last_disconnect: c_int,
    received_dropped: u64,
}

extern "C" {
    fn mqttrs_stats(mosq: *mut mosquitto, stats: *mut Stats) -> c_int;
}

fn stats(client: &Client) -> Stats {
    let mut stats = Stats {
        size: size_of::<Stats>(),
        ..Stats::default()
    };
    assert_eq!(unsafe { mqttrs_stats(client.0, &mut stats) }, 0);
    stats
}

fn len(packets: &[Vec<u8>]) -> u64 {
    packets.iter().map(|packet| packet.len() as u64).sum()
}

#[test]
fn messages_and_bytes_are_counted_both_ways_by_qos() {
    let v = V311;
    let mut w = Wire::open(v);
    let begun = stats(&w.client);
    assert_eq!((begun.packets_sent, begun.packets_received), (1, 1));
    assert_eq!((begun.connect_attempts, begun.connections), (1, 1));
    // Plain ones in batches, and ones that only the session can judge.
    let (small, repeated) = (publish("a", b"x"), publish("a/b", b"1234").qos(1, 7).dup());
    let mut sent_to_us = vec![small.bytes(v); 50];
    sent_to_us.extend((1..=20).map(|id| publish("a/b", b"123").qos(1, id).bytes(v)));
    sent_to_us.push(repeated.bytes(v));
    sent_to_us.push(publish("abc", b"12345").qos(2, 9).bytes(v));
    w.send(&sent_to_us.concat());
    for id in (1..=20).chain([7]) {
        w.expect(&puback(id));
    }
    w.expect(&pubrec(9));
    let now = stats(&w.client);
    assert_eq!(now.messages_received, [50, 21, 1]);
    let expected = [
        len(&sent_to_us[..50]),
        len(&sent_to_us[50..71]),
        len(&sent_to_us[71..]),
    ];
    assert_eq!(now.message_bytes_received, expected);
    assert_eq!(now.packets_received - begun.packets_received, 72);
    assert_eq!(now.bytes_received - begun.bytes_received, len(&sent_to_us));
    assert_eq!(now.packets_sent - begun.packets_sent, 22);

    let begun = now;
    let mut ours = Vec::new();
    for qos in [0, 0, 0, 1, 2] {
        let id = w.client.publish("t", b"payload", qos).unwrap();
        ours.push(publish("t", b"payload").qos(qos as u8, id).bytes(v));
        w.expect(ours.last().unwrap());
    }
    let now = stats(&w.client);
    assert_eq!(now.messages_sent, [3, 1, 1]);
    let expected = [len(&ours[..3]), len(&ours[3..4]), len(&ours[4..])];
    assert_eq!(now.message_bytes_sent, expected);
    assert_eq!(now.packets_sent - begun.packets_sent, 5);
    assert_eq!(now.bytes_sent - begun.bytes_sent, len(&ours));
    assert_eq!((now.queued_messages, now.in_flight), (2, 2));
    assert!(now.queued_bytes >= 14, "{now:?}");
}

#[test]
fn an_acknowledgement_measures_the_round_trip_and_empties_the_queue() {
    let mut w = Wire::open(V311);
    assert_eq!(stats(&w.client).round_trips, 0);
    let id = w.client.publish("t", b"x", 1).unwrap();
    w.take_packet();
    assert_eq!(stats(&w.client).round_trips, 0);
    w.send(&puback(id));
    w.event(Event::PublishV5(id.into(), 0, vec![]));
    let now = stats(&w.client);
    assert_eq!(now.round_trips, 1);
    assert!(now.round_trip_last > 0 && now.round_trip_minimum == now.round_trip_last);
    assert_eq!(now.round_trip_smoothed, now.round_trip_last);
    assert_eq!((now.queued_messages, now.queued_bytes), (0, 0));
}

#[test]
fn a_lost_connection_is_counted_with_its_cause() {
    let mut w = Wire::open(V311);
    assert_eq!(stats(&w.client).last_disconnect, 0);
    w.peer.close();
    assert_eq!(w.client.run_until_error(), MOSQ_ERR_CONN_LOST);
    let now = stats(&w.client);
    assert_eq!((now.disconnects, now.reconnects), (1, 0));
    assert_eq!(now.last_disconnect, MOSQ_ERR_CONN_LOST);
}

#[test]
fn a_message_that_the_server_cannot_take_is_counted_as_dropped() {
    let v = V5;
    let mut w = Setup::new(v).connecting();
    w.client.publish("t", b"payload", 2).unwrap();
    w.accept_session(false, &[Prop::Byte(prop::MAXIMUM_QOS, 1)]);
    while stats(&w.client).dropped_qos == 0 {
        w.client.step(std::time::Duration::from_millis(10));
    }
    let now = stats(&w.client);
    assert_eq!((now.dropped_qos, now.queued_messages), (1, 0));
    assert_eq!(now.messages_sent, [0; 3]);
}

#[test]
fn a_structure_of_the_future_gets_zeros_and_one_that_is_too_small_an_error() {
    let w = Wire::open(V311);
    let mut long = (Stats::default(), [!0u64; 4]);
    long.0.size = size_of_val(&long);
    let known = std::ptr::from_mut(&mut long).cast();
    assert_eq!(unsafe { mqttrs_stats(w.client.0, known) }, 0);
    assert_eq!((long.0.connections, long.1), (1, [0; 4]));
    let mut short = Stats {
        size: size_of::<Stats>() - 1,
        ..Stats::default()
    };
    let code = unsafe { mqttrs_stats(w.client.0, &mut short) };
    assert_eq!(code, MOSQ_ERR_INVAL);
    assert_eq!(short.connections, 0);
}
