//! A broker that means harm, over TCP and through the C API: the client ends the
//! connection with the right code, takes no memory on a length's word, and works on
//! the next connection.

mod session_support;
mod support;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use session_support::packets::every_packet;
use session_support::rng::Rng;
use support::prop::*;
use support::*;
use Version::{V31, V311, V5};

/// Counts what the current thread holds, and the most it ever held.
struct Counting;

thread_local! {
    static HELD: Cell<isize> = const { Cell::new(0) };
    static PEAK: Cell<isize> = const { Cell::new(0) };
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The size of the receive buffers that go from one thread to the next, of which the
/// library keeps four.
const SHARED_BUFFER: isize = 160 * 1024;

fn count(bytes: isize) {
    if bytes.abs() == SHARED_BUFFER {
        return; // taken on one thread, and perhaps given back on another
    }
    // A thread that ends has no counters any more, and nothing to measure.
    let _ = HELD.try_with(|held| {
        held.set(held.get() + bytes);
        let _ = PEAK.try_with(|peak| peak.set(peak.get().max(held.get())));
    });
}

// SAFETY: the system's allocator does the work.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        // SAFETY: the caller's promise.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size as isize - layout.size() as isize);
        // SAFETY: the caller's promise.
        unsafe { System.realloc(pointer, layout, size) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(-(layout.size() as isize));
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(pointer, layout) }
    }
}

/// The most that `work` held on this thread at a time beyond what was held before.
fn peak_growth(work: impl FnOnce()) -> isize {
    let before = HELD.get();
    PEAK.set(before);
    work();
    PEAK.get() - before
}

const MIB: isize = 1024 * 1024;

each_version!(
    packets_that_break_a_rule_end_the_attempt,
    packets_that_break_a_rule_end_a_connection_with_flows,
    packets_while_the_client_closes_change_nothing,
    a_packet_cut_off_by_the_end_is_a_lost_connection,
    a_packet_that_is_too_large_takes_no_memory,
    a_packet_that_only_announces_its_size_takes_no_memory,
    mutated_packets_through_the_whole_client,
);

/// A session that is kept, with room for three messages of the server.
fn setup(v: Version) -> Setup {
    // Small packets in a row, each awaited: nothing to gain from Nagle's algorithm.
    let at_once = |client: &Client| client.int_option(MOSQ_OPT_TCP_NODELAY, 1).unwrap();
    let setup = Setup::new(v).clean(false).configure(at_once);
    if v.is_v5() {
        setup
            .props(&[
                Prop::U16(TOPIC_ALIAS_MAXIMUM, 3),
                Prop::U16(RECEIVE_MAXIMUM, 3),
            ])
            .receive_maximum(None)
    } else {
        setup
    }
}

/// QoS 1 under identifier 1, QoS 2 released under 2, SUBSCRIBE under 3; three QoS 2
/// messages of the server, 10 to 12.
fn with_flows(v: Version) -> Wire {
    let mut w = setup(v).open();
    assert_eq!(w.client.publish("a", b"1", 1), Ok(1));
    assert_eq!(w.client.publish("a", b"2", 2), Ok(2));
    assert_eq!(w.client.subscribe("s", 1), Ok(3));
    w.expect_all(&[
        publish("a", b"1").qos(1, 1).bytes(v),
        publish("a", b"2").qos(2, 2).bytes(v),
        subscribe(v, 3, &[], &[("s", 1)]),
    ]);
    w.send(&pubrec(2));
    w.expect(&pubrel(2));
    for mid in 10..13 {
        w.send(&publish("a", b"x").qos(2, mid).bytes(v));
        w.expect(&pubrec(mid));
        w.event(Event::MessageV5(
            Message::new("a", b"x").qos(2, mid),
            Vec::new(),
        ));
    }
    w
}

/// The client ends the connection with `code`, in MQTT 5 after a DISCONNECT with
/// `reason`, and connects again.
#[track_caller]
fn expect_end(w: &mut Wire, code: i32, reason: u8) {
    if w.version.is_v5() {
        w.expect(&disconnect_reason(reason));
    }
    w.expect_close();
    w.event(Event::DisconnectV5(code, Vec::new()));
    assert_eq!(w.client.run_until_error(), code);
    assert_eq!(w.client.socket(), -1);
    assert_eq!(w.client.try_event(), None);
    w.reconnect();
}

/// Messages go both ways.
#[track_caller]
fn works(mut w: Wire) {
    let v = w.version;
    let mid = w.client.publish("again", b"?", 1).unwrap();
    w.expect(&publish("again", b"?").qos(1, mid).bytes(v));
    w.send(&puback(mid));
    w.event(Event::PublishV5(mid.into(), 0, Vec::new()));
    w.send(&publish("again", b"!").qos(1, 900).bytes(v));
    w.expect(&puback(900));
    w.event(Event::MessageV5(
        Message::new("again", b"!").qos(1, 900),
        Vec::new(),
    ));
    w.finish();
}

