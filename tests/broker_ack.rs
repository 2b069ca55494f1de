//! Acknowledging after the callback and by the program, through the C API, as the server sees it.

#![allow(clippy::undocumented_unsafe_blocks, reason = "C is called all over")]

mod support;

use std::ffi::c_int;
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

use support::*;
use Version::{V31, V311, V5};

const AFTER_CALLBACK: c_int = 1;
const MANUAL: c_int = 2;

const DRIVES: [Drive; 3] = [Drive::Loop, Drive::Foreign, Drive::Thread];

extern "C" {
    fn mqttrs_ack_mode_set(mosq: *mut mosquitto, mode: c_int) -> c_int;
    fn mqttrs_ack(mosq: *mut mosquitto, mid: c_int, reason_code: c_int) -> c_int;
}

each_version!(
    each_acknowledgement_is_queued_when_its_callback_has_returned,
    a_callback_that_acknowledges_by_itself_does_so_once,
    threads_acknowledge_in_any_order_and_the_server_sees_that_of_the_messages,
    disconnecting_inside_a_callback_acknowledges_nothing,
    an_acknowledgement_before_disconnecting_is_sent_before_it,
    what_was_acknowledged_offline_is_sent_after_the_reconnect,
);

fn open(version: Version, drive: Drive, mode: c_int) -> Wire {
    let set = move |client: &Client| {
        assert_eq!(unsafe { mqttrs_ack_mode_set(client.0, mode) }, 0);
    };
    Setup::new(version).drive(drive).configure(set).open()
}

fn message(payload: &[u8], qos: c_int, mid: u16) -> Event {
    Event::MessageV5(Message::new("a", payload).qos(qos, mid), vec![])
}

fn ack(client: Handle, mid: impl Into<c_int>) -> c_int {
    unsafe { mqttrs_ack(client.0, mid.into(), 0) }
}

/// What a callback publishes leaves before the acknowledgement, which is therefore queued later, and
/// before that of the next message, though all three have come at once.
fn each_acknowledgement_is_queued_when_its_callback_has_returned(v: Version) {
    for drive in DRIVES {
        let mut w = open(v, drive, AFTER_CALLBACK);
        w.client.on_event(|client, event| {
            if let Event::MessageV5(..) = event {
                client.publish("inside", b"", 0).unwrap();
            }
        });
        let messages = [(1, 7), (2, 8), (1, 9)];
        let packets = messages.map(|(qos, mid)| publish("a", b"x").qos(qos, mid).bytes(v));
        w.send(&packets.concat());
        let inside = publish("inside", b"").bytes(v);
        let answers = [puback(7), pubrec(8), puback(9)];
        w.expect_all(&answers.map(|answer| [inside.clone(), answer].concat()));
        w.send(&pubrel(8));
        w.expect(&pubcomp(8));
    }
}

fn a_callback_that_acknowledges_by_itself_does_so_once(v: Version) {
    for drive in DRIVES {
        let mut w = open(v, drive, AFTER_CALLBACK);
        w.client.on_event(|client, event| {
            if let Event::MessageV5(message, _) = event {
                assert_eq!(ack(client, message.mid), 0);
                assert_eq!(ack(client, message.mid), MOSQ_ERR_NOT_FOUND);
                client.publish("inside", b"", 0).unwrap();
            }
        });
        w.send(&publish("a", b"x").qos(1, 1).bytes(v));
        w.expect_all(&[puback(1), publish("inside", b"").bytes(v)]);
        w.send(&publish("a", b"x").qos(2, 2).bytes(v));
        w.expect_all(&[pubrec(2), publish("inside", b"").bytes(v)]);
        w.send(&pubrel(2));
        w.expect(&pubcomp(2));
    }
}

fn threads_acknowledge_in_any_order_and_the_server_sees_that_of_the_messages(v: Version) {
    const THREADS: u16 = 4;
    const MESSAGES: u16 = 20; // the default Receive Maximum
    for drive in DRIVES {
        let mut w = open(v, drive, MANUAL);
        let qos = |mid: u16| c_int::from(mid % 3 == 0) + 1;
        for mid in 1..=MESSAGES {
            w.send(&publish("a", b"x").qos(qos(mid) as u8, mid).bytes(v));
        }
        for mid in 1..=MESSAGES {
            w.event(message(b"x", qos(mid), mid));
        }
        // Each has every fourth, the newest first.
        let client = *w.client;
        let threads: Vec<_> = (0..THREADS)
            .map(|thread| {
                thread::spawn(move || {
                    for mid in (1..=MESSAGES).rev().filter(|mid| mid % THREADS == thread) {
                        assert_eq!(ack(client, mid), 0);
                        assert_eq!(ack(client, mid), MOSQ_ERR_NOT_FOUND);
                    }
                })
            })
            .collect();
        let (mut pubacks, mut pubrecs) = (Vec::new(), Vec::new());
        for _ in 1..=MESSAGES {
            let packet = w.take_packet();
            let of_its_kind = match packet[0] {
                0x40 => &mut pubacks,
                _ => &mut pubrecs,
            };
            of_its_kind.push(packet);
        }
        for thread in threads {
            thread.join().unwrap();
        }
        let of_qos = |wanted| (1..=MESSAGES).filter(move |mid| qos(*mid) == wanted);
        assert_eq!(pubacks, of_qos(1).map(puback).collect::<Vec<_>>());
        assert_eq!(pubrecs, of_qos(2).map(pubrec).collect::<Vec<_>>());
        w.finish();
    }
}

