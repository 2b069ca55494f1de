//! Every way to drive a client, and what its functions return.

#![allow(
    clippy::undocumented_unsafe_blocks,
    reason = "the C API is called with arguments that live through the call"
)]

mod support;

use std::time::Duration;

use support::*;
use Version::{V311, V5};

fn published(mid: u16) -> Event {
    Event::PublishV5(mid.into(), 0, vec![])
}

/// All flows of a connection, whoever drives it.
fn check_all_flows(v: Version, drive: Drive) {
    let mut w = Setup::new(v).drive(drive).open();
    let mid = w.client.subscribe("in/#", 2).unwrap();
    w.expect(&subscribe(v, mid, &[], &[("in/#", 2)]));
    w.send(&suback(v, mid, &[], &[2]));
    w.event(Event::SubscribeV5(mid.into(), vec![2], vec![]));

    let mid = w.client.publish("out", b"0", 0).unwrap();
    w.expect(&publish("out", b"0").bytes(v));
    w.event(published(mid));
    let mid = w.client.publish("out", b"1", 1).unwrap();
    w.expect(&publish("out", b"1").qos(1, mid).bytes(v));
    w.send(&puback(mid));
    w.event(published(mid));
    let mid = w.client.publish("out", b"2", 2).unwrap();
    w.expect(&publish("out", b"2").qos(2, mid).bytes(v));
    w.send(&pubrec(mid));
    w.expect(&pubrel(mid));
    w.send(&pubcomp(mid));
    w.event(published(mid));

    w.send(&publish("in/0", b"0").bytes(v));
    w.event(Event::MessageV5(Message::new("in/0", b"0"), vec![]));
    w.send(&publish("in/1", b"1").qos(1, 9).bytes(v));
    w.expect(&puback(9));
    w.event(Event::MessageV5(
        Message::new("in/1", b"1").qos(1, 9),
        vec![],
    ));
    w.send(&publish("in/2", b"2").qos(2, 9).bytes(v));
    w.expect(&pubrec(9));
    w.event(Event::MessageV5(
        Message::new("in/2", b"2").qos(2, 9),
        vec![],
    ));
    w.send(&pubrel(9));
    w.expect(&pubcomp(9));

    let mid = w.client.unsubscribe("in/#").unwrap();
    w.expect(&unsubscribe(v, mid, &[], &["in/#"]));
    w.send(&unsuback(v, mid, &[], &[0]));
    w.event(Event::UnsubscribeV5(mid.into(), vec![]));
    w.finish();
}

fn mosquitto_loop_drives_all_flows(v: Version) {
    check_all_flows(v, Drive::Loop);
}

fn a_foreign_loop_drives_all_flows(v: Version) {
    check_all_flows(v, Drive::Foreign);
}

fn loop_start_drives_all_flows(v: Version) {
    check_all_flows(v, Drive::Thread);
}

fn loop_forever_drives_a_client_until_disconnect(v: Version) {
    let mut w = Wire::open(v);
    w.client.drive = Drive::Thread;
    let handle = *w.client;
    let thread = std::thread::spawn(move || handle.loop_forever());
    let mid = w.client.publish("a", b"x", 1).unwrap();
    w.expect(&publish("a", b"x").qos(1, mid).bytes(v));
    w.send(&puback(mid));
    w.event(published(mid));
    w.end();
    assert_eq!(thread.join().unwrap(), MOSQ_ERR_SUCCESS);
}

fn loop_start_may_come_before_connect_async(v: Version) {
    let broker = Broker::start();
    let mut client = Client::new(v, Some("t"), true);
    client.drive = Drive::Thread;
    client.loop_start().unwrap();
    client.connect_async(broker.port(), 60).unwrap();
    let mut peer = broker.accept();
    peer.expect(&connect(v, "t").bytes());
    peer.send(&connack(v, false, 0, &[]));
    client.expect_event(Event::ConnectV5(0, 0, vec![]));
    client.disconnect().unwrap();
    peer.expect(&DISCONNECT);
    peer.expect_close();
    client.expect_event(Event::DisconnectV5(0, vec![]));
    client.loop_stop(false).unwrap();
}