/// Broken at any time: bytes, code, reason.
fn broken(v: Version) -> Vec<(Vec<u8>, i32, u8)> {
    let malformed = |bytes: Vec<u8>| (bytes, MOSQ_ERR_MALFORMED_PACKET, 0x81);
    let mut all = vec![
        malformed(vec![0x00, 0x00]),
        malformed(vec![0x30, 0xFF, 0xFF, 0xFF, 0xFF, 0x01]),
        malformed(vec![0xD0, 0x80, 0x00]),
        malformed(vec![0xD0, 0x01, 0x00]),
        malformed(vec![0x40, 0x01, 0x00]),
        malformed(vec![0x40, 0x02, 0x00, 0x00]),
        malformed(vec![0x90, 0x02, 0x00, 0x00]),
        (
            vec![0x30, 0xFF, 0xFF, 0xFF, 0x7F],
            MOSQ_ERR_OVERSIZE_PACKET,
            0x95,
        ),
        (connect(v, "x").bytes(), MOSQ_ERR_PROTOCOL, 0x82),
        (subscribe(v, 1, &[], &[("a", 0)]), MOSQ_ERR_PROTOCOL, 0x82),
        (unsubscribe(v, 1, &[], &["a"]), MOSQ_ERR_PROTOCOL, 0x82),
        (PINGREQ.to_vec(), MOSQ_ERR_PROTOCOL, 0x82),
        (vec![0xF0, 0x00], MOSQ_ERR_PROTOCOL, 0x82),
    ];
    if v != V31 {
        all.push(malformed(vec![0x41, 0x02, 0x00, 0x01]));
        all.push(malformed(vec![0x60, 0x02, 0x00, 0x01]));
    }
    if v.is_v5() {
        // A reason code that is none, of PUBACK.
        all.push((ack(0x40, 1, 0x55, &[]), MOSQ_ERR_PROTOCOL, 0x82));
        all.push((
            vec![0x40, 0x04, 0x00, 0x01, 0x00, 0x05],
            MOSQ_ERR_MALFORMED_PACKET,
            0x81,
        ));
    } else {
        all.push((DISCONNECT.to_vec(), MOSQ_ERR_PROTOCOL, 0x82));
    }
    all
}

fn packets_that_break_a_rule_end_the_attempt(v: Version) {
    let mut table = broken(v);
    for early in [
        publish("a", b"early").bytes(v),
        publish("a", b"early").qos(1, 1).bytes(v),
        puback(1),
        pubrec(1),
        pubrel(1),
        pubcomp(1),
        suback(v, 1, &[], &[0]),
        unsuback(v, 1, &[], &[0]),
        PINGRESP.to_vec(),
    ] {
        table.push((early, MOSQ_ERR_PROTOCOL, 0x82));
    }
    if v.is_v5() {
        table.extend([
            (
                vec![0x20, 0x02, 0x00, 0x00],
                MOSQ_ERR_MALFORMED_PACKET,
                0x81,
            ),
            (connack(v, false, 0x01, &[]), MOSQ_ERR_PROTOCOL, 0x82),
            (
                connack(v, false, 0, &[Prop::U16(RECEIVE_MAXIMUM, 0)]),
                MOSQ_ERR_PROTOCOL,
                0x82,
            ),
            (
                connack(v, false, 0, &[Prop::U32(MAXIMUM_PACKET_SIZE, 0)]),
                MOSQ_ERR_PROTOCOL,
                0x82,
            ),
            (
                connack(v, false, 0, &[Prop::U16(TOPIC_ALIAS, 1)]),
                MOSQ_ERR_PROTOCOL,
                0x82,
            ),
            (disconnect_reason(0x8B), MOSQ_ERR_PROTOCOL, 0x82),
        ]);
    }
    if v != V31 {
        table.push((
            packet(
                0x20,
                &[&[2, 0][..], if v.is_v5() { &[0] } else { &[] }].concat(),
            ),
            MOSQ_ERR_MALFORMED_PACKET,
            0x81,
        ));
    }
    let mut w = setup(v).connecting();
    for (bytes, code, reason) in table {
        w.send(&bytes);
        expect_end(&mut w, code, reason);
    }
    w.accept_session(false, &[]);
    works(w);
}