fn disconnecting_inside_a_callback_acknowledges_nothing(v: Version) {
    for (drive, mode) in [(Drive::Loop, AFTER_CALLBACK), (Drive::Thread, MANUAL)] {
        let mut w = open(v, drive, mode);
        w.client.on_event(|client, event| {
            if let Event::MessageV5(..) = event {
                client.disconnect().unwrap();
            }
        });
        w.send(&publish("a", b"x").qos(1, 1).bytes(v));
        w.expect(&DISCONNECT);
        w.expect_close();
    }
}

fn an_acknowledgement_before_disconnecting_is_sent_before_it(v: Version) {
    for (drive, mode) in [(Drive::Loop, MANUAL), (Drive::Thread, AFTER_CALLBACK)] {
        let mut w = open(v, drive, mode);
        w.client.on_event(|client, event| {
            if let Event::MessageV5(message, _) = event {
                assert_eq!(ack(client, message.mid), 0);
                client.disconnect().unwrap();
            }
        });
        w.send(&publish("a", b"x").qos(1, 1).bytes(v));
        w.expect_all(&[puback(1), DISCONNECT.to_vec()]);
        w.expect_close();
    }
}

fn what_was_acknowledged_offline_is_sent_after_the_reconnect(v: Version) {
    let set = |client: &Client| {
        assert_eq!(unsafe { mqttrs_ack_mode_set(client.0, MANUAL) }, 0);
    };
    let mut w = Setup::new(v).clean(false).configure(set).open();
    for mid in [1, 2] {
        w.send(&publish("a", b"x").qos(1, mid).bytes(v));
        w.event(message(b"x", 1, mid));
    }
    w.lose();
    assert_eq!(ack(*w.client, 2), 0);
    w.reconnect();
    w.accept_session(true, &[]);
    for mid in [1, 2] {
        w.send(&publish("a", b"x").qos(1, mid).dup().bytes(v));
    }
    // A new one is the next that the program hears of.
    w.send(&publish("a", b"new").qos(1, 3).bytes(v));
    w.event(message(b"new", 1, 3));
    assert_eq!(ack(*w.client, 1), 0);
    w.expect_all(&[puback(1), puback(2)]);
    w.finish();
}

#[test]
fn a_client_that_is_destroyed_acknowledges_nothing() {
    for v in [V31, V311, V5] {
        let mut w = open(v, Drive::Thread, MANUAL);
        w.send(&publish("a", b"x").qos(1, 1).bytes(v));
        w.event(message(b"x", 1, 1));
        let Wire {
            client, mut peer, ..
        } = w;
        drop(client);
        peer.expect_close();
    }
}

/// What a slow callback has done with is acknowledged before the next one begins, also where many
/// messages are taken at once: a process that dies then need not do it again.
#[test]
fn acknowledgements_do_not_wait_for_slow_callbacks() {
    const SLOW: Duration = Duration::from_millis(5);
    let mut w = open(V311, Drive::Thread, AFTER_CALLBACK);
    let (go_on, wait) = channel::<()>();
    w.client.on_event(move |_, event| {
        if let Event::MessageV5(message, _) = event {
            match message.payload.as_deref().unwrap() {
                b"slow" => {
                    let begun = Instant::now();
                    while begun.elapsed() < SLOW {
                        thread::yield_now();
                    }
                }
                b"last" => wait.recv().unwrap(),
                _ => {}
            }
        }
    });
    let qos_1 = |payload: &[u8], mid| publish("a", payload).qos(1, mid).bytes(V311);
    // While these are quick, more and more of them are taken at once.
    let quick: Vec<_> = (1..=500).map(|mid| qos_1(b"quick", mid)).collect();
    w.send(&quick.concat());
    w.expect_all(&(1..=500).map(puback).collect::<Vec<_>>());
    w.send(
        &[
            qos_1(b"slow", 501),
            qos_1(b"slow", 502),
            qos_1(b"last", 503),
        ]
        .concat(),
    );
    w.expect_all(&[puback(501), puback(502)]);
    go_on.send(()).unwrap();
    w.expect(&puback(503));
}
