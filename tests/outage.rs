//! An hour without a connection, while a program publishes without pause: what waits stays within
//! the limits, and so does the memory.
//!
//! `MQTTRS_OUTAGE=file` publishes fifty times as much, and writes what it took into that file.

mod session_support;
mod support;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::fmt::Write as _;
use std::time::Duration;

use mqttrs::session::{Outcome, Overflow, QueueOptions, SessionEvent};
use session_support::*;
use support::Version::V311;
use support::*;

/// Counts what the current thread holds, and the most it held.
struct Counting;

thread_local! {
    static HELD: Cell<isize> = const { Cell::new(0) };
    static PEAK: Cell<isize> = const { Cell::new(0) };
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn count(bytes: isize) {
    // A thread that ends has no counter any more, and nothing to measure.
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

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(-(layout.size() as isize));
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(pointer, layout) }
    }
}

/// The most that `body` held beyond what there was before it.
fn peak_of(body: impl FnOnce()) -> usize {
    let before = HELD.get();
    PEAK.set(before);
    body();
    (PEAK.get() - before) as usize
}

const HOUR: u64 = 3600;
const PAYLOAD: [u8; 100] = [7; 100];
const MAX_BYTES: usize = 8 * 1024 * 1024;
const MAX_MESSAGES: usize = 50_000;

/// Messages a second.
fn rate() -> u64 {
    match std::env::var_os("MQTTRS_OUTAGE") {
        Some(_) => 5_000,
        None => 100,
    }
}

/// What one hour did.
struct Hour {
    name: &'static str,
    published: u64,
    accepted: u64,
    refused: u64,
    dropped: u64,
    waiting: usize,
    bytes: usize,
    peak: usize,
}

/// A session that loses its connection; then the clock runs for an hour. After it everything
/// that waits is sent and acknowledged.
fn an_hour(
    name: &'static str,
    options: Option<QueueOptions>,
    memory: usize,
    qos: fn(u64) -> u8,
) -> Hour {
    let mut hour = Hour {
        name,
        published: HOUR * rate(),
        accepted: 0,
        refused: 0,
        dropped: 0,
        waiting: 0,
        bytes: 0,
        peak: 0,
    };
    hour.peak = peak_of(|| {
        let mut bench = Bench::new(V311);
        bench.session.set_outcomes(true);
        bench.session.set_memory(memory);
        bench.session.set_queue(options);
        bench.connect();
        bench.accept(false, &[]);
        bench.pump();
        bench.lose();
        drop(bench.seen());
        let mut now = bench.now;
        for n in 0..hour.published {
            now += Duration::from_secs(1) / rate() as u32;
            bench.now = now;
            match bench.publish("sensor/1/value", &PAYLOAD, qos(n)) {
                Ok(_) => hour.accepted += 1,
                Err(_) => hour.refused += 1,
            }
            // As a loop does, which tells the program at once.
            while let Some(event) = bench.session.poll_event(now) {
                match event {
                    SessionEvent::Outcome {
                        outcome: Outcome::Overflow,
                        ..
                    } => hour.dropped += 1,
                    event => panic!("{event:?}"),
                }
            }
        }
        (hour.waiting, hour.bytes) = bench.session.queued_messages();
    });
    assert_eq!(hour.accepted, hour.dropped + hour.waiting as u64, "{name}");
    assert_eq!(hour.published, hour.accepted + hour.refused, "{name}");
    hour
}

/// All policies, with limits that an hour exceeds many times over.
fn hours() -> Vec<(Hour, usize)> {
    let options = |max_messages, max_bytes, overflow| {
        Some(QueueOptions {
            max_messages,
            max_bytes,
            overflow,
            keep_at_most_once: true,
            wait: Duration::ZERO,
        })
    };
    let by_number = |overflow| options(MAX_MESSAGES, 0, overflow);
    let by_bytes = |overflow| options(0, MAX_BYTES, overflow);
    // What is kept beside the bytes: see `BESIDE`.
    let number_bound = MAX_MESSAGES * (PAYLOAD.len() + 20 + BESIDE);
    let bytes_bound = MAX_BYTES + MAX_BYTES / PAYLOAD.len() * BESIDE;
    let in_turn = |n| (n % 3) as u8;
    let mut hours = Vec::new();
    for (name, overflow) in [
        ("50,000 messages, refuse (or wait)", Overflow::Refuse),
        ("50,000 messages, drop the oldest", Overflow::DropOldest),
        (
            "50,000 messages, drop QoS 0 first",
            Overflow::DropAtMostOnce,
        ),
    ] {
        hours.push((
            an_hour(name, by_number(overflow), usize::MAX, in_turn),
            number_bound,
        ));
    }
    for (name, overflow) in [
        ("8 MiB, refuse (or wait)", Overflow::Refuse),
        ("8 MiB, drop the oldest", Overflow::DropOldest),
        ("8 MiB, drop QoS 0 first", Overflow::DropAtMostOnce),
    ] {
        hours.push((
            an_hour(name, by_bytes(overflow), usize::MAX, in_turn),
            bytes_bound,
        ));
    }
    // Those that stay must not keep the memory of their neighbours that were dropped.
    let name = "50,000 messages, drop QoS 0 first; one in 100 of QoS 1";
    let options = by_number(Overflow::DropAtMostOnce);
    let seldom = |n| u8::from(n % 100 == 0);
    hours.push((an_hour(name, options, usize::MAX, seldom), number_bound));
    let name = "no options, the machine's share set to 16 MiB";
    hours.push((an_hour(name, None, 16 << 20, in_turn), 3 * (16 << 20)));
    hours
}