fn packets_that_break_a_rule_end_a_connection_with_flows(v: Version) {
    let mut table = broken(v);
    table.extend([
        (connack(v, false, 0, &[]), MOSQ_ERR_PROTOCOL, 0x82),
        // Acknowledgements of the wrong kind, answers that fit nothing.
        (pubrec(1), MOSQ_ERR_PROTOCOL, 0x82),
        (pubcomp(1), MOSQ_ERR_PROTOCOL, 0x82),
        (puback(2), MOSQ_ERR_PROTOCOL, 0x82),
        (suback(v, 1, &[], &[0]), MOSQ_ERR_PROTOCOL, 0x82),
        (suback(v, 3, &[], &[0, 0]), MOSQ_ERR_PROTOCOL, 0x82),
        (unsuback(v, 3, &[], &[0]), MOSQ_ERR_PROTOCOL, 0x82),
        (publish("", b"no topic").bytes(v), MOSQ_ERR_PROTOCOL, 0x82),
        (
            publish("a/#", b"wildcard").bytes(v),
            MOSQ_ERR_MALFORMED_PACKET,
            0x81,
        ),
        (
            publish("", b"x").raw_topic(b"a\xff").bytes(v),
            MOSQ_ERR_MALFORMED_UTF8,
            0x81,
        ),
        (
            publish("a\0b", b"x").bytes(v),
            MOSQ_ERR_MALFORMED_UTF8,
            0x81,
        ),
    ]);
    if v.is_v5() {
        let aliased = |topic, alias| {
            let props = [Prop::U16(TOPIC_ALIAS, alias)];
            publish(topic, b"x").props(&props).bytes(v)
        };
        table.extend([
            (
                publish("a", b"one too many").qos(2, 13).bytes(v),
                MOSQ_ERR_RECEIVE_MAXIMUM_EXCEEDED,
                0x93,
            ),
            (aliased("a", 4), MOSQ_ERR_TOPIC_ALIAS_INVALID, 0x94),
            (aliased("a", 0), MOSQ_ERR_TOPIC_ALIAS_INVALID, 0x94),
            (aliased("", 1), MOSQ_ERR_PROTOCOL, 0x82),
            (
                auth(0x18, &[text(AUTHENTICATION_METHOD, "M")]),
                MOSQ_ERR_PROTOCOL,
                0x82,
            ),
        ]);
    }
    let table: Vec<_> = table
        .into_iter()
        // This one was sent, and its acknowledgement is only short.
        .filter(|(bytes, ..)| !(v.is_v5() && bytes == &vec![0x40, 0x02, 0x00, 0x01]))
        .collect();
    for (bytes, code, reason) in table {
        let mut w = with_flows(v);
        w.send(&bytes);
        expect_end(&mut w, code, reason);
        // What was in flight still is.
        w.accept_session(true, &[]);
        w.expect_all(&[publish("a", b"1").qos(1, 1).dup().bytes(v), pubrel(2)]);
        w.send(&puback(1));
        w.send(&pubcomp(2));
        w.event(Event::PublishV5(1, 0, Vec::new()));
        w.event(Event::PublishV5(2, 0, Vec::new()));
        // Delivered before, so not again.
        w.send(&publish("a", b"x").qos(2, 10).dup().bytes(v));
        w.expect(&pubrec(10));
        works(w);
    }
}

fn packets_while_the_client_closes_change_nothing(v: Version) {
    for bytes in every_packet(v) {
        let mut w = setup(v).open();
        // It is in the socket when the client says goodbye.
        w.send(&bytes);
        w.client.disconnect().unwrap();
        w.expect(&DISCONNECT);
        w.expect_close();
        w.event(Event::DisconnectV5(0, Vec::new()));
        assert_eq!(w.client.try_event(), None);
        w.reconnect();
        w.accept_session(false, &[]);
        works(w);
    }
}

fn a_packet_cut_off_by_the_end_is_a_lost_connection(v: Version) {
    let whole = publish("topic", &[b'x'; 300]).qos(1, 5).bytes(v);
    let mut w = setup(v).open();
    for end in [1, 2, 3, 4, 9, 100, whole.len() - 1] {
        w.send(&whole[..end]);
        w.lose();
        w.reconnect();
        w.accept_session(true, &[]);
    }
    // Nothing of the halves is left.
    w.send(&whole);
    w.expect(&puback(5));
    w.event(Event::MessageV5(
        Message::new("topic", &[b'x'; 300]).qos(1, 5),
        Vec::new(),
    ));
    works(w);
}

/// A PUBLISH header for a packet of `len` bytes in all.
fn announce(len: usize) -> Vec<u8> {
    let mut header = vec![0x30];
    header.extend(varint(len - 5));
    assert_eq!(header.len(), 5);
    header
}

fn a_packet_that_is_too_large_takes_no_memory(v: Version) {
    let limit = mqttrs::session::DEFAULT_MAXIMUM_PACKET_SIZE;
    let mut w = setup(v).open();
    for len in [limit + 1, 268_435_455 + 5] {
        let growth = peak_growth(|| {
            w.send(&announce(len));
            expect_end(&mut w, MOSQ_ERR_OVERSIZE_PACKET, 0x95);
        });
        assert!(growth < MIB, "{len} bytes announced, {growth} held");
        w.accept_session(true, &[]);
    }
    works(w);
}

