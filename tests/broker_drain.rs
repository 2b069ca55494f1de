//! Waiting for the outcomes of all messages, and for the end of a connection, through the C API.

mod support;

use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

use support::queue::*;
use support::*;
use Version::V311;

/// More than any test waits.
const HOUR: u32 = 3_600_000;

/// A connected client that hears of outcomes, with a message of each QoS on its way.
fn busy(drive: Drive) -> (Wire, [u16; 3]) {
    let mut w = Setup::new(V311).drive(drive).clean(false).open();
    w.client.hear_outcomes();
    let mids = [0, 1, 2].map(|qos| w.client.publish("a", b"", qos).unwrap());
    for _ in 0..3 {
        w.take_packet();
    }
    (w, mids)
}

/// Plays the broker's part for messages of [`busy`], slowly: each answer waits for the one before.
fn finish(peer: &mut Peer, mids: [u16; 3]) {
    peer.send(&pubrec(mids[2]));
    peer.expect(&pubrel(mids[2]));
    peer.send(&[puback(mids[1]), pubcomp(mids[2])].concat());
}

#[test]
fn every_outcome_was_told_when_drain_returns() {
    for drive in [Drive::Thread, Drive::Loop, Drive::Foreign] {
        let (mut w, mids) = busy(drive);
        let handle = *w.client;
        let (done, drained) = channel();
        let waiting = thread::spawn(move || done.send((handle.drain(HOUR), handle.told())));
        finish(&mut w.peer, mids);
        let (rc, mut told) = drained.recv_timeout(DEADLINE).unwrap();
        assert_eq!(rc, MOSQ_ERR_SUCCESS);
        waiting.join().unwrap().unwrap();
        told.sort_unstable();
        let outcomes: Vec<_> = told.iter().map(|told| (told.0, told.1)).collect();
        let [first, second, third] = mids;
        let expected = [(first, SENT), (second, ACKNOWLEDGED), (third, ACKNOWLEDGED)];
        assert_eq!(outcomes, expected, "{drive:?}");
        assert_eq!(handle.drain(0), MOSQ_ERR_SUCCESS, "nothing is left");
    }
}

#[test]
fn several_threads_may_drain_at_once() {
    for drive in [Drive::Thread, Drive::Loop] {
        let (mut w, mids) = busy(drive);
        let handle = *w.client;
        let threads: Vec<_> = (0..4)
            .map(|_| thread::spawn(move || handle.drain(HOUR)))
            .collect();
        finish(&mut w.peer, mids);
        for waiting in threads {
            assert_eq!(waiting.join().unwrap(), MOSQ_ERR_SUCCESS, "{drive:?}");
        }
        assert_eq!(handle.told().len(), 3);
    }
}

#[test]
fn a_server_that_never_answers_is_waited_for_no_longer_than_asked() {
    for drive in [Drive::Thread, Drive::Loop, Drive::Foreign] {
        let (mut w, mids) = busy(drive);
        assert_eq!(w.client.drain(0), MOSQ_ERR_TIMEOUT);
        let start = Instant::now();
        assert_eq!(w.client.drain(50), MOSQ_ERR_TIMEOUT);
        assert!(start.elapsed() >= Duration::from_millis(50));
        // The connection stands, and the messages have their outcomes after all.
        let peer = &mut w.peer;
        peer.send(&pubrec(mids[2]));
        let client = &mut w.client;
        peer.expect_while(&pubrel(mids[2]), |_| client.step(Duration::from_millis(5)));
        peer.send(&[puback(mids[1]), pubcomp(mids[2])].concat());
        client.await_outcomes(3);
    }
}

#[test]
fn messages_accepted_meanwhile_do_not_keep_it_for_ever() {
    let (mut w, mids) = busy(Drive::Thread);
    let handle = *w.client;
    let (done, drained) = channel();
    let waiting = thread::spawn(move || done.send(handle.drain(HOUR)).unwrap());
    finish(&mut w.peer, mids);
    assert_eq!(drained.recv_timeout(DEADLINE).unwrap(), MOSQ_ERR_SUCCESS);
    waiting.join().unwrap();
    // One that nobody acknowledges is for the next call.
    w.client.publish("a", b"", 1).unwrap();
    assert_eq!(handle.drain(0), MOSQ_ERR_TIMEOUT);
}

#[test]
fn without_a_connection_drain_says_so_unless_a_loop_may_bring_one() {
    let client = Client::new(V311, Some("t"), true);
    assert_eq!(client.drain(HOUR), MOSQ_ERR_SUCCESS, "nothing waits");
    client.publish("a", b"", 1).unwrap();
    assert_eq!(client.drain(HOUR), MOSQ_ERR_NO_CONN);
    client.loop_start().unwrap();
    assert_eq!(client.drain(20), MOSQ_ERR_TIMEOUT);
    // What is dropped has its outcome.
    let handle = *client;
    let waiting = thread::spawn(move || handle.drain(HOUR));
    client.queue_clear();
    assert_eq!(waiting.join().unwrap(), MOSQ_ERR_SUCCESS);
}