/// What a message takes beside its bytes, with the queues as large as they get when they grow.
const BESIDE: usize = 3 * 64;

#[test]
fn an_hour_without_a_connection_takes_no_more_memory_than_the_limits_allow() {
    let hours = hours();
    for (hour, bound) in &hours {
        let Hour { name, peak, .. } = hour;
        assert!(peak <= bound, "{name}: {peak} bytes, {bound} at most");
        assert!(hour.refused + hour.dropped > 0, "{name}: never full");
    }
    let through_c = the_c_api_offline();
    if let Some(file) = std::env::var_os("MQTTRS_OUTAGE") {
        std::fs::write(file, as_json(&hours, &through_c)).unwrap();
    }
}

/// The C API as fast as it goes: the number published, refused, and the most held.
fn the_c_api_offline() -> Vec<(&'static str, u64, u64, usize)> {
    use support::queue::QueueOptions;
    let number = HOUR * rate();
    let mut rows = Vec::new();
    for (name, options) in [
        ("8 MiB, refuse", Some((MAX_BYTES, queue::REFUSE))),
        (
            "8 MiB, drop the oldest",
            Some((MAX_BYTES, queue::DROP_OLDEST)),
        ),
        (
            "8 MiB, drop QoS 0 first",
            Some((MAX_BYTES, queue::DROP_QOS0)),
        ),
        ("no options", None),
    ] {
        let mut refused = 0;
        let peak = peak_of(|| {
            let client = Client::new(V311, Some("t"), true);
            if let Some((max_bytes, overflow)) = options {
                client.queue(QueueOptions::new(0, max_bytes, overflow));
            }
            for n in 0..number {
                // Without options QoS 0 needs a connection.
                let qos = if options.is_some() { n % 3 } else { 1 + n % 2 };
                match client.publish("sensor/1/value", &PAYLOAD, qos as i32) {
                    Ok(_) => {}
                    Err(code) => {
                        assert_eq!(code, MOSQ_ERR_QUOTA_EXCEEDED);
                        refused += 1;
                    }
                }
            }
        });
        let bound = match options {
            Some(_) => MAX_BYTES + MAX_BYTES / PAYLOAD.len() * BESIDE,
            None => 3 << 30,
        };
        assert!(peak <= bound, "{name}: {peak} bytes, {bound} at most");
        rows.push((name, number, refused, peak));
    }
    rows
}

#[test]
fn without_options_the_machines_share_is_the_limit_of_messages_that_wait() {
    let mut bench = Bench::new(V311);
    bench.session.set_memory(100_000);
    let mut accepted = 0;
    while bench.publish("a", &PAYLOAD, 1).is_ok() {
        accepted += 1;
        assert!(accepted < 10_000, "no limit");
    }
    assert!(accepted > 400, "{accepted}");
    bench.connect();
    bench.accept(false, &[]);
    // The same limit for QoS 0 that the network does not take.
    bench.session.clear_queue();
    let mut accepted = 0;
    while bench.publish("a", &PAYLOAD, 0).is_ok() {
        accepted += 1;
        assert!(accepted < 10_000, "no limit");
    }
    assert!(accepted > 400, "{accepted}");
    bench.pump();
    bench.publish("a", &PAYLOAD, 0).unwrap();
}

fn as_json(hours: &[(Hour, usize)], through_c: &[(&str, u64, u64, usize)]) -> String {
    let mib = |bytes: usize| format!("{:.1}", bytes as f64 / f64::from(1 << 20));
    let mut out = format!(
        "{{\n  \"title\": \"An hour without a connection\",\n  \"command\": \"make outage\",\n  \
         \"intro\": \"The connection is lost and does not come back for an hour, while the program \
         publishes {} messages a second of 100 bytes, of QoS 0, 1 and 2 in turn where the row says nothing else. The clock is \
         simulated; the peak is what a counting allocator saw. The second table has the same \
         number of messages through the C API, as fast as it takes them.\",\n  \"tables\": [{{\n    \
         \"title\": \"The protocol core, by a simulated clock\",\n    \"columns\": [\"queue\", \
         \"published\", \"accepted\", \"refused\", \"dropped and told\", \"waiting at the end\", \
         \"bytes of these, MiB\", \"peak memory, MiB\"],\n    \"rows\": [\n",
        rate()
    );
    for (hour, _) in hours {
        let Hour {
            name,
            published,
            accepted,
            refused,
            dropped,
            waiting,
            bytes,
            peak,
        } = hour;
        let (bytes, peak) = (mib(*bytes), mib(*peak));
        writeln!(
            out,
            "      [\"{name}\", \"{published}\", \"{accepted}\", \"{refused}\", \"{dropped}\", \
             \"{waiting}\", \"{bytes}\", \"{peak}\"],"
        )
        .unwrap();
    }
    out.truncate(out.len() - 2);
    out.push_str(
        "\n    ]\n  }, {\n    \"title\": \"The C API, offline\",\n    \"columns\": [\"queue\", \
         \"published\", \"refused\", \"peak memory, MiB\"],\n    \"rows\": [\n",
    );
    for (name, published, refused, peak) in through_c {
        let peak = mib(*peak);
        writeln!(
            out,
            "      [\"{name}\", \"{published}\", \"{refused}\", \"{peak}\"],"
        )
        .unwrap();
    }
    out.truncate(out.len() - 2);
    out.push_str(
        "\n    ]\n  }],\n  \"notes\": [\"Without options, messages may take a quarter of the \
         machine's memory, at most 1 GiB; then publishing returns MOSQ_ERR_QUOTA_EXCEEDED. \
         libmosquitto has no limit.\"]\n}\n",
    );
    out
}