fn loop_start_may_come_before_connect(v: Version) {
    let broker = Broker::start();
    let mut client = Client::new(v, Some("t"), true);
    client.drive = Drive::Thread;
    client.loop_start().unwrap();
    client.connect(broker.port(), 60).unwrap();
    let mut peer = broker.accept();
    peer.expect(&connect(v, "t").bytes());
    peer.send(&connack(v, false, 0, &[]));
    client.expect_event(Event::ConnectV5(0, 0, vec![]));
}

fn connect_async_is_completed_by_mosquitto_loop(v: Version) {
    let broker = Broker::start();
    let mut client = Client::new(v, Some("t"), true);
    client.connect_async(broker.port(), 60).unwrap();
    let mut peer = broker.accept();
    let step = Duration::from_millis(2);
    peer.expect_while(&connect(v, "t").bytes(), |_| client.step(step));
    peer.send(&connack(v, false, 0, &[]));
    client.expect_event(Event::ConnectV5(0, 0, vec![]));
}

fn connect_async_is_completed_by_loop_forever(v: Version) {
    let broker = Broker::start();
    let mut client = Client::new(v, Some("t"), true);
    client.drive = Drive::Thread;
    client.connect_async(broker.port(), 60).unwrap();
    let handle = *client;
    let thread = std::thread::spawn(move || handle.loop_forever());
    let mut peer = broker.accept();
    peer.expect(&connect(v, "t").bytes());
    peer.send(&connack(v, false, 0, &[]));
    client.expect_event(Event::ConnectV5(0, 0, vec![]));
    client.disconnect().unwrap();
    peer.expect(&DISCONNECT);
    assert_eq!(thread.join().unwrap(), MOSQ_ERR_SUCCESS);
}

fn loop_functions_without_a_connection_say_so(v: Version) {
    let client = Client::new(v, Some("t"), true);
    assert_eq!(client.run_loop(0, 1), MOSQ_ERR_NO_CONN);
    assert_eq!(client.loop_read(), MOSQ_ERR_NO_CONN);
    assert_eq!(client.loop_write(), MOSQ_ERR_NO_CONN);
    assert_eq!(client.loop_misc(), MOSQ_ERR_NO_CONN);
    assert_eq!(client.socket(), -1);
    assert!(!client.want_write());
}

fn a_lost_connection_is_returned_once(v: Version) {
    let mut w = Wire::open(v);
    w.peer.close();
    assert_eq!(w.client.run_until_error(), MOSQ_ERR_CONN_LOST);
    assert_eq!(w.client.run_loop(0, 1), MOSQ_ERR_NO_CONN);
    w.event(Event::DisconnectV5(MOSQ_ERR_CONN_LOST, vec![]));
    assert_eq!(w.client.try_event(), None);
}

fn a_lost_connection_is_returned_by_loop_read(v: Version) {
    let mut w = Setup::new(v).drive(Drive::Foreign).open();
    w.peer.close();
    assert_eq!(w.client.run_until_error(), MOSQ_ERR_CONN_LOST);
    w.event(Event::DisconnectV5(MOSQ_ERR_CONN_LOST, vec![]));
    assert_eq!(w.client.try_event(), None);
}

fn the_socket_stays_the_same_for_a_connection(v: Version) {
    let mut w = Setup::new(v).drive(Drive::Foreign).connecting();
    let socket = w.client.socket();
    assert!(socket >= 0);
    w.accept_session(false, &[]);
    assert_eq!(w.client.socket(), socket);
    w.client.publish("a", b"x", 1).unwrap();
    w.expect(&publish("a", b"x").qos(1, 1).bytes(v));
    w.send(&puback(1));
    w.event(published(1));
    assert_eq!(w.client.socket(), socket);
    w.peer.close();
    assert_eq!(w.client.run_until_error(), MOSQ_ERR_CONN_LOST);
    assert_eq!(w.client.socket(), -1);
}