#[test]
fn drain_goes_on_over_a_lost_connection_where_a_loop_reconnects() {
    let (mut w, mids) = busy(Drive::Thread);
    w.client.reconnect_delay(1, 1);
    let handle = *w.client;
    let (done, drained) = channel();
    let waiting = thread::spawn(move || done.send(handle.drain(HOUR)).unwrap());
    w.peer.close();
    w.peer = w.broker.accept();
    w.take_packet();
    w.send(&connack(V311, true, 0, &[]));
    for _ in 0..2 {
        w.take_packet();
    }
    finish(&mut w.peer, mids);
    assert_eq!(drained.recv_timeout(DEADLINE).unwrap(), MOSQ_ERR_SUCCESS);
    waiting.join().unwrap();
}

#[test]
fn drain_where_nobody_reconnects_ends_with_the_connection() {
    let (mut w, _) = busy(Drive::Loop);
    let handle = *w.client;
    let waiting = thread::spawn(move || handle.drain(HOUR));
    w.peer.close();
    assert_eq!(waiting.join().unwrap(), MOSQ_ERR_CONN_LOST);
    assert_eq!(handle.drain(HOUR), MOSQ_ERR_NO_CONN);
}

#[test]
fn nobody_waits_inside_a_callback() {
    for drive in [Drive::Loop, Drive::Foreign, Drive::Thread] {
        let mut w = Setup::new(V311).drive(drive).open();
        let (tell, told) = channel();
        w.client.on_event(move |client, event| {
            if matches!(event, Event::MessageV5(..)) {
                client.publish("a", b"", 1).unwrap();
                let codes = [client.drain(HOUR), client.disconnect_timeout(HOUR)];
                tell.send(codes).unwrap();
            }
        });
        w.send(&publish("b", b"").bytes(V311));
        w.event(Event::MessageV5(Message::new("b", b""), vec![]));
        let codes = told.recv_timeout(DEADLINE).unwrap();
        assert_eq!(codes, [MOSQ_ERR_INVAL; 2]);
        // The connection is as it was.
        assert_eq!(w.take_packet()[0] >> 4, 3);
    }
}

#[test]
fn drain_ends_when_the_client_is_destroyed() {
    for drive in [Drive::Loop, Drive::Thread] {
        let (w, _) = busy(drive);
        let handle = *w.client;
        let (ready, begun) = channel();
        let waiting = thread::spawn(move || {
            ready.send(()).unwrap();
            handle.drain(HOUR)
        });
        begun.recv_timeout(DEADLINE).unwrap();
        drop(w.client);
        waiting.join().unwrap(); // whatever it says: everything has its outcome
        assert_eq!(handle.told().len(), 3, "{drive:?}");
    }
}

#[test]
fn disconnect_timeout_waits_for_the_outcomes_and_then_disconnects() {
    for drive in [Drive::Thread, Drive::Loop, Drive::Foreign] {
        let (mut w, mids) = busy(drive);
        let handle = *w.client;
        let waiting = thread::spawn(move || handle.disconnect_timeout(HOUR));
        finish(&mut w.peer, mids);
        w.peer.expect(&DISCONNECT);
        w.peer.expect_close();
        assert_eq!(waiting.join().unwrap(), MOSQ_ERR_SUCCESS, "{drive:?}");
        assert_eq!(handle.told().len(), 3);
        assert_eq!(handle.socket(), -1);
    }
}

#[test]
fn disconnect_timeout_ends_a_connection_whose_server_is_silent() {
    for drive in [Drive::Thread, Drive::Loop, Drive::Foreign] {
        let (mut w, mids) = busy(drive);
        assert_eq!(w.client.disconnect_timeout(50), MOSQ_ERR_TIMEOUT);
        assert_eq!(w.client.socket(), -1);
        w.peer.expect(&DISCONNECT);
        w.peer.expect_close();
        // What was not acknowledged is sent again.
        assert_eq!(w.client.told(), [(mids[0], SENT, 0)]);
        w.client.connect_async(w.broker.port(), 60).unwrap();
        w.client.last = MOSQ_ERR_SUCCESS;
        w.accept_again();
        w.send(&connack(V311, true, 0, &[]));
        let again = publish("a", b"").qos(1, mids[1]).dup().bytes(V311);
        w.expect(&again);
    }
}

#[test]
fn disconnect_timeout_without_a_connection_ends_the_attempts_to_get_one() {
    let mut client = Client::new(V311, Some("t"), true);
    client.drive = Drive::Thread;
    assert_eq!(client.disconnect_timeout(HOUR), MOSQ_ERR_NO_CONN);
    client.reconnect_delay(3600, 3600);
    client.loop_start().unwrap();
    let port = Broker::start().port();
    client.connect_async(port, 60).unwrap();
    assert_eq!(client.disconnect_timeout(HOUR), MOSQ_ERR_NO_CONN);
    // Nothing is wanted any more, so the thread ends by itself.
    client.loop_stop(false).unwrap();
}