fn a_packet_that_only_announces_its_size_takes_no_memory(v: Version) {
    let limit = mqttrs::session::DEFAULT_MAXIMUM_PACKET_SIZE;
    let mut w = setup(v).connecting();
    for connecting in [true, false] {
        if !connecting {
            w.accept_session(false, &[]);
        }
        let growth = peak_growth(|| {
            w.send(&announce(limit));
            w.send(&[0, 1, b'a', 0]);
            // It is not refused, and not there: the connection ends with the network.
            w.lose();
        });
        assert!(growth < MIB, "{growth} bytes held");
        w.reconnect();
    }
    w.accept_session(true, &[]);
    works(w);
}

/// Codes that a mutated packet may lead to: it broke a rule, said goodbye, refused, or was
/// taken and the connection was closed by the test.
fn is_peers_fault(code: i32) -> bool {
    matches!(
        code,
        MOSQ_ERR_PROTOCOL
            | MOSQ_ERR_MALFORMED_PACKET
            | MOSQ_ERR_MALFORMED_UTF8
            | MOSQ_ERR_OVERSIZE_PACKET
            | MOSQ_ERR_RECEIVE_MAXIMUM_EXCEEDED
            | MOSQ_ERR_TOPIC_ALIAS_INVALID
            | MOSQ_ERR_CONN_REFUSED
            | MOSQ_ERR_CONN_LOST
    ) || code >= 0x80
}

fn mutated_packets_through_the_whole_client(v: Version) {
    let packets = every_packet(v);
    let mut w = setup(v).connecting();
    let mut seen = std::collections::HashSet::new();
    for seed in 0..300 {
        let mut rng = Rng::new(seed);
        let mut bytes = Vec::new();
        if rng.once_in(2) {
            bytes.extend(connack(v, false, 0, &[]));
        }
        let start = bytes.len();
        bytes.extend(rng.pick(&packets));
        for _ in 0..1 + rng.below(2) {
            let at = start + rng.below(bytes.len() - start);
            bytes[at] = rng.byte();
        }
        w.send(&bytes);
        w.peer.close();
        let code = w.client.run_until_error();
        assert!(is_peers_fault(code), "seed {seed}: {code} for {bytes:02x?}");
        seen.insert(code);
        assert_eq!(w.client.socket(), -1, "seed {seed}");
        let mut last = None;
        while let Some(event) = w.client.try_event() {
            last = Some(event);
        }
        assert!(matches!(last, Some(Event::DisconnectV5(..))), "{last:?}");

        w.client.reconnect().unwrap();
        w.client.last = MOSQ_ERR_SUCCESS;
        w.peer = w.broker.accept();
        let connect = w.take_packet();
        assert_eq!(connect[0], 0x10);
    }
    assert!(seen.len() >= 4, "only {seen:?}");
    w.accept_session(false, &[]);
    works(w);
}

#[test]
fn aliases_cost_no_more_than_the_packets_that_brought_them() {
    let mut w = setup(V5).open();
    let topic = "t".repeat(60_000);
    let growth = peak_growth(|| {
        for round in 0..100 {
            for alias in 1..=3 {
                let message = publish(&topic, &[round])
                    .qos(1, 5)
                    .props(&[Prop::U16(TOPIC_ALIAS, alias)])
                    .bytes(V5);
                w.send(&message);
                w.expect(&puback(5));
                let event = w.client.next_event();
                assert!(matches!(event, Event::MessageV5(..)));
            }
        }
    });
    assert!(growth < 2 * MIB, "{growth} bytes held");
    works(w);
}

#[test]
fn the_memory_of_a_large_message_is_given_back() {
    let payload = vec![7; 8 * MIB as usize];
    let bytes = publish("large", &payload).bytes(V311);
    let mut w = setup(V311).open();
    let before = HELD.get();
    // Sent by another thread: the socket does not hold all of it.
    std::thread::scope(|scope| {
        let (peer, client) = (&mut w.peer, &mut w.client);
        scope.spawn(|| peer.send(&bytes));
        let event = client.next_event();
        assert!(matches!(event, Event::MessageV5(message, _)
            if message.payload.as_deref() == Some(&payload[..])));
    });
    for mid in 1..4 {
        w.send(&publish("small", b"").qos(1, mid).bytes(V311));
        w.expect(&puback(mid));
        w.client.next_event();
    }
    let held = HELD.get() - before;
    assert!(held < MIB, "{held} bytes are still held");
    works(w);
}
