//! Many messages: each costs what it costs alone. A walk of the queue for each of
//! 400,000 would be some hundred thousand million steps, and show.

mod session_support;
mod support;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::collections::VecDeque;

use mqttrs::codec::Properties;
use mqttrs::session::{Publication, SessionEvent};
use mqttrs::types::{QoS, ReasonCode};
use session_support::Bench;
use support::packet::Version::{V311, V5};
use support::packet::{puback, pubcomp, pubrec, Version};

const MANY: usize = 400_000;
const FEW: usize = 4_000;

/// Counts the current thread's allocations and what they hold.
struct Counting;

thread_local! {
    static COUNT: Cell<usize> = const { Cell::new(0) };
    static HELD: Cell<isize> = const { Cell::new(0) };
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn count(number: usize, bytes: isize) {
    // A thread that ends has no counters any more, and nothing to measure.
    let _ = COUNT.try_with(|count| count.set(count.get() + number));
    let _ = HELD.try_with(|held| held.set(held.get() + bytes));
}

// SAFETY: the system's allocator does the work.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(1, layout.size() as isize);
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(0, -(layout.size() as isize));
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(pointer, layout) }
    }
}

/// Publishes `number` messages while offline.
fn fill(bench: &mut Bench, number: usize, qos: QoS) {
    for n in 0..number {
        let message = Publication {
            topic: "topic",
            payload: &(n as u32).to_be_bytes(),
            qos,
            retain: false,
            properties: Properties::EMPTY,
        };
        bench.session.publish(&message, bench.now, |_| ()).unwrap();
    }
}

/// Acknowledges until nothing is left; the batches come from the wire, `pick` takes the
/// next of one. Gives the number of outcomes.
fn drain(bench: &mut Bench, pick: fn(&mut VecDeque<u16>) -> Option<u16>) -> usize {
    let mut outcomes = 0;
    loop {
        let sent = bench.sent();
        let batch = sent.iter().filter(|packet| packet[0] & 0xF0 == 0x30);
        let batch = batch.map(|packet| u16::from_be_bytes([packet[9], packet[10]]));
        let mut batch: VecDeque<u16> = batch.collect();
        if batch.is_empty() {
            return outcomes;
        }
        while let Some(mid) = pick(&mut batch) {
            let answers = match bench.setup.keep_alive {
                // How a test says which QoS it drains.
                1 => [puback(mid), Vec::new()],
                _ => [pubrec(mid), pubcomp(mid)],
            };
            for answer in answers.iter().filter(|answer| !answer.is_empty()) {
                bench.session.handle_input(answer, bench.now).unwrap();
            }
            while let Some(event) = bench.session.poll_event(bench.now) {
                let SessionEvent::Published {
                    packet_id, reason, ..
                } = event
                else {
                    panic!("{event:?}");
                };
                assert_eq!((packet_id.number(), reason), (mid, ReasonCode::SUCCESS));
                outcomes += 1;
            }
        }
    }
}

/// Fills, connects and drains; gives the allocations a message, in hundredths.
fn allocations(
    version: Version,
    number: usize,
    qos: QoS,
    window: u16,
    pick: fn(&mut VecDeque<u16>) -> Option<u16>,
) -> usize {
    let mut bench = Bench::new(version);
    bench.setup.keep_alive = qos.number().into();
    let held = HELD.get();
    let before = COUNT.get();
    fill(&mut bench, number, qos);
    let filled = HELD.get() - held;
    assert!(
        filled < 200 * number as isize,
        "{filled} bytes for {number} small messages"
    );
    bench.session.set_send_maximum(window, bench.now);
    bench.connect();
    bench.accept(false, &[]);
    assert_eq!(drain(&mut bench, pick), number);
    let count = COUNT.get() - before;
    // Nothing of the queue remains, only room for what can be in flight at once.
    let left = HELD.get() - held;
    assert!(left < 8 * 1024 * 1024, "{left} bytes are still held");
    count * 100 / number
}

fn check(version: Version, qos: QoS, window: u16, pick: fn(&mut VecDeque<u16>) -> Option<u16>) {
    let few = allocations(version, FEW, qos, window, pick);
    let many = allocations(version, MANY, qos, window, pick);
    assert!(
        many <= few + 50,
        "{many} of 400,000 against {few} hundredths of an allocation"
    );
}

#[test]
fn queued_messages_drain_through_a_window_of_20() {
    check(V311, QoS::AtLeastOnce, 20, VecDeque::pop_front);
}

#[test]
fn queued_messages_drain_through_an_unlimited_window() {
    check(V5, QoS::AtLeastOnce, 0, VecDeque::pop_front);
}

#[test]
fn queued_messages_drain_when_the_newest_is_acknowledged_first() {
    check(V311, QoS::AtLeastOnce, 0, VecDeque::pop_back);
}

#[test]
fn queued_qos_2_messages_drain_when_the_newest_is_acknowledged_first() {
    check(V5, QoS::ExactlyOnce, 0, VecDeque::pop_back);
}

#[test]
fn a_message_stuck_at_the_head_does_not_slow_the_others_down() {
    let mut bench = Bench::new(V311);
    bench.setup.keep_alive = 1;
    bench.session.set_send_maximum(2, bench.now);
    fill(&mut bench, MANY, QoS::AtLeastOnce);
    bench.connect();
    bench.accept(false, &[]);
    let mut last = 0;
    let mut ended = 0;
    // Identifier 1 is never acknowledged; 65534 others share the second place.
    while let Some(packet) = bench.sent().pop() {
        let mid = u16::from_be_bytes([packet[9], packet[10]]);
        if mid == last {
            break;
        }
        last = mid;
        bench.accept_input(&puback(mid));
        ended += bench.seen().len();
    }
    // The message that would use identifier 1 again has to wait for it.
    assert_eq!((last, ended), (65_535, 65_534));
    bench.accept_input(&puback(1));
    assert_eq!(bench.seen().len(), 1);
    assert_eq!(bench.sent().len(), 2);
}
