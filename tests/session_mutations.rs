//! Packets with bytes changed, cut off and put in, in every state of the protocol
//! machine: it takes them or it ends the connection in order, and works afterwards.

mod session_support;
mod support;

use mqttrs::error::Error;
use mqttrs::session::State;
use session_support::packets::every_packet;
use session_support::rng::Rng;
use session_support::*;

use support::prop::{MAXIMUM_PACKET_SIZE, TOPIC_ALIAS_MAXIMUM};
use support::*;
use Version::{V31, V311, V5};

each_version!(
    every_byte_changed_in_every_packet_and_state,
    every_packet_cut_short_and_made_longer_in_every_state,
    packets_torn_apart_at_random_in_every_state,
    bytes_at_random_in_every_state,
);

/// Where a connection stands when the packet comes.
const STATES: [fn(Version) -> Bench; 4] = [connecting, connected, with_flows, closing];

fn setup(v: Version) -> Options {
    Options {
        props: if v.is_v5() {
            vec![
                Prop::U16(TOPIC_ALIAS_MAXIMUM, 3),
                Prop::U32(MAXIMUM_PACKET_SIZE, 10_000),
            ]
        } else {
            Vec::new()
        },
        receive_maximum: 3,
        ..Options::default()
    }
}

fn connecting(v: Version) -> Bench {
    let mut bench = Bench::with(v, setup(v));
    bench.connect();
    bench
}

fn connected(v: Version) -> Bench {
    Bench::open_with(v, setup(v), &[])
}

/// Packet identifiers 1 to 5: PUBLISH of QoS 1, of QoS 2, released, SUBSCRIBE,
/// UNSUBSCRIBE; two QoS 2 messages of the server, 10 and 11.
fn with_flows(v: Version) -> Bench {
    let mut bench = connected(v);
    for qos in [1, 2, 2] {
        bench.publish("a", b"x", qos).unwrap();
    }
    bench.accept_input(&pubrec(3));
    bench.subscribe("s", 1).unwrap();
    bench.unsubscribe("u").unwrap();
    bench.accept_input(&publish("a", b"x").qos(2, 10).bytes(v));
    bench.accept_input(&publish("a", b"x").qos(2, 11).bytes(v));
    assert_eq!(bench.sent().len(), 8);
    bench.seen();
    bench
}

fn closing(v: Version) -> Bench {
    let mut bench = with_flows(v);
    bench
        .disconnect(mqttrs::types::ReasonCode::SUCCESS, &[])
        .unwrap();
    bench.sent();
    bench
}

/// Lets the bytes arrive, and checks that whatever they are the session stays in order.
#[track_caller]
fn try_bytes(v: Version, begin: fn(Version) -> Bench, bytes: &[u8]) {
    let mut bench = begin(v);
    let mut at = 0;
    let outcome = loop {
        bench.seen();
        match bench.session.handle_input(&bytes[at..], bench.now) {
            Ok(Some(step)) => {
                assert!(step.consumed > 0 && at + step.consumed <= bytes.len());
                if let Some(delivery) = step.delivery {
                    let input = &bytes[at..at + step.consumed];
                    let topic = std::str::from_utf8(&input[delivery.topic]).unwrap();
                    assert!(!topic.contains(['+', '#', '\0']));
                    assert!(!topic.is_empty() || delivery.alias_topic.is_some());
                    let _ = (&input[delivery.properties], &input[delivery.payload]);
                }
                at += step.consumed;
            }
            Ok(None) => break Ok(()),
            Err(error) => break Err(error),
        }
    };
    let sent = bench.sent();
    if let Err(error) = &outcome {
        assert_eq!(bench.session.state(), State::Closing, "{bytes:02x?}");
        let Error::Peer(peer) = error else {
            panic!("{bytes:02x?}: {error:?} is not the peer's fault");
        };
        let goodbye = sent.iter().filter(|packet| packet[0] == 0xE0).count();
        let reason = error.reason_code().filter(|_| v.is_v5());
        match reason {
            Some(reason) => {
                assert_eq!(sent.last(), Some(&disconnect_reason(reason.value())));
                assert_eq!(goodbye, 1, "{peer:?}");
                assert!([0x81, 0x82, 0x93, 0x94, 0x95].contains(&reason.value()));
            }
            None => assert_eq!(goodbye, 0, "{bytes:02x?}: {peer:?}"),
        }
        // Nothing follows.
        bench.accept_input(&publish("a", b"late").qos(1, 1).bytes(v));
        bench.expect(&[]);
    }
    works_again(bench, outcome.err());
}