/// Whatever one `loop_read` leaves is announced by the descriptor.
fn loop_read_leaves_nothing_behind_a_silent_descriptor(v: Version) {
    let mut w = Setup::new(v).drive(Drive::Foreign).open();
    let texts: Vec<_> = (0..50).map(|number| format!("number {number}")).collect();
    let all: Vec<_> = texts
        .iter()
        .flat_map(|t| publish("a", t.as_bytes()).bytes(v))
        .collect();
    w.send(&all);
    let mut delivered = Vec::new();
    while delivered.len() < texts.len() {
        let mut poll = libc::pollfd {
            fd: w.client.socket(),
            events: libc::POLLIN,
            revents: 0,
        };
        let readable = unsafe { libc::poll(&mut poll, 1, DEADLINE.as_millis() as i32) };
        assert_eq!(
            readable,
            1,
            "{} of {} messages",
            delivered.len(),
            texts.len()
        );
        assert_eq!(w.client.loop_read(), MOSQ_ERR_SUCCESS);
        while let Some(event) = w.client.try_event() {
            delivered.push(event);
        }
    }
    let expected: Vec<_> = texts
        .iter()
        .map(|t| Event::MessageV5(Message::new("a", t.as_bytes()), vec![]))
        .collect();
    assert_eq!(delivered, expected);
}

/// More than the network takes at once, because the broker does not read yet.
fn want_write_says_that_bytes_wait(v: Version) {
    let mut w = Setup::new(v).drive(Drive::Foreign).narrow().open();
    assert!(!w.client.want_write());
    let payload = vec![b'x'; 1 << 20];
    let mut mids = Vec::new();
    while !w.client.want_write() {
        mids.push(w.client.publish("big", &payload, 0).unwrap());
        assert!(mids.len() < 200, "the network takes everything");
    }
    let packet = publish("big", &payload).bytes(v);
    for mid in mids {
        w.expect(&packet);
        w.event(published(mid));
    }
    assert!(!w.client.want_write());
    w.finish();
}

fn a_publish_from_another_thread_wakes_the_waiting_loop(v: Version) {
    let mut w = Setup::new(v).drive(Drive::Thread).open();
    // Until this answer the thread waits for the network, with nothing else to wake it.
    w.expect_silence();
    for round in 0..20 {
        let mid = w.client.publish("a", &[round], 1).unwrap();
        w.expect(&publish("a", &[round]).qos(1, mid).bytes(v));
        w.send(&puback(mid));
        w.event(published(mid));
    }
    w.finish();
}

fn max_packets_below_1_is_invalid(v: Version) {
    let w = Wire::open(v);
    for max_packets in [0, -1, i32::MIN] {
        assert_eq!(w.client.run_loop(0, max_packets), MOSQ_ERR_INVAL);
        unsafe {
            assert_eq!(mosquitto_loop_read(w.client.0, max_packets), MOSQ_ERR_INVAL);
            assert_eq!(
                mosquitto_loop_write(w.client.0, max_packets),
                MOSQ_ERR_INVAL
            );
            assert_eq!(
                mosquitto_loop_forever(w.client.0, 0, max_packets),
                MOSQ_ERR_INVAL
            );
        }
    }
    w.finish();
}

fn a_second_loop_start_is_invalid(v: Version) {
    let w = Setup::new(v).drive(Drive::Thread).open();
    assert_eq!(w.client.loop_start(), Err(MOSQ_ERR_INVAL));
    w.finish();
}

fn loop_stop_without_loop_start_is_invalid(v: Version) {
    let w = Wire::open(v);
    assert_eq!(w.client.loop_stop(false), Err(MOSQ_ERR_INVAL));
    assert_eq!(w.client.loop_stop(true), Err(MOSQ_ERR_INVAL));
    w.finish();
}