/// The next connection is as good as the first.
#[track_caller]
fn works_again(mut bench: Bench, error: Option<Error>) {
    let v = bench.version;
    bench.session.handle_closed(error);
    assert_eq!(bench.session.state(), State::Offline);
    bench.seen();
    bench.begin().unwrap();
    assert_eq!(bench.sent()[0][0], 0x10);
    bench.accept(false, &[]);
    bench.seen();
    bench.sent();
    bench.accept_input(&publish("again", b"!").qos(1, 900).bytes(v));
    bench.expect(&[puback(900)]);
    bench.expect_seen(&[received("again", b"!", 1, 900)]);
    bench.session.set_send_maximum(0, bench.now);
    bench.sent();
    let mid = bench.publish("again", b"?", 1).unwrap();
    bench.expect(&[publish("again", b"?").qos(1, mid).bytes(v)]);
    bench.accept_input(&puback(mid));
    bench.expect_seen(&[published(mid, mqttrs::types::ReasonCode::SUCCESS)]);
}

fn every_byte_changed_in_every_packet_and_state(v: Version) {
    for begin in STATES {
        for packet in every_packet(v) {
            try_bytes(v, begin, &packet);
            for at in 0..packet.len() {
                let byte = packet[at];
                for other in [
                    0,
                    0xFF,
                    byte ^ 1,
                    byte ^ 2,
                    byte ^ 0x80,
                    byte.wrapping_add(1),
                    byte.wrapping_sub(1),
                    byte.rotate_left(4),
                ] {
                    let mut bytes = packet.clone();
                    bytes[at] = other;
                    try_bytes(v, begin, &bytes);
                }
            }
        }
    }
}

/// The packet with this body, its length made to fit.
fn with_body(first: u8, body: &[u8]) -> Vec<u8> {
    packet(first, body)
}

fn every_packet_cut_short_and_made_longer_in_every_state(v: Version) {
    for begin in STATES {
        for packet in every_packet(v) {
            let body = &packet[2..];
            assert!(packet[1] < 0x80, "two bytes of fixed header");
            for end in 0..body.len() {
                try_bytes(v, begin, &with_body(packet[0], &body[..end]));
            }
            for more in [&[0][..], &[0xFF], &[0, 0], &[1, 1, 1, 1], &[0x26; 40]] {
                try_bytes(v, begin, &with_body(packet[0], &[body, more].concat()));
            }
        }
    }
}

fn packets_torn_apart_at_random_in_every_state(v: Version) {
    let packets = every_packet(v);
    for seed in 0..6_000 {
        let mut rng = Rng::new(seed);
        let begin = *rng.pick(&STATES);
        let mut bytes = Vec::new();
        for _ in 0..1 + rng.below(3) {
            bytes.extend(rng.pick(&packets));
        }
        for _ in 0..1 + rng.below(4) {
            let at = rng.below(bytes.len());
            match rng.below(5) {
                0 => bytes[at] = rng.byte(),
                1 => bytes.insert(at, rng.byte()),
                2 if bytes.len() > 1 => drop(bytes.remove(at)),
                3 => bytes.truncate(at.max(1)),
                _ => {
                    let other = rng.pick(&packets);
                    let from = rng.below(other.len());
                    bytes.splice(at..at, other[from..].iter().copied());
                }
            }
        }
        try_bytes(v, begin, &bytes);
    }
}

fn bytes_at_random_in_every_state(v: Version) {
    for seed in 0..6_000 {
        let mut rng = Rng::new(seed);
        let begin = *rng.pick(&STATES);
        let len = rng.below(64);
        let mut bytes: Vec<u8> = (0..len).map(|_| rng.byte()).collect();
        // Short packets come through to their readers.
        if len > 2 && rng.once_in(2) {
            bytes[1] = (len - 2) as u8;
        }
        try_bytes(v, begin, &bytes);
    }
}

#[test]
fn a_mutated_packet_is_judged_alike_in_one_piece_and_byte_by_byte() {
    for v in [V31, V311, V5] {
        let packets = every_packet(v);
        for seed in 0..3_000 {
            let mut rng = Rng::new(seed);
            let begin = *rng.pick(&STATES[..3]);
            let mut bytes = rng.pick(&packets).clone();
            let at = rng.below(bytes.len());
            bytes[at] = rng.byte();
            let mut whole = begin(v);
            let at_once = whole.session.handle_input(&bytes, whole.now);
            let mut pieces = begin(v);
            let mut outcome = Ok(None);
            for end in 1..=bytes.len() {
                outcome = pieces.session.handle_input(&bytes[..end], pieces.now);
                if outcome != Ok(None) {
                    break;
                }
            }
            assert_eq!(outcome, at_once, "{bytes:02x?}");
            assert_eq!(pieces.session.state(), whole.session.state());
            assert_eq!(pieces.sent(), whole.sent());
        }
    }
}