fn a_stopped_loop_can_be_started_again(v: Version) {
    let mut w = Setup::new(v).drive(Drive::Thread).open();
    w.client.loop_stop(true).unwrap();
    w.client.loop_start().unwrap();
    w.send(&publish("a", b"x").bytes(v));
    w.event(Event::MessageV5(Message::new("a", b"x"), vec![]));
    w.finish();
}

fn after_loop_stop_mosquitto_loop_goes_on_with_the_connection(v: Version) {
    let mut w = Setup::new(v).drive(Drive::Thread).open();
    w.client.loop_stop(true).unwrap();
    w.client.drive = Drive::Loop;
    let mid = w.client.publish("a", b"x", 1).unwrap();
    w.expect(&publish("a", b"x").qos(1, mid).bytes(v));
    w.send(&puback(mid));
    w.event(published(mid));
    w.finish();
}

fn destroy_ends_a_running_thread_and_the_connection(v: Version) {
    let w = Setup::new(v).drive(Drive::Thread).open();
    let Wire {
        client, mut peer, ..
    } = w;
    drop(client);
    peer.expect_close();
}

fn a_function_of_the_loop_inside_a_callback_is_refused_and_harmless(v: Version) {
    let (sender, codes) = std::sync::mpsc::channel();
    let mut w = Wire::open(v);
    w.client.on_event(move |handle, event| {
        if matches!(event, Event::MessageV5(..)) {
            sender.send(handle.run_loop(0, 1)).unwrap();
        }
    });
    w.send(&[publish("a", b"1").bytes(v), publish("a", b"2").bytes(v)].concat());
    w.event(Event::MessageV5(Message::new("a", b"1"), vec![]));
    w.event(Event::MessageV5(Message::new("a", b"2"), vec![]));
    // Two callbacks, one after the other.
    assert_eq!(codes.try_iter().count(), 2);
    w.finish();
}

each_version!(
    mosquitto_loop_drives_all_flows,
    a_foreign_loop_drives_all_flows,
    loop_start_drives_all_flows,
    loop_forever_drives_a_client_until_disconnect,
    loop_start_may_come_before_connect_async,
    loop_start_may_come_before_connect,
    connect_async_is_completed_by_mosquitto_loop,
    connect_async_is_completed_by_loop_forever,
    loop_functions_without_a_connection_say_so,
    a_lost_connection_is_returned_once,
    a_lost_connection_is_returned_by_loop_read,
    the_socket_stays_the_same_for_a_connection,
    loop_read_leaves_nothing_behind_a_silent_descriptor,
    want_write_says_that_bytes_wait,
    a_publish_from_another_thread_wakes_the_waiting_loop,
    max_packets_below_1_is_invalid,
    a_second_loop_start_is_invalid,
    loop_stop_without_loop_start_is_invalid,
    a_stopped_loop_can_be_started_again,
    after_loop_stop_mosquitto_loop_goes_on_with_the_connection,
    destroy_ends_a_running_thread_and_the_connection,
    a_function_of_the_loop_inside_a_callback_is_refused_and_harmless,
);

/// Errors that no repetition makes better.
#[test]
fn loop_forever_ends_with_a_protocol_error() {
    for (v, last_words) in [(V311, vec![]), (V5, disconnect_reason(0x82))] {
        let mut w = Wire::open(v);
        w.client.drive = Drive::Thread;
        let handle = *w.client;
        let thread = std::thread::spawn(move || handle.loop_forever());
        w.send(&PINGREQ);
        w.expect(&last_words);
        w.expect_close();
        assert_eq!(thread.join().unwrap(), MOSQ_ERR_PROTOCOL);
    }
}

#[test]
fn a_connection_to_a_host_name_is_made_off_the_loop_and_completed_by_it() {
    let broker = Broker::start();
    let mut client = Client::new(V311, Some("t"), true);
    client.drive = Drive::Thread;
    client.loop_start().unwrap();
    let host = std::ffi::CString::new("localhost").unwrap();
    let rc = unsafe { mosquitto_connect_async(client.0, host.as_ptr(), broker.port().into(), 60) };
    assert_eq!(rc, MOSQ_ERR_SUCCESS);
    let mut peer = broker.accept();
    peer.expect(&connect(V311, "t").bytes());
}

#[test]
fn loop_forever_after_a_disconnect_ends_with_success() {
    let w = Wire::open(V311);
    w.client.disconnect().unwrap();
    assert_eq!(w.client.loop_forever(), MOSQ_ERR_SUCCESS);
}

#[test]
fn loop_forever_without_a_connect_says_so() {
    let client = Client::new(V311, Some("t"), true);
    assert_eq!(client.loop_forever(), MOSQ_ERR_NO_CONN);
}

#[test]
fn loop_forever_ends_where_the_host_name_does_not_exist() {
    let client = Client::new(V311, Some("t"), true);
    let host = std::ffi::CString::new("no-such-host.invalid").unwrap();
    let rc = unsafe { mosquitto_connect_async(client.0, host.as_ptr(), 1883, 60) };
    // Either call may be the one that finds out.
    if rc == MOSQ_ERR_SUCCESS {
        assert_eq!(client.loop_forever(), MOSQ_ERR_EAI);
    } else {
        assert_eq!(rc, MOSQ_ERR_EAI);
    }
}

/// The program's own thread runs `mosquitto_loop`, another one publishes.
#[test]
fn a_program_with_its_own_loop_thread_may_publish_from_another() {
    let mut w = Wire::open(V311);
    assert_eq!(
        unsafe { mosquitto_threaded_set(w.client.0, true) },
        MOSQ_ERR_SUCCESS
    );
    w.client.drive = Drive::Thread;
    let handle = *w.client;
    let thread = std::thread::spawn(move || loop {
        let code = handle.run_loop(1000, 1);
        if code != MOSQ_ERR_SUCCESS {
            return code;
        }
    });
    for round in 0..50 {
        let mid = w.client.publish("a", &[round], 2).unwrap();
        w.expect(&publish("a", &[round]).qos(2, mid).bytes(V311));
        w.send(&pubrec(mid));
        w.expect(&pubrel(mid));
        w.send(&pubcomp(mid));
        w.event(published(mid));
    }
    w.end();
    assert_eq!(thread.join().unwrap(), MOSQ_ERR_NO_CONN);
}

/// A place that both threads look at, as C's `&mid` would be.
struct Place(std::sync::atomic::AtomicI32);

#[test]
fn the_packet_identifier_is_known_before_on_publish_can_run() {
    use std::sync::atomic::Ordering::SeqCst;
    static PLACE: Place = Place(std::sync::atomic::AtomicI32::new(0));
    let (sender, seen) = std::sync::mpsc::channel();
    let mut w = Setup::new(V311)
        .drive(Drive::Thread)
        .configure(move |client| {
            client.on_event(move |_, event| {
                if let Event::PublishV5(mid, ..) = event {
                    sender.send((*mid, PLACE.0.load(SeqCst))).unwrap();
                }
            });
        })
        .open();
    let topic = std::ffi::CString::new("a").unwrap();
    for _ in 0..200 {
        let rc = unsafe {
            mosquitto_publish(
                w.client.0,
                PLACE.0.as_ptr(),
                topic.as_ptr(),
                0,
                std::ptr::null(),
                0,
                false,
            )
        };
        assert_eq!(rc, MOSQ_ERR_SUCCESS);
        w.expect(&publish("a", b"").bytes(V311));
        let (mid, place) = seen.recv_timeout(DEADLINE).unwrap();
        assert_eq!(mid, place);
    }
}
